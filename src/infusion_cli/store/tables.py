"""The tables: the only definition of the schema, from which the statements are generated.

Only whole numbers and text, so that no type processor stands between a driver and a row. Every key
begins with the clinic, because several may share one database. Columns of a record bear the names
of its fields, in their order.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

LONGEST = 86_400
"""The longest visit and claim, in seconds: searches by start rely on it."""

STRICT = {"sqlite_strict": True}
CLUSTERED = {"sqlite_strict": True, "sqlite_with_rowid": False}
"""Small rows live in their key's own tree."""


# In the order of their characters everywhere: names are found by their beginnings.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_NUMBER = Integer().with_variant(BigInteger(), "postgresql")


def _key(kind: Any = _TEXT) -> Any:
    return Field(sa_type=kind, primary_key=True)


def _text() -> Any:
    return Field(sa_type=_TEXT)


def _number() -> Any:
    return Field(sa_type=_NUMBER)


def _index(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows that a condition picks."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{v}'" for v in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _refers(column: str, table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["clinic_id", column], [f"{table}.clinic_id", f"{table}.id"])


class ClinicRow(SQLModel, table=True):
    """A clinic's file: as it was written, and its checked content as JSON."""

    __tablename__ = "clinic"
    __table_args__ = (STRICT,)

    clinic_id: str = _key()
    text: str = _text()
    data: str = _text()


class CounterRow(SQLModel, table=True):
    """The next free number of each kind of id."""

    __tablename__ = "counter"
    __table_args__ = (CheckConstraint("next >= 0", name="next_counts"), CLUSTERED)

    clinic_id: str = _key()
    kind: str = _key()
    next: int = _number()


class PatientRow(SQLModel, table=True):
    """A person."""

    __tablename__ = "patient"
    __table_args__ = (
        Index("patient_mrn", "clinic_id", "mrn"),
        _one_of("status", "active", "on-hold", "inactive", "entered-in-error"),
        STRICT,
    )

    clinic_id: str = _key()
    id: str = _key()
    mrn: str = _text()
    name: str = _text()
    birth_date: str = _text()
    phone: str = _text()
    email: str = _text()
    status: str = _text()


class PatientWordRow(SQLModel, table=True):
    """The words of a patient's name, as `names.words` gives them: for finding by prefix."""

    __tablename__ = "patient_word"
    __table_args__ = (
        _refers("patient_id", "patient"),
        Index("patient_word_of", "clinic_id", "patient_id"),
        CLUSTERED,
    )

    clinic_id: str = _key()
    word: str = _key()
    patient_id: str = _key()


class RequirementRow(SQLModel, table=True):
    """A requirement that a patient fulfilled, and the ISO date."""

    __tablename__ = "requirement"
    __table_args__ = (_refers("patient_id", "patient"), CLUSTERED)

    clinic_id: str = _key()
    patient_id: str = _key()
    requirement: str = _key()
    on_date: str = _text()


class SeriesRow(SQLModel, table=True):
    """A course of a patient; `course` is JSON, `made` the number of the operation that created it."""

    __tablename__ = "series"
    __table_args__ = (
        _refers("patient", "patient"),
        Index("series_patient", "clinic_id", "patient"),
        _one_of("status", "active", "on-hold", "completed", "revoked", "entered-in-error"),
        STRICT,
    )

    clinic_id: str = _key()
    id: str = _key()
    patient: str = _text()
    protocol: str = _text()
    status: str = _text()
    ordered: int = _number()
    course: str = _text()
    authorised_visits: int | None = _number()
    authorised_until: str | None = _text()
    made: int = _number()


class AppointmentRow(SQLModel, table=True):
    """A visit; `phases`, `overrides` and `warnings` are JSON, instants seconds since 1970 UTC."""

    __tablename__ = "appointment"
    __table_args__ = (
        _refers("patient", "patient"),
        _refers("series", "series"),
        Index("appointment_start", "clinic_id", "start"),
        Index("appointment_patient", "clinic_id", "patient", "start"),
        _index("appointment_hold", "clinic_id", "hold_until", where="status = 'pending'"),
        CheckConstraint(f'"end" > start AND "end" - start <= {LONGEST}', name="period"),
        CheckConstraint('leave BETWEEN start AND "end"', name="leave_within"),
        _one_of(
            "status",
            *("proposed", "pending", "booked", "arrived", "checked-in", "fulfilled"),
            *("cancelled", "noshow", "waitlist", "entered-in-error"),
        ),
        STRICT,
    )

    clinic_id: str = _key()
    id: str = _key()
    patient: str = _text()
    protocol: str = _text()
    series: str | None = _text()
    session: int | None = _number()
    start: int = _number()
    end: int = _number()
    leave: int = _number()
    chair: str = _text()
    status: str = _text()
    phases: str = _text()
    wall: str = _text()
    zone: str = _text()
    uid: str = _text()
    sequence: int = _number()
    stamp: int = _number()
    key: str | None = _text()
    hold_until: int | None = _number()
    confirmed_at: int | None = _number()
    arrived_at: int | None = _number()
    started_at: int | None = _number()
    left_at: int | None = _number()
    overrides: str = _text()
    reason: str = _text()
    cancelled_by: str = _text()
    late: int = _number()
    ride: str = _text()
    warnings: str = _text()


class ToldRow(SQLModel, table=True):
    """The newest message to a patient about a visit: the revision that it carried, and how far it got."""

    __tablename__ = "told"
    __table_args__ = (
        _refers("appointment_id", "appointment"),
        _one_of("method", "REQUEST", "CANCEL"),
        _one_of("state", "waiting", "sent", "failed"),
        STRICT,
    )

    clinic_id: str = _key()
    appointment_id: str = _key()
    sequence: int = _number()
    method: str = _text()
    message_id: str = _text()
    state: str = _text()
    tries: int = _number()
    at: int = _number()
    next_at: int = _number()
    error: str = _text()


class BlockRow(SQLModel, table=True):
    """A stretch of time that changes the supply; `staff` is JSON."""

    __tablename__ = "block"
    __table_args__ = (
        Index("block_end", "clinic_id", "end", "start"),
        _index("block_origin", "clinic_id", "origin", where="origin <> ''"),
        CheckConstraint('"end" > start', name="period"),
        _one_of("kind", "chair", "staff", "clinic", "open"),
        _one_of("status", "active", "removed", "entered-in-error"),
        STRICT,
    )

    clinic_id: str = _key()
    id: str = _key()
    kind: str = _text()
    subject: str = _text()
    start: int = _number()
    end: int = _number()
    reason: str = _text()
    status: str = _text()
    staff: str = _text()
    origin: str = Field(sa_type=_TEXT, sa_column_kwargs={"server_default": ""})


class ResourceRow(SQLModel, table=True):
    """What visits claim: a chair, a patient, or the clinic's hands, attention, providers.

    `lowered_at` is the instant of the last lowering of the capacity: loads that were over by then
    are not measured against it.
    """

    __tablename__ = "resource"
    __table_args__ = (
        UniqueConstraint("clinic_id", "kind", "ref"),
        _one_of("kind", "chair", "patient", "hands", "attention", "provider"),
        CheckConstraint("capacity >= 0", name="capacity_counts"),
        STRICT,
    )

    clinic_id: str = _key()
    id: int = _key(_NUMBER)
    kind: str = _text()
    ref: str = _text()
    capacity: int = _number()
    seq: int = _number()
    lowered_at: int = _number()


class ClaimRow(SQLModel, table=True):
    """`units` of a resource for a visit in every second of [t0, t1)."""

    __tablename__ = "claim"
    __table_args__ = (
        _refers("resource_id", "resource"),
        _refers("appointment_id", "appointment"),
        Index("claim_appointment", "clinic_id", "appointment_id"),
        CheckConstraint(f"t1 > t0 AND t1 - t0 <= {LONGEST}", name="period"),
        CheckConstraint("units > 0", name="units_count"),
        CLUSTERED,
    )

    clinic_id: str = _key()
    resource_id: int = _key(_NUMBER)
    t0: int = _key(_NUMBER)
    appointment_id: str = _key()
    t1: int = _number()
    units: int = _number()


class OperationRow(SQLModel, table=True):
    """One entry of the journal's chain; `digest` stands for the payload, `hash` for all before it."""

    __tablename__ = "operation"
    __table_args__ = (
        UniqueConstraint("clinic_id", "id"),
        _index("operation_undoes", "clinic_id", "undoes", where="undoes IS NOT NULL"),
        STRICT,
    )

    clinic_id: str = _key()
    seq: int = _key(_NUMBER)
    id: str = _text()
    at: int = _number()
    actor: str = _text()
    command: str = _text()
    undoes: str | None = _text()
    digest: str = _text()
    prev: str = _text()
    hash: str = _text()


class PayloadRow(SQLModel, table=True):
    """What an operation changed, as JSON; empty with its salt once it has been forgotten."""

    __tablename__ = "payload"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "seq"], ["operation.clinic_id", "operation.seq"]),
        STRICT,
    )

    clinic_id: str = _key()
    seq: int = _key(_NUMBER)
    salt: str = _text()
    changes: str = _text()


class TouchedRow(SQLModel, table=True):
    """Which operations changed a record."""

    __tablename__ = "touched"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "seq"], ["operation.clinic_id", "operation.seq"]),
        CLUSTERED,
    )

    clinic_id: str = _key()
    record_id: str = _key()
    seq: int = _key(_NUMBER)


class IdempotencyRow(SQLModel, table=True):
    """What was answered under a key, and to which request."""

    __tablename__ = "idempotency"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "operation_id"], ["operation.clinic_id", "operation.id"]),
        Index("idempotency_operation", "clinic_id", "operation_id"),
        STRICT,
    )

    clinic_id: str = _key()
    key: str = _key()
    request: str = _text()
    operation_id: str = _text()
    answer: str = _text()


class AccessRow(SQLModel, table=True):
    """Who looked at or took out what; a file of its own beside a book that is one file."""

    __tablename__ = "access"
    __table_args__ = (Index("access_at", "clinic_id", "at"), {"info": {"only": "postgresql"}})

    clinic_id: str = _key()
    id: str = _key()
    at: int = _number()
    actor: str = _text()
    origin: str = _text()
    command: str = _text()
    subjects: str = _text()
    count: int = _number()


def table(row: type[SQLModel]) -> Any:
    """The SQLAlchemy table of one of the classes above."""
    return row.__table__  # type: ignore[attr-defined]


def columns(row: type[SQLModel]) -> list[Column[Any]]:
    """The columns of one of the classes above, in their order."""
    return list(table(row).columns)
