"""The planner: never dearer than any other legal course, and silent only where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from domain.course_worlds import crowded_worlds, gap, planning_worlds
from domain.worlds import copy_of, every
from hypothesis import event, given, settings
from hypothesis import strategies as st

from infusion_cli.domain import rules
from infusion_cli.domain.book import Appointment, Book, Series
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE, local_date, minute_of_day, zone
from infusion_cli.domain.course_cost import RELAXED_DAYS, Placed, first_cost, limits, step_cost
from infusion_cli.domain.course_search import Problem, Search, SessionAsk, Start
from infusion_cli.domain.protocol import Gap, Place, Span, place_in_course
from infusion_cli.domain.series import CourseAsk, NoCourse, last_day, plan_course
from infusion_cli.domain.supply import supply_of
from infusion_cli.domain.visit import probe

SETTINGS = settings(max_examples=90, deadline=None)
PLANNED = "planned"
any_course = st.one_of(crowded_worlds, crowded_worlds, planning_worlds())
REMEDIES: dict[str, dict[str, Any]] = {
    "would fit on other weekdays": {"weekdays": None},
    "would fit at other times of day": {"between": None},
    "would fit on other weekdays and times of day": {"weekdays": None, "between": None},
    "would fit with --relax": {"relax": True},
}
PATIENT_RULES = [r.id for r in rules.CATALOGUE if r.id not in {*rules.PHYSICAL, "series-active"}]


class Brute:
    """Every legal course of an ask, by asking the rules about every start in every chair."""

    def __init__(self, book: Book, ask: CourseAsk) -> None:
        self.ask = ask
        self.tz = zone(book.clinic.timezone)
        self.book = copy_of(book)
        course = Series(PLANNED, ask.patient, ask.protocol.id, "active", ask.sessions, ask.protocol.course)
        self.book.put(course)
        self.supply = supply_of(book)
        self.known: dict[tuple[int, ...], bool] = {}

    def exists(self, begun: tuple[int, ...] = ()) -> bool:
        """Whether there is any legal course that begins with these starts."""
        if len(begun) == self.ask.sessions:
            return True
        return any(self._may_come(begun, start) and self.exists((*begun, start)) for start, _ in self.starts)

    def cheapest_below(self, bound: int) -> int | None:
        """The least cost of any legal course that costs less than `bound`; None when there is none."""
        self.best = bound
        self._place([], 0)
        return None if self.best == bound else self.best

    @cached_property
    def starts(self) -> list[tuple[int, list[str]]]:
        """Starts that pass the filters, with the chairs in which the clinic itself allows the visit."""
        ask, found = self.ask, []
        for start in every(10, self.book, ask.from_day, last_day(ask)):
            if ask.weekdays is not None and local_date(start, self.tz).weekday() not in ask.weekdays:
                continue
            if ask.between and not ask.between[0] <= minute_of_day(start, self.tz) <= ask.between[1]:
                continue
            if rules.hard(self._case(self._visit(0, start, "")), ("off-grid", "outside-hours", "closed")):
                continue
            seated = (self._visit(0, start, chair.id) for chair in self.book.clinic.chairs)
            free = [v.chair for v in seated if not rules.hard(self._case(v), rules.PHYSICAL)]
            if free:
                found.append((start, free))
        return found

    def _place(self, placed: list[Placed], cost: int) -> None:
        if cost >= self.best:
            return
        if len(placed) == self.ask.sessions:
            self.best = cost
            return
        begun = tuple(p.start for p in placed)
        for start, chairs in self.starts:
            here = [self._at(start, chair) for chair in chairs]
            priced = [(cost + self._price(placed, p), p) for p in here]
            if min(priced)[0] < self.best and self._may_come(begun, start):
                for price, p in priced:
                    self._place([*placed, p], price)

    def _price(self, placed: Sequence[Placed], here: Placed) -> int:
        if not placed:
            return first_cost(here, self.ask.from_day.toordinal())
        return step_cost(self._step(len(placed)).step.gap, placed[-1], here)

    def _may_come(self, begun: tuple[int, ...], start: int) -> bool:
        """Whether a start may come after those."""
        starts = (*begun, start)
        if starts not in self.known:
            self.known[starts] = self._may_follow(begun, start) and self._legal(starts)
        return self.known[starts]

    def _may_follow(self, begun: tuple[int, ...], start: int) -> bool:
        """The planning rules: the first session soon, every gap within [min, long], every step in its window."""
        if not begun:
            return (local_date(start, self.tz) - self.ask.from_day).days <= (28 if self.ask.relax else 14)
        if start <= begun[-1]:
            return False
        at = self._step(len(begun))
        passed = (begun[-1], start)
        if self._length(passed, at.step.gap.min) < at.step.gap.min.minutes:
            return False
        longest = self._longest(at.step.gap)
        if self._length(passed, longest) > longest.minutes:
            return False
        window = at.step.window
        if window is None or self.ask.relax or at.number_in_step == 1:
            return True
        return self._length((begun[len(begun) + 1 - at.number_in_step], start), window) <= window.minutes

    def _longest(self, gap: Gap) -> Span:
        more = RELAXED_DAYS if self.ask.relax else 0
        if gap.long is None:
            return Span(-(-gap.ideal[1].minutes // 1440) + 14 + more, "d")
        return Span(-(-gap.long.minutes // 1440) + more, "d") if more else gap.long

    def _length(self, passed: tuple[int, int], measure: Span) -> int:
        """Minutes from start to start: whole local days, or elapsed time."""
        first, last = passed
        if measure.unit == "d":
            return (local_date(last, self.tz) - local_date(first, self.tz)).days * 1440
        return (last - first) // MINUTE

    def _legal(self, starts: tuple[int, ...]) -> bool:
        """Whether the rules about the patient, whom no chair concerns, allow all of these visits together."""
        visits = [self._visit(n, start, "") for n, start in enumerate(starts)]
        self.book.add(visits)
        legal = not any(rules.hard(self._case(v), PATIENT_RULES) for v in reversed(visits))
        self.book.add(v._replace(status="entered-in-error") for v in visits)
        return legal

    def _visit(self, n: int, start: int, chair: str) -> Appointment:
        visit = probe(self.book.clinic, self.ask.protocol, start, patient=self.ask.patient, chair=chair)
        return visit._replace(id=f"{PLANNED}-{n}", series=PLANNED, session=n + 1)

    def _case(self, visit: Appointment) -> Case:
        return Case(self.book, visit, supply=self.supply)

    def _at(self, start: int, chair: str) -> Placed:
        return Placed(start, local_date(start, self.tz).toordinal(), minute_of_day(start, self.tz), chair)

    def _step(self, n: int) -> Place:
        place = place_in_course(self.ask.protocol.course, n + 1)
        assert place is not None
        return place


def hard_conflicts(book: Book, ask: CourseAsk, placed: Sequence[Placed]) -> list[tuple[int, str]]:
    """What the rules hold against a course once all of it is booked: (session, rule)."""
    brute = Brute(book, ask)
    visits = [brute._visit(n, p.start, p.chair) for n, p in enumerate(placed)]
    brute.book.add(visits)
    return [(v.session or 0, c.rule) for v in visits for c in rules.hard(brute._case(v), without=("series-active",))]


@SETTINGS
@given(any_course)
def test_no_legal_course_is_cheaper_and_none_exists_where_none_is_found(case: tuple[Book, CourseAsk]) -> None:
    book, ask = case
    found = plan_course(book, ask)
    if isinstance(found, NoCourse):
        event(f"none: {', '.join(sorted({c.rule for c in found.conflicts}))}")
        assert not Brute(book, ask._replace(sessions=found.session)).exists()
    else:
        event(f"{ask.sessions} sessions")
        assert hard_conflicts(book, ask, found[0].placed) == []
        assert Brute(book, ask).cheapest_below(found[0].cost + 1) == found[0].cost


@SETTINGS
@given(any_course)
def test_where_no_course_fits_all_before_the_session_named_would_and_the_remedy_is_true(
    case: tuple[Book, CourseAsk],
) -> None:
    book, ask = case
    refused = plan_course(book, ask)
    if not isinstance(refused, NoCourse):
        return
    assert refused.conflicts
    if refused.session > 1:
        assert isinstance(plan_course(book, ask._replace(sessions=refused.session - 1)), list)
    event(refused.remedy)
    if refused.remedy:
        assert isinstance(plan_course(book, ask._replace(**REMEDIES[refused.remedy])), list)


@SETTINGS
@given(any_course)
def test_alternatives_are_legal_in_order_of_cost_and_differ_in_first_day_or_rhythm(
    case: tuple[Book, CourseAsk],
) -> None:
    book, ask = case
    found = plan_course(book, ask, 4)
    best = plan_course(book, ask)
    assert found == plan_course(book, ask, 4)
    if isinstance(found, NoCourse) or isinstance(best, NoCourse):
        assert found == best
        return
    event(f"{len(found)} plans")
    assert found[0] == best[0]
    assert [plan.cost for plan in found] == sorted(plan.cost for plan in found)
    rhythms = [tuple(p.day for p in plan.placed[:2]) for plan in found]
    assert len(set(rhythms)) == len(found) <= 4
    assert [hard_conflicts(book, ask, plan.placed) for plan in found] == [[]] * len(found)


# The search alone


def problem(longest: str, starts: list[tuple[int, int]], **changes: Any) -> Problem:
    """Two sessions at least no time apart, an hour long; starts as (day, minute), in a zone without clock changes."""
    asked = SessionAsk(limits(gap("0h", "", "24h-25h", longest), relax=False), 0, None)
    by_day: dict[int, tuple[Start, ...]] = {}
    for day, minute in starts:
        by_day[day] = (*by_day.get(day, ()), Start((day * 1440 + minute) * 60, minute, ("chair-1",)))
    first = starts[0][0]
    fresh = Problem((asked, asked), by_day, first, range(first, first + 1), length=60, one_per_day=False)
    return fresh._replace(**changes)


def found(of: Problem) -> list[tuple[int, int]]:
    """Day and minute of each session, empty where there is no course."""
    hit = Search(of).best()
    return [(p.day, p.minute) for p in hit[1]] if hit else []


def test_a_gap_in_hours_may_reach_one_date_further_than_its_whole_days() -> None:
    over_midnight = [(10, 1380), (13, 0)]
    assert found(problem("49h", over_midnight)) == over_midnight
    assert found(problem("48h", over_midnight)) == []


def test_the_patient_is_never_in_two_sessions_at_once() -> None:
    assert found(problem("2d", [(10, 540), (10, 570), (10, 599)])) == []
    assert found(problem("2d", [(10, 540), (10, 570), (10, 600)])) == [(10, 540), (10, 600)]


def test_a_drug_is_given_on_one_date_once() -> None:
    assert found(problem("2d", [(10, 540), (10, 900)], one_per_day=True)) == []
    assert found(problem("2d", [(10, 540), (10, 900), (12, 540)], one_per_day=True)) == [(10, 540), (12, 540)]


def test_the_dates_that_a_session_can_fall_on_follow_from_the_gaps() -> None:
    search = Search(problem("2d", [(10, 540), (11, 540), (12, 540), (13, 540)], one_per_day=True))
    assert (search.dates_of(0), search.dates_of(1)) == ([10], [11, 12])
    assert search.days_after(1, 11) == [12, 13]
