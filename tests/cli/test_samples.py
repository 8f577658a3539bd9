"""Three clinics as they come: created, filled, their courses placed, and their bad files refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from cli.desk import DATA, Desk


class Sample(NamedTuple):
    """A clinic of the sample data: when it is opened, how many of its courses have to be placed at least."""

    name: str
    now: str
    people: int
    courses: int
    at_least: int


SAMPLES = (
    Sample("harbor", "2026-11-23T08:00", 60, 40, 34),
    Sample("solo", "2027-03-01T08:00", 16, 10, 10),
    Sample("spravato", "2026-11-23T08:00", 40, 18, 12),
)
HARBOR = DATA / "harbor"


def begin(desk: Desk, sample: Sample) -> None:
    """Create the clinic's book and import its people."""
    desk.at(sample.now)
    desk.say("init", "--from", str(DATA / sample.name / "clinic.toml"))
    added = desk.json("patients", "import", str(DATA / sample.name / "patients.csv"))
    assert added["added"] == sample.people


def rows(desk: Desk) -> dict[str, Any]:
    """How much is in the book."""
    info = desk.json("db", "info")
    return {k: info[k] for k in ("patients", "visits", "series", "blocks", "operations", "revision", "head")}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_courses_of_a_clinic_are_placed_once_and_the_rest_is_named(empty_desk: Desk, sample: Sample) -> None:
    desk, file = empty_desk, str(DATA / sample.name / "series.csv")
    begin(desk, sample)
    answer = desk.type("batch", "apply", "--keep-going", file, "--json")
    placed, left_out = answer.data["placed"], answer.data["left_out"]
    assert (answer.status, answer.err) == (4 if left_out else 0, "")
    assert len(placed) >= sample.at_least
    assert len(placed) + len(left_out) == sample.courses == answer.data["courses"]
    assert all(p["rule"] and p["message"] and p["line"] > 1 for p in left_out)
    assert len(desk.json("list", "--status", "booked")) == answer.data["visits"]

    before = rows(desk)
    again = desk.type("batch", "apply", "--keep-going", file, "--json")
    assert again.data["already"] == [p["line"] for p in placed]
    assert again.data["placed"] == []
    assert rows(desk) == before
    assert desk.json("db", "check") == {"sound": True, "findings": []}


def test_every_line_of_the_bad_file_is_named_and_the_book_is_unchanged(desk: Desk) -> None:
    file = str(HARBOR / "requests-bad.csv")
    for command in ("check", "apply"):
        error = desk.refused(6, "batch", command, file)
        found = [(e["line"], e["column"], e["rule"]) for e in error["errors"]]
        assert found == [
            (2, "patient", "not-found"),
            (3, "protocol", "not-found"),
            (4, "when", "usage"),
            (5, "when", "closed"),
            (6, "when", "outside-hours"),
            (6, "when", "staff-short"),
            (6, "when", "staff-short"),
            (6, "when", "provider-absent"),
            (7, "chair", "chair-unsuitable"),
            (8, "action", "unknown-action"),
            (9, "sessions", "usage"),
        ]
    before = desk.octets()
    said = desk.type("batch", "apply", file)
    assert (said.status, said.out) == (6, "")
    assert said.err.startswith("8 lines cannot be used; nothing was written.\n  line 2 patient  not-found: ")
    assert desk.octets() == before


NAMES = ["Hana Žukauskas", '"Zoë" O\'Neill [x]', '=HYPERLINK("x")', "Tomasz Fernández", "Xin Quispe"]


def test_people_from_a_spreadsheet_keep_their_names(desk: Desk) -> None:
    answer = desk.json("patients", "import", str(HARBOR / "patients-spreadsheet.csv"))
    assert answer["added"] == 5
    people = {p["mrn"]: p["name"] for p in desk.json("patients", "list")}
    assert [people[f"M400{n}"] for n in range(1, 6)] == NAMES
    shown = desk.say("patients", "list")
    assert all(name in shown for name in NAMES)
    for number, name in enumerate(NAMES, start=1):
        assert desk.say("patients", "show", f"M400{number}").splitlines()[0].endswith(f"  {name}  M400{number}  active")
