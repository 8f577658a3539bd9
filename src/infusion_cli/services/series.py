"""Courses: plan one, book it all or nothing, look at it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain import ids, rules
from infusion_cli.domain.book import Appointment, Book, Series
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.plan import Change, Conflict, Plan, change
from infusion_cli.domain.protocol import place_in_course
from infusion_cli.domain.series import CourseAsk, CoursePlan, NoCourse, last_day, plan_course
from infusion_cli.domain.supply import supply_of
from infusion_cli.domain.visit import judge, probe
from infusion_cli.domain.when import parse_between, parse_date, parse_weekdays
from infusion_cli.errors import ConflictError, UsageError
from infusion_cli.services import lookup
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out, new_uid
from infusion_cli.services.ports import Reader, Writer

MOST_SESSIONS = 60
PLAN_IDS = 1 << 24
"""Ids of plans are made of their content: a plan is not in the book."""


class SeriesAsk(NamedTuple):
    """What `series plan` and `series book` were asked, as typed; empty means not said."""

    patient: str
    protocol: str
    first: str = ""
    last: str = ""
    between: str = ""
    weekdays: str = ""
    sessions: int | None = None
    relax: bool = False
    authorised_visits: int | None = None
    authorised_until: str = ""


class Ids(NamedTuple):
    """Ids for what is only proposed: they are given anew when the plan is applied."""

    series: str
    visits: tuple[str, ...]


def plan(reader: Reader, ask: SeriesAsk, alternatives: int = 1) -> list[Plan]:
    """Whole courses as plans, the best first; raises `ConflictError` when there is none."""
    course = course_ask(reader, ask)
    book = load_for(reader, course)
    return [
        _as_plan(reader, book, ask, course, found, Ids("S?", tuple(f"A?{n}" for n in range(1, course.sessions + 1))))
        for found in courses(book, course, alternatives)
    ]


def book_series(desk: Desk, ask: SeriesAsk) -> Outcome:
    """Plan a course under the write lock and book all of it, or nothing."""

    def decide(writer: Writer) -> Decision:
        course = course_ask(writer, ask)
        made = series_changes(writer, load_for(writer, course), ask, course)
        return Decision(made.changes, made.conflicts, made.summary)

    return carry_out(desk, "series book", ask._asdict(), decide)


def series_changes(writer: Writer, book: Book, ask: SeriesAsk, course: CourseAsk) -> Plan:
    """The plan of the best course with ids that will be kept; raises `ConflictError` when there is none."""
    found = courses(book, course)[0]
    new = Ids(writer.new_id("series"), tuple(writer.new_id("appointment") for _ in found.placed))
    return _as_plan(writer, book, ask, course, found, new)


def courses(book: Book, course: CourseAsk, alternatives: int = 1) -> list[CoursePlan]:
    """The best courses; raises `ConflictError` with the rules in the way when there is none."""
    _refuse_second_course(book, course)
    found = plan_course(book, course, alternatives)
    if isinstance(found, NoCourse):
        missing = next((c.subject for c in found.conflicts if c.rule == "requirement-missing"), "")
        hint = f"infusion patients record {course.patient} {missing}" if missing else "other days, times, or --relax"
        raise ConflictError(f"No course fits: {found.message}.", found.conflicts, hint=hint)
    return found


def course_ask(reader: Reader, ask: SeriesAsk) -> CourseAsk:
    """The ask behind the words; raises lookup and usage errors."""
    clinic, tz = reader.clinic, zone(reader.clinic.timezone)
    protocol = lookup.find_protocol(clinic, ask.protocol)
    if not protocol.course:
        raise UsageError(f"{protocol.id} is not given as a series.", f"infusion book PATIENT {protocol.id} WHEN")
    today = local_date(reader.now, tz)
    first = parse_date(ask.first, reader.now, tz) if ask.first else today
    last = parse_date(ask.last, reader.now, tz) if ask.last else None
    if last is not None and last < first:
        raise UsageError(f"--to {last} is before --from {first}.", "both are included; swap them")
    sessions = ask.sessions if ask.sessions is not None else protocol.finite_sessions
    if sessions < 1:
        raise UsageError(f"{protocol.id} has only an open-ended step.", "say how many with --sessions N")
    if sessions > MOST_SESSIONS or place_in_course(protocol.course, sessions) is None:
        most = min(MOST_SESSIONS, protocol.finite_sessions or MOST_SESSIONS)
        raise UsageError(f"{sessions} sessions are more than the course of {protocol.id} has.", f"at most {most}")
    return CourseAsk(
        patient=lookup.find_patient(reader, ask.patient).id,
        protocol=protocol,
        sessions=sessions,
        from_day=max(first, today),
        to_day=last,
        between=parse_between(ask.between) if ask.between else None,
        weekdays=parse_weekdays(ask.weekdays) if ask.weekdays else None,
        relax=ask.relax,
    )


def load_for(reader: Reader, course: CourseAsk) -> Book:
    """The book of the days that the course can fall on, and the patient."""
    tz = zone(reader.clinic.timezone)
    end = midnight(last_day(course) + timedelta(days=2), tz)
    return reader.load(midnight(course.from_day, tz), end, [course.patient])


def next_due(book: Book, series: Series) -> date | None:
    """The next session's date: booked, or ideal after the last one; None when nothing is to come."""
    tz = zone(book.clinic.timezone)
    live = [v for v in book.of_series(series) if v.is_live]
    ahead = [v for v in live if v.status in {"pending", "booked"}]
    if ahead:
        return local_date(ahead[0].start, tz)
    place = place_in_course(series.course, len(live) + 1)
    if not live or place is None or series.status != "active":
        return None
    return local_date(live[-1].start, tz) + timedelta(days=place.step.gap.ideal[0].minutes // 1440)


def _refuse_second_course(book: Book, course: CourseAsk) -> None:
    """Ask the one rule that looks at the series as a whole before any session is placed."""
    start = midnight(course.from_day, zone(book.clinic.timezone))
    new = Series("S?", course.patient, course.protocol.id, "active", course.sessions, course.protocol.course)
    first = probe(book.clinic, course.protocol, start, patient=course.patient)._replace(series=new.id, session=1)
    book.put(new)
    found = rules.hard(Case(book, first), ("series-active",))
    del book.series[new.id]
    if found:
        message = f"The patient has a course of {course.protocol.id} already: {found[0].message}."
        raise ConflictError(message, found, hint=f"infusion series show {found[0].subject}")


def _as_plan(reader: Reader, book: Book, ask: SeriesAsk, course: CourseAsk, found: CoursePlan, new: Ids) -> Plan:
    clinic, tz = reader.clinic, zone(reader.clinic.timezone)
    until = parse_date(ask.authorised_until, reader.now, tz).isoformat() if ask.authorised_until else None
    series = Series(
        id=new.series,
        patient=course.patient,
        protocol=course.protocol.id,
        status="active",
        ordered=course.sessions,
        course=course.protocol.course,
        authorised_visits=ask.authorised_visits,
        authorised_until=until,
    )
    visits = [
        probe(clinic, course.protocol, place.start, patient=course.patient, chair=place.chair)._replace(
            id=visit_id, series=series.id, session=number, uid=new_uid()
        )
        for number, (place, visit_id) in enumerate(zip(found.placed, new.visits, strict=True), start=1)
    ]
    judged, conflicts = _judged(book, series, visits)
    first, last = local_date(visits[0].start, tz), local_date(visits[-1].start, tz)
    summary = {
        "patient": course.patient,
        "protocol": course.protocol.id,
        "sessions": len(visits),
        "first": first.isoformat(),
        "last": last.isoformat(),
        "days": (last - first).days,
        "cost": found.cost,
    }
    changes: list[Change] = [change(None, series), *(change(None, v) for v in judged)]
    number = zlib.crc32(repr((reader.now, summary, found)).encode()) % PLAN_IDS
    return Plan(tuple(changes), conflicts, summary, ids.encode("plan", number), reader.now, reader.revision)


def _judged(
    book: Book, series: Series, visits: Sequence[Appointment]
) -> tuple[list[Appointment], tuple[Conflict, ...]]:
    """The visits with their warnings; hard conflicts of the finished course raise."""
    book.put(series)
    for visit in visits:
        book.put(visit)
    supply = supply_of(book)
    verdicts = [judge(book, visit, supply=supply) for visit in visits]
    found = tuple(c for v in verdicts for c in v.conflicts)
    hard = list(dict.fromkeys(c for v in verdicts for c in v.hard))
    if hard:
        _take_out(book, series, visits)
        raise ConflictError(f"No course fits: {', '.join(dict.fromkeys(c.rule for c in hard))}.", hard)
    return [v.visit for v in verdicts], found


def _take_out(book: Book, series: Series, visits: Sequence[Appointment]) -> None:
    for visit in visits:
        book.put(visit._replace(status="entered-in-error"))
    book.put(series._replace(status="entered-in-error"))
