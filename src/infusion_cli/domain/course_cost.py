"""What a course costs: the documented preference among legal placements, in whole points.

| what | points |
| --- | --- |
| a day that the first session waits after the day asked for | 12 |
| a gap outside its ideal range | 240 a day off, in proportion |
| a gap shorter than `tight` | 480 |
| a day of gap | 1 (finish sooner, all else equal) |
| a minute of difference in the time of day from the session before | 1 |
| another chair than the session before | 20 |

So a day off the ideal weighs like four hours' difference in the time of day, and a tight gap
like two days off. A gap in days is a difference of local dates, one in hours elapsed time.
"""

from __future__ import annotations

from typing import NamedTuple

from infusion_cli.domain.protocol import Gap, Span

WAIT_DAY = 12
OFF_IDEAL_DAY = 240
TIGHT = 480
GAP_DAY = 1
MINUTE_OF_DAY = 1
CHAIR_CHANGE = 20

DAY_MINUTES = 1440
RELAXED_DAYS = 14
"""How much further than `long` a relaxed plan may place the next session."""
OPEN_GAP_DAYS = 14
"""Where a step names no `long`: this many days past the ideal."""


class Placed(NamedTuple):
    """A session's place: start as instant, day number and minute of the local day; the chair."""

    start: int
    day: int
    """The local date as a proleptic ordinal."""
    minute: int
    chair: str


class GapLimits(NamedTuple):
    """A gap with its upper end made definite."""

    gap: Gap
    long: Span


def limits(gap: Gap, *, relax: bool) -> GapLimits:
    """The gap's [min, long]; `relax` adds 14 days, a gap without `long` ends 14 days past the ideal."""
    days = RELAXED_DAYS if relax else 0
    if gap.long is None:
        high = gap.ideal[1]
        return GapLimits(gap, Span(-(-high.minutes // DAY_MINUTES) + OPEN_GAP_DAYS + days, "d"))
    if not days:
        return GapLimits(gap, gap.long)
    return GapLimits(gap, Span(-(-gap.long.minutes // DAY_MINUTES) + days, "d"))


def is_allowed(limit: GapLimits, elapsed: int, days: int) -> bool:
    """Whether a gap of `elapsed` minutes and `days` local dates is within [min, long]."""
    low, high = limit.gap.min, limit.long
    return _measure(low, elapsed, days) >= low.minutes and _measure(high, elapsed, days) <= high.minutes


def gap_cost(gap: Gap, elapsed: int, days: int) -> int:
    """Points for the gap alone: off the ideal, tight, and its length."""
    low, high = gap.ideal
    off = max(0, low.minutes - _measure(low, elapsed, days), _measure(high, elapsed, days) - high.minutes)
    tight = gap.tight is not None and _measure(gap.tight, elapsed, days) < gap.tight.minutes
    return off * OFF_IDEAL_DAY // DAY_MINUTES + TIGHT * tight + GAP_DAY * days


def step_cost(gap: Gap, before: Placed, after: Placed) -> int:
    """Points for a session, given the one before it."""
    return (
        gap_cost(gap, (after.start - before.start) // 60, after.day - before.day)
        + MINUTE_OF_DAY * abs(after.minute - before.minute)
        + CHAIR_CHANGE * (after.chair != before.chair)
    )


def first_cost(first: Placed, from_day: int) -> int:
    """Points for the first session: how long it waits."""
    return WAIT_DAY * (first.day - from_day)


def course_cost(gaps: list[Gap], placed: list[Placed], from_day: int) -> int:
    """Points for a whole course; `gaps[n]` belongs to `placed[n]`, the first of them is not used."""
    pairs = zip(gaps[1:], placed, placed[1:], strict=False)
    return first_cost(placed[0], from_day) + sum(step_cost(gap, a, b) for gap, a, b in pairs)


def cheapest_between(gap: Gap, least: int, most: int, days: int) -> int:
    """The least points any gap between two given dates can cost, elapsed somewhere in [least, most] minutes."""
    low, high = gap.ideal
    below = low.minutes - (days * DAY_MINUTES if low.unit == "d" else most)
    above = (days * DAY_MINUTES if high.unit == "d" else least) - high.minutes
    tight = gap.tight is not None and _measure(gap.tight, most, days) < gap.tight.minutes
    return max(0, below, above) * OFF_IDEAL_DAY // DAY_MINUTES + TIGHT * tight + GAP_DAY * days


def _measure(span: Span, elapsed: int, days: int) -> int:
    return days * DAY_MINUTES if span.unit == "d" else elapsed
