"""A backup becomes the book again: only a sound one of this clinic, nobody at work, and the book of before is kept."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from builders import NOW, book, patient, visit, write
from torture.figures import FULL, record

from infusion_cli.config import ServerUrl
from infusion_cli.errors import InterruptedCommandError, StoreError
from infusion_cli.store import journal, restore
from infusion_cli.store.backup import back_up, note_beside
from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store
from infusion_cli.store.restore import Ready, prepared, put, restore_to_server
from infusion_cli.store.sqlite import SqliteDatabase

TESTS = Path(__file__).resolve().parent.parent
VERSION_1 = TESTS / "data" / "books" / "version-1.sql"
KILLS = 60 if FULL else 8
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's signals")


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "PATIENCE", 0.2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A book of two operations."""
    found = tmp_path / "book.db"
    with book(found) as store:
        write(store, patient(0), patient(1))
    return found


@pytest.fixture
def backup(path: Path, tmp_path: Path) -> Path:
    """Its backup; in the book itself a third operation follows."""
    with open_store(path) as store:
        made = back_up(store, tmp_path / "backups", NOW).path
        write(store, visit(0))
    return made


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a file, as SQLite itself has it."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def done(backup: Path, place: Path, *, other_clinic: bool = False) -> tuple[Ready, Path | None]:
    """Restore, and look whether the book is sound."""
    with prepared(backup, place, other_clinic=other_clinic) as ready:
        kept = put(ready, place, NOW)
    with open_store(place) as store:
        assert check(store) == []
    return ready, kept


def refused(backup: Path, place: Path, *, other_clinic: bool = False) -> StoreError:
    """The refusal of a restore that leaves everything as it was."""
    before = {p: p.read_bytes() for p in place.parent.rglob("*") if p.is_file()}
    with pytest.raises(StoreError) as caught, prepared(backup, place, other_clinic=other_clinic) as ready:
        put(ready, place, NOW)
    assert {p: p.read_bytes() for p in place.parent.rglob("*") if p.is_file()} == before
    return caught.value


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith("-journal")}


def test_the_backup_becomes_the_book_and_the_book_of_before_is_kept(path: Path, backup: Path) -> None:
    before, octets = contents(path), backup.read_bytes()
    ready, kept = done(backup, path)
    assert (ready.head.seq, ready.has_note, ready.is_old) == (2, True, False)
    assert ready.present
    assert (ready.present.head and ready.present.head.seq, ready.present.lost) == (3, 1)
    assert contents(path) == contents(backup)
    assert backup.read_bytes() == octets
    assert kept == path.with_name("book.db.before-restore-20261130T130000Z")
    assert contents(kept) == before
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert in_folder(path.parent) == {"book.db", "backups", kept.name}


def test_the_way_back_is_the_same_way(path: Path, backup: Path) -> None:
    before = contents(path)
    _, kept = done(backup, path)
    assert kept
    ready, second = done(kept, path)
    assert ready.present
    assert (ready.has_note, ready.present.lost) == (False, 0)
    assert contents(path) == before
    assert second == path.with_name("book.db.before-restore-20261130T130000Z-2")


def test_where_there_is_no_book_the_backup_becomes_it(path: Path, backup: Path, tmp_path: Path) -> None:
    path.unlink()
    ready, kept = done(backup, path)
    assert (ready.present, kept) == (None, None)
    assert contents(path) == contents(backup)
    done(backup, tmp_path / "new" / "book.db")
    assert in_folder(tmp_path / "new") == {"book.db"}


def scribbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(3).randbytes(len(content) - 4096)
    path.write_bytes(content)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "short": lambda path: path.write_bytes(b"x"),
    "a letter": lambda path: path.write_bytes(b"a letter to a patient\n" * 900),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:20_000]),
    "scribbled over": scribbled,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_book_is_replaced_and_kept_too(path: Path, backup: Path, damage: str) -> None:
    DAMAGES[damage](path)
    octets = path.read_bytes()
    ready, kept = done(backup, path)
    assert ready.present
    assert ready.present.head is None
    assert kept
    assert kept.read_bytes() == octets
    assert contents(path) == contents(backup)


STOPPED = """
import sqlite3, sys, time
book = sqlite3.connect(sys.argv[1], isolation_level=None)
book.execute("PRAGMA cache_size = 2")
book.execute("BEGIN IMMEDIATE")
book.execute("UPDATE patient SET phone = 'x'")
book.execute("CREATE TABLE many (x)")
book.executemany("INSERT INTO many VALUES (?)", [("x" * 999,)] * 999)
print("written", flush=True)
time.sleep(60)
"""


def test_the_journal_of_a_damaged_book_is_not_played_into_the_restored_one(path: Path, backup: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STOPPED, path], stdout=subprocess.PIPE) as desk:
        assert desk.stdout
        desk.stdout.readline()
        desk.kill()
    left = Path(f"{path}-journal")
    assert left.stat().st_size > 512
    path.write_bytes(b"a letter to a patient\n")
    _, kept = done(backup, path)
    assert kept
    assert contents(path) == contents(backup)
    assert Path(f"{kept}-journal").stat().st_size > 512


@pytest.mark.parametrize("begin", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN"])
def test_a_book_in_use_is_left_alone(path: Path, backup: Path, begin: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as desk:
        desk.execute(begin)
        desk.execute("SELECT count(*) FROM patient").fetchone()
        error = refused(backup, path)
        assert error.message == f"The book {path} is locked by somebody else; nothing was written."
    done(backup, path)


def test_nobody_gets_at_the_book_while_it_is_replaced(
    path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_pages, tried = restore._copy_pages, []

    def trying(source: SqliteDatabase, target: SqliteDatabase) -> None:
        if path in {source.path, target.path}:
            with pytest.raises(StoreError, match="locked"), open_store(path, patience=0.05) as desk:
                write(desk, patient(9))
            tried.append(target.path == path)
        copy_pages(source, target)

    monkeypatch.setattr(restore, "_copy_pages", trying)
    done(backup, path)
    assert tried == [False, True]


def test_a_book_that_changes_between_the_look_and_the_yes_is_left_alone(path: Path, backup: Path) -> None:
    with prepared(backup, path) as ready:
        with open_store(path) as store:
            write(store, patient(5))
        before = contents(path)
        with pytest.raises(StoreError, match="has changed meanwhile"):
            put(ready, path, NOW)
    assert contents(path) == before
    assert in_folder(path.parent) == {"book.db", "backups"}


def test_a_desk_that_has_the_book_open_goes_on_in_the_restored_one(path: Path, backup: Path) -> None:
    with open_store(path) as desk:
        assert journal.head(desk.database).seq == 3
        done(backup, path)
        assert journal.head(desk.database).seq == 2
        write(desk, patient(7))
        assert check(desk) == []
    with open_store(path) as store:
        assert journal.head(store.database).seq == 3


@linux_only
def test_a_book_with_a_write_ahead_log_is_replaced_when_nobody_has_it_open(path: Path, backup: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as desk:
        assert desk.execute("PRAGMA journal_mode=wal").fetchone() == ("wal",)
        desk.execute("DELETE FROM counter WHERE 0")
        assert "locked" in refused(backup, path).message
    done(backup, path)
    assert in_folder(path.parent) == {"book.db", "backups", "book.db.before-restore-20261130T130000Z"}


FALLS = """
import os, signal, sys
from pathlib import Path
from infusion_cli.store import restore
before, left = restore._copy_pages, int(sys.argv[3])
def falling(*databases):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    before(*databases)
restore._copy_pages = falling
with restore.prepared(Path(sys.argv[1]), Path(sys.argv[2])) as ready:
    print("ready", flush=True)
    restore.put(ready, Path(sys.argv[2]), 1_796_043_600)
"""


def restoring(backup: Path, path: Path, falls_at: int = 99) -> subprocess.Popen[str]:
    """A restore in a process of its own, which is killed before it copies pages for the so-manieth time."""
    command = [sys.executable, "-c", FALLS, str(backup), str(path), str(falls_at)]
    return subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, encoding="utf-8")


@linux_only
@pytest.mark.parametrize("falls_at", [1, 2, 3])
def test_a_restore_that_is_killed_half_way_leaves_the_book_of_before(path: Path, backup: Path, falls_at: int) -> None:
    before = contents(path)
    with restoring(backup, path, falls_at) as killed:
        killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert contents(path) == before
    done(backup, path)


@linux_only
def test_killed_at_any_moment_a_restore_leaves_the_one_book_or_the_other(
    path: Path, backup: Path, tmp_path: Path
) -> None:
    with open_store(path) as store:
        for number in range(10, 210):
            write(store, patient(number))
    chance, fates = random.Random(5), []
    before, after = contents(path), contents(backup)
    octets = path.read_bytes()
    for _ in range(KILLS):
        path.write_bytes(octets)
        with restoring(backup, path) as killed:
            assert killed.stdout
            assert killed.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.03))
            killed.kill()
        with open_store(path) as store:
            assert check(store) == []
        assert contents(path) in (before, after)
        fates.append(contents(path) == after)
    record("kill -9 in a restore", "SQLite", kills=KILLS, restored=sum(fates), half_restored=0)
    assert False in fates, "every kill came too late to show anything"


@linux_only
@pytest.mark.parametrize("pressed_at", [2, 3])
def test_ctrl_c_says_truthfully_that_the_backup_is_in_place(
    path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, pressed_at: int
) -> None:
    copy_pages, left = restore._copy_pages, pressed_at

    def pressing(source: SqliteDatabase, target: SqliteDatabase) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGINT)
        copy_pages(source, target)

    monkeypatch.setattr(restore, "_copy_pages", pressing)
    with pytest.raises(InterruptedCommandError) as caught, prepared(backup, path) as ready:
        put(ready, path, NOW)
    kept = path.with_name("book.db.before-restore-20261130T130000Z")
    assert caught.value.message == (
        f"Interrupted, but the backup had been restored already; the book of before is kept: {kept}"
    )
    assert contents(path) == contents(backup)


@linux_only
def test_ctrl_c_before_the_yes_changes_nothing(path: Path, backup: Path) -> None:
    before = contents(path)
    with pytest.raises(KeyboardInterrupt), prepared(backup, path):
        signal.raise_signal(signal.SIGINT)
    assert contents(path) == before
    assert in_folder(path.parent) == {"book.db", "backups"}


def other_book(folder: Path) -> Path:
    """The backup of another book of the same clinic's name."""
    with book(folder / "other.db") as store:
        return back_up(store, folder / "others", NOW).path


def test_a_backup_of_another_clinic_is_refused_unless_it_is_wanted(path: Path, backup: Path, tmp_path: Path) -> None:
    foreign = other_book(tmp_path)
    error = refused(foreign, path)
    assert error.message == f"The backup is of another clinic than the book {path}."
    assert "--other-clinic" in error.hint
    ready, kept = done(foreign, path, other_clinic=True)
    assert ready.present
    assert (ready.present.lost, bool(kept)) == (3, True)
    assert contents(path) == contents(foreign)


def test_what_would_be_lost_is_counted_also_when_the_two_have_parted(path: Path, backup: Path, tmp_path: Path) -> None:
    with open_store(path) as store:
        for number in range(20, 25):
            write(store, patient(number))
        later = back_up(store, tmp_path / "backups", NOW + 60).path
    done(backup, path)
    with prepared(later, path) as ready:
        assert ready.present
        assert ready.present.lost == 0
    with open_store(path) as store:
        for number in range(30, 33):
            write(store, patient(number))
    with prepared(later, path) as ready:
        assert ready.present
        assert ready.present.lost == 3
    with prepared(backup, path) as ready:
        assert ready.present
        assert ready.present.lost == 3


def changed(path: Path, pragma: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA {pragma}")


def test_what_is_no_sound_backup_is_refused_and_said_to_be_what_it_is(path: Path, backup: Path, tmp_path: Path) -> None:
    def kind(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    octets = backup.read_bytes()
    newer, foreign = kind("newer", octets), kind("foreign", octets)
    changed(newer, "user_version=99")
    changed(foreign, "application_id=7")
    unsound = kind("unsound", octets)
    with closing(sqlite3.connect(unsound, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER claim_capacity")
    wanted = {
        tmp_path / "none": f"There is no backup at {tmp_path / 'none'}.",
        tmp_path / "backups": f"{tmp_path / 'backups'} is a folder, not a backup.",
        kind("empty", b""): f"{tmp_path / 'empty'} is empty: that is no book.",
        kind("short", b"x"): f"{tmp_path / 'short'} is not a book.",
        kind("letter", b"a letter to a patient\n" * 900): f"{tmp_path / 'letter'} is not a book.",
        kind("half", octets[: len(octets) // 2]): f"The book {tmp_path / 'half'} is damaged.",
        newer: f"{newer} was written by a newer version of this program.",
        foreign: f"{foreign} belongs to another program.",
        unsound: f"The backup {unsound} is not sound: In the book, the guard claim_capacity is missing.",
    }
    for strange, message in wanted.items():
        error = refused(strange, path)
        assert error.message == message
        assert error.hint.startswith("name ")


def test_a_fingerprint_that_differs_and_a_note_that_cannot_be_read_are_refused(path: Path, backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[-1] ^= 1
    backup.write_bytes(content)
    assert refused(backup, path).message == (f"The backup {backup} is damaged: its fingerprint is not the one noted.")
    for text in ("{", "[]", "{}", '{"file": 1}'):
        note_beside(backup).write_text(text)
        assert refused(backup, path).message == f"The note {note_beside(backup)} cannot be read."


def test_a_place_that_is_a_folder_or_another_programs_is_left_alone(path: Path, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refused(backup, tmp_path / "folder").message == f"{tmp_path / 'folder'} is a folder, not a book."
    changed(path, "application_id=7")
    assert refused(backup, path, other_clinic=True).message == f"{path} belongs to another program."
    changed(path, "user_version=99")
    changed(path, "application_id=1229866581")
    assert "newer version" in refused(backup, path, other_clinic=True).message


def old_book(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    return path


def test_a_backup_of_an_older_version_is_brought_up_to_date_and_itself_stays(tmp_path: Path) -> None:
    old = old_book(tmp_path / "old.db")
    octets = old.read_bytes()
    ready, kept = done(old, tmp_path / "book.db")
    assert (ready.is_old, kept) == (True, None)
    assert old.read_bytes() == octets
    assert in_folder(tmp_path) == {"old.db", "book.db"}


def test_a_present_book_of_an_older_version_is_compared_and_kept(tmp_path: Path) -> None:
    old, place = old_book(tmp_path / "old.db"), tmp_path / "book.db"
    done(old, place)
    with open_store(place) as store:
        made = back_up(store, tmp_path / "backups", NOW).path
    shutil.copy(old, place)
    ready, kept = done(made, place)
    assert ready.present
    assert (ready.present.lost, bool(kept)) == (0, True)


def test_a_backup_goes_to_a_server_where_its_clinic_is_not_yet(path: Path, backup: Path, database_url: str) -> None:
    url = ServerUrl(database_url)
    copied, has_note = restore_to_server(backup, url)
    assert (copied.head.seq, has_note) == (2, True)
    with open_store(url) as store:
        assert check(store) == []
        write(store, patient(3))
    with pytest.raises(StoreError) as caught:
        restore_to_server(backup, url)
    assert caught.value.message == f"The clinic 'main' is at {url} already, and its journal cannot be erased."
    north = url._replace(clinic="north")
    note_beside(backup).unlink()
    assert restore_to_server(backup, north, dry_run=True)[1] is False
    with pytest.raises(StoreError, match="no clinic 'north'"):
        open_store(north)
    restore_to_server(backup, north)
    backup.write_bytes(backup.read_bytes()[:20_000])
    with pytest.raises(StoreError, match="damaged"):
        restore_to_server(backup, url._replace(clinic="south"))


def test_a_backup_of_an_older_version_goes_into_a_file_first(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(StoreError, match="older version"):
        restore_to_server(old_book(tmp_path / "old.db"), ServerUrl(database_url))
