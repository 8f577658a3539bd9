"""People: added, edited, found, imported, exported."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from cli.desk import DATA, YARA, Desk, op

from infusion_cli.domain import ids
from infusion_cli.domain.protocol import REQUIREMENTS

NEW = ids.encode("patient", 60)
"""Sixty people are in the book already."""
HEADER = "mrn,name,birth_date,phone,email,consent\n"


def person(desk: Desk, who: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.json("patients", "show", who)
    return found


def test_add_show_and_take_back(desk: Desk) -> None:
    words = (
        "patients",
        "add",
        "--mrn",
        "N1",
        "New  Person",
        "--born",
        "1990-02-28",
        "--phone",
        "1",
        "--email",
        "n@x.org",
    )
    assert desk.say(*words) == f"Added {NEW}: New Person, N1.\nUndo: infusion undo {op(1)}\n"
    assert person(desk, "N1") == {
        "id": NEW,
        "mrn": "N1",
        "name": "New Person",
        "birth_date": "1990-02-28",
        "phone": "1",
        "email": "n@x.org",
        "status": "active",
        "requirements": {},
    }
    assert desk.say("patients", "show", "new p") == (
        f"{NEW}  New Person  N1  active\n  born     1990-02-28\n  phone    1\n  e-mail   n@x.org\n  on file  nothing\n"
    )
    desk.say("undo", "--yes")
    assert desk.refused(3, "patients", "show", "N1")["message"] == "There is no patient 'N1'."


def test_edit_changes_what_is_named_and_leaves_the_rest(desk: Desk) -> None:
    before = person(desk, YARA)
    after = desk.json("patients", "edit", "yara s", "--phone", "555", "--status", "on-hold")
    assert after == before | {"phone": "555", "status": "on-hold"}
    octets = desk.octets()
    assert desk.say("patients", "edit", YARA, "--phone", "555") == f"As it was {YARA}: Yara Sánchez, M1001.\n"
    assert desk.octets() == octets
    assert desk.json("patients", "edit", YARA, "--email", "")["email"] == ""


def test_a_patient_on_hold_is_not_booked_and_the_way_out_works(desk: Desk) -> None:
    desk.say("patients", "edit", YARA, "--status", "on-hold")
    error = desk.refused(4, "book", YARA, "iv-mood", "2026-11-24T09:00")
    assert [c["rule"] for c in error["conflicts"]] == ["patient-on-hold"]
    desk.say(*error["hint"].split()[1:])
    desk.say("book", YARA, "iv-mood", "2026-11-24T09:00")


def test_record_notes_a_requirement_today_or_on_a_date(desk: Desk) -> None:
    desk.say("patients", "add", "--mrn", "N1", "New Person")
    assert desk.say("patients", "record", "N1", "consent") == (
        f"Recorded consent 2026-11-23 for {NEW}: New Person, N1.\nUndo: infusion undo {op(2)}\n"
    )
    desk.say("patients", "record", "N1", "labs", "--on", "2026-11-01")
    assert person(desk, "N1")["requirements"] == {"consent": "2026-11-23", "labs": "2026-11-01"}


def test_find_by_id_mrn_and_beginnings_of_names_in_any_case_and_without_accents(desk: Desk) -> None:
    for text in (YARA, "M1001", "yara sanchez", "SAN YA", "sánc"):
        assert YARA in [p["id"] for p in desk.json("patients", "find", text)], text
    assert [p["name"] for p in desk.json("patients", "find", "gus v")] == ["Gus Vogt", "Gus Vogt"]
    assert desk.type("patients", "find", "nobody") == (0, "", "No patients.\n")


def test_the_list_is_by_name(desk: Desk) -> None:
    names = [p["name"] for p in desk.json("patients", "list")]
    assert len(names) == 60
    assert names[:3] == ["Ana MacLeod", "Ana Ueda", "Ben Petrov"]
    assert desk.say("patients", "list").splitlines()[0] == (
        "  P1QZDM  M1041      Ana MacLeod                              1991-08-28"
    )


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("add", "No Number"), 2, "A patient needs a name and an MRN."),
        (("add", "--mrn", "N1", " \t "), 2, "A patient needs a name and an MRN."),
        (("add", "--mrn", "M1001", "Twice"), 4, f"The MRN M1001 belongs to {YARA} already."),
        (("add", "--mrn", "N1", "A", "--born", "1999-02-30"), 2, "'1999-02-30' is not a date: Feb 1999 has no day 30."),
        (("add", "--mrn", "N1", "A", "--born", "2027-01-01"), 2, "The birth date 2027-01-01 has not come yet."),
        (
            ("add", "--mrn", "N1", "A", "--email", "a@b@c"),
            2,
            "That is no e-mail address to write to: an e-mail address has one @ with text around it, and no blanks.",
        ),
        (("add", "--mrn", "N1", "A" * 201), 2, "The name is longer than 200 characters."),
        (("edit", YARA, "--mrn", "M1002"), 4, "The MRN M1002 belongs to PYE6CD already."),
        (("edit", YARA, "--name", ""), 2, "The name is empty."),
        (("edit", YARA, "--status", "gone"), 2, "The status 'gone' is unknown."),
        (("edit", "gus v"), 8, "2 patients fit 'gus v'."),
        (("record", YARA, "consen"), 3, "There is no requirement 'consen'."),
        (("record", YARA, "consent", "--on", "tomorrow"), 2, "2026-11-24 has not come yet."),
        (("show", "yra sanchez"), 3, "There is no patient 'yra sanchez'."),
    ],
)
def test_what_is_refused(desk: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert desk.refused(status, "patients", *words)["message"] == message


def test_a_mistyped_name_is_answered_with_near_ones(desk: Desk) -> None:
    error = desk.refused(3, "patients", "show", "yra sanchez")
    assert [c["id"] for c in error["candidates"]] == [YARA, "P7GMKP"]
    assert error["hint"] == f"did you mean {YARA}, P7GMKP?"


def test_an_ambiguous_name_lists_who_it_fits(desk: Desk) -> None:
    error = desk.refused(8, "patients", "show", "hana grun")
    assert error["candidates"] == [
        {"id": "P46VJS", "description": ""},
        {"id": "PNGV4C", "description": ""},
    ]
    assert desk.type("patients", "show", "hana grun").err == (
        "2 patients fit 'hana grun'.\n"
        "  P46VJS\n"
        "  PNGV4C\n"
        "Try: name the patient by id or MRN; infusion patients find shows them\n"
    )


# -- import


def test_import_adds_updates_and_leaves_what_is_blank(desk: Desk) -> None:
    text = HEADER + "N1,New Person,1990-01-01,1,n@x.org,2026-11-01\nM1001,Yara Sánchez-Ruiz,,,,\n"
    assert desk.say("patients", "import", desk.file("p.csv", text)) == (
        f"2 patients read: 1 added, 1 updated, 0 unchanged.\nUndo: infusion undo {op(1)}\n"
    )
    assert person(desk, "N1")["requirements"] == {"consent": "2026-11-01"}
    yara = person(desk, YARA)
    assert (yara["name"], yara["phone"], yara["requirements"]["consent"]) == (
        "Yara Sánchez-Ruiz",
        "+1 207 555 1000",
        "2026-11-16",
    )


def test_import_of_the_same_file_changes_nothing(desk: Desk) -> None:
    before = desk.octets()
    answer = desk.type("patients", "import", str(DATA / "harbor" / "patients.csv"), "--exit-code")
    assert answer == (0, "60 patients read: 0 added, 0 updated, 60 unchanged.\n", "")
    assert desk.octets() == before


def test_import_from_stdin_and_as_data(desk: Desk) -> None:
    answer = desk.json("patients", "import", "-", stdin=HEADER + "N1,New Person,,,,\n")
    assert answer == {"operation": op(1), "added": 1, "updated": 0, "unchanged": 0}


def test_given_and_family_make_a_name_and_unknown_columns_can_be_ignored(desk: Desk) -> None:
    text = "mrn,given,family,shoe size\nN1,New,Person,42\n"
    error = desk.refused(6, "patients", "import", desk.file("p.csv", text))
    assert [(e["line"], e["column"], e["rule"]) for e in error["errors"]] == [(1, "shoe size", "unknown-column")]
    desk.say("patients", "import", "p.csv", "--ignore-unknown")
    assert person(desk, "N1")["name"] == "New Person"


def test_every_bad_line_of_an_import_is_named_and_nothing_is_written(desk: Desk) -> None:
    text = HEADER + "N1,,1990-13-01,,,\n,Name,,,,\nN2,Ok,,,,\nN2,Twice,,,no-address,2026-02-30\n"
    before = desk.octets()
    answer = desk.type("patients", "import", desk.file("p.csv", text))
    assert (answer.status, answer.out) == (6, "")
    assert answer.err.splitlines()[:2] == [
        "3 lines cannot be used; nothing was written.",
        "  line 2 birth_date  not-a-date: no date from 1900 to 2200; write YYYY-MM-DD, or leave it blank",
    ]
    assert desk.octets() == before
    error = desk.refused(6, "patients", "import", "p.csv")
    assert [(e["line"], e["column"], e["rule"]) for e in error["errors"]] == [
        (2, "birth_date", "not-a-date"),
        (2, "name", "empty"),
        (3, "mrn", "empty"),
        (5, "consent", "not-a-date"),
        (5, "email", "not-an-address"),
        (5, "mrn", "doubled-mrn"),
    ]


# -- export


def test_what_is_exported_is_imported_again_as_it_was(desk: Desk, empty_desk: Desk) -> None:
    desk.say("patients", "add", "--mrn", "=1+1", '=HYPERLINK("x") \'quoted\' "twice", and a comma')
    before = desk.json("patients", "list")
    text = desk.say("patients", "export")
    assert desk.say("patients", "import", "-", stdin=text) == "61 patients read: 0 added, 0 updated, 61 unchanged.\n"
    desk.say("init", "--from", str(DATA / "harbor" / "clinic.toml"), "--db", "other.sqlite3")
    desk.say("patients", "import", "-", "--db", "other.sqlite3", stdin=text)
    after = desk.json("patients", "list", "--db", "other.sqlite3")
    assert {p["mrn"]: p | {"id": ""} for p in after} == {p["mrn"]: p | {"id": ""} for p in before}


def test_the_export_has_the_columns_that_import_takes(desk: Desk) -> None:
    rows = list(csv.DictReader(io.StringIO(desk.say("patients", "export"))))
    assert list(rows[0]) == ["mrn", "name", "birth_date", "phone", "email", *REQUIREMENTS]
    assert len(rows) == 60
    assert json.loads(desk.say("patients", "export", "--json")) == desk.json("patients", "list")
    lines = desk.say("patients", "export", "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == desk.json("patients", "list")


def test_the_export_to_a_file_is_private_and_replaces_nothing_unasked(desk: Desk) -> None:
    assert desk.type("patients", "export", "-o", "p.csv") == (0, "", "60 patients written to p.csv.\n")
    path = desk.folder / "p.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"mine")
    assert desk.refused(2, "patients", "export", "-o", "p.csv")["message"] == (
        "This needs --yes where nobody can be asked."
    )
    assert path.read_bytes() == b"mine"
    assert desk.type("patients", "export", "-o", "p.csv", "--yes").status == 0
    assert path.read_bytes() == desk.say("patients", "export").encode()


# -- what every writing command does


WRITES: tuple[tuple[str, ...], ...] = (
    ("patients", "add", "--mrn", "N1", "New Person"),
    ("patients", "edit", YARA, "--phone", "5"),
    ("patients", "record", YARA, "consent", "--on", "2026-11-20"),
    ("patients", "import", "p.csv"),
)


@pytest.mark.parametrize("words", WRITES)
def test_dry_run_key_and_exit_code(desk: Desk, words: tuple[str, ...]) -> None:
    desk.file("p.csv", HEADER + "N1,New Person,,,,\n")
    before = desk.octets()
    dry = desk.type(*words, "--dry-run", "--exit-code")
    assert (dry.status, dry.err) == (5, "Dry run: nothing was written.\n")
    assert desk.octets() == before
    assert desk.type(*words, "--key", "k", "--exit-code").status == 5
    after = desk.octets()
    again = desk.type(*words, "--key", "k", "--exit-code")
    assert (again.status, again.out.startswith("Done already, under this key")) == (0, True)
    assert desk.octets() == after


def test_an_old_list_takes_back_no_newer_date(desk: Desk) -> None:
    desk.say("patients", "record", "M1001", "consent", "--on", "2026-11-20")
    old = desk.file("old.csv", "mrn,name,consent,labs\nM1001,Yara Sánchez,2026-11-16,2026-11-18\n")
    desk.say("patients", "import", str(old))
    kept = desk.json("patients", "show", "M1001")["requirements"]
    assert (kept["consent"], kept["labs"]) == ("2026-11-20", "2026-11-18")
