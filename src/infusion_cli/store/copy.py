"""A whole book in another place, whatever engine keeps either: every row of every table, through the guards.

What was copied is compared row for row before it is committed: a copy is as good as the book, or it is not
there at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

from infusion_cli.config import Place, ServerUrl
from infusion_cli.errors import StoreError
from infusion_cli.services.ports import Access
from infusion_cli.store import access_log, files, journal, sqlite
from infusion_cli.store.compiled import TABLES
from infusion_cli.store.database import Database, GuardError, Row
from infusion_cli.store.journal import Head
from infusion_cli.store.repository import created, open_store

_AT_ONCE = 200
"""Rows that are in memory at a time; what one operation changed may be long."""
_ROOM = 1 << 40
"""More than all claims on a resource together."""


class Copied(NamedTuple):
    """What was copied: how many rows of each table, and the end of the journal."""

    rows: dict[str, int]
    head: Head


class _EnoughError(Exception):
    """A dry run has seen all that it wanted to see."""


def copy_book(source: Place, target: Place, *, dry_run: bool = False) -> Copied:
    """Copy the book at `source`, as it is at one moment, to `target`, where none may be.

    Desks may work on it meanwhile. Raises StoreError when either place cannot be used, when the guards refuse
    a row, or when the copy is not equal to the book; then nothing is at `target`.
    """
    if isinstance(target, Path) and os.path.lexists(target):
        raise StoreError(f"There is something at {target} already.", "name another file")
    with (
        open_store(source) as store,
        suppress(_EnoughError),
        created(target) as fresh,
        at_one_moment(store.database) as there,
    ):
        accesses = _accesses(store.database)
        rows = {**transfer(there, fresh), "access": len(accesses)}
        copied = Copied(rows, journal.head(fresh))
        if dry_run:
            raise _EnoughError
        _keep(accesses, fresh, target)
    return copied


def snapshot(database: Database, path: Path) -> None:
    """Fill an empty file with the whole book as it is at one moment; raises StoreError like `copy_book`."""
    if isinstance(database, sqlite.SqliteDatabase):
        _vacuum_into(database, path)
        files.sync(path)
        return
    with sqlite.filled(path) as fresh, _reading(database):
        transfer(database, fresh)


@contextmanager
def at_one_moment(database: Database) -> Iterator[Database]:
    """The book as it is now, in a transaction that keeps nobody from writing, however long it takes."""
    if isinstance(database, sqlite.SqliteDatabase) and files.may_change(database.path):
        # Without a write-ahead log, who writes would have to wait until the last row is read.
        with files.draft(database.path) as path:
            _vacuum_into(database, path)
            frozen = sqlite.open_database(path)
            frozen.path = database.path
            try:
                with _reading(frozen):
                    yield frozen
            finally:
                frozen.close()
    else:
        with _reading(database):
            yield database


def transfer(source: Database, target: Database) -> dict[str, int]:
    """Write every row of one book into another that has none yet, and compare; how many rows each table has.

    Both are in a transaction. Raises StoreError when a guard refuses a row, or when the two differ.
    """
    try:
        counts = {table: _write(source, target, table) for table in TABLES}
        _settle_resources(source, target)
    except GuardError as error:
        raise StoreError(
            f"The book is not sound: its guard {error.guard} refuses what is in it.", "infusion db check"
        ) from error
    table = difference(source, target)
    if table:
        raise StoreError(f"The copy is not equal to the book, in its table {table}.", "the same command again")
    return counts


def difference(one: Database, other: Database) -> str:
    """The first table in which two books differ; empty when every row of every table is equal."""
    for table in TABLES:
        rows = (database.each(f"copy_{table}_all") for database in (one, other))
        if any(here != there for here, there in zip_longest(*rows)):
            return table
    return ""


def _vacuum_into(database: sqlite.SqliteDatabase, path: Path) -> None:
    """Fill an empty file with all that is in another at one moment; who writes waits for milliseconds only."""
    with database.refusals():
        database.connection.execute("VACUUM INTO ?", (str(path),))


@contextmanager
def _reading(database: Database) -> Iterator[None]:
    database.begin_reading()
    try:
        yield
    finally:
        database.rollback()


def _accesses(database: Database) -> list[Access]:
    """The access log in the order of time, each entry once."""
    return sorted({access.id: access for access in database.accesses()}.values(), key=lambda a: (a.at, a.id))


def _keep(accesses: Sequence[Access], fresh: Database, target: Place) -> None:
    """Write the access log: into its table, or the files beside the book, which come before it."""
    if isinstance(target, ServerUrl):
        fresh.run_many("access_add", map(access_log.row_of, accesses))
        if _accesses(fresh) != accesses:
            raise StoreError("The copy is not equal to the book, in its access log.", "the same command again")
        return
    for path, octets in access_log.files_of(Path(os.path.realpath(target)), accesses).items():
        # A copy that was stopped may have left it.
        if not path.is_file() or path.read_bytes() != octets:
            with files.made_whole(path) as file:
                file.write_bytes(octets)
                files.sync(file)


def _write(source: Database, target: Database, table: str) -> int:
    columns, written = TABLES[table], 0
    # History may lie above a capacity that was lowered since: there is room for all of it, until the end.
    ours = {"capacity": _ROOM} if table == "resource" else {}
    for rows in _batches(source, table):
        target.run_many(f"copy_{table}", ({**dict(zip(columns, row, strict=True)), **ours} for row in rows))
        written += len(rows)
    return written


def _settle_resources(source: Database, target: Database) -> None:
    """Lower every capacity to what it is, through the guard, and set the numbers that guards count up."""
    names = [f"its_{name}" for name in TABLES["resource"]]
    for rows in _batches(source, "resource"):
        target.run_many("resource_settle", (dict(zip(names, row, strict=True)) for row in rows))


def _batches(source: Database, table: str) -> Iterator[list[Row]]:
    rows = source.each(f"copy_{table}_all")
    while batch := list(islice(rows, _AT_ONCE)):
        yield batch
