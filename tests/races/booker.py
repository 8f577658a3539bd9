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
from typing import Any

from builders import place
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
    """For a trace: fall before the statement of that number, counted from 1."""
    numbers = count(1)

    def seen(_statement: str) -> None:
        if next(numbers) == statement:
            fall()

    return seen


def trace(database: Any, see: Callable[[str], None]) -> None:
    """Have every statement seen before it is carried out, by SQLite itself or by whoever sends it to a server."""
    if database.dialect == "sqlite":
        database.connection.set_trace_callback(see)
        return
    from psycopg import Connection, Cursor

    class SeenCursor(Cursor[Any]):
        def execute(self, query: Any, *rest: Any, **options: Any) -> Any:
            see(query)
            return super().execute(query, *rest, **options)

        def executemany(self, query: Any, *rest: Any, **options: Any) -> None:
            see(query)
            super().executemany(query, *rest, **options)

    assert isinstance(database.connection, Connection)
    database.connection.cursor_factory = SeenCursor


def main(where: str, first: int, falls_at: str = "") -> None:
    """Book until killed, or until the end that was asked for."""
    with open_store(place(where)) as store:
        await_start()
        if falls_at.isdigit():
            trace(store.database, falling_before(int(falls_at)))
        for number in count(first):
            ask, key = request(number)
            book(Desk(store, NOW, "booker", key=key), ask)
            if falls_at == "ack":
                fall()
            say({"booked": number})
            if falls_at:
                return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
