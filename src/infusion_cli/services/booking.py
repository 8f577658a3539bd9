"""Single visits: book, move, cancel and every step of a visit's life."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from infusion_cli.domain import rules
from infusion_cli.domain.book import STEPS, Appointment, Book, Series
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.plan import Change, change
from infusion_cli.domain.visit import (
    Verdict,
    Wish,
    book_visit,
    cancel_visit,
    confirm_visit,
    move_visit,
    step_visit,
)
from infusion_cli.domain.when import parse_duration, parse_when, say_date, say_when
from infusion_cli.errors import ConflictError, UsageError
from infusion_cli.services import lookup
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out, new_uid
from infusion_cli.services.ports import Reader, Writer


class Override(NamedTuple):
    """Rules that give way, and why."""

    rules: tuple[str, ...] = ()
    reason: str = ""


class BookAsk(NamedTuple):
    """What `book` was asked, as typed."""

    patient: str
    protocol: str
    when: str
    chair: str = ""
    hold: str = ""
    override: Override = Override()
    ride: str = ""


NO_OVERRIDE = Override()


def book(desk: Desk, ask: BookAsk) -> Outcome:
    """Book one visit; raises `ConflictError` with every conflict when a rule forbids it."""

    def decide(writer: Writer) -> Decision:
        wish = wish_of(writer, ask, desk.key)
        verdict = book_visit(load_around(writer, wish.start, [wish.patient]), wish)
        refuse_if_hard(verdict, "Not booked")
        return Decision([new_visit(writer, verdict.visit)], verdict.conflicts)

    return carry_out(desk, "book", ask._asdict() | {"override": list(ask.override)}, decide)


def wish_of(reader: Reader, ask: BookAsk, key: str | None = None) -> Wish:
    """The wish behind the words; raises lookup and usage errors."""
    clinic, now = reader.clinic, reader.now
    return Wish(
        protocol=lookup.find_protocol(clinic, ask.protocol),
        patient=lookup.find_patient(reader, ask.patient).id,
        start=parse_when(ask.when, now, zone(clinic.timezone)),
        chair=lookup.find_chair(clinic, ask.chair).id if ask.chair else "",
        hold_until=now + parse_duration(ask.hold) * 60 if ask.hold else None,
        overrides=checked_overrides(ask.override),
        reason=ask.override.reason,
        ride=ask.ride,
        key=key,
    )


def move(desk: Desk, visit: str, when: str, *, chair: str = "", override: Override = NO_OVERRIDE) -> Outcome:
    """Give a visit another time or chair; raises `ConflictError` when a rule forbids it."""

    def decide(writer: Writer) -> Decision:
        old = lookup.find_visit(writer, visit)
        start = parse_when(when, writer.now, zone(writer.clinic.timezone))
        require_movable(old, start)
        wanted = lookup.find_chair(writer.clinic, chair).id if chair else ""
        if start == old.start and wanted in {"", old.chair}:
            return Decision([])
        around = load_around(writer, start, [old.patient])
        verdict = move_visit(around, old, start, wanted, checked_overrides(override), override.reason)
        refuse_if_hard(verdict, "Not moved")
        return Decision([change(old, verdict.visit)], verdict.conflicts)

    return carry_out(desk, "move", {"visit": visit, "when": when, "chair": chair, "override": list(override)}, decide)


def cancel(desk: Desk, visit: str, *, reason: str, by: str = "patient") -> Outcome:
    """Cancel a visit; one that is cancelled already stays as it is."""
    if by not in {"patient", "clinic"}:
        raise UsageError(f"--by is patient or clinic, not {by!r}.", "infusion cancel A7K2MH --reason ill --by patient")
    if not reason.strip():
        raise UsageError("A cancellation needs a reason.", 'add --reason "in a few words"')

    def decide(book: Book, old: Appointment) -> Verdict | None:
        if old.status == "cancelled":
            return None
        require_status(old, STEPS["cancel"][0], "cancelled")
        return cancel_visit(book, old, reason, by)

    return _change_one(desk, "cancel", visit, {"reason": reason, "by": by}, decide)


def confirm(desk: Desk, visit: str, *, ride: str = "") -> Outcome:
    """Turn a hold into a booking, every rule asked again; on a booked visit note the confirmation."""

    def decide(book: Book, old: Appointment) -> Verdict | None:
        if old.status == "booked" and old.confirmed_at is not None and ride in {"", old.ride}:
            return None
        require_status(old, {"pending", "booked"}, "confirmed")
        return confirm_visit(book, old, ride)

    return _change_one(desk, "confirm", visit, {"ride": ride}, decide)


def step(desk: Desk, name: str, visit: str, *, at: str = "", ride: str = "") -> Outcome:
    """One of `arrive`, `start`, `finish`, `no-show`; a visit that is there already stays as it is."""
    allowed, wanted = STEPS[name]

    def decide(book: Book, old: Appointment) -> Verdict | None:
        if old.status == wanted:
            return None
        require_status(old, allowed, _DONE[name])
        when = parse_when(at, book.now, zone(book.clinic.timezone)) if at else book.now
        if when > book.now:
            raise UsageError("--at names a time that has not come yet.", "leave --at out, or name the time it happened")
        if name == "no-show" and old.start > book.now:
            raise ConflictError(
                f"{old.id} has not begun, so nobody has missed it yet.", hint=f"infusion cancel {old.id}"
            )
        _refuse_wrong_time(book, old, name, when)
        return step_visit(book, old, name, when, ride)

    return _change_one(desk, name, visit, {"at": at, "ride": ride}, decide)


def require_movable(visit: Appointment, start: int) -> None:
    """Raise `ConflictError` unless the visit may be given that start: who is here stays on this day."""
    require_status(visit, {"pending", "booked", "arrived"}, "moved")
    tz = zone(visit.zone)
    if visit.status == "arrived" and local_date(start, tz) != local_date(visit.start, tz):
        raise ConflictError(f"{visit.id} has arrived; it cannot go to another day.", hint=f"infusion cancel {visit.id}")


def _refuse_wrong_time(book: Book, visit: Appointment, name: str, at: int) -> None:
    """A visit begins on its own day, and its steps follow each other in time."""
    tz = zone(book.clinic.timezone)
    if name in {"arrive", "start"} and local_date(at, tz) != local_date(visit.start, tz):
        raise ConflictError(
            f"{visit.id} is on {say_date(local_date(visit.start, tz))}, not on {say_date(local_date(at, tz))}.",
            hint=f"infusion list --patient {visit.patient} shows the patient's visits",
        )
    before = {"start": visit.arrived_at, "finish": visit.started_at}.get(name)
    if before is not None and at < before:
        raise ConflictError(
            f"{visit.id} cannot {name} before {say_when(before, tz)}, when the step before it was.",
            hint=f"infusion show {visit.id}",
        )


def load_around(reader: Reader, start: int, patients: Sequence[str]) -> Book:
    """The book of the local day of `start`, its neighbours, and those patients."""
    tz = zone(reader.clinic.timezone)
    day = local_date(start, tz)
    return reader.load(midnight(day, tz), midnight(day + timedelta(days=2), tz), patients)


def new_visit(writer: Writer, visit: Appointment) -> Change:
    """The change that creates a decided visit, its id and UID given."""
    return change(None, visit._replace(id=writer.new_id("appointment"), uid=new_uid()))


def refuse_if_hard(verdict: Verdict, what: str) -> None:
    """Raise `ConflictError` with the hard conflicts of a verdict, if there are any."""
    if verdict.hard:
        raise ConflictError(f"{what}: {', '.join(dict.fromkeys(c.rule for c in verdict.hard))}.", verdict.hard)


def checked_overrides(override: Override) -> tuple[str, ...]:
    """The rules to override; raises `UsageError` for one that does not give way, or without a reason."""
    for name in override.rules:
        found = rules.BY_ID.get(name)
        if found is None or not found.overridable:
            known = ", ".join(r.id for r in rules.CATALOGUE if r.overridable)
            raise UsageError(f"The rule {name!r} cannot be overridden.", f"these can, with a reason: {known}")
    if override.rules and not override.reason.strip():
        raise UsageError("An override needs a reason.", 'add --reason "who decided, and why"')
    return tuple(dict.fromkeys(override.rules))


def require_status(visit: Appointment, allowed: frozenset[str] | set[str], done: str) -> None:
    """Raise `ConflictError` unless the visit's status allows the step."""
    if visit.status not in allowed:
        why = f" ({visit.reason})" if visit.reason and visit.status == "cancelled" else ""
        raise ConflictError(
            f"{visit.id} is {visit.status}{why}; it cannot be {done}.", hint=f"infusion show {visit.id}"
        )


_DONE = {"arrive": "marked as arrived", "start": "started", "finish": "finished", "no-show": "marked as missed"}


def _change_one(
    desk: Desk,
    command: str,
    visit: str,
    request: dict[str, str],
    judge: Callable[[Book, Appointment], Verdict | None],
) -> Outcome:
    """Find a visit, judge the change, write it; the last finished session completes its series."""

    def decide(writer: Writer) -> Decision:
        old = lookup.find_visit(writer, visit)
        book = load_around(writer, old.start, [old.patient])
        verdict = judge(book, old)
        if verdict is None:
            return Decision([], summary={"already": old.id})
        if verdict.hard:
            refuse_if_hard(verdict, "Not done")
        changes = [change(old, verdict.visit)]
        book.put(verdict.visit)
        return Decision([*changes, *_series_end(book, verdict.visit)], verdict.conflicts)

    return carry_out(desk, command, {"visit": visit, **request}, decide)


def _series_end(book: Book, visit: Appointment) -> list[Change]:
    """A series is completed with its last ordered session."""
    series: Series | None = book.series.get(visit.series) if visit.series else None
    if series is None or visit.status != "fulfilled" or series.status != "active":
        return []
    done = {v.session for v in book.of_series(series) if v.status == "fulfilled"}
    if not set(range(1, series.ordered + 1)) <= done or any(s.sessions is None for s in series.course):
        return []
    return [change(series, series._replace(status="completed"))]
