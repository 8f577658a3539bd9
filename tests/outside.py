"""A book seen from outside: plain SQL on either engine, without a line of the program."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Where = Path | str
"""A file, or the URL of a database that holds one clinic."""

GUARDED = "guard:capacity"


def is_server(where: Where) -> bool:
    """Whether it is a database on a server."""
    return "://" in str(where)


class Outside:
    """A connection of one's own; `:name` stands for a parameter, and without `BEGIN` each statement is committed."""

    def __init__(self, where: Where) -> None:
        self.is_server = is_server(where)
        self._connection: Any = _server(str(where)) if self.is_server else _file(Path(where))

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows that a statement gives, by the names of their columns."""
        return [dict(row) for row in self._execute(sql, parameters).fetchall()]

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that gives nothing."""
        self._execute(sql, parameters)

    def _execute(self, sql: str, parameters: Mapping[str, Any] | None) -> Any:
        text = re.sub(r"(?<!:):(\w+)", r"%(\1)s", sql) if self.is_server and parameters else sql
        return self._connection.execute(text, parameters or ({} if not self.is_server else None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._connection.close()


def _file(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _server(url: str) -> Any:
    import psycopg
    from psycopg.rows import dict_row

    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def was_refused(error: Exception) -> bool:
    """Whether the capacity's guard refused, in the words of either driver."""
    return str(error).startswith(GUARDED) or "claim_alone" in str(error)
