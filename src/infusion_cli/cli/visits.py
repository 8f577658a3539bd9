"""The daily verbs: book, move, cancel, and every step of a visit's life."""

from __future__ import annotations

from collections.abc import Sequence

from infusion_cli.cli import options, public, words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.slots import Slot
from infusion_cli.domain.visit import Wish
from infusion_cli.domain.when import parse_when, say_when
from infusion_cli.errors import ConflictError
from infusion_cli.services import booking, lookup, slots
from infusion_cli.services.booking import BookAsk, Override
from infusion_cli.services.desk import Outcome
from infusion_cli.services.ports import Reader

HOLD = options.option("--hold", help="Hold the time for so long instead of booking it.", metavar="30m")
OVERRIDE = options.option("--override", help="A rule that gives way; needs --reason.", metavar="RULE")
RIDE = options.option("--ride", help="How the patient gets home.", metavar="TEXT")
AT = options.option("--at", help="When it happened, if not now.", metavar="WHEN")
BY = options.option("--by", help="Who cancels: patient or clinic.", metavar="patient|clinic")


@command(writes=True, hold=HOLD, override=OVERRIDE, ride=RIDE)
def book(
    session: Session,
    patient: str,
    protocol: str,
    when: str,
    *,
    chair: str = "",
    hold: str = "",
    override: Sequence[str] = (),
    reason: str = "",
    ride: str = "",
) -> None:
    """Book one visit.

    It fills the next missing session of the patient's active series of that protocol, else it
    stands alone. Without --chair the best free chair is taken. A refusal gives every reason and
    the nearest times that would do.
    """
    gives_way = Override(tuple(override), reason)
    ask = BookAsk(patient, protocol, when, chair, hold, gives_way, ride)
    try:
        outcome = booking.book(session.desk(), ask)
    except ConflictError as error:
        _add_alternatives(session, ask, error)
        raise
    _print_visit(session, outcome, "Held" if hold else "Booked")


@command(writes=True, override=OVERRIDE)
def move(
    session: Session,
    appt: str,
    when: str,
    *,
    chair: str = "",
    override: Sequence[str] = (),
    reason: str = "",
) -> None:
    """Give a visit another time or chair.

    The visit keeps its id and its place in the series; it loses its confirmation when the time changes.
    """
    gives_way = Override(tuple(override), reason)
    try:
        outcome = booking.move(session.desk(), appt, when, chair=chair, override=gives_way)
    except ConflictError as error:
        _add_alternatives_of_move(session, appt, when, error)
        raise
    _print_visit(session, outcome, "Moved", appt)


@command(writes=True, by=BY)
def cancel(session: Session, appt: str, reason: str = "", by: str = "patient") -> int | None:
    """Cancel a visit.

    A patient's cancellation within the clinic's notice is marked as late; one by the clinic never is.
    """
    with session.reading() as reader:
        old = lookup.find_visit(reader, appt)
        when = say_when(old.start, zone(old.zone))
    if old.status != "cancelled" and not session.confirm(f"Cancel {old.id}, {old.protocol}, {when}?"):
        session.out.note("Nothing was changed.")
        return 1
    _print_visit(session, booking.cancel(session.desk(), appt, reason=reason, by=by), "Cancelled", appt)
    return None


@command(writes=True, ride=RIDE)
def confirm(session: Session, appt: str, ride: str = "") -> None:
    """Turn a hold into a booking, or note that the patient confirmed."""
    _print_visit(session, booking.confirm(session.desk(), appt, ride=ride), "Confirmed", appt)


@command(writes=True, at=AT, ride=RIDE)
def arrive(session: Session, appt: str, at: str = "", ride: str = "") -> None:
    """The patient is here."""
    _step(session, "arrive", appt, at, ride, "Arrived")


@command(writes=True, at=AT, ride=RIDE)
def start(session: Session, appt: str, at: str = "", ride: str = "") -> None:
    """Dosing begins."""
    _step(session, "start", appt, at, ride, "Started")


@command(writes=True, at=AT)
def finish(session: Session, appt: str, at: str = "") -> None:
    """The patient has left.

    Refused while a regulatory observation is not over.
    """
    _step(session, "finish", appt, at, "", "Finished")


@command(writes=True)
def no_show(session: Session, appt: str) -> None:
    """The patient did not come."""
    _step(session, "no-show", appt, "", "", "Missed")


def _step(session: Session, name: str, appt: str, at: str, ride: str, verb: str) -> None:
    outcome = booking.step(session.desk(), name, appt, at=at, ride=ride)
    _print_visit(session, outcome, verb, appt)


def _print_visit(session: Session, outcome: Outcome, verb: str, visit_id: str = "") -> None:
    """The visit as it now stands, or as it was already."""
    session.changed = bool(outcome.changes) and not outcome.replayed
    changed = [c.after for c in outcome.changes if isinstance(c.after, Appointment)]
    with session.reading() as reader:
        visit = changed[0] if changed else lookup.find_visit(reader, visit_id)
        _show(session, reader, visit, outcome, verb)


def _show(session: Session, reader: Reader, visit: Appointment, outcome: Outcome, verb: str) -> None:
    session.saw([visit])
    tz = zone(reader.clinic.timezone)
    if outcome.replayed:
        verb = "Done already, under this key"
    elif not outcome.changes:
        verb = f"As it was ({visit.status})"
    who = words.name(reader.patients_of([visit.patient]), visit.patient)
    lines: list[Line] = [
        *words.visit_done(reader.clinic, tz, visit, who, verb),
        *_was(reader, outcome),
        *words.warnings(_new_warnings(outcome)),
        *([] if session.options.dry_run else words.undo_line(outcome.operation)),
    ]
    session.out.record(public.appointment(visit, tz), lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


def _was(reader: Reader, outcome: Outcome) -> list[Line]:
    """Where a visit that was moved came from, and that its confirmation is gone."""
    for c in outcome.changes:
        old, new = c.before, c.after
        if isinstance(old, Appointment) and isinstance(new, Appointment) and _place(old) != _place(new):
            at = say_when(old.start, zone(reader.clinic.timezone))
            lost = "; it was confirmed and is not any more" if old.confirmed_at and not new.confirmed_at else ""
            return [f"  Was {at}, {words.chair_name(reader.clinic, old.chair)}{lost}."]
    return []


def _place(visit: Appointment) -> tuple[int, str]:
    return visit.start, visit.chair


def _new_warnings(outcome: Outcome) -> list[Conflict]:
    return [c for c in outcome.conflicts if not c.is_hard]


def _add_alternatives(session: Session, ask: BookAsk, error: ConflictError) -> None:
    """The nearest times that would do, and the command for the closest of them."""
    if not error.conflicts:
        return
    with session.reading() as reader:
        wish = booking.wish_of(reader, ask)
        session.saw([wish.patient])
        when = say_when(wish.start, zone(reader.clinic.timezone))
        error.message = f"Not booked: {wish.patient}, {wish.protocol.id}, {when}."
        hold = f" --hold {ask.hold}" if ask.hold else ""
        again = f"infusion book {wish.patient} {wish.protocol.id} WHEN{hold}"
        _offer(reader, slots.nearest_to(reader, wish), wish, again, error)


def _add_alternatives_of_move(session: Session, appt: str, when: str, error: ConflictError) -> None:
    if not error.conflicts:
        return
    with session.reading() as reader:
        old, tz = lookup.find_visit(reader, appt), zone(reader.clinic.timezone)
        session.saw([old])
        start = parse_when(when, reader.now, tz)
        error.message = f"Not moved: {old.id}, {old.protocol}, to {say_when(start, tz)}."
        protocol = reader.clinic.protocol(old.protocol)
        if protocol is not None:
            wish = Wish(protocol, old.patient, start)
            _offer(reader, slots.nearest_to(reader, wish, old), wish, f"infusion move {old.id} WHEN", error)


def _offer(reader: Reader, found: list[Slot], wish: Wish, again: str, error: ConflictError) -> None:
    tz = zone(reader.clinic.timezone)
    error.alternatives = tuple(public.slot(s, tz) | {"text": words.slot_text(reader.clinic, tz, s)} for s in found)
    if found:
        closest = min(found, key=lambda s: abs(s.start - wish.start))
        error.hint = again.replace("WHEN", public.slot(closest, tz)["start"][:16])
        return
    first: Conflict = error.conflicts[0]
    ways_out = {
        "requirement-missing": f"infusion patients record {wish.patient} {first.subject} --on DATE",
        "patient-on-hold": f"infusion patients edit {wish.patient} --status active",
    }
    error.hint = ways_out.get(first.rule, f"infusion slots find {wish.protocol.id} --patient {wish.patient}")
