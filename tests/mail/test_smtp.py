"""Handing a message to a mail server: what is known of it afterwards, whatever the server does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calendar_files import clinic, visit
from post_office import CA, PASSWORD, USER, PostOffice

from infusion_cli.config import MailServer
from infusion_cli.domain.outbox import Delivery, Told
from infusion_cli.errors import MailError
from infusion_cli.formats.imip import compose
from infusion_cli.mail.smtp import Post
from infusion_cli.services.ports import Letter

CLINIC = clinic(email="desk@northgate.example")
PATIENT = "patient@example.com"
LOST = Delivery("doubt", "the connection was lost before the server's answer")


def letter(email: str = PATIENT) -> Letter:
    """A first invitation."""
    told = Told("A1", 0, "REQUEST", "<1.0@northgate.example>", "waiting", 1, 1_795_000_000, 0)
    return Letter(CLINIC, visit(), email, told)


def server_of(office: PostOffice, **changes: Any) -> MailServer:
    """The office as the program is told of it."""
    login = (USER, PASSWORD) if office.wants_login else ("", "")
    return MailServer("127.0.0.1", office.port, office.tls, *login, ca_file=str(CA))._replace(**changes)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A server without protection on this machine."""
    with PostOffice() as opened:
        yield opened


@pytest.fixture
def post(office: PostOffice) -> Iterator[Post]:
    """Somebody who takes mail to it."""
    with Post(server_of(office), compose, time_out=5) as somebody:
        yield somebody


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
@pytest.mark.parametrize("wants_login", [False, True], ids=["open", "login"])
def test_a_message_arrives_as_it_was_written_however_the_way_is_protected(tls: str, wants_login: bool) -> None:
    with PostOffice(tls, wants_login=wants_login) as office, Post(server_of(office), compose) as post:
        assert post.deliver(letter()) == Delivery("sent")
    (received,) = office.received
    assert received == ("desk@northgate.example", PATIENT, compose(letter()), tls != "none")


def test_many_messages_take_one_connection(office: PostOffice, post: Post) -> None:
    results = [post.deliver(letter(f"patient{n}@example.com")) for n in range(5)]
    assert results == [Delivery("sent")] * 5
    assert office.connections == 1
    assert [r.recipient for r in office.received] == [f"patient{n}@example.com" for n in range(5)]


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        (
            "550 5.1.1 <patient@example.com>: no such user",
            Delivery("never", "the server refused the recipient (550 5.1.1)"),
        ),
        ("552 5.2.2 mailbox full", Delivery("never", "the server refused the recipient (552 5.2.2)")),
        ("550 patient@example.com unknown", Delivery("unclear", "the server refused the recipient (550)")),
        ("554 5.7.1 Relay access denied", Delivery("unclear", "the server refused the recipient (554 5.7.1)")),
        ("550 5.10.1 what is it", Delivery("unclear", "the server refused the recipient (550 5.10.1)")),
        ("452 4.2.2 mailbox full", Delivery("later", "the server refused the recipient (452 4.2.2)")),
        ("421 closing", Delivery("later", "the server refused the recipient (421)")),
    ],
)
def test_a_refused_recipient_is_told_by_numbers_alone(
    office: PostOffice, post: Post, answer: str, delivery: Delivery
) -> None:
    office.recipients[PATIENT] = answer
    assert post.deliver(letter()) == delivery
    assert post.deliver(letter("other@example.com")) == Delivery("sent")
    assert [r.recipient for r in office.received] == ["other@example.com"]


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        ("554 5.7.1 looks like spam", Delivery("unclear", "the server refused the message (554 5.7.1)")),
        ("451 4.3.0 try again", Delivery("later", "the server refused the message (451 4.3.0)")),
        ("lost", LOST),
    ],
)
def test_a_message_without_a_yes_is_refused_put_off_or_in_doubt(
    office: PostOffice, post: Post, answer: str, delivery: Delivery
) -> None:
    office.on_data = [answer]
    assert post.deliver(letter()) == delivery
    assert post.deliver(letter()) == Delivery("sent")
    assert len(office.received) == (2 if answer == "lost" else 1)


def test_a_connection_that_was_lost_between_two_messages_is_made_anew(office: PostOffice, post: Post) -> None:
    office.on_data = ["", "lost", ""]
    assert [post.deliver(letter()).result for _ in range(3)] == ["sent", "doubt", "sent"]
    assert office.connections == 2


def test_a_sender_who_is_refused_stops_everything(office: PostOffice, post: Post) -> None:
    office.on_mail = "553 5.7.1 not yours"
    with pytest.raises(MailError, match=r"takes no mail from this sender \(553 5\.7\.1\)"):
        post.deliver(letter())


@pytest.mark.parametrize(
    "answer", ["530 5.7.0 log in first", "535 5.7.8 no", "550 5.1.8 no such sender", "451 4.1.8 no"]
)
def test_a_refusal_of_who_sends_in_the_recipients_turn_stops_everything(
    office: PostOffice, post: Post, answer: str
) -> None:
    office.recipients[PATIENT] = answer
    with pytest.raises(MailError, match=f"takes no mail from this sender .{answer[:9]}"):
        post.deliver(letter())
    assert not post.may_be_out


def refusal(server: MailServer) -> str:
    """What is said when the server takes no mail."""
    with Post(server, compose, time_out=2) as post, pytest.raises(MailError) as error:
        post.deliver(letter())
    assert PASSWORD not in error.value.message + error.value.hint
    return error.value.message


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert "cannot be reached: Connection refused" in refusal(MailServer("127.0.0.1", port, "none"))


def test_a_server_that_never_answers_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "cannot be reached" in refusal(MailServer("127.0.0.1", mute.getsockname()[1], "none"))


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_of_somebody_unknown_is_not_trusted(tls: str) -> None:
    with PostOffice(tls) as office:
        assert "certificate that is not trusted" in refusal(server_of(office, ca_file=""))
    assert office.received == []


def test_a_certificate_of_another_name_is_not_trusted() -> None:
    with PostOffice("tls") as office:
        assert "certificate that is not trusted: Hostname mismatch" in refusal(server_of(office, host="localhost"))
    assert office.received == []


def test_a_server_without_protection_gets_nothing_when_it_was_asked_for(office: PostOffice) -> None:
    assert "offers no protection" in refusal(server_of(office, tls="starttls"))
    assert office.received == []


def test_a_wrong_password_says_so_without_it() -> None:
    with PostOffice("starttls", wants_login=True) as office:
        assert "refuses the password (535)" in refusal(server_of(office, password="wrong"))


def test_certificates_that_cannot_be_read_are_named(office: PostOffice) -> None:
    assert "none.pem cannot be read" in refusal(server_of(office, tls="starttls", ca_file="none.pem"))


def test_an_address_in_another_script_goes_out_as_it_is_or_by_its_domain(office: PostOffice, post: Post) -> None:
    assert post.deliver(letter("ärztin@bücher.example")) == Delivery("sent")
    assert post.deliver(letter("info@bücher.example")) == Delivery("sent")
    assert [r.recipient for r in office.received] == ["ärztin@xn--bcher-kva.example", "info@xn--bcher-kva.example"]


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    with PostOffice(is_ascii=True) as office, Post(server_of(office), compose) as post:
        refused = Delivery("never", "the server takes no address with letters beyond ASCII")
        assert post.deliver(letter("ärztin@bücher.example")) == refused
        assert post.deliver(letter("info@bücher.example")) == Delivery("sent")


@pytest.mark.parametrize("bounces", ["", "bounces@northgate.example"])
def test_a_clinics_address_beyond_ascii_goes_out_where_the_server_takes_it(bounces: str) -> None:
    own = letter()._replace(clinic=clinic(email="büro@northgate.example"))
    with PostOffice() as office, Post(server_of(office, sender=bounces), compose) as post:
        assert post.deliver(own) == Delivery("sent")
    (received,) = office.received
    assert received.sender == (bounces or "büro@northgate.example")
    assert "From: Northgate Clinic <büro@northgate.example>\r\n".encode() in received.octets
    with PostOffice(is_ascii=True) as office, Post(server_of(office, sender=bounces), compose) as post:
        with pytest.raises(MailError, match="takes no sender's address with letters beyond ASCII"):
            post.deliver(own)
        assert not post.may_be_out


@pytest.mark.parametrize("email", ["büro@straße.example", f"x@{'é' * 80}"])
def test_a_clinics_address_that_no_mail_can_carry_is_not_the_patients_fault(office: PostOffice, email: str) -> None:
    own = letter()._replace(clinic=clinic(email=email))
    server = server_of(office, sender="bounces@northgate.example")
    with Post(server, compose) as post, pytest.raises(MailError, match="The sender's address cannot be used"):
        post.deliver(own)
    assert office.connections == 0


@pytest.mark.parametrize("login", [{"user": "büro"}, {"password": "schlüssel"}], ids=["user", "password"])
def test_a_login_beyond_ascii_is_refused_without_it(login: dict[str, str]) -> None:
    with PostOffice("starttls", wants_login=True) as office:
        assert "has letters beyond ASCII" in refusal(server_of(office, **login))
        assert office.connections == 0


def test_a_server_whose_name_cannot_be_is_not_looked_for() -> None:
    assert "has a name that no server can have" in refusal(MailServer("mail..example", 25, "tls"))


@pytest.mark.parametrize("domain", ["straße.example", "STRAẞE.example", "οδός.example", "a\u200db.example"])
def test_a_domain_that_can_be_read_in_two_ways_is_not_written_to(office: PostOffice, post: Post, domain: str) -> None:
    why = "the domain of the e-mail address can be read in two ways; type it in its xn-- form"
    assert post.deliver(letter(f"info@{domain}")) == Delivery("never", why)
    assert post.deliver(letter("info@xn--strae-oqa.example")) == Delivery("sent")
    assert [r.recipient for r in office.received] == ["info@xn--strae-oqa.example"]


@pytest.mark.parametrize("email", ["", "nobody", "@example.com", f"x@{'é' * 80}", "x@é＞.com"])
def test_an_address_that_is_none_is_refused_before_anybody_is_asked(office: PostOffice, post: Post, email: str) -> None:
    assert post.deliver(letter(email)) == Delivery("never", "the e-mail address cannot be written into a mail")
    assert office.connections == 0


def test_undeliverable_mail_returns_to_the_address_that_was_set(office: PostOffice, tmp_path: Path) -> None:
    server = server_of(office, sender="bounces@northgate.example")
    with Post(server, lambda one: compose(one, sender=server.sender)) as post:
        post.deliver(letter())
    (received,) = office.received
    assert received.sender == "bounces@northgate.example"
    assert received.mail["Sender"] == "bounces@northgate.example"
    assert received.mail["From"] == "Northgate Clinic <desk@northgate.example>"
