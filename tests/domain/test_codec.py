"""Records as JSON objects and back."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain import codec
from infusion_cli.domain.book import Appointment, Block, Patient, Record, Series, Warn
from infusion_cli.domain.plan import Change, ClinicText, Conflict, Plan, change
from infusion_cli.domain.protocol import Gap, Phase, Span, Step

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [ZoneInfo(n) for n in ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")]
)
INSTANTS = st.integers(0, 7_258_118_400)
MAYBE_INSTANT = st.none() | INSTANTS
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
COUNTS = st.integers(0, 300)
SPANS = st.builds(Span, st.integers(1, 500), st.sampled_from("mhd"))
GAPS = st.builds(Gap, SPANS, st.none() | SPANS, st.tuples(SPANS, SPANS), st.none() | SPANS)
STEPS = st.builds(
    Step, TEXT, st.none() | st.integers(1, 99), GAPS, st.none() | SPANS, st.none() | COUNTS, st.booleans()
)
PHASES = st.builds(Phase, TEXT, COUNTS, COUNTS, *[st.booleans()] * 5)


def few(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


DATES = st.dates(date(1990, 1, 1), date(2100, 1, 1)).map(str)
PATIENTS = st.builds(
    Patient, *[TEXT] * 7, requirements=st.dictionaries(TEXT, DATES, max_size=3).map(lambda d: tuple(sorted(d.items())))
)
APPOINTMENTS = st.builds(
    Appointment,
    id=TEXT,
    patient=TEXT,
    protocol=TEXT,
    series=st.none() | TEXT,
    session=st.none() | COUNTS,
    start=INSTANTS,
    end=INSTANTS,
    leave=INSTANTS,
    chair=TEXT,
    status=TEXT,
    phases=few(PHASES),
    wall=TEXT,
    zone=TEXT,
    uid=TEXT,
    sequence=COUNTS,
    stamp=INSTANTS,
    key=st.none() | TEXT,
    hold_until=MAYBE_INSTANT,
    confirmed_at=MAYBE_INSTANT,
    arrived_at=MAYBE_INSTANT,
    started_at=MAYBE_INSTANT,
    left_at=MAYBE_INSTANT,
    overrides=few(TEXT),
    reason=TEXT,
    cancelled_by=TEXT,
    late=st.booleans(),
    ride=TEXT,
    warnings=few(st.builds(Warn, TEXT, TEXT)),
)
SERIES = st.builds(Series, TEXT, TEXT, TEXT, TEXT, COUNTS, few(STEPS), st.none() | COUNTS, st.none() | DATES)
BLOCKS = st.builds(Block, TEXT, TEXT, TEXT, INSTANTS, INSTANTS, TEXT, TEXT, few(TEXT))
CLINICS = st.builds(ClinicText, TEXT, TEXT, TEXT)
RECORDS: st.SearchStrategy[Record | ClinicText] = PATIENTS | APPOINTMENTS | SERIES | BLOCKS | CLINICS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)

VISIT = Appointment(
    id="A7K2M4",
    patient="P4T8KQ",
    protocol="iv-mood",
    series="S2Q9XW",
    session=3,
    start=1_796_112_000,
    end=1_796_118_300,
    leave=1_796_117_400,
    chair="window",
    status="booked",
    phases=(Phase("infusion", 40, patients_per_nurse=2, dosing=True), Phase("turnover", 15, after_leave=True)),
    wall="2026-12-01T09:00",
    zone="Europe/Berlin",
    uid="u",
)
STEP = Step("induction", 6, Gap(Span(24, "h"), None, (Span(2, "d"), Span(4, "d")), Span(5, "d")), Span(21, "d"))


def through_json(fields: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(fields, sort_keys=True))
    return read


@given(RECORDS, ZONES)
def test_every_record_comes_back_through_json_as_it_was(record: Record | ClinicText, tz: ZoneInfo) -> None:
    entity = change(None, record).entity
    assert codec.decode(entity, through_json(codec.encode(record, tz))) == record


@given(RECORDS, ZONES)
def test_a_record_is_written_with_every_field(record: Record | ClinicText, tz: ZoneInfo) -> None:
    assert set(codec.encode(record, tz)) == set(record._fields)


@given(RECORDS, st.booleans(), ZONES)
def test_changes_come_back(record: Record | ClinicText, is_new: bool, tz: ZoneInfo) -> None:
    made = change(None if is_new else record, record)
    fields = through_json(codec.encode_change(made, tz))
    assert fields["op"] == ("create" if is_new else "update")
    assert codec.decode_change(fields) == made


@given(few(RECORDS), INSTANTS, COUNTS, ZONES)
def test_plans_come_back_without_their_conflicts_which_are_asked_for_again(
    records: tuple[Record | ClinicText, ...], created: int, revision: int, tz: ZoneInfo
) -> None:
    changes = tuple(change(None, r) for r in records)
    stands = Conflict("chair-busy", "hard", overridable=False, message="taken", start=created)
    plan = Plan(changes, (stands,), {"sessions": 2}, "L1", created, revision)
    fields = through_json(codec.encode_plan(plan, tz))
    assert fields["conflicts"][0]["rule"] == "chair-busy"
    assert codec.decode_plan(fields) == plan._replace(conflicts=())


@given(STEPS)
def test_steps_come_back(step: Step) -> None:
    assert codec.decode_step(through_json(codec.encode_step(step))) == step


def test_times_are_written_in_the_zone_of_the_clinic() -> None:
    fields = codec.encode(VISIT, BERLIN)
    assert fields["start"] == "2026-12-01T09:00:00+01:00"
    assert fields["hold_until"] is None
    assert fields["phases"][0] == {"name": "infusion", "minutes": 40, "patients_per_nurse": 2, "dosing": True}


def test_every_instant_is_written_as_text_with_an_offset() -> None:
    at: dict[str, Any] = dict.fromkeys(
        ("stamp", "hold_until", "confirmed_at", "arrived_at", "started_at", "left_at"), VISIT.start
    )
    fields = codec.encode(VISIT._replace(**at), BERLIN)
    assert {fields[name] for name in at} == {"2026-12-01T09:00:00+01:00"}
    assert not any(isinstance(v, int) and v > 1_000_000 for v in fields.values())


def test_steps_are_written_as_the_file_of_the_clinic_writes_them() -> None:
    assert codec.encode_step(STEP) == {
        "name": "induction",
        "sessions": 6,
        "gap": {"min": "24h", "ideal": "2d-4d", "long": "5d"},
        "window": "21d",
    }


def test_a_conflict_is_written_with_its_times() -> None:
    fields = codec.encode_conflict(
        Conflict("chair-busy", "hard", overridable=False, message="taken", subject="A1", start=VISIT.start), BERLIN
    )
    assert fields == {
        "rule": "chair-busy",
        "severity": "hard",
        "overridable": False,
        "message": "taken",
        "subject": "A1",
        "start": "2026-12-01T09:00:00+01:00",
        "end": None,
    }


WRITTEN = {
    "appointment": codec.encode(VISIT, BERLIN),
    "series": codec.encode(Series("S1", "P1", "iv-mood", "active", 6, (STEP,)), BERLIN),
    "patient": codec.encode(Patient("P1", "M1", "Yara", requirements=(("consent", "2026-11-16"),)), BERLIN),
    "block": codec.encode(Block("B1", "chair", "window", 0, 3600, "lamp"), BERLIN),
}


def spoil(value: Any, with_: Any, data: st.DataObject) -> Any:
    """The value with something in it, at whatever depth, replaced."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        return value | {name: spoil(value[name], with_, data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [spoil(value[0], with_, data), *value[1:]]
    return with_


@given(st.sampled_from(sorted(WRITTEN)), JSON, st.data())
def test_a_spoilt_record_raises_only_what_is_promised(entity: str, value: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WRITTEN[entity])))
    fields = WRITTEN[entity] | {name: spoil(WRITTEN[entity][name], value, data)}
    try:
        found = codec.decode(entity, fields)
    except (KeyError, TypeError, ValueError):
        return
    assert change(None, found).entity == entity


@given(JSON, st.data())
def test_a_spoilt_plan_raises_only_what_is_promised(value: Any, data: st.DataObject) -> None:
    whole = codec.encode_plan(Plan((Change("appointment", VISIT.id, None, VISIT),), id="L1"), BERLIN)
    try:
        found = codec.decode_plan(spoil(whole, value, data))
    except (KeyError, TypeError, ValueError):
        return
    assert isinstance(found, Plan)


def test_an_ideal_that_is_a_number_is_a_value_error() -> None:
    fields = codec.encode_step(STEP)
    with pytest.raises(ValueError, match="length"):
        codec.decode_step(fields | {"gap": fields["gap"] | {"ideal": 3}})


@pytest.mark.parametrize("value", [3, None, "consent", ["consent"]])
def test_requirements_that_are_no_object_are_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        codec.decode("patient", WRITTEN["patient"] | {"requirements": value})


@pytest.mark.parametrize("text", ["", "h", "24", "24w", "-1h", "1.5h", "²h", "٣d", " 3d"])
def test_what_is_no_span_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="length"):
        codec.decode_span(text)


@pytest.mark.parametrize("value", ["6", 6.0, True, None, float("inf")])
def test_a_count_that_is_no_whole_number_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        codec.decode_step(codec.encode_step(STEP) | {"sessions": value})
