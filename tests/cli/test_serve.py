"""Feeds over HTTP: what is told to whom, what is not sent twice, and that nothing else is there."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import pytest
from cli.desk import FIRST_VISITS, PROGRAM, YARA, Desk

from infusion_cli.cli.feed_folder import INDEX

ONE, *_ = FIRST_VISITS


class Reply(NamedTuple):
    """An answer over HTTP; the names of the headers are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Served:
    """A server in a process of its own."""

    def __init__(self, desk: Desk, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *PROGRAM, "ical", "serve", "out", "--port", "0", "--format", "jsonl", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=desk.folder,
        )
        assert self.process.stdout is not None
        self.told = json.loads(self.process.stdout.readline())
        self.port = int(self.told["url"].rstrip("/").rpartition(":")[2])

    def ask(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, bytes, bytes]:
        """Stop it; its status and what else it wrote."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara's course of six, all in the quiet room (chair-3), and feeds of every chair."""
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("ical", "feed", "out", "--all")
    return desk


@pytest.fixture
def served(booked: Desk) -> Iterator[Served]:
    """The feeds, served."""
    own = Served(booked)
    yield own
    if own.process.poll() is None:
        own.end()


def names(desk: Desk) -> dict[str, str]:
    """The files of the feeds by subject."""
    return {d["subject"]: d["file"] for d in desk.json("ical", "feed", "out") if d["state"] != "removed"}


def test_a_feed_is_the_file_that_would_be_written(booked: Desk, served: Served) -> None:
    assert (served.told["feeds"], served.told["url"]) == (7, f"http://127.0.0.1:{served.port}/")
    for name in names(booked).values():
        reply = served.ask(f"/{name}")
        assert reply.status == 200
        assert reply.body == (booked.folder / "out" / name).read_bytes()


def test_the_headers_in_full(booked: Desk, served: Served) -> None:
    reply = served.ask(f"/{names(booked)['chair-3']}")

    assert sorted(reply.headers) == [
        *("cache-control", "content-length", "content-type", "date", "etag", "last-modified"),
        "x-content-type-options",
    ]
    assert reply.headers["content-type"] == "text/calendar; charset=utf-8"
    assert reply.headers["cache-control"] == "private, max-age=300"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert parsedate_to_datetime(reply.headers["last-modified"]).isoformat() == "2026-11-23T13:00:00+00:00"


def test_a_head_has_the_same_headers_and_no_body(booked: Desk, served: Served) -> None:
    path = f"/{names(booked)['chair-3']}"
    got, head = served.ask(path), served.ask(path, "HEAD")

    assert (head.status, head.body) == (200, b"")
    assert head.headers | {"date": ""} == got.headers | {"date": ""}


def test_what_the_client_has_is_not_sent_again(booked: Desk, served: Served) -> None:
    path = f"/{names(booked)['chair-3']}"
    first = served.ask(path)
    etag, since = first.headers["etag"], first.headers["last-modified"]

    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"another", W/{etag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-None-Match": '"another"', "If-Modified-Since": since}, 200),
        ({"If-Modified-Since": since}, 304),
        ({"If-Modified-Since": "Mon, 23 Nov 2026 12:59:59 GMT"}, 200),
        ({"If-Modified-Since": "no date"}, 200),
        ({}, 200),
    ):
        reply = served.ask(path, headers=headers)
        assert (reply.status, reply.headers["etag"], bool(reply.body)) == (status, etag, status == 200), headers
    not_modified = served.ask(path, headers={"If-None-Match": etag}).headers
    assert sorted(not_modified) == ["cache-control", "date", "etag", "last-modified"]


def test_a_change_is_there_at_once_and_only_where_it_happened(booked: Desk, served: Served) -> None:
    feeds = names(booked)
    before = {subject: served.ask(f"/{name}").headers for subject, name in feeds.items()}
    booked.say("move", ONE, "2026-12-01T09:30")

    changed = []
    for subject, name in feeds.items():
        for header, mark in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")):
            reply = served.ask(f"/{name}", headers={header: before[subject][mark]})
            changed += [subject] if reply.status == 200 else []
    assert changed == [s for s in ("chair-3", "rn-bell", "rn-okafor", "dr-lindqvist") for _ in range(2)]
    assert b"T093000" in served.ask(f"/{feeds['chair-3']}").body


def test_another_operation_that_changes_nothing_in_a_feed_sends_nothing(booked: Desk, served: Served) -> None:
    path = f"/{names(booked)['chair-3']}"
    before = served.ask(path).headers
    booked.say("confirm", ONE)

    assert served.ask(path, headers={"If-None-Match": before["etag"]}).status == 304
    assert served.ask(path, headers={"If-Modified-Since": before["last-modified"]}).status == 304


def test_everything_else_is_not_there_and_always_in_the_same_words(booked: Desk, served: Served) -> None:
    name = names(booked)["chair-3"]
    wrong = (
        "/",
        "",
        f"/{'0' * 40}.ics",
        f"/{INDEX}",
        f"/{name}x",
        f"/x/../{name}",
        f"/{name[:-4]}",
        "/%00",
        "/chair-3",
    )
    asked = [(path, "GET") for path in wrong] + [(f"/{name}?x=1", "GET")]
    asked += [(f"/{name}", method) for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "TRACE")]
    for path, method in asked:
        reply = served.ask(path, method)
        assert (reply.status, reply.body) == (404, b""), (path, method)
        assert set(reply.headers) - {"connection"} == {"content-length", "date"}


def test_a_revoked_feed_is_gone_at_once_and_its_successor_there(booked: Desk, served: Served) -> None:
    old = names(booked)["chair-3"]
    booked.json("ical", "feed", "out", "--revoke", "chair-3")

    assert served.ask(f"/{old}").status == 404
    assert served.ask(f"/{names(booked)['chair-3']}").status == 200


def test_a_book_that_cannot_be_read_is_a_matter_of_time(booked: Desk, served: Served) -> None:
    path = f"/{names(booked)['chair-3']}"
    aside = booked.book.rename(booked.folder / "aside")
    reply = served.ask(path)
    assert (reply.status, reply.headers["retry-after"], reply.body) == (503, "60", b"")
    aside.rename(booked.book)
    assert served.ask(path).status == 200


def test_many_ask_at_the_same_time(booked: Desk, served: Served) -> None:
    feeds = list(names(booked).values())
    found: list[tuple[str, Reply]] = []
    threads = [
        threading.Thread(target=lambda name=name: found.append((name, served.ask(f"/{name}")))) for name in feeds * 5
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 35
    for name, reply in found:
        assert reply.body == (booked.folder / "out" / name).read_bytes()


def test_a_body_that_nobody_reads_is_not_taken_for_a_request(booked: Desk, served: Served) -> None:
    name = names(booked)["chair-3"]
    inner = f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n{inner}".encode())
        said = b""
        while piece := connection.recv(65536):
            said += piece

    assert said.count(b"HTTP/1.1 ") == 1
    assert b"VCALENDAR" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_well_and_has_written_nothing_of_what_was_asked(booked: Desk, number: int) -> None:
    served = Served(booked)
    for path in (f"/{names(booked)['chair-3']}", "/nothing", "/%"):
        served.ask(path)

    assert served.end(number) == (0, b"", b"")


def test_a_line_for_people(booked: Desk) -> None:
    with subprocess.Popen(
        [sys.executable, *PROGRAM, "ical", "serve", "out", "--port", "0"], stdout=subprocess.PIPE, cwd=booked.folder
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
    assert line.startswith(b"Serving 7 feeds at http://127.0.0.1:")
    assert line.rstrip().endswith(b"/ until Ctrl-C.")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("out", "--host", "0.0.0.0"), 2, "On 0.0.0.0 other machines could read the feeds, and without encryption."),
        (("out", "--host", "clinic.example"), 2, "On clinic.example other machines could read the feeds, "),
        (("out", "--host", "::"), 2, "On :: other machines could read the feeds, "),
        (("out", "--port", "70000"), 2, "The number for 'port' is from 0 to 65535"),
        (("nowhere",), 2, "There are no feeds in nowhere."),
    ],
)
def test_what_cannot_be_served(booked: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert booked.refused(status, "ical", "serve", *words)["message"].startswith(message)


def test_a_port_that_is_taken_is_named(booked: Desk, served: Served) -> None:
    refused = booked.refused(2, "ical", "serve", "out", "--port", str(served.port))
    assert refused["message"].startswith(f"127.0.0.1 port {served.port} cannot be used: ")


def test_other_machines_are_served_only_when_that_was_said(booked: Desk) -> None:
    served = Served(booked, "--host", "127.1", "--exposed")  # loopback, in a form that it is not taken for
    assert served.ask(f"/{names(booked)['chair-3']}").status == 200
    assert served.end()[0] == 0
