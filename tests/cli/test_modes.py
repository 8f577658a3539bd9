"""Who could get at the book's file past the program is looked at with each opening, and said once a command."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from cli.desk import YARA, Desk

from infusion_cli.store import sqlite
from infusion_cli.store.repository import open_store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
NINE = "2026-11-24T09:00"
SHARED = 0o2770


@pytest.mark.parametrize(
    ("folder", "file", "words"),
    [
        (0o700, 0o644, "can be read by everybody on this machine; try chmod 600 {book}."),
        (0o700, 0o602, "can be changed by everybody on this machine; try chmod 600 {book}."),
        (0o755, 0o640, "can be read by its group; try chmod 600 {book}."),
        (0o755, 0o660, "can be changed by its group; try chmod 600 {book}."),
        (SHARED, 0o664, "can be read by everybody on this machine; try chmod 660 {book}."),
    ],
)
def test_a_file_that_others_can_open_is_warned_of_and_used(desk: Desk, folder: int, file: int, words: str) -> None:
    desk.book.chmod(file)
    desk.folder.chmod(folder)
    expected = f"Warning: the book {desk.book} {words.format(book=desk.book)}\n"
    for command in (("list", "--from", "2026-11-23"), ("patients", "show", YARA), ("book", YARA, "consult", NINE)):
        answer = desk.type(*command)
        assert answer.status == 0
        assert answer.err.replace("No visits.\n", "") == expected


@pytest.mark.parametrize("folder", [0o777, 0o1777])
def test_a_folder_that_everybody_can_write_is_warned_of(desk: Desk, folder: int) -> None:
    desk.folder.chmod(folder)
    assert desk.type("patients", "show", YARA).err == (
        f"Warning: everybody on this machine can put files beside {desk.book}; try chmod o-w {desk.folder}.\n"
    )


@pytest.mark.parametrize(
    ("folder", "file"), [(0o700, 0o600), (0o755, 0o600), (0o700, 0o400), (SHARED, 0o660), (0o2750, 0o640)]
)
def test_what_is_private_or_shared_by_a_group_on_purpose_is_not(desk: Desk, folder: int, file: int) -> None:
    desk.book.chmod(file)
    desk.folder.chmod(folder)
    assert desk.say("patients", "show", YARA)
    assert desk.json("db", "check") == {"sound": True, "findings": []}


def test_a_program_that_reads_and_who_wants_quiet_hear_nothing(desk: Desk) -> None:
    desk.book.chmod(0o644)
    desk.say("patients", "show", YARA, "--json")
    desk.say("patients", "show", YARA, "--quiet")


def test_the_check_notes_it_with_a_remedy_and_the_book_is_sound(desk: Desk) -> None:
    desk.book.chmod(0o644)
    found = desk.json("db", "check")
    assert found["sound"]
    assert found["findings"] == [
        {
            "rule": "file-mode",
            "severity": "note",
            "message": f"The book {desk.book} can be read by everybody on this machine.",
            "subject": "",
            "remedy": f"chmod 600 {desk.book}",
        }
    ]


def test_of_a_link_the_file_behind_it_is_looked_at(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "link").symlink_to(desk.book)
    desk.book.chmod(0o644)
    assert str(desk.book) in desk.type("patients", "show", YARA, "--db", str(desk.folder / "link")).err


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
@pytest.mark.parametrize("mode", [0o600, 0o660])
def test_files_that_come_beside_the_book_have_its_mode(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, wal: bool, mode: int
) -> None:
    monkeypatch.setattr(sqlite, "_WAL_IS_SOUND", (3, 0, 0) if wal else (99,))
    desk.folder.chmod(SHARED)
    desk.book.chmod(mode)
    with open_store(desk.book) as store, store.writing(0) as writer:
        writer.database.run("counter_put", {"kind": "plan", "next": 7})
        beside = [p for p in desk.folder.iterdir() if p.name.startswith("book.sqlite3-")]
        assert {p.name.removeprefix("book.sqlite3") for p in beside} == ({"-wal", "-shm"} if wal else {"-journal"})
        assert {stat.S_IMODE(p.stat().st_mode) for p in beside} == {mode}
