"""Calendars of chairs, staff and the clinic: every octet, the rules of the octets, and what must not stand in them."""

from __future__ import annotations

import tracemalloc

import pytest
from calendar_files import MOOD, TALK, at, clinic, octets, read, unfolded, visit
from formats.test_ics_octets import ENOUGH, HOSTILE, broken_rules
from hypothesis import example, given
from icalendar import Calendar as Read

from infusion_cli.domain import names
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Chair, Clinic, Practitioner, Words
from infusion_cli.formats.busy import Calendar, busy, file_name, name_of, uid_of

WINDOW = (at("2026-11-24T00:00-05:00"), at("2027-02-22T00:00-05:00"))
KEY = "k" * 64
WINDOW_CHAIR = (Chair("chair-secret", "Window"),)
FEED = Calendar("chair", "chair-secret", "cal-1@calendar.invalid")


def feed(of: Clinic, *visits: Appointment, calendar: Calendar = FEED) -> bytes:
    """The whole file."""
    return b"".join(busy(of, calendar, visits, *WINDOW, KEY))


def test_a_chairs_feed_in_full_lasts_until_the_chair_is_free() -> None:
    ours = clinic(chairs=WINDOW_CHAIR)
    two = visit(2, "2026-12-01T11:00-05:00", status="pending", sequence=3)

    assert feed(ours, visit(1), two).decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Northgate Clinic//EN",
        "CALSCALE:GREGORIAN",
        "UID:cal-1@calendar.invalid",
        "NAME:Northgate Clinic\\, Window",
        "X-WR-CALNAME:Northgate Clinic\\, Window",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:STANDARD",
        "DTSTART:19701101T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0500",
        "TZNAME:EST",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:19700308T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "TZNAME:EDT",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "UID:d157e53dbfe16a4b831987b1eb1c5562@calendar.invalid",
        "DTSTAMP:20261123T000000Z",
        "LAST-MODIFIED:20261123T000000Z",
        "SEQUENCE:0",
        "DTSTART;TZID=America/New_York:20261201T090000",
        "DTEND;TZID=America/New_York:20261201T103000",
        "SUMMARY:Busy – Window",
        "CLASS:CONFIDENTIAL",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "BEGIN:VEVENT",
        f"UID:{uid_of(two, KEY)}",
        "DTSTAMP:20261123T000000Z",
        "LAST-MODIFIED:20261123T000000Z",
        "SEQUENCE:3",
        "DTSTART;TZID=America/New_York:20261201T110000",
        "DTEND;TZID=America/New_York:20261201T123000",
        "SUMMARY:Busy – Window",
        "CLASS:CONFIDENTIAL",
        "STATUS:TENTATIVE",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_only_a_feed_asks_to_be_looked_at_again() -> None:
    text = feed(clinic(), visit(), calendar=Calendar("clinic")).decode()

    assert "REFRESH" not in text
    assert "TTL" not in text
    assert "\r\nNAME:Northgate Clinic\r\n" in text


def test_a_feed_without_visits_is_a_valid_calendar_in_every_zone() -> None:
    for timezone in ("America/New_York", "Africa/Casablanca"):
        data = feed(clinic(timezone=timezone), visit(status="cancelled"))
        assert read(data) == []
        assert data.count(b"BEGIN:VTIMEZONE") == 1


def test_a_zone_that_follows_the_moon_is_in_utc() -> None:
    data = feed(clinic(timezone="Africa/Casablanca"), visit())

    assert b"TZID" not in data
    assert b"DTSTART:20261201T140000Z\r\nDTEND:20261201T153000Z\r\n" in data


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error", "waitlist"])
def test_visits_that_do_not_stand_are_left_out(status: str) -> None:
    assert feed(clinic(), visit(1, status=status), visit(2)) == feed(clinic(), visit(2))


def test_the_uid_is_stable_and_not_that_of_the_patients_file() -> None:
    moved = visit(1, "2026-12-02T09:00-05:00", sequence=1, chair="elsewhere")

    assert uid_of(moved, KEY) == uid_of(visit(1), KEY) != uid_of(visit(2), KEY)
    assert uid_of(visit(1), "l" * 64) != uid_of(visit(1), KEY)
    assert visit(1).uid.partition("@")[0] not in unfolded(feed(clinic(), visit(1)))
    assert visit(1).uid in unfolded(octets(clinic(), visit(1)))


@pytest.mark.parametrize(
    "name",
    ["Ketamine 2", "SPRAVATO room", "Infusion bay", "The psychiatrist's", "iv-mood-secret", "Talk secret, left"],
)
def test_a_chair_whose_name_tells_is_a_number(name: str) -> None:
    ours = clinic(chairs=(Chair("a", "Window"), Chair("chair-secret", name)))

    assert b"SUMMARY:Busy \xe2\x80\x93 Chair 2\r\n" in feed(ours, visit())
    assert name_of(ours, FEED) == "Chair 2"
    assert file_name(ours, FEED) == "busy-chair-secret.ics"


def test_a_chair_whose_id_tells_is_a_number_in_a_files_name() -> None:
    ours = clinic(chairs=(Chair("ketamine-1", "Window"), Chair("spravato-2", "Garden")))

    assert [file_name(ours, Calendar("chair", c.id)) for c in ours.chairs] == ["busy-chair-1.ics", "busy-chair-2.ics"]


def test_the_words_are_those_of_the_clinics_language_or_its_own() -> None:
    chairs = (Chair("a", "Window"), Chair("chair-secret", "Ketamine 2"))
    german = clinic(language="de-AT", chairs=chairs)
    own = german._replace(words=Words(busy="Zu", chair="Liege"))

    assert "SUMMARY:Belegt – Platz 2\r\n".encode() in feed(german, visit())
    assert "SUMMARY:Zu – Liege 2\r\n".encode() in feed(own, visit())


def test_somebody_whose_id_tells_is_a_number_and_others_are_who_they_are() -> None:
    ours = clinic(staff=(Practitioner("dr-lee", "provider", ()), Practitioner("ketamine-rn", "nurse", ())))

    assert [name_of(ours, Calendar("staff", s.id)) for s in ours.staff] == ["dr-lee", "Staff 2"]
    assert [file_name(ours, Calendar("staff", s.id)) for s in ours.staff] == ["busy-dr-lee.ics", "busy-staff-2.ics"]


def test_a_visit_in_a_chair_that_is_gone_is_in_a_chair() -> None:
    assert b"SUMMARY:Busy \xe2\x80\x93 Chair\r\n" in feed(clinic(chairs=()), visit())


@ENOUGH
@given(public_name=HOSTILE, chair_name=HOSTILE)
@example("é" * 40, "\\" * 80)
@example("a\r\nATTENDEE:mailto:x@example.org", ",;" * 60)
@example("x" * 61 + "😀", "x" * 55 + "😀")
def test_hostile_names_break_no_rule_of_the_octets_and_are_read_back(public_name: str, chair_name: str) -> None:
    ours = clinic(public_name=public_name, chairs=(Chair("chair-secret", chair_name),), protocols=())
    data = feed(ours, visit(1), visit(2))

    assert broken_rules(data) == []
    assert "\r\nATTENDEE" not in unfolded(data)
    calendar = Read.from_ical(data)
    assert isinstance(calendar, Read)
    assert {str(e["SUMMARY"]) for e in calendar.events} == {f"Busy – {name_of(ours, FEED)}"}
    assert name_of(ours, FEED) in {names.clean(chair_name), "chair-secret", "Chair 1"}


def test_nothing_tells_who_comes_or_what_for() -> None:
    text = unfolded(feed(clinic(chairs=WINDOW_CHAIR), visit(1), visit(2, protocol=TALK.id))).casefold()

    for secret in ("granat", "beryll", "zirkon", "topas", "secret", "ketamine", "infusion", MOOD.id, "visit;"):
        assert secret not in text, secret


def test_a_long_file_is_made_without_keeping_the_visits() -> None:
    many = 20_000
    visits = (visit(n, WINDOW[0] + n * 900) for n in range(many))
    tracemalloc.start()
    try:
        written = sum(map(len, busy(clinic(), FEED, visits, *WINDOW, KEY)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert written > many * 250
    assert peak < many * 100  # what caches take; less than the octets, let alone the visits
