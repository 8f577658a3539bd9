"""Appointments of other systems: booked, held, moved, confirmed and cancelled as their files say.

Each visit remembers which appointment it stands for and what was last asked of it. So a second
import of a file does what has changed and leaves the rest alone, also what was changed at the desk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic_time import MINUTE, utc_text
from infusion_cli.domain.interchange import PLACES, WISHES, EntryProblem, Pass, Refusal, Skipped, Space, Wanted
from infusion_cli.domain.when import parse_duration
from infusion_cli.errors import ConflictError
from infusion_cli.services import lookup
from infusion_cli.services.agenda import LAST_INSTANT
from infusion_cli.services.appointment_memory import Known, Memory, Said
from infusion_cli.services.appointment_people import People, protocol_for, refuse_other
from infusion_cli.services.batch import USUAL_HOLD, BatchLine, Work, refusal
from infusion_cli.services.booking import require_movable
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out, digest_of
from infusion_cli.services.ports import Answer, Key, Writer

COMMAND = "fhir import"
REASONS = {"cancelled": "cancelled in the other system", "entered-in-error": "entered in error in the other system"}
"""All that is kept of why: the words of somebody's appointment are theirs."""

_ORDER = {"cancel": 0, "no-show": 0, "move": 1, "confirm": 2, "book": 3, "hold": 3}
"""What frees a place comes before what may need it."""
_ELEMENTS = {"patient": "participant", "chair": "participant", "when": "start", "protocol": "serviceType"}
"""The element of an appointment behind a column of a batch."""


class Ask(NamedTuple):
    """What an import was asked, as typed; `request` tells one file from another under a key."""

    protocol: str
    hold: str
    keep_going: bool
    request: Mapping[str, Any]


def import_appointments(
    desk: Desk, wanted: Sequence[Wanted], skipped: Sequence[Skipped], problems: Sequence[EntryProblem], ask: Ask
) -> Outcome:
    """Do what the appointments ask for, as one operation; `skipped` and `problems` are what the reading left.

    Without `keep_going` any problem refuses the whole file: `ConflictError` when only rules stand
    against it, else `InvalidDataError`; both carry every problem.
    """

    def decide(writer: Writer) -> Decision:
        plan = _Plan(writer, wanted, ask)
        work = Work(writer, plan.lines)
        _do(work)
        conflicts = [EntryProblem(p.line or 0, _ELEMENTS.get(p.column, p.column), *p[2:]) for p in work.problems]
        found = sorted([*problems, *plan.problems, *conflicts])
        if found and not ask.keep_going:
            raise refusal(found, "entry", "entries", COMMAND)
        summary = {
            "appointments": len(wanted),
            "placed": [
                {"entry": p.line, "action": p.action, "records": list(p.records)}
                for p in sorted(work.placed, key=lambda p: p.line)
            ],
            "unchanged": plan.unchanged,
            "skipped": [s._asdict() for s in sorted([*skipped, *plan.skipped])],
            "left_out": [p._asdict() for p in found],
        }
        return Decision(work.changes, summary=summary, keys=plan.keys(work), answers=plan.answers)

    return carry_out(desk, COMMAND, ask.request, decide)


def _do(work: Work) -> None:
    """Decide the lines in order; where the first of an entry cannot be done, the second is left out."""
    failed: set[int] = set()
    for line in work.lines:
        if line.line not in failed:
            before = len(work.problems)
            work.do(line)
            failed |= {line.line} if len(work.problems) > before else set()


class _Plan:
    """What there is to do about each appointment, in the lines of a batch."""

    def __init__(self, writer: Writer, wanted: Sequence[Wanted], ask: Ask) -> None:
        self.writer = writer
        self.ask = ask
        self.unchanged: list[int] = []
        self.skipped: list[Skipped] = []
        self.problems: list[EntryProblem] = []
        self.answers: dict[str, Answer] = {}
        """What is kept where nothing is done."""
        self._asked: dict[int, tuple[Wanted, Known | None, Said]] = {}
        """What is kept where something is done, by entry."""
        self._ranked: list[tuple[tuple[int, int], BatchLine]] = []
        if ask.hold:
            parse_duration(ask.hold)  # what cannot be read is no entry's fault
        self._protocol = lookup.find_protocol(writer.clinic, ask.protocol).id if ask.protocol else ""
        space = Space(writer.founding)
        self._people = People(writer, space, (one.person for one in wanted))
        self._memory = Memory(writer, space, wanted)
        for one in wanted:
            try:
                self._add(one)
            except Refusal as refused:
                self.problems.append(EntryProblem(one.entry, *refused.found))
            except Pass as passed:
                self.skipped.append(Skipped(one.entry, *passed.found))
        self._ranked.sort(key=lambda ranked: ranked[0])
        self.lines = [line for _, line in self._ranked]

    def keys(self, work: Work) -> list[Key]:
        """What the operation leaves behind about each entry that was done in full."""
        failed = {p.line for p in work.problems}
        records = {p.line: p.records for p in work.placed if p.line not in failed and p.records}
        found: list[Key] = []
        for entry, (visit, *_) in records.items():
            one, known, said = self._asked[entry]
            found += self._memory.keys(one, known, visit, said)
        return found

    def _add(self, one: Wanted) -> None:
        wish, known = WISHES[one.status], self._memory.known(one)
        if wish == "wait":
            raise Pass("waitlist", "on a waiting list, which is not part of this version")
        if one.has_declined and wish in PLACES:
            raise Pass("declined", f"{one.status}, and the patient has declined")
        said = self._said(one)
        if known is None:
            self._new(one, said)
        elif known.said and known.said.is_asked_by(said):
            if known.said.about != said.about:
                self._refuse_other(one, known.visit)
            self._leave(one, known, said)
        else:
            _refuse_outdated(said, known)
            self._changed(one, known, said)

    def _said(self, one: Wanted) -> Said:
        wish = WISHES[one.status]
        asked = digest_of(COMMAND, {"appointment": [wish, one.start if wish in PLACES else None]})
        about = digest_of(COMMAND, {"about": [one.person.digest, one.services]})
        return Said(asked, one.place, one.chair, about, one.updated, self.writer.now, one.names)

    def _new(self, one: Wanted, said: Said) -> None:
        """Book it, unless there is nothing to book."""
        wish = WISHES[one.status]
        if wish not in PLACES:
            raise Pass("not-here", f"{one.status}, and no visit stands for it")
        if one.start is None:
            if wish == "book":
                raise Refusal("start", "missing-field", "the start is missing")
            raise Pass("no-start", "proposed for no time yet")
        if one.start < self.writer.now:
            raise Pass("in-the-past", "it has begun already, and what is past is not booked")
        start = _on_the_minute(one.start)
        person, protocol = self._people.one(one.person), protocol_for(self.writer, one, self._protocol)
        # By the MRN, which in a batch goes before an id: somebody's may look like another's id.
        fields = {"patient": person.mrn, "protocol": protocol, "when": start}
        fields |= {"chair": one.chair} if one.chair else {}
        fields |= {"hold": self.ask.hold or USUAL_HOLD} if wish == "hold" else {}
        self._asked[one.entry] = one, None, said
        self._line(one, wish, fields, self._memory.fresh_key(one))

    def _changed(self, one: Wanted, known: Known, said: Said) -> None:
        """Make the visit what the appointment has become."""
        visit, said = known.visit, said.after(known.said)
        if WISHES[one.status] in PLACES:
            if not visit.is_live:
                if known.said is None and one.updated is None:
                    raise Pass("outdated", f"{visit.id} does not stand any more, and nothing tells that it is to")
                self._new(one, said)
                return
            self._refuse_other(one, visit)
        steps = list(self._steps(one, visit))
        for action, fields in steps:
            self._asked[one.entry] = one, known, said
            self._line(one, action, {"appointment": visit.id, **fields}, before=visit.start)
        if not steps:
            self._leave(one, known, said)

    def _leave(self, one: Wanted, known: Known, said: Said) -> None:
        """Nothing is to be done, and what was said is kept; of the book's own its stamp tells that as well."""
        self.unchanged.append(one.entry)
        if known.said or one.updated is None or not known.is_own:
            self.answers |= self._memory.noted(one, known, said.after(known.said))

    def _steps(self, one: Wanted, visit: Appointment) -> Iterator[tuple[str, dict[str, str]]]:
        """What a visit lacks of what is asked, each an action with its fields."""
        wish = WISHES[one.status]
        if wish in PLACES:
            yield from self._places(one, visit)
        elif visit.is_live:
            is_ahead = visit.status in {"pending", "booked"} and visit.start > self.writer.now
            if wish == "cancel" and visit.status in {"pending", "booked", "arrived"}:
                yield "cancel", {"reason": REASONS[one.status], "by": one.by}
            elif wish == "no-show" and is_ahead:
                raise Refusal("status", "not-begun", f"{visit.id} has not begun, so nobody has missed it yet")
            elif wish == "no-show" and visit.status == "booked":
                yield "no-show", {}
            else:
                raise _happened(visit)

    def _places(self, one: Wanted, visit: Appointment) -> Iterator[tuple[str, dict[str, str]]]:
        """A move, or a hold's confirmation; what is past stays as the desk knows it."""
        start = visit.start if one.start is None else one.start
        moves = start != visit.start or one.chair not in {"", visit.chair}
        confirms = WISHES[one.status] == "book" and visit.status == "pending"
        if not moves and not confirms:
            return
        if start < self.writer.now:
            raise Pass("in-the-past", f"{visit.id} stands for it; that time is past, and what is past stays as it is")
        self._people.refuse_inactive(one.person)
        if moves:
            try:
                require_movable(visit, start)
            except ConflictError:
                raise _happened(visit) from None
            yield "move", {"when": _on_the_minute(start)} | ({"chair": one.chair} if one.chair else {})
        if confirms:
            yield "confirm", {}

    def _refuse_other(self, one: Wanted, visit: Appointment) -> None:
        """Unless it is off, or past: raise `Refusal` where it is another patient's or another protocol's now."""
        start = visit.start if one.start is None else one.start
        if WISHES[one.status] in PLACES and visit.is_live and start >= self.writer.now:
            refuse_other(self.writer, self._people, one, visit)

    def _line(
        self, one: Wanted, action: str, fields: dict[str, str], key: str = "", before: int = LAST_INSTANT
    ) -> None:
        """Of visits that follow each other, and are to be later than `before`, the last goes first."""
        at = one.start or 0
        self._ranked.append(((_ORDER[action], -at if at > before else at), BatchLine(one.entry, action, fields, key)))


def _refuse_outdated(said: Said, known: Known) -> None:
    """Raise `Pass` where something newer is known: of its own system, or of the book that changed its own visit."""
    if known.said and said.is_older_than(known.said):
        raise Pass("outdated", f"a newer file has told of {known.visit.id}")
    stamp = known.visit.stamp
    has_changed = known.is_own and (known.said is None or stamp > known.said.at)
    if has_changed and said.updated is not None and said.updated < stamp:
        raise Pass("outdated", f"{known.visit.id} has changed in the book since")


def _happened(visit: Appointment) -> Pass:
    return Pass("has-happened", f"{visit.id} is {visit.status} here, and what has happened stays")


def _on_the_minute(at: int) -> str:
    if at % MINUTE:
        raise Refusal("start", "off-the-minute", "the start is not on a full minute")
    return utc_text(at)
