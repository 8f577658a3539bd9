"""Appointments of other systems: booked, held, moved, confirmed and cancelled as their files say.

Each visit remembers which appointment it stands for and what was last asked of it. So a second
import of a file does what has changed and leaves the rest alone, also what was changed at the desk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment, Patient
from infusion_cli.domain.clinic_time import utc_text
from infusion_cli.domain.forgetting import is_forgotten
from infusion_cli.domain.interchange import WISHES, EntryProblem, Identifier, Skipped, Space, Wanted
from infusion_cli.domain.names import clean
from infusion_cli.domain.when import parse_duration
from infusion_cli.services import lookup
from infusion_cli.services.agenda import LAST_INSTANT
from infusion_cli.services.batch import USUAL_HOLD, BatchLine, Work, refusal
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out, digest_of
from infusion_cli.services.ports import Answer, Reader, Writer

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
        return Decision(work.changes, summary=summary, keys=work.keys)

    return carry_out(desk, COMMAND, ask.request, decide)


def _do(work: Work) -> None:
    """Decide the lines in order; where the first of an entry cannot be done, the second is left out."""
    failed: set[int] = set()
    for line in work.lines:
        if line.line not in failed:
            before = len(work.problems)
            work.do(line)
            failed |= {line.line} if len(work.problems) > before else set()


class _Known(NamedTuple):
    """An appointment that was met before: its visit, under which name, and what was last asked of it."""

    visit: Appointment
    key: str
    number: int
    """How often something was done about it."""
    request: str = ""


class _Refusal(Exception):  # noqa: N818  it is no error of the program
    """Why an appointment cannot be read as a request."""

    def __init__(self, column: str, rule: str, message: str) -> None:
        super().__init__(message)
        self.found = (column, rule, message)


class _Pass(Exception):  # noqa: N818
    """Why nothing is to be done about an appointment."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.found = (rule, message)


class _Plan:
    """What there is to do about each appointment, in the lines of a batch."""

    def __init__(self, writer: Writer, wanted: Sequence[Wanted], ask: Ask) -> None:
        self.writer = writer
        self.ask = ask
        self.unchanged: list[int] = []
        self.skipped: list[Skipped] = []
        self.problems: list[EntryProblem] = []
        self._ranked: list[tuple[tuple[int, int], BatchLine]] = []
        self._space = Space(writer.founding)
        if ask.hold:
            parse_duration(ask.hold)  # what cannot be read is no entry's fault
        self._protocol = lookup.find_protocol(writer.clinic, ask.protocol).id if ask.protocol else ""
        self._people = writer.patients_by_mrn(sorted({i.value for w in wanted for i in w.person}))
        self._answers = list(_answers(writer, {key for w in wanted for key in w.keys}))
        for one in wanted:
            try:
                self._add(one)
            except _Refusal as refused:
                self.problems.append(EntryProblem(one.entry, *refused.found))
            except _Pass as passed:
                self.skipped.append(Skipped(one.entry, *passed.found))
        self._ranked.sort(key=lambda ranked: ranked[0])
        self.lines = [line for _, line in self._ranked]

    def _add(self, one: Wanted) -> None:
        wish, known = WISHES[one.status], self._known(one)
        if wish == "wait":
            raise _Pass("waitlist", "on a waiting list, which is not part of this version")
        if known is None:
            self._new(one, wish)
        elif not known.request and one.updated is not None and one.updated < known.visit.stamp:
            raise _Pass("outdated", f"{known.visit.id} has changed in the book since")
        elif known.request == self._request(one):
            self.unchanged.append(one.entry)
        else:
            self._changed(one, wish, known)

    def _new(self, one: Wanted, wish: str, known: _Known | None = None) -> None:
        """Book it, unless there is nothing to book."""
        if wish in {"cancel", "no-show"}:
            raise _Pass("not-here", f"{one.status}, and no visit stands for it")
        if one.start is None:
            if wish == "book":
                raise _Refusal("start", "missing-field", "the start is missing")
            raise _Pass("no-start", "proposed for no time yet")
        if one.start < self.writer.now:
            raise _Pass("in-the-past", "it has begun already, and what is past is not booked")
        person, protocol = self._patient(one), self._asked_for(one)
        # By the MRN, which in a batch goes before an id: somebody's may look like another's id.
        fields = {"patient": person.mrn, "protocol": protocol, "when": utc_text(one.start)}
        fields |= {"chair": one.chair} if one.chair else {}
        fields |= {"hold": self.ask.hold or USUAL_HOLD} if wish == "hold" else {}
        key, number = (known.key, known.number) if known else (one.keys[0], 0)
        self._line(one, wish, fields, _key(key, number + 1))

    def _changed(self, one: Wanted, wish: str, known: _Known) -> None:
        """Make the visit what the appointment has become."""
        visit, key = known.visit, _key(known.key, known.number + 1)
        self._refuse_other(one, visit)
        if not visit.is_live and wish in {"book", "hold"}:
            self._new(one, wish, known)
            return
        steps = list(self._steps(one, wish, visit))
        for action, fields in steps:
            self._line(one, action, {"appointment": visit.id, **fields}, key, visit.start)
        if not steps:
            self.unchanged.append(one.entry)

    def _steps(self, one: Wanted, wish: str, visit: Appointment) -> Iterator[tuple[str, dict[str, str]]]:
        """What a visit lacks of what is asked, each an action with its fields."""
        if wish == "cancel":
            if visit.is_live:
                yield "cancel", {"reason": REASONS[one.status], "by": one.by}
        elif wish == "no-show":
            if visit.is_live and visit.start > self.writer.now:
                raise _Refusal("status", "not-begun", f"{visit.id} has not begun, so nobody has missed it yet")
            if visit.is_live:
                yield "no-show", {}
        else:
            start = visit.start if one.start is None else one.start
            if start != visit.start or one.chair not in {"", visit.chair}:
                yield "move", {"when": utc_text(start)} | ({"chair": one.chair} if one.chair else {})
            if wish == "book" and visit.status == "pending":
                yield "confirm", {}

    def _refuse_other(self, one: Wanted, visit: Appointment) -> None:
        """An appointment stays that of its patient and its protocol."""
        people = self._fitting(one.person)
        if people and visit.patient not in people:
            message = f"{visit.id} stands for it, and is somebody else's; cancel it and send a new one"
            raise _Refusal("participant", "other-patient", message)
        named = self._named(one)
        if named and visit.protocol not in named:
            message = f"{visit.id} stands for it, and is for {visit.protocol}; cancel it and send a new one"
            raise _Refusal("serviceType", "other-protocol", message)

    def _known(self, one: Wanted) -> _Known | None:
        """The visit that stands for it: by what an earlier import left, or because it is the book's own."""
        found = [known for key in one.keys if (known := self._from_answers(key)) is not None]
        if not found:
            own = (i.value for i in one.identifiers if i.system == self._space.system)
            visits = (self._record(value) for value in own)
            found = [_Known(v, one.keys[0], 0) for v in visits if isinstance(v, Appointment)]
        if len({known.visit.id for known in found}) > 1:
            raise _Refusal("identifier", "several-visits", "its identifiers are those of several visits")
        return found[0] if found else None

    def _from_answers(self, key: str) -> _Known | None:
        number, answer = 0, None
        while number < len(self._answers) and (later := self._answers[number].get(_key(key, number + 1))):
            number, answer = number + 1, later
        if answer is None:
            return None
        if not answer.request:
            raise _Pass("forgotten", "what stood for it has been forgotten")
        visit = self.writer.record(json.loads(answer.answer)[0])
        return _Known(visit, key, number, answer.request) if isinstance(visit, Appointment) else None

    def _record(self, text: str) -> object:
        found = ids.normalise(text)
        return self.writer.record(found) if found else None

    def _patient(self, one: Wanted) -> Patient:
        """The one person whom its identifiers mean; a name alone means nobody."""
        if not one.person:
            message = "no patient with an identifier takes part; put the Patient into the file"
            raise _Refusal("participant", "no-patient", message)
        found = self._fitting(one.person)
        if not found:
            message = "no patient of the book has such an MRN; add the patient first: infusion patients import"
            raise _Refusal("participant", "not-found", message)
        if len(found) > 1:
            raise _Refusal("participant", "several-patients", "its identifiers fit several patients")
        (person,) = found.values()
        if one.birth_date and person.birth_date and one.birth_date != person.birth_date:
            message = f"the birth date is not that of {person.id}, whose MRN it is"
            raise _Refusal("participant", "other-birth-date", message)
        return person

    def _fitting(self, names: Sequence[Identifier]) -> dict[str, Patient]:
        """By the book's own ids, else by what is marked as an MRN, else by any identifier."""
        own = [self._record(i.value) for i in names if i.system == self._space.system]
        mrns = [i for i in names if i.is_mrn] or [i for i in names if i.system != self._space.system]
        found = [p for p in own if isinstance(p, Patient)] or [
            self._people[i.value] for i in mrns if i.value in self._people
        ]
        return {p.id: p for p in found if p.status != "entered-in-error" and not is_forgotten(p)}

    def _asked_for(self, one: Wanted) -> str:
        """The protocol that it names, else the one that was typed."""
        named = self._named(one)
        if len(named) > 1:
            raise _Refusal("serviceType", "several-protocols", "it names several protocols")
        if not named and not self._protocol:
            known = ", ".join(p.id for p in self.writer.clinic.protocols)
            message = f"no protocol of the clinic is named; give --protocol, one of: {known}"
            raise _Refusal("serviceType", "no-protocol", message)
        return next(iter(named), self._protocol)

    def _named(self, one: Wanted) -> set[str]:
        texts = {text.casefold() for text in one.services}
        return {p.id for p in self.writer.clinic.protocols if texts & {p.id.casefold(), clean(p.title).casefold()}}

    def _line(self, one: Wanted, action: str, fields: dict[str, str], key: str, before: int = LAST_INSTANT) -> None:
        """Of visits that follow each other, and are to be later than `before`, the last goes first."""
        at = one.start or 0
        line = BatchLine(one.entry, action, fields, key, self._request(one))
        self._ranked.append(((_ORDER[action], -at if at > before else at), line))

    def _request(self, one: Wanted) -> str:
        """A digest of what is asked: a change of anything else is none."""
        person, named = sorted(self._fitting(one.person)), sorted(self._named(one))
        return digest_of(COMMAND, {"appointment": [WISHES[one.status], one.start, one.chair, person, named]})


def _answers(reader: Reader, keys: Iterable[str]) -> Iterator[dict[str, Answer]]:
    """For each appointment what was first done about it, then what second, as far as there is any.

    Each is a key of its own, so that undoing the last one gives back what was before it.
    """
    number, left = 0, sorted(keys)
    while left:
        number += 1
        found = reader.answers([_key(key, number) for key in left])
        yield found
        left = [key for key in left if _key(key, number) in found]


def _key(key: str, number: int) -> str:
    return f"fhir:{key}:{number}"
