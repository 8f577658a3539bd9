"""Patients as a table: what the import takes, and the same columns written by the export."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from infusion_cli.domain.addresses import fault
from infusion_cli.domain.book import Patient
from infusion_cli.domain.names import clean
from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.sheet import Row, check_columns, read_rows, write_rows

FIELDS = ("mrn", "name", "birth_date", "phone", "email")
PARTS = ("given", "family")
LONGEST = 200
FIRST_DATE = date(1900, 1, 1)
LAST_DATE = date(2200, 12, 31)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class PatientRow(NamedTuple):
    """A person of the file; `requirements` maps an id to the ISO date it was fulfilled."""

    line: int
    mrn: str
    name: str
    birth_date: str
    phone: str
    email: str
    requirements: dict[str, str]


def parse_patients(data: bytes, *, requirements: Sequence[str], ignore_unknown: bool = False) -> list[PatientRow]:
    """The people of a CSV file, texts cleaned; raises `InvalidDataError` with every error of the file.

    `requirements` are the ids that may be columns. No error tells what is in a cell: it is a patient's.
    """
    sheet = read_rows(data)
    missing = _missing_columns(sheet.columns)
    check_columns(sheet, (*FIELDS, *PARTS, *requirements), missing, ignore_unknown=ignore_unknown)
    errors = list(sheet.errors)
    people: list[PatientRow] = []
    seen: dict[str, int] = {}
    for row in sheet.rows:
        person, wrong = _person(row, requirements)
        errors += wrong
        if person.mrn in seen:
            message = f"the MRN stands in line {seen[person.mrn]} already"
            errors.append(LineError(row.line, "mrn", "doubled-mrn", message))
        elif person.mrn:
            seen[person.mrn] = row.line
        people.append(person)
    if errors:
        errors.sort(key=lambda e: (e.line or 0, e.column))
        count = len({e.line for e in errors})
        lines = "1 line" if count == 1 else f"{count} lines"
        raise InvalidDataError(f"{lines} cannot be used; nothing was written.", errors, "mend them and import again")
    return people


def patients_csv(patients: Iterable[Patient], requirements: Sequence[str]) -> str:
    """The people as CSV with the columns that the import takes."""
    return write_rows([*FIELDS, *requirements], (_cells(person, requirements) for person in patients))


def _missing_columns(columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    if "mrn" not in columns:
        yield "mrn", "there is no column mrn"
    if "name" not in columns and not set(PARTS) <= set(columns):
        yield "name", "there is no column name (or given and family)"


def _cells(person: Patient, requirements: Sequence[str]) -> dict[str, str]:
    fulfilled = dict(person.requirements)
    return {f: getattr(person, f) for f in FIELDS} | {need: fulfilled.get(need, "") for need in requirements}


def _person(row: Row, requirements: Sequence[str]) -> tuple[PatientRow, list[LineError]]:
    cells = {column: clean(row.cells.get(column, "")) for column in (*FIELDS, *PARTS, *requirements)}
    cells["name"] = cells["name"] or " ".join(cells[part] for part in PARTS if cells[part])
    errors = [LineError(row.line, *wrong) for wrong in _wrong_texts(cells)]
    errors += [LineError(row.line, *wrong) for wrong in _wrong_dates(cells, requirements)]
    fulfilled = {need: cells[need] for need in requirements if cells[need]}
    mrn, name, birth_date, phone, email = (cells[field] for field in FIELDS)
    return PatientRow(row.line, mrn, name, birth_date, phone, email, fulfilled), errors


def _wrong_texts(cells: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """(column, rule, message) of every text that cannot be kept."""
    mrn, email = cells["mrn"], cells["email"]
    for column, words in (("mrn", "the MRN"), ("name", "the name")):
        if not cells[column]:
            yield column, "empty", f"{words} is empty"
    if not mrn.isprintable():
        yield "mrn", "not-printable", "the MRN has a character that cannot be seen"
    for column in ("mrn", "name", "phone", "email"):
        if len(cells[column]) > LONGEST:
            yield column, "too-long", f"longer than {LONGEST} characters"
    if email and (wrong := fault(email)):
        yield "email", "not-an-address", wrong


def _wrong_dates(cells: dict[str, str], requirements: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for column in ("birth_date", *requirements):
        if cells[column] and not _is_date(cells[column]):
            yield column, "not-a-date", "no date from 1900 to 2200; write YYYY-MM-DD, or leave it blank"


def _is_date(text: str) -> bool:
    # The library also takes 20261201 and 2026-W49-2, which nobody means.
    if not _DATE.fullmatch(text):
        return False
    try:
        return FIRST_DATE <= date.fromisoformat(text) <= LAST_DATE
    except ValueError:
        return False
