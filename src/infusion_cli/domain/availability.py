"""Which starts are bookable: hours - blocks - visits, and the load of chairs, hands and attention.

A `Timeline` holds one value a minute, counted from the first minute of the book's stretch, so that
DST changes and visits over midnight need no special case. It answers the same question as the
physical rules in `rules.py`, from the other side and quickly.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from operator import not_
from typing import NamedTuple

from infusion_cli.domain.book import Appointment, Book
from infusion_cli.domain.clinic_time import MINUTE, local_date, midnight, minute_of_day, zone
from infusion_cli.domain.protocol import ATTENTION_OF_ONE_NURSE, Phase, Protocol
from infusion_cli.domain.supply import Supply, supply_of


class Need(NamedTuple):
    """`units` in every minute of [start, end), counted from the start of the visit."""

    start: int
    end: int
    units: int


class Needs(NamedTuple):
    """What a visit takes of the staff, phase by phase; minutes from its start."""

    minutes: int
    hands: tuple[Need, ...]
    attention: tuple[Need, ...]
    provider_hands: tuple[Need, ...]
    presence: tuple[int, int]
    """While a provider has to be on site; empty (0, 0) where the protocol asks for none."""


class Opening(NamedTuple):
    """A bookable start and every chair that would do, the one to take first."""

    start: int
    chairs: tuple[str, ...]


@lru_cache(maxsize=256)
def needs_of(phases: tuple[Phase, ...], *, provider: bool) -> Needs:
    """What these phases take; with `provider` also the presence of one from dosing to leave."""
    return Needs(
        minutes=sum(p.minutes for p in phases),
        hands=_merged(phases, [int(p.hands_on) for p in phases]),
        attention=_merged(phases, [p.attention for p in phases]),
        provider_hands=_merged(phases, [int(p.provider_hands) for p in phases]),
        presence=presence(phases) if provider else (0, 0),
    )


def presence(phases: tuple[Phase, ...]) -> tuple[int, int]:
    """From dosing to leave; the whole visit where there is no dosing. In minutes from the start."""
    total = sum(p.minutes for p in phases)
    before = 0
    for phase in phases:
        if phase.dosing:
            return before, sum(p.minutes for p in phases if not p.after_leave)
        before += phase.minutes
    return 0, total


def chair_order(book: Book, protocol: Protocol, first: str = "") -> list[str]:
    """Suitable chairs, the one to take first: `first`, then those that suit the fewest protocols."""
    versatility = {c.id: sum(c.suits(p.id) for p in book.clinic.protocols) for c in book.clinic.chairs}
    suitable = [c.id for c in book.clinic.chairs if c.suits(protocol.id)]
    return sorted(suitable, key=lambda c: (c != first, versatility[c]))


class Timeline:
    """Supply and load of a book's stretch, minute by minute.

    `ignore` is the id of a visit that is about to be moved and does not count.
    """

    def __init__(self, book: Book, *, ignore: str = "") -> None:
        self.book = book
        self.lo = book.lo - book.lo % MINUTE
        self.minutes = -(-(book.hi - self.lo) // MINUTE)
        found = supply_of(book)
        self._shut = self._marks_of_closing(found)
        self._busy = {c.id: bytearray(self.minutes) for c in book.clinic.chairs}
        self._hands = self._people(found, "nurse")
        self._attention = [n * ATTENTION_OF_ONE_NURSE for n in self._hands]
        self._providers = self._people(found, "provider")
        self._absent = bytearray(map(not_, self._providers))
        for chair, blocks in found.out_of_order.items():
            for block in blocks:
                _mark(self._busy[chair], *self._span(block.start, block.end))
        for visit in book.live_between(book.lo, book.hi):
            if visit.id != ignore:
                self.take(visit)

    def take(self, visit: Appointment) -> None:
        """Let a visit occupy its chair and, phase by phase, the staff."""
        if visit.chair in self._busy:
            _mark(self._busy[visit.chair], *self._span(visit.start, visit.end))
        if not visit.claims_staff:
            return
        base = (visit.start - self.lo) // MINUTE
        needs = needs_of(visit.phases, provider=False)
        for line, parts in (
            (self._hands, needs.hands),
            (self._attention, needs.attention),
            (self._providers, needs.provider_hands),
        ):
            for part in parts:
                a, b = max(0, base + part.start), max(0, base + part.end)
                line[a:b] = [free - part.units for free in line[a:b]]

    def is_open(self, start: int, minutes: int) -> bool:
        """Whether the clinic is open for all of a visit that starts then."""
        at = (start - self.lo) // MINUTE
        return at >= 0 and at + minutes <= self.minutes and self._shut.find(1, at, at + minutes) < 0

    def staffed(self, start: int, needs: Needs) -> bool:
        """Whether nurses and providers suffice for a visit that starts then, in every minute."""
        at = (start - self.lo) // MINUTE
        a, b = needs.presence
        return (
            self._absent.find(1, at + a, at + b) < 0
            and all(min(self._hands[at + n.start : at + n.end]) >= n.units for n in needs.hands)
            and all(min(self._attention[at + n.start : at + n.end]) >= n.units for n in needs.attention)
            and all(min(self._providers[at + n.start : at + n.end]) >= n.units for n in needs.provider_hands)
        )

    def chair_free(self, chair: str, start: int, minutes: int) -> bool:
        """Whether nobody sits in the chair and it is in order."""
        at = (start - self.lo) // MINUTE
        return self._busy[chair].find(1, at, at + minutes) < 0

    def opening(self, start: int, needs: Needs, chairs: list[str]) -> Opening | None:
        """The start with the chairs that would do, or None."""
        if not (self.is_open(start, needs.minutes) and self.staffed(start, needs)):
            return None
        free = tuple(c for c in chairs if self.chair_free(c, start, needs.minutes))
        return Opening(start, free) if free else None

    def openings(self, day: date, needs: Needs, chairs: list[str]) -> Iterator[Opening]:
        """The bookable starts of a local day on the grid, from now on, in order."""
        for start in grid_starts(self.book, day):
            if start >= self.book.now:
                found = self.opening(start, needs, chairs)
                if found is not None:
                    yield found

    def _span(self, start: int, end: int) -> tuple[int, int]:
        """Whole minutes touched by [start, end), within the stretch."""
        first, last = (start - self.lo) // MINUTE, -(-(end - self.lo) // MINUTE)
        return max(0, first), max(0, min(last, self.minutes))

    def _marks_of_closing(self, found: Supply) -> bytearray:
        shut = bytearray(b"\1") * self.minutes
        for period in found.open:
            _mark(shut, *self._span(period.start, period.end), value=0)
        for closed in found.closed:
            _mark(shut, *self._span(closed.start, closed.end))
        return shut

    def _people(self, found: Supply, role: str) -> list[int]:
        """How many of a role are on duty in each minute."""
        changes: dict[int, int] = {}
        for period in found.on_duty(role, self.lo, self.lo + self.minutes * MINUTE):
            # Duty counts only for whole minutes: it begins late and ends early.
            first = max(0, -(-(period.start - self.lo) // MINUTE))
            last = min(self.minutes, (period.end - self.lo) // MINUTE)
            if first < last:
                changes[first] = changes.get(first, 0) + 1
                changes[last] = changes.get(last, 0) - 1
        line: list[int] = []
        people = 0
        for minute in sorted(changes):
            line += [people] * (minute - len(line))
            people += changes[minute]
        return line + [people] * (self.minutes - len(line))


def grid_starts(book: Book, day: date) -> Iterator[int]:
    """Every instant of a local day at which the wall clock shows a multiple of the grid."""
    tz, grid = zone(book.clinic.timezone), book.clinic.grid
    first, after = midnight(day, tz), midnight(day + timedelta(days=1), tz)
    if after - first == 1440 * MINUTE and minute_of_day(first, tz) == 0:
        yield from range(first, after, grid * MINUTE)
        return
    # The clock changes on this day: ask it minute by minute.
    for instant in range(first, after, MINUTE):
        if minute_of_day(instant, tz) % grid == 0 and local_date(instant, tz) == day:
            yield instant


def _merged(phases: tuple[Phase, ...], units: list[int]) -> tuple[Need, ...]:
    merged: list[Need] = []
    at = 0
    for phase, amount in zip(phases, units, strict=True):
        if amount and merged and merged[-1].end == at and merged[-1].units == amount:
            merged[-1] = Need(merged[-1].start, at + phase.minutes, amount)
        elif amount and phase.minutes:
            merged.append(Need(at, at + phase.minutes, amount))
        at += phase.minutes
    return tuple(merged)


def _mark(line: bytearray, first: int, last: int, value: int = 1) -> None:
    if first < last:
        line[first:last] = bytes([value]) * (last - first)
