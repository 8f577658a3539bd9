"""Days built by hand and drawn as text, for the boards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

import pytest
from builders import MOOD, ZONE, at, clinic, patient, series, visit

from infusion_cli.cli.output import Line, Output, plain
from infusion_cli.domain.book import Book, Record
from infusion_cli.domain.clinic import Chair, Clinic, Closure
from infusion_cli.domain.clinic_time import midnight, zone
from infusion_cli.domain.protocol import Phase, Protocol
from infusion_cli.services.agenda import Day

MONDAY = date(2026, 11, 30)
NOW = "2026-11-30T10:42"
SPRAY = Protocol(
    "esketamine",
    "Esketamine",
    (
        Phase("preparation", 15, patients_per_nurse=4, hands_on=True),
        Phase("dosing", 10, patients_per_nurse=4, hands_on=True, dosing=True),
        Phase("observation", 125, patients_per_nurse=4, observation=True),
        Phase("turnover", 10, after_leave=True),
    ),
    provider=True,
    requires=("rems-enrolment",),
)
SHORT = MOOD._replace(title="IV ketamine")
CLINIC = clinic(
    name="Harbor",
    chairs=(Chair("chair-1", "Window"), Chair("chair-2", "Garden"), Chair("chair-3", "Quiet room")),
    protocols=(SHORT, SPRAY, clinic().protocols[1]),
    closures=(Closure(date(2026, 11, 26), "Thanksgiving Day"),),
)
YARA, BEN, ELIF, KOFI = (
    patient(n, name=name) for n, name in enumerate(("Yara Sánchez", "Ben Vogt", "Elif Horvat", "Kofi Jones"))
)
MORNING = (
    YARA,
    BEN,
    ELIF,
    KOFI,
    series(0),
    visit(
        0,
        "2026-11-30T09:30",
        protocol=SHORT,
        series=series(0).id,
        session=3,
        status="checked-in",
        started_at=at("2026-11-30T10:02"),
        ride="brother",
    ),
    visit(
        1,
        "2026-11-30T08:15",
        "chair-2",
        protocol=SPRAY,
        session=5,
        status="checked-in",
        started_at=at("2026-11-30T08:30"),
        ride="taxi",
    ),
    visit(2, "2026-11-30T11:15", protocol=SHORT, status="arrived", arrived_at=at("2026-11-30T10:38"), ride="son"),
    visit(3, "2026-11-30T10:30", "chair-3", protocol=SHORT, confirmed_at=at("2026-11-29T09:00")),
    visit(
        4,
        "2026-11-30T13:00",
        "chair-2",
        of=1,
        protocol=CLINIC.protocols[2],
        status="pending",
        hold_until=at("2026-11-30T11:30"),
    ),
    visit(5, "2026-12-01T09:00", "chair-2", of=3),
)
"""A Monday at 10:42: two treated, one waiting, one late, one hold, one to be asked for tomorrow."""


def stretch(
    *records: Record, now: str = NOW, first: date = MONDAY, last: date | None = None, of: Clinic = CLINIC
) -> Day:
    """The days from `first` to `last` with those records, as the desk loads them."""
    end = last or first
    tz = zone(ZONE)
    book = Book(of, at(now), midnight(first, tz), midnight(end + timedelta(days=2), tz))
    book.add(records)
    return Day(book, first, end, dict(book.patients))


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 80, *, unicode: bool = True) -> Output:
    """An output so wide, that can draw or not."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Output()
    out.unicode = unicode
    return out


class Screen:
    """A terminal that days are drawn on."""

    def __init__(self, patch: pytest.MonkeyPatch, draw: Callable[[Day, Output], Iterable[Line]]) -> None:
        self.patch = patch
        self.draw = draw

    def text(self, day: Day, columns: int = 80, *, unicode: bool = True) -> str:
        """All of it, as it is printed without styles."""
        out = terminal(self.patch, columns, unicode=unicode)
        return "".join(plain(line) + "\n" for line in self.draw(day, out))

    def row(self, day: Day, beginning: str, columns: int = 80) -> str:
        """The only line that begins so, the mark of today and blanks at its beginning ignored."""
        lines = self.text(day, columns).splitlines()
        (found,) = [line for line in lines if line.lstrip("> ").startswith(beginning)]
        return found
