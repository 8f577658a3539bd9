"""Fill a book with visits through the store's own write path: guards, journal and all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice

from clinic import CHAIRS, NOW, PROTOCOL, STARTS, ZONE

from infusion_cli.config import Place
from infusion_cli.domain.book import Appointment, Patient
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.plan import change
from infusion_cli.domain.visit import probe
from infusion_cli.services.ports import Entry, Store, Writer
from infusion_cli.store.repository import open_store

WEEKDAYS_AHEAD = 40
FILLED = len(STARTS) - 1
"""Starts taken on days to come: one in five stays free, as in a clinic that still takes bookings."""
BATCH = 2_000


def weekdays(last: date) -> Iterator[date]:
    """Weekdays from `last` backwards, without end."""
    day = last
    while True:
        if day.weekday() < 5:
            yield day
        day -= timedelta(days=1)


def places() -> Iterator[tuple[int, int]]:
    """(start in seconds, chair from 1) of visits that do not overlap, from eight weeks ahead backwards."""
    now = datetime.fromisoformat(NOW)
    tz = zone(ZONE)
    last = now.date() + timedelta(weeks=WEEKDAYS_AHEAD // 5)
    for day in weekdays(last):
        walls = STARTS if day < now.date() else STARTS[:FILLED]
        for wall in walls:
            start = int(datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=tz).timestamp())
            for chair in range(1, CHAIRS + 1):
                yield start, chair


def visit_at(writer: Writer, patient: Patient, start: int, chair: int, now: int) -> Appointment:
    """A visit as `book` would have written it, kept when it lies in the past."""
    protocol = writer.clinic.protocol(PROTOCOL)
    if protocol is None:
        raise SystemExit(f"The book's clinic has no protocol {PROTOCOL}.")
    visit = probe(writer.clinic, protocol, start, patient=patient.id, chair=f"chair-{chair:02d}")
    record = writer.new_id("appointment")
    made = visit._replace(id=record, uid=f"{record.lower()}@bench.example", stamp=now)
    if visit.end > now:
        return made
    return made._replace(status="fulfilled", arrived_at=start, started_at=start, left_at=visit.leave)


def fill(store: Store, count: int) -> None:
    """Write `count` visits into a book whose clinic and patients are there, some thousand an operation."""
    now = int(datetime.fromisoformat(NOW).timestamp())
    wanted = islice(places(), count)
    seat = 0
    while batch := list(islice(wanted, BATCH)):
        with store.writing(now) as writer:
            patients = writer.patients()
            changes = []
            for start, chair in batch:
                patient = patients[seat % len(patients)]
                changes.append(change(None, visit_at(writer, patient, start, chair, now)))
                seat += 1
            writer.write(Entry("bench", "bench", changes))


def fill_book(place: Place, count: int) -> None:
    """Write `count` visits into the book at that place."""
    with open_store(place) as store:
        fill(store, count)
