"""What passes between a book and other systems: the names of records, and appointments as others tell them."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from json import dumps
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


PLACES = frozenset({"book", "hold"})
"""Wishes for a place."""
MRN_MARK = "MR"
"""The code of a medical record number among the types of identifiers (HL7 v2, table 0203)."""


class Identifier(NamedTuple):
    """A name that some system gave to something."""

    system: str
    value: str
    mark: str = ""
    """The code of its type, `MRN_MARK` before any other; empty when none is told."""
    until: str = ""
    """The last day, month or year in which it counts (`2026-12-01`, `2026-12`, `2026`); empty without an end."""


class Person(NamedTuple):
    """A patient as a file tells them."""

    identifiers: tuple[Identifier, ...] = ()
    birth_date: str = ""
    is_active: bool = True
    digest: str = ""
    """Of all that, so that it is looked at once however often they take part."""


class Wanted(NamedTuple):
    """An appointment as the file of another system tells it; every text is clean, and may be empty."""

    entry: int
    """Where it stands in the file, from 1."""
    names: tuple[str, ...]
    """By which it is known again, as `name_of` gives them."""
    identifiers: tuple[Identifier, ...]
    status: str
    """One of `WISHES`."""
    start: int | None
    """The instant in seconds, a fraction rounded up."""
    person: Person
    services: tuple[str, ...]
    """Codes and titles of what it is for."""
    chair: str
    """The id of the chair that it names."""
    place: str
    """A digest of the words it names places with, whatever they mean here."""
    by: str
    """Who cancelled it: `patient` or `clinic`."""
    updated: int | None
    """When its system last changed it."""
    has_declined: bool = False
    """The patient has said no."""


IDENTIFIER, ADDRESS, ID = "i", "u", "n"
"""Kinds of names of an appointment: a business identifier, its address on a server, its id there."""
_PLACE, _VALUE = 12, 32


def name_of(kind: str, value: str, system: str = "") -> str:
    """A name of an appointment: its kind, a digest of the system that gave it, and one of the value."""
    digests = (sha256(dumps(part).encode()).hexdigest() for part in ([kind, system], [kind, system, value]))
    place, whole = digests
    return f"{kind}{place[:_PLACE]}{whole[:_VALUE]}"


def is_one_appointment(some: Collection[str], others: Collection[str]) -> bool:
    """Whether the names are those of one appointment, told at two times.

    An identifier may be added, and stands above the address, since a system moves. But an order's
    number is that of every appointment of a course: where each has another identifier besides,
    they are one only at one address.
    """
    shared = set(some) & set(others)
    kinds = {name[0] for name in shared}
    if IDENTIFIER in kinds:
        one, other = _of_kind(IDENTIFIER, some), _of_kind(IDENTIFIER, others)
        return one <= other or other <= one or _has_one_address(some, others)
    if ADDRESS in kinds:
        return True
    return ID in kinds and _has_one_address(some, others) and not _systems(some) & _systems(others)


def _has_one_address(some: Collection[str], others: Collection[str]) -> bool:
    """By where it is kept, or by its id where one of the two does not say that."""
    kind = ADDRESS if _of_kind(ADDRESS, some) and _of_kind(ADDRESS, others) else ID
    return bool(_of_kind(kind, some) & _of_kind(kind, others))


def _of_kind(kind: str, names: Collection[str]) -> set[str]:
    return {name for name in names if name[0] == kind}


def _systems(names: Collection[str]) -> set[str]:
    """The systems that gave identifiers."""
    return {name[: 1 + _PLACE] for name in names if name[0] == IDENTIFIER}


class EntryProblem(NamedTuple):
    """Why an entry of a file is left out; `is_conflict` when only scheduling rules stand against it."""

    entry: int
    column: str
    """The element to look at."""
    rule: str
    message: str
    is_conflict: bool = False


class Skipped(NamedTuple):
    """An entry that nothing is to be done about, and why; `entry` is 0 for what is not in the file at all."""

    entry: int
    rule: str
    message: str


class Refusal(Exception):  # noqa: N818  it is no error of the program
    """Why an appointment cannot be read as a request: element, rule and message."""

    def __init__(self, column: str, rule: str, message: str) -> None:
        super().__init__(message)
        self.found = (column, rule, message)


class Pass(Exception):  # noqa: N818
    """Why nothing is to be done about an appointment: rule and message."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.found = (rule, message)


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
