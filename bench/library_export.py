"""The file of `infusion ical export --clinic`, built with icalendar's own components instead.

    python bench/library_export.py > clinic.ics      the book that INFUSION_DB names

The same book, read the same way, and the same properties with the same values: only who puts the
file together differs.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from icalendar import Calendar, Event, Timezone

from infusion_cli import config
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import DAY, zone
from infusion_cli.domain.plan import CALENDAR_STATUS
from infusion_cli.formats.busy import uid_of
from infusion_cli.formats.ical_times import clock
from infusion_cli.services import busy as calendars
from infusion_cli.services.agenda import Stretch
from infusion_cli.services.busy import Subject
from infusion_cli.store.repository import open_store


def head(clinic: Clinic, seen: Stretch) -> Calendar:
    """The calendar before its events, the time zone as the program writes it."""
    calendar = Calendar()
    properties = {
        "VERSION": "2.0",
        "PRODID": f"-//{clinic.public_name}//EN",
        "CALSCALE": "GREGORIAN",
        "NAME": clinic.public_name,
        "X-WR-CALNAME": clinic.public_name,
    }
    for key, value in properties.items():
        calendar.add(key, value)
    calendar.add_component(Timezone.from_ical(clock(clinic.timezone, *seen).part))
    return calendar


def event(clinic: Clinic, visit: Appointment, uid: str, title: str) -> Event:
    """One visit."""
    tz = zone(clinic.timezone)
    stamp = datetime.fromtimestamp(visit.stamp - visit.stamp % DAY, UTC)
    made = Event()
    properties = {
        "UID": uid,
        "DTSTAMP": stamp,
        "LAST-MODIFIED": stamp,
        "SEQUENCE": visit.sequence,
        "DTSTART": datetime.fromtimestamp(visit.start, tz),
        "DTEND": datetime.fromtimestamp(visit.end, tz),
        "SUMMARY": title,
        "CLASS": "CONFIDENTIAL",
        "STATUS": CALENDAR_STATUS[visit.status],
        "TRANSP": "OPAQUE",
    }
    for key, value in properties.items():
        made.add(key, value)
    return made


def build() -> bytes:
    """The whole calendar."""
    with open_store(config.load().db) as store, store.reading(0) as reader:
        everything = calendars.stretch(reader, None, None)
        seen = calendars.span(reader, everything)
        if seen is None:
            raise SystemExit("The book holds no visit.")
        calendar = head(reader.clinic, seen)
        key = reader.founding
        titles = {c.id: f"Busy – {c.name}" for c in reader.clinic.chairs}
        for visit in calendars.visits_of(reader, Subject("clinic"), everything):
            calendar.add_component(event(reader.clinic, visit, uid_of(visit, key), titles[visit.chair]))
        return calendar.to_ical()


if __name__ == "__main__":
    sys.stdout.buffer.write(build())
