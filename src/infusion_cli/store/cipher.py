"""A book whose file is encrypted: the same SQLite with SQLCipher's pages, wherever a key is named.

The key is raw, 256 bits, so that nothing has to be derived from it: opening costs no more than without.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from infusion_cli.errors import UsageError

KEY_FILE, KEY = "INFUSION_KEY_FILE", "INFUSION_KEY"
_PLAIN = b"SQLite format 3\0"
_PAGE = 4096
_SQLCIPHER = "sqlcipher3.dbapi2"
_MAKE_ONE = "openssl rand -hex 32 makes a key"


def connect(path: Path, address: str, patience: float) -> sqlite3.Connection:
    """A connection to the file, by the driver that it needs; raises UsageError when key or driver cannot be used.

    A file without encryption stays so whatever key is named; a new one is encrypted when one is.
    """
    key = named_key()
    if not key or _begins_plainly(path):
        return sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)
    connection: sqlite3.Connection = _driver().connect(address, uri=True, timeout=patience, isolation_level=None)
    # It would print its own words on stderr beside ours.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    return connection


def driver_of(connection: Any) -> Any:
    """The module that a connection came from."""
    return sys.modules[type(connection).__module__]


def errors() -> tuple[type[Exception], ...]:
    """What the drivers raise, as far as they are loaded."""
    loaded = sys.modules.get(_SQLCIPHER)
    return (sqlite3.Error, loaded.Error) if loaded else (sqlite3.Error,)


def is_encrypted(path: Path) -> bool:
    """Whether a file looks like one of SQLCipher: whole pages, and a beginning that is nothing else."""
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_PLAIN))
        size = path.stat().st_size
    except OSError:
        return False
    return size > 0 and size % _PAGE == 0 and beginning != _PLAIN and len(set(beginning)) > len(_PLAIN) // 2


def named_key() -> str:
    """The key that the environment names, 64 hexadecimal digits, or an empty text.

    Raises UsageError when it is none, or when others can read the file that it stands in.
    """
    named = os.environ.get(KEY_FILE)
    text = _read(Path(named)) if named else os.environ.get(KEY, "").strip()
    if not text or re.fullmatch("[0-9a-fA-F]{64}", text):
        return text
    raise UsageError(f"The key in {KEY_FILE if named else KEY} is not 64 hexadecimal digits.", _MAKE_ONE)


def _read(path: Path) -> str:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}.", f"mend {KEY_FILE}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"The key file {path} can be read by others.", f"chmod 600 {path}")
    return text or "?"


def _begins_plainly(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_PLAIN)) == _PLAIN
    except OSError:
        return False


def _driver() -> Any:
    try:
        return import_module(_SQLCIPHER)
    except ImportError:
        raise UsageError(
            "A key is named, and encryption needs the extra `encryption`, which is not installed.",
            "pip install 'infusion-cli[encryption]'",
        ) from None
