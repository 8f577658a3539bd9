"""One visit's life, decided: book, hold, confirm, move, arrive, start, finish, no-show, cancel.

Every function takes the book and gives back the visit as it would stand, with what the rules say.
Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from infusion_cli.domain import rules
from infusion_cli.domain.availability import chair_order
from infusion_cli.domain.book import STEPS, Appointment, Book, Series, Warn
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import MINUTE, wall_text, zone
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import Protocol
from infusion_cli.domain.supply import Supply

LIFE_RULES = ("ride-unknown",)


class Verdict(NamedTuple):
    """A visit as it would stand and everything the rules say about it."""

    visit: Appointment
    conflicts: tuple[Conflict, ...]

    @property
    def hard(self) -> tuple[Conflict, ...]:
        """What forbids it, recorded overrides taken off."""
        return tuple(c for c in self.conflicts if rules.forbids(c, self.visit))


class Wish(NamedTuple):
    """What is wanted of a visit, as far as it was said."""

    protocol: Protocol
    patient: str
    start: int
    chair: str = ""
    hold_until: int | None = None
    overrides: tuple[str, ...] = ()
    reason: str = ""
    ride: str = ""
    key: str | None = None


def probe(clinic: Clinic, protocol: Protocol, start: int, *, patient: str = "", chair: str = "") -> Appointment:
    """A visit that is only asked about; it has no id."""
    return Appointment(
        id="",
        patient=patient,
        protocol=protocol.id,
        series=None,
        session=None,
        start=start,
        end=start + protocol.minutes * MINUTE,
        leave=start + protocol.minutes_to_leave * MINUTE,
        chair=chair,
        status="booked",
        phases=protocol.phases,
        wall=wall_text(start, zone(clinic.timezone)),
        zone=clinic.timezone,
        uid="",
    )


def active_series(book: Book, patient: str, protocol_id: str) -> Series | None:
    """The patient's newest active series of a protocol."""
    found = [
        s
        for s in book.series.values()
        if s.patient == patient and s.protocol == protocol_id and s.status in {"active", "on-hold"}
    ]
    return found[-1] if found else None


def next_session(book: Book, series: Series) -> int:
    """The lowest session number of the series that no live visit has."""
    taken = {v.session for v in book.of_series(series) if v.is_live}
    return next(n for n in range(1, len(taken) + 2) if n not in taken)


def book_visit(book: Book, wish: Wish, *, supply: Supply | None = None) -> Verdict:
    """The visit that fills the next missing session of the active series, else a lone visit.

    Without a chair in the wish the first that would do is taken, the one of the session before
    preferred. The visit has no id and no UID yet.
    """
    series = active_series(book, wish.patient, wish.protocol.id)
    visit = probe(book.clinic, wish.protocol, wish.start, patient=wish.patient, chair=wish.chair)._replace(
        series=series.id if series else None,
        session=next_session(book, series) if series else None,
        status="booked" if wish.hold_until is None else "pending",
        hold_until=wish.hold_until,
        overrides=wish.overrides,
        reason=wish.reason,
        ride=wish.ride,
        key=wish.key,
    )
    return judge(book, visit, supply=supply)


def judge(book: Book, visit: Appointment, *, without: Sequence[str] = (), supply: Supply | None = None) -> Verdict:
    """What the rules say about a visit; a visit without a chair gets the best one.

    The soft conflicts are recorded in the visit's warnings. A hold is not asked for requirements.
    """
    left_out = (*without, "requirement-missing") if visit.status == "pending" else tuple(without)
    if not visit.chair:
        return _best_chair(book, visit, left_out, supply)
    case = Case(book, visit, supply=supply)
    return _verdict(visit, rules.conflicts(case, without=left_out))


def move_visit(
    book: Book, old: Appointment, start: int, chair: str, overrides: tuple[str, ...] = (), reason: str = ""
) -> Verdict:
    """The visit at another time or in another chair, its own phases and length kept.

    Without a chair its present one is kept if that would do, else another is taken.
    """
    shift = start - old.start
    visit = old._replace(
        start=start,
        end=old.end + shift,
        leave=old.leave + shift,
        wall=wall_text(start, zone(book.clinic.timezone)),
        zone=book.clinic.timezone,
        overrides=overrides,
        reason=reason or old.reason,
        confirmed_at=old.confirmed_at if shift == 0 else None,
    )
    if chair:
        return judge(book, visit._replace(chair=chair))
    stay = judge(book, visit)
    return stay if not stay.hard else judge(book, visit._replace(chair=""))


def cancel_visit(book: Book, old: Appointment, reason: str, by: str) -> Verdict:
    """The visit cancelled; one that the patient cancels within the clinic's notice is marked late."""
    notice = book.clinic.cancel_notice.minutes * MINUTE
    late = by == "patient" and old.status != "pending" and old.start - book.now < notice
    visit = old._replace(status="cancelled", reason=reason, cancelled_by=by, late=late, hold_until=None)
    return _verdict(visit, rules.conflicts(Case(book, visit), ("late-cancel",)))


def confirm_visit(book: Book, old: Appointment, ride: str) -> Verdict:
    """A hold becomes booked, every rule asked again; a booked visit notes when it was confirmed."""
    visit = old._replace(confirmed_at=book.now, ride=ride or old.ride)
    if old.status == "pending":
        return judge(book, visit._replace(status="booked", hold_until=None))
    return Verdict(visit, ())


def step_visit(book: Book, old: Appointment, step: str, at: int, ride: str = "") -> Verdict:
    """One of `arrive`, `start`, `finish`, `no-show`, at an instant that has passed.

    Finishing before the regulatory observation is over is a hard conflict.
    """
    visit = old._replace(status=STEPS[step][1], ride=ride or old.ride)
    if step == "arrive":
        visit = visit._replace(arrived_at=at)
    elif step == "start":
        visit = visit._replace(started_at=at, arrived_at=old.arrived_at if old.arrived_at is not None else at)
    elif step == "finish":
        visit = visit._replace(left_at=at)
        return Verdict(visit, tuple(_observed_too_shortly(book, visit)))
    return _verdict(visit, rules.conflicts(Case(book, visit), LIFE_RULES))


def _observed_too_shortly(book: Book, visit: Appointment) -> list[Conflict]:
    """Observation counts from the end of dosing, the safer reading of the REMS form (assumption)."""
    protocol = book.clinic.protocol(visit.protocol)
    least = protocol.observation_minimum if protocol else None
    if not least or visit.started_at is None or visit.left_at is None:
        return []
    dosing = sum(p.minutes for p in visit.phases if p.dosing)
    until = visit.started_at + (dosing + least) * MINUTE
    if visit.left_at >= until:
        return []
    clock = wall_text(until, zone(book.clinic.timezone))[11:]
    message = f"observation lasts {least} minutes after dosing, until {clock}"
    return [rules.conflict("observation-too-short", message, visit.id, visit.left_at, until)]


def _best_chair(book: Book, visit: Appointment, without: Sequence[str], supply: Supply | None) -> Verdict:
    case = Case(book, visit, supply=supply)
    before = case.neighbours.before
    chairs = chair_order(book, case.protocol, first=before.chair if before else "")
    if not chairs:
        message = f"no chair is meant for {visit.protocol}"
        found = rules.conflicts(case, without=(*without, "chair-busy", "chair-unsuitable"))
        return _verdict(visit, [rules.conflict("chair-unsuitable", message, visit.protocol), *found])
    busy: list[Conflict] = []
    for chair in chairs:
        seated = Case(book, visit._replace(chair=chair), supply=case.supply)
        in_the_way = rules.hard(seated, ("chair-busy",))
        if not in_the_way:
            return _verdict(seated.visit, rules.conflicts(seated, without=without))
        busy += in_the_way
    message = "no suitable chair is free: " + "; ".join(c.message for c in busy)
    first = rules.conflict("chair-busy", message, ",".join(c.subject for c in busy), visit.start, visit.end)
    seated = Case(book, visit._replace(chair=chairs[0]), supply=case.supply)
    return _verdict(visit, [first, *rules.conflicts(seated, without=(*without, "chair-busy"))])


def _verdict(visit: Appointment, found: Sequence[Conflict]) -> Verdict:
    warned = tuple(Warn(c.rule, c.message) for c in found if not c.is_hard)
    return Verdict(visit._replace(warnings=warned), tuple(found))
