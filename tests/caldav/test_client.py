"""A calendar server is asked for as little as will do, and nothing that it says is believed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from post_office import CA
from wire import Cut, Said, Seen, Turn, Wire

from infusion_cli.caldav import connection
from infusion_cli.caldav.client import Collection
from infusion_cli.config import CalendarServer
from infusion_cli.domain.shared_calendar import Held
from infusion_cli.errors import CalendarError, EntryRefusedError, UsageError
from infusion_cli.services.ports import Resource

USER, PASSWORD = "nurses", "correct horse: battery"
DATA = "BEGIN:VCALENDAR\nEND:VCALENDAR\n"
HEAD = '<?xml version="1.0"?>\n'
IS_CALENDAR = '<d:resourcetype xmlns:c="urn:ietf:params:xml:ns:caldav"><d:collection/><c:calendar/></d:resourcetype>'


def listed(href: str = "/a.ics", etag: str = '"1"', data: str = DATA, head: str = HEAD) -> str:
    """A multi-status of one entry, in prefixes that are not ours."""
    return (
        f'{head}<d:multistatus xmlns:d="DAV:"><d:response><d:href>{href}</d:href><d:propstat><d:prop>'
        f'<d:getetag>{etag}</d:getetag><x:calendar-data xmlns:x="urn:ietf:params:xml:ns:caldav">{data}'
        "</x:calendar-data></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )


def kind(is_: str = IS_CALENDAR) -> str:
    """A multi-status that says what the collection is."""
    return (
        f'{HEAD}<d:multistatus xmlns:d="DAV:"><d:response><d:href>/</d:href><d:propstat><d:prop>{is_}</d:prop>'
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )


NOTHING = f'{HEAD}<d:multistatus xmlns:d="DAV:"/>'


def says(body: str | bytes, status: int = 207, *headers: tuple[str, str]) -> Turn:
    """The same answer to everything."""
    octets = body.encode() if isinstance(body, str) else body
    return lambda _: Said(status, headers, octets)


def collection(wire: Wire, time_out: float = 10, **changes: Any) -> Collection:
    """The wire's calendar as the program is told of it."""
    return Collection(CalendarServer(wire.url, USER, PASSWORD)._replace(**changes), time_out)


def refusal(
    turn: Turn, ask: Callable[[Collection], object] = lambda c: c.resources(None), **changes: Any
) -> CalendarError:
    """What is said of a server that answers so."""
    with Wire("", turn) as wire, collection(wire, **changes) as calendar, pytest.raises(CalendarError) as error:
        ask(calendar)
    words = error.value.message + error.value.hint + repr(calendar)
    assert not any(secret in words for secret in (PASSWORD, "zirkon", token()))
    assert error.value.hint
    return error.value


def token() -> str:
    return base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def put_new(calendar: Collection) -> bool:
    return calendar.put("1@x", b"BEGIN", None)


def put_over(calendar: Collection) -> bool:
    return calendar.put("1@x", b"BEGIN", Held("/a.ics", '"1"', "1@x", None))


def remove(calendar: Collection) -> bool:
    return calendar.remove(Held("/a.ics", '"1"', "1@x", None))


def test_entries_are_read_in_one_request_that_says_from_when_on() -> None:
    with Wire("", says(listed("/a%20b.ics", data="BEGIN&#13;\n"))) as wire, collection(wire) as calendar:
        assert calendar.resources(1_795_000_000) == [Resource(f"{wire.url}a%20b.ics", '"1"', "BEGIN\r\n")]
        calendar.resources(None)
    bounded, whole = wire.seen
    assert (bounded.method, bounded.path, bounded.header("Depth")) == ("REPORT", "/", "1")
    assert b'<C:time-range start="20261118T110640Z"/>' in bounded.body
    assert b"time-range" not in whole.body


def test_the_password_is_in_the_header_that_is_for_it_and_nowhere_else() -> None:
    with Wire("", says(listed())) as wire, collection(wire) as calendar:
        calendar.resources(None)
        wire.turn = says("", 204)
        assert [ask(calendar) for ask in (put_new, put_over, remove)] == [True] * 3
    for request in wire.seen:
        assert request.header("Authorization") == f"Basic {token()}"
        rest = request.octets.replace(f"Basic {token()}".encode(), b"")
        assert not any(secret.encode() in rest for secret in (PASSWORD, USER, token()))
        assert b"infusion" not in rest.lower()


def test_nobody_logs_in_without_a_user() -> None:
    with Wire("", says(listed())) as wire, collection(wire, user="", password="") as calendar:
        calendar.resources(None)
    assert wire.seen[0].header("Authorization") == ""
    assert "asks for a user" in refusal(says("", 401), user="", password="").message


# Logging in by Digest.

CHALLENGE = 'Digest realm="zirkon", qop="auth", nonce="{}", algorithm={}, opaque="o"'


def digest_turn(algorithm: str, *offers: str) -> Turn:
    """A server that knows the user by Digest only (RFC 7616), and takes each nonce count once."""
    made = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]
    asked = offers or (CHALLENGE.format("n1", algorithm),)
    counts: list[str] = []

    def hashed(*parts: str) -> str:
        return made(":".join(parts).encode()).hexdigest()

    def turn(request: Seen) -> Said:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', request.header("Authorization").removeprefix("Digest ")))
        first = hashed(given.get("username", ""), "zirkon", PASSWORD)
        second = hashed(request.method, given.get("uri", ""))
        middle = (given.get("nonce", ""), given.get("nc", ""), given.get("cnonce", ""), "auth")
        if given.get("response") == hashed(first, *middle, second) and given["nc"] not in counts:
            counts.append(given["nc"])
            return Said(207, (), listed().encode())
        return Said(401, tuple(("WWW-Authenticate", offer) for offer in asked))

    return turn


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_server_that_wants_digest_gets_it(algorithm: str) -> None:
    with Wire("", digest_turn(algorithm)) as wire, collection(wire) as calendar:
        assert len(calendar.resources(None)) == 1
        before = len(wire.seen)
        assert len(calendar.resources(None)) == 1
        assert len(wire.seen) == before + 1
    wrong = refusal(digest_turn(algorithm), password="wrong")
    assert "refuses the user or the password" in wrong.message


MD5, SHA_256, STRONGER = (CHALLENGE.format("n1", name) for name in ("MD5", "SHA-256", "SHA-512-256"))


@pytest.mark.parametrize(
    ("algorithm", "offers"),
    [
        ("MD5", (STRONGER, MD5)),
        ("SHA-256", (STRONGER, SHA_256, MD5)),
        ("MD5", (MD5, SHA_256)),
        ("MD5", (f"{STRONGER}, {MD5}",)),
        ("MD5", (f'Basic realm="zirkon", {MD5}',)),
        ("MD5", (f'{MD5}, Basic realm="zirkon"',)),
        ("MD5", ('Basic realm="a, Digest b=\\"c"', f"Negotiate, NTLM, {MD5}")),
        ("MD5", (f"Negotiate YII==, {MD5}", SHA_256)),
        ("MD5", (MD5.replace('"auth"', '"auth-int"').replace("n1", "n2"), MD5)),
        ("MD5", (MD5.replace('"auth"', '"auth-int,auth"'),)),
        ("MD5", (MD5.replace("Digest", "DIGEST").replace("realm=", "Realm = ").replace("MD5", '"md5"'),)),
        ("MD5", (MD5.replace(", algorithm=MD5", ""),)),
    ],
)
def test_of_several_ways_to_log_in_the_first_that_is_known_is_taken(algorithm: str, offers: tuple[str, ...]) -> None:
    with Wire("", digest_turn(algorithm, *offers)) as wire, collection(wire) as calendar:
        assert len(calendar.resources(None)) == 1
    assert wire.methods == ["REPORT"] * 3  # by Basic, without, by Digest


def test_a_nonce_that_has_become_stale_is_followed_by_the_next() -> None:
    with Wire("", digest_turn("MD5", STRONGER, MD5)) as wire, collection(wire) as calendar:
        calendar.resources(None)
        wire.turn = digest_turn("MD5", STRONGER, MD5)
        known = wire.turn
        wire.turn = lambda r: known(r) if 'nonce="n2"' in r.header("Authorization") else Said(401, stale)
        stale = tuple(("WWW-Authenticate", offer.replace("n1", "n2")) for offer in (STRONGER, MD5))
        assert len(calendar.resources(None)) == 1


def test_letters_that_digest_cannot_carry_are_told_and_basic_takes_them() -> None:
    error = refusal(digest_turn("MD5"), user="zirkön")
    assert error.message.endswith("wants a log-in by Digest, for which the user's name has to be in ASCII.")
    with Wire("", says(listed())) as wire, collection(wire, user="zirkön") as calendar:
        assert len(calendar.resources(None)) == 1
    sent = wire.seen[0].header("Authorization").removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"zirkön:{PASSWORD}"


@pytest.mark.parametrize(
    "challenge",
    [
        STRONGER,
        f'Basic realm="zirkon", {STRONGER}',
        "Digest",
        'Digest realm="zirkon, nonce="n"',
        CHALLENGE.format("n", "ZIRKON"),
        'Digest realm="zirkon", qop="auth-int", nonce="n"',
        "Digest zirkon",
        'Digest realm="zirkon"',
        "Digest ",
    ],
)
def test_a_challenge_that_cannot_be_met_is_told(challenge: str) -> None:
    message = refusal(says("", 401, ("WWW-Authenticate", challenge))).message
    assert "no way to log in that we know" in message or "refuses the user" in message


# Elsewhere.


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_server_is_followed_with_everything(status: int) -> None:
    def turn(request: Seen) -> Said:
        if request.path.startswith("/new/"):
            return Said(207 if request.method == "REPORT" else 201, (), listed("/new/a.ics").encode())
        return Said(status, (("Location", f"/new{request.path}"),))

    with Wire("", turn) as wire, collection(wire) as calendar:
        (found,) = calendar.resources(None)
        assert found.href == f"{wire.url}new/a.ics"
        assert put_new(calendar)
    assert [(r.method, r.path) for r in wire.seen[2:]] == [("PUT", "/1@x.ics"), ("PUT", "/new/1@x.ics")]
    assert wire.seen[-1].body == b"BEGIN"
    assert wire.seen[-1].header("If-None-Match") == "*"


@pytest.mark.parametrize("ask", [lambda c: c.resources(None), put_new, put_over, remove])
def test_nothing_goes_to_another_server(ask: Callable[[Collection], object]) -> None:
    with Wire("", says(listed())) as other:
        error = refusal(says("", 307, ("Location", f"{other.url}calendar/")), ask)
        assert "sends us to another" in error.message
    assert other.seen == []


def test_a_redirect_in_circles_ends() -> None:
    assert "cannot be understood" in refusal(says("", 302, ("Location", "/"))).message
    assert "cannot be understood" in refusal(says("", 302)).message


ELSEWHERE = (
    "//other.example/a.ics",
    "https://127.0.0.1/a.ics",
    "http://127.0.0.1:1/a.ics",
    "file:///a.ics",
    "http://[::1/",
)


@pytest.mark.parametrize("href", ELSEWHERE)
def test_an_entry_that_lies_elsewhere_is_refused(href: str) -> None:
    message = refusal(says(listed(href))).message
    assert "sends us to another" in message or "cannot be understood" in message


def test_an_address_with_somebody_elses_name_in_it_is_asked_as_ours() -> None:
    with Wire("") as wire, collection(wire) as calendar:
        wire.turn = says(listed(f"http://evil:zirkon@127.0.0.1:{wire.url.rpartition(':')[2]}a.ics"))
        (found,) = calendar.resources(None)
        assert found.href == f"{wire.url}a.ics"
        wire.turn = says("", 204)
        assert calendar.remove(Held(found.href, found.etag, "1@x", None))
    assert wire.seen[-1].header("Authorization") == f"Basic {token()}"


# What the server says.


@pytest.mark.parametrize(
    ("status", "ask", "words"),
    [
        (401, None, "refuses the user or the password (401)"),
        (403, None, "does not let us look at that, or it is no calendar (403)"),
        (403, put_new, "takes no such change of the calendar (403)"),
        (403, remove, "takes no such change of the calendar (403)"),
        (404, None, "has no calendar at that address (404)"),
        (404, put_new, "has no calendar at that address (404)"),
        (410, None, "has no calendar at that address (410)"),
        (405, None, "has no calendar at that address, but something else (405)"),
        (200, None, "has no calendar at that address, but something else (200)"),
        (415, None, "has no calendar at that address, but something else (415)"),
        (405, put_new, "takes no such change of the calendar (405)"),
        (413, put_over, "takes no such change of the calendar (413)"),
        (500, None, "cannot do it now (500)"),
        (503, put_new, "cannot do it now (503)"),
        (507, put_over, "cannot do it now (507)"),
        (429, remove, "cannot do it now (429)"),
        (501, remove, "cannot do it now (501)"),
        (303, None, "has no calendar at that address, but something else (303)"),
    ],
)
def test_a_status_is_one_sentence(status: int, ask: Callable[[Collection], object] | None, words: str) -> None:
    error = refusal(says("<p>zirkon</p>", status), ask or (lambda c: c.resources(None)))
    assert error.message.endswith(f"{words}.")
    assert error.status == 7


@pytest.mark.parametrize("status", [409, 412])
def test_somebody_who_was_faster_is_no_failure(status: int) -> None:
    with Wire("", says("", status)) as wire, collection(wire) as calendar:
        assert [ask(calendar) for ask in (put_new, put_over, remove)] == [False] * 3


CALDAV = 'xmlns:c="urn:ietf:params:xml:ns:caldav"'


@pytest.mark.parametrize(
    ("status", "inner", "is_late"),
    [
        (403, f"<c:no-uid-conflict {CALDAV}/>", True),
        (400, "<s:message xmlns:s='http://sabredav.org/ns'>Calendar object with uid already exists</s:message>", True),
        (409, "<s:exception xmlns:s='http://sabredav.org/ns'>Conflict</s:exception>", True),
        (412, "<d:precondition/>", True),
        (409, f"<c:valid-calendar-data {CALDAV}/>", False),
        (412, f"<c:valid-calendar-data {CALDAV}/>", False),
        (403, "<no-uid-conflict/>", False),
        (403, f"&no-uid-conflict;<c:no-uid-conflict {CALDAV}/>", False),
        (500, f"<c:no-uid-conflict {CALDAV}/>", False),
    ],
)
def test_a_precondition_that_failed_is_read_by_its_name(status: int, inner: str, *, is_late: bool) -> None:
    body = f'<?xml version="1.0"?><d:error xmlns:d="DAV:">{inner}</d:error>'
    with Wire("", says(body, status)) as wire, collection(wire) as calendar:
        for ask in (put_new, put_over, remove):
            if is_late:
                assert not ask(calendar)
            else:
                with pytest.raises(EntryRefusedError) as error:
                    ask(calendar)
                assert error.value.is_general == (status == 500)


def test_what_is_gone_is_not_written_over() -> None:
    with Wire("", says("", 404)) as wire, collection(wire) as calendar:
        assert not put_over(calendar)


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_already_is_removed(status: int) -> None:
    with Wire("", says("", status)) as wire, collection(wire) as calendar:
        assert remove(calendar)


LAUGHS = '<!DOCTYPE l [<!ENTITY a "zirkon"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"zirkon",
        b"<html><body>zirkon</body></html>",
        listed()[:-20].encode(),
        listed(head=LAUGHS, data="&b;").encode(),
        listed(head=OUTSIDE, data="&a;").encode(),
        listed(head="<!DOCTYPE l>").encode(),
        listed(head='<?xml version="1.0" encoding="zirkon"?>').encode(),
        listed(head='<?xml version="1.0" encoding="utf-7"?>').encode(),
        listed(head='<?xml version="1.0" encoding="shift_jis"?>').encode(),
        listed(data="\x00").encode(),
        b"\xff" + listed().encode(),
    ],
)
def test_what_is_no_multi_status_is_not_understood(body: bytes) -> None:
    assert refusal(says(body)).message.endswith("cannot be understood.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_that_xml_knows_are_read(encoding: str) -> None:
    named = encoding.removesuffix("-sig")
    body = listed(head=f'<?xml version="1.0" encoding="{named}"?>', data="Büro").encode(encoding)
    with Wire("", says(body)) as wire, collection(wire) as calendar:
        assert calendar.resources(None)[0].data == "Büro"


def test_an_answer_in_parts_is_not_taken_for_the_whole() -> None:
    part = "<d:response><d:href>/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>"
    body = listed().replace("</d:multistatus>", f"{part}</d:multistatus>")
    assert "a part of the calendar only" in refusal(says(body)).message


def test_entries_without_text_are_passed_over() -> None:
    empty = listed().replace("200 OK", "404 Not Found")
    with Wire("") as wire, collection(wire) as calendar:
        wire.turn = lambda request: Said(207, (), (empty if request.method == "REPORT" else kind()).encode())
        assert calendar.resources(None) == []


@pytest.mark.parametrize("is_", ["", "<d:resourcetype/>", "<d:resourcetype><d:collection/></d:resourcetype>"])
def test_an_empty_folder_that_is_no_calendar_is_refused(is_: str) -> None:
    def turn(request: Seen) -> Said:
        return Said(207, (), (NOTHING if request.method == "REPORT" else kind(is_)).encode())

    assert refusal(turn).message == "The calendar server 127.0.0.1 has no calendar at that address, but something else."


@pytest.mark.parametrize(
    ("given", "sent"),
    [('"1"', '"1"'), ('W/"1"', '"1"'), ("", "*"), (" ", "*"), ("é", "*"), ("1&#10;X-Y: zirkon", "*")],
)
def test_an_etag_is_sent_back_as_far_as_it_can_be(given: str, sent: str) -> None:
    with Wire("", says(listed(etag=given))) as wire, collection(wire) as calendar:
        (found,) = calendar.resources(None)
        wire.turn = says("", 204)
        assert calendar.remove(Held(found.href, found.etag, "1@x", None))
        assert calendar.put("1@x", b"", Held(found.href, found.etag, "1@x", None))
    assert [r.header("If-Match") for r in wire.seen[1:]] == [sent, sent]
    assert not any(r.header("X-Y") for r in wire.seen)


# What breaks.


def test_a_huge_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_BYTES", 100_000)
    assert "does not end" in refusal(says(b" " * 200_000)).message
    assert "does not end" in refusal(says(b" " * 200_000, 401)).message
    assert "does not end" in refusal(says(b" " * 200_000, 201), put_new).message


def test_an_answer_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_TIME", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            with server.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 1000000\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b" ")
                        time.sleep(0.02)
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with Collection(CalendarServer(url)) as calendar, pytest.raises(CalendarError, match="does not end"):
            calendar.resources(None)
        thread.join()


@pytest.mark.parametrize("encoding", ["gzip", "br", "zirkon"])
def test_a_compressed_answer_is_not_unfolded(encoding: str) -> None:
    packed = says(gzip.compress(listed().encode()), 207, ("Content-Encoding", encoding))
    assert "cannot be understood" in refusal(packed).message


def test_a_server_that_hangs_up_or_says_nothing_sensible_is_told() -> None:
    def hang_up(_: Seen) -> Said:
        raise Cut

    assert "breaks the connection off" in refusal(hang_up).message
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            with server.accept()[0] as connection:
                while not connection.recv(65_536).endswith(b"</C:calendar-query>"):
                    pass  # what is left unread would break the connection off
                connection.sendall(b"220 zirkon ESMTP\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with Collection(CalendarServer(url)) as calendar, pytest.raises(CalendarError, match="does not speak HTTP"):
            calendar.resources(None)
        thread.join()


def test_a_server_that_is_silent_or_away_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        with Collection(CalendarServer(url), 0.2) as calendar, pytest.raises(CalendarError, match="does not answer"):
            calendar.resources(None)
    refused = "cannot be reached: .*refused"
    with Collection(CalendarServer(url)) as calendar, pytest.raises(CalendarError, match=refused):
        calendar.resources(None)


def test_a_server_that_speaks_no_tls_is_told_so() -> None:
    with Wire("", lambda _: Said(200, (), b"")) as wire:
        url = wire.url.replace("http://", "https://")
        with Collection(CalendarServer(url)) as calendar, pytest.raises(CalendarError, match="does not speak TLS"):
            calendar.resources(None)


def test_a_look_at_the_calendar_may_take_longer_than_a_change_of_it() -> None:
    def slow(request: Seen) -> Said:
        time.sleep(0.6)
        return Said(207, (), listed().encode())

    with Wire("", slow) as wire, collection(wire, 0.2) as calendar:
        assert len(calendar.resources(None)) == 1
        with pytest.raises(CalendarError, match="does not answer"):
            put_new(calendar)
    assert wire.methods == ["REPORT", "PUT"]


def test_a_protected_server_is_trusted_by_its_certificate_alone() -> None:
    with Wire("", says(listed()), tls=True) as wire:
        with collection(wire, ca_file=str(CA)) as calendar:
            assert len(calendar.resources(None)) == 1
        seen = len(wire.seen)
        with (
            collection(wire) as calendar,
            pytest.raises(CalendarError, match="certificate that is not trusted: ") as error,
        ):
            calendar.resources(None)
        assert error.value.hint == "INFUSION_CALDAV_CA_FILE"
        elsewhere = wire.url.replace("127.0.0.1", "localhost")
        mismatch = pytest.raises(CalendarError, match="not trusted: Hostname mismatch")
        with collection(wire, ca_file=str(CA), url=elsewhere) as calendar, mismatch:
            calendar.resources(None)
        assert len(wire.seen) == seen


def test_settings_that_cannot_be_used_are_named_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match=r"none\.pem cannot be read"):
        Collection(CalendarServer("https://calendars.example/", ca_file="none.pem"))
    with pytest.raises(UsageError, match="address cannot be read"):
        Collection(CalendarServer("https://xn--\u0378.example/"))


def test_proxies_of_the_surroundings_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire("", says(listed())) as proxy, Wire("", says(listed())) as wire:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with collection(wire) as calendar:
            calendar.resources(None)
    assert (len(wire.seen), proxy.seen) == (1, [])
