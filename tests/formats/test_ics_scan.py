"""Calendar files taken apart: any octets, and where each thing stands."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_cli.formats import ics_scan
from infusion_cli.formats.ics_read import busy_times
from infusion_cli.formats.ics_scan import Component, scan

TZ = ZoneInfo("America/New_York")
HEAD, TAIL = b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n"
EVENT = b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261202T140000Z\r\nDTEND:20261202T150000Z\r\nEND:VEVENT\r\n"
LINES = st.sampled_from(
    [
        *(b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"BEGIN:VEVENT", b"END:VEVENT", b"BEGIN:VFREEBUSY", b"END:VFREEBUSY"),
        *(
            b"BEGIN:VTIMEZONE",
            b"TZID:X",
            b"BEGIN:STANDARD",
            b"TZOFFSETFROM:-0400",
            b"TZOFFSETTO:+9900",
            b"END:STANDARD",
        ),
        *(b"UID:1", b"UID:\xff", b"DTSTART:20261202T140000Z", b"DTSTART;TZID=X:20261202T140000", b"DTSTART:99991231"),
        *(b"DTSTART;VALUE=DATE:00010101", b"DTEND:20261202T150000", b"DURATION:P999999W", b"DURATION:-PT1H"),
        *(b"RRULE:FREQ=DAILY", b"RRULE:FREQ=SECONDLY", b"RRULE:FREQ=YEARLY;BYDAY=5MO;BYMONTH=2;BYSETPOS=-1", b"RRULE:"),
        *(b"RDATE;VALUE=PERIOD:20261202T140000Z/PT1H", b"EXDATE:20261203T140000Z", b"RDATE:,,", b"SEQUENCE:x"),
        *(b"RECURRENCE-ID;RANGE=THISANDFUTURE:20261203T140000Z", b"STATUS:CANCELLED", b"FREEBUSY:x/y", b"FREEBUSY:"),
        *(
            b" folded",
            b"\tfolded",
            b" ",
            b"",
            b"no colon",
            b":",
            b";:",
            b'X;A="b',
            b"\r",
            b"\x00",
            b"ATTENDEE;PARTSTAT",
        ),
    ]
)
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r"])


def report(data: bytes) -> None:
    """Whatever is in a file, it comes to stretches in the window and lines that are in the file."""
    found = busy_times(data, TZ, 1_795_000_000, 1_796_000_000)
    last = max(data.count(b"\n"), data.count(b"\r")) + 1
    assert all(1 <= (e.line or 0) <= last for e in (*found.errors, *found.warnings))
    assert all(1 <= s.line <= last for s in found.skipped)
    assert all(b.start < b.end and b.start < 1_796_000_000 and b.end > 1_795_000_000 for b in found.busy)
    if b"END:VCALENDAR" not in data.upper():
        assert found.errors


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_come_to_a_report(data: bytes) -> None:
    report(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(LINES, ENDS), max_size=40))
def test_lines_in_any_order_come_to_a_report(lines: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(line + end for line, end in lines)
    report(data)
    report(HEAD + data + TAIL)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_sound_file_with_one_octet_changed_comes_to_a_report(data: st.DataObject) -> None:
    octets = bytearray(HEAD + EVENT + TAIL)
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] = data.draw(st.integers(0, 255))
    report(bytes(octets))


def only(component: Component, *names: str) -> Component:
    for name in names:
        (component,) = [c for c in component.children if c.name == name]
    return component


def test_lines_are_numbered_as_an_editor_shows_them_wherever_they_are_folded() -> None:
    folded = b"SUMMARY:a\r\n b\r\n c\r\nUI\r\n D:x\r\n y\r\nDTSTART:2026\r\n1202\r\n"
    found = scan(HEAD + b"\r\nBEGIN:VEVENT\r\n" + folded + b"END:VEVENT\r\n" + TAIL)
    event = only(found.components[0], "VEVENT")
    assert event.line == 3
    assert [(p.line, p.name, p.split()[1]) for p in event.properties] == [(7, "UID", "xy"), (10, "DTSTART", "2026")]
    assert [(e.line, e.column, e.rule) for e in event.problems] == [(11, "DTSTART", "broken-line")]


def test_parameters_are_read_with_and_without_quotes() -> None:
    lines = (
        b'DTSTART;VALUE=DATE-TIME;TZID="(UTC-05:00) Eastern; US, Canada":20261202T090000\r\n'
        b"DTEND;TZID=(UTC-05:00) Eastern:20261202T100000\r\n"
        b'ATTENDEE;CN="Bell; Ann: RN";PARTSTAT=DECLINED:mailto:ann@roster.example\r\n'
    )
    event = only(scan(HEAD + b"BEGIN:VEVENT\r\n" + lines + b"END:VEVENT\r\n" + TAIL).components[0], "VEVENT")
    start, end, guest = (p.split() for p in event.properties)
    assert start == ({"VALUE": "DATE-TIME", "TZID": "(UTC-05:00) Eastern; US, Canada"}, "20261202T090000")
    assert (end[0]["TZID"][:4], end[1]) == ("(UTC", "20261202T100000")
    assert guest == ({"CN": "Bell; Ann: RN", "PARTSTAT": "DECLINED"}, "mailto:ann@roster.example")


def test_what_a_calendar_says_about_people_is_not_kept() -> None:
    private = b"SUMMARY:Zirkon\r\nDESCRIPTION:Topas\r\nLOCATION:Beryll\r\nCOMMENT:Granat\r\n"
    found = scan(HEAD + EVENT.replace(b"UID", private + b"UID") + TAIL)
    kept = only(found.components[0], "VEVENT").properties
    assert [p.name for p in kept] == ["UID", "DTSTART", "DTEND"]


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (b"", [(1, "no-calendar")]),
        (b"hello\r\n", [(1, "no-calendar")]),
        (b"\xff\xfeB\x00E\x00", [(1, "not-utf-8")]),
        (HEAD + EVENT, [(1, "no-end")]),
        (HEAD + EVENT + TAIL[:8], [(7, "stray-end"), (1, "no-end")]),
        (HEAD + b"BEGIN:VEVENT\r\n" + TAIL, [(2, "no-end")]),
        (EVENT + b"END:VTODO\r\n", [(6, "stray-end")]),
        (HEAD + b"BEGIN:X\n" * 20 + TAIL, [(21, "too-deep")]),
    ],
)
def test_a_file_that_is_no_whole_calendar_is_an_error_with_its_line(data: bytes, errors: list[tuple[int, str]]) -> None:
    assert [(e.line, e.rule) for e in scan(data).errors] == errors


@pytest.mark.parametrize(
    ("lines", "warnings"),
    [
        (b"SUMMARY:a\rb\r\n", [(3, "lone-cr")]),
        (b"SUMMARY:a\r\nand more\r\n", [(4, "broken-line")]),
        (b"UID:1\r\nX-RADIUS=4\r\n", [(4, "broken-line")]),
    ],
)
def test_what_is_broken_beside_the_times_is_a_warning_with_its_line(
    lines: bytes, warnings: list[tuple[int, str]]
) -> None:
    data = HEAD + EVENT.replace(b"BEGIN:VEVENT\r\n", b"BEGIN:VEVENT\r\n" + lines) + TAIL
    found = scan(data)
    assert ([(w.line, w.rule) for w in found.warnings], found.errors) == (warnings, [])
    assert len(busy_times(data, TZ, 0, 1 << 32).busy) == 1


def test_a_broken_fold_within_a_rule_spoils_the_entry_and_not_the_others() -> None:
    broken = EVENT.replace(b"UID:1", b"UID:2\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\n,TU")
    found = busy_times(HEAD + broken + EVENT + TAIL, TZ, 0, 1 << 32)
    assert [(e.line, e.column, e.rule) for e in found.errors] == [(5, "RRULE", "broken-line")]
    assert len(found.busy) == 1


def test_a_large_file_is_refused_at_once_with_the_line_at_which_it_gets_too_large() -> None:
    data = HEAD + EVENT + b"DESCRIPTION:" + b"x" * 50_000_000 + b"\r\n" + TAIL
    assert [(e.line, e.rule) for e in scan(data).errors] == [(7, "too-large")]


def test_a_file_full_of_mistakes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = scan(HEAD + b"zzz\r\n" * 5000 + TAIL)
    assert [(e.line, e.rule) for e in found.errors] == [(1001, "too-many-problems")]
    monkeypatch.setattr(ics_scan, "MAX_COMPONENTS", 10)
    assert [(e.line, e.rule) for e in scan(HEAD + EVENT * 10 + TAIL).errors] == [(47, "too-many")]
