"""Small records for tests: a clinic with two chairs and two nurses, patients and visits by number."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from outside import Where

from infusion_cli.config import Place, place_of
from infusion_cli.domain import clinic_tree, ids
from infusion_cli.domain.book import Appointment, Block, Patient, Series
from infusion_cli.domain.clinic import Chair, Clinic, Hours, Practitioner, Shift
from infusion_cli.domain.clinic_time import MINUTE, wall_text, zone
from infusion_cli.domain.plan import ClinicText, change
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.services.ports import Entry, Operation
from infusion_cli.store.repository import BookStore, create_book
from infusion_cli.store.sqlite import SqliteDatabase

ZONE = "America/New_York"
WEEK = (0, 1, 2, 3, 4)

PHASES = (
    Phase("preparation", 20, patients_per_nurse=3, hands_on=True),
    Phase("infusion", 40, patients_per_nurse=2, dosing=True),
    Phase("monitoring", 30, patients_per_nurse=3),
    Phase("turnover", 15, after_leave=True),
)
COURSE = (
    Step("induction", 6, Gap(Span(24, "h"), Span(48, "h"), (Span(2, "d"), Span(4, "d")), Span(5, "d")), Span(21, "d")),
)
MOOD = Protocol("iv-mood", "IV ketamine, mood", PHASES, COURSE, provider=True, requires=("consent",))
CONSULT = Protocol("consult", "Consultation", (Phase("consultation", 60, provider_hands=True),), provider=True)


def at(wall: str) -> int:
    """The instant of a local time in the clinic's zone, e.g. `2026-12-01T09:00`."""
    return int(datetime.fromisoformat(wall).replace(tzinfo=zone(ZONE)).timestamp())


NOW = at("2026-11-30T08:00")
"""A Monday morning."""


def nurse(number: int) -> Practitioner:
    """One nurse, on duty all week from 7:45 to 17:15."""
    return Practitioner(f"rn-{number}", "nurse", (Shift(WEEK, 465, 1035),))


def provider(number: int) -> Practitioner:
    """One provider, there all week from 8:00 to 17:00."""
    return Practitioner(f"dr-{number}", "provider", (Shift(WEEK, 480, 1020),))


def clinic(**changes: Any) -> Clinic:
    """Two chairs, two nurses, one provider, open on weekdays from 8:00 to 17:00."""
    return Clinic(
        name="Harbor Ketamine & Wellness",
        public_name="Harbor Clinic",
        timezone=ZONE,
        grid=15,
        cancel_notice=Span(24, "h"),
        hours=(Hours(WEEK, 480, 1020),),
        chairs=(Chair("chair-1", "Window"), Chair("chair-2", "Garden")),
        staff=(nurse(1), nurse(2), provider(1)),
        protocols=(MOOD, CONSULT),
    )._replace(**changes)


def text_of(described: Clinic) -> ClinicText:
    """The clinic as a record of the book."""
    data = json.dumps(clinic_tree.tree(described))
    return ClinicText("main", f"# {described.name}\n", data)


def patient(number: int = 0, **changes: Any) -> Patient:
    """The `number`-th patient."""
    fresh = Patient(ids.encode("patient", number), f"MRN-{number:04}", f"Ada Example {number}")
    return fresh._replace(**changes)


def series(number: int = 0, *, of: int = 0, **changes: Any) -> Series:
    """The `number`-th series, of the `of`-th patient."""
    fresh = Series(ids.encode("series", number), patient(of).id, MOOD.id, "active", 6, COURSE)
    return fresh._replace(**changes)


def visit(
    number: int = 0, wall: str = "2026-12-01T09:00", chair: str = "chair-1", *, of: int | None = None, **changes: Any
) -> Appointment:
    """The `number`-th visit at a local time, of the `of`-th patient (the `number`-th unless told otherwise)."""
    protocol = changes.pop("protocol", MOOD)
    start = at(wall)
    fresh = Appointment(
        id=ids.encode("appointment", number),
        patient=patient(number if of is None else of).id,
        protocol=protocol.id,
        series=None,
        session=None,
        start=start,
        end=start + protocol.minutes * MINUTE,
        leave=start + protocol.minutes_to_leave * MINUTE,
        chair=chair,
        status="booked",
        phases=protocol.phases,
        wall=wall_text(start, zone(ZONE)),
        zone=ZONE,
        uid=f"{number:032x}@calendar.invalid",
        stamp=NOW,
    )
    return fresh._replace(**changes)


def block(number: int = 0, kind: str = "chair", subject: str = "chair-1", **changes: Any) -> Block:
    """The `number`-th block: chair-1 out of order on the morning of 1 December 2026."""
    fresh = Block(
        ids.encode("block", number), kind, subject, at("2026-12-01T08:00"), at("2026-12-01T12:00"), "pump broken"
    )
    return fresh._replace(**changes)


def book(where: Place, described: Clinic | None = None) -> BookStore:
    """A new book of the clinic at that place, open; close it."""
    of = described or clinic()
    return create_book(where, text_of(of), of, NOW, "test")


def write(store: BookStore, *records: Any, now: int = NOW, command: str = "test", **entry: Any) -> Operation:
    """Write the records, each as the next state of what is in the book, as one operation."""
    with store.writing(now) as writer:
        changes = [change(writer.clinic_text if isinstance(r, ClinicText) else writer.record(r.id), r) for r in records]
        return writer.write(Entry(command, "test", changes, **entry))


def file_of(store: BookStore) -> SqliteDatabase:
    """The file behind a book that is one."""
    assert isinstance(store.database, SqliteDatabase)
    return store.database


def place(where: Where) -> Place:
    """What the program calls that book's place."""
    return place_of(str(where))
