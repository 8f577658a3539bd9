"""Fresh databases on a PostgreSQL server, whoever runs it."""

from __future__ import annotations

import re
import secrets
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

VARIABLE = "INFUSION_TEST_POSTGRES"
"""URL of a server to be used by the tests, or the folder of the programs that they start one with."""

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(url: str) -> Connection:
    """A connection on which every statement is a transaction of its own."""
    return psycopg.connect(url, autocommit=True, connect_timeout=10)


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    """The rows that answer a question, over a connection of its own."""
    with closing(connect(url)) as connection:
        answer = connection.execute(question.encode())
        return answer.fetchall() if answer.description else []


class Databases(NamedTuple):
    """The databases of one server."""

    maintenance: str
    """URL of a database that is always there, for a role that may create others."""

    def url(self, database: str) -> str:
        """The same URL with another database in it."""
        return re.sub(r"^(\w+://[^/?]*)(/[^?]*)?", rf"\1/{database}", self.maintenance)

    def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"infusion_test_{secrets.token_hex(6)}"
        # template0 and not template1: on a foreign server somebody may have put something into that
        self._command(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
        return self.url(name)

    def copy_of(self, url: str) -> str:
        """The URL of a copy of a database that nobody is connected to."""
        name = f"infusion_test_{secrets.token_hex(6)}"
        self._command(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(_name(url)))
        )
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, with whoever is still connected to it."""
        self._command(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_name(url))))

    def _command(self, command: sql.Composed) -> None:
        with closing(connect(self.maintenance)) as connection:
            connection.execute(command)


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
