"""The generated statements are those of the tables, and nothing slow is needed to run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from builders import book, file_of

from infusion_cli.domain.book import Appointment, Block, Patient, Series
from infusion_cli.store import compiled

IDS_OF_ONE_CLINIC = {"ids", "keys", "mrns", "patients", "statuses", "visits"}


def test_generating_again_changes_nothing() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from infusion_cli.store import generate; sys.stdout.write(generate.text())",
        ],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == Path(compiled.__file__).read_text(encoding="utf-8")


def test_running_the_store_loads_nothing_slow() -> None:
    slow = {"sqlmodel", "sqlalchemy", "pydantic", "typer", "rich", "icalendar", "dateutil", "dataclasses", "asyncio"}
    code = "import sys; import infusion_cli.store.repository; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
    assert not slow & set(done.stdout.split())


@pytest.mark.parametrize(
    ("table", "record", "apart"),
    [
        ("appointment", Appointment, set()),
        ("patient", Patient, {"requirements"}),
        ("series", Series, set()),
        ("block", Block, set()),
    ],
)
def test_columns_are_the_fields_of_the_record_in_their_order(
    tmp_path: Path, table: str, record: type[Appointment], apart: set[str]
) -> None:
    with book(tmp_path / "book.db") as store:
        names = [row[1] for row in file_of(store).pragma(f"table_info({table})")]
    fields = [name for name in names if name not in {"clinic_id", "made"}]
    assert fields == [f for f in record._fields if f not in apart]


def test_every_column_is_a_whole_number_or_text(tmp_path: Path) -> None:
    with book(tmp_path / "book.db") as store:
        tables = [name for name, sql in store.database.definitions().items() if sql.startswith("CREATE TABLE")]
        kinds = {row[2] for name in tables for row in file_of(store).pragma(f"table_info({name})")}
    assert len(tables) == 16
    assert kinds == {"INTEGER", "TEXT", "VARCHAR(32)"}


def test_every_table_begins_its_key_with_the_clinic(tmp_path: Path) -> None:
    with book(tmp_path / "book.db") as store:
        tables = {name for name, sql in store.database.definitions().items() if sql.startswith("CREATE TABLE")}
        tables.remove("alembic_version")
        first = {row[1] for name in tables for row in file_of(store).pragma(f"table_info({name})") if row[5] == 1}
    assert first == {"clinic_id"}


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("visits_touching", "appointment_start (clinic_id=? AND start>? AND start<?)"),
        ("visits_of", "appointment_patient (clinic_id=? AND patient=?)"),
        ("visits_with", "sqlite_autoindex_appointment_1 (clinic_id=? AND id=?)"),
        ("visits_starting", "appointment_start (clinic_id=? AND start>? AND start<?)"),
        ("visits_starting_of", "appointment_patient (clinic_id=? AND patient=? AND start>? AND start<?)"),
        ("holds_over", "appointment_hold (clinic_id=? AND hold_until<?)"),
        ("blocks_touching", "block_end (clinic_id=? AND end>?)"),
        ("series_of", "series_patient (clinic_id=? AND patient=?)"),
        ("claims_of", "claim_appointment (clinic_id=? AND appointment_id=?)"),
        ("patients_by_mrn", "patient_mrn (clinic_id=? AND mrn=?)"),
        ("patients_beginning", "PRIMARY KEY (clinic_id=? AND word>? AND word<?)"),
        ("operations_touching", "PRIMARY KEY (clinic_id=? AND record_id=?)"),
        ("operations", "operation_undoes (clinic_id=? AND undoes=?)"),
        ("resources_of", "sqlite_autoindex_resource_2 (clinic_id=? AND kind=? AND ref=?)"),
    ],
)
def test_a_statement_finds_its_rows_by_an_index_and_never_walks_the_whole_clinic(
    tmp_path: Path, statement: str, index: str
) -> None:
    sql = compiled.STATEMENTS["sqlite"][statement]
    with book(tmp_path / "book.db") as store:
        values: dict[str, object] = dict.fromkeys(("clinic", "lo", "hi", "now", "most", "patient", "record"), 0)
        values |= dict.fromkeys(("first", "after"), "x") | dict.fromkeys(IDS_OF_ONE_CLINIC, "[]")
        plan = [row[3] for row in file_of(store).connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert any(line.endswith(index) for line in plan), plan
    if statement != "operations":
        assert not any(line.endswith("(clinic_id=?)") for line in plan), plan
