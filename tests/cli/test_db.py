"""The book itself: described, checked; and every kind of file that is no book."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from cli.desk import YARA, Desk


def test_info_describes_the_book(desk: Desk) -> None:
    info = desk.json("db", "info")
    assert (info["path"], info["bytes"]) == (str(desk.book), len(desk.octets()))
    assert {k: info[k] for k in ("clinic", "timezone", "patients", "visits", "operations", "schema")} == {
        "clinic": "Harbor Ketamine & Wellness",
        "timezone": "America/New_York",
        "patients": 60,
        "visits": 0,
        "operations": 2,
        "schema": 2,
    }
    assert desk.say("db", "info").splitlines()[2] == "clinic        Harbor Ketamine & Wellness"


def test_a_sound_book(desk: Desk) -> None:
    assert desk.say("db", "check") == "The book is sound.\n"
    assert desk.json("db", "check") == {"sound": True, "findings": []}


def test_an_overridden_visit_is_a_note_and_the_book_is_sound(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", "2026-11-24T09:00")
    desk.say("book", YARA, "iv-mood", "2026-11-25T08:00", "--override", "gap-too-short", "--reason", "agreed")
    assert desk.say("db", "check") == (
        "The book is sound.\n  - overridden: AYE6CE stands in spite of gap-too-short.\n      infusion show AYE6CE\n"
    )


def test_a_record_that_was_changed_past_the_program_is_a_finding(desk: Desk) -> None:
    with sqlite3.connect(desk.book) as connection:
        connection.execute("UPDATE patient SET phone = 'x' WHERE id = ?", (YARA,))
    connection.close()
    answer = desk.type("db", "check")
    assert (answer.status, answer.err) == (7, "")
    assert answer.out.splitlines()[:2] == [
        "1 finding.",
        f"  x record-differs: {YARA} is not as the last operation left it.",
    ]
    findings = desk.type("db", "check", "--json")
    assert (findings.status, findings.err, findings.data["sound"]) == (7, "", False)


def test_a_book_without_its_guards_can_be_read_and_not_written(desk: Desk) -> None:
    with sqlite3.connect(desk.book) as connection:
        (name,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' LIMIT 1").fetchone()
        connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    assert desk.json("list") == []
    error = desk.refused(7, "book", YARA, "iv-mood", "2026-11-24T09:00")
    assert error["message"].startswith("The book can be read but not written: ")
    assert error["hint"] == "infusion db check"
    assert desk.type("db", "check").status == 7


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def test_no_book_yet(empty_desk: Desk) -> None:
    error = empty_desk.refused(7, "list")
    assert (error["message"], error["hint"]) == (f"There is no book yet at {empty_desk.book}.", "infusion init")


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "is empty: that is no book."),
        (b"hello", "is not a book."),
        (b"x" * 5000, "is not a book."),
        (b"SQLite format 3\0" + b"x" * 5000, "is"),
    ],
)
def test_a_file_that_is_no_book(empty_desk: Desk, octets: bytes, words: str) -> None:
    empty_desk.book.write_bytes(octets)
    for command in (("list",), ("book", YARA, "iv-mood", "tue 9am"), ("db", "info"), ("db", "check")):
        assert words in empty_desk.refused(7, *command)["message"]


def test_a_database_of_another_program(empty_desk: Desk) -> None:
    foreign(empty_desk.book)
    assert empty_desk.refused(7, "list")["message"] == f"{empty_desk.book} belongs to another program."


def test_a_book_of_a_newer_version(desk: Desk) -> None:
    newer(desk.book)
    error = desk.refused(7, "list")
    assert (error["message"], error["hint"]) == (
        f"{desk.book} was written by a newer version of this program.",
        "update infusion",
    )


def test_a_damaged_book(desk: Desk) -> None:
    truncated(desk.book)
    for words in (("list",), ("patients", "list"), ("book", YARA, "iv-mood", "tue 9am"), ("series", "list")):
        assert desk.refused(7, *words)["code"] == "store"
    assert desk.type("db", "check").status == 7


def test_a_folder_and_another_database_are_no_books(desk: Desk) -> None:
    assert desk.refused(7, "list", "--db", str(desk.folder))["message"] == f"{desk.folder} is a folder, not a book."
    error = desk.refused(2, "list", "--db", "mysql://x/y")
    assert error["message"] == "A book is a file or a PostgreSQL database; mysql:// is neither."


def test_a_book_that_can_only_be_read(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", "2026-11-24T09:00")
    desk.book.chmod(0o400)
    assert [v["patient"] for v in desk.json("list")] == [YARA]
    if os.geteuid():  # nothing is read-only to root
        error = desk.refused(7, "cancel", "AANAND", "--reason", "cold", "--yes")
        assert error["message"] == f"The book {desk.book} can only be read, not written."


def test_the_book_named_on_the_command_line_comes_first(desk: Desk) -> None:
    desk.setenv(INFUSION_DB=str(desk.folder / "nowhere.sqlite3"))
    assert desk.refused(7, "list")["code"] == "store"
    assert desk.json("list", "--db", str(desk.book)) == []


def test_the_book_of_the_configuration_file_and_a_file_that_cannot_be_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INFUSION_DB")
    desk.setenv(INFUSION_CONFIG=desk.file("config.toml", f'db = "{desk.book}"\nactor = "mira"\n'))
    assert desk.json("db", "info")["path"] == str(desk.book)
    desk.setenv(INFUSION_CONFIG=desk.file("config.toml", 'shoe = "size"\n'))
    assert desk.refused(2, "list")["hint"].startswith("known: db, clinic, actor, backup, smtp_host, ")
    desk.setenv(INFUSION_CONFIG="nowhere.toml")
    assert desk.refused(2, "list")["hint"] == "mend INFUSION_CONFIG"
