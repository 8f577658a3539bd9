"""The records of the book and the working copy that decisions are made on.

Instants are whole seconds since 1970 UTC, always on a full minute for periods; all periods are
half-open. Statuses are FHIR's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.protocol import Phase, Step

LIVE = frozenset({"proposed", "pending", "booked", "arrived", "checked-in", "fulfilled"})
"""Statuses in which a visit counts for gap and day rules and occupies its chair."""

STEPS: dict[str, tuple[frozenset[str], str]] = {
    "arrive": (frozenset({"booked"}), "arrived"),
    "start": (frozenset({"booked", "arrived"}), "checked-in"),
    "finish": (frozenset({"checked-in"}), "fulfilled"),
    "no-show": (frozenset({"booked"}), "noshow"),
    "cancel": (frozenset({"pending", "booked", "arrived"}), "cancelled"),
}
"""For each step of a visit's life: from which statuses, to which."""


class Warn(NamedTuple):
    """A soft conflict that was shown and recorded."""

    rule: str
    message: str


class Patient(NamedTuple):
    """A person; `requirements` maps a requirement id to the ISO date it was fulfilled."""

    id: str
    mrn: str
    name: str
    birth_date: str = ""
    phone: str = ""
    email: str = ""
    status: str = "active"
    """`active`, `on-hold`, `inactive` or `entered-in-error`."""
    requirements: tuple[tuple[str, str], ...] = ()


class Appointment(NamedTuple):
    """One visit. `end` includes turnover, `leave` is when the patient may go."""

    id: str
    patient: str
    protocol: str
    series: str | None
    session: int | None
    start: int
    end: int
    leave: int
    chair: str
    status: str
    phases: tuple[Phase, ...]
    """Copied from the protocol, so that a later change of it does not move history."""
    wall: str
    """What the patient was told: local `YYYY-MM-DDTHH:MM`."""
    zone: str
    uid: str
    """Opaque and stable: the calendar UID."""
    sequence: int = 0
    stamp: int = 0
    """The instant of the last revision: the calendar DTSTAMP."""
    key: str | None = None
    hold_until: int | None = None
    confirmed_at: int | None = None
    arrived_at: int | None = None
    started_at: int | None = None
    left_at: int | None = None
    overrides: tuple[str, ...] = ()
    """Rules that were overridden with a reason; with `staff-short` the visit claims no staff."""
    reason: str = ""
    cancelled_by: str = ""
    late: bool = False
    """A late cancellation."""
    ride: str = ""
    warnings: tuple[Warn, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether the visit occupies its chair and counts for the rules."""
        return self.status in LIVE

    @property
    def claims_staff(self) -> bool:
        """An overridden visit claims no staff and is listed by `db check` instead."""
        return "staff-short" not in self.overrides


class Series(NamedTuple):
    """A course of a patient; `course` is copied from the protocol, `ordered` counts its sessions."""

    id: str
    patient: str
    protocol: str
    status: str
    """`active`, `on-hold`, `completed`, `revoked` or `entered-in-error`."""
    ordered: int
    course: tuple[Step, ...]
    authorised_visits: int | None = None
    authorised_until: str | None = None
    """The last authorised local date, ISO."""


class Block(NamedTuple):
    """A stretch of time that changes the supply.

    `kind` `chair` or `staff` takes `subject` away, `clinic` closes the whole clinic, `open` adds
    opening hours with `staff` on duty (everybody when empty).
    """

    id: str
    kind: str
    subject: str
    start: int
    end: int
    reason: str
    status: str = "active"
    """`active`, `removed` or `entered-in-error`."""
    staff: tuple[str, ...] = ()
    origin: str = ""
    """The entry of another calendar that it stands for, e.g. `dr-lee.ics/5f0c…`; empty when made at the desk."""


Record = Patient | Appointment | Series | Block


def person_of(record: object) -> str:
    """The id of the patient whose data a record is; empty when it is nobody's."""
    if isinstance(record, Appointment | Series):
        return record.patient
    return record.id if isinstance(record, Patient) else ""


class Book:
    """The loaded part of the book: a working copy that later decisions of one command build on.

    It is complete for every visit that touches [lo, hi) and for every visit, series and
    requirement of the patients in it; holds that ran out before `now` are already gone.
    """

    def __init__(self, clinic: Clinic, now: int, lo: int, hi: int) -> None:
        self.clinic = clinic
        self.now = now
        self.lo = lo
        self.hi = hi
        self.patients: dict[str, Patient] = {}
        self.appointments: dict[str, Appointment] = {}
        self.series: dict[str, Series] = {}
        self.blocks: dict[str, Block] = {}
        self._of_patient: dict[str, dict[str, Appointment]] = {}
        self._of_hour: dict[int, dict[str, Appointment]] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Put records in, replacing older states of the same id."""
        for record in records:
            self.put(record)

    def put(self, record: Record) -> None:
        """Put one record in, replacing an older state of it."""
        if isinstance(record, Appointment):
            self._put_appointment(record)
        elif isinstance(record, Patient):
            self.patients[record.id] = record
        elif isinstance(record, Series):
            self.series[record.id] = record
        else:
            self.blocks[record.id] = record

    def _put_appointment(self, visit: Appointment) -> None:
        old = self.appointments.get(visit.id)
        if old is not None:
            for hour in _hours(old):
                self._of_hour.get(hour, {}).pop(old.id, None)
        self.appointments[visit.id] = visit
        self._of_patient.setdefault(visit.patient, {})[visit.id] = visit
        if visit.is_live:
            for hour in _hours(visit):
                self._of_hour.setdefault(hour, {})[visit.id] = visit

    def live_between(self, lo: int, hi: int) -> list[Appointment]:
        """Live visits that touch [lo, hi), in order of start."""
        found: dict[str, Appointment] = {}
        for hour in range(lo // 3600, -(-hi // 3600)):
            found.update(self._of_hour.get(hour, {}))
        return sorted((v for v in found.values() if v.start < hi and v.end > lo), key=_by_start)

    def of_patient(self, patient: str) -> list[Appointment]:
        """Every visit of the patient, in order of start."""
        return sorted(self._of_patient.get(patient, {}).values(), key=_by_start)

    def of_series(self, series: Series) -> list[Appointment]:
        """Every visit of the series, live or not, in order of start."""
        return [v for v in self.of_patient(series.patient) if v.series == series.id]

    def active_blocks(self) -> list[Block]:
        """Blocks and openings in force, in order of start."""
        return sorted((b for b in self.blocks.values() if b.status == "active"), key=lambda b: (b.start, b.id))


def _hours(visit: Appointment) -> range:
    return range(visit.start // 3600, -(-visit.end // 3600))


def _by_start(visit: Appointment) -> tuple[int, str]:
    return visit.start, visit.id
