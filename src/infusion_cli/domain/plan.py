"""Every change of the book is a plan: records before and after, conflicts and warnings as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from infusion_cli.domain.book import Appointment, Record


class Conflict(NamedTuple):
    """What a rule has to say: hard conflicts forbid, soft ones warn."""

    rule: str
    severity: str
    overridable: bool
    message: str
    subject: str = ""
    """The id of what stands in the way."""
    start: int | None = None
    end: int | None = None

    @property
    def is_hard(self) -> bool:
        """Whether it forbids the change."""
        return self.severity == "hard"


class ClinicText(NamedTuple):
    """The clinic's file as a record: `text` as it was written, `data` its checked content as JSON."""

    id: str
    text: str
    data: str


class Change(NamedTuple):
    """One record before and after; `before` is None for a new one. Nothing is ever deleted."""

    entity: str
    """`patient`, `appointment`, `series`, `block` or `clinic`."""
    id: str
    before: Record | ClinicText | None
    after: Record | ClinicText

    @property
    def op(self) -> str:
        """`create` or `update`."""
        return "create" if self.before is None else "update"


class Plan(NamedTuple):
    """A set of changes that stand or fall together."""

    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...] = ()
    summary: dict[str, Any] = {}  # noqa: RUF012  a NamedTuple default that nobody mutates
    id: str = ""
    created: int = 0
    revision: int = 0
    """The journal's number when the plan was made."""

    @property
    def hard(self) -> tuple[Conflict, ...]:
        """The conflicts that forbid the plan."""
        return tuple(c for c in self.conflicts if c.is_hard)


ENTITIES = {
    "Patient": "patient",
    "Appointment": "appointment",
    "Series": "series",
    "Block": "block",
    "ClinicText": "clinic",
}


def change(before: Record | ClinicText | None, after: Record | ClinicText) -> Change:
    """The change from one state of a record to the next."""
    return Change(ENTITIES[type(after).__name__], after.id, before, after)


def merge(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Fold several changes of one record into one, keeping the order of first appearance."""
    first: dict[tuple[str, str], Change] = {}
    for c in changes:
        key = (c.entity, c.id)
        first[key] = c if key not in first else Change(c.entity, c.id, first[key].before, c.after)
    return tuple(c for c in first.values() if c.before != c.after)


CALENDAR_STATUS = {
    "proposed": "TENTATIVE",
    "pending": "TENTATIVE",
    "booked": "CONFIRMED",
    "arrived": "CONFIRMED",
    "checked-in": "CONFIRMED",
    "fulfilled": "CONFIRMED",
    "cancelled": "CANCELLED",
    "noshow": "CANCELLED",
    "entered-in-error": "CANCELLED",
}
"""A visit's status in the words of RFC 5545."""


def stands(visit: Appointment) -> bool:
    """Whether the visit is to be in a calendar; cancelled and missed ones and those entered in error are not."""
    return CALENDAR_STATUS.get(visit.status, "CANCELLED") != "CANCELLED"


def revise(planned: Change, now: int) -> Change:
    """The change with the calendar's revision marks set.

    A new visit starts at SEQUENCE 0; a change of time, place or calendar status raises it and sets
    the stamp (RFC 5546, 2.1.4); both only ever rise.
    """
    before, after = planned.before, planned.after
    if not isinstance(after, Appointment):
        return planned
    if not isinstance(before, Appointment):
        return planned._replace(after=after._replace(sequence=0, stamp=now))
    if _told(before) == _told(after):
        return planned._replace(after=after._replace(sequence=before.sequence, stamp=before.stamp))
    return planned._replace(after=after._replace(sequence=before.sequence + 1, stamp=max(now, before.stamp)))


def renew(planned: Change, now: int) -> Change:
    """The change with the marks raised once, whatever it changes: the calendar is to say it anew.

    For a visit whose place, organizer or attendee has changed with the clinic or the patient.
    """
    before, after = planned.before, planned.after
    if not isinstance(before, Appointment) or not isinstance(after, Appointment):
        return planned
    return planned._replace(after=after._replace(sequence=before.sequence + 1, stamp=max(now, before.stamp)))


def is_same(one: Record | ClinicText | None, other: Record | ClinicText | None) -> bool:
    """Whether two states of a record are equal but for SEQUENCE and stamp, which only rise."""
    if isinstance(one, Appointment) and isinstance(other, Appointment):
        return one._replace(sequence=0, stamp=0) == other._replace(sequence=0, stamp=0)
    return one == other


def inverse(done: Change, current: Record | ClinicText) -> Change:
    """What takes a change back: a new record becomes `entered-in-error`, another its state before."""
    if done.before is not None:
        return Change(done.entity, done.id, current, done.before)
    if isinstance(current, ClinicText):
        raise TypeError("a clinic is never created by an operation that can be undone")
    return Change(done.entity, done.id, current, current._replace(status="entered-in-error"))


def _told(visit: Appointment) -> tuple[object, ...]:
    return visit.start, visit.end, visit.leave, visit.chair, CALENDAR_STATUS[visit.status]
