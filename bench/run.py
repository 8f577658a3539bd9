"""Every figure of docs/benchmarks.md, as tables that can be pasted there.

    make bench                        everything (some minutes)
    make bench ARGS="--visits 10000"  with a smaller book
    make bench ARGS="--only start"    one part: start, slots, course, batch or calendar
    make bench ARGS="--postgres postgresql://user@host/EMPTY_DATABASE"   everyday commands there too

All parts use the command line only, whole processes, medians of interleaved rounds; only the large
book is filled through the store.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import clinic
from make_book import fill_book
from timing import BARE, INFUSION, Command, Timed, environment, interleaved, machine, peak, run, seconds, table

from infusion_cli.config import place_of

FIRST_FREE_MONDAY = date(2027, 2, 15)
"""A Monday after the last visit of the filled book."""
BOOKINGS = 2_000


class Bench(NamedTuple):
    """The books, where to work, and how often."""

    folder: Path
    empty: Path
    full: Path
    visits: int
    rounds: int
    server: str = ""
    """Where a book like the full one lies on a PostgreSQL server."""

    def at(self, book: Path | str, *words: str) -> Timed:
        """An `infusion` command on a book, the same in every round."""
        return self.each(book, lambda _: words)

    def each(self, book: Path | str, words: Command) -> Timed:
        """An `infusion` command on a book, with words of its own in every round."""
        return Timed(lambda number: [INFUSION, *words(number)], on(book))


def on(book: Path | str) -> dict[str, str]:
    """The environment in which commands use a book, at a fixed time."""
    return environment(INFUSION_DB=str(book), INFUSION_NOW=clinic.NOW, INFUSION_ACTOR="bench")


def weekday(number: int) -> date:
    """The `number`-th free weekday from 0."""
    return FIRST_FREE_MONDAY + timedelta(weeks=number // 5, days=number % 5)


def milliseconds(value: float) -> str:
    """Seconds as whole milliseconds."""
    return f"{value * 1000:.0f}"


def make_books(folder: Path, visits: int, server: str) -> tuple[Path, Path]:
    """A book with clinic and patients and no visit, and the same one with `visits` visits; on a server too if asked."""
    empty, full = folder / "empty.db", folder / "full.db"
    clinic.write_clinic(folder / "clinic.toml")
    clinic.write_patients(folder / "patients.csv")
    for place in [empty, server] if server else [empty]:
        run([INFUSION, "init", "--from", str(folder / "clinic.toml")], on(place))
        run([INFUSION, "patients", "import", str(folder / "patients.csv")], on(place))
    shutil.copy(empty, full)
    for place in [full, server] if server else [full]:
        started = time.perf_counter()
        fill_book(place_of(str(place)), visits)
        print(f"(book of {visits:,} visits written in {time.perf_counter() - started:.0f} s)\n", flush=True)
    return empty, full


def a_visit(book: Path | str) -> str:
    """The id of a visit of today."""
    words = [INFUSION, "list", "--from", "today", "--to", "today", "--json"]
    return str(json.loads(run(words, on(book)))[0]["id"])


def a_series(book: Path | str) -> str:
    """The id of a course that is booked for this."""
    words = [INFUSION, "series", "book", clinic.mrn(8), clinic.PROTOCOL, "--from", str(FIRST_FREE_MONDAY), "--json"]
    return str(json.loads(run(words, on(book)))["id"])


def everyday(bench: Bench, on_book: Path | str) -> dict[str, Timed]:
    """Everyday commands on a book."""
    plan = ["series", "plan", clinic.mrn(7), clinic.PROTOCOL, "--from", str(FIRST_FREE_MONDAY)]
    calendar = ["ical", "export", a_series(on_book), "-o", "-"]

    def book(number: int) -> Sequence[str]:
        return ["book", clinic.mrn(1_000 + number), clinic.PROTOCOL, f"{weekday(number)}T10:00"]

    return {
        "infusion today": bench.at(on_book, "today"),
        "infusion list (one day)": bench.at(on_book, "list", "--from", "today", "--to", "today"),
        "infusion show": bench.at(on_book, "show", a_visit(on_book)),
        "infusion slots find": bench.at(on_book, "slots", "find", clinic.PROTOCOL),
        "infusion book": bench.each(on_book, book),
        "infusion series plan": bench.at(on_book, *plan),
        "infusion ical export (a series)": bench.at(on_book, *calendar),
    }


def start(bench: Bench) -> str:
    """Everyday commands against an interpreter that does nothing, where the book is a file and on a server."""
    floor = {"python -c pass": Timed(lambda _: BARE, environment()), "infusion --help": bench.at(bench.full, "--help")}
    on_file = floor | everyday(bench, bench.full)
    there = everyday(bench, bench.server) if bench.server else {}
    taken = interleaved(on_file | {_on_server(name): timed for name, timed in there.items()}, bench.rounds)
    bare = taken["python -c pass"]

    def figures(name: str) -> list[str]:
        return [milliseconds(taken[name]), f"{taken[name] / bare:.1f}"] if name in taken else ["", ""]

    heads = ["command", "ms", "times bare Python"]
    if not there:
        return table(heads, ([f"`{name}`", *figures(name)] for name in on_file))
    rows = ([f"`{name}`", *figures(name), *figures(_on_server(name))] for name in on_file)
    return table([*heads, "PostgreSQL, ms", "times bare Python"], rows)


def _on_server(name: str) -> str:
    return f"{name}, on a server"


def slots(bench: Bench) -> str:
    """The next bookable starts in a large book against an empty one."""
    words = ["slots", "find", clinic.PROTOCOL]
    name = f"{bench.visits:,} visits"
    taken = interleaved({"no visit": bench.at(bench.empty, *words), name: bench.at(bench.full, *words)}, bench.rounds)
    rows = [[book, milliseconds(value), f"{value / taken['no visit']:.2f}"] for book, value in taken.items()]
    return table(["`slots find` in a book of", "ms", "times the empty book"], rows)


def course(bench: Bench) -> str:
    """What planning a course takes beyond start-up, by the difference to `show`."""
    patient = clinic.mrn(7)
    commands = {"show": bench.at(bench.full, "show", a_visit(bench.full))}
    for name, day in (("in a full month", "2026-12-02"), ("in free weeks", str(FIRST_FREE_MONDAY))):
        commands[name] = bench.at(bench.full, "series", "plan", patient, clinic.PROTOCOL, "--from", day, "--relax")
    taken = interleaved(commands, bench.rounds)
    shown = taken.pop("show")
    rows = [[name, milliseconds(value), milliseconds(value - shown)] for name, value in taken.items()]
    return table(["`series plan`, six sessions", "ms", "ms without start-up"], rows)


def write_bookings(path: Path) -> None:
    """A file of requests that all fit: one patient a line, day after day, chair after chair."""
    places = [(n // 100, clinic.STARTS[n // clinic.CHAIRS % 5], n % clinic.CHAIRS + 1) for n in range(BOOKINGS)]
    rows = [
        f"book,{clinic.mrn(n)},{clinic.PROTOCOL},{weekday(day)}T{wall},chair-{chair:02d}"
        for n, (day, wall, chair) in enumerate(places)
    ]
    path.write_text("\n".join(["action,patient,protocol,when,chair", *rows, ""]), encoding="utf-8")


def rows_of(book: Path) -> dict[str, set[tuple[object, ...]]]:
    """Every row of every ordinary table of a book, by table."""
    tables = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    with closing(sqlite3.connect(book)) as opened:
        names = [name for (name,) in opened.execute(tables)]
        return {name: set(opened.execute(f'SELECT * FROM "{name}"')) for name in names}


def raw_inserts(content: Mapping[str, Collection[tuple[object, ...]]], target: Path) -> float:
    """Seconds of putting the rows into bare tables of as many columns, in one durable transaction."""
    with closing(sqlite3.connect(target, isolation_level=None)) as bare:
        bare.execute("PRAGMA synchronous = FULL")
        marks = {name: len(next(iter(rows))) for name, rows in content.items()}
        for name, width in marks.items():
            bare.execute(f'CREATE TABLE "{name}" ({", ".join(f"c{n}" for n in range(width))})')
        started = time.perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        for name, rows in content.items():
            bare.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * marks[name])})', rows)
        bare.execute("COMMIT")
        return time.perf_counter() - started


def batch(bench: Bench) -> str:
    """Bookings a second through all rules and guards, against bare inserts of the rows that they make."""
    requests = bench.folder / "requests.csv"
    write_bookings(requests)
    before = rows_of(bench.empty)
    applied: list[float] = []
    bare: list[float] = []
    made: dict[str, set[tuple[object, ...]]] = {}
    for number in range(max(3, bench.rounds // 3)):
        book = bench.folder / f"batch-{number}.db"
        shutil.copy(bench.empty, book)
        applied.append(seconds([INFUSION, "batch", "apply", str(requests)], on(book)))
        made = {name: new for name, rows in rows_of(book).items() if (new := rows - before[name])}
        bare.append(raw_inserts(made, bench.folder / f"bare-{number}.db"))
    count = sum(len(rows) for rows in made.values())
    ours, theirs = statistics.median(applied), statistics.median(bare)
    lines = [
        [
            f"`batch apply`, {BOOKINGS} bookings, start-up included",
            milliseconds(ours),
            f"{BOOKINGS / ours:.0f}",
            f"{ours / theirs:.1f}",
        ],
        [
            f"`sqlite3` alone, the {count:,} rows that they make",
            milliseconds(theirs),
            f"{BOOKINGS / theirs:.0f}",
            "1.0",
        ],
    ]
    return table(["", "ms", "bookings/s", "times the time"], lines)


def calendar(bench: Bench) -> str:
    """Calendar files of a year and of the whole book, that also built by icalendar's components."""
    export = [INFUSION, "ical", "export", "-o", "-"]
    year = [*export, "--from", "2026-01-01", "--to", "2026-12-31"]
    library = [sys.executable, str(Path(__file__).with_name("library_export.py"))]
    ways = {
        "`ical export`, a year": year,
        "`ical export --clinic`, the whole book": [*export, "--clinic"],
        "icalendar's components, the whole book": library,
    }
    counts = [run(words, on(bench.full)).count("BEGIN:VEVENT") for words in ways.values()]
    # The library takes a minute a round.
    taken = interleaved({n: Timed(lambda _, w=w: w, on(bench.full)) for n, w in ways.items()}, 3)
    held = [peak(words, on(bench.full)) for words in ways.values()]
    whole = taken["`ical export --clinic`, the whole book"]
    rows = [
        [name, f"{count:,}", milliseconds(spent), f"{count / spent:,.0f}", f"{spent / whole:.1f}", f"{memory:.0f}"]
        for (name, spent), count, memory in zip(taken.items(), counts, held, strict=True)
    ]
    return table(["", "visits", "ms", "visits/s", "times the time", "MB at most"], rows)


PARTS: dict[str, Callable[[Bench], str]] = {
    "start": start,
    "slots": slots,
    "course": course,
    "batch": batch,
    "calendar": calendar,
}


def main() -> None:
    """Measure the wanted parts and print their tables."""
    parser = argparse.ArgumentParser(description="Measure the program, side by side with bare Python and sqlite3.")
    parser.add_argument("--visits", type=int, default=100_000, help="visits in the large book")
    parser.add_argument("--rounds", type=int, default=15, help="rounds that each median is taken of")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--postgres", default="", help="an empty database for a book like the large one")
    asked = parser.parse_args()
    print(f"Measured with {machine()}; medians of {asked.rounds} interleaved rounds, whole processes.\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty, full = make_books(folder, asked.visits, asked.postgres)
        bench = Bench(folder, empty, full, asked.visits, asked.rounds, asked.postgres)
        for part in [asked.only] if asked.only else PARTS:
            print(f"{PARTS[part](bench)}\n", flush=True)


if __name__ == "__main__":
    main()
