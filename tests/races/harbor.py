"""The book that races and kills are about: the harbor clinic and its sixty patients."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from builders import place
from outside import Where

from infusion_cli.domain import clinic_tree
from infusion_cli.domain.plan import ClinicText
from infusion_cli.formats import clinic_toml
from infusion_cli.services import patients
from infusion_cli.services.booking import BookAsk
from infusion_cli.services.desk import Desk
from infusion_cli.store.repository import create_book

W = TypeVar("W", bound=Where)

NOW = 1_796_043_600
"""Monday 30 November 2026, 8:00 in the clinic's zone."""

TESTS = Path(__file__).resolve().parent.parent
DATA = TESTS / "data" / "harbor"
_PERSONAL = ("mrn", "name", "birth_date", "phone", "email")


def harbor_book(where: W) -> W:
    """A new book of the clinic with every patient in it, everything that the protocols ask for on record."""
    text, clinic = clinic_toml.read(DATA / "clinic.toml")
    stored = ClinicText("main", text, json.dumps(clinic_tree.tree(clinic)))
    with create_book(place(where), stored, clinic, NOW, "founder") as store:
        rows = [
            patients.ImportRow(
                patients.PatientFields(*(row[name] for name in _PERSONAL)),
                {name: day for name, day in row.items() if name not in _PERSONAL},
            )
            for row in _people()
        ]
        patients.import_rows(Desk(store, NOW, "founder"), rows)
    return where


def _people() -> list[dict[str, str]]:
    with (DATA / "patients.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


MRNS = [person["mrn"] for person in _people()]
"""The medical record numbers of the clinic's patients."""


def request(number: int) -> tuple[BookAsk, str]:
    """The `number`-th (from 0) of many bookings that the rules allow side by side, and its key.

    Eight a day, Monday to Thursday, so that each patient comes every other week.
    """
    week, rest = divmod(number, 32)
    weekday, place = divmod(rest, 8)
    day = date(2026, 12, 7) + timedelta(days=7 * week + weekday)
    hour, chair = 8 + 2 * (place // 2), f"chair-{place % 2 + 1}"
    patient = MRNS[number % len(MRNS)]
    return BookAsk(patient, "iv-mood", f"{day}T{hour:02}:00", chair), f"request-{number}"


@contextmanager
def process(module: str, *arguments: object, folder: str = "races") -> Iterator[subprocess.Popen[str]]:
    """A Python process of its own that runs a module of that folder; it is gone when the block ends."""
    paths = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH", ""))))
    with subprocess.Popen(
        [sys.executable, "-m", f"{folder}.{module}", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as started:
        try:
            yield started
        finally:
            started.kill()
