"""Commands measured side by side: each round runs every one of them once, so that load falls on all alike."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

INFUSION = str(Path(sys.executable).parent / ("infusion.exe" if os.name == "nt" else "infusion"))
BARE = [sys.executable, "-c", "pass"]

Command = Callable[[int], Sequence[str]]
"""The words of a command for a round, from 0."""


class Timed(NamedTuple):
    """A command and the environment that it runs in."""

    command: Command
    environment: Mapping[str, str]


def environment(**variables: str) -> dict[str, str]:
    """The present environment with bytecode caching on and without settings of a book at work."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INFUSION_") and k != "PYTHONDONTWRITEBYTECODE"}
    return kept | variables


def run(words: Sequence[str], env: Mapping[str, str]) -> str:
    """Standard output of a command that must succeed; ends the benchmark with its words otherwise."""
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def seconds(words: Sequence[str], env: Mapping[str, str]) -> float:
    """Wall time of the whole process."""
    started = time.perf_counter()
    run(words, env)
    return time.perf_counter() - started


_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(words: Sequence[str], env: Mapping[str, str]) -> float:
    """The most memory that the process held, in MB; its output is thrown away."""
    # By way of a small process: what a process held before it became another program counts too.
    held = int(run([sys.executable, "-c", _PEAK, *words], env))
    return held / (1024 * (1024 if sys.platform == "darwin" else 1))


def interleaved(commands: Mapping[str, Timed], rounds: int) -> dict[str, float]:
    """Median seconds of each command over the rounds; a first round warms the caches and is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, timed in commands.items():
            spent = seconds(timed.command(number), timed.environment)
            if number:
                taken[name].append(spent)
    return {name: statistics.median(values) for name, values in taken.items()}


def machine() -> str:
    """What the figures were measured on, in one line."""
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, figures to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, rule, *rows])
