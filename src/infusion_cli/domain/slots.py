"""Slots: bookable starts, and each chair's free and busy time. Computed, never stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain import rules
from infusion_cli.domain.availability import Timeline, chair_order, needs_of
from infusion_cli.domain.book import Appointment, Book, Warn
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import days_between, local_date, midnight, minute_of_day, zone
from infusion_cli.domain.period import Period, subtract, touching
from infusion_cli.domain.protocol import Protocol
from infusion_cli.domain.supply import supply_of
from infusion_cli.domain.visit import active_series, next_session, probe


class Slot(NamedTuple):
    """A stretch of a chair; `status` by FHIR: free, busy, busy-unavailable, busy-tentative."""

    start: int
    end: int
    chair: str
    """The chair that `book` would choose."""
    chairs: tuple[str, ...]
    protocol: str
    status: str
    warnings: tuple[Warn, ...] = ()
    subject: str = ""
    """The visit or block that is in it."""


class Query(NamedTuple):
    """Which starts are wanted; dates are local and inclusive, `between` bounds the start."""

    protocol: Protocol
    first: date
    last: date
    patient: str = ""
    between: tuple[int, int] | None = None
    weekdays: frozenset[int] | None = None
    chair: str = ""


def find(book: Book, query: Query) -> Iterator[Slot]:
    """Bookable starts in order of time, each once; with a patient those that are legal for them.

    A start is given exactly when the rules have no hard conflict for it in one of its chairs.
    """
    tz, timeline, supply = zone(book.clinic.timezone), Timeline(book), supply_of(book)
    needs = needs_of(query.protocol.phases, provider=query.protocol.provider)
    pattern, chairs = _pattern(book, query), _chairs(book, query)
    for day in days_between(query.first, query.last):
        if query.weekdays is not None and day.weekday() not in query.weekdays:
            continue
        for opening in timeline.openings(day, needs, chairs):
            minute = minute_of_day(opening.start, tz)
            if query.between and not query.between[0] <= minute <= query.between[1]:
                continue
            case = Case(book, _at(book, query, pattern, opening.start), supply=supply)
            found = rules.conflicts(case, without=rules.PHYSICAL)
            if not any(c.is_hard for c in found):
                warned = tuple(Warn(c.rule, c.message) for c in found)
                free = _usual_first(opening.chairs, case)
                yield Slot(opening.start, case.visit.end, free[0], free, query.protocol.id, "free", warned)


def nearest(book: Book, query: Query, wanted: int, count: int = 3) -> list[Slot]:
    """The slots nearest to an instant among those of the first days that offer enough."""
    tz = zone(book.clinic.timezone)
    found: list[Slot] = []
    last_day: date | None = None
    for slot in find(book, query):
        day = local_date(slot.start, tz)
        if len(found) >= count and day != last_day:
            break
        found.append(slot)
        last_day = day
    found.sort(key=lambda slot: (abs(slot.start - wanted), slot.start))
    return sorted(found[:count])


def occupation(book: Book, first: date, last: date) -> list[Slot]:
    """Every chair's time within opening hours, in order of chair and time: free, busy, blocked, on hold."""
    tz, supply = zone(book.clinic.timezone), supply_of(book)
    lo, hi = midnight(first, tz), midnight(last + timedelta(days=1), tz)
    opened = [Period(max(p.start, lo), min(p.end, hi)) for p in touching(supply.open, lo, hi)]
    closed = [Period(c.start, c.end) for c in supply.closed]
    slots = []
    for chair in book.clinic.chairs:
        visits = [v for v in book.live_between(lo, hi) if v.chair == chair.id]
        taken = [Slot(v.start, v.end, chair.id, (), v.protocol, _busy(v), v.warnings, v.id) for v in visits]
        taken += [
            Slot(max(b.start, p.start), min(b.end, p.end), chair.id, (), "", "busy-unavailable", (), b.id)
            for b in supply.out_of_order[chair.id]
            for p in opened
            if p.overlaps(b.start, b.end)
        ]
        free = subtract(opened, [*closed, *(Period(s.start, s.end) for s in taken)])
        slots += [Slot(p.start, p.end, chair.id, (chair.id,), "", "free") for p in free]
        slots += taken
    order = {c.id: n for n, c in enumerate(book.clinic.chairs)}
    return sorted(slots, key=lambda s: (local_date(s.start, tz), order[s.chair], s.start))


class _Pattern(NamedTuple):
    """What every visit of the query has in common."""

    series: str | None
    session: int | None


def _pattern(book: Book, query: Query) -> _Pattern:
    series = active_series(book, query.patient, query.protocol.id) if query.patient else None
    return _Pattern(series.id, next_session(book, series)) if series else _Pattern(None, None)


def _at(book: Book, query: Query, pattern: _Pattern, start: int) -> Appointment:
    visit = probe(book.clinic, query.protocol, start, patient=query.patient)
    return visit._replace(series=pattern.series, session=pattern.session)


def _chairs(book: Book, query: Query) -> list[str]:
    suitable = chair_order(book, query.protocol)
    return [c for c in suitable if query.chair in {"", c}]


def _usual_first(chairs: tuple[str, ...], case: Case) -> tuple[str, ...]:
    """The chair of the session before goes to the front, as it does in `book`."""
    before = case.neighbours.before
    return tuple(sorted(chairs, key=lambda c: c != before.chair)) if before else chairs


def _busy(visit: Appointment) -> str:
    return "busy-tentative" if visit.status in {"pending", "proposed"} else "busy"
