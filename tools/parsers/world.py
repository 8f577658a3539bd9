"""Calendar files as the program writes them, in many zones and around their changes of the clock, and what is true."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.cli.app import run
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.formats.busy import uid_of
from infusion_cli.formats.caldav_event import Events
from infusion_cli.services.busy import IN_FILE
from infusion_cli.store.repository import open_store

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "America/Phoenix",
    "America/Santiago",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Africa/Casablanca",
)
"""North and south, with and without a change of the clock, half and quarter hours, a change by half an
hour, one at midnight, and one that follows no yearly rule."""
NOW = "2026-01-05T08:00:00+00:00"
YEAR = (datetime(2026, 1, 12, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC))
AROUND = (-50, -26, -2, -1, -0.5, 0, 0.5, 1, 2, 26, 50)
"""Hours from a change of the clock at which somebody has a visit."""
REGULAR = "M-REGULAR"
"""Who comes before and after every change."""

Event = tuple[str, int, int, str]
"""UID, start, end, summary."""


class World(NamedTuple):
    """Files, and the events that are in each, in order."""

    files: dict[Path, list[Event]]


_CLINIC = """\
schema = 1

[clinic]
name = "Northgate Ketamine"
public_name = 'Praxis "Süd", Haus 3; \\\\ oben – 診療所 😀 am Ende der sehr langen Straße'
timezone = "{zone}"
phone = "+1 518 555 0100"
email = "desk@northgate.example"
address = "7 North Gate Road, Albany"
grid = 15
cancel_notice = "24h"

[[hours]]
days = {days}
open = "00:00"
close = "24:00"
{chairs}
{staff}
[[protocols]]
id = "visit"
title = "Ketamine"
public_title = 'Besuch; "kurz", mit \\\\ und 😀 und noch viel mehr Worten als in eine Zeile passen'
phases = [
  {{ name = "infusion", minutes = 60, patients_per_nurse = 4, dosing = true }},
  {{ name = "turnover", minutes = 15, after_leave = true }},
]
"""
_DAYS = '["MO", "TU", "WE", "TH", "FR", "SA", "SU"]'
_CHAIR = """
[[chairs]]
id = "chair-{number}"
name = 'Fenster {number}, links; \\\\ "Süd" 😀'
protocols = ["*"]
"""
_NURSE = """
[[staff]]
id = "rn-{number}"
role = "nurse"
shifts = [{{ days = {days}, from = "00:00", to = "24:00" }}]
"""


def changes(zone: str) -> list[datetime]:
    """The moments of the year at which the zone's clock is put on or back; two others where it never is."""
    tz = ZoneInfo(zone)
    hours = [YEAR[0] + timedelta(hours=n) for n in range(int((YEAR[1] - YEAR[0]).total_seconds()) // 3600)]
    offsets = [hour.astimezone(tz).utcoffset() for hour in hours]
    found = [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]
    return found or [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]


def build(folder: Path, zone: str) -> World:
    """A clinic in that zone with a year of visits, and every kind of file that the program writes of them."""
    folder.mkdir()
    with at_work(folder):
        (folder / "clinic.toml").write_text(_clinic(zone), encoding="utf-8")
        bookings = list(_bookings(zone))
        _write(folder / "people.csv", "mrn,name,email", ((mrn, "Ada", f"{mrn}@x.example") for mrn, _ in bookings))
        _write(
            folder / "requests.csv",
            "action,patient,protocol,when",
            (("book", m, "visit", when) for m, when in bookings),
        )
        say("init", "--from", "clinic.toml")
        say("patients", "import", "people.csv")
        say("batch", "apply", "requests.csv")
        return World(_files(folder))


def _files(folder: Path) -> dict[Path, list[Event]]:
    """Let the program write the files; what is in each is taken from the book."""
    listed = json.loads(say("list", "--json"))
    regular = [v["id"] for v in listed if v["patient"] == listed_patient(REGULAR)]
    gone = next(v["id"] for v in listed if v["id"] not in regular)
    say("ical", "invite", gone, "-o", "invite.ics")
    with open_store(folder / "book.sqlite3") as store, store.reading(0) as reader:
        visits = {v.id: v for v in reader.each_visit(0, 1 << 33, IN_FILE)}
        clinic, key = reader.clinic, reader.founding
    title = clinic.protocols[0].public_title
    names = {c.id: f"Busy – {c.name}" for c in clinic.chairs}
    told = {v.id: (v.uid, v.start, v.leave, title) for v in visits.values()}
    busy = {v.id: (uid_of(v, key), v.start, v.end, names[v.chair]) for v in visits.values()}
    files = {folder / "invite.ics": [told[gone]]}
    say("cancel", gone, "--reason", "cold", "--yes")
    for name, words, events in (
        ("cancel.ics", ("cancel", gone), [told[gone]]),
        ("visit.ics", ("export", regular[0]), [told[regular[0]]]),
        ("patient.ics", ("export", listed_patient(REGULAR)), [told[i] for i in regular]),
        ("clinic.ics", ("export", "--clinic"), [e for i, e in busy.items() if i != gone]),
        ("staff.ics", ("export", "--staff", "rn-1"), [e for i, e in busy.items() if i != gone]),
    ):
        say("ical", *words, "-o", name)
        files[folder / name] = events
    files |= _pushed(folder, clinic, key, [v for i, v in visits.items() if i != gone], names)
    files |= _mailed(folder, {event[0]: event for event in told.values()})
    for chair in clinic.chairs:
        mine = [e for i, e in busy.items() if i != gone and visits[i].chair == chair.id]
        name = f"{chair.id}.ics"
        if mine:
            say("ical", "export", "--chair", chair.id, "-o", name)
            files[folder / name] = mine
    feeds = json.loads(
        say("ical", "feed", "feeds", "--chair", "chair-1", "--staff", "rn-1", "--to", "2026-12-31", "--json")
    )
    for feed in feeds:
        of = (i for i in busy if i != gone and (feed["kind"] == "staff" or visits[i].chair == feed["subject"]))
        files[folder / "feeds" / feed["file"]] = [busy[i] for i in of]
    return files


def _pushed(
    folder: Path, clinic: Clinic, key: str, visits: Iterable[Appointment], names: Mapping[str, str]
) -> dict[Path, list[Event]]:
    """Each visit as a calendar server is given it, as a file of its own."""
    (folder / "shared").mkdir()
    form = Events(clinic, "clinic", "", key)
    files = {}
    for visit in visits:
        path = folder / "shared" / f"{visit.id}.ics"
        path.write_bytes(form.octets(visit))
        files[path] = [(form.uid(visit), visit.start, visit.end, names[visit.chair])]
    return files


def _mailed(folder: Path, events: Mapping[str, Event]) -> dict[Path, list[Event]]:
    """The calendar in each mail that is due, as a file beside it; its UID says which event it is."""
    say("ical", "send", "--dry-run", "-o", "mails")
    files = {}
    for mail in sorted((folder / "mails").iterdir()):
        message = message_from_bytes(mail.read_bytes(), policy=policy.SMTP)
        (data,) = (part.get_payload(decode=True) for part in message.walk() if part.get_content_subtype() == "ics")
        path = mail.with_suffix(".ics")
        path.write_bytes(data)
        uid = data.partition(b"UID:")[2].partition(b"\r\n")[0].decode()
        files[path] = [events[uid]]
    return files


def listed_patient(mrn: str) -> str:
    """The id of the patient of that number."""
    return str(json.loads(say("patients", "show", mrn, "--json"))["id"])


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Let the program work in that folder, on a book of its own, at a fixed time."""
    wanted = {"INFUSION_DB": str(folder / "book.sqlite3"), "INFUSION_NOW": NOW, "INFUSION_ACTOR": "reader"}
    before, here = {name: os.environ.get(name) for name in wanted}, Path.cwd()
    os.environ.update(wanted)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def say(*words: str) -> str:
    """The output of a command that has to succeed."""
    out = StringIO()
    with redirect_stdout(out):
        status = run(list(words))
    if status:
        raise SystemExit(f"infusion {' '.join(words)}: status {status}")
    return out.getvalue()


def _clinic(zone: str) -> str:
    return _CLINIC.format(
        zone=zone,
        days=_DAYS,
        chairs="".join(_CHAIR.format(number=n) for n in range(1, 6)),
        staff="".join(_NURSE.format(number=n, days=_DAYS) for n in range(1, 5)),
    )


def _bookings(zone: str) -> Iterator[tuple[str, str]]:
    """(patient, when) of every visit; nobody comes twice in a day."""
    for number, change in enumerate(changes(zone)):
        for hours in AROUND:
            moment = (change + timedelta(hours=hours)).isoformat()
            yield (REGULAR if abs(hours) in {26, 50, 0} else f"M{number}-{hours}"), moment


def _write(path: Path, head: str, rows: Iterable[Iterable[str]]) -> None:
    lines = dict.fromkeys(",".join(row) for row in rows)
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
