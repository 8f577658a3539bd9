"""Files that the user names: read with a limit, written without overwriting unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from infusion_cli.cli.session import Session
from infusion_cli.errors import InvalidDataError, NotFoundError, UsageError

STANDARD = Path("-")


def read_bytes(path: Path, most: int) -> bytes:
    """The file's octets, stdin for `-`; raises when it is missing, unreadable or larger than `most`."""
    data = read_beginning(path, most + 1)
    if len(data) > most:
        raise InvalidDataError(f"The file {path} is larger than {most // 1_000_000} MB.", hint="split it")
    return data


def read_beginning(path: Path, most: int) -> bytes:
    """The file's first octets, at most so many, stdin for `-`; raises when it is missing or unreadable."""
    try:
        if path == STANDARD:
            return sys.stdin.buffer.read(most)
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", "look at its name, or give - for stdin") from None
    except OSError as error:
        raise UsageError(f"The file {path} cannot be read: {error.strerror}.", "name a file that can be read") from None


def read_text(path: Path, most: int) -> str:
    """The file's text; raises as `read_bytes`, and when it is not UTF-8."""
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidDataError(f"The file {path} is not UTF-8.", hint="save it as UTF-8") from None


def may_write(session: Session, path: Path) -> bool:
    """Whether the file may be written: one that is there already is only replaced after a yes.

    Asked before anything is done, because a change that was committed cannot wait for an answer.
    """
    if path == STANDARD or not path.exists() or _is_stream(path):
        return True
    return session.ask(f"Replace {path}?", f"add --yes to replace {path}, or name another file")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, stdout for `-`; raises `UsageError` when it cannot be written."""
    write_pieces(path, [data])


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file piece by piece as they are made; else like `write_bytes`, whatever stops it."""
    if path == STANDARD:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(pieces)
        return
    try:
        if _is_stream(path):
            with path.open("wb") as file:
                file.writelines(pieces)
        else:
            _replace(Path(os.path.realpath(path)), pieces)  # a link stays a link
    except OSError as error:
        raise UsageError(f"The file {path} cannot be written: {error.strerror}.", "name another with -o") from None


def _is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device: what goes there replaces nothing, and it must not be replaced itself."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _replace(path: Path, pieces: Iterable[bytes]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
