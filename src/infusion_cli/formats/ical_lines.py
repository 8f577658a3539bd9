"""What every calendar file is made of: lines that keep to RFC 5545 in each octet, and the neutral words.

The words come from a short list: the public name, the address, the phone, the public title, and what
`domain.wording` has.
"""

from __future__ import annotations

from datetime import UTC, datetime

from infusion_cli.domain import names, wording
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic

_LINE = 75
"""Octets of a line without its CRLF (RFC 5545, 3.1)."""
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,"})
_PARAMETER_ESCAPES = str.maketrans({"^": "^^", '"': "^'"})
"""RFC 6868; its third escape is for line ends, which no cleaned text has."""


def text_line(name: str, text: str) -> bytes:
    """One property of type TEXT, cleaned, escaped and folded, as UTF-8 with its CRLF."""
    return folded(f"{name}:{names.clean(text).translate(_ESCAPES)}")


def said(clinic: Clinic, name: str, text: str) -> bytes:
    """A `text_line` of words in the clinic's language, marked with it when the clinic names one."""
    return text_line(f"{name};LANGUAGE={clinic.language}" if clinic.language else name, text)


def quoted(text: str) -> str:
    """The text, cleaned, as a parameter's value in double quotes (RFC 6868)."""
    return f'"{names.clean(text).translate(_PARAMETER_ESCAPES)}"'


def folded(line: str) -> bytes:
    """A finished line without control characters, folded, as UTF-8 with its CRLF."""
    raw = line.encode()
    parts = []
    room = _LINE
    while len(raw) > room:
        cut = _cut(raw, room)
        parts.append(raw[:cut])
        raw = raw[cut:]
        room = _LINE - 1
    parts.append(raw)
    return b"\r\n ".join(parts) + b"\r\n"


def utc(instant: int) -> str:
    """An instant (seconds since 1970) as a UTC date-time such as 20261201T140000Z."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y%m%dT%H%M%SZ}"


def utc_times(visit: Appointment) -> str:
    """DTSTART and DTEND in UTC; the end is when the patient may leave."""
    return f"DTSTART:{utc(visit.start)}\r\nDTEND:{utc(visit.leave)}\r\n"


def head(clinic: Clinic) -> bytes:
    """The lines with which a calendar of the clinic begins; nothing in them names the program."""
    product = text_line("PRODID", f"-//{clinic.public_name}//EN")
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + product + b"CALSCALE:GREGORIAN\r\n"


def revision(visit: Appointment) -> bytes:
    """UID and the marks of the visit's last revision, all of them as stored."""
    stamp = utc(visit.stamp)
    marks = f"DTSTAMP:{stamp}\r\nLAST-MODIFIED:{stamp}\r\nSEQUENCE:{visit.sequence}\r\n"
    return text_line("UID", visit.uid) + marks.encode()


def place(clinic: Clinic) -> bytes:
    """LOCATION, DESCRIPTION with the phone when there is one, and CLASS: the same for all visits."""
    where = text_line("LOCATION", ", ".join(filter(None, (clinic.public_name, clinic.address))))
    questions = wording.words_of(clinic).questions
    phone = said(clinic, "DESCRIPTION", f"{questions}: {clinic.phone}") if clinic.phone else b""
    return where + phone + b"CLASS:PRIVATE\r\n"


def _cut(raw: bytes, room: int) -> int:
    """Where to fold: at most `room` octets, neither within a character nor within an escape."""
    cut = room
    while raw[cut] & 0b1100_0000 == 0b1000_0000:
        cut -= 1
    backslashes = cut - len(raw[:cut].rstrip(b"\\"))
    return cut - backslashes % 2
