"""How rules speak of times, chairs and gaps. Never of people."""

from __future__ import annotations

from infusion_cli.domain.book import Appointment, Block
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE, local, local_date
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import Span
from infusion_cli.domain.rules.catalogue import conflict
from infusion_cli.domain.when import say_date, say_length


def spoken(span: Span) -> str:
    """A span as `24 h`."""
    return f"{span.amount} {'min' if span.unit == 'm' else span.unit}"


def measured(seconds: int, limit: Span) -> str:
    """A length in the measure of the limit it is held against: `24 h` against hours, `1 d` against days."""
    hours, minutes = divmod(seconds // MINUTE, 60)
    if limit.unit == "d" or not hours:
        return say_length(seconds // MINUTE)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def clock(case: Case, instant: int) -> str:
    """`09:00` on the clinic's clock."""
    return local(instant, case.tz).strftime("%H:%M")


def date_of(case: Case, instant: int) -> str:
    """The local date in words."""
    return say_date(local_date(instant, case.tz))


def span(case: Case, start: int, end: int) -> str:
    """`09:00-10:45`."""
    return f"{clock(case, start)}-{clock(case, end)}"


def block_span(case: Case, block: Block) -> str:
    """The times of a block, or until when it lasts if it is longer than a day."""
    if local_date(block.start, case.tz) == local_date(block.end - 1, case.tz):
        return span(case, block.start, block.end)
    return f"until {date_of(case, block.end)} {clock(case, block.end)}"


def chair_name(case: Case) -> str:
    """The name of the visit's chair, or its id if there is no such chair."""
    chair = case.book.clinic.chair(case.visit.chair)
    return chair.name if chair else case.visit.chair


def gap_conflict(case: Case, rule_id: str, pair: tuple[Appointment, Appointment], limit: Span, words: str) -> Conflict:
    """A conflict that says how far the visit is from its neighbour, in the measure of `limit`."""
    earlier, later = pair
    other, side = (earlier, "after") if later is case.visit else (later, "before")
    length = measured(case.distance(earlier, later, limit), limit)
    name = f"session {other.session}" if other.session else other.id
    at = f"{date_of(case, other.start)} {clock(case, other.start)}"
    message = f"{length} {side} {name} ({at}); {words} {spoken(limit)}"
    return conflict(rule_id, message, other.id, other.start, other.end)
