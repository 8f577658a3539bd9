"""Twelve desks, each a process of its own, fight for the same slots of one book.

Nothing is over-booked and nothing that was acknowledged is lost; the control, which leaves out the lock
and the guard, does over-book. `INFUSION_TORTURE=full` runs the long form and prints its figures.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import checker
import pytest
from builders import place
from outside import Outside, Where, is_server
from races.harbor import harbor_book, process
from torture.figures import FULL, record

from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store
from infusion_cli.store.sqlite import journal_mode

DESKS = 12
TURNS = 200 if FULL else 40
SEEDS = (1, 2, 3, 4, 5) if FULL else (1,)
UNGUARDED = (
    ("DROP TRIGGER claim_capacity",),
    ("DROP TRIGGER claim_capacity ON claim", "ALTER TABLE claim DROP CONSTRAINT claim_alone"),
)
"""What takes the guards of a file away, and those of a database."""
ITSELF = {"init", "patients import", "release-holds"}
"""Operations of the journal that no desk was told about."""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """Room for a book, in a file and in a database."""
    return str(request.getfixturevalue("database_url")) if request.param == "postgresql" else tmp_path / "book.db"


class Race(NamedTuple):
    """What the desks told: their acknowledgements, and how it went."""

    acknowledged: dict[str, list[dict[str, Any]]]
    """By operation the visits, each as it stood after it."""
    fates: Counter[str]
    failures: list[str]
    waits: list[float]
    """Seconds that each operation took, refusals too, in order of length."""
    seconds: float
    peak: int
    """The most minutes that were over-booked at any of the moments at which the referee looked."""


def run(module: str, where: Where, seed: int) -> Race:
    """Let the desks run against each other, all from the same moment."""
    with ExitStack() as stack:
        desks = [stack.enter_context(process(module, where, seed, number, TURNS)) for number in range(DESKS)]
        for desk in desks:
            assert desk.stdout
            assert json.loads(desk.stdout.readline()) == {"ready": True}
        began = time.perf_counter()
        with ThreadPoolExecutor(DESKS) as pool:
            telling = [pool.submit(_told, desk) for desk in desks]
            peak = _peak(where, telling)
            told = [future.result() for future in telling]
        seconds = time.perf_counter() - began
    assert [desk.returncode for desk in desks] == [0] * DESKS
    lines = [line for of_desk in told for line in of_desk]
    ends = [line for line in lines if "count" in line]
    return Race(
        {line["operation"]: line["visits"] for line in lines if "operation" in line},
        sum((Counter(end["count"]) for end in ends), Counter()),
        [failure for end in ends for failure in end.get("failures", ())],
        sorted(wait for end in ends for wait in end.get("waits", ())),
        seconds,
        max(peak, checker.overbooked_minutes(where)),
    )


def _peak(where: Where, until: Sequence[Future[Any]]) -> int:
    """Look at the book again and again: what is over-booked for a while may be cancelled in the end."""
    peak = 0
    while wait(until, timeout=0.25).not_done:
        peak = max(peak, checker.overbooked_minutes(where))
    return peak


def _told(desk: subprocess.Popen[str]) -> list[dict[str, Any]]:
    lines, _ = desk.communicate("go\n", timeout=900)
    return [json.loads(line) for line in lines.splitlines()]


def lost(where: Where, race: Race) -> list[str]:
    """Acknowledged operations that the journal does not have, and visits that are not as acknowledged last."""
    journal, there = checker.operations(where), checker.visits(where)
    found = [f"operation {name}" for name in race.acknowledged if name not in journal]
    last: dict[str, dict[str, Any]] = {}
    for operation in sorted(journal.values(), key=lambda o: int(o["seq"])):
        if operation["command"] == "release-holds":
            last |= {c["id"]: {"id": c["id"], "status": "cancelled"} for c in operation["changes"]}
        last |= {visit["id"]: visit for visit in race.acknowledged.get(operation["id"], ())}
    found += [f"visit {name}" for name in last if name not in there]
    kept = {name: told for name, told in last.items() if name in there}
    return found + [f"{told}" for name, told in kept.items() if told != {field: there[name][field] for field in told}]


def unheard(where: Where, race: Race) -> set[str]:
    """Operations of the journal that nobody was told about."""
    return {name for name, o in checker.operations(where).items() if o["command"] not in ITSELF} - set(
        race.acknowledged
    )


def twice(where: Where) -> list[str]:
    """Keys under which more than one visit stands."""
    keys = Counter(v["key"] for v in checker.visits(where).values() if v["key"] and v["status"] != "entered-in-error")
    return [key for key, count in keys.items() if count > 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_twelve_desks_never_overbook_and_lose_nothing(where: Where, seed: int) -> None:
    harbor_book(where)
    race = run("worker", where, seed)
    _report("race", where, race)
    assert race.failures == []
    assert race.peak == 0
    assert checker.problems(where) == []
    assert lost(where, race) == []
    assert unheard(where, race) == set()
    assert twice(where) == []
    with open_store(place(where)) as store:
        assert [finding for finding in check(store) if finding.severity == "error"] == []
    assert race.fates["done"] > DESKS * TURNS // 10
    assert race.fates["refused"] > DESKS * TURNS // 10


@pytest.mark.parametrize("seed", SEEDS)
def test_without_lock_and_guard_the_same_desks_do_overbook(where: Where, seed: int) -> None:
    harbor_book(where)
    with Outside(where) as book:
        for statement in UNGUARDED[book.is_server]:
            book.run(statement)
    race = run("control", where, seed)
    _report("race without lock and guard", where, race)
    assert race.peak > 0, "nothing was over-booked: the race proves nothing"


@pytest.mark.parametrize("seed", SEEDS)
def test_without_the_lock_the_guard_alone_keeps_chairs_patients_and_providers(where: Where, seed: int) -> None:
    harbor_book(where)
    race = run("control", where, seed)
    _report("race with the guard alone", where, race)
    assert race.fates["refused by a guard"] > 0, "nothing reached the guard: the race proves nothing"
    kept = ("overbooked: chair", "overbooked: patient", "overbooked: provider")
    assert [line for line in checker.problems(where) if line.startswith(kept)] == []


def _report(what: str, where: Where, race: Race) -> None:
    figures: dict[str, object] = {"operations": DESKS * TURNS, "overbooked_minutes": race.peak}
    if race.waits:
        figures |= {
            "lost": len(lost(where, race)),
            "failures": len(race.failures),
            "per_second": round(len(race.waits) / race.seconds),
            "median_ms": round(race.waits[len(race.waits) // 2] * 1000, 1),
            "p99_ms": round(race.waits[len(race.waits) * 99 // 100] * 1000),
            "longest_ms": round(race.waits[-1] * 1000),
        }
    record(what, "PostgreSQL" if is_server(where) else f"SQLite {journal_mode().upper()}", **figures)
