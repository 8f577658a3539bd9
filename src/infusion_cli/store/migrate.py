"""Bring a book of an older version up to this one, in one transaction that ends with every guard in place.

Changing a table can drop its triggers without a word, and a trigger that names the table can make the
change fail. So all guards are taken away first, put in again last, and looked at before the commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infusion_cli.config import Place, ServerUrl
from infusion_cli.errors import StoreError
from infusion_cli.store import files, guards
from infusion_cli.store.compiled import SCHEMA
from infusion_cli.store.database import PATIENCE, SCHEMA_VERSION, Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_WITHOUT_TABLE = 1
"""The version that did not keep its number where Alembic looks for it."""
_VERSION_TABLE = next(sql for sql in SCHEMA["sqlite"] if "alembic_version" in sql)


def version_at(place: Place) -> int:
    """The version of the book there; raises StoreError when there is no book, or one of a newer version."""
    with closing(_opened(place)) as database:
        version = database.version()
        if version is None or version > SCHEMA_VERSION:
            database.refuse_other_version()
    return version or 0


def migrate(place: Place, patience: float = PATIENCE) -> int:
    """Bring the book there to `SCHEMA_VERSION`, all of it or nothing; gives the version that it had.

    Waits `patience` seconds for somebody who writes.

    Raises StoreError when it is no book, newer, locked, or not as it should be afterwards.
    """
    before = version_at(place)
    if before < SCHEMA_VERSION:
        with _transaction(place, patience) as (database, connection):
            _upgrade(database, connection)
    return before


def clinics_at(place: Place) -> list[Place]:
    """Each clinic's book at that place: one in a file, any number in a database."""
    if not isinstance(place, ServerUrl) or place.clinic:
        return [place]
    with closing(_opened(place)) as database:
        return [place._replace(clinic=name) for (name,) in database.rows("clinics")]


def _opened(place: Place, patience: float = PATIENCE) -> Any:
    """The database there, whatever is in it."""
    if isinstance(place, ServerUrl):
        from infusion_cli.store import postgresql, server  # noqa: PLC0415  slow to load

        return postgresql.PostgresDatabase(place, server.connect(place))
    from infusion_cli.store import sqlite  # noqa: PLC0415  where a server keeps the book it is not needed

    files.refuse_strange(Path(place))
    return sqlite.connect(Path(place), patience=patience)


@contextmanager
def _transaction(place: Place, patience: float) -> Iterator[tuple[Database, Connection]]:
    """A transaction that nobody else writes beside, committed when the block ends well."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    database = _opened(place, patience)
    address = "sqlite://" if database.dialect == "sqlite" else "postgresql+psycopg://"
    engine = create_engine(address, creator=lambda: database.connection, poolclass=NullPool)
    if database.dialect == "sqlite":
        database.prepare_to_write()
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        database.connection.autocommit = False
    with database.refusals():
        try:
            with engine.begin() as connection:
                yield database, connection
        except DBAPIError as error:
            raise error.orig or error from error


def _upgrade(database: Any, connection: Connection) -> None:
    guards.remove(database.connection, database.dialect)
    if database.version() == _WITHOUT_TABLE:
        database.connection.execute(_VERSION_TABLE)
        database.connection.execute(f"INSERT INTO alembic_version VALUES ('{_WITHOUT_TABLE:04}')")
    _run_migrations(connection)
    guards.install(database.connection, database.dialect)
    if database.dialect == "sqlite":
        database.pragma(f"user_version={SCHEMA_VERSION}")
    wrong = [*database.wrong_guards(), *(f"{name} is not as it should be" for name in database.wrong_definitions())]
    if wrong:
        raise StoreError(f"The book could not be brought up to date: {', '.join(wrong)}.", "infusion db check")


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", f"{__package__}:migrations")
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    command.upgrade(settings, f"{SCHEMA_VERSION:04}")
