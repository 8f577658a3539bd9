"""A book of every older version becomes one of this version, whole and guarded, or stays as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from builders import NOW, book, patient, write
from torture.figures import record

from infusion_cli.errors import StoreError
from infusion_cli.store import guards
from infusion_cli.store.check import check
from infusion_cli.store.database import SCHEMA_VERSION
from infusion_cli.store.migrate import migrate, version_at
from infusion_cli.store.repository import open_store

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "books"
OLDER = range(1, SCHEMA_VERSION)


def sample(version: int, path: Path) -> Path:
    """A book as the program of that version left it."""
    script = (SAMPLES / f"version-{version}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


Shape = dict[str, list[str]]
"""The columns of each table."""


def shape(path: Path) -> Shape:
    """The tables of records, and their columns."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = [name for (name,) in connection.execute(query) if name != "alembic_version"]
        return {n: [row[1] for row in connection.execute(f"PRAGMA table_info({n})")] for n in names}


def contents(path: Path, of: Shape) -> dict[str, list[tuple[object, ...]]]:
    """What stands in those columns."""
    with closing(sqlite3.connect(path)) as connection:
        quoted = {name: ", ".join(f'"{column}"' for column in columns) for name, columns in of.items()}
        return {n: sorted(connection.execute(f"SELECT {columns} FROM {n}"), key=repr) for n, columns in quoted.items()}


@pytest.mark.parametrize("version", OLDER)
def test_an_older_book_is_brought_up_to_date_with_everything_that_is_in_it(tmp_path: Path, version: int) -> None:
    path = sample(version, tmp_path / "old.db")
    of = shape(path)
    before = contents(path, of)
    assert sum(map(len, before.values())) > 100
    assert version_at(path) == version
    assert migrate(path) == version
    assert version_at(path) == SCHEMA_VERSION
    assert contents(path, of) == before
    with open_store(path) as store:
        assert check(store) == []
        assert store.database.guards() == guards.expected()
        assert store.database.wrong_definitions() == []
        write(store, patient(90))
        with store.reading(NOW) as reader:
            assert reader.record(patient(90).id) == patient(90)
    assert migrate(path) == SCHEMA_VERSION
    rows = sum(map(len, before.values()))
    record("migration", "SQLite", versions=1, rows=rows, changed=0, guards=len(guards.expected()), findings=0)


@pytest.mark.parametrize("version", OLDER)
def test_an_older_book_is_not_opened_before_and_says_how(tmp_path: Path, version: int) -> None:
    path = sample(version, tmp_path / "old.db")
    octets = path.read_bytes()
    with pytest.raises(StoreError, match="older version") as caught:
        open_store(path)
    assert caught.value.hint == "infusion db migrate"
    assert path.read_bytes() == octets


def test_a_migration_that_ends_with_something_wrong_leaves_the_book_as_it_was(tmp_path: Path) -> None:
    path = sample(1, tmp_path / "old.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE strange (x)")
    octets = path.read_bytes()
    with pytest.raises(StoreError, match="strange is not as it should be"):
        migrate(path)
    assert path.read_bytes() == octets


def test_a_newer_book_and_another_file_are_left_alone(tmp_path: Path) -> None:
    with book(tmp_path / "book.db"):
        pass
    for pragma, sentence in (("user_version=99", "newer version"), ("application_id=7", "another program")):
        with closing(sqlite3.connect(tmp_path / "book.db")) as connection:
            connection.execute(f"PRAGMA {pragma}")
        octets = (tmp_path / "book.db").read_bytes()
        with pytest.raises(StoreError, match=sentence):
            migrate(tmp_path / "book.db")
        assert (tmp_path / "book.db").read_bytes() == octets
    with pytest.raises(StoreError, match="no book yet"):
        migrate(tmp_path / "none.db")


def test_a_book_that_somebody_writes_is_not_migrated_meanwhile(tmp_path: Path) -> None:
    path = sample(1, tmp_path / "old.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by somebody else"):
            migrate(path, patience=0.1)
    assert version_at(path) == 1


def test_the_newest_migration_is_the_version_of_the_program() -> None:
    settings = Config()
    settings.set_main_option("script_location", "infusion_cli.store:migrations")
    settings.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(settings).get_current_head() == f"{SCHEMA_VERSION:04}"
    assert sorted(p.stem for p in SAMPLES.iterdir()) == [f"version-{n}" for n in OLDER]
