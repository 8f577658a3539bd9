"""The clinic's file: show, check, apply."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infusion_cli.cli import options, words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_tree import tree
from infusion_cli.domain.names import shown
from infusion_cli.services import clinic as service

FILE = options.argument("FILE", "A clinic.toml.")


@command()
def show(session: Session) -> None:
    """The clinic as its file.

    Just as it was applied; with --json its content.
    """
    with session.reading() as reader:
        if session.out.form == "table":
            sys.stdout.write(reader.clinic_text.text)
        else:
            session.out.record(tree(reader.clinic), ())


@command(file=FILE)
def check(session: Session, file: str) -> None:
    """Look for mistakes in a clinic's file.

    Needs no book.
    """
    from infusion_cli.formats.clinic_toml import read, warnings  # noqa: PLC0415  only for this command

    _, clinic = read(Path(file))
    found = warnings(clinic)
    lines: list[Line] = [f"{file} is sound: {_in_numbers(clinic)}."]
    lines += [[Piece("  ! ", "yellow"), Piece(w)] for w in found]
    session.out.record({"file": file, "clinic": clinic.name, "warnings": found}, lines)


@command(writes=True, file=FILE)
def apply(session: Session, file: str) -> None:
    """Make a file the clinic's.

    With --dry-run the difference only. Refused when a visit ahead would lose its chair or protocol.
    Visits that the new hours, shifts or closures make impossible are listed.
    """
    from infusion_cli.formats.clinic_toml import difference, read, warnings  # noqa: PLC0415  only here

    text, clinic = read(Path(file))
    with session.reading() as reader:
        changed = difference(reader.clinic, clinic)
    outcome = service.apply_clinic(session.desk(), clinic, text, json.dumps(tree(clinic)), changed)
    session.changed = bool(outcome.changes) and not outcome.replayed
    changed = list(outcome.summary["difference"])
    hit = list(outcome.summary.get("hit", []))
    found = warnings(clinic)
    lines: list[Line] = [f"  {shown(line)}" for line in changed]
    lines.insert(
        0, f"{words.count(len(changed), 'difference')} to the clinic of before." if changed else "No difference."
    )
    if outcome.replayed:
        lines.insert(0, f"Done already, under this key: {outcome.operation}.")
    lines += [[Piece("  ! ", "yellow"), Piece(w)] for w in found]
    if hit:
        lines.append(f"{words.count(len(hit), 'visit')} can no longer be held; move or cancel: {', '.join(hit)}")
    renewed = [c.id for c in outcome.changes if c.entity == "appointment"]
    if renewed:
        count = words.count(len(renewed), "visit")
        lines.append(f"What calendars say of {count} ahead changes with it: infusion ical send tells the patients.")
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")
    else:
        lines += words.undo_line(outcome.operation)
    data = {"operation": outcome.operation or None, "difference": changed, "hit": hit, "warnings": found}
    data |= {"renewed": renewed}
    session.out.record(data, lines)


def _in_numbers(clinic: Clinic) -> str:
    parts = ((len(clinic.chairs), "chair"), (len(clinic.staff), "member of staff"), (len(clinic.protocols), "protocol"))
    said = [words.count(number, noun) for number, noun in parts]
    return ", ".join(said).replace("member of staffs", "members of staff")
