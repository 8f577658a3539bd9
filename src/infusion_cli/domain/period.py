"""Half-open periods [start, end) of instants, and the little algebra that scheduling needs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Period(NamedTuple):
    """[start, end) in seconds; touching periods do not overlap."""

    start: int
    end: int

    def overlaps(self, start: int, end: int) -> bool:
        """Whether it shares any instant with [start, end)."""
        return self.start < end and start < self.end


def union(periods: Iterable[Period]) -> list[Period]:
    """The same instants as disjoint periods in order; touching ones are joined, empty ones dropped."""
    joined: list[Period] = []
    for period in sorted(p for p in periods if p.start < p.end):
        if joined and period.start <= joined[-1].end:
            joined[-1] = Period(joined[-1].start, max(joined[-1].end, period.end))
        else:
            joined.append(period)
    return joined


def subtract(periods: Iterable[Period], holes: Iterable[Period]) -> list[Period]:
    """The instants of `periods` that are in none of `holes`, as disjoint periods in order."""
    left = union(periods)
    for hole in union(holes):
        left = [piece for p in left for piece in _without(p, hole)]
    return left


def covers(periods: Sequence[Period], start: int, end: int) -> bool:
    """Whether one of the disjoint, ordered `periods` contains all of [start, end)."""
    found = touching(periods, start, end)
    return bool(found) and found[0].start <= start and end <= found[0].end


def touching(periods: Sequence[Period], start: int, end: int) -> list[Period]:
    """Those of the disjoint, ordered `periods` that overlap [start, end)."""
    first = bisect_right(periods, Period(start, start))
    if first and periods[first - 1].end > start:
        first -= 1
    last = bisect_left(periods, Period(end, end), lo=first)
    return list(periods[first:last])


def gaps(periods: Iterable[Period], start: int, end: int) -> list[Period]:
    """The instants of [start, end) that are in none of `periods`."""
    return subtract([Period(start, end)], periods)


def _without(period: Period, hole: Period) -> list[Period]:
    if not period.overlaps(*hole):
        return [period]
    pieces = (Period(period.start, hole.start), Period(hole.end, period.end))
    return [p for p in pieces if p.start < p.end]
