"""The clinic as the tree that the book keeps."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain.clinic import Chair, Clinic, Closure, Hours, Practitioner, Shift, Words
from infusion_cli.domain.clinic_tree import build, tree
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.formats import clinic_toml

DATA = Path(__file__).parent.parent / "data"

texts = st.text(max_size=20)
ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}", fullmatch=True)
days = st.lists(st.integers(0, 6), max_size=7, unique=True).map(tuple)
minutes = st.integers(0, 1440)
spans = st.builds(Span, st.integers(0, 5000), st.sampled_from("mhd"))
gaps = st.builds(Gap, spans, st.none() | spans, st.tuples(spans, spans), st.none() | spans)
steps = st.builds(
    Step,
    name=texts,
    sessions=st.none() | st.integers(1, 50),
    gap=gaps,
    window=st.none() | spans,
    review_after=st.none() | st.integers(1, 50),
    review_before=st.booleans(),
)
phases = st.builds(Phase, texts, st.integers(1, 600), st.integers(0, 10), *[st.booleans() for _ in Phase._fields[3:]])
protocols = st.builds(
    Protocol,
    id=ids,
    title=texts,
    phases=st.lists(phases, max_size=3).map(tuple),
    course=st.lists(steps, max_size=3).map(tuple),
    provider=st.booleans(),
    requires=st.lists(ids, max_size=3).map(tuple),
    observation_minimum=st.none() | st.integers(1, 200),
    per_protocol_week=st.none() | st.integers(1, 7),
    public_title=texts,
)
clinics = st.builds(
    Clinic,
    name=texts,
    public_name=texts,
    timezone=st.sampled_from(["America/New_York", "Asia/Kathmandu"]),
    grid=st.integers(1, 720),
    cancel_notice=spans,
    hours=st.lists(st.builds(Hours, days, minutes, minutes), max_size=2).map(tuple),
    chairs=st.lists(st.builds(Chair, ids, texts, st.lists(ids, max_size=2).map(tuple)), max_size=2).map(tuple),
    staff=st.lists(
        st.builds(
            Practitioner,
            ids,
            st.sampled_from(["nurse", "provider"]),
            st.lists(st.builds(Shift, days, minutes, minutes), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    protocols=st.lists(protocols, max_size=2).map(tuple),
    closures=st.lists(st.builds(Closure, st.dates(), texts), max_size=2).map(tuple),
    phone=texts,
    email=texts,
    address=texts,
    language=st.sampled_from(["", "en", "de-AT"]),
    words=st.builds(Words, *[texts for _ in Words._fields]),
)


@given(clinics)
def test_any_clinic_comes_back_equal_from_json_text(clinic: Clinic) -> None:
    assert build(json.loads(json.dumps(tree(clinic)))) == clinic


@pytest.mark.parametrize("name", ["harbor", "solo", "spravato"])
def test_the_sample_clinics_come_back_equal(name: str) -> None:
    _, clinic = clinic_toml.read(DATA / name / "clinic.toml")

    assert build(tree(clinic)) == clinic


def test_times_dates_days_and_lengths_are_written_as_in_the_file() -> None:
    gap = Gap(Span(24, "h"), None, (Span(2, "d"), Span(4, "d")), None)
    clinic = Clinic(
        name="A",
        public_name="B",
        timezone="Europe/Berlin",
        grid=15,
        cancel_notice=Span(24, "h"),
        hours=(Hours((0, 6), 480, 1440),),
        chairs=(),
        staff=(),
        protocols=(Protocol("iv", "IV", (Phase("drip", 40, dosing=True),), (Step("all", None, gap),)),),
        closures=(Closure(date(2026, 12, 25), "Christmas Day"),),
    )

    assert tree(clinic) == {
        "schema": 1,
        "clinic": {
            "name": "A",
            "public_name": "B",
            "timezone": "Europe/Berlin",
            "grid": 15,
            "cancel_notice": "24h",
        },
        "hours": [{"days": ["MO", "SU"], "open": "08:00", "close": "24:00"}],
        "closures": [{"date": "2026-12-25", "reason": "Christmas Day"}],
        "chairs": [],
        "staff": [],
        "protocols": [
            {
                "id": "iv",
                "title": "IV",
                "provider": False,
                "requires": [],
                "phases": [{"name": "drip", "minutes": 40, "dosing": True}],
                "course": [{"name": "all", "sessions": "open", "gap": {"min": "24h", "ideal": "2d-4d"}}],
            }
        ],
    }


def test_a_damaged_tree_is_an_error() -> None:
    _, clinic = clinic_toml.read(DATA / "solo" / "clinic.toml")
    damaged = tree(clinic)
    del damaged["clinic"]["grid"]

    with pytest.raises(KeyError):
        build(damaged)
