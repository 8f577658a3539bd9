"""Rows to records and back: columns stand in the order of a record's fields, lists are JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from infusion_cli.domain import codec
from infusion_cli.domain.book import Appointment, Block, Patient, Series, Warn
from infusion_cli.domain.plan import change, revise
from infusion_cli.domain.protocol import Phase, Step
from infusion_cli.store.database import Row

RAN_OUT = "hold ran out"
"""The reason of a hold that was released."""

_PHASES = Appointment._fields.index("phases")
_OVERRIDES = Appointment._fields.index("overrides")
_LATE = Appointment._fields.index("late")
_WARNINGS = Appointment._fields.index("warnings")
_COURSE = Series._fields.index("course")
_STAFF = Block._fields.index("staff")


def visit_of(row: Row) -> Appointment:
    """The visit of a row of `appointment`, as it is stored."""
    fields = list(row)
    fields[_PHASES] = _phases(row[_PHASES])
    fields[_OVERRIDES] = _names(row[_OVERRIDES])
    fields[_LATE] = row[_LATE] == 1
    fields[_WARNINGS] = _warnings(row[_WARNINGS])
    return Appointment._make(fields)


def visit_row(visit: Appointment) -> dict[str, Any]:
    """The columns of a visit."""
    return {
        **visit._asdict(),
        "phases": _phases_text(visit.phases),
        "overrides": _text(visit.overrides),
        "late": int(visit.late),
        "warnings": _text(visit.warnings),
    }


def has_run_out(visit: Appointment, now: int) -> bool:
    """Whether it is a hold whose time was over at `now`."""
    return visit.status == "pending" and visit.hold_until is not None and visit.hold_until <= now


def released(visit: Appointment) -> Appointment:
    """The hold as its release leaves it, revised at the moment it ran out: the same before and after it is written."""
    gone = visit._replace(status="cancelled", reason=RAN_OUT, hold_until=None)
    after = revise(change(visit, gone), visit.hold_until or visit.stamp).after
    assert isinstance(after, Appointment)
    return after


def series_of(row: Row) -> Series:
    """The series of a row."""
    fields = list(row)
    fields[_COURSE] = _course(row[_COURSE])
    return Series._make(fields)


def series_row(series: Series, made: int) -> dict[str, Any]:
    """The columns of a series; `made` is the number of the operation that writes it."""
    course = _text([codec.encode_step(step) for step in series.course])
    return {**series._asdict(), "course": course, "made": made}


def block_of(row: Row) -> Block:
    """The block of a row."""
    fields = list(row)
    fields[_STAFF] = _names(row[_STAFF])
    return Block._make(fields)


def block_row(block: Block) -> dict[str, Any]:
    """The columns of a block."""
    return {**block._asdict(), "staff": _text(block.staff)}


def patients_of(rows: Iterable[Row], required: Iterable[Row]) -> list[Patient]:
    """The patients of the rows; `required` are (patient, requirement, date), in order of requirement."""
    of_patient: dict[str, list[tuple[str, str]]] = {}
    for patient, requirement, on_date in required:
        of_patient.setdefault(patient, []).append((requirement, on_date))
    return [Patient._make([*row, tuple(of_patient.get(row[0], ()))]) for row in rows]


def patient_row(patient: Patient) -> dict[str, Any]:
    """The columns of a patient, without the requirements."""
    return patient._asdict()


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else "[]"


# Few texts, many rows: the visits of a protocol share their phases.
@lru_cache(maxsize=1024)
def _phases(text: str) -> tuple[Phase, ...]:
    return tuple(Phase(**fields) for fields in json.loads(text))


@lru_cache(maxsize=1024)
def _phases_text(phases: tuple[Phase, ...]) -> str:
    defaults = Phase._field_defaults
    sparse = [{k: v for k, v in p._asdict().items() if k not in defaults or v != defaults[k]} for p in phases]
    return _text(sparse)


@lru_cache(maxsize=1024)
def _course(text: str) -> tuple[Step, ...]:
    return tuple(codec.decode_step(fields) for fields in json.loads(text))


@lru_cache(maxsize=1024)
def _warnings(text: str) -> tuple[Warn, ...]:
    return tuple(Warn(*fields) for fields in json.loads(text))


@lru_cache(maxsize=1024)
def _names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
