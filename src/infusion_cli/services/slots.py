"""Slots: find them, list them, say why not; open extra hours, block chairs, staff and the clinic."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import NamedTuple

from infusion_cli.domain import rules
from infusion_cli.domain.book import Appointment, Block, Book
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import DAY, local_date, midnight, zone
from infusion_cli.domain.period import Period, union
from infusion_cli.domain.plan import change
from infusion_cli.domain.slots import Query, Slot, find, nearest, occupation
from infusion_cli.domain.supply import supply_of
from infusion_cli.domain.visit import Verdict, Wish, book_visit
from infusion_cli.domain.when import parse_between, parse_date, parse_weekdays, parse_when, say_when
from infusion_cli.errors import UsageError
from infusion_cli.services import agenda, lookup
from infusion_cli.services.booking import load_around
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out
from infusion_cli.services.ports import Reader, Writer

LOOK_AHEAD_DAYS = 14
USUAL_LIMIT = 10


class FindAsk(NamedTuple):
    """What `slots find` was asked, as typed; empty means not said."""

    protocol: str
    patient: str = ""
    first: str = ""
    last: str = ""
    between: str = ""
    weekdays: str = ""
    chair: str = ""
    limit: int = USUAL_LIMIT


def find_slots(reader: Reader, ask: FindAsk) -> list[Slot]:
    """The first bookable starts; for a patient those that every rule allows."""
    query = query_of(reader, ask)
    book = _load(reader, query.first, query.last, query.patient)
    return list(islice(find(book, query), ask.limit))


def query_of(reader: Reader, ask: FindAsk) -> Query:
    """The query behind the words; raises lookup and usage errors."""
    clinic = reader.clinic
    tz = zone(clinic.timezone)
    first, last = days_of(reader, ask.first, ask.last, LOOK_AHEAD_DAYS)
    return Query(
        protocol=lookup.find_protocol(clinic, ask.protocol),
        first=max(first, local_date(reader.now, tz)),
        last=last,
        patient=lookup.find_patient(reader, ask.patient).id if ask.patient else "",
        between=parse_between(ask.between) if ask.between else None,
        weekdays=parse_weekdays(ask.weekdays) if ask.weekdays else None,
        chair=lookup.find_chair(clinic, ask.chair).id if ask.chair else "",
    )


def days_of(reader: Reader, first: str, last: str, days: int) -> tuple[date, date]:
    """Inclusive dates from what was typed; without a last one `days` days from the first."""
    tz = zone(reader.clinic.timezone)
    start = parse_date(first, reader.now, tz) if first else local_date(reader.now, tz)
    end = parse_date(last, reader.now, tz) if last else start + timedelta(days=max(0, days - 1))
    if end < start:
        raise UsageError(f"--to {end} is before --from {start}.", "both are included; swap them")
    return start, end


def list_slots(reader: Reader, first: str, last: str) -> list[Slot]:
    """Free and busy time of each chair, for today or the days named."""
    start, end = days_of(reader, first, last or first, 1)
    return occupation(_load(reader, start, end), start, end)


def list_blocks(reader: Reader, first: str, last: str) -> list[Block]:
    """Blocks and extra hours that touch the days named, or are not over yet, in order of start."""
    within = agenda.stretch(reader, *agenda.days(reader, first, last))
    return reader.blocks(within.lo if first else reader.now, within.hi)


class Why(NamedTuple):
    """The answer of `slots why`."""

    verdict: Verdict
    alternatives: list[Slot]


def why(reader: Reader, protocol: str, when: str, *, patient: str = "", chair: str = "") -> Why:
    """Every rule that stands in the way of a visit, and the nearest times that would do."""
    wish = Wish(
        protocol=lookup.find_protocol(reader.clinic, protocol),
        patient=lookup.find_patient(reader, patient).id if patient else "",
        start=parse_when(when, reader.now, zone(reader.clinic.timezone)),
        chair=lookup.find_chair(reader.clinic, chair).id if chair else "",
    )
    book = load_around(reader, wish.start, [wish.patient] if wish.patient else [])
    verdict = book_visit(book, wish)
    return Why(verdict, nearest_to(reader, wish) if verdict.hard else [])


def nearest_to(reader: Reader, wish: Wish, moved: Appointment | None = None) -> list[Slot]:
    """The nearest legal times to a wish that cannot be had; in another chair if need be.

    A visit that is to be moved there does not stand in its own way.
    """
    tz = zone(reader.clinic.timezone)
    first = max(local_date(wish.start, tz), local_date(reader.now, tz))
    last = first + timedelta(days=LOOK_AHEAD_DAYS)
    book = _load(reader, first, last, wish.patient)
    if moved is not None:
        book.put(moved._replace(status="cancelled"))
    return nearest(book, Query(wish.protocol, first, last, wish.patient), wish.start)


class BlockAsk(NamedTuple):
    """What is blocked or opened: one of a chair, a member of staff, the clinic, or extra hours."""

    start: str
    end: str
    reason: str = ""
    chair: str = ""
    staff: tuple[str, ...] = ()
    clinic: bool = False


def block(desk: Desk, ask: BlockAsk) -> Outcome:
    """Take a chair, a member of staff or the whole clinic away; the visits hit are in the summary."""

    def decide(writer: Writer) -> Decision:
        if sum((bool(ask.chair), bool(ask.staff), ask.clinic)) != 1 or len(ask.staff) > 1:
            raise UsageError("A block is for one thing.", "give one of --chair C, --staff S or --clinic")
        if not ask.reason.strip():
            raise UsageError("A block needs a reason.", 'add --reason "lamp broken"')
        new = block_of(writer, ask)
        return Decision([change(None, new)], summary={"hit": [v.id for v in visits_hit(writer, new)]})

    return carry_out(desk, "slots block", ask._asdict(), decide)


def open_hours(desk: Desk, ask: BlockAsk) -> Outcome:
    """Add opening hours with some of the staff, or everybody, on duty."""

    def decide(writer: Writer) -> Decision:
        return Decision([change(None, block_of(writer, ask, kind="open"))])

    return carry_out(desk, "slots open", ask._asdict(), decide)


def unblock(desk: Desk, block_id: str) -> Outcome:
    """Lift a block or take extra hours back; the visits that then lie outside are in the summary."""

    def decide(writer: Writer) -> Decision:
        old = lookup.find_block(writer, block_id)
        if old.status != "active":
            return Decision([], summary={"already": old.id})
        lifted = old._replace(status="removed")
        return Decision([change(old, lifted)], summary={"hit": [v.id for v in visits_hit(writer, lifted)]})

    return carry_out(desk, "slots unblock", {"block": block_id}, decide)


def block_of(writer: Writer, ask: BlockAsk, kind: str = "") -> Block:
    """The block behind the words; raises lookup and usage errors."""
    clinic, tz = writer.clinic, zone(writer.clinic.timezone)
    start, end = parse_when(ask.start, writer.now, tz), parse_when(ask.end, writer.now, tz)
    if end <= start:
        raise UsageError(f"The end {say_when(end, tz)} is not after the start.", "give FROM and TO, e.g. 'tue 9:00'")
    staff = tuple(lookup.find_staff(clinic, s).id for s in ask.staff)
    chair = lookup.find_chair(clinic, ask.chair).id if ask.chair else ""
    kind = kind or ("chair" if chair else "staff" if staff else "clinic")
    return Block(
        id=writer.new_id("block"),
        kind=kind,
        subject=chair or (staff[0] if kind == "staff" else ""),
        start=start,
        end=end,
        reason=ask.reason,
        staff=staff if kind == "open" else (),
    )


def visits_hit(reader: Reader, *blocks: Block) -> list[Appointment]:
    """Visits yet to come that the blocks, as they now stand, make impossible, in order of time."""
    if not blocks:
        return []
    tz = zone(reader.clinic.timezone)
    # A day back, because a visit of today may still be to come by the time it is looked at.
    first = max(min(b.start for b in blocks), reader.now - DAY)
    last = max(first, *(b.end for b in blocks))
    book = _load(reader, local_date(first, tz), local_date(last, tz))
    book.add(blocks)
    supply = supply_of(book)
    touched = union(Period(b.start, b.end) for b in blocks)
    ahead = {v.id: v for p in touched for v in book.live_between(*p) if v.status in {"pending", "booked"}}
    return [v for v in ahead.values() if rules.hard(Case(book, v, supply=supply), SUPPLY_RULES)]


SUPPLY_RULES = ("chair-busy", "outside-hours", "closed", "staff-short", "provider-absent")
"""What can come to stand in a visit's way after it was booked, without anything happening to the visit."""


def _load(reader: Reader, first: date, last: date, patient: str = "") -> Book:
    tz = zone(reader.clinic.timezone)
    end = midnight(last + timedelta(days=2), tz)
    return reader.load(midnight(first, tz), end, [patient] if patient else [])
