"""Calendar files: what is written for whom, and what must never stand in them."""

from __future__ import annotations

import tracemalloc

import pytest
from calendar_files import MOOD, TALK, at, clinic, octets, read, unfolded, visit

from infusion_cli.domain.book import Appointment, Warn
from infusion_cli.formats.ics import export, file_name


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


def test_file_names_say_no_more_than_the_id_and_nothing_of_a_patient() -> None:
    assert file_name("A7K2M4") == "appointment-A7K2M4.ics"
    assert file_name("S7K2M4") == "appointments-S7K2M4.ics"
    assert file_name("P7K2M4") == "appointments.ics"
