"""Calendar files as readers see them that know nothing of each other: the same instants in each.

`tools/parsers/run.py` asks more of them, which are not Python's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from calendar_files import at, clinic, octets, visit
from formats.test_ics_octets import ENOUGH
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar as Parsed

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Chair, Clinic
from infusion_cli.formats import itip
from infusion_cli.formats.busy import Calendar, busy, uid_of

ZONES = (
    *("America/New_York", "Europe/Berlin"),
    *("Asia/Kolkata", "Asia/Kathmandu"),  # half an hour, three quarters
    "Australia/Adelaide",  # half an hour, and summer in January
    "Australia/Lord_Howe",  # a change by half an hour
    *("America/Santiago", "Pacific/Chatham", "Pacific/Auckland"),
    "America/Phoenix",  # no change
    "Africa/Casablanca",  # follows the moon
)
SUMMER_AND_WINTER = (at("2026-01-01T00:00+00:00"), at("2027-01-01T00:00+00:00"))
KEY = "k" * 64
CHAIR = Chair("chair-secret", "Fenster; links, 😀")

Events = list[tuple[str, int, int, str]]
"""UID, start, end, summary."""


def elsewhere(data: bytes) -> bytes:
    """The same file with a zone that no reader has ever heard of: what the file says of it must do."""
    place = f"Place {next(PLACES)}".encode()
    return re.sub(rb"(?m)^(TZID:|DTSTART;TZID=|DTEND;TZID=)[\w/]+", rb"\1" + place, data)


PLACES = count()


def by_name(data: bytes) -> Events:
    """As icalendar reads it, which knows the zones by their names."""
    calendar = Parsed.from_ical(data)
    assert isinstance(calendar, Parsed)
    return [(str(e["UID"]), _instant(e.start), _instant(e.end), str(e["SUMMARY"])) for e in calendar.events]


def by_icalendar(data: bytes) -> Events:
    return by_name(elsewhere(data))


def by_vobject(data: bytes) -> Events:
    calendar = vobject.readOne(elsewhere(data).decode())
    return [
        (e.uid.value, _instant(e.dtstart.value), _instant(e.dtend.value), e.summary.value)
        for e in getattr(calendar, "vevent_list", [])
    ]


def _instant(moment: Any) -> int:
    assert moment.tzinfo is not None
    return int(moment.timestamp())


READERS = pytest.mark.parametrize("read", [by_name, by_icalendar, by_vobject])
Read = Callable[[bytes], Events]


def here(timezone: str) -> Clinic:
    return clinic(timezone=timezone, chairs=(CHAIR,), email="desk@northgate.example")


def feed(timezone: str, *visits: Appointment) -> bytes:
    window = (min(v.start for v in visits), max(v.end for v in visits))
    return b"".join(busy(here(timezone), Calendar("chair", CHAIR.id, "u@calendar.invalid"), visits, *window, KEY))


def for_patients(visits: list[Appointment]) -> Events:
    return [(v.uid, v.start, v.leave, "Appointment") for v in visits]


def for_staff(visits: list[Appointment]) -> Events:
    return [(uid_of(v, KEY), v.start, v.end, f"Busy – {CHAIR.name}") for v in visits]


def changes(timezone: str) -> list[int]:
    """The instants of a year at which the clock is changed, and two others where it never is."""
    tz = ZoneInfo(timezone)
    hours = range(*SUMMER_AND_WINTER, 3600)
    offsets = [datetime.fromtimestamp(hour, tz).utcoffset() for hour in hours]
    found = [hour for hour, one, other in zip(hours[1:], offsets, offsets[1:], strict=False) if one != other]
    return found or [at("2026-03-29T01:00+00:00"), at("2026-10-25T01:00+00:00")]


@READERS
@pytest.mark.parametrize("timezone", ZONES)
def test_visits_around_every_change_of_the_clock_are_where_they_were_booked(timezone: str, read: Read) -> None:
    around = (-86_400, -5400, -3600, -1800, 0, 1800, 3600, 7200, 86_400)
    starts = [change + seconds for change in changes(timezone) for seconds in around]
    visits = [visit(n, start) for n, start in enumerate(starts)]

    assert read(octets(here(timezone), *visits)) == for_patients(visits)
    assert read(feed(timezone, *visits)) == for_staff(visits)
    for one in visits:
        assert read(octets(here(timezone), one)) == for_patients([one])
        assert read(itip.request(here(timezone), one, "p@example.com")) == for_patients([one])
        assert read(itip.cancel(here(timezone), one, "p@example.com")) == for_patients([one])


@READERS
@ENOUGH
@given(
    timezone=st.sampled_from(ZONES),
    day=st.dates(date(2024, 1, 1), date(2034, 12, 1)),
    quarters=st.lists(st.integers(0, 300 * 96), min_size=2, max_size=6),
)
def test_visits_at_any_time_are_where_they_were_booked(
    timezone: str, day: date, quarters: list[int], read: Read
) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    starts = [int((midnight + timedelta(minutes=15 * quarter)).timestamp()) for quarter in quarters]
    visits = [visit(n, start) for n, start in enumerate(starts)]

    assert read(octets(here(timezone), *visits)) == for_patients(visits)
    assert read(feed(timezone, *visits)) == for_staff(visits)


@pytest.mark.parametrize("read", [by_icalendar, by_vobject])
def test_a_reader_sees_when_a_time_zone_is_told_wrongly(read: Read) -> None:
    visits = [visit(1, "2026-07-01T09:00-04:00"), visit(2, "2026-12-01T09:00-05:00")]
    right = feed("America/New_York", *visits)

    assert read(right) == for_staff(visits)
    assert read(right.replace(b"TZOFFSETTO:-0400", b"TZOFFSETTO:-0300")) != for_staff(visits)
