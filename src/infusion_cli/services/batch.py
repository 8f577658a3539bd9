"""Many requests at once: read them all, decide them in order, write them as one operation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from infusion_cli.domain.book import Appointment, Book, Patient
from infusion_cli.domain.clinic_time import local_date, midnight, zone
from infusion_cli.domain.interchange import EntryProblem
from infusion_cli.domain.names import clean
from infusion_cli.domain.plan import Change, ClinicText, change
from infusion_cli.domain.series import CourseAsk, last_day
from infusion_cli.domain.supply import Supply, supply_of
from infusion_cli.domain.visit import Wish, book_visit, cancel_visit, confirm_visit, move_visit, step_visit
from infusion_cli.domain.when import parse_count, parse_duration, parse_when
from infusion_cli.errors import ConflictError, InfusionError, InvalidDataError
from infusion_cli.services import lookup
from infusion_cli.services.booking import new_visit, refuse_if_hard, require_movable, require_status
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out, digest_of
from infusion_cli.services.ports import Key, Writer
from infusion_cli.services.series import MOST_SESSIONS, SeriesAsk, course_ask, series_changes
from infusion_cli.services.slots import BlockAsk, block_of

USUAL_HOLD = "30m"


class BatchLine(NamedTuple):
    """A request of a file: physical line, action, its non-blank fields, its key."""

    line: int
    action: str
    fields: Mapping[str, str]
    key: str
    request: str = ""
    """Digest of what was asked, where that is more than the line."""


class Problem(NamedTuple):
    """Why a line is left out; `is_conflict` when only scheduling rules stand against it."""

    line: int | None
    column: str
    rule: str
    message: str
    is_conflict: bool = False


class Placed(NamedTuple):
    """What became of a line: the records it made or changed; `already` when its key was known."""

    line: int
    action: str
    records: tuple[str, ...]
    already: bool = False


def apply_batch(
    desk: Desk,
    lines: Sequence[BatchLine],
    problems: Sequence[Problem],
    *,
    keep_going: bool = False,
    on_line: Callable[[int], None] | None = None,
) -> Outcome:
    """Decide every line in order, later ones on top of earlier ones, and write all that may be.

    Without `keep_going` any problem refuses the whole file: `ConflictError` when only rules stand
    against it, else `InvalidDataError`; both carry every problem. The summary tells, line by line,
    what was placed, what was there already, and what was left out.
    """

    def decide(writer: Writer) -> Decision:
        work = Work(writer, lines)
        for n, line in enumerate(lines):
            work.do(line)
            if on_line:
                on_line(n + 1)
        found = sorted([*problems, *work.problems], key=lambda p: (p.line or 0, p.column))
        if found and not keep_going:
            raise refusal(found)
        return Decision(work.changes, summary=_summary(work, found), keys=work.keys)

    request = {"lines": [[line.action, dict(line.fields), line.key] for line in lines], "keep_going": keep_going}
    return carry_out(desk, "batch apply", request, decide)


def refusal(
    problems: Sequence[Problem | EntryProblem], one: str = "line", many: str = "lines", command: str = "batch apply"
) -> InfusionError:
    """The error for a file: status 4 when only rules stand against it, else 6."""
    places = len({p[0] for p in problems})
    count = f"1 {one}" if places == 1 else f"{places} {many}"
    if all(p.is_conflict for p in problems):
        return ConflictError(
            f"{count} cannot be placed; nothing was written.",
            problems,
            hint=f"infusion {command} --keep-going writes the rest",
        )
    return InvalidDataError(
        f"{count} cannot be used; nothing was written.",
        problems,
        f"mend them, or leave them out with {command} --keep-going",
    )


def _summary(work: Work, found: Sequence[Problem]) -> dict[str, object]:
    done = [p for p in work.placed if not p.already]
    return {
        "lines": len(work.lines) + sum(1 for p in found if p.line not in {line.line for line in work.lines}),
        "courses": sum(line.action == "series" for line in work.lines),
        "courses_placed": sum(p.action == "series" for p in work.placed),
        "visits": sum(c.entity == "appointment" and c.before is None for c in work.changes),
        "placed": [p._asdict() | {"records": list(p.records)} for p in done],
        "already": [p.line for p in work.placed if p.already],
        "left_out": [p._asdict() for p in found],
    }


class Work:
    """The lines' common ground: people, the loaded book, the supply; and what came of each line."""

    def __init__(self, writer: Writer, lines: Sequence[BatchLine]) -> None:
        self.writer = writer
        self.lines = lines
        self.tz = zone(writer.clinic.timezone)
        self.changes: list[Change] = []
        self.keys: list[Key] = []
        self.placed: list[Placed] = []
        self.problems: list[Problem] = []
        self._known = writer.answers([line.key for line in lines])
        self._people = writer.patients_by_mrn(sorted({clean(line.fields.get("patient", "")) for line in lines}))
        self._book: Book | None = None
        self._supply: Supply | None = None

    def do(self, line: BatchLine) -> None:
        """Decide one line; a problem is noted, not raised."""
        digest = line.request or digest_of(line.action, dict(line.fields))
        known = self._known.get(line.key)
        try:
            if known is not None:
                self._again(line, digest, known.request, known.answer)
                return
            made = [c for c in _ACTIONS[line.action](self, line) if c.before != c.after]
        except InfusionError as error:
            self.problems += _problems(line, error)
            return
        for c in made:
            if not isinstance(c.after, ClinicText):
                self.book.put(c.after)
            if c.entity == "block":
                self._supply = None
        self.changes += made
        records = tuple(c.id for c in made)
        self.keys.append(Key(line.key, digest, json.dumps(records)))
        self.placed.append(Placed(line.line, line.action, records))

    @property
    def book(self) -> Book:
        """The book of every day that a line can touch, with every patient of the file."""
        if self._book is None:
            first, last = self._days()
            hi = midnight(last + timedelta(days=2), self.tz)
            self._book = self.writer.load(midnight(first, self.tz), hi, self._patients())
        return self._book

    @property
    def supply(self) -> Supply:
        """Hours and duty of the loaded days."""
        if self._supply is None:
            self._supply = supply_of(self.book)
        return self._supply

    def patient(self, text: str) -> Patient:
        """The patient that a line names."""
        return self._people.get(clean(text)) or lookup.find_patient(self.writer, text)

    def visit(self, line: BatchLine) -> Appointment:
        """The visit that a line names, as earlier lines left it."""
        found = lookup.find_visit(self.writer, line.fields["appointment"])
        return self.book.appointments.get(found.id, found)

    def course(self, line: BatchLine) -> tuple[SeriesAsk, CourseAsk]:
        """What a `series` line asks for."""
        fields = line.fields
        ask = SeriesAsk(
            patient=self.patient(fields["patient"]).id,
            protocol=fields["protocol"],
            first=fields.get("from", ""),
            last=fields.get("to", ""),
            between=fields.get("between", ""),
            weekdays=fields.get("weekdays", ""),
            sessions=parse_count(fields["sessions"], "sessions", high=MOST_SESSIONS) if "sessions" in fields else None,
        )
        return ask, course_ask(self.writer, ask)

    def when(self, line: BatchLine, column: str = "when") -> int:
        """The instant in a column."""
        return parse_when(line.fields[column], self.writer.now, self.tz)

    def _again(self, line: BatchLine, digest: str, request: str, answer: str) -> None:
        if not request:
            message = f"what the key {line.key} stood for has been forgotten"
            self.problems.append(Problem(line.line, "key", "key-used", message, is_conflict=True))
            return
        if request != digest:
            message = f"the key {line.key} was used for another request"
            self.problems.append(Problem(line.line, "key", "key-used", message, is_conflict=True))
            return
        self.placed.append(Placed(line.line, line.action, tuple(json.loads(answer or "[]")), already=True))

    def _days(self) -> tuple[date, date]:
        days = [day for line in self.lines if line.key not in self._known for day in self._days_of(line)]
        return min(days, default=self._today()), max(days, default=self._today())

    def _days_of(self, line: BatchLine) -> list[date]:
        """The dates that a line can touch; one that cannot be read is reported when it is done."""
        try:
            if line.action == "series":
                course = self.course(line)[1]
                return [course.from_day, last_day(course)]
            days = [local_date(self.when(line, c), self.tz) for c in ("when", "from", "to") if c in line.fields]
            if "appointment" in line.fields:
                days.append(local_date(lookup.find_visit(self.writer, line.fields["appointment"]).start, self.tz))
        except InfusionError:
            return []
        return days

    def _patients(self) -> list[str]:
        found = {p.id for p in self._people.values()}
        for line in self.lines:
            try:
                if "patient" in line.fields:
                    found.add(self.patient(line.fields["patient"]).id)
                if "appointment" in line.fields:
                    found.add(lookup.find_visit(self.writer, line.fields["appointment"]).patient)
            except InfusionError:
                continue
        return sorted(found)

    def _today(self) -> date:
        return local_date(self.writer.now, self.tz)


def _book(work: Work, line: BatchLine) -> list[Change]:
    fields, clinic = line.fields, work.writer.clinic
    hold = fields.get("hold", USUAL_HOLD if line.action == "hold" else "")
    wish = Wish(
        protocol=lookup.find_protocol(clinic, fields["protocol"]),
        patient=work.patient(fields["patient"]).id,
        start=work.when(line),
        chair=lookup.find_chair(clinic, fields["chair"]).id if "chair" in fields else "",
        hold_until=work.writer.now + parse_duration(hold) * 60 if hold else None,
        key=line.key,
    )
    verdict = book_visit(work.book, wish, supply=work.supply)
    refuse_if_hard(verdict, "Not booked")
    return [new_visit(work.writer, verdict.visit)]


def _series(work: Work, line: BatchLine) -> list[Change]:
    ask, course = work.course(line)
    return list(series_changes(work.writer, work.book, ask, course).changes)


def _move(work: Work, line: BatchLine) -> list[Change]:
    old = work.visit(line)
    start = work.when(line)
    require_movable(old, start)
    chair = lookup.find_chair(work.writer.clinic, line.fields["chair"]).id if "chair" in line.fields else ""
    verdict = move_visit(work.book, old, start, chair)
    refuse_if_hard(verdict, "Not moved")
    return [change(old, verdict.visit)]


def _cancel(work: Work, line: BatchLine) -> list[Change]:
    old = work.visit(line)
    if old.status == "cancelled":
        return []
    require_status(old, {"pending", "booked", "arrived"}, "cancelled")
    by = line.fields.get("by", "patient")
    return [change(old, cancel_visit(work.book, old, line.fields["reason"], by).visit)]


def _confirm(work: Work, line: BatchLine) -> list[Change]:
    old = work.visit(line)
    require_status(old, {"pending", "booked"}, "confirmed")
    verdict = confirm_visit(work.book, old, "")
    refuse_if_hard(verdict, "Not confirmed")
    return [change(old, verdict.visit)]


def _no_show(work: Work, line: BatchLine) -> list[Change]:
    old = work.visit(line)
    if old.status == "noshow":
        return []
    require_status(old, {"booked"}, "marked as missed")
    return [change(old, step_visit(work.book, old, "no-show", work.writer.now).visit)]


def _block(work: Work, line: BatchLine) -> list[Change]:
    fields = line.fields
    staff = (fields["staff"],) if "staff" in fields else ()
    ask = BlockAsk(fields["from"], fields["to"], fields["reason"], fields.get("chair", ""), staff)
    return [change(None, block_of(work.writer, ask))]


_ACTIONS: dict[str, Callable[[Work, BatchLine], list[Change]]] = {
    "book": _book,
    "hold": _book,
    "series": _series,
    "move": _move,
    "cancel": _cancel,
    "confirm": _confirm,
    "no-show": _no_show,
    "block": _block,
}

_COLUMN_OF_RULE = {"chair-busy": "chair", "chair-unsuitable": "chair"} | dict.fromkeys(
    ("requirement-missing", "patient-on-hold", "not-authorised", "series-complete", "series-active"), "patient"
)
_COLUMN_OF_NOUN = {
    "patient": "patient",
    "patients": "patient",
    "protocol": "protocol",
    "chair": "chair",
    "visit": "appointment",
    "member": "staff",
}


def _problems(line: BatchLine, error: InfusionError) -> list[Problem]:
    """The problems of a line, each with the column to look at."""
    if isinstance(error, ConflictError) and error.conflicts:
        if line.action == "series":
            text = error.message.removeprefix("No course fits: ").rstrip(".")
            return [Problem(line.line, "", error.conflicts[0].rule, text, is_conflict=True)]
        usual = "when" if "when" in line.fields else "from"
        return [
            Problem(line.line, _COLUMN_OF_RULE.get(c.rule, usual), c.rule, c.message, is_conflict=True)
            for c in error.conflicts
        ]
    message = error.message.rstrip(".") + (f"; {error.hint}" if error.hint else "")
    return [Problem(line.line, _column(line, error), error.code, message, isinstance(error, ConflictError))]


def _column(line: BatchLine, error: InfusionError) -> str:
    """The column whose text the error quotes, else the one that its noun points at."""
    quoted = [name for name, value in line.fields.items() if value and repr(value) in error.message]
    if quoted:
        return quoted[0]
    nouns = error.message.split()
    return next((_COLUMN_OF_NOUN[word] for word in nouns if word in _COLUMN_OF_NOUN), "when")
