"""Patients as a table: what the import takes, and the same columns written by the export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from infusion_cli.domain.book import Patient
from infusion_cli.domain.names import clean
from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.sheet import Row, read_sheet, unknown_columns, write_rows

FIELDS = ("mrn", "name", "birth_date", "phone", "email")
PARTS = ("given", "family")
LONGEST_MRN = 64
LONGEST = 200
FIRST_BIRTH = date(1900, 1, 1)
LAST_DATE = date(2199, 12, 31)


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
    """The people of a CSV file; raises `InvalidDataError` with every error of the file."""
    sheet = read_sheet(data)
    errors = list(sheet.errors)
    known = (*FIELDS, *PARTS, *requirements)
    if not ignore_unknown:
        errors += unknown_columns(1, sheet.columns, known)
    errors += _missing_columns(sheet.columns)
    if any(e.line == 1 for e in errors):
        raise InvalidDataError("The columns cannot be used; nothing was written.", errors, "mend the header")
    people: list[PatientRow] = []
    seen: dict[str, int] = {}
    for row in sheet.rows:
        person, wrong = _person(row, requirements)
        if person.mrn in seen:
            wrong.append(
                LineError(row.line, "mrn", "doubled-mrn", f"the MRN stands in line {seen[person.mrn]} already")
            )
        seen.setdefault(person.mrn, row.line)
        errors += wrong
        people.append(person)
    if errors:
        errors.sort(key=lambda e: (e.line or 0, e.column))
        count = len({e.line for e in errors})
        lines = "1 line" if count == 1 else f"{count} lines"
        raise InvalidDataError(f"{lines} cannot be used; nothing was written.", errors, "mend them and import again")
    return people


def patients_csv(patients: Iterable[Patient], requirements: Sequence[str]) -> str:
    """The people as CSV with the columns that the import takes."""
    rows = (_cells(person, requirements) for person in patients)
    return write_rows([*FIELDS, *requirements], rows)


def _missing_columns(columns: Sequence[str]) -> list[LineError]:
    errors = []
    if "mrn" not in columns:
        errors.append(LineError(1, "mrn", "missing-column", "there is no column mrn"))
    if "name" not in columns and not set(PARTS) <= set(columns):
        errors.append(LineError(1, "name", "missing-column", "there is no column name (or given and family)"))
    return errors


def _cells(person: Patient, requirements: Sequence[str]) -> dict[str, str]:
    fulfilled = dict(person.requirements)
    return {f: getattr(person, f) for f in FIELDS} | {need: fulfilled.get(need, "") for need in requirements}


def _person(row: Row, requirements: Sequence[str]) -> tuple[PatientRow, list[LineError]]:
    cells = {column: clean(cell) for column, cell in row.cells.items()}
    cells["name"] = cells.get("name") or " ".join(cells[part] for part in PARTS if cells.get(part))
    errors = [LineError(row.line, *wrong) for wrong in _wrong_texts(cells)]
    days: dict[str, str] = {}
    for column in ("birth_date", *requirements):
        day = _iso_date(cells.get(column, ""))
        if day is None:
            message = f"{cells[column]!r} is not a possible date; write YYYY-MM-DD or leave it blank"
            errors.append(LineError(row.line, column, "not-a-date", message))
        days[column] = day or ""
    fulfilled = {need: days[need] for need in requirements if days[need]}
    texts = (cells.get(column, "") for column in ("phone", "email"))
    return PatientRow(row.line, cells.get("mrn", ""), cells["name"], days["birth_date"], *texts, fulfilled), errors


def _wrong_texts(cells: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """(column, rule, message) of every text that cannot be kept."""
    for column, words in (("mrn", "the MRN"), ("name", "the name")):
        if not cells.get(column):
            yield column, "empty", f"{words} is empty"
    for column in FIELDS:
        most = LONGEST_MRN if column == "mrn" else LONGEST
        if len(cells.get(column, "")) > most:
            yield column, "too-long", f"longer than {most} characters"
    email = cells.get("email", "")
    if email and not _is_address(email):
        yield "email", "not-an-address", "the e-mail address has no or more than one @, or a blank"


def _iso_date(text: str) -> str | None:
    """The date as ISO text, empty for a blank, None for anything else."""
    if not text:
        return ""
    try:
        day = date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    except ValueError:
        return None
    return day.isoformat() if day and FIRST_BIRTH <= day <= LAST_DATE else None


def _is_address(text: str) -> bool:
    local, at, domain = text.partition("@")
    return bool(local and at and domain) and "@" not in domain and " " not in text
