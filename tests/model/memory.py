"""A book in memory: the ports once more, in dictionaries and lists, to hold the engines against.

Written from what the ports promise and from the domain, without a line of the store. Capacities are
kept by adding up every minute, and a writer works on a copy that takes the book's place at the end.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from infusion_cli.domain import clinic_tree, ids, names
from infusion_cli.domain.book import Appointment, Block, Book, Patient, Record, Series
from infusion_cli.domain.claims import Claim, capacities_of, claims_of
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import MINUTE, wall_text, zone
from infusion_cli.domain.forgetting import forgotten
from infusion_cli.domain.outbox import Told
from infusion_cli.domain.plan import Change, ClinicText, Conflict, change
from infusion_cli.errors import ConflictError
from infusion_cli.services.ports import Access, Answer, Entry, Operation

_R = TypeVar("_R", Appointment, Block, Patient, Series)

Name = tuple[str, str]
"""What is claimed: a kind, and which one of it."""

_WHOSE = {"hands": "The nurses' time", "attention": "The nurses' attention", "provider": "The providers' time"}


class Pages:
    """Everything that stands in a book. Values are never changed in place, so a shallow copy is one of its own."""

    def __init__(self, text: ClinicText) -> None:
        self.clinic_text = text
        self.records: dict[str, Record] = {}
        self.made: dict[str, int] = {}
        """For every record the number of the operation that made it."""
        self.journal: list[Operation] = []
        self.answers: dict[str, Answer] = {}
        self.counters: dict[str, int] = {}
        self.rooms: dict[Name, int] = {}
        """Units that there are, in the order in which they came to be."""
        self.told: dict[str, Told] = {}
        self.accesses: list[Access] = []
        self.claims: dict[str, list[Claim]] = {}
        """What each visit claimed when it was last written."""

    def copied(self) -> Pages:
        """The same once more, to be changed without changing this."""
        fresh = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list):
                setattr(fresh, name, value.copy())
        return fresh


class MemoryReader:
    """A view of the pages: holds that ran out by `now` are seen as cancelled."""

    def __init__(self, pages: Pages, now: int) -> None:
        self.pages = pages
        self.now = now
        self.clinic_text = pages.clinic_text
        self.clinic = _clinic_of(pages.clinic_text)
        self.revision = len(pages.journal)

    def load(self, lo: int, hi: int, patients: Iterable[str] = ()) -> Book:
        """Everything that touches the instants [lo, hi), and all of those patients."""
        book, asked = Book(self.clinic, self.now, lo, hi), set(patients)
        book.add(v for v in self._visits() if (v.start < hi and v.end > lo) or v.patient in asked)
        book.add(b for b in self._all(Block) if b.start < hi and b.end > lo)
        book.add(p for p in self._all(Patient) if p.id in asked)
        book.add(s for s in self._series() if s.patient in asked)
        return book

    def record(self, record_id: str) -> Record | None:
        """A patient, visit, series or block by its id."""
        found = self.pages.records.get(record_id)
        return self._seen(found) if isinstance(found, Appointment) else found

    def visits(self, lo: int, hi: int, statuses: Sequence[str], patient: str | None = None) -> list[Appointment]:
        """Visits that start in [lo, hi) with one of the statuses, in order of start; of one patient or all."""
        found = [v for v in self._visits() if lo <= v.start < hi and v.status in statuses]
        return [v for v in found if patient in {None, v.patient}]

    def each_visit(self, lo: int, hi: int, statuses: Sequence[str]) -> Iterator[Appointment]:
        """What `visits` gives of all patients."""
        return iter(self.visits(lo, hi, statuses))

    def span(self, lo: int, hi: int, statuses: Sequence[str]) -> tuple[int, int] | None:
        """The first start and the last end of the visits that start in [lo, hi), expired holds included."""
        stored = [v for v in self._all(Appointment) if lo <= v.start < hi and v.status in statuses]
        return (min(v.start for v in stored), max(v.end for v in stored)) if stored else None

    def blocks(self, lo: int, hi: int) -> list[Block]:
        """Active blocks and openings that touch [lo, hi), in order of start."""
        found = (b for b in self._all(Block) if b.status == "active" and b.start < hi and b.end > lo)
        return sorted(found, key=lambda b: (b.start, b.id))

    @property
    def founding(self) -> str:
        """What tells the book from every other."""
        return self.pages.journal[0].id

    def blocks_of_source(self, source: str, since: int) -> list[Block]:
        """Blocks of any status that came from that calendar and end after the instant `since`, in order of start."""
        found = [
            b for b in self._all(Block) if b.origin.startswith(f"{source}/") and "/" not in b.origin[len(source) + 1 :]
        ]
        return sorted((b for b in found if b.end > since), key=lambda b: (b.start, b.id))

    def patients(self, limit: int | None = None) -> list[Patient]:
        """Every patient that is not entered in error, by name; with a limit any so many of them."""
        return self.patients_matching(())[:limit]

    def patients_by_mrn(self, mrns: Sequence[str]) -> dict[str, Patient]:
        """The patients of those medical record numbers, by number (exact)."""
        return {p.mrn: p for p in self._known() if p.mrn in mrns}

    def patients_matching(self, typed: Sequence[str]) -> list[Patient]:
        """Patients of whom every typed word begins a word of the name, by name."""
        found = [p for p in self._known() if names.fits(list(typed), names.words(p.name))]
        return sorted(found, key=lambda p: (p.name.casefold(), p.id))

    def patients_of(self, ids: Iterable[str]) -> dict[str, Patient]:
        """The patients of those ids, by id."""
        wanted = set(ids)
        return {p.id: p for p in self._all(Patient) if p.id in wanted}

    def series_list(self, statuses: Sequence[str]) -> list[Series]:
        """Every series with one of the statuses, in the order in which they were made."""
        return [s for s in self._series() if s.status in statuses]

    def operation(self, operation_id: str) -> Operation | None:
        """One operation."""
        return next((o for o in self.operations() if o.id == operation_id), None)

    def operations(self, record_id: str | None = None, limit: int | None = None) -> list[Operation]:
        """Operations, newest first: all, or those that touched a record with what they did to it alone."""
        undone = {o.undoes: o.id for o in self.pages.journal if o.undoes is not None}
        found = [o._replace(undone_by=undone.get(o.id)) for o in reversed(self.pages.journal)]
        if record_id is not None:
            own = (o._replace(changes=tuple(c for c in o.changes if c.id == record_id)) for o in found)
            found = [o for o in own if o.changes]
        return found[:limit]

    def answers(self, keys: Sequence[str]) -> dict[str, Answer]:
        """What was answered under idempotency keys, by key."""
        return {key: answer for key, answer in self.pages.answers.items() if key in keys}

    def told(self, visits: Iterable[str]) -> dict[str, Told]:
        """The newest message about each of these visits, by the visit's id."""
        return {visit: self.pages.told[visit] for visit in visits if visit in self.pages.told}

    def _all(self, kind: type[_R]) -> list[_R]:
        return [r for r in self.pages.records.values() if isinstance(r, kind)]

    def _known(self) -> list[Patient]:
        return sorted((p for p in self._all(Patient) if p.status != "entered-in-error"), key=lambda p: (p.name, p.id))

    def _series(self) -> list[Series]:
        return sorted(self._all(Series), key=lambda s: (self.pages.made[s.id], s.id))

    def _visits(self) -> list[Appointment]:
        return sorted(map(self._seen, self._all(Appointment)), key=lambda v: (v.start, v.id))

    def _seen(self, visit: Appointment) -> Appointment:
        return _released(visit) if _is_over(visit, self.now) else visit


class MemoryWriter(MemoryReader):
    """A reader of a copy of the pages, on which it writes."""

    def __init__(self, pages: Pages, now: int) -> None:
        super().__init__(pages.copied(), now)
        self.wrote = False
        self.is_discarded = False

    def new_id(self, kind: str) -> str:
        """The next free id of a kind."""
        number = self.pages.counters.get(kind, 0)
        self.pages.counters[kind] = number + 1
        return ids.encode(kind, number)

    def write(self, entry: Entry) -> Operation:
        """Write the changes within the capacities and journal them as one operation; raises ConflictError."""
        try:
            return self._write(entry)
        except ConflictError:
            self.discard()
            raise

    def put_answers(self, answers: Mapping[str, Answer]) -> None:
        """Keep what older operations have left behind, by key."""
        self.pages.answers |= answers

    def put_told(self, told: Told) -> None:
        """Keep the newest message about a visit."""
        self.pages.told[told.visit] = told
        self.wrote = True

    def discard(self) -> None:
        """Forget everything at the end of the block."""
        self.is_discarded = True

    def release_holds(self) -> None:
        """Cancel the holds that ran out, as an operation of the program itself, when there are any."""
        stored = sorted(self._all(Appointment), key=lambda v: (v.start, v.id))
        over = [change(v, _released(v)) for v in stored if _is_over(v, self.now)]
        if over:
            self.write(Entry("release-holds", "infusion", over))

    def free_keys(self, operation: str) -> None:
        """The keys of an operation that is taken back may be used again."""
        kept = {key: answer for key, answer in self.pages.answers.items() if answer.operation != operation}
        self.pages.answers = kept

    def is_too_much(self, name: Name, first: int, last: int, room: int) -> bool:
        """Whether in any minute of [first, last) more is claimed than so many units."""
        taken = [c for claims in self.pages.claims.values() for c in claims if (c.kind, c.ref) == name]
        minutes = range(first // MINUTE * MINUTE, last, MINUTE)
        return any(sum(c.units for c in taken if c.t0 <= at < c.t1) > room for at in minutes)

    def _write(self, entry: Entry) -> Operation:
        for c in entry.changes:
            self._put(c)
        self._claim([c.after for c in entry.changes if isinstance(c.after, Appointment)])
        self._lower_capacities()
        number, changes = len(self.pages.journal) + 1, (*entry.changes,)
        if entry.forgets:
            self._forget(set(entry.forgets))
            changes = tuple(c._replace(before=c.before and forgotten(c.before)) for c in changes)
        name = self.new_id("operation")
        made = (name, number, self.now, entry.actor, entry.command, entry.undoes, None, changes, entry.reason)
        done = Operation(*made)
        self.pages.journal.append(done)
        if entry.undoes is not None:
            self.free_keys(entry.undoes)
        self.pages.answers |= {k.key: Answer(k.request, done.id, k.answer) for k in entry.keys}
        self.revision = number
        self.wrote = True
        return done

    def _forget(self, names_of: set[str]) -> None:
        """Take the person behind these records out of the journal, and what was asked and answered about them."""
        told: set[str] = set()
        touching = set()
        for number, done in enumerate(self.pages.journal):
            about = [c for c in done.changes if c.id in names_of]
            if about:
                touching.add(done.id)
                told.update(word for c in about for word in _telling(c))
                changes = tuple(_without_person(c) if c in about else c for c in done.changes)
                self.pages.journal[number] = done._replace(changes=changes)
        for key, answer in list(self.pages.answers.items()):
            made = json.loads(answer.answer or "{}")
            if answer.operation in touching and not (isinstance(made, list) and names_of.isdisjoint(made)):
                self.pages.answers[key] = Answer("", answer.operation, "")
                if key.startswith("line:") or any(word in _plain(key) for word in told):
                    # It goes by another name, which nobody can know.
                    del self.pages.answers[key]

    def _put(self, planned: Change) -> None:
        after = planned.after
        if isinstance(after, ClinicText):
            self.pages.clinic_text = self.clinic_text = after
            self.clinic = _clinic_of(after)
            for name, room in capacities_of(self.clinic).items():
                self.pages.rooms[name] = max(room, self.pages.rooms.get(name, 0))
            return
        self.pages.records[after.id] = after
        self.pages.made.setdefault(after.id, len(self.pages.journal) + 1)
        if isinstance(after, Patient):
            self.pages.rooms.setdefault(("patient", after.id), 1)

    def _claim(self, visits: Sequence[Appointment]) -> None:
        """Give back what the visits had and take what they need now, as long as there is enough."""
        moved = {v.id: [] if _is_over(v, self.now) else claims_of(v) for v in visits}
        order = {name: number for number, name in enumerate(self.pages.rooms)}
        for claim in (c for claims in moved.values() for c in claims):
            if (claim.kind, claim.ref) not in order:
                message = f"There is no {claim.kind} {claim.ref} in this book."
                raise ConflictError(message, [Conflict("chair-unsuitable", "hard", overridable=False, message=message)])
        # Whoever keeps what was claimed is not asked again: there may be less by now.
        moved = {v: claims for v, claims in moved.items() if sorted(claims) != sorted(self.pages.claims.get(v, []))}
        self.pages.claims |= {visit: [] for visit in moved}
        fresh = [(visit, claim) for visit, claims in moved.items() for claim in claims]
        for visit, claim in sorted(fresh, key=lambda f: (order[f[1].kind, f[1].ref], f[1].t0)):
            self.pages.claims[visit] = [*self.pages.claims[visit], claim]
            name = (claim.kind, claim.ref)
            if self.is_too_much(name, claim.t0, claim.t1, self.pages.rooms[name]):
                raise self._taken(claim)

    def _lower_capacities(self) -> None:
        for name, room in capacities_of(self.clinic).items():
            if room == self.pages.rooms[name]:
                continue
            claims = [c for several in self.pages.claims.values() for c in several if (c.kind, c.ref) == name]
            ahead = [(max(c.t0, self.now), c.t1) for c in claims if c.t1 > self.now]
            if any(self.is_too_much(name, t0, t1, room) for t0, t1 in ahead):
                who = "providers" if name[0] == "provider" else "nurses"
                message = f"Booked visits need more {who} than the clinic would have."
                raise ConflictError(message, hint="move or cancel visits first: infusion list")
            self.pages.rooms[name] = room

    def _taken(self, claim: Claim) -> ConflictError:
        what = {"chair": f"Chair {claim.ref}", "patient": "The patient's time", **_WHOSE}[claim.kind]
        at = wall_text(claim.t0, zone(self.clinic.timezone))
        message = f"{what} was taken a moment ago by another desk ({at})."
        rule = f"{claim.kind}-busy" if claim.kind in {"chair", "patient"} else "staff-short"
        found = Conflict(rule, "hard", rule == "staff-short", message, claim.ref, claim.t0, claim.t1)
        return ConflictError(message, [found], hint="infusion slots find")


class MemoryStore:
    """A book in memory, founded at `now`: implements `services.ports.Store`."""

    writer: type[MemoryWriter] = MemoryWriter

    def __init__(self, text: ClinicText, now: int, actor: str) -> None:
        self.pages = Pages(text)
        self.committed = False
        self._accesses: list[Access] = []
        with self.writing(now) as writer:
            writer.write(Entry("init", actor, [change(None, text)]))

    @contextmanager
    def reading(self, now: int) -> Iterator[MemoryReader]:
        """The book as it is; a writer changes its copy."""
        yield MemoryReader(self.pages, now)

    @contextmanager
    def writing(self, now: int) -> Iterator[MemoryWriter]:
        """A writer, holds that ran out released; what it wrote is kept when the block ends well."""
        writer = self.writer(self.pages, now)
        writer.release_holds()
        yield writer
        if writer.wrote and not writer.is_discarded:
            self.pages = writer.pages
            self.committed = True

    def scrub(self) -> str:
        """Nothing is left of what was overwritten."""
        return ""

    def note_access(self, access: Access) -> None:
        """Keep an access."""
        self._accesses.append(access)

    def accesses(self) -> list[Access]:
        """Every access that was kept, in the order of time."""
        return sorted(self._accesses, key=lambda access: (access.at, access.id))

    def describe(self) -> dict[str, Any]:
        """The clinic, counts and the end of the journal."""
        kinds = [type(record) for record in self.pages.records.values()]
        clinic = _clinic_of(self.pages.clinic_text)
        return {
            "clinic": clinic.name,
            "timezone": clinic.timezone,
            "patients": kinds.count(Patient),
            "visits": kinds.count(Appointment),
            "series": kinds.count(Series),
            "blocks": kinds.count(Block),
            "operations": len(self.pages.journal),
            "revision": len(self.pages.journal),
        }


def _telling(about: Change) -> Iterator[str]:
    """What somebody could be recognised by, of three letters or more: words of the name, and numbers whole."""
    for state in (about.before, about.after):
        if isinstance(state, Patient):
            numbers = (state.mrn, state.phone, state.birth_date, state.email.partition("@")[0])
            yield from (word for word in (*names.words(state.name), *map(_plain, numbers)) if len(word) >= 3)


def _plain(text: str) -> str:
    return "".join(names.words(text))


def _without_person(about: Change) -> Change:
    return about._replace(before=about.before and forgotten(about.before), after=forgotten(about.after))


def _clinic_of(text: ClinicText) -> Clinic:
    return clinic_tree.build(json.loads(text.data))


def _is_over(visit: Appointment, now: int) -> bool:
    return visit.status == "pending" and visit.hold_until is not None and visit.hold_until <= now


def _released(visit: Appointment) -> Appointment:
    """A hold that ran out: a revision of the moment at which it did."""
    assert visit.hold_until is not None
    return visit._replace(
        status="cancelled",
        reason="hold ran out",
        hold_until=None,
        sequence=visit.sequence + 1,
        stamp=max(visit.stamp, visit.hold_until),
    )
