"""What is no sound book of ours is refused: status 7, one sentence, a way out, and every octet as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from cli.desk import Desk
from torture import books
from torture.figures import record

from infusion_cli.store import files

READING: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("today",),
    ("db", "info"),
    ("patients", "list"),
    ("series", "list"),
    ("history",),
)
WRITING: tuple[tuple[str, ...], ...] = (
    ("book", "M1001", "iv-mood", "2026-12-01T09:00"),
    ("series", "book", "M1001", "iv-mood", "--from", "2026-12-01", "--yes"),
    ("patients", "add", "--mrn", "N1", "Ada Example"),
    ("slots", "block", "--clinic", "2026-12-01T09:00", "2026-12-01T12:00", "--reason", "flood"),
    ("undo", "--yes"),
)
DAMAGE = "infusion db restore BACKUP, with the newest sound one"
OWNER = "check who owns the file and its folder"
NAME = "name the book with --db"
CHECK = "infusion db check"


def sql(*statements: str) -> Callable[[Path], None]:
    """Change a book, or make a database, past the program."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


def octets(content: bytes) -> Callable[[Path], None]:
    """Something else in the book's place."""

    def replace(path: Path) -> None:
        path.write_bytes(content)

    return replace


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


class Case(NamedTuple):
    """What was done to the book, and how it is refused."""

    spoil: Callable[[Path], None]
    message: str
    hint: str
    readable: bool = False
    """Whether only writing is refused."""


CASES = {
    "missing": Case(Path.unlink, "There is no book yet at {path}.", "infusion init"),
    "a folder": Case(folder, "{path} is a folder, not a book.", "name the file with --db"),
    "empty": Case(octets(b""), "{path} is empty: that is no book.", "remove it, then infusion init"),
    "one octet": Case(octets(b"x"), "{path} is not a book.", NAME),
    "a text": Case(octets("Grüße an alle.\n".encode() * 999), "{path} is not a book.", NAME),
    "zeros": Case(octets(bytes(65536)), "{path} is not a book.", NAME),
    "a header and nothing more": Case(octets(b"SQLite format 3\0" + b"\xff" * 8176), "{path} is not a book.", NAME),
    "cut in half": Case(cut, "The book {path} is damaged.", DAMAGE),
    "another program's": Case(sql("PRAGMA application_id=7"), "{path} belongs to another program.", NAME),
    "a newer version's": Case(
        sql("PRAGMA user_version=99"), "{path} was written by a newer version of this program.", "update infusion"
    ),
    "without a guard": Case(
        sql("DROP TRIGGER claim_capacity"),
        "The book can be read but not written: the guard claim_capacity is missing.",
        CHECK,
        readable=True,
    ),
    "with a weakened guard": Case(
        sql(
            "DROP TRIGGER claim_update",
            "CREATE TRIGGER claim_update BEFORE UPDATE ON claim BEGIN SELECT 1; END",
        ),
        "The book can be read but not written: the guard claim_update was changed.",
        CHECK,
        readable=True,
    ),
    "with a trigger too many": Case(
        sql("CREATE TRIGGER helpful AFTER INSERT ON claim BEGIN DELETE FROM claim; END"),
        "The book can be read but not written: the trigger helpful is not ours.",
        CHECK,
        readable=True,
    ),
}

if sys.platform != "win32":
    CASES["a link to itself"] = Case(loop, "The book {path} cannot be reached: Too many levels of symbolic links.", "")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A desk at a book with a booking in it."""
    desk.say("book", "M1007", "iv-mood", "2026-12-02T09:00")
    return desk


def everything(desk: Desk) -> dict[str, bytes]:
    """What lies in the folder of the book, but for a journal in which nothing stands and the log of who has looked."""
    there = {str(path): path.read_bytes() for path in desk.folder.iterdir() if path.is_file()}
    kept = {path: content for path, content in there.items() if ".access-" not in path}
    return {path: content for path, content in kept.items() if content or not path.endswith("-journal")}


def refuse(desk: Desk, words: tuple[str, ...], message: str, hint: str) -> None:
    """Type a command, for people and for programs: it has to be refused in these words and to change nothing."""
    before, expected = everything(desk), message.format(path=desk.book)
    error = desk.refused(7, *words)
    assert (error["code"], error["message"], error["hint"]) == ("store", expected, hint)
    told = f"{expected}\nTry: {hint}\n" if hint else f"{expected}\n"
    assert desk.type(*words) == (7, "", told)
    assert everything(desk) == before


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_sound_book_is_refused_and_left_as_it_was(desk: Desk, name: str) -> None:
    case = CASES[name]
    case.spoil(desk.book)
    for words in WRITING if case.readable else (*READING, *WRITING):
        refuse(desk, words, case.message, case.hint)
    if case.readable:
        before = everything(desk)
        for words in READING:
            desk.json(*words)
        assert desk.type("db", "check").status == 7
        assert everything(desk) == before
    record("refused files", books.SQLITE, kinds=1, changed=0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell what is mounted")
@pytest.mark.parametrize("kind", sorted(files.SHARES))
def test_on_a_network_share_a_book_is_read_and_written_only_where_that_was_allowed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/books {desk.folder} {kind} rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(files, "MOUNTS", mounts)
    message = f"{{path}} lies on a network share ({kind}), where two desks can book the same chair."
    hint = "keep the book on a local disk, or set INFUSION_ALLOW_NETWORK=1 at your own risk"
    for words in WRITING:
        refuse(desk, words, message, hint)
    for words in READING:
        desk.json(*words)
    desk.setenv(INFUSION_ALLOW_NETWORK="1")
    warning = f"Warning: the book lies on a network share ({kind}): use it from one machine only.\n"
    answer = desk.type(*WRITING[0])
    assert (answer.status, answer.err) == (0, warning)


SOMEBODY = 65534
"""A user who is not root."""


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everything: be somebody else for a while."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield
        return
    os.setresuid(SOMEBODY, SOMEBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def copy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The same desk at a copy of its book in a folder where everybody may look."""
    for words in (*READING, *WRITING):
        desk.type(*words, "--dry-run")  # what a command loads may lie where others may not look
    shared = Path(tempfile.mkdtemp())
    shutil.copyfile(desk.book, shared / "copy.db")
    monkeypatch.setattr(desk, "book", shared / "copy.db")
    monkeypatch.setattr(desk, "folder", shared)
    desk.setenv(INFUSION_DB=str(desk.book))
    shared.chmod(0o755)
    yield desk
    shared.chmod(0o755)
    shutil.rmtree(shared)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the file modes of Unix")
@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "journal"),
    [(0o400, 0o700, "truncate"), (0o400, 0o500, "truncate"), (0o600, 0o500, "delete"), (0o400, 0o500, "wal")],
    ids=["read-only file", "read-only copy", "read-only folder", "read-only copy with a log in its header"],
)
def test_what_can_only_be_read_is_read_and_not_written(
    copy: Desk, file_mode: int, folder_mode: int, journal: str
) -> None:
    sql(f"PRAGMA journal_mode={journal}")(copy.book)
    for path, mode in ((copy.book, file_mode), (copy.folder, folder_mode)):
        path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, SOMEBODY, SOMEBODY)
    with ordinary_user():
        for words in READING:
            copy.json(*words)
        assert copy.say("db", "check").startswith("The book is sound.")
        for words in WRITING:
            refuse(copy, words, "The book {path} can only be read, not written.", OWNER)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the file modes of Unix")
def test_what_may_not_be_read_is_refused(copy: Desk) -> None:
    copy.book.chmod(0)
    with ordinary_user():
        for words in (*READING, *WRITING):
            assert copy.type(*words) == (7, "", f"The book {copy.book} cannot be opened.\nTry: {OWNER}\n")
    copy.book.chmod(0o600)
    assert copy.say("db", "check").startswith("The book is sound.")
