"""Room for books on each engine: what holds of a book holds wherever it is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infusion_cli.config import Place, ServerUrl

if TYPE_CHECKING:
    from databases import Databases

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def shared_database(postgres: Databases) -> Iterator[str]:
    """The URL of a database in which each test has a clinic of its own: a fresh one takes longer than the test."""
    url = postgres.fresh_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=ENGINES)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where there is no book yet: a file, or a clinic in a database that others share."""
    if request.param == "sqlite":
        return tmp_path / "book.db"
    return ServerUrl(request.getfixturevalue("shared_database"), f"clinic-{secrets.token_hex(6)}")


@pytest.fixture(params=ENGINES)
def own_room(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The same with a database for itself, for tests that look at it from outside."""
    return tmp_path / "book.db" if request.param == "sqlite" else ServerUrl(request.getfixturevalue("database_url"))
