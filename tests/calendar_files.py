"""Calendar files for tests: a clinic and visits full of secrets, and ways to look at a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from icalendar import Calendar

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Chair, Clinic
from infusion_cli.domain.protocol import Phase, Protocol, Span
from infusion_cli.formats.ics import export

PHASES = (Phase("infusion", 75, dosing=True), Phase("turnover", 15, after_leave=True))
MOOD = Protocol("iv-mood-secret", "Ketamine series Zirkon", PHASES)
TALK = Protocol("talk-secret", "Consultation Topas", PHASES, public_title="Visit; first, short")


def at(text: str) -> int:
    """The instant of an ISO time with offset."""
    return int(datetime.fromisoformat(text).timestamp())


def clinic(**changes: Any) -> Clinic:
    """A clinic whose own name tells all and whose public name nothing."""
    return Clinic(
        name="Northgate Ketamine Infusion",
        public_name="Northgate Clinic",
        timezone="America/New_York",
        grid=15,
        cancel_notice=Span(24, "h"),
        hours=(),
        chairs=(Chair("chair-secret", "Obsidian"),),
        staff=(),
        protocols=(MOOD, TALK),
        phone="+1 518 555 0100",
        address="7 North Gate Road, Albany, NY 12207",
    )._replace(**changes)


def visit(number: int = 1, start: str | int = "2026-12-01T09:00-05:00", **changes: Any) -> Appointment:
    """The `number`-th visit: 75 minutes for the patient, 90 for the chair."""
    instant = start if isinstance(start, int) else at(start)
    return Appointment(
        id=f"A{number}",
        patient="P-Granat",
        protocol=MOOD.id,
        series="S-Beryll",
        session=3,
        start=instant,
        end=instant + 90 * 60,
        leave=instant + 75 * 60,
        chair="chair-secret",
        status="booked",
        phases=PHASES,
        wall="2026-12-01T09:00",
        zone="America/New_York",
        uid=f"{number:032x}@calendar.invalid",
        stamp=at("2026-11-23T12:30:05+00:00"),
    )._replace(**changes)


def octets(of: Clinic, *visits: Appointment, **options: str) -> bytes:
    """The whole file."""
    return b"".join(export(of, visits, **options))


def unfolded(data: bytes) -> str:
    """The file with its folds taken out."""
    return data.replace(b"\r\n ", b"").decode()


def read(data: bytes) -> list[tuple[int, int, str]]:
    """(start, end, location) of each event as the icalendar library reads the file."""
    calendar = Calendar.from_ical(data)
    assert isinstance(calendar, Calendar)
    assert [e.errors for e in calendar.events if e.errors] == []
    return [(_instant(e.start), _instant(e.end), str(e["LOCATION"])) for e in calendar.events]


def _instant(moment: Any) -> int:
    assert moment.tzinfo is not None
    return int(moment.timestamp())
