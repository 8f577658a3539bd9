"""Undo: the inverse of an operation as a new operation, through the same guards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta

from infusion_cli.domain import clinic_tree, ids, rules
from infusion_cli.domain.book import Appointment, Book, Patient, Record, Series
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.forgetting import COMMAND as FORGET
from infusion_cli.domain.forgetting import is_forgotten
from infusion_cli.domain.plan import Change, ClinicText, Conflict, inverse, is_same
from infusion_cli.domain.supply import supply_of
from infusion_cli.errors import ConflictError, NotFoundError
from infusion_cli.services.clinic import refuse_if_orphaned, visits_ahead
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out
from infusion_cli.services.lookup import not_an_id
from infusion_cli.services.ports import Operation, Reader, Writer

NOT_ASKED = ("in-the-past", "off-grid", "requirement-missing", "series-complete", "series-active", "patient-on-hold")
"""Rules about making a new booking: a visit that is only put back was asked them then."""

SILENT_COMMANDS = frozenset({"release-holds", "init"})
"""What the program does by itself, and the founding of the book."""


def undo(desk: Desk, operation_id: str = "", *, agreed: str = "") -> Outcome:
    """Take an operation back; without an id the newest that somebody asked for and that stands.

    `agreed` is the operation that somebody was shown and said yes to: then it is this one or none.
    Raises `ConflictError` when a record has changed since, or when what was freed is taken.
    """

    def decide(writer: Writer) -> Decision:
        done = to_undo(writer, operation_id or agreed)
        changes = inverse_changes(writer, done)
        _refuse_if_needed(writer, changes)
        _refuse_if_taken(writer, changes)
        return Decision(changes, summary={"undoes": done.id, "command": done.command}, undoes=done.id)

    return carry_out(desk, "undo", {"operation": ids.normalise(operation_id) or operation_id}, decide)


def to_undo(reader: Reader, operation_id: str) -> Operation:
    """The operation that `undo` would take back; raises when there is none or it is undone already."""
    if not operation_id:
        for limit in (20, 500, None):  # a long journal is read in full only when all of its end is undone
            for found in reader.operations(limit=limit):
                if found.undoes is None and found.undone_by is None and found.command not in SILENT_COMMANDS:
                    _refuse_forgetting(found)
                    return found
        raise NotFoundError("There is nothing to undo.", "infusion history lists operations")
    canonical = ids.normalise(operation_id)
    if canonical is None:
        raise not_an_id(operation_id)
    done = reader.operation(canonical)
    if done is None:
        raise NotFoundError(f"There is no operation {canonical}.", "infusion history lists operations")
    if done.undone_by is not None:
        raise ConflictError(f"{done.id} was undone already, by {done.undone_by}.", hint="infusion history")
    _refuse_forgetting(done)
    if done.undoes is not None or done.command in SILENT_COMMANDS:
        message = f"{done.id} ({done.command}) cannot be undone; do the work again instead."
        raise ConflictError(message, hint="infusion history")
    return done


def _refuse_forgetting(done: Operation) -> None:
    if done.command == FORGET:
        message = f"{done.id} has forgotten somebody, and nothing brings that back."
        raise ConflictError(message, hint="infusion undo OPERATION takes back an older one: infusion history")


def inverse_changes(reader: Reader, done: Operation) -> list[Change]:
    """The changes that take an operation back; raises `ConflictError` when a record moved on since."""
    current = _current(reader, done.changes)
    gone = {record.id for record in current.values() if isinstance(record, Patient) and is_forgotten(record)}
    if gone:
        message = f"{done.id} was about {min(gone)}, who has been forgotten: it cannot be undone any more."
        raise ConflictError(message, hint="infusion history")
    later = [c for c in done.changes if not is_same(current[c.id], c.after) and not _only_ran_out(reader, c)]
    if later:
        newest = reader.operations(later[0].id, limit=1)
        since = f" in operation {newest[0].id}" if newest and newest[0].id != done.id else ""
        is_asked_for = since and newest[0].command not in SILENT_COMMANDS
        raise ConflictError(
            f"{later[0].id} has changed since{since}.",
            hint=f"infusion undo {newest[0].id}" if is_asked_for else f"infusion history {later[0].id}",
        )
    return [inverse(c, now) for c in reversed(done.changes) if (now := current[c.id]) is not None]


def _only_ran_out(reader: Reader, made: Change) -> bool:
    """A hold that was made and then ran out is still there to be taken back: nobody else has touched it."""
    if made.before is not None or not isinstance(made.after, Appointment):
        return False
    newest = reader.operations(made.id, limit=1)[0]
    return newest.command == "release-holds" and any(is_same(c.before, made.after) for c in newest.changes)


def _current(reader: Reader, changes: Sequence[Change]) -> dict[str, Record | ClinicText | None]:
    """The records as they stand now, read with few queries."""
    book = load_for_changes(reader, changes)
    found: dict[str, Record | ClinicText | None] = {**book.patients, **book.appointments, **book.series}
    for c in changes:
        if c.entity == "clinic":
            found[c.id] = reader.clinic_text
        elif c.id not in found:
            found[c.id] = reader.record(c.id)
    return found


def load_for_changes(reader: Reader, changes: Sequence[Change]) -> Book:
    """The book of every patient and every day that the changes touch."""
    tz = zone(reader.clinic.timezone)
    states = [s for c in changes for s in (c.before, c.after)]
    patients = {s.patient for s in states if isinstance(s, Appointment | Series)}
    patients |= {s.id for s in states if isinstance(s, Patient)}
    starts = [s.start for s in states if isinstance(s, Appointment)] or [reader.now]
    lo = midnight(local_date(min(starts), tz), tz)
    hi = midnight(local_date(max(starts), tz) + timedelta(days=2), tz)
    return reader.load(lo, hi, sorted(patients))


def _refuse_if_needed(reader: Reader, changes: Sequence[Change]) -> None:
    """Raise `ConflictError` when something else rests on what would go: a person, a course, the clinic's file."""
    book = load_for_changes(reader, changes)
    for c in changes:
        if isinstance(c.after, ClinicText):
            refuse_if_orphaned(reader.clinic, clinic_tree.build(json.loads(c.after.data)), visits_ahead(reader))
        else:
            book.put(c.after)
    gone = {c.id for c in changes if isinstance(c.after, Patient | Series) and c.after.status == "entered-in-error"}
    courses = [(s.id, s.patient) for s in book.series.values() if s.status in {"active", "on-hold"}]
    visits = [(v.id, part) for v in book.appointments.values() if v.is_live for part in (v.patient, v.series)]
    for record_id, part in (*visits, *courses):
        if part in gone:
            raise ConflictError(f"Not undone: {record_id} needs {part}.", hint=f"infusion history {record_id}")
    _refuse_mrn_in_use(reader, changes)


def _refuse_mrn_in_use(reader: Reader, changes: Sequence[Change]) -> None:
    """Nobody gets a number back that somebody else has by now: it would stand for both."""
    wanted = {
        c.after.mrn: c.id for c in changes if isinstance(c.after, Patient) and c.after.status != "entered-in-error"
    }
    for mrn, other in reader.patients_by_mrn(list(wanted)).items():
        if other.id != wanted[mrn]:
            message = f"Not undone: {other.id} has the MRN by now that {wanted[mrn]} had before."
            raise ConflictError(message, hint=f"infusion patients edit {other.id} --mrn MRN")


def _refuse_if_taken(reader: Reader, changes: Sequence[Change]) -> None:
    found = conflicts_of(reader, changes)
    if found:
        taken = ", ".join(dict.fromkeys(c.rule for c in found))
        raise ConflictError(f"Not undone: {taken}.", found, hint="infusion slots why shows who is there now")


def conflicts_of(reader: Reader, changes: Sequence[Change], without: Iterable[str] = NOT_ASKED) -> list[Conflict]:
    """Hard conflicts of the visits that the changes would make live, in a new place or again."""
    book = load_for_changes(reader, changes)
    for c in changes:
        if not isinstance(c.after, ClinicText):
            book.put(c.after)
    supply = supply_of(book)
    return [
        found
        for c in changes
        if isinstance(c.after, Appointment) and c.after.is_live and not _occupies_same(c)
        for found in rules.hard(Case(book, c.after, supply=supply), without=without)
    ]


def _occupies_same(planned: Change) -> bool:
    """A visit that is and stays live in its place takes nothing new."""
    before, after = planned.before, planned.after
    if not isinstance(before, Appointment) or not isinstance(after, Appointment) or not before.is_live:
        return False
    return (before.start, before.end, before.chair) == (after.start, after.end, after.chair)
