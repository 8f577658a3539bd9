"""One day of the book as it may be drawn, and the lines that the boards begin and end with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.cli import words
from infusion_cli.cli.output import Line, Output, Piece
from infusion_cli.domain import names
from infusion_cli.domain.book import Appointment, Book, Patient
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.period import Period, subtract, touching, union
from infusion_cli.domain.supply import Closed, Supply, supply_of
from infusion_cli.domain.when import say_date, say_day
from infusion_cli.services import agenda


class View(NamedTuple):
    """One local day [lo, hi) of the book, and how it may be drawn."""

    book: Book
    patients: dict[str, Patient]
    supply: Supply
    tz: ZoneInfo
    day: date
    lo: int
    hi: int
    columns: int
    unicode: bool

    @property
    def is_today(self) -> bool:
        """Whether the present instant is in the day."""
        return self.lo <= self.book.now < self.hi

    @property
    def is_past(self) -> bool:
        """Whether the day is over."""
        return self.hi <= self.book.now

    @property
    def visits(self) -> list[Appointment]:
        """Live visits that touch the day, in order of start."""
        return self.book.live_between(self.lo, self.hi)

    @property
    def opened(self) -> list[Period]:
        """Opening hours of the day, closures not yet taken off."""
        found = touching(self.supply.open, self.lo, self.hi)
        return [Period(max(p.start, self.lo), min(p.end, self.hi)) for p in found]

    @property
    def closures(self) -> list[Closed]:
        """What closes the clinic on that day."""
        return [c for c in self.supply.closed if c.start < self.hi and c.end > self.lo]

    @property
    def working(self) -> list[Period]:
        """When the clinic is open on that day, closures taken off."""
        return subtract(self.opened, (Period(c.start, c.end) for c in self.closures))

    def on(self, day: date) -> View:
        """The same book on another day."""
        return self._replace(day=day, lo=midnight(day, self.tz), hi=midnight(day + timedelta(days=1), self.tz))

    def clock(self, instant: int) -> str:
        """`09:00`; the end of the day is `24:00`."""
        return "24:00" if instant == self.hi else words.clock(instant, self.tz)

    def span(self, period: Period) -> str:
        """`08:00-17:00`, cut to the day."""
        return f"{self.clock(max(period.start, self.lo))}-{self.clock(min(period.end, self.hi))}"

    def safe(self, text: str) -> str:
        """Text that the terminal can show: no controls, without Unicode the plain letters."""
        text = names.shown(text)
        if self.unicode or text.isascii():
            return text
        return "".join(_plain(c) for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))

    def fit(self, text: str, columns: int) -> str:
        """Safe text cut or padded to exactly that many columns."""
        fitted = names.fit(self.safe(text), columns)
        return fitted if self.unicode else fitted.replace("…", "~")

    def cut(self, text: str, columns: int) -> str:
        """Safe text, cut to at most that many columns."""
        return self.fit(text, columns).rstrip()

    def who(self, visit: Appointment) -> str:
        """The visit's patient, safe to show."""
        return self.safe(words.name(self.patients, visit.patient))


def view_of(day: agenda.Day, out: Output) -> View:
    """The first day of a stretch, as wide as the output."""
    tz = zone(day.book.clinic.timezone)
    view = View(day.book, day.patients, supply_of(day.book), tz, day.first, 0, 0, out.width, out.unicode)
    return view.on(day.first)


def header(view: View) -> Iterator[Line]:
    """Date, clinic, hours, who is on duty, and at the right end the time now; then what is closed in between."""
    now = view.clock(view.book.now) if view.is_today else ""
    closed = closed_text(view)
    rest = closed or "  ".join(filter(None, (", ".join(map(view.span, view.working)), _on_duty(view))))
    yield title_line(view, say_date(view.day), rest, now)
    if not closed:
        for closure in view.closures:
            if any(p.overlaps(closure.start, closure.end) for p in view.opened):
                yield [Piece(view.cut(closure_text(view, closure), view.columns), "red")]


def title_line(view: View, first: str, rest: str, right: str) -> Line:
    """`first`, the clinic's name as far as there is room, `rest`, and at the right end `right`."""
    room = view.columns - (len(right) + 2 if right else 0)
    spare = room - len(first) - names.width(view.safe(rest)) - 4
    clinic = view.cut(view.book.clinic.name, max(10, spare))
    end = [Piece("  " + right)] if right else []
    return [Piece(first, "bold"), Piece(view.fit(f"  {clinic}  {rest}", room - len(first))), *end]


def closed_text(view: View) -> str:
    """`closed: Thanksgiving Day`; empty when the clinic is open at any time of the day."""
    if view.working:
        return ""
    reasons = list(dict.fromkeys(view.safe(c.reason) for c in view.closures if c.reason))
    return f"closed: {', '.join(reasons)}" if reasons else "closed"


def closure_text(view: View, closure: Closed) -> str:
    """`closed 12:00-15:00: burst pipe`."""
    reason = f": {closure.reason}" if closure.reason else ""
    return f"closed {view.span(Period(closure.start, closure.end))}{reason}"


def until_text(view: View, instant: int) -> str:
    """`11:30` when that is today, else `3 Dec`."""
    day = local_date(instant, view.tz)
    if day == local_date(view.book.now, view.tz):
        return words.clock(instant, view.tz)
    return short_day(day)


def short_day(day: date) -> str:
    """`7 Dec`."""
    return say_day(day)[4:].strip()


def unconfirmed(view: View) -> list[Appointment]:
    """Booked visits of the day still to come that nobody has confirmed."""
    return [v for v in view.visits if v.status == "booked" and v.confirmed_at is None and v.start >= view.book.now]


def closing(view: View, text: str, command: str) -> Iterator[Line]:
    """The last words and what to type next, on one line where there is room."""
    if len(text) + 3 + len(command) <= view.columns:
        yield [Piece(text + "   "), Piece(command, "bold")]
        return
    yield text
    yield [Piece("  "), Piece(command, "bold")]


def hour_line(hours: Iterable[int | None]) -> str:
    """Hours above the cells that they begin in (None where none begins), as many as there is room for."""
    text = ""
    for cell, hour in enumerate(hours):
        if hour is not None and (not text or len(text) < cell):
            text = f"{text:{cell}}{hour:02}"
    return text


def _plain(char: str) -> str:
    return char if char.isascii() else "?" * names.width(char)


def _on_duty(view: View) -> str:
    return ", ".join(filter(None, (_nurses(view), _providers(view))))


def _nurses(view: View) -> str:
    """`2 nurses`, or the fewest and the most when that changes over the day."""
    if not view.supply.nurses:
        return ""
    counts = []
    for p in view.working:
        duty = view.supply.on_duty("nurse", p.start, p.end)
        changes = {p.start, *(t for d in duty for t in d if p.start < t < p.end)}
        counts += [sum(d.start <= t < d.end for d in duty) for t in changes]
    fewest, most = min(counts), max(counts)
    if fewest == most:
        return words.count(most, "nurse") if most else "no nurse"
    return f"{fewest}-{most} nurses"


def _providers(view: View) -> str:
    if not view.supply.providers:
        return ""
    duty = union(view.supply.on_duty("provider", view.lo, view.hi))
    missing = subtract(view.working, duty)
    if not missing:
        return "provider on site"
    there = subtract(view.working, missing)
    return "provider " + ", ".join(map(view.span, there)) if there else "no provider"
