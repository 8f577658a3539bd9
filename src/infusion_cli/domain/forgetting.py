"""What stays of a record when nobody may recognise the person in it: times, chairs, statuses, ids."""

from __future__ import annotations

from typing import Any

from infusion_cli.domain.book import Appointment, Patient, Record
from infusion_cli.domain.plan import ClinicText

COMMAND = "patients forget"
"""The command that forgets, as the journal names it."""
NAME = "Forgotten"
"""What stands in the place of a name."""

_PATIENT = {"name": NAME, "birth_date": "", "phone": "", "email": "", "requirements": {}}
_APPOINTMENT: dict[str, Any] = {"reason": "", "ride": "", "key": None}
"""What somebody typed: the rest of a visit tells when and where, not who."""


def forgotten(record: Record | ClinicText) -> Record | ClinicText:
    """The record without the person; its status stays."""
    if isinstance(record, Patient):
        return Patient(record.id, mrn=record.id, name=NAME, status=record.status)
    return record._replace(**_APPOINTMENT) if isinstance(record, Appointment) else record


def without_person(entity: str, state: dict[str, Any]) -> dict[str, Any]:
    """The same for a record's JSON object, as the journal keeps it."""
    if entity == "patient":
        return state | _PATIENT | {"mrn": state["id"]}
    return state | _APPOINTMENT if entity == "appointment" else state


def is_forgotten(patient: Patient) -> bool:
    """Whether that person was forgotten."""
    return patient.name == NAME and patient.mrn == patient.id
