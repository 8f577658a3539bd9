"""Who looked at, took out or changed what: the access log and the journal as one list.

For the review of records of activity that 45 CFR 164.308(a)(1)(ii)(D) asks for, over what 164.312(b)
has recorded. A change is an access as well; the journal does not tell where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from infusion_cli.domain import ids
from infusion_cli.domain.book import Patient, person_of
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.period import Period, subtract
from infusion_cli.domain.supply import supply_of
from infusion_cli.errors import UsageError
from infusion_cli.services import lookup
from infusion_cli.services.ports import Access, Operation, Reader

BULK = 20
"""So many patients at once are many."""
EXPORTS = frozenset(
    {"patients export", "ical export", "ical invite", "ical cancel", "ical send", "db backup", "db copy"}
)
"""Commands that write patients' data out, to a file or whoever reads it."""
BY_ITSELF = "release-holds"
"""What the program does without anybody looking."""


class Ask(NamedTuple):
    """Which entries are wanted; empty fields ask for nothing."""

    patient: str = ""
    actor: str = ""
    first: date | None = None
    last: date | None = None
    after_hours: bool = False
    at_least: int = 0
    """How many patients an entry has at least."""


class Entry(NamedTuple):
    """One access or change; `kind` is `view`, `export` or `change`."""

    at: int
    actor: str
    origin: str
    kind: str
    command: str
    subjects: tuple[str, ...]
    people: int
    """How many patients it was; `subjects` may name only the first of them."""


def trail(reader: Reader, accesses: Iterable[Access], ask: Ask) -> list[Entry]:
    """What the request asks for, in the order of time; raises `NotFoundError` for an unknown patient."""
    if ask.first and ask.last and ask.last < ask.first:
        raise UsageError(f"--to {ask.last} is before --from {ask.first}.", "both are included; swap them")
    tz = zone(reader.clinic.timezone)
    tests: list[Callable[[Entry], bool]] = [lambda entry: entry.people >= ask.at_least]
    if ask.patient:
        patient = _patient(reader, ask.patient)
        # An entry that does not name all of its patients may have been about this one.
        tests.append(lambda entry: patient in entry.subjects or entry.people > len(entry.subjects))
    if ask.actor:
        tests.append(lambda entry: entry.actor.casefold() == ask.actor.casefold())
    if ask.first:
        lo = midnight(ask.first, tz)
        tests.append(lambda entry: entry.at >= lo)
    if ask.last:
        last = ask.last
        tests.append(lambda entry: local_date(entry.at, tz) <= last)
    if ask.after_hours:
        is_open = _opening(reader)
        tests.append(lambda entry: not is_open(entry.at))
    every = [*_changed(reversed(reader.operations())), *map(_looked, accesses)]
    return sorted((e for e in every if all(test(e) for test in tests)), key=lambda entry: entry.at)


def _patient(reader: Reader, text: str) -> str:
    named = ids.normalise(text)
    if named and isinstance(reader.record(named), Patient):
        return named  # one who was entered in error too
    return lookup.find_patient(reader, text).id


def _looked(access: Access) -> Entry:
    kind = "export" if access.command in EXPORTS else "view"
    return Entry(access.at, access.actor, access.origin, kind, access.command, access.subjects, access.people)


def _changed(operations: Iterable[Operation]) -> Iterator[Entry]:
    for done in operations:
        if done.command != BY_ITSELF:
            people = tuple(dict.fromkeys(filter(None, (person_of(c.after) for c in done.changes))))
            yield Entry(done.at, done.actor, "", "change", done.command, people, len(people))


def _opening(reader: Reader) -> Callable[[int], bool]:
    """Whether the clinic is open at an instant, by the hours, closures and blocks that hold now."""
    tz = zone(reader.clinic.timezone)

    @cache
    def open_on(day: date) -> list[Period]:
        found = supply_of(reader.load(midnight(day, tz), midnight(day + timedelta(days=1), tz)))
        return subtract(found.open, (Period(c.start, c.end) for c in found.closed))

    return lambda instant: any(p.start <= instant < p.end for p in open_on(local_date(instant, tz)))
