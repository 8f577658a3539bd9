"""The journal: one operation a row, each hashing the one before.

A row hashes a salted digest of its payload and not the payload: that can later be emptied, so that a
person is forgotten, and the chain stays whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain import codec
from infusion_cli.domain.plan import Change
from infusion_cli.services.ports import Entry, Operation
from infusion_cli.store.database import MAIN, Database, Row


class Head(NamedTuple):
    """The newest operation: its number (0 in an empty journal) and its hash."""

    seq: int
    hash: str


class Break(NamedTuple):
    """Where the journal is not what was written, and how."""

    seq: int
    message: str


def head(database: Database) -> Head:
    """The end of the chain."""
    return head_of(database.rows("head"))


def head_of(found: Sequence[Row]) -> Head:
    """The end of the chain, from what the statement `head` found."""
    return Head(*found[0]) if found else Head(0, "")


def append(database: Database, entry: Entry, operation_id: str, now: int, tz: ZoneInfo) -> Operation:
    """Write the operation, its payload and what it touched; `now` in seconds since 1970 UTC."""
    before = head(database)
    seq = before.seq + 1
    changes = json.dumps([codec.encode_change(c, tz) for c in entry.changes], ensure_ascii=False, separators=(",", ":"))
    salt = os.urandom(16).hex()
    fields: dict[str, Any] = {
        "seq": seq,
        "id": operation_id,
        "at": now,
        "actor": entry.actor,
        "command": entry.command,
        "undoes": entry.undoes,
        "digest": digest_of(salt, changes),
        "prev": before.hash,
    }
    touched = dict.fromkeys(c.id for c in entry.changes)
    with database.together():
        database.run("operation_add", {**fields, "hash": hash_of(*fields.values())})
        database.run("payload_add", {"seq": seq, "salt": salt, "changes": changes})
        database.run_many("touched_add", ({"record_id": record, "seq": seq} for record in touched))
    return Operation(operation_id, seq, now, entry.actor, entry.command, entry.undoes, None, tuple(entry.changes))


def operation_of(row: Row, record: str | None = None) -> Operation:
    """An operation of the columns id, seq, at, actor, command, undoes, undone_by, changes (of one record, or all)."""
    return Operation._make([*row[:7], changes_of(row[7], record)])


def changes_of(text: str | None, record: str | None = None) -> tuple[Change, ...]:
    """The changes of a payload, those of one record or all; none when it was emptied."""
    found = json.loads(text) if text else ()
    return tuple(codec.decode_change(c) for c in found if record in {None, c["id"]})


def digest_of(salt: str, changes: str) -> str:
    """What stands for a payload in the chain (64 hexadecimal digits)."""
    return hashlib.sha256((salt + changes).encode()).hexdigest()


def hash_of(*fields: Any) -> str:
    """The hash of seq, id, at, actor, command, undoes, digest, prev, in a text that can be read in one way only.

    It begins the same in every book: a clinic's journal may move to a database where it has another name.
    """
    return hashlib.sha256(json.dumps([MAIN, *fields]).encode()).hexdigest()


def verify(database: Database) -> list[Break]:
    """Every payload that was changed, and the first row at which the chain breaks; empty when all is whole.

    A tail that was cut off cannot be seen in here: compare `head` with what was noted elsewhere.
    """
    found: list[Break] = []
    seq, prev = 0, ""
    for row in database.rows("chain"):
        link, (salt, changes) = row[:9], row[9:]
        broken = _broken(link, seq + 1, prev)
        if broken:
            return [*found, Break(link[0], broken)]
        seq, prev = link[0], link[8]
        if changes is None:
            found.append(Break(seq, f"what operation {link[1]} changed is missing"))
        elif changes and digest_of(salt, changes) != link[6]:
            found.append(Break(seq, f"what operation {link[1]} changed was rewritten"))
    return found


def _broken(link: Row, seq: int, prev: str) -> str:
    if link[0] != seq:
        return f"operation number {seq} is missing"
    if link[7] != prev:
        return f"operation {link[1]} does not follow the one before it"
    if hash_of(*link[:8]) != link[8]:
        return f"operation {link[1]} was rewritten"
    return ""
