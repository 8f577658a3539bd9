"""Entries of calendar files: what a component says, and the times at which a series takes place."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from infusion_cli.domain.period import Period
from infusion_cli.formats.ics_scan import Component, Property
from infusion_cli.formats.ics_values import (
    Length,
    Moment,
    Stretch,
    Until,
    is_within,
    last_day,
    length,
    moment,
    rule,
    stretches,
)
from infusion_cli.formats.ics_zones import Table, ValueProblem, Zone, Zones, offset, seconds
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.recurrence import Budget, occurrences

_MARGIN = timedelta(days=2)
"""More than any two clocks differ."""
_ZONES_SINCE = datetime(1970, 1, 1)
_LONGEST_UID = 1000
"""No program writes a longer one; it is digested again for every time of a series."""


class Entry(NamedTuple):
    """A VEVENT; `start` is None only in a cancelled one, which needs none."""

    line: int
    uid: str
    sequence: int
    idle: str
    """Why it takes no time (`cancelled`, `transparent`, `declined`), empty when it does."""
    original: Moment | None
    """RECURRENCE-ID: the time of its series that it replaces."""
    is_and_future: bool
    """Whether it replaces the later ones of the series too."""
    start: Moment | None
    length: Length
    rules: tuple[Until, ...]
    excluded_rules: tuple[Until, ...]
    dates: tuple[Stretch, ...]
    excluded: tuple[Moment, ...]

    @property
    def is_series(self) -> bool:
        """Whether it takes place more than once."""
        return bool(self.rules or self.dates)

    @property
    def place(self) -> str:
        """Which entry of its UID it is a revision of."""
        return identity_of(self.original) if self.original else ""

    def on_clock(self, clock: Zone) -> Entry:
        """The entry with an original time that names no zone read on its series' clock."""
        if self.original is None or not self.original.is_floating:
            return self
        return self._replace(original=self.original._replace(zone=clock))


def entry_of(component: Component, zones: Zones, idle: str, warnings: list[LineError]) -> Entry | list[LineError]:
    """What a VEVENT says, or everything in it that cannot be read."""
    read = _Reading(component, zones)
    original = read.one("RECURRENCE-ID")
    start = read.one("DTSTART")
    if start is None and not idle and not read.errors:
        read.fail(component.line, "DTSTART", "no-start", "it has no DTSTART, so nobody knows when it is")
    entry = Entry(
        line=component.line,
        uid=uid_of(component),
        sequence=_sequence(component.text("SEQUENCE")),
        idle=idle,
        original=original,
        is_and_future=original is not None and _range(component) == "THISANDFUTURE",
        start=start,
        length=read.length(start, warnings) if start else Length(),
        rules=tuple(read.rules("RRULE")),
        excluded_rules=tuple(read.rules("EXRULE")),
        dates=tuple(read.stretches("RDATE")),
        excluded=tuple(stretch.start for stretch in read.stretches("EXDATE", start)),
    )
    if original is not None and entry.is_series and not entry.is_and_future:
        # Several programs copy the rule of the series into each time of it that was moved.
        message = "it replaces one time of a series and repeats as well; the one time counts"
        warnings.append(LineError(component.line, "RECURRENCE-ID", "repeats", message))
        entry = entry._replace(rules=(), dates=())
    return [*component.problems, *read.errors] or entry


class _Reading:
    """A component being read: each value that cannot be is noted with its line."""

    def __init__(self, component: Component, zones: Zones) -> None:
        self.errors: list[LineError] = []
        self._component = component
        self._zones = zones

    def fail(self, line: int, name: str, rule_id: str, message: str) -> None:
        """Note an error."""
        self.errors.append(LineError(line, name, rule_id, message))

    def one(self, name: str) -> Moment | None:
        """The time in the only property of that name, None without one."""
        found = self._component.all(name)
        for extra in found[1:]:
            if extra.rest != found[0].rest:
                self.fail(extra.line, name, "doubled", f"{name} stands there twice, with different times")
        try:
            return moment(found[0], self._zones) if found else None
        except ValueProblem as problem:
            self.fail(found[0].line, name, problem.rule, problem.message)
            return None

    def length(self, start: Moment, warnings: list[LineError]) -> Length:
        """How long the entry takes, from DTEND, DURATION or the kind of its start."""
        given = self._component.all("DURATION")
        end = self.one("DTEND")
        if end is None:
            if given and not self._component.all("DTEND"):
                return self._given_length(given[0])
            return Length(days=1) if start.is_date else Length()
        line = self._component.all("DTEND")[0].line
        if end.is_date != start.is_date:
            self.fail(line, "DTEND", "mixed-times", "one of its start and end is a date and the other a time")
        elif end.is_date:
            days = (end.wall - start.wall).days
            if days == 0:
                warnings.append(
                    LineError(line, "DTEND", "ends-at-start", "it ends on the day it begins; read as one day")
                )
            if days >= 0:
                return Length(days=days or 1)
        elif end.instant >= start.instant:
            return Length(seconds=end.instant - start.instant)
        if end.is_date == start.is_date:
            self.fail(line, "DTEND", "end-before-start", "it ends before it begins")
        return Length()

    def _given_length(self, given: Property) -> Length:
        try:
            found = length(given)
        except ValueProblem as problem:
            self.fail(given.line, "DURATION", problem.rule, problem.message)
            return Length()
        if found.days < 0 or found.seconds < 0:
            self.fail(given.line, "DURATION", "end-before-start", "it ends before it begins")
        return found

    def rules(self, name: str) -> Iterator[Until]:
        """The rules in the properties of that name."""
        for found in self._component.all(name):
            try:
                yield rule(found, self._zones)
            except ValueProblem as problem:
                self.fail(found.line, name, problem.rule, problem.message)

    def stretches(self, name: str, like: Moment | None = None) -> Iterator[Stretch]:
        """The times in the properties of that name; those without a zone are on the clock of `like`."""
        for found in self._component.all(name):
            try:
                for stretch in stretches(found, self._zones):
                    at = stretch.start
                    if like is not None and at.is_floating:
                        at = at._replace(zone=like.zone)
                    yield stretch._replace(start=at)
            except ValueProblem as problem:
                self.fail(found.line, name, problem.rule, problem.message)


class Named:
    """Times of a series that an EXDATE or RECURRENCE-ID names; a date names every time of its day."""

    def __init__(self, named: Iterable[Moment]) -> None:
        named = list(named)
        self._days = {at.wall.date() for at in named}
        self._whole_days = {at.wall.date() for at in named if at.is_date}
        self._instants = {at.instant for at in named if not at.is_date}

    def has(self, at: Moment) -> bool:
        """Whether this time is among them."""
        if at.is_date:
            return at.wall.date() in self._days
        return at.wall.date() in self._whole_days or at.instant in self._instants


class Replacing:
    """The entries that replace times of a series.

    `shift` is how far they move any later time of the series, at most, in seconds.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._named = Named(e.original for e in entries if e.original)
        later = sorted((e.original.wall, n, e) for n, e in enumerate(entries) if e.is_and_future and e.original)
        self._since = [wall for wall, *_ in later]
        self._later = [e for *_, e in later]
        self.shift = max((abs(int(_shift(e).total_seconds())) for e in self._later), default=0)

    def instead(self, at: Moment, entry: Entry) -> tuple[Moment, Length] | None:
        """Where and how long a time of the series is; None when another entry says it or it is off."""
        if self._named.has(at):
            return None
        before = bisect_right(self._since, at.wall)
        if not before:
            return at, entry.length
        found = self._later[before - 1]
        if found.idle or found.start is None or found.is_series:
            return None
        return found.start.at(at.wall + _shift(found)), found.length


def uid_of(component: Component) -> str:
    """The UID of a component, of a very long one a digest; empty without one."""
    uid = component.text("UID")
    return uid if len(uid) <= _LONGEST_UID else hashlib.sha256(uid.encode("utf-8", "surrogateescape")).hexdigest()


def _shift(entry: Entry) -> timedelta:
    return entry.start.wall - entry.original.wall if entry.start and entry.original else timedelta()


def identity_of(at: Moment) -> str:
    """What tells a time of a series from the others: its date, or its instant."""
    return f"{at.wall:%Y%m%d}" if at.is_date else str(at.instant)


def spans_of(entry: Entry, replacing: Replacing, window: Period, budget: Budget) -> Iterator[tuple[str, Period]]:
    """The stretches of an entry that can touch the window, each with its identity. Raises `TooMuchError`."""
    wide = Period(window.start - replacing.shift, window.end + replacing.shift)
    for at, end in _times_of(entry, wide, budget):
        identity = identity_of(entry.original if entry.original and not entry.is_series else at)
        there = replacing.instead(at, entry)
        if there is not None:
            begin, length_ = there
            yield identity, Period(begin.instant, length_.after(begin) if end is None or begin != at else end)


def _times_of(entry: Entry, window: Period, budget: Budget) -> Iterator[Stretch]:
    """The times of an entry or series that can touch the window, those that it excludes left out.

    DTSTART counts as the first whether the rule fits it or not (RFC 5545, 3.8.5.3).
    """
    start = entry.start
    if start is None:
        return
    seen: set[str] = set()
    excluded = Named(entry.excluded)
    for stretch in _all_times(entry, start, window, budget):
        identity = identity_of(stretch.start)
        if identity not in seen and not excluded.has(stretch.start):
            seen.add(identity)
            yield stretch


def _all_times(entry: Entry, start: Moment, window: Period, budget: Budget) -> Iterator[Stretch]:
    first = _earliest(start.zone.wall(window.start), entry.length)
    last = start.zone.wall(window.end) + _MARGIN
    off = {at for one in entry.excluded_rules for at in _of_rule(one, start, first, last, budget)}
    if start.wall not in off:
        yield Stretch(start)
    for stretch in entry.dates:
        # A day may stand in a series of times, and a time in one of days: it is of the series' kind then.
        yield stretch if stretch.start.is_date == start.is_date or stretch.end is not None else _like(stretch, start)
    for one in entry.rules:
        for wall in _of_rule(one, start, first, last, budget):
            if wall not in off:
                yield Stretch(start.at(wall))


def _earliest(wall: datetime, takes: Length) -> datetime:
    """The first time at which something that is going on at `wall` may have begun, or a little before."""
    try:
        return wall - timedelta(days=takes.days, seconds=takes.seconds) - _MARGIN
    except OverflowError:
        return datetime(1, 1, 1)


def _like(stretch: Stretch, start: Moment) -> Stretch:
    wall = stretch.start.wall
    if start.is_date:
        return Stretch(start.at(wall.replace(hour=0, minute=0, second=0)))
    return Stretch(start.at(datetime.combine(wall.date(), start.wall.time())))


def _of_rule(one: Until, start: Moment, first: datetime, last: datetime, budget: Budget) -> Iterator[datetime]:
    if one.until is None:
        yield from occurrences(one.rule, start.wall, first, last, budget)
        return
    last = min(last, last_day(one.until, start))
    for wall in occurrences(one.rule, start.wall, first, last, budget):
        if is_within(start.at(wall), one.until):
            yield wall


def described_zone(component: Component, zones: Zones, last: int, budget: Budget) -> Zone:
    """The clock that a VTIMEZONE describes, good until the instant `last`; raises `ValueProblem`."""
    changes: list[tuple[int, int]] = []
    before: list[tuple[datetime, int]] = []
    for part in component.children:
        offset_from, offset_to = offset(part.text("TZOFFSETFROM")), offset(part.text("TZOFFSETTO"))
        read = _Reading(part, zones)
        start, rules, dates = read.one("DTSTART"), list(read.rules("RRULE")), list(read.stretches("RDATE"))
        if start is None or read.errors:
            raise ValueProblem("bad-zone", "the file describes its time zone in a way that cannot be read")
        until = datetime(1970, 1, 1) + timedelta(seconds=last) + _MARGIN
        walls = [start.wall, *(d.start.wall for d in dates)]
        # An onset's time is on the clock as it was before; UNTIL is in UTC.
        begin = Moment(start.wall, Table(offset_from, ()))
        for one in rules:
            walls += _of_rule(one, begin, _ZONES_SINCE, until, budget)
        changes += ((seconds(wall) - offset_from, offset_to) for wall in walls)
        before.append((start.wall, offset_from))
    if not before:
        raise ValueProblem("bad-zone", "the file describes its time zone in a way that cannot be read")
    return Table(min(before)[1], changes)


def _range(component: Component) -> str:
    found = component.all("RECURRENCE-ID")
    return found[0].split()[0].get("RANGE", "").upper() if found else ""


def _sequence(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
