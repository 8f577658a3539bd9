"""Invitations and withdrawals as mail (iMIP, RFC 6047).

    multipart/mixed
      multipart/alternative
        text/plain                            complete by itself
        text/calendar; method=REQUEST         what a calendar program answers to
      application/ics, attached               the same octets, for those that look there

The words are neutral: subject, text and file name say as little as the calendar file itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infusion_cli.domain import names, wording
from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import zone
from infusion_cli.formats import itip
from infusion_cli.services.ports import Letter

if TYPE_CHECKING:
    from email.headerregistry import Address
    from email.message import EmailMessage

ATTACHED = "appointment.ics"


def compose(letter: Letter, sender: str = "") -> bytes:
    """The whole message with CRLF; `sender` is who hands it over where that is not the clinic's address.

    The same letter gives the same octets. Raises `AddressError` for an address that no mail can carry.
    """
    from email import policy
    from email.message import EmailMessage

    clinic, visit, method = letter.clinic, letter.visit, letter.told.method
    is_international = any(not a.rpartition("@")[0].isascii() for a in (clinic.email, sender, letter.email))
    message = EmailMessage(policy.SMTPUTF8 if is_international else policy.SMTP)
    words = wording.words_of(clinic)
    subject = words.cancel_subject if method == "CANCEL" else words.subject
    message["Subject"] = names.clean(f"{subject}: {clinic.public_name}")
    message["From"] = _address(clinic.email, clinic.public_name)
    if sender and sender != clinic.email:
        message["Sender"] = _address(sender)
    message["To"] = _address(letter.email)
    message["Date"] = datetime.fromtimestamp(letter.told.at or visit.stamp, UTC)
    message["Message-ID"] = letter.told.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(clinic, visit, method), cte="quoted-printable")
    calendar = (itip.request if method == "REQUEST" else itip.cancel)(clinic, visit, letter.email)
    _add_calendar(message, calendar, method)
    if clinic.language:
        message["Content-Language"] = clinic.language
    _name_boundaries(message, f"{visit.uid.partition('@')[0]}-{visit.sequence}")
    return message.as_bytes()


def file_name(letter: Letter) -> str:
    """The neutral name of the message's file."""
    return f"{letter.told.method.lower()}-{letter.visit.id}.eml"


def wrong_with(email: str) -> str:
    """Why no mail can be addressed so, in words that do not repeat it; empty when one can."""
    try:
        _address(email)
    except AddressError as error:
        return str(error)
    return ""


def text(clinic: Clinic, visit: Appointment, method: str) -> str:
    """The message in words: when, on the clinic's clock, where, whom to ask."""
    words, tz = wording.words_of(clinic), zone(clinic.timezone)
    start, leave = (datetime.fromtimestamp(instant, tz) for instant in (visit.start, visit.leave))
    lines = [
        words.cancel_opening if method == "CANCEL" else words.opening,
        "",
        wording.date_text(clinic, start.date()),
        f"{start:%H:%M} – {leave:%H:%M} ({start:%Z})",
        ", ".join(filter(None, (clinic.public_name, clinic.address))),
        "",
    ]
    if visit.sequence and method == "REQUEST":
        lines += [words.replaces, ""]
    if clinic.phone:
        lines.append(f"{words.questions}: {clinic.phone}")
    lines.append(f"{words.reference}: {visit.id}")
    return "\n".join(names.clean(line) for line in lines) + "\n"


def _add_calendar(message: EmailMessage, calendar: bytes, method: str) -> None:
    """The calendar beside the text, and attached; both are the same octets."""
    message.add_alternative(
        calendar, maintype="text", subtype="calendar", cte="base64", params={"method": method, "charset": "UTF-8"}
    )
    message.add_attachment(calendar, maintype="application", subtype="ics", cte="base64", filename=ATTACHED)


def _name_boundaries(message: EmailMessage, seed: str) -> None:
    """Boundaries that are the same each time; no line of the parts can be one, since each is encoded."""
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{seed}-{number}")


def _address(address: str, name: str = "") -> Address:
    """An address with its domain as DNS knows it; raises `AddressError` for what is none."""
    from email.headerregistry import Address

    local, _, domain = in_ascii_domain(names.clean(address)).rpartition("@")
    return Address(names.clean(name), local, domain)
