"""What can be asked of a book inside one transaction; nothing is cached beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from infusion_cli.domain import clinic_tree, ids, names
from infusion_cli.domain.book import Appointment, Block, Book, Patient, Record, Series
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.outbox import Told
from infusion_cli.domain.plan import ClinicText
from infusion_cli.errors import StoreError
from infusion_cli.services.ports import Answer, Operation
from infusion_cli.store import journal, rows
from infusion_cli.store.database import MAIN, RESTORE, Database, Row

_ABOVE_EVERY_LETTER = "\U0010ffff"
_ALL = 1 << 62
"""More rows than any book has."""


class BookReader:
    """A consistent view of the book at `now`: holds that ran out by then are seen as cancelled."""

    def __init__(self, database: Database, now: int) -> None:
        self.now = now
        self.database = database
        clinics, heads = database.several(("clinic", {}), ("head", {}))
        self.clinic_text, self.clinic = _clinic(database, clinics)
        self.revision = journal.head_of(heads).seq

    def load(self, lo: int, hi: int, patients: Iterable[str] = ()) -> Book:
        """Everything that touches the instants [lo, hi), and all of those patients."""
        book = Book(self.clinic, self.now, lo, hi)
        span, asked = {"lo": lo, "hi": hi}, sorted(set(patients))
        of, ids_of = {"patients": json.dumps(asked)}, {"ids": json.dumps(asked)}
        about_time = (("visits_touching", span), ("blocks_touching", span))
        about_people = (("patients_with", ids_of), ("requirements_of", ids_of), ("visits_of", of), ("series_of", of))
        visits, blocks, *found = self.database.several(*about_time, *(about_people if asked else ()))
        book.add(self._as_seen(visits))
        book.add(map(rows.block_of, blocks))
        if asked:
            people, required, of_people, series = found
            book.add(self._as_seen(of_people))
            book.add(rows.patients_of(people, required))
            book.add(map(rows.series_of, series))
        return book

    def record(self, record_id: str) -> Record | None:
        """A patient, visit, series or block by its id."""
        find = self._finders().get(record_id[:1])
        found = find(json.dumps([record_id])) if find else []
        return found[0] if found else None

    def visits(self, lo: int, hi: int, statuses: Sequence[str], patient: str | None = None) -> list[Appointment]:
        """Visits that start in [lo, hi) with one of the statuses, in order of start; of one patient or all."""
        # A hold is stored as pending until a writer releases it.
        stored = json.dumps([*statuses, "pending"] if "cancelled" in statuses else list(statuses))
        if patient is None:
            found = self._visits("visits_starting", lo=lo, hi=hi, statuses=stored)
        else:
            found = self._visits("visits_starting_of", lo=lo, hi=hi, statuses=stored, patient=patient)
        return [v for v in found if v.status in statuses]

    def each_visit(self, lo: int, hi: int, statuses: Sequence[str]) -> Iterator[Appointment]:
        """What `visits` gives of all patients, one after the other and none of them kept; within the view's block."""
        stored = json.dumps([*statuses, "pending"] if "cancelled" in statuses else list(statuses))
        for row in self.database.each("visits_starting", lo=lo, hi=hi, statuses=stored):
            visit = self._as_of_now(rows.visit_of(row))
            if visit.status in statuses:
                yield visit

    def span(self, lo: int, hi: int, statuses: Sequence[str]) -> tuple[int, int] | None:
        """The first start and the last end of the visits that start in [lo, hi), expired holds included."""
        first, last = self.database.rows("visits_span", lo=lo, hi=hi, statuses=json.dumps(list(statuses)))[0]
        return None if first is None else (first, last)

    def blocks(self, lo: int, hi: int) -> list[Block]:
        """Active blocks and openings that touch [lo, hi), in order of start."""
        found = map(rows.block_of, self.database.rows("blocks_touching", lo=lo, hi=hi))
        return [b for b in found if b.status == "active"]

    @property
    def founding(self) -> str:
        """The hash of the book's first operation, which tells it from every other book."""
        return str(self.database.rows("link", seq=1)[0][0])

    def blocks_of_source(self, source: str, since: int) -> list[Block]:
        """Blocks of any status that came from that calendar and end after the instant `since`, in order of start."""
        # The character after the slash ends the range of what begins with the source and a slash.
        found = self.database.rows("blocks_from", first=f"{source}/", after=f"{source}0", lo=since)
        return [b for b in map(rows.block_of, found) if b.origin.rpartition("/")[0] == source]

    def patients(self, limit: int | None = None) -> list[Patient]:
        """Every patient that is not entered in error, by name; with a limit any so many of them."""
        return sorted(self._patients("patients_known", most=_ALL if limit is None else limit), key=_by_name)

    def patients_by_mrn(self, mrns: Sequence[str]) -> dict[str, Patient]:
        """The patients of those medical record numbers, by number (exact)."""
        return {p.mrn: p for p in self._patients("patients_by_mrn", mrns=json.dumps(list(mrns)))}

    def patients_matching(self, typed: Sequence[str]) -> list[Patient]:
        """Patients of whom every typed word (as `names.words` gives it) begins a word of the name, by name."""
        if not typed:
            return self.patients()
        # The longest word is on the fewest names.
        first = max(typed, key=len)
        found = self._patients("patients_beginning", first=first, after=first + _ABOVE_EVERY_LETTER)
        wanted = list(typed)
        return sorted((p for p in found if names.fits(wanted, names.words(p.name))), key=_by_name)

    def patients_of(self, ids: Iterable[str]) -> dict[str, Patient]:
        """The patients of those ids, by id."""
        return {p.id: p for p in self._patients("patients_with", ids=json.dumps(sorted(set(ids))))}

    def series_list(self, statuses: Sequence[str]) -> list[Series]:
        """Every series with one of the statuses, in the order in which they were made."""
        found = self.database.rows("series_standing", statuses=json.dumps(list(statuses)))
        return [rows.series_of(row) for row in found]

    def operation(self, operation_id: str) -> Operation | None:
        """One operation."""
        row = self.database.row("operation", operation=operation_id)
        return journal.operation_of(row) if row else None

    def operations(self, record_id: str | None = None, limit: int | None = None) -> list[Operation]:
        """Operations, newest first: all, or those that touched a record with what they did to it alone."""
        most = _ALL if limit is None else limit
        if record_id is None:
            found = self.database.rows("operations", most=most)
        else:
            found = self.database.rows("operations_touching", record=record_id, most=most)
        return [journal.operation_of(row, record_id) for row in found]

    def answers(self, keys: Sequence[str]) -> dict[str, Answer]:
        """What was answered under idempotency keys, by key."""
        found = self.database.rows("answers", keys=json.dumps(list(keys)))
        return {key: Answer(*answer) for key, *answer in found}

    def told(self, visits: Iterable[str]) -> dict[str, Told]:
        """The newest message about each of these visits, by the visit's id; none where nothing was said."""
        found = self.database.rows("told_of", visits=json.dumps(sorted(set(visits))))
        return {row[0]: Told._make(row) for row in found}

    def _finders(self) -> dict[str, Callable[[str], Sequence[Record]]]:
        return {
            ids.KINDS["patient"]: lambda listed: self._patients("patients_with", ids=listed),
            ids.KINDS["appointment"]: lambda listed: self._visits("visits_with", ids=listed),
            ids.KINDS["series"]: lambda listed: [rows.series_of(r) for r in self._rows("series_with", listed)],
            ids.KINDS["block"]: self._blocks,
        }

    def _blocks(self, listed: str) -> list[Block]:
        return [rows.block_of(row) for row in self._rows("blocks_with", listed)]

    def _rows(self, name: str, listed: str) -> list[tuple[object, ...]]:
        return self.database.rows(name, ids=listed)

    def _visits(self, name: str, **parameters: object) -> list[Appointment]:
        return self._as_seen(self.database.rows(name, **parameters))

    def _as_seen(self, found: Iterable[Row]) -> list[Appointment]:
        return [self._as_of_now(v) for v in map(rows.visit_of, found)]

    def _as_of_now(self, visit: Appointment) -> Appointment:
        return rows.released(visit) if rows.has_run_out(visit, self.now) else visit

    def _patients(self, name: str, **parameters: object) -> list[Patient]:
        found = self.database.rows(name, **parameters)
        if not found:
            return []
        required = self.database.rows("requirements_of", ids=json.dumps([row[0] for row in found]))
        return rows.patients_of(found, required)


def _clinic(database: Database, found: Sequence[Row]) -> tuple[ClinicText, Clinic]:
    if not found:
        raise StoreError(
            f"The book {database.place} is damaged (it has no clinic).",
            RESTORE,
        )
    text = ClinicText(MAIN, *found[0])
    return text, clinic_of(text)


def clinic_of(text: ClinicText) -> Clinic:
    """The clinic that a record describes; raises StoreError when it cannot be read."""
    try:
        return clinic_tree.build(json.loads(text.data))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError("The clinic's description in the book is damaged.", RESTORE) from error


def _by_name(patient: Patient) -> tuple[str, str]:
    return patient.name.casefold(), patient.id
