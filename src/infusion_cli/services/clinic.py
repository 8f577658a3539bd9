"""The clinic's file as a record of the book: shown, checked, replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from infusion_cli.domain import rules
from infusion_cli.domain.book import Appointment, Book
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import DAY
from infusion_cli.domain.plan import ClinicText, change
from infusion_cli.domain.supply import supply_of
from infusion_cli.errors import ConflictError
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out
from infusion_cli.services.ports import Reader, Writer
from infusion_cli.services.slots import SUPPLY_RULES

LOOK_AHEAD = 2 * 366 * DAY


def apply_clinic(desk: Desk, new: Clinic, text: str, data: str, difference: Sequence[str] = ()) -> Outcome:
    """Replace the clinic's file; refused when a visit ahead would lose its chair, protocol or zone.

    Visits that the new hours, shifts or closures make impossible are listed in the summary, as is
    the `difference` in words, so that it belongs to the answer under a key.
    """

    def decide(writer: Writer) -> Decision:
        ahead = visits_ahead(writer)
        refuse_if_orphaned(writer.clinic, new, ahead)
        after = ClinicText(writer.clinic_text.id, text, data)
        hit = impossible(writer, new, ahead)
        return Decision(
            [change(writer.clinic_text, after)], summary={"hit": [v.id for v in hit], "difference": [*difference]}
        )

    return carry_out(desk, "clinic apply", {"text": text}, decide)


def visits_ahead(reader: Reader) -> list[Appointment]:
    """The visits of two years to come that still need their place."""
    return reader.visits(reader.now, reader.now + LOOK_AHEAD, ("pending", "booked", "arrived", "checked-in"))


def refuse_if_orphaned(old: Clinic, new: Clinic, ahead: list[Appointment]) -> None:
    """Raise `ConflictError` when a visit ahead would lose its chair, protocol or zone."""
    if ahead and new.timezone != old.timezone:
        raise ConflictError(
            f"The zone cannot change from {old.timezone} to {new.timezone} while {len(ahead)} visits lie ahead.",
            hint="move or cancel them first, or start a new book",
        )
    for visit in ahead:
        if new.chair(visit.chair) is None:
            raise ConflictError(
                f"{visit.id} is in chair {visit.chair}, which the new file has not.", hint=_first_move(visit)
            )
        if new.protocol(visit.protocol) is None:
            raise ConflictError(
                f"{visit.id} is a visit of {visit.protocol}, which the new file has not.", hint=_first_move(visit)
            )


def _first_move(visit: Appointment) -> str:
    return f"infusion move or cancel {visit.id} first"


def impossible(reader: Reader, clinic: Clinic, ahead: list[Appointment]) -> list[Appointment]:
    """Of the visits ahead, in order of start, those that cannot be held in that clinic: closed, or nobody is there."""
    if not ahead:
        return []
    lo, hi = ahead[0].start - DAY, ahead[-1].end + int(timedelta(days=2).total_seconds())
    loaded = reader.load(lo, hi)
    book = Book(clinic, reader.now, lo, hi)
    book.add(loaded.appointments.values())
    book.add(loaded.blocks.values())
    supply = supply_of(book)
    return [v for v in ahead if rules.hard(Case(book, v, supply=supply), ("chair-unsuitable", *SUPPLY_RULES))]
