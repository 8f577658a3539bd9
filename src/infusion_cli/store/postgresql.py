"""A clinic's book in a PostgreSQL database: connecting, creating, the write lock, the commit.

Writers of one clinic queue for one row, which each changes before it looks at anything else; clinics
do not wait for each other. Under READ COMMITTED every later statement sees what was there when the
lock was had, because nobody else can write then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from infusion_cli.config import ServerUrl
from infusion_cli.errors import InterruptedCommandError, StoreError, TransientError
from infusion_cli.services.ports import Access
from infusion_cli.store import access_log, guards, server
from infusion_cli.store.compiled import SCHEMA, SHAPE, STATEMENTS
from infusion_cli.store.database import (
    MAIN,
    PATIENCE,
    SCHEMA_VERSION,
    WORD_AFTER,
    Database,
    InDoubtError,
    Row,
    TakenError,
    interrupts_held_back,
)

if TYPE_CHECKING:
    import psycopg

_FOUNDING = 0x494E4655
"""The advisory lock under which tables are made: two desks may say `init` at once."""
_AT_ONCE = 200
"""Rows that a stream fetches from the server at a time."""
_STREAMS = count()
"""Numbers for the server's cursors: several may be open at once."""
_BRIEFLY = ("BEGIN READ WRITE", "SET LOCAL statement_timeout = 500", "SET LOCAL synchronous_commit = off")
"""Begins what must not keep a desk waiting: half a second for anybody's lock, no waiting for the disk."""


class PostgresDatabase(Database):
    """A book on a server; a connection that is lost between transactions is made again."""

    dialect = "postgresql"

    def __init__(self, url: ServerUrl, connection: psycopg.Connection[Row], patience: float = PATIENCE) -> None:
        super().__init__(url.clinic or MAIN, patience)
        self.url = url
        self.connection = connection

    @property
    def place(self) -> str:
        """Host and database."""
        return str(self.url)

    def begin_reading(self) -> None:
        """Begin a transaction that sees one state of the book throughout and writes nothing."""
        self._connected(self._begin_reading)

    def begin_writing(self) -> None:
        """Wait for the clinic's lock; raises StoreError when it cannot be had or the book must not be written."""
        self._connected(self._begin_writing)

    def commit(self) -> None:
        """Commit; Ctrl-C waits until it is known how that went."""
        self._end_streams()
        with interrupts_held_back() as pressed:
            try:
                with self.refusals():
                    self.connection.execute("COMMIT")
            except TransientError as error:
                if self.connection.closed:
                    raise InDoubtError(error.message) from error
                raise
            self.committed = True
        if pressed:
            raise InterruptedCommandError("Interrupted, but the change had been written already.", "infusion history")

    def rollback(self) -> None:
        """Leave the book as it was when the transaction began."""
        self._end_streams()
        if not self.connection.closed and self._is_in_transaction():
            with suppress(StoreError), self.refusals():
                self.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Hang up."""
        self._end_streams()
        self.connection.close()

    def scrub(self) -> str:
        """Nothing: only the owner of the tables can have them written anew."""
        return (
            f"{self.place} keeps dead rows, and its log of changes, until the owner of the tables has run "
            "VACUUM FULL and old archives are gone"
        )

    def accesses(self) -> list[Access]:
        """The rows of the clinic."""
        return [Access._make([*row[:5], tuple(json.loads(row[5])), row[6]]) for row in self.rows("accesses")]

    def _keep_access(self, access: Access) -> None:
        import psycopg

        try:
            with self.together():
                for statement in _BRIEFLY:
                    self.connection.execute(statement)
                self.run("access_add", access_log.row_of(access))
                self.connection.execute("COMMIT")
        except (psycopg.Error, StoreError) as error:
            self.rollback()
            raise StoreError(f"The access could not be noted at {self.place}.") from error

    def version(self) -> int | None:
        """The number of the newest migration that the database has seen."""
        ours = self._select("SELECT to_regclass('alembic_version'), to_regclass('operation')", {})
        if ours != [("alembic_version", "operation")]:
            return None
        return int(self._select("SELECT version_num FROM alembic_version", {})[0][0])

    def several(self, *asked: tuple[str, Mapping[str, Any]]) -> list[list[Row]]:
        """All rows of each of several named statements, asked in one journey to the server."""
        with self.together():
            answers = [
                self.connection.execute(STATEMENTS[self.dialect][name], self._with_clinic(parameters))
                for name, parameters in asked
            ]
        return [answer.fetchall() for answer in answers]

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is run in the block goes in one journey; what is refused is told at the block's end at the latest."""
        import psycopg

        # An old libpq waits for every answer.
        with self.refusals(), self.connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext():
            yield

    def guards(self) -> dict[str, str]:
        """The triggers with their functions, and the exclusion constraint."""
        from infusion_cli.store.guards.postgresql import CATALOGUE  # noqa: PLC0415  beside what it is compared with

        return dict(self._select(CATALOGUE, {}))

    def definitions(self) -> dict[str, str]:
        """The columns of every table and index."""
        return dict(self._select(server.CATALOGUE, {}))

    def expected_definitions(self) -> dict[str, str]:
        """The columns that the tables and indexes should have."""
        return SHAPE

    def damage(self) -> Iterator[str]:
        """Constraints that were never checked, indexes that are not kept, pages whose checksum was wrong."""
        for (sentence,) in self._select(server.DAMAGE, {}):
            yield sentence

    def cautions(self) -> Iterator[tuple[str, str, str]]:
        """Whoever owns the tables can switch the guards off."""
        if self.describe()["owns_tables"]:
            sentence = "This user owns the tables, and so could switch the guards off."
            yield "owns-tables", sentence, "give the desks a user of their own, as docs/postgresql.md shows"

    def describe(self) -> dict[str, Any]:
        """Address, size of the whole database, and what the server is."""
        found = self._select(server.ABOUT, {})[0]
        return {
            "path": self.place,
            "bytes": found[0],
            "clinic_id": self.clinic,
            "schema": SCHEMA_VERSION,
            "engine": f"PostgreSQL {found[1]}",
            "owns_tables": bool(found[2]),
        }

    def _begin_reading(self) -> None:
        with self.refusals():
            self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def _begin_writing(self) -> None:
        # A short wait first, so that the user hears of a long one.
        for seconds, is_last in ((WORD_AFTER, False), (self.patience - WORD_AFTER, True)):
            try:
                self._lock(min(seconds, self.patience))
            except server.LockedError:
                self.rollback()
                if is_last or self.patience <= WORD_AFTER:
                    raise
                if self.on_wait:
                    self.on_wait("Waiting for another desk to finish …")
            except StoreError:
                self.rollback()
                raise
            else:
                return

    def _lock(self, seconds: float) -> None:
        with self.together():
            self.connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            self.connection.execute(f"SET LOCAL lock_timeout = {max(1, int(seconds * 1000))}")
            locked = self.connection.execute(STATEMENTS[self.dialect]["lock"], {"clinic": self.clinic})
        if not locked.fetchall():
            raise server.no_such_clinic(self.clinic, [name for (name,) in self.rows("clinics")], self.place)
        self.refuse_unguarded()

    def _is_in_transaction(self) -> bool:
        from psycopg.pq import TransactionStatus

        return self.connection.info.transaction_status != TransactionStatus.IDLE

    def _connected(self, begin: Any) -> None:
        """Begin; when the connection turns out to be gone, reach for the server again and begin once more."""
        try:
            if self.connection.closed:
                self._reach_again()
            begin()
        except TransientError:
            if not self.connection.closed:
                raise
            self._reach_again()
            begin()

    def _reach_again(self) -> None:
        """A new connection; raises StoreError when there is none to be had within `server.REACH` seconds."""
        began = time.monotonic()
        if self.on_wait:
            self.on_wait(f"The connection to {self.place} was lost; connecting again …")
        while True:
            try:
                self.connection = server.connect(self.url)
            except StoreError:
                if time.monotonic() - began > server.REACH:
                    raise
                time.sleep(0.2)
            else:
                return

    def _select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self.refusals():
            return self.connection.execute(sql, parameters or None).fetchall()

    def _stream(self, sql: str, parameters: Mapping[str, Any]) -> Generator[Row, None, None]:
        with self.refusals(), self.connection.cursor(name=f"stream_{next(_STREAMS)}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(sql, parameters)
            yield from cursor

    def _write(self, sql: str, several: Iterable[Mapping[str, Any]]) -> None:
        rows = list(several)
        with self.refusals(), self.connection.cursor() as cursor:
            if len(rows) == 1:
                cursor.execute(sql, rows[0])
            else:
                cursor.executemany(sql, rows)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Inside the block, what the engine refuses is raised as a StoreError of one sentence."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            refusal = server.refusal_of(error, self.place)
            if refusal is None:
                raise
            if isinstance(refusal, server.LostError):
                self.connection.close()
            raise refusal from error
        except UnicodeEncodeError as error:
            raise StoreError("A text holds half a character; nothing was written.", "type it again") from error


def open_database(url: ServerUrl, patience: float = PATIENCE) -> PostgresDatabase:
    """The clinic's book there; raises StoreError when there is none, or it is older or newer."""
    database = PostgresDatabase(url, server.connect(url), patience)
    try:
        database.refuse_other_version()
        there = [str(name) for (name,) in database.rows("clinics")]
        if url.clinic not in there and (url.clinic or len(there) != 1):
            raise server.no_such_clinic(url.clinic, there, database.place)
        database.clinic = url.clinic or there[0]
    except StoreError:
        database.close()
        raise
    return database


@contextmanager
def created(url: ServerUrl) -> Iterator[PostgresDatabase]:
    """A new book in the database, its tables too when they are not there, committed when the block ends well.

    Raises StoreError when the clinic is there already.
    """
    database = PostgresDatabase(url, server.connect(url))
    try:
        with database.refusals():
            database.connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({_FOUNDING})")
            if database.version() is None:
                _set_up(database)
        database.refuse_other_version()
        if (database.clinic,) in database.rows("clinics"):
            raise TakenError(
                f"There is a book of the clinic {database.clinic!r} at {database.place} already.",
                "infusion db info, or name another clinic with INFUSION_CLINIC",
            )
        yield database
        try:
            database.commit()
        except InDoubtError as error:
            message = f"The connection to {database.place} was lost at the last moment: the book may be there or not."
            raise StoreError(message, "infusion db info") from error
    finally:
        database.rollback()
        database.close()


def _set_up(database: PostgresDatabase) -> None:
    for statement in SCHEMA["postgresql"]:
        database.connection.execute(statement)
    database.connection.execute(f"INSERT INTO alembic_version VALUES ('{SCHEMA_VERSION:04}')")
    guards.install(database.connection, "postgresql")
