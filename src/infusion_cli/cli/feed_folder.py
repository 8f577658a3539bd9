"""A folder of feeds: an index that keeps their names, and the files, each written only when it changed.

A feed's name is 160 random bits, because whoever knows it can read the feed. The index is the one
place that says which name is whose. Nothing in the folder is ever replaced or removed but what the
index names.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from infusion_cli.errors import InvalidDataError, UsageError
from infusion_cli.services.busy import Subject

INDEX = ".feeds.json"
_LOCK = ".feeds.lock"
_PART = ".feeds.part"
_SECRET_BYTES = 20
_FOLDER_MODE = 0o711
"""A web server under another user can open a file that it knows the name of, and list none."""


class Feed(NamedTuple):
    """One feed: whose it is, its secret name, and the calendar's UID."""

    subject: Subject
    token: str
    uid: str

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.token}.ics"


class Index(NamedTuple):
    """The feeds of a folder, and the book that they are of (empty in a new folder)."""

    book: str
    feeds: tuple[Feed, ...]
    gone: tuple[Feed, ...] = ()
    """Feeds that are none any more, as long as their files may still be there."""


def new_feed(subject: Subject) -> Feed:
    """A feed with a name that nobody has."""
    return Feed(subject, secrets.token_hex(_SECRET_BYTES), f"{secrets.token_hex(16)}@calendar.invalid")


def read_index(folder: Path) -> Index:
    """The folder's index, an empty one where there is none; raises `InvalidDataError` when it is damaged."""
    try:
        told = json.loads((folder / INDEX).read_bytes())
        return Index(told["book"], tuple(map(_feed, told["feeds"])), tuple(map(_feed, told.get("gone", []))))
    except FileNotFoundError:
        return Index("", ())
    except OSError as error:
        raise _unusable(folder, error) from None
    except (ValueError, KeyError, TypeError):
        raise InvalidDataError(
            f"The index {folder / INDEX} cannot be read.", hint="put a copy of it back, or begin another folder"
        ) from None


def settle(folder: Path, index: Index) -> None:
    """Keep the index and remove the files of what is gone.

    That is noted first: from then on nobody is served it, and a run that is cut short here is finished by the next.
    """
    _write_index(folder, index)
    if index.gone:
        for feed in index.gone:
            _remove(folder / feed.file)
        _write_index(folder, index._replace(gone=()))


def _write_index(folder: Path, index: Index) -> None:
    """Replace the folder's index, readable by its owner alone."""
    told: dict[str, Any] = {"book": index.book, "feeds": [_told(feed) for feed in index.feeds]}
    if index.gone:
        told["gone"] = [_told(feed) for feed in index.gone]
    _replace(folder / INDEX, [json.dumps(told, indent=2).encode() + b"\n"], 0o600)


def write_feed(folder: Path, feed: Feed, pieces: Iterable[bytes]) -> str:
    """Write a feed when it is not the same as before; what was done: `created`, `changed` or `unchanged`."""
    path = folder / feed.file
    is_new = not path.exists()
    if not _replace(path, pieces, 0o644):
        return "unchanged"
    return "created" if is_new else "changed"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path.parent, error) from None


def named(text: str) -> Path:
    """The folder of that name; raises `UsageError` where a variable of a script was empty."""
    if not text.strip():
        raise UsageError("No folder is named.", "give the folder of the feeds")
    return Path(text)


def can_be_listed(folder: Path) -> bool:
    """Whether others on this machine can see the names in it."""
    return os.name != "nt" and bool(folder.stat().st_mode & 0o044)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder when it is missing, and let nobody else write feeds into it meanwhile."""
    try:
        with suppress(FileExistsError):
            folder.mkdir(_FOLDER_MODE, parents=True)
            folder.chmod(_FOLDER_MODE)  # whatever the umask took away
        (folder / _LOCK).touch(0o600)
        lock = (folder / _LOCK).open("ab")
    except OSError as error:
        raise _unusable(folder, error) from None
    with lock:
        try:
            _wait_for(lock.fileno())
            (folder / _PART).unlink(missing_ok=True)  # left by a process that was killed
        except OSError as error:
            raise _unusable(folder, error) from None
        yield


def _wait_for(handle: int) -> None:
    """Take the lock; the system lets go of it with the file."""
    if os.name == "nt":
        import msvcrt  # noqa: PLC0415  there is none elsewhere

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl  # noqa: PLC0415  there is none on Windows

        fcntl.flock(handle, fcntl.LOCK_EX)


def _replace(path: Path, pieces: Iterable[bytes], mode: int) -> bool:
    """Write a file whole beside the one there and put it in its place; False when it is the same already."""
    part = path.with_name(_PART)
    try:
        try:
            with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            if _is_same(part, path):
                return False
            part.chmod(mode)
            part.replace(path)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise _unusable(path.parent, error) from None
    return True


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    except FileNotFoundError:
        return False


def _feed(told: dict[str, Any]) -> Feed:
    feed = Feed(Subject(told["kind"], told["subject"]), told["token"], told["uid"])
    # It becomes a file's name: whatever somebody wrote into the index, it stays within the folder.
    if len(bytes.fromhex(feed.token)) != _SECRET_BYTES:
        raise ValueError(told)
    return feed


def _told(feed: Feed) -> dict[str, str]:
    return {"kind": feed.subject.kind, "subject": feed.subject.id, "token": feed.token, "uid": feed.uid}


def _unusable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"The folder {folder} cannot be used: {error.strerror}.", "name another, or mend its rights")
