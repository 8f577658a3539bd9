"""The course planner: every session of a series placed at once, exactly, under gap rules."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain import rules
from infusion_cli.domain.availability import Timeline, chair_order, grid_starts, needs_of
from infusion_cli.domain.book import Appointment, Book
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE, local_date, midnight, minute_of_day, zone
from infusion_cli.domain.course_cost import DAY_MINUTES, GapLimits, Placed, limits
from infusion_cli.domain.course_search import Problem, Search, SessionAsk, Start
from infusion_cli.domain.period import covers
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import Protocol, Span, place_in_course
from infusion_cli.domain.supply import Supply, supply_of
from infusion_cli.domain.visit import probe
from infusion_cli.domain.when import say_date

FIRST_WITHIN_DAYS = 14
RELAXED_FIRST_WITHIN_DAYS = 28
PATIENT_RULES = ("patient-busy", "one-visit-per-day", "requirement-missing", "patient-on-hold", "observation-too-short")
GAP_LONG = "no start is left within the longest gap after the session before"
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
        number = ORDINALS[self.session - 1] if self.session <= len(ORDINALS) else _ordinal(self.session)
        rules_in_the_way = ", ".join(dict.fromkeys(c.rule for c in self.conflicts))
        return f"no legal {number} session: {rules_in_the_way}" + (f"; {self.remedy}" if self.remedy else "")


def _ordinal(number: int) -> str:
    teens = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


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
        return _explain(book, ask, search.problem)
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
    tz = zone(book.clinic.timezone)
    lived = [v for v in book.of_patient(ask.patient) if v.is_live and v.protocol == ask.protocol.id]
    return Problem(
        sessions=_sessions(ask),
        days=dict(_days(book, ask)),
        from_day=ask.from_day.toordinal(),
        first_days=range(ask.from_day.toordinal(), ask.last_first_day.toordinal() + 1),
        length=ask.protocol.minutes,
        one_per_day=ask.protocol.has_dosing,
        week_limit=ask.protocol.per_protocol_week,
        lived=tuple(local_date(v.start, tz).toordinal() for v in lived),
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
    """The best course for each other first day, and if these are too few for each other second day; the cheapest."""
    first = best.placed[0].day
    found = _with_dates(search, [{0: day} for day in search.problem.first_days if day != first])
    if len(found) < wanted and len(best.placed) > 1:
        found += [other for plan in (best, *found) for other in _other_rhythms(search, plan)]
    return sorted(found, key=lambda plan: (plan.cost, plan.placed))[:wanted]


def _other_rhythms(search: Search, plan: CoursePlan) -> list[CoursePlan]:
    """The best course for each other second day after the same first day."""
    first, second = plan.placed[0].day, plan.placed[1].day
    return _with_dates(search, [{0: first, 1: day} for day in search.days_after(1, first) if day != second])


def _with_dates(search: Search, wanted: list[dict[int, int]]) -> list[CoursePlan]:
    """For each choice of dates the best course that keeps them, where there is one."""
    return [CoursePlan(hit[0], tuple(hit[1])) for dates in wanted if (hit := search.best(dates))]


def _explain(book: Book, ask: CourseAsk, problem: Problem) -> NoCourse:
    """The first session that cannot be reached, what stands against it, and the filter that is to blame."""
    session = bisect_left(range(len(problem.sessions) - 1), 1, key=lambda n: not _is_possible(_upto(problem, n)))
    part = _upto(problem, session)
    days = _days_of_session(ask, part, session)
    is_barren = days and not any(day.toordinal() in problem.days for day in days)
    found = _rules_in_the_way(book, ask, days) if is_barren else _rules_of_the_course(ask, part)
    found = found or [_nothing_left(book, ask, session)]
    conflicts = tuple(rules.conflict(rule_id, message) for rule_id, message in found)
    return NoCourse(session + 1, conflicts, _remedy(book, ask))


def _nothing_left(book: Book, ask: CourseAsk, session: int) -> tuple[str, str]:
    """Where no start is left to be asked about: what the ask itself leaves no room for."""
    grid = book.clinic.grid
    if ask.between and -(-ask.between[0] // grid) * grid > ask.between[1]:
        return "off-grid", f"no start on the grid of {grid} minutes lies between the times asked for"
    if ask.to_day is not None:
        return "gap-long" if session else "outside-hours", f"no start is left by {say_date(ask.to_day)}"
    return "gap-long", GAP_LONG


def _is_possible(problem: Problem) -> bool:
    return Search(problem).best() is not None


def _upto(problem: Problem, session: int) -> Problem:
    """The course cut off after a session (from 0)."""
    return problem._replace(sessions=problem.sessions[: session + 1])


def _days_of_session(ask: CourseAsk, part: Problem, session: int) -> list[date]:
    """The dates that a session could have had, after the dates that the one before can have."""
    if session == 0:
        wanted = set(part.first_days)
    else:
        low, high = part.sessions[session].limit.gap.min, part.sessions[session].limit.long
        least, most = low.minutes // DAY_MINUTES, high.minutes // DAY_MINUTES + (high.unit != "d")
        before = Search(_upto(part, session - 1)).dates_of(session - 1)
        wanted = {d + n for d in before for n in range(max(least, int(part.one_per_day)), most + 1)}
    return [day for day in _candidate_days(ask) if day.toordinal() in wanted]


def _rules_in_the_way(book: Book, ask: CourseAsk, days: list[date]) -> list[tuple[str, str]]:
    """The physical and patient rules against the starts that the failing session could have had."""
    tz = zone(book.clinic.timezone)
    starts = [s for day in days for s in grid_starts(book, day) if _is_between(ask, minute_of_day(s, tz))]
    supply, length = supply_of(book), ask.protocol.minutes * MINUTE
    inside = [s for s in starts if covers(supply.open, s, s + length)] or starts
    probed = inside[:: -(-len(inside) // PROBED_STARTS) or 1]
    counted = Counter(r for start in probed for r in _reasons(book, ask, start, supply))
    return [(r, f"stands against {n} of {len(probed)} starts tried") for r, n in counted.most_common()]


def _reasons(book: Book, ask: CourseAsk, start: int, supply: Supply) -> list[str]:
    """The rules against a start, in the chair that has the fewest against it; in the order of the catalogue."""
    chairs = chair_order(book, ask.protocol) or [""]
    by_chair = []
    for chair in chairs:
        visit = probe(book.clinic, ask.protocol, start, patient=ask.patient, chair=chair)
        found = rules.hard(Case(book, visit, supply=supply), (*rules.PHYSICAL, *PATIENT_RULES))
        by_chair.append(list(dict.fromkeys(c.rule for c in found)))
    return min(by_chair, key=len)


def _rules_of_the_course(ask: CourseAsk, part: Problem) -> list[tuple[str, str]]:
    """Starts there are, but not in a legal rhythm: the rules of which one, once lifted, lets the course through."""
    windows = ", ".join(dict.fromkeys(str(s.window) for s in part.sessions if s.window))
    shorter = [limit._replace(gap=limit.gap._replace(min=Span(0, "m"))) for limit, *_ in part.sessions]
    longer = [limits(limit.gap, relax=True) for limit, *_ in part.sessions]
    lifted = (
        (
            "window-exceeded",
            f"the starts that are left do not fit a window of {windows}",
            part._replace(sessions=tuple(s._replace(window=None) for s in part.sessions)),
        ),
        (
            "protocol-week-limit",
            f"at most {part.week_limit} in a protocol week of {ask.protocol.id}",
            part._replace(week_limit=None),
        ),
        ("gap-too-short", "the starts that are left are too near to the session before", _with_limits(part, shorter)),
        (
            "gap-too-short",
            f"the starts that are left are too near to other visits of {ask.protocol.id}",
            part._replace(fits=None),
        ),
        ("gap-long", GAP_LONG, _with_limits(part, longer)),
    )
    return [(rule, message) for rule, message, other in lifted if other != part and _is_possible(other)]


def _with_limits(problem: Problem, chosen: list[GapLimits]) -> Problem:
    pairs = zip(problem.sessions, chosen, strict=True)
    return problem._replace(sessions=tuple(session._replace(limit=limit) for session, limit in pairs))


def _remedy(book: Book, ask: CourseAsk) -> str:
    """Which filter, dropped, would let the course fit; else whether longer gaps and windows would."""
    tries = []
    if ask.weekdays is not None:
        tries.append(("would fit on other weekdays", ask._replace(weekdays=None)))
    if ask.between is not None:
        tries.append(("would fit at other times of day", ask._replace(between=None)))
    if ask.weekdays is not None and ask.between is not None:
        tries.append(("would fit on other weekdays and times of day", ask._replace(weekdays=None, between=None)))
    if not ask.relax:
        tries.append(("would fit with --relax", ask._replace(relax=True)))
    return next((words for words, other in tries if _is_possible(_problem(book, other))), "")
