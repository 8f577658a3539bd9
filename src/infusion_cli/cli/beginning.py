"""The first minutes: create a book, or see a made-up clinic at work."""

from __future__ import annotations

import json
from pathlib import Path

from infusion_cli.cli import options
from infusion_cli.cli.files import write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.config import Place, ServerUrl
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_tree import tree
from infusion_cli.domain.names import shown
from infusion_cli.domain.plan import ClinicText
from infusion_cli.errors import StoreError, UsageError

FROM_FILE = options.option(
    "--from", help="A clinic.toml; without one a commented starter is written.", metavar="clinic.toml"
)
DEMO = options.option("--demo", help="Fill it with a made-up clinic and its patients.")
KEEP = options.option("--keep", help="Keep the made-up book and its files in this folder.", metavar="DIR")
STARTER = Path("clinic.toml")


@command(writes=True, from_=FROM_FILE, demo=DEMO)
def init(session: Session, *, from_: str = "", demo: bool = False) -> int | None:
    """Create the book.

    Without --from a commented starter clinic.toml is written to the present folder, to be edited
    and made the clinic's with infusion clinic apply.
    """
    from infusion_cli.formats import clinic_toml  # noqa: PLC0415  only for this command

    lines: list[Line] = []
    if demo and from_:
        raise UsageError("--demo and --from exclude each other.", "leave one of them out")
    if demo:
        text, clinic = _parsed(clinic_toml.sample())
    elif from_:
        text, clinic = clinic_toml.read(Path(from_))
    elif STARTER.exists():
        text, clinic = clinic_toml.read(STARTER)
        lines.append(f"Used the {STARTER} that is here.")
    else:
        text, clinic = _parsed(clinic_toml.starter())
    if session.options.dry_run:
        _refuse_second(session.db)
    else:
        create(session, text, clinic)
        if not demo and not from_ and not STARTER.exists():
            write_bytes(STARTER, text.encode())
            lines.append(f"Wrote {STARTER}: edit it, then infusion clinic apply {STARTER}")
    if demo and not session.options.dry_run:
        from infusion_cli.cli.demo import add_people  # noqa: PLC0415  only for the demo

        add_people(session)
    session.changed = True
    lines.insert(0, f"Created the book of {shown(clinic.name)}: {session.db}")
    lines += [f"  ! {w}" for w in clinic_toml.warnings(clinic)]
    lines.append('Next: infusion patients add --mrn M1 "Full Name", infusion slots find PROTOCOL')
    session.out.record({"db": str(session.db), "clinic": clinic.name, "timezone": clinic.timezone}, lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")
    return None


@command(keep=KEEP)
def demo(session: Session, keep: str = "") -> None:
    """A first minute with a made-up clinic in a temporary book.

    A course is planned and booked, a visit moved, the board shown, calendar files written.
    """
    from infusion_cli.cli.demo import run  # noqa: PLC0415  only for this command

    run(session, Path(keep) if keep else None)


def create(session: Session, text: str, clinic: Clinic) -> None:
    """Create the session's book with that clinic; raises `StoreError` when there is one already."""
    from infusion_cli.store.repository import create_book  # noqa: PLC0415  only for these commands

    record = ClinicText("main", text, json.dumps(tree(clinic)))
    create_book(session.db, record, clinic, session.clock_without_book(clinic), session.config.actor).close()


def _refuse_second(place: Place) -> None:
    """What creating a book would refuse, in a dry run of it."""
    from infusion_cli.store.repository import open_store  # noqa: PLC0415  only for a dry run

    if isinstance(place, Path) and place.exists():
        raise StoreError(f"There is something at {place} already.", "infusion db info, or name another file with --db")
    if isinstance(place, ServerUrl):
        try:
            open_store(place).close()
        except StoreError:
            return
        raise StoreError(f"There is a book at {place} already.", "infusion db info, or name another with --db")


def _parsed(text: str) -> tuple[str, Clinic]:
    from infusion_cli.formats.clinic_toml import parse  # noqa: PLC0415  only for these commands

    return text, parse(text)
