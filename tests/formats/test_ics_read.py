"""What a calendar file comes to: each trait that calendars in the field have, one by one."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from infusion_cli.formats import ics_read
from infusion_cli.formats.ics_read import BusyTimes, busy_times

TZ = ZoneInfo("America/New_York")


def at(wall: str) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=TZ).timestamp())


WINDOW = at("2026-11-23T08:00"), at("2027-11-24T00:00")
NINE = "DTSTART:20261202T140000Z", "DTEND:20261202T150000Z"
"""Wednesday 2 December, 9 to 10 on the clinic's clock."""


def event(*lines: str, uid: str = "1@roster.example") -> str:
    return "\r\n".join(["BEGIN:VEVENT", *([f"UID:{uid}"] if uid else []), *lines, "END:VEVENT", ""])


def read(*parts: str, head: str = "") -> BusyTimes:
    return busy_times(f"BEGIN:VCALENDAR\r\n{head}{''.join(parts)}END:VCALENDAR\r\n".encode(), TZ, *WINDOW)


def times(found: BusyTimes) -> list[str]:
    """`1202 0900-1000` for each stretch; of another day's end the day too."""
    said = []
    for b in found.busy:
        start, end = (datetime.fromtimestamp(i, TZ) for i in (b.start, b.end))
        said.append(f"{start:%m%d %H%M}-" + (f"{end:%H%M}" if end.date() == start.date() else f"{end:%m%d %H%M}"))
    return said


def busy(*parts: str, head: str = "") -> list[str]:
    """The stretches of a calendar in which nothing is wrong."""
    found = read(*parts, head=head)
    assert found.errors == []
    return times(found)


def test_a_day_is_from_midnight_to_midnight_on_the_clinics_clock() -> None:
    assert busy(event("DTSTART;VALUE=DATE:20261209", "DTEND;VALUE=DATE:20261211")) == ["1209 0000-1211 0000"]
    assert busy(event("DTSTART;VALUE=DATE:20261209")) == ["1209 0000-1210 0000"]
    (change,) = read(event("DTSTART;VALUE=DATE:20270314")).busy
    assert change.end - change.start == 23 * 3600


def test_a_day_that_ends_where_it_begins_is_read_as_one_day_with_a_warning() -> None:
    found = read(event("DTSTART;VALUE=DATE:20261209", "DTEND;VALUE=DATE:20261209"))
    assert times(found) == ["1209 0000-1210 0000"]
    assert [(w.line, w.column, w.rule) for w in found.warnings] == [(5, "DTEND", "ends-at-start")]


def test_a_time_without_a_zone_is_the_clinics_with_one_warning_a_file() -> None:
    lines = "DTSTART:20261202T090000", "DTEND:20261202T100000"
    found = read(event(*lines), event(*lines, uid="2"), event(*NINE, uid="3"))
    assert times(found) == ["1202 0900-1000"] * 3
    assert [(w.line, w.rule) for w in found.warnings] == [(2, "floating")]


FLOATING = "DTSTART:20261202T140000", "DTEND:20261202T150000"


@pytest.mark.parametrize("name", ["Europe/London", "GMT Standard Time"])
def test_a_time_without_a_zone_is_on_the_clock_of_its_calendar(name: str) -> None:
    zone = f"X-WR-TIMEZONE:{name}\r\n"
    found = read(event(*FLOATING), event(*NINE, uid="2"), head=zone)
    assert times(found) == ["1202 0900-1000"] * 2
    read_on = "read on the clock of Europe/London, the calendar's zone (X-WR-TIMEZONE)"
    assert [(w.line, w.rule, w.message) for w in found.warnings] == [
        (3, "floating", f"an entry has a time without a zone; {read_on}")
    ]
    assert busy(event("DTSTART;VALUE=DATE:20261209"), head=zone) == ["1209 0000-1210 0000"]
    series = event("DTSTART:20270312T140000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20270319T140000")
    assert busy(series, head=zone) == ["0312 0900-1000", "0326 1000-1100"]
    free_busy = "BEGIN:VFREEBUSY\r\nFREEBUSY:20261202T140000/PT1H\r\nEND:VFREEBUSY\r\n"
    found = read(free_busy, head=zone)
    assert (times(found), [(w.line, w.rule) for w in found.warnings]) == (["1202 0900-1000"], [(3, "floating")])


@pytest.mark.parametrize("name", ["Nowhere", "../../etc/passwd", "localtime", "Zürich", "Roster"])
def test_a_calendars_zone_that_nobody_knows_is_not_followed_and_that_is_said(name: str) -> None:
    zone = f"X-WR-TIMEZONE:{name}\r\n"
    found = read(event("DTSTART:20261202T090000", "DTEND:20261202T100000"), head=zone)
    assert (times(found), found.errors) == (["1202 0900-1000"], [])
    assert [(w.line, w.rule, w.message.split("; ")[1]) for w in found.warnings] == [
        (3, "floating", "read on the clinic's clock, because nobody knows the zone in X-WR-TIMEZONE")
    ]
    assert read(event(*NINE), head=zone).warnings == []


def test_every_calendar_of_a_file_has_its_own_clock() -> None:
    def made(*inner: str, head: str = "") -> str:
        return f"BEGIN:VCALENDAR\r\n{head}{''.join(inner)}END:VCALENDAR\r\n"

    local = event("DTSTART:20261203T090000", "DTEND:20261203T100000", uid="2")
    london = made(event(*FLOATING), head="X-WR-TIMEZONE:Europe/London\r\n")
    for text in (london + made(local), made(london, local), made(local, london)):
        found = busy_times(text.encode(), TZ, *WINDOW)
        assert times(found) == ["1202 0900-1000", "1203 0900-1000"]
        assert [w.rule for w in found.warnings] == ["floating", "floating"]


@pytest.mark.parametrize(
    "name",
    [
        "America/New_York",
        "US/Eastern",
        "Eastern Standard Time",
        "/vendor.example/2026/America/New_York",
        '"US/Eastern"',
    ],
)
def test_zones_are_known_by_many_names(name: str) -> None:
    assert busy(event(f"DTSTART;TZID={name}:20261202T090000", f"DTEND;TZID={name}:20261202T100000")) == [
        "1202 0900-1000"
    ]


@pytest.mark.parametrize("name", ["Nowhere", "../../etc/passwd", "localtime", "Europe", "", "x" * 5000])
def test_an_unknown_zone_is_an_error_and_never_the_clinics(name: str) -> None:
    found = read(event(f"DTSTART;TZID=Nope{name}:20261202T090000"))
    assert [(e.line, e.column, e.rule) for e in found.errors] == [(4, "DTSTART", "unknown-zone")]
    assert found.busy == []


ROSTER_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Roster\r\n"
    "BEGIN:STANDARD\r\nDTSTART:19701101T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\n"
    "TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n"
    "BEGIN:DAYLIGHT\r\nDTSTART:19700308T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"
    "TZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)


def test_a_zone_that_the_file_describes_is_followed_through_the_change_of_time() -> None:
    series = event("DTSTART;TZID=Roster:20270313T023000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    as_known = event("DTSTART;TZID=America/New_York:20270313T023000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    for zone_part in ((ROSTER_ZONE, series), (series, ROSTER_ZONE)):
        assert busy(*zone_part) == busy(as_known) == ["0313 0230-0330", "0314 0330-0430", "0315 0230-0330"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TZOFFSETTO:-0500", "TZOFFSETTO:-9900"),
        ("TZOFFSETTO:-0500", "TZOFFSETTO:five"),
        ("FREQ=YEARLY", "FREQ=SECONDLY"),
        ("DTSTART:1970", "X-START:1970"),
    ],
)
def test_a_zone_described_in_a_way_that_cannot_be_read_is_an_error_of_what_uses_it(old: str, new: str) -> None:
    found = read(ROSTER_ZONE.replace(old, new), event("DTSTART;TZID=Roster:20261202T090000"), event(*NINE, uid="2"))
    assert [(e.column, e.rule) for e in found.errors] == [("DTSTART", "bad-zone")]
    assert times(found) == ["1202 0900-1000"]


def test_seconds_are_rounded_to_whole_minutes_around_them() -> None:
    assert busy(event("DTSTART:20261202T140030Z", "DTEND:20261202T150001Z")) == ["1202 0900-1001"]


def test_a_length_in_days_is_days_on_the_clock_and_one_in_hours_passes() -> None:
    start = "DTSTART;TZID=America/New_York:20270313T090000"
    assert busy(event(start, "DURATION:P1D")) == ["0313 0900-0314 0900"]
    assert busy(event(start, "DURATION:PT24H")) == ["0313 0900-0314 1000"]


def test_until_is_included_and_may_be_a_date_a_local_or_a_universal_time() -> None:
    start = "DTSTART;TZID=America/New_York:20261202T090000", "DTEND;TZID=America/New_York:20261202T100000"
    for until in ("20261204T140000Z", "20261204", "20261204T090000"):
        assert busy(event(*start, f"RRULE:FREQ=DAILY;UNTIL={until}")) == [f"120{d} 0900-1000" for d in (2, 3, 4)]
    assert len(busy(event(*start, "RRULE:FREQ=DAILY;UNTIL=20261204T135959Z"))) == 2
    assert busy(event(*start, "RRULE:FREQ=DAILY;UNTIL=20251204T000000Z")) == ["1202 0900-1000"]


SERIES = event(*NINE, "RRULE:FREQ=DAILY;COUNT=5")


def test_excluded_times_are_left_out_however_they_are_written() -> None:
    exdates = ("EXDATE:20261203T140000Z", "EXDATE;TZID=America/New_York:20261204T090000", "EXDATE;VALUE=DATE:20261205")
    series = SERIES.replace("RRULE", "\r\n".join(exdates) + "\r\nRRULE")
    assert busy(series) == ["1202 0900-1000", "1206 0900-1000"]
    assert len(busy(SERIES.replace("RRULE", "EXDATE:20261203T140001Z\r\nRRULE"))) == 5


def test_a_moved_time_of_a_series_takes_the_place_of_its_old_one_and_keeps_its_key() -> None:
    moved = event("RECURRENCE-ID:20261203T140000Z", "DTSTART:20261203T180000Z", "DTEND:20261203T190000Z")
    assert busy(SERIES, moved) == busy(moved, SERIES)
    assert busy(SERIES, moved)[1] == "1203 1300-1400"
    assert {b.key for b in read(SERIES, moved).busy} == {b.key for b in read(SERIES).busy}


def test_a_cancelled_time_of_a_series_is_free_and_reported() -> None:
    found = read(SERIES, event("RECURRENCE-ID:20261203T140000Z", "DTSTART:20261203T140000Z", "STATUS:CANCELLED"))
    assert len(found.busy) == 4
    assert [(s.line, s.component, s.rule) for s in found.skipped] == [(8, "VEVENT", "cancelled")]


def test_this_and_the_future_ones_move_or_end_together() -> None:
    later = "RECURRENCE-ID;RANGE=THISANDFUTURE:20261204T140000Z", "DTSTART:20261204T150000Z", "DTEND:20261204T153000Z"
    assert busy(SERIES, event(*later))[2:] == ["1204 1000-1030", "1205 1000-1030", "1206 1000-1030"]
    assert len(busy(SERIES, event(*later, "STATUS:CANCELLED"))) == 2


def test_a_rule_copied_into_a_moved_time_is_not_followed() -> None:
    copied = event("RECURRENCE-ID:20261203T140000Z", *NINE, "RRULE:FREQ=DAILY;COUNT=5")
    found = read(SERIES, copied)
    assert len(found.busy) == 5
    assert [w.rule for w in found.warnings] == ["repeats"]


def test_an_entry_that_moves_keeps_its_key_and_a_second_revision_counts_alone() -> None:
    first, second = event(*NINE), event("SEQUENCE:1", "DTSTART:20261208T140000Z", "DTEND:20261208T150000Z")
    assert read(first).busy[0].key == read(second).busy[0].key
    found = read(second, first)
    assert times(found) == ["1208 0900-1000"]
    assert [s.rule for s in found.skipped] == ["replaced"]


def test_entries_that_share_a_uid_or_have_none_are_all_kept() -> None:
    other = "DTSTART:20261203T140000Z", "DTEND:20261203T150000Z"
    for uid in ("1@roster.example", ""):
        assert busy(event(*NINE, uid=uid), event(*other, uid=uid)) == ["1202 0900-1000", "1203 0900-1000"]
    found = read(event(*NINE, uid=""))
    assert [(w.line, w.rule) for w in found.warnings] == [(2, "no-uid")]
    twice = read(event(*NINE), event(*NINE))
    assert (len(twice.busy), [s.rule for s in twice.skipped]) == (1, ["same"])


def test_free_and_busy_periods() -> None:
    part = (
        "BEGIN:VFREEBUSY\r\nUID:f\r\nFREEBUSY:20261202T140000Z/20261202T150000Z,20261203T140000Z/PT30M\r\n"
        "FREEBUSY;FBTYPE=FREE:20261204T140000Z/PT1H\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20261205T140000Z/PT1H\r\nEND:VFREEBUSY\r\n"
    )
    assert busy(part) == ["1202 0900-1000", "1203 0900-0930", "1205 0900-1000"]
    assert [
        s.rule
        for s in read(part.replace("FREEBUSY:", "FREEBUSY;FBTYPE=FREE:").replace("BUSY-TENTATIVE", "FREE")).skipped
    ] == ["free"]


@pytest.mark.parametrize(
    ("rule", "lines", "head"),
    [
        ("transparent", (*NINE, "TRANSP:TRANSPARENT"), ""),
        ("cancelled", (*NINE, "STATUS:cancelled"), ""),
        ("cancelled", NINE, "METHOD:CANCEL\r\n"),
        ("answer", NINE, "METHOD:REPLY\r\n"),
        ("declined", (*NINE, "ATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example"), ""),
        (
            "declined",
            (*NINE, "ATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example", "ATTENDEE:mailto:c@b.example"),
            "X-WR-CALNAME:A@b.example\r\n",
        ),
        ("no-time", NINE[:1], ""),
        ("over", ("DTSTART:20261101T140000Z", "DTEND:20261101T150000Z"), ""),
        ("later", ("DTSTART:20281101T140000Z", "DTEND:20281101T150000Z"), ""),
        ("outside", ("DTSTART:20201101T140000Z", "DTEND:20201101T150000Z", "RRULE:FREQ=DAILY;COUNT=3"), ""),
    ],
)
def test_what_takes_no_time_is_skipped_and_named(rule: str, lines: tuple[str, ...], head: str) -> None:
    found = read(event(*lines), head=head)
    assert (found.busy, found.errors) == ([], [])
    assert [(s.line, s.component, s.rule) for s in found.skipped] == [(2 + bool(head), "VEVENT", rule)]
    assert rule in ics_read.WHY_SKIPPED


def test_other_components_are_named_and_alarms_are_part_of_their_entry() -> None:
    todo = "BEGIN:VTODO\r\nUID:t\r\nDUE:20261202T140000Z\r\nEND:VTODO\r\n"
    inner = f"BEGIN:X-OWN\r\n{event(*NINE, uid='3')}END:X-OWN\r\n"
    alarm = "BEGIN:VALARM\r\nDURATION:PT5M\r\nTRIGGER:-PT15M\r\nEND:VALARM"
    found = read(todo, inner, event(*NINE, alarm))
    assert [(s.line, s.component, s.rule) for s in found.skipped] == [
        (2, "VTODO", "not-busy"),
        (6, "X-OWN", "not-busy"),
        (7, "VEVENT", "misplaced"),
    ]
    assert times(found) == ["1202 0900-1000"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("SUMMARY:x",), (2, "DTSTART", "no-start")),
        (("DTSTART:20261302T140000Z",), (4, "DTSTART", "bad-time")),
        (("DTSTART:2026120٢",), (4, "DTSTART", "bad-time")),
        ((NINE[0], "DTEND:20261202T130000Z"), (5, "DTEND", "end-before-start")),
        ((NINE[0], "DURATION:-PT1H"), (5, "DURATION", "end-before-start")),
        ((NINE[0], "DURATION:PT"), (5, "DURATION", "bad-length")),
        ((NINE[0], "DTEND;VALUE=DATE:20261203"), (5, "DTEND", "mixed-times")),
        ((*NINE, "DTSTART:20261203T140000Z"), (6, "DTSTART", "doubled")),
        ((*NINE, "RRULE:FREQ=SECONDLY"), (6, "RRULE", "too-often")),
        ((*NINE, "EXDATE:20261203T140000Z,soon"), (6, "EXDATE", "bad-time")),
        ((*NINE, "RDATE;VALUE=PERIOD:20261203T140000Z/P"), (6, "RDATE", "bad-length")),
        (("DTSTART:00010101T000000Z", "DURATION:P999999W"), (2, "", "out-of-range")),
    ],
)
def test_what_cannot_be_read_is_an_error_with_line_and_property(
    lines: tuple[str, ...], expected: tuple[int, str, str]
) -> None:
    found = read(event(*lines), event(*NINE, uid="2"))
    assert [(e.line, e.column, e.rule) for e in found.errors] == [expected]
    assert times(found) == ["1202 0900-1000"]


def test_every_mistake_of_an_entry_is_named() -> None:
    found = read(event("DTSTART:soon", "DTEND:later", "RRULE:FREQ=HOURLY", "EXDATE:never"))
    assert [(e.line, e.rule) for e in found.errors] == [(4, "bad-time"), (6, "too-often"), (7, "bad-time")]


def test_until_further_notice_ends_in_a_far_year() -> None:
    found = read(event("DTSTART;VALUE=DATE:20261209", "DTEND;VALUE=DATE:99991231"))
    assert ([b.end for b in found.busy], found.errors) == ([ics_read.LAST], [])
    long_since = read(event("DTSTART:00010102T000000Z", "DTEND:20261209T000000Z"))
    assert [b.start for b in long_since.busy] == [0]


def test_a_series_without_end_is_worked_out_only_for_the_window() -> None:
    found = read(event("DTSTART:19000101T140000Z", "DTEND:19000101T150000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO"))
    assert len(found.busy) == 53


def test_more_than_anybody_is_away_is_an_error_at_the_line_where_it_gets_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ics_read, "MAX_BUSY", 6)
    found = read(SERIES, SERIES.replace("UID:1", "UID:2"), event(*NINE, uid="3"))
    assert [(e.line, e.rule) for e in found.errors] == [(8, "too-much")]


def test_no_word_of_an_entry_comes_out() -> None:
    private = "Zirkon"
    found = read(event(*NINE, f"SUMMARY:{private}", f"DTSTAMP:{private}", f"TRANSP:{private}", uid=private))
    broken = read(event(f"DTSTART:{private}", f"DURATION:{private}", f"RRULE:{private}={private}", uid=private))
    assert (len(found.busy), len(broken.errors)) == (1, 2)
    assert private not in f"{found}{broken}"
