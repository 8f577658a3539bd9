"""`db copy`: every sample clinic moves to a server and back, and what cannot be is refused in one sentence."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli.desk import DATA, FIRST_VISITS, YARA, Desk
from cli.test_samples import SAMPLES, Sample, begin
from databases import ask
from torture.figures import record

TOLD = "INSERT INTO told VALUES ('main', ?, 0, 'REQUEST', '<1@calendar.invalid>', 'sent', 1, 1796043600, 0, '')"
NOBODY = "postgresql://desk:secret@127.0.0.1:1/clinics"


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a file, as SQLite itself has it."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def live(desk: Desk, sample: Sample) -> None:
    """Fill the clinic to the brim, and let things happen in it."""
    begin(desk, sample)
    desk.type("batch", "apply", "--keep-going", str(DATA / sample.name / "series.csv"))
    desk.say("patients", "find", "a")
    visits = [v["id"] for v in desk.json("list", "--status", "booked")]
    desk.say("cancel", visits[3], "--reason", "has a cold", "--yes", "--key", "one call")
    desk.say("confirm", visits[5])
    desk.say("slots", "block", "wed 18:00", "wed 19:00", "--clinic", "--reason", "painters")
    desk.say("undo", "--yes")
    with closing(sqlite3.connect(desk.book)) as connection:
        connection.execute(TOLD, [visits[5]])
        connection.commit()
    desk.say("slots", "block", "wed 18:30", "wed 19:00", "--clinic", "--reason", "painters")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_full_clinic_moves_to_a_server_and_back_and_is_the_same_book(
    empty_desk: Desk, database_url: str, sample: Sample
) -> None:
    desk, back = empty_desk, empty_desk.folder / "back.sqlite3"
    live(desk, sample)
    before = desk.octets()
    began = time.perf_counter()
    there = desk.json("db", "copy", str(desk.book), database_url)
    turned = time.perf_counter()
    here = desk.json("db", "copy", database_url, "back.sqlite3")
    ended = time.perf_counter()
    assert desk.octets() == before
    assert contents(back) == contents(desk.book)
    assert {k: there[k] for k in ("rows", "tables", "revision", "head")} == {
        k: here[k] for k in ("rows", "tables", "revision", "head")
    }
    assert there["tables"].pop("access") == here["tables"].pop("access") > 0
    assert all(there["tables"].values())
    assert there["tables"] == {k: len(v) for k, v in contents(back).items() if k in there["tables"]}
    for place in (database_url, str(back)):
        found = desk.json("db", "check", "--db", place)
        assert (found["sound"], {f["rule"] for f in found["findings"]} - {"owns-tables"}) == (True, set())
        info = desk.json("db", "info", "--db", place)
        assert (info["revision"], info["head"]) == (there["revision"], there["head"])
    there_seconds, back_seconds = round(turned - began, 2), round(ended - turned, 2)
    figures = {"clinics": 1, "rows": there["rows"], "claims": there["tables"]["claim"], "different": 0}
    record("copy there and back", "PostgreSQL", **figures, there_seconds=there_seconds, back_seconds=back_seconds)


def test_the_desk_goes_on_where_the_book_has_moved_to(desk: Desk, database_url: str) -> None:
    desk.say("book", YARA, "iv-mood", "2026-11-24T09:00", "--key", "k")
    desk.say("db", "copy", str(desk.book), database_url)
    desk.setenv(INFUSION_DB=database_url)
    assert desk.json("book", YARA, "iv-mood", "2026-11-24T09:00", "--key", "k")["id"] == FIRST_VISITS[0]
    assert desk.json("book", "M1002", "iv-mood", "2026-11-24T11:00")["id"] == FIRST_VISITS[1]
    desk.say("undo", "--yes")
    desk.say("undo", "--yes")
    assert desk.done()[:3] == ["undo", "undo", "book"]
    assert desk.json("db", "check")["sound"]


def test_what_is_said_of_a_copy(desk: Desk, database_url: str) -> None:
    address = database_url.replace("postgres@", "")
    assert desk.say("db", "copy", "book.sqlite3", database_url) == (
        f"Copied book.sqlite3 to {address}, as the clinic main.\n"
        "  2 operations, 615 rows, every one compared.\n"
        "  What is written into one of the two from now on is not in the other: set INFUSION_DB to the one in use.\n"
    )
    desk.setenv(INFUSION_CLINIC="north")
    assert f"to {address}, as the clinic north.\n" in desk.say("db", "copy", "book.sqlite3", database_url)
    desk.say("db", "copy", database_url, "north.sqlite3")
    assert contents(desk.folder / "north.sqlite3") == contents(desk.book)
    assert desk.say("db", "copy", "book.sqlite3", "quiet.sqlite3", "-q") == ""
    assert desk.type("db", "copy", "book.sqlite3", "third.sqlite3", "--exit-code").status == 5


def test_a_dry_run_of_a_copy_leaves_nothing(desk: Desk, database_url: str) -> None:
    for target in ("copy.sqlite3", database_url):
        answer = desk.type("db", "copy", "book.sqlite3", target, "--dry-run")
        assert (answer.status, answer.err) == (0, "Dry run: nothing was written.\n")
        assert "615 rows" in answer.out
    assert [path.name for path in desk.folder.iterdir()] == ["book.sqlite3"]
    assert ask(database_url, "SELECT to_regclass('operation')") == [(None,)]


REFUSALS: dict[tuple[str, ...], tuple[int, str, str]] = {
    ("book.sqlite3", "letter.txt"): (7, "There is something at letter.txt already.", "name another file"),
    ("book.sqlite3", "book.sqlite3"): (7, "There is something at book.sqlite3 already.", "name another file"),
    ("book.sqlite3", "folder"): (7, "There is something at folder already.", "name another file"),
    ("book.sqlite3", "letter.txt/copy"): (
        7,
        "No book can be created in letter.txt: that is no folder.",
        "name another place",
    ),
    ("none.sqlite3", "copy.sqlite3"): (7, "There is no book yet at none.sqlite3.", "infusion init"),
    ("letter.txt", "copy.sqlite3"): (7, "letter.txt is not a book.", "name the book with --db"),
    ("folder", "copy.sqlite3"): (7, "folder is a folder, not a book.", "name the file with --db"),
    ("book.sqlite3", "mysql://x/y"): (
        2,
        "A book is a file or a PostgreSQL database; mysql:// is neither.",
        "give a path, or postgresql://user@host/database",
    ),
    ("book.sqlite3", "postgresql://x:y:z/a?b=c"): (
        2,
        "The address of the database cannot be read.",
        "write postgresql://user@host:5432/database",
    ),
    ("book.sqlite3", NOBODY): (
        7,
        "The database postgresql://127.0.0.1:1/clinics cannot be reached; nothing was written.",
        "check the address, then the same again",
    ),
    (NOBODY, "copy.sqlite3"): (
        7,
        "The database postgresql://127.0.0.1:1/clinics cannot be reached; nothing was written.",
        "check the address, then the same again",
    ),
    ("book.sqlite3", "copy.sqlite3", "--key", "k"): (
        2,
        "db copy is not in the journal and has no key.",
        "leave --key out",
    ),
}


@pytest.mark.parametrize("words", REFUSALS, ids=" ".join)
def test_a_copy_that_cannot_be_is_refused_in_one_sentence(desk: Desk, words: tuple[str, ...]) -> None:
    desk.file("letter.txt", "a letter to a patient\n" * 99)
    (desk.folder / "folder").mkdir()
    status, message, hint = REFUSALS[words]
    answer = desk.type("db", "copy", *words)
    assert answer == (status, "", f"{message}\n" + (f"Try: {hint}\n" if hint else ""))
    error = desk.refused(status, "db", "copy", *words)
    assert (error["message"], error["hint"]) == (message, hint)
    assert sorted(path.name for path in desk.folder.iterdir()) == ["book.sqlite3", "folder", "letter.txt"]


def test_a_database_that_is_not_there_and_a_clinic_that_is(desk: Desk, database_url: str) -> None:
    missing = f"{database_url}_none"
    answer = desk.type("db", "copy", "book.sqlite3", missing)
    assert (answer.status, answer.err.splitlines()[0]) == (
        7,
        f"There is no such database: {missing.replace('postgres@', '')}.",
    )
    desk.say("db", "copy", "book.sqlite3", database_url)
    answer = desk.type("db", "copy", "book.sqlite3", database_url)
    assert answer.err == (
        f"There is a book of the clinic 'main' at {database_url.replace('postgres@', '')} already.\n"
        "Try: infusion db info, or name another clinic with INFUSION_CLINIC\n"
    )


def test_an_older_and_a_newer_book_are_not_copied(desk: Desk) -> None:
    for version, words in ((99, "newer"), (1, "older")):
        with closing(sqlite3.connect(desk.book)) as connection:
            connection.execute(f"PRAGMA user_version={version}")
        assert words in desk.refused(7, "db", "copy", str(desk.book), "copy.sqlite3")["message"]
    assert not (desk.folder / "copy.sqlite3").exists()


def test_nobodys_password_is_said(desk: Desk) -> None:
    answer = desk.type("db", "copy", "book.sqlite3", NOBODY, "--json")
    assert "secret" not in answer.err
    found: dict[str, Any] = json.loads(answer.err)
    assert found["error"]["code"] == "store"
