"""Desks that are killed, as many as one likes: `python -m torture.killer careful|hasty KILLS SEED BOOK ...`.

This process has loaded everything and forks a desk for each kill, so a kill costs no start of Python.
Every BOOK is a place where nothing is yet, and takes KILLS kills. It ends with one line of JSON, its
figures, or with a traceback at the first thing that is not whole. A hasty desk tells what it is only
about to book: the control, which must lose something.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import sys
import time
import traceback
from itertools import count
from typing import NamedTuple

import checker
from outside import Where
from races.harbor import NOW, harbor_book
from torture import books

NUMBER = struct.Struct("<I")
BOOKINGS = 8
"""How many bookings long the time is in which a desk is killed, its opening of the book included."""


class Fall(NamedTuple):
    """What a killed desk left behind."""

    told: int
    """How many bookings it had acknowledged."""
    lost: int
    """How many of all that were ever acknowledged were not in the book."""
    unheard: bool
    """Whether the booking after them was there all the same."""
    hot: bool
    """Whether the book had to be rolled back."""


def desk(where: Where, first: int, telling: int, *, hasty: bool) -> None:
    """Book request after request, telling each, until killed."""
    with books.opened(where) as store:
        for number in count(first):
            if hasty:
                os.write(telling, NUMBER.pack(number))
            books.booked(store, number)
            if not hasty:
                os.write(telling, NUMBER.pack(number))


def kill_one(where: Where, first: int, after: float, *, hasty: bool) -> int:
    """Let a desk book from request `first` on and kill it so many seconds after its birth; how many it told."""
    listening, telling = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(listening)
            desk(where, first, telling, hasty=hasty)
        except BaseException:  # noqa: BLE001  a copy of this process must not go on with its work
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(telling)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(listening, "rb") as pipe:
        told = [number for (number,) in NUMBER.iter_unpack(pipe.read())]
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "the desk ended by itself"
    assert told == list(range(first, first + len(told)))
    return len(told)


def examine(where: Where, first: int, told: int) -> Fall:
    """Look at everything after a kill, and ask again for what was left unanswered."""
    following = first + told
    hot = books.has_hot_journal(where)
    with books.opened(where) as store:
        with store.writing(NOW):
            pass  # a server may still be at what the dead desk asked for
        assert books.errors(store) == []
        found = books.numbers(store)
        lost = [number for number in range(following) if number not in found]
        for number in (*lost, following):
            assert books.booked(store, number).replayed == (number in found)
        assert books.numbers(store) == list(range(following + 1))
    return Fall(told, len(lost), following in found, hot)


def usual_seconds(where: Where) -> float:
    """How long it takes to open the book and do a few bookings; they are the first in the book."""
    began = time.perf_counter()
    with books.opened(where) as store:
        for number in range(BOOKINGS):
            books.booked(store, number)
    return time.perf_counter() - began


def kill_many(where: Where, kills: int, chance: random.Random, *, hasty: bool) -> list[Fall]:
    """Kill one desk after the other over a new book."""
    harbor_book(where)
    usual, first, falls = usual_seconds(where), BOOKINGS, []
    for _ in range(kills):
        told = kill_one(where, first, chance.uniform(0, usual), hasty=hasty)
        falls.append(examine(where, first, told))
        first += told + 1
    assert checker.problems(where) == []
    return falls


def main(how: str, kills: int, seed: int, *places: Where) -> None:
    """Kill, and tell the figures."""
    chance, began = random.Random(seed), time.perf_counter()
    falls = [fall for where in places for fall in kill_many(where, kills, chance, hasty=how == "hasty")]
    figures = {name: sum(getattr(fall, name) for fall in falls) for name in Fall._fields}
    print(json.dumps({"kills": len(falls), **figures, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
