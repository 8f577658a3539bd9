"""A proposed visit on a book: what every rule looks at, worked out once."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from infusion_cli.domain.book import Appointment, Book, Patient, Series
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.protocol import Gap, Place, Protocol, Span, place_in_course, smallest_gap
from infusion_cli.domain.supply import Supply, supply_of


class Neighbours(NamedTuple):
    """The live visits of the same protocol just before and just after, in a series or not."""

    before: Appointment | None
    after: Appointment | None


class Case:
    """`visit` as it would stand in the book; an older state of the same id does not count.

    `visit.patient` may be empty: then the rules about a patient have nothing to say.
    """

    def __init__(self, book: Book, visit: Appointment, *, supply: Supply | None = None) -> None:
        self.book = book
        self.visit = visit
        self.tz = zone(book.clinic.timezone)
        self._supply = supply

    @cached_property
    def supply(self) -> Supply:
        """Hours, closures and duty around the visit."""
        return self._supply or supply_of(self.book)

    @cached_property
    def protocol(self) -> Protocol:
        """The visit's protocol; one that left the clinic's file is known by the phases of the visit."""
        visit = self.visit
        return self.book.clinic.protocol(visit.protocol) or Protocol(visit.protocol, visit.protocol, visit.phases)

    @property
    def patient(self) -> Patient | None:
        """The patient, if one is named."""
        return self.book.patients.get(self.visit.patient)

    @property
    def series(self) -> Series | None:
        """The series that the visit is a session of."""
        return self.book.series.get(self.visit.series) if self.visit.series else None

    @cached_property
    def around(self) -> list[Appointment]:
        """Other live visits that overlap the whole visit."""
        return [v for v in self.book.live_between(self.visit.start, self.visit.end) if v.id != self.visit.id]

    @cached_property
    def own(self) -> list[Appointment]:
        """Other live visits of the patient, in order of start."""
        if not self.visit.patient:
            return []
        return [v for v in self.book.of_patient(self.visit.patient) if v.is_live and v.id != self.visit.id]

    @cached_property
    def same_protocol(self) -> list[Appointment]:
        """Other live visits of the patient with the same protocol, in order of start."""
        return [v for v in self.own if v.protocol == self.visit.protocol]

    @cached_property
    def neighbours(self) -> Neighbours:
        """The sessions just before and just after, by time."""
        before = [v for v in self.same_protocol if v.start <= self.visit.start]
        after = [v for v in self.same_protocol if v.start > self.visit.start]
        return Neighbours(before[-1] if before else None, after[0] if after else None)

    @property
    def sessions_in_series(self) -> int:
        """Live visits of the series, this one included."""
        return 1 + sum(v.series == self.visit.series for v in self.own)

    def place(self, visit: Appointment) -> Place | None:
        """Where a visit of this patient stands in the course of its series; None for a lone visit."""
        series = self.book.series.get(visit.series) if visit.series else None
        return place_in_course(series.course, visit.session) if series and visit.session else None

    def gap(self, visit: Appointment) -> Gap | None:
        """The gap that belongs to a session, by its own step; None for a lone visit."""
        place = self.place(visit)
        return place.step.gap if place else None

    def least_gap(self, visit: Appointment) -> Span | None:
        """What a visit has to keep from the one before: its step's `min`, or the course's smallest."""
        gap = self.gap(visit)
        return gap.min if gap else smallest_gap(self.protocol.course)

    def is_shorter(self, earlier: Appointment, later: Appointment, span: Span) -> bool:
        """Whether later comes less than `span` after earlier, start to start."""
        return self.distance(earlier, later, span) < span.amount * _SECONDS[span.unit]

    def distance(self, earlier: Appointment, later: Appointment, span: Span) -> int:
        """From start to start in the measure of `span`: whole local days, or elapsed time; in seconds."""
        if span.unit == "d":
            return (local_date(later.start, self.tz) - local_date(earlier.start, self.tz)).days * _SECONDS["d"]
        return later.start - earlier.start


_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
