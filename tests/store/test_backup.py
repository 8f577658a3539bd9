"""A backup is a whole and sound book with its fingerprint beside it, made while desks work; old ones make room."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path

import pytest
from builders import NOW, ZONE, book, file_of, patient, series, visit, write
from races.harbor import harbor_book, process
from store.test_sqlite import linux_only, ordinary_user
from torture.figures import FULL, record

from infusion_cli.config import ServerUrl
from infusion_cli.domain.clinic_time import zone
from infusion_cli.errors import StoreError
from infusion_cli.store import backup, copy, guards, journal, restore
from infusion_cli.store.backup import Backup, back_up, founding_of, is_due, name_of, newest, note_beside, note_of
from infusion_cli.store.check import check
from infusion_cli.store.copy import copy_book, difference
from infusion_cli.store.journal import Head
from infusion_cli.store.repository import BookStore, open_store

DAY = 86_400
COPIES = 300 if FULL else 40
DESKS, TURNS = 3, 600 if FULL else 150


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BookStore]:
    """A book in use."""
    with book(tmp_path / "book.db") as made:
        write(made, *(patient(n) for n in range(4)), series(0), visit(0, series=series(0).id, session=1))
        write(made, visit(1, chair="chair-2"))
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def for_all() -> Iterator[Path]:
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    (folder / "shut").chmod(0o755)
    shutil.rmtree(folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def behind(store: BookStore, *statements: str) -> None:
    """Change the file behind the program's back, its guards taken away first and put back last."""
    with closing(sqlite3.connect(file_of(store).path, isolation_level=None)) as connection:
        for name in guards.expected():
            connection.execute(f"DROP TRIGGER {name}")
        for text in (*statements, *guards.expected().values()):
            connection.execute(text)


def refusal(store: BookStore, folder: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        back_up(store, folder, NOW)
    return caught.value


def test_a_backup_is_the_whole_book_in_a_private_file_with_a_note_beside_it(store: BookStore, folder: Path) -> None:
    made = back_up(store, folder, NOW)
    head = journal.head(store.database)
    assert made.path.name == f"infusion-20261130T130000Z-000003-{head.hash[:12]}.sqlite3"
    assert names(folder) == [made.path.name, f"{made.path.name}.json"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert json.loads(note_beside(made.path).read_text()) == {
        "file": made.path.name,
        "made": "2026-11-30T13:00:00Z",
        "sha256": hashlib.sha256(made.path.read_bytes()).hexdigest(),
        "bytes": made.path.stat().st_size,
        "revision": head.seq,
        "head": head.hash,
        "founded": founding_of(store.database),
    }
    assert note_of(made.path) == made.note
    assert made.note.instant == NOW
    with open_store(made.path) as kept:
        assert difference(store.database, kept.database) == ""
        assert check(kept) == []
        assert kept.database.guards() == guards.expected()


@linux_only
def test_where_a_group_shares_the_book_it_shares_the_backups(store: BookStore, folder: Path) -> None:
    folder.parent.chmod(0o2770)
    made = back_up(store, folder, NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o660}
    assert check_of(made.path) == []


def check_of(path: Path) -> list[str]:
    """The rules of what the check finds."""
    with open_store(path) as there:
        return [f.rule for f in check(there)]


def test_no_name_of_anybody_stands_in_the_name_or_the_note_of_a_backup(store: BookStore, folder: Path) -> None:
    made = back_up(store, folder, NOW)
    told = made.path.name + note_beside(made.path).read_text()
    assert "Harbor" not in told
    assert "Example" not in told
    assert b"Example" in made.path.read_bytes()


def test_a_backup_can_have_a_name_of_its_own_and_replaces_nothing(store: BookStore, folder: Path) -> None:
    made = back_up(store, folder, NOW, name="before-the-move.sqlite3")
    assert names(folder) == ["before-the-move.sqlite3", "before-the-move.sqlite3.json"]
    octets = made.path.read_bytes()
    write(store, patient(8))
    for taken in (made.path, note_beside(made.path)):
        with pytest.raises(StoreError) as caught:
            back_up(store, folder, NOW, name="before-the-move.sqlite3")
        assert caught.value.message == f"There is something at {taken} already."
        made.path.unlink(missing_ok=True)
    note_beside(made.path).unlink()
    assert back_up(store, folder, NOW, name="before-the-move.sqlite3").path.read_bytes() != octets


def test_a_book_on_a_server_is_backed_up_as_a_file(store: BookStore, folder: Path, database_url: str) -> None:
    copy_book(file_of(store).path, ServerUrl(database_url, "north"))
    with open_store(ServerUrl(database_url, "north")) as there:
        made = back_up(there, folder, NOW)
        assert made.path.name == name_of(NOW, journal.head(store.database))
        with open_store(made.path) as kept:
            assert difference(store.database, kept.database) == ""
            assert check(kept) == []
        write(there, patient(9))
        assert back_up(there, folder, NOW).note.revision == 4


def test_of_a_book_with_a_write_ahead_log_the_backup_needs_none(store: BookStore, folder: Path) -> None:
    with closing(sqlite3.connect(file_of(store).path, isolation_level=None)) as connection:
        assert connection.execute("PRAGMA journal_mode=wal").fetchone() == ("wal",)
        connection.execute("DELETE FROM counter WHERE 0")
        made = back_up(store, folder, NOW)
        assert file_of(store).path.read_bytes()[18:20] == b"\2\2"
        assert made.path.read_bytes()[18:20] == b"\1\1"
    assert names(folder) == [made.path.name, note_beside(made.path).name]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE operation SET actor = 'x' WHERE seq = 2", "The journal is broken at number 2: "),
        ("UPDATE payload SET changes = '[]' WHERE seq = 2", "The journal is broken at number 2: "),
        ("DROP INDEX appointment_start", "The definition of appointment_start is not ours."),
        ("UPDATE appointment SET patient = 'PNONE'", "A row of appointment refers to a record that is not there."),
    ],
)
def test_of_a_book_that_is_not_sound_no_backup_is_made(
    store: BookStore, folder: Path, statement: str, words: str
) -> None:
    behind(store, statement)
    error = refusal(store, folder)
    assert error.message.startswith(f"No backup was made, because it would not be sound: {words}")
    assert error.hint == "infusion db check"
    assert names(folder) == []


def test_without_a_guard_no_backup_is_made(store: BookStore, folder: Path) -> None:
    with closing(sqlite3.connect(file_of(store).path)) as connection:
        connection.execute("DROP TRIGGER claim_capacity")
    assert "the guard claim_capacity is missing" in refusal(store, folder).message
    assert names(folder) == []


def test_what_turns_out_not_to_be_the_book_is_no_backup_of_it(
    store: BookStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with book(tmp_path / "other.db") as other:
        write(other, patient(1))
    monkeypatch.setattr(copy, "snapshot", lambda _database, path: shutil.copy(tmp_path / "other.db", path))
    assert refusal(store, folder).message.endswith("it would not be sound: Its journal is not that of the book.")
    assert names(folder) == []


def test_of_a_damaged_file_no_backup_is_made(store: BookStore, folder: Path) -> None:
    path = file_of(store).path
    content = bytearray(path.read_bytes())
    content[8192:] = b"\x5a" * (len(content) - 8192)
    path.write_bytes(content)
    error = refusal(store, folder)
    assert (error.message, error.hint) == (
        f"The book {path} is damaged.",
        "infusion db restore BACKUP, with the newest sound one",
    )
    assert names(folder) == []


def test_a_dry_run_says_what_it_would_make_and_remove_and_leaves_everything(
    store: BookStore, folder: Path, tmp_path: Path
) -> None:
    before = names(tmp_path)
    assert back_up(store, folder / "deeper", NOW, keep=1, dry_run=True).path.parent == folder / "deeper"
    assert names(tmp_path) == before
    first = back_up(store, folder, NOW)
    planned = back_up(store, folder, NOW + 60, keep=1, dry_run=True)
    assert planned.removed == [first.path]
    assert names(folder) == [first.path.name, note_beside(first.path).name]
    assert back_up(store, folder, NOW + 60, keep=1) == planned


def test_the_newest_are_kept_and_older_ones_removed_with_their_notes(store: BookStore, folder: Path) -> None:
    made = [back_up(store, folder, NOW + number * DAY, keep=3) for number in range(5)]
    kept = [b.path.name for b in made[2:]]
    assert names(folder) == sorted([*kept, *(f"{name}.json" for name in kept)])
    assert [b.removed for b in made] == [[], [], [], [made[0].path], [made[1].path]]
    assert back_up(store, folder, NOW + 5 * DAY, keep=1).removed == [b.path for b in reversed(made[2:])]


def test_nothing_but_backups_of_the_same_book_is_ever_removed(store: BookStore, folder: Path, tmp_path: Path) -> None:
    with book(tmp_path / "other.db") as other:
        write(other, patient(1))
        foreign = back_up(other, folder, NOW - 9 * DAY).path
    old = back_up(store, folder, NOW - 8 * DAY).path
    without_note = back_up(store, folder, NOW - 7 * DAY).path
    note_beside(without_note).unlink()
    bad_note = back_up(store, folder, NOW - 6 * DAY).path
    note_beside(bad_note).write_text("{")
    named = back_up(store, folder, NOW - 5 * DAY, name="mine.sqlite3").path
    strangers = [folder / "notes.txt", folder / f"{old.name}.bak", folder / f"x-{old.name}"]
    for path in strangers:
        shutil.copy(old, path)
        shutil.copy(note_beside(old), note_beside(path))
    made = back_up(store, folder, NOW, keep=1)
    assert made.removed == [old]
    for path in (foreign, without_note, bad_note, named, *strangers, made.path):
        assert path.exists()
    assert not old.exists()


def test_the_one_just_made_stays_whatever_the_clock_said_before(store: BookStore, folder: Path) -> None:
    ahead = back_up(store, folder, NOW + 3650 * DAY, keep=1).path
    made = back_up(store, folder, NOW, keep=1)
    assert made.path.exists()
    assert ahead.exists()
    assert made.removed == []


def test_an_old_backup_that_cannot_be_removed_is_named_and_the_new_one_is_there(store: BookStore, folder: Path) -> None:
    old = back_up(store, folder, NOW).path
    old.unlink()
    old.mkdir()
    with pytest.raises(StoreError) as caught:
        back_up(store, folder, NOW + 60, keep=1)
    made = folder / name_of(NOW + 60, journal.head(store.database))
    assert caught.value.message.startswith(f"The backup {made} was made, but the old one {old} cannot be removed: ")
    assert made.exists()


@linux_only
@pytest.mark.parametrize("mode", ["truncate", "wal"])
def test_a_book_that_can_only_be_read_is_backed_up_and_copied(for_all: Path, mode: str) -> None:
    path, folder = for_all / "shut" / "book.db", for_all / "open"
    with book(path) as whole:
        write(whole, patient(0))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    folder.mkdir()
    folder.chmod(0o777)
    with ordinary_user(), open_store(path) as store:
        made = back_up(store, folder, NOW)
        assert copy_book(path, folder / "copy.db").head == Head(made.note.revision, made.note.head)
    assert names(folder) == ["copy.db", made.path.name, note_beside(made.path).name]


def test_where_no_folder_can_be_nothing_is_made(store: BookStore, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file: that is no folder"):
        back_up(store, tmp_path / "file", NOW)


def test_a_backup_is_due_until_one_was_made_on_the_clinics_day(store: BookStore, folder: Path, tmp_path: Path) -> None:
    tz, founded = zone(ZONE), founding_of(store.database)
    today, tomorrow = date(2026, 11, 30), date(2026, 12, 1)
    assert is_due(folder, founded, today, tz)
    assert newest(folder, founded) is None
    with book(tmp_path / "other.db") as other:
        back_up(other, folder, NOW)
    (folder / "infusion-99999999T999999Z-000001-000000000000.sqlite3").touch()
    assert is_due(folder, founded, today, tz)
    last_minute = NOW + 16 * 3600 - 60  # 23:59 at the clinic, when it is tomorrow already in UTC
    made = back_up(store, folder, last_minute)
    assert made.path.name.startswith("infusion-20261201T0459")
    assert not is_due(folder, founded, today, tz)
    assert is_due(folder, founded, tomorrow, tz)
    assert newest(folder, founded) == made.note
    back_up(store, folder, last_minute + 60)
    assert not is_due(folder, founded, tomorrow, tz)


def test_a_backup_of_years_ahead_does_not_stop_those_of_today(store: BookStore, folder: Path) -> None:
    back_up(store, folder, NOW + 3650 * DAY)
    assert is_due(folder, founding_of(store.database), date(2026, 11, 30), zone(ZONE))


def test_the_names_of_a_book_sort_by_time(store: BookStore) -> None:
    given = [name_of(NOW + n * 3_000_000, Head(10**n, "ab" * 32)) for n in range(8)]
    assert given == sorted(given)
    assert all(re.fullmatch(backup._NAME, name) for name in given)


def test_backups_made_while_desks_race_are_all_sound_and_one_of_them_becomes_the_book(tmp_path: Path) -> None:
    path, folder = harbor_book(tmp_path / "book.db"), tmp_path / "backups"
    made: list[Backup] = []
    with open_store(path) as store, ExitStack() as stack, ThreadPoolExecutor(DESKS) as pool:
        desks = [stack.enter_context(process("worker", path, 7, number, TURNS)) for number in range(DESKS)]
        for desk in desks:
            assert desk.stdout
            desk.stdout.readline()
        racing = [pool.submit(desk.communicate, "go\n", timeout=300) for desk in desks]
        while not all(race.done() for race in racing):
            made.append(back_up(store, folder, NOW + len(made)))
        assert [desk.returncode for desk in desks] == [0] * DESKS
        for one in made:
            with open_store(one.path) as there:
                assert [f for f in check(there) if f.severity == "error"] == []
            assert store.database.row("link", seq=one.note.revision) == (one.note.head,)
    revisions = [one.note.revision for one in made]
    assert revisions == sorted(revisions)
    assert len(set(revisions)) > 3, "nobody wrote meanwhile: this shows nothing"
    record("backup in a race", "SQLite", desks=DESKS, backups=len(made), revisions=len(set(revisions)), unsound=0)
    middle = made[len(made) // 2]
    with restore.prepared(middle.path, path) as ready:
        assert restore.put(ready, path, NOW)
    with open_store(path) as store:
        assert journal.head(store.database) == Head(middle.note.revision, middle.note.head)
        assert [f for f in check(store) if f.severity == "error"] == []


def damaged(whole: bytes, chance: random.Random, number: int) -> bytes:
    """The content with one bit, one sector or its end changed."""
    content = bytearray(whole)
    spot = chance.choice([at for at, byte in enumerate(whole) if byte])
    if number % 3 == 0:
        content[spot] ^= 1 << chance.randrange(8)
    elif number % 3 == 1:
        sector = spot - spot % 512
        content[sector : sector + 512] = chance.randbytes(len(content[sector : sector + 512]))
    else:
        content = content[: max(spot, 1)]
    return bytes(content)


def test_every_damaged_backup_is_noticed_by_its_fingerprint(store: BookStore, folder: Path, tmp_path: Path) -> None:
    for number in range(6, 20):
        write(store, patient(number), visit(number, "2026-12-07T09:00", status="cancelled"))
    made, place, chance = back_up(store, folder, NOW), tmp_path / "book.db", random.Random(11)
    whole, note = made.path.read_bytes(), note_beside(made.path)
    noticed = by_content = 0
    for number in range(COPIES):
        made.path.write_bytes(damaged(whole, chance, number))
        noticed += is_refused(made.path, place)
        note.rename(folder / "away")
        by_content += is_refused(made.path, place)
        (folder / "away").rename(note)
    record("damaged backups", "SQLite", copies=COPIES, by_fingerprint=noticed, by_content=by_content)
    assert noticed == COPIES
    assert by_content >= COPIES * 0.9
    made.path.write_bytes(whole)
    assert not is_refused(made.path, place)
    note.unlink()
    assert not is_refused(made.path, place)


def is_refused(path: Path, place: Path) -> bool:
    try:
        with restore.prepared(path, place):
            return False
    except StoreError:
        return True
