"""The books that are tortured, wherever they lie; what is asked of them in the words of the program's ports."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from builders import file_of, place
from outside import Where, is_server
from races.harbor import NOW, request

from infusion_cli.services.booking import book
from infusion_cli.services.desk import Desk, Outcome
from infusion_cli.store.check import check
from infusion_cli.store.repository import BookStore, open_store

SQLITE = f"SQLite {sqlite3.sqlite_version}"
ALL_TIME = (0, 1 << 33)
STATUSES = ("proposed", "pending", "booked", "cancelled", "entered-in-error")


def opened(where: Where, patience: float = 10) -> BookStore:
    """The book, open; a writer waits so many seconds for another one."""
    return open_store(place(where), patience=patience)


def settled(store: BookStore, journal: str, synchronous: str) -> BookStore:
    """The same book in a file, written from now on in another way than the one that the program chose."""
    with store.writing(NOW):
        pass  # the program has chosen
    for setting in (f"journal_mode={journal}", f"synchronous={synchronous}", "wal_autocheckpoint=40"):
        file_of(store).pragma(setting)
    return store


def engine(where: Where) -> str:
    """What keeps the book, and how."""
    with opened(where) as store:
        found = store.describe()
    return f"{found['engine']} {found['journal_mode'].upper()} FULL" if "journal_mode" in found else found["engine"]


def booked(store: BookStore, number: int) -> Outcome:
    """Carry out the request of that number under its key."""
    ask, key = request(number)
    return book(Desk(store, NOW, "torture", key=key), ask)


def numbers(store: BookStore) -> list[int]:
    """The requests that stand in the book, each as often as it does."""
    with store.reading(NOW) as reader:
        return sorted(int(visit.key.partition("-")[2]) for visit in reader.visits(*ALL_TIME, STATUSES) if visit.key)


def errors(store: BookStore) -> list[str]:
    """What the program's own check finds wrong."""
    return [f"{found.rule}: {found.message}" for found in check(store) if found.severity == "error"]


def has_hot_journal(where: Where) -> bool:
    """Whether the next one to open a file has to roll back what was left half done."""
    journal = Path(f"{where}-journal")
    return not is_server(where) and journal.exists() and journal.stat().st_size > 0
