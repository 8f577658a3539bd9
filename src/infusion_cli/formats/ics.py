"""Calendar files for patients: a snapshot of the visits that stand, silent about what they are for.

There is no METHOD, no attendee and no organizer in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from infusion_cli.domain import ids, wording
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import CALENDAR_STATUS, stands
from infusion_cli.formats import ical_lines as lines
from infusion_cli.formats.ical_times import UTC_THROUGHOUT, Clock, clock, empty_part, times


class _Wording(NamedTuple):
    """What all events of a file share, as finished lines."""

    titles: dict[str, bytes]
    title: bytes
    place: bytes
    clock: Clock


def export(
    clinic: Clinic, visits: Iterable[Appointment], *, calendar_name: str = "", calendar_uid: str = ""
) -> Iterator[bytes]:
    """One VCALENDAR of the visits that still hold, in the order given, in pieces as it is made.

    A single visit is in UTC; several are on the clinic's clock with its VTIMEZONE, except where
    that clock shows a time twice or the zone follows no yearly rule. Cancelled and missed visits
    and records entered in error are left out. Raises a KeyError for a zone that is unknown.
    """
    kept = visits if isinstance(visits, Collection) else list(visits)
    count, told = _clock(clinic, kept)
    part = told.part if count else empty_part()
    yield _head(clinic, calendar_name, calendar_uid) + part
    wording = _wording(clinic, told)
    for visit in kept:
        if stands(visit):
            yield _event(visit, wording)
    yield b"END:VCALENDAR\r\n"


def file_name(record_id: str) -> str:
    """The neutral name of the file of a visit or of a series, with its id, or of a patient, without."""
    names = {"series": f"appointments-{record_id}.ics", "patient": "appointments.ics"}
    return names.get(ids.kind_of(record_id), f"appointment-{record_id}.ics")


def _clock(clinic: Clinic, visits: Iterable[Appointment]) -> tuple[int, Clock]:
    """How many of the visits stand, and how their file tells the time."""
    periods = ((v.start, v.leave) for v in visits if stands(v))
    count, lo, hi = 0, 0, 0
    for start, leave in periods:
        lo, hi = (min(lo, start), max(hi, leave)) if count else (start, leave)
        count += 1
    return count, clock(clinic.timezone, lo, hi) if count > 1 else UTC_THROUGHOUT


def _head(clinic: Clinic, name: str, uid: str) -> bytes:
    parts = [lines.head(clinic)]
    if uid:
        parts.append(lines.text_line("UID", uid))
    if name:
        parts += [lines.text_line("NAME", name), lines.text_line("X-WR-CALNAME", name)]
    return b"".join(parts)


def _wording(clinic: Clinic, told: Clock) -> _Wording:
    return _Wording(
        titles={p.id: lines.said(clinic, "SUMMARY", p.public_title) for p in clinic.protocols if p.public_title},
        title=lines.said(clinic, "SUMMARY", wording.words_of(clinic).title),
        place=lines.place(clinic),
        clock=told,
    )


def _event(visit: Appointment, wording: _Wording) -> bytes:
    return b"".join(
        (
            b"BEGIN:VEVENT\r\n",
            lines.revision(visit),
            times(visit.start, visit.leave, wording.clock.tz).encode(),
            wording.titles.get(visit.protocol, wording.title),
            wording.place,
            f"STATUS:{CALENDAR_STATUS[visit.status]}\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\n".encode(),
        )
    )
