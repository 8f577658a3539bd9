"""Invitations and their withdrawal (iTIP, RFC 5546), for one visit and one patient each.

The words are those of every calendar file. The patient's address is the one thing in it that is the
patient's, because a calendar program finds its own invitation by it; the name stays in the clinic.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from infusion_cli.domain import names, wording
from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import CALENDAR_STATUS
from infusion_cli.formats import ical_lines as lines

_ATTENDEE = "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
_PLAIN_IN_MAILTO = "@!$'*+"
"""What RFC 6068 leaves as it is, besides letters, digits and `-._~`."""


def request(clinic: Clinic, visit: Appointment, email: str) -> bytes:
    """The REQUEST that puts a visit that stands into the calendar of `email`, or replaces it there.

    Times are in UTC; the same revision of the visit gives the same octets.
    """
    alarm = (
        b"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-P1D\r\n",
        lines.said(clinic, "DESCRIPTION", wording.alarm_of(clinic, visit.protocol)),
        b"END:VALARM\r\n",
    )
    return _message("REQUEST", clinic, visit, email, CALENDAR_STATUS[visit.status], b"".join(alarm))


def cancel(clinic: Clinic, visit: Appointment, email: str) -> bytes:
    """The CANCEL that takes a visit that no longer stands out of the calendar of `email`.

    UID, organizer and attendee are those of the invitation, SEQUENCE is higher since the visit was cancelled.
    """
    return _message("CANCEL", clinic, visit, email, "CANCELLED", b"")


def _message(method: str, clinic: Clinic, visit: Appointment, email: str, status: str, alarm: bytes) -> bytes:
    name = names.clean(clinic.public_name)
    organizer = f"ORGANIZER;CN={lines.quoted(name)}" if name else "ORGANIZER"
    return b"".join(
        (
            lines.head(clinic),
            f"METHOD:{method}\r\nBEGIN:VEVENT\r\n".encode(),
            lines.revision(visit),
            lines.utc_times(visit).encode(),
            lines.said(clinic, "SUMMARY", wording.title_of(clinic, visit.protocol)),
            lines.place(clinic),
            lines.folded(f"{organizer}:{_mailto(clinic.email)}"),
            lines.folded(f"{_ATTENDEE}:{_mailto(email)}"),
            f"STATUS:{status}\r\nTRANSP:OPAQUE\r\n".encode(),
            alarm,
            b"END:VEVENT\r\nEND:VCALENDAR\r\n",
        )
    )


def _mailto(email: str) -> str:
    """The address as the mail's To has it; one that no mail can carry as it stands in the book."""
    address = names.clean(email)
    with suppress(AddressError):
        address = in_ascii_domain(address)
    return f"mailto:{quote(address, safe=_PLAIN_IN_MAILTO)}"
