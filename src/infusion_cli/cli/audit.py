"""Who looked at what, and whether the journal is whole: list, verify, head."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from infusion_cli.cli import options, words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic_time import iso, zone
from infusion_cli.domain.names import fit, shown
from infusion_cli.domain.when import parse_count, parse_date, say_when
from infusion_cli.errors import ExitStatus, UsageError
from infusion_cli.services import audit as service
from infusion_cli.services.audit import Ask, Entry

if TYPE_CHECKING:
    from infusion_cli.store.journal import Head

ACTOR = options.option("--actor", help="Only what this person did.", metavar="A")
AFTER_HOURS = options.option("--after-hours", help="Only when the clinic was closed, by the hours that hold now.")
BULK = options.option("--bulk", help=f"Only {service.BULK} patients or more at once.")
AT_LEAST = options.option("--at-least", help="Only so many patients or more at once.", metavar="N")
NOTED = options.option(
    "--head", help="What audit head said once, or a backup's name: is it still in?", metavar="SEQ:HASH"
)
SHORT, GROUP = 16, 4
"""Digits of a hash that go onto paper, and in a group."""
LEAST = 12
"""Digits that tell one operation from another; backups' names have so many."""


@command(patient=options.OF_PATIENT, actor=ACTOR, after_hours=AFTER_HOURS, bulk=BULK, at_least=AT_LEAST)
def list_(
    session: Session,
    patient: str = "",
    actor: str = "",
    from_: str = "",
    to: str = "",
    *,
    after_hours: bool = False,
    bulk: bool = False,
    at_least: str = "",
) -> None:
    """Accesses and changes, one record each.

    Who looked at, took out or changed the data of which patients, in the order of time. An access
    to very many names only the first of them, and so is listed with --patient whoever that is.
    """
    least = parse_count(at_least, "at-least", high=1_000_000) if at_least else service.BULK if bulk else 0
    accesses = session.store.accesses()
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        first, last = (parse_date(text, reader.now, tz) if text else None for text in (from_, to))
        found = service.trail(reader, accesses, Ask(patient, actor, first, last, after_hours, least))
    session.out.records([_public(entry, tz) for entry in found], [_row(entry, tz) for entry in found])
    if not found:
        session.out.note("Nothing.")


@command(head=NOTED)
def verify(session: Session, head: str = "") -> int | None:
    """Follow the journal's chain from the first operation to the last.

    Names the first one that is not as it was written, and then ends with 7. That the newest end was
    cut off shows only against what was noted elsewhere: --head, or db check of a backup.
    """
    from infusion_cli.store import journal  # noqa: PLC0415  only for this command

    noted = _noted(head) if head else None
    found = journal.examine(session.store.database, noted)
    first = found.breaks[0] if found.breaks else None
    if first is None:
        verdict = f"The journal is whole: {words.count(found.operations, 'operation')}, the last {_short(found.head)}."
    else:
        verdict = f"The journal is broken at number {first.seq}: {shown(first.message)}."
    lines: list[Line] = [verdict]
    if noted and not first:
        lines.append(f"Number {noted.seq} is in it as it was noted.")
    data = {
        "whole": first is None,
        "operations": found.operations,
        "head": found.head._asdict(),
        "break": first._asdict() if first else None,
    }
    session.out.record(data, lines)
    return ExitStatus.STORE if first else None


@command()
def head(session: Session) -> None:
    """The end of the journal, to be noted elsewhere.

    Printed on the day's sheet it shows later, with audit verify --head, that nothing was cut off.
    """
    from infusion_cli.store import journal  # noqa: PLC0415  only for this command

    with session.reading() as reader:
        end, tz = journal.head(session.store.database), zone(reader.clinic.timezone)
        data = {**end._asdict(), "short": _short(end), "at": iso(reader.now, tz)}
        on_paper = f"On paper: {_short(end)}  {say_when(reader.now, tz)}"
    session.out.record(data, [f"{end.seq} {end.hash}", on_paper])


def _public(entry: Entry, tz: ZoneInfo) -> dict[str, Any]:
    fields = entry._asdict() | {"at": iso(entry.at, tz), "subjects": list(entry.subjects)}
    return {("count" if name == "people" else name): value for name, value in fields.items()}


def _row(entry: Entry, tz: ZoneInfo) -> Line:
    whose = ", ".join(entry.subjects[:3])
    if entry.people > 3:
        whose = words.count(entry.people, "patient")
    start = (
        f"  {say_when(entry.at, tz)}  {fit(entry.actor, 10)} {entry.kind:6} {fit(entry.command, 16)} {fit(whose, 23)}"
    )
    return [Piece(start + " "), Piece(entry.origin, "dim")]


def _short(end: Head) -> str:
    """`52:9f86-d081-884c-7d65`, which can be copied from paper."""
    digits = end.hash[:SHORT]
    return f"{end.seq}:" + "-".join(digits[n : n + GROUP] for n in range(0, len(digits), GROUP))


def _noted(text: str) -> Head:
    """What was noted once; raises `UsageError` when it is no head of a journal."""
    from infusion_cli.store.journal import Head  # noqa: PLC0415  only when one was noted

    bare = text.strip().lower()
    # A head is told apart by its colon; a backup's name ends with number and digits.
    pattern = r"([0-9]+):([0-9a-f-]+)" if ":" in bare else r".*-([0-9]+)-([0-9a-f]+)(?:\.\w+)?"
    found = re.fullmatch(pattern, bare)
    digits = found[2].replace("-", "") if found else ""
    if not found or not LEAST <= len(digits) <= 64:
        raise UsageError(f"{shown(text)!r} is not the head of a journal.", "write it as infusion audit head shows it")
    return Head(int(found[1]), digits)
