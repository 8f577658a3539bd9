"""The named statements, written over the tables; `compiled.py` holds their text.

Parameters are named, constants stand in the text. A list is one JSON text that the database
unfolds, because a list of parameters of any length cannot be compiled ahead of time.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ForeignKeyConstraint,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import SQLModel

from infusion_cli.store import tables as t

Statements = dict[str, Any]

_VISIT = t.table(t.AppointmentRow).c
_PATIENT = t.table(t.PatientRow).c
_WORD = t.table(t.PatientWordRow).c
_REQUIREMENT = t.table(t.RequirementRow).c
_SERIES = t.table(t.SeriesRow).c
_BLOCK = t.table(t.BlockRow).c
_RESOURCE = t.table(t.ResourceRow).c
_CLAIM = t.table(t.ClaimRow).c
_OPERATION = t.table(t.OperationRow).c
_PAYLOAD = t.table(t.PayloadRow).c
_TOUCHED = t.table(t.TouchedRow).c
_TOLD = t.table(t.ToldRow).c
_KEY = t.table(t.IdempotencyRow).c
_TOLD = t.table(t.ToldRow).c

_CLINIC: Any = bindparam("clinic")
_BOOKKEEPING = {"clinic_id", "made"}
"""Columns that are no field of a record."""


def statements(upsert: Callable[..., Any]) -> Statements:
    """Every statement by name; `upsert` is the dialect's `insert`, which can also update."""
    return {
        **_about_the_clinic(upsert),
        **_about_patients(),
        **_about_the_calendar(),
        **_about_the_journal(),
        **_about_resources(),
        **_writes(upsert),
        **_for_the_check(),
        **_for_copies(),
    }


def copied() -> list[Table]:
    """The tables that make up a book in every engine, those that others refer to first."""
    return [t for t in SQLModel.metadata.sorted_tables if "only" not in t.info]


def _fields(row: type[Any]) -> list[Any]:
    return [c for c in t.columns(row) if c.name not in _BOOKKEEPING]


class _Among(FunctionElement[bool]):
    """Whether a column's text is in a JSON list."""

    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_by_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    column, listed = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({listed}))"


@compiles(_Among, "postgresql")
def _among_by_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    # As an array, because of a table the planner would believe that it has a hundred rows.
    column, listed = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY (ARRAY(SELECT json_array_elements_text(CAST({listed} AS JSON))))"


def _among(column: Any, name: str) -> Any:
    """Whether a column is one of the values of the JSON list in a parameter."""
    return _Among(column, bindparam(name))


def _about_the_clinic(upsert: Callable[..., Any]) -> Statements:
    counter = t.table(t.CounterRow).c
    clinic = t.table(t.ClinicRow).c
    counted = {"patients": _PATIENT, "visits": _VISIT, "series": _SERIES, "blocks": _BLOCK, "operations": _OPERATION}
    return {
        "clinic": select(clinic.text, clinic.data).where(clinic.clinic_id == _CLINIC),
        "clinic_put": _put(upsert, t.ClinicRow),
        "counters": select(counter.kind, counter.next).where(counter.clinic_id == _CLINIC),
        "counter_put": _put(upsert, t.CounterRow),
        # A row that every writer of the clinic changes first: whoever comes second waits for it.
        "lock": update(t.table(t.CounterRow))
        .where(counter.clinic_id == _CLINIC, counter.kind == "operation")
        .values(next=counter.next)
        .returning(counter.next),
        "clinics": select(clinic.clinic_id).order_by(clinic.clinic_id),
        "counts": select(
            *(
                select(func.count()).where(c.clinic_id == _CLINIC).scalar_subquery().label(name)
                for name, c in counted.items()
            )
        ),
    }


def _about_patients() -> Statements:
    people = select(*_fields(t.PatientRow)).where(_PATIENT.clinic_id == _CLINIC)
    known = people.where(_PATIENT.status != "entered-in-error")
    required = select(_REQUIREMENT.patient_id, _REQUIREMENT.requirement, _REQUIREMENT.on_date).where(
        _REQUIREMENT.clinic_id == _CLINIC
    )
    beginning = select(_WORD.patient_id).where(
        _WORD.clinic_id == _CLINIC, _WORD.word >= bindparam("first"), _WORD.word < bindparam("after")
    )
    return {
        "patients_known": known.limit(bindparam("most")),
        "patients_with": people.where(_among(_PATIENT.id, "ids")),
        "patients_by_mrn": _as_written(known.where(_among(_PATIENT.mrn, "mrns"))),
        "patients_beginning": _as_written(known.where(_PATIENT.id.in_(beginning))),
        "requirements": required.order_by(_REQUIREMENT.patient_id, _REQUIREMENT.requirement),
        "requirements_of": required.where(_among(_REQUIREMENT.patient_id, "ids")).order_by(
            _REQUIREMENT.patient_id, _REQUIREMENT.requirement
        ),
    }


def _about_the_calendar() -> Statements:
    lo: Any = bindparam("lo")
    hi: Any = bindparam("hi")
    visits = select(*_fields(t.AppointmentRow)).where(_VISIT.clinic_id == _CLINIC).order_by(_VISIT.start, _VISIT.id)
    starting = visits.where(_VISIT.start >= lo, _VISIT.start < hi, _among(_VISIT.status, "statuses"))
    series = select(*_fields(t.SeriesRow)).where(_SERIES.clinic_id == _CLINIC).order_by(_SERIES.made, _SERIES.id)
    blocks = select(*_fields(t.BlockRow)).where(_BLOCK.clinic_id == _CLINIC).order_by(_BLOCK.start, _BLOCK.id)
    return {
        "visits_touching": visits.where(
            # No visit is longer, so the index on the start finds every one that is still going on.
            _VISIT.start > lo - t.LONGEST,
            _VISIT.start < hi,
            _VISIT.end > lo,
        ),
        "visits_of": visits.where(_among(_VISIT.patient, "patients")),
        "visits_with": visits.where(_among(_VISIT.id, "ids")),
        "visits_starting": starting,
        "visits_span": select(func.min(_VISIT.start), func.max(_VISIT.end)).where(
            _VISIT.clinic_id == _CLINIC,
            _VISIT.start >= lo,
            _VISIT.start < hi,
            _among(_VISIT.status, "statuses"),
        ),
        "visits_starting_of": visits.where(
            _VISIT.patient == bindparam("patient"),
            _VISIT.start >= lo,
            _VISIT.start < hi,
            _among(_VISIT.status, "statuses"),
        ),
        "holds_over": visits.where(_VISIT.status == "pending", _VISIT.hold_until <= bindparam("now")),
        "series_of": series.where(_among(_SERIES.patient, "patients")),
        "series_standing": series.where(_among(_SERIES.status, "statuses")),
        "series_with": series.where(_among(_SERIES.id, "ids")),
        "blocks_touching": blocks.where(_BLOCK.end > lo, _BLOCK.start < hi),
        "told_of": select(*_fields(t.ToldRow)).where(
            _TOLD.clinic_id == _CLINIC, _among(_TOLD.appointment_id, "visits")
        ),
        "blocks_with": blocks.where(_among(_BLOCK.id, "ids")),
        "blocks_from": blocks.where(
            # Said by itself, because the index of the few blocks with an origin is found by it.
            _BLOCK.origin != "",
            _BLOCK.origin >= bindparam("first"),
            _BLOCK.origin < bindparam("after"),
            _BLOCK.end > lo,
        ),
    }


def _about_the_journal() -> Statements:
    undo = t.table(t.OperationRow).alias("undo")
    undone_by = (
        select(func.max(undo.c.id))
        .where(undo.c.clinic_id == _OPERATION.clinic_id, undo.c.undoes == _OPERATION.id)
        .scalar_subquery()
    )
    of_payload = (_PAYLOAD.clinic_id == _OPERATION.clinic_id) & (_PAYLOAD.seq == _OPERATION.seq)
    o = _OPERATION
    operations = (
        select(o.id, o.seq, o.at, o.actor, o.command, o.undoes, undone_by.label("undone_by"), _PAYLOAD.changes)
        .outerjoin(t.table(t.PayloadRow), of_payload)
        .where(o.clinic_id == _CLINIC)
    )
    newest_first = operations.order_by(o.seq.desc()).limit(bindparam("most"))
    touched = select(_TOUCHED.seq).where(_TOUCHED.clinic_id == _CLINIC)
    touching = touched.where(_TOUCHED.record_id == bindparam("record"))
    touching_any = touched.where(_among(_TOUCHED.record_id, "records"))
    return {
        "head": select(o.seq, o.hash).where(o.clinic_id == _CLINIC).order_by(o.seq.desc()).limit(1),
        "link": select(o.hash).where(o.clinic_id == _CLINIC, o.seq == bindparam("seq")),
        "operation": operations.where(o.id == bindparam("operation")),
        "operations": newest_first,
        "payloads_touching": select(_PAYLOAD.seq, _PAYLOAD.changes)
        .where(_PAYLOAD.clinic_id == _CLINIC, _PAYLOAD.seq.in_(touching_any))
        .order_by(_PAYLOAD.seq),
        "keys_touching": select(_KEY.key, _KEY.answer)
        .join(t.table(t.OperationRow), (o.clinic_id == _KEY.clinic_id) & (o.id == _KEY.operation_id))
        .where(_KEY.clinic_id == _CLINIC, o.seq.in_(touching_any))
        .order_by(_KEY.key),
        "operations_touching": newest_first.where(o.seq.in_(touching)),
        "answers": select(_KEY.key, _KEY.request, _KEY.operation_id, _KEY.answer).where(
            _KEY.clinic_id == _CLINIC, _among(_KEY.key, "keys")
        ),
    }


def of_a_server() -> Statements:
    """What only a server keeps in a table: the access log."""
    access = t.table(t.AccessRow).c
    columns = [c for c in t.columns(t.AccessRow) if c.name != "clinic_id"]
    return {
        "access_add": insert(t.table(t.AccessRow)),
        "accesses": select(*columns).where(access.clinic_id == _CLINIC).order_by(access.at, access.id),
    }


def _about_resources() -> Statements:
    resources = (
        select(_RESOURCE.kind, _RESOURCE.ref, _RESOURCE.id, _RESOURCE.capacity)
        .where(_RESOURCE.clinic_id == _CLINIC)
        .order_by(_RESOURCE.id)
    )
    return {
        "resources_shared": resources.where(
            or_(*(_RESOURCE.kind == kind for kind in ("chair", "hands", "attention", "provider")))
        ),
        "resources_of": resources.where(_RESOURCE.kind == "patient", _among(_RESOURCE.ref, "patients")),
        "resource_last": select(func.coalesce(func.max(_RESOURCE.id), 0)).where(_RESOURCE.clinic_id == _CLINIC),
        "claims_of": select(_CLAIM.appointment_id, _CLAIM.resource_id, _CLAIM.t0, _CLAIM.t1, _CLAIM.units).where(
            _CLAIM.clinic_id == _CLINIC, _among(_CLAIM.appointment_id, "visits")
        ),
    }


def _writes(upsert: Callable[..., Any]) -> Statements:
    return {
        "patient_put": _put(upsert, t.PatientRow),
        "words_drop": delete(t.table(t.PatientWordRow)).where(
            _WORD.clinic_id == _CLINIC, _WORD.patient_id == bindparam("patient")
        ),
        "word_add": insert(t.table(t.PatientWordRow)),
        "requirements_drop": delete(t.table(t.RequirementRow)).where(
            _REQUIREMENT.clinic_id == _CLINIC, _REQUIREMENT.patient_id == bindparam("patient")
        ),
        "requirement_add": insert(t.table(t.RequirementRow)),
        "series_put": _put(upsert, t.SeriesRow, keep="made"),
        "visit_put": _put(upsert, t.AppointmentRow),
        "told_put": _put(upsert, t.ToldRow),
        "block_put": _put(upsert, t.BlockRow),
        "resource_add": insert(t.table(t.ResourceRow)),
        "resource_change": update(t.table(t.ResourceRow))
        .where(_RESOURCE.clinic_id == _CLINIC, _RESOURCE.id == bindparam("resource"))
        .values(
            capacity=bindparam("room"),
            lowered_at=func.coalesce(bindparam("lowered"), _RESOURCE.lowered_at),
            seq=_RESOURCE.seq + 1,
        ),
        "claims_drop": delete(t.table(t.ClaimRow)).where(
            _CLAIM.clinic_id == _CLINIC, _CLAIM.appointment_id == bindparam("visit")
        ),
        "claim_add": insert(t.table(t.ClaimRow)),
        "operation_add": insert(t.table(t.OperationRow)),
        "payload_add": insert(t.table(t.PayloadRow)),
        "payload_redact": update(t.table(t.PayloadRow))
        .where(_PAYLOAD.clinic_id == _CLINIC, _PAYLOAD.seq == bindparam("number"))
        .values(salt="", changes=bindparam("text")),
        "key_blank": update(t.table(t.IdempotencyRow))
        .where(_KEY.clinic_id == _CLINIC, _KEY.key == bindparam("old"))
        .values(key=bindparam("fresh"), request="", answer=""),
        # What a mail server answered can quote an address, and guesses of it can be tried against a message's id.
        "told_blank": update(t.table(t.ToldRow))
        .where(_TOLD.clinic_id == _CLINIC, _among(_TOLD.appointment_id, "records"))
        .values(error="", message_id=""),
        "touched_add": insert(t.table(t.TouchedRow)),
        "key_put": _put(upsert, t.IdempotencyRow),
        "keys_drop": delete(t.table(t.IdempotencyRow)).where(
            _KEY.clinic_id == _CLINIC, _KEY.operation_id == bindparam("operation")
        ),
    }


def _for_the_check() -> Statements:
    o, p = _OPERATION, _PAYLOAD
    of_operation = (p.clinic_id == o.clinic_id) & (p.seq == o.seq)
    chained = select(*(c for c in t.columns(t.OperationRow) if c.name != "clinic_id"), p.salt, p.changes)
    r, c = _RESOURCE, _CLAIM
    return {
        "orphans": union_all(*_orphans()),
        "chain": chained.outerjoin(t.table(t.PayloadRow), of_operation).where(o.clinic_id == _CLINIC).order_by(o.seq),
        "touches": select(_TOUCHED.record_id, _TOUCHED.seq).where(_TOUCHED.clinic_id == _CLINIC),
        "words_all": select(_WORD.patient_id, _WORD.word).where(_WORD.clinic_id == _CLINIC),
        "patients_all": select(*_fields(t.PatientRow)).where(_PATIENT.clinic_id == _CLINIC),
        "visits_all": select(*_fields(t.AppointmentRow)).where(_VISIT.clinic_id == _CLINIC),
        "series_all": select(*_fields(t.SeriesRow)).where(_SERIES.clinic_id == _CLINIC),
        "blocks_all": select(*_fields(t.BlockRow)).where(_BLOCK.clinic_id == _CLINIC),
        "resources_all": select(r.id, r.kind, r.ref, r.capacity, r.lowered_at).where(r.clinic_id == _CLINIC),
        "claims_all": select(c.appointment_id, c.resource_id, c.t0, c.t1, c.units)
        .where(c.clinic_id == _CLINIC)
        .order_by(c.resource_id, c.t0),
    }


def _orphans() -> list[Any]:
    """For each reference of a table to another: the table's name when a row of this clinic refers to nothing."""
    found = []
    for table in SQLModel.metadata.sorted_tables:
        keys = (c for c in table.constraints if isinstance(c, ForeignKeyConstraint))
        for key in sorted(keys, key=lambda key: list(key.column_keys)):
            other = key.referred_table.alias("referred")
            pairs = [(element.parent, other.c[element.column.name]) for element in key.elements]
            refers = [here for here, _ in pairs if here.nullable]
            missing = ~select(other).where(*(here == there for here, there in pairs)).exists()
            there_is = select(table).where(table.c.clinic_id == _CLINIC, *(c.is_not(None) for c in refers), missing)
            found.append(select(literal(table.name)).where(there_is.exists()))
    return found


def _for_copies() -> Statements:
    """Of every table all rows in the order of the key, and a row as it stood in another book."""
    found: Statements = {
        "resource_settle": update(t.table(t.ResourceRow))
        .where(_RESOURCE.clinic_id == _CLINIC, _RESOURCE.id == bindparam("its_id"))
        .values({name: bindparam(f"its_{name}") for name in ("capacity", "lowered_at", "seq")})
    }
    for table in copied():
        key = [c for c in table.primary_key if c.name != "clinic_id"]
        columns = [c for c in table.columns if c.name != "clinic_id"]
        found[f"copy_{table.name}"] = insert(table)
        found[f"copy_{table.name}_all"] = select(*columns).where(table.c.clinic_id == _CLINIC).order_by(*key)
    return found


def _put(upsert: Callable[..., Any], row: type[Any], *, keep: str = "") -> Any:
    """Insert a row, or bring the one with that key up to date (but for the column to keep)."""
    table = t.table(row)
    statement = upsert(table)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key and c.name != keep}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


def _as_written(statement: Any) -> Any:
    """Ordered by name as it is written, the id last."""
    return statement.order_by(_PATIENT.name, _PATIENT.id)
