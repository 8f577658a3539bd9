"""A PostgreSQL server for the tests, and fresh databases on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databases import Databases
    from premises import Premises
    from servers import Pair, Server

# Windows has no users, signals and locks of the kind that the tests' own servers need.
collect_ignore = ["project/test_servers.py"] if sys.platform == "win32" else []

# psycopg costs every test process a quarter of a second, so only tests with a server import it.


@pytest.fixture(scope="session")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """Where this run's own servers stand; all its processes share it."""
    if sys.platform == "win32":
        pytest.fail("No server is started on Windows: INFUSION_TEST_POSTGRES can name the URL of one.")
    from premises import premises

    base = tmp_path_factory.getbasetemp()
    with premises(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as ready:
        yield ready


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Databases:
    """The databases of the server that INFUSION_TEST_POSTGRES names, or of one that this run's processes share."""
    from databases import VARIABLE, Databases

    given = os.environ.get(VARIABLE, "")
    if "://" in given:
        return Databases(given)
    from servers import shared_server

    return shared_server(request.getfixturevalue("premises")).databases


@pytest.fixture
def database_url(postgres: Databases) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    url = postgres.fresh_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def server(premises: Premises) -> Iterator[Server]:
    """A server of the test's own, which it may kill."""
    from servers import new_server

    own = new_server(premises)
    yield own
    own.remove()


@pytest.fixture
def pair(premises: Premises) -> Iterator[Pair]:
    """A primary and a synchronous standby of the test's own."""
    from servers import Pair

    own = Pair(premises)
    yield own
    own.remove()
