"""A desk that books through a failure of the server: `python -m races.survivor URL DESK DESKS`.

It carries out every DESKS-th request from DESK on, tells the number of each when it is acknowledged, and
whatever else the program says. What was refused it asks for again under the same key, as a person would,
until its standard input ends.
"""

from __future__ import annotations

import select
import sys
import time
from itertools import count

from builders import place
from races.harbor import NOW, request
from races.workload import await_start, say

from infusion_cli.errors import StoreError
from infusion_cli.services.booking import book
from infusion_cli.services.desk import Desk
from infusion_cli.store.repository import open_store


def is_over() -> bool:
    """Whether the referee has let go of this desk."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main(where: str, desk: int, desks: int) -> None:
    """Book until it is over."""
    with open_store(place(where), on_wait=lambda sentence: say({"told": sentence})) as store:
        await_start()
        for number in count(desk, desks):
            ask, key = request(number)
            while not is_over():
                try:
                    book(Desk(store, NOW, f"desk-{desk}", key=key), ask)
                except StoreError as error:
                    say({"refused": error.message})
                else:
                    say({"booked": number, "at": time.time()})
                    break
            else:
                return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
