"""Whole books: backups, bringing them back, moving house."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infusion_cli.cli import options, words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.config import Place, ServerUrl, backup_folder, place_of
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.errors import UsageError

if TYPE_CHECKING:
    from infusion_cli.store.check import Finding
    from infusion_cli.store.journal import Head
    from infusion_cli.store.repository import BookStore
    from infusion_cli.store.restore import Present

DAY = 86_400

WHERE = options.argument(
    "DIR|FILE", "A folder, or a file whose name ends in .sqlite3; without it, the folder backups beside the book."
)
KEEP = options.option("--keep", help="Keep so many of this book's backups in the folder: 30.", metavar="N")
BACKUP = options.argument("BACKUP", "A file that db backup has written.")
OTHER = options.option("--other-clinic", help="Even if it is the backup of another clinic's book.")
FROM = options.argument("FROM", "The book: a path, or postgresql://user@host/database.")
TO = options.argument("TO", "Where to: a path or an address at which no book is.")


@command(writes=True, where=WHERE, keep=KEEP)
def backup(session: Session, where: str = "", keep: str = "") -> None:
    """Make a backup, looked at and with its fingerprint.

    The whole book as it is at one moment, in one file; desks may work meanwhile. It counts only when
    its journal, tables and guards have been found sound. A note beside it, FILE.json, holds its
    SHA-256 and the end of its journal. Of a book on a server it is a file too.
    """
    from infusion_cli.store import backup as store  # noqa: PLC0415  only for this command

    _refuse_key(session, "backup")
    folder, name = _target(session, where)
    if name and keep:
        raise UsageError("--keep is for a folder of backups, not for one file.", "leave one of them out")
    most = 0 if name else _number(keep) if keep else store.KEEP
    dry = session.options.dry_run
    made = store.back_up(session.store, folder, session.now, name=name, keep=most, dry_run=dry)
    session.changed = True
    if not dry:
        session.note_export(session.store)
    note, old = made.note, [str(path) for path in made.removed]
    lines: list[Line] = [
        f"Backed up {words.count(note.revision, 'operation')} to {made.path} ({_size(note.bytes)}).",
        f"  sha256   {note.sha256}",
        f"  journal  {note.revision} {note.head}",
    ]
    if old:
        lines.append(f"Removed {words.count(len(old), 'older backup')}.")
    lines.append(f"To bring it back: infusion db restore {made.path}")
    session.out.record({"path": str(made.path), **note._asdict(), "removed": old}, lines)
    _say_dry(session)


def back_up_daily(session: Session, store: BookStore) -> None:
    """The backup of the day, if there is none yet; raises StoreError when none can be made."""
    from infusion_cli.store import backup as made  # noqa: PLC0415  where it is wanted
    from infusion_cli.store.database import TakenError  # noqa: PLC0415

    folder, now, tz = backup_folder(session.db), session.now, zone(session.timezone)
    founded = made.founding_of(store.database)
    if not made.is_due(folder, founded, local_date(now, tz), tz):
        return
    try:
        made.back_up(store, folder, now, keep=made.KEEP)
    except TakenError:
        # Another desk was a moment faster.
        return


def caution(session: Session) -> list[Finding]:
    """A note for the check when changes of more than a day are in no backup."""
    from infusion_cli.store import backup as made  # noqa: PLC0415  only where backups are wanted daily
    from infusion_cli.store import journal  # noqa: PLC0415
    from infusion_cli.store.check import Finding  # noqa: PLC0415

    folder, database = backup_folder(session.db), session.store.database
    newest = made.newest(folder, made.founding_of(database))
    if newest and (newest.revision >= journal.head(database).seq or session.now - newest.instant < 2 * DAY):
        return []
    what = f"The newest backup in {folder} is of {newest.made}" if newest else f"No backup of the book is in {folder}"
    return [Finding("backup-old", "note", f"{what}.", "", "infusion db backup")]


@command(writes=True, backup=BACKUP, other_clinic=OTHER)
def restore(session: Session, backup: str, *, other_clinic: bool = False) -> int | None:
    """Put a backup in the book's place.

    Only a sound one whose fingerprint is as noted. The book of before is kept beside it under
    another name. On a server, where a journal cannot be erased, the clinic must not be there yet.
    """
    _refuse_key(session, "restore")
    source, place = place_of(backup), session.db
    if isinstance(source, ServerUrl):
        raise UsageError("A backup is a file.", "infusion db copy brings a book from a server")
    if isinstance(place, ServerUrl):
        _restore_to_server(session, source, place)
        return None
    return _restore_to_file(session, source, place.resolve(), other_clinic=other_clinic)


def _restore_to_file(session: Session, source: Path, place: Path, *, other_clinic: bool) -> int | None:
    from infusion_cli.store import restore as store  # noqa: PLC0415  only for this command

    with store.prepared(source, place, other_clinic=other_clinic) as ready:
        if ready.present and not session.confirm(_question(ready.present, place, source)):
            session.out.note("Nothing was changed.")
            return 1
        kept = None if session.options.dry_run else store.put(ready, place, session.clock_without_book(ready.clinic))
    lost = ready.present.lost if ready.present else 0
    more: list[Line] = [f"  {_operations(lost)} of the book of before {_is(lost)} not in it."] if lost else []
    if ready.is_old:
        more.append("  It was of an older version, and was brought up to date.")
    if kept:
        more.append(f"  The book of before is kept: {kept}")
    if kept and ready.present and ready.present.head:
        more.append(f"To go back: infusion db restore {kept}")
    _say_restored(session, source, place, Restored(ready.head, lost, kept, ready.has_note), more)
    return None


def _restore_to_server(session: Session, source: Path, url: ServerUrl) -> None:
    from infusion_cli.store.restore import restore_to_server  # noqa: PLC0415  only for this command

    copied, has_note = restore_to_server(source, url, dry_run=session.options.dry_run)
    _say_restored(session, source, url, Restored(copied.head, 0, None, has_note), ())


class Restored(NamedTuple):
    """What there is to say of a book that was restored."""

    head: Head
    lost: int
    kept: Path | None
    has_note: bool


def _say_restored(session: Session, source: Path, place: Place, done: Restored, more: Iterable[Line]) -> None:
    session.changed = True
    noted = "" if done.has_note else "  No fingerprint was noted beside it, so only its content could be checked."
    session.out.record(
        {
            "path": str(place),
            "backup": str(source),
            "revision": done.head.seq,
            "head": done.head.hash,
            "lost": done.lost,
            "kept": str(done.kept) if done.kept else None,
            "fingerprint": done.has_note,
        },
        [
            f"Restored {place} from {source}: {_operations(done.head.seq)}; the book is sound.",
            *filter(None, [noted]),
            *more,
        ],
    )
    _say_dry(session)


@command(writes=True, source=FROM, target=TO)
def copy(session: Session, source: str, target: str) -> None:
    """Copy a whole book, also to a server or from one.

    Everything in it: records, journal, keys and ids. What was copied is compared row for row before
    it counts; a copy that was stopped is not there at all. Desks may work on the book meanwhile. In a
    database that several clinics share, INFUSION_CLINIC says which one is meant, and is the new
    book's name there (else main).
    """
    from infusion_cli.store.copy import copy_book  # noqa: PLC0415  only for this command
    from infusion_cli.store.repository import open_store  # noqa: PLC0415

    _refuse_key(session, "copy")
    named = session.config.clinic
    there, here = place_of(source, named), place_of(target, named)
    done = copy_book(there, here, dry_run=session.options.dry_run)
    session.changed = True
    if not session.options.dry_run:
        with open_store(there) as store:
            session.note_export(store)
    rows = sum(done.rows.values())
    clinic = f", as the clinic {named or 'main'}" if isinstance(here, ServerUrl) else ""
    data = {"from": str(there), "to": str(here), "rows": rows, "tables": done.rows}
    session.out.record(
        {**data, "revision": done.head.seq, "head": done.head.hash},
        [
            f"Copied {there} to {here}{clinic}.",
            f"  {_operations(done.head.seq)}, {rows} rows, every one compared.",
            "  What is written into one of the two from now on is not in the other: set INFUSION_DB to the one in use.",
        ],
    )
    _say_dry(session)


def _target(session: Session, where: str) -> tuple[Path, str]:
    """The folder, and the file's name if one was given."""
    if not where:
        return backup_folder(session.db), ""
    path = Path(where).expanduser()
    if path.suffix == ".sqlite3" and not path.is_dir():
        return path.parent, path.name
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is not a folder.", "name a folder, or a new file that ends in .sqlite3")
    return path, ""


def _number(keep: str) -> int:
    if not keep.isascii() or not keep.isdigit() or int(keep) < 1:
        raise UsageError(f"--keep takes a number from 1 on, and not {keep!r}.", "--keep 30")
    return int(keep)


def _question(present: Present, place: Path, source: Path) -> str:
    if present.head is None:
        return f"Replace {place}, which cannot be read, by {source}?"
    lost = f" {_operations(present.lost)} will not be in it any more." if present.lost else ""
    return f"Replace the book {place} by {source}?{lost}"


def _operations(number: int) -> str:
    return words.count(number, "operation")


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _size(octets: int) -> str:
    return f"{octets / 1_000_000:.1f} MB" if octets >= 1_000_000 else f"{octets // 1000} kB"


def _refuse_key(session: Session, verb: str) -> None:
    if session.options.key:
        raise UsageError(f"db {verb} is not in the journal and has no key.", "leave --key out")


def _say_dry(session: Session) -> None:
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")
