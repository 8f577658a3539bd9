"""An open book, whatever engine keeps it: the named statements, one transaction at a time.

Whatever an engine refuses becomes a `StoreError` of one sentence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from infusion_cli.errors import StoreError
from infusion_cli.store.compiled import STATEMENTS

SCHEMA_VERSION = 2
"""The version of the tables and guards that this program reads and writes; the newest migration's number."""
MAIN = "main"
"""The clinic of a book that holds only one."""
PATIENCE = 10.0
"""Seconds to wait for another writer."""
WORD_AFTER = 1.0
"""Seconds of waiting after which the user hears of it."""

Row = tuple[Any, ...]


class GuardError(StoreError):
    """A guard of the database refused a row; `guard` is its name, e.g. `capacity`.

    `row` says which one, as far as the engine tells: the resource's number, the instant, the visit.
    """

    def __init__(self, guard: str, row: tuple[int, int, str] | None = None) -> None:
        super().__init__(f"The book's guard refused the change ({guard}).")
        self.guard = guard
        self.row = row


class InDoubtError(StoreError):
    """The connection was lost while it committed: whether it did must be looked up."""


class Database(ABC):
    """One clinic's book, open; one transaction at a time."""

    dialect: ClassVar[str]

    def __init__(self, clinic: str, patience: float) -> None:
        self.clinic = clinic
        self.patience = patience
        self.on_wait: Callable[[str], None] | None = None
        """Called with a sentence when the user has to wait."""
        self.on_warn: Callable[[str], None] | None = None
        """Called with a sentence that the user should read."""
        self.committed = False
        """Whether anything has been committed: what Ctrl-C has to say about it."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the book is, in words that hold no secret."""

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """All rows of a named statement."""
        return self._select(STATEMENTS[self.dialect][name], self._with_clinic(parameters))

    def row(self, name: str, **parameters: Any) -> Row | None:
        """The first row of a named statement, or None."""
        found = self.rows(name, **parameters)
        return found[0] if found else None

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a named statement that writes; raises GuardError when a guard refuses it."""
        self.run_many(name, [parameters])

    def run_many(self, name: str, several: Iterable[Mapping[str, Any]]) -> None:
        """Run a named statement once for each set of parameters; raises GuardError like `run`."""
        self._write(STATEMENTS[self.dialect][name], map(self._with_clinic, several))

    @abstractmethod
    def begin_reading(self) -> None:
        """Begin a transaction that sees one state of the book throughout."""

    @abstractmethod
    def begin_writing(self) -> None:
        """Take the write lock; raises StoreError when it cannot be had or the book must not be written."""

    @abstractmethod
    def commit(self) -> None:
        """Commit; Ctrl-C waits until it is known how that went. Raises InDoubtError when it cannot be known."""

    @abstractmethod
    def rollback(self) -> None:
        """Leave the book as it was when the transaction began."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the book."""

    @abstractmethod
    def guards(self) -> dict[str, str]:
        """The text of every guard that is there, by its name."""

    @abstractmethod
    def definitions(self) -> dict[str, str]:
        """The text of every table and index that is there, by its name."""

    @abstractmethod
    def expected_definitions(self) -> dict[str, str]:
        """What `definitions` should give."""

    @abstractmethod
    def damage(self) -> Iterator[str]:
        """What the engine itself finds wrong with its files, one sentence each."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The book's size in bytes, versions and settings."""

    @abstractmethod
    def _select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """All rows of a statement."""

    @abstractmethod
    def _write(self, sql: str, several: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement for each set of parameters, in their order."""

    def _with_clinic(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"clinic": self.clinic, "clinic_id": self.clinic, **parameters}


@contextmanager
def interrupts_held_back() -> Iterator[list[int]]:
    """Ctrl-C only goes into the list; in another thread than the main one it never arrives anyway."""
    import signal  # noqa: PLC0415  only writing commands need it

    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    except ValueError:
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
