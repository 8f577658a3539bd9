"""An open book, whatever engine keeps it: the named statements, one transaction at a time.

Whatever an engine refuses becomes a `StoreError` of one sentence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, ClassVar
from weakref import WeakSet

from infusion_cli.errors import StoreError
from infusion_cli.services.ports import Access
from infusion_cli.store import guards
from infusion_cli.store.compiled import STATEMENTS

SCHEMA_VERSION = 2
"""The version of the tables and guards that this program reads and writes; the newest migration's number."""
MAIN = "main"
"""The clinic of a book that holds only one."""
PATIENCE = 10.0
"""Seconds to wait for another writer."""
WORD_AFTER = 1.0
"""Seconds of waiting after which the user hears of it."""

RESTORE = "infusion db restore BACKUP, with the newest sound one"
"""The way out of every kind of damage."""

Row = tuple[Any, ...]


class GuardError(StoreError):
    """A guard of the database refused a row; `guard` is its name, e.g. `capacity`.

    `row` says which one, as far as the engine tells: the resource's number, the instant, the visit.
    """

    def __init__(self, guard: str, row: tuple[int, int, str] | None = None) -> None:
        super().__init__(f"The book's guard refused the change ({guard}).")
        self.guard = guard
        self.row = row


class DamagedError(StoreError):
    """What is there cannot be read as a book."""


class TakenError(StoreError):
    """Where something new was to be made, something is already."""


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
        self._streams: WeakSet[Generator[Row, None, None]] = WeakSet()

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the book is, in words that hold no secret."""

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """All rows of a named statement."""
        return self._select(STATEMENTS[self.dialect][name], self._with_clinic(parameters))

    def several(self, *asked: tuple[str, Mapping[str, Any]]) -> list[list[Row]]:
        """All rows of each of several named statements, asked in one journey to where the book is."""
        return [self.rows(name, **parameters) for name, parameters in asked]

    def row(self, name: str, **parameters: Any) -> Row | None:
        """The first row of a named statement, or None."""
        found = self.rows(name, **parameters)
        return found[0] if found else None

    def each(self, name: str, **parameters: Any) -> Iterator[Row]:
        """The rows of a named statement one after the other, never all in memory; they end with the transaction."""
        stream = self._stream(STATEMENTS[self.dialect][name], self._with_clinic(parameters))
        self._streams.add(stream)
        return stream

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a named statement that writes; raises GuardError when a guard refuses it."""
        self.run_many(name, [parameters])

    def run_many(self, name: str, several: Iterable[Mapping[str, Any]]) -> None:
        """Run a named statement once for each set of parameters; raises GuardError like `run`."""
        self._write(STATEMENTS[self.dialect][name], map(self._bound, several))

    def together(self) -> AbstractContextManager[None]:
        """What is run in the block goes in one journey; what is refused is told at the block's end at the latest."""
        return nullcontext()

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
    def version(self) -> int | None:
        """The version of its tables and guards; None where there are none of ours."""

    def refuse_other_version(self) -> None:
        """Raise StoreError unless it is a book of this program's version."""
        version = self.version()
        if version is None:
            raise StoreError(f"There is no book yet at {self.place}.", "infusion init")
        if version > SCHEMA_VERSION:
            raise StoreError(f"{self.place} was written by a newer version of this program.", "update infusion")
        if version < SCHEMA_VERSION:
            raise StoreError(f"{self.place} was written by an older version of this program.", "infusion db migrate")

    @abstractmethod
    def guards(self) -> dict[str, str]:
        """The text of every guard that is there, by its name."""

    @abstractmethod
    def definitions(self) -> dict[str, str]:
        """The text of every table and index that is there, by its name."""

    @abstractmethod
    def expected_definitions(self) -> dict[str, str]:
        """What `definitions` should give."""

    def wrong_guards(self) -> list[str]:
        """How the guards differ from ours, e.g. `the guard claim_capacity is missing`."""
        return guards.differences(self.guards(), self.dialect)

    def wrong_definitions(self) -> list[str]:
        """Names of tables and indexes that are not ours, or not as ours."""
        there, expected = self.definitions(), self.expected_definitions()
        return sorted(name for name in there.keys() | expected.keys() if there.get(name) != expected.get(name))

    def refuse_unguarded(self) -> None:
        """Raise StoreError when the guards are not as they should be: such a book is only read."""
        wrong = self.wrong_guards()
        if wrong:
            raise StoreError(f"The book can be read but not written: {', '.join(wrong)}.", "infusion db check")

    @abstractmethod
    def damage(self) -> Iterator[str]:
        """What the engine itself finds wrong with its files, one sentence each."""

    def exposure(self) -> tuple[str, str] | None:
        """Who can get at the book's files past the program, and what to do about it; looked at with each opening."""
        return None

    def cautions(self) -> Iterator[tuple[str, str, str]]:
        """What is not wrong with where and how the book is kept, and should be known: rule, sentence, remedy."""
        yield from ()

    @abstractmethod
    def scrub(self) -> str:
        """Overwrite what was freed, outside any transaction; gives what may still be there, empty when nothing is."""

    def note_access(self, access: Access) -> None:
        """Keep an access, outside any transaction; a failure is nobody's business at the desk."""
        with suppress(StoreError, OSError):
            self._keep_access(access)

    @abstractmethod
    def accesses(self) -> list[Access]:
        """Every access that was kept, in the order of time."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The book's size in bytes, versions and settings."""

    @abstractmethod
    def _keep_access(self, access: Access) -> None:
        """Keep an access; raises StoreError or OSError when that cannot be done at once."""

    @abstractmethod
    def _select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """All rows of a statement."""

    @abstractmethod
    def _stream(self, sql: str, parameters: Mapping[str, Any]) -> Generator[Row, None, None]:
        """The rows of a statement fetched a few at a time."""

    def _end_streams(self) -> None:
        """Fetch no more of what `each` gave out: a stream would keep its locks past the end of its transaction."""
        while self._streams:
            with suppress(StoreError):  # A connection that is gone has no streams either.
                self._streams.pop().close()

    @abstractmethod
    def _write(self, sql: str, several: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement for each set of parameters, in their order."""

    def _bound(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        # A server cannot keep it; a book must be able to move to one.
        if any("\0" in value for value in parameters.values() if type(value) is str):
            raise StoreError("A text holds a NUL character; nothing was written.", "type it again")
        return self._with_clinic(parameters)

    def _with_clinic(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"clinic": self.clinic, "clinic_id": self.clinic, **parameters}


@contextmanager
def interrupts_held_back() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM only go into the list; in another thread than the main one they never arrive anyway."""
    import signal  # noqa: PLC0415  only writing commands need it

    pressed: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda now, _frame: pressed.append(now))
    except ValueError:
        yield pressed
        return
    try:
        yield pressed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
