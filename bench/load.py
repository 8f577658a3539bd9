"""A grown book put where it belongs, in bulk: guards, indexes and references come back when all is in."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from bulk import Founded, Row, Table, rows_of

from infusion_cli.config import Place, ServerUrl
from infusion_cli.store import guards, journal
from infusion_cli.store.repository import open_store
from infusion_cli.store.tables import SQLModel

AT_ONCE = 50_000
"""Rows that are kept until they are written together."""

_KEPT = {"clinic", "counter", "resource"}
"""Small tables whose keys stay while rows are loaded."""


class Clock:
    """Tells how long each step took."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()

    def tell(self, what: str) -> None:
        """Print what is done and the seconds since the last word, if there was time to notice."""
        now = time.perf_counter()
        if now - self.last > 1:
            print(f"({what}: {now - self.last:.0f} s)", flush=True)
        self.last = now

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.began


def founded(place: Place) -> Founded:
    """What a book holds in which there is nothing but its clinic."""
    with open_store(place) as store, store.reading(0) as reader:
        found = store.database.rows
        return Founded(
            reader.clinic,
            {(kind, ref): number for number, kind, ref, *_ in found("resources_all")},
            journal.head(store.database),
            dict(found("counters")),
        )


def by_table(rows: Iterable[Table]) -> Iterator[tuple[str, list[Row]]]:
    """Rows of one table at a time, many together."""
    waiting: dict[str, list[Row]] = defaultdict(list)
    for name, row in rows:
        waiting[name].append(row)
        if len(waiting[name]) == AT_ONCE:
            yield name, waiting.pop(name)
    yield from waiting.items()


def into_file(path: Path, visits: int) -> float:
    """Grow the new book in that file; gives the seconds that it took."""
    clock = Clock()
    rows = rows_of(founded(path), visits)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        guards.remove(connection)
        kept = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
        indexes = connection.execute(kept).fetchall()
        # What the planner is to believe goes with an index that is dropped.
        beliefs = connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("DELETE FROM counter")
        for name, several in by_table(rows):
            marks = ", ".join("?" * len(several[0]))
            connection.executemany(f"INSERT INTO {name} VALUES ('main', {marks})", several)
        clock.tell("rows")
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("DELETE FROM sqlite_stat1")
        connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", beliefs)
        guards.install(connection)
        connection.execute("COMMIT")
        clock.tell("indexes and guards")
    return clock.total


def into_server(url: ServerUrl, visits: int, clinics: int) -> float:
    """Grow the new book of the clinic there, and make as many clinics of it in all; gives the seconds.

    The others are copies under other names, made in the server, in turn: rows of all clinics lie beside
    each other as if they had worked at the same time.
    """
    clock = Clock()
    rows = rows_of(founded(url), visits)
    with psycopg.connect(url.url, autocommit=True) as connection:
        connection.execute("SET work_mem = '512MB'")
        guards.remove(connection, "postgresql")
        back = _strip(connection)
        connection.execute("DELETE FROM counter")
        for name, several in by_table(rows):
            _copy(connection, name, url.clinic, several)
        clock.tell("the first clinic's rows")
        if clinics > 1:
            for name in _names():
                _multiply(connection, name, clinics)
                clock.tell(f"{name}")
        for statement in back:
            connection.execute(statement)
            clock.tell(statement)
        guards.install(connection, "postgresql")
        clock.tell("guards")
        connection.execute("VACUUM (ANALYZE)")
        clock.tell("statistics")
    return clock.total


def clinic_name(number: int) -> str:
    """The name of a clinic, from 1."""
    return f"c{number:03d}"


def _names() -> list[str]:
    return [str(t.name) for t in SQLModel.metadata.sorted_tables if t.info.get("only", "postgresql") == "postgresql"]


def _columns(table: str) -> list[str]:
    return [f'"{c.name}"' for c in SQLModel.metadata.tables[table].columns]


def _copy(connection: psycopg.Connection[Any], table: str, clinic: str, several: Iterable[Row]) -> None:
    with connection.cursor().copy(f"COPY {table} ({', '.join(_columns(table))}) FROM STDIN") as copy:
        for row in several:
            copy.write_row((clinic, *row))


def _multiply(connection: psycopg.Connection[Any], table: str, clinics: int) -> None:
    """Every row of the one clinic once for each of the others."""
    connection.execute(f"CREATE UNLOGGED TABLE one AS SELECT * FROM {table}")
    columns = _columns(table)
    others = f"(SELECT 'c' || lpad(n::text, 3, '0') AS clinic FROM generate_series(2, {clinics}) AS n) AS other"
    into, chosen = ", ".join(columns), ", ".join(["other.clinic", *(f"one.{c}" for c in columns[1:])])
    alone = ""
    if table == "claim":
        # What the guards would have to put into every row afterwards.
        into, chosen = f"{into}, alone", f"{chosen}, r.number"
        alone = """LEFT JOIN resource AS r ON r.clinic_id = other.clinic AND r.id = one.resource_id
          AND r.kind IN ('chair', 'patient')"""
    connection.execute(f"INSERT INTO {table} ({into}) SELECT {chosen} FROM one CROSS JOIN {others} {alone}")
    connection.execute("DROP TABLE one")


def _strip(connection: psycopg.Connection[Any]) -> list[str]:
    """Take keys, references and indexes away; gives the statements that put them back, in order."""
    constraints = connection.execute("""
        SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid), contype::text
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
        ORDER BY contype = 'f', conrelid::regclass::text""").fetchall()
    indexes = connection.execute("""
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN (
          SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace)""").fetchall()
    keys, references = [], []
    for table, name, definition, kind in reversed(constraints):
        if table in _KEPT and kind != "f":
            continue
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        (references if kind == "f" else keys).append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    return [*keys, *(definition for _, _, definition in indexes), *references]
