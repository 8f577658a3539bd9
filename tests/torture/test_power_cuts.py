"""The power goes at any moment: every acknowledged booking is there afterwards, and the book is sound.

A run of the program is recorded call by call and cut at random places on a model of a disk. The same
cuts do lose bookings where a book is written with less care, and ruin it where nothing is synced.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from races.harbor import harbor_book
from torture import books
from torture.disk import Disk, files_in, put_back
from torture.figures import FULL, RELEASE, record
from torture.syscalls import Call, watched, why_not

from infusion_cli.errors import StoreError

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

CUTS = 4000 if RELEASE else 400 if FULL else 40
BOOKINGS = 40
BOOKINGS_A_CONNECTION = 8
SHIPPED = [("TRUNCATE", "FULL"), ("WAL", "FULL")]
"""How books are written, by the SQLite that is linked."""
CARELESS = [("WAL", "NORMAL"), ("DELETE", "FULL")]
"""What loses bookings and no more."""


class Run(NamedTuple):
    """A recorded run: the files before it, all that it did to them, and after how many calls it told each booking."""

    before: dict[str, bytes]
    calls: list[Call]
    told: list[int]


class Losses(NamedTuple):
    """What became of all cuts."""

    cuts: int
    cuts_that_lost: int
    lost: int
    """Acknowledged bookings that were not there."""
    damaged: int
    """Cuts after which the book could not be opened or was not sound."""


def recorded(folder: Path, journal: str, synchronous: str) -> Run:
    """Let the program book, one connection after the other, and write down what it does to its files."""
    folder.mkdir()
    target = str(folder / "book.db")
    harbor_book(target)
    run = Run(files_in(folder), [], [])

    def write_down(call: Call) -> int:
        run.calls.append(call)
        return 0

    with watched(write_down):
        for first in range(0, BOOKINGS, BOOKINGS_A_CONNECTION):
            with books.settled(books.opened(target), journal, synchronous) as store:
                for number in range(first, first + BOOKINGS_A_CONNECTION):
                    books.booked(store, number)
                    run.told.append(len(run.calls))
    return run


def cut_off(run: Run, folder: Path, places: Sequence[int]) -> Losses:
    """Cut the run after each of those numbers of calls, and look at what the program finds."""
    chance, disk, done = random.Random(2026), Disk(run.before), 0
    lost: list[int] = []
    damaged = 0
    folder.mkdir()
    for place in sorted(places):
        for call in run.calls[done:place]:
            disk.do(call)
        done = place
        put_back(disk.cut(chance), folder)
        found = found_again(str(folder / "book.db"))
        if found is None:
            damaged += 1
        else:
            lost.append(len(set(range(bisect_right(run.told, place))) - set(found)))
    return Losses(len(places), sum(map(bool, lost)), sum(lost), damaged)


def found_again(target: str) -> list[int] | None:
    """The bookings in a book after a cut; None when it is not sound."""
    try:
        with books.opened(target) as store:
            return None if books.errors(store) else books.numbers(store)
    except StoreError:
        return None


def losses(tmp_path: Path, journal: str, synchronous: str) -> Losses:
    """Record a run and cut it; half of the cuts fall at random, half where something was just acknowledged."""
    run = recorded(tmp_path / "run", journal, synchronous)
    chance = random.Random(400)
    places = [chance.randrange(len(run.calls) + 1) for _ in range(CUTS // 2)]
    places += [min(chance.choice(run.told) + chance.randrange(3), len(run.calls)) for _ in range(CUTS // 2)]
    found = cut_off(run, tmp_path / "cut", places)
    settings = f"{books.SQLITE} {journal} {synchronous}"
    test = "power cut" if (journal, synchronous) in SHIPPED else "power cut, other settings"
    record(test, settings, **found._asdict())
    return found


@pytest.mark.parametrize(("journal", "synchronous"), SHIPPED)
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path, journal: str, synchronous: str) -> None:
    assert losses(tmp_path, journal, synchronous) == Losses(CUTS, 0, 0, 0)


@pytest.mark.parametrize(("journal", "synchronous"), CARELESS)
def test_written_with_less_care_the_same_bookings_are_lost(tmp_path: Path, journal: str, synchronous: str) -> None:
    found = losses(tmp_path, journal, synchronous)
    assert found.lost > 0, "nothing was lost: the cuts prove nothing"
    assert found.damaged == 0


def test_written_with_no_care_the_same_book_is_ruined(tmp_path: Path) -> None:
    assert losses(tmp_path, "DELETE", "OFF").damaged > 0, "nothing was damaged: the cuts prove nothing"
