"""Where books may lie, and a desk at one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.desk import Desk
from outside import Where
from races.harbor import harbor_book

if TYPE_CHECKING:
    from databases import Databases


@pytest.fixture(params=["sqlite", "postgresql"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Where]]:
    """Gives a place where no book is yet, as often as it is asked: a file, or a database."""
    if request.param == "sqlite":
        numbers = count()
        yield lambda: tmp_path / f"{next(numbers)}.db"
        return
    databases: Databases = request.getfixturevalue("postgres")
    made: list[str] = []

    def database() -> Where:
        made.append(databases.fresh_database())
        return made[-1]

    yield database
    for url in made:
        databases.drop_database(url)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk at the book of the harbor clinic, which is alone in its folder, on Monday 30 November 2026 at 8:00."""
    (tmp_path / "books").mkdir()
    made = Desk(tmp_path / "books", monkeypatch, capsys)
    harbor_book(made.book)
    made.at("2026-11-30T08:00")
    return made
