"""Nothing of a patient gets to where nobody looks after it: messages, temporary files, completion, caches."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cli.desk import BEN, DATA, FIRST_VISITS, YARA, Desk

from infusion_cli.cli.app import command_tree, run
from infusion_cli.domain import ids
from infusion_cli.store.reader import BookReader

ONE = FIRST_VISITS[0]
NINE = "2026-11-24T09:00"
SERIES = ids.encode("series", 0)
PHONE, EMAIL, BORN = "555 0142 77", "yara.s@mail.example", "1971-03-05"
COMMANDS = dict(command_tree())
WRITES_A_FILE_OF_ITS_OWN = {("demo",), ("init",)}


def secrets() -> set[str]:
    """By what patients could be recognised: every name and MRN of the book, and the rest of Yara's record."""
    with (DATA / "harbor" / "patients.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    assert len(people) == 60
    return {p["name"] for p in people} | {p["mrn"] for p in people} | {PHONE, EMAIL, BORN}


SECRETS = secrets()


def leaked(text: str, *typed: str) -> set[str]:
    """What the text tells of patients that nobody had typed."""
    known = " ".join(typed).casefold()
    return {s for s in SECRETS if s.casefold() in text.casefold() and s.casefold() not in known}


BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "resource": {
                "resourceType": "Appointment",
                "id": mrn,
                "status": "booked",
                "start": start,
                "serviceType": [{"text": "consult"}],
                "participant": [
                    {
                        "actor": {
                            "type": "Patient",
                            "identifier": {"type": {"coding": [{"code": "MR"}]}, "value": mrn},
                            "display": "Yara Sánchez",
                        }
                    }
                ],
            }
        }
        for mrn, start in (("M1001", "2026-11-24T09:00:00-05:00"), ("Yara Sánchez", "2026-11-24T12:00:00-05:00"))
    ],
}


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk at work: a course, visits, files to be applied."""
    desk.say("patients", "edit", YARA, "--phone", PHONE, "--email", EMAIL, "--born", BORN)
    desk.say("book", YARA, "consult", NINE, "--chair", "chair-3")
    desk.say("book", BEN, "consult", "2026-11-24T11:00")
    desk.say("series", "book", BEN, "iv-mood", "--from", "2026-12-01")
    desk.say("show", ONE)
    desk.file("requests.csv", "action,patient,protocol,when\nbook,yra sanchez,iv-mood,2026-11-24T12:00\nbook,zoë,x,y\n")
    desk.file("people.csv", "mrn,name,birth_date,shoe\nN1,New,banana,42\n")
    desk.file("plan.json", "{}")
    desk.file("bundle.json", json.dumps(BUNDLE))
    desk.file("clinic.toml", "[clinic]\n")
    return desk


WRONG: dict[str, tuple[str, ...]] = {
    "PATIENT": ("yra sanchez", "zoë", "hana grun", "M10011", "PANANX", "a"),
    "APPT": ("A7K2MH", "AANANX", "M1001x", "zzz"),
    "PROTOCOL": ("iv-moood", "iv-mood", "esketamine"),
    "WHEN": ("2026-11-26T09:00", "banana", NINE, "2026-11-20T09:00"),
    "FILE": ("requests.csv", "people.csv", "plan.json", "nowhere.csv", "."),
    "ID": ("yra sanchez", "zoë", "PANANX", "OANANX", "BANANX", "SANANX"),
    "REQUIREMENT": ("consen", "consent"),
    "DIR": ("requests.csv", "nowhere"),
    "OPERATION": ("OANANA", "OANANX", "zzz"),
    "DIR|FILE": ("people.csv", "people.csv/backups"),
    "BACKUP": ("people.csv", "nowhere.sqlite3", "."),
}
WRONG |= {"A": WRONG["APPT"], "A|S": WRONG["ID"], "A|S|P": WRONG["ID"], "S": WRONG["ID"], "PLAN.json": WRONG["FILE"]}
WRONG |= dict.fromkeys(("FROM", "TO", "DATE"), WRONG["WHEN"])
WRONG |= dict.fromkeys(("NAME", "TEXT"), ("a",))


def invocations(words: tuple[str, ...]) -> Iterator[list[str]]:
    """The command with wrong words in every place, several times over."""
    places = [p for p in COMMANDS[words].params if not p.opts[0].startswith("-")]
    wrong = [WRONG[str(p.metavar).strip("[]").removesuffix("...")] for p in places]
    for number in range(max((len(w) for w in wrong), default=1)):
        typed = [*words, *(w[number % len(w)] for w in wrong)]
        yield typed
        options = {p.opts[0] for p in COMMANDS[words].params}
        for option, text in (("--patient", "zoë"), ("--patient", "yra sanchez"), ("--mrn", "M1002"), ("--yes", "")):
            if option in options:
                yield [*typed, option, *filter(None, [text])]


@pytest.mark.parametrize("words", [w for w in COMMANDS if w not in WRITES_A_FILE_OF_ITS_OWN], ids=" ".join)
def test_no_failure_names_anybody_that_was_not_named(busy: Desk, words: tuple[str, ...]) -> None:
    for typed in invocations(words):
        for form in ([], ["--json"]):
            answer = busy.type(*typed, *form)
            assert leaked(answer.err, *typed) == set(), typed


REFUSED: tuple[tuple[str, ...], ...] = (
    ("book", YARA, "iv-mood", NINE),
    ("book", YARA, "consult", "2026-11-24T09:30", "--chair", "chair-3"),
    ("book", "M1003", "consult", NINE, "--chair", "chair-3"),
    ("book", YARA, "iv-mood", "2026-11-26T09:00"),
    ("move", ONE, "2026-11-24T11:00"),
    ("series", "book", BEN, "iv-mood"),
    ("series", "plan", YARA, "iv-mood", "--from", "2026-11-24", "--to", "2026-11-25"),
    ("patients", "edit", BEN, "--mrn", "M1001"),
    ("patients", "forget", BEN, "--yes"),
    ("patients", "forget", YARA, "--yes", "--reason", "yara asked"),
    ("patients", "add", "--mrn", "M1001", "New"),
    ("ical", "cancel", ONE),
    ("start", ONE, "--at", "2026-11-20T09:00"),
    ("undo", "OYE6C9", "--yes"),
    ("batch", "apply", "requests.csv"),
    ("fhir", "import", "bundle.json"),
)


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_no_refusal_names_anybody(busy: Desk, words: tuple[str, ...]) -> None:
    for form in ((), ("--json",)):
        answer = busy.type(*words, *form)
        assert answer.status > 1, answer
        assert answer.err
        assert leaked(answer.err, *words) == set()


class Terminal(io.StringIO):
    """Somebody who looks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "shown"), [("hana grun", {"Hana Grünwald", "M1012", "M1042"}), ("yra sanchez", {"Yara Sánchez", "M1001"})]
)
def test_control_where_somebody_looks_the_same_check_sees_names(
    busy: Desk, monkeypatch: pytest.MonkeyPatch, typed: str, shown: set[str]
) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["patients", "show", typed]) in {3, 8}
    assert leaked(screen.getvalue(), typed) >= shown


@pytest.mark.parametrize("words", [w for w in COMMANDS if w not in WRITES_A_FILE_OF_ITS_OWN], ids=" ".join)
def test_no_unexpected_failure_tells_what_it_was_about(
    busy: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError(" ".join(sorted(SECRETS)))

    typed = next(iter(invocations(words)))
    monkeypatch.setattr(BookReader, "__init__", broken)
    for form in ([], ["--json"], ["--yes"] if "--yes" in {p.opts[0] for p in COMMANDS[words].params} else []):
        answer = busy.type(*typed, *form)
        assert leaked(answer.out + answer.err) == set()
        assert "Traceback" not in answer.err


def test_control_with_debugging_on_the_traceback_tells(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("Yara Sánchez")

    monkeypatch.setattr(BookReader, "__init__", broken)
    busy.setenv(INFUSION_DEBUG="1")
    with pytest.raises(LookupError, match="Yara"):
        busy.type("list")


def test_a_damaged_row_is_named_by_no_command(busy: Desk) -> None:
    with closing(sqlite3.connect(busy.book)) as connection:
        connection.execute('UPDATE appointment SET phases = \'[{"name": "Yara Sánchez"\' WHERE id = ?', (ONE,))
        connection.execute("UPDATE requirement SET on_date = 'Yara Sánchez'")
        connection.commit()
    for words in (
        ("list",),
        ("show", ONE),
        ("today", "tue"),
        ("db", "check"),
        ("history",),
        ("patients", "show", YARA),
    ):
        for form in ((), ("--json",)):
            assert leaked(busy.type(*words, *form).err, *words) == set()


def surroundings(desk: Desk, folder: Path) -> dict[str, str]:
    """Folders of one's own for all that programs leave behind; gives the variables that say so."""
    folders = {name: folder / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}
    for path in folders.values():
        path.mkdir(parents=True)
    found = {name: str(path) for name, path in folders.items()}
    return found | {"TMP": found["TMPDIR"], "TEMP": found["TMPDIR"], "SQLITE_TMPDIR": found["TMPDIR"]}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_no_command_leaves_a_file_but_the_book_its_log_and_what_was_asked_for(busy: Desk, tmp_path: Path) -> None:
    env = surroundings(busy, tmp_path / "around")
    before = names_in(busy.folder)
    for words in (
        ("today",),
        ("patients", "list"),
        ("series", "plan", YARA, "iv-mood"),
        ("ical", "export", ONE, "-o", "visit.ics"),
        ("fhir", "export", ONE, "-o", "visit.json"),
        ("patients", "export", "-o", "people.out"),
        ("patients", "show", "hana grun"),
        ("db", "check"),
        ("audit", "list"),
        ("cancel", ONE, "--reason", "ill", "--yes"),
        ("patients", "forget", "M1005", "--yes"),
        ("book", YARA, "iv-mood", "2026-11-26T09:00"),
        ("db", "backup", "b.sqlite3"),
        ("db", "copy", "book.sqlite3", "c.sqlite3"),
        ("db", "restore", "b.sqlite3", "--yes"),
    ):
        assert busy.process(*words, env=env).status in {0, 4, 8}, words
    assert files_in(tmp_path / "around") == []
    asked_for = {
        "visit.ics",
        "visit.json",
        "people.out",
        "b.sqlite3",
        "b.sqlite3.json",
        "c.sqlite3",
        "c.sqlite3.access-2026.jsonl",
    }
    kept = {"book.sqlite3.before-restore-20261123T130000Z"}
    assert names_in(busy.folder) - before - {"c.sqlite3-journal"} <= asked_for | kept


def test_a_calendar_file_is_the_only_one_that_is_named_after_something_and_that_is_an_id(busy: Desk) -> None:
    for record, name in ((ONE, f"appointment-{ONE}.ics"), (YARA, "appointments.ics")):
        before = names_in(busy.folder)
        busy.say("ical", "export", record)
        assert names_in(busy.folder) - before == {name}


def completed(desk: Desk, line: str, env: dict[str, str]) -> str:
    asked = {"_INFUSION_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    answer = desk.process(env=asked | env)
    assert answer.status == 0
    return answer.out + answer.err


def test_completion_offers_no_patient_keeps_nothing_and_is_no_access(busy: Desk, tmp_path: Path) -> None:
    env = surroundings(busy, tmp_path / "around")
    log = busy.folder / "book.sqlite3.access-2026.jsonl"
    before = (names_in(busy.folder), log.read_bytes(), busy.octets())
    offered = [
        completed(busy, f"infusion {line}", env)
        for line in (
            "book ",
            "book ya",
            "patients show ",
            "patients show M10",
            "list --patient ",
            "show ",
            "series plan P",
        )
    ]
    assert leaked("".join(offered)) == set()
    assert YARA not in "".join(offered)
    assert completed(busy, "infusion book yara iv-", env)
    assert files_in(tmp_path / "around") == []
    assert (names_in(busy.folder), log.read_bytes(), busy.octets()) == before
