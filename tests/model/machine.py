"""What every random command has in common: it is done on every side, its answers and the books compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from builders import NOW
from hypothesis.stateful import RuleBasedStateMachine
from model import sides, wishes
from model.sides import Act, Ground, Question, Refusal
from model.wishes import How, Time

from infusion_cli.domain import codec
from infusion_cli.domain.book import LIVE, Appointment, Block, Record
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.plan import Change, ClinicText, Plan, is_same
from infusion_cli.domain.visit import probe
from infusion_cli.services import agenda
from infusion_cli.services.desk import Desk, Outcome
from infusion_cli.services.ports import Access, Operation, Reader
from infusion_cli.services.undo import SILENT_COMMANDS, undo


class Work(RuleBasedStateMachine):
    """A book with eight people in it, kept on every side; what became of each wish is counted in `tally`."""

    def __init__(self, ground: Ground, tally: Counter[tuple[str, str]]) -> None:
        super().__init__()
        self.tally = tally
        self.now = NOW
        self.sides = ground.sides(wishes.HARBOR, wishes.PEOPLE)
        self.done: list[tuple[str, Act, str | None]] = []
        self.plans: list[Plan] = []
        self.lines = 0
        """How many lines of batch files have had a key."""
        self.looked = 0
        """How often somebody has looked at somebody."""
        self.is_sound = True
        """Whether all has been equal so far."""
        self.is_calm = True
        """Whether nobody has passed by the rules, or blocked or changed anything under visits that stood already."""
        self.beginning = self._records()
        self.founded = self.sides.model.describe()["revision"]

    # What there is to choose from

    def visits(self, statuses: Sequence[str] = agenda.STATUSES) -> list[Appointment]:
        with self.sides.model.reading(self.now) as reader:
            return reader.visits(*sides.EVER, statuses)

    def visit(self, number: int, statuses: Sequence[str] = tuple(LIVE)) -> Appointment:
        """One of the visits, if possible with one of the statuses; 11 stands for any."""
        found = (number < 11 and (self.visits(statuses) or self.visits(agenda.SHOWN))) or self.visits()
        return found[number % len(found)]

    def has_blocks(self) -> bool:
        with self.sides.model.reading(self.now) as reader:
            return bool(reader.load(*sides.EVER).blocks)

    def person(self, number: int) -> str:
        """Somebody, as somebody types it."""
        with self.sides.model.reading(self.now) as reader:
            found = reader.patients()
        who = found[number % len(found)]
        return {-1: who.mrn, -2: who.name.casefold(), -3: "ada", -4: "nobody"}.get(number, who.id)

    def fields(self, action: str, number: int, time: Time) -> dict[str, str]:
        """The fields of a batch file's line."""
        when, patient = time.text(self.now), self.person(number)
        visit = self.visit(number).id if self.visits() else "A00000"
        return {
            "book": {"patient": patient, "protocol": "iv-mood", "when": when},
            "hold": {"patient": patient, "protocol": "iv-quick", "when": when, "chair": "garden"},
            "series": {"patient": patient, "protocol": "iv-mood", "sessions": "2"},
            "move": {"appointment": visit, "when": when},
            "cancel": {"appointment": visit, "reason": "ill"},
            "block": {"chair": "chair-2", "from": when, "to": f"{when[:10]}T23:00", "reason": "lamp"},
        }.get(action, {"appointment": visit})

    def placed(self, number: int, who: int, time: Time, chair: str, status: str) -> Appointment:
        """A visit at that place, whatever the rules say: one of those that there are, or a new one without an id."""
        made = probe(wishes.HARBOR, wishes.HARBOR.protocols[who % 3], time.instant(self.now), chair=chair)._replace(
            patient=wishes.PEOPLE[who % len(wishes.PEOPLE)].id,
            status=status,
            hold_until=self.now + 900 if status == "pending" else None,
        )
        if number % 2 and self.visits():
            old = self.visit(number)
            return made._replace(id=old.id, series=old.series, session=old.session)
        return made

    # How it is done

    def wish(self, kind: str, act: Act, how: How) -> Outcome | Refusal:
        """Do it on every side."""
        return self.carry(kind, act, None if how.key is None else f"key-{how.key}", dry=how.is_dry_run)

    def carry(self, kind: str, act: Act, key: str | None = None, *, dry: bool = False) -> Outcome | Refusal:
        now, self.is_sound = self.now, False
        made = self.sides.carry_out(act, lambda store: Desk(store, now, "desk", dry, key))
        self.tally[kind, _fate(made, dry=dry)] += 1
        if not dry:
            self.done.append((kind, act, key))
            self.is_calm = self.is_calm and not any(map(self._disturbs, sides.changed(made)))
        if isinstance(made, Outcome) and made.operation:
            self.sides.compare(now)
            self._refuse_impossible()
        self.is_sound = True
        return made

    def look(self, question: Question) -> object:
        """Ask it on every side."""
        self.is_sound = False
        found = self.sides.look(question, self.now)
        self.tally["look", "refused" if isinstance(found, Refusal) else "done"] += 1
        self.is_sound = True
        return found

    def note_access(self, subject: str) -> None:
        """Note on every side that somebody has looked at somebody."""
        self.looked += 1
        access = Access(f"{self.looked:08}", self.now, "desk", "here", "patients show", (subject,), 1)
        for store in self.sides.stores.values():
            store.note_access(access)

    def _disturbs(self, made: Change) -> bool:
        states = [s for s in (made.before, made.after) if isinstance(s, Block)]
        over = any(v.start < b.end and b.start < v.end for b in states for v in self.visits(tuple(LIVE)))
        return made.entity == "clinic" or over

    # What must always be so

    def _refuse_impossible(self) -> None:
        with self.sides.model.reading(self.now) as reader:
            assert sides.booked_twice(reader) == []
            numbers = [p.mrn for p in reader.patients()]
            assert len(numbers) == len(set(numbers))
            found = self._records()
        parts = [(v.id, part) for v in self.visits(tuple(LIVE)) for part in (v.patient, v.series) if part]
        assert [(visit, part) for visit, part in parts if _is_error(found[part])] == []

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self._end()
        finally:
            self.sides.close()

    def _end(self) -> None:
        self.sides.finish(self.now, self._keys())
        never = ("overbooked: chair", "overbooked: patient")
        assert sides.problems(self.sides.path, only=() if self.is_calm else never) == []
        self.tally["end", "calm" if self.is_calm else "disturbed"] += 1
        for kind, act, key in [done for done in self.done if done[2] is not None][-1:]:
            self.carry(kind, act, key)
        self._take_all_back()
        self.sides.finish(self.now, self._keys())

    def _keys(self) -> list[str]:
        return [f"key-{n}" for n in range(41)] + [f"line-{n}" for n in range(self.lines)]

    def standing(self) -> list[Operation]:
        """What somebody did since the founding and nobody took back, the newest first."""
        with self.sides.model.reading(self.now) as reader:
            since = [o for o in reader.operations() if o.seq > self.founded]
        return [o for o in since if o.undoes is None and o.undone_by is None and o.command not in SILENT_COMMANDS]

    def _take_all_back(self) -> None:
        """Undo whatever can be, the newest first: what no refusal keeps is then as it was in the beginning."""
        for operation in self.standing():
            self.carry("undo", partial(undo, operation_id=operation.id))
        left = self.standing()
        kept = {c.id for o in left for c in o.changes}
        for name, record in self._records().items():
            assert name in kept or _is_back(self.beginning.get(name), record), name
        self.tally["end", "some left" if left else "all taken back"] += 1
        if not left:
            assert isinstance(self.carry("undo", undo), Refusal)

    def _records(self) -> dict[str, Record | ClinicText]:
        with self.sides.model.reading(self.now) as reader:
            names = {c.id for o in reader.operations() for c in o.changes}
            return {name: reader.record(name) or reader.clinic_text for name in names}


def plan_text(plan: Plan, reader: Reader) -> str:
    """The plan as it is saved, with the UIDs that visits have on the reader's side."""
    changes = [c._replace(before=_own(c.before, reader), after=_own(c.after, reader)) for c in plan.changes]
    return json.dumps(codec.encode_plan(plan._replace(changes=tuple(changes)), zone(wishes.HARBOR.timezone)))


def _own(state: Any, reader: Reader) -> Any:
    known = reader.record(state.id) if isinstance(state, Appointment) else None
    return state._replace(uid=known.uid) if isinstance(known, Appointment) else state


def _fate(made: Outcome | Refusal, *, dry: bool) -> str:
    if isinstance(made, Refusal):
        return "refused"
    if made.replayed:
        return "repeated"
    if not made.operation:
        return "as it was"
    return "tried" if dry else "done"


def _is_back(first: Record | ClinicText | None, last: Record | ClinicText) -> bool:
    """Whether a record is as it was in the beginning; what was not there is entered in error."""
    return _is_error(last) if first is None else is_same(first, last)


def _is_error(record: Record | ClinicText) -> bool:
    return not isinstance(record, ClinicText) and record.status == "entered-in-error"
