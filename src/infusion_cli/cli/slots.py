"""Bookable time: find it, list it, say why not; open extra hours, block and unblock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from infusion_cli.cli import complete, options, public, words
from infusion_cli.cli.looking import block_line
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Block
from infusion_cli.domain.clinic_time import iso, zone
from infusion_cli.domain.codec import encode_conflict
from infusion_cli.domain.names import fit, shown
from infusion_cli.domain.when import parse_count, say_when
from infusion_cli.services import lookup
from infusion_cli.services import slots as service
from infusion_cli.services.desk import Outcome
from infusion_cli.services.ports import Reader
from infusion_cli.services.slots import BlockAsk, FindAsk

OF = options.option("--patient", help="Only starts that are legal for this patient.", metavar="P")
STAFF = options.option("--staff", help="A member of staff, by id.", metavar="S", completion=complete.staff)
ON_DUTY = options.option("--staff", help="Who works then; everybody without.", metavar="S", completion=complete.staff)
CLINIC = options.option("--clinic", help="The whole clinic.")
START = options.argument("FROM", "When it begins: '2026-12-01 9:00', 'tue 9am'.")
END = options.argument("TO", "When it ends.")


@command(patient=OF)
def find(
    session: Session,
    protocol: str,
    *,
    patient: str = "",
    from_: str = "",
    to: str = "",
    between: str = "",
    weekdays: str = "",
    chair: str = "",
    limit: str = "",
) -> None:
    """Bookable starts in time order.

    Each once, with the chair that book would choose. Looks 14 days ahead and stops at 10 unless
    told otherwise. With --patient every rule about the patient is asked too.
    """
    most = parse_count(limit, "limit", high=100_000) if limit else service.USUAL_LIMIT
    ask = FindAsk(protocol, patient, from_, to, between, weekdays, chair, most)
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        found = service.find_slots(reader, ask)
        if patient:
            session.saw([lookup.find_patient(reader, patient)])
        session.out.records([public.slot(s, tz) for s in found], words.slot_rows(reader.clinic, tz, found))
        if not found:
            session.out.note(f"No bookable start. Try: infusion slots why {protocol} WHEN")


@command()
def list_(session: Session, from_: str = "", to: str = "") -> None:
    """Free and busy time of each chair.

    Today's or that of the days named; blocks of chairs with their ids.
    """
    with session.reading() as reader:
        tz, clinic = zone(reader.clinic.timezone), reader.clinic
        found = service.list_slots(reader, from_, to)
        rows: list[Line] = []
        heading = ""
        for slot in found:
            day = say_when(slot.start, tz)[:-6]
            if day != heading:
                rows.append([Piece(day, "bold")])
                heading = day
            times = f"{words.clock(slot.start, tz)}-{words.clock(slot.end, tz)}"
            what = f"{slot.protocol} {slot.subject}".strip()
            rows.append(f"  {fit(words.chair_name(clinic, slot.chair), 12)} {times}  {slot.status:16} {what}")
        session.out.records([public.slot(s, tz) for s in found], rows)
        if not found:
            session.out.note("The clinic is not open then.")


@command()
def blocks(session: Session, from_: str = "", to: str = "") -> None:
    """Blocks and extra hours of chairs, staff and the clinic.

    Those to come or those of the days named, with the ids that unblock takes.
    """
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        found = service.list_blocks(reader, from_, to)
        session.out.records([public.block(b, tz) for b in found], [block_line(b, reader) for b in found])
        if not found:
            session.out.note("Nothing is blocked, and there are no extra hours.")


@command(patient=OF)
def why(
    session: Session,
    protocol: str,
    when: str,
    patient: str = "",
    chair: str = "",
) -> None:
    """Every rule that stands in the way, and the nearest times that would do."""
    with session.reading() as reader:
        tz, clinic = zone(reader.clinic.timezone), reader.clinic
        found = service.why(reader, protocol, when, patient=patient, chair=chair)
        visit = found.verdict.visit
        session.saw([visit])
        data = {
            "start": iso(visit.start, tz),
            "protocol": visit.protocol,
            "chair": visit.chair or None,
            "conflicts": [encode_conflict(c, tz) for c in found.verdict.conflicts],
            "alternatives": [public.slot(s, tz) for s in found.alternatives],
        }
        head = f"{words.title(clinic, visit.protocol)}, {say_when(visit.start, tz)}"
        verdict = "nothing stands in the way" if not found.verdict.hard else "not possible"
        place = f", {words.chair_name(clinic, visit.chair)}" if visit.chair else ""
        lines: list[Line] = [[Piece(f"{head}{place}: {verdict}.", "bold")]]
        width = max((len(c.rule) for c in found.verdict.conflicts), default=0)
        for c in found.verdict.conflicts:
            mark = " " if c.is_hard else "!"
            lines.append(f" {mark}{c.rule:{width}}  {shown(c.message)}")
        if found.alternatives:
            lines.append("Nearest: " + ", ".join(words.slot_text(clinic, tz, s) for s in found.alternatives))
        session.out.record(data, lines)


@command(writes=True, from_=START, to=END, staff=ON_DUTY)
def open_(session: Session, from_: str, to: str, *, staff: Sequence[str] = (), reason: str = "") -> None:
    """Add opening hours.

    The staff named, or everybody, is on duty then.
    """
    on_duty = tuple(name.strip() for given in staff for name in given.split(","))
    outcome = service.open_hours(session.desk(), BlockAsk(from_, to, reason, staff=on_duty))
    _print_block(session, outcome, "Opened")


@command(writes=True, from_=START, to=END, staff=STAFF, clinic=CLINIC)
def block(
    session: Session,
    from_: str,
    to: str,
    *,
    chair: str = "",
    staff: str = "",
    clinic: bool = False,
    reason: str = "",
) -> None:
    """Chair out of order, staff away, or clinic closed.

    The visits that it makes impossible are listed at once.
    """
    ask = BlockAsk(from_, to, reason, chair, (staff,) if staff else (), clinic)
    _print_block(session, service.block(session.desk(), ask), "Blocked")


@command(writes=True, id_=options.argument("ID", "A block's id."))
def unblock(session: Session, id_: str) -> None:
    """Lift a block, or take extra hours back."""
    outcome = service.unblock(session.desk(), id_)
    _print_block(session, outcome, "Lifted" if outcome.changes else "As it was", id_)


def _print_block(session: Session, outcome: Outcome, verb: str, block_id: str = "") -> None:
    session.changed = bool(outcome.changes) and not outcome.replayed
    if outcome.replayed:
        verb = "Done already, under this key"
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        blocks = [c.after for c in outcome.changes if isinstance(c.after, Block)]
        blocked = blocks[0] if blocks else lookup.find_block(reader, block_id)
        hit = outcome.summary.get("hit", [])
        lines: list[Line] = [f"{verb} {words.plain_text(block_line(blocked, reader))}"]
        lines += hit_lines(reader, hit)
        if not session.options.dry_run:
            lines += words.undo_line(outcome.operation)
        session.out.record(public.block(blocked, tz) | {"hit": list(hit)}, lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


def hit_lines(reader: Reader, hit: Iterable[str]) -> list[Line]:
    """The visits of those ids, which a block makes impossible."""
    tz = zone(reader.clinic.timezone)
    lines: list[Line] = []
    for visit_id in hit:
        visit = lookup.find_visit(reader, visit_id)
        chair = words.chair_name(reader.clinic, visit.chair)
        lines.append(
            [Piece(f"  ! {visit.id}", "yellow"), Piece(f"  {say_when(visit.start, tz)}  {visit.protocol}  {chair}")]
        )
    if lines:
        count = words.count(len(lines), "visit")
        lines.insert(0, f"{count} can no longer be held; move or cancel (infusion list --impossible):")
    return lines
