"""The book itself: info, check."""

from __future__ import annotations

from infusion_cli.cli import words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.names import shown
from infusion_cli.errors import ExitStatus


@command()
def info(session: Session) -> None:
    """Where the book is, how large, which versions.

    Also its settings and the head of its journal.
    """
    found = session.store.describe()
    width = max(len(name) for name in found)
    session.out.record(
        found, [f"{name.replace('_', ' '):{width}}  {shown(str(value))}" for name, value in found.items()]
    )


@command()
def check(session: Session) -> int | None:
    """Check the book from end to end.

    Ends with 7 when anything is wrong, notes aside.
    """
    from infusion_cli.store.check import check as examine  # noqa: PLC0415  only for this command

    findings = examine(session.store)
    errors = [f for f in findings if f.severity == "error"]
    lines: list[Line] = []
    for f in findings:
        mark = Piece("  x " if f.severity == "error" else "  - ", "red" if f.severity == "error" else "dim")
        lines.append([mark, Piece(f"{f.rule}: {shown(f.message)}")])
        if f.remedy:
            lines.append(f"      {f.remedy}")
    verdict = f"{words.count(len(errors), 'finding')}." if errors else "The book is sound."
    data = {"sound": not errors, "findings": [f._asdict() for f in findings]}
    session.out.record(data, [verdict, *lines])
    return ExitStatus.STORE if errors else None
