"""A PostgreSQL server: reaching it, what its refusals mean, what its catalogue tells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from infusion_cli.config import ServerUrl
from infusion_cli.errors import StoreError, TransientError, UsageError
from infusion_cli.store.database import GuardError, Row

if TYPE_CHECKING:
    import psycopg

REACH = 60.0
"""Seconds for which a lost server is reached for: a standby takes over within that time."""

_SETTINGS = {
    "application_name": "infusion",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    # A machine that is gone says nothing: without these a desk would wait for it for hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    # A desk that is gone, in the middle of a change, must not keep the others waiting for ever.
    "options": "-c idle_in_transaction_session_timeout=300000",
}


class LockedError(StoreError):
    """Another desk held the lock for longer than one may wait."""


class LostError(TransientError):
    """The connection is gone."""


def connect(url: ServerUrl) -> psycopg.Connection[Row]:
    """A connection on which we say ourselves when a transaction begins; raises StoreError or UsageError."""
    driver = _driver()
    try:
        named = driver.conninfo.conninfo_to_dict(url.url)
    except driver.ProgrammingError:
        raise UsageError(
            "The address of the database cannot be read.", "write postgresql://user@host:5432/database"
        ) from None
    settings = {name: value for name, value in _SETTINGS.items() if name not in named}
    if "," in str(named.get("host", "")) and "target_session_attrs" not in named:
        settings["target_session_attrs"] = "read-write"
    try:
        return cast("psycopg.Connection[Row]", driver.connect(url.url, autocommit=True, **settings))
    except driver.Error as error:
        raise _unreached(str(error), url) from None


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        raise UsageError(
            "PostgreSQL needs the extra `postgres`, which is not installed.", "pip install 'infusion-cli[postgres]'"
        ) from None
    import logging

    # It would print on stderr what is told in one sentence of ours.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    return psycopg


_UNREACHED = (
    ("password authentication failed", "The password or user for {place} is wrong.", "check INFUSION_DB or .pgpass"),
    ("no password supplied", "{place} asks for a password.", "give it in .pgpass or PGPASSFILE"),
    ("no pg_hba.conf entry", "{place} does not let this user or machine in.", "ask whoever runs the server"),
    (r"role .* does not exist", "The user named for {place} does not exist.", "check INFUSION_DB"),
    (r"database .* does not exist", "There is no such database: {place}.", "check INFUSION_DB, or create it"),
    ("permission denied for database", "This user may not use {place}.", "ask whoever runs the server"),
    ("session is (read-only|not read-write)", "No server of {place} can be written now.", "the same command again"),
    ("too many (clients|connections)", "{place} has no connection left.", "the same command again in a moment"),
)


def _unreached(text: str, url: ServerUrl) -> StoreError:
    for pattern, message, hint in _UNREACHED:
        if re.search(pattern, text):
            return StoreError(message.format(place=url), hint)
    message = f"The database {url} cannot be reached; nothing was written."
    return StoreError(message, "check the address, then the same again")


def no_such_clinic(name: str, there: Sequence[str], place: str) -> StoreError:
    """The error for a clinic that is not in the database, or that was not named among several."""
    if not there:
        return StoreError(f"There is no book yet at {place}.", "infusion init")
    listed = ", ".join(there)
    if not name:
        return StoreError(f"Several clinics share {place}.", f"set INFUSION_CLINIC to one of {listed}")
    return StoreError(f"There is no clinic {name!r} at {place}.", f"set INFUSION_CLINIC to one of {listed}")


def refusal_of(error: psycopg.Error, place: str) -> StoreError | None:
    """What a refusal of the server means for the user; None when it is a mistake of the program."""
    state, text = error.sqlstate or "", error.diag.message_primary or str(error)
    if text.startswith("guard:"):
        where = (error.diag.message_detail or "").split()
        claim = (int(where[0]), int(where[1]), where[2]) if len(where) == 3 else None
        return GuardError(text.removeprefix("guard:"), claim)
    if error.diag.constraint_name == "claim_alone":
        return GuardError("capacity")
    if state == "55P03":
        return LockedError(f"{place} is locked by another desk; nothing was written.", "the same command again")
    for beginning, kind, message, hint in _REFUSALS:
        if state.startswith(beginning):
            return kind(message.format(place=place, text=_without_values(text)), hint)
    if not state and _is_lost(error):
        return LostError(f"The connection to {place} was lost; nothing was written.", "the same command again")
    return None


_AGAIN = "the same command again"
_REFUSALS: tuple[tuple[str, type[StoreError], str, str], ...] = (
    ("40", TransientError, "{place} gave the change up; nothing was written.", _AGAIN),
    ("08", LostError, "The connection to {place} was lost; nothing was written.", _AGAIN),
    ("57P", LostError, "{place} was shut down; nothing was written.", _AGAIN),
    ("25P03", LostError, "{place} would wait no longer; nothing was written.", _AGAIN),
    ("57014", TransientError, "{place} stopped the change; nothing was written.", _AGAIN),
    ("25006", StoreError, "{place} can only be read, not written.", "name the primary server in INFUSION_DB"),
    ("42501", StoreError, "This user may not do that at {place} ({text}).", "docs/postgresql.md says which rights"),
    ("42P01", StoreError, "{place} is damaged ({text}).", "infusion db check"),
    ("22", StoreError, "A text holds a character that the book cannot keep; nothing was written.", "type it again"),
    ("23", StoreError, "The book refused the change ({text}); nothing was written.", ""),
    ("53100", StoreError, "The disk of {place} is full; nothing was written.", "make room, then the same again"),
    ("53", StoreError, "{place} has not enough resources; nothing was written.", _AGAIN),
    ("58", StoreError, "The disk of {place} failed; nothing was written.", "infusion db check"),
    ("XX", StoreError, "{place} is damaged ({text}).", "infusion db restore BACKUP, into another database"),
)


def _without_values(text: str) -> str:
    """The server's first line: names of tables and constraints, never what stands in a row."""
    return text.splitlines()[0] if text else ""


def _is_lost(error: psycopg.Error) -> bool:
    return type(error).__name__ == "OperationalError"


CATALOGUE = """
SELECT c.relname, string_agg(
  a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
  ', ' ORDER BY a.attnum)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  AND (c.relname, a.attname) NOT IN (('claim', 'alone'), ('resource', 'number'))
GROUP BY c.relname
UNION ALL
SELECT i.relname, c.relname || ' (' || string_agg(a.attname, ', ' ORDER BY a.attnum) || ')'
FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS c ON c.oid = x.indrelid
JOIN pg_attribute AS a ON a.attrelid = i.oid
WHERE c.relnamespace = current_schema()::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid)
GROUP BY i.relname, c.relname
"""
"""Tables and indexes of our schema, but for what the guards add and what constraints bring with them."""

DAMAGE = """
SELECT 'The constraint ' || conname || ' was never checked.' FROM pg_constraint
WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
UNION ALL
SELECT 'The index ' || indexrelid::regclass || ' is not kept.' FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
WHERE NOT (indisvalid AND indisready) AND c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT checksum_failures || ' pages of the database were damaged.' FROM pg_stat_database
WHERE datname = current_database() AND checksum_failures > 0
"""

ABOUT = """
SELECT pg_database_size(current_database()), current_setting('server_version'),
  pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'claim'::regclass), 'USAGE')::int
"""
