"""A whole book in another place: nothing is lost, what does not pass the guards is not taken, half a copy is none."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import (
    CONSULT,
    at,
    block,
    book,
    clinic,
    file_of,
    nurse,
    patient,
    place,
    provider,
    series,
    text_of,
    visit,
    write,
)
from databases import ask, connect

from infusion_cli.config import ServerUrl
from infusion_cli.errors import StoreError
from infusion_cli.services.ports import Access, Key
from infusion_cli.store import guards, journal
from infusion_cli.store.check import check
from infusion_cli.store.compiled import TABLES
from infusion_cli.store.copy import at_one_moment, copy_book, difference
from infusion_cli.store.database import Database
from infusion_cli.store.repository import BookStore, open_store
from infusion_cli.store.sqlite import journal_mode

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BookStore]:
    """A book in use, in which every table has rows, and history that lies above a capacity lowered since."""
    with book(tmp_path / "book.db") as made:
        write(made, *(patient(n, requirements=(("labs", "2026-11-02"), ("consent", "2026-11-01"))) for n in range(6)))
        write(made, series(0), visit(0, series=series(0).id, session=1), visit(1, chair="chair-2"))
        write(made, visit(2, "2026-12-02T09:00", status="cancelled"), block(), keys=[Key("k", "digest", "{}")])
        write(made, visit(3, "2026-12-03T09:00", protocol=CONSULT), visit(4, "2026-12-03T11:00", status="noshow"))
        write(made, text_of(clinic(staff=(nurse(1), provider(1)))), now=at("2026-12-01T18:00"))
        behind(made, f"INSERT INTO told VALUES ('main', '{visit(0).id}', 0, 'REQUEST', 'm', 'sent', 1, 0, 0, '')")
        yield made


def behind(store: BookStore, *statements: str, without: tuple[str, ...] = ()) -> None:
    """Change the file behind the program's back; guards in the way are taken away and put back."""
    with closing(sqlite3.connect(file_of(store).path, isolation_level=None)) as connection:
        for name in without:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for name in without:
            connection.execute(guards.expected()[name])


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a file, as SQLite itself has it."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def refusal(source: BookStore, target: Path | ServerUrl) -> StoreError:
    with pytest.raises(StoreError) as caught:
        copy_book(file_of(source).path, target)
    return caught.value


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith("-journal")}


def test_every_table_and_column_of_a_book_is_copied(store: BookStore) -> None:
    with closing(sqlite3.connect(file_of(store).path)) as connection:
        listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        columns = {table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for (table,) in listed}
    assert columns.pop("alembic_version") == ["version_num"]
    assert {table: ("clinic_id", *names) for table, names in TABLES.items()} == {
        t: tuple(c) for t, c in columns.items()
    }


def test_a_copy_in_another_file_is_the_same_book(store: BookStore, tmp_path: Path) -> None:
    source, target = file_of(store).path, tmp_path / "new" / "copy.db"
    before = source.read_bytes()
    copied = copy_book(source, target)
    assert contents(target) == contents(source)
    assert source.read_bytes() == before
    assert copied.rows.pop("access") == 0
    assert all(copied.rows.values())
    assert copied.rows == {t: len(rows) for t, rows in contents(source).items() if t in TABLES}
    assert copied.head == journal.head(store.database)
    assert in_folder(target.parent) == {"copy.db"}
    assert in_folder(tmp_path) == {"book.db", "new"}
    with open_store(target) as other:
        assert check(other) == []
        write(other, visit(5, "2026-12-08T09:00"))
        assert check(other) == []


def test_a_book_moves_to_a_server_and_back_without_loss(store: BookStore, tmp_path: Path, database_url: str) -> None:
    source, url = file_of(store).path, ServerUrl(database_url)
    copied = copy_book(source, url)
    with open_store(url) as other:
        assert check(other) == []
        store.database.begin_reading()
        other.database.begin_reading()
        assert difference(store.database, other.database) == ""
        other.database.rollback()
    assert copy_book(url, tmp_path / "back.db") == copied
    assert contents(tmp_path / "back.db") == contents(source)


def test_a_book_moves_from_server_to_server(store: BookStore, tmp_path: Path, database_url: str) -> None:
    there, here = ServerUrl(database_url, "north"), ServerUrl(database_url, "south")
    copied = copy_book(file_of(store).path, there)
    with open_store(there) as north:
        write(north, patient(90))
    with pytest.raises(StoreError, match="no clinic 'south'"):
        copy_book(here, there)
    moved = copy_book(there, ServerUrl(database_url, "west"))
    assert moved.head.seq == copied.head.seq + 1
    with open_store(ServerUrl(database_url, "west")) as west:
        assert check(west) == []


def test_clinics_of_one_database_are_copied_each_for_itself(
    store: BookStore, tmp_path: Path, database_url: str
) -> None:
    with book(tmp_path / "other.db") as other:
        write(other, patient(7))
    for name, path in (("north", file_of(store).path), ("south", tmp_path / "other.db")):
        copy_book(path, ServerUrl(database_url, name))
        copy_book(ServerUrl(database_url, name), tmp_path / f"{name}.db")
        assert contents(tmp_path / f"{name}.db") == contents(path)
    with pytest.raises(StoreError, match="Several clinics"):
        copy_book(ServerUrl(database_url), tmp_path / "which.db")
    assert not (tmp_path / "which.db").exists()


def test_what_lay_above_a_capacity_before_it_fell_is_copied_and_what_lies_above_it_now_is_refused(
    store: BookStore, tmp_path: Path
) -> None:
    behind(store, "UPDATE resource SET lowered_at = 0 WHERE kind = 'hands'", without=("resource_lower",))
    error = refusal(store, tmp_path / "copy.db")
    assert error.message == "The book is not sound: its guard lowering refuses what is in it."
    assert error.hint == "infusion db check"
    assert in_folder(tmp_path) == {"book.db"}


def test_on_a_server_what_lies_above_a_capacity_is_refused_and_leaves_nothing(
    store: BookStore, database_url: str
) -> None:
    behind(store, "UPDATE resource SET lowered_at = 0 WHERE kind = 'hands'", without=("resource_lower",))
    assert "its guard lowering" in refusal(store, ServerUrl(database_url)).message
    assert ask(database_url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


@pytest.mark.parametrize(
    ("statement", "without", "words"),
    [
        ("DELETE FROM operation WHERE seq = 3", "operation_delete", "guard journal-order"),
        ("UPDATE operation SET prev = 'x' WHERE seq = 3", "operation_update", "guard journal-order"),
        (f"UPDATE appointment SET patient = 'PNONE' WHERE id = '{visit(0).id}'", "claim_update", "refused the change"),
        ("DROP TABLE touched", "claim_update", "is damaged"),
    ],
)
def test_a_book_that_is_not_whole_is_not_copied(
    store: BookStore, tmp_path: Path, statement: str, without: str, words: str
) -> None:
    behind(store, statement, without=(without,))
    assert words in refusal(store, tmp_path / "copy.db").message
    assert in_folder(tmp_path) == {"book.db"}


def seen(store: BookStore, number: int, year: int = 2026) -> Access:
    """The `number`-th look at a patient, kept in the access log."""
    at_noon = int(datetime(year, 6, 1, 12, tzinfo=UTC).timestamp()) + number
    access = Access(f"{number:016x}", at_noon, "mira", "frontdesk", "patients show", (patient(0).id,), 1)
    store.note_access(access)
    return access


def test_the_access_log_comes_along_to_a_server_and_back(store: BookStore, tmp_path: Path, database_url: str) -> None:
    looks = [seen(store, 1, 2025), seen(store, 2), seen(store, 3), seen(store, 4, 2027)]
    seen(store, 3)  # told twice, it is still one
    url, back = ServerUrl(database_url), tmp_path / "back" / "book.db"
    assert copy_book(file_of(store).path, url).rows["access"] == 4
    with open_store(url) as there:
        assert there.accesses() == looks
        looks.append(seen(there, 9, 2027))
    assert copy_book(url, back).rows["access"] == 5
    assert in_folder(back.parent) == {"book.db", *(f"book.db.access-{year}.jsonl" for year in (2025, 2026, 2027))}
    with open_store(back) as here:
        assert here.accesses() == looks
    first = (tmp_path / "book.db.access-2025.jsonl").read_bytes()
    assert back.with_name("book.db.access-2025.jsonl").read_bytes() == first


def test_the_access_log_of_a_copy_that_was_stopped_is_taken_up_and_that_of_another_book_is_not(
    store: BookStore, tmp_path: Path
) -> None:
    seen(store, 1)
    log = tmp_path / "new" / "copy.db.access-2026.jsonl"
    log.parent.mkdir()
    log.write_bytes((tmp_path / "book.db.access-2026.jsonl").read_bytes())
    copy_book(file_of(store).path, tmp_path / "new" / "copy.db")
    (tmp_path / "new" / "copy.db").unlink()
    log.write_text("of another book\n")
    assert refusal(store, tmp_path / "new" / "copy.db").message == f"There is something at {log} already."
    assert in_folder(log.parent) == {log.name}
    assert log.read_text() == "of another book\n"


def test_a_dry_run_writes_no_access_log(store: BookStore, tmp_path: Path) -> None:
    seen(store, 1)
    copy_book(file_of(store).path, tmp_path / "copy.db", dry_run=True)
    assert in_folder(tmp_path) == {"book.db", "book.db.access-2026.jsonl"}


CHANGED = {
    "block": "SET reason = 'x'",
    "clinic": "SET text = 'x'",
    "counter": "SET next = next + 1",
    "operation": "SET actor = 'x' WHERE seq = 2",
    "patient": "SET phone = 'x'",
    "resource": "SET seq = seq + 1",
    "idempotency": "SET answer = 'x'",
    "patient_word": "SET word = word || 'x'",
    "told": "SET tries = 2",
    "payload": "SET salt = 'x'",
    "requirement": "SET on_date = 'x'",
    "series": "SET made = 99",
    "touched": "SET record_id = record_id || 'x'",
    "appointment": "SET stamp = stamp + 1",
    "claim": "SET units = units + 1",
}


@pytest.mark.parametrize("table", TABLES)
def test_the_comparison_sees_a_changed_row_of_every_table(store: BookStore, tmp_path: Path, table: str) -> None:
    copy_book(file_of(store).path, tmp_path / "copy.db")
    with open_store(tmp_path / "copy.db") as other:
        assert difference(store.database, other.database) == ""
        behind(other, f"UPDATE {table} {CHANGED[table]}", without=tuple(guards.expected()))
        assert difference(store.database, other.database) == table


@pytest.mark.parametrize("table", TABLES)
def test_the_comparison_sees_a_missing_row_of_every_table(store: BookStore, tmp_path: Path, table: str) -> None:
    copy_book(file_of(store).path, tmp_path / "copy.db")
    with open_store(tmp_path / "copy.db") as other:
        columns = ", ".join(f'"{name}"' for name in TABLES[table])
        one = f"DELETE FROM {table} WHERE ({columns}) IS (SELECT {columns} FROM {table} LIMIT 1)"
        behind(other, one, without=tuple(guards.expected()))
        assert difference(store.database, other.database) == table


@pytest.mark.parametrize("table", ["patient_word", "touched"])
def test_a_row_that_does_not_arrive_is_noticed_and_nothing_is_there(
    store: BookStore, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    run_many = Database.run_many

    def losing(self: Database, name: str, several: Iterable[Mapping[str, Any]]) -> None:
        rows = list(several)
        run_many(self, name, rows[:-1] if name == f"copy_{table}" else rows)

    monkeypatch.setattr(Database, "run_many", losing)
    message = f"The copy is not equal to the book, in its table {table}."
    assert refusal(store, tmp_path / "copy.db").message == message
    assert in_folder(tmp_path) == {"book.db"}
    assert refusal(store, ServerUrl(database_url)).message == message
    assert ask(database_url, "SELECT to_regclass('operation')") == [(None,)]


def test_where_something_is_nothing_is_copied(store: BookStore, tmp_path: Path, database_url: str) -> None:
    (tmp_path / "taken").write_text("mine")
    for target in (tmp_path / "taken", tmp_path, file_of(store).path):
        error = refusal(store, target)
        assert (error.message, error.hint) == (f"There is something at {target} already.", "name another file")
    assert (tmp_path / "taken").read_text() == "mine"
    url = ServerUrl(database_url)
    copy_book(file_of(store).path, url)
    before = ask(database_url, "SELECT max(seq), max(hash) FROM operation")
    assert refusal(store, url).message == f"There is a book of the clinic 'main' at {url} already."
    assert ask(database_url, "SELECT max(seq), max(hash) FROM operation") == before


def test_a_dry_run_copies_and_compares_and_leaves_nothing(store: BookStore, tmp_path: Path, database_url: str) -> None:
    counted = copy_book(file_of(store).path, tmp_path / "copy.db", dry_run=True)
    assert counted.rows["appointment"] == 5
    assert in_folder(tmp_path) == {"book.db"}
    assert copy_book(file_of(store).path, ServerUrl(database_url), dry_run=True) == counted
    assert ask(database_url, "SELECT to_regclass('operation')") == [(None,)]
    behind(store, "DELETE FROM operation WHERE seq = 3", without=("operation_delete",))
    with pytest.raises(StoreError, match="journal-order"):
        copy_book(file_of(store).path, tmp_path / "copy.db", dry_run=True)


def test_a_desk_does_not_wait_for_who_reads_out_the_whole_book(store: BookStore) -> None:
    with open_store(file_of(store).path, patience=0.2) as desk:
        with at_one_moment(store.database) as there:
            before = list(there.each("copy_patient_all"))
            write(desk, patient(90))
            assert list(there.each("copy_patient_all")) == before
        assert len(store.database.rows("copy_patient_all")) == len(before) + 1
        if journal_mode() == "truncate":  # the control: a transaction on the file itself does keep it from writing
            store.database.begin_reading()
            assert store.database.rows("copy_clinic_all")
            with pytest.raises(StoreError, match="locked"):
                write(desk, patient(91))
            store.database.rollback()


def many(store: BookStore, number: int) -> None:
    write(store, *(patient(n) for n in range(100, 100 + number)))
    write(store, *(visit(n, "2026-12-07T09:00", status="cancelled") for n in range(100, 100 + number)))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_desks_work_on_while_their_book_is_copied(
    store: BookStore, tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    many(store, 1500)
    source = file_of(store).path
    if engine == "postgresql":
        there = ServerUrl(request.getfixturevalue("database_url"))
        copy_book(source, there)
    done: list[float] = []
    stop = threading.Event()

    def work() -> None:
        with open_store(there if engine == "postgresql" else source) as desk:
            while not stop.is_set():
                began = time.perf_counter()
                write(desk, patient(9000 + len(done)))
                done.append(time.perf_counter() - began)

    desk = threading.Thread(target=work)
    desk.start()
    try:
        while len(done) < 3:
            time.sleep(0.001)
        before = len(done)
        copied = copy_book(there if engine == "postgresql" else source, tmp_path / "copy.db")
        meanwhile = len(done) - before
    finally:
        stop.set()
        desk.join()
    assert meanwhile > 5, "nobody wrote meanwhile: this shows nothing"
    assert max(done) < 5
    with open_store(tmp_path / "copy.db") as other:
        assert check(other) == []
        assert journal.head(other.database) == copied.head
    with open_store(there if engine == "postgresql" else source) as whole:
        assert whole.database.row("link", seq=copied.head.seq) == (copied.head.hash,)
        assert journal.head(whole.database).seq > copied.head.seq


FALLS = """
import os, signal, sys
from builders import place
from infusion_cli.store import copy, database
before = database.Database.run_many
def falling(self, name, several):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    before(self, name, several)
database.Database.run_many = falling
copy.copy_book(place(sys.argv[1]), place(sys.argv[2]))
"""


def copy_that_falls(source: Path, target: str | Path, statement: str) -> int:
    """Copy in a process of its own that is killed before its first statement of that name; its exit status."""
    command = [sys.executable, "-c", FALLS, str(source), str(target), statement]
    return subprocess.run(command, cwd=TESTS, check=False).returncode


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
@pytest.mark.parametrize("statement", ["copy_patient", "copy_claim", "resource_settle"])
def test_a_copy_that_is_killed_half_way_is_no_book(
    store: BookStore, tmp_path: Path, database_url: str, statement: str
) -> None:
    source, target = file_of(store).path, tmp_path / "new" / "copy.db"
    assert copy_that_falls(source, target, statement) == -signal.SIGKILL
    assert not target.exists()
    with pytest.raises(StoreError, match="no book yet"):
        open_store(target)
    assert copy_that_falls(source, database_url, statement) == -signal.SIGKILL
    with pytest.raises(StoreError, match="no book yet"):
        open_store(place(database_url))
    # What was left behind is in nobody's way.
    assert copy_that_falls(source, target, "nothing") == 0
    assert copy_that_falls(source, database_url, "nothing") == 0
    assert check(store) == []
    assert contents(target) == contents(source)


def test_a_connection_that_is_lost_in_the_commit_is_told_as_what_it_is(store: BookStore, database_url: str) -> None:
    url = ServerUrl(database_url)
    copy_book(file_of(store).path, url._replace(clinic="first"))
    with connect(database_url) as connection:
        connection.execute(
            "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER last_moment AFTER INSERT ON counter DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION hang_up()"
        )
    error = refusal(store, url._replace(clinic="second"))
    assert error.message == f"The connection to {url} was lost at the last moment: the book may be there or not."
    assert error.hint == "infusion db info"
