"""The book: opening, creating, transactions; which engine keeps it is decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infusion_cli.config import Place, ServerUrl
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import ClinicText, change
from infusion_cli.errors import StoreError, TransientError
from infusion_cli.services.ports import Access, Entry
from infusion_cli.store import database, journal
from infusion_cli.store.database import MAIN, Database, InDoubtError
from infusion_cli.store.reader import BookReader, clinic_of
from infusion_cli.store.writer import BookWriter


class BookStore:
    """A book, open: implements `services.ports.Store` and `services.ports.AccessLog`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def place(self) -> str:
        """Where the book is, in words that hold no secret."""
        return self.database.place

    @property
    def committed(self) -> bool:
        """Whether anything was committed through this store: what Ctrl-C has to tell."""
        return self.database.committed

    @contextmanager
    def reading(self, now: int) -> Iterator[BookReader]:
        """A consistent view for the length of the block; works on a book that can only be read."""
        self.database.begin_reading()
        try:
            yield BookReader(self.database, now)
        finally:
            self.database.end_streams()
            self.database.rollback()

    @contextmanager
    def writing(self, now: int) -> Iterator[BookWriter]:
        """Take the write lock, release holds that ran out before `now`, then hand out the writer.

        Everything is committed when the block ends well, else nothing. Raises StoreError when the
        lock cannot be had or the book must not be written, TransientError when the database gave up.
        """
        self.database.begin_writing()
        try:
            writer = BookWriter(self.database, now)
            writer.release_holds()
            yield writer
            if writer.wrote and not writer.discarded:
                writer.finish()
                self._commit()
        finally:
            self.database.rollback()

    def _commit(self) -> None:
        """Commit; when the answer is lost, look up what became of it."""
        newest = journal.head(self.database)
        try:
            self.database.commit()
        except InDoubtError:
            # Under the lock: what was still being committed is there by then, or never will be.
            try:
                self.database.begin_writing()
            except StoreError as error:
                message = "The connection was lost during the commit: it is not known whether the change was written."
                raise StoreError(message, "infusion history, once the database can be reached again") from error
            if self.database.row("link", seq=newest.seq) != (newest.hash,):
                message = f"The connection to {self.place} was lost; nothing was written."
                raise TransientError(message, "the same command again") from None
            self.database.committed = True

    def scrub(self) -> str:
        """Overwrite what was freed inside the book; gives what may still be there, empty when nothing is."""
        return self.database.scrub()

    def note_access(self, access: Access) -> None:
        """Keep an access as well as can be: at once, without the write lock, silent when it fails."""
        self.database.note_access(access)

    def accesses(self) -> list[Access]:
        """Every access that was kept, in the order of time."""
        return self.database.accesses()

    def describe(self) -> dict[str, Any]:
        """Where the book is, its size in bytes, versions, settings, counts and the end of its journal."""
        with self.reading(0) as reader:
            counts = self.database.row("counts") or ()
            head = journal.head(self.database)
            kept = self.database.describe()
            return {
                **{name: kept.pop(name) for name in ("path", "bytes")},
                "clinic": reader.clinic.name,
                "timezone": reader.clinic.timezone,
                **dict(zip(("patients", "visits", "series", "blocks", "operations"), counts, strict=True)),
                "revision": head.seq,
                "head": head.hash,
                **kept,
            }

    def close(self) -> None:
        """Let go of the book."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def open_store(
    place: Place,
    *,
    on_wait: Callable[[str], None] | None = None,
    on_warn: Callable[[str], None] | None = None,
    patience: float = database.PATIENCE,
) -> BookStore:
    """The book at that place; raises StoreError when it is missing, strange, damaged, older or newer.

    `on_wait` is called with a sentence when the user has to wait, `on_warn` with one that should be
    read; after `patience` seconds of waiting for another writer a writer gives up.
    """
    opened = _open(place, patience)
    opened.on_wait, opened.on_warn = on_wait, on_warn
    exposed = opened.exposure() if on_warn else None
    if on_warn and exposed:
        on_warn(f"{exposed[0][0].lower()}{exposed[0][1:]}; try {exposed[1]}")
    return BookStore(opened)


def create_book(place: Place, clinic_text: ClinicText, clinic: Clinic, now: int, actor: str) -> BookStore:
    """A new book of a clinic, open; raises StoreError when something is at `place` already.

    `now` in seconds since 1970 UTC. The text's `data` must be that clinic's, else ValueError.
    """
    if clinic_of(clinic_text) != clinic:
        raise ValueError("the data of the clinic's text describe another clinic")
    founding = change(None, clinic_text._replace(id=MAIN))
    with created(place) as fresh:
        fresh.run("clinic_put", {"text": clinic_text.text, "data": clinic_text.data})
        writer = BookWriter(fresh, now)
        writer.write(Entry("init", actor, [founding]))
        writer.finish()
    return open_store(place)


def created(place: Place) -> AbstractContextManager[Database]:
    """A new book with nothing in it but tables and guards, committed when the block ends well.

    Raises StoreError when something is there already.
    """
    if isinstance(place, ServerUrl):
        from infusion_cli.store import postgresql  # noqa: PLC0415  its driver is slow to load

        return postgresql.created(place)
    from infusion_cli.store import sqlite  # noqa: PLC0415  where a server keeps the book it is not needed

    return sqlite.created(Path(place))


def _open(place: Place, patience: float) -> Database:
    if isinstance(place, ServerUrl):
        from infusion_cli.store import postgresql  # noqa: PLC0415  its driver is slow to load

        return postgresql.open_database(place, patience)
    from infusion_cli.store import sqlite  # noqa: PLC0415  where a server keeps the book it is not needed

    return sqlite.open_database(Path(place), patience)
