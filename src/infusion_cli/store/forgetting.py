"""Take a person out of the journal: the chain stays whole, because it hashes digests and no payloads.

In every payload that tells of one of the person's records their states are replaced; those of other
people stay as they are. The payload loses its salt, so that nobody can try what it may have said
against the digest, and the operation that forgets keeps the digest of what it has become.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from infusion_cli.domain import names
from infusion_cli.domain.forgetting import forgotten, without_person
from infusion_cli.services.ports import Entry
from infusion_cli.store import journal
from infusion_cli.store.database import Database

_SHORTEST = 3
"""A shorter word says nothing about a person."""
_OF_A_LINE = "line:"
"""How a key begins that was made of a request's content, which can be tried."""


def forget(database: Database, entry: Entry) -> tuple[Entry, dict[str, Any]]:
    """Redact the past of the entry's records; gives the entry without the person, and what to journal of it."""
    known: set[str] = set()
    digests: dict[str, str] = {}
    ids = set(entry.forgets)
    listed = json.dumps(sorted(ids))
    for seq, text in database.rows("payloads_touching", records=listed):
        payload = json.loads(text) if text else []
        known |= set(_texts(payload, ids))
        fresh = [_redacted(part, ids) for part in payload]
        if fresh != payload:
            kept = journal.text_of(fresh)
            database.run("payload_redact", {"number": seq, "text": kept})
            digests[str(seq)] = journal.digest_of("", kept)
    _blank_keys(database, listed, ids, known)
    database.run("told_blank", {"records": listed})
    changes = [c._replace(before=forgotten(c.before) if c.before else None) for c in entry.changes]
    redaction = {"op": journal.REDACT, "reason": entry.reason, "payloads": digests}
    return entry._replace(changes=changes), redaction


def _redacted(part: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    if part.get("id") not in ids:
        return part
    states = {name: part[name] and without_person(part["entity"], part[name]) for name in ("before", "after")}
    return part | states


def _texts(payload: list[dict[str, Any]], ids: set[str]) -> Iterator[str]:
    """What the person could be recognised by, as letters and digits: each word of the name, and numbers whole."""
    for part in payload:
        if part["op"] != journal.REDACT and part["entity"] == "patient" and part["id"] in ids:
            for state in filter(None, (part["before"], part["after"])):
                address = state["email"].partition("@")[0]
                numbers = (_plain(text) for text in (state["mrn"], state["phone"], state["birth_date"], address))
                yield from (text for text in (*names.words(state["name"]), *numbers) if len(text) >= _SHORTEST)


def _plain(text: str) -> str:
    return "".join(names.words(text))


def _blank_keys(database: Database, listed: str, ids: set[str], known: set[str]) -> None:
    """What was asked and answered is gone; the key stays taken, under another name if it names the person."""
    for key, answer in database.rows("keys_touching", records=listed):
        records = json.loads(answer or "{}")
        if isinstance(records, list) and not ids.intersection(records):
            continue  # a line of a file about somebody else
        tells = key.startswith(_OF_A_LINE) or any(text in _plain(key) for text in known)
        fresh = f"forgotten:{os.urandom(16).hex()}" if tells else key
        database.run("key_blank", {"old": key, "fresh": fresh})
