"""Records in words for the desk: the answer first, then why, then what to type next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from infusion_cli.cli.output import Line, Piece
from infusion_cli.domain.book import Appointment, Patient, Series, Warn
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import local, local_date
from infusion_cli.domain.names import fit, shown, width
from infusion_cli.domain.plan import Change, Conflict
from infusion_cli.domain.slots import Slot
from infusion_cli.domain.when import say_date, say_day, say_length, say_when
from infusion_cli.services.ports import Operation

STYLES = {
    "cancelled": "dim",
    "noshow": "red",
    "pending": "yellow",
    "arrived": "cyan",
    "checked-in": "green",
    "fulfilled": "dim",
}


def clock(instant: int, tz: ZoneInfo) -> str:
    """`09:00`."""
    return local(instant, tz).strftime("%H:%M")


def title(clinic: Clinic, protocol_id: str) -> str:
    """A protocol's title, its id when it left the file."""
    protocol = clinic.protocol(protocol_id)
    return shown(protocol.title) if protocol else protocol_id


def chair_name(clinic: Clinic, chair_id: str) -> str:
    """A chair's name, its id when it left the file."""
    chair = clinic.chair(chair_id)
    return shown(chair.name) if chair else chair_id


def name(patients: dict[str, Patient], patient_id: str) -> str:
    """A person's name, safe to show."""
    return shown(patients[patient_id].name) if patient_id in patients else patient_id


def visit_done(clinic: Clinic, tz: ZoneInfo, visit: Appointment, who: str, verb: str) -> list[Line]:
    """What was done with a visit, in one line, and its session."""
    times = f"{say_when(visit.start, tz)}-{clock(visit.end, tz)}"
    what = f"{who}, {title(clinic, visit.protocol)}, {times}, {chair_name(clinic, visit.chair)}"
    leave = "" if visit.leave == visit.end else f"; may leave {clock(visit.leave, tz)}"
    if visit.status == "pending" and visit.hold_until is not None:
        leave += f"; held until {say_when(visit.hold_until, tz)}"
    lines: list[Line] = [[Piece(f"{verb} {visit.id}", "bold"), Piece(f": {what}{leave}.")]]
    if visit.series and visit.session:
        lines.append(f"  Session {visit.session} of {visit.series}.")
    return lines


def warnings(found: Iterable[Warn | Conflict]) -> list[Line]:
    """Soft conflicts, each with its rule."""
    return [[Piece(f"  ! {w.rule}", "yellow"), Piece(f": {shown(w.message)}")] for w in found]


def undo_line(operation: str) -> list[Line]:
    """How to take it back."""
    return [f"Undo: infusion undo {operation}"] if operation else []


def visit_rows(
    clinic: Clinic, tz: ZoneInfo, visits: Sequence[Appointment], patients: dict[str, Patient], columns: int
) -> Iterator[Line]:
    """Visits, a line each, under a heading for each day."""
    day: date | None = None
    spare = max(12, min(32, columns - 58))
    for visit in visits:
        today = local_date(visit.start, tz)
        if today != day:
            if day is not None:
                yield ""
            yield [Piece(say_date(today), "bold")]
            day = today
        session = f" {visit.session}" if visit.session else ""
        yield [
            Piece(f"  {clock(visit.start, tz)}-{clock(visit.end, tz)}  {visit.id:7} "),
            Piece(fit(name(patients, visit.patient), spare) + " "),
            Piece(fit(visit.protocol + session, 15) + " " + fit(chair_name(clinic, visit.chair), 10) + " "),
            Piece(status(visit, tz), STYLES.get(visit.status, "")),
        ]


def visit_short_rows(clinic: Clinic, tz: ZoneInfo, visits: Iterable[Appointment]) -> Iterator[Line]:
    """One patient's visits, a line each with its day."""
    for visit in visits:
        session = f" {visit.session}" if visit.session else ""
        times = f"{say_day(local_date(visit.start, tz))}  {clock(visit.start, tz)}-{clock(visit.end, tz)}"
        what = fit(visit.protocol + session, 15) + " " + fit(chair_name(clinic, visit.chair), 12)
        yield [Piece(f"  {times}  {visit.id:7} {what} "), Piece(status(visit, tz), STYLES.get(visit.status, ""))]


def status(visit: Appointment, tz: ZoneInfo) -> str:
    """A visit's status with what belongs to it."""
    if visit.status == "pending" and visit.hold_until is not None:
        return f"hold to {clock(visit.hold_until, tz)}"
    if visit.status == "booked" and visit.confirmed_at is not None:
        return "booked, confirmed"
    if visit.status == "cancelled" and visit.late:
        return "cancelled late"
    return visit.status


def slot_text(clinic: Clinic, tz: ZoneInfo, slot: Slot) -> str:
    """`Tue 1 Dec 11:15 Garden`."""
    day = " ".join(say_day(local_date(slot.start, tz)).split())
    return f"{day} {clock(slot.start, tz)} {chair_name(clinic, slot.chair)}"


def slot_rows(clinic: Clinic, tz: ZoneInfo, slots: Sequence[Slot]) -> Iterator[Line]:
    """Bookable starts, a line each."""
    for slot in slots:
        others = [chair_name(clinic, c) for c in slot.chairs if c != slot.chair]
        also = f"  also {', '.join(others)}" if others else ""
        warned = "  ! " + ", ".join(w.rule for w in slot.warnings) if slot.warnings else ""
        times = f"{say_day(local_date(slot.start, tz))}  {clock(slot.start, tz)}-{clock(slot.end, tz)}"
        yield [
            Piece(f"  {times}  {fit(chair_name(clinic, slot.chair), 12)}"),
            Piece(also, "dim"),
            Piece(warned, "yellow"),
        ]


def course_rows(clinic: Clinic, tz: ZoneInfo, visits: Sequence[Appointment]) -> Iterator[Line]:
    """The sessions of a course with the gap before each."""
    before: Appointment | None = None
    for visit in visits:
        day = local_date(visit.start, tz)
        gap = say_length((day - local_date(before.start, tz)).days * 1440) if before else ""
        if before and day == local_date(before.start, tz):
            gap = say_length((visit.start - before.start) // 60)
        state = "" if visit.status == "booked" else status(visit, tz)
        warned = ("! " + ", ".join(w.rule for w in visit.warnings)) if visit.warnings else ""
        yield [
            Piece(f"  {visit.session or '':>2}  {say_day(day)}  {clock(visit.start, tz)}-{clock(visit.end, tz)}  "),
            Piece(f"{fit(chair_name(clinic, visit.chair), 12)}  {gap:<5}  "),
            Piece(state + ("  " if state and warned else ""), STYLES.get(visit.status, "")),
            Piece(warned, "yellow"),
        ]
        before = visit


def series_head(clinic: Clinic, tz: ZoneInfo, series: Series, visits: Sequence[Appointment], who: str) -> str:
    """Who, what, how many, how long."""
    first = f"{who}, {title(clinic, series.protocol)}"
    if not visits:
        return f"{first}: no sessions booked"
    days = (local_date(visits[-1].start, tz) - local_date(visits[0].start, tz)).days
    window = next((f" (window {s.window.amount} {s.window.unit})" for s in series.course if s.window), "")
    return f"{first}: {len(visits)} sessions in {days} days{window}"


def patient_rows(patients: Iterable[Patient], columns: int) -> Iterator[Line]:
    """People, a line each."""
    spare = max(16, min(40, columns - 50))
    for person in patients:
        state = "" if person.status == "active" else person.status
        yield f"  {person.id:7} {fit(person.mrn, 10)} {fit(person.name, spare)} {person.birth_date:10}  {state}"


def patient_card(person: Patient) -> Iterator[Line]:
    """All that is known of a person."""
    yield [Piece(f"{person.id}  {shown(person.name)}", "bold"), Piece(f"  {shown(person.mrn)}  {person.status}")]
    for label, value in (("born", person.birth_date), ("phone", person.phone), ("e-mail", person.email)):
        if value:
            yield f"  {label:8} {shown(value)}"
    on_record = ", ".join(f"{need} {day}" for need, day in person.requirements)
    yield f"  {'on file':8} {on_record or 'nothing'}"


def operation_rows(operations: Iterable[Operation], tz: ZoneInfo, columns: int) -> Iterator[Line]:
    """Operations, a line each."""
    for done in operations:
        mark = f"undone by {done.undone_by}" if done.undone_by else f"undoes {done.undoes}" if done.undoes else ""
        what = changes_in_words(done.changes)
        head = f"  {done.id:7} {say_when(done.at, tz):24} {fit(done.actor, 10)} {done.command:13} "
        yield [Piece(head), Piece(fit(what, max(10, columns - width(head) - 20)) + " "), Piece(mark, "dim")]


def changes_in_words(changes: Sequence[Change]) -> str:
    """`S8D2KA, 6 visits`: what an operation touched, in a few words."""
    ids = [c.id for c in changes]
    if len(ids) <= 2:
        return ", ".join(ids)
    kinds: dict[str, list[str]] = {}
    for c in changes:
        kinds.setdefault(c.entity, []).append(c.id)
    nouns = {"appointment": "visits", "patient": "patients", "series": "series", "block": "blocks", "clinic": "clinic"}
    return ", ".join(found[0] if len(found) == 1 else f"{len(found)} {nouns[kind]}" for kind, found in kinds.items())


def plain_text(line: Line) -> str:
    """A line without its styles."""
    return line if isinstance(line, str) else "".join(piece.text for piece in line)


def days(first: date | None, last: date | None) -> str:
    """` from 2026-12-01 to 2026-12-31`, as much of it as there is."""
    return (f" from {first}" if first else "") + (f" to {last}" if last else "")


def count(number: int, noun: str) -> str:
    """`1 visit`, `2 visits`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
