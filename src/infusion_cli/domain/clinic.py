"""A clinic as its file describes it: zone, hours, chairs, staff, protocols.

Times of day are minutes since local midnight (0..1440); weekdays count from Monday = 0.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from infusion_cli.domain.protocol import Protocol, Span


class Hours(NamedTuple):
    """Opening hours on some weekdays, [open, close) in minutes since local midnight."""

    days: tuple[int, ...]
    open: int
    close: int


class Closure(NamedTuple):
    """A local date on which the clinic is closed."""

    date: date
    reason: str


class Chair(NamedTuple):
    """A chair or room; `protocols` names what may be given in it, `("*",)` everything."""

    id: str
    name: str
    protocols: tuple[str, ...] = ("*",)

    def suits(self, protocol_id: str) -> bool:
        """Whether a visit of that protocol may be held here."""
        return "*" in self.protocols or protocol_id in self.protocols


class Shift(NamedTuple):
    """Weekly working time, [start, end) in minutes since local midnight."""

    days: tuple[int, ...]
    start: int
    end: int


class Practitioner(NamedTuple):
    """Somebody of the staff; `role` is `nurse` or `provider`."""

    id: str
    role: str
    shifts: tuple[Shift, ...]


class Words(NamedTuple):
    """Words that leave the clinic, the same for every visit; an empty one is for `domain.wording` to fill."""

    title: str = ""
    """The summary of a visit whose protocol has no public title."""
    alarm: str = ""
    """The words of the reminder; its visit's summary without."""
    questions: str = ""
    """What stands before the phone number."""
    subject: str = ""
    opening: str = ""
    replaces: str = ""
    """The sentence of a mail that is not the first one about a visit."""
    cancel_subject: str = ""
    cancel_opening: str = ""
    reference: str = ""
    """What stands before the visit's id."""
    busy: str = ""
    """What the calendar of a chair says of a visit, before the chair's name."""
    chair: str = ""
    """A chair whose name tells what is given in it is called so, with a number."""
    staff: str = ""
    """Somebody of the staff whose id tells is called so, with a number."""


class Clinic(NamedTuple):
    """The whole of `clinic.toml`."""

    name: str
    public_name: str
    timezone: str
    grid: int
    cancel_notice: Span
    hours: tuple[Hours, ...]
    chairs: tuple[Chair, ...]
    staff: tuple[Practitioner, ...]
    protocols: tuple[Protocol, ...]
    closures: tuple[Closure, ...] = ()
    phone: str = ""
    email: str = ""
    address: str = ""
    language: str = ""
    """A BCP 47 tag such as `en` or `de-AT`; empty for English that nobody labels."""
    words: Words = Words()

    def protocol(self, protocol_id: str) -> Protocol | None:
        """The protocol of that id, or None."""
        return next((p for p in self.protocols if p.id == protocol_id), None)

    def chair(self, chair_id: str) -> Chair | None:
        """The chair of that id, or None."""
        return next((c for c in self.chairs if c.id == chair_id), None)

    def practitioner(self, staff_id: str) -> Practitioner | None:
        """The member of staff of that id, or None."""
        return next((s for s in self.staff if s.id == staff_id), None)

    def count(self, role: str) -> int:
        """How many of the staff have that role: the physical ceiling of hands."""
        return sum(1 for s in self.staff if s.role == role)
