"""A desk is killed at any moment: what it told is in the book, the book is sound, and a retry adds nothing twice.

`INFUSION_TORTURE=full` runs the long form and prints its figures.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import checker
import pytest
from races.harbor import NOW, harbor_book, process, request
from torture.figures import FULL

from infusion_cli.services.booking import book
from infusion_cli.services.desk import Desk
from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store

BOOKS = 12 if FULL else 2
KILLS_A_BOOK = 20 if FULL else 15
WINDOW = 0.06
"""Seconds after the first acknowledgement in which the kill falls: some bookings long."""
LANES = 2
STRIDE = 1 if FULL else 5
"""From one statement at which a desk falls to the next."""


class Killed(NamedTuple):
    """How far a desk had come."""

    told: int
    """The number of the last request that it acknowledged; -1 for none."""
    had_committed: bool
    """Whether the request after that was in the book all the same."""


def kill_one(path: Path, first: int, after: float) -> int:
    """Let a desk book from request `first` on and kill it so many seconds after it told the first; the last told."""
    with process("booker", path, first) as desk:
        assert desk.stdin
        assert desk.stdout
        desk.stdout.readline()
        desk.stdin.write("go\n")
        desk.stdin.flush()
        told = [desk.stdout.readline()]
        time.sleep(after)
        desk.kill()
        told += desk.stdout.readlines()
    numbers = [json.loads(line)["booked"] for line in told]
    assert numbers == list(range(first, first + len(numbers)))
    return int(numbers[-1])


def examine(path: Path, told: int) -> Killed:
    """Open the book after a kill, look at everything, and ask again for what was left unanswered."""
    ask, key = request(told + 1)
    with open_store(path) as store:
        assert [f for f in check(store) if f.severity == "error"] == []
        keys = {v["key"] for v in checker.visits(path).values()}
        assert keys - {key} == {request(number)[1] for number in range(told + 1)}
        again = book(Desk(store, NOW, "booker", key=key), ask)
        assert again.replayed == (key in keys)
        found = [v["key"] for v in checker.visits(path).values()]
        assert sorted(found) == sorted(request(number)[1] for number in range(told + 2))
    return Killed(told, key in keys)


def kill_many(path: Path, seed: int) -> list[Killed]:
    """Kill one desk after the other over the same book."""
    chance, killed, first = random.Random(seed), [], 0
    harbor_book(path)
    for _ in range(KILLS_A_BOOK):
        killed.append(examine(path, kill_one(path, first, chance.uniform(0, WINDOW))))
        first = killed[-1].told + 2
    assert checker.problems(path) == []
    return killed


def test_killed_at_random_moments_a_desk_loses_nothing_that_it_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor(LANES) as pool:
        paths = [tmp_path / f"{number}.db" for number in range(BOOKS)]
        killed = [k for of_book in pool.map(kill_many, paths, range(BOOKS)) for k in of_book]
    assert len(killed) == BOOKS * KILLS_A_BOOK
    assert sum(len(checker.visits(path)) for path in paths) > 2 * len(killed)
    if FULL:
        with capsys.disabled():
            told = sum(len(checker.visits(path)) for path in paths) - len(killed)
            unheard = sum(k.had_committed for k in killed)
            print(f"\n{len(killed)} kills in {time.perf_counter() - began:.1f} s: {told} bookings acknowledged,")
            print(f"0 lost; {unheard} kills fell between commit and acknowledgement")


def fall(base: Path, folder: Path, falls_at: str) -> tuple[int, Killed]:
    """A desk that kills itself at that place of its second booking, in a book of its own; its exit status too."""
    path = folder / f"{falls_at}.db"
    shutil.copyfile(base, path)
    with process("booker", path, 1, falls_at) as desk:
        lines = desk.communicate("go\n", timeout=60)[0].splitlines()[1:]
    return desk.returncode, examine(path, 1 if lines else 0)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A book with the first booking in it."""
    path = harbor_book(tmp_path / "base.db")
    with open_store(path) as store:
        ask, key = request(0)
        book(Desk(store, NOW, "booker", key=key), ask)
    return path


def test_killed_before_any_statement_of_a_booking_the_booking_is_not_there(tmp_path: Path, base: Path) -> None:
    fallen: list[tuple[int, Killed]] = []
    with ThreadPoolExecutor(LANES) as pool:
        while not fallen or fallen[-1][0] != 0:
            places = [1 + STRIDE * (len(fallen) + more) for more in range(4)]
            fallen += pool.map(lambda number: fall(base, tmp_path, str(number)), places)
    killed = [k for status, k in fallen if status != 0]
    assert killed == [Killed(0, had_committed=False)] * len(killed)
    assert [k.told for status, k in fallen if status == 0] == [1] * (len(fallen) - len(killed))
    assert STRIDE * len(killed) > 20, "a booking takes more statements than that"


def test_killed_between_commit_and_answer_the_booking_is_there_and_the_key_finds_it(tmp_path: Path, base: Path) -> None:
    status, killed = fall(base, tmp_path, "ack")
    assert status != 0
    assert killed == Killed(0, had_committed=True)
