"""Copies of a filled book with a flipped bit, a sector of zeros or a missing end: `db check` notices what was lost.

A bit that flips where nothing is stored changes nothing, and nothing in the book can tell of it.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cli.desk import Desk
from outside import Outside, Where
from races.harbor import harbor_book
from torture import books
from torture.figures import FULL, record

from infusion_cli.errors import StoreError

COPIES = 300 if FULL else 42
BOOKINGS = 150
SECTOR = 512
NOTICED_AT_LEAST = 0.96
PLANNER = "sqlite_stat1"
"""Where SQLite keeps what it needs to be quick; no part of the book."""


def flipped(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)


def zeroed(octets: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(len(octets) // SECTOR) * SECTOR
    octets[begin : begin + SECTOR] = bytes(SECTOR)


def cut(octets: bytearray, chance: random.Random) -> None:
    del octets[chance.randrange(1, len(octets)) :]


WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (flipped, zeroed, cut)


def damaged(sound: bytes, number: int, chance: random.Random) -> bytes:
    """A copy that is not as it was."""
    while True:
        octets = bytearray(sound)
        WAYS[number % len(WAYS)](octets, chance)
        if octets != sound:
            return bytes(octets)


def contents(path: Path) -> list[str] | None:
    """Everything that can be read in the file, as SQL; None when not everything can."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            return [line for line in connection.iterdump() if PLANNER not in line]
    except (sqlite3.Error, UnicodeDecodeError, TypeError):
        return None


def test_of_copies_that_lost_something_nearly_all_are_noticed(
    desk: Desk,
) -> None:
    chance, fates = random.Random(300), Counter[str]()
    with books.opened(desk.book) as store:
        for number in range(BOOKINGS):
            books.booked(store, number)
    engine, sound, whole = books.engine(desk.book), desk.octets(), contents(desk.book)
    assert desk.say("db", "check").startswith("The book is sound.")
    for number in range(COPIES):
        desk.book.write_bytes(damaged(sound, number, chance))
        answer = desk.type("db", "check")
        assert answer.status in {0, 7}, answer
        assert "unexpected" not in answer.err
        if answer.status == 7:
            fates["noticed"] += 1
        else:
            fates["nothing_lost" if contents(desk.book) == whole else "missed"] += 1
    record("damaged copies", engine, copies=COPIES, **fates)
    assert fates["nothing_lost"] < COPIES // 4, "most of the damage did none"
    assert fates["noticed"] >= NOTICED_AT_LEAST * (fates["noticed"] + fates["missed"])


def test_a_counter_that_fell_back_costs_nobody_a_booking(room: Callable[[], Where]) -> None:
    where = harbor_book(room())
    with books.opened(where) as store:
        for number in range(3):
            books.booked(store, number)
        with Outside(where) as book:
            book.run("UPDATE counter SET next = 1 WHERE kind = 'appointment'")
        with pytest.raises(StoreError, match="gave an id twice; nothing was written") as caught:
            books.booked(store, 3)
        assert caught.value.hint == "infusion db check"
        assert books.numbers(store) == [0, 1, 2]
        assert [line.partition(":")[0] for line in books.errors(store)] == ["counter-behind"]
