"""Everything that leaves the clinic, walked octet by octet for what must not be in it."""

from __future__ import annotations

import base64
import http.client
import json
import quopri
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from email.header import Header
from pathlib import Path
from urllib.parse import quote

import pytest
from calendar_servers import NEIGHBOUR, radicale
from cli.desk import FIRST_VISITS, PROGRAM, YARA, Desk
from privacy import Artefact, plain, told
from wire import Wire

from infusion_cli.domain import ids

ONE, TWO, THREE, *_ = FIRST_VISITS
SERIES = ids.encode("series", 0)
EMAIL = "garnet-77@example.com"
"""A calendar program finds its own invitation by it, so it is in what is addressed to her; it is not her name."""
PATIENT = ("Yara", "Sánchez", "M1001", YARA, "1990-05-05", "207 555 1000", "2075551000", SERIES)
TREATMENT = (
    *("ketamine", "esketamine", "spravato", "iv-mood", "mood", "infusion", "nasal"),
    *("depression", "psychiatr", "wellness", "treatment", "session", "induction"),
)
CHAIRS = ("Quiet room", "Garden", "Alcove", "chair-1", "chair-2", "chair-3", "chair-4")
STAFF = ("rn-bell", "rn-okafor", "dr-lindqvist")
TALK = ("Granat, depression", "gap-tight", "sister")
"""Reasons, warnings and rides."""


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara's course with a secret wherever somebody can write one, and one visit of it cancelled."""
    desk.say("patients", "edit", YARA, "--email", EMAIL, "--born", "1990-05-05", "--phone", "+1 207 555 1000")
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("confirm", TWO, "--ride", "sister")
    desk.say("cancel", THREE, "--reason", "Granat, depression", "--yes")
    desk.say("book", "M1003", "iv-mood", "2026-12-07T12:00", "--hold", "2h", "--chair", "alcove")
    return desk


def patients_files(desk: Desk) -> list[Artefact]:
    """A visit, a series and a patient's visits, under the names that the program gives them."""
    for record in (ONE, SERIES, YARA):
        desk.say("ical", "export", record, "-q")
    return _files(desk, "appointment*.ics")


def invitations(desk: Desk) -> list[Artefact]:
    """One for each visit that stands, and the withdrawal of the other."""
    desk.say("ical", "invite", SERIES, "-q")
    desk.say("ical", "cancel", THREE, "-q")
    return [*_files(desk, "invite-*.ics"), *_files(desk, "cancel-*.ics")]


def mails(desk: Desk) -> list[Artefact]:
    """What `ical send` would hand over: every header and part, as it goes to the mail server."""
    desk.say("ical", "send", "--dry-run", "-o", "mails", "-q")
    return _files(desk, "mails/*.eml")


def busy_files(desk: Desk) -> list[Artefact]:
    """A chair's, somebody's and the clinic's."""
    for words in (("--chair", "chair-3"), ("--staff", "rn-bell"), ("--clinic",)):
        desk.say("ical", "export", *words, "-q")
    return _files(desk, "busy*.ics")


def feeds(desk: Desk) -> list[Artefact]:
    """The whole folder that a web server shows."""
    desk.say("ical", "feed", "out", "--all", "-q")
    return _files(desk, "out/*")


def replies(desk: Desk) -> list[Artefact]:
    """What is served: every feed, with all headers, and what is not there."""
    names = [d["file"] for d in desk.json("ical", "feed", "out", "--all")]
    with subprocess.Popen(
        [sys.executable, *PROGRAM, "ical", "serve", "out", "--port", "0", "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=desk.folder,
    ) as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rstrip("/").rpartition(":")[2])
        found = [_reply(port, method, name) for name in (*names, "", "x.ics") for method in ("GET", "HEAD", "POST")]
        process.send_signal(signal.SIGTERM)
        found.append(Artefact("what the server said", process.stdout.read()))
    return found


def requests(desk: Desk) -> list[Artefact]:
    """What a calendar server is sent: every request of runs that look, write, change and remove."""
    folder = desk.folder / "server"
    folder.mkdir(exist_ok=True)
    with radicale(folder) as shelf, Wire(shelf.url) as wire:
        shelf.make()
        shelf.remove(NEIGHBOUR)
        desk.setenv(**shelf.environment() | {"INFUSION_CALDAV_URL": wire.url})
        for words in (("--staff", "rn-bell"), ("--clinic",), ("--chair", "chair-3")):
            desk.say("ical", "push", *words, "-q")
        desk.say("move", TWO, "2026-12-03T08:00", "--chair", "chair-1", "-q")
        for words in (("--clinic",), ("--chair", "chair-3")):
            desk.say("ical", "push", *words, "-q")
        desk.say("undo", "--yes", "-q")
        assert set(wire.methods) == {"REPORT", "PROPFIND", "PUT", "DELETE"}
    return [Artefact(f"{request.method} {request.path}", request.octets) for request in wire.seen]


def _reply(port: int, method: str, name: str) -> Artefact:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, f"/{name}")
    reply = connection.getresponse()
    head = f"{reply.version} {reply.status} {reply.reason}\r\n{reply.headers}"
    data = reply.read()
    connection.close()
    return Artefact(f"/{name}", head.encode() + data)


def bundles(desk: Desk, *words: str) -> list[Artefact]:
    """Everything that a health system is given, in both releases."""
    for release in ("R4", "R5"):
        desk.say("fhir", "export", "--release", release, "-o", f"{release}.json", "-q", "--yes", *words)
    return _files(desk, "R?.json")


def _files(desk: Desk, pattern: str) -> list[Artefact]:
    found = sorted(p for p in desk.folder.glob(pattern) if p.is_file())
    assert found, pattern
    return [Artefact(p.name, p.read_bytes()) for p in found]


Maker = Callable[[Desk], list[Artefact]]


@pytest.mark.parametrize("make", [patients_files, invitations, mails, busy_files, feeds, replies, requests])
def test_no_name_number_medicine_or_reason_leaves_the_clinic(booked: Desk, make: Maker) -> None:
    made = make(booked)

    secrets = [*PATIENT, *TREATMENT, *TALK]
    if make is patients_files:  # the patient's own file may bear the series' id in its name
        made = [Artefact(name.replace(SERIES, ""), data) for name, data in made]
    assert told(made, secrets) == []
    addressed = {name for _, name in told(made, [EMAIL])}
    assert addressed == ({a.name for a in made} if make in {invitations, mails} else set())
    assert len(told(made, ["BEGIN:VEVENT"])) >= 3


@pytest.mark.parametrize("make", [patients_files, invitations, mails])
def test_no_chair_and_nobody_of_the_staff_is_in_a_patients_file(booked: Desk, make: Maker) -> None:
    assert told(make(booked), [*CHAIRS, *STAFF]) == []


def test_nothing_leads_from_a_chairs_calendar_to_what_a_patient_was_sent(booked: Desk) -> None:
    theirs = [*patients_files(booked), *invitations(booked), *mails(booked)]
    ours = [*busy_files(booked), *feeds(booked), *replies(booked), *requests(booked)]
    sent = {line for a in theirs for name in (b"UID", b"DTSTAMP") for line in _values(a.data, name)}
    shown = {line for a in ours for line in _values(a.data, b"UID")}
    visits = [v["id"] for v in booked.json("list", "--from", "2026-12-01", "--to", "2027-01-01")]

    assert told(ours, [*sent, *visits]) == []
    assert told(theirs, shown) == []
    assert {*sent, ONE, TWO} <= {found for found, _ in told(theirs, [*sent, *visits])}
    assert {found for found, _ in told(ours, shown)} == shown


def test_a_bundle_says_who_and_where_and_not_what_for(booked: Desk) -> None:
    """A health system has to know whom it is about; how to reach them, what for and by whom is not its business."""
    made = bundles(booked)
    calendars = {line for a in [*patients_files(booked), *busy_files(booked)] for line in _values(a.data, b"UID")}

    assert told(made, [*TREATMENT, *TALK, *STAFF, EMAIL, "207 555 1000", "2075551000", *calendars]) == []
    assert len(told(made, ["Sánchez", "M1001", "1990-05-05", "Quiet room"])) == 8
    assert {secret for secret, _ in told(bundles(booked, "--service-type"), TREATMENT)} >= {"iv-mood", "ketamine"}


def _values(data: bytes, name: bytes) -> list[str]:
    lines = data.replace(b"\r\n ", b"").split(b"\r\n")
    return [line.partition(b":")[2].decode() for line in lines if line.startswith(name + b":")]


def test_what_the_clinic_writes_into_its_own_names_is_found(booked: Desk) -> None:
    text = booked.say("clinic", "show").replace('name = "Quiet room"', 'name = "Yara Sánchez sits here"')
    text = text.replace('public_name = "Harbor Clinic"', 'public_name = "Harbor Nasal Clinic"')
    booked.say("clinic", "apply", booked.file("c.toml", text), "--yes", "-q")

    for make in (busy_files, feeds, replies, requests):
        assert {secret for secret, _ in told(make(booked), [*PATIENT, *TREATMENT])} == {"Yara", "Sánchez", "nasal"}
    assert {secret for secret, _ in told(patients_files(booked), TREATMENT)} == {"nasal"}


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "capitals": lambda s: s.upper().encode(),
    "without accents": lambda s: plain(s).encode(),
    "in parts": lambda s: "\N{COMBINING ACUTE ACCENT}".join(s).encode(),
    "folded": lambda s: b"\r\n ".join(bytes([octet]) for octet in s.encode()),
    "base64": lambda s: base64.b64encode(s.encode()),
    "base64, one further": lambda s: base64.b64encode(b"x" + s.encode()),
    "base64, two further": lambda s: base64.b64encode(b"xy" + s.encode() + b"z"),
    "base64 in a word": lambda s: b"abc" + base64.urlsafe_b64encode(s.encode()).rstrip(b"=") + b"k",
    "base64 in lines": lambda s: base64.encodebytes(b"." * 55 + s.encode()).replace(b"\n", b"\r\n"),
    "base64 twice": lambda s: base64.b64encode(base64.b64encode(s.encode())),
    "quoted-printable": lambda s: quopri.encodestring(f"{'x' * 70}{s}".encode(), quotetabs=True),
    "percent": lambda s: quote(s).encode(),
    "every octet in percent": lambda s: b"".join(b"%%%02X" % octet for octet in s.encode()),
    "hexadecimal": lambda s: s.encode().hex().encode(),
    "a header": lambda s: Header(s, "utf-8").encode().encode(),
    "a header in Latin-1": lambda s: Header(s, "iso-8859-1").encode().encode(),
    "UTF-16": lambda s: s.encode("utf-16"),
    "HTML": lambda s: s.encode("ascii", "xmlcharrefreplace"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", ["Yara", "Sánchez", "ketamine", "Granat, depression"])
def test_the_search_finds_what_was_planted_however_it_is_written(encoding: str, secret: str) -> None:
    planted = ENCODINGS[encoding](secret)
    around = Artefact("x.ics", b"BEGIN:VCALENDAR\r\nX-A:" + planted + b"\r\nEND:VCALENDAR\r\n")

    assert told([around], [secret, "Obsidian"]) == [(secret, "x.ics")]


@pytest.mark.parametrize("name", ["yara-sanchez.ics", "WWFyYSBTw6FuY2hleg.ics", "Yara%20S%C3%A1nchez.ics"])
def test_the_search_finds_a_name_in_a_files_name(name: str, tmp_path: Path) -> None:
    assert told([Artefact(name, b"")], ["Yara"]) == [("Yara", name)]


def test_the_search_finds_nothing_where_nothing_is() -> None:
    harmless: Sequence[Artefact] = [Artefact("a.ics", b"BEGIN:VCALENDAR\r\nUID:" + b"0123456789abcdef" * 8)]

    assert told(harmless, [*PATIENT, *TREATMENT, *CHAIRS]) == []
