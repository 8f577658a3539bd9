"""What a key costs: the figures of docs/how-to/encryption.md, as a table that can be pasted there.

    python bench/encryption.py [ROUNDS]     needs the extra `encryption`

Three books of the same content, in turn: the system's SQLite, SQLCipher's own SQLite without a key, the
same under a key. Each round is a process of its own for each of them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import clinic
from make_book import fill
from timing import machine, table

from infusion_cli.cli.app import run
from infusion_cli.domain.clinic_time import from_iso
from infusion_cli.domain.plan import change
from infusion_cli.services.ports import Entry
from infusion_cli.store import cipher, sqlite
from infusion_cli.store.repository import open_store

KINDS = ("system", "newer", "key")
HEADS = ("", "the system's SQLite", "SQLCipher's SQLite, no key", "the same under a key")
VISITS, COMMITS = 2_000, 200
WAYS = {"truncate": (99,), "wal": (0,)}


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def new_book(folder: Path) -> Path:
    """The path of a book with clinic and patients and no visit."""
    path = folder / "book.db"
    clinic.write_clinic(folder / "clinic.toml")
    clinic.write_patients(folder / "patients.csv")
    for words in (("init", "--from", "clinic.toml"), ("patients", "import", "patients.csv")):
        if run([*words[:-1], str(folder / words[-1]), "--db", str(path), "--quiet"]):
            raise SystemExit("The book could not be made.")
    return path


def measure(kind: str, way: str, folder: Path) -> dict[str, float]:
    """One round of one kind of book, written in one way."""
    if kind == "key":
        os.environ[cipher.KEY] = "2d" * 32
    loading = milliseconds(lambda: import_module("sqlite3" if kind == "system" else "sqlcipher3.dbapi2"))
    if kind == "newer":
        cipher.sqlite3 = import_module("sqlcipher3.dbapi2")  # type: ignore[attr-defined]
    sqlite._WAL_IS_SOUND = WAYS[way]  # type: ignore[assignment]  # noqa: SLF001
    path = new_book(folder)
    found = {"loading the driver": loading}
    with open_store(path) as store:
        found[f"{VISITS} visits in one commit"] = milliseconds(lambda: fill(store, VISITS))
        with store.reading(0) as reader:
            person = reader.patients()[0]

        def commit(number: int) -> None:
            with store.writing(from_iso(clinic.NOW)) as writer:
                edited = change(person, person._replace(phone=str(number)))
                writer.write(Entry("patients edit", "bench", [edited]))

        found[f"a commit ({way})"] = statistics.median(milliseconds(partial(commit, n)) for n in range(COMMITS))

    def opened() -> None:
        with open_store(path) as store, store.reading(0):
            pass

    def read() -> None:
        with open_store(path) as store, store.reading(0) as reader:
            reader.visits(0, 1 << 40, ("fulfilled", "booked"))

    found["opening"] = statistics.median(milliseconds(opened) for _ in range(20))
    found[f"opening and reading {VISITS} visits"] = statistics.median(milliseconds(read) for _ in range(5))
    return found


def main(rounds: int) -> None:
    """Measure in turn, print the table."""
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for way in WAYS:
            for kind in KINDS:
                done = subprocess.run(
                    [sys.executable, __file__, kind, way], capture_output=True, check=True, encoding="utf-8"
                )
                for what, spent in json.loads(done.stdout).items():
                    taken.setdefault(what, {}).setdefault(kind, []).append(spent)
    rows = [[what, *(f"{statistics.median(of[kind]):.2f}" for kind in KINDS)] for what, of in sorted(taken.items())]
    print(f"Measured with {machine()}; medians of {rounds} interleaved rounds, milliseconds.\n")
    print(table(HEADS, rows))


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in KINDS:
        with tempfile.TemporaryDirectory() as place:
            print(json.dumps(measure(sys.argv[1], sys.argv[2], Path(place))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
