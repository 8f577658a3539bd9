"""When somebody is not there, by another program's calendar file: stretches of time and nothing else.

Whatever is not taken is named with its line: entries that take no time are skipped, entries that
cannot be read are errors. No summary, no note and no name leaves this module, and of a UID only a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain.period import Period
from infusion_cli.formats.ics_scan import MAX_PROBLEMS, Component, brief, scan
from infusion_cli.formats.ics_series import Entry, Replacing, described_zone, entry_of, identity_of, spans_of, uid_of
from infusion_cli.formats.ics_values import Length, stretches
from infusion_cli.formats.ics_zones import ValueProblem, Zone, Zones, place
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.recurrence import Budget, TooMuchError

MAX_BUSY = 20_000
"""Stretches that one file may bring; a year of weekly meetings of hundreds of people is less."""
LAST = 7_258_118_400
"""2200-01-01: what is to last longer ends there."""

_ANSWERS = {"REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH"}
WHY_SKIPPED = {
    "cancelled": "cancelled",
    "transparent": "marked as taking no time (TRANSPARENT)",
    "declined": "declined",
    "answer": "an answer to an invitation",
    "not-busy": "not a kind of entry that takes time",
    "misplaced": "stands within another entry",
    "free": "time that is free",
    "no-time": "has no length",
    "over": "over already",
    "later": "after the days that are imported",
    "outside": "none of its times is in the days that are imported",
    "same": "says the same as another entry in the file",
    "replaced": "an older revision of another entry in the file",
}


class Busy(NamedTuple):
    """A stretch [start, end) in seconds, on full minutes; `key` (16 hexadecimal digits) names the entry for ever."""

    line: int
    key: str
    start: int
    end: int


class Skipped(NamedTuple):
    """A component that takes no time, or none that matters; `rule` is one of `WHY_SKIPPED`."""

    line: int
    component: str
    rule: str


class BusyTimes(NamedTuple):
    """What a calendar file comes to."""

    busy: list[Busy]
    skipped: list[Skipped]
    errors: list[LineError]
    warnings: list[LineError]


def busy_times(data: bytes, tz: ZoneInfo, start: int, end: int, *, transparent: bool = False) -> BusyTimes:
    """What a file's entries take of the instants [start, end) on a clinic's clock; never raises.

    Days are the clinic's, and so are times without a zone where the calendar has none either
    (X-WR-TIMEZONE). A series counts time by time, an entry that was moved or cancelled within it in its place.
    With `transparent` also that counts which is marked as taking no time, as public holidays mostly are.
    """
    found = scan(data)
    budget = Budget()
    zones = Zones(
        tz,
        [zone for top in found.components for zone in top.children if zone.name == "VTIMEZONE"],
        lambda component, zones: described_zone(component, zones, end, budget),
    )
    work = _Work(zones, Period(start, end), budget, transparent=transparent)
    work.errors += found.errors
    work.warnings += found.warnings
    work.take_all(found.components)
    return work.result()


class _Work:
    """A file being read."""

    def __init__(self, zones: Zones, window: Period, budget: Budget, *, transparent: bool) -> None:
        self.errors: list[LineError] = []
        self.warnings: list[LineError] = []
        self._zones = zones
        self._window = window
        self._budget = budget
        self._takes_transparent = transparent
        self._skipped: list[Skipped] = []
        self._entries: dict[str, list[Entry]] = {}
        self._busy: dict[str, Busy] = {}
        self._lines: set[int] = set()
        self._read_on = ""
        """On which clock times without a zone are read in the calendar that is being read."""
        self._floating: dict[str, set[int]] = {}
        """The lines of the entries that have such times, by that clock."""
        self._is_given_up = False

    def fail(self, line: int, name: str, rule: str, message: str) -> None:
        """Note an error."""
        self.errors.append(LineError(line, name, rule, message))

    def take_all(self, components: Sequence[Component]) -> None:
        """Read everything that stands in the file."""
        for component in components:
            if component.name == "VCALENDAR":
                self._calendar(component)
            else:
                self.fail(component.line, "", "no-calendar", f"{brief(component.name)} stands in no VCALENDAR")
        for entries in self._entries.values():
            for entry, replacing, is_alone in _in_series(self._newest(entries)):
                if not self._is_given_up:
                    with self._reckoning(entry.line):
                        self._times(entry, replacing, is_alone=is_alone)

    def result(self) -> BusyTimes:
        """What it came to; lists of lines are in the order of the file."""
        for read_on, lines in self._floating.items():
            times = f"{len(lines)} entries have" if len(lines) > 1 else "an entry has"
            message = f"{times} a time without a zone; read on {read_on}"
            self.warnings.append(LineError(min(lines), "", "floating", message))
        return BusyTimes(
            sorted(self._busy.values(), key=lambda b: (b.start, b.end, b.key)),
            sorted(self._skipped),
            _first(sorted(self.errors)),
            _first(sorted(self.warnings)),
        )

    def _calendar(self, calendar: Component) -> None:
        method = calendar.text("METHOD").upper()
        self._zones.calendar, self._read_on = _clock(calendar, self._zones)
        for component in calendar.children:
            if component.name == "VCALENDAR":
                continue
            with self._reckoning(component.line):
                if component.name == "VEVENT":
                    self._event(component, calendar, method)
                elif component.name == "VFREEBUSY":
                    self._free_busy(component)
                elif component.name != "VTIMEZONE":
                    self._skip(component.line, component.name, "not-busy")
            self._misplaced(component)
        for component in calendar.children:
            if component.name == "VCALENDAR":
                self._calendar(component)

    def _misplaced(self, outer: Component) -> None:
        for component in outer.children:
            if component.name in {"VEVENT", "VFREEBUSY"}:
                self._skip(component.line, component.name, "misplaced")
            self._misplaced(component)

    def _skip(self, line: int, name: str, rule: str) -> None:
        self._skipped.append(Skipped(line, brief(name), rule))

    @contextmanager
    def _reckoning(self, line: int) -> Iterator[None]:
        """Years before the first and after the last that the language knows are an error of the component."""
        try:
            yield
        except TooMuchError:
            self._is_given_up = True
            self.fail(
                line, "", "too-much", "from here on the file repeats more than can be worked out; nothing later is read"
            )
        except (OverflowError, ValueError, OSError):
            self.fail(line, "", "out-of-range", "a time in it is further away than can be reckoned with")

    def _event(self, component: Component, calendar: Component, method: str) -> None:
        if method in _ANSWERS:
            self._skip(component.line, component.name, "answer")
            return
        idle = _idle(component, calendar, method, takes_transparent=self._takes_transparent)
        entry = entry_of(component, self._zones, idle, self.warnings)
        if isinstance(entry, list):
            self.errors += entry
            return
        if idle:
            self._skip(component.line, component.name, idle)
        elif not entry.uid:
            message = "it has no UID; it is known by its times, and when they change it is another entry"
            self.warnings.append(LineError(component.line, "UID", "no-uid", message))
        if entry.start and entry.start.is_floating and not idle:
            self._note_floating(component.line)
        # Those without a UID have nothing to do with each other.
        self._entries.setdefault(entry.uid or f"\0{component.line}", []).append(entry)

    def _note_floating(self, line: int) -> None:
        self._floating.setdefault(self._read_on, set()).add(line)

    def _free_busy(self, component: Component) -> None:
        taken: list[bool] = []
        failed = len(self.errors)
        uid = uid_of(component)
        for found in component.all("FREEBUSY"):
            if found.split()[0].get("FBTYPE", "BUSY").upper() == "FREE":
                continue
            try:
                for start, end in stretches(found, self._zones):
                    over = Length(days=1).after(start) if end is None and start.is_date else end
                    if start.is_floating:
                        self._note_floating(component.line)
                    span = Period(start.instant, start.instant if over is None else over)
                    taken.append(self._add(component.line, uid, identity_of(start), span))
            except ValueProblem as problem:
                self.fail(found.line, found.name, problem.rule, problem.message)
        if len(self.errors) == failed and component.line not in self._lines:
            rule = "same" if any(taken) else "outside" if taken else "free"
            self._skip(component.line, component.name, rule)

    def _newest(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries of a UID without older revisions of the same ones."""
        newest: dict[str, int] = {}
        for e in entries:
            newest[e.place] = max(e.sequence, newest.get(e.place, 0))
        for e in entries:
            if e.sequence < newest[e.place] and not e.idle:
                self._skip(e.line, "VEVENT", "replaced")
        return [e for e in entries if e.sequence == newest[e.place]]

    def _times(self, entry: Entry, replacing: Replacing, *, is_alone: bool) -> None:
        """Note the times of an entry that takes time, or why there are none."""
        if entry.idle or entry.start is None:
            return
        is_taken, has_length = False, False
        for identity, span in spans_of(entry, replacing, self._window, self._budget):
            name = "" if is_alone and entry.original is None and not entry.is_series else identity
            is_taken = self._add(entry.line, entry.uid, name, span) or is_taken
            has_length = has_length or span.end > span.start
        if is_taken:
            if entry.line not in self._lines:
                self._skip(entry.line, "VEVENT", "same")
            return
        if not has_length and not entry.length.is_positive:
            rule = "no-time"
        elif entry.is_series:
            rule = "outside"
        else:
            rule = "over" if entry.length.after(entry.start) <= self._window.start else "later"
        self._skip(entry.line, "VEVENT", rule)

    def _add(self, line: int, uid: str, identity: str, span: Period) -> bool:
        """Note a stretch if it touches the window; whether it does."""
        if not (span.start < span.end and span.overlaps(*self._window)):
            return False
        start, end = max(0, span.start // 60 * 60), min(LAST, -(-span.end // 60) * 60)
        key = _digest(uid, identity if uid else f"{span.start}/{span.end}")
        if key in self._busy and self._busy[key][2:] != (start, end):
            key = _digest(uid, identity, f"{span.start}/{span.end}")
        if key not in self._busy:
            self._busy[key] = Busy(line, key, start, end)
            self._lines.add(line)
        if len(self._busy) > MAX_BUSY:
            raise TooMuchError
        return True


def _first(found: list[LineError]) -> list[LineError]:
    """As many as somebody may read."""
    if len(found) <= MAX_PROBLEMS:
        return found
    message = f"{len(found) - MAX_PROBLEMS} more lines are wrong"
    return [*found[:MAX_PROBLEMS], LineError(found[MAX_PROBLEMS].line, "", "too-many-problems", message)]


def _in_series(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Replacing, bool]]:
    """Each entry of a UID with what replaces times of it, and whether it is the only one of its own."""
    masters = [e for e in entries if e.original is None]
    others = [e for e in entries if e.original is not None]
    clock = next((e.start.zone for e in masters if e.start), None)
    if clock is not None:
        others = [e.on_clock(clock) for e in others]
    replacing = Replacing(others)
    nothing = Replacing(())
    for entry in masters:
        yield entry, replacing, len(masters) == 1
    for entry in others:
        yield entry, nothing, True


def _clock(calendar: Component, zones: Zones) -> tuple[Zone, str]:
    """The clock of a calendar's times without a zone, and how it is called."""
    named = calendar.text("X-WR-TIMEZONE")
    if not named:
        return zones.clinic, "the clinic's clock"
    found = place(named)
    if found is None:
        return zones.clinic, "the clinic's clock, because nobody knows the zone in X-WR-TIMEZONE"
    return found, f"the clock of {found.name}, the calendar's zone (X-WR-TIMEZONE)"


def _idle(component: Component, calendar: Component, method: str, *, takes_transparent: bool) -> str:
    """Why an entry takes no time, empty when it does."""
    if method == "CANCEL" or component.text("STATUS").upper() == "CANCELLED":
        return "cancelled"
    if component.text("TRANSP").upper() == "TRANSPARENT" and not takes_transparent:
        return "transparent"
    owner = calendar.text("X-WR-CALNAME").casefold()
    answers = []
    for guest in component.all("ATTENDEE"):
        given, address = guest.split()
        answers.append(given.get("PARTSTAT", "").upper())
        if "@" in owner and address.casefold().removeprefix("mailto:") == owner and answers[-1] == "DECLINED":
            return "declined"
    return "declined" if answers and set(answers) == {"DECLINED"} else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
