"""Records as programs see them: the fields that are promised, times in the clinic's zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from infusion_cli.domain import codec
from infusion_cli.domain.book import Appointment, Block, Book, Patient, Series
from infusion_cli.domain.clinic_time import iso
from infusion_cli.domain.slots import Slot
from infusion_cli.services.ports import Operation
from infusion_cli.services.series import next_due

_INSIDE = ("phases", "uid", "stamp", "wall", "zone")
"""Fields of a visit that are kept and journalled, but are nobody else's business."""


def appointment(visit: Appointment, tz: ZoneInfo) -> dict[str, Any]:
    """A visit."""
    fields = codec.encode(visit, tz)
    for name in _INSIDE:
        del fields[name]
    return fields


def patient(person: Patient, tz: ZoneInfo) -> dict[str, Any]:
    """A person."""
    return codec.encode(person, tz)


def block(blocked: Block, tz: ZoneInfo) -> dict[str, Any]:
    """A block or an extra opening."""
    return codec.encode(blocked, tz)


def series(course: Series, book: Book, tz: ZoneInfo) -> dict[str, Any]:
    """A series; its sessions are full appointments, the newest state of each session number first."""
    sessions = [v for v in book.of_series(course) if v.status != "entered-in-error"]
    due = next_due(book, course)
    warnings = [{"rule": w.rule, "message": w.message} for v in sessions for w in v.warnings]
    return {
        **{k: v for k, v in codec.encode(course, tz).items() if not k.startswith("authorised")},
        "sessions": [appointment(v, tz) for v in sessions],
        "next_due": due.isoformat() if due else None,
        "authorised_visits": course.authorised_visits,
        "authorised_until": course.authorised_until,
        "warnings": warnings,
    }


def slot(found: Slot, tz: ZoneInfo) -> dict[str, Any]:
    """A slot."""
    return {
        "start": iso(found.start, tz),
        "end": iso(found.end, tz),
        "chair": found.chair,
        "chairs": list(found.chairs),
        "protocol": found.protocol or None,
        "status": found.status,
        "subject": found.subject or None,
        "warnings": [w._asdict() for w in found.warnings],
    }


def operation(done: Operation, tz: ZoneInfo) -> dict[str, Any]:
    """An operation with its changes, records before and after."""
    return {
        "id": done.id,
        "at": iso(done.at, tz),
        "actor": done.actor,
        "command": done.command,
        "undoes": done.undoes,
        "undone_by": done.undone_by,
        "reason": done.reason,
        "changes": [codec.encode_change(c, tz) for c in done.changes],
    }
