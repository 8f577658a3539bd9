"""Another system: what its files say, and what an import of one answers."""

from __future__ import annotations

import json
from typing import Any

from cli.desk import FIRST_VISITS, Desk

ONE, TWO, THREE, _ = FIRST_VISITS
NINE, TEN = "2026-11-24T09:00:00-05:00", "2026-11-24T10:00:00-05:00"
WEDNESDAY = "2026-11-25T09:00:00-05:00"
MARK = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}


def patient(mrn: str = "M1001", **changes: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": mrn, "identifier": [{"value": mrn, "type": MARK}]} | changes


def appointment(number: int = 1, start: str | None = NINE, mrn: str = "M1001", **changes: Any) -> dict[str, Any]:
    """The `number`-th appointment of another system: a consultation."""
    return {
        "resourceType": "Appointment",
        "id": f"a{number}",
        "identifier": [{"system": "https://ehr.example/visits", "value": str(number)}],
        "status": "booked",
        "serviceType": [{"text": "consult"}],
        "start": start,
        "participant": [{"actor": {"reference": f"Patient/{mrn}"}, "status": "accepted"}],
    } | changes


def bundle(*resources: dict[str, Any]) -> str:
    people = [patient(mrn) for mrn in ("M1001", "M1002", "M1010")]
    entries = [{"resource": resource} for resource in (*resources, *people)]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries})


def take(desk: Desk, *resources: dict[str, Any], words: tuple[str, ...] = ()) -> Any:
    """Import a bundle of these, and give the answer."""
    return desk.json("fhir", "import", desk.file("b.json", bundle(*resources)), *words)


def refused(desk: Desk, status: int, *resources: dict[str, Any], words: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
    """(entry, column, rule) of everything that stands against a bundle of these."""
    error = desk.refused(status, "fhir", "import", desk.file("b.json", bundle(*resources)), *words)
    return [(e["entry"], e["column"], e["rule"]) for e in error["errors"]]


def done(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(p["entry"], p["action"]) for p in answer["placed"]]


def visits(desk: Desk) -> list[tuple[str, str, str, str, str]]:
    """(patient, protocol, start, chair, status) of every visit that is no error."""
    return [(v["patient"], v["protocol"], v["start"][:16], v["chair"], v["status"]) for v in desk.json("list")]
