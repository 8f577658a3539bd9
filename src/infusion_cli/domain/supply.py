"""Supply: when the clinic is open, which chairs are out of order, who of the staff is on duty.

Hours and shifts + extra openings - closures - blocks, read by wall time and turned into instants.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain.book import Block, Book
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import days_between, forgiving_instant, local_date, zone
from infusion_cli.domain.period import Period, subtract, touching, union


class Closed(NamedTuple):
    """A stretch in which the clinic is closed, and why."""

    start: int
    end: int
    reason: str
    subject: str
    """The block's id, or the closure's date."""


class Supply(NamedTuple):
    """What the clinic can offer in a stretch of time; every list is in order."""

    open: list[Period]
    closed: list[Closed]
    out_of_order: dict[str, list[Block]]
    duty: dict[str, list[Period]]
    """By staff id, blocks already taken off."""
    nurses: tuple[str, ...]
    providers: tuple[str, ...]

    def on_duty(self, role: str, start: int, end: int) -> list[Period]:
        """Duty periods of everybody of a role that touch [start, end): as many as there are people."""
        names = self.nurses if role == "nurse" else self.providers
        return [p for name in names for p in touching(self.duty[name], start, end)]


def supply_of(book: Book) -> Supply:
    """The supply of the loaded stretch of a book."""
    return supply(book.clinic, book.active_blocks(), book.lo, book.hi)


def supply(clinic: Clinic, blocks: Iterable[Block], lo: int, hi: int) -> Supply:
    """The supply of every local day that touches [lo, hi)."""
    tz = zone(clinic.timezone)
    days = days_between(local_date(lo, tz) - timedelta(days=1), local_date(max(lo, hi - 1), tz) + timedelta(days=1))
    blocks = list(blocks)
    openings = [b for b in blocks if b.kind == "open"]
    return Supply(
        open=union([*_weekly(days, ((h.days, h.open, h.close) for h in clinic.hours), tz), *map(_period, openings)]),
        closed=_closed(clinic, days, blocks, tz),
        out_of_order={c.id: [b for b in blocks if b.kind == "chair" and b.subject == c.id] for c in clinic.chairs},
        duty={
            s.id: subtract(
                [
                    *_weekly(days, ((shift.days, shift.start, shift.end) for shift in s.shifts), tz),
                    *(_period(b) for b in openings if s.id in b.staff or not b.staff),
                ],
                (_period(b) for b in blocks if b.kind == "staff" and b.subject == s.id),
            )
            for s in clinic.staff
        },
        nurses=tuple(s.id for s in clinic.staff if s.role == "nurse"),
        providers=tuple(s.id for s in clinic.staff if s.role == "provider"),
    )


def _weekly(days: list[date], rules: Iterable[tuple[tuple[int, ...], int, int]], tz: ZoneInfo) -> list[Period]:
    return [
        Period(forgiving_instant(day, start, tz), forgiving_instant(day, end, tz))
        for weekdays, start, end in rules
        for day in days
        if day.weekday() in weekdays
    ]


def _closed(clinic: Clinic, days: list[date], blocks: list[Block], tz: ZoneInfo) -> list[Closed]:
    shown = set(days)
    whole_days = [
        Closed(forgiving_instant(c.date, 0, tz), forgiving_instant(c.date, 1440, tz), c.reason, c.date.isoformat())
        for c in clinic.closures
        if c.date in shown
    ]
    return sorted([*whole_days, *(Closed(b.start, b.end, b.reason, b.id) for b in blocks if b.kind == "clinic")])


def _period(block: Block) -> Period:
    return Period(block.start, block.end)
