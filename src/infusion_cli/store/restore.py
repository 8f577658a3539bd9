"""A backup becomes the book again: only a sound one, and what was there before is kept beside it.

Into a file that can still be read as a database it is written page by page in one transaction of SQLite, and
not renamed over it: a desk that has the old file open would roll the new one's journal back into it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from infusion_cli.config import ServerUrl
from infusion_cli.domain.clinic import Clinic
from infusion_cli.errors import InterruptedCommandError, StoreError
from infusion_cli.store import backup, check, copy, files, journal, sqlite
from infusion_cli.store.database import MAIN, SCHEMA_VERSION, DamagedError, Database, TakenError, interrupts_held_back
from infusion_cli.store.journal import Head
from infusion_cli.store.repository import BookStore, open_store

PATIENCE = 2.0
"""Seconds to wait for desks to let go of the book."""

_ANOTHER = "name another backup"
_SMALLEST = 512


class Present(NamedTuple):
    """The book that stands where a backup is to go."""

    head: Head | None
    """The end of its journal; None when it cannot be read."""
    lost: int = 0
    """How many of its operations are not in the backup."""


class Ready(NamedTuple):
    """A backup that was looked at, in a file beside the book's place."""

    draft: Path
    head: Head
    has_note: bool
    """Whether its fingerprint could be compared."""
    clinic: Clinic
    is_old: bool
    """Whether it was of an older version of the program, and has been brought up to date."""
    present: Present | None
    """None when nothing is at the book's place."""


@contextmanager
def prepared(path: Path, place: Path, *, other_clinic: bool = False) -> Iterator[Ready]:
    """The backup at `path`, sound and brought up to date, ready to be put at `place`.

    Raises StoreError when it is not there, no book, damaged, newer, not sound, or of another clinic than the
    present book (unless that is wanted), or when the place cannot be written.
    """
    has_note = _fingerprint_holds(path)
    with files.draft(place) as draft:
        is_old = _fetch(path, draft)
        with _sound(draft, f"The backup {path}") as store, store.reading(0) as reader:
            present = _present(place, store.database, other_clinic=other_clinic)
            head, clinic = journal.head(store.database), reader.clinic
        yield Ready(draft, head, has_note, clinic, is_old, present)


def put(ready: Ready, place: Path, now: int) -> Path | None:
    """Put what was prepared at the place; gives where the book of before is kept, None when there was none.

    All or nothing, whenever it is stopped. Raises StoreError when the book is in use, or has changed since
    it was looked at.
    """
    if ready.present is None:
        files.publish(ready.draft, place)
        return None
    with interrupts_held_back() as pressed:
        try:
            kept = _overwrite(ready.draft, place, now, ready.present.head)
        except DamagedError:
            kept = _replace(ready.draft, place, now)
    if pressed:
        raise InterruptedCommandError(
            f"Interrupted, but the backup had been restored already; the book of before is kept: {kept}",
            "infusion db check",
        )
    _sound(place, f"The restored book {place}").close()
    return kept


def restore_to_server(path: Path, url: ServerUrl, *, dry_run: bool = False) -> tuple[copy.Copied, bool]:
    """Copy a sound backup into a database; what was copied, and whether its fingerprint could be compared.

    A journal cannot be erased, so raises StoreError when the clinic is there already.
    """
    has_note = _fingerprint_holds(path)
    with _opened(path) as database:
        database.refuse_other_version()
    _sound(path, f"The backup {path}").close()
    try:
        return copy.copy_book(path, url, dry_run=dry_run), has_note
    except TakenError as error:
        raise StoreError(
            f"The clinic {url.clinic or MAIN!r} is at {url} already, and its journal cannot be erased.",
            "set INFUSION_CLINIC to a name that is not there yet, or name another database with --db",
        ) from error


def _fingerprint_holds(path: Path) -> bool:
    """Whether there is a fingerprint; raises StoreError when it is another file's."""
    if not path.exists():
        raise StoreError(f"There is no backup at {path}.", "name a file that infusion db backup has written")
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a backup.", "name one of the files in it")
    note = backup.note_of(path)
    if note is None:
        return False
    try:
        found = backup.fingerprint(path)
    except OSError as error:
        raise StoreError(f"The backup {path} cannot be read: {error.strerror}.", _ANOTHER) from None
    if found != note.sha256:
        raise StoreError(f"The backup {path} is damaged: its fingerprint is not the one noted.", _ANOTHER)
    return True


@contextmanager
def _opened(path: Path) -> Iterator[sqlite.SqliteDatabase]:
    """A backup, opened; what is wrong with it is told of a backup, and not of the book."""
    try:
        files.refuse_strange(path)
        with closing(sqlite.connect(path, patience=PATIENCE)) as database:
            database.version()
            yield database
    except StoreError as error:
        raise StoreError(error.message, _ANOTHER) from error


def _fetch(path: Path, draft: Path) -> bool:
    """Copy a backup page by page, and bring the copy up to date; whether it was of an older version."""
    with _opened(path) as database, closing(sqlite.connect(draft)) as fresh:
        # The lock first, which is waited for; the copying itself would wait for ever.
        database.begin_reading()
        is_old = database.version() < SCHEMA_VERSION
        if not is_old:
            database.refuse_other_version()
        _copy_pages(database, fresh)
    if is_old:
        from infusion_cli.store.migrate import migrate  # noqa: PLC0415  loads what is slow

        migrate(draft)
    with closing(sqlite.connect(draft)) as fresh:
        fresh.leave_log()
    files.sync(draft)
    return is_old


def _sound(path: Path, what: str) -> BookStore:
    """The book there, opened, when a whole check finds no error; raises StoreError."""
    store = open_store(path, patience=PATIENCE)
    wrong = [f.message for f in check.check(store) if f.severity == "error"]
    if wrong:
        store.close()
        more = f" ({len(wrong)} findings)" if len(wrong) > 1 else ""
        raise StoreError(f"{what} is not sound: {wrong[0]}{more}", _ANOTHER)
    return store


def _present(place: Path, fresh: Database, *, other_clinic: bool) -> Present | None:
    """What is at the place; raises StoreError when it must stay there."""
    if not os.path.lexists(place):
        return None
    if place.is_dir():
        raise StoreError(f"{place} is a folder, not a book.", "name the file with --db")
    try:
        with _readable(place) as database:
            head, founded = journal.head(database), backup.founding_of(database)
            common = _last_common(fresh, database, min(head.seq, journal.head(fresh).seq))
    except DamagedError:
        return Present(None)
    if founded != backup.founding_of(fresh) and not other_clinic:
        raise StoreError(
            f"The backup is of another clinic than the book {place}.", "--other-clinic puts it there all the same"
        )
    return Present(head, head.seq - common)


@contextmanager
def _readable(place: Path) -> Iterator[sqlite.SqliteDatabase]:
    """The book there, of this version or an older one; raises DamagedError when it is none any more."""
    _refuse_small(place)
    with closing(sqlite.connect(place, patience=PATIENCE)) as database:
        if database.version() > SCHEMA_VERSION:
            database.refuse_other_version()
        yield database


def _last_common(one: Database, other: Database, most: int) -> int:
    """The number of the last operation that both journals have: one equal hash means that all before are equal."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if one.row("link", seq=middle) == other.row("link", seq=middle):
            least = middle
        else:
            most = middle - 1
    return least


def _overwrite(draft: Path, place: Path, now: int, seen: Head | None) -> Path:
    """Keep the book under another name and write the new one over it, while nobody else can look at it.

    Raises DamagedError when it is too damaged to be locked.
    """
    kept = _free_name(place, now)
    with closing(_alone(place)) as held, closing(sqlite.connect(draft)) as fresh:
        if seen and journal.head(held) != seen:
            raise StoreError(f"The book {place} has changed meanwhile; nothing was written.", "the same command again")
        with files.made_whole(kept) as old:
            with closing(sqlite.connect(old)) as target:
                _copy_pages(held, target)
            files.sync(old)
        _copy_pages(fresh, held)
    return kept


def _alone(place: Path) -> sqlite.SqliteDatabase:
    """The book, locked against everybody until it is closed; raises StoreError when somebody uses it."""
    _refuse_small(place)
    database = sqlite.connect(place, patience=PATIENCE)
    try:
        with database.refusals():
            database.leave_log()
            database.pragma("locking_mode=exclusive")
            # In this mode the lock outlasts the transaction, and pages are not read out of one that may write.
            database.connection.execute("BEGIN EXCLUSIVE")
            database.connection.execute("COMMIT")
    except StoreError:
        database.close()
        raise
    return database


def _refuse_small(place: Path) -> None:
    if place.stat().st_size < _SMALLEST:
        # SQLite would take it for a new database.
        raise DamagedError(f"{place} is not a book.")


def _copy_pages(source: sqlite.SqliteDatabase, target: sqlite.SqliteDatabase) -> None:
    with source.refusals():
        source.connection.backup(target.connection)


def _replace(draft: Path, place: Path, now: int) -> Path:
    """What cannot be read as a database nobody has in use: it gets another name, and its journal goes with it."""
    kept = _free_name(place, now)
    try:
        os.link(place, kept)
        for ending in ("-journal", "-wal"):
            with suppress(FileNotFoundError):
                Path(f"{place}{ending}").rename(f"{kept}{ending}")
        Path(f"{place}-shm").unlink(missing_ok=True)
        draft.replace(place)
    except OSError as error:
        raise StoreError(f"The book {place} cannot be replaced: {error.strerror}.", "check who owns it") from error
    files.sync_folder(place.parent)
    return kept


def _free_name(place: Path, now: int) -> Path:
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (f"{place.name}.before-restore-{stamp}{n}" for n in ("", *(f"-{k}" for k in range(2, 1000))))
    return next(path for path in map(place.with_name, names) if not os.path.lexists(path))
