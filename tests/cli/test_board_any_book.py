"""The board of a day, whatever is in the book: it fits, it is safe to print, nobody is left out."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from builders import ZONE, at, block, patient, visit
from cli.screens import CLINIC, MONDAY, NOW, stretch, terminal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_cli.cli import board
from infusion_cli.cli.words import plain_text
from infusion_cli.domain.clinic import Chair
from infusion_cli.domain.clinic_time import midnight, zone
from infusion_cli.domain.names import width

STATUSES = ("proposed", "pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow")
WALLS = st.builds("2026-11-30T{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 10, 15, 30, 45)))
INSTANTS = st.none() | WALLS.map(at)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=24)
VISITS = st.builds(
    lambda wall, chair, protocol, changes: (wall, chair, protocol, changes),
    WALLS,
    st.sampled_from(("chair-1", "chair-2", "chair-3", "gone")),
    st.sampled_from(CLINIC.protocols),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(STATUSES),
            "hold_until": INSTANTS,
            "arrived_at": INSTANTS,
            "started_at": INSTANTS,
            "left_at": INSTANTS,
            "confirmed_at": INSTANTS,
            "ride": st.just("") | NAMES,
            "session": st.none() | st.integers(1, 120),
        }
    ),
)
BLOCKS = st.builds(
    lambda kind, wall, hours, reason: (kind, at(wall), at(wall) + hours * 3600, reason),
    st.sampled_from(("chair", "staff", "clinic", "open")),
    WALLS,
    st.integers(1, 9),
    NAMES,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(NAMES, min_size=1, max_size=5),
    drawn=st.lists(VISITS, max_size=8),
    blocked=st.lists(BLOCKS, max_size=2),
    clinic_name=NAMES,
    now=st.sampled_from((NOW, "2026-11-29T09:00", "2026-12-01T09:00")),
    columns=st.integers(80, 200),
    unicode=st.booleans(),
)
def test_whatever_is_in_the_book_every_line_fits_and_every_visit_is_named(
    monkeypatch: pytest.MonkeyPatch,
    people: list[str],
    drawn: list[tuple[str, str, object, dict[str, object]]],
    blocked: list[tuple[str, int, int, str]],
    clinic_name: str,
    now: str,
    columns: int,
    unicode: bool,
) -> None:
    visits = [
        visit(n, wall, chair, of=n % len(people), protocol=protocol, **changes)
        for n, (wall, chair, protocol, changes) in enumerate(drawn)
    ]
    blocks = [
        block(n, kind, {"chair": "chair-1", "staff": "rn-1"}.get(kind, ""), start=start, end=end, reason=reason)
        for n, (kind, start, end, reason) in enumerate(blocked)
    ]
    named = [patient(n, name=name) for n, name in enumerate(people)]
    chairs = (*CLINIC.chairs[:2], Chair("chair-3", people[0]))
    day = stretch(*named, *visits, *blocks, now=now, of=CLINIC._replace(name=clinic_name, chairs=chairs))
    lines = [plain_text(line) for line in board.lines(day, terminal(monkeypatch, columns, unicode=unicode))]
    assert all(width(line) <= columns for line in lines)
    assert not {c for line in lines for c in line if unicodedata.category(c) in {"Cc", "Cf"}}
    assert unicode or all(line.isascii() for line in lines)
    begins, ends = (midnight(d, zone(ZONE)) for d in (MONDAY, date(2026, 12, 1)))
    live = {v.id for v in visits if v.is_live and v.start < ends and v.end > begins}
    listed = {line.split()[1] for line in lines if line.startswith("  ") and line[2:4].isdigit() and line[4:5] == ":"}
    assert listed >= live
