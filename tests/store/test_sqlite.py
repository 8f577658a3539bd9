"""Opening, creating, locking: what must be refused is refused in one sentence and left untouched."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import NOW, book, file_of, patient, write

from infusion_cli.domain.plan import change
from infusion_cli.errors import InterruptedCommandError, StoreError
from infusion_cli.services.ports import Entry
from infusion_cli.store import files, sqlite
from infusion_cli.store.repository import open_store

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's users and signals")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound book with one patient."""
    found = tmp_path / "books" / "book.db"
    with book(found) as store:
        write(store, patient())
    return found


def change_file(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


def refusal_to_open(path: Path) -> StoreError:
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError) as caught:
        open_store(path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    return caught.value


def refusal_to_write(path: Path) -> StoreError:
    before = path.read_bytes()
    with open_store(path) as store, pytest.raises(StoreError) as caught, store.writing(NOW):
        pass
    assert path.read_bytes() == before
    return caught.value


def test_a_missing_book_says_how_to_begin(tmp_path: Path) -> None:
    error = refusal_to_open(tmp_path / "none.db")
    assert error.message == f"There is no book yet at {tmp_path / 'none.db'}."
    assert error.hint == "infusion init"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_book(tmp_path: Path) -> None:
    assert "is a folder" in refusal_to_open(tmp_path).message


def test_an_empty_file_is_no_book(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    assert "is empty" in refusal_to_open(path).message


@pytest.mark.parametrize("content", [b"x", b"a letter to a patient\n" * 400, b"SQLite format 3\0" + b"\xff" * 4080])
def test_another_kind_of_file_is_no_book(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(content)
    assert "is not a book" in refusal_to_open(path).message


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change_file(path, "CREATE TABLE song (title)")
    assert "belongs to another program" in refusal_to_open(path).message


@pytest.mark.parametrize(("version", "what", "hint"), [(99, "newer", "update"), (0, "older", "db migrate")])
def test_a_book_of_another_version_is_refused(path: Path, version: int, what: str, hint: str) -> None:
    change_file(path, f"PRAGMA user_version={version}")
    error = refusal_to_open(path)
    assert what in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DROP TRIGGER claim_capacity", "claim_capacity is missing"),
        ("CREATE TRIGGER helpful AFTER INSERT ON claim BEGIN DELETE FROM claim; END", "helpful is not ours"),
    ],
)
def test_without_its_guards_a_book_can_be_read_but_not_written(path: Path, sql: str, what: str) -> None:
    change_file(path, sql)
    assert what in refusal_to_write(path).message
    with open_store(path) as store, store.reading(NOW) as reader:
        assert reader.patients() == [patient()]


def test_a_weakened_guard_is_noticed(path: Path) -> None:
    change_file(path, "DROP TRIGGER claim_update")
    change_file(path, "CREATE TRIGGER claim_update BEFORE UPDATE ON claim BEGIN SELECT 1; END")
    assert "claim_update was changed" in refusal_to_write(path).message


def test_damage_is_told_and_is_no_traceback(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"), open_store(path) as store, store.reading(NOW):
        pass


def test_half_a_character_is_refused_and_nothing_written(path: Path) -> None:
    with open_store(path) as store:
        with pytest.raises(StoreError, match="half a character"):
            write(store, patient(1, name="\ud800"))
        assert store.describe()["patients"] == 1


def test_a_table_that_is_gone_is_damage(path: Path) -> None:
    change_file(path, "DROP TABLE touched")
    with open_store(path) as store, pytest.raises(StoreError, match="is damaged"), store.reading(NOW) as reader:
        reader.operations("anything")


def test_a_new_book_is_private_and_alone_in_its_folder(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {p.name for p in path.parent.iterdir()} <= {"book.db", "book.db-journal"}


def test_a_book_is_never_created_over_something(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(StoreError, match="already"):
        book(path)
    assert path.read_bytes() == before


def test_a_book_that_somebody_else_created_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with pytest.raises(StoreError, match="already"), sqlite.created(path):
        path.write_text("theirs", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_creation_that_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), sqlite.created(tmp_path / "book.db"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_no_book_can_be_created_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="No book can be created"), sqlite.created(tmp_path / "file" / "book.db"):
        pass


def test_odd_characters_in_a_path_are_only_characters(tmp_path: Path) -> None:
    path = tmp_path / "50% off?#x" / "bücher & co.db"
    with book(path) as store:
        write(store, patient())
    with open_store(path) as store, store.reading(NOW) as reader:
        assert reader.patients() == [patient()]


def test_a_connection_is_set_to_lose_nothing(path: Path) -> None:
    with open_store(path) as store:
        write(store, patient(1))
        wanted = "wal" if sqlite3.sqlite_version_info >= (3, 51, 3) else "truncate"
        assert file_of(store).pragma("journal_mode") == [(wanted,)]
        assert file_of(store).pragma("synchronous") == [(2,)]
        for setting, value in (("foreign_keys", 1), ("recursive_triggers", 1), ("cell_size_check", 1)):
            assert file_of(store).pragma(setting) == [(value,)]
        assert file_of(store).pragma("trusted_schema") == [(0,)]


def test_a_writer_gives_up_when_the_lock_is_not_let_go(path: Path) -> None:
    told: list[str] = []
    with open_store(path) as holder, open_store(path, on_wait=lambda _: told.append("waiting"), patience=1.3) as other:
        with holder.writing(NOW), pytest.raises(StoreError, match="locked by somebody else"), other.writing(NOW):
            pass
        assert told == ["waiting"]
        write(other, patient(1))


def test_a_writer_waits_for_the_lock(path: Path) -> None:
    def hold(started: threading.Event) -> None:
        with open_store(path) as holder, holder.writing(NOW):
            started.set()
            time.sleep(0.2)

    started = threading.Event()
    thread = threading.Thread(target=hold, args=(started,))
    thread.start()
    started.wait()
    with open_store(path) as store:
        write(store, patient(1))
        with store.reading(NOW) as reader:
            assert reader.record(patient(1).id) == patient(1)
    thread.join()


def test_a_reader_goes_on_while_somebody_writes(path: Path) -> None:
    with open_store(path) as writer, open_store(path) as reading, writer.writing(NOW), reading.reading(NOW) as reader:
        assert reader.patients() == [patient()]


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everything: be somebody else for a while."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder that everybody may enter and nobody may write, with room for a book."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@linux_only
@pytest.mark.parametrize("mode", ["truncate", "wal"])
def test_a_copy_that_can_only_be_read_is_read_and_not_written(path: Path, sealed: Path, mode: str) -> None:
    change_file(path, f"PRAGMA journal_mode={mode}")
    copy = sealed / "copy.db"
    shutil.copyfile(path, copy)
    copy.chmod(0o444)
    sealed.chmod(0o555)
    with ordinary_user(), open_store(copy) as store:
        with store.reading(NOW) as reader:
            assert reader.patients() == [patient()]
        with pytest.raises(StoreError, match="can only be read"):
            write(store, patient(1))


@linux_only
def test_a_book_that_may_not_be_read_is_refused(path: Path, sealed: Path) -> None:
    copy = sealed / "copy.db"
    shutil.copyfile(path, copy)
    copy.chmod(0)
    sealed.chmod(0o555)
    with ordinary_user():
        assert "cannot be opened" in refusal_without_looking(copy).message


def refusal_without_looking(path: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(path)
    return caught.value


def test_a_network_share_is_recognised_by_its_deepest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    share = tmp_path / "our share"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\n//nas/x {str(share).replace(' ', chr(92) + '040')} cifs rw 0 0\n"
        f"/dev/sdb1 {tmp_path}/our\\040share/local ext4 rw 0 0\n",
        encoding="utf-8",
    )
    assert files.share_under(share / "book.db", mounts) == "cifs"
    assert files.share_under(share / "local" / "book.db", mounts) == ""
    assert files.share_under(tmp_path / "our share too" / "book.db", mounts) == ""
    assert files.share_under(share / "book.db", tmp_path / "no such file") == ""


def test_a_book_on_a_share_is_written_only_when_that_was_allowed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"nas:/x {tmp_path} nfs4 rw 0 0\n", encoding="utf-8")
    told: list[str] = []
    with open_store(path, on_warn=told.append) as store:
        file_of(store).mounts = mounts
        with pytest.raises(StoreError, match=r"network share \(nfs4\)"):
            write(store, patient(1))
        with store.reading(NOW) as reader:
            assert reader.patients() == [patient()]
        monkeypatch.setenv("INFUSION_ALLOW_NETWORK", "1")
        write(store, patient(1))
        assert len(told) == 1
        assert file_of(store).pragma("journal_mode") == [("truncate",)]
        assert file_of(store).pragma("synchronous") == [(3,)]


@linux_only
def test_ctrl_c_at_the_commit_says_that_it_was_written(path: Path) -> None:
    def press(statement: str) -> None:
        if statement == "COMMIT":
            os.kill(os.getpid(), signal.SIGINT)

    with open_store(path) as store:
        file_of(store).connection.set_trace_callback(press)
        with pytest.raises(InterruptedCommandError, match="had been written"):
            write(store, patient(1))
        assert store.committed
        with store.reading(NOW) as reader:
            assert reader.record(patient(1).id) == patient(1)


@linux_only
def test_ctrl_c_before_the_commit_writes_nothing(path: Path) -> None:
    def work() -> None:
        with store.writing(NOW) as writer:
            writer.write(Entry("book", "test", [change(None, patient(1))]))
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    with open_store(path) as store:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert not store.committed
        with store.reading(NOW) as reader:
            assert reader.revision == 2


def test_another_thread_commits_too(path: Path) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with open_store(path) as store:
                write(store, patient(1))
        except BaseException as error:  # noqa: BLE001  told to the test below
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
