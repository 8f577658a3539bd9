"""The lists under a board: who is here, who comes, who was, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.cli import words
from infusion_cli.cli.board_view import View, closing, short_day, unconfirmed, until_text
from infusion_cli.cli.output import Line, Piece
from infusion_cli.domain import names
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic_time import MINUTE, local_date
from infusion_cli.domain.protocol import Phase
from infusion_cli.domain.when import say_day, say_length

FORM_REQUIREMENT = "rems-enrolment"
FORM_DAYS = 7
"""The monitoring form is due seven days after every session (jnjmedicalconnect.com, lucido-go.com)."""

NAME, TITLE, CHAIR, NOTES = 13, 16, 8, 25
"""Columns of a list at 80 columns."""


class Row(NamedTuple):
    """A visit in a list, and what is to be said about it."""

    visit: Appointment
    notes: list[Piece]


class _Widths(NamedTuple):
    """Columns of the lists' parts."""

    id: int
    name: int
    title: int
    chair: int
    notes: int
    titled: bool
    """Whether there is room for every protocol's title; else all are named by their ids."""


def lists(view: View) -> Iterator[Line]:
    """Who is here, who comes and who was, one visit a line; then what is open and what to type next."""
    sections = [(heading, rows) for heading, rows in _sections(view) if rows]
    if not sections:
        yield "No visits."
    widths = _widths(view, [row.visit for _, rows in sections for row in rows])
    for heading, rows in sections:
        yield [Piece(heading, "bold")]
        for row in rows:
            yield from _row_lines(view, row, widths)
    if not view.is_past:
        yield from _open_line(view)


def _sections(view: View) -> list[tuple[str, list[Row]]]:
    visits = view.visits
    done = ("Done", [Row(v, _done(view, v)) for v in visits if v.status == "fulfilled"])
    if view.is_past:
        left = [Row(v, [Piece(v.status)]) for v in visits if v.status != "fulfilled"]
        return [("Not closed", left), done, ("Missed", _missed(view))]
    here = [v for v in visits if v.status in {"arrived", "checked-in"}]
    ahead = [v for v in visits if v.status in {"booked", "pending", "proposed"}]
    return [
        ("In chairs", [Row(v, _here(view, v)) for v in here]),
        ("Next", [Row(v, _ahead(view, v)) for v in ahead]),
        done,
        ("Missed", _missed(view)),
    ]


def _missed(view: View) -> list[Row]:
    found = [
        v
        for v in view.book.appointments.values()
        if view.lo <= v.start < view.hi and (v.status == "noshow" or (v.status == "cancelled" and v.late))
    ]
    found.sort(key=lambda v: (v.start, v.id))
    return [Row(v, [Piece("no-show" if v.status == "noshow" else "cancelled late", "red")]) for v in found]


def _done(view: View, visit: Appointment) -> list[Piece]:
    left = [] if visit.left_at is None else [Piece(f"left {words.clock(visit.left_at, view.tz)}", "dim")]
    return left + _form_due(view, visit)


def _here(view: View, visit: Appointment) -> list[Piece]:
    if visit.status == "checked-in":
        late = 0 if visit.started_at is None else visit.started_at - _dosing_start(visit)
        return [_stage(view, visit), *_late(late), *_form_due(view, visit), *_ride(view, visit)]
    if visit.arrived_at is None:
        return [Piece("arrived", "cyan"), *_ride(view, visit)]
    late = max(visit.arrived_at - visit.start, view.book.now - _dosing_start(visit))
    arrived = f"arrived {words.clock(visit.arrived_at, view.tz)}"
    return [Piece(arrived, "cyan"), *_late(late), *_ride(view, visit)]


def _ahead(view: View, visit: Appointment) -> list[Piece]:
    late = _late(view.book.now - visit.start) if visit.status == "booked" else []
    return [_status(view, visit), *late, *_ride(view, visit)]


def _status(view: View, visit: Appointment) -> Piece:
    if visit.status == "booked":
        return Piece("confirmed") if visit.confirmed_at is not None else Piece("not confirmed", "yellow")
    if visit.status == "pending" and visit.hold_until is not None:
        return Piece(f"hold to {until_text(view, visit.hold_until)}", "yellow")
    return Piece(visit.status, words.STYLES.get(visit.status, ""))


def _stage(view: View, visit: Appointment) -> Piece:
    """Where a patient who was started stands: `start` is the beginning of dosing."""
    clock = visit.start if visit.started_at is None else visit.started_at
    phases = [p for p in _from_dosing(visit) if not p.after_leave]
    for number, phase in enumerate(phases, start=1):
        clock += phase.minutes * MINUTE
        if view.book.now < clock:
            name = view.cut(phase.name, 11 + max(0, view.columns - 80) // 4)
            word = ", leaves" if number == len(phases) else " until"
            return Piece(f"{name}{word} {words.clock(clock, view.tz)}", "green")
    return Piece("may leave", "bold green")


def _from_dosing(visit: Appointment) -> Sequence[Phase]:
    first = next((n for n, p in enumerate(visit.phases) if p.dosing), 0)
    return visit.phases[first:]


def _dosing_start(visit: Appointment) -> int:
    before = len(visit.phases) - len(_from_dosing(visit))
    return visit.start + sum(p.minutes for p in visit.phases[:before]) * MINUTE


def _late(seconds: int) -> list[Piece]:
    return [Piece(f"LATE {say_length(seconds // MINUTE)}", "bold red")] if seconds >= MINUTE else []


def _form_due(view: View, visit: Appointment) -> list[Piece]:
    protocol = view.book.clinic.protocol(visit.protocol)
    if protocol is None or FORM_REQUIREMENT not in protocol.requires:
        return []
    due = local_date(visit.start, view.tz) + timedelta(days=FORM_DAYS)
    return [Piece(f"form due {short_day(due)}")]


def _ride(view: View, visit: Appointment) -> list[Piece]:
    if visit.ride:
        return [Piece(f"ride: {view.safe(visit.ride)}")]
    needed = view.is_today and any(p.dosing for p in visit.phases)
    return [Piece("ride unknown", "yellow")] if needed else []


def _widths(view: View, visits: Sequence[Appointment]) -> _Widths:
    """Every part as wide as its longest text needs, within what the terminal can spare."""
    extra = max(0, view.columns - 80)
    ids = max((len(v.id) for v in visits), default=6)
    caps = NAME + min(17, extra // 4) - (ids - 6), TITLE + min(26, extra * 3 // 5), CHAIR + min(8, extra // 8)
    titled = all(names.width(_title(view, v, titled=True)) <= caps[1] for v in visits)
    found = [
        max((names.width(text(v)) for v in visits), default=0)
        for text in (view.who, lambda v: _title(view, v, titled=titled), lambda v: _chair(view, v))
    ]
    name, title, chair = map(min, found, caps)
    used = 8 + ids + 1 + name + 1 + title + 1 + chair + 1
    return _Widths(ids, name, title, chair, max(NOTES, view.columns - used), titled)


def _title(view: View, visit: Appointment, *, titled: bool) -> str:
    protocol = words.title(view.book.clinic, visit.protocol) if titled else visit.protocol
    return view.safe(protocol) + _session(view, visit)


def _session(view: View, visit: Appointment) -> str:
    """` 3/6`, or ` 3` where the order is not known."""
    series = view.book.series.get(visit.series or "")
    ordered = f"/{series.ordered}" if series else ""
    return f" {visit.session}{ordered}" if visit.session else ""


def _chair(view: View, visit: Appointment) -> str:
    return view.safe(words.chair_name(view.book.clinic, visit.chair))


def _row_lines(view: View, row: Row, widths: _Widths) -> Iterator[Line]:
    visit, session = row.visit, _session(view, row.visit)
    head = f"  {words.clock(visit.start, view.tz)} {visit.id:{widths.id}} "
    name = view.fit(view.who(visit), widths.name)
    title = _title(view, visit, titled=widths.titled).removesuffix(session)
    what = view.fit(view.cut(title, widths.title - len(session)) + session, widths.title)
    first = [Piece(head), Piece(name + " ", "bold"), Piece(f"{what} {view.fit(_chair(view, visit), widths.chair)} ")]
    indent = sum(names.width(p.text) for p in first)
    for notes in _wrapped(view, row.notes, widths.notes):
        yield [*first, *notes]
        first = [Piece(" " * indent)]


def _wrapped(view: View, notes: Sequence[Piece], columns: int) -> list[list[Piece]]:
    """Notes in lines of at most that many columns, none parted."""
    rows: list[list[Piece]] = [[]]
    used = 0
    for note in notes:
        piece = Piece(view.cut(note.text, columns), note.style)
        wide = names.width(piece.text)
        if rows[-1] and used + 2 + wide > columns:
            rows.append([])
        if rows[-1]:
            rows[-1].append(Piece("  "))
            used += 2 + wide
        else:
            used = wide
        rows[-1].append(piece)
    return rows


def _open_line(view: View) -> Iterator[Line]:
    """What waits for somebody, and the command for the first of it; nothing when nothing waits."""
    tomorrow = view.on(view.day + timedelta(days=1))
    asked = unconfirmed(tomorrow)
    reviews = [v for v in view.visits if v.status != "fulfilled" and any(w.rule == "review-due" for w in v.warnings)]
    holds = sorted((v.hold_until, v.id) for v in view.visits if v.status == "pending" and v.hold_until is not None)
    parts = []
    if asked:
        parts.append(f"{len(asked)} unconfirmed for {'tomorrow' if view.is_today else _weekday(tomorrow.day)}")
    if reviews:
        parts.append(f"{words.count(len(reviews), 'review')} due")
    if holds:
        ends = until_text(view, holds[0][0])
        parts.append(f"1 hold ends {ends}" if len(holds) == 1 else f"{len(holds)} holds, the first ends {ends}")
    if not parts:
        return
    look = holds[0][1] if holds else reviews[0].id if reviews else ""
    day = "tomorrow" if view.is_today else tomorrow.day.isoformat()
    yield from closing(view, f"Open: {', '.join(parts)}.", f"infusion show {look}" if look else f"infusion today {day}")


def _weekday(day: date) -> str:
    return " ".join(say_day(day).split())
