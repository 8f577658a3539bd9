"""One command's surroundings: its options, the clock, the book, the streams."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from infusion_cli import config
from infusion_cli.cli.output import FORMATS, Output
from infusion_cli.config import Place
from infusion_cli.domain.book import person_of
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import zone
from infusion_cli.errors import InfusionError, UsageError
from infusion_cli.services.desk import Desk
from infusion_cli.services.ports import Access, Reader

if TYPE_CHECKING:
    from infusion_cli.store.repository import BookStore


MOST_NAMED = 100
"""Of more patients than these an access counts all and names the first."""


class Options(NamedTuple):
    """What every command was given beside its own arguments."""

    db: str | None = None
    format: str | None = None
    json: bool = False
    quiet: bool = False
    no_color: bool = False
    dry_run: bool = False
    exit_code: bool = False
    yes: bool = False
    key: str | None = None

    @property
    def form(self) -> str:
        """The output form; raises `UsageError` for one that there is not."""
        form = self.format or ("json" if self.json else "table")
        if form not in FORMATS:
            raise UsageError(f"There is no format {form!r}.", f"one of {', '.join(FORMATS)}")
        if self.json and not form.startswith("json"):
            raise UsageError(f"--json and --format {form} exclude each other.", "leave one of them out")
        return form


class Session:
    """Opened on first use, closed by the command's end."""

    def __init__(self, options: Options, *, writes: bool = False, command: str = "") -> None:
        self.options = options
        self.command = command
        """The words that called it, e.g. `patients show`."""
        self.out = Output(options.form, quiet=options.quiet, color=not options.no_color, is_answer=not writes)
        self.changed = False
        """Whether the command's plan was not empty (for `--exit-code`)."""
        self._store: BookStore | None = None
        self._config: config.Config | None = None
        self._seen: dict[str, None] = {}

    @property
    def config(self) -> config.Config:
        """Where the book is and who is at work."""
        if self._config is None:
            self._config = config.load(self.options.db)
        return self._config

    @property
    def db(self) -> Place:
        """Where the book is."""
        return self.config.db

    @property
    def store(self) -> BookStore:
        """The book, opened; raises `StoreError` when there is none or it cannot be used."""
        if self._store is None:
            from infusion_cli.store.repository import open_store  # noqa: PLC0415  not for --help

            self._store = open_store(self.db, on_wait=self._waiting, on_warn=self._warning)
        return self._store

    @property
    def now(self) -> int:
        """The present instant, or what INFUSION_NOW says (without an offset in the clinic's zone)."""
        fixed = os.environ.get("INFUSION_NOW")
        if not fixed:
            return int(time.time())
        return fixed_now(fixed, lambda: self.timezone)

    def clock_without_book(self, clinic: Clinic) -> int:
        """The present instant where there is no book yet."""
        fixed = os.environ.get("INFUSION_NOW")
        return fixed_now(fixed, lambda: clinic.timezone) if fixed else int(time.time())

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A consistent view of the book."""
        with self.store.reading(self.now) as reader:
            yield reader

    @property
    def timezone(self) -> str:
        """The clinic's zone."""
        with self.store.reading(0) as reader:
            return reader.clinic.timezone

    def desk(self) -> Desk:
        """Somebody at work on the book."""
        return Desk(self.store, self.now, self.config.actor, self.options.dry_run, self.options.key or None)

    def confirm(self, question: str) -> bool:
        """Ask at a terminal; without one `--yes` is needed. No transaction is open meanwhile."""
        if self.options.dry_run:
            return True
        return self.ask(question, "add --yes, or --dry-run to look first")

    def ask(self, question: str, hint: str) -> bool:
        """Ask for something that is done even in a dry run; `hint` is for where nobody can be asked."""
        if self.options.yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("This needs --yes where nobody can be asked.", hint)
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def back_up_if_due(self) -> None:
        """After a change, the backup of the day where that is wanted; what goes wrong is said, and stops nothing."""
        if self._store is None or not self._store.committed or not self.config.backs_up_daily:
            return
        from infusion_cli.cli.backups import back_up_daily  # noqa: PLC0415  only where it is wanted

        try:
            back_up_daily(self, self._store)
        except InfusionError as error:
            self.out.note(f"No backup was made today: {error.message}", *([f"Try: {error.hint}"] if error.hint else ()))

    def saw(self, shown: Iterable[object]) -> None:
        """Tell the access log whose data is shown or written out: records, or ids of patients.

        What the command wrote into the book stands in the journal, and is not noted twice.
        """
        people = (item if isinstance(item, str) else person_of(item) for item in shown)
        self._seen |= dict.fromkeys(filter(None, people))

    def close(self) -> None:
        """Let go of the book, after noting who was seen in it."""
        if self._store is None:
            return
        try:
            if self._seen and not (self.changed and self._store.committed):
                with suppress(InfusionError):
                    self._store.note_access(self._access(tuple(self._seen), self.now))
        finally:
            self._store.close()
            self._store = None

    def note_export(self, store: BookStore) -> None:
        """Tell a book's access log that all of it was written out."""
        with store.reading(0) as reader:
            people, now = [p.id for p in reader.patients()], self.clock_without_book(reader.clinic)
        store.note_access(self._access(people, now))

    def _access(self, people: Sequence[str], now: int) -> Access:
        named, by = tuple(people[:MOST_NAMED]), self.config.actor
        return Access(os.urandom(8).hex(), now, by, config.origin(), self.command, named, len(people))

    def _waiting(self, sentence: str) -> None:
        self.out.note(sentence)

    def _warning(self, sentence: str) -> None:
        self.out.note(f"Warning: {sentence}.")


def fixed_now(text: str, timezone: Callable[[], str]) -> int:
    """The instant that INFUSION_NOW fixes; raises `UsageError` when it cannot be read."""
    from datetime import datetime  # noqa: PLC0415  only when the clock is fixed

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"INFUSION_NOW={text!r} is not a time.", "write 2026-12-01T09:00") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone(timezone()))
    return int(at.timestamp())
