"""Several processes fight for the same few chairs: what was acknowledged is there, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from builders import NOW, book, patient, write

from infusion_cli.store.check import check
from infusion_cli.store.repository import open_store

DESK = """
import random, sys
from pathlib import Path
from builders import NOW, visit, write
from infusion_cli.errors import ConflictError
from infusion_cli.store.repository import open_store

path, desk, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed * 10 + desk)
with open_store(path) as store:
    for turn in range(25):
        number = desk * 25 + turn
        wall = f"2026-12-0{chance.randrange(1, 4)}T{chance.randrange(8, 12):02}:{chance.choice((0, 15, 30, 45)):02}"
        try:
            write(store, visit(number, wall, f"chair-{chance.randrange(1, 3)}"))
        except ConflictError:
            continue
        print(number, flush=True)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_desks_that_book_at_once_never_overbook_and_lose_nothing(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "book.db"
    with book(path) as store:
        write(store, *(patient(n) for n in range(100)))
    tests = str(Path(__file__).resolve().parent.parent)
    code = f"import sys; sys.path.insert(0, {tests!r})\n{DESK}"
    desks = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(desk), str(seed)], stdout=subprocess.PIPE, encoding="utf-8"
        )
        for desk in range(4)
    ]
    told = [desk.communicate(timeout=60)[0].split() for desk in desks]
    assert [desk.returncode for desk in desks] == [0] * 4
    with open_store(path) as store:
        acknowledged = sum(len(numbers) for numbers in told)
        assert store.describe()["visits"] == acknowledged
        assert 4 < acknowledged < 100
        assert check(store) == []
        with store.reading(NOW) as reader:
            assert reader.revision == 2 + acknowledged
