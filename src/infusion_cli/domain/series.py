"""The course planner: every session of a series placed at once, exactly, under gap rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain import rules
from infusion_cli.domain.availability import Timeline, chair_order, grid_starts, needs_of
from infusion_cli.domain.book import Appointment, Book
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import midnight, minute_of_day, zone
from infusion_cli.domain.course_cost import DAY_MINUTES, Placed, limits
from infusion_cli.domain.course_search import Problem, Search, SessionAsk, Start
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import Protocol, place_in_course
from infusion_cli.domain.supply import supply_of
from infusion_cli.domain.visit import probe

FIRST_WITHIN_DAYS = 14
RELAXED_FIRST_WITHIN_DAYS = 28
PATIENT_RULES = ("patient-busy", "one-visit-per-day", "requirement-missing", "patient-on-hold", "observation-too-short")
PROBED_STARTS = 120
"""How many starts are asked for their reasons when a course cannot be placed."""
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


class CourseAsk(NamedTuple):
    """What is wanted: a course of so many sessions, from a day on, within filters."""

    patient: str
    protocol: Protocol
    sessions: int
    from_day: date
    to_day: date | None = None
    between: tuple[int, int] | None = None
    """Minutes of the day that bound the start, both included."""
    weekdays: frozenset[int] | None = None
    relax: bool = False

    @property
    def last_first_day(self) -> date:
        """The last date on which the course may begin."""
        return self.from_day + timedelta(days=RELAXED_FIRST_WITHIN_DAYS if self.relax else FIRST_WITHIN_DAYS)


class CoursePlan(NamedTuple):
    """A course with every session placed, and what it costs (see `course_cost`)."""

    cost: int
    placed: tuple[Placed, ...]


class NoCourse(NamedTuple):
    """Why a course cannot be placed: the session that fails, the rules in the way, what would do."""

    session: int
    conflicts: tuple[Conflict, ...]
    remedy: str

    @property
    def message(self) -> str:
        """One sentence for people, the rules by name."""
        number = ORDINALS[self.session - 1] if self.session <= len(ORDINALS) else f"{self.session}th"
        rules_in_the_way = ", ".join(dict.fromkeys(c.rule for c in self.conflicts))
        return f"no legal {number} session: {rules_in_the_way}" + (f"; {self.remedy}" if self.remedy else "")


def last_day(ask: CourseAsk) -> date:
    """The last date that any session of the course can fall on."""
    minutes = sum(session.limit.long.minutes for session in _sessions(ask)[1:])
    end = ask.last_first_day + timedelta(days=minutes // DAY_MINUTES + 1)
    return min(end, ask.to_day) if ask.to_day else end


def plan_course(book: Book, ask: CourseAsk, alternatives: int = 1) -> list[CoursePlan] | NoCourse:
    """The cheapest legal courses, the best first, or why there is none.

    The book must be loaded for the patient and from the ask's first day to `last_day(ask)`. With
    `alternatives` > 1 the further ones begin on another day or, where there are no more days, go
    on in another rhythm.
    """
    standing = _standing_in_the_way(book, ask)
    if standing:
        return NoCourse(1, standing, "")
    search = Search(_problem(book, ask))
    best = search.best()
    if best is None:
        return _explain(book, ask, search)
    found = [CoursePlan(best[0], tuple(best[1]))]
    if alternatives > 1:
        found += _others(search, found[0], alternatives - 1)
    return found


def _sessions(ask: CourseAsk) -> tuple[SessionAsk, ...]:
    asks = []
    for number in range(1, ask.sessions + 1):
        place = place_in_course(ask.protocol.course, number)
        if place is None:
            break
        window = None if ask.relax else place.step.window
        asks.append(SessionAsk(limits(place.step.gap, relax=ask.relax), place.step_index, window))
    return tuple(asks)


def _problem(book: Book, ask: CourseAsk) -> Problem:
    lived = [v for v in book.of_patient(ask.patient) if v.is_live and v.protocol == ask.protocol.id]
    return Problem(
        sessions=_sessions(ask),
        days=dict(_days(book, ask)),
        from_day=ask.from_day.toordinal(),
        first_days=range(ask.from_day.toordinal(), ask.last_first_day.toordinal() + 1),
        length=ask.protocol.minutes,
        one_per_day=ask.protocol.has_dosing,
        week_limit=ask.protocol.per_protocol_week,
        lived=tuple(date.fromisoformat(v.wall[:10]).toordinal() for v in lived),
        fits=_Beside(book, ask, lived) if lived else None,
    )


class _Beside:
    """Whether session n may start at an instant beside the live visits of the same protocol."""

    def __init__(self, book: Book, ask: CourseAsk, lived: list[Appointment]) -> None:
        self.book, self.ask, self.lived = book, ask, lived
        self.least = [s.limit.gap.min for s in _sessions(ask)]

    def __call__(self, session: int, start: int) -> bool:
        """Ask for one session (from 0) and one instant."""
        visit = probe(self.book.clinic, self.ask.protocol, start, patient=self.ask.patient)
        case = Case(self.book, visit)
        before, after = case.neighbours
        if before is not None and case.is_shorter(before, visit, self.least[session]):
            return False
        least = case.least_gap(after) if after is not None else None
        return after is None or least is None or not case.is_shorter(visit, after, least)


def _days(book: Book, ask: CourseAsk) -> Iterator[tuple[int, tuple[Start, ...]]]:
    """The bookable starts of each day on which the patient may come."""
    tz, timeline = zone(book.clinic.timezone), Timeline(book)
    needs, chairs = needs_of(ask.protocol.phases, provider=ask.protocol.provider), chair_order(book, ask.protocol)
    for day in _candidate_days(ask):
        starts = tuple(
            Start(opening.start, minute, opening.chairs)
            for opening in timeline.openings(day, needs, chairs)
            if _is_between(ask, minute := minute_of_day(opening.start, tz))
        )
        legal = _for_patient(book, ask, starts)
        if legal:
            yield day.toordinal(), legal


def _candidate_days(ask: CourseAsk) -> Iterator[date]:
    day, last = ask.from_day, last_day(ask)
    while day <= last:
        if ask.weekdays is None or day.weekday() in ask.weekdays:
            yield day
        day += timedelta(days=1)


def _is_between(ask: CourseAsk, minute: int) -> bool:
    return ask.between is None or ask.between[0] <= minute <= ask.between[1]


def _for_patient(book: Book, ask: CourseAsk, starts: tuple[Start, ...]) -> tuple[Start, ...]:
    """Those starts at which no rule about the patient alone stands in the way."""
    has_visits = any(v.is_live for v in book.of_patient(ask.patient))
    if not has_visits:  # then one answer holds for the whole day
        return starts if starts and not _against_patient(book, ask, starts[0].start) else ()
    return tuple(s for s in starts if not _against_patient(book, ask, s.start))


def _against_patient(book: Book, ask: CourseAsk, start: int) -> list[Conflict]:
    visit = probe(book.clinic, ask.protocol, start, patient=ask.patient)
    return rules.hard(Case(book, visit), PATIENT_RULES)


def _standing_in_the_way(book: Book, ask: CourseAsk) -> tuple[Conflict, ...]:
    """What forbids every date: a requirement that is missing for good, a hold of the patient."""
    end = midnight(last_day(ask), zone(book.clinic.timezone))
    return tuple(c for c in _against_patient(book, ask, end) if c.rule not in {"patient-busy", "one-visit-per-day"})


def _others(search: Search, best: CoursePlan, wanted: int) -> list[CoursePlan]:
    """The best course for each other first day, then for each other second day; the cheapest of them."""
    first, second = best.placed[0].day, best.placed[1].day if len(best.placed) > 1 else None
    fixed = [{0: day} for day in search.problem.first_days if day != first]
    found = [CoursePlan(*_frozen(hit)) for days in fixed if (hit := search.best(days))]
    if len(found) < wanted and second is not None:
        rhythms = [{0: first, 1: day} for day in sorted(search.reached.get(1, ())) if day != second]
        found += [CoursePlan(*_frozen(hit)) for days in rhythms if (hit := search.best(days))]
    return sorted(found, key=lambda plan: (plan.cost, plan.placed))[:wanted]


def _frozen(hit: tuple[int, list[Placed]]) -> tuple[int, tuple[Placed, ...]]:
    return hit[0], tuple(hit[1])


def _explain(book: Book, ask: CourseAsk, search: Search) -> NoCourse:
    session = search.deepest + 2
    counted = _rules_in_the_way(book, ask, search) or _rules_of_the_course(book, ask)
    conflicts = tuple(rules.conflict(rule_id, message) for rule_id, message in counted)
    return NoCourse(session, conflicts, _remedy(book, ask))


def _rules_in_the_way(book: Book, ask: CourseAsk, search: Search) -> list[tuple[str, str]]:
    """The physical and patient rules against the starts that the failing session could have had."""
    session = search.deepest + 1
    days = _days_of_failing_session(ask, search, session)
    if any(day.toordinal() in search.problem.days for day in days):
        return []
    tz = zone(book.clinic.timezone)
    starts = [s for day in days for s in grid_starts(book, day) if _is_between(ask, minute_of_day(s, tz))]
    needs = needs_of(ask.protocol.phases, provider=ask.protocol.provider)
    timeline = Timeline(book)
    inside = [s for s in starts if timeline.is_open(s, needs.minutes)] or starts
    probed = inside[:: max(1, len(inside) // PROBED_STARTS)]
    counted = Counter(r for start in probed for r in _reasons(book, ask, start))
    return [(r, f"stands against {n} of {len(probed)} starts tried") for r, n in counted.most_common()]


def _days_of_failing_session(ask: CourseAsk, search: Search, session: int) -> list[date]:
    if session == 0:
        wanted = set(search.problem.first_days)
    else:
        limit = search.problem.sessions[session].limit
        low, high = limit.gap.min.minutes // DAY_MINUTES, limit.long.minutes // DAY_MINUTES
        wanted = {d + n for d in search.reached[session - 1] for n in range(max(low, 1), high + 1)}
    return [day for day in _candidate_days(ask) if day.toordinal() in wanted]


def _reasons(book: Book, ask: CourseAsk, start: int) -> set[str]:
    chairs = chair_order(book, ask.protocol) or [""]
    supply = supply_of(book)
    by_chair = []
    for chair in chairs:
        visit = probe(book.clinic, ask.protocol, start, patient=ask.patient, chair=chair)
        case = Case(book, visit, supply=supply)
        by_chair.append({c.rule for c in rules.hard(case, (*rules.PHYSICAL, *PATIENT_RULES))})
    return min(by_chair, key=len)


def _rules_of_the_course(book: Book, ask: CourseAsk) -> list[tuple[str, str]]:
    """Starts there are, but not in a legal rhythm: which rule, once lifted, lets the course through."""
    problem = _problem(book, ask)
    without_window = problem._replace(sessions=tuple(s._replace(window=None) for s in problem.sessions))
    without_weeks = problem._replace(week_limit=None)
    found = []
    if Search(without_window).best() is not None:
        windows = {s.window for s in problem.sessions if s.window}
        found.append(("window-exceeded", f"{', '.join(map(str, windows))} are not enough for the starts that are left"))
    if Search(without_weeks).best() is not None:
        found.append(("protocol-week-limit", f"at most {problem.week_limit} sessions in a protocol week"))
    return found or [("gap-long", "no start is left within the longest gap after the session before")]


def _remedy(book: Book, ask: CourseAsk) -> str:
    """Which filter, dropped, would let the course fit."""
    tries = []
    if ask.weekdays is not None:
        tries.append(("would fit on other weekdays", ask._replace(weekdays=None)))
    if ask.between is not None:
        tries.append(("would fit at other times of day", ask._replace(between=None)))
    if ask.weekdays is not None and ask.between is not None:
        tries.append(("would fit on other weekdays and times of day", ask._replace(weekdays=None, between=None)))
    return next((words for words, other in tries if Search(_problem(book, other)).best() is not None), "")
