"""The guards hold against plain SQL, without any help of the program."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW, block, book, file_of, patient, visit, write

from infusion_cli.store import guards
from infusion_cli.store.repository import BookStore

INSERT = "INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units) VALUES ('main', ?, ?, ?, ?, ?)"
DAY = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BookStore]:
    with book(tmp_path / "book.db") as made:
        write(made, *(patient(n) for n in range(8)), *(visit(n, status="cancelled") for n in range(8)))
        yield made


@pytest.fixture
def raw(store: BookStore) -> Iterator[sqlite3.Connection]:
    """Another program on the same file, which knows nothing of ours but keeps references."""
    connection = sqlite3.connect(file_of(store).path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    yield connection
    connection.close()


def resource(raw: sqlite3.Connection, kind: str, capacity: int | None = None) -> int:
    """The number of the first resource of a kind, with another capacity if one is given."""
    found: int = raw.execute("SELECT min(id) FROM resource WHERE kind = ?", (kind,)).fetchone()[0]
    if capacity is not None:
        raw.execute("UPDATE resource SET capacity = ? WHERE id = ?", (capacity, found))
    return found


def claim(raw: sqlite3.Connection, of: int, t0: int, t1: int, units: int = 1, number: int = 0) -> None:
    raw.execute(INSERT, (of, t0, visit(number).id, t1, units))


def refused(raw: sqlite3.Connection, sql: str, guard: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=f"^guard:{guard}$"):
        raw.execute(sql)


def test_a_chair_is_claimed_once_at_a_time(raw: sqlite3.Connection) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 1000, 2000)
    for t0, t1 in ((1000, 2000), (500, 1001), (1999, 3000), (1200, 1300), (0, 5000)):
        with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
            claim(raw, chair, t0, t1, number=1)


def test_claims_that_only_touch_do_not_collide(raw: sqlite3.Connection) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 1000, 2000)
    claim(raw, chair, 2000, 3000, number=1)
    claim(raw, chair, 0, 1000, number=2)
    assert raw.execute("SELECT count(*) FROM claim").fetchone() == (3,)


def test_a_claim_of_a_whole_day_is_seen_from_its_last_second(raw: sqlite3.Connection) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 0, DAY)
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        claim(raw, chair, DAY - 1, DAY, number=1)
    claim(raw, chair, DAY, DAY + 1, number=1)


def test_the_load_counts_where_claims_overlap_and_not_in_sum(raw: sqlite3.Connection) -> None:
    hands = resource(raw, "hands", 2)
    claim(raw, hands, 0, 100)
    claim(raw, hands, 100, 200, number=1)
    claim(raw, hands, 50, 150, number=2)
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        claim(raw, hands, 0, 200, number=3)


def test_a_peak_inside_the_new_claim_is_found(raw: sqlite3.Connection) -> None:
    hands = resource(raw, "hands", 3)
    claim(raw, hands, 400, 600)
    claim(raw, hands, 500, 700, number=1)
    claim(raw, hands, 0, 1000, number=2)
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        claim(raw, hands, 100, 550, number=3)
    claim(raw, hands, 100, 500, number=3)


def random_claims(raw: sqlite3.Connection, seed: int) -> tuple[int, int, int]:
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
        except sqlite3.IntegrityError as error:
            if "guard" in str(error):
                assert not fits
                refusals += 1
            continue
        load[t0:t1] = [x + units for x in load[t0:t1]]
        taken += 1
    return taken, refusals, max(load)


@pytest.mark.parametrize("seed", range(5))
def test_the_guard_agrees_with_plain_counting_second_by_second(raw: sqlite3.Connection, seed: int) -> None:
    taken, refusals, worst = random_claims(raw, seed)
    assert worst <= 3
    assert taken > 10
    assert refusals > 10


def test_without_the_guard_the_same_claims_overbook(raw: sqlite3.Connection) -> None:
    raw.execute("DROP TRIGGER claim_capacity")
    assert random_claims(raw, 0)[2] > 3


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
def test_no_conflict_clause_gets_round_the_capacity(raw: sqlite3.Connection, verb: str) -> None:
    chair = resource(raw, "chair")
    claim(raw, chair, 0, 100)
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        raw.execute(INSERT.replace("INSERT", verb), (chair, 50, visit(1).id, 150, 1))


def test_a_claim_of_an_unknown_resource_is_refused_even_without_references(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA foreign_keys=OFF")
    with pytest.raises(sqlite3.IntegrityError, match="guard:capacity"):
        claim(raw, 999, 0, 100)


@pytest.mark.parametrize(("t0", "t1", "units"), [(100, 100, 1), (100, 50, 1), (0, DAY + 1, 1), (0, 100, 0)])
def test_a_claim_without_length_or_units_or_longer_than_a_day_is_refused(
    raw: sqlite3.Connection, t0: int, t1: int, units: int
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        claim(raw, resource(raw, "chair"), t0, t1, units)


def test_a_claim_is_never_changed_in_place(raw: sqlite3.Connection) -> None:
    claim(raw, resource(raw, "chair"), 0, 100)
    refused(raw, "UPDATE claim SET t1 = 50", "claim-update")


def test_a_capacity_falls_only_to_what_claims_still_need(raw: sqlite3.Connection) -> None:
    hands = resource(raw, "hands", 3)
    claim(raw, hands, 1000, 2000)
    claim(raw, hands, 1500, 2500, number=1)
    refused(raw, f"UPDATE resource SET capacity = 1, lowered_at = 0 WHERE id = {hands}", "lowering")
    refused(raw, f"UPDATE resource SET capacity = 1, lowered_at = 1999 WHERE id = {hands}", "lowering")
    raw.execute(f"UPDATE resource SET capacity = 2, lowered_at = 0 WHERE id = {hands}")
    raw.execute(f"UPDATE resource SET capacity = 1, lowered_at = 2000 WHERE id = {hands}")
    refused(raw, f"UPDATE resource SET capacity = 0, lowered_at = 2499 WHERE id = {hands}", "lowering")
    raw.execute(f"UPDATE resource SET capacity = 0, lowered_at = 2500 WHERE id = {hands}")


@pytest.mark.parametrize(
    ("sql", "guard"),
    [
        ("DELETE FROM resource WHERE kind = 'hands'", "resource-delete"),
        (
            "INSERT OR REPLACE INTO resource SELECT clinic_id, id, kind, ref, 9, seq, 0 FROM resource",
            "resource-replace",
        ),
        ("UPDATE resource SET ref = 'chair-9' WHERE ref = 'chair-1'", "resource-identity"),
        ("UPDATE operation SET actor = 'somebody else'", "journal-append-only"),
        ("DELETE FROM operation", "journal-append-only"),
        ("INSERT OR REPLACE INTO operation SELECT * FROM operation WHERE seq = 1", "journal-order"),
        ("DELETE FROM payload", "journal-append-only"),
        ("INSERT OR REPLACE INTO payload SELECT clinic_id, seq, salt, '[]' FROM payload", "journal-append-only"),
        ("UPDATE payload SET changes = '[]'", "journal-append-only"),
        ("UPDATE payload SET changes = ''", "journal-append-only"),
        ("UPDATE payload SET changes = '', salt = '', seq = seq + 10", "journal-append-only"),
    ],
)
def test_history_and_capacities_cannot_be_rewritten(raw: sqlite3.Connection, sql: str, guard: str) -> None:
    refused(raw, sql, guard)


OPERATION = (
    "INSERT INTO operation SELECT 'main', {seq}, {id}, 0, 'x', 'x', NULL, '', {prev}, 'h' FROM operation WHERE seq = 2"
)


@pytest.mark.parametrize(
    ("seq", "name", "prev"),
    [("4", "'new'", "hash"), ("2", "'new'", "hash"), ("3", "'new'", "'other'"), ("3", "id", "hash")],
)
def test_an_operation_that_does_not_follow_the_last_is_refused(
    raw: sqlite3.Connection,
    seq: str,
    name: str,
    prev: str,
) -> None:
    refused(raw, OPERATION.format(seq=seq, id=name, prev=prev), "journal-order")


def test_the_operation_that_follows_is_taken(raw: sqlite3.Connection) -> None:
    raw.execute(OPERATION.format(seq=3, id="'new'", prev="hash"))
    assert raw.execute("SELECT max(seq) FROM operation").fetchone() == (3,)


def test_a_payload_may_be_forgotten_with_its_salt(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE payload SET changes = '', salt = '' WHERE seq = 2")
    assert raw.execute("SELECT count(*) FROM payload WHERE changes = ''").fetchone() == (1,)


def test_guards_that_are_all_there_do_not_differ(store: BookStore) -> None:
    assert guards.differences(store.database.guards()) == []
    assert set(guards.expected()) == set(store.database.guards())


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


def test_records_keep_to_their_constraints(store: BookStore, raw: sqlite3.Connection) -> None:
    write(store, block())
    for sql in (
        'UPDATE appointment SET "end" = start',
        'UPDATE appointment SET leave = "end" + 1',
        "UPDATE appointment SET status = 'maybe'",
        f'UPDATE appointment SET start = {NOW}, leave = {NOW}, "end" = {NOW} + 86401',
        "UPDATE block SET kind = 'moon'",
        "UPDATE patient SET status = 'gone'",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            raw.execute(sql)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        raw.execute("UPDATE appointment SET patient = 'nobody'")
