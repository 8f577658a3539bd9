"""What somebody does to a book behind the program's back who knows SQL, on either engine."""

from __future__ import annotations

from outside import Outside, Where

from infusion_cli.store import guards
from infusion_cli.store.postgresql import PostgresDatabase
from infusion_cli.store.repository import BookStore
from infusion_cli.store.sqlite import SqliteDatabase


def where(store: BookStore) -> Where:
    """Where an open book is to be found from outside."""
    if isinstance(store.database, PostgresDatabase):
        return store.database.url.url
    assert isinstance(store.database, SqliteDatabase)
    return store.database.path


def damage(store: BookStore, *statements: str, without: tuple[str, ...] = ()) -> None:
    """Change the book; guards in the way are taken away before and put back after."""
    with Outside(where(store)) as book:
        for name in without:
            table = name.partition("_")[0]
            book.run(f"ALTER TABLE {table} DISABLE TRIGGER {name}" if book.is_server else f"DROP TRIGGER {name}")
        for statement in statements:
            book.run(statement)
        for name in without:
            table = name.partition("_")[0]
            book.run(f"ALTER TABLE {table} ENABLE TRIGGER {name}" if book.is_server else guards.expected()[name])
