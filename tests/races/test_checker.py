"""The checker of the races and kills is itself checked: each planted fault is found, and nothing else is."""

from __future__ import annotations

import ast
import json
import sqlite3
import sys
from datetime import date
from pathlib import Path
from typing import Any

import checker
import outside
import pytest
from builders import CONSULT, MOOD, WEEK, at, block, book, clinic, patient, provider, series, visit

from infusion_cli.domain.book import Appointment, Block, Series
from infusion_cli.domain.clinic import Chair, Clinic, Closure, Practitioner, Shift
from infusion_cli.domain.protocol import Gap, Phase, Span, Step
from infusion_cli.store import rows

EVENING = block(0, "open", "", start=at("2026-12-01T17:00"), end=at("2026-12-01T19:00"))


def planted(path: Path, *records: Appointment | Block | Series, of: Clinic | None = None) -> Path:
    """A book with the records written past every rule and guard, and without claims."""
    book(path, of).close()
    connection = sqlite3.connect(path, isolation_level=None)
    for record in records:
        table, fields = _row(record)
        columns, marks = ", ".join(f'"{c}"' for c in fields), ", ".join("?" * len(fields))
        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(fields.values()))
    connection.close()
    return path


def _row(record: Appointment | Block | Series) -> tuple[str, dict[str, Any]]:
    if isinstance(record, Appointment):
        return "appointment", {"clinic_id": "main", **rows.visit_row(record)}
    if isinstance(record, Block):
        return "block", {"clinic_id": "main", **rows.block_row(record)}
    return "series", {"clinic_id": "main", **rows.series_row(record, 1)}


def fault(path: Path) -> str:
    """The one fault of a book."""
    (only,) = checker.problems(path)
    return only


def test_the_checker_imports_nothing_of_the_program() -> None:
    imported: set[str] = set()
    for module in (checker, outside):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imported |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        imported |= {name.name for n in ast.walk(tree) if isinstance(n, ast.Import) for name in n.names}
    strange = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert strange == {"outside", "psycopg"}


def test_a_full_and_sound_day_has_no_problem(tmp_path: Path) -> None:
    day = [
        visit(n, f"2026-12-01T{8 + 2 * (n // 2):02}:{30 * (n % 2):02}", f"chair-{n % 2 + 1}", of=n) for n in range(8)
    ]
    path = planted(tmp_path / "book.db", *day, visit(9, "2026-12-01T16:00", "chair-1", protocol=CONSULT))
    assert checker.problems(path) == []
    assert checker.overbooked_minutes(path) == 0
    assert len(checker.visits(path)) == 9


def test_two_visits_in_one_chair_are_found_to_the_minute(tmp_path: Path) -> None:
    path = planted(tmp_path / "book.db", visit(0), visit(1, "2026-12-01T10:30"))
    assert "overbooked: chair chair-1 2026-12-01 10:30 to 10:45" in fault(path)
    assert checker.overbooked_minutes(path) == 15


def test_visits_that_only_touch_are_no_overbooking(tmp_path: Path) -> None:
    assert checker.problems(planted(tmp_path / "book.db", visit(0), visit(1, "2026-12-01T10:45"))) == []


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_a_visit_that_does_not_take_place_takes_nothing(tmp_path: Path, status: str) -> None:
    assert checker.problems(planted(tmp_path / "book.db", visit(0), visit(1, status=status))) == []


@pytest.mark.parametrize("status", checker.LIVE)
def test_every_live_status_takes_its_chair(tmp_path: Path, status: str) -> None:
    path = planted(tmp_path / "book.db", visit(0), visit(1, "2026-12-01T10:30", status=status))
    assert "overbooked: chair" in fault(path)


def test_a_patient_in_two_chairs_is_found(tmp_path: Path) -> None:
    consult = visit(1, "2026-12-01T10:00", "chair-2", of=0, protocol=CONSULT)
    assert "overbooked: patient" in fault(planted(tmp_path / "book.db", visit(0), consult))


def test_more_hands_than_nurses_are_found(tmp_path: Path) -> None:
    three = clinic(chairs=tuple(Chair(f"chair-{n}", "") for n in range(3)))
    at_once = [visit(n, "2026-12-01T09:00", f"chair-{n}", of=n) for n in range(3)]
    assert "overbooked: hands" in fault(planted(tmp_path / "book.db", *at_once, of=three))
    assert checker.overbooked_minutes(tmp_path / "book.db") == 20


def test_more_attention_than_the_nurses_have_is_found(tmp_path: Path) -> None:
    many = clinic(chairs=tuple(Chair(f"chair-{n}", "") for n in range(5)))
    starts = ("09:00", "09:00", "09:20", "09:20", "09:40")
    staggered = [visit(n, f"2026-12-01T{start}", f"chair-{n}", of=n) for n, start in enumerate(starts)]
    found = checker.problems(planted(tmp_path / "book.db", *staggered, of=many._replace(grid=5)))
    assert [line.split()[1] for line in found] == ["attention"]


def test_a_nurse_counts_only_during_the_shift(tmp_path: Path) -> None:
    late = Practitioner("rn-late", "nurse", (Shift(WEEK, 600, 1035),))
    path = planted(tmp_path / "book.db", visit(0), of=clinic(staff=(late, provider(1))))
    found = checker.problems(path)
    assert {line.split()[1] for line in found} == {"hands", "attention"}
    assert all("09:" in line for line in found)


def test_a_nurse_who_is_away_does_not_count(tmp_path: Path) -> None:
    away = [block(n, "staff", f"rn-{n}", start=at("2026-12-01T10:00"), end=at("2026-12-01T10:10")) for n in (1, 2)]
    path = planted(tmp_path / "book.db", visit(0), *away)
    assert "overbooked: attention  2026-12-01 10:00 to 10:10" in fault(path)


def test_an_override_of_staff_takes_no_staff(tmp_path: Path) -> None:
    nobody = clinic(staff=(provider(1),))
    path = planted(tmp_path / "book.db", visit(0, overrides=("staff-short",)), of=nobody)
    assert checker.problems(path) == []


def test_one_provider_cannot_give_two_consultations(tmp_path: Path) -> None:
    two = [visit(n, "2026-12-01T09:00", f"chair-{n + 1}", of=n, protocol=CONSULT) for n in range(2)]
    assert "overbooked: provider" in fault(planted(tmp_path / "book.db", *two))


def test_a_provider_has_to_be_there_from_dosing_to_leave(tmp_path: Path) -> None:
    away = block(0, "staff", "dr-1", start=at("2026-12-01T09:00"), end=at("2026-12-01T09:20"))
    assert checker.problems(planted(tmp_path / "early.db", visit(0), away)) == []
    assert "without a provider" in fault(
        planted(tmp_path / "late.db", visit(0), away._replace(end=at("2026-12-01T09:21")))
    )


def test_a_visit_outside_hours_is_found_unless_hours_were_added(tmp_path: Path) -> None:
    late = visit(0, "2026-12-01T15:30")
    assert "outside hours 2026-12-01 17:00 to 17:15" in fault(planted(tmp_path / "book.db", late))
    assert checker.problems(planted(tmp_path / "open.db", late, EVENING)) == []


def test_a_closure_and_a_block_of_the_clinic_are_found(tmp_path: Path) -> None:
    closed = clinic(closures=(Closure(date(2026, 12, 1), "storm"),))
    assert "in a closure" in fault(planted(tmp_path / "day.db", visit(0), of=closed))
    flood = block(0, "clinic", "", start=at("2026-12-01T10:44"), end=at("2026-12-01T12:00"))
    assert "in a closure 2026-12-01 10:44 to 10:45" in fault(planted(tmp_path / "block.db", visit(0), flood))


def test_a_chair_that_is_out_of_order_is_found_and_a_lifted_block_is_not(tmp_path: Path) -> None:
    assert "out of order" in fault(planted(tmp_path / "block.db", visit(0), block()))
    assert checker.problems(planted(tmp_path / "lifted.db", visit(0), block(status="removed"))) == []


def test_a_chair_that_is_not_meant_for_the_protocol_or_not_there_is_found(tmp_path: Path) -> None:
    talks = clinic(chairs=(Chair("chair-1", "", ("consult",)),))
    assert "which is not for iv-mood" in fault(planted(tmp_path / "talks.db", visit(0), of=talks))
    assert "which there is not" in fault(planted(tmp_path / "none.db", visit(0, chair="chair-9")))


def test_a_visit_off_the_grid_or_told_wrongly_or_of_another_length_is_found(tmp_path: Path) -> None:
    assert "off the grid" in fault(planted(tmp_path / "grid.db", visit(0, "2026-12-01T09:05")))
    assert "was told as" in fault(planted(tmp_path / "told.db", visit(0)._replace(wall="2026-12-01T10:00")))
    assert "as long as" in fault(planted(tmp_path / "long.db", visit(0)._replace(end=at("2026-12-01T10:46"))))
    assert "leave" in fault(planted(tmp_path / "leave.db", visit(0)._replace(leave=at("2026-12-01T10:45"))))


def test_an_observation_that_is_too_short_is_found(tmp_path: Path) -> None:
    watched = MOOD._replace(phases=(Phase("observation", 60, observation=True, dosing=True),), observation_minimum=61)
    path = planted(tmp_path / "book.db", visit(0, protocol=watched), of=clinic(protocols=(watched,)))
    assert "observed for too short" in fault(path)


def test_two_doses_on_a_day_are_found(tmp_path: Path) -> None:
    other = MOOD._replace(id="iv-other")
    both = clinic(protocols=(MOOD, other))
    path = planted(tmp_path / "book.db", visit(0), visit(1, "2026-12-01T11:00", of=0, protocol=other), of=both)
    assert "2 visits with dosing on 2026-12-01" in fault(path)


def test_a_gap_below_the_smallest_of_the_course_is_found_unless_overridden(tmp_path: Path) -> None:
    first, soon = visit(0), visit(1, "2026-12-02T08:45", of=0)
    assert "is shorter than 24h" in fault(planted(tmp_path / "short.db", first, soon))
    assert checker.problems(planted(tmp_path / "enough.db", first, visit(1, "2026-12-02T09:00", of=0))) == []
    allowed = soon._replace(overrides=("gap-too-short",))
    assert checker.problems(planted(tmp_path / "allowed.db", first, allowed)) == []


def test_a_session_keeps_the_gap_of_its_own_step_in_days_of_the_calendar(tmp_path: Path) -> None:
    gap = Gap(Span(3, "d"), None, (Span(3, "d"), Span(4, "d")), None)
    steps = (Step("first", 1, gap._replace(min=Span(1, "d"))), Step("later", None, gap))
    course = series(0, course=steps)
    one = visit(0, "2026-12-01T14:00", series=course.id, session=1)
    two = visit(1, "2026-12-03T14:00", of=0, series=course.id, session=2)
    assert "is shorter than 3d" in fault(planted(tmp_path / "short.db", course, one, two))
    morning = visit(1, "2026-12-04T08:00", of=0, series=course.id, session=2)
    assert checker.problems(planted(tmp_path / "enough.db", course, one, morning)) == []


def test_too_many_visits_in_a_protocol_week_are_found(tmp_path: Path) -> None:
    twice = clinic(protocols=(MOOD._replace(per_protocol_week=2),))
    days = ("2026-12-01", "2026-12-03", "2026-12-07", "2026-12-08")
    week = [visit(n, f"{day}T09:00", of=0) for n, day in enumerate(days)]
    assert f"{patient(0).id} has 3 visits in week 1" in fault(planted(tmp_path / "book.db", *week, of=twice))
    assert checker.problems(planted(tmp_path / "next.db", *week[:2], week[3], of=twice)) == []


def test_the_night_of_a_clock_change_is_read_by_the_wall_clock(tmp_path: Path) -> None:
    sunday = tuple(range(7))
    nights = clinic(
        hours=(clinic().hours[0]._replace(days=sunday, open=0, close=540),),
        staff=tuple(s._replace(shifts=(Shift(sunday, 0, 540),)) for s in clinic().staff),
    )
    start = at("2026-11-01T00:45")
    path = planted(tmp_path / "book.db", visit(0, "2026-11-01T00:45"), visit(1, "2026-11-01T08:00"), of=nights)
    assert f"{visit(1).id} is outside hours 2026-11-01 09:00 to 09:45" in checker.problems(path)
    assert checker.visits(path)[visit(0).id]["leave"] - start == 90 * 60


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    path = planted(tmp_path / "book.db", visit(0))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'appointment_start'")
    connection.commit()
    connection.close()
    assert any("the file is damaged" in line for line in checker.problems(path))


def test_operations_are_read_with_their_changes(tmp_path: Path) -> None:
    book(tmp_path / "book.db").close()
    (only,) = checker.operations(tmp_path / "book.db").values()
    assert (only["seq"], only["command"], only["changes"][0]["entity"]) == (1, "init", "clinic")
    assert json.loads(only["changes"][0]["after"]["data"])["clinic"]["grid"] == 15
