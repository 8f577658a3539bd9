"""Visits as the resources of a calendar on a server (CalDAV, RFC 4791): one for each, and read back again.

They say what a feed says and carry no METHOD (RFC 4791, 4.1), and neither ORGANIZER nor ATTENDEE: a server
that does scheduling (RFC 6638) would write to them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from infusion_cli.domain import names
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import local, zone
from infusion_cli.domain.plan import CALENDAR_STATUS
from infusion_cli.domain.shared_calendar import Event, Held
from infusion_cli.formats import busy
from infusion_cli.formats import ical_lines as lines
from infusion_cli.formats.ical_times import Clock, clock
from infusion_cli.formats.ics_scan import scan

_OURS = re.compile(r"([0-9a-f]{32})([0-9a-f]{16})@calendar\.invalid")
_KNOWN = frozenset(
    (
        *("PRODID", "VERSION", "CALSCALE"),
        *("UID", "DTSTART", "DTEND", "DURATION", "SUMMARY", "CLASS", "STATUS", "TRANSP", "SEQUENCE"),
        *("DTSTAMP", "CREATED", "LAST-MODIFIED", "PRIORITY"),
    )
)
"""What is in a resource of ours, and what servers and programs add without being asked, beside X- properties."""
_WORDS = frozenset(("X-ALT-DESC", "X-APPLE-STRUCTURED-LOCATION"))
"""X- properties that hold what somebody wrote."""
_REPEATS = ("RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID")


class Events:
    """The entries of one chair, one member of staff or the clinic, of one book.

    A UID ends in a mark that only this book makes, for this subject: so it is known whose an entry is
    without asking the book, also of a visit that the book no longer has because a backup was put back.
    """

    def __init__(self, clinic: Clinic, kind: str, subject: str, book: str) -> None:
        """`book` is the key of the book, at most 64 octets; the clinic need no longer have the subject."""
        self._clinic = clinic
        name = f"{kind}/{subject}".encode(errors="surrogateescape")
        self._key = hashlib.blake2b(name, digest_size=32, key=book.encode()).hexdigest()

    def uid(self, visit: Appointment) -> str:
        """The visit's UID in this calendar; only the book's key leads from its own to it."""
        opaque = busy.uid_of(visit, self._key).partition("@")[0]
        return f"{opaque}{self._mark(opaque)}@calendar.invalid"

    def event(self, visit: Appointment) -> Event:
        """What the visit's entry is to say."""
        title = names.clean(busy.title(self._clinic, visit.chair))
        return Event(visit.sequence, visit.start, visit.end, title, CALENDAR_STATUS[visit.status])

    def octets(self, visit: Appointment) -> bytes:
        """The visit's resource."""
        told = _clock_of(self._clinic.timezone, local(visit.start, zone(self._clinic.timezone)).year)
        event = busy.event(visit, self.uid(visit), busy.summary(self._clinic, visit.chair), told)
        part = told.part if b";TZID=" in event else b""
        return b"".join((lines.head(self._clinic), part, event, b"END:VCALENDAR\r\n"))

    def held(self, href: str, etag: str, data: str) -> list[Held]:
        """The entries of ours in what was found on the server; more than one only beside somebody else's.

        There is one UID at an address (RFC 4791, 4.1), but not every server sees to it.
        """
        uids = _uids(data)
        ours = sorted(filter(self._is_ours, uids))
        if len(ours) < len(uids):
            return [Held(href, etag, uid, _read(data, uid), is_shared=True) for uid in ours]
        return [Held(href, etag, uid, _read(data, uid)) for uid in ours[:1]]

    def _is_ours(self, uid: str) -> bool:
        found = _OURS.fullmatch(uid)
        return found is not None and found[2] == self._mark(found[1])

    def _mark(self, opaque: str) -> str:
        return hashlib.blake2b(opaque.encode(), digest_size=8, key=self._key.encode(), person=b"mark").hexdigest()


# Most visits of a run are in the same year, and to find a zone's rule takes a look at each of its days.
@lru_cache(maxsize=16)
def _clock_of(timezone: str, year: int) -> Clock:
    first, last = (int(datetime(year, *day, tzinfo=zone(timezone)).timestamp()) for day in ((1, 1), (12, 31)))
    return clock(timezone, first, last)


def _uids(data: str) -> set[str]:
    """The UIDs in a resource, as far as they can be made out in whatever it is."""
    found = scan(data.encode(errors="replace"))
    parts = [part for top in found.components for part in top.children if part.name != "VTIMEZONE"]
    return {part.text("UID") for part in parts}


def _read(data: str, uid: str) -> Event | None:
    """What a resource says under a UID; None when it is not one entry, at one time, between two instants."""
    from icalendar import Calendar

    try:
        whole = Calendar.from_ical(data)
        (entry,) = (part for part in whole.subcomponents if str(part.get("UID", "")) == uid)
        if entry.name != "VEVENT" or any(name in entry for name in _REPEATS):
            return None
        extras = chain(_extras(whole), _extras(entry), _extra_parts(entry))
        return _event(entry)._replace(extras=frozenset(extras))
    # Anybody may have written it, and the library's errors have no common root.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _event(entry: Any) -> Event:
    return Event(
        int(entry.get("SEQUENCE", 0)),
        _instant(entry.start),
        _instant(entry.end),
        names.clean(str(entry.get("SUMMARY", ""))),
        str(entry.get("STATUS", "")).upper(),
        str(entry.get("CLASS", "PUBLIC")).upper(),
        str(entry.get("TRANSP", "OPAQUE")).upper(),
    )


def _extras(part: Any) -> Iterator[str]:
    """The properties that neither we nor a program by itself would write, but for empty ones, and what is none."""
    yield from (name or "" for name, _ in part.errors)
    for name, value in part.items():
        is_known = name in _KNOWN or (name.startswith("X-") and name not in _WORDS)
        if not is_known and _octets(value):
            yield name


def _extra_parts(entry: Any) -> Iterator[str]:
    """What stands in an entry beside alarms, which may say what they like, but not to whom they are mailed."""
    for part in entry.subcomponents:
        if part.name != "VALARM" or "ATTENDEE" in part:
            yield part.name


def _octets(value: Any) -> bytes:
    """A property as it stands; several of one name are never empty."""
    return b"," if isinstance(value, list) else value.to_ical()


def _instant(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError("a time that floats is no instant")
    return int(moment.timestamp())
