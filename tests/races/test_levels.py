"""Two sessions of any program, in every order and at every level of isolation: the guard lets one of them in.

They do what a careless program would: begin, look whether the chair is free, claim it, commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from itertools import combinations
from typing import Any

import psycopg
import pytest
from builders import NOW, clinic, patient, text_of, visit, write
from databases import Connection, connect
from torture.figures import record

from infusion_cli.config import ServerUrl
from infusion_cli.store.repository import create_book

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
VISITS = (visit(0, chair="chair-2").id, visit(1, "2026-12-01T13:00", chair="chair-2").id)
DAY = 86_400

LOOK = "SELECT count(*) FROM claim WHERE resource_id = %(chair)s AND t0 < %(end)s AND t1 > %(start)s"
CLAIM = "INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units) VALUES ('main', %s, %s, %s, %s, 1)"
DOUBLED = """
SELECT count(*) FROM claim AS a JOIN claim AS b ON a.resource_id = b.resource_id AND a.appointment_id < b.appointment_id
WHERE a.t0 < b.t1 AND b.t0 < a.t1 AND a.resource_id = %s
"""

WITHOUT_EXCLUSION = ("ALTER TABLE claim DROP CONSTRAINT claim_alone",)
BY_LOOKING = (
    *WITHOUT_EXCLUSION,
    """CREATE OR REPLACE FUNCTION claim_capacity() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM 1 FROM resource WHERE id = NEW.resource_id FOR UPDATE;
      IF EXISTS (SELECT 1 FROM claim WHERE resource_id = NEW.resource_id AND t0 < NEW.t1 AND t1 > NEW.t0) THEN
        RAISE EXCEPTION 'guard:capacity';
      END IF;
      RETURN NEW;
    END $$""",
)
"""The guard that looks right and is not: it locks the chair's row without changing it."""
UNGUARDED = (*WITHOUT_EXCLUSION, "DROP TRIGGER claim_capacity ON claim")


class Session:
    """One of the two, which goes on step by step; a step that has to wait leaves the turn to the other."""

    def __init__(self, url: str, level: str, name: str, watch: Connection) -> None:
        self.connection = connect(url)
        self.connection.execute("SET deadlock_timeout = '50ms'")
        self.level, self.name, self.watch = level, name, watch
        self.end = ""
        """What became of it: `booked`, or who refused it."""
        self._pool = ThreadPoolExecutor(1)
        self._going_on: Future[None] | None = None

    def steps(self, chair: int, start: int) -> Sequence[tuple[str, dict[str, Any] | tuple[Any, ...] | None]]:
        end = start + 3600
        look = {"chair": chair, "start": start, "end": end}
        return (
            (f"BEGIN ISOLATION LEVEL {self.level}", None),
            (LOOK, look),
            (CLAIM, (chair, start, self.name, end)),
            ("COMMIT", None),
        )

    def take(self, step: tuple[str, Any]) -> None:
        """Begin a step, and return when it is done or waits for the other session."""
        self.finish()
        if not self.end:
            self._going_on = self._pool.submit(self._do, *step)
            while not wait([self._going_on], timeout=0.005).done and not self._is_blocked():
                pass

    def finish(self) -> None:
        """See the step that is going on to its end."""
        if self._going_on is not None:
            self._going_on.result(30)
            self._going_on = None

    def close(self) -> None:
        self._pool.shutdown()
        self.connection.close()

    def _do(self, sql: str, parameters: Any) -> None:
        try:
            found = self.connection.execute(sql.encode(), parameters)
        except psycopg.Error as error:
            self.end = str(error.sqlstate)
            self.connection.execute("ROLLBACK")
            return
        if sql == LOOK and found.fetchone() != (0,):
            self.end = "looked"
            self.connection.execute("ROLLBACK")
        elif sql == "COMMIT":
            self.end = "booked"

    @property
    def is_waiting(self) -> bool:
        """Whether its step cannot go on before the other session has ended."""
        return self._going_on is not None and not self._going_on.done() and self._is_blocked()

    def _is_blocked(self) -> bool:
        query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        return self.watch.execute(query, [self.connection.info.backend_pid]).fetchone() == (True,)


def orders() -> Iterator[list[int]]:
    """Every order in which two sessions can do four steps each."""
    for first in combinations(range(8), 4):
        yield [0 if place in first else 1 for place in range(8)]


@contextmanager
def two(url: str, level: str, watch: Connection) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        both = [Session(url, level, name, watch) for name in VISITS]
        for session in both:
            stack.callback(session.close)
        yield both


def play(url: str, level: str, changed: Sequence[str] = ()) -> Counter[tuple[str, ...]]:
    """Play every order, each on a day of its own; how they ended, and under `doubled` how often both got the chair."""
    with create_book(ServerUrl(url), text_of(clinic()), clinic(), NOW, "test") as store:
        write(store, *(patient(n) for n in range(2)))
        write(store, visit(0, chair="chair-2"), visit(1, "2026-12-01T13:00", chair="chair-2"))
    ends: Counter[tuple[str, ...]] = Counter()
    with connect(url) as watch:
        for statement in changed:
            watch.execute(statement.encode())
        ((chair,),) = watch.execute("SELECT id FROM resource WHERE kind = 'chair' AND ref = 'chair-1'").fetchall()
        with two(url, level, watch) as sessions:
            for number, order in enumerate(orders()):
                _play_one(sessions, order, chair, NOW + number * DAY)
                ends[tuple(sorted(session.end for session in sessions))] += 1
        ((doubled,),) = watch.execute(DOUBLED, [chair]).fetchall()
    assert sum(ends.values()) == 70
    ends["doubled",] = doubled
    return ends


def _play_one(sessions: Sequence[Session], order: Sequence[int], chair: int, start: int) -> None:
    left = [list(session.steps(chair, start)) for session in sessions]
    turns: list[int] = []
    for session in sessions:
        session.end = ""
    for turn in order:
        turns.append(turn)
        # Whoever waits for the other cannot go on yet: its steps come as soon as it can.
        for who in [who for who in turns if not sessions[who].is_waiting]:
            turns.remove(who)
            sessions[who].take(left[who].pop(0))
    for who in turns:
        sessions[who].take(left[who].pop(0))
    for session in sessions:
        session.finish()


@pytest.mark.parametrize("level", LEVELS)
def test_at_every_level_and_in_every_order_one_of_two_sessions_gets_the_chair(database_url: str, level: str) -> None:
    ends = play(database_url, level)
    record("interleavings", f"PostgreSQL {level}", orders=70, double_booked=ends["doubled",])
    assert ends.pop(("doubled",)) == 0
    assert all(end.count("booked") == 1 for end in ends)


def test_without_the_guard_they_both_get_it(database_url: str) -> None:
    ends = play(database_url, "READ COMMITTED", UNGUARDED)
    record("interleavings without the guard", "PostgreSQL READ COMMITTED", orders=70, double_booked=ends["doubled",])
    assert ends["doubled",] > 30


def test_a_guard_that_only_locks_and_changes_nothing_lets_both_in_at_a_stricter_level(database_url: str) -> None:
    ends = play(database_url, "REPEATABLE READ", BY_LOOKING)
    found = ends["doubled",]
    record("interleavings without the guard", "PostgreSQL FOR UPDATE, REPEATABLE READ", orders=70, double_booked=found)
    assert ends["doubled",] > 0


@pytest.mark.parametrize("level", LEVELS)
def test_the_exclusion_alone_lets_one_of_them_in(database_url: str, level: str) -> None:
    numbering = """CREATE OR REPLACE FUNCTION claim_capacity() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN SELECT number INTO NEW.alone FROM resource WHERE id = NEW.resource_id; RETURN NEW; END $$"""
    ends = play(database_url, level, [numbering])
    assert ends.pop(("doubled",)) == 0
    assert all(end.count("booked") == 1 for end in ends)
