"""How often a desk waits for a server's answer: across a network each time costs what the way takes.

The protocol itself is counted, as the driver writes it down: the server ends each answer by saying that it is ready.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from typing import IO, Any

import pytest
from builders import NOW, clinic, patient, text_of, visit, write
from psycopg import Connection

from infusion_cli.config import ServerUrl
from infusion_cli.services import agenda, booking, patients
from infusion_cli.services.desk import Desk
from infusion_cli.store import server
from infusion_cli.store.database import Row
from infusion_cli.store.repository import BookStore, create_book, open_store
from infusion_cli.store.server import connect

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="The driver writes its protocol down on Linux only.")

DAY = date(2026, 12, 1)
CONSENT = (("consent", "2026-01-05"),)
FIRST = visit(7, of=0)


class Trips:
    """Counts a server's answers on the connection of a book, from its opening on."""

    def __init__(self, notes: IO[bytes]) -> None:
        self.notes = notes
        self.connection: Connection[Row] | None = None

    def connect(self, url: ServerUrl) -> Connection[Row]:
        """A connection whose answers are counted; for its own making more are needed."""
        self.connection = connect(url)
        self.connection.pgconn.trace(self.notes.fileno())
        return self.connection

    def since(self) -> int:
        """How many there were since this was asked last."""
        assert self.connection
        self.connection.pgconn.untrace()  # writes down what it had kept back
        self.notes.seek(0)
        found = self.notes.read().count(b"\tReadyForQuery\t")
        self.notes.seek(0)
        self.notes.truncate()
        self.connection.pgconn.trace(self.notes.fileno())
        return found


@pytest.fixture
def place(database_url: str) -> ServerUrl:
    """A book with two patients and a visit."""
    of, at = clinic(), ServerUrl(database_url, "main")
    with create_book(at, text_of(of), of, NOW, "founder") as made:
        write(made, patient(0, requirements=CONSENT), patient(1, requirements=CONSENT), FIRST)
    return at


@pytest.fixture
def trips(place: ServerUrl, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    with tempfile.TemporaryFile() as notes:
        counted = Trips(notes)
        monkeypatch.setattr(server, "connect", counted.connect)
        yield counted


@pytest.fixture
def store(place: ServerUrl, trips: Trips) -> Iterator[BookStore]:
    with open_store(place) as opened:
        yield opened


def test_opening(trips: Trips, store: BookStore) -> None:
    assert trips.since() == 3


def test_looking_at_a_day(trips: Trips, store: BookStore) -> None:
    trips.since()
    with store.reading(NOW) as reader:
        assert agenda.board(reader, DAY, DAY).book.appointments
    assert trips.since() == 7


def test_listing_a_day(trips: Trips, store: BookStore) -> None:
    trips.since()
    with store.reading(NOW) as reader:
        assert agenda.list_visits(reader, DAY, DAY)[0]
    assert trips.since() == 6


def test_finding_a_patient(trips: Trips, store: BookStore) -> None:
    trips.since()
    with store.reading(NOW) as reader:
        assert len(patients.find(reader, "Ada")) == 2
    assert trips.since() == 6


def test_booking_a_visit(trips: Trips, store: BookStore) -> None:
    trips.since()
    booking.book(Desk(store, NOW, "desk"), booking.BookAsk("MRN-0001", "iv-mood", "2026-12-01T13:00"))
    assert trips.since() == 21


def test_moving_a_visit(trips: Trips, store: BookStore) -> None:
    trips.since()
    booking.move(Desk(store, NOW, "desk"), FIRST.id, "2026-12-01T13:00")
    assert trips.since() == 19


def test_asking_one_after_the_other_is_seen(trips: Trips, store: BookStore) -> None:
    trips.since()
    together: tuple[tuple[str, dict[str, Any]], ...] = (("head", {}), ("counters", {}), ("clinic", {}))
    store.database.several(*together)
    assert trips.since() == 1
    for name, values in together:
        store.database.rows(name, **values)
    assert trips.since() == 3
