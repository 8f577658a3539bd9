"""The book on SQLite: opening, creating, transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import ClinicText, change
from infusion_cli.services.ports import Entry
from infusion_cli.store import driver, journal
from infusion_cli.store.driver import CLINIC_ID, Database
from infusion_cli.store.reader import SqliteReader, clinic_of
from infusion_cli.store.writer import SqliteWriter


class SqliteStore:
    """A book, open: implements `services.ports.Store`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def path(self) -> Path:
        """Where the book is."""
        return self.database.path

    @property
    def committed(self) -> bool:
        """Whether anything was committed through this store: what Ctrl-C has to tell."""
        return self.database.committed

    @contextmanager
    def reading(self, now: int) -> Iterator[SqliteReader]:
        """A consistent view for the length of the block; works on a file that can only be read."""
        self.database.begin_reading()
        try:
            yield SqliteReader(self.database, now)
        finally:
            self.database.rollback()

    @contextmanager
    def writing(self, now: int) -> Iterator[SqliteWriter]:
        """Take the write lock, release holds that ran out before `now`, then hand out the writer.

        Everything is committed when the block ends well, else nothing. Raises StoreError when the
        lock cannot be had or the book must not be written.
        """
        self.database.begin_writing()
        try:
            writer = SqliteWriter(self.database, now)
            writer.release_holds()
            yield writer
            if writer.wrote and not writer.discarded:
                writer.finish()
                self.database.commit()
        finally:
            self.database.rollback()

    def describe(self) -> dict[str, Any]:
        """Where the book is, its size in bytes, versions, settings, counts and the end of its journal."""
        with self.reading(0) as reader:
            counts = self.database.row("counts") or ()
            head = journal.head(self.database)
            return {
                "path": str(self.path),
                "bytes": self.path.stat().st_size,
                "clinic": reader.clinic.name,
                "timezone": reader.clinic.timezone,
                **dict(zip(("patients", "visits", "series", "blocks", "operations"), counts, strict=True)),
                "revision": head.seq,
                "head": head.hash,
                "schema": driver.SCHEMA_VERSION,
                "sqlite": sqlite3.sqlite_version,
                "journal_mode": driver.journal_mode(),
            }

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def open_store(
    path: Path,
    *,
    on_wait: Callable[[], None] | None = None,
    on_warn: Callable[[str], None] | None = None,
    patience: float = driver.PATIENCE,
) -> SqliteStore:
    """The book in that file; raises StoreError when it is missing, strange, damaged, older or newer.

    `on_wait` is called once when another writer has been in the way for a second, `on_warn` with a
    sentence that the user should read; after `patience` seconds of waiting a writer gives up.
    """
    database = driver.open_database(Path(path), patience)
    database.on_wait, database.on_warn = on_wait, on_warn
    return SqliteStore(database)


def create_book(path: Path, clinic_text: ClinicText, clinic: Clinic, now: int, actor: str) -> SqliteStore:
    """A new book of a clinic, open; raises StoreError when something is at `path` already.

    `now` in seconds since 1970 UTC. The text's `data` must be that clinic's, else ValueError.
    """
    if clinic_of(clinic_text) != clinic:
        raise ValueError("the data of the clinic's text describe another clinic")
    founding = change(None, clinic_text._replace(id=CLINIC_ID))
    with driver.created(Path(path)) as database:
        database.run("clinic_put", {"text": clinic_text.text, "data": clinic_text.data})
        writer = SqliteWriter(database, now)
        writer.write(Entry("init", actor, [founding]))
        writer.finish()
    return open_store(path)
