"""A clinic as the tree of plain values that the book keeps, and back.

The tree has the shape of the clinic's file: dates are ISO text, times of day `08:00` to `24:00`,
lengths `24h`, weekdays the two letters of RFC 5545. It is read by every command, so nothing is
checked here: only what `formats.clinic_toml` accepted is ever kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from infusion_cli.domain.clinic import Chair, Clinic, Closure, Hours, Practitioner, Shift, Words
from infusion_cli.domain.codec import decode_span, decode_step, encode_step
from infusion_cli.domain.protocol import Phase, Protocol

SCHEMA = 1
"""The version of the clinic's file that this program reads and writes."""

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""Weekdays as RFC 5545 writes them, Monday = 0."""

_DAY_NUMBER = {name: number for number, name in enumerate(WEEKDAYS)}
_OPTIONAL = ("phone", "email", "address", "language")


def build(tree: dict[str, Any]) -> Clinic:
    """The clinic of a tree that `tree` wrote; a damaged tree raises KeyError, TypeError or ValueError."""
    head = tree["clinic"]
    return Clinic(
        name=head["name"],
        public_name=head["public_name"],
        timezone=head["timezone"],
        grid=head["grid"],
        cancel_notice=decode_span(head["cancel_notice"]),
        hours=tuple(Hours(_days(h["days"]), _minute(h["open"]), _minute(h["close"])) for h in tree["hours"]),
        chairs=tuple(Chair(c["id"], c["name"], tuple(c["protocols"])) for c in tree["chairs"]),
        staff=tuple(Practitioner(s["id"], s["role"], _shifts(s["shifts"])) for s in tree["staff"]),
        protocols=tuple(_protocol(p) for p in tree["protocols"]),
        closures=tuple(Closure(date.fromisoformat(c["date"]), c["reason"]) for c in tree["closures"]),
        phone=head.get("phone", ""),
        email=head.get("email", ""),
        address=head.get("address", ""),
        language=head.get("language", ""),
        words=Words(**tree.get("words", {})),
    )


def tree(clinic: Clinic) -> dict[str, Any]:
    """The clinic as a JSON-able tree, the same for equal clinics; `build(tree(c)) == c`."""
    head: dict[str, Any] = {
        "name": clinic.name,
        "public_name": clinic.public_name,
        "timezone": clinic.timezone,
        "grid": clinic.grid,
        "cancel_notice": str(clinic.cancel_notice),
    }
    head |= {name: text for name in _OPTIONAL if (text := getattr(clinic, name))}
    words = {name: text for name, text in clinic.words._asdict().items() if text}
    return {
        "schema": SCHEMA,
        "clinic": head,
        **({"words": words} if words else {}),
        "hours": [{"days": _day_names(h.days), "open": clock(h.open), "close": clock(h.close)} for h in clinic.hours],
        "closures": [{"date": c.date.isoformat(), "reason": c.reason} for c in clinic.closures],
        "chairs": [{"id": c.id, "name": c.name, "protocols": list(c.protocols)} for c in clinic.chairs],
        "staff": [_staff_tree(s) for s in clinic.staff],
        "protocols": [_protocol_tree(p) for p in clinic.protocols],
    }


def clock(minute: int) -> str:
    """Minutes since local midnight (0..1440) as `HH:MM`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _days(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(_DAY_NUMBER[name] for name in names)


def _day_names(days: Sequence[int]) -> list[str]:
    return [WEEKDAYS[day] for day in days]


def _shifts(shifts: list[dict[str, Any]]) -> tuple[Shift, ...]:
    return tuple(Shift(_days(s["days"]), _minute(s["from"]), _minute(s["to"])) for s in shifts)


def _staff_tree(person: Practitioner) -> dict[str, Any]:
    shifts = [{"days": _day_names(s.days), "from": clock(s.start), "to": clock(s.end)} for s in person.shifts]
    return {"id": person.id, "role": person.role, "shifts": shifts}


def _protocol(fields: dict[str, Any]) -> Protocol:
    return Protocol(
        id=fields["id"],
        title=fields["title"],
        phases=tuple(Phase(**p) for p in fields["phases"]),
        course=tuple(decode_step(s) for s in fields["course"]),
        provider=fields["provider"],
        requires=tuple(fields["requires"]),
        observation_minimum=fields.get("observation_minimum"),
        per_protocol_week=fields.get("per_protocol_week"),
        public_title=fields.get("public_title", ""),
    )


def _protocol_tree(protocol: Protocol) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": protocol.id,
        "title": protocol.title,
        "provider": protocol.provider,
        "requires": list(protocol.requires),
        "phases": [_phase_tree(p) for p in protocol.phases],
        "course": [encode_step(s) for s in protocol.course],
    }
    if protocol.public_title:
        fields["public_title"] = protocol.public_title
    for name in ("observation_minimum", "per_protocol_week"):
        if (value := getattr(protocol, name)) is not None:
            fields[name] = value
    return fields


def _phase_tree(phase: Phase) -> dict[str, Any]:
    return {name: value for name, value in phase._asdict().items() if value or name in {"name", "minutes"}}
