"""The disk fills up, at every size: a booking is there whole or not at all, and with some room all goes on."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from cli.desk import Desk
from races.harbor import harbor_book, request
from torture import books
from torture.disk import files_in, put_back
from torture.figures import FULL, record
from torture.syscalls import Call, watched, why_not

from infusion_cli.errors import StoreError

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

KB = 1024
FIRST, STEP = 64 * KB, 4 * KB
LAST = 1024 * KB if FULL else 160 * KB
FULL_MESSAGE = "The disk is full; nothing was written."


class SmallDisk:
    """A disk with so many bytes of room beside what is in a folder now."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder = folder
        self.size = self._used() + room
        self.armed = True

    def __call__(self, call: Call) -> int:
        if call.kind != "write" or not self.armed:
            return 0
        growth = call.offset + len(call.octets) - Path(call.path).stat().st_size
        return errno.ENOSPC if growth > 0 and self._used() + growth > self.size else 0

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())


def refusal(target: str, journal: str, number: int, disk: SmallDisk) -> StoreError | None:
    """Carry out a request on that disk; how it was refused."""
    # Changing to another way of writing is none of the program's work.
    disk.armed = journal == "as shipped"
    try:
        with watched(disk), books.opened(target) as store:
            if journal != "as shipped":
                books.settled(store, journal, "FULL")
            disk.armed = True
            books.booked(store, number)
    except StoreError as error:
        return error
    return None


@pytest.mark.parametrize("journal", ["as shipped", "WAL"])
def test_a_disk_that_is_full_at_any_size_leaves_the_book_whole(tmp_path: Path, journal: str) -> None:
    target, booked, sizes = str(tmp_path / "book.db"), 0, 0
    harbor_book(target)
    disk = SmallDisk(tmp_path, FIRST)
    for _ in range(FIRST, LAST + 1, STEP):
        while (error := refusal(target, journal, booked, disk)) is None:
            booked += 1
        assert error.message == FULL_MESSAGE
        with books.opened(target) as store:
            assert books.numbers(store) == list(range(booked))
            assert books.errors(store) == []
        sizes += 1
        disk.size += STEP
    assert booked > 0, "there was room for one"
    engine = books.engine(target) if journal == "as shipped" else f"{books.SQLITE} WAL FULL"
    record("full disk", engine, sizes=sizes, booked=booked, lost=0, damaged=0)


def test_without_a_journal_a_full_disk_leaves_half_a_booking(tmp_path: Path) -> None:
    target, booked, damaged = str(tmp_path / "book.db"), 0, 0
    harbor_book(target)
    sound, disk = files_in(tmp_path), SmallDisk(tmp_path, FIRST)
    for _ in range(8):
        while refusal(target, "OFF", booked, disk) is None:
            booked += 1
        try:
            with books.opened(target) as store:
                damaged += books.numbers(store) != list(range(booked)) or books.errors(store) != []
        except StoreError:
            damaged += 1
        put_back(sound, tmp_path)
        booked, disk.size = 0, disk.size + STEP
    record("full disk without a journal", books.SQLITE, sizes=8, damaged=damaged)
    assert damaged > 0, "the book was whole all the same: a full disk proves nothing"


def test_the_command_says_that_the_disk_is_full_and_works_when_there_is_room(
    desk: Desk,
) -> None:
    ask, _ = request(0)
    words = ("book", ask.patient, ask.protocol, ask.when)
    for room in range(0, 48 * KB, 4 * KB):
        with watched(SmallDisk(desk.folder, room)):
            error = desk.refused(7, *words)
        assert (error["message"], error["hint"]) == (FULL_MESSAGE, "make room, then the same command again")
        assert desk.json("list") == []
    desk.say(*words)
    assert desk.say("db", "check").startswith("The book is sound.")
