"""The planner: never dearer than any other legal course, and silent only where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from domain.worlds import copy_of, every, planning_worlds
from hypothesis import event, given, settings

from infusion_cli.domain import rules
from infusion_cli.domain.book import Appointment, Book, Series
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE, local_date, minute_of_day, zone
from infusion_cli.domain.course_cost import RELAXED_DAYS, Placed, first_cost, step_cost
from infusion_cli.domain.protocol import Gap, Place, Span, place_in_course
from infusion_cli.domain.series import CourseAsk, NoCourse, last_day, plan_course
from infusion_cli.domain.supply import supply_of
from infusion_cli.domain.visit import probe

SETTINGS = settings(max_examples=60, deadline=None)
PLANNED = "planned"
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

    def cheapest_below(self, bound: float) -> int | None:
        """The least cost of any legal course that costs less than `bound`; None when there is none."""
        self.best = bound
        self._place([], 0)
        return None if self.best == bound else int(self.best)

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
        for start, chairs in self.starts:
            if not self._may_follow(placed, start):
                continue
            here = [self._at(start, chair) for chair in chairs]
            priced = [(cost + self._price(placed, p), p) for p in here]
            if min(priced)[0] < self.best and self._legal((*(p.start for p in placed), start)):
                for price, p in priced:
                    self._place([*placed, p], price)

    def _price(self, placed: Sequence[Placed], here: Placed) -> int:
        if not placed:
            return first_cost(here, self.ask.from_day.toordinal())
        return step_cost(self._step(len(placed)).step.gap, placed[-1], here)

    def _may_follow(self, placed: Sequence[Placed], start: int) -> bool:
        """The planning rules: the first session soon, every gap within [min, long], every step in its window."""
        day = local_date(start, self.tz).toordinal()
        if not placed:
            return day - self.ask.from_day.toordinal() <= (28 if self.ask.relax else 14)
        if start <= placed[-1].start:
            return False
        at = self._step(len(placed))
        passed = (placed[-1].start, start)
        if self._length(passed, at.step.gap.min) < at.step.gap.min.minutes:
            return False
        longest = self._longest(at.step.gap)
        if self._length(passed, longest) > longest.minutes:
            return False
        window = at.step.window
        if window is None or self.ask.relax or at.number_in_step == 1:
            return True
        return self._length((placed[len(placed) + 1 - at.number_in_step].start, start), window) <= window.minutes

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
        if starts not in self.known:
            visits = [self._visit(n, start, "") for n, start in enumerate(starts)]
            self.book.add(visits)
            self.known[starts] = not any(rules.hard(self._case(v), PATIENT_RULES) for v in reversed(visits))
            self.book.add(v._replace(status="entered-in-error") for v in visits)
        return self.known[starts]

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
@given(planning_worlds())
def test_no_legal_course_is_cheaper_and_none_exists_where_none_is_found(case: tuple[Book, CourseAsk]) -> None:
    book, ask = case
    found = plan_course(book, ask)
    if isinstance(found, NoCourse):
        event(f"none: {', '.join(sorted({c.rule for c in found.conflicts}))}")
        assert Brute(book, ask._replace(sessions=found.session)).cheapest_below(float("inf")) is None
    else:
        event(f"{ask.sessions} sessions")
        assert hard_conflicts(book, ask, found[0].placed) == []
        assert Brute(book, ask).cheapest_below(found[0].cost + 1) == found[0].cost


@SETTINGS
@given(planning_worlds())
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
@given(planning_worlds())
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
