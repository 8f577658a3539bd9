"""The board of a week: days down, hours across, how many chairs are taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from infusion_cli.cli import words
from infusion_cli.cli.board_view import (
    View,
    closed_text,
    closing,
    closure_text,
    hour_line,
    title_line,
    unconfirmed,
    view_of,
)
from infusion_cli.cli.output import Line, Output, Piece
from infusion_cli.domain.clinic_time import days_between, forgiving_instant, minute_of_day
from infusion_cli.domain.period import Period
from infusion_cli.domain.when import say_date, say_day
from infusion_cli.services import agenda

LABEL, RIGHT = 13, 30
"""Columns of the day's name, and the least for what is said behind it."""
CELLS = (4, 2, 1)
"""How many cells an hour may have."""


class _Axis(NamedTuple):
    """The part of the day that is drawn, in minutes on the wall clock."""

    first: int
    last: int
    step: int

    @property
    def minutes(self) -> range:
        """Where the cells begin."""
        return range(self.first, self.last, self.step)


def lines(day: agenda.Day, out: Output) -> Iterator[Line]:
    """The days of `day`, a line each, no line wider than the output from 80 columns on."""
    first = view_of(day, out)
    days = [first.on(date) for date in days_between(day.first, day.last)]
    now = next((v.clock(v.book.now) for v in days if v.is_today), "")
    chairs = words.count(len(first.book.clinic.chairs), "chair")
    yield title_line(first, f"{_short(days[0])} - {say_date(day.last)}", chairs, now)
    yield ""
    axis = _axis(days)
    if axis.minutes:
        yield " " * LABEL + hour_line(m // 60 if m % 60 == 0 else None for m in axis.minutes)
    for view in days:
        yield _day_line(view, axis)
    if axis.minutes:
        yield [Piece(_legend(first), "dim")]
    yield ""
    yield from _totals(days)


def _short(view: View) -> str:
    return " ".join(say_day(view.day).split())


def _axis(days: list[View]) -> _Axis:
    """From the first to the last full hour in which any day is open or has visits."""
    spans = [_minutes(view, p) for view in days for p in _drawn(view)]
    first = min((s.start for s in spans), default=0) // 60
    last = -(-max((s.end for s in spans), default=0) // 60)
    room = days[0].columns - LABEL - 2 - RIGHT
    per_hour = next((n for n in CELLS if n * (last - first) <= room), CELLS[-1])
    return _Axis(first * 60, last * 60, 60 // per_hour)


def _drawn(view: View) -> list[Period]:
    return [*view.working, *(Period(max(v.start, view.lo), min(v.end, view.hi)) for v in view.visits)]


def _minutes(view: View, period: Period) -> Period:
    """A period of the day in minutes on the wall clock."""
    end = 1440 if period.end == view.hi else minute_of_day(period.end, view.tz)
    start = minute_of_day(period.start, view.tz)
    return Period(start, max(start, end))


def _day_line(view: View, axis: _Axis) -> Line:
    label = f"{'>' if view.is_today else ' '} {say_day(view.day)} "
    cells = [_cell(view, minute, axis.step) for minute in axis.minutes]
    right = view.cut(_said(view), view.columns - LABEL - len(cells) - 2)
    chairs = len(view.book.clinic.chairs)
    runs = [
        Piece("".join(_glyph(view, taken) for taken in run), "red" if is_full else "")
        for is_full, run in groupby(cells, lambda taken: taken is not None and taken >= chairs)
    ]
    return [Piece(label, "bold" if view.is_today else ""), *runs, Piece("  " + right)]


def _cell(view: View, minute: int, step: int) -> int | None:
    """How many chairs are taken at any time of a cell; None when the clinic is not open and nobody is there."""
    start, end = (forgiving_instant(view.day, m, view.tz) for m in (minute, minute + step))
    if minute_of_day(start, view.tz) != minute:
        return None  # the clock skips it
    taken = len({v.chair for v in view.book.live_between(start, end)})
    return taken if taken or any(p.overlaps(start, end) for p in view.working) else None


def _glyph(view: View, taken: int | None) -> str:
    if taken is None:
        return " "
    if taken == 0:
        return "·" if view.unicode else "."
    return str(taken) if taken <= 9 else "+"


def _said(view: View) -> str:
    """How many visits, how many unconfirmed, and why the clinic is closed."""
    parts = [closed_text(view)]
    if view.visits:
        parts.append(words.count(len(view.visits), "visit"))
        waiting = len(unconfirmed(view))
        parts += [f"{waiting} unconfirmed"] if waiting else []
    if view.working:
        closures = (c for c in view.closures if any(p.overlaps(c.start, c.end) for p in view.opened))
        parts += [closure_text(view, c) for c in closures]
    return ", ".join(filter(None, parts))


def _legend(view: View) -> str:
    chairs = len(view.book.clinic.chairs)
    more = "  + more than 9" if chairs > 9 else ""
    return f"1-9 chairs taken of {chairs}{more}  {_glyph(view, 0)} none taken  blank not open"


def _totals(days: list[View]) -> Iterator[Line]:
    """All the visits together, and the day to look at first: one to be confirmed, else the first with visits."""
    busy = [view for view in days if view.visits]
    if not busy:
        yield "No visits."
        return
    visits = {v.id for view in busy for v in view.visits}
    waiting = [view for view in busy if unconfirmed(view)]
    total = sum(len(unconfirmed(view)) for view in waiting)
    text = words.count(len(visits), "visit") + (f", {total} unconfirmed" if total else "")
    look = (waiting or [view for view in busy if not view.is_past] or busy)[0]
    yield from closing(days[0], f"{text}.", f"infusion today {look.day.isoformat()}")
