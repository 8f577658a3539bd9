"""Values of other programs' calendar files: times, lengths, stretches and rules.

Each of these functions raises `ValueProblem` for what cannot be read, with a rule and a sentence that
quotes nothing of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from infusion_cli.formats.ics_scan import Property
from infusion_cli.formats.ics_zones import ValueProblem, Zone, Zones
from infusion_cli.formats.recurrence import Rule

_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?", re.ASCII)
_LENGTH = re.compile(
    r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?", re.ASCII
)
_WEEKDAYS = {name: n for n, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
_MOST_TIMES_OF_A_DAY = 1440


class Moment(NamedTuple):
    """A time as it was written: what the clock shows in its zone.

    A date is midnight on the clinic's clock; a time without a zone (floating) is on the calendar's.
    """

    wall: datetime
    zone: Zone
    is_date: bool = False
    is_floating: bool = False

    @property
    def instant(self) -> int:
        """Seconds since 1970 UTC."""
        return self.zone.instant(self.wall)

    def at(self, wall: datetime) -> Moment:
        """The same kind of time, when the clock shows `wall`."""
        return self._replace(wall=wall)


class Length(NamedTuple):
    """How long something takes: days on the clock, then seconds that pass."""

    days: int = 0
    seconds: int = 0

    @property
    def is_positive(self) -> bool:
        """Whether it is any time at all."""
        return self.days > 0 or self.seconds > 0

    def after(self, start: Moment) -> int:
        """The instant at which it is over."""
        begin = start.at(start.wall + timedelta(days=self.days)) if self.days else start
        return begin.instant + self.seconds


class Stretch(NamedTuple):
    """A start, and where a PERIOD says so an end (an instant)."""

    start: Moment
    end: int | None = None


class Until(NamedTuple):
    """A rule with where it ends, None when it does not say."""

    rule: Rule
    until: Moment | None


def moment(found: Property, zones: Zones) -> Moment:
    """The one time of a property."""
    given, value = found.split()
    return _moment(value, given.get("TZID", ""), zones)


def stretches(found: Property, zones: Zones) -> Iterator[Stretch]:
    """The times or periods of a property, in the order given; none when it is empty."""
    given, value = found.split()
    for part in filter(None, (p.strip() for p in value.split(","))):
        begin, slash, end = part.partition("/")
        start = _moment(begin, given.get("TZID", ""), zones)
        if not slash:
            yield Stretch(start)
        elif end.lstrip("+-").startswith("P"):
            yield Stretch(start, _length(end).after(start))
        else:
            yield Stretch(start, _moment(end, given.get("TZID", ""), zones).instant)


def length(found: Property) -> Length:
    """The length in a DURATION."""
    return _length(found.split()[1])


def rule(found: Property, zones: Zones) -> Until:
    """The rule in an RRULE or EXRULE."""
    parts = dict(_parts(found.split()[1]))
    freq = parts.pop("FREQ", "")
    if freq in _TOO_OFTEN:
        raise ValueProblem("too-often", f"a rule that repeats {freq} is no time off; it is not followed")
    if freq not in _FREQUENCIES:
        raise ValueProblem("bad-rule", "the rule has no FREQ that is known")
    if parts.pop("RSCALE", "GREGORIAN") != "GREGORIAN" or parts.pop("SKIP", "OMIT") != "OMIT":
        raise ValueProblem("unsupported-rule", "the rule counts by another calendar, or moves days that do not exist")
    until = parts.pop("UNTIL", "")
    fields: dict[str, Any] = {}
    for name, text in parts.items():
        if name not in _PARTS:
            raise ValueProblem("unsupported-rule", "the rule has a part that is not known")
        field, read = _PARTS[name]
        fields[field] = read(text)
    found_rule = Rule(freq)._replace(**fields)
    times = (found_rule.by_hour, found_rule.by_minute, found_rule.by_second)
    a_day = 1
    for listed in times:
        a_day *= len(listed) or 1
    if a_day > _MOST_TIMES_OF_A_DAY:
        raise ValueProblem("too-often", "the rule repeats more than once a minute; it is not followed")
    return Until(found_rule, _moment(until, "", zones) if until else None)


def _moment(value: str, tzid: str, zones: Zones) -> Moment:
    found = _MOMENT.fullmatch(value)
    if found is None:
        raise ValueProblem("bad-time", "this is no date and no time")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        wall = datetime(year, month, day, hour, minute, min(second, 59) if second <= 60 else second)
    except ValueError:
        raise ValueProblem("bad-time", "there is no such date or time") from None
    if found[4] is None:
        return Moment(wall, zones.clinic, is_date=True)
    if found[7]:
        return Moment(wall, zones.utc)
    if tzid:
        return Moment(wall, zones.of(tzid))
    return Moment(wall, zones.calendar, is_floating=True)


def _length(text: str) -> Length:
    found = _LENGTH.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        raise ValueProblem("bad-length", "this is no length of time")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    sign = -1 if found[1] == "-" else 1
    return Length(sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds))


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, (p.strip() for p in text.upper().split(";"))):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueProblem("bad-rule", "a part of the rule has no value")
        yield name.strip(), value.strip()


def _numbers(low: int, high: int, *, signed: bool = False) -> Callable[[str], frozenset[int]]:
    def read(text: str) -> frozenset[int]:
        return frozenset(_number(part, low, high, signed=signed) for part in text.split(","))

    return read


def _listed(low: int, high: int) -> Callable[[str], tuple[int, ...]]:
    def read(text: str) -> tuple[int, ...]:
        return tuple(sorted({_number(part, low, high) for part in text.split(",")}))

    return read


def _one(low: int, high: int) -> Callable[[str], int]:
    return lambda text: _number(text, low, high)


def _number(text: str, low: int, high: int, *, signed: bool = False) -> int:
    digits = text.strip().removeprefix("+")
    plain = digits.removeprefix("-") if signed else digits
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 9 and low <= int(plain) <= high):
        raise ValueProblem("bad-rule", "a number in the rule is missing or out of its range")
    return int(digits)


def _days(text: str) -> frozenset[tuple[int, int]]:
    found = [_DAY.fullmatch(part.strip()) for part in text.split(",")]
    if not all(found):
        raise ValueProblem("bad-rule", "a weekday in the rule is none")
    days = frozenset((int(m[1] or 0), _WEEKDAYS[m[2]]) for m in found if m)
    if any(abs(n) > 53 for n, _ in days):
        raise ValueProblem("bad-rule", "a number in the rule is missing or out of its range")
    return days


def _weekday(text: str) -> int:
    if text not in _WEEKDAYS:
        raise ValueProblem("bad-rule", "a weekday in the rule is none")
    return _WEEKDAYS[text]


_PARTS: dict[str, tuple[str, Callable[[str], object]]] = {
    "INTERVAL": ("interval", _one(1, 100_000)),
    "COUNT": ("times", _one(1, 1_000_000)),
    "BYMONTH": ("by_month", _numbers(1, 12)),
    "BYWEEKNO": ("by_week", _numbers(1, 53, signed=True)),
    "BYYEARDAY": ("by_year_day", _numbers(1, 366, signed=True)),
    "BYMONTHDAY": ("by_month_day", _numbers(1, 31, signed=True)),
    "BYDAY": ("by_day", _days),
    "BYHOUR": ("by_hour", _listed(0, 23)),
    "BYMINUTE": ("by_minute", _listed(0, 59)),
    "BYSECOND": ("by_second", _listed(0, 60)),
    "BYSETPOS": ("by_position", _numbers(1, 366, signed=True)),
    "WKST": ("week_start", _weekday),
}


def last_day(until: Moment, start: Moment) -> datetime:
    """The last wall time of a series from `start` that may still be before its end, or a little later."""
    if start.is_date or until.is_date or until.is_floating:
        return until.wall.replace(hour=23, minute=59, second=59) if until.is_date or start.is_date else until.wall
    return start.zone.wall(until.instant) + timedelta(days=1)


def is_within(at: Moment, until: Moment) -> bool:
    """Whether a time of a series is not after its end; a date in either is compared as a date."""
    if at.is_date or until.is_date:
        return at.wall.date() <= until.wall.date()
    if until.is_floating:
        return at.wall <= until.wall
    return at.instant <= until.instant
