"""The file of a book on its disk: created whole or not at all, and not on a share."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infusion_cli.errors import InterruptedCommandError, StoreError
from infusion_cli.store.database import TakenError, interrupts_held_back

SHARES = frozenset({"cifs", "smb3", "nfs", "nfs4", "9p", "fuse.sshfs", "vboxsf"})
"""File systems that get the locks between machines wrong."""

MOUNTS = Path("/proc/mounts")
"""Where Linux tells what is mounted; elsewhere nothing is known."""

_SMALLEST = 512
"""Bytes in the smallest database."""

ALLOW_SHARE = "INFUSION_ALLOW_NETWORK"


def refuse_strange(path: Path) -> None:
    """Raise StoreError when there is nothing at `path` that could be a book."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise StoreError(f"There is no book yet at {path}.", "infusion init") from None
    except OSError as error:
        raise StoreError(f"The book {path} cannot be reached: {error.strerror}.") from error
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a book.", "name the file with --db")
    if size == 0:
        raise StoreError(f"{path} is empty: that is no book.", "remove it, then infusion init")
    if size < _SMALLEST:
        # SQLite would take it for a new database.
        raise StoreError(f"{path} is not a book.", "name the book with --db")


def exposure(path: Path) -> tuple[str, str] | None:
    """Who could read or replace the book's file that should not, and what to do; None when nobody, or nothing is known.

    A group that shares the folder (its files get the folder's group by themselves) shares the book.
    """
    if os.name != "posix":
        return None
    path = Path(os.path.realpath(path))
    try:
        file, folder = path.stat().st_mode, path.parent.stat().st_mode
    except OSError:
        return None
    shared = bool(folder & stat.S_ISGID)
    mode = "660" if shared else "600"
    if file & stat.S_IRWXO:
        return f"The book {path} can be {_used(file)} by everybody on this machine", f"chmod {mode} {path}"
    if file & stat.S_IRWXG and not shared:
        return f"The book {path} can be {_used(file >> 3)} by its group", f"chmod {mode} {path}"
    if folder & stat.S_IWOTH:
        return f"Everybody on this machine can put files beside {path}", f"chmod o-w {path.parent}"
    return None


def _used(bits: int) -> str:
    return "changed" if bits & 2 else "read"


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """A new file to fill, private to its owner, which becomes `path` when the block ends well.

    Raises StoreError when something is there already, also when it came there meanwhile.
    """
    if os.path.lexists(path):
        raise _already(path)
    with draft(path) as fresh:
        yield fresh
        publish(fresh, path)


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A new empty file beside `path`, private to its owner, gone when the block ends; raises StoreError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        is_file = path.parent.exists() and not path.parent.is_dir()
        why = "that is no folder" if is_file else error.strerror
        raise StoreError(f"No book can be created in {path.parent}: {why}.", "name another place") from error
    try:
        yield fresh
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(f"{fresh}{ending}").unlink(missing_ok=True)


def publish(draft: Path, path: Path) -> None:
    """Give a finished file its name, for good; raises StoreError when the name is taken."""
    with interrupts_held_back() as pressed:
        _name(draft, path)
        sync_folder(path.parent)
    if pressed:
        raise InterruptedCommandError(f"Interrupted, but {path} had been written already.", "infusion db info")


def _name(draft: Path, path: Path) -> None:
    # A link never replaces what somebody else has put there meanwhile; a rename would.
    try:
        os.link(draft, path)
    except FileExistsError:
        raise _already(path) from None
    except OSError:
        # A file system without links.
        draft.rename(path)


def _already(path: Path) -> TakenError:
    return TakenError(f"There is something at {path} already.", "infusion db info, or name another file with --db")


def sync(path: Path) -> None:
    """Wait until the file's content is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the folder's names are on the disk."""
    # Where folders cannot be opened, the system keeps their order by itself.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def may_change(path: Path) -> bool:
    """Whether somebody could write the file: a book is written only where its journal can be made beside it."""
    return os.access(path.parent, os.W_OK)


def share_under(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the network file system that `path` lies on, or an empty text."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = os.path.realpath(path) + "/"
    deepest, kind = 0, ""
    for line in lines:
        _, point, kind_here, *_ = line.split(" ")
        point = _plain(point).rstrip("/") + "/"
        # The last of several mounts on one point is the one that is seen.
        if len(point) >= deepest and place.startswith(point):
            deepest, kind = len(point), kind_here
    return kind if kind in SHARES else ""


def _plain(point: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, char)
    return point
