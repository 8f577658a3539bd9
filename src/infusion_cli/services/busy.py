"""Calendars of chairs, staff and the whole clinic: whose they are and which visits are in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.period import touching
from infusion_cli.domain.supply import supply
from infusion_cli.services import agenda, lookup
from infusion_cli.services.agenda import Stretch
from infusion_cli.services.ports import Reader

IN_FILE = ("pending", "booked", "arrived", "checked-in", "fulfilled")
"""Statuses of the visits that stand in calendars."""
DAYS_BACK, DAYS_AHEAD = 7, 90
"""What a feed shows, unless told otherwise."""


class Subject(NamedTuple):
    """Whose calendar: `kind` is `chair`, `staff` or `clinic`, `id` that of the clinic's file."""

    kind: str
    id: str = ""


def chair(clinic: Clinic, text: str) -> Subject:
    """The chair of that id or name; raises `NotFoundError`."""
    return Subject("chair", lookup.find_chair(clinic, text).id)


def staff(clinic: Clinic, text: str) -> Subject:
    """The member of staff of that id; raises `NotFoundError`."""
    return Subject("staff", lookup.find_staff(clinic, text).id)


def everybody(clinic: Clinic) -> list[Subject]:
    """Every chair and every member of staff, in the order of the clinic's file."""
    return [Subject("chair", c.id) for c in clinic.chairs] + [Subject("staff", s.id) for s in clinic.staff]


def is_there(clinic: Clinic, subject: Subject) -> bool:
    """Whether the clinic still has that chair or member of staff."""
    return subject.kind == "clinic" or subject in everybody(clinic)


def window(reader: Reader, first: str, last: str) -> Stretch:
    """The days that a feed shows: those typed, else from a week ago to ninety days ahead."""
    today = local_date(reader.now, zone(reader.clinic.timezone))
    lo, hi = agenda.days(reader, first, last)
    return agenda.stretch(reader, lo or today - timedelta(days=DAYS_BACK), hi or today + timedelta(days=DAYS_AHEAD))


def span(reader: Reader, within: Stretch) -> Stretch | None:
    """From the first start to the last end of the visits in there; None when there are none."""
    found = reader.span(within.lo, within.hi, IN_FILE)
    return Stretch(*found) if found else None


def visits_of(reader: Reader, subject: Subject, within: Stretch) -> Iterator[Appointment]:
    """The visits that start within a stretch: in that chair, during that person's hours, or all, by start.

    A person's are those that touch the shifts and extra hours, time away taken off; nobody of the
    staff is booked by name. One after the other, none kept; within the view's block.
    """
    found = reader.each_visit(within.lo, within.hi, IN_FILE)
    if subject.kind == "chair":
        return (v for v in found if v.chair == subject.id)
    if subject.kind == "staff":
        seen = span(reader, within)
        hours = supply(reader.clinic, reader.blocks(*seen), *seen).duty[subject.id] if seen else []
        return (v for v in found if touching(hours, v.start, v.end))
    return found
