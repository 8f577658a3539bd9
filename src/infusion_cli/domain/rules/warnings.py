"""Soft rules: done, with the warning shown and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE, local_date, minute_of_day
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import place_in_course
from infusion_cli.domain.rules.catalogue import conflict, rule
from infusion_cli.domain.rules.words import gap_conflict, measured, spoken
from infusion_cli.domain.when import say_length

SAME_TIME_OF_DAY = 60
"""Minutes by which a session may differ from the one before without a word."""
LAST_AUTHORISED_VISITS = 2
LAST_AUTHORISED_DAYS = 14


@rule(
    "gap-tight",
    "soft",
    source="first infusions 48-96 h apart: ketamineatrelievus.com; esketamine under 48 h: assumption",
)
def gap_is_comfortable(case: Case) -> Iterator[Conflict]:
    """A gap between sessions is allowed but shorter than usual."""
    for earlier, later in _pairs(case):
        gap = case.gap(later)
        if gap is None or gap.tight is None or case.is_shorter(earlier, later, gap.min):
            continue
        if case.is_shorter(earlier, later, gap.tight):
            yield gap_conflict(case, "gap-tight", (earlier, later), gap.tight, "usually at least")


@rule("gap-long", "soft", source="a course loses its effect when sessions drift apart; figures per protocol")
def gap_is_not_long(case: Case) -> Iterator[Conflict]:
    """A gap between sessions of a series is longer than the protocol wants."""
    for earlier, later in _pairs(case):
        gap = case.gap(later)
        if gap is None or gap.long is None or earlier.series != later.series:
            continue
        if case.distance(earlier, later, gap.long) > gap.long.minutes * MINUTE:
            yield gap_conflict(case, "gap-long", (earlier, later), gap.long, "at most")


@rule(
    "window-exceeded", "soft", source="inductions of 4-8 infusions in 7-28 days: stanfordhealthcare.org (McInnes 2022)"
)
def window_is_kept(case: Case) -> Iterator[Conflict]:
    """The sessions of a step lie within its window, first start to last."""
    place = case.place(case.visit)
    if place is None or place.step.window is None:
        return
    mates = [case.visit]
    for other in case.same_protocol:
        at = case.place(other) if other.series == case.visit.series else None
        if at and at.step_index == place.step_index:
            mates.append(other)
    first, last = min(mates, key=_start), max(mates, key=_start)
    length = case.distance(first, last, place.step.window)
    if length > place.step.window.minutes * MINUTE:
        window = place.step.window
        message = f"{place.step.name} takes {measured(length, window)}; the window is {spoken(window)}"
        yield conflict("window-exceeded", message, case.visit.series or "")


@rule("review-due", "soft", source="response is reviewed after infusion 2 or 3: wvkit.com, ketamineatrelievus.com")
def review_before_session(case: Case) -> Iterator[Conflict]:
    """A clinician's review is due before this session."""
    series, session = case.series, case.visit.session
    if series is None or session is None or session == 1:
        return
    here, before = (place_in_course(series.course, number) for number in (session, session - 1))
    is_new_step = here is not None and here.step.review_before and here.number_in_step == 1
    if is_new_step or (before is not None and before.step.review_after == before.number_in_step):
        yield conflict("review-due", f"a clinician's review is due before session {session}", series.id)


@rule("authorisation-low", "soft", source="prior authorisations take 3-14 days to renew: headinghealth.com")
def authorisation_lasts(case: Case) -> Iterator[Conflict]:
    """At most two authorised visits or 14 authorised days are left after this visit."""
    series = case.series
    if series is None:
        return
    if series.authorised_visits is not None:
        until_now = sum(v.series == series.id and v.start < case.visit.start for v in case.own) + 1
        left = series.authorised_visits - until_now
        if 0 <= left <= LAST_AUTHORISED_VISITS:
            visits = "visit is" if left == 1 else "visits are"
            yield conflict("authorisation-low", f"{left} authorised {visits} left after this one", series.id)
    if series.authorised_until is not None:
        days = (date.fromisoformat(series.authorised_until) - local_date(case.visit.start, case.tz)).days
        if 0 <= days <= LAST_AUTHORISED_DAYS:
            when = f"{days} day{'s' * (days != 1)} after" if days else "on the day of"
            yield conflict("authorisation-low", f"the authorisation ends {when} this visit", series.id)


@rule("ride-unknown", "soft", source="no driving until the next day after restful sleep: spravatohcp.com")
def ride_is_known(case: Case) -> Iterator[Conflict]:
    """A patient who is dosed and is here has said how they get home."""
    visit = case.visit
    if visit.status in {"arrived", "checked-in"} and not visit.ride and any(p.dosing for p in visit.phases):
        yield conflict("ride-unknown", "how the patient gets home is not known", visit.id)


@rule(
    "different-time-of-day",
    "soft",
    source="clinics keep a standing slot for a series: knowledgebase.kinghealthassoc.com",
)
def usual_time_of_day(case: Case) -> Iterator[Conflict]:
    """The start differs by more than an hour from the session before."""
    before = case.neighbours.before
    if before is None or case.visit.series is None or before.series != case.visit.series:
        return
    late = minute_of_day(case.visit.start, case.tz) - minute_of_day(before.start, case.tz)
    if abs(late) > SAME_TIME_OF_DAY:
        message = f"{say_length(abs(late))} {'later' if late > 0 else 'earlier'} than the session before"
        yield conflict("different-time-of-day", message, before.id)


@rule("late-cancel", "soft", source="24 or 48 hours' notice is usual: clinics' published policies")
def cancelled_in_time(case: Case) -> Iterator[Conflict]:
    """The visit is cancelled by the patient within the clinic's notice."""
    visit, notice = case.visit, case.book.clinic.cancel_notice
    if visit.status == "cancelled" and visit.late:
        yield conflict("late-cancel", f"less than {spoken(notice)} before the visit", visit.id)


def _pairs(case: Case) -> Iterator[tuple[Appointment, Appointment]]:
    before, after = case.neighbours
    if before is not None:
        yield before, case.visit
    if after is not None:
        yield case.visit, after


def _start(visit: Appointment) -> int:
    return visit.start
