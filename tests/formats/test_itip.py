"""Invitations and their withdrawal: every octet, what a calendar program reads, and what must never stand in them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from calendar_files import MOOD, TALK, at, clinic, read, unfolded, visit
from formats.test_ics_octets import ENOUGH, HOSTILE, broken_rules
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from infusion_cli.domain import names
from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.book import Appointment, Warn
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import change, revise
from infusion_cli.formats.itip import cancel, request

EMAIL = "patient@example.com"
BOTH = pytest.mark.parametrize("write", [request, cancel])


def desk(**changes: Any) -> Clinic:
    """A clinic that can invite."""
    return clinic(**({"email": "desk@northgate.example"} | changes))


def event(data: bytes) -> Event:
    """The one event of the file as the icalendar library reads it."""
    calendar = Calendar.from_ical(data)
    assert isinstance(calendar, Calendar)
    (found,) = calendar.events
    assert (calendar.errors, found.errors) == ([], [])
    return found


def lines(data: bytes) -> list[str]:
    """The file's lines without folds."""
    return unfolded(data).split("\r\n")


def test_an_invitation_in_full() -> None:
    assert request(desk(), visit(sequence=2), EMAIL) == (
        b"BEGIN:VCALENDAR\r\n"
        b"VERSION:2.0\r\n"
        b"PRODID:-//Northgate Clinic//EN\r\n"
        b"CALSCALE:GREGORIAN\r\n"
        b"METHOD:REQUEST\r\n"
        b"BEGIN:VEVENT\r\n"
        b"UID:00000000000000000000000000000001@calendar.invalid\r\n"
        b"DTSTAMP:20261123T123005Z\r\n"
        b"LAST-MODIFIED:20261123T123005Z\r\n"
        b"SEQUENCE:2\r\n"
        b"DTSTART:20261201T140000Z\r\n"
        b"DTEND:20261201T151500Z\r\n"
        b"SUMMARY:Appointment\r\n"
        b"LOCATION:Northgate Clinic\\, 7 North Gate Road\\, Albany\\, NY 12207\r\n"
        b"DESCRIPTION:Questions: +1 518 555 0100\r\n"
        b"CLASS:PRIVATE\r\n"
        b'ORGANIZER;CN="Northgate Clinic":mailto:desk@northgate.example\r\n'
        b"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=\r\n"
        b" TRUE:mailto:patient@example.com\r\n"
        b"STATUS:CONFIRMED\r\n"
        b"TRANSP:OPAQUE\r\n"
        b"BEGIN:VALARM\r\n"
        b"ACTION:DISPLAY\r\n"
        b"TRIGGER:-P1D\r\n"
        b"DESCRIPTION:Appointment\r\n"
        b"END:VALARM\r\n"
        b"END:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )


def test_a_withdrawal_in_full_with_names_that_need_escapes() -> None:
    praxis = desk(public_name='Praxis "Ufer" ^ 3; Süd, oben', address="", phone="", email="praxis+süd/a&b@ufer.example")

    assert cancel(praxis, visit(7, protocol=TALK.id, status="cancelled", sequence=3), "o'neil=x%y@example.com") == (
        b"BEGIN:VCALENDAR\r\n"
        b"VERSION:2.0\r\n"
        b'PRODID:-//Praxis "Ufer" ^ 3\\; S\xc3\xbcd\\, oben//EN\r\n'
        b"CALSCALE:GREGORIAN\r\n"
        b"METHOD:CANCEL\r\n"
        b"BEGIN:VEVENT\r\n"
        b"UID:00000000000000000000000000000007@calendar.invalid\r\n"
        b"DTSTAMP:20261123T123005Z\r\n"
        b"LAST-MODIFIED:20261123T123005Z\r\n"
        b"SEQUENCE:3\r\n"
        b"DTSTART:20261201T140000Z\r\n"
        b"DTEND:20261201T151500Z\r\n"
        b"SUMMARY:Visit\\; first\\, short\r\n"
        b'LOCATION:Praxis "Ufer" ^ 3\\; S\xc3\xbcd\\, oben\r\n'
        b"CLASS:PRIVATE\r\n"
        b"ORGANIZER;CN=\"Praxis ^'Ufer^' ^^ 3; S\xc3\xbcd, oben\":mailto:praxis+s%C3%BCd%2Fa%\r\n"
        b" 26b@ufer.example\r\n"
        b"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=\r\n"
        b" TRUE:mailto:o'neil%3Dx%25y@example.com\r\n"
        b"STATUS:CANCELLED\r\n"
        b"TRANSP:OPAQUE\r\n"
        b"END:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )


@BOTH
@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("ärztin@bücher.example", "%C3%A4rztin@xn--bcher-kva.example"),
        ("info@straße.example", "info@stra%C3%9Fe.example"),
    ],
)
def test_an_address_has_the_domain_that_the_mail_has(write: Any, email: str, expected: str) -> None:
    found = lines(write(desk(email=email), visit(), email))
    assert f'ORGANIZER;CN="Northgate Clinic":mailto:{expected}' in found
    assert [line for line in found if line.startswith("ATTENDEE") and line.endswith(f":mailto:{expected}")]


def written(email: str) -> str:
    """The address as a calendar has it."""
    try:
        return in_ascii_domain(email)
    except AddressError:
        return email


ATOMS = st.text("abzAZ09!#$%&'*+-/=?^_`{|}~éß漢", min_size=1, max_size=40)
HOSTS = st.text("abzAZ09-éß漢", min_size=1, max_size=40)
ADDRESSES = st.builds("{}@{}.example".format, ATOMS, HOSTS)
HOSTILE_ADDRESSES = st.builds("{}@{}".format, HOSTILE, HOSTILE)
INSTANTS = st.integers(at("2024-01-01T00:00+00:00") // 60, at("2034-12-31T00:00+00:00") // 60)


@BOTH
@ENOUGH
@given(public_name=HOSTILE, address=HOSTILE, title=HOSTILE, desk_email=HOSTILE_ADDRESSES, email=HOSTILE_ADDRESSES)
@example("é" * 40, "\\" * 80, ",;" * 60, "a\r\nX-EVIL:1@x", 'a"\r\nATTENDEE:mailto:x@example.org')
@example("x\r\nMETHOD:PUBLISH", "x" * 61 + "😀", "^\r\n", "x" * 70 + "😀@x", "%" * 80)
def test_hostile_text_breaks_no_rule_of_the_octets_and_adds_no_line(
    write: Any, public_name: str, address: str, title: str, desk_email: str, email: str
) -> None:
    hostile = desk(
        public_name=public_name,
        address=address,
        email=desk_email,
        protocols=(MOOD._replace(public_title=title),),
    )
    data = write(hostile, visit(), email)

    assert broken_rules(data) == []
    assert [heads_of(data)] == [heads_of(write(desk(), visit(), EMAIL))]


def heads_of(data: bytes) -> list[str]:
    """The names of the properties, in order."""
    return [re.split("[:;]", line)[0] for line in lines(data)]


@BOTH
@ENOUGH
@given(public_name=HOSTILE, title=HOSTILE, desk_email=ADDRESSES, email=ADDRESSES, minute=INSTANTS)
@example('"^\'^n\\,"', "a", '"a,b;c:d"@clinic.example', "x&y=z?#[]@example.com", 29_900_000)
def test_the_library_reads_back_who_invites_whom_to_what_and_when(
    write: Any, public_name: str, title: str, desk_email: str, email: str, minute: int
) -> None:
    data = write(
        desk(public_name=public_name, address="", email=desk_email, protocols=(MOOD._replace(public_title=title),)),
        visit(4, minute * 60, sequence=5),
        email,
    )
    found = event(data)

    assert Calendar.from_ical(data)["METHOD"] == write.__name__.upper()
    assert str(found["UID"]) == f"{4:032x}@calendar.invalid"
    assert found.sequence == 5
    assert found["SUMMARY"] == names.clean(title or "Appointment")
    assert [(start, end) for start, end, _ in read(data)] == [(minute * 60, (minute + 75) * 60)]
    assert unquote(str(found["ORGANIZER"])) == f"mailto:{written(desk_email)}"
    if "\\" not in public_name:  # the library takes a backslash away where RFC 6868 knows none
        assert found["ORGANIZER"].params.get("CN", "") == names.clean(public_name)
    assert common_name(data) == names.clean(public_name)
    assert unquote(str(found["ATTENDEE"])) == f"mailto:{written(email)}"
    assert dict(found["ATTENDEE"].params) == {
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "TRUE",
    }


def common_name(data: bytes) -> str:
    """The organizer's name as RFC 6868 has it read."""
    (line,) = [line for line in lines(data) if line.startswith("ORGANIZER")]
    quoted = re.fullmatch('ORGANIZER(?:;CN="([^"]*)")?:mailto:[!-~]+', line)
    assert quoted is not None
    meant = {"^^": "^", "^'": '"', "^n": "\n"}
    return re.sub(r"\^['^n]", lambda pair: meant[pair[0]], quoted[1] or "")


def test_an_invitation_reminds_a_day_before_in_the_words_of_its_title() -> None:
    found = event(request(desk(), visit(protocol=TALK.id), EMAIL))
    (alarm,) = found.alarms.times

    assert alarm.trigger == found.start - timedelta(days=1)
    assert alarm.alarm["ACTION"] == "DISPLAY"
    assert alarm.alarm["DESCRIPTION"] == found["SUMMARY"] == "Visit; first, short"


@pytest.mark.parametrize("status", ["proposed", "pending"])
def test_a_hold_is_invited_to_as_tentative(status: str) -> None:
    assert "STATUS:TENTATIVE" in lines(request(desk(), visit(status=status), EMAIL))


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_whatever_ended_a_visit_it_is_withdrawn_as_cancelled(status: str) -> None:
    assert "STATUS:CANCELLED" in lines(cancel(desk(), visit(status=status), EMAIL))


@BOTH
def test_the_same_revision_gives_the_same_octets(write: Any) -> None:
    assert write(desk(), visit(3, sequence=4), EMAIL) == write(desk(), visit(3, sequence=4), EMAIL)


def test_a_move_and_a_cancellation_each_outrank_what_was_sent_before() -> None:
    booked = visit()
    later = booked.start + 3600
    moved = revised(booked, booked.stamp + 60, start=later, end=booked.end + 3600, leave=booked.leave + 3600)
    gone = revised(moved, moved.stamp + 60, status="cancelled")
    files = [request(desk(), booked, EMAIL), request(desk(), moved, EMAIL), cancel(desk(), gone, EMAIL)]
    sent = [event(data) for data in files]

    assert [found.sequence for found in sent] == [0, 1, 2]
    assert [int(found.DTSTAMP.timestamp()) - booked.stamp for found in sent] == [0, 60, 120]
    assert [read(data)[0][0] for data in files] == [booked.start, later, later]
    for name in ("UID", "ORGANIZER", "ATTENDEE"):
        assert len({str(found[name]) for found in sent}) == 1


def revised(before: Appointment, now: int, **changes: Any) -> Appointment:
    """The visit after a change, with its marks set as the book sets them."""
    after = revise(change(before, before._replace(**changes)), now).after
    assert isinstance(after, Appointment)
    return after


SECRETS = (
    *("granat", "beryll", "zirkon", "topas", "obsidian", "quarz"),
    *("secret", "chair", "ketamine", "infusion", "nasal"),
)
"""Planted in every record that a file is made from; none of it may reach the file."""


def told(data: bytes) -> list[str]:
    """The secrets that stand anywhere in the file, folds taken out, case ignored."""
    text = unquote(unfolded(data)).casefold()
    return [secret for secret in SECRETS if secret in text]


def telling(**changes: Any) -> Appointment:
    """A visit with a secret in every field that holds text."""
    return visit(
        key="quarz-key",
        overrides=("staff-short", "quarz"),
        reason="Quarz, nasal",
        cancelled_by="Quarz",
        ride="Quarz",
        warnings=(Warn("gap-tight", "Granat, ketamine infusion"),),
        **changes,
    )


@BOTH
@pytest.mark.parametrize("protocol", [MOOD.id, TALK.id, "gone-secret"])
def test_nothing_tells_who_comes_or_what_for(write: Any, protocol: str) -> None:
    assert told(write(desk(), telling(protocol=protocol), EMAIL)) == []


@BOTH
@pytest.mark.parametrize("secret", SECRETS)
def test_the_search_finds_each_secret_even_across_a_fold_and_in_an_address(write: Any, secret: str) -> None:
    in_name = desk(public_name="x" * 63 + secret.upper(), address="", email="a@b")

    assert told(write(in_name, visit(), EMAIL)) == [secret]
    assert told(write(desk(), visit(), f"%{secret}@example.com")) == [secret]


@BOTH
def test_an_organizer_without_a_name_has_none(write: Any) -> None:
    assert "ORGANIZER:mailto:desk@northgate.example" in lines(write(desk(public_name=" "), visit(), EMAIL))
