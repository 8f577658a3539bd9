"""Between SQLite and the system: each call that touches a file is shown to a judge, who can let it fail.

SQLite's Unix layer lets other functions take the place of its system calls (`xSetSystemCall`, made for
tests). The sync is not among them: it is caught at the methods of every file that is opened. So the
real program runs, on its real statements, on a disk that fails when it is told to.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p, sizeof
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple


class Call(NamedTuple):
    """What SQLite is about to ask of the system; `kind` is open, read, write, truncate, sync or unlink."""

    kind: str
    path: str
    """Of a file; also of a folder, where that is synced."""
    offset: int = 0
    """Where a write begins; the size that a truncation leaves."""
    octets: bytes = b""
    """What a write writes."""
    creates: bool = False
    """Whether an opening makes the file."""


Judge = Callable[[Call], int]
"""Gives 0 to let a call through, or the number of the error with which it fails."""

MAPS = Path("/proc/self/maps")
"""Where Linux tells which libraries a process has loaded."""

_IOERR_FSYNC = 1034
_OPEN = CFUNCTYPE(c_int, c_char_p, c_int, c_int, use_errno=True)
_UNLINK = CFUNCTYPE(c_int, c_char_p, use_errno=True)
_TRUNCATE = CFUNCTYPE(c_int, c_int, c_int64, use_errno=True)
_STREAM = CFUNCTYPE(ctypes.c_ssize_t, c_int, c_void_p, c_size_t, use_errno=True)
_PLACED = CFUNCTYPE(ctypes.c_ssize_t, c_int, c_void_p, c_size_t, c_int64, use_errno=True)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Methods(ctypes.Structure):
    """SQLite's `sqlite3_io_methods`, version 3."""

    _fields_ = [
        ("version", c_int),
        *((name, c_void_p) for name in ("close", "read", "write", "truncate", "sync")),
        ("others", c_void_p * 13),
    ]


class _File(ctypes.Structure):
    """SQLite's `sqlite3_file`, as far as every file has it."""

    _fields_ = [("methods", POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    """SQLite's `sqlite3_vfs`, version 3."""


_OPEN_FILE = CFUNCTYPE(c_int, POINTER(_Vfs), c_void_p, POINTER(_File), c_int, c_void_p)
_SET = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_void_p)
_GET = CFUNCTYPE(c_void_p, POINTER(_Vfs), c_char_p)
_Vfs._fields_ = [
    *(("version", c_int), ("file_size", c_int), ("longest_path", c_int)),
    *(("next", c_void_p), ("name", c_char_p), ("data", c_void_p), ("open", c_void_p)),
    ("others", c_void_p * 12),
    *(("set_call", _SET), ("get_call", _GET), ("next_call", c_void_p)),
]


def library_in_memory() -> str:
    """The path of the SQLite library that this process has loaded; empty when none can be told."""
    try:
        lines = MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found = [line[line.index("/") :] for line in lines if "/libsqlite3" in line]
    return found[0] if found else ""


class _Hooks:
    """The functions in SQLite's place, made once: a file may outlive the watch under which it was opened."""

    def __init__(self) -> None:
        import _sqlite3

        library = ctypes.CDLL(library_in_memory() or getattr(_sqlite3, "__file__", None))
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        library.sqlite3_vfs_find.argtypes = [c_char_p]
        self.judge: Judge | None = None
        self._vfs = library.sqlite3_vfs_find(None)
        self._paths: dict[int, str] = {}
        """By descriptor."""
        self._files: dict[int, str] = {}
        """The path of an open file by its address."""
        self._methods: dict[int, _Methods] = {}
        """Our methods by the address of those that they stand for."""
        self._syncs: dict[int, Any] = {}
        """The sync of a file by the address of its methods."""
        self._kept: list[Any] = []
        self._calls: dict[bytes, tuple[int, int]] = {}
        """By name the address of the system's own function, and of ours."""
        self._prepare()

    def install(self, judge: Judge) -> None:
        """Show everything to the judge from now on."""
        self.judge = judge
        self._paths.clear()
        for name, (_, ours) in self._calls.items():
            self._vfs.contents.set_call(self._vfs, name, ours)
        self._vfs.contents.open = self._open_file_at[1]

    def remove(self) -> None:
        """Let SQLite speak to the system itself again."""
        self.judge = None
        for name, (theirs, _) in self._calls.items():
            self._vfs.contents.set_call(self._vfs, name, theirs)
        self._vfs.contents.open = self._open_file_at[0]

    def _prepare(self) -> None:
        if not self._vfs or self._vfs.contents.version < 3 or not self._vfs.contents.name.startswith(b"unix"):
            raise OSError("its file layer is not the Unix one")
        self._wrap(b"open", _OPEN, self._open)
        self._wrap(b"unlink", _UNLINK, self._unlink)
        self._wrap(b"ftruncate", _TRUNCATE, self._truncate)
        for name in (b"read", b"write"):
            self._wrap(name, _STREAM, self._stream(name.decode()))
        for name in (b"pread", b"pread64", b"pwrite", b"pwrite64"):
            self._wrap(name, _PLACED, self._placed(name[1:].decode().removesuffix("64")))
        theirs = _OPEN_FILE(self._vfs.contents.open)
        self._open_file_at = (self._vfs.contents.open, self._address(_OPEN_FILE(self._open_file(theirs))))

    def _wrap(self, name: bytes, prototype: Any, ours: Callable[..., Callable[..., int]] | Callable[..., int]) -> None:
        theirs = self._vfs.contents.get_call(self._vfs, name)
        if theirs:
            call = prototype(theirs)
            self._kept.append(call)
            self._calls[name] = (theirs, self._address(prototype(lambda *given: ours(call, *given))))

    def _address(self, function: Any) -> int:
        self._kept.append(function)
        return ctypes.cast(function, c_void_p).value or 0

    def _refused(self, call: Call) -> bool:
        """Whether the judge lets the call fail; the system's error number is then set."""
        number = self.judge(call) if self.judge else 0
        if number:
            ctypes.set_errno(number)
        return number != 0

    def _open(self, theirs: Callable[..., int], name: bytes, flags: int, mode: int) -> int:
        path = os.fsdecode(name)
        if os.path.isdir(path):  # noqa: PTH112  SQLite opens a folder only to sync it
            return -1 if self._refused(Call("sync", path)) else theirs(name, flags, mode)
        creates = bool(flags & os.O_CREAT) and not os.path.lexists(path)
        if self._refused(Call("open", path, creates=creates)):
            return -1
        descriptor = theirs(name, flags, mode)
        self._paths[descriptor] = path
        return descriptor

    def _unlink(self, theirs: Callable[..., int], name: bytes) -> int:
        path = os.fsdecode(name)
        # What is not there cannot be removed: SQLite tries that too.
        if os.path.lexists(path) and self._refused(Call("unlink", path)):
            return -1
        return theirs(name)

    def _truncate(self, theirs: Callable[..., int], descriptor: int, size: int) -> int:
        path = self._paths.get(descriptor)
        if path is not None and self._refused(Call("truncate", path, size)):
            return -1
        return theirs(descriptor, size)

    def _stream(self, kind: str) -> Callable[..., int]:
        def stream(theirs: Callable[..., int], descriptor: int, at: int, length: int) -> int:
            if self._passes(kind, descriptor, at, length, None):
                return theirs(descriptor, at, length)
            return -1

        return stream

    def _placed(self, kind: str) -> Callable[..., int]:
        def placed(theirs: Callable[..., int], descriptor: int, at: int, length: int, offset: int) -> int:
            if self._passes(kind, descriptor, at, length, offset):
                return theirs(descriptor, at, length, offset)
            return -1

        return placed

    def _passes(self, kind: str, descriptor: int, at: int, length: int, offset: int | None) -> bool:
        path = self._paths.get(descriptor)
        if path is None:
            return True
        place = os.lseek(descriptor, 0, os.SEEK_CUR) if offset is None else offset
        return not self._refused(Call(kind, path, place, ctypes.string_at(at, length) if kind == "write" else b""))

    def _open_file(self, theirs: Any) -> Callable[..., int]:
        self._kept.append(theirs)

        def open_file(vfs: Any, name: int | None, file: Any, flags: int, out: int | None) -> int:
            # The name goes on as it came: SQLite keeps the parameters of a URI behind its end.
            status = int(theirs(vfs, name, file, flags, out))
            if status == sqlite3.SQLITE_OK and file.contents.methods:
                path = os.fsdecode(ctypes.string_at(name)) if name else ""
                self._files[ctypes.addressof(file.contents)] = path
                file.contents.methods = ctypes.pointer(self._methods_for(file.contents.methods))
            return status

        return open_file

    def _methods_for(self, theirs: Any) -> _Methods:
        """A copy of a file's methods with a sync that asks first."""
        address = ctypes.addressof(theirs.contents)
        if address not in self._methods:
            ours = _Methods()
            # Older versions of the structure end before the last pointers, which then nobody reads.
            length = {1: 13, 2: 17}.get(theirs.contents.version, 19) * sizeof(c_void_p)
            ctypes.memmove(byref(ours), theirs, min(length, sizeof(_Methods)))
            sync = _SYNC(ours.sync)
            ours.sync = self._address(_SYNC(lambda file, flags: self._sync(sync, file, flags)))
            self._methods[address] = ours
        return self._methods[address]

    def _sync(self, theirs: Any, file: int, flags: int) -> int:
        path = self._files.get(file, "")
        if path and self._refused(Call("sync", path)):
            return _IOERR_FSYNC
        return int(theirs(file, flags))


@lru_cache(maxsize=1)
def _hooks() -> _Hooks:
    return _Hooks()


@contextmanager
def watched(judge: Judge) -> Iterator[None]:
    """Show the judge everything that SQLite asks of the system in this process, for the length of the block."""
    hooks = _hooks()
    hooks.install(judge)
    try:
        yield
    finally:
        hooks.remove()


@lru_cache(maxsize=1)
def why_not() -> str:
    """Why calls cannot be watched here; empty when they can."""
    if sys.platform != "linux":
        return "what SQLite asks of the system is watched on Linux only"
    seen: list[Call] = []

    def see(call: Call) -> int:
        seen.append(call)
        return 0

    try:
        with tempfile.TemporaryDirectory() as folder, watched(see), closing(_opened(Path(folder))) as connection:
            connection.execute("CREATE TABLE t (x)")
    except (AttributeError, OSError, ValueError) as error:
        return f"the SQLite of this Python cannot be reached: {error}"
    missing = {"open", "read", "write", "sync", "unlink"} - {call.kind for call in seen}
    return f"the SQLite of this Python shows no {', '.join(sorted(missing))}" if missing else ""


def _opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "probe.db", isolation_level=None)
