"""The exact search for the cheapest legal placement of a course.

A* over (session, start, chair). The estimate of what is still to come is itself an exact solution,
from the last session backwards, of the problem without windows and week limits and with gaps
judged by the best that two dates allow; it never exceeds the truth, so the first complete course
taken from the heap is the cheapest of all. The backward pass carries, for each date, chair and
time of day, the best way on; the price |difference in minutes| spreads over the times of a day in
two sweeps instead of comparing every pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

from infusion_cli.domain.course_cost import (
    CHAIR_CHANGE,
    DAY_MINUTES,
    MINUTE_OF_DAY,
    GapLimits,
    Placed,
    cheapest_between,
    first_cost,
    is_allowed,
    step_cost,
)
from infusion_cli.domain.protocol import Span

NEVER = 1 << 60


class Start(NamedTuple):
    """A bookable start: instant, minute of the local day, chairs that would do (the first preferred)."""

    start: int
    minute: int
    chairs: tuple[str, ...]


class SessionAsk(NamedTuple):
    """What the search has to know of one session: its gap from the one before, its step and window."""

    limit: GapLimits
    step: int
    window: Span | None


class Problem(NamedTuple):
    """A course to be placed; dates are ordinals."""

    sessions: tuple[SessionAsk, ...]
    days: dict[int, tuple[Start, ...]]
    """The bookable starts of each date that has any."""
    from_day: int
    first_days: range
    length: int
    """Minutes of a visit, turnover included: the patient cannot be in two at once."""
    one_per_day: bool
    week_limit: int | None = None
    """At most so many sessions in a protocol week."""
    lived: tuple[int, ...] = ()
    """Dates of the patient's live visits of the same protocol."""
    fits: Callable[[int, int], bool] | None = None
    """Whether session n (from 0) may start then beside those live visits; None when there are none."""


class _State(NamedTuple):
    """What later legality depends on, and nothing else: equal states may replace each other."""

    session: int
    start: int
    chair: str
    anchor: int
    """The weekday on which protocol weeks begin, as the ordinal from 1 to 7 of such a day; 0 without a limit."""
    in_week: int
    """Planned sessions in the current protocol week; 0 without a limit."""
    step_start: int
    """The first start of the current step; 0 without a window."""


class _Node(NamedTuple):
    state: _State
    placed: Placed
    cost: int
    parent: _Node | None


class Search:
    """One problem; `best()` may be asked with several restrictions, the backward pass is done once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.last = len(problem.sessions) - 1
        self._minutes = sorted({s.minute for starts in problem.days.values() for s in starts})
        self._at = {minute: i for i, minute in enumerate(self._minutes)}
        self._chairs = sorted({c for starts in problem.days.values() for s in starts for c in s.chairs})
        self._ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
        """By step and date: within a step all sessions have the same gap."""

    def best(self, dates: dict[int, int] | None = None) -> tuple[int, list[Placed]] | None:
        """The cheapest legal course and its cost, or None; `dates` fixes the dates of some sessions."""
        fixed = dates or {}
        heap: list[tuple[int, int, int, int, _Node]] = []
        cheapest: dict[_State, int] = {}
        pushed = 0
        for node in self._first_nodes(fixed):
            pushed += 1
            self._push(heap, cheapest, node, pushed)
        while heap:
            *_, node = heappop(heap)
            if cheapest[node.state] < node.cost:
                continue
            if node.state.session == self.last:
                return node.cost, _path(node)
            for child in self._children(node, fixed):
                pushed += 1
                self._push(heap, cheapest, child, pushed)
        return None

    def _push(
        self, heap: list[tuple[int, int, int, int, _Node]], cheapest: dict[_State, int], node: _Node, n: int
    ) -> None:
        if cheapest.get(node.state, NEVER) <= node.cost:
            return
        rest = self._to_come(node)
        if rest < NEVER:
            cheapest[node.state] = node.cost
            heappush(heap, (node.cost + rest, -node.state.session, node.placed.start, n, node))

    def dates_of(self, session: int) -> list[int]:
        """The dates that a session (from 0) can fall on, by gaps alone; in order."""
        return self._layers[session]

    def _first_nodes(self, fixed: dict[int, int]) -> Iterator[_Node]:
        problem = self.problem
        for day in problem.first_days:
            if fixed.get(0, day) != day:
                continue
            for start in problem.days.get(day, ()):
                if problem.fits is None or problem.fits(0, start.start):
                    for chair in start.chairs:
                        placed = Placed(start.start, day, start.minute, chair)
                        state = self._state(0, placed, None)
                        if state is not None:
                            yield _Node(state, placed, first_cost(placed, problem.from_day), None)

    def _children(self, node: _Node, fixed: dict[int, int]) -> Iterator[_Node]:
        session, before = node.state.session + 1, node.placed
        ask = self.problem.sessions[session]
        for day in self.days_after(session, before.day):
            if fixed.get(session, day) != day:
                continue
            for start in self.problem.days[day]:
                elapsed = (start.start - before.start) // 60
                if elapsed < self.problem.length or not is_allowed(ask.limit, elapsed, day - before.day):
                    continue
                if self.problem.fits is not None and not self.problem.fits(session, start.start):
                    continue
                # Another chair costs its price now and saves at most as much later: to stay is never worse.
                for chair in (before.chair,) if before.chair in start.chairs else start.chairs:
                    placed = Placed(start.start, day, start.minute, chair)
                    state = self._state(session, placed, node)
                    if state is None:
                        break
                    yield _Node(state, placed, node.cost + step_cost(ask.limit.gap, before, placed), node)

    def _state(self, session: int, placed: Placed, before: _Node | None) -> _State | None:
        """The state after placing a session, or None when a window or a week is full."""
        problem, ask = self.problem, self.problem.sessions[session]
        anchor = in_week = step_start = 0
        if problem.week_limit is not None:
            if before is None and self._overfills_lived_weeks(placed.day):
                return None
            anchor = before.state.anchor if before else (min((placed.day, *problem.lived)) - 1) % 7 + 1
            week = (placed.day - anchor) // 7
            same_week = before is not None and (before.placed.day - anchor) // 7 == week
            in_week = 1 + (before.state.in_week if before and same_week else 0)
            if in_week + sum((d - anchor) // 7 == week for d in problem.lived) > problem.week_limit:
                return None
        if ask.window is not None:
            same_step = before is not None and problem.sessions[session - 1].step == ask.step
            step_start = before.state.step_start if before and same_step else placed.start
            if placed.start != step_start and not self._in_window(ask.window, step_start, placed):
                return None
        return _State(session, placed.start, placed.chair, anchor, in_week, step_start)

    def _overfills_lived_weeks(self, first: int) -> bool:
        """Whether weeks that begin anew, because the course begins before all live visits, have too many of these."""
        lived = self.problem.lived
        if not lived or first >= min(lived):
            return False
        weeks = Counter((day - first) // 7 for day in lived)
        return max(weeks.values()) > (self.problem.week_limit or 0)

    def _in_window(self, window: Span, step_start: int, placed: Placed) -> bool:
        if window.unit == "d":
            return placed.day - self._day_of[step_start] <= window.amount
        return (placed.start - step_start) // 60 <= window.minutes

    @cached_property
    def _day_of(self) -> dict[int, int]:
        return {s.start: day for day, starts in self.problem.days.items() for s in starts}

    # What is still to come

    def _to_come(self, node: _Node) -> int:
        session, placed = node.state.session, node.placed
        if session == self.last:
            return 0
        rest = self._tables[session].get(placed.day)
        by_table = rest[placed.chair][self._at[placed.minute]] if rest else NEVER
        if by_table >= NEVER:
            return NEVER
        return max(by_table, self._by_dates(session, placed.day, node.state))

    @cached_property
    def _tables(self) -> list[dict[int, dict[str, list[int]]]]:
        """For each session but the last: date -> chair -> least cost to come, by index of the minute."""
        tables: list[dict[int, dict[str, list[int]]]] = [{} for _ in range(self.last)]
        arriving = {day: self._spread(day, None) for day in self._layers[self.last]}
        for session in range(self.last - 1, -1, -1):
            table = tables[session]
            for day in self._layers[session]:
                ways = [
                    (price, arriving[after]) for after, price in self._ways_on(session + 1, day) if after in arriving
                ]
                if ways:
                    table[day] = {c: _cheapest_way([(price, way[c]) for price, way in ways]) for c in self._chairs}
            arriving = {day: self._spread(day, to_come) for day, to_come in table.items()}
        return tables

    def _spread(self, day: int, to_come: dict[str, list[int]] | None) -> dict[str, list[int]]:
        """The least cost of arriving on a date, seen from any minute and chair of the session before."""
        by_chair: dict[str, list[int]] = {}
        for chair in self._chairs:
            line = [NEVER] * len(self._minutes)
            for start in self.problem.days[day]:
                if chair in start.chairs:
                    at = self._at[start.minute]
                    line[at] = to_come[chair][at] if to_come else 0
            by_chair[chair] = self._sweep(line)
        if len(by_chair) == 1:
            return by_chair
        anywhere = [cost + CHAIR_CHANGE for cost in map(min, *by_chair.values())]
        return {chair: list(map(min, line, anywhere)) for chair, line in by_chair.items()}

    def _sweep(self, line: list[int]) -> list[int]:
        """Let each value spread to the other minutes of the day at the price of the difference."""
        for to, by, price in self._strides:
            if line[by] + price < line[to]:  # noqa: PLR1730  min() is a call, and this is the innermost loop
                line[to] = line[by] + price
        return line

    @cached_property
    def _strides(self) -> list[tuple[int, int, int]]:
        """Up through the minutes of the day and down again: (to, from, price), as indexes of minutes."""
        prices = [(n, n + 1, MINUTE_OF_DAY * (b - a)) for n, (a, b) in enumerate(pairwise(self._minutes))]
        return [(high, low, price) for low, high, price in prices] + prices[::-1]

    @cached_property
    def _layers(self) -> list[list[int]]:
        """The dates that each session can fall on, by gaps alone."""
        layer = [day for day in self.problem.first_days if day in self.problem.days]
        layers = [layer]
        for session in range(1, self.last + 1):
            layer = sorted({after for day in layer for after in self.days_after(session, day)})
            layers.append(layer)
        return layers

    def days_after(self, session: int, day: int) -> list[int]:
        """Dates with starts on which a session (from 0) may follow the one before on `day`, by the gap alone."""
        return [after for after, _ in self._ways_on(session, day)]

    def _ways_on(self, session: int, day: int) -> list[tuple[int, int]]:
        """The dates on which a session may follow, each with the least points of the gap."""
        key = (self.problem.sessions[session].step, day)
        ways = self._ways.get(key)
        if ways is None:
            limit = self.problem.sessions[session].limit
            soonest, farthest = day + self.problem.one_per_day, day + limit.long.minutes // DAY_MINUTES + 2
            priced = ((after, self._price_of_dates(limit, day, after)) for after in range(soonest, farthest + 1))
            ways = self._ways[key] = [way for way in priced if way[1] < NEVER]
        return ways

    def _price_of_dates(self, limit: GapLimits, before: int, after: int) -> int:
        """The least points of the gap between two dates, NEVER when none is allowed."""
        from_starts, to_starts = self.problem.days.get(before), self.problem.days.get(after)
        if not from_starts or not to_starts:
            return NEVER
        days = after - before
        least = (to_starts[0].start - from_starts[-1].start) // 60
        most = (to_starts[-1].start - from_starts[0].start) // 60
        low, high = limit.gap.min, limit.long
        if (days * DAY_MINUTES if low.unit == "d" else most) < low.minutes:
            return NEVER
        if (days * DAY_MINUTES if high.unit == "d" else least) > high.minutes:
            return NEVER
        return cheapest_between(limit.gap, least, most, days)

    def _by_dates(self, session: int, day: int, state: _State) -> int:
        """The least points of the gaps to come, by dates alone but with windows and weeks kept."""
        if state.anchor == 0 and state.step_start == 0:
            return 0
        step_day = self._day_of[state.step_start] if state.step_start else 0
        return self._date_cost(session, day, state.anchor, state.in_week, step_day)

    def _date_cost(self, session: int, day: int, anchor: int, in_week: int, step_day: int) -> int:
        if session == self.last:
            return 0
        key = (session, day, anchor, in_week, step_day)
        known = self._date_costs.get(key)
        if known is not None:
            return known
        best = NEVER
        for after, price in self._ways_on(session + 1, day):
            kept = self._keeps_dates(session + 1, day, after, (anchor, in_week, step_day))
            if kept is not None:
                best = min(best, price + self._date_cost(session + 1, after, anchor, *kept))
        self._date_costs[key] = best
        return best

    @cached_property
    def _date_costs(self) -> dict[tuple[int, int, int, int, int], int]:
        return {}

    def _keeps_dates(self, session: int, day: int, after: int, so_far: tuple[int, int, int]) -> tuple[int, int] | None:
        """(in_week, step_day) after the next date, or None when a week or a window is surely full."""
        anchor, in_week, step_day = so_far
        problem, ask = self.problem, self.problem.sessions[session]
        if problem.week_limit is not None:
            week = (after - anchor) // 7
            in_week = 1 + (in_week if (day - anchor) // 7 == week else 0)
            if in_week + sum((d - anchor) // 7 == week for d in problem.lived) > problem.week_limit:
                return None
        if ask.window is None:
            return in_week, 0
        if problem.sessions[session - 1].step != ask.step:
            return in_week, after
        # A window in hours is kept for sure only by instants; by dates it may end a day later.
        slack = 0 if ask.window.unit == "d" else 1
        if after - step_day > ask.window.minutes // DAY_MINUTES + slack:
            return None
        return in_week, step_day


def _cheapest_way(ways: list[tuple[int, list[int]]]) -> list[int]:
    price, line = ways[0]
    best = [price + cost for cost in line]
    for price, line in ways[1:]:
        best = list(map(min, best, [price + cost for cost in line]))
    return best


def _path(node: _Node | None) -> list[Placed]:
    placed = []
    while node is not None:
        placed.append(node.placed)
        node = node.parent
    return placed[::-1]
