"""The guards: triggers that hold against every program which opens the book.

A load only rises where a claim starts; so a claim is allowed when, at its own start and at every
start within it, the claims of the same resource together stay within the capacity. No claim is
longer than a day (a constraint of its table): earlier starts need not be looked at. Every refusal
begins with `guard:`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol


class Executes(Protocol):
    """A connection of either driver, as far as it matters here."""

    def execute(self, sql: str, /) -> object:
        """Run one statement."""


def expected(dialect: str = "sqlite") -> dict[str, str]:
    """The text of every guard by its name, as the database tells it."""
    texts: dict[str, str] = _of(dialect).TEXTS
    return texts


def install(connection: Executes, dialect: str = "sqlite") -> None:
    """Put every guard in; raises the driver's error when one is there already."""
    for text in _of(dialect).STATEMENTS:
        connection.execute(text)


def remove(connection: Executes, dialect: str = "sqlite") -> None:
    """Take every guard away, those that are missing already passed over: before tables are changed."""
    for text in _of(dialect).DROPS:
        connection.execute(text)


def differences(found: Mapping[str, str] | Iterable[tuple[str, str]], dialect: str = "sqlite") -> list[str]:
    """What is wrong with the guards of a database, `(name, text)` each; empty when all is as it should be."""
    there, wanted = dict(found), expected(dialect)
    return [
        *(f"the guard {name} is missing" for name in wanted if name not in there),
        *(f"the guard {name} was changed" for name, text in wanted.items() if there.get(name, text) != text),
        *(f"the trigger {name} is not ours" for name in there if name not in wanted),
    ]


def _of(dialect: str) -> Any:
    return import_module(f"{__name__}.{dialect}")
