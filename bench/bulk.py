"""The rows of a clinic's book with any number of visits, as the program itself would have written them.

Every course was booked in one operation, every visit of the
past was finished in one of its own. What is to come thins out with the weeks, the same in every book:
a larger book has a longer past.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from clinic import CHAIRS, NOW, PROTOCOL, STARTS, ZONE

from infusion_cli.domain import codec, ids, names
from infusion_cli.domain.book import Appointment, Patient, Series
from infusion_cli.domain.claims import claims_of
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.plan import Change, change
from infusion_cli.domain.visit import probe
from infusion_cli.store import journal, rows

DAYS_AHEAD = 40
FIRST_DAY, THINNING = 80, 0.92
"""Visits of today, and how many of them the next weekday has."""
SESSIONS, TOGETHER, COURSES = 6, 250, 2
"""Sessions of a course, how many courses run at the same time, and how many courses a patient has."""
NEWCOMERS = 200
"""Patients without any visit."""

_GIVEN = ("Ada", "Bela", "Cleo", "Dario", "Ebba", "Femi", "Gita", "Hugo", "Ines", "Jonas", "Kaja", "Liam", "Mina")
_SYLLABLES = ("ka", "lo", "mi", "ren", "sa", "tor", "vel", "wick", "yo", "zan")

Row = tuple[Any, ...]
Table = tuple[str, Row]
"""A row and the table that it belongs to."""


class Founded(NamedTuple):
    """What a new book holds already: the clinic, its resources, the end of its journal, the next free numbers."""

    clinic: Clinic
    resources: Mapping[tuple[str, str], int]
    head: journal.Head
    counters: Mapping[str, int]


def weekdays(last: date) -> Iterator[date]:
    """Weekdays from `last` backwards, without end."""
    day = last
    while True:
        if day.weekday() < 5:
            yield day
        day -= timedelta(days=1)


def places(count: int) -> list[tuple[int, int]]:
    """(start in seconds, chair from 1) of `count` visits that do not overlap, the last that there are, in order."""
    today = datetime.fromisoformat(NOW).date()
    ahead = [day for n in range(DAYS_AHEAD * 2) if (day := today + timedelta(days=n)).weekday() < 5][:DAYS_AHEAD]
    found: list[tuple[int, int]] = []
    for number, day in reversed(list(enumerate(ahead))):
        found += reversed(_of_day(day)[: round(FIRST_DAY * THINNING**number)])
    for day in weekdays(today - timedelta(days=1)):
        if len(found) >= count:
            return found[:count][::-1]
        found += reversed(_of_day(day))
    raise AssertionError


def _of_day(day: date) -> list[tuple[int, int]]:
    tz = zone(ZONE)
    starts = [int(datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=tz).timestamp()) for wall in STARTS]
    return [(start, chair) for start in starts for chair in range(1, CHAIRS + 1)]


def name_of(number: int) -> str:
    """A made-up name: 13 given names, 1,000 family names."""
    given, family = _GIVEN[number % len(_GIVEN)], number // len(_GIVEN) % 1000
    parts = (_SYLLABLES[family // 100], _SYLLABLES[family // 10 % 10], _SYLLABLES[family % 10])
    return f"{given} {''.join(parts).capitalize()}"


def mrn_of(number: int) -> str:
    """The medical record number of a patient, from 0."""
    return f"M{number:06d}"


def newcomer(number: int) -> str:
    """The medical record number of a patient without visits, from 0: the first of every book."""
    return mrn_of(number % NEWCOMERS)


class Growing:
    """A book of one clinic in the making: gives out ids and keeps the journal's chain."""

    def __init__(self, founded: Founded) -> None:
        self.clinic = founded.clinic
        self.protocol = founded.clinic.protocols[0]
        self.tz = zone(founded.clinic.timezone)
        self.now = int(datetime.fromisoformat(NOW).timestamp())
        self.head = founded.head
        self.numbers = dict(founded.counters)
        self.resources = dict(founded.resources)

    def new_id(self, kind: str) -> str:
        """The next free id."""
        number = self.numbers.get(kind, 0)
        self.numbers[kind] = number + 1
        return ids.encode(kind, number)

    def operation(self, command: str, at: int, changes: Sequence[Change]) -> Iterator[Table]:
        """An operation with its payload, and what it touched."""
        text = json.dumps([codec.encode_change(c, self.tz) for c in changes], ensure_ascii=False, separators=(",", ":"))
        salt = os.urandom(16).hex()
        seq = self.head.seq + 1
        made = (self.new_id("operation"), at, "bench", command, None, journal.digest_of(salt, text), self.head.hash)
        self.head = journal.Head(seq, journal.hash_of(seq, *made))
        yield "operation", (seq, *made, self.head.hash)
        yield "payload", (seq, salt, text)
        for c in changes:
            yield "touched", (c.id, seq)

    def people(self, count: int, at: int) -> Iterator[Table]:
        """Further patients, as `patients import` brings them in."""
        first = self.numbers.get("patient", 0)
        made = [
            Patient(
                self.new_id("patient"),
                mrn_of(n),
                name_of(n),
                f"{1940 + n % 60}-01-01",
                "+1 207 555 0142",
                requirements=(("consent", "2026-01-05"),),
            )
            for n in range(first, first + count)
        ]
        yield from self.operation("patients import", at, [change(None, p) for p in made])
        for p in made:
            self.resources["patient", p.id] = len(self.resources) + 1
            yield "patient", tuple(rows.patient_row(p).values())[:-1]
            yield from (("patient_word", (word, p.id)) for word in sorted(set(names.words(p.name))))
            yield from (("requirement", (p.id, *done)) for done in p.requirements)
            yield "resource", (self.resources["patient", p.id], "patient", p.id, 1, 0, 0)

    def visit(self, at: tuple[int, int], course: Series, session: int, stamp: int) -> Appointment:
        """A session of a course, as it was booked."""
        start, chair = at
        asked = probe(self.clinic, self.protocol, start, patient=course.patient, chair=f"chair-{chair:02d}")
        record = self.new_id("appointment")
        uid = f"{self.numbers['appointment']:032x}@calendar.invalid"
        return asked._replace(id=record, uid=uid, series=course.id, session=session, stamp=stamp)

    def cohort(self, patients: Sequence[str], seats: Sequence[tuple[int, int]]) -> Iterator[Table]:
        """Courses that run at the same time: each of the patients in turn has the next of the places."""
        booked_at = min(seats[0][0], self.now) - 7 * 86_400
        booked: list[tuple[Appointment, Series]] = []
        for number, patient in enumerate(patients[: len(seats)]):
            course = Series(self.new_id("series"), patient, PROTOCOL, "active", SESSIONS, self.protocol.course)
            visits = [
                self.visit(place, course, session, booked_at)
                for session, place in enumerate(seats[number::TOGETHER], start=1)
            ]
            yield from self.operation(
                "series book", booked_at, [change(None, course), *(change(None, v) for v in visits)]
            )
            is_over = len(visits) == SESSIONS and visits[-1].end <= self.now
            yield "series", tuple(rows.series_row(_completed(course) if is_over else course, self.head.seq).values())
            booked += ((visit, course) for visit in visits)
        for visit, course in sorted(booked, key=lambda b: b[0].start):
            yield from self._lived(visit, course)

    def _lived(self, visit: Appointment, course: Series) -> Iterator[Table]:
        """The visit's row and claims, and the operation that finished it when it is over."""
        if visit.end <= self.now:
            done = visit._replace(
                status="fulfilled", arrived_at=visit.start, started_at=visit.start, left_at=visit.leave
            )
            ended = [change(course, _completed(course))] if visit.session == SESSIONS else []
            yield from self.operation("finish", visit.leave, [change(visit, done), *ended])
            visit = done
        yield "appointment", tuple(rows.visit_row(visit).values())
        for c in claims_of(visit):
            yield "claim", (self.resources[c.kind, c.ref], c.t0, visit.id, c.t1, c.units)


def _completed(course: Series) -> Series:
    return course._replace(status="completed")


def rows_of(founded: Founded, visits: int) -> Iterator[Table]:
    """Every row of `visits` visits on top of a new book, what is referred to first; without the clinic's id."""
    book = Growing(founded)
    seats = places(visits)
    yield from book.people(NEWCOMERS, min(seats[0][0], book.now) - 14 * 86_400)
    patients: list[str] = []
    for number, first in enumerate(range(0, visits, SESSIONS * TOGETHER)):
        own = seats[first : first + SESSIONS * TOGETHER]
        if number % COURSES == 0:
            known = book.numbers["patient"]
            yield from book.people(TOGETHER, min(own[0][0], book.now) - 14 * 86_400)
            patients = [ids.encode("patient", n) for n in range(known, known + TOGETHER)]
        yield from book.cohort(patients, own)
    yield from (("counter", pair) for pair in book.numbers.items())
