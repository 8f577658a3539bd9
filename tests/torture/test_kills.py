"""A desk is killed at a random moment, hundreds or thousands of times: what it told is there, once, and all is sound.

That a desk falls before any one of its statements is in `races/test_kill_worker.py`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from outside import Where
from races.harbor import process
from torture import books
from torture.figures import FULL, RELEASE, record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")

LANES = 2
BOOKS = 50 if RELEASE else 1
KILLS_A_BOOK = 100 if RELEASE else 150 if FULL else 30

Room = Callable[[], Where]


def killed(room: Room, how: str, lanes: int, number_of_books: int, kills: int) -> Counter[str]:
    """Kill desks in several processes at once, and keep the figures of all."""
    figures = Counter[str]()
    places = [[room() for _ in range(number_of_books)] for _ in range(lanes)]
    with ExitStack() as stack:
        started = [
            stack.enter_context(process("killer", how, kills, seed, *lane, folder="torture"))
            for seed, lane in enumerate(places)
        ]
        for killer in started:
            told, _ = killer.communicate(timeout=3600)
            assert killer.returncode == 0
            figures.update(json.loads(told))
    seconds = round(figures.pop("seconds") / lanes, 1)
    record(f"kill -9, {how}", books.engine(places[0][0]), seconds=seconds, **figures)
    assert figures["kills"] == lanes * number_of_books * kills
    return figures


def test_killed_again_and_again_desks_lose_nothing_that_they_told(room: Room) -> None:
    figures = killed(room, "careful", LANES, BOOKS, KILLS_A_BOOK)
    assert figures["lost"] == 0
    assert figures["told"] > 0
    assert figures["unheard"] < figures["kills"], "every kill came too late to show anything"


def test_a_desk_that_tells_before_it_has_written_is_found_out(room: Room) -> None:
    assert killed(room, "hasty", 1, 1, 15)["lost"] > 0, "nothing was lost: the kills prove nothing"
