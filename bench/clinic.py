"""The clinic that is measured: a large one, so that 100,000 visits are four years of it."""

from __future__ import annotations

from pathlib import Path

CHAIRS = 20
NURSES = 20
PATIENTS = 2_000
ZONE = "America/New_York"
NOW = "2026-12-01T08:00:00-05:00"
PROTOCOL = "iv-mood"
STARTS = ("08:00", "09:45", "11:30", "13:15", "15:00")
"""Wall times at which a chair can take a visit of 105 minutes, one after the other."""

_HEAD = f"""\
schema = 1

[clinic]
name = "Bench Clinic"
public_name = "Bench Clinic"
timezone = "{ZONE}"
phone = "+1 207 555 0199"
email = "desk@bench.example"
address = "1 Bench Street"
grid = 15
cancel_notice = "24h"

[[hours]]
days = ["MO", "TU", "WE", "TH", "FR"]
open = "08:00"
close = "17:00"

[[protocols]]
id = "{PROTOCOL}"
title = "IV ketamine, mood"
provider = true
phases = [
  {{ name = "preparation", minutes = 20, patients_per_nurse = 3, hands_on = true }},
  {{ name = "infusion", minutes = 40, patients_per_nurse = 2, dosing = true }},
  {{ name = "monitoring", minutes = 30, patients_per_nurse = 3 }},
  {{ name = "turnover", minutes = 15, after_leave = true }},
]
course = [
  {{ name = "induction", sessions = 6, window = "21d", gap = {{ min = "24h", ideal = "2d-4d", long = "5d" }} }},
]
"""


def mrn(number: int) -> str:
    """The medical record number of a patient, from 0."""
    return f"M{number % PATIENTS:05d}"


def write_clinic(path: Path) -> None:
    """Write the clinic's file."""
    parts = [_HEAD]
    parts += [
        f'[[chairs]]\nid = "chair-{n:02d}"\nname = "Chair {n}"\nprotocols = ["*"]\n' for n in range(1, CHAIRS + 1)
    ]
    shift = 'shifts = [{ days = ["MO", "TU", "WE", "TH", "FR"], from = "08:00", to = "17:00" }]'
    parts += [f'[[staff]]\nid = "rn-{n:02d}"\nrole = "nurse"\n{shift}\n' for n in range(1, NURSES + 1)]
    parts.append(f'[[staff]]\nid = "dr-01"\nrole = "provider"\n{shift}\n')
    path.write_text("\n".join(parts), encoding="utf-8")


def write_patients(path: Path) -> None:
    """Write the patients' file."""
    rows = [f"{mrn(n)},Patient {n:05d},1980-01-01" for n in range(PATIENTS)]
    path.write_text("\n".join(["mrn,name,birth_date", *rows, ""]), encoding="utf-8")
