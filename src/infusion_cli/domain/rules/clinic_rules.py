"""The chair, the hours, the calendar: rules about the place and the patient's day."""

from __future__ import annotations

from collections.abc import Iterator

from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE, local_date, minute_of_day
from infusion_cli.domain.period import covers
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.rules.catalogue import conflict, rule
from infusion_cli.domain.rules.words import block_span, chair_name, clock, date_of, span
from infusion_cli.domain.when import say_date


@rule("chair-busy")
def chair_is_free(case: Case) -> Iterator[Conflict]:
    """The chair has no other visit and is in order for the whole visit, preparation to turnover."""
    visit = case.visit
    for other in case.around:
        if other.chair == visit.chair:
            held = " on hold" if other.status == "pending" else ""
            message = f"{chair_name(case)} is taken{held} {span(case, other.start, other.end)} ({other.id})"
            yield conflict("chair-busy", message, other.id, other.start, other.end)
    for block in case.supply.out_of_order.get(visit.chair, ()):
        if block.start < visit.end and visit.start < block.end:
            message = f"{chair_name(case)} is out of order {block_span(case, block)}: {block.reason} ({block.id})"
            yield conflict("chair-busy", message, block.id, block.start, block.end)


@rule("chair-unsuitable")
def chair_suits(case: Case) -> Iterator[Conflict]:
    """The chair exists and is meant for the protocol."""
    chair = case.book.clinic.chair(case.visit.chair)
    if chair is None:
        yield conflict("chair-unsuitable", f"there is no chair {case.visit.chair}", case.visit.chair)
    elif not chair.suits(case.protocol.id):
        suitable = [c.id for c in case.book.clinic.chairs if c.suits(case.protocol.id)]
        message = f"{chair.name} is not for {case.protocol.id}; suitable: {', '.join(suitable) or 'none'}"
        yield conflict("chair-unsuitable", message, chair.id)


@rule("outside-hours")
def within_hours(case: Case) -> Iterator[Conflict]:
    """The whole visit, preparation to turnover, lies within opening hours or an extra opening."""
    visit = case.visit
    if covers(case.supply.open, visit.start, visit.end):
        return
    touched = [p for p in case.supply.open if p.overlaps(visit.start, visit.end)]
    if touched:
        message = f"needs {span(case, visit.start, visit.end)} but the clinic is open {span(case, *touched[0])}"
    else:
        message = f"the clinic is not open at {clock(case, visit.start)} on {date_of(case, visit.start)}"
    yield conflict("outside-hours", message, "", visit.start, visit.end)


@rule("closed")
def clinic_not_closed(case: Case) -> Iterator[Conflict]:
    """No closure and no block of the whole clinic touches the visit."""
    for closed in case.supply.closed:
        if closed.start < case.visit.end and case.visit.start < closed.end:
            message = f"the clinic is closed: {closed.reason}"
            yield conflict("closed", message, closed.subject, closed.start, closed.end)


@rule("patient-busy")
def patient_is_free(case: Case) -> Iterator[Conflict]:
    """The patient has no other visit at that time."""
    for other in case.own:
        if other.start < case.visit.end and case.visit.start < other.end:
            message = f"the patient has {other.id} {span(case, other.start, other.end)}"
            yield conflict("patient-busy", message, other.id, other.start, other.end)


@rule(
    "one-visit-per-day", source="assumption: one treatment per patient and day across all protocols; labels are silent"
)
def one_visit_per_day(case: Case) -> Iterator[Conflict]:
    """The patient has one visit with dosing on a local date, whatever the protocol."""
    if not any(p.dosing for p in case.visit.phases):
        return
    day = local_date(case.visit.start, case.tz)
    for other in case.own:
        if any(p.dosing for p in other.phases) and local_date(other.start, case.tz) == day:
            message = f"the patient has {other.id} on {say_date(day)} already, at {clock(case, other.start)}"
            yield conflict("one-visit-per-day", message, other.id, other.start, other.end)


@rule("off-grid")
def on_the_grid(case: Case) -> Iterator[Conflict]:
    """The start is a multiple of the clinic's grid, counted from local midnight."""
    grid, minute = case.book.clinic.grid, minute_of_day(case.visit.start, case.tz)
    if minute % grid or case.visit.start % MINUTE:
        below = minute - minute % grid
        near = " or ".join(f"{m // 60:02}:{m % 60:02}" for m in (below, below + grid) if m < 1440)
        yield conflict("off-grid", f"visits start every {grid} minutes: {near}", "", case.visit.start)


@rule("in-the-past")
def not_in_the_past(case: Case) -> Iterator[Conflict]:
    """The start is not before now."""
    if case.visit.start < case.book.now:
        message = f"{clock(case, case.visit.start)} on {date_of(case, case.visit.start)} is past"
        yield conflict("in-the-past", message, "", case.visit.start)
