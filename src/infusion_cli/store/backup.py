"""Backups: the whole book at one moment as a file, looked at before it counts, its fingerprint beside it.

A name says when it was made and where the journal stood; nobody's name is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain.clinic_time import local_date
from infusion_cli.errors import StoreError
from infusion_cli.store import check, copy, files, journal
from infusion_cli.store.database import Database, TakenError
from infusion_cli.store.journal import Head
from infusion_cli.store.repository import BookStore, open_store

KEEP = 30
"""How many are kept."""
SUFFIX = ".sqlite3"

_NAME = re.compile(r"infusion-(\d{8}T\d{6}Z)-\d{6,}-[0-9a-f]{12}\.sqlite3")
_STAMP = "%Y%m%dT%H%M%SZ"


class Note(NamedTuple):
    """What stands beside a backup: by it damage is noticed, and whose backup it is."""

    file: str
    made: str
    """In UTC, ISO 8601."""
    sha256: str
    bytes: int
    revision: int
    """The number of the newest operation in it."""
    head: str
    """The hash of that operation."""
    founded: str
    """The hash of the first operation: books of one clinic share it, whatever became of them."""

    @property
    def instant(self) -> int:
        """When it was made, in seconds since 1970 UTC."""
        return int(datetime.fromisoformat(self.made).timestamp())


_KINDS = {name: int if name in {"bytes", "revision"} else str for name in Note._fields}


class Backup(NamedTuple):
    """A backup that was made, and the older ones that were removed for it."""

    path: Path
    note: Note
    removed: list[Path]


def back_up(
    store: BookStore, folder: Path, now: int, *, name: str = "", keep: int = 0, dry_run: bool = False
) -> Backup:
    """Make a backup of the book as it is, under a name that tells when and what unless one is given.

    Desks may work meanwhile. Of the same book's backups in the folder the newest `keep` are kept, all for 0.
    Raises StoreError when it cannot be written, or when what was written is not sound; then nothing is there.
    """
    if not dry_run:
        _make(folder)
    with files.draft(_nearest(folder) / "backup" if dry_run else folder / "backup") as draft:
        copy.snapshot(store.database, draft)
        head, founded = _examined(draft, store.database)
        path = folder / (name or name_of(now, head))
        made = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        note = Note(path.name, made, fingerprint(draft), draft.stat().st_size, *head, founded)
        if not dry_run:
            _publish(draft, path, note)
    old = surplus(folder, note, keep) if keep else []
    if not dry_run:
        _remove(old, path)
    return Backup(path, note, old)


def name_of(now: int, head: Head) -> str:
    """The name of a backup: when in UTC, the journal's number, the beginning of its hash."""
    return f"infusion-{datetime.fromtimestamp(now, UTC).strftime(_STAMP)}-{head.seq:06}-{head.hash[:12]}{SUFFIX}"


def note_beside(path: Path) -> Path:
    """Where the note of a backup stands."""
    return path.with_name(f"{path.name}.json")


def note_of(path: Path) -> Note | None:
    """The note beside a backup; None when there is none. Raises StoreError when it cannot be read."""
    try:
        fields = json.loads(note_beside(path).read_text(encoding="utf-8"))
        note = Note._make(kind(fields[name]) for name, kind in _KINDS.items())
        datetime.fromisoformat(note.made)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(
            f"The note {note_beside(path)} cannot be read.", "name another backup, or take that file away"
        ) from None
    return note


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def founding_of(database: Database) -> str:
    """The hash of the first operation."""
    row = database.row("link", seq=1)
    return str(row[0]) if row else ""


def is_due(folder: Path, founded: str, today: date, tz: ZoneInfo) -> bool:
    """Whether the folder holds no backup of that book that was made today."""
    return not any(_belongs(path, founded) for path in _listed(folder) if _day_of(path, tz) == today)


def newest(folder: Path, founded: str) -> Note | None:
    """The note of that book's newest backup in the folder; None when there is none."""
    return next((note_of(path) for path in _listed(folder) if _belongs(path, founded)), None)


def surplus(folder: Path, newest: Note, keep: int) -> list[Path]:
    """The backups of the same book that are more than `keep`, the oldest of them last; never the one just made."""
    others = [p for p in _listed(folder) if p.name != newest.file and _belongs(p, newest.founded)]
    ours = sorted([*others, folder / newest.file], reverse=True)
    return [path for path in ours[keep:] if path.name != newest.file]


def _examined(draft: Path, source: Database) -> tuple[Head, str]:
    """The end of the journal in what was written, and its beginning; raises StoreError when it is not sound."""
    with open_store(draft) as written:
        wrong = [f.message for f in check.check(written, check.FORM) if f.severity == "error"]
        head = journal.head(written.database)
        founded = founding_of(written.database)
    if source.row("link", seq=head.seq) != (head.hash,):
        wrong.append("Its journal is not that of the book.")
    if wrong:
        raise StoreError(f"No backup was made, because it would not be sound: {wrong[0]}", "infusion db check")
    return head, founded


def _publish(draft: Path, path: Path, note: Note) -> None:
    """The note first: a backup that is there has one."""
    beside = note_beside(path)
    for taken in (path, beside):
        if os.path.lexists(taken):
            raise TakenError(f"There is something at {taken} already.", "name another file")
    mode = 0o660 if path.parent.stat().st_mode & stat.S_ISGID else 0o600
    draft.chmod(mode)
    with files.made_whole(beside) as file:
        file.chmod(mode)
        file.write_text(json.dumps(note._asdict(), indent=2) + "\n", encoding="utf-8")
        files.sync(file)
    try:
        files.publish(draft, path)
    except StoreError:
        beside.unlink()
        raise


def _remove(old: Iterable[Path], newest: Path) -> None:
    for path in old:
        try:
            path.unlink(missing_ok=True)
            note_beside(path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"The backup {newest} was made, but the old one {path} cannot be removed: {error.strerror}.",
                "check who owns it",
            ) from error


def _listed(folder: Path) -> list[Path]:
    """Everything that is named like a backup, the newest first."""
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be read: {error.strerror}.", "infusion db backup DIR, with another"
        ) from error
    return sorted(found, reverse=True)


def _belongs(path: Path, founded: str) -> bool:
    try:
        note = note_of(path)
    except StoreError:
        return False
    return note is not None and note.founded == founded


def _day_of(path: Path, tz: ZoneInfo) -> date | None:
    stamp = path.name.split("-")[1]
    try:
        made = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return local_date(int(made.timestamp()), tz)


def _make(folder: Path) -> None:
    """Make the folder, for one account alone; where a group shares the folder above it, for the group."""
    if not folder.exists() and _nearest(folder).stat().st_mode & stat.S_ISGID:
        with suppress(OSError):
            folder.mkdir(parents=True)
            folder.chmod(0o2770)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
