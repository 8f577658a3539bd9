"""Calendars of chairs, staff and the clinic: when and where it is busy, and nothing of who comes or what for.

The visit's id is not in them, because patients are told it; and an event's UID is not the one in the
patient's file: only the book's own key leads from that to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import DAY
from infusion_cli.domain.plan import CALENDAR_STATUS, stands
from infusion_cli.domain.wording import words_of
from infusion_cli.formats import ical_lines as lines
from infusion_cli.formats.ical_times import Clock, clock, empty_part, times
from infusion_cli.formats.telling import chair_word, file_word, staff_word

REFRESH = "PT1H"
"""How often a subscriber is asked to look again (a duration of RFC 5545)."""


class Calendar(NamedTuple):
    """Whose calendar it is: `kind` is `chair`, `staff` or `clinic`; only a feed has a `uid`."""

    kind: str
    subject: str = ""
    uid: str = ""


def busy(clinic: Clinic, of: Calendar, visits: Iterable[Appointment], lo: int, hi: int, key: str) -> Iterator[bytes]:
    """One VCALENDAR of the visits that stand, all between the instants `lo` and `hi`, in pieces as it is made.

    An event lasts as long as the chair is taken, turnover included; `key` is what `uid_of` needs.
    Nothing is kept of what was written. Raises a KeyError for a zone that is unknown.
    """
    told = clock(clinic.timezone, lo, hi)
    standing = (v for v in visits if stands(v))
    first = next(standing, None)
    yield _head(clinic, of) + (told.part or (empty_part() if first is None else b""))
    if first is not None:
        titles = {c.id: summary(clinic, c.id) for c in clinic.chairs}
        for visit in chain([first], standing):
            if visit.chair not in titles:
                titles[visit.chair] = summary(clinic, visit.chair)
            yield event(visit, uid_of(visit, key), titles[visit.chair], told)
    yield b"END:VCALENDAR\r\n"


def name_of(clinic: Clinic, of: Calendar) -> str:
    """What a calendar program calls it, after the clinic; empty for the clinic's own."""
    words = {"chair": chair_word, "staff": staff_word}
    return words[of.kind](clinic, of.subject) if of.kind in words else ""


def file_name(clinic: Clinic, of: Calendar) -> str:
    """The neutral name of an exported file."""
    return "busy.ics" if of.kind == "clinic" else f"busy-{file_word(clinic, of.subject)}.ics"


def uid_of(visit: Appointment, key: str) -> str:
    """The visit's UID in these calendars, as stable as its own; `key` (at most 64 octets) leads from that to it."""
    digest = hashlib.blake2b(visit.uid.encode(), digest_size=16, key=key.encode())
    return f"{digest.hexdigest()}@calendar.invalid"


def title(clinic: Clinic, chair: str) -> str:
    """What is said of a visit in that chair."""
    return f"{words_of(clinic).busy} – {chair_word(clinic, chair)}"


def summary(clinic: Clinic, chair: str) -> bytes:
    """The same as a SUMMARY."""
    return lines.text_line("SUMMARY", title(clinic, chair))


def event(visit: Appointment, uid: str, said: bytes, told: Clock) -> bytes:
    """The visit's VEVENT; `said` is its `summary`.

    DTSTAMP and LAST-MODIFIED are the day of the revision (SEQUENCE tells them apart), because its
    second stands in the patient's file too, and would tell which patient sits in which chair.
    """
    day = lines.utc(visit.stamp - visit.stamp % DAY)
    return b"".join(
        (
            f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:{day}\r\nLAST-MODIFIED:{day}\r\n"
            f"SEQUENCE:{visit.sequence}\r\n{times(visit.start, visit.end, told.tz)}".encode(),
            said,
            f"CLASS:CONFIDENTIAL\r\nSTATUS:{CALENDAR_STATUS[visit.status]}\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\n".encode(),
        )
    )


def _head(clinic: Clinic, of: Calendar) -> bytes:
    name = ", ".join(filter(None, (clinic.public_name, name_of(clinic, of))))
    parts = [lines.head(clinic)]
    if of.uid:
        parts.append(lines.text_line("UID", of.uid))
    parts += [lines.text_line("NAME", name), lines.text_line("X-WR-CALNAME", name)]
    if of.uid:
        parts.append(f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}\r\nX-PUBLISHED-TTL:{REFRESH}\r\n".encode())
    return b"".join(parts)
