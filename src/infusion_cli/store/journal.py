"""The journal: one operation a row, each hashing the one before.

A row hashes a salted digest of its payload and not the payload: that can later be emptied, so that a
person is forgotten, and the chain stays whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain import codec
from infusion_cli.domain.forgetting import COMMAND
from infusion_cli.services.ports import Entry, Operation
from infusion_cli.store.database import MAIN, Database, Row

REDACT = "redact"
"""The part of a payload that tells which older payloads were redacted, by number, and the digest of each now."""


class Head(NamedTuple):
    """The newest operation: its number (0 in an empty journal) and its hash."""

    seq: int
    hash: str


class Break(NamedTuple):
    """Where the journal is not what was written, and how."""

    seq: int
    message: str


class Verdict(NamedTuple):
    """What came of verifying: how many operations there are, the newest, and what is wrong, the first first."""

    operations: int
    head: Head
    breaks: list[Break]


def head(database: Database) -> Head:
    """The end of the chain."""
    return head_of(database.rows("head"))


def head_of(found: Sequence[Row]) -> Head:
    """The end of the chain, from what the statement `head` found."""
    return Head(*found[0]) if found else Head(0, "")


def append(
    database: Database,
    entry: Entry,
    operation_id: str,
    now: int,
    tz: ZoneInfo,
    redaction: Mapping[str, Any] | None = None,
) -> Operation:
    """Write the operation, its payload and what it touched; `now` in seconds since 1970 UTC.

    `redaction` tells which older payloads it took somebody out of.
    """
    before = head(database)
    seq = before.seq + 1
    changes = text_of([*(codec.encode_change(c, tz) for c in entry.changes), *([redaction] if redaction else ())])
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
    made = tuple(entry.changes)
    return Operation(operation_id, seq, now, entry.actor, entry.command, entry.undoes, None, made, entry.reason)


def text_of(payload: list[Any]) -> str:
    """A payload as it is kept."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def operation_of(row: Row, record: str | None = None) -> Operation:
    """An operation of the columns id, seq, at, actor, command, undoes, undone_by, changes (of one record, or all)."""
    changed, redaction = parts_of(row[7])
    changes = tuple(codec.decode_change(c) for c in changed if record in {None, c["id"]})
    return Operation._make([*row[:7], changes, redaction.get("reason", "")])


def parts_of(text: str | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The changes of a payload, none when it was emptied; and what it redacted, if it did."""
    found = json.loads(text) if text else []
    redactions = [part for part in found if part["op"] == REDACT]
    return [part for part in found if part["op"] != REDACT], redactions[0] if redactions else {}


def digest_of(salt: str, changes: str) -> str:
    """What stands for a payload in the chain (64 hexadecimal digits)."""
    return hashlib.sha256((salt + changes).encode()).hexdigest()


def hash_of(*fields: Any) -> str:
    """The hash of seq, id, at, actor, command, undoes, digest, prev, in a text that can be read in one way only.

    It begins the same in every book: a clinic's journal may move to a database where it has another name.
    """
    return hashlib.sha256(json.dumps([MAIN, *fields]).encode()).hexdigest()


def examine(database: Database, noted: Head | None = None) -> Verdict:
    """Verify the journal, and that it still holds the operation that was noted elsewhere; its hash may be shortened."""
    database.begin_reading()
    try:
        end, breaks = head(database), verify(database)
        if noted:
            breaks += _without(database, noted, end)
        counts = database.row("counts") or (0,)
        return Verdict(counts[-1], end, sorted(breaks))
    finally:
        database.rollback()


def _without(database: Database, noted: Head, end: Head) -> list[Break]:
    if noted.seq > end.seq:
        message = f"the journal ends at number {end.seq}, but number {noted.seq} was noted: its end was cut off"
        return [Break(end.seq + 1, message)]
    there = database.row("link", seq=noted.seq)
    if there and str(there[0]).startswith(noted.hash):
        return []
    return [Break(noted.seq, f"operation number {noted.seq} is not the one that was noted")]


def verify(database: Database) -> list[Break]:
    """Every payload that was changed, and the first row at which the chain breaks; empty when all is whole.

    A tail that was cut off cannot be seen in here: compare `head` with what was noted elsewhere.
    """
    found: list[Break] = []
    seq, prev = 0, ""
    rows = database.rows("chain")
    redacted = _redacted(rows)
    for row in rows:
        link, (salt, changes) = row[:9], row[9:]
        broken = _broken(link, seq + 1, prev)
        if broken:
            return [*found, Break(link[0], broken)]
        seq, prev = link[0], link[8]
        if changes is None:
            found.append(Break(seq, f"what operation {link[1]} changed is missing"))
        elif changes and not _is_as_written(salt, changes, link[6], redacted.get(seq)):
            found.append(Break(seq, f"what operation {link[1]} changed was rewritten"))
    return found


def _redacted(rows: Sequence[Row]) -> dict[int, str]:
    """The digest of every payload out of which somebody was taken, as the newest redaction left it."""
    found: dict[int, str] = {}
    for row in rows:
        if row[4] == COMMAND and row[10]:
            listed = parts_of(row[10])[1].get("payloads", {})
            found |= {int(number): digest for number, digest in listed.items()}
    return found


def _is_as_written(salt: str, changes: str, digest: str, redacted: str | None) -> bool:
    """Whether a payload is what was journalled, or what a later operation made of it."""
    if redacted is None:
        return digest_of(salt, changes) == digest
    return not salt and digest_of("", changes) == redacted


def _broken(link: Row, seq: int, prev: str) -> str:
    if link[0] != seq:
        return f"operation number {seq} is missing"
    if link[7] != prev:
        return f"operation {link[1]} does not follow the one before it"
    if hash_of(*link[:8]) != link[8]:
        return f"operation {link[1]} was rewritten"
    return ""
