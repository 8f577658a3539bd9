"""What a front desk types all day, on two books in turn: as whole processes, and inside one that is running.

    python bench/everyday.py ROUNDS BOOK BOOK      prints the medians inside one process, as JSON

A process takes most of its time to start; inside one that is running the book's own part shows.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import clinic
from bulk import name_of, newcomer
from timing import INFUSION, Command, Timed, environment, interleaved, run

FIRST_DAY = date(2026, 12, 7)
"""A Monday with room in the afternoons."""
KNOWN = 260
"""The number of a patient with visits, in every book."""


class Desk(NamedTuple):
    """A book, and the visits of it that are used."""

    book: Mapping[str, str]
    """The variables that lead to it."""
    visit: str
    """One that is moved to and fro."""
    today: Sequence[str]
    """Those of today."""


def surroundings(book: Mapping[str, str]) -> dict[str, str]:
    """The environment in which commands use a book, at a fixed time."""
    return environment(**book, INFUSION_NOW=clinic.NOW, INFUSION_ACTOR="bench", COLUMNS="100")


def desk(book: Mapping[str, str]) -> Desk:
    """Sit down at a book: book the visit that will be moved, and look at the day."""
    words = ["book", newcomer(0), clinic.PROTOCOL, f"{_weekday(0)}T15:00", "--json"]
    visit = json.loads(run([INFUSION, *words], surroundings(book)))
    today = json.loads(run([INFUSION, "list", "--from", "today", "--to", "today", "--json"], surroundings(book)))
    return Desk(book, str(_id_of(visit)), [str(v["id"]) for v in today])


def _id_of(answer: Any) -> str:
    return answer["id"] if "id" in answer else answer["changes"][0]["id"]


def _weekday(number: int) -> date:
    return FIRST_DAY + timedelta(weeks=number // 5, days=number % 5)


def commands(at: Desk) -> dict[str, Command]:
    """Each command by its name, with words of its own in every round."""
    seen = at.today[-1]
    plan = ("series", "plan", newcomer(199), clinic.PROTOCOL, "--from", str(FIRST_DAY))
    return {
        "today": lambda _: ("today",),
        "list (one day)": lambda _: ("list", "--from", "today", "--to", "today"),
        "show VISIT": lambda _: ("show", seen),
        "history VISIT": lambda _: ("history", seen),
        "history --limit 20": lambda _: ("history", "--limit", "20"),
        "patients find NAME": lambda _: ("patients", "find", name_of(KNOWN)),
        "slots find": lambda _: ("slots", "find", clinic.PROTOCOL),
        "series plan": lambda _: plan,
        "arrive": lambda n: ("arrive", at.today[n]),
        "book": lambda n: ("book", newcomer(n + 1), clinic.PROTOCOL, f"{_weekday(n)}T15:00"),
        "move": lambda n: ("move", at.visit, f"{_weekday(n + 1)}T15:00"),
        "undo": lambda _: ("undo", "--yes"),
    }


def as_processes(desks: Sequence[Desk], rounds: int) -> dict[str, list[float]]:
    """Median seconds of each command as a process, for each of the desks."""
    timed = {
        (name, place): Timed(lambda n, words=words: [INFUSION, *words(n)], surroundings(at.book))
        for place, at in enumerate(desks)
        for name, words in commands(at).items()
    }
    in_turn = {f"{name}/{place}": timed[name, place] for name in commands(desks[0]) for place in range(len(desks))}
    taken = interleaved(in_turn, rounds)
    return {name: [taken[f"{name}/{place}"] for place in range(len(desks))] for name in commands(desks[0])}


def inside(desks: Sequence[Desk], rounds: int) -> dict[str, list[float]]:
    """The same inside one process that is running, opening the book included."""
    given = [json.dumps(at._asdict()) for at in desks]
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), str(rounds), *given], capture_output=True, check=True, encoding="utf-8"
    )
    return dict(json.loads(done.stdout))


def _run_inside(desks: Sequence[Desk], rounds: int) -> dict[str, list[float]]:
    from infusion_cli.cli.app import run as typed

    taken: dict[str, list[list[float]]] = {name: [[] for _ in desks] for name in commands(desks[0])}
    for number in range(rounds + 1):
        for name in taken:
            for place, at in enumerate(desks):
                os.environ.clear()
                os.environ.update(surroundings(at.book))
                words, said = list(commands(at)[name](number + rounds + 1)), io.StringIO()
                started = time.perf_counter()
                with redirect_stdout(said), redirect_stderr(said):
                    status = typed(words)
                spent = time.perf_counter() - started
                if status:
                    raise SystemExit(f"{' '.join(words)}: status {status}\n{said.getvalue()}")
                if number:
                    taken[name][place].append(spent)
    return {name: [statistics.median(values) for values in places] for name, places in taken.items()}


if __name__ == "__main__":
    print(json.dumps(_run_inside([Desk(**json.loads(text)) for text in sys.argv[2:]], int(sys.argv[1]))))
