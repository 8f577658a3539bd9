"""Calendars of chairs, staff and the whole clinic: whose they are and which visits are in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment, Patient, Series
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.period import touching
from infusion_cli.domain.supply import supply
from infusion_cli.domain.when import parse_date
from infusion_cli.errors import NotFoundError, UsageError
from infusion_cli.services import agenda, lookup
from infusion_cli.services.agenda import FIRST_INSTANT, LAST_INSTANT
from infusion_cli.services.ports import Reader

IN_FILE = ("pending", "booked", "arrived", "checked-in", "fulfilled")
"""Statuses of the visits that stand in calendars."""
DAYS_BACK, DAYS_AHEAD = 7, 90
"""What a feed shows, unless told otherwise."""


class Subject(NamedTuple):
    """Whose calendar: `kind` is `chair`, `staff` or `clinic`, `id` that of the clinic's file."""

    kind: str
    id: str = ""


class Stretch(NamedTuple):
    """The instants [lo, hi) in which visits start."""

    lo: int
    hi: int


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


def stretch(reader: Reader, first: date | None, last: date | None) -> Stretch:
    """The days from `first` to `last`, both included; without one of them everything on that side."""
    if first and last and last < first:
        raise UsageError(f"--to {last} is before --from {first}.", "both are included; swap them")
    tz = zone(reader.clinic.timezone)
    return Stretch(
        midnight(first, tz) if first else FIRST_INSTANT,
        midnight(last + timedelta(days=1), tz) if last else LAST_INSTANT,
    )


def days(reader: Reader, first: str, last: str) -> tuple[date | None, date | None]:
    """The days that were typed; None for what was not."""
    tz = zone(reader.clinic.timezone)
    lo, hi = (parse_date(text, reader.now, tz) if text else None for text in (first, last))
    return lo, hi


def window(reader: Reader, first: str, last: str) -> Stretch:
    """The days that a feed shows: those typed, else from a week ago to ninety days ahead."""
    today = local_date(reader.now, zone(reader.clinic.timezone))
    lo, hi = days(reader, first, last)
    return stretch(reader, lo or today - timedelta(days=DAYS_BACK), hi or today + timedelta(days=DAYS_AHEAD))


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


def named(reader: Reader, text: str) -> Appointment | Series | Patient:
    """The visit, series or patient of that id, or the patient of that MRN or name; raises errors as `find_patient`."""
    record_id = ids.normalise(text)
    if record_id is None:
        return _patient(reader, text)
    record = reader.record(record_id)
    if record is None:
        raise NotFoundError(f"There is no visit, series or patient {record_id}.", "infusion list shows visits")
    if not isinstance(record, Appointment | Series | Patient):
        raise UsageError(f"{record_id} is no visit, series or patient.", "give an id that begins with A, S or P")
    return record


def _patient(reader: Reader, text: str) -> Patient:
    try:
        return lookup.find_patient(reader, text)
    except NotFoundError:
        if any(c.isdigit() for c in text):  # a mistyped id rather than a name
            raise lookup.not_an_id(text) from None
        raise


def visits_named(reader: Reader, text: str, within: Stretch, statuses: Sequence[str]) -> list[Appointment]:
    """Of the visit, series or patient so `named` what starts within a stretch with one of the statuses, by start."""
    record = named(reader, text)
    if isinstance(record, Patient):
        return reader.visits(*within, statuses, record.id)
    found = agenda.series_book(reader, record).of_series(record) if isinstance(record, Series) else [record]
    return [v for v in found if v.status in statuses and within.lo <= v.start < within.hi]
