"""A desk falls before any one of its statements, or between its commit and its answer: a retry adds nothing twice.

Deaths at random moments are in `torture/test_kills.py`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import checker
import pytest
from builders import place
from outside import Where, is_server
from races.harbor import NOW, harbor_book, process, request
from torture.figures import FULL, record

from infusion_cli.services.booking import book
from infusion_cli.services.desk import Desk
from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store

LANES = 2
STRIDE = 1 if FULL else 5
"""From one statement at which a desk falls to the next."""


class Killed(NamedTuple):
    """How far a desk had come."""

    told: int
    """The number of the last request that it acknowledged."""
    had_committed: bool
    """Whether the request after that was in the book all the same."""


Copies = Callable[[], Where]
"""Makes a copy of a book with its first booking in it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> Copies:
    """Copies of one book, in files or in databases."""
    if request.param == "sqlite":
        base = with_one_booking(tmp_path / "base.db")
        numbers = iter(range(1000))
        return lambda: shutil.copyfile(base, tmp_path / f"{next(numbers)}.db")
    databases = request.getfixturevalue("postgres")
    original = with_one_booking(request.getfixturevalue("database_url"))
    return lambda: str(databases.copy_of(original))


def with_one_booking(where: Where) -> Where:
    """A book in which the first request is booked."""
    harbor_book(where)
    with open_store(place(where)) as store:
        ask, key = request(0)
        book(Desk(store, NOW, "booker", key=key), ask)
    return where


def fall(where: Where, falls_at: str) -> tuple[int, Killed]:
    """A desk that kills itself at that place of its second booking; its exit status, and what it left."""
    with process("booker", where, 1, falls_at) as desk:
        lines = desk.communicate("go\n", timeout=60)[0].splitlines()[1:]
    return desk.returncode, examine(where, 1 if lines else 0)


def examine(where: Where, told: int) -> Killed:
    """Open the book after a kill, look at everything, and ask again for what was left unanswered."""
    ask, key = request(told + 1)
    with open_store(place(where)) as store:
        with store.writing(NOW):
            pass  # a server may still be at what the dead desk asked for
        assert [f for f in check(store) if f.severity == "error"] == []
        keys = {v["key"] for v in checker.visits(where).values()}
        assert keys - {key} == {request(number)[1] for number in range(told + 1)}
        again = book(Desk(store, NOW, "booker", key=key), ask)
        assert again.replayed == (key in keys)
        found = [v["key"] for v in checker.visits(where).values()]
        assert sorted(found) == sorted(request(number)[1] for number in range(told + 2))
    return Killed(told, key in keys)


def test_killed_before_any_statement_of_a_booking_the_booking_is_not_there(copies: Copies) -> None:
    fallen: list[tuple[int, Killed]] = []
    where = copies()
    with ThreadPoolExecutor(LANES) as pool:
        while not fallen or fallen[-1][0] != 0:
            places = [(copies(), str(1 + STRIDE * (len(fallen) + more))) for more in range(4)]
            fallen += pool.map(lambda one: fall(*one), places)
    killed = [k for status, k in fallen if status != 0]
    assert killed == [Killed(0, had_committed=False)] * len(killed)
    assert [k.told for status, k in fallen if status == 0] == [1] * (len(fallen) - len(killed))
    assert STRIDE * len(killed) > 20, "a booking takes more statements than that"
    engine = "PostgreSQL" if is_server(where) else "SQLite"
    record("kill -9 before each statement", engine, kills=len(killed), lost=0, half_written=0)


def test_killed_between_commit_and_answer_the_booking_is_there_and_the_key_finds_it(copies: Copies) -> None:
    status, killed = fall(copies(), "ack")
    assert status == (1 if sys.platform == "win32" else -9)
    assert killed == Killed(0, had_committed=True)
