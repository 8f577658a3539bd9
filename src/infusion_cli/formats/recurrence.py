"""Recurrence rules (RFC 5545, 3.3.10), worked out on the clock's wall time within a window.

Only what lies in the window is worked out, and every step is counted: libraries follow a rule that
never fits, such as 30 February, day by day to the year 9999, which takes seconds for each entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import MAXYEAR, date, datetime, time, timedelta
from itertools import product
from typing import NamedTuple

MAX_DAYS = 500_000
"""Days that may be looked at for all rules of a file together: some seconds' work."""

_DAY = timedelta(days=1)


class Rule(NamedTuple):
    """A rule; weekdays count from Monday = 0, `by_day` are (which one, weekday), which one 0 for every.

    `times` is how often at most (COUNT).
    """

    freq: str
    interval: int = 1
    times: int | None = None
    by_month: frozenset[int] = frozenset()
    by_week: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_day: frozenset[tuple[int, int]] = frozenset()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_position: frozenset[int] = frozenset()
    week_start: int = 0


class TooMuchError(Exception):
    """The rules of the file take more steps than any calendar needs."""


class Budget:
    """How many days may still be looked at."""

    def __init__(self, days: int = MAX_DAYS) -> None:
        self.left = days

    def spend(self, days: int) -> None:
        """Count days; raises `TooMuchError` when there are none left."""
        self.left -= days
        if self.left < 0:
            raise TooMuchError


def occurrences(rule: Rule, start: datetime, first: datetime, last: datetime, budget: Budget) -> Iterator[datetime]:
    """The naive times at which the rule that begins at `start` falls in [first, last], in order.

    `start` itself is among them only when the rule says so. Raises `TooMuchError`.
    """
    rule = _completed(rule, start)
    times = [
        time(h, m, min(s, 59))
        for h, m, s in product(
            rule.by_hour or (start.hour,), rule.by_minute or (start.minute,), rule.by_second or (start.second,)
        )
    ]
    budget.spend(len(times))
    left = rule.times
    for days in _periods(rule, start.date(), first.date()):
        if not days or days[0] > last.date():
            return
        budget.spend(len(days))
        found = [datetime.combine(day, at) for day in days if _fits(rule, day) for at in times]
        budget.spend(len(found))
        for at in _at_positions(found, rule.by_position):
            if at < start:
                continue
            if at > last or left == 0:
                return
            left = None if left is None else left - 1
            if at >= first:
                yield at


def _completed(rule: Rule, start: datetime) -> Rule:
    """The rule with what it leaves open taken from the start, and no weekday counted where none can be."""
    if rule.freq in {"DAILY", "WEEKLY"} or rule.by_week:
        rule = rule._replace(by_day=frozenset((0, day) for _, day in rule.by_day))
    if rule.freq == "WEEKLY" and not (rule.by_day or rule.by_month_day or rule.by_year_day):
        return rule._replace(by_day=frozenset({(0, start.weekday())}))
    if rule.freq == "YEARLY" and rule.by_week and not (rule.by_day or rule.by_month_day or rule.by_year_day):
        return rule._replace(by_day=frozenset({(0, start.weekday())}))
    names_days = rule.by_day or rule.by_month_day or rule.by_year_day or rule.by_week
    if rule.freq in {"MONTHLY", "YEARLY"} and not names_days:
        month = rule.by_month if rule.freq == "MONTHLY" or rule.by_month else frozenset({start.month})
        return rule._replace(by_month=month, by_month_day=frozenset({start.day}))
    return rule


def _periods(rule: Rule, start: date, first: date) -> Iterator[list[date]]:
    """The days of each period of the rule, from that of the start; without a count from that of `first`."""
    skipped = first if rule.times is None and first > start else start
    if rule.freq in {"DAILY", "WEEKLY"}:
        size = 1 if rule.freq == "DAILY" else 7
        ordinal = start.toordinal()
        if size == 7:
            ordinal -= (start.weekday() - rule.week_start) % 7
        step = size * rule.interval
        ordinal += max(0, skipped.toordinal() - ordinal) // step * step
        while ordinal <= date.max.toordinal():
            # Of the very first week the days before 1 January of the year 1 do not exist.
            numbers = range(max(1, ordinal), min(ordinal + size, date.max.toordinal() + 1))
            yield [date.fromordinal(n) for n in numbers]
            ordinal += step
        return
    step = rule.interval if rule.freq == "MONTHLY" else 12 * rule.interval
    month = start.year * 12 + (start.month - 1 if rule.freq == "MONTHLY" else 0)
    month += max(0, skipped.year * 12 + skipped.month - 1 - month) // step * step
    while month // 12 <= MAXYEAR:
        if rule.freq == "MONTHLY":
            yield _month(month // 12, month % 12 + 1)
        else:
            months = sorted(rule.by_month) or range(1, 13)
            days = [day for m in months for day in _month(month // 12, m)]
            yield days
        month += step


def _month(year: int, month: int) -> list[date]:
    begin = date(year, month, 1)
    return [date.fromordinal(begin.toordinal() + n) for n in range(_length(begin))]


def _length(day: date) -> int:
    """How many days its month has."""
    if day.month == 2:
        return 29 if _is_leap(day.year) else 28
    return 30 if day.month in {4, 6, 9, 11} else 31


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _fits(rule: Rule, day: date) -> bool:
    return (
        (not rule.by_month or day.month in rule.by_month)
        and (not rule.by_month_day or _from_either_end(rule.by_month_day, day.day, _length(day)))
        and (not rule.by_day or _fits_weekday(rule, day))
        and (not rule.by_year_day or _from_either_end(rule.by_year_day, _year_day(day), 365 + _is_leap(day.year)))
        and (not rule.by_week or _from_either_end(rule.by_week, *_week(day, rule.week_start)))
    )


def _fits_weekday(rule: Rule, day: date) -> bool:
    number, length = day.day, _length(day)
    if rule.freq == "YEARLY" and not rule.by_month:
        number, length = _year_day(day), 365 + _is_leap(day.year)
    which = 0, (number + 6) // 7, -((length - number) // 7 + 1)
    return any((n, day.weekday()) in rule.by_day for n in which)


def _from_either_end(wanted: Iterable[int], number: int, length: int) -> bool:
    return number in wanted or number - length - 1 in wanted


def _year_day(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _week(day: date, week_start: int) -> tuple[int, int]:
    """The number of its week, the first being that with four days in the year, and how many that year has."""
    ordinal = day.toordinal() - (day.weekday() - week_start) % 7
    year = day.year
    begin = _first_week(year, week_start)
    if ordinal < begin:
        year -= 1
    elif year < MAXYEAR and ordinal >= _first_week(year + 1, week_start):
        year += 1
    begin = _first_week(year, week_start)
    return (ordinal - begin) // 7 + 1, (_first_week(year + 1, week_start) - begin) // 7


def _first_week(year: int, week_start: int) -> int:
    """The ordinal of the day on which the year's first week begins."""
    begin = date(max(1, min(year, MAXYEAR)), 1, 1)
    number = begin.toordinal() + 365 * (year - begin.year)
    back = ((number - 1) % 7 - week_start) % 7
    return number - back if back <= 3 else number + 7 - back


def _at_positions(found: list[datetime], positions: frozenset[int]) -> list[datetime]:
    found.sort()
    if not positions:
        return found
    return [at for n, at in enumerate(found) if n + 1 in positions or n - len(found) in positions]
