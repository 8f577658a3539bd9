"""What programs rely on: the fields of every record and command, and which stream holds what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli.desk import BEN, FIRST_VISITS, YARA, Desk, op

from infusion_cli.domain import ids

ONE, TWO, *_ = FIRST_VISITS
SERIES, BLOCK = ids.encode("series", 0), ids.encode("block", 0)


def names(text: str) -> set[str]:
    return set(text.split())


VISIT = names("id patient protocol series session start end leave chair status sequence key hold_until confirmed_at")
VISIT |= names("arrived_at started_at left_at overrides reason cancelled_by late ride warnings")
PATIENT = names("id mrn name birth_date phone email status requirements")
A_SERIES = names("id patient protocol status ordered course sessions next_due warnings")
A_SERIES |= names("authorised_visits authorised_until")
SLOT = names("start end chair chairs protocol status subject warnings")
A_BLOCK = names("id kind subject start end reason status staff origin")
OPERATION = names("id at actor command undoes undone_by reason changes")
CHANGE = names("op entity id before after")
PLAN = names("id created revision changes conflicts summary")
CONFLICT = names("rule severity overridable message subject start end")
DONE = names("operation at replayed summary changes")
BATCH = names("operation lines courses courses_placed visits placed already left_out replayed")
IMPORT = names("operation added updated unchanged")
ICAL_IMPORT = names("operation calendars added changed removed hit missing skipped left_out warnings replayed")
CLINIC = names("schema clinic hours closures chairs staff protocols")
INFO = names("path bytes clinic timezone patients visits series blocks operations revision head schema sqlite")
INFO |= names("engine journal_mode encrypted")
ENTRY = names("at actor origin kind command subjects count")
ERROR = names("code message hint conflicts alternatives")


_LIVED: dict[str, bytes] = {}
"""The files of a book in use, made once: to make them costs more than to test them."""

APPOINTMENT = {
    "resourceType": "Appointment",
    "id": "1",
    "status": "booked",
    "serviceType": [{"text": "consult"}],
    "start": "2026-11-25T12:00:00-05:00",
    "participant": [
        {"actor": {"type": "Patient", "identifier": {"type": {"coding": [{"code": "MR"}]}, "value": "M1006"}}}
    ],
}


@pytest.fixture
def lived(desk: Desk) -> Desk:
    """A book with a series, a lone visit, a block and an undone operation, and files to read."""
    if not _LIVED:
        _live(desk)
        _LIVED.update({path.name: path.read_bytes() for path in desk.folder.iterdir()})
    for name, octets in _LIVED.items():
        (desk.folder / name).write_bytes(octets)
    return desk


def _live(desk: Desk) -> None:
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("book", BEN, "esketamine", "2026-11-24T09:00")
    desk.say("slots", "block", "2026-11-25 8:00", "2026-11-25 9:00", "--chair", "window", "--reason", "lamp")
    desk.say("confirm", ONE)
    desk.say("undo", "--yes")
    desk.file("b.csv", "action,patient,protocol,when\nbook,M1003,iv-mood,2026-11-24T12:00\n")
    desk.file("p.csv", "mrn,name\nN1,New\n")
    entry = "BEGIN:VEVENT\nUID:1\nDTSTART:20261202T140000Z\nDTEND:20261202T150000Z\nEND:VEVENT\n"
    desk.file("rn-bell.ics", f"BEGIN:VCALENDAR\n{entry}END:VCALENDAR\n")
    desk.file("bundle.json", json.dumps(APPOINTMENT))
    desk.say("db", "backup", "backup.sqlite3")
    desk.file("clinic.toml", desk.say("clinic", "show"))
    desk.say("series", "plan", "M1005", "iv-mood", "-o", "plan.json", "-q")


LISTS: dict[tuple[str, ...], set[str]] = {
    ("list",): VISIT,
    ("today", "tue"): VISIT,
    ("patients", "list"): PATIENT,
    ("patients", "find", "yara"): PATIENT,
    ("series", "list"): A_SERIES,
    ("series", "plan", "M1004", "iv-mood", "--alternatives", "2"): PLAN,
    ("slots", "find", "iv-mood"): SLOT,
    ("slots", "list", "--from", "tue"): SLOT,
    ("slots", "blocks", "--from", "2026-11-25"): A_BLOCK,
    ("history",): OPERATION,
    ("audit", "list"): ENTRY,
}
RECORDS: dict[tuple[str, ...], set[str]] = {
    ("show", ONE): VISIT | {"history"},
    ("show", YARA): PATIENT | {"history"},
    ("show", SERIES): A_SERIES | {"history"},
    ("show", BLOCK): A_BLOCK | {"history"},
    ("show", op(1)): OPERATION,
    ("book", "M1003", "iv-mood", "2026-11-24T12:00"): VISIT,
    ("move", TWO, "2026-11-24T12:00"): VISIT,
    ("cancel", ONE, "--reason", "cold", "--yes"): VISIT,
    ("confirm", ONE): VISIT,
    ("undo", "--yes"): DONE,
    ("apply", "plan.json"): DONE,
    ("patients", "show", YARA): PATIENT,
    ("patients", "add", "--mrn", "N1", "New"): PATIENT,
    ("patients", "edit", YARA, "--phone", "1"): PATIENT,
    ("patients", "record", YARA, "labs"): PATIENT,
    ("patients", "import", "p.csv"): IMPORT,
    ("patients", "forget", "M1060", "--yes"): names("operation patient visits series residue"),
    ("series", "show", SERIES): A_SERIES,
    ("series", "book", "M1004", "iv-mood"): A_SERIES,
    ("slots", "why", "iv-mood", "2026-11-26 9:00"): {"start", "protocol", "chair", "conflicts", "alternatives"},
    ("slots", "block", "wed 12:00", "wed 13:00", "--clinic", "--reason", "x"): A_BLOCK | {"hit"},
    ("slots", "open", "sat 12:00", "sat 13:00"): A_BLOCK | {"hit"},
    ("slots", "unblock", BLOCK): A_BLOCK | {"hit"},
    ("clinic", "show"): CLINIC,
    ("clinic", "check", "clinic.toml"): {"file", "clinic", "warnings"},
    ("clinic", "apply", "clinic.toml"): names("operation difference hit warnings renewed"),
    ("batch", "check", "b.csv"): BATCH,
    ("batch", "apply", "b.csv"): BATCH,
    ("ical", "export", ONE): {"file", "visits"},
    ("ical", "import", "rn-bell.ics"): ICAL_IMPORT,
    ("fhir", "export", ONE): names("file release visits patients"),
    ("fhir", "import", "bundle.json"): names("operation appointments placed unchanged skipped left_out replayed"),
    ("audit", "verify"): names("whole operations head break"),
    ("audit", "head"): names("seq hash short at"),
    ("db", "info"): INFO,
    ("db", "check"): {"sound", "findings"},
    ("db", "backup"): names("path file made sha256 bytes revision head founded removed"),
    ("db", "restore", "backup.sqlite3", "--yes"): names("path backup revision head lost kept fingerprint"),
    ("db", "copy", "book.sqlite3", "copy.sqlite3"): names("from to rows tables revision head"),
    ("init", "--db", "new.sqlite3"): {"db", "clinic", "timezone"},
}


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_list_is_an_array_of_records_with_these_fields(lived: Desk, words: tuple[str, ...]) -> None:
    found = lived.json(*words)
    assert isinstance(found, list)
    assert found
    assert {frozenset(record) for record in found} == {frozenset(LISTS[words])}
    lines = lived.say(*words, "--format", "jsonl").splitlines()
    assert len(lines) == len(found)
    assert all(set(json.loads(line)) == LISTS[words] for line in lines)
    head = lived.say(*words, "--format", "csv").splitlines()[0]
    assert set(head.split(",")) == LISTS[words]


@pytest.mark.parametrize("words", RECORDS, ids=" ".join)
def test_a_single_record_is_one_object_with_these_fields(lived: Desk, words: tuple[str, ...]) -> None:
    assert set(lived.json(*words)) == RECORDS[words]


WRITES = [
    words
    for words in RECORDS
    if words[0] not in {"show", "audit"} and words[1] not in {"show", "check", "why", "info", "export"}
]


@pytest.mark.parametrize("words", RECORDS, ids=" ".join)
def test_a_single_record_in_the_other_forms(lived: Desk, words: tuple[str, ...]) -> None:
    quietly = ("--dry-run",) if words in WRITES else ("--yes",) if words[0] in {"ical", "fhir"} else ()
    one = lived.json(*words, *quietly)
    (line,) = lived.say(*words, *quietly, "--format", "jsonl").splitlines()
    assert json.loads(line).keys() == one.keys()
    assert lived.type(*words, *quietly, "--format", "csv").out.splitlines()[0].split(",") == list(one)


@pytest.mark.parametrize("words", WRITES, ids=" ".join)
def test_a_dry_run_leaves_every_octet(lived: Desk, words: tuple[str, ...]) -> None:
    before, files = lived.octets(), sorted(path.name for path in lived.folder.iterdir())
    assert set(lived.json(*words, "--dry-run")) == RECORDS[words]
    assert lived.octets() == before
    assert sorted(path.name for path in lived.folder.iterdir()) == files


def test_the_parts_of_records(lived: Desk) -> None:
    operations = lived.json("history")
    assert {frozenset(c) for o in operations for c in o["changes"]} == {frozenset(CHANGE)}
    series = lived.json("series", "show", SERIES)
    assert {frozenset(v) for v in series["sessions"]} == {frozenset(VISIT)}
    assert set(series["warnings"][0]) == {"rule", "message"}
    why = lived.json("slots", "why", "iv-mood", "2026-11-26 9:00")
    assert {frozenset(c) for c in why["conflicts"]} == {frozenset(CONFLICT)}
    assert {frozenset(s) for s in why["alternatives"]} == {frozenset(SLOT)}
    batch = lived.json("batch", "apply", "b.csv")
    assert set(batch["placed"][0]) == {"line", "action", "records", "already"}
    operation = operations[0]
    assert (operation["command"], operation["undoes"]) == ("undo", op(4))


def test_every_time_has_seconds_and_the_offset_of_its_day(lived: Desk) -> None:
    lived.say("book", "M1003", "iv-mood", "2027-03-15T09:00")
    starts = {v["start"][10:] for v in lived.json("list")}
    assert starts == {"T08:00:00-05:00", "T09:00:00-05:00", "T09:00:00-04:00"}


def test_warnings_are_data_and_not_on_stderr(lived: Desk) -> None:
    lived.at("2026-11-24T09:00")
    arrived = lived.json("arrive", ids.encode("appointment", 6))
    assert arrived["warnings"] == [{"rule": "ride-unknown", "message": "how the patient gets home is not known"}]


FAILURES: dict[int, tuple[str, ...]] = {
    2: ("book", YARA, "iv-mood", "banana"),
    3: ("book", "nobody", "iv-mood", "tue 9am"),
    4: ("book", YARA, "iv-mood", "2026-11-26 9:00"),
    6: ("batch", "check", "bad.csv"),
    7: ("list", "--db", "nowhere.sqlite3"),
    8: ("book", "ivo", "iv-mood", "tue 9am"),
}


@pytest.mark.parametrize("status", FAILURES)
@pytest.mark.parametrize("form", [("--json",), ("--format", "json"), ("--format=jsonl",)], ids=" ".join)
def test_a_failure_is_one_object_on_stderr(lived: Desk, status: int, form: tuple[str, ...]) -> None:
    lived.file("bad.csv", "action,patient,protocol,when\nbook,nobody,iv-mood,tue 9am\n")
    answer = lived.type(*FAILURES[status], *form)
    assert (answer.status, answer.out) == (status, "")
    also: dict[int, set[str]] = {6: {"errors"}, 8: {"candidates"}}
    assert set(answer.error) == ERROR | also.get(status, set())
    error: dict[str, Any] = answer.error
    assert error["message"].endswith(".")
    assert error["hint"]


@pytest.mark.parametrize(
    "words", [("bok",), ("book",), ("book", "--nope"), ("slots",), ("list", "--limit"), ("db", "x")]
)
def test_a_command_line_that_cannot_be_parsed_is_one_object_too(desk: Desk, words: tuple[str, ...]) -> None:
    error = desk.refused(2, *words)
    assert (error["code"], set(error)) == ("usage", ERROR)


def test_what_stands_after_two_dashes_is_no_option(desk: Desk) -> None:
    answer = desk.type("patients", "show", "--", "--json")
    assert (answer.status, answer.err.splitlines()[0]) == (3, "There is no patient '--json'.")
