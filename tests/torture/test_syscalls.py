"""The disk that can be told to fail is itself tested: it sees everything, and what it refuses arrives."""

from __future__ import annotations

import errno
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from torture.syscalls import Call, library_in_memory, watched, why_not

needed = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is promised")
def test_where_sqlite_is_a_library_of_its_own_its_calls_can_be_watched() -> None:
    if not library_in_memory():
        pytest.skip("SQLite is part of this Python")
    assert why_not() == ""


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


@needed
def test_what_changes_a_file_is_seen_with_its_octets(tmp_path: Path) -> None:
    seen: list[Call] = []

    def see(call: Call) -> int:
        seen.append(call)
        return 0

    with watched(see), closing(opened(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA journal_mode=TRUNCATE")
        connection.execute("INSERT INTO t VALUES ('seen')")
    file, journal = str(tmp_path / "a.db"), str(tmp_path / "a.db-journal")
    assert {(c.kind, c.path) for c in seen if c.creates} == {("open", file), ("open", journal)}
    kinds = {(call.kind, call.path) for call in seen}
    assert kinds >= {(kind, path) for kind in ("read", "write", "sync") for path in (file, journal)}
    assert kinds >= {("unlink", journal), ("truncate", journal), ("sync", str(tmp_path))}
    written = bytearray(Path(file).stat().st_size)
    for call in seen:
        if (call.kind, call.path) == ("write", file):
            written[call.offset : call.offset + len(call.octets)] = call.octets
    assert written == Path(file).read_bytes()


@needed
@pytest.mark.parametrize(
    ("kind", "number", "refusal"),
    [
        ("open", errno.EACCES, "SQLITE_CANTOPEN"),
        ("read", errno.EPERM, "SQLITE_IOERR_READ"),
        ("write", errno.EIO, "SQLITE_IOERR_WRITE"),
        ("write", errno.ENOSPC, "SQLITE_FULL"),
        ("truncate", errno.EIO, "SQLITE_IOERR_TRUNCATE"),
        ("sync", errno.EIO, "SQLITE_IOERR_FSYNC"),
        ("unlink", errno.EIO, "SQLITE_IOERR_DELETE"),
    ],
)
def test_what_is_refused_arrives_as_sqlite_tells_it_and_is_over_with_the_block(
    tmp_path: Path, kind: str, number: int, refusal: str
) -> None:
    path = tmp_path / "a.db"
    with closing(opened(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    mode = "TRUNCATE" if kind == "truncate" else "DELETE"
    with watched(lambda call: number if call.kind == kind else 0), pytest.raises(sqlite3.Error) as caught:
        insert(path, mode)
    assert caught.value.sqlite_errorname == refusal
    with closing(opened(path)) as connection:
        connection.execute("INSERT INTO t VALUES (2)")
        assert connection.execute("SELECT max(x) FROM t").fetchone() == (2,)


def insert(path: Path, mode: str) -> None:
    with closing(opened(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute("INSERT INTO t VALUES (1)")


@needed
def test_a_file_that_was_opened_under_watch_can_be_used_after_it(tmp_path: Path) -> None:
    seen: list[Call] = []

    def see(call: Call) -> int:
        seen.append(call)
        return 0

    with watched(see):
        connection = opened(tmp_path / "a.db")
        connection.execute("CREATE TABLE t (x)")
    count = len(seen)
    connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    assert len(seen) == count > 0
