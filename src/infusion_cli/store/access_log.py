"""The access log of a book that is one file: lines of JSON beside it, a file for each year.

A view must work on a book that can only be read and must not wait for whoever writes. So nothing is
locked and nothing synced: each entry is one write to the end of a file.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from infusion_cli.errors import StoreError
from infusion_cli.services.ports import Access

_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Never through a link that somebody has put there, and never waiting for whoever reads a pipe."""


def append(book: Path, access: Access) -> None:
    """Write one entry; raises OSError when it cannot be."""
    book = Path(os.path.realpath(book))
    path = _file_of(book, access)
    handle = _opened(path, book)
    try:
        os.write(handle, _line(access))
    finally:
        os.close(handle)


def row_of(access: Access) -> dict[str, Any]:
    """The columns of an entry, where the log is a table."""
    fields = access._asdict()
    return {**fields, "subjects": json.dumps(access.subjects), "count": fields.pop("people")}


def files_of(book: Path, accesses: Iterable[Access]) -> dict[Path, bytes]:
    """The files beside a book whose log is these entries, and what stands in each."""
    found: dict[Path, bytearray] = {}
    for access in accesses:
        found.setdefault(_file_of(book, access), bytearray()).extend(_line(access))
    return {path: bytes(octets) for path, octets in found.items()}


def read(book: Path) -> tuple[list[Access], int]:
    """Every entry in the order of time, and how many lines are none; raises StoreError when a file cannot be read."""
    book = Path(os.path.realpath(book))
    found: list[Access] = []
    unreadable = 0
    beginning = f"{book.name}.access-"
    for path in sorted(p for p in book.parent.iterdir() if p.name.startswith(beginning) and p.suffix == ".jsonl"):
        for line in _octets(path).splitlines():
            try:
                found.append(_entry(line))
            except (ValueError, TypeError, KeyError):
                unreadable += 1
    return sorted(found, key=lambda access: access.at), unreadable


def _file_of(book: Path, access: Access) -> Path:
    return book.with_name(f"{book.name}.access-{time.gmtime(access.at).tm_year}.jsonl")


def _line(access: Access) -> bytes:
    return (json.dumps(access._asdict(), separators=(",", ":")) + "\n").encode()


def _opened(path: Path, book: Path) -> int:
    try:
        return os.open(path, _APPEND)
    except FileNotFoundError:
        handle = os.open(path, _APPEND | os.O_CREAT, 0o600)
    with suppress(OSError, AttributeError):  # whoever shares the book shares its log
        os.fchmod(handle, 0o600 | stat.S_IMODE(book.stat().st_mode) & 0o060)
    return handle


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"The access log {path} cannot be read: {error.strerror}.", "check who owns it") from error


def _entry(line: bytes) -> Access:
    fields = json.loads(line)
    if not isinstance(fields["at"], int):
        raise TypeError("at")
    return Access(**(fields | {"subjects": tuple(fields["subjects"])}))
