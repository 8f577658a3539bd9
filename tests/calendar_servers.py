"""Servers of shared calendars for tests, on ports of their own, and somebody who looks into them from outside."""

from __future__ import annotations

import base64
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from icalendar import Calendar

USER, PASSWORD = "nurses", "correct horse: battery"
NEIGHBOUR = "tea.ics"
TEA = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Tea//EN\r\nBEGIN:VEVENT\r\nUID:tea@kitchen.example\r\n"
    b"DTSTAMP:20261101T080000Z\r\nDTSTART:20261201T150000Z\r\nDTEND:20261201T153000Z\r\nSUMMARY:Tea\r\n"
    b"RRULE:FREQ=WEEKLY;COUNT=9\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_HREFS = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
_MAKE = (
    b'<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
    b"<D:displayname>Nurses</D:displayname></D:prop></D:set></C:mkcalendar>"
)


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Entry(NamedTuple):
    """What an entry says to another calendar program; instants in seconds."""

    start: int
    end: int
    summary: str
    note: str
    status: str
    sequence: int
    stamp: int


class Shelf:
    """A calendar on a server, without a line of the program."""

    def __init__(self, url: str, user: str = USER, password: str = PASSWORD) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.path = urlsplit(url).path

    def environment(self) -> dict[str, str]:
        """What tells the program to write here."""
        return {
            "INFUSION_CALDAV_URL": self.url,
            "INFUSION_CALDAV_USER": self.user,
            "INFUSION_CALDAV_PASSWORD": self.password,
        }

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """One request."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)) as connection:
            connection.request(method, path, body, {"Authorization": f"Basic {token}"} | named)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def make(self) -> None:
        """Make the calendar, with an entry of somebody else in it."""
        made = self.ask("MKCALENDAR", self.path, _MAKE, Content_Type="application/xml")
        assert made.status == 201, made
        self.write(NEIGHBOUR, TEA)

    def write(self, name: str, octets: bytes) -> None:
        """Put an entry there, whatever was there before."""
        written = self.ask("PUT", self.path + name, octets, Content_Type="text/calendar; charset=utf-8")
        assert written.status in {200, 201, 204}, written

    def remove(self, name: str) -> None:
        """Take an entry out."""
        assert self.ask("DELETE", self.path + name).status in {200, 204}

    def names(self) -> list[str]:
        """How the entries are called."""
        answer = self.ask("PROPFIND", self.path, _HREFS, Depth="1", Content_Type="application/xml")
        assert answer.status == 207, answer
        hrefs = [urlsplit(h.text or "").path for h in ET.fromstring(answer.body).iter("{DAV:}href")]
        return sorted(href.rpartition("/")[2].replace("%40", "@") for href in hrefs if not href.endswith("/"))

    def octets(self) -> dict[str, bytes]:
        """Every entry by its name."""
        found = {name: self.ask("GET", self.path + name) for name in self.names()}
        assert {answer.status for answer in found.values()} <= {200}
        return {name: answer.body for name, answer in found.items()}

    def entries(self) -> dict[str, Entry]:
        """What the entries beside the neighbour's say, by name, the neighbour's being as it was."""
        found = {name: read(octets) for name, octets in self.octets().items()}
        tea = found.pop(NEIGHBOUR)
        assert tea == read(TEA)
        return found


def read(octets: bytes) -> Entry:
    """An entry, by the calendar library."""
    parsed = Calendar.from_ical(octets)
    assert isinstance(parsed, Calendar)
    (event,) = parsed.events
    assert event.errors == []
    return Entry(
        _instant(event.start),
        _instant(event.end),
        str(event["SUMMARY"]),
        str(event.get("DESCRIPTION", "")),
        str(event.get("STATUS", "")),
        int(event.get("SEQUENCE", 0)),
        _instant(event.DTSTAMP),
    )


def _instant(moment: Any) -> int:
    assert isinstance(moment, datetime)
    assert moment.tzinfo is not None
    return int(moment.timestamp())


@contextmanager
def radicale(folder: Path) -> Iterator[Shelf]:
    """Radicale with one user."""
    users, config = folder / "users", folder / "radicale.conf"
    users.write_text(f"{USER}:{PASSWORD}\n", encoding="utf-8")
    config.write_text(
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder / 'collections'}\n",
        encoding="utf-8",
    )
    words = ["-m", "radicale", "--config", str(config), "--server-hosts", "127.0.0.1:{port}"]
    with _running(words, folder) as port:
        yield Shelf(f"http://127.0.0.1:{port}/{USER}/shared/")


@contextmanager
def xandikos(folder: Path) -> Iterator[Shelf]:
    """Xandikos, which lets everybody in on this machine."""
    words = ["-m", "xandikos", "serve", "-l", "127.0.0.1", "-p", "{port}", "-d", str(folder / "data"), "--defaults"]
    with _running(words, folder) as port:
        yield Shelf(f"http://127.0.0.1:{port}/user/calendars/shared/")


SERVERS = {"radicale": radicale, "xandikos": xandikos}


@contextmanager
def _running(words: list[str], folder: Path) -> Iterator[int]:
    """The server in a process of its own, once it listens, and its port; what it says is in `log`."""
    with (folder / "log").open("wb") as log:
        for _ in range(5):  # somebody else may take a port that was free
            port = _free_port()
            named = [word.format(port=port) for word in words]
            program = subprocess.Popen([sys.executable, *named], cwd=folder, stdout=log, stderr=log)
            try:
                if _listens(port, program):
                    yield port
                    return
            finally:
                program.kill()
                program.wait()
    raise RuntimeError(f"The server did not start: {(folder / 'log').read_text(errors='replace')}")


def _listens(port: int, program: subprocess.Popen[bytes]) -> bool:
    """Whether the server is there before a minute is over."""
    until = time.monotonic() + 60
    while program.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
