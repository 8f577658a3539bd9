"""Twelve desks, each a process of its own, fight for the same slots of one book.

Nothing is over-booked and nothing that was acknowledged is lost; the control, which leaves out the lock
and the guard, does over-book. `INFUSION_RACE=full` runs the long form and prints its figures.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import checker
import pytest
from races.harbor import FULL, harbor_book, process

from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store

DESKS = 12
TURNS = 200 if FULL else 40
SEEDS = (1, 2, 3, 4, 5) if FULL else (1,)
ITSELF = {"init", "patients import", "release-holds"}
"""Operations of the journal that no desk was told about."""


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


def run(module: str, path: Path, seed: int) -> Race:
    """Let the desks run against each other, all from the same moment."""
    with ExitStack() as stack:
        desks = [stack.enter_context(process(module, path, seed, number, TURNS)) for number in range(DESKS)]
        for desk in desks:
            assert desk.stdout
            assert json.loads(desk.stdout.readline()) == {"ready": True}
        began = time.perf_counter()
        with ThreadPoolExecutor(DESKS) as pool:
            telling = [pool.submit(_told, desk) for desk in desks]
            peak = _peak(path, telling)
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
        max(peak, checker.overbooked_minutes(path)),
    )


def _peak(path: Path, until: Sequence[Future[Any]]) -> int:
    """Look at the book again and again: what is over-booked for a while may be cancelled in the end."""
    peak = 0
    while wait(until, timeout=0.25).not_done:
        peak = max(peak, checker.overbooked_minutes(path))
    return peak


def _told(desk: subprocess.Popen[str]) -> list[dict[str, Any]]:
    lines, _ = desk.communicate("go\n", timeout=900)
    return [json.loads(line) for line in lines.splitlines()]


def lost(path: Path, race: Race) -> list[str]:
    """Acknowledged operations that the journal does not have, and visits that are not as acknowledged last."""
    journal, there = checker.operations(path), checker.visits(path)
    found = [f"operation {name}" for name in race.acknowledged if name not in journal]
    last: dict[str, dict[str, Any]] = {}
    for operation in sorted(journal.values(), key=lambda o: int(o["seq"])):
        if operation["command"] == "release-holds":
            last |= {c["id"]: {"id": c["id"], "status": "cancelled"} for c in operation["changes"]}
        last |= {visit["id"]: visit for visit in race.acknowledged.get(operation["id"], ())}
    found += [f"visit {name}" for name in last if name not in there]
    kept = {name: told for name, told in last.items() if name in there}
    return found + [f"{told}" for name, told in kept.items() if told != {field: there[name][field] for field in told}]


def unheard(path: Path, race: Race) -> set[str]:
    """Operations of the journal that nobody was told about."""
    return {name for name, o in checker.operations(path).items() if o["command"] not in ITSELF} - set(race.acknowledged)


def twice(path: Path) -> list[str]:
    """Keys under which more than one visit stands."""
    keys = Counter(v["key"] for v in checker.visits(path).values() if v["key"] and v["status"] != "entered-in-error")
    return [key for key, count in keys.items() if count > 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_twelve_desks_never_overbook_and_lose_nothing(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = harbor_book(tmp_path / "book.db")
    race = run("worker", path, seed)
    with capsys.disabled():
        _report(f"race, seed {seed}", path, race)
    assert race.failures == []
    assert race.peak == 0
    assert checker.problems(path) == []
    assert lost(path, race) == []
    assert unheard(path, race) == set()
    assert twice(path) == []
    with open_store(path) as store:
        assert [finding for finding in check(store) if finding.severity == "error"] == []
    assert race.fates["done"] > DESKS * TURNS // 10
    assert race.fates["refused"] > DESKS * TURNS // 10


@pytest.mark.parametrize("seed", SEEDS)
def test_without_lock_and_guard_the_same_desks_do_overbook(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = harbor_book(tmp_path / "book.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER claim_capacity")
    race = run("control", path, seed)
    with capsys.disabled():
        _report(f"control, seed {seed}", path, race)
    assert race.peak > 0, "nothing was over-booked: the race proves nothing"


@pytest.mark.parametrize("seed", SEEDS)
def test_without_the_lock_the_guard_alone_keeps_chairs_patients_and_providers(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = harbor_book(tmp_path / "book.db")
    race = run("control", path, seed)
    with capsys.disabled():
        _report(f"guard alone, seed {seed}", path, race)
    assert race.fates["refused by a guard"] > 0, "nothing reached the guard: the race proves nothing"
    kept = ("overbooked: chair", "overbooked: patient", "overbooked: provider")
    assert [line for line in checker.problems(path) if line.startswith(kept)] == []


def _report(what: str, path: Path, race: Race) -> None:
    if FULL:
        live = sum(v["status"] in checker.LIVE for v in checker.visits(path).values())
        line = f"{what}: {DESKS} x {TURNS} in {race.seconds:.1f} s, {dict(race.fates)}, {live} visits live, "
        line += f"at most {race.peak} minutes over-booked"
        if race.waits:
            half, late = race.waits[len(race.waits) // 2], race.waits[len(race.waits) * 99 // 100]
            line += f", {len(race.waits) / race.seconds:.0f} operations/s, median {half * 1000:.1f} ms, "
            line += f"p99 {late * 1000:.0f} ms, longest {race.waits[-1] * 1000:.0f} ms, "
            line += f"lost {len(lost(path, race))}, failures {len(race.failures)}"
        print("\n" + line)
