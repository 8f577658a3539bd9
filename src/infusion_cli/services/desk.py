"""The one write path: lock, look, decide, write, journal; and the answer under a key."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from infusion_cli.domain.plan import Change, Conflict, merge, revise
from infusion_cli.errors import ConflictError, TransientError
from infusion_cli.services import renewal
from infusion_cli.services.ports import Answer, Entry, Key, Operation, Store, Writer

T = TypeVar("T")

TRIES = 4
"""How often a transaction is begun that the database gives up through no fault of it."""


class Desk(NamedTuple):
    """Somebody at work on a book: who, when, and how the command is to be carried out."""

    store: Store
    now: int
    actor: str
    dry_run: bool = False
    key: str | None = None


class Decision(NamedTuple):
    """What is to be written; empty `changes` mean that all is as wanted already."""

    changes: Sequence[Change]
    conflicts: Sequence[Conflict] = ()
    """Soft ones, to be shown."""
    summary: Mapping[str, Any] = {}
    keys: Sequence[Key] = ()
    """Further idempotency keys that the operation leaves behind."""
    undoes: str | None = None
    """The operation that this one takes back."""
    forgets: Sequence[str] = ()
    """Ids of records whose past is to be taken out of the journal."""
    reason: str = ""
    """Why they are forgotten."""
    answers: Mapping[str, Answer] = {}
    """What older operations are to have left behind by now, by key; it is no part of the journal."""


class Outcome(NamedTuple):
    """What was written, or was already there."""

    changes: tuple[Change, ...]
    operation: str
    """Id of the operation, empty when nothing was written."""
    conflicts: tuple[Conflict, ...] = ()
    summary: Mapping[str, Any] = {}
    replayed: bool = False
    """The key was used before: this is the first answer."""


def carry_out(
    desk: Desk,
    command: str,
    request: Mapping[str, Any],
    decide: Callable[[Writer], Decision],
) -> Outcome:
    """Decide under the write lock and write what was decided, all or nothing.

    A transaction that the database gives up is begun again, everything looked at and decided anew.
    Raises whatever `decide` raises, `ConflictError` when the desk's key stands for another request
    or a guard refuses, `StoreError` when the lock cannot be had.
    """
    digest = digest_of(command, request)

    def work(writer: Writer) -> Outcome:
        known = replay(writer, desk.key, digest) if desk.key is not None else None
        return known or _write(desk, command, digest, decide(writer), writer)

    return under_lock(desk.store, desk.now, work)


def under_lock(store: Store, now: int, work: Callable[[Writer], T]) -> T:
    """Do the work under the write lock; what the database gives up is begun again from the start.

    Raises whatever `work` raises and `StoreError` when the lock cannot be had.
    """
    try:
        for left in reversed(range(TRIES)):
            try:
                with store.writing(now) as writer:
                    return work(writer)
            except TransientError:
                if not left:
                    raise
        raise AssertionError
    finally:
        # Ctrl-C may fall between the commit and the answer: what was committed is remembered.
        _committed.append(store.committed)


_committed: list[bool] = []


def has_committed() -> bool:
    """Whether this process has committed anything."""
    return any(_committed)


def _write(desk: Desk, command: str, digest: str, decision: Decision, writer: Writer) -> Outcome:
    changes = renewal.with_renewed(writer, [revise(c, desk.now) for c in merge(decision.changes)])
    summary = dict(decision.summary)
    writer.put_answers(decision.answers)
    if not changes and not decision.keys:
        if desk.dry_run:
            writer.discard()
        return Outcome((), "", tuple(decision.conflicts), summary)
    keys = list(decision.keys)
    if desk.key is not None:
        keys.append(Key(desk.key, digest, json.dumps(summary)))
    entry = Entry(command, desk.actor, changes, decision.undoes, keys, decision.forgets, decision.reason)
    done = writer.write(entry)
    if desk.dry_run:
        writer.discard()
    return Outcome(changes, done.id, tuple(decision.conflicts), summary)


def replay(writer: Writer, key: str, digest: str) -> Outcome | None:
    """The first answer under a key, None when the key is new.

    Raises `ConflictError` when the key was used with another request.
    """
    known = writer.answers([key]).get(key)
    if known is None:
        return None
    if not known.request:
        raise ConflictError(
            f"What the key {key!r} stood for has been forgotten (operation {known.operation}); nothing was written.",
            hint="choose a new key, or leave --key out",
        )
    if known.request != digest:
        raise ConflictError(
            f"The key {key!r} was used for another request (operation {known.operation}).",
            hint="choose a new key, or leave --key out",
        )
    done: Operation | None = writer.operation(known.operation)
    changes = done.changes if done else ()
    return Outcome(changes, known.operation, (), json.loads(known.answer or "{}"), replayed=True)


def digest_of(command: str, request: Mapping[str, Any]) -> str:
    """A digest that is equal for equal requests."""
    return hashlib.sha256(json.dumps([command, request], sort_keys=True).encode()).hexdigest()


def new_uid() -> str:
    """A calendar UID: random, opaque, at a domain that belongs to nobody (RFC 2606)."""
    return f"{os.urandom(16).hex()}@calendar.invalid"
