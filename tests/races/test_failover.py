"""The primary is killed in the middle of a booking race and the standby takes over: desks go on, nothing is lost.

`INFUSION_TORTURE=full` kills twenty primaries, one after the other.
"""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import ExitStack
from itertools import chain
from typing import NamedTuple

import checker
from builders import place
from databases import ask
from races.harbor import harbor_book, process, request
from servers import Pair
from torture.figures import FULL, record

from infusion_cli.store import server
from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store

ROUNDS = 20 if FULL else 2
DESKS = 4
BEFORE, AFTER = 0.6, 0.6
"""Seconds of booking before the kill, and from the first booking after it."""


class Round(NamedTuple):
    """What the desks told of one failover."""

    booked: dict[int, float]
    """When each request was acknowledged."""
    said: list[list[str]]
    """By desk, each sentence that it was told or refused with."""
    killed: float
    promoted: float

    @property
    def back(self) -> float:
        """Seconds from the promotion to the last desk's first acknowledgement after it."""
        return (
            max(
                min(at for number, at in self.booked.items() if number % DESKS == desk and at > self.promoted)
                for desk in range(DESKS)
            )
            - self.promoted
        )


def fail_over(pair: Pair, url: str) -> Round:
    """Kill the primary under load, promote the standby, and let the desks go on for a while."""
    with ExitStack() as stack:
        desks = [stack.enter_context(process("survivor", url, desk, DESKS)) for desk in range(DESKS)]
        for desk in desks:
            assert desk.stdout
            assert json.loads(desk.stdout.readline()) == {"ready": True}
        for desk in desks:
            _say_go(desk)
        time.sleep(BEFORE)
        killed = time.time()
        pair.primary.kill()
        pair.promote()
        promoted = time.time()
        time.sleep(1 + AFTER)
        told = [[json.loads(line) for line in desk.communicate(timeout=60)[0].splitlines()] for desk in desks]
    assert [desk.returncode for desk in desks] == [0] * DESKS
    return Round(
        {line["booked"]: line["at"] for line in chain(*told) if "booked" in line},
        [[str(line.get("told") or line.get("refused")) for line in lines if "booked" not in line] for lines in told],
        killed,
        promoted,
    )


def _say_go(desk: subprocess.Popen[str]) -> None:
    assert desk.stdin
    desk.stdin.write("go\n")
    desk.stdin.flush()


def test_desks_survive_the_death_of_the_primary(pair: Pair) -> None:
    rounds = []
    for number in range(ROUNDS):
        if number:
            pair.seed()
        url = pair.url(pair.primary.databases.fresh_database().rpartition("/")[2])
        harbor_book(url)
        rounds.append(fail_over(pair, url))
        examine(url, rounds[-1])
    # Nothing lost, nothing doubled: each round was examined.
    record(
        "failover",
        "PostgreSQL",
        kills=len(rounds),
        acknowledged=sum(len(r.booked) for r in rounds),
        lost=0,
        doubled=0,
        seconds_to_promote=round(max(r.promoted - r.killed for r in rounds), 1),
        seconds_back=round(max(r.back for r in rounds), 1),
    )


def examine(url: str, seen: Round) -> None:
    """Nothing that was acknowledged is missing, nothing is there twice, and each desk heard one clear sentence."""
    there = [v["key"] for v in checker.visits(url).values()]
    assert {request(number)[1] for number in seen.booked} <= set(there)
    assert len(there) == len(set(there))
    assert checker.problems(url) == []
    with open_store(place(url)) as store:
        assert [f for f in check(store) if f.severity == "error"] == []
    assert min(seen.booked.values()) < seen.killed < seen.promoted < max(seen.booked.values())
    assert seen.back < server.REACH
    sentence = f"The connection to {place(url)} was lost; connecting again …"
    assert seen.said == [[sentence]] * DESKS


def test_when_nobody_waits_for_the_standby_acknowledged_bookings_are_lost(pair: Pair) -> None:
    """The control: a standby that has fallen behind takes over."""
    url = pair.url(pair.primary.databases.fresh_database().rpartition("/")[2])
    harbor_book(url)
    for one, setting in ((pair.primary, "synchronous_standby_names"), (pair.standby, "primary_conninfo")):
        ask(one.url(), f"ALTER SYSTEM SET {setting} = ''")
        ask(one.url(), "SELECT pg_reload_conf()")
    seen = fail_over(pair, url)
    there = {v["key"] for v in checker.visits(url).values()}
    lost = {request(number)[1] for number, at in seen.booked.items() if at < seen.killed} - there
    record("failover without a synchronous standby", "PostgreSQL", kills=1, lost=len(lost))
    assert lost
