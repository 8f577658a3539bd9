"""Looking at the book: the board of a day or a week, lists, one record with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain import ids
from infusion_cli.domain.book import LIVE, Appointment, Book, Patient, Record, Series
from infusion_cli.domain.clinic_time import midnight, zone
from infusion_cli.domain.when import parse_date
from infusion_cli.errors import NotFoundError, UsageError
from infusion_cli.services import lookup
from infusion_cli.services.ports import Operation, Reader

STATUSES = (
    "proposed",
    "pending",
    "booked",
    "arrived",
    "checked-in",
    "fulfilled",
    "cancelled",
    "noshow",
    "waitlist",
    "entered-in-error",
)
SHOWN = tuple(s for s in STATUSES if s != "entered-in-error")
FIRST_INSTANT, LAST_INSTANT = 0, 7_258_118_400  # 1970 to 2200: all that the words of WHEN can say


class Stretch(NamedTuple):
    """The instants [lo, hi) in which visits start."""

    lo: int
    hi: int


class Day(NamedTuple):
    """A stretch of days to be drawn: the book, and the people in it."""

    book: Book
    first: date
    last: date
    patients: dict[str, Patient]


class Shown(NamedTuple):
    """A record with its history, and what belongs to it."""

    record: Record
    operations: list[Operation]
    book: Book
    patients: dict[str, Patient]


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


def board(reader: Reader, first: date, last: date) -> Day:
    """Everything that the board of those days shows, today's neighbour included for reminders."""
    tz = zone(reader.clinic.timezone)
    end = midnight(last + timedelta(days=2), tz)
    book = reader.load(midnight(first, tz), end)
    people = {v.patient for v in book.appointments.values()}
    if first == last:  # a single day also tells how far each course is
        book.add(reader.load(reader.now, reader.now, sorted(people)).series.values())
    return Day(book, first, last, reader.patients_of(people))


def list_visits(
    reader: Reader, first: date | None, last: date | None, patient: str = "", statuses: Sequence[str] = ()
) -> tuple[list[Appointment], dict[str, Patient]]:
    """Visits that start on those days (inclusive), in order of time, with the people in them."""
    unknown = [s for s in statuses if s not in STATUSES]
    if unknown:
        raise UsageError(f"There is no status {unknown[0]!r}.", f"one of {', '.join(STATUSES)}")
    within = stretch(reader, first, last)
    of = lookup.find_patient(reader, patient).id if patient else None
    visits = reader.visits(*within, tuple(statuses) or SHOWN, of)
    return visits, reader.patients_of({v.patient for v in visits})


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


def visits_named(reader: Reader, text: str, within: Stretch, statuses: Sequence[str]) -> list[Appointment]:
    """Of the visit, series or patient so `named` what starts within a stretch with one of the statuses, by start."""
    record = named(reader, text)
    if isinstance(record, Patient):
        return reader.visits(*within, statuses, record.id)
    found = series_book(reader, record).of_series(record) if isinstance(record, Series) else [record]
    return [v for v in found if v.status in statuses and within.lo <= v.start < within.hi]


def show(reader: Reader, text: str) -> Shown | Operation:
    """Anything by its id, with its history; a patient also by MRN or name."""
    record_id = ids.normalise(text)
    if record_id is not None and record_id[0] == "O":
        found = reader.operation(record_id)
        if found is None:
            raise NotFoundError(f"There is no operation {record_id}.", "infusion history lists operations")
        return found
    record = reader.record(record_id) if record_id else lookup.find_patient(reader, text)
    if record is None:
        raise NotFoundError(f"There is nothing with the id {record_id}.", "infusion list shows visits and their ids")
    return Shown(record, reader.operations(record.id), *_surroundings(reader, record))


def series_book(reader: Reader, series: Series) -> Book:
    """The book of a series: its patient with everything they have."""
    return reader.load(reader.now, reader.now, [series.patient])


def live_visits(book: Book, series: Series) -> list[Appointment]:
    """The sessions of a series that stand, in order of time."""
    return [v for v in book.of_series(series) if v.status in LIVE]


def _patient(reader: Reader, text: str) -> Patient:
    try:
        return lookup.find_patient(reader, text)
    except NotFoundError:
        if any(c.isdigit() for c in text):  # a mistyped id rather than a name
            raise lookup.not_an_id(text) from None
        raise


def _surroundings(reader: Reader, record: Record) -> tuple[Book, dict[str, Patient]]:
    patient = record.patient if isinstance(record, Appointment | Series) else record.id
    book = reader.load(reader.now, reader.now, [patient])
    return book, dict(book.patients)
