"""A book under a key: nobody reads it without, and it is a book like any other."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from builders import NOW, book, file_of, patient, visit, write

from infusion_cli.domain.book import Patient
from infusion_cli.errors import StoreError, UsageError
from infusion_cli.services.desk import Desk
from infusion_cli.services.patients import forget
from infusion_cli.store import check, cipher
from infusion_cli.store.backup import back_up
from infusion_cli.store.copy import copy_book
from infusion_cli.store.repository import BookStore, open_store
from infusion_cli.store.restore import prepared, put

NAME = "Xanthippe Quillfeather"
KEY, OTHER = "2d" * 32, "3e" * 32


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (cipher.KEY, cipher.KEY_FILE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book that was made under a key, which is named."""
    pytest.importorskip("sqlcipher3")
    monkeypatch.setenv(cipher.KEY, KEY)
    made = tmp_path / "book.db"
    with book(made) as store:
        fill(store)
    return made


def fill(store: BookStore) -> None:
    write(store, patient(name=NAME))
    write(store, visit(reason=f"{NAME} called"))


def octets(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.iterdir()))


def test_it_is_a_book_like_any_other(path: Path) -> None:
    with open_store(path) as store:
        write(store, visit(1, chair="chair-2", of=0, status="cancelled"))
        with store.reading(NOW) as reader:
            assert reader.patients_matching(["quill"])[0].name == NAME
        assert check.check(store) == check.cautions(store) == []
        about = store.describe()
    assert (about["encrypted"], about["operations"]) == (True, 4)


def test_nothing_of_it_can_be_read_in_the_file_or_beside_it_also_while_it_is_written(path: Path) -> None:
    with open_store(path) as store, store.writing(NOW) as writer:
        writer.database.run("counter_put", {"kind": "plan", "next": 7})
        found = octets(path.parent)
    assert len(found) > 100_000
    assert not [word for word in (b"SQLite format", b"Xanthippe", b"quillfeather", b"CREATE") if word in found]


def test_control_without_a_key_all_of_it_can(tmp_path: Path) -> None:
    with book(tmp_path / "plain.db") as store:
        fill(store)
        assert store.describe()["encrypted"] is False
    assert all(word in octets(tmp_path) for word in (b"SQLite format", b"Xanthippe", b"quillfeather", b"CREATE"))


def test_another_program_takes_it_for_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connection.execute("SELECT * FROM patient")


@pytest.mark.parametrize(
    ("named", "words"), [(None, "or it is encrypted."), (OTHER, "or the key that is named does not open it.")]
)
def test_without_its_key_it_is_refused_in_one_sentence_with_the_way_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], named: str | None, words: str
) -> None:
    monkeypatch.delenv(cipher.KEY)
    if named:
        monkeypatch.setenv(cipher.KEY, named)
    with pytest.raises(StoreError) as refusal:
        open_store(path)
    assert refusal.value.message == f"{path} is not a book, {words}"
    assert refusal.value.hint == "name its key with INFUSION_KEY_FILE"
    assert capfd.readouterr() == ("", "")


def test_a_plain_book_stays_plain_whatever_key_is_named_and_the_check_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain.db"
    with book(plain) as store:
        fill(store)
    monkeypatch.setenv(cipher.KEY, KEY)
    with open_store(plain) as store:
        write(store, patient(1))
        assert [found.rule for found in check.cautions(store)] == ["not-encrypted"]
    with closing(sqlite3.connect(plain)) as connection:
        assert connection.execute("SELECT count(*) FROM patient").fetchone() == (2,)


def test_what_is_forgotten_is_gone_there_too(path: Path) -> None:
    with open_store(path) as store:
        write(store, visit(reason=f"{NAME} called", status="cancelled"))
        assert forget(Desk(store, NOW, "mira"), patient().id).summary["residue"] == ""
        with store.reading(NOW) as reader:
            gone = reader.record(patient().id)
        assert isinstance(gone, Patient)
        assert gone.name == "Forgotten"
        assert check.check(store) == []


def test_a_guard_refuses_there_too(path: Path) -> None:
    with open_store(path) as store, pytest.raises(StoreError):
        file_of(store).run("claim_add", {"resource_id": 1, "t0": 0, "appointment_id": visit().id, "t1": 9, "units": 9})


def test_two_desks_wait_for_each_other_there_too(path: Path) -> None:
    with open_store(path) as one, open_store(path, patience=0.05) as other, one.writing(NOW):
        busy = pytest.raises(StoreError, match="locked by somebody else")
        with busy, other.writing(NOW):
            pass


def test_the_key_stands_in_a_file_that_only_its_owner_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cipher.KEY)
    file = path.with_name("key")
    file.write_text(KEY.upper() + "\n", encoding="ascii")
    file.chmod(0o600)
    monkeypatch.setenv(cipher.KEY_FILE, str(file))
    with open_store(path) as store:
        assert store.describe()["patients"] == 1


def test_its_backup_and_its_copy_are_encrypted_too_and_a_plain_book_is_encrypted_by_copying(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = path.parent / "aside"
    with open_store(path) as store:
        made = back_up(store, aside, NOW)
    copy_book(path, aside / "copy.db")
    monkeypatch.delenv(cipher.KEY)
    with book(path.with_name("plain.db")) as store:
        fill(store)
    monkeypatch.setenv(cipher.KEY, KEY)
    copy_book(path.with_name("plain.db"), aside / "from-plain.db")
    for file in (made.path, aside / "copy.db", aside / "from-plain.db"):
        with open_store(file) as store, store.reading(NOW) as reader:
            assert reader.patients()[0].name == NAME
        assert b"Xanthippe" not in file.read_bytes()
    with prepared(made.path, path, other_clinic=False) as ready:
        assert put(ready, path, NOW)
    with open_store(path) as store:
        assert check.check(store) == []
    assert cipher.is_encrypted(path)


# What follows needs no driver.


@pytest.mark.parametrize("text", ["xyz", KEY[:-1], KEY + "0", f"x'{KEY}'", KEY[:-2] + "ü\n"])
def test_what_is_no_key_is_refused_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    for name, value in ((cipher.KEY, text), (cipher.KEY_FILE, str(file))):
        monkeypatch.setenv(name, value)
        with pytest.raises(UsageError) as refusal:
            cipher.named_key()
        assert refusal.value.message == f"The key in {name} is not 64 hexadecimal digits."
        assert refusal.value.hint == "openssl rand -hex 32 makes a key"


def test_an_empty_key_file_is_no_way_to_have_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").touch(0o600)
    monkeypatch.setenv(cipher.KEY_FILE, str(tmp_path / "key"))
    with pytest.raises(UsageError, match="is not 64 hexadecimal digits"):
        cipher.named_key()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text(KEY, encoding="ascii")
    file.chmod(mode)
    monkeypatch.setenv(cipher.KEY_FILE, str(file))
    with pytest.raises(UsageError) as refusal:
        cipher.named_key()
    assert refusal.value.message == f"The key file {file} can be read by others."
    assert refusal.value.hint == f"chmod 600 {file}"


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cipher.KEY_FILE, str(tmp_path / "key"))
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        cipher.named_key()


def test_without_the_driver_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cipher.KEY, KEY)
    monkeypatch.setitem(sys.modules, "sqlcipher3.dbapi2", None)
    with pytest.raises(UsageError) as refusal:
        book(tmp_path / "book.db")
    assert refusal.value.hint == "pip install 'infusion-cli[encryption]'"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "is_one"),
    [(b"", False), (b"SQLite format 3\0" + bytes(4080), False), (bytes(4096), False), (bytes(range(256)) * 16, True)],
)
def test_what_looks_encrypted(tmp_path: Path, content: bytes, is_one: bool) -> None:
    (tmp_path / "file").write_bytes(content)
    assert cipher.is_encrypted(tmp_path / "file") is is_one
    assert not cipher.is_encrypted(tmp_path / "nothing")
