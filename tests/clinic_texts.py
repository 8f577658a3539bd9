"""A small clinic's file for tests to change, and the errors that a file is refused with."""

from __future__ import annotations

import pytest

from infusion_cli.errors import InvalidDataError
from infusion_cli.formats import clinic_toml
from infusion_cli.formats.line_error import LineError

BASE = """schema = 1
[clinic]
name = "North"
public_name = "North Clinic"
timezone = "America/New_York"
grid = 15
email = "desk@north.example"
[[hours]]
days = ["MO", "TU"]
open = "08:00"
close = "12:00"
[[closures]]
date = "2026-12-25"
reason = "Christmas Day"
[[chairs]]
id = "chair-1"
name = "Quiet room"
protocols = ["spray", "talk"]
[[staff]]
id = "nina"
role = "nurse"
shifts = [{ days = ["MO", "TU"], from = "08:00", to = "12:00" }]
[[staff]]
id = "petra"
role = "provider"
shifts = [{ days = ["MO", "TU"], from = "08:00", to = "12:00" }]
[[protocols]]
id = "spray"
title = "Nasal spray"
provider = true
requires = ["consent", "rems-enrolment"]
observation_minimum = 120
per_protocol_week = 2
phases = [
  { name = "dosing", minutes = 10, patients_per_nurse = 4, hands_on = true, dosing = true },
  { name = "observation", minutes = 125, patients_per_nurse = 4, observation = true },
  { name = "turnover", minutes = 10, after_leave = true },
]
course = [
  { name = "first", sessions = 8, window = "28d", review_after = 3, \
gap = { min = "20h", tight = "48h", ideal = "3d-4d", long = "7d" } },
  { name = "then", sessions = "open", gap = { min = "3d", ideal = "7d" }, review_before = true },
]
[[protocols]]
id = "talk"
title = "Talk"
phases = [{ name = "talk", minutes = 60, provider_hands = true }]
"""
NURSE = BASE[BASE.index('[[staff]]\nid = "nina"') : BASE.index('[[staff]]\nid = "petra"')]
TALK = BASE[BASE.index('[[protocols]]\nid = "talk"') :]
PROVIDER = BASE[BASE.index('[[staff]]\nid = "petra"') : BASE.index("[[protocols]]")]


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new, 1)


def errors_of(text: str) -> list[LineError]:
    with pytest.raises(InvalidDataError) as refused:
        clinic_toml.parse(text)
    return list(refused.value.errors)
