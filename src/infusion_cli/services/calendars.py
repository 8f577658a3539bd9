"""Calendars of other programs: staff time off, holidays and room closures as blocks.

Each block remembers which entry of which calendar it stands for. So a second import of the calendar
changes what has changed, lifts what has vanished and leaves the rest alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from infusion_cli.domain.book import Block
from infusion_cli.domain.clinic_time import midnight, zone
from infusion_cli.domain.names import clean
from infusion_cli.domain.plan import Change, change
from infusion_cli.errors import ConflictError, NotFoundError, UsageError
from infusion_cli.services import lookup
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out
from infusion_cli.services.ports import Reader, Writer
from infusion_cli.services.slots import days_of, visits_hit

REASONS = {"staff": "time off", "chair": "room closed", "clinic": "holiday"}
"""All that is kept of why: the words of somebody's calendar are theirs."""
CLINIC_NAMES = ("clinic", "holidays", "closures")
"""Names of files that are about the whole clinic."""
LONGEST_SOURCE = 100
LOOK_AHEAD_DAYS = 366
FOR_GOOD = 7_258_118_400
"""2200-01-01, at which every entry that is imported ends at the latest."""
ENDING = ".ics"


class Subject(NamedTuple):
    """Whom a calendar is about: `kind` as of a block, and the id of the chair or member of staff."""

    kind: str
    id: str = ""


class Taken(NamedTuple):
    """A stretch [start, end) in seconds; `key` names its entry among all of its calendar."""

    key: str
    start: int
    end: int


class Calendar(NamedTuple):
    """What one calendar says; where it could not be read in full, nothing is taken for vanished."""

    source: str
    subject: Subject
    taken: Sequence[Taken]
    is_whole: bool = True


class Known(NamedTuple):
    """A calendar that has been imported, with the blocks to come that it has left."""

    source: str
    subject: Subject
    blocks: tuple[Block, ...]


class Difference(NamedTuple):
    """What an import does to the blocks of one calendar."""

    added: list[Change]
    changed: list[Change]
    removed: list[Change]
    kept: int

    @property
    def changes(self) -> list[Change]:
        """All changes, what is lifted first."""
        return [*self.removed, *self.changed, *self.added]


def import_calendars(
    desk: Desk,
    calendars: Sequence[Calendar],
    window: tuple[int, int],
    request: Mapping[str, Any],
    agreed: Collection[Known] | None = None,
) -> Outcome:
    """Make the blocks of each calendar in the window [start, end) what the calendar says, as one operation.

    Blocks that are over by then stay as they are. `request` tells one import from another under a
    key. The summary counts by source and lists the visits that can no longer be held. With `agreed`, a
    `ConflictError` when by now a calendar would lose every block that is not among those.
    """

    def decide(writer: Writer) -> Decision:
        if agreed is not None and not {k[:2] for k in emptied(writer, calendars, window)} <= {k[:2] for k in agreed}:
            raise ConflictError(
                "The blocks of these calendars have changed meanwhile; nothing was written.", hint="import them again"
            )
        found = [(c, difference(writer, c, window)) for c in calendars]
        changes = [made for _, d in found for made in d.changes]
        new = [c.after for _, d in found for c in (*d.added, *d.changed) if isinstance(c.after, Block)]
        counts = [
            {
                "source": c.source,
                "kind": c.subject.kind,
                "subject": c.subject.id or None,
                "added": len(d.added),
                "changed": len(d.changed),
                "removed": len(d.removed),
                "kept": d.kept,
            }
            for c, d in found
        ]
        return Decision(changes, summary={"calendars": counts, "hit": [v.id for v in visits_hit(writer, *new)]})

    return carry_out(desk, "ical import", request, decide)


def difference(writer: Writer, calendar: Calendar, window: tuple[int, int]) -> Difference:
    """What there is to do about one calendar."""
    kind, subject = calendar.subject
    start, end = window
    # A calendar of the same name may be about somebody else: its blocks are not touched.
    standing: dict[str, Block] = {}
    again: list[Block] = []
    for block in writer.blocks_of_source(calendar.source, start):
        if block.status == "active" and (block.kind, block.subject) == (kind, subject):
            if block.origin in standing:  # a removal was undone after the entry had come back
                again.append(block)
            standing.setdefault(block.origin, block)
    found = Difference([], [], [], 0)
    kept = 0
    for taken in sorted(calendar.taken, key=lambda t: (t.start, t.end, t.key)):
        old = standing.pop(f"{calendar.source}/{taken.key}", None)
        if old is None:
            found.added.append(change(None, _block(writer, calendar, taken)))
        elif (old.start, old.end) == (taken.start, taken.end):
            kept += 1
        else:
            found.changed.append(change(old, old._replace(start=taken.start, end=taken.end)))
    for old in [*standing.values(), *again]:
        if old.start < end and calendar.is_whole:
            found.removed.append(change(old, old._replace(status="removed")))
        elif old.start < end:
            kept += 1
    return found._replace(kept=kept)


def known(reader: Reader) -> list[Known]:
    """Every calendar that has blocks to come, by name and whom it is about."""
    found: dict[tuple[str, Subject], list[Block]] = {}
    for block in reader.blocks(reader.now, FOR_GOOD):
        if block.origin:
            source = block.origin.rpartition("/")[0]
            found.setdefault((source, Subject(block.kind, block.subject)), []).append(block)
    return [Known(*name, tuple(blocks)) for name, blocks in sorted(found.items())]


def emptied(reader: Reader, calendars: Iterable[Calendar], window: tuple[int, int]) -> list[Known]:
    """The calendars that would lose every block to come and keep none: another one of the same name, most likely."""
    by_name = {k[:2]: k for k in known(reader)}
    found = [(c, by_name.get((c.source, c.subject))) for c in calendars if c.is_whole]
    return [k for c, k in found if k and _loses_all(k, c, window)]


def _loses_all(before: Known, calendar: Calendar, window: tuple[int, int]) -> bool:
    start, end = window
    origins = {f"{calendar.source}/{taken.key}" for taken in calendar.taken}
    return all(b.origin not in origins and b.start < end and b.end > start for b in before.blocks)


def missing(reader: Reader, names: Collection[str], subject: Subject | None, source: str) -> list[Known]:
    """The calendars with blocks to come that could have come from a folder and are not among `names`, its files.

    `subject` and `source` are what was said of the folder; without a subject the file's name says it.
    """
    return [k for k in known(reader) if k.source not in names and _is_of_folder(reader, k, subject, source)]


def _is_of_folder(reader: Reader, found: Known, subject: Subject | None, source: str) -> bool:
    folder, _, name = found.source.rpartition("/")
    if folder != source or not name.casefold().endswith(ENDING):
        return False
    return found.subject == (subject or subject_named(reader, name[: -len(ENDING)]))


def gone(reader: Reader, names: Sequence[str], subject: Subject | None) -> list[Calendar]:
    """The calendars of those names, about somebody or about anybody, as if nothing were in them any more.

    Raises `NotFoundError` for a name of which no block is to come.
    """
    found = [k for k in known(reader) if k.source in names and subject in {None, k.subject}]
    for name in names:
        if name not in {k.source for k in found}:
            others = ", ".join(sorted({k.source for k in known(reader)})) or "none"
            raise NotFoundError(f"No block to come is from a calendar {name!r}.", f"known calendars: {others}")
    return [Calendar(k.source, k.subject, []) for k in found]


def subject_of(reader: Reader, *, staff: str = "", chair: str = "", clinic: bool = False) -> Subject | None:
    """Whom the options name, None when they name nobody; raises lookup errors, and `UsageError` for two of them."""
    if sum((bool(staff), bool(chair), clinic)) > 1:
        raise UsageError("A calendar is about one thing.", "give one of --chair C, --staff S or --clinic")
    if staff:
        return Subject("staff", lookup.find_staff(reader.clinic, staff).id)
    if chair:
        return Subject("chair", lookup.find_chair(reader.clinic, chair).id)
    return Subject("clinic") if clinic else None


def subject_named(reader: Reader, name: str) -> Subject | None:
    """Whom a file's name (without its ending) names: a member of staff or a chair by id, the clinic; None otherwise."""
    wanted = name.casefold()
    if wanted in CLINIC_NAMES:
        return Subject("clinic")
    for kind, ids in (("staff", (s.id for s in reader.clinic.staff)), ("chair", (c.id for c in reader.clinic.chairs))):
        for known in ids:
            if known.casefold() == wanted:
                return Subject(kind, known)
    return None


def source_name(text: str) -> str:
    """The name under which a calendar is known again; raises `UsageError` for one that will not do."""
    kept = clean(text)
    if not kept or len(kept) > LONGEST_SOURCE:
        raise UsageError(
            f"A calendar's name has 1 to {LONGEST_SOURCE} characters.", "give a short one with --source, e.g. roster"
        )
    return kept


def window_of(reader: Reader, first: str, last: str) -> tuple[int, int]:
    """The instants [start, end) that are imported: the days named that are not over, a year without a last one."""
    start, end = days_of(reader, first, last, LOOK_AHEAD_DAYS)
    tz = zone(reader.clinic.timezone)
    window = max(reader.now, midnight(start, tz)), midnight(end + timedelta(days=1), tz)
    if window[1] <= window[0]:
        raise UsageError(
            f"--to {end} is over, and what is over stays as it is.", "name a day to come, or leave --to out"
        )
    return window


def changed_blocks(outcome: Outcome) -> Iterator[tuple[str, Block]]:
    """What was done (`added`, `changed`, `removed`) and the block as it now stands."""
    for c in outcome.changes:
        if isinstance(c.after, Block):
            yield "added" if c.before is None else "removed" if c.after.status == "removed" else "changed", c.after


def names_of_known(reader: Reader) -> Iterable[str]:
    """Every name that a file may have to say whom it is about."""
    return (*(s.id for s in reader.clinic.staff), *(c.id for c in reader.clinic.chairs), CLINIC_NAMES[0])


def _block(writer: Writer, calendar: Calendar, taken: Taken) -> Block:
    kind, subject = calendar.subject
    return Block(
        id=writer.new_id("block"),
        kind=kind,
        subject=subject,
        start=taken.start,
        end=taken.end,
        reason=REASONS[kind],
        origin=f"{calendar.source}/{taken.key}",
    )
