"""A book in a file of SQLite: opening, creating, the write lock, the commit."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infusion_cli.errors import InterruptedCommandError, StoreError
from infusion_cli.services.ports import Access
from infusion_cli.store import access_log, cipher, files, guards, refusals
from infusion_cli.store.compiled import SCHEMA
from infusion_cli.store.database import (
    MAIN,
    PATIENCE,
    SCHEMA_VERSION,
    WORD_AFTER,
    Database,
    Row,
    interrupts_held_back,
)

APPLICATION_ID = 0x494E4655
"""`INFU` in the header of the file."""

_WAL_IS_SOUND = (3, 51, 3)
"""Older versions can corrupt a write-ahead log that several processes share."""

_SETTINGS = (
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "cell_size_check=ON",
    "trusted_schema=OFF",
    # What is deleted is overwritten, and nothing of a patient is spilt into the system's folder for such files.
    "secure_delete=ON",
    "temp_store=MEMORY",
    "synchronous=FULL",
    "cache_size=-32000",
)


class SqliteDatabase(Database):
    """A book in a file."""

    dialect = "sqlite"

    def __init__(self, path: Path, connection: sqlite3.Connection, patience: float = PATIENCE) -> None:
        super().__init__(MAIN, patience)
        self.path = path
        self.connection = connection
        self.mounts = files.MOUNTS
        self._ready_to_write = False

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self.path)

    def pragma(self, name: str) -> list[Row]:
        """The rows of a pragma, e.g. `integrity_check`."""
        with self.refusals():
            return self.connection.execute(f"PRAGMA {name}").fetchall()

    def version(self) -> int:
        """The number in the file's header; raises StoreError when the file belongs to another program."""
        if self.pragma("application_id")[0][0] != APPLICATION_ID:
            raise StoreError(f"{self.path} belongs to another program.", "name the book with --db")
        return int(self.pragma("user_version")[0][0])

    def guards(self) -> dict[str, str]:
        """The text of every trigger by its name."""
        with self.refusals():
            return dict(self.connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))

    def definitions(self) -> dict[str, str]:
        """The text of every table and index by its name, but for SQLite's own."""
        with self.refusals():
            found = self.connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')")
            return {name: sql for name, sql in found if not name.startswith("sqlite_")}

    def expected_definitions(self) -> dict[str, str]:
        """The text of the schema, by the names in it."""
        created = (sql for sql in SCHEMA[self.dialect] if sql.startswith("CREATE "))
        return {sql.split(maxsplit=3)[2]: sql for sql in created}

    def damage(self) -> Iterator[str]:
        """What SQLite's integrity check says."""
        for (line,) in self.pragma("integrity_check(20)"):
            if line != "ok":
                yield f"The file is damaged: {line}."

    def describe(self) -> dict[str, Any]:
        """Path, size, and what the linked SQLite is and does."""
        driver = cipher.driver_of(self.connection)
        return {
            "path": str(self.path),
            "bytes": self.path.stat().st_size,
            "schema": SCHEMA_VERSION,
            "engine": f"SQLite {driver.sqlite_version}",
            "sqlite": driver.sqlite_version,
            "journal_mode": journal_mode(driver),
            "encrypted": cipher.is_encrypted(self.path),
        }

    def begin_reading(self) -> None:
        """Begin a transaction that sees one state of the book throughout."""
        with self.refusals():
            self.connection.execute("BEGIN DEFERRED")

    def begin_writing(self) -> None:
        """Take the write lock; raises StoreError when it cannot be had or the book must not be written."""
        if not self._ready_to_write:
            self.prepare_to_write()
            self._ready_to_write = True
        self._take_lock()
        try:
            self.refuse_unguarded()
            # On a read-only file the lock is granted all the same: only a statement that could write tells.
            with self.refusals():
                self.connection.execute("DELETE FROM counter WHERE 0")
        except StoreError:
            self.rollback()
            raise

    def commit(self) -> None:
        """Commit; Ctrl-C waits until it is known how that went."""
        self._end_streams()
        with interrupts_held_back() as pressed:
            with self.refusals():
                self._commit()
            self.committed = True
        if pressed:
            raise InterruptedCommandError("Interrupted, but the change had been written already.", "infusion history")

    def _commit(self) -> None:
        try:
            self.connection.execute("COMMIT")
        except cipher.errors() as error:
            if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
                raise
            # The last sync comes after what it makes certain: the change may be there, and may go again.
            doubt = f"The disk of {self.path} failed at the commit: it is not known whether the change was written."
            raise StoreError(doubt, "infusion history") from error

    def rollback(self) -> None:
        """Leave the book as it was when the transaction began."""
        self._end_streams()
        if self.connection.in_transaction:
            with suppress(*cipher.errors()):
                self.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        self._end_streams()
        self.connection.close()

    def exposure(self) -> tuple[str, str] | None:
        """Who could read or replace the file that should not."""
        return files.exposure(self.path)

    def cautions(self) -> Iterator[tuple[str, str, str]]:
        """Modes that let others in, and a key that encrypts nothing."""
        found = self.exposure()
        if found:
            yield "file-mode", f"{found[0]}.", found[1]
        if cipher.named_key() and not cipher.is_encrypted(self.path):
            yield "not-encrypted", "A key is named, but the book is not encrypted.", "infusion db copy to a new file"

    def scrub(self) -> str:
        """Write the file anew without what was freed, also by programs that overwrite nothing."""
        try:
            self.prepare_to_write()
            with self.refusals():
                self.connection.execute("VACUUM")
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except StoreError as error:
            return f"parts of it may still be in the book's file ({error.message.rstrip('.')})"
        return ""

    def accesses(self) -> list[Access]:
        """What stands in the files beside the book; lines that cannot be read are counted to the user."""
        found, unreadable = access_log.read(self.path)
        if unreadable and self.on_warn:
            self.on_warn(f"the access log beside {self.path} has lines that cannot be read ({unreadable})")
        return found

    def _keep_access(self, access: Access) -> None:
        access_log.append(self.path, access)

    def prepare_to_write(self) -> None:
        """Choose the journal that this disk and this SQLite are sound with; raises StoreError on a network share."""
        share = files.share_under(self.path, self.mounts)
        if share and os.environ.get(files.ALLOW_SHARE) != "1":
            raise StoreError(
                f"{self.path} lies on a network share ({share}), where two desks can book the same chair.",
                f"keep the book on a local disk, or set {files.ALLOW_SHARE}=1 at your own risk",
            )
        if share and self.on_warn:
            self.on_warn(f"the book lies on a network share ({share}): use it from one machine only")
        with self.refusals():
            self._choose_journal(wal=not share and journal_mode(cipher.driver_of(self.connection)) == "wal")
            if share:
                self.connection.execute("PRAGMA synchronous=EXTRA")

    def leave_log(self) -> None:
        """Write without a write-ahead log from now on; raises StoreError when others have it open."""
        with self.refusals():
            self._choose_journal(wal=False)

    def _choose_journal(self, *, wal: bool) -> None:
        mode = self.connection.execute("PRAGMA journal_mode").fetchone()[0]
        wanted = "wal" if wal else "truncate"
        if mode != wanted:
            mode = self.connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()[0]
        if mode == "wal" and not wal:
            raise StoreError(
                "The book is in use by a newer SQLite; this one cannot write it safely.", "close the others"
            )

    def _take_lock(self) -> None:
        """`BEGIN IMMEDIATE`, tried at random moments: SQLite's own waiting lets single processes starve."""
        began, told = time.monotonic(), False
        with self.refusals():
            self.connection.execute("PRAGMA busy_timeout=0")
            try:
                while True:
                    try:
                        self.connection.execute("BEGIN IMMEDIATE")
                    except cipher.errors() as error:
                        waited = time.monotonic() - began
                        if not refusals.is_busy(error) or waited > self.patience:
                            raise
                    else:
                        return
                    if waited > WORD_AFTER and not told and self.on_wait:
                        self.on_wait("Waiting for another desk to finish …")
                        told = True
                    time.sleep(0.001 + os.urandom(1)[0] * 9e-3 / 255)
            finally:
                self.connection.execute(f"PRAGMA busy_timeout={int(self.patience * 1000)}")

    def _select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self.refusals():
            return self.connection.execute(sql, parameters).fetchall()

    def _stream(self, sql: str, parameters: Mapping[str, Any]) -> Generator[Row, None, None]:
        with self.refusals():
            yield from self.connection.execute(sql, parameters)

    def _write(self, sql: str, several: Iterable[Mapping[str, Any]]) -> None:
        with self.refusals():
            self.connection.executemany(sql, several)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Inside the block, what the engine refuses is raised as a StoreError of one sentence."""
        try:
            yield
        except cipher.errors() as error:
            refusal = refusals.refusal_of(error, self.path)
            if refusal is None:
                raise
            raise refusal from error
        except UnicodeDecodeError as error:
            # Even SQLite's own message can quote what is damaged.
            raise refusals.refusal("SQLITE_CORRUPT", self.path, "") or error from error
        except UnicodeEncodeError as error:
            raise StoreError("A text holds half a character; nothing was written.", "type it again") from error


def journal_mode(driver: Any = sqlite3) -> str:
    """How a book on a local disk is written: `wal` where the driver's SQLite is sound with it, else `truncate`."""
    return "wal" if driver.sqlite_version_info >= _WAL_IS_SOUND else "truncate"


def open_database(path: Path, patience: float = PATIENCE) -> SqliteDatabase:
    """The book in that file; raises StoreError when it is missing, strange, damaged, older or newer."""
    files.refuse_strange(path)
    try:
        return _identified(connect(path, "mode=rw", patience))
    except StoreError:
        if not _is_sealed_copy(path):
            raise
    return _identified(connect(path, "immutable=1", patience))


@contextmanager
def created(path: Path) -> Iterator[SqliteDatabase]:
    """A new book with its tables and guards, in a transaction that is committed when the block ends well.

    Nothing is at `path` before that. Raises StoreError when something is there already.
    """
    with files.made_whole(path) as draft, filled(draft) as database:
        yield database


@contextmanager
def filled(path: Path) -> Iterator[SqliteDatabase]:
    """An empty file as a new book with its tables and guards, committed when the block ends well."""
    database = connect(path, "mode=rw", PATIENCE)
    try:
        with database.refusals():
            _set_up(database)
        yield database
        with database.refusals():
            database.connection.execute("COMMIT")
    finally:
        database.rollback()
        database.close()


def _set_up(database: SqliteDatabase) -> None:
    connection = database.connection
    # A draft that is lost is nothing: no second file beside it.
    connection.execute("PRAGMA journal_mode=MEMORY")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    for statement in SCHEMA[database.dialect]:
        connection.execute(statement)
    connection.execute(f"INSERT INTO alembic_version VALUES ('{SCHEMA_VERSION:04}')")
    guards.install(connection, database.dialect)


def connect(path: Path, mode: str = "mode=rw", patience: float = PATIENCE) -> SqliteDatabase:
    """The file opened, whatever is in it; raises StoreError when it cannot be."""
    try:
        connection = cipher.connect(path, f"{path.absolute().as_uri()}?{mode}", patience)
    except cipher.errors() as error:
        raise refusals.refusal_of(error, path) or error from error
    database = SqliteDatabase(path, connection, patience)
    try:
        for setting in _SETTINGS:
            database.pragma(setting)
    except StoreError:
        database.close()
        raise
    return database


def _identified(database: SqliteDatabase) -> SqliteDatabase:
    """The database, if it is a book of this version; else it is closed and StoreError raised."""
    try:
        database.refuse_other_version()
    except StoreError:
        database.close()
        raise
    return database


def _is_sealed_copy(path: Path) -> bool:
    """A copy with a write-ahead log in its header, where nobody can write and no log lies beside it."""
    return not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
