"""Calendar files: the octets, what readers make of them, and what must never stand in them."""

from __future__ import annotations

import io
import tracemalloc
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from dateutil.tz import tzical
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from infusion_cli.domain import names
from infusion_cli.domain.book import Appointment, Warn
from infusion_cli.domain.clinic import Chair, Clinic
from infusion_cli.domain.protocol import Phase, Protocol, Span
from infusion_cli.formats.ics import export, file_name

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "America/Phoenix",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Casablanca",
)
PHASES = (Phase("infusion", 75, dosing=True), Phase("turnover", 15, after_leave=True))
MOOD = Protocol("iv-mood-secret", "Ketamine series Zirkon", PHASES)
TALK = Protocol("talk-secret", "Consultation Topas", PHASES, public_title="Visit; first, short")

HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\\;,:"^\r\n\t\0\x0b\x0c\x1c\x7f\x85\u2028\u2029\ufeff\u202eé€😀漢'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=150,
)
ENOUGH = settings(max_examples=60, deadline=None)


def at(text: str) -> int:
    """The instant of an ISO time with offset."""
    return int(datetime.fromisoformat(text).timestamp())


def clinic(**changes: Any) -> Clinic:
    """A clinic whose own name tells all and whose public name nothing."""
    return Clinic(
        name="Northgate Ketamine Infusion",
        public_name="Northgate Clinic",
        timezone="America/New_York",
        grid=15,
        cancel_notice=Span(24, "h"),
        hours=(),
        chairs=(Chair("chair-secret", "Obsidian"),),
        staff=(),
        protocols=(MOOD, TALK),
        phone="+1 518 555 0100",
        address="7 North Gate Road, Albany, NY 12207",
    )._replace(**changes)


def visit(number: int = 1, start: str | int = "2026-12-01T09:00-05:00", **changes: Any) -> Appointment:
    """The `number`-th visit: 75 minutes for the patient, 90 for the chair."""
    instant = start if isinstance(start, int) else at(start)
    return Appointment(
        id=f"A{number}",
        patient="P-Granat",
        protocol=MOOD.id,
        series="S-Beryll",
        session=3,
        start=instant,
        end=instant + 90 * 60,
        leave=instant + 75 * 60,
        chair="chair-secret",
        status="booked",
        phases=PHASES,
        wall="2026-12-01T09:00",
        zone="America/New_York",
        uid=f"{number:032x}@calendar.invalid",
        stamp=at("2026-11-23T12:30:05+00:00"),
    )._replace(**changes)


def octets(of: Clinic, *visits: Appointment, **options: str) -> bytes:
    """The whole file."""
    return b"".join(export(of, visits, **options))


def unfolded(data: bytes) -> str:
    """The file with its folds taken out."""
    return data.replace(b"\r\n ", b"").decode()


def broken_rules(data: bytes) -> list[str]:
    """What the octets break of RFC 5545, 3.1, and of our own promise about control characters."""
    lines = data.split(b"\r\n")
    text = data.decode()
    rules = {
        "the last line is ended": data.endswith(b"\r\n"),
        "no bare CR or LF": not any(b"\r" in line or b"\n" in line for line in lines),
        "75 octets": max(map(len, lines)) <= 75,
        "no mark in front": not data.startswith(b"\xef\xbb\xbf"),
        "no control characters": not any(
            unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in text.replace("\r\n", "")
        ),
        "folds between characters": all(_is_text(line) for line in lines),
    }
    return [rule for rule, holds in rules.items() if not holds]


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def read(data: bytes) -> list[tuple[int, int, str]]:
    """(start, end, location) of each event as the icalendar library reads the file."""
    calendar = Calendar.from_ical(data)
    assert isinstance(calendar, Calendar)
    assert [e.errors for e in calendar.events if e.errors] == []
    return [(_instant(e.start), _instant(e.end), str(e["LOCATION"])) for e in calendar.events]


def _instant(moment: Any) -> int:
    assert moment.tzinfo is not None
    return int(moment.timestamp())


def test_a_single_visit_is_in_utc_and_ends_when_the_patient_leaves() -> None:
    assert octets(clinic(), visit(sequence=2)) == (
        b"BEGIN:VCALENDAR\r\n"
        b"VERSION:2.0\r\n"
        b"PRODID:-//Northgate Clinic//EN\r\n"
        b"CALSCALE:GREGORIAN\r\n"
        b"BEGIN:VEVENT\r\n"
        b"UID:00000000000000000000000000000001@calendar.invalid\r\n"
        b"DTSTAMP:20261123T123005Z\r\n"
        b"LAST-MODIFIED:20261123T123005Z\r\n"
        b"SEQUENCE:2\r\n"
        b"DTSTART:20261201T140000Z\r\n"
        b"DTEND:20261201T151500Z\r\n"
        b"SUMMARY:Appointment\r\n"
        b"LOCATION:Northgate Clinic\\, 7 North Gate Road\\, Albany\\, NY 12207\r\n"
        b"DESCRIPTION:Questions: +1 518 555 0100\r\n"
        b"CLASS:PRIVATE\r\n"
        b"STATUS:CONFIRMED\r\n"
        b"TRANSP:OPAQUE\r\n"
        b"END:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )


def test_a_series_across_the_end_of_daylight_time_keeps_the_clinics_clock() -> None:
    series = (
        visit(1, "2026-10-29T09:00-04:00"),
        visit(2, "2026-11-02T09:00-05:00", status="pending", sequence=1),
        visit(3, "2026-11-05T13:30-05:00", protocol=TALK.id),
    )
    german = clinic(
        public_name="Praxis Müller & Cie, Haus an der alten Brücke am Ende der Straße 3", phone="", address=""
    )
    place = (
        b"LOCATION:Praxis M\xc3\xbcller & Cie\\, Haus an der alten Br\xc3\xbccke am Ende der Stra\r\n \xc3\x9fe 3\r\n"
    )

    assert octets(german, *series, calendar_name="Appointments", calendar_uid="cal-1@calendar.invalid") == (
        b"BEGIN:VCALENDAR\r\n"
        b"VERSION:2.0\r\n"
        b"PRODID:-//Praxis M\xc3\xbcller & Cie\\, Haus an der alten Br\xc3\xbccke am Ende der Stra\r\n"
        b" \xc3\x9fe 3//EN\r\n"
        b"CALSCALE:GREGORIAN\r\n"
        b"UID:cal-1@calendar.invalid\r\n"
        b"NAME:Appointments\r\n"
        b"X-WR-CALNAME:Appointments\r\n"
        b"BEGIN:VTIMEZONE\r\n"
        b"TZID:America/New_York\r\n"
        b"BEGIN:STANDARD\r\n"
        b"DTSTART:19701101T020000\r\n"
        b"RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\n"
        b"TZOFFSETFROM:-0400\r\n"
        b"TZOFFSETTO:-0500\r\n"
        b"TZNAME:EST\r\n"
        b"END:STANDARD\r\n"
        b"BEGIN:DAYLIGHT\r\n"
        b"DTSTART:19700308T020000\r\n"
        b"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"
        b"TZOFFSETFROM:-0500\r\n"
        b"TZOFFSETTO:-0400\r\n"
        b"TZNAME:EDT\r\n"
        b"END:DAYLIGHT\r\n"
        b"END:VTIMEZONE\r\n"
        b"BEGIN:VEVENT\r\n"
        b"UID:00000000000000000000000000000001@calendar.invalid\r\n"
        b"DTSTAMP:20261123T123005Z\r\n"
        b"LAST-MODIFIED:20261123T123005Z\r\n"
        b"SEQUENCE:0\r\n"
        b"DTSTART;TZID=America/New_York:20261029T090000\r\n"
        b"DTEND;TZID=America/New_York:20261029T101500\r\n"
        b"SUMMARY:Appointment\r\n" + place + b"CLASS:PRIVATE\r\n"
        b"STATUS:CONFIRMED\r\n"
        b"TRANSP:OPAQUE\r\n"
        b"END:VEVENT\r\n"
        b"BEGIN:VEVENT\r\n"
        b"UID:00000000000000000000000000000002@calendar.invalid\r\n"
        b"DTSTAMP:20261123T123005Z\r\n"
        b"LAST-MODIFIED:20261123T123005Z\r\n"
        b"SEQUENCE:1\r\n"
        b"DTSTART;TZID=America/New_York:20261102T090000\r\n"
        b"DTEND;TZID=America/New_York:20261102T101500\r\n"
        b"SUMMARY:Appointment\r\n" + place + b"CLASS:PRIVATE\r\n"
        b"STATUS:TENTATIVE\r\n"
        b"TRANSP:OPAQUE\r\n"
        b"END:VEVENT\r\n"
        b"BEGIN:VEVENT\r\n"
        b"UID:00000000000000000000000000000003@calendar.invalid\r\n"
        b"DTSTAMP:20261123T123005Z\r\n"
        b"LAST-MODIFIED:20261123T123005Z\r\n"
        b"SEQUENCE:0\r\n"
        b"DTSTART;TZID=America/New_York:20261105T133000\r\n"
        b"DTEND;TZID=America/New_York:20261105T144500\r\n"
        b"SUMMARY:Visit\\; first\\, short\r\n" + place + b"CLASS:PRIVATE\r\n"
        b"STATUS:CONFIRMED\r\n"
        b"TRANSP:OPAQUE\r\n"
        b"END:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )


@pytest.mark.parametrize(
    ("status", "written"),
    [
        ("proposed", "TENTATIVE"),
        ("pending", "TENTATIVE"),
        ("booked", "CONFIRMED"),
        ("arrived", "CONFIRMED"),
        ("checked-in", "CONFIRMED"),
        ("fulfilled", "CONFIRMED"),
        ("waitlist", None),
        ("cancelled", None),
        ("noshow", None),
        ("entered-in-error", None),
    ],
)
def test_visits_that_no_longer_hold_are_left_out_and_held_ones_are_tentative(status: str, written: str | None) -> None:
    text = octets(clinic(), visit(1, status=status), visit(2)).decode()

    assert text.count("BEGIN:VEVENT") == (2 if written else 1)
    assert (f"STATUS:{written}\r\n" in text) is bool(written)


def test_one_visit_left_over_is_written_like_a_single_one() -> None:
    assert octets(clinic(), visit(1), visit(2, status="cancelled")) == octets(clinic(), visit(1))


def test_a_calendar_without_visits_is_still_a_valid_one() -> None:
    data = octets(clinic(), visit(status="cancelled"))

    assert read(data) == []
    assert b"BEGIN:VTIMEZONE\r\nTZID:UTC\r\n" in data


def test_a_time_that_the_clock_shows_twice_is_in_utc_and_its_neighbours_are_not() -> None:
    text = octets(
        clinic(),
        visit(1, "2026-10-31T22:00-04:00"),
        visit(2, "2026-11-01T01:30-04:00"),
        visit(3, "2026-11-01T01:30-05:00"),
        visit(4, "2026-11-01T00:00-04:00"),
        visit(5, "2026-11-01T02:00-05:00"),
    ).decode()

    assert [line for line in text.split("\r\n") if line.startswith(("DTSTART:20", "DTSTART;"))] == [
        "DTSTART;TZID=America/New_York:20261031T220000",
        "DTSTART:20261101T053000Z",
        "DTSTART:20261101T063000Z",
        "DTSTART:20261101T040000Z",
        "DTSTART;TZID=America/New_York:20261101T020000",
    ]
    assert "DTEND:20261101T051500Z" in text


def test_a_zone_that_follows_the_moon_is_in_utc_throughout() -> None:
    text = octets(
        clinic(timezone="Africa/Casablanca"), visit(1), visit(2, "2026-12-03T09:00-05:00"), calendar_name="Visits"
    ).decode()

    assert "TZID" not in text
    assert "BEGIN:VTIMEZONE" not in text
    assert "DTSTART:20261203T140000Z" in text


def test_exporting_twice_gives_the_same_octets_from_a_list_and_from_a_generator() -> None:
    visits = [visit(n, at("2026-12-01T09:00-05:00") + n * 86_400) for n in range(5)]
    first = b"".join(export(clinic(), visits))

    assert b"".join(export(clinic(), visits)) == first
    assert b"".join(export(clinic(), (v for v in visits))) == first


def test_a_long_file_is_made_in_small_pieces() -> None:
    visits = [visit(n, at("2026-12-01T09:00-05:00") + n * 3600) for n in range(2000)]
    whole = len(b"".join(export(clinic(), visits)))
    tracemalloc.start()
    try:
        pieces = sum(1 for _ in export(clinic(), visits))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert pieces >= 2000
    assert peak < whole / 10


@ENOUGH
@given(public_name=HOSTILE, address=HOSTILE, phone=HOSTILE, title=HOSTILE, calendar_name=HOSTILE)
@example("é" * 40, "\\" * 80, "a\r\nATTENDEE:mailto:x@example.org", ",;" * 60, "x" * 61 + "😀")
def test_hostile_text_breaks_no_rule_of_the_octets(
    public_name: str, address: str, phone: str, title: str, calendar_name: str
) -> None:
    hostile = clinic(
        public_name=public_name, address=address, phone=phone, protocols=(MOOD._replace(public_title=title),)
    )
    data = octets(hostile, visit(1), visit(2), calendar_name=calendar_name)

    assert broken_rules(data) == []
    assert "\r\nATTENDEE" not in unfolded(data)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"A:b", "the last line is ended"),
        (b"A:b\nC:d\r\n", "no bare CR or LF"),
        (b"A:" + b"x" * 74 + b"\r\n", "75 octets"),
        (b"\xef\xbb\xbfA:b\r\n", "no mark in front"),
        (b"A:\x0b\r\n", "no control characters"),
        (b"A:\xe2\x80\xa8\r\n", "no control characters"),
        (b"A:\xc3\r\n \xa9\r\n", "folds between characters"),
    ],
)
def test_the_check_of_the_octets_finds_each_broken_rule(data: bytes, rule: str) -> None:
    try:
        assert rule in broken_rules(data)
    except UnicodeDecodeError:
        assert rule == "folds between characters"


def test_no_fold_parts_a_backslash_from_what_it_escapes() -> None:
    for length in range(60, 76):
        data = octets(clinic(public_name="x" * length + "\\,;" * 30), visit(1))
        assert [line for line in data.split(b"\r\n") if (len(line) - len(line.rstrip(b"\\"))) % 2] == []


@ENOUGH
@given(
    zone=st.sampled_from(ZONES),
    public_name=HOSTILE,
    address=HOSTILE,
    quarters=st.lists(
        st.integers(at("2024-01-01T00:00+00:00") // 900, at("2034-12-31T00:00+00:00") // 900), min_size=1, max_size=6
    ),
)
def test_the_library_reads_back_the_same_instants_and_the_same_place(
    zone: str, public_name: str, address: str, quarters: list[int]
) -> None:
    visits = [visit(n, quarter * 900) for n, quarter in enumerate(quarters)]
    place = names.clean(", ".join(filter(None, (public_name, address))))

    data = octets(clinic(timezone=zone, public_name=public_name, address=address), *visits)

    assert read(data) == [(v.start, v.leave, place) for v in visits]


@ENOUGH
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(datetime(2024, 1, 1).date(), datetime(2034, 12, 1).date()),
    quarters=st.lists(st.integers(0, 30 * 96), min_size=2, max_size=6),
)
def test_a_reader_that_knows_the_vtimezone_only_finds_the_same_instants(
    zone: str, day: Any, quarters: list[int]
) -> None:
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    visits = [visit(n, midnight + quarter * 900) for n, quarter in enumerate(quarters)]

    text = octets(clinic(timezone=zone), *visits).decode()

    starts = [line for line in text.split("\r\n") if line.startswith(("DTSTART;TZID", "DTSTART:2"))]
    assert [_by_vtimezone(line, text) for line in starts] == [v.start for v in visits]


def _by_vtimezone(line: str, text: str) -> int:
    head, _, value = line.partition(":")
    if head == "DTSTART":
        return int(datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
    tz = tzical(io.StringIO(text)).get(head.partition("=")[2])
    assert tz is not None
    offset = datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=tz).utcoffset()
    assert offset is not None
    return int((datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=UTC) - offset).timestamp())


SECRETS = (
    "granat",
    "beryll",
    "zirkon",
    "topas",
    "obsidian",
    "quarz",
    "secret",
    "chair",
    "ketamine",
    "infusion",
)
"""Planted in every record that a file is made from; none of it may reach the file."""


def told(data: bytes) -> list[str]:
    """The secrets that stand anywhere in the file, folds taken out, case ignored."""
    text = unfolded(data).casefold()
    return [secret for secret in SECRETS if secret in text]


def telling(number: int, start: str) -> Appointment:
    """A visit with a secret in every field that holds text."""
    return visit(
        number,
        start,
        key="quarz-key",
        overrides=("staff-short", "quarz"),
        reason="Quarz",
        cancelled_by="Quarz",
        ride="Quarz",
        warnings=(Warn("gap-tight", "Granat, ketamine infusion"),),
    )


def test_nothing_tells_who_comes_or_what_for() -> None:
    single = octets(clinic(), telling(1, "2026-12-01T09:00-05:00"))
    series = octets(
        clinic(), telling(1, "2026-12-01T09:00-05:00"), telling(2, "2026-12-03T09:00-05:00"), calendar_name="Visits"
    )

    assert told(single) == []
    assert told(series) == []


@pytest.mark.parametrize("secret", SECRETS)
def test_the_search_finds_each_secret_even_across_a_fold(secret: str) -> None:
    planted = MOOD._replace(public_title="x" * 63 + secret.upper())

    assert told(octets(clinic(protocols=(planted,)), visit())) == [secret]


def test_only_the_known_properties_are_written_and_no_others() -> None:
    text = unfolded(octets(clinic(), visit(1), visit(2), calendar_name="Visits", calendar_uid="u"))
    heads = {line.partition(":")[0].partition(";")[0] for line in text.split("\r\n") if line}

    assert heads == {
        *("BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "UID", "NAME", "X-WR-CALNAME"),
        *("TZID", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "RRULE"),
        *("DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND"),
        *("SUMMARY", "LOCATION", "DESCRIPTION", "CLASS", "STATUS", "TRANSP"),
    }


def test_a_visit_of_a_protocol_that_is_gone_is_called_an_appointment() -> None:
    assert b"SUMMARY:Appointment\r\n" in octets(clinic(protocols=()), visit())


def test_file_names_say_no_more_than_the_id() -> None:
    assert file_name("A7K2M4") == "appointment-A7K2M4.ics"
    assert file_name("S7K2M4") == "appointments-S7K2M4.ics"


def test_the_zones_of_these_tests_cover_both_ways_of_writing() -> None:
    ways = {zone: b"TZID=" in octets(clinic(timezone=zone), visit(1), visit(2)) for zone in ZONES}

    assert ways == {zone: zone != "Africa/Casablanca" for zone in ZONES}
