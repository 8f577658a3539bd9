"""Records as JSON objects and back: the one form for output, saved plans and the journal.

Instants are ISO 8601 with offset in the clinic's zone; everything else is plain text, numbers,
lists. `decode(entity, encode(record, tz)) == record` for every record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from infusion_cli.domain.book import Appointment, Block, Patient, Record, Series, Warn
from infusion_cli.domain.clinic_time import from_iso, iso
from infusion_cli.domain.plan import Change, ClinicText, Conflict, Plan
from infusion_cli.domain.protocol import Gap, Phase, Span, Step

_INSTANTS = {
    "appointment": (
        "start",
        "end",
        "leave",
        "stamp",
        "hold_until",
        "confirmed_at",
        "arrived_at",
        "started_at",
        "left_at",
    ),
    "block": ("start", "end"),
}


def encode(record: Record | ClinicText, tz: ZoneInfo) -> dict[str, Any]:
    """The record as a JSON object with every field of it."""
    fields: dict[str, Any] = record._asdict()
    if isinstance(record, Appointment):
        _instants_to_iso(fields, "appointment", tz)
        fields["phases"] = [_sparse(p) for p in record.phases]
        fields["overrides"] = list(record.overrides)
        fields["warnings"] = [w._asdict() for w in record.warnings]
    elif isinstance(record, Series):
        fields["course"] = [encode_step(s) for s in record.course]
    elif isinstance(record, Patient):
        fields["requirements"] = dict(record.requirements)
    elif isinstance(record, Block):
        _instants_to_iso(fields, "block", tz)
        fields["staff"] = list(record.staff)
    return fields


def decode(entity: str, fields: dict[str, Any]) -> Record | ClinicText:
    """The record again; raises KeyError, TypeError or ValueError when a field is missing, strange or wrong."""
    return _DECODERS[entity](dict(fields))


def encode_step(step: Step) -> dict[str, Any]:
    """A step of a course as the clinic's file writes it."""
    gap = step.gap
    low, high = gap.ideal
    spans: dict[str, Any] = {"min": str(gap.min), "ideal": str(low) if low == high else f"{low}-{high}"}
    spans |= {name: str(span) for name, span in (("tight", gap.tight), ("long", gap.long)) if span}
    fields: dict[str, Any] = {
        "name": step.name,
        "sessions": "open" if step.sessions is None else step.sessions,
        "gap": spans,
    }
    if step.window:
        fields["window"] = str(step.window)
    if step.review_after is not None:
        fields["review_after"] = step.review_after
    if step.review_before:
        fields["review_before"] = True
    return fields


def decode_step(fields: dict[str, Any]) -> Step:
    """The step again, from what `encode_step` wrote."""
    gap = fields["gap"]
    low, _, high = str(gap["ideal"]).partition("-")
    return Step(
        name=fields["name"],
        sessions=None if fields["sessions"] == "open" else _whole(fields["sessions"]),
        gap=Gap(
            min=decode_span(gap["min"]),
            tight=decode_span(gap["tight"]) if "tight" in gap else None,
            ideal=(decode_span(low), decode_span(high or low)),
            long=decode_span(gap["long"]) if "long" in gap else None,
        ),
        window=decode_span(fields["window"]) if "window" in fields else None,
        review_after=fields.get("review_after"),
        review_before=fields.get("review_before", False),
    )


def decode_span(text: str) -> Span:
    """`24h` as a Span; raises ValueError for anything but digits and one of m, h, d."""
    amount, unit = text[:-1], text[-1:]
    if unit not in {"m", "h", "d"} or not (amount.isascii() and amount.isdigit()):
        raise ValueError(f"{text!r} is not a length like 30m, 24h or 3d")
    return Span(int(amount), unit)


def encode_conflict(conflict: Conflict, tz: ZoneInfo) -> dict[str, Any]:
    """A conflict as a JSON object."""
    fields: dict[str, Any] = conflict._asdict()
    for name in ("start", "end"):
        fields[name] = None if fields[name] is None else iso(fields[name], tz)
    return fields


def encode_change(change: Change, tz: ZoneInfo) -> dict[str, Any]:
    """A change as a JSON object: op, entity, id, before, after."""
    return {
        "op": change.op,
        "entity": change.entity,
        "id": change.id,
        "before": None if change.before is None else encode(change.before, tz),
        "after": encode(change.after, tz),
    }


def decode_change(fields: dict[str, Any]) -> Change:
    """The change again, from what `encode_change` wrote."""
    entity = fields["entity"]
    before = fields["before"]
    return Change(
        entity, fields["id"], None if before is None else decode(entity, before), decode(entity, fields["after"])
    )


def encode_plan(plan: Plan, tz: ZoneInfo) -> dict[str, Any]:
    """A plan as the JSON object that `-o` writes and `apply` takes."""
    return {
        "id": plan.id,
        "created": iso(plan.created, tz),
        "revision": plan.revision,
        "changes": [encode_change(c, tz) for c in plan.changes],
        "conflicts": [encode_conflict(c, tz) for c in plan.conflicts],
        "summary": plan.summary,
    }


def decode_plan(fields: dict[str, Any]) -> Plan:
    """The plan again; raises KeyError, TypeError or ValueError when the file is not one of ours."""
    return Plan(
        changes=tuple(decode_change(c) for c in fields["changes"]),
        summary=fields["summary"],
        id=fields["id"],
        created=from_iso(fields["created"]),
        revision=_whole(fields["revision"]),
    )


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _instants_to_iso(fields: dict[str, Any], entity: str, tz: ZoneInfo) -> None:
    for name in _INSTANTS[entity]:
        if fields[name] is not None:
            fields[name] = iso(fields[name], tz)


def _instants_from_iso(fields: dict[str, Any], entity: str) -> None:
    for name in _INSTANTS[entity]:
        if fields[name] is not None:
            fields[name] = from_iso(fields[name])


def _sparse(phase: Phase) -> dict[str, Any]:
    return {k: v for k, v in phase._asdict().items() if v or k in {"name", "minutes"}}


def _decode_appointment(fields: dict[str, Any]) -> Appointment:
    _instants_from_iso(fields, "appointment")
    fields["phases"] = tuple(Phase(**p) for p in fields["phases"])
    fields["overrides"] = tuple(fields["overrides"])
    fields["warnings"] = tuple(Warn(**w) for w in fields["warnings"])
    return Appointment(**fields)


def _decode_series(fields: dict[str, Any]) -> Series:
    fields["course"] = tuple(decode_step(s) for s in fields["course"])
    return Series(**fields)


def _decode_patient(fields: dict[str, Any]) -> Patient:
    fields["requirements"] = tuple(sorted(dict(fields["requirements"]).items()))
    return Patient(**fields)


def _decode_block(fields: dict[str, Any]) -> Block:
    _instants_from_iso(fields, "block")
    fields["staff"] = tuple(fields["staff"])
    return Block(**fields)


_DECODERS: dict[str, Callable[[dict[str, Any]], Record | ClinicText]] = {
    "appointment": _decode_appointment,
    "series": _decode_series,
    "patient": _decode_patient,
    "block": _decode_block,
    "clinic": lambda fields: ClinicText(**fields),
}
