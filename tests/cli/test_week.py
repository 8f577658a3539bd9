"""The board of a week: whole screens, and what must hold for any book."""

from __future__ import annotations

from datetime import date

import pytest
from builders import at, block, clinic, patient, visit
from cli.screens import CLINIC, MORNING, Screen, stretch, terminal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_cli.cli import week
from infusion_cli.cli.words import plain_text
from infusion_cli.domain.book import Record
from infusion_cli.domain.clinic import Chair, Clinic, Hours
from infusion_cli.domain.names import width
from infusion_cli.services.agenda import Day

FIRST, LAST = date(2026, 11, 26), date(2026, 12, 2)

AT_80 = """\
Thu 26 Nov - Wed 2 Dec 2026  Harbor  3 chairs                              10:42

             08  10  12  14  16
  Thu 26 Nov                     closed: Thanksgiving Day
  Fri 27 Nov ··················
  Sat 28 Nov                     closed
  Sun 29 Nov                     closed
> Mon 30 Nov 111223222111······  5 visits
  Tue  1 Dec ··1111············  1 visit, 1 unconfirmed
  Wed  2 Dec ··················
1-9 chairs taken of 3  · none taken  blank not open

6 visits, 1 unconfirmed.   infusion today 2026-12-01
"""

AT_80_IN_ASCII = """\
Thu 26 Nov - Wed 2 Dec 2026  Harbor  3 chairs                              10:42

             08  10  12  14  16
  Thu 26 Nov                     closed: Thanksgiving Day
  Fri 27 Nov ..................
  Sat 28 Nov                     closed
  Sun 29 Nov                     closed
> Mon 30 Nov 111223222111......  5 visits
  Tue  1 Dec ..1111............  1 visit, 1 unconfirmed
  Wed  2 Dec ..................
1-9 chairs taken of 3  . none taken  blank not open

6 visits, 1 unconfirmed.   infusion today 2026-12-01
"""

AT_100 = """\
Thu 26 Nov - Wed 2 Dec 2026  Harbor  3 chairs                                                  10:42

             08  09  10  11  12  13  14  15  16
  Thu 26 Nov                                       closed: Thanksgiving Day
  Fri 27 Nov ····································
  Sat 28 Nov                                       closed
  Sun 29 Nov                                       closed
> Mon 30 Nov ·11111222233222221111111············  5 visits
  Tue  1 Dec ····1111111·························  1 visit, 1 unconfirmed
  Wed  2 Dec ····································
1-9 chairs taken of 3  · none taken  blank not open

6 visits, 1 unconfirmed.   infusion today 2026-12-01
"""


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch, week.lines)


def days(*records: Record, of: Clinic = CLINIC, now: str = "2026-11-30T10:42") -> Day:
    return stretch(*records, first=FIRST, last=LAST, of=of, now=now)


def test_a_week_at_80_columns_counts_the_chairs_taken_in_every_half_hour(screen: Screen) -> None:
    assert screen.text(days(*MORNING)) == AT_80


def test_without_unicode_a_free_half_hour_is_a_full_stop(screen: Screen) -> None:
    assert screen.text(days(*MORNING), unicode=False) == AT_80_IN_ASCII


def test_where_there_is_room_cells_are_quarter_hours(screen: Screen) -> None:
    assert screen.text(days(*MORNING), 100) == AT_100


def test_an_empty_week_says_so(screen: Screen) -> None:
    assert screen.text(days()).endswith("blank not open\n\nNo visits.\n")


def test_a_week_in_which_the_clinic_never_opens_has_no_hours(screen: Screen) -> None:
    text = screen.text(days(of=CLINIC._replace(hours=())))
    assert text.splitlines()[2:4] == ["  Thu 26 Nov   closed: Thanksgiving Day", "  Fri 27 Nov   closed"]
    assert text.endswith("\nNo visits.\n")


def test_more_than_nine_chairs_taken_are_a_plus(screen: Screen) -> None:
    many = CLINIC._replace(chairs=tuple(Chair(f"c{n}", f"Chair {n}") for n in range(11)))
    busy = [visit(n, "2026-12-01T09:00", f"c{n}") for n in range(10)]
    assert screen.row(days(*busy, of=many), "Tue").startswith("  Tue  1 Dec ··++++··")
    assert "+ more than 9" in screen.text(days(*busy, of=many))
    assert screen.row(days(*busy[:9], of=many), "Tue").startswith("  Tue  1 Dec ··9999··")


def test_a_closed_afternoon_is_blank_and_named(screen: Screen) -> None:
    burst = block(0, "clinic", "", start=at("2026-12-01T15:00"), end=at("2026-12-01T18:00"), reason="burst pipe")
    assert screen.row(days(burst), "Tue") == "  Tue  1 Dec ··············      closed 15:00-18:00: burst pipe"


def test_holds_take_their_chair_and_cancelled_visits_do_not(screen: Screen) -> None:
    held = visit(0, "2026-12-01T09:00", status="pending", hold_until=at("2026-12-01T08:00"))
    gone = visit(1, "2026-12-01T09:00", "chair-2", status="cancelled")
    assert screen.row(days(held, gone), "Tue") == "  Tue  1 Dec ··1111············  1 visit"


def test_only_visits_still_to_come_are_called_unconfirmed(screen: Screen) -> None:
    past, asked, ahead = (visit(n, f"2026-11-30T{wall}") for n, wall in enumerate(("08:00", "11:00", "13:00")))
    found = screen.row(days(past, asked._replace(confirmed_at=5), ahead), "Mon")
    assert found.endswith("  3 visits, 1 unconfirmed")


def test_the_day_to_look_at_is_the_first_that_has_somebody_to_ask(screen: Screen) -> None:
    monday = visit(0, "2026-11-30T13:00", confirmed_at=5)
    tuesday, wednesday = visit(1, "2026-12-01T09:00"), visit(2, "2026-12-02T09:00")
    last = screen.text(days(monday, tuesday, wednesday)).splitlines()[-1]
    assert last == "3 visits, 2 unconfirmed.   infusion today 2026-12-01"
    assert screen.text(days(monday)).splitlines()[-1] == "1 visit.   infusion today 2026-11-30"


def test_evening_hours_reach_to_midnight(screen: Screen) -> None:
    evening = CLINIC._replace(hours=(Hours((0,), 1200, 1440),))
    assert screen.text(days(of=evening)).splitlines()[2] == "             20  21  22  23"
    assert screen.row(days(of=evening), "Mon") == f"> Mon 30 Nov {'·' * 16}"


def test_hours_in_which_every_chair_is_taken_are_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    full = [visit(n, "2026-12-01T09:00", f"chair-{n + 1}") for n in range(3)]
    styled = [line for line in week.lines(days(*full), terminal(monkeypatch)) if not isinstance(line, str)]
    assert [piece.text for line in styled for piece in line if piece.style == "red"] == ["3333"]


def test_an_hour_that_the_clock_skips_is_blank(screen: Screen) -> None:
    sunday = clinic(hours=(Hours((6,), 0, 360),))
    spring = date(2027, 3, 14)
    day = stretch(visit(0, "2027-03-14T00:30"), first=spring, now="2027-03-14T03:30", of=sunday)
    assert screen.text(day).splitlines()[2:4] == [
        "             00  01  02  03  04  05",
        "> Sun 14 Mar ··111111    1···········  1 visit",
    ]


def test_a_week_around_the_clock_has_room_for_what_is_said(screen: Screen) -> None:
    night = CLINIC._replace(hours=(Hours((0, 1, 2, 3, 4, 5, 6), 0, 1440),))
    found = screen.row(days(patient(0), visit(0, "2026-11-30T23:30"), of=night), "Mon")
    assert found == f"> Mon 30 Nov {'·' * 23}1  1 visit, 1 unconfirmed"
    assert screen.row(days(visit(0, "2026-11-30T23:30"), of=night), "Tue").startswith("  Tue  1 Dec 11··")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    starts=st.lists(st.tuples(st.integers(24, 32), st.integers(0, 23), st.integers(1, 3)), max_size=12),
    opens=st.integers(0, 12),
    closes=st.integers(13, 24),
    reason=st.text(max_size=60),
    columns=st.integers(80, 200),
    unicode=st.booleans(),
)
def test_whatever_is_in_the_book_every_line_fits_and_every_visit_is_counted(
    monkeypatch: pytest.MonkeyPatch,
    starts: list[tuple[int, int, int]],
    opens: int,
    closes: int,
    reason: str,
    columns: int,
    unicode: bool,
) -> None:
    visits = [
        visit(n, f"2026-{11 + d // 31}-{d if d < 31 else d - 30:02}T{hour:02}:15", f"chair-{chair}")
        for n, (d, hour, chair) in enumerate(starts)
    ]
    shut = block(0, "clinic", "", start=at("2026-11-30T10:00"), end=at("2026-11-30T12:00"), reason=reason)
    hours = (Hours((0, 1, 3, 4), opens * 60, closes * 60),)
    day = days(*visits, shut, of=CLINIC._replace(hours=hours))
    lines = [plain_text(line) for line in week.lines(day, terminal(monkeypatch, columns, unicode=unicode))]
    assert all(width(line) <= columns for line in lines)
    assert unicode or all(line.isascii() for line in lines)
    inside = [v for v in visits if at("2026-11-26T00:00") < v.end and v.start < at("2026-12-03T00:00")]
    assert any(line.startswith(f"{len(inside)} visit") for line in lines) or not inside
