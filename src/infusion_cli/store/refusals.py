"""What SQLite's refusals mean for the user, one sentence each with the way out."""

from __future__ import annotations

from pathlib import Path

from infusion_cli.errors import StoreError
from infusion_cli.store import cipher
from infusion_cli.store.database import RESTORE, DamagedError, GuardError


def refusal_of(error: Exception, path: Path) -> StoreError | None:
    """What a refusal of SQLite means for the user; None when it is a mistake of the program."""
    name: str = getattr(error, "sqlite_errorname", "")
    text = str(error)
    if text.startswith("guard:"):
        return GuardError(text.removeprefix("guard:"))
    if name == "SQLITE_NOTADB" and cipher.is_encrypted(path):
        key = "the key that is named does not open it" if cipher.named_key() else "it is encrypted"
        return StoreError(f"{path} is not a book, or {key}.", f"name its key with {cipher.KEY_FILE}")
    return refusal("SQLITE_CORRUPT" if text.startswith("Could not decode") else name, path, text)


def refusal(name: str, path: Path, text: str) -> StoreError | None:
    """What SQLite's result of that name means for the user, e.g. `SQLITE_BUSY`; `text` are its own words."""
    for beginning, message, hint in _REFUSALS:
        if name.startswith(beginning):
            kind = DamagedError if beginning in _DAMAGE else StoreError
            return kind(message.format(path=path, text=text), hint)
    return None


_REFUSALS = (
    ("SQLITE_BUSY", "The book {path} is locked by somebody else; nothing was written.", "the same command again"),
    ("SQLITE_LOCKED", "The book {path} is locked by somebody else; nothing was written.", "the same command again"),
    ("SQLITE_NOTADB", "{path} is not a book.", "name the book with --db"),
    ("SQLITE_CORRUPT", "The book {path} is damaged.", RESTORE),
    ("SQLITE_READONLY", "The book {path} can only be read, not written.", "check who owns the file and its folder"),
    ("SQLITE_PERM", "The book {path} may not be used by this account.", "check who owns the file and its folder"),
    ("SQLITE_AUTH", "The book {path} may not be used by this account.", "check who owns the file and its folder"),
    ("SQLITE_CANTOPEN", "The book {path} cannot be opened.", "check who owns the file and its folder"),
    ("SQLITE_FULL", "The disk is full; nothing was written.", "make room, then the same command again"),
    # The log's index could not grow: nothing but room is wanted for that.
    ("SQLITE_IOERR_SHMSIZE", "The disk is full; nothing was written.", "make room, then the same command again"),
    ("SQLITE_IOERR", "The disk of {path} failed; nothing was written.", "infusion db check"),
    ("SQLITE_TOOBIG", "That is more than a book can hold in one piece; nothing was written.", ""),
    ("SQLITE_CONSTRAINT", "The book refused the change ({text}); nothing was written.", ""),
    ("SQLITE_ERROR", "The book {path} is damaged ({text}).", RESTORE),
)


_DAMAGE = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR")


def is_busy(error: Exception) -> bool:
    """Whether somebody else holds the lock."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
