"""A desk that only books, until it is killed: `python -m races.booker BOOK FIRST [FALLS_AT]`.

It carries out the requests FIRST, FIRST + 1, … and tells the number of each that it has done. With
FALLS_AT it kills itself: `N` before the N-th statement of the first request, `ack` before telling it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from builders import file_of
from races.harbor import NOW, request
from races.workload import await_start, say

from infusion_cli.services.booking import book
from infusion_cli.services.desk import Desk
from infusion_cli.store.repository import open_store


def fall() -> None:
    """End at once, as by kill -9: nothing is written, closed or told any more."""
    if sys.platform == "win32":
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def falling_before(statement: int) -> Callable[[str], None]:
    """For SQLite's trace: fall before the statement of that number, counted from 1."""
    numbers = count(1)

    def trace(_statement: str) -> None:
        if next(numbers) == statement:
            fall()

    return trace


def main(path: Path, first: int, falls_at: str = "") -> None:
    """Book until killed, or until the end that was asked for."""
    with open_store(path) as store:
        await_start()
        if falls_at.isdigit():
            file_of(store).connection.set_trace_callback(falling_before(int(falls_at)))
        for number in count(first):
            ask, key = request(number)
            book(Desk(store, NOW, "booker", key=key), ask)
            if falls_at == "ack":
                fall()
            say({"booked": number})
            if falls_at:
                return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4])
