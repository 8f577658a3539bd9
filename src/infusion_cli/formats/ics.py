"""Calendar files for patients: a snapshot of the visits that stand, silent about what they are for.

There is no METHOD, no attendee and no organizer in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain import clinic_time, ids, wording
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import CALENDAR_STATUS, stands
from infusion_cli.formats import ical_lines as lines
from infusion_cli.formats.vtimezone import vtimezone


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
        if stands(visit):
            yield _event(visit, wording)
    yield b"END:VCALENDAR\r\n"


def file_name(record_id: str) -> str:
    """The neutral name of the file of a visit or of a series, by its id."""
    noun = "appointments" if ids.kind_of(record_id) == "series" else "appointment"
    return f"{noun}-{record_id}.ics"


def _zone_part(visits: Iterable[Appointment], tz: ZoneInfo) -> bytes:
    """The VTIMEZONE that the file needs, empty when its times are in UTC."""
    periods = ((v.start, v.leave) for v in visits if stands(v))
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
    parts = [lines.head(clinic)]
    if uid:
        parts.append(lines.text_line("UID", uid))
    if name:
        parts += [lines.text_line("NAME", name), lines.text_line("X-WR-CALNAME", name)]
    return b"".join(parts)


def _wording(clinic: Clinic, tz: ZoneInfo | None) -> _Wording:
    return _Wording(
        titles={p.id: lines.said(clinic, "SUMMARY", p.public_title) for p in clinic.protocols if p.public_title},
        title=lines.said(clinic, "SUMMARY", wording.words_of(clinic).title),
        place=lines.place(clinic),
        tz=tz,
    )


def _event(visit: Appointment, wording: _Wording) -> bytes:
    return b"".join(
        (
            b"BEGIN:VEVENT\r\n",
            lines.revision(visit),
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
    return lines.utc_times(visit)


def _is_clear(at: datetime) -> bool:
    """Whether the clock shows this time once only."""
    return at.replace(fold=0).utcoffset() == at.replace(fold=1).utcoffset()
