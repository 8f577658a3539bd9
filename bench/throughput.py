"""How many bookings a server takes: desks that book as fast as they can, in one clinic and in several.

    python bench/throughput.py postgresql://user@host/EMPTY_DATABASE

Each desk is a process that is running already and books places of its own, with and without the
exclusion constraint that says once more what the capacity's guard says.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import clinic
import psycopg
from bulk import newcomer
from grow import load
from load import clinic_name
from timing import machine, table

from infusion_cli.cli.session import fixed_now
from infusion_cli.config import ServerUrl
from infusion_cli.services.booking import BookAsk, book
from infusion_cli.services.desk import Desk
from infusion_cli.store import guards
from infusion_cli.store.guards.postgresql import STATEMENTS
from infusion_cli.store.postgresql import PostgresDatabase
from infusion_cli.store.repository import open_store

CLINICS = 8
SCENES = ((1, 1), (1, 4), (8, 1), (8, 4))
"""Clinics, and desks in each of them."""
ROUNDS, SECONDS = 4, 4.0
"""Rounds of each scene with the constraint and without it, in turn, and how long each of them takes."""
FIRST_DAY = date(2027, 2, 15)
"""A Monday after the last visit of the loaded books."""
DAYS_APART = 40
"""Weekdays that one round has for itself."""
CONSTRAINT = "claim_alone"


class Work(NamedTuple):
    """What one desk does."""

    url: str
    clinic: str
    desk: int
    desks: int
    first_weekday: int


def requests(work: Work) -> Iterator[BookAsk]:
    """A desk's share of all places, day after day; each patient comes once a day at most."""
    for number in range(work.first_weekday, work.first_weekday + DAYS_APART):
        day = FIRST_DAY + timedelta(weeks=number // 5, days=number % 5)
        for place in range(work.desk, len(clinic.STARTS) * clinic.CHAIRS, work.desks):
            wall, chair = clinic.STARTS[place // clinic.CHAIRS], place % clinic.CHAIRS + 1
            yield BookAsk(newcomer(place), clinic.PROTOCOL, f"{day}T{wall}", f"chair-{chair:02d}")


def at_work(work: Work) -> list[float]:
    """Say that all is ready, then book until the time is over; gives the seconds that each booking took."""
    now = fixed_now(clinic.NOW, lambda: clinic.ZONE)
    taken = []
    with open_store(ServerUrl(work.url, work.clinic), patience=60) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        last = time.perf_counter() + SECONDS
        for asked in requests(work):
            began = time.perf_counter()
            if began > last:
                break
            book(Desk(store, now, f"desk-{work.desk}"), asked)
            taken.append(time.perf_counter() - began)
    return taken


def measure(url: str, clinics: int, desks: int, first_weekday: int) -> list[float]:
    """The seconds of every booking of all desks."""
    works = [Work(url, clinic_name(c + 1), d, desks, first_weekday) for c in range(clinics) for d in range(desks)]
    words = [sys.executable, str(Path(__file__)), "desk"]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen([*words, json.dumps(work)], stdin=pipe, stdout=pipe, text=True) for work in works]
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    answers = []
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        answers.append(process.communicate()[0])
        if process.returncode:
            raise SystemExit("A desk failed.")
    return [seconds for answer in answers for seconds in json.loads(answer)]


def scenes(url: str) -> str:
    """Every scene, with the constraint and without it in turn."""
    rows = []
    rounds = count()
    for clinics, desks in SCENES:
        taken: dict[bool, list[list[float]]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for is_there, found in taken.items():
                with constraint(url, is_there=is_there):
                    found.append(measure(url, clinics, desks, next(rounds) * DAYS_APART))
        rate, bare = (statistics.median(len(found) for found in taken[there]) / SECONDS for there in (True, False))
        each = [seconds for found in taken[True] for seconds in found]
        times = [f"{1000 * statistics.median(each):.0f}", f"{1000 * statistics.quantiles(each, n=100)[98]:.0f}"]
        rows.append([f"{clinics}", f"{desks}", f"{rate:.0f}", *times, f"{bare:.0f}", f"{bare / rate:.2f}"])
        print(f"({clinics} x {desks}: {rate:.0f} and {bare:.0f} bookings/s)", flush=True)
    heads = ["clinics", "desks in each", "bookings/s", "median, ms", "99 of 100, ms", "without the constraint", "times"]
    return table(heads, rows)


@contextmanager
def constraint(url: str, *, is_there: bool) -> Iterator[None]:
    """The constraint or none, for the length of the block."""
    added = next(text for text in STATEMENTS if f"ADD CONSTRAINT {CONSTRAINT}" in text)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        if not is_there:
            connection.execute(f"ALTER TABLE claim DROP CONSTRAINT {CONSTRAINT}")
        yield
        if not is_there:
            connection.execute(added.encode())


def main() -> None:
    """Load the clinics and measure, or be one desk of them."""
    parser = argparse.ArgumentParser(description="Measure how many bookings a server takes.")
    parser.add_argument("url", help="an empty database")
    parser.add_argument("work", nargs="?", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.url == "desk":
        there = PostgresDatabase.guards
        # This desk does not mind that one guard is missing: what it costs is to be seen.
        PostgresDatabase.guards = lambda self: guards.expected(self.dialect) | there(self)  # type: ignore[method-assign]
        print(json.dumps(at_work(Work(*json.loads(asked.work)))))
        return
    print(f"With {machine()}.\n", flush=True)
    load(asked.url, 1_000, CLINICS)
    print(scenes(asked.url))


if __name__ == "__main__":
    main()
