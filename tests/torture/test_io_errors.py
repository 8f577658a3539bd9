"""Any one call of a booking to the disk fails: the booking is there whole or not at all, and the answer is true."""

from __future__ import annotations

import errno
import json
from collections import Counter
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

STRIDE = 1 if FULL else 5
BOOKED_BEFORE = 3
UNKNOWN = "whether the change was written"
"""What the program says where it cannot know."""


class Failing:
    """A disk on which the n-th call fails that comes after it was armed, and with `lasting` every one after it."""

    def __init__(self, number: int, *, lasting: bool, armed: bool = True) -> None:
        self.number = number
        self.lasting = lasting
        self.armed = armed
        self.calls = 0

    @property
    def has_failed(self) -> bool:
        return self.calls >= self.number

    def __call__(self, _call: Call) -> int:
        self.calls += self.armed
        fails = self.calls == self.number or (self.lasting and self.has_failed)
        return errno.EIO if self.armed and fails else 0


@pytest.fixture
def target(tmp_path: Path) -> str:
    """A book with some bookings in it."""
    folder = tmp_path / "book"
    folder.mkdir()
    found = str(folder / "book.db")
    harbor_book(found)
    with books.opened(found) as store:
        for number in range(BOOKED_BEFORE):
            books.booked(store, number)
    return found


def refusal(target: str, journal: str, disk: Failing) -> StoreError | None:
    """Book on that disk, written in that way; how it was refused."""
    try:
        with watched(disk), books.opened(target) as store:
            if journal != "as shipped":
                books.settled(store, journal, "FULL")
            disk.armed = True
            books.booked(store, BOOKED_BEFORE)
    except StoreError as error:
        return error
    return None


def fate(target: str, error: StoreError | None) -> str:
    """What became of a booking, which has to be what was said; it is then asked for again, on a sound disk."""
    with books.opened(target) as store:
        assert books.errors(store) == []
        before, after = list(range(BOOKED_BEFORE)), list(range(BOOKED_BEFORE + 1))
        found = books.numbers(store)
        assert found in (before, after)
        assert books.booked(store, BOOKED_BEFORE).replayed == (found == after)
        assert books.numbers(store) == after
    if error is None:
        assert found == after
        return "booked_in_spite"
    assert error.message.endswith(".")
    if UNKNOWN in error.message:
        return "unknown_and_there" if found == after else "unknown_and_not_there"
    assert found == before, error.message
    return "refused"


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("journal", ["as shipped", "WAL"])
def test_whichever_call_fails_a_booking_is_whole_or_not_there(target: str, journal: str, lasting: bool) -> None:
    folder, fates, number = Path(target).parent, Counter[str](), 1
    sound = files_in(folder)
    while True:
        # Changing to another way of writing is none of the program's work.
        disk = Failing(number, lasting=lasting, armed=journal == "as shipped")
        error = refusal(target, journal, disk)
        if not disk.has_failed:
            break
        fates[fate(target, error)] += 1
        put_back(sound, folder)
        number += STRIDE
    assert fates.total() > 60 // STRIDE, "a booking asks more of the disk than that"
    engine = books.engine(target) if journal == "as shipped" else f"{books.SQLITE} WAL FULL"
    record("i/o error", engine, lasting=lasting, calls=fates.total(), **fates)


def test_without_a_journal_a_failing_call_leaves_half_a_booking(target: str) -> None:
    folder, sound, damaged = Path(target).parent, files_in(Path(target).parent), 0
    for number in range(30, 60, 3):
        refusal(target, "OFF", Failing(number, lasting=True, armed=False))
        try:
            with books.opened(target) as store:
                damaged += books.errors(store) != []
        except StoreError:
            damaged += 1
        put_back(sound, folder)
    record("i/o error without a journal", books.SQLITE, calls=10, damaged=damaged)
    assert damaged > 0, "the book was whole all the same: the failures prove nothing"


class LastSync:
    """A disk that counts the syncs of files while it is armed, and fails at the one of that number."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.syncs = 0
        self.armed = True

    def __call__(self, call: Call) -> int:
        counts = self.armed and call.kind == "sync" and Path(call.path).is_file()
        self.syncs += counts
        return errno.EIO if counts and self.syncs == self.number else 0


def test_where_the_last_sync_fails_the_program_does_not_claim_to_know(target: str) -> None:
    folder, sound = Path(target).parent, files_in(Path(target).parent)
    counting = LastSync()
    with watched(counting), books.opened(target) as store:
        books.booked(store, BOOKED_BEFORE)
        counting.armed = False
    put_back(sound, folder)
    with watched(LastSync(counting.syncs)), books.opened(target) as store, pytest.raises(StoreError) as caught:
        books.booked(store, BOOKED_BEFORE)
    assert UNKNOWN in caught.value.message
    assert caught.value.hint == "infusion history"
    assert fate(target, caught.value).startswith("unknown")


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_the_command_says_so_in_one_sentence_with_status_7(desk: Desk, lasting: bool) -> None:
    ask, _ = request(0)
    sound, number, statuses = files_in(desk.folder), 1, Counter[int]()
    while True:
        disk = Failing(number, lasting=lasting)
        with watched(disk):
            answer = desk.type("book", ask.patient, ask.protocol, ask.when, "--json")
        if not disk.has_failed:
            break
        statuses[answer.status] += 1
        if answer.status == 7:
            assert answer.out == ""
            assert answer.error["code"] == "store"
            assert answer.error["message"].count(". ") == 0
        else:
            assert (answer.status, answer.err) == (0, ""), answer
            assert json.loads(answer.out)["status"] == "booked"
        put_back(sound, desk.folder)
        number += STRIDE
    assert statuses[7] > 60 // STRIDE
