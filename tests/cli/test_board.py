"""The board of a day: whole screens, and what is said about each visit."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from builders import MOOD, at, block, clinic, patient, visit
from cli.screens import CLINIC, MORNING, SHORT, SPRAY, Screen, stretch

from infusion_cli.cli import board
from infusion_cli.domain.book import Appointment, Record, Warn
from infusion_cli.domain.clinic import Hours, Practitioner, Shift
from infusion_cli.domain.names import width

AT_80 = """\
Mon 30 Nov 2026  Harbor  08:00-17:00  2 nurses, provider on site           10:42

          08  09  10  11  12  13  14  15  16
Window          ▒███▓▓·▒███▓▓·                  next free 13:00
Garden     ▒█▓▓▓▓▓▓▓▓·        ????              hold to 11:30, next free 10:55
Quiet ro…           ▒███▓▓·                     next free 12:15
                    ^ now
▒ preparation  █ dosing  ▓ monitoring  · turnover  ? hold

In chairs
  08:15 AYE6CE Ben Vogt     Esketamine 5    Garden   observation, leaves 10:45
                                                     form due 7 Dec  ride: taxi
  09:30 AANAND Yara Sánchez IV ketamine 3/6 Window   monitoring, leaves 11:12
                                                     LATE 12 min  ride: brother
  11:15 AJ723W Elif Horvat  IV ketamine     Window   arrived 10:38  ride: son
Next
  10:30 A5ZXTM Kofi Jones   IV ketamine     Quiet r… confirmed  LATE 12 min
                                                     ride unknown
  13:00 ASRSHW Ben Vogt     Consultation    Garden   hold to 11:30
Open: 1 unconfirmed for tomorrow, 1 hold ends 11:30.   infusion show ASRSHW
"""

AT_80_IN_ASCII = """\
Mon 30 Nov 2026  Harbor  08:00-17:00  2 nurses, provider on site           10:42

          08  09  10  11  12  13  14  15  16
Window          -###==.-###==.                  next free 13:00
Garden     -#========.        ????              hold to 11:30, next free 10:55
Quiet ro~           -###==.                     next free 12:15
                    ^ now
- preparation  # dosing  = monitoring  . turnover  ? hold

In chairs
  08:15 AYE6CE Ben Vogt     Esketamine 5    Garden   observation, leaves 10:45
                                                     form due 7 Dec  ride: taxi
  09:30 AANAND Yara Sanchez IV ketamine 3/6 Window   monitoring, leaves 11:12
                                                     LATE 12 min  ride: brother
  11:15 AJ723W Elif Horvat  IV ketamine     Window   arrived 10:38  ride: son
Next
  10:30 A5ZXTM Kofi Jones   IV ketamine     Quiet r~ confirmed  LATE 12 min
                                                     ride unknown
  13:00 ASRSHW Ben Vogt     Consultation    Garden   hold to 11:30
Open: 1 unconfirmed for tomorrow, 1 hold ends 11:30.   infusion show ASRSHW
"""

AT_160 = """\
Mon 30 Nov 2026  Harbor  08:00-17:00  2 nurses, provider on site                                                                                           10:42

          08          09          10          11          12          13          14          15          16
Window                      ▒▒▒▒████████▓▓▓▓▓▓···▒▒▒▒████████▓▓▓▓▓▓···                                                  next free 13:00
                            Yara Sánchez         Elif Horvat
Garden       ▒▒▒██▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓··                         ????????????                                      hold to 11:30, next free 10:55
             Ben Vogt                                                 Ben Vogt
Quiet ro…                               ▒▒▒▒████████▓▓▓▓▓▓···                                                           next free 12:15
                                        Kofi Jones
                                          ^ now
▒ preparation  █ dosing  ▓ monitoring  · turnover  ? hold

In chairs
  08:15 AYE6CE Ben Vogt     Esketamine 5    Garden     observation, leaves 10:45  form due 7 Dec  ride: taxi
  09:30 AANAND Yara Sánchez IV ketamine 3/6 Window     monitoring, leaves 11:12  LATE 12 min  ride: brother
  11:15 AJ723W Elif Horvat  IV ketamine     Window     arrived 10:38  ride: son
Next
  10:30 A5ZXTM Kofi Jones   IV ketamine     Quiet room confirmed  LATE 12 min  ride unknown
  13:00 ASRSHW Ben Vogt     Consultation    Garden     hold to 11:30
Open: 1 unconfirmed for tomorrow, 1 hold ends 11:30.   infusion show ASRSHW
"""  # noqa: E501  as wide as the screen

SUNDAY = clinic(
    hours=(Hours((6,), 0, 360),), staff=(Practitioner("rn", "nurse", (Shift((6,), 0, 360),)),), name="Harbor"
)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch, board.lines)


def of(one: Appointment, **changes: object) -> tuple[Record, Record]:
    """A visit and its patient."""
    return patient(0), one._replace(**changes)  # type: ignore[arg-type]


def test_the_board_of_a_morning_at_80_columns(screen: Screen) -> None:
    assert screen.text(stretch(*MORNING)) == AT_80


def test_without_unicode_the_phases_and_names_are_told_in_ascii(screen: Screen) -> None:
    assert screen.text(stretch(*MORNING), unicode=False) == AT_80_IN_ASCII


def test_at_160_columns_names_stand_in_their_bars(screen: Screen) -> None:
    assert screen.text(stretch(*MORNING), 160) == AT_160


def test_an_empty_day_keeps_its_grid(screen: Screen) -> None:
    assert (
        screen.text(stretch(first=date(2026, 12, 1)))
        == """\
Tue 1 Dec 2026  Harbor  08:00-17:00  2 nurses, provider on site

          08  09  10  11  12  13  14  15  16
Window                                          free
Garden                                          free
Quiet ro…                                       free

No visits.
"""
    )


def test_a_holiday_is_named_and_a_day_off_is_closed(screen: Screen) -> None:
    assert screen.text(stretch(first=date(2026, 11, 26))) == (
        "Thu 26 Nov 2026  Harbor  closed: Thanksgiving Day\n\nNo visits.\n"
    )
    assert screen.text(stretch(first=date(2026, 11, 28))) == "Sat 28 Nov 2026  Harbor  closed\n\nNo visits.\n"


def test_a_visit_on_a_holiday_is_still_drawn(screen: Screen) -> None:
    day = stretch(*of(visit(0, "2026-11-26T09:00")), first=date(2026, 11, 26), now="2026-11-24T09:00")
    assert screen.row(day, "Window") == "Window    ××××▒███▓▓·×××××××××××××××××××××××××"
    assert "× closed" in screen.text(day)


def test_a_chair_out_of_order_shows_the_reason_and_a_closed_afternoon_its_hours(screen: Screen) -> None:
    noon, three, six = at("2026-11-30T12:00"), at("2026-11-30T15:00"), at("2026-11-30T18:00")
    broken = block(0, start=noon, end=three, reason="lamp broken")
    burst = block(1, "clinic", "", start=three, end=six, reason="burst pipe")
    text = screen.text(stretch(broken, burst))
    assert text.splitlines()[:7] == [
        "Mon 30 Nov 2026  Harbor  08:00-15:00  2 nurses, provider on site           10:42",
        "closed 15:00-18:00: burst pipe",
        "",
        "          08  09  10  11  12  13  14  15  16",
        "Window                    ××××××××××××××××××××  lamp broken, free to 12:00",
        "Garden                                ××××××××  free",
        "Quiet ro…                             ××××××××  free",
    ]
    assert "× blocked/closed" in text


def test_a_gap_that_no_visit_fits_into_is_not_called_free(screen: Screen) -> None:
    morning = [visit(n, f"2026-11-30T{wall}") for n, wall in enumerate(("10:00", "12:00", "14:30"))]
    assert screen.row(stretch(*morning), "Window").endswith("  full")


def test_a_hostile_name_cannot_move_the_columns_or_the_cursor(screen: Screen) -> None:
    hostile = patient(0, name="\x1b[2J\u202eevil\u0000 田中\u0301\u0308 花子\r\nX")
    text = screen.text(stretch(hostile, visit(0, "2026-11-30T12:00")), 100)
    assert not {c for c in text if unicodedata.category(c) in {"Cc", "Cf"}} - {"\n"}
    row = next(line for line in text.splitlines() if "A" in line and "12:00" in line)
    assert width(row[: row.index("IV ketamine")]) == len("  12:00 AANAND ") + 18 + 1


def test_wide_and_combining_letters_keep_the_lists_aligned(screen: Screen) -> None:
    people = (patient(0, name="田中 花子"), patient(1, name="Zoe\u0301 Marti\u0301n"), patient(2, name="Ann Lee"))
    visits = [visit(n, f"2026-11-30T1{n + 1}:00", f"chair-{n + 1}", protocol=SHORT) for n in range(3)]
    rows = [line for line in screen.text(stretch(*people, *visits)).splitlines() if "IV ketamine" in line]
    assert {width(row[: row.index("IV ketamine")]) for row in rows} == {len("  11:00 AANAND ") + 10 + 1}


def test_a_visit_on_hold_is_told_apart_and_its_end_said(screen: Screen) -> None:
    until = at("2026-12-03T09:00")
    day = stretch(*of(visit(0, "2026-11-30T13:00"), status="pending", hold_until=until))
    assert "???????" in screen.row(day, "Window")
    assert "hold to 3 Dec, free to 13:00" in screen.row(day, "Window")
    assert screen.row(day, "13:00").endswith("hold to 3 Dec  ride unknown")
    assert screen.row(day, "Open:") == "Open: 1 hold ends 3 Dec.   infusion show AANAND"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "arrived", "arrived_at": at("2026-11-30T10:38")}, "arrived 10:38  LATE 8 min"),
        ({"status": "arrived", "arrived_at": at("2026-11-30T10:25")}, "arrived 10:25"),
        ({"status": "checked-in", "started_at": at("2026-11-30T10:40")}, "infusion until 11:20"),
        ({"status": "checked-in", "started_at": at("2026-11-30T10:00")}, "monitoring, leaves 11:10"),
        ({"status": "checked-in", "started_at": at("2026-11-30T09:32")}, "may leave"),
        ({"status": "booked"}, "not confirmed  LATE 12 min"),
        ({"status": "booked", "confirmed_at": at("2026-11-29T10:00")}, "confirmed  LATE 12 min"),
        ({"status": "fulfilled", "left_at": at("2026-11-30T10:30")}, "left 10:30"),
    ],
)
def test_the_lists_say_where_a_visit_stands(screen: Screen, changes: dict[str, object], said: str) -> None:
    one = visit(0, "2026-11-30T10:30", ride="bus")
    row = screen.row(stretch(*of(one, **changes)), "10:30", 120)
    assert row.partition("Window ")[2].replace("  ride: bus", "") == said


def test_somebody_who_waits_past_the_start_of_dosing_is_late(screen: Screen) -> None:
    one = visit(0, "2026-11-30T10:00", ride="bus", status="arrived", arrived_at=at("2026-11-30T09:58"))
    assert screen.row(stretch(*of(one)), "10:00").endswith("arrived 09:58  LATE 22 min")


def test_a_spray_visit_that_is_done_still_asks_for_its_form(screen: Screen) -> None:
    one = visit(0, "2026-11-30T08:00", protocol=SPRAY, status="fulfilled", left_at=at("2026-11-30T10:20"))
    text = screen.text(stretch(*of(one)))
    assert "Done\n  08:00 AANAND Ada Example 0 Esketamine Window left 10:20  form due 7 Dec\n" in text


def test_today_tells_who_was_missed_but_not_who_cancelled_in_time(screen: Screen) -> None:
    gone = [visit(n, f"2026-11-30T0{n + 8}:00", status=s) for n, s in enumerate(("cancelled", "noshow"))]
    text = screen.text(stretch(*gone))
    grid, _, lists = text.partition("^ now\n\n")
    assert grid.endswith("Quiet ro…                                       free\n                    ")
    assert [line.split()[0] for line in lists.splitlines()] == ["Missed", "09:00"]
    assert lists.endswith("no-show\n")


def test_a_past_day_says_what_was_done_missed_and_left_open(screen: Screen) -> None:
    people = [patient(n) for n in range(4)]
    visits = [
        visit(0, "2026-11-30T08:00", status="fulfilled", left_at=at("2026-11-30T09:35")),
        visit(1, "2026-11-30T10:00", status="noshow"),
        visit(2, "2026-11-30T12:00"),
        visit(3, "2026-11-30T14:00", status="cancelled", late=True),
        visit(4, "2026-11-30T15:00", status="cancelled"),
    ]
    text = screen.text(stretch(*people, *visits, now="2026-12-02T08:00"))
    assert (
        text
        == """\
Mon 30 Nov 2026  Harbor  08:00-17:00  2 nurses, provider on site

          08  09  10  11  12  13  14  15  16
Window    ▒███▓▓·         ▒███▓▓·
Garden
Quiet ro…
▒ preparation  █ dosing  ▓ monitoring  · turnover

Not closed
  12:00 AJ723W Ada Example 2 IV ketamine Window booked
Done
  08:00 AANAND Ada Example 0 IV ketamine Window left 09:35
Missed
  10:00 AYE6CE Ada Example 1 IV ketamine Window no-show
  14:00 A5ZXTM Ada Example 3 IV ketamine Window cancelled late
"""
    )


def test_what_waits_is_counted_and_a_command_is_named(screen: Screen) -> None:
    reviewed = visit(0, "2026-11-30T12:00", warnings=(Warn("review-due", "before session 4"),))
    tomorrow = [visit(n, f"2026-12-01T1{n}:00", f"chair-{n}") for n in (1, 2)]
    assert screen.row(stretch(*tomorrow), "Open:") == "Open: 2 unconfirmed for tomorrow.   infusion today tomorrow"
    assert screen.row(stretch(reviewed, tomorrow[0]), "Open:") == (
        "Open: 1 unconfirmed for tomorrow, 1 review due.   infusion show AANAND"
    )
    assert screen.row(stretch(*tomorrow, now="2026-11-24T09:00"), "Open:") == (
        "Open: 2 unconfirmed for Tue 1 Dec.   infusion today 2026-12-01"
    )


def test_titles_too_long_for_the_column_give_way_to_the_protocols_id(screen: Screen) -> None:
    long = CLINIC._replace(protocols=(MOOD._replace(title="Intravenous ketamine, mood disorders"), SPRAY))
    one = visit(0, "2026-11-30T12:00", session=2)
    day = stretch(*of(one), of=long)
    assert " iv-mood 2 Window " in screen.row(day, "12:00")
    assert " Intravenous ketamine, mood disorders 2 Window " in screen.row(day, "12:00", 160)


def test_nurses_are_counted_over_the_day_and_the_provider_by_the_hour(screen: Screen) -> None:
    away = [
        block(0, "staff", "rn-1", start=at("2026-11-30T12:00"), end=at("2026-11-30T17:00")),
        block(1, "staff", "dr-1", start=at("2026-11-30T08:00"), end=at("2026-11-30T12:30")),
    ]
    assert screen.row(stretch(*away), "Mon") == (
        "Mon 30 Nov 2026  Harbor  08:00-17:00  1-2 nurses, provider 12:30-17:00     10:42"
    )


def test_a_short_dosing_is_seen_however_coarse_the_cells(screen: Screen) -> None:
    all_day = CLINIC._replace(hours=(Hours((0,), 0, 1440),))
    day = stretch(*of(visit(0, "2026-11-30T09:00", protocol=SPRAY)), of=all_day)
    assert screen.row(day, "Window") == f"Window    {' ' * 18}█▓▓▓▓·{' ' * 24}  next free 11:40"


def test_a_visit_in_a_chair_that_left_the_clinics_file_has_its_own_row(screen: Screen) -> None:
    day = stretch(*of(visit(0, "2026-11-30T12:00", "attic")))
    assert screen.row(day, "attic").startswith(f"attic     {' ' * 16}▒███▓▓·")


def test_the_hours_follow_the_clock_where_it_changes(screen: Screen) -> None:
    back, forth = (
        screen.text(
            stretch(*of(visit(0, f"{day}T00:30")), now=f"{day}T03:30", first=date.fromisoformat(day), of=SUNDAY)
        )
        for day in ("2026-11-01", "2027-03-14")
    )
    assert back.splitlines()[2:7] == [
        "          00    01    01    02    03    04    05",
        "Window       ▒▒████▓▓▓··                              free",
        "             Ada Examp…",
        "Garden                                                free",
        "                                     ^ now",
    ]
    assert forth.splitlines()[2:7] == [
        "          00    01    03    04    05",
        "Window       ▒▒████▓▓▓··                  free",
        "             Ada Examp…",
        "Garden                                    free",
        "                         ^ now",
    ]


def test_a_visit_over_midnight_is_on_both_days(screen: Screen) -> None:
    night = CLINIC._replace(hours=(Hours((0, 1), 0, 1440),))
    one = of(visit(0, "2026-11-30T23:30"))
    monday, tuesday = (stretch(*one, first=date(2026, *d), of=night) for d in ((11, 30), (12, 1)))
    assert screen.row(monday, "Window").startswith(f"Window    {' ' * 47}▒ ")
    assert screen.row(tuesday, "Window").startswith("Window    █▓· ")
    assert "23:30 AANAND" in screen.text(tuesday)


def test_a_cell_that_two_visits_share_equally_shows_the_earlier_one(screen: Screen) -> None:
    # Cells of half an hour: turnover until 12:15, then preparation for as long.
    wide = CLINIC._replace(hours=(Hours((0,), 0, 1440),))
    pair = [visit(0, "2026-11-30T10:30", protocol=SHORT), visit(1, "2026-11-30T12:15", protocol=SPRAY)]
    assert screen.row(stretch(*pair, of=wide), "Window").startswith(f"Window    {' ' * 21}▒█▓·█▓▓▓▓ ")


def test_names_of_visits_that_touch_within_a_cell_do_not_push_each_other(screen: Screen) -> None:
    people = [patient(n, name=f"{letter * 20}") for n, letter in enumerate("AB")]
    pair = [visit(0, "2026-11-30T09:00"), visit(1, "2026-11-30T10:45")]
    lines = screen.text(stretch(*people, *pair), 100).splitlines()
    window = next(n for n, line in enumerate(lines) if line.startswith("Window"))
    assert lines[window + 1] == " " * 16 + "AAAAAAAA… BBBBBBBBB…"


def test_the_hours_stand_where_the_clock_shows_them_when_the_clinic_opens_at_half_past(screen: Screen) -> None:
    late = CLINIC._replace(hours=(Hours((0,), 510, 1440),))
    lines = screen.text(stretch(*of(visit(0, "2026-11-30T09:00")), of=late)).splitlines()
    assert lines[0].startswith("Mon 30 Nov 2026  Harbor  08:30-24:00  ")
    assert lines[2] == "          08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23"
    assert lines[3].startswith("Window    ×  ▒██▓▓· ")


def test_a_review_of_a_visit_that_is_done_is_no_longer_due(screen: Screen) -> None:
    reviewed = visit(0, "2026-11-30T08:00", status="fulfilled", warnings=(Warn("review-due", "before session 4"),))
    assert "Open:" not in screen.text(stretch(*of(reviewed)))


def test_notes_that_do_not_fit_continue_under_their_column_and_longer_ids_take_from_the_name(screen: Screen) -> None:
    person = patient(0, name="Maximiliana Constantinopolitana")
    one = visit(0, "2026-11-30T12:00", protocol=SPRAY, ride="her brother, red car")
    long = one._replace(id="A0123456", session=12, chair="chair-2")
    for each in (one._replace(session=12, chair="chair-2"), long):
        lines = screen.text(stretch(person, each)).splitlines()
        row = next(n for n, line in enumerate(lines) if line.startswith("  12:00"))
        assert lines[row].endswith("not confirmed")
        assert lines[row].index("not confirmed") == lines[row + 1].index("ride: her brother, red car")
    assert lines[row].startswith("  12:00 A0123456 Maximilian… Esketamine 12 Garden ")


def test_a_note_that_would_fit_but_for_the_blanks_before_it_goes_to_the_next_line(screen: Screen) -> None:
    person = patient(0, name="Maximiliana Constantinopolitana")
    one = visit(0, "2026-11-30T12:00", "chair-3", protocol=SPRAY, session=12)
    short, long = (screen.row(stretch(person, one._replace(ride=r)), "12:00") for r in ("a cousin", "a friend!"))
    assert short.endswith("not confirmed")
    assert long.endswith("not confirmed")
    assert screen.row(stretch(person, one._replace(ride="friend")), "12:00").endswith("not confirmed  ride: friend")
