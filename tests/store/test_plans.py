"""On a server too, everyday statements find their rows by indexes, however many clinics share the tables.

What is asserted is the plan and not the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from builders import NOW, patient, visit, write
from databases import Connection, Databases, connect
from psycopg import sql
from store.crowd import FIRST_DAY, PATIENTS, gather

from infusion_cli.config import ServerUrl
from infusion_cli.domain.plan import change
from infusion_cli.services.ports import Entry
from infusion_cli.store.compiled import STATEMENTS
from infusion_cli.store.postgresql import PostgresDatabase
from infusion_cli.store.repository import open_store

DAY = 86_400
VALUES: dict[str, Any] = {
    "clinic": "main",
    "lo": FIRST_DAY + 50 * DAY,
    "hi": FIRST_DAY + 51 * DAY,
    "now": NOW,
    "statuses": '["booked", "pending"]',
    "patient": "P7",
    "patients": '["P7"]',
    "mrns": '["M7"]',
    "first": "w199",
    "after": "w19:",
    "record": "A7",
    "records": '["A7"]',
    "operation": "O7",
    "seq": 7,
    "keys": '["k7"]',
    "visits": '["A7"]',
    "most": 20,
}
LISTS = {"visits_with": '["A7"]', "series_with": '["SP7"]', "blocks_with": '["B7"]'}
"""The ids that a statement is given, where they are not a patient's."""

BY_INDEX = {
    "answers": "idempotency_pkey (clinic_id, key)",
    "blocks_from": "block_origin (clinic_id, origin, origin)",
    "blocks_touching": "block_end (clinic_id, end, start)",
    "blocks_with": "block_pkey (clinic_id, id)",
    "claims_of": "claim_appointment (clinic_id, appointment_id)",
    "holds_over": "appointment_hold (clinic_id, hold_until)",
    "keys_touching": "touched_pkey (clinic_id, record_id)",
    "link": "operation_pkey (clinic_id, seq)",
    "operation": "operation_clinic_id_id_key (clinic_id, id)",
    "operations_touching": "touched_pkey (clinic_id, record_id)",
    "patients_beginning": "patient_word_pkey (clinic_id, word, word)",
    "patients_by_mrn": "patient_mrn (clinic_id, mrn)",
    "payloads_touching": "touched_pkey (clinic_id, record_id)",
    "patients_with": "patient_pkey (clinic_id, id)",
    "requirements_of": "requirement_pkey (clinic_id, patient_id)",
    "resources_of": "resource_clinic_id_kind_ref_key (clinic_id, kind, ref)",
    "series_of": "series_patient (clinic_id, patient)",
    "series_with": "series_pkey (clinic_id, id)",
    "told_of": "told_pkey (clinic_id, appointment_id)",
    "visits_of": "appointment_patient (clinic_id, patient)",
    "visits_span": "appointment_start (clinic_id, start, start)",
    "visits_starting": "appointment_start (clinic_id, start, start)",
    "visits_starting_of": "appointment_patient (clinic_id, patient, start, start)",
    "visits_touching": "appointment_start (clinic_id, start, start)",
    "visits_with": "appointment_pkey (clinic_id, id)",
}
"""The index by which a statement finds its rows, and the columns that it searches by."""
FROM_THE_END = {"head", "operations", "resource_last"}
"""They take the first few rows of an index, whatever they are."""
OF_FEW = {"clinic", "clinics", "counters", "resources_shared"}
"""Of tables or parts of tables that stay small."""
OF_EVERYTHING = {"accesses", "counts", "patients_known", "series_standing"}
"""For commands that list or count everything there is."""
FOR_THE_CHECK = {"chain", "orphans", "requirements", "touches"}
"""And `…_all`: the check reads the whole clinic."""


class Step(NamedTuple):
    """One node of a plan."""

    kind: str
    table: str
    by: str
    """The index and the columns that it is searched by; of one row of a join or of a parameter alike."""


@pytest.fixture(scope="module")
def group(postgres: Databases) -> Iterator[str]:
    url = postgres.fresh_database()
    gather(url)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def connection(group: str) -> Iterator[Connection]:
    with connect(group) as opened:
        yield opened


def plan_of(connection: Connection, name: str, statement: str, mode: str) -> list[Step]:
    """The plan of a statement, made for these values (`force_custom_plan`) or for any."""
    values = VALUES | {"ids": LISTS.get(name, '["P7"]')}
    asked = [word for word in values if f"%({word})s" in statement]
    numbered = statement % {word: f"${number}" for number, word in enumerate(asked, start=1)}
    kinds = ", ".join("bigint" if isinstance(values[word], int) else "text" for word in asked)
    connection.execute(f"SET plan_cache_mode = {mode}".encode())
    connection.execute(f"PREPARE asked {f'({kinds})' if kinds else ''} AS {numbered}".encode())
    given = sql.SQL(", ").join(sql.Literal(values[word]) for word in asked)
    run = sql.SQL("asked ({})").format(given) if asked else sql.SQL("asked")
    row = connection.execute(sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE {}").format(run)).fetchone()
    connection.execute("DEALLOCATE asked")
    assert row
    return list(steps(row[0][0]["Plan"]))


def steps(node: dict[str, Any]) -> Iterator[Step]:
    """A node of a plan and all below it."""
    searched = node.get("Index Cond", "").removeprefix("(").split(") AND (")
    columns = [part.strip("(").split()[0].rpartition(".")[2].strip('"') for part in searched if part]
    yield Step(
        node["Node Type"],
        node.get("Relation Name", ""),
        f"{node['Index Name']} ({', '.join(columns)})" if "Index Name" in node else "",
    )
    for below in node.get("Plans", ()):
        yield from steps(below)


def whole_clinics(plan: Sequence[Step]) -> list[Step]:
    """Where a plan walks through a whole table, or through all that a clinic has in it."""
    return [s for s in plan if s.kind == "Seq Scan" or s.by.endswith((" ()", " (clinic_id)"))]


def test_every_statement_that_reads_is_of_one_of_these_kinds() -> None:
    reading = {name for name, text in STATEMENTS["postgresql"].items() if text.startswith("SELECT")}
    known = BY_INDEX.keys() | FROM_THE_END | OF_FEW | OF_EVERYTHING | FOR_THE_CHECK
    assert {name for name in reading if not name.endswith("_all")} == known


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", BY_INDEX)
def test_a_statement_finds_its_rows_by_an_index_and_never_walks_a_whole_clinic(
    connection: Connection, name: str, mode: str
) -> None:
    plan = plan_of(connection, name, STATEMENTS["postgresql"][name], mode)
    assert BY_INDEX[name] in {step.by for step in plan}, plan
    assert not whole_clinics(plan)


@pytest.mark.parametrize("name", sorted(FROM_THE_END))
def test_the_newest_are_taken_from_the_end_of_an_index(connection: Connection, name: str) -> None:
    plan = plan_of(connection, name, STATEMENTS["postgresql"][name], "force_custom_plan")
    kinds = [step.kind for step in plan]
    assert "Limit" in kinds
    assert not {"Sort", "Incremental Sort", "Seq Scan"} & set(kinds), plan


def test_a_statement_without_an_index_is_seen_to_walk(connection: Connection) -> None:
    by_chair = "SELECT id FROM appointment WHERE clinic_id = %(clinic)s AND chair = %(patient)s"
    anywhere = "SELECT id FROM appointment WHERE chair = %(patient)s"
    assert whole_clinics(plan_of(connection, "", by_chair, "force_custom_plan"))
    assert whole_clinics(plan_of(connection, "", anywhere, "force_custom_plan"))


ROWS_READ = """
SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname NOT IN ('clinic', 'counter')
"""


def rows_read(connection: Connection) -> dict[str, int]:
    """Rows that this transaction has read of each table, by whatever way; what the guards read is in it."""
    return dict(connection.execute(ROWS_READ).fetchall())


def test_booking_reads_few_rows_of_each_table_and_so_do_the_guards(group: str) -> None:
    fresh = visit(0, of=0)
    with open_store(ServerUrl(group, "main")) as store:
        assert isinstance(store.database, PostgresDatabase)
        write(store, patient(0))
        with store.writing(NOW) as writer:
            writer.load(fresh.start, fresh.start + DAY, [fresh.patient])
            writer.write(Entry("book", "desk", [change(None, fresh)]))
            read = rows_read(store.database.connection)
            writer.discard()
        with store.reading(NOW) as reader:
            reader.patients()
            everybody = rows_read(store.database.connection)
    assert {"appointment", "claim", "operation", "patient", "resource"} <= read.keys()
    assert max(read.values()) < 100, read
    assert everybody["patient"] > PATIENTS
