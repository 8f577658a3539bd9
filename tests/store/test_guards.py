"""The guards hold against plain SQL, without any help of the program."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, block, book, file_of, patient, place, visit, write
from outside import Outside, Where

from infusion_cli.store import guards
from infusion_cli.store.repository import BookStore, open_store

INSERT = """INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units)
VALUES ('main', :resource, :t0, :visit, :t1, :units)"""
DAY = 86_400


class Intruder:
    """Another program at the same book, which knows nothing of ours; in the end all that it did is taken back."""

    def __init__(self, book: Outside) -> None:
        self.book = book

    def run(self, sql: str, **parameters: Any) -> None:
        """Run a statement; one that is refused leaves all as it was before it."""
        self.book.run("SAVEPOINT before")
        try:
            self.book.run(sql, parameters)
        except Exception:
            self.book.run("ROLLBACK TO before")
            raise

    def number(self, sql: str, **parameters: Any) -> int:
        """The one number that a query gives."""
        return int(*self.book.rows(sql, parameters)[0].values())


def found(store: BookStore) -> None:
    """Eight patients, and a cancelled visit of each."""
    write(store, *(patient(n) for n in range(8)), block(), *(visit(n, status="cancelled") for n in range(8)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Where]:
    """A book that no test changes for good."""
    databases = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    at = databases.fresh_database() if databases else tmp_path_factory.mktemp("guards") / "book.db"
    with book(place(at)) as made:
        found(made)
    yield at
    if databases:
        databases.drop_database(at)


@pytest.fixture
def raw(where: Where) -> Iterator[Intruder]:
    """Somebody in the middle of a transaction."""
    with Outside(where) as outside:
        if not outside.is_server:
            outside.run("PRAGMA foreign_keys=ON")
        outside.run("BEGIN")
        yield Intruder(outside)
        outside.run("ROLLBACK")


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody at a book in a file, who does not keep references."""
    with book(tmp_path / "book.db") as made:
        found(made)
        with closing(sqlite3.connect(file_of(made).path, isolation_level=None)) as connection:
            yield connection


def resource(raw: Intruder, kind: str, capacity: int | None = None) -> int:
    """The number of the first resource of a kind, with another capacity if one is given."""
    of = raw.number("SELECT min(id) FROM resource WHERE kind = :kind", kind=kind)
    if capacity is not None:
        raw.run("UPDATE resource SET capacity = :capacity WHERE id = :of", capacity=capacity, of=of)
    return of


def claim(raw: Intruder, of: int, t0: int, t1: int, units: int = 1, number: int = 0) -> None:
    raw.run(INSERT, resource=of, t0=t0, visit=visit(number).id, t1=t1, units=units)


def refused(raw: Intruder, sql: str, guard: str) -> None:
    with pytest.raises(Exception, match=rf"^guard:{guard}\b"):
        raw.run(sql)


def test_a_chair_is_claimed_once_at_a_time(raw: Intruder) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 1000, 2000)
    for t0, t1 in ((1000, 2000), (500, 1001), (1999, 3000), (1200, 1300), (0, 5000)):
        with pytest.raises(Exception, match=r"^guard:capacity"):
            claim(raw, chair, t0, t1, number=1)


def test_claims_that_only_touch_do_not_collide(raw: Intruder) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 1000, 2000)
    claim(raw, chair, 2000, 3000, number=1)
    claim(raw, chair, 0, 1000, number=2)
    assert raw.number("SELECT count(*) FROM claim") == 3


def test_a_claim_of_a_whole_day_is_seen_from_its_last_second(raw: Intruder) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 0, DAY)
    with pytest.raises(Exception, match=r"^guard:capacity"):
        claim(raw, chair, DAY - 1, DAY, number=1)
    claim(raw, chair, DAY, DAY + 1, number=1)


def test_the_load_counts_where_claims_overlap_and_not_in_sum(raw: Intruder) -> None:
    hands = resource(raw, "hands", 2)
    claim(raw, hands, 0, 100)
    claim(raw, hands, 100, 200, number=1)
    claim(raw, hands, 50, 150, number=2)
    with pytest.raises(Exception, match=r"^guard:capacity"):
        claim(raw, hands, 0, 200, number=3)


def test_a_peak_inside_the_new_claim_is_found(raw: Intruder) -> None:
    hands = resource(raw, "hands", 3)
    claim(raw, hands, 400, 600)
    claim(raw, hands, 500, 700, number=1)
    claim(raw, hands, 0, 1000, number=2)
    with pytest.raises(Exception, match=r"^guard:capacity"):
        claim(raw, hands, 100, 550, number=3)
    claim(raw, hands, 100, 500, number=3)


def random_claims(raw: Intruder, seed: int) -> tuple[int, int, int]:
    """Claims at random: how many were taken, how many refused, and the worst load of any second."""
    chance = random.Random(seed)
    hands = resource(raw, "hands", 3)
    load = [0] * 400
    taken = refusals = 0
    for number in range(120):
        t0 = chance.randrange(300)
        t1, units = t0 + chance.randrange(1, 90), chance.randrange(1, 3)
        fits = max(load[t0:t1]) + units <= 3
        try:
            claim(raw, hands, t0, t1, units, number % 8)
        except Exception as error:
            if str(error).startswith("guard:"):
                assert not fits
                refusals += 1
            elif "appointment_id" not in str(error):  # one visit cannot claim twice from the same moment on
                raise
            continue
        load[t0:t1] = [x + units for x in load[t0:t1]]
        taken += 1
    return taken, refusals, max(load)


@pytest.mark.parametrize("seed", range(5))
def test_the_guard_agrees_with_plain_counting_second_by_second(raw: Intruder, seed: int) -> None:
    taken, refusals, worst = random_claims(raw, seed)
    assert worst <= 3
    assert taken > 10
    assert refusals > 10


def test_without_the_guard_the_same_claims_overbook(raw: Intruder) -> None:
    raw.run(f"DROP TRIGGER claim_capacity{' ON claim' if raw.book.is_server else ''}")
    assert random_claims(raw, 0)[2] > 3


@pytest.mark.parametrize(("t0", "t1", "units"), [(100, 100, 1), (100, 50, 1), (0, DAY + 1, 1), (0, 100, 0)])
def test_a_claim_without_length_or_units_or_longer_than_a_day_is_refused(
    raw: Intruder, t0: int, t1: int, units: int
) -> None:
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        claim(raw, resource(raw, "chair"), t0, t1, units)


def test_a_claim_is_never_changed_in_place(raw: Intruder) -> None:
    claim(raw, resource(raw, "chair"), 0, 100)
    refused(raw, "UPDATE claim SET t1 = 50", "claim-update")


def test_a_capacity_falls_only_to_what_claims_still_need(raw: Intruder) -> None:
    hands = resource(raw, "hands", 3)
    claim(raw, hands, 1000, 2000)
    claim(raw, hands, 1500, 2500, number=1)
    refused(raw, f"UPDATE resource SET capacity = 1, lowered_at = 0 WHERE id = {hands}", "lowering")
    refused(raw, f"UPDATE resource SET capacity = 1, lowered_at = 1999 WHERE id = {hands}", "lowering")
    raw.run(f"UPDATE resource SET capacity = 2, lowered_at = 0 WHERE id = {hands}")
    raw.run(f"UPDATE resource SET capacity = 1, lowered_at = 2000 WHERE id = {hands}")
    refused(raw, f"UPDATE resource SET capacity = 0, lowered_at = 2499 WHERE id = {hands}", "lowering")
    raw.run(f"UPDATE resource SET capacity = 0, lowered_at = 2500 WHERE id = {hands}")


@pytest.mark.parametrize(
    ("sql", "guard"),
    [
        ("DELETE FROM resource WHERE kind = 'hands'", "resource-delete"),
        ("UPDATE resource SET ref = 'chair-9' WHERE ref = 'chair-1'", "resource-identity"),
        ("UPDATE operation SET actor = 'somebody else'", "journal-append-only"),
        ("DELETE FROM operation", "journal-append-only"),
        ("DELETE FROM payload", "journal-append-only"),
        ("UPDATE payload SET changes = '[]'", "journal-append-only"),
        ("UPDATE payload SET changes = ''", "journal-append-only"),
        ("UPDATE payload SET changes = '', salt = '', seq = seq + 10", "journal-append-only"),
    ],
)
def test_history_and_capacities_cannot_be_rewritten(raw: Intruder, sql: str, guard: str) -> None:
    refused(raw, sql, guard)


OPERATION = (
    "INSERT INTO operation SELECT 'main', {seq}, {id}, 0, 'x', 'x', NULL, '', {prev}, 'h' FROM operation WHERE seq = 2"
)


@pytest.mark.parametrize(
    ("seq", "name", "prev"),
    [("4", "'new'", "hash"), ("2", "'new'", "hash"), ("3", "'new'", "'other'")],
)
def test_an_operation_that_does_not_follow_the_last_is_refused(
    raw: Intruder,
    seq: str,
    name: str,
    prev: str,
) -> None:
    refused(raw, OPERATION.format(seq=seq, id=name, prev=prev), "journal-order")


def test_an_operation_under_the_id_of_another_is_refused(raw: Intruder) -> None:
    with pytest.raises(Exception, match=r"^guard:journal-order|unique constraint"):
        raw.run(OPERATION.format(seq=3, id="id", prev="hash"))


def test_the_operation_that_follows_is_taken(raw: Intruder) -> None:
    raw.run(OPERATION.format(seq=3, id="'new'", prev="hash"))
    assert raw.number("SELECT max(seq) FROM operation") == 3


def test_a_payload_may_be_forgotten_with_its_salt(raw: Intruder) -> None:
    raw.run("UPDATE payload SET changes = '', salt = '' WHERE seq = 2")
    assert raw.number("SELECT count(*) FROM payload WHERE changes = ''") == 1


def test_guards_that_are_all_there_do_not_differ(where: Where) -> None:
    with open_store(place(where)) as store:
        store.database.begin_reading()
        assert store.database.wrong_guards() == []
        assert set(guards.expected(store.database.dialect)) == set(store.database.guards())


def test_differences_name_what_is_missing_changed_or_strange() -> None:
    found = dict(guards.expected())
    del found["claim_update"]
    found["claim_capacity"] += " -- weaker"
    found["mine"] = "CREATE TRIGGER mine ..."
    assert guards.differences(found) == [
        "the guard claim_update is missing",
        "the guard claim_capacity was changed",
        "the trigger mine is not ours",
    ]


def test_records_keep_to_their_constraints(raw: Intruder) -> None:
    for sql in (
        'UPDATE appointment SET "end" = start',
        'UPDATE appointment SET leave = "end" + 1',
        "UPDATE appointment SET status = 'maybe'",
        f'UPDATE appointment SET start = {NOW}, leave = {NOW}, "end" = {NOW} + 86401',
        "UPDATE block SET kind = 'moon'",
        "UPDATE patient SET status = 'gone'",
    ):
        with pytest.raises(Exception, match=r"(?i)check constraint"):
            raw.run(sql)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        raw.run("UPDATE appointment SET patient = 'nobody'")


# What only a file allows


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
def test_no_conflict_clause_gets_round_the_capacity(in_file: sqlite3.Connection, verb: str) -> None:
    chair = in_file.execute("SELECT min(id) FROM resource WHERE kind = 'chair'").fetchone()[0]
    first = {"resource": chair, "t0": 0, "visit": visit(0).id, "t1": 100, "units": 1}
    in_file.execute(INSERT, first)
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        in_file.execute(INSERT.replace("INSERT", verb), first | {"t0": 50, "visit": visit(1).id, "t1": 150})


def test_a_claim_of_an_unknown_resource_is_refused_even_without_references(in_file: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        in_file.execute(INSERT, {"resource": 999, "t0": 0, "visit": visit(0).id, "t1": 100, "units": 1})


@pytest.mark.parametrize(
    ("sql", "guard"),
    [
        (
            "INSERT OR REPLACE INTO resource SELECT clinic_id, id, kind, ref, 9, seq, 0 FROM resource",
            "resource-replace",
        ),
        ("INSERT OR REPLACE INTO operation SELECT * FROM operation WHERE seq = 1", "journal-order"),
        ("INSERT OR REPLACE INTO payload SELECT clinic_id, seq, salt, '[]' FROM payload", "journal-append-only"),
    ],
)
def test_nothing_is_replaced_in_a_file(in_file: sqlite3.Connection, sql: str, guard: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=f"^guard:{guard}$"):
        in_file.execute(sql)
