"""One tree of errors: each knows its code, its exit status and the way out.

Business outcomes (a rule forbids it, a line of a file is wrong) are values until nothing
more can be collected; the exception at the end carries all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, ClassVar


class ExitStatus(IntEnum):
    """The exit statuses that scripts may rely on."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    CHANGES = 5
    INVALID_DATA = 6
    STORE = 7
    AMBIGUOUS = 8
    INTERRUPTED = 130


STATUS_MEANING: dict[ExitStatus, str] = {
    ExitStatus.OK: "done; nothing found; already in the wanted state",
    ExitStatus.ERROR: "unexpected failure; the user answered no",
    ExitStatus.USAGE: "bad flags, unreadable date, `--yes` missing without a terminal",
    ExitStatus.NOT_FOUND: "no such patient, visit, protocol",
    ExitStatus.CONFLICT: "a scheduling rule forbids it, or the plan no longer fits; alternatives are listed",
    ExitStatus.CHANGES: "only under `--exit-code`: the plan is not empty",
    ExitStatus.INVALID_DATA: "an input file was rejected; every bad line is reported; nothing was written",
    ExitStatus.STORE: (
        "the book is missing, locked, damaged, foreign or newer, or a mail or calendar server"
        " cannot be used now; safe to retry or says what to do"
    ),
    ExitStatus.AMBIGUOUS: "the name fits several records; they are listed",
    ExitStatus.INTERRUPTED: "Ctrl-C or SIGTERM; the answer says truthfully whether the change was committed",
}


class InfusionError(Exception):
    """Something stopped the command; `message` is one sentence, `hint` the way out."""

    status: ClassVar[ExitStatus] = ExitStatus.ERROR
    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(InfusionError):
    """The command line cannot be understood."""

    status = ExitStatus.USAGE
    code = "usage"


class NotFoundError(InfusionError):
    """No record fits what was named; `candidates` are (id, description) pairs of patients who nearly do."""

    status = ExitStatus.NOT_FOUND
    code = "not-found"

    def __init__(self, message: str, hint: str = "", candidates: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = tuple(candidates)


class AmbiguousError(InfusionError):
    """What was named fits several records; `candidates` are (id, description) pairs, for a terminal only."""

    status = ExitStatus.AMBIGUOUS
    code = "ambiguous"

    def __init__(self, message: str, candidates: Sequence[tuple[str, str]], hint: str = "") -> None:
        super().__init__(message, hint)
        self.candidates = tuple(candidates)


class ConflictError(InfusionError):
    """Scheduling rules forbid it; carries every conflict and what would do instead.

    `conflicts` are `domain.plan.Conflict` values (or the problems of a file's lines), `alternatives`
    slot records with their words under `text`.
    """

    status = ExitStatus.CONFLICT
    code = "conflict"
    timezone = "UTC"
    """The clinic's zone, in which the conflicts' instants are told."""

    def __init__(
        self, message: str, conflicts: Sequence[Any] = (), alternatives: Sequence[Any] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.conflicts = tuple(conflicts)
        self.alternatives = tuple(alternatives)


class InvalidDataError(InfusionError):
    """An input file was rejected; `errors` are `LineError` values, all of them."""

    status = ExitStatus.INVALID_DATA
    code = "invalid-data"

    def __init__(self, message: str, errors: Sequence[Any] = (), hint: str = "") -> None:
        super().__init__(message, hint)
        self.errors = tuple(errors)


class StoreError(InfusionError):
    """The book is missing, locked, damaged, foreign, newer or unguarded."""

    status = ExitStatus.STORE
    code = "store"


class TransientError(StoreError):
    """The database gave the transaction up through no fault of it: nothing was written, the same again may do."""


class MailError(InfusionError):
    """The mail server cannot be reached, or takes no mail from us at all; safe to retry."""

    status = ExitStatus.STORE
    code = "mail"


class CalendarError(InfusionError):
    """The calendar server cannot be reached, or does not do what it is asked; safe to retry."""

    status = ExitStatus.STORE
    code = "calendar"


class EntryRefusedError(CalendarError):
    """The calendar server refuses a change of one entry; those of others may go through.

    `is_general` when a second refusal in a row would mean that it does so with every change.
    """

    def __init__(self, message: str, hint: str = "", *, is_general: bool = False) -> None:
        super().__init__(message, hint)
        self.is_general = is_general


class InterruptedCommandError(InfusionError):
    """Ctrl-C or SIGTERM: the message says whether the change was committed."""

    status = ExitStatus.INTERRUPTED
    code = "interrupted"
