"""Calendar files for patients: correct in every octet, and silent about what the visit is for.

What is written comes from a short list of neutral things: the public name, the address, the phone
and the public title. There is no METHOD, no attendee and no organizer: a file is a snapshot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain import clinic_time, ids, names
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import CALENDAR_STATUS
from infusion_cli.formats.vtimezone import vtimezone

NEUTRAL_TITLE = "Appointment"
"""The summary of a visit whose protocol has no public title."""

_LINE = 75
"""Octets of a line without its CRLF (RFC 5545, 3.1)."""
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,"})


class _Wording(NamedTuple):
    """What all events of a file share, as finished lines; `tz` is None when all times are in UTC."""

    titles: dict[str, bytes]
    title: bytes
    place: bytes
    tz: ZoneInfo | None


def export(
    clinic: Clinic, visits: Iterable[Appointment], *, calendar_name: str = "", calendar_uid: str = ""
) -> Iterator[bytes]:
    """One VCALENDAR of the visits that still hold, in the order given, in pieces as it is made.

    A single visit is in UTC; several are on the clinic's clock with its VTIMEZONE, except where
    that clock shows a time twice or the zone follows no yearly rule. Cancelled and missed visits
    and records entered in error are left out. Raises a KeyError for a zone that is unknown.
    """
    kept = visits if isinstance(visits, Collection) else list(visits)
    tz = clinic_time.zone(clinic.timezone)
    zone_part = _zone_part(kept, tz)
    yield _head(clinic, calendar_name, calendar_uid) + zone_part
    wording = _wording(clinic, tz if zone_part else None)
    for visit in kept:
        if _holds(visit):
            yield _event(visit, wording)
    yield b"END:VCALENDAR\r\n"


def file_name(record_id: str) -> str:
    """The neutral name of the file of a visit or of a series, by its id."""
    noun = "appointments" if ids.kind_of(record_id) == "series" else "appointment"
    return f"{noun}-{record_id}.ics"


def _holds(visit: Appointment) -> bool:
    """Whether the visit belongs into a file; readers of a snapshot drop what it does not name."""
    return CALENDAR_STATUS.get(visit.status, "CANCELLED") != "CANCELLED"


def _zone_part(visits: Iterable[Appointment], tz: ZoneInfo) -> bytes:
    """The VTIMEZONE that the file needs, empty when its times are in UTC."""
    periods = ((v.start, v.leave) for v in visits if _holds(v))
    count, lo, hi = 0, 0, 0
    for start, leave in periods:
        lo, hi = (min(lo, start), max(hi, leave)) if count else (start, leave)
        count += 1
    if count == 1:
        return b""
    if not count:
        # RFC 5545, 3.6: a calendar without any component is not valid.
        tz = clinic_time.zone("UTC")
    return (vtimezone(tz, lo, hi) or "").encode()


def _head(clinic: Clinic, name: str, uid: str) -> bytes:
    lines = [
        b"BEGIN:VCALENDAR\r\n",
        b"VERSION:2.0\r\n",
        _line("PRODID", f"-//{clinic.public_name}//EN"),
        b"CALSCALE:GREGORIAN\r\n",
    ]
    if uid:
        lines.append(_line("UID", uid))
    if name:
        lines += [_line("NAME", name), _line("X-WR-CALNAME", name)]
    return b"".join(lines)


def _wording(clinic: Clinic, tz: ZoneInfo | None) -> _Wording:
    place = _line("LOCATION", ", ".join(filter(None, (clinic.public_name, clinic.address))))
    phone = _line("DESCRIPTION", f"Questions: {clinic.phone}") if clinic.phone else b""
    return _Wording(
        titles={p.id: _line("SUMMARY", p.public_title) for p in clinic.protocols if p.public_title},
        title=_line("SUMMARY", NEUTRAL_TITLE),
        place=place + phone + b"CLASS:PRIVATE\r\n",
        tz=tz,
    )


def _event(visit: Appointment, wording: _Wording) -> bytes:
    stamp = _utc(visit.stamp)
    revision = f"DTSTAMP:{stamp}\r\nLAST-MODIFIED:{stamp}\r\nSEQUENCE:{visit.sequence}\r\n"
    return b"".join(
        (
            b"BEGIN:VEVENT\r\n",
            _line("UID", visit.uid),
            revision.encode(),
            _times(visit, wording.tz).encode(),
            wording.titles.get(visit.protocol, wording.title),
            wording.place,
            f"STATUS:{CALENDAR_STATUS[visit.status]}\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\n".encode(),
        )
    )


def _times(visit: Appointment, tz: ZoneInfo | None) -> str:
    if tz is not None:
        start, leave = (datetime.fromtimestamp(instant, tz) for instant in (visit.start, visit.leave))
        if _is_clear(start) and _is_clear(leave):
            return f"DTSTART;TZID={tz.key}:{start:%Y%m%dT%H%M%S}\r\nDTEND;TZID={tz.key}:{leave:%Y%m%dT%H%M%S}\r\n"
    return f"DTSTART:{_utc(visit.start)}\r\nDTEND:{_utc(visit.leave)}\r\n"


def _is_clear(at: datetime) -> bool:
    """Whether the clock shows this time once only."""
    return at.replace(fold=0).utcoffset() == at.replace(fold=1).utcoffset()


def _utc(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y%m%dT%H%M%SZ}"


def _line(name: str, text: str) -> bytes:
    """One property of type TEXT, folded."""
    raw = f"{name}:{names.clean(text).translate(_ESCAPES)}".encode()
    parts = []
    room = _LINE
    while len(raw) > room:
        cut = _cut(raw, room)
        parts.append(raw[:cut])
        raw = raw[cut:]
        room = _LINE - 1
    parts.append(raw)
    return b"\r\n ".join(parts) + b"\r\n"


def _cut(raw: bytes, room: int) -> int:
    """Where to fold: at most `room` octets, neither within a character nor within an escape."""
    cut = room
    while raw[cut] & 0b1100_0000 == 0b1000_0000:
        cut -= 1
    backslashes = cut - len(raw[:cut].rstrip(b"\\"))
    return cut - backslashes % 2
