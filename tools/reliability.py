"""Writes docs/reliability.md from the figures of a real run: `make torture` calls it.

    python tools/reliability.py FIGURES.jsonl

Each line of the file is what one test found (`tests/torture/figures.py`). A line that no row of the
table asks for is an error, and so is a row that no line answers: nothing is dropped in silence.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"


class Row(NamedTuple):
    """A line of the table: what is done to a book, the tests that do it, and those that must show damage."""

    what: str
    tests: tuple[str, ...]
    controls: tuple[str, ...] = ()


ROWS = (
    Row(
        "1 Race: 12 desks, 200 turns each, on the same four days and chairs",
        ("race",),
        ("race without lock and guard", "race with the guard alone"),
    ),
    Row("2 Two desks step by step, in every order", ("interleavings",), ("interleavings without the guard",)),
    Row("3 kill -9 at random moments", ("kill -9, careful",), ("kill -9, hasty",)),
    Row("3 kill -9 before each statement", ("kill -9 before each statement",)),
    Row("3 kill -9 of the whole command", ("kill -9 of the command",)),
    Row("4 Power cut, unsynced sectors kept or lost at random", ("power cut",), ("power cut, other settings",)),
    Row("5 The n-th system call fails, for every n of a booking", ("i/o error",), ("i/o error without a journal",)),
    Row("6 The disk is full, at every size", ("full disk",), ("full disk without a journal",)),
    Row("7 Read-only, foreign, newer, unguarded, on a network share", ("refused files",)),
    Row("8 Damaged copies", ("damaged copies", "damaged backups")),
    Row("9 SIGINT in a batch", ("SIGINT",)),
    Row("9 SIGTERM in a batch", ("SIGTERM",)),
    Row("9 The holder of the lock is stopped", ("stopped holder",)),
    Row("10 The clock jumps", ("clock",)),
    Row("11 Random operations: memory, SQLite and PostgreSQL agree", ("model",), ("model with a mistake",)),
    Row("12 Backups while desks write", ("backup in a race",)),
    Row("12 kill -9 in a restore: the one book or the other is there", ("kill -9 in a restore",)),
    Row("12 A whole book there and back", ("copy there and back",)),
    Row("13 An older book is brought up to date", ("migration",)),
    Row("14 Modules that a command loads", ("start-up",)),
    Row(
        "Failover: the primary is killed under load",
        ("failover",),
        ("failover without a synchronous standby",),
    ),
)
_LARGEST = ("_ms", "seconds", "back", "promote", "after")
"""Figures that do not add up: of several runs the largest counts."""

INTRO = """# Reliability

<!-- Written by `make torture` from a real run: change tools/reliability.py or the tests. -->

What was done to a book, and what became of it: nothing over-booked, nothing lost that was acknowledged,
nothing half written. Each race and each fault has a control beside it, the same with one precaution left
out, which must show damage; otherwise the test would prove nothing. Figures of several runs are added
up; of times the longest is told, of rates the range.
"""


def read(path: Path) -> list[dict[str, Any]]:
    """The figures of a file, one object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def summary(found: Sequence[dict[str, Any]]) -> str:
    """The figures of some runs in a few words."""
    names = dict.fromkeys(name for one in found for name in one)
    parts = [f"{len(found)} runs"] if len(found) > 1 else []
    for name in names:
        values = [one[name] for one in found if name in one]
        if name not in {"test", "engine", "form"}:
            parts.append(f"{_together(name, values)} {name.removesuffix('_ms').replace('_', ' ')}{_unit(name)}")
    return ", ".join(parts)


def _unit(name: str) -> str:
    return " ms" if name.endswith("_ms") else ""


def _together(name: str, values: Sequence[Any]) -> str:
    if any(isinstance(value, (str, bool)) for value in values):
        return "/".join(dict.fromkeys(str(value) for value in values))
    if name == "per_second":
        return f"{min(values):,}–{max(values):,}"
    return f"{max(values) if name.endswith(_LARGEST) else sum(values):,}"


def cell(found: Iterable[dict[str, Any]]) -> str:
    """The figures of one row in one column, engine by engine."""
    by_kind: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in found:
        by_kind.setdefault((one["engine"], one["test"]), []).append(one)
    return "<br>".join(f"*{engine}*: {summary(several)}" for (engine, _), several in sorted(by_kind.items())) or "–"


def page(figures: Sequence[dict[str, Any]]) -> str:
    """The whole page; raises ValueError for figures that no row asks for, and for a row without figures."""
    known = {name for row in ROWS for name in (*row.tests, *row.controls)}
    there = {one["test"] for one in figures}
    if there != known:
        raise ValueError(f"unknown: {sorted(there - known)}, missing: {sorted(known - there)}")
    forms = "/".join(dict.fromkeys(one["form"] for one in figures))
    machine = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores"
    lines = [
        f"Measured with {machine}, {platform.system()} {platform.machine()}; the {forms} form of each test.",
        "",
        "| what was done | SQLite | PostgreSQL | control that must fail |",
        "| --- | --- | --- | --- |",
    ]
    for row in ROWS:
        of_row = [one for one in figures if one["test"] in row.tests]
        files = [one for one in of_row if not one["engine"].startswith("PostgreSQL")]
        servers = [one for one in of_row if one["engine"].startswith("PostgreSQL")]
        controls = [one for one in figures if one["test"] in row.controls]
        lines.append(f"| {row.what} | {cell(files)} | {cell(servers)} | {cell(controls)} |")
    return "\n".join([INTRO, *lines, ""])


def main(arguments: Sequence[str]) -> int:
    """Write the page; 0 when it was written, 1 when the figures are not whole, 2 for anything else."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        text = page(read(Path(arguments[0])))
    except ValueError as error:
        print(f"The figures are not whole: {error}.", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
