"""The board of a day: chairs down, time across, each visit by phase; then who is here and who comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from infusion_cli.cli import board_text, words
from infusion_cli.cli.board_view import View, header, hour_line, until_text, view_of
from infusion_cli.cli.output import Line, Output, Piece
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic_time import MINUTE, local
from infusion_cli.domain.names import width
from infusion_cli.domain.period import Period
from infusion_cli.domain.protocol import Phase
from infusion_cli.domain.slots import Slot, occupation
from infusion_cli.services import agenda

LABEL, NOTE = 9, 18
"""Columns of a chair's name, and the least for the note behind its row."""
CELLS = (12, 6, 4, 3, 2)
"""How many cells an hour may have."""
NAMED = 6
"""From so many cells an hour on there is room for names."""
HOUR = 60 * MINUTE

GLYPHS = {
    "preparation": ("▒", "-", "yellow"),
    "dosing": ("█", "#", "magenta"),
    "monitoring": ("▓", "=", "cyan"),
    "consultation": ("░", "c", "blue"),
    "turnover": ("·", ".", "dim"),
    "hold": ("?", "?", "yellow"),
    "blocked": ("×", "x", "red"),
    "closed": ("×", "x", "red"),
    "": (" ", " ", ""),
}
"""What a cell can show: with Unicode, without, and in which colour."""


class Axis(NamedTuple):
    """The stretch of time that is drawn: `size` cells of `step` seconds from an instant on."""

    start: int
    step: int
    size: int

    @property
    def end(self) -> int:
        """The instant at which the last cell ends."""
        return self.start + self.step * self.size

    def cells(self, start: int, end: int) -> range:
        """The cells that [start, end) touches."""
        return range(max(0, (start - self.start) // self.step), min(self.size, -(-(end - self.start) // self.step)))

    def share(self, cell: int, start: int, end: int) -> int:
        """How many seconds of a cell lie in [start, end)."""
        left = self.start + cell * self.step
        return min(end, left + self.step) - max(start, left)


class _Part(NamedTuple):
    """A part of a visit: a phase, or all of it when it is on hold."""

    start: int
    end: int
    kind: str


def lines(day: agenda.Day, out: Output) -> Iterator[Line]:
    """The board of the first day of `day`, no line wider than the output from 80 columns on."""
    view = view_of(day, out)
    yield from header(view)
    yield ""
    axis = _axis(view)
    if axis is not None:
        yield from _grid(view, axis)
        yield ""
    yield from board_text.lists(view)


def _axis(view: View) -> Axis | None:
    """From the first to the last full hour of opening and visits; None when there is nothing to draw."""
    visits = view.visits
    if not visits and not view.working:
        return None
    spans = [*view.opened, *(Period(max(v.start, view.lo), min(v.end, view.hi)) for v in visits)]
    start, end = min(p.start for p in spans), max(p.end for p in spans)
    start -= local(start, view.tz).minute * MINUTE
    hours = -(-(end - start) // HOUR)
    room = view.columns - LABEL - 1 - 2 - NOTE
    per_hour = next((n for n in CELLS if n * hours <= room), CELLS[-1])
    return Axis(start, HOUR // per_hour, hours * per_hour)


def _grid(view: View, axis: Axis) -> Iterator[Line]:
    used: set[str] = set()
    notes = _Notes(view)
    yield " " * (LABEL + 1) + _hours(view, axis)
    for chair in _chairs(view):
        visits = [v for v in view.visits if v.chair == chair]
        cells = _painted(view, axis, chair, visits)
        used.update(cells)
        note = notes.of(chair, view.columns - LABEL - 1 - axis.size - 2)
        name = view.fit(words.chair_name(view.book.clinic, chair), LABEL)
        yield [Piece(name + " "), *_pieces(view, cells), Piece("  "), note]
        if visits and axis.step * NAMED <= HOUR:
            yield [Piece(" " * (LABEL + 1)), Piece(_names(view, axis, visits), "dim")]
    if view.is_today and axis.start <= view.book.now < axis.end:
        column = (view.book.now - axis.start) // axis.step
        yield [Piece(" " * (LABEL + 1 + column)), Piece("^ now", "bold")]
    yield from _legend(view, used)


def _chairs(view: View) -> list[str]:
    """The clinic's chairs, and those that left its file while somebody is booked into them."""
    return list(dict.fromkeys([*(c.id for c in view.book.clinic.chairs), *(v.chair for v in view.visits)]))


def _hours(view: View, axis: Axis) -> str:
    times = (local(axis.start + cell * axis.step, view.tz) for cell in range(axis.size))
    return hour_line(at.hour if at.minute == 0 else None for at in times)


def _painted(view: View, axis: Axis, chair: str, visits: Iterable[Appointment]) -> list[str]:
    """What each cell shows: visits over blocks over free time, the larger share first."""
    cells = _unpainted(view, axis, chair)
    shares = [0] * axis.size
    parts = [part for visit in visits for part in _parts(visit)]
    for part in parts:
        for cell in axis.cells(part.start, part.end):
            share = axis.share(cell, part.start, part.end)
            if share > shares[cell]:
                shares[cell], cells[cell] = share, part.kind
    for part in parts:
        # A spray takes ten minutes: without this, dosing would not be seen in cells of twenty.
        middle = (part.start + part.end) // 2
        if part.kind == "dosing" and axis.start <= middle < axis.end:
            cells[(middle - axis.start) // axis.step] = part.kind
    return cells


def _unpainted(view: View, axis: Axis, chair: str) -> list[str]:
    cells = ["closed"] * axis.size
    for p in view.working:
        for cell in axis.cells(p.start, p.end):
            cells[cell] = ""
    for block in view.supply.out_of_order.get(chair, ()):
        for cell in axis.cells(block.start, block.end):
            cells[cell] = "blocked"
    return cells


def _parts(visit: Appointment) -> Iterator[_Part]:
    if visit.status in {"pending", "proposed"}:
        yield _Part(visit.start, visit.end, "hold")
        return
    start = visit.start
    last_dosing = max((n for n, p in enumerate(visit.phases) if p.dosing), default=-1)
    for number, phase in enumerate(visit.phases):
        end = start + phase.minutes * MINUTE
        yield _Part(start, end, _kind(phase, before=number < last_dosing, treated=last_dosing >= 0))
        start = end


def _kind(phase: Phase, *, before: bool, treated: bool) -> str:
    if phase.after_leave:
        return "turnover"
    if phase.dosing:
        return "dosing"
    if phase.provider_hands or not treated:
        return "consultation"
    return "preparation" if before else "monitoring"


def _pieces(view: View, cells: Sequence[str]) -> Iterator[Piece]:
    for kind, run in groupby(cells):
        yield Piece(_glyph(view, kind) * len(list(run)), GLYPHS[kind][2])


def _glyph(view: View, kind: str) -> str:
    return GLYPHS[kind][0 if view.unicode else 1]


def _names(view: View, axis: Axis, visits: Sequence[Appointment]) -> str:
    """The patients' names under the starts of their bars, each cut to its bar."""
    text, used = "", 0
    bars = [axis.cells(v.start, v.end) for v in visits]
    for number, (visit, bar) in enumerate(zip(visits, bars, strict=True)):
        stop = min(bar.stop, bars[number + 1].start) if number + 1 < len(bars) else bar.stop
        name = view.cut(view.who(visit), stop - bar.start - 1)
        text += " " * (bar.start - used) + name
        used = bar.start + width(name)
    return text


def _legend(view: View, used: set[str]) -> Iterator[Line]:
    """The glyphs in use and what they mean, in as many lines as that takes."""
    meanings: dict[str, list[str]] = {}
    for kind in GLYPHS:
        if kind and kind in used:
            meanings.setdefault(_glyph(view, kind), []).append(kind)
    text = ""
    for glyph, kinds in meanings.items():
        item = f"{glyph} {'/'.join(kinds)}"
        if text and len(text) + 2 + len(item) > view.columns:
            yield [Piece(text, "dim")]
            text = ""
        text += ("  " if text else "") + item
    if text:
        yield [Piece(text, "dim")]


class _Notes:
    """What is said behind a chair's row: why it is blocked, until when it is held, when it is free."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.slots = occupation(view.book, view.day, view.day)
        self.after = max(view.lo, view.book.now)

    def of(self, chair: str, columns: int) -> Piece:
        """The first thing to know of a chair, and whatever else fits in those columns."""
        known = [*self._blocked(chair), *([] if self.view.is_past else self._held(chair))]
        found = [*known, *(f for f in self._free(chair) if not known or f.text != "full")]
        if not found:
            return Piece("")
        text = self.view.cut(found[0].text, columns)
        for more in found[1:]:
            longer = f"{text}, {self.view.safe(more.text)}"
            text = longer if width(longer) <= columns else text
        return Piece(text, found[0].style)

    def _blocked(self, chair: str) -> list[Piece]:
        """Blocks that are not over, as long as the day lasts; those of a past day all."""
        since = self.view.lo if self.view.is_past else self.after
        blocks = self.view.supply.out_of_order.get(chair, ())
        found = [b for b in blocks if b.start < self.view.hi and b.end > since]
        return [Piece(b.reason or "blocked", "red") for b in found]

    def _held(self, chair: str) -> list[Piece]:
        ends = [v.hold_until for v in self.view.visits if v.chair == chair and v.status == "pending"]
        first = min((end for end in ends if end is not None), default=None)
        return [] if first is None else [Piece(f"hold to {until_text(self.view, first)}", "yellow")]

    def _free(self, chair: str) -> list[Piece]:
        """From when on there is time enough for the shortest visit that the chair suits."""
        view = self.view
        ahead = [s for s in self.slots if s.chair == chair and s.end > self.after]
        if chair not in view.supply.out_of_order or not any(p.end > self.after for p in view.working):
            return []
        free = [s for s in ahead if s.status == "free" and s.end - max(s.start, self.after) >= self._shortest(chair)]
        if not free:
            return [Piece("full")]
        if all(s.status == "free" for s in ahead):
            return [Piece("free", "green")]
        return [Piece(self._when(free[0]), "green")]

    def _when(self, slot: Slot) -> str:
        opens = min(p.start for p in self.view.working if p.end > self.after)
        if slot.start <= max(opens, self.after):
            return f"free to {self.view.clock(slot.end)}"
        return f"next free {self.view.clock(slot.start)}"

    def _shortest(self, chair_id: str) -> int:
        clinic = self.view.book.clinic
        chair = clinic.chair(chair_id)
        suited = [p.minutes for p in clinic.protocols if chair is not None and chair.suits(p.id)]
        return min(suited, default=0) * MINUTE
