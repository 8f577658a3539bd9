"""Operations: undo one, list them, apply a saved plan."""

from __future__ import annotations

from pathlib import Path

from infusion_cli.cli import options, public, words
from infusion_cli.cli.files import read_text
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.domain import ids
from infusion_cli.domain.clinic_time import iso, zone
from infusion_cli.domain.codec import encode_change
from infusion_cli.domain.when import parse_count, say_when
from infusion_cli.errors import NotFoundError
from infusion_cli.services import lookup, plans
from infusion_cli.services import undo as undoing
from infusion_cli.services.desk import Outcome
from infusion_cli.services.ports import Operation, Reader

USUAL_HISTORY = 100
"""Operations of the whole book that somebody sees who has not said how many."""


@command(writes=True, operation=options.argument("OPERATION", "An operation's id; the newest without."))
def undo(session: Session, operation: str = "") -> int | None:
    """Reverse an operation through the same guards.

    Repeated without an id it walks back, step by step; it never redoes. Refused when a record has
    changed since, or when what was freed is taken.
    """
    with session.reading() as reader:
        if session.options.key and reader.answers([session.options.key]):
            what = agreed = ""  # a repeated command: nothing to ask, the first answer is given again
        else:
            done = undoing.to_undo(reader, operation)
            when = say_when(done.at, zone(reader.clinic.timezone))
            what, agreed = f"{done.id} ({done.command}, {when}: {words.changes_in_words(done.changes)})", done.id
    if agreed and not session.confirm(f"Undo {what}?"):
        session.out.note("Nothing was changed.")
        return 1
    outcome = undoing.undo(session.desk(), operation, agreed=agreed)
    _print_outcome(session, outcome, f"Undone {what}.")
    return None


@command(id_=options.argument("ID", "Only what touched this record."))
def history(
    session: Session,
    id_: str = "",
    limit: str = "",
) -> None:
    """List operations, newest first.

    Of the whole book the newest 100, unless --limit says otherwise or a program reads.
    """
    most = parse_count(limit, "limit", high=1_000_000) if limit else None
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        found = _operations(reader, id_, most or (None if id_ or session.out.is_json else USUAL_HISTORY))
        session.saw(c.after for o in found for c in o.changes)
        rows = words.operation_rows(found, tz, session.out.width)
        session.out.records([public.operation(o, tz) for o in found], rows)
    if not found:
        session.out.note("No operations.")
    elif found[-1].seq > 1 and not (id_ or limit or session.out.is_json):
        session.out.note("Older ones: infusion history --limit N")


def _operations(reader: Reader, text: str, most: int | None) -> list[Operation]:
    """Those of a record, an operation itself, or without a text those of the whole book."""
    if not text:
        return reader.operations(limit=most)
    record_id = ids.normalise(text) or lookup.find_patient(reader, text).id
    if record_id[0] != "O":
        return reader.operations(record_id, most)
    one = reader.operation(record_id)
    if one is None:
        raise NotFoundError(f"There is no operation {record_id}.", "infusion history lists operations")
    return [one]


@command(writes=True, plan=options.argument("PLAN.json", "A plan that -o wrote; - is stdin."))
def apply(session: Session, plan: str) -> None:
    """Apply a saved plan.

    Refused only when a record that it changes has changed since or a hard rule now fails, not
    because somebody else worked meanwhile. The same plan again gives the first answer.
    """
    outcome = plans.apply_plan(session.desk(), read_text(Path(plan), plans.MAX_BYTES))
    what = words.changes_in_words(outcome.changes)
    _print_outcome(session, outcome, f"Applied: {what}.")


def _print_outcome(session: Session, outcome: Outcome, sentence: str) -> None:
    session.saw(c.after for c in outcome.changes)
    session.changed = bool(outcome.changes) and not outcome.replayed
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        data = {
            "operation": outcome.operation,
            "at": iso(reader.now, tz),
            "replayed": outcome.replayed,
            "summary": dict(outcome.summary),
            "changes": [encode_change(c, tz) for c in outcome.changes],
        }
    lines: list[Line] = [f"Done already, under this key: {outcome.operation}." if outcome.replayed else sentence]
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")
    session.out.record(data, [*lines, *words.warnings(c for c in outcome.conflicts if not c.is_hard)])
