"""The real command is killed at any moment of its life and typed again under the same key: one visit a key.

`INFUSION_TORTURE=full` runs the long form and prints its figures.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import checker
from races.harbor import harbor_book, request
from torture.figures import FULL, record

from infusion_cli.store.sqlite import journal_mode

KILLS = 60 if FULL else 12
LANES = 2
BOOKED_BEFORE = 3
"""Bookings that are left alone, to learn how long one usually takes."""


def start(path: Path, *words: str) -> subprocess.Popen[str]:
    """The installed command, started on a book."""
    program = shutil.which("infusion", path=str(Path(sys.executable).parent))
    assert program, "the program is not installed beside this interpreter"
    surroundings = {"INFUSION_DB": str(path), "INFUSION_NOW": "2026-11-30T08:00", "INFUSION_ACTOR": "front desk"}
    return subprocess.Popen(
        [program, *words], env={**os.environ, **surroundings}, stdout=subprocess.PIPE, encoding="utf-8"
    )


def booking(number: int) -> list[str]:
    """The words of the `number`-th booking, its key included."""
    ask, key = request(number)
    return ["book", ask.patient, ask.protocol, ask.when, "--chair", ask.chair, "--key", key, "--json"]


def visit_id(printed: str) -> str:
    """The id of the visit that was printed; empty when nothing was."""
    return str(json.loads(printed)["id"]) if printed else ""


def usual_seconds(path: Path) -> float:
    """How long a booking takes that nobody kills."""
    began = time.perf_counter()
    for number in range(BOOKED_BEFORE):
        with start(path, *booking(number)) as left_alone:
            assert visit_id(left_alone.communicate(timeout=60)[0])
    return (time.perf_counter() - began) / BOOKED_BEFORE


def kill_and_repeat(path: Path, number: int, after: float) -> str:
    """Kill a booking after so many seconds and type it again; what had become of it before."""
    with start(path, *booking(number)) as killed:
        time.sleep(after)
        killed.kill()
        told = visit_id(killed.communicate(timeout=60)[0])
    there = {v["key"]: v["id"] for v in checker.visits(path).values()}
    key = request(number)[1]
    assert not told or there[key] == told
    with start(path, *booking(number)) as again:
        answer = visit_id(again.communicate(timeout=60)[0])
    assert again.returncode == 0
    assert there.get(key, answer) == answer
    keys = Counter(v["key"] for v in checker.visits(path).values())
    assert keys == Counter(request(n)[1] for n in range(number + 1))
    return "told" if told else "committed, but not told" if key in there else "not written"


def kill_many(path: Path, seed: int) -> Counter[str]:
    """Kill bookings one after the other over the same book; how often what had become of them."""
    harbor_book(path)
    chance, usual = random.Random(seed), usual_seconds(path)
    # Every moment of its life, those around the commit a little more often.
    moments = [chance.triangular(0, 1.2 * usual, usual) for _ in range(KILLS // LANES)]
    fates = Counter(kill_and_repeat(path, BOOKED_BEFORE + n, after) for n, after in enumerate(moments))
    with start(path, "db", "check", "--json") as check:
        printed, _ = check.communicate(timeout=60)
    assert (check.returncode, json.loads(printed)) == (0, {"sound": True, "findings": []})
    assert checker.problems(path) == []
    return fates


def test_a_booking_that_is_killed_and_typed_again_is_booked_once(tmp_path: Path) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor(LANES) as pool:
        paths = [tmp_path / f"{lane}.db" for lane in range(LANES)]
        fates = sum(pool.map(kill_many, paths, range(LANES)), Counter[str]())
    assert fates.total() == KILLS
    assert fates["not written"] > 0, "every kill came too late to show anything"
    record(
        "kill -9 of the command",
        f"SQLite {journal_mode().upper()}",
        kills=KILLS,
        lost=0,
        seconds=round(time.perf_counter() - began, 1),
        **{fate.replace(", ", "_").replace(" ", "_"): count for fate, count in fates.items()},
    )
