"""The one way to write: changes through the guards, then the journal, in the transaction of the block."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from infusion_cli.domain import ids, names
from infusion_cli.domain.book import Appointment, Block, Patient, Series
from infusion_cli.domain.claims import Claim, capacities_of, claims_of
from infusion_cli.domain.clinic_time import wall_text, zone
from infusion_cli.domain.outbox import Told
from infusion_cli.domain.plan import ClinicText, Conflict, change
from infusion_cli.errors import ConflictError, StoreError
from infusion_cli.services.ports import Answer, Entry, Key, Operation
from infusion_cli.store import forgetting, journal, rows
from infusion_cli.store.database import Database, GuardError
from infusion_cli.store.reader import BookReader, clinic_of

RELEASE = "release-holds"
"""The command under which the program journals what it does by itself."""
ITSELF = "infusion"
"""The actor of it."""

_TAKEN = {
    "chair": ("chair-busy", "Chair {ref} was taken a moment ago by another desk ({at})."),
    "patient": ("patient-busy", "The patient's time was taken a moment ago by another desk ({at})."),
    "hands": ("staff-short", "The nurses' time was taken a moment ago by another desk ({at})."),
    "attention": ("staff-short", "The nurses' attention was taken a moment ago by another desk ({at})."),
    "provider": ("staff-short", "The providers' time was taken a moment ago by another desk ({at})."),
}


class BookWriter(BookReader):
    """A reader that holds the write lock."""

    def __init__(self, database: Database, now: int) -> None:
        super().__init__(database, now)
        self.wrote = False
        self.discarded = False
        counters, self._holds_over = database.several(("counters", {}), ("holds_over", {"now": now}))
        self._counters: dict[str, int] = dict(counters)

    def new_id(self, kind: str) -> str:
        """The next free id of a kind; it is kept only when the block commits."""
        number = self._counters.get(kind, 0)
        self._counters[kind] = number + 1
        return ids.encode(kind, number)

    def write(self, entry: Entry) -> Operation:
        """Write the changes through the guards and journal them as one operation.

        Raises ConflictError when a guard refuses; then nothing at all is written by this block.
        """
        try:
            return self._write(entry)
        except BaseException:
            self.discard()
            raise

    def put_answers(self, answers: Mapping[str, Answer]) -> None:
        """Keep what operations that are there have left behind, by key, over what was there; no part of the journal."""
        if answers:
            self._put_keys((Key(key, a.request, a.answer), a.operation) for key, a in answers.items())
            self.wrote = True

    def put_told(self, told: Told) -> None:
        """Keep the newest message about a visit; it is no part of the journal."""
        self.database.run("told_put", {**told._asdict(), "appointment_id": told.visit})
        self.wrote = True

    def discard(self) -> None:
        """Roll everything back at the end of the block (a dry run)."""
        self.discarded = True

    def release_holds(self) -> None:
        """Cancel the holds that ran out, as an operation of the program itself, when there are any."""
        over = [rows.visit_of(row) for row in self._holds_over]
        if over:
            self.write(Entry(RELEASE, ITSELF, [change(v, rows.released(v)) for v in over]))

    def finish(self) -> None:
        """Keep the numbers of the ids that were given out."""
        self.database.run_many("counter_put", ({"kind": k, "next": n} for k, n in self._counters.items()))

    def _write(self, entry: Entry) -> Operation:
        self._refuse_used(c.id for c in entry.changes if c.before is None)
        after = [c.after for c in entry.changes]
        # In the order in which the tables refer to each other; capacities rise first and fall last.
        clinics = [r for r in after if isinstance(r, ClinicText)]
        for text in clinics:
            self._put_clinic(text)
        self._put_patients([r for r in after if isinstance(r, Patient)])
        made = self.revision + 1
        self.database.run_many("series_put", (rows.series_row(r, made) for r in after if isinstance(r, Series)))
        self.database.run_many("block_put", (rows.block_row(r) for r in after if isinstance(r, Block)))
        self._put_visits([r for r in after if isinstance(r, Appointment)])
        if clinics:
            self._lower_capacities()
        redaction = None
        if entry.forgets:
            entry, redaction = forgetting.forget(self.database, entry)
        new_id, tz = self.new_id("operation"), zone(self.clinic.timezone)
        done = journal.append(self.database, entry, new_id, self.now, tz, redaction)
        if entry.undoes:
            self.database.run("keys_drop", {"operation": entry.undoes})
        self._put_keys((key, done.id) for key in entry.keys)
        self.revision = done.seq
        self.wrote = True
        return done

    def _refuse_used(self, fresh: Iterable[str]) -> None:
        """A counter that was damaged gives an id twice; the new record would take the place of another one."""
        by_kind: dict[str, list[str]] = {}
        for record_id in fresh:
            by_kind.setdefault(record_id[:1], []).append(record_id)
        finders = self._finders()
        for letter, listed in by_kind.items():
            if letter in finders and finders[letter](json.dumps(listed)):
                raise StoreError(f"{self.database.place} gave an id twice; nothing was written.", "infusion db check")

    def _put_keys(self, keys: Iterable[tuple[Key, str]]) -> None:
        """Each with the id of its operation."""
        self.database.run_many(
            "key_put",
            ({"key": k.key, "request": k.request, "answer": k.answer, "operation_id": of} for k, of in keys),
        )

    def _put_patients(self, patients: Sequence[Patient]) -> None:
        if not patients:
            return
        run = self.database.run_many
        run("patient_put", map(rows.patient_row, patients))
        run("words_drop", ({"patient": p.id} for p in patients))
        run("word_add", ({"patient_id": p.id, "word": w} for p in patients for w in sorted(set(names.words(p.name)))))
        run("requirements_drop", ({"patient": p.id} for p in patients))
        run(
            "requirement_add",
            ({"patient_id": p.id, "requirement": r, "on_date": d} for p in patients for r, d in p.requirements),
        )
        there = self._resources(p.id for p in patients)
        self._add_resources({("patient", p.id): 1 for p in patients if ("patient", p.id) not in there})

    def _put_clinic(self, text: ClinicText) -> None:
        """Keep the text; new chairs and more staff count at once, a chair that is gone keeps its claims."""
        self.clinic_text, self.clinic = text, clinic_of(text)
        self.database.run("clinic_put", {"text": text.text, "data": text.data})
        there, wanted = self._resources(()), capacities_of(self.clinic)
        self._add_resources({name: room for name, room in wanted.items() if name not in there})
        for name, (number, room) in there.items():
            if wanted.get(name, room) > room:
                self._set_capacity(number, wanted[name])

    def _lower_capacities(self) -> None:
        wanted = capacities_of(self.clinic)
        for name, (number, room) in self._resources(()).items():
            if wanted.get(name, room) < room:
                try:
                    self._set_capacity(number, wanted[name], lowered=self.now)
                except GuardError as error:
                    people = "providers" if name[0] == "provider" else "nurses"
                    raise ConflictError(
                        f"Booked visits need more {people} than the clinic would have.",
                        hint="move or cancel visits first: infusion list",
                    ) from error

    def _set_capacity(self, number: int, room: int, lowered: int | None = None) -> None:
        self.database.run("resource_change", {"resource": number, "room": room, "lowered": lowered})

    def _put_visits(self, visits: Sequence[Appointment]) -> None:
        if not visits:
            return
        self.database.run_many("visit_put", map(rows.visit_row, visits))
        resources = self._resources({v.patient for v in visits})
        listed = json.dumps([v.id for v in visits])
        before: dict[str, list[Any]] = {}
        for visit_id, *claim in self.database.rows("claims_of", visits=listed):
            before.setdefault(visit_id, []).append(tuple(claim))
        fresh: list[tuple[Claim, dict[str, Any]]] = []
        moved: list[str] = []
        for visit in visits:
            claims = [] if rows.has_run_out(visit, self.now) else claims_of(visit)
            wanted = [(_number(resources, c), c.t0, c.t1, c.units) for c in claims]
            # What stays is left alone: history may lie above a capacity that was lowered since.
            if sorted(wanted) != sorted(before.get(visit.id, ())):
                moved.append(visit.id)
                fresh += zip(claims, (_claim_row(visit.id, w) for w in wanted), strict=True)
        # First everything away, then everything back: two visits may change places.
        self.database.run_many("claims_drop", ({"visit": v} for v in moved if v in before))
        # In the order of the resources: whoever else writes claims queues for them the same way.
        self._claim(sorted(fresh, key=lambda claim: (claim[1]["resource_id"], claim[1]["t0"])))

    def _claim(self, fresh: Sequence[tuple[Claim, Mapping[str, Any]]]) -> None:
        latest: list[Claim] = []

        def in_turn() -> Iterator[Mapping[str, Any]]:
            for claim, row in fresh:
                latest[:] = [claim]
                yield row

        try:
            self.database.run_many("claim_add", in_turn())
        except GuardError as error:
            # An engine that takes many rows at once says which one it refused.
            refused = (c for c, row in fresh if (row["resource_id"], row["t0"], row["appointment_id"]) == error.row)
            raise self._taken(next(refused, latest[0])) from error

    def _taken(self, claim: Claim) -> ConflictError:
        rule, sentence = _TAKEN[claim.kind]
        message = sentence.format(ref=claim.ref, at=wall_text(claim.t0, zone(self.clinic.timezone)))
        conflict = Conflict(rule, "hard", rule == "staff-short", message, claim.ref, claim.t0, claim.t1)
        return ConflictError(message, [conflict], hint="infusion slots find")

    def _resources(self, patients: Iterable[str]) -> dict[tuple[str, str], tuple[int, int]]:
        """Number and capacity of the clinic's own resources and of these patients, by kind and ref."""
        shared, own = self.database.several(
            ("resources_shared", {}), ("resources_of", {"patients": json.dumps(sorted(patients))})
        )
        return {(kind, ref): (number, capacity) for kind, ref, number, capacity in (*shared, *own)}

    def _add_resources(self, wanted: Mapping[tuple[str, str], int]) -> None:
        if not wanted:
            return
        found = self.database.row("resource_last")
        last: int = found[0] if found else 0
        self.database.run_many(
            "resource_add",
            (
                {"id": number, "kind": kind, "ref": ref, "capacity": room, "seq": 0, "lowered_at": 0}
                for number, ((kind, ref), room) in enumerate(wanted.items(), start=last + 1)
            ),
        )


def _number(resources: Mapping[tuple[str, str], tuple[int, int]], claim: Claim) -> int:
    found = resources.get((claim.kind, claim.ref))
    if found is None:
        message = f"There is no {claim.kind} {claim.ref} in this book."
        raise ConflictError(message, [Conflict("chair-unsuitable", "hard", overridable=False, message=message)])
    return found[0]


def _claim_row(visit_id: str, claim: tuple[int, int, int, int]) -> dict[str, Any]:
    resource, t0, t1, units = claim
    return {"resource_id": resource, "t0": t0, "appointment_id": visit_id, "t1": t1, "units": units}
