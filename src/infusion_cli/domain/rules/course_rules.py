"""The patient's course: gaps, weeks, observation, requirements, authorisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import local_date
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.rules.catalogue import conflict, rule
from infusion_cli.domain.rules.words import gap_conflict
from infusion_cli.domain.when import say_date


@rule(
    "gap-too-short",
    overridable=True,
    source="24 h between mood infusions: mindbodycenters.com; 20 h for daily pain infusions and esketamine: assumption",
)
def gap_is_long_enough(case: Case) -> Iterator[Conflict]:
    """The visit keeps the least gap to the visits of the same protocol before and after it."""
    before, after = case.neighbours
    for earlier, later in ((before, case.visit), (case.visit, after)):
        if earlier is None or later is None:
            continue
        least = case.least_gap(later)
        if least and case.is_shorter(earlier, later, least):
            yield gap_conflict(case, "gap-too-short", (earlier, later), least, "at least")


@rule(
    "protocol-week-limit", source="esketamine label: twice per week; counted in weeks from the first dose (assumption)"
)
def protocol_week_kept(case: Case) -> Iterator[Conflict]:
    """No protocol week, counted from the patient's first live visit of it, has more visits than allowed."""
    limit = case.protocol.per_protocol_week
    if limit is None or not case.visit.patient:
        return
    days = [local_date(v.start, case.tz) for v in case.same_protocol]
    day = local_date(case.visit.start, case.tz)
    first = min([*days, day])
    is_new_first = first not in days  # then all weeks begin on other dates than before
    counts = Counter((d - first).days // 7 for d in (*days, day))
    for week, count in sorted(counts.items()):
        if count > limit and (is_new_first or week == (day - first).days // 7):
            begin = first + timedelta(days=7 * week)
            message = f"visit {count} in protocol week {week + 1} ({say_date(begin)} on); at most {limit}"
            yield conflict("protocol-week-limit", message, case.protocol.id)


@rule("observation-too-short", source="Spravato REMS: at least two hours of observation at every session")
def observation_is_long_enough(case: Case) -> Iterator[Conflict]:
    """The visit has the minutes of observation that regulation asks for."""
    least = case.protocol.observation_minimum
    has = sum(p.minutes for p in case.visit.phases if p.observation)
    if least and has < least:
        yield conflict("observation-too-short", f"{has} minutes of observation; regulation asks for {least}")


@rule(
    "requirement-missing",
    source="consent, evaluation and enrolment before the first session: spravatorems.com, clinics",
)
def requirements_fulfilled(case: Case) -> Iterator[Conflict]:
    """Everything that the protocol requires is on record with a date not after the visit."""
    if case.patient is None:
        return
    on_record, day = dict(case.patient.requirements), local_date(case.visit.start, case.tz).isoformat()
    for need in case.protocol.requires:
        if need not in on_record or on_record[need] > day:
            message = f"{need} is not on record" + (f" before {on_record[need]}" if need in on_record else "")
            yield conflict("requirement-missing", message, need)


@rule("not-authorised", source="payers approve a number of visits or a period: see the plan's letter")
def visit_is_authorised(case: Case) -> Iterator[Conflict]:
    """The series has an authorised visit left and the date is within the authorisation."""
    series, day = case.series, local_date(case.visit.start, case.tz)
    if series is None:
        return
    if series.authorised_visits is not None and case.sessions_in_series > series.authorised_visits:
        yield conflict("not-authorised", f"all {series.authorised_visits} authorised visits are booked", series.id)
    if series.authorised_until is not None and day > date.fromisoformat(series.authorised_until):
        until = say_date(date.fromisoformat(series.authorised_until))
        yield conflict("not-authorised", f"the authorisation ends on {until}", series.id)


@rule("series-complete")
def series_has_room(case: Case) -> Iterator[Conflict]:
    """The series has a session left to book: no more visits than were ordered."""
    series, number = case.series, case.visit.session
    if series is None or number is None or number <= series.ordered:
        return
    if not any(step.sessions is None for step in series.course):
        yield conflict("series-complete", f"all {series.ordered} sessions of {series.id} are booked", series.id)


@rule("series-active")
def no_second_course(case: Case) -> Iterator[Conflict]:
    """A course is only begun when no other course of the protocol still has sessions ahead."""
    series, session = case.series, case.visit.session
    if series is None or session != 1 or case.visit.is_live is False:
        return
    for other in case.own:
        is_ahead = other.status in {"pending", "booked"} and other.start >= case.book.now
        if other.series not in {None, series.id} and other.protocol == case.visit.protocol and is_ahead:
            yield conflict(
                "series-active", f"{other.series} of {other.protocol} has {other.id} ahead", other.series or ""
            )
            return


@rule("patient-on-hold")
def patient_is_active(case: Case) -> Iterator[Conflict]:
    """Neither the patient nor the series is on hold or inactive."""
    if case.patient is not None and case.patient.status != "active":
        yield conflict("patient-on-hold", f"the patient is {case.patient.status}", case.patient.id)
    if case.series is not None and case.series.status == "on-hold":
        yield conflict("patient-on-hold", f"{case.series.id} is on hold", case.series.id)
