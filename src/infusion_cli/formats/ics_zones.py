"""Time zones that calendar files name: the system's, Windows' names, and those that a file describes itself."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from infusion_cli.domain import clinic_time
from infusion_cli.formats.ics_scan import Component

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1)
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?", re.ASCII)
_MOST_PARTS = 3
"""No zone's name has more: America/Argentina/Buenos_Aires."""
_NOT_A_PLACE = {"localtime", "posixrules", "Factory"}
"""Files beside the zones whose meaning is the machine's own."""


class ValueProblem(Exception):  # noqa: N818  it is not raised to anybody: a line is left out with these words
    """Why a value cannot be read: a stable rule and a sentence that quotes nothing of the file."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


class Zone(Protocol):
    """A clock somewhere."""

    def instant(self, wall: datetime) -> int:
        """The instant at which it shows that; skipped times by the offset before, doubled ones the first time."""

    def wall(self, instant: int) -> datetime:
        """What it shows then (naive)."""


class Place:
    """The clock of a zone of the system; `name` is its IANA name."""

    def __init__(self, tz: ZoneInfo) -> None:
        self.name = tz.key
        self._tz = tz

    def instant(self, wall: datetime) -> int:
        """The instant of a wall time."""
        return int(wall.replace(tzinfo=self._tz).timestamp())

    def wall(self, instant: int) -> datetime:
        """The wall time of an instant."""
        return datetime.fromtimestamp(instant, self._tz).replace(tzinfo=None)


class Table:
    """The clock that a VTIMEZONE describes: its offset in seconds before the first change, and the changes."""

    def __init__(self, before: int, changes: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(changes)
        self._instants = [at for at, _ in ordered]
        self._offsets = [before, *(offset for _, offset in ordered)]

    def instant(self, wall: datetime) -> int:
        """The instant of a wall time."""
        shown = seconds(wall)
        near = [self._offset(shown + n * _DAY) for n in (-1, 0, 1)]
        fitting = [shown - offset for offset in near if self._offset(shown - offset) == offset]
        return min(fitting) if fitting else shown - near[0]

    def wall(self, instant: int) -> datetime:
        """The wall time of an instant."""
        return _EPOCH + timedelta(seconds=instant + self._offset(instant))

    def _offset(self, instant: int) -> int:
        return self._offsets[bisect_right(self._instants, instant)]


class Zones:
    """The zones of one file by their TZID; `describe` makes a clock of a VTIMEZONE.

    `calendar` is the clock of the times without a zone in the calendar that is being read.
    """

    def __init__(
        self, clinic: ZoneInfo, described: Sequence[Component], describe: Callable[[Component, Zones], Zone]
    ) -> None:
        self._tz = clinic
        self.clinic: Zone = Place(clinic)
        self.calendar: Zone = self.clinic
        self.utc: Zone = Table(0, ())
        self._described = {_clean(c.text("TZID")): c for c in described}
        self._describe = describe
        self._known: dict[str, Zone | None] = {}

    def of(self, tzid: str) -> Zone:
        """The zone of that name; raises `ValueProblem` when nobody knows it."""
        if tzid not in self._known:
            self._known[tzid] = None  # a zone that cannot be read is not read again for each of its times
            self._known[tzid] = self._find(tzid)
        found = self._known[tzid]
        if found is None:
            raise ValueProblem("unknown-zone", "its time zone is known neither here nor in the file")
        return found

    def _find(self, tzid: str) -> Zone | None:
        name = _clean(tzid)
        found: Zone | None = place(name)
        if found is None and name in self._described:
            # Its times are on its own clock (RFC 5545, 3.6.5): zones that lead from one to the next have no end.
            return self._describe(self._described[name], Zones(self._tz, (), self._describe))
        # `/vendor/Europe/Berlin`: RFC 5545, 3.2.19
        parts = name.rsplit("/", _MOST_PARTS)[1:]
        guesses = ("/".join(parts[n:]) for n in range(len(parts))) if tzid.startswith("/") else ()
        return found or next(filter(None, map(_place, guesses)), None)


def place(name: str) -> Place | None:
    """The system's zone of that IANA or Windows name, None when there is none."""
    return _place(name) or _place(_windows_name(name))


def _place(name: str) -> Place | None:
    if not name or name in _NOT_A_PLACE or not name.isascii() or name.count("/") >= _MOST_PARTS:
        return None
    try:
        return Place(clinic_time.zone(name))
    except (KeyError, ValueError):
        return None


def _windows_name(name: str) -> str:
    if "/" in name or not name.isascii():
        return ""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    return WINDOWS_TO_OLSON.get(name, "")


def _clean(tzid: str) -> str:
    return tzid.strip().strip("/")


def offset(text: str) -> int:
    """A TZOFFSETFROM or TZOFFSETTO in seconds; raises `ValueProblem`."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise ValueProblem("bad-zone", "the file describes its time zone in a way that cannot be read")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueProblem("bad-zone", "the file describes its time zone in a way that cannot be read")
    return (-1 if found[1] == "-" else 1) * (hours * 3600 + minutes * 60 + seconds)


def seconds(wall: datetime) -> int:
    """A wall time as if it were UTC, in seconds since 1970."""
    return int(wall.replace(tzinfo=UTC).timestamp())
