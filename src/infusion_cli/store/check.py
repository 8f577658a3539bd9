"""Whether a book is sound: everything is worked out again, from the other side where that is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from infusion_cli.domain import codec, ids, names
from infusion_cli.domain.book import Record
from infusion_cli.domain.claims import Claim, claims_of
from infusion_cli.domain.clinic_time import iso, zone
from infusion_cli.domain.plan import ClinicText
from infusion_cli.domain.wall_time import AWAITED, begins_as_told
from infusion_cli.errors import StoreError
from infusion_cli.store import journal, rows
from infusion_cli.store.database import RESTORE, Database
from infusion_cli.store.reader import BookReader
from infusion_cli.store.repository import BookStore

Part = Callable[[Database], Iterable["Finding"]]


class Finding(NamedTuple):
    """Something that is not as it should be (`error`), or that somebody should know (`note`)."""

    rule: str
    severity: str
    message: str
    subject: str = ""
    """The id of the record or resource that it is about."""
    remedy: str = ""


class _State(NamedTuple):
    """What the journal says of a record: when it was last written, and how; None where that was forgotten."""

    at: int
    record: Record | ClinicText | None


def check(store: BookStore, parts: Sequence[Part] = ()) -> list[Finding]:
    """Every finding about the book, or of some parts of the check, errors first.

    Reads only, and raises nothing for damage that it meets.
    """
    found: list[Finding] = []
    store.database.begin_reading()
    try:
        for part in parts or _PARTS:
            found += _careful(part, store.database)
    finally:
        store.database.rollback()
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity != "error")


def cautions(store: BookStore) -> list[Finding]:
    """Notes about where and how the book is kept; what is in it plays no part."""
    store.database.begin_reading()
    try:
        return [Finding(rule, "note", message, "", remedy) for rule, message, remedy in store.database.cautions()]
    finally:
        store.database.rollback()


def _careful(part: Part, database: Database) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(part(database))
    except StoreError as error:
        found.append(Finding("damaged", "error", error.message, "", error.hint))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        message = f"The book is damaged: something in it cannot be read ({type(error).__name__})."
        found.append(Finding("damaged", "error", message, "", RESTORE))
    return found


def _file(database: Database) -> Iterator[Finding]:
    for sentence in database.damage():
        yield Finding("file-damaged", "error", sentence, "", RESTORE)
    for (table,) in database.rows("orphans"):
        yield Finding(
            "reference-missing", "error", f"A row of {table} refers to a record that is not there.", "", RESTORE
        )


def _definitions(database: Database) -> Iterator[Finding]:
    for wrong in database.wrong_guards():
        yield Finding("guard-changed", "error", f"In the book, {wrong}.", "", RESTORE)
    for name in database.wrong_definitions():
        yield Finding("schema-changed", "error", f"The definition of {name} is not ours.", "", RESTORE)


def _journal(database: Database) -> Iterator[Finding]:
    for broken in journal.verify(database):
        message = f"The journal is broken at number {broken.seq}: {broken.message}."
        yield Finding("journal-broken", "error", message, str(broken.seq), RESTORE)


def _contents(database: Database) -> Iterator[Finding]:
    journalled = _journalled(database)
    yield from _records(database, journalled)
    yield from _claims(database, journalled)


def _records(database: Database, journalled: Mapping[str, _State]) -> Iterator[Finding]:
    stored = _stored(database)
    for record_id in sorted(journalled.keys() | stored.keys()):
        if record_id not in stored:
            what = "is in the journal but not in the book"
        elif record_id not in journalled:
            what = "is in the book but not in the journal"
        elif journalled[record_id].record in (None, stored[record_id]):
            continue
        else:
            what = "is not as the last operation left it"
        yield Finding("record-differs", "error", f"{record_id} {what}.", record_id, f"infusion history {record_id}")


def _words(database: Database) -> Iterator[Finding]:
    kept: dict[str, set[str]] = {}
    for patient, word in database.rows("words_all"):
        kept.setdefault(patient, set()).add(word)
    for patient, _, name, *_ in database.rows("patients_all"):
        if kept.get(patient, set()) != set(names.words(name)):
            message = f"{patient} cannot be found by every word of the name."
            yield Finding("words-differ", "error", message, patient, f"infusion patients edit {patient}")


def _claims(database: Database, journalled: Mapping[str, _State]) -> Iterator[Finding]:
    resources = {number: (kind, ref) for number, kind, ref, *_ in database.rows("resources_all")}
    claimed: dict[str, list[Claim]] = {}
    for visit_id, resource, t0, t1, units in database.rows("claims_all"):
        kind, ref = resources.get(resource, ("", ""))
        claimed.setdefault(visit_id, []).append(Claim(kind, ref, t0, t1, units))
    for row in database.rows("visits_all"):
        visit = rows.visit_of(row)
        state = journalled.get(visit.id)
        over = state is not None and rows.has_run_out(visit, state.at)
        wanted = [] if over else claims_of(visit)
        if sorted(claimed.get(visit.id, ())) != sorted(wanted):
            message = f"What {visit.id} claims of chairs and staff is not what it needs."
            yield Finding("claims-differ", "error", message, visit.id, f"infusion history {visit.id}")


def _counters(database: Database) -> Iterator[Finding]:
    """Whether the next id of every kind is a new one."""
    reader = BookReader(database, 0)
    for kind, following in database.rows("counters"):
        name = ids.encode(kind, following)
        if reader.record(name) or database.row("operation", operation=name):
            yield Finding("counter-behind", "error", f"The next {kind} would get the id {name} again.", name, RESTORE)


def _capacities(database: Database) -> Iterator[Finding]:
    """Add up again what is claimed of every resource at every moment; the guard's own sums are not used."""
    steps: dict[int, dict[int, int]] = {}
    resources = {row[0]: row[1:] for row in database.rows("resources_all")}
    for _, resource, t0, t1, units in database.rows("claims_all"):
        lowered_at = resources[resource][3]
        if t1 > lowered_at:
            line = steps.setdefault(resource, {})
            begin = max(t0, lowered_at)
            line[begin] = line.get(begin, 0) + units
            line[t1] = line.get(t1, 0) - units
    tz = zone(BookReader(database, 0).clinic.timezone)
    for resource, line in steps.items():
        kind, ref, capacity, _ = resources[resource]
        load = 0
        for moment in sorted(line):
            load += line[moment]
            if load > capacity:
                message = f"{kind} {ref} is overbooked at {iso(moment, tz)}: {load} of {capacity}.".replace("  ", " ")
                yield Finding("overbooked", "error", message, ref or kind, f"infusion today {iso(moment, tz)[:10]}")
                break


def _notes(database: Database) -> Iterator[Finding]:
    for row in database.rows("visits_all"):
        visit = rows.visit_of(row)
        if not visit.is_live:
            continue
        if visit.status in AWAITED and not begins_as_told(visit):
            message = f"{visit.id} was told as {visit.wall} in {visit.zone}, and its instant is no longer that."
            yield Finding("wall-time-differs", "note", message, visit.id, "infusion db migrate")
        if visit.overrides:
            message = f"{visit.id} stands in spite of {', '.join(visit.overrides)}."
            yield Finding("overridden", "note", message, visit.id, f"infusion show {visit.id}")


def _journalled(database: Database) -> dict[str, _State]:
    """The newest state of every record, by its id, as the payloads of the journal tell it."""
    touched: dict[int, list[str]] = {}
    for record_id, seq in database.rows("touches"):
        touched.setdefault(seq, []).append(record_id)
    newest: dict[str, _State] = {}
    for seq, _, at, *_, changes in database.rows("chain"):
        if changes:
            for fields in journal.parts_of(changes)[0]:
                newest[fields["id"]] = _State(at, codec.decode(fields["entity"], fields["after"]))
        else:
            newest |= {record_id: _State(at, None) for record_id in touched.get(seq, ())}
    return newest


def _stored(database: Database) -> dict[str, Record | ClinicText]:
    text = BookReader(database, 0).clinic_text
    people = rows.patients_of(database.rows("patients_all"), database.rows("requirements"))
    return {
        text.id: text,
        **{p.id: p for p in people},
        **{v.id: v for v in map(rows.visit_of, database.rows("visits_all"))},
        **{s.id: s for s in map(rows.series_of, database.rows("series_all"))},
        **{b.id: b for b in map(rows.block_of, database.rows("blocks_all"))},
    }


FORM = (_file, _definitions, _journal)
"""The parts that look at the file, its tables and guards and its journal, and not at every record."""
_PARTS = (*FORM, _contents, _words, _counters, _capacities, _notes)
