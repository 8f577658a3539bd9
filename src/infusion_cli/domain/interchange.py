"""What passes between a book and other systems: the names of records, and appointments as others tell them."""

from __future__ import annotations

from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

RELEASES = ("R4", "R5")
"""Releases of FHIR that are spoken."""
WISHES = {
    "proposed": "hold",
    "pending": "hold",
    "booked": "book",
    "arrived": "book",
    "checked-in": "book",
    "fulfilled": "book",
    "cancelled": "cancel",
    "entered-in-error": "cancel",
    "noshow": "no-show",
    "waitlist": "wait",
}
"""What an appointment's status asks for, by FHIR's appointmentstatus, the same in R4 and R5."""


class Identifier(NamedTuple):
    """A name that some system gave to something; `is_mrn` when it says that it is a medical record number."""

    system: str
    value: str
    is_mrn: bool = False


class Wanted(NamedTuple):
    """An appointment as the file of another system tells it; every text is clean, and may be empty."""

    entry: int
    """Where it stands in the file, from 1."""
    keys: tuple[str, ...]
    """By which it is known again, any of them."""
    identifiers: tuple[Identifier, ...]
    status: str
    """One of `WISHES`."""
    start: int | None
    """The instant in seconds, on a full minute."""
    person: tuple[Identifier, ...]
    birth_date: str
    services: tuple[str, ...]
    """Codes and titles of what it is for."""
    chair: str
    """The id of the chair that it names."""
    by: str
    """Who cancelled it: `patient` or `clinic`."""
    updated: int | None
    """When its system last changed it."""


class EntryProblem(NamedTuple):
    """Why an entry of a file is left out; `is_conflict` when only scheduling rules stand against it."""

    entry: int
    column: str
    """The element to look at."""
    rule: str
    message: str
    is_conflict: bool = False


class Skipped(NamedTuple):
    """An entry that nothing is to be done about, and why."""

    entry: int
    rule: str
    message: str


class Space:
    """The names that one book gives to its records: the same for the same book, and no other book's."""

    def __init__(self, founding: str) -> None:
        self._space = uuid5(NAMESPACE_URL, f"urn:infusion:{founding}")
        self.system = self._urn(self._space)
        """The system of the book's own ids, a URN (RFC 9562)."""

    def uuid(self, name: str) -> str:
        """The UUID of what the book calls by that name, e.g. `A7K2MH` or `slot/A7K2MH`."""
        return str(uuid5(self._space, name))

    def urn(self, name: str) -> str:
        """The same as a URN."""
        return self._urn(uuid5(self._space, name))

    @staticmethod
    def _urn(of: UUID) -> str:
        return f"urn:uuid:{of}"
