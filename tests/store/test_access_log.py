"""Accesses are kept at once or not at all, whatever engine keeps the book, and never in anybody's way."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW, book, clinic, patient, text_of, write

from infusion_cli.config import Place, ServerUrl
from infusion_cli.errors import StoreError
from infusion_cli.services.ports import Access
from infusion_cli.store import access_log
from infusion_cli.store.repository import BookStore, create_book, open_store

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
YEAR = 366 * 86_400


def access(number: int = 0, at: int = NOW) -> Access:
    return Access(f"{number:016x}", at, "mira", "front pts/1", "show", (patient(number).id,), 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place for a book of either engine."""
    if request.param == "postgresql":
        return ServerUrl(str(request.getfixturevalue("database_url")))
    return tmp_path / "book.db"


@pytest.fixture
def store(place: Place) -> Iterator[BookStore]:
    with create_book(place, text_of(clinic()), clinic(), NOW, "test") as made:
        yield made


def test_accesses_come_back_in_the_order_of_time(store: BookStore) -> None:
    for noted in (access(1, NOW + 60), access(2, NOW + YEAR), access(3, NOW)):
        store.note_access(noted)
    assert store.accesses() == [access(3, NOW), access(1, NOW + 60), access(2, NOW + YEAR)]


def test_an_access_is_noted_while_somebody_holds_the_write_lock(store: BookStore, place: Place) -> None:
    with open_store(place) as other, other.writing(NOW):
        store.note_access(access())
    assert store.accesses() == [access()]


def test_nothing_of_the_book_changes_by_an_access(store: BookStore) -> None:
    write(store, patient())
    before = store.describe()["head"]
    store.note_access(access())
    assert store.describe()["head"] == before


def test_a_store_that_noted_an_access_can_go_on(store: BookStore) -> None:
    store.note_access(access())
    write(store, patient())
    with store.reading(NOW) as reader:
        assert reader.record(patient().id) == patient()


def test_an_actor_of_half_characters_hurts_nobody(store: BookStore) -> None:
    store.note_access(access()._replace(actor="mira\udc80"))
    store.note_access(access(1))
    assert access(1) in store.accesses()


def test_many_writers_at_once_lose_no_line_and_tear_none(tmp_path: Path) -> None:
    long = access()._replace(subjects=tuple(patient(n).id for n in range(100)), people=100)

    def note(number: int) -> None:
        for n in range(50):
            access_log.append(tmp_path / "book.db", long._replace(id=f"{number}-{n}"))

    threads = [threading.Thread(target=note, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, unreadable = access_log.read(tmp_path / "book.db")
    assert unreadable == 0
    assert {a.id for a in found} == {f"{number}-{n}" for number in range(8) for n in range(50)}


def test_there_is_a_file_for_each_year_beside_the_book(tmp_path: Path) -> None:
    for at in (NOW, NOW + YEAR):
        access_log.append(tmp_path / "book.db", access(at=at))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["book.db.access-2026.jsonl", "book.db.access-2027.jsonl"]


def test_lines_that_are_none_are_counted_and_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "book.db.access-2026.jsonl"
    for damage in ("{", "[]", "{}", '{"id":"x"}', "\N{SNOWMAN}"):
        access_log.append(tmp_path / "book.db", access())
        with log.open("a", encoding="utf-8") as file:
            file.write(damage + "\n")
    assert access_log.read(tmp_path / "book.db") == ([access()] * 5, 5)


def test_the_user_hears_of_lines_that_cannot_be_read(tmp_path: Path) -> None:
    heard: list[str] = []
    with book(tmp_path / "book.db"):
        pass
    (tmp_path / "book.db.access-2026.jsonl").write_text("{\n", encoding="utf-8")
    with open_store(tmp_path / "book.db", on_warn=heard.append) as store:
        assert store.accesses() == []
    assert heard == [f"the access log beside {tmp_path / 'book.db'} has lines that cannot be read (1)"]


def test_through_a_link_to_the_book_the_same_log_is_kept(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "book.db")
    access_log.append(tmp_path / "link.db", access())
    assert access_log.read(tmp_path / "book.db") == access_log.read(tmp_path / "link.db") == ([access()], 0)


@posix
@pytest.mark.parametrize(("of_book", "of_log"), [(0o600, 0o600), (0o644, 0o640), (0o660, 0o660), (0o400, 0o600)])
def test_the_log_is_for_whom_the_book_is_and_never_for_others(tmp_path: Path, of_book: int, of_log: int) -> None:
    (tmp_path / "book.db").touch()
    (tmp_path / "book.db").chmod(of_book)
    access_log.append(tmp_path / "book.db", access())
    assert stat.S_IMODE((tmp_path / "book.db.access-2026.jsonl").stat().st_mode) == of_log


@posix
def test_what_lies_in_the_way_is_passed_over_in_silence_and_at_once(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    log = tmp_path / "book.db.access-2026.jsonl"
    with book(tmp_path / "book.db") as store:
        log.symlink_to(elsewhere)
        store.note_access(access())
        log.unlink()
        os.mkfifo(log)
        store.note_access(access())
        log.unlink()
        store.note_access(access())
        assert store.accesses() == [access()]
    assert elsewhere.read_bytes() == b""


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "book.db.access-2026.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"The access log .* cannot be read"):
        access_log.read(tmp_path / "book.db")


def test_a_line_is_ascii_and_holds_ids_only(tmp_path: Path) -> None:
    access_log.append(tmp_path / "book.db", access()._replace(actor="Zoë\n"))
    text = (tmp_path / "book.db.access-2026.jsonl").read_bytes()
    assert text.isascii()
    assert text.count(b"\n") == 1
    assert json.loads(text)["actor"] == "Zoë\n"


def test_on_a_server_an_access_waits_for_nobody(database_url: str) -> None:
    import psycopg

    place = ServerUrl(database_url)
    create_book(place, text_of(clinic()), clinic(), NOW, "test").close()
    with open_store(place) as store, psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE access IN ACCESS EXCLUSIVE MODE")
        store.note_access(access(1))
        blocker.rollback()
        store.note_access(access(2))
        assert store.accesses() == [access(2)]


def test_on_a_server_without_the_right_or_the_table_the_desk_notices_nothing(database_url: str) -> None:
    import psycopg

    place = ServerUrl(database_url)
    create_book(place, text_of(clinic()), clinic(), NOW, "test").close()
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("DROP TABLE access")
    with open_store(place) as store:
        store.note_access(access())
        write(store, patient())
        store.database.close()
        store.note_access(access())
