"""Visits whose zone's law has changed since they were booked: the time that the patient was told holds."""

from __future__ import annotations

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.plan import change
from infusion_cli.domain.wall_time import AWAITED, as_told, begins_as_told
from infusion_cli.services.agenda import FIRST_INSTANT, LAST_INSTANT
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out
from infusion_cli.services.ports import Reader, Writer


def correct(desk: Desk) -> Outcome:
    """Give every visit ahead the instant at which the clock shows what the patient was told.

    Each is a revision: its SEQUENCE rises, so calendars learn of it. No rule is asked, because nothing
    was arranged anew; the guards hold all the same. Raises `ConflictError` when one refuses.
    """

    def decide(writer: Writer) -> Decision:
        moved = [change(visit, as_told(visit)) for visit in displaced(writer)]
        return Decision(moved, summary={"visits": [c.id for c in moved]})

    return carry_out(desk, "db migrate", {}, decide)


def displaced(reader: Reader) -> list[Appointment]:
    """The visits ahead that no longer begin when the patient was told, in order of start."""
    return [v for v in reader.visits(FIRST_INSTANT, LAST_INSTANT, AWAITED) if not begins_as_told(v)]
