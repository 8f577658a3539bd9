"""What the guards hold against that only a server allows; and that a guard which is not as ours stops all writing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders import NOW, book, patient, place, visit, write
from outside import Outside

from infusion_cli.errors import StoreError
from infusion_cli.store.check import check
from infusion_cli.store.repository import BookStore, open_store

CLAIM = """INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units, alone)
SELECT 'main', id, :t0, :visit, :t1, 1, number FROM resource WHERE kind = :kind AND ref = :ref"""
CHAIR = {"kind": "chair", "ref": "chair-1"}
OFF = "ALTER TABLE claim DISABLE TRIGGER claim_capacity"


@pytest.fixture
def store(database_url: str) -> Iterator[BookStore]:
    """A book with two patients, and a visit of one of them."""
    with book(place(database_url)) as made:
        write(made, patient(0), patient(1), visit(0), visit(1, status="cancelled"))
        yield made


@pytest.fixture
def raw(store: BookStore, database_url: str) -> Iterator[Outside]:
    """Another program at the same book, as its owner."""
    with Outside(database_url) as outside:
        yield outside


@pytest.mark.parametrize("table", ["claim", "resource", "operation", "payload"])
def test_a_table_that_counts_is_never_emptied_at_once(raw: Outside, table: str) -> None:
    guard = "truncate" if table in {"claim", "resource"} else "journal-append-only"
    for sql in (f"TRUNCATE {table} CASCADE", f"TRUNCATE ONLY {table}, touched, idempotency CASCADE"):
        with pytest.raises(Exception, match=rf"^guard:({guard}|truncate|journal-append-only)\b"):
            raw.run(sql)
    assert raw.rows(f"SELECT 1 FROM {table} LIMIT 1") != []


@pytest.mark.parametrize(
    ("sql", "guard"),
    [
        (
            "INSERT INTO claim SELECT * FROM claim ON CONFLICT (clinic_id, resource_id, t0, appointment_id) {}",
            "capacity",
        ),
        ("INSERT INTO operation SELECT * FROM operation ON CONFLICT (clinic_id, seq) {}", "journal-order"),
        ("INSERT INTO payload SELECT * FROM payload ON CONFLICT (clinic_id, seq) {}", "journal-append-only"),
    ],
)
def test_no_conflict_clause_gets_round_a_guard(raw: Outside, sql: str, guard: str) -> None:
    change = {"capacity": "units = 0", "journal-order": "actor = 'x'", "journal-append-only": "changes = '[]'"}[guard]
    with pytest.raises(Exception, match=rf"^guard:{guard}\b"):
        raw.run(sql.format(f"DO UPDATE SET {change}"))


@pytest.mark.parametrize("off", [OFF, "SET session_replication_role = replica"])
@pytest.mark.parametrize(("kind", "ref"), [("chair", "chair-1"), ("patient", patient(0).id)])
def test_without_the_capacitys_trigger_a_constraint_still_keeps_chairs_and_patients(
    raw: Outside, off: str, kind: str, ref: str
) -> None:
    start = raw.rows("SELECT min(t0) AS t0 FROM claim")[0]["t0"]
    raw.run(off)
    with pytest.raises(Exception, match="claim_alone"):
        raw.run(CLAIM, {"kind": kind, "ref": ref, "visit": visit(1).id, "t0": start + 60, "t1": start + 120})
    raw.run(CLAIM, {"kind": kind, "ref": ref, "visit": visit(1).id, "t0": start - 120, "t1": start})


def test_without_the_constraint_too_a_chair_is_taken_twice_and_the_check_says_so(
    store: BookStore, raw: Outside
) -> None:
    start = raw.rows("SELECT min(t0) AS t0 FROM claim")[0]["t0"]
    raw.run(OFF)
    raw.run("ALTER TABLE claim DROP CONSTRAINT claim_alone")
    raw.run(CLAIM, {**CHAIR, "visit": visit(1).id, "t0": start + 60, "t1": start + 120})
    assert {f.rule for f in check(store)} == {"guard-changed", "claims-differ", "overbooked"}


HARMLESS = "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
NEVER_ASKED = """CREATE TRIGGER claim_update BEFORE UPDATE ON claim
FOR EACH ROW WHEN (false) EXECUTE FUNCTION claim_update()"""
EXCLUDES_NOTHING = """ALTER TABLE claim ADD CONSTRAINT claim_alone
EXCLUDE USING gist (int8range(t0, t1) WITH &&) WHERE (false)"""
SPOILT = {
    "missing": ("DROP TRIGGER claim_capacity ON claim", "the guard claim_capacity is missing"),
    "off": (OFF, "the guard claim_capacity was changed"),
    "all off": ("ALTER TABLE payload DISABLE TRIGGER USER", "the guard payload_delete was changed"),
    "on replicas only": (
        "ALTER TABLE operation ENABLE REPLICA TRIGGER operation_update",
        "the guard operation_update was changed",
    ),
    "another function": (HARMLESS.format("claim_capacity"), "the guard claim_capacity was changed"),
    "never asked": (
        f"DROP TRIGGER claim_update ON claim; {NEVER_ASKED}",
        "the guard claim_update was changed",
    ),
    "not ours": (
        f"{HARMLESS.format('mine')}; CREATE TRIGGER mine AFTER INSERT ON claim FOR EACH ROW EXECUTE FUNCTION mine()",
        "the trigger mine is not ours",
    ),
    "no constraint": ("ALTER TABLE claim DROP CONSTRAINT claim_alone", "the guard claim_alone is missing"),
    "another constraint": (
        f"ALTER TABLE claim DROP CONSTRAINT claim_alone; {EXCLUDES_NOTHING}",
        "the guard claim_alone was changed",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_book_whose_guards_are_not_ours_is_read_and_not_written(
    store: BookStore, raw: Outside, database_url: str, how: str
) -> None:
    sql, what = SPOILT[how]
    raw.run(sql)
    with pytest.raises(StoreError, match=f"can be read but not written: .*{what}"):
        write(store, patient(2))
    with open_store(place(database_url)) as again, again.reading(NOW) as reader:
        assert reader.record(visit(0).id) == visit(0)
        assert reader.record(patient(2).id) is None
    messages = [f.message for f in check(store) if f.rule == "guard-changed"]
    assert f"In the book, {what}." in messages
