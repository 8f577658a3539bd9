"""Books that grow: what loading them takes, and what it does to everyday commands (docs/scaling.md).

    python bench/grow.py load small.db 1000
    python bench/grow.py load large.db 1000000
    python bench/grow.py compare small.db large.db

A book is a file, or `postgresql://user@host/database#CLINIC` in an empty database; a third number loads
as many clinics of that size. Comparing writes into both books: use copies of what is to be kept.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import clinic
import everyday
from load import clinic_name, into_file, into_server
from timing import INFUSION, machine, run, table

from infusion_cli.config import Place, ServerUrl


def place_of(book: str) -> Place:
    """The place that a book's name on the command line stands for."""
    if "://" not in book:
        return Path(book)
    url, _, name = book.partition("#")
    return ServerUrl(url, name or clinic_name(1))


def variables(place: Place) -> dict[str, str]:
    """What leads a command to a book."""
    if isinstance(place, ServerUrl):
        return {"INFUSION_DB": place.url, "INFUSION_CLINIC": place.clinic}
    return {"INFUSION_DB": str(place)}


def load(book: str, visits: int, clinics: int) -> str:
    """A new book of that size; tells the rate and what a visit takes on the disk."""
    place = place_of(book)
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "clinic.toml"
        clinic.write_clinic(described)
        run([INFUSION, "init", "--from", str(described)], everyday.surroundings(variables(place)))
    seconds = into_server(place, visits, clinics) if isinstance(place, ServerUrl) else into_file(place, visits)
    count = visits * clinics
    size = size_of(place)
    heads = ["visits", "clinics", "seconds", "visits/s", "GB", "bytes a visit"]
    row = [f"{count:,}", f"{clinics}", f"{seconds:.0f}", f"{count / seconds:,.0f}"]
    return table(heads, [[*row, f"{size / 1e9:.2f}", f"{size / count:,.0f}"]])


def size_of(place: Place) -> int:
    """Bytes on the disk."""
    if isinstance(place, Path):
        return place.stat().st_size
    import psycopg

    with psycopg.connect(place.url) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(found[0]) if found else 0


def compare(small: str, large: str, rounds: int) -> str:
    """Everyday commands on both books: whole processes, and inside one that is running."""
    desks = [everyday.desk(variables(place_of(book))) for book in (small, large)]
    whole = everyday.as_processes(desks, rounds)
    within = everyday.inside(desks, rounds)
    heads = ["command", "small, ms", "large, ms", "times", "inside: small, ms", "large, ms", "times"]
    return table(heads, ([f"`{name}`", *_pair(whole[name], 0), *_pair(within[name], 1)] for name in whole))


def _pair(values: Sequence[float], digits: int) -> list[str]:
    small, large = values
    return [f"{small * 1000:.{digits}f}", f"{large * 1000:.{digits}f}", f"{large / small:.2f}"]


def main() -> None:
    """Load or compare, and print the table."""
    parser = argparse.ArgumentParser(description="Measure how everyday commands take a book's growth.")
    parts = parser.add_subparsers(required=True)
    loading = parts.add_parser("load", help="a new book of some size")
    loading.set_defaults(part=load)
    loading.add_argument("book")
    loading.add_argument("visits", type=int)
    loading.add_argument("clinics", type=int, nargs="?", default=1)
    comparing = parts.add_parser("compare", help="everyday commands on a small and a large book")
    comparing.set_defaults(part=compare)
    comparing.add_argument("small")
    comparing.add_argument("large")
    comparing.add_argument("--rounds", type=int, default=15)
    asked: Mapping[str, Any] = vars(parser.parse_args())
    given = {name: value for name, value in asked.items() if name != "part"}
    load_1 = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    print(f"With {machine()}; load {load_1:.1f} at the beginning.\n", flush=True)
    print(asked["part"](**given))


if __name__ == "__main__":
    main()
