"""Invitations as mail: how they are put together, that they say enough, and that they say nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import pytest
from calendar_files import MOOD, TALK, at, clinic, visit
from formats.test_ics_octets import ENOUGH, HOSTILE
from formats.test_itip import ADDRESSES, SECRETS, telling
from hypothesis import example, given
from post_office import Calendar, calendar_part

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Words
from infusion_cli.domain.outbox import Told
from infusion_cli.formats import itip
from infusion_cli.formats.imip import compose, file_name, text, wrong_with
from infusion_cli.services.ports import Letter

EMAIL = "patient@example.com"
METHODS = pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])


def letter(method: str, of: Appointment | None = None, email: str = EMAIL, **changes: Any) -> Letter:
    """A message about a visit of a clinic that can write."""
    about = of or visit(sequence=1)
    told = Told(about.id, about.sequence, method, "<1.1@northgate.example>", "waiting", 1, at("2026-11-23T13:00Z"), 0)
    return Letter(clinic(**({"email": "desk@northgate.example"} | changes)), about, email, told)


def read(octets: bytes) -> EmailMessage:
    """The message as a mail program reads it."""
    found = message_from_bytes(octets, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@METHODS
def test_the_parts_of_a_message_and_what_they_are(method: str) -> None:
    message = read(compose(letter(method)))
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics"),
    ]
    _, _, plain, calendar, attached = message.walk()
    assert (plain.get_content_charset(), calendar.get_content_charset()) == ("utf-8", "utf-8")
    assert calendar.get_param("method") == method
    assert (attached.get_content_disposition(), attached.get_filename()) == ("attachment", "appointment.ics")
    assert calendar.get_content_disposition() is None


@METHODS
def test_the_calendar_is_that_of_the_file_octet_for_octet_in_both_parts(method: str) -> None:
    one = letter(method)
    write = itip.request if method == "REQUEST" else itip.cancel
    assert calendar_part(compose(one)) == write(one.clinic, one.visit, EMAIL)


@METHODS
def test_who_writes_is_the_organizer_and_who_gets_it_the_attendee(method: str) -> None:
    octets = compose(letter(method))
    message, calendar = read(octets), calendar_part(octets).replace(b"\r\n ", b"").decode()
    assert message["From"] == "Northgate Clinic <desk@northgate.example>"
    assert 'ORGANIZER;CN="Northgate Clinic":mailto:desk@northgate.example\r\n' in calendar
    assert message["To"] == EMAIL
    assert f":mailto:{EMAIL}\r\n" in calendar
    assert message["Message-ID"] == "<1.1@northgate.example>"
    assert message["Sender"] is None


@METHODS
def test_the_same_letter_gives_the_same_octets_in_lines_that_every_server_takes(method: str) -> None:
    octets = compose(letter(method))
    assert octets == compose(letter(method))
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert octets.isascii()


def test_the_text_alone_says_when_where_and_whom_to_ask() -> None:
    assert text(clinic(), visit(), "REQUEST") == (
        "This is your appointment:\n"
        "\n"
        "Tuesday, 1 December 2026\n"
        "09:00 – 10:15 (EST)\n"
        "Northgate Clinic, 7 North Gate Road, Albany, NY 12207\n"
        "\n"
        "Questions: +1 518 555 0100\n"
        "Reference: A1\n"
    )


def test_the_text_of_a_move_says_that_it_replaces_and_that_of_a_withdrawal_that_it_no_longer_stands() -> None:
    german = clinic(language="de", timezone="Europe/Berlin", phone="", address="")
    moved = visit(start="2026-07-01T09:00+02:00", sequence=3)
    assert text(german, moved, "REQUEST").splitlines() == [
        *("Das ist Ihr Termin:", "", "Mittwoch, 1. Juli 2026", "09:00 – 10:15 (CEST)", "Northgate Clinic", ""),
        *("Das ersetzt alles, was Sie bisher von uns über diesen Termin gehört haben.", "", "Kennzeichen: A1"),
    ]
    assert text(german, moved, "CANCEL").splitlines()[0] == "Dieser Termin gilt nicht mehr:"
    assert "ersetzt" not in text(german, moved, "CANCEL")


def test_a_message_says_its_language_and_the_clinics_own_words() -> None:
    own = Words(subject="Betreff", cancel_subject="Entfällt", opening="Guten Tag,")
    asked = read(compose(letter("REQUEST", language="de", words=own)))
    assert (asked["Subject"], asked["Content-Language"]) == ("Betreff: Northgate Clinic", "de")
    assert asked.get_body(("plain",)).get_content().startswith("Guten Tag,\r\n")  # type: ignore[union-attr]
    assert read(compose(letter("CANCEL", words=own)))["Subject"] == "Entfällt: Northgate Clinic"
    assert b"SUMMARY;LANGUAGE=de:Termin\r\n" in calendar_part(compose(letter("REQUEST", language="de")))


def test_a_file_is_named_after_the_visit_and_nothing_else() -> None:
    assert [file_name(letter(m, visit(7))) for m in ("REQUEST", "CANCEL")] == ["request-A7.eml", "cancel-A7.eml"]


@METHODS
@ENOUGH
@given(public_name=HOSTILE, address=HOSTILE, word=HOSTILE)
@example("x\r\nBcc: all@example.org", "a\r\n\r\n--=_00000000000000000000000000000001-1-0", "=?utf-8?q?x?=")
def test_hostile_texts_add_no_header_no_part_and_no_line(
    method: str, public_name: str, address: str, word: str
) -> None:
    words = Words(*(word for _ in Words._fields))
    hostile = read(compose(letter(method, public_name=public_name, address=address, words=words)))
    plain = read(compose(letter(method)))
    assert hostile.keys() == plain.keys()
    assert [p.get_content_type() for p in hostile.walk()] == [p.get_content_type() for p in plain.walk()]
    assert hostile["To"] == EMAIL


@ENOUGH
@given(email=ADDRESSES)
@example("o'neil=x%y@example.com")
def test_whatever_address_can_be_written_is_the_one_that_is_written_to(email: str) -> None:
    try:
        octets = compose(letter("REQUEST", email=email))
    except ValueError:
        assert wrong_with(email)
        return
    (found,) = read(octets)["To"].addresses
    # The reader takes an address in UTF-8 apart into octets.
    assert found.username.encode("utf-8", "surrogateescape").decode() == email.rpartition("@")[0]


# Privacy


def texts_of(octets: bytes) -> Iterator[str]:
    """Every text in the message: as it lies there, each header decoded, each part decoded, the names of files."""
    yield octets.decode("latin-1")
    for part in read(octets).walk():
        for name, value in part.items():
            yield f"{name}: {value}"
        yield part.get_filename() or ""
        if not part.is_multipart():
            decoded = part.get_payload(decode=True)
            assert isinstance(decoded, bytes)
            yield unquote(decoded.replace(b"\r\n ", b"").decode())


def told(octets: bytes) -> list[str]:
    """The secrets that stand anywhere in the message, case and white space ignored."""
    text = "".join(texts_of(octets)).casefold() + re.sub(r"\s", "", "".join(texts_of(octets)).casefold())
    return [secret for secret in SECRETS if secret in text]


@METHODS
@pytest.mark.parametrize("protocol", [MOOD.id, TALK.id, "gone-secret"])
def test_nothing_tells_who_comes_or_what_for(method: str, protocol: str) -> None:
    one = letter(method, telling(protocol=protocol, sequence=2))
    assert told(compose(one)) == []
    assert told(file_name(one).encode() + b"\r\n\r\n") == []


@METHODS
@pytest.mark.parametrize("secret", SECRETS)
def test_the_search_finds_a_secret_in_a_header_in_the_text_and_in_the_calendar(method: str, secret: str) -> None:
    word = "subject" if method == "REQUEST" else "cancel_subject"
    assert secret in told(compose(letter(method, words=Words(**{word: "é " * 30 + secret.upper()}))))
    assert secret in told(compose(letter(method, words=Words(reference="é" * 61 + secret))))
    assert secret in told(compose(letter(method, words=Words(title="x" * 60 + secret))))
    assert secret in told(compose(letter(method, email=f"{secret}@example.com")))


@METHODS
def test_of_the_patient_there_is_the_address_and_no_name(method: str) -> None:
    octets = compose(letter(method))
    assert [a.display_name for a in read(octets)["To"].addresses] == [""]
    assert "CN=" not in calendar_part(octets).decode().partition("ATTENDEE")[2]


def test_a_calendar_takes_the_newest_and_drops_what_is_withdrawn() -> None:
    book, calendar = visit(sequence=1), Calendar()
    later = book._replace(start=book.start + 3600, leave=book.leave + 3600, sequence=2, stamp=book.stamp + 60)
    for of, method in ((later, "REQUEST"), (book, "REQUEST"), (later, "REQUEST")):
        calendar.read(compose(letter(method, of)))
        assert calendar.entries == {book.uid: (later.start, later.leave)}
    calendar.read(compose(letter("CANCEL", later._replace(status="cancelled", sequence=3, stamp=later.stamp))))
    assert calendar.entries == {}
