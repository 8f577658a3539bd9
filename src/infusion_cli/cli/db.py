"""The book itself: info, check, migrate."""

from __future__ import annotations

from infusion_cli.cli import words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.config import Place
from infusion_cli.domain.names import shown
from infusion_cli.errors import ExitStatus
from infusion_cli.services.desk import Outcome


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
    from infusion_cli.store import check as sound  # noqa: PLC0415  only for this command

    findings = [*sound.check(session.store), *sound.cautions(session.store)]
    errors = [f for f in findings if f.severity == "error"]
    if session.config.backs_up_daily and not errors:
        from infusion_cli.cli.backups import caution  # noqa: PLC0415  only where backups are wanted daily

        findings += caution(session)
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


@command(writes=True)
def migrate(session: Session) -> None:
    """Bring an older book up to date, and visits to the time that was told.

    After an update of the program: tables and guards, all of it or nothing. After a change of zone
    data: visits ahead get the instant at which the clock shows what the patient was told, as an
    operation that can be undone. On a server it needs the user who owns the tables, and does it for
    every clinic of the database unless INFUSION_CLINIC names one.
    """
    from infusion_cli.store import database, migrate  # noqa: PLC0415  only for this command

    place, dry = session.db, session.options.dry_run
    before = migrate.version_at(place) if dry else migrate.migrate(place)
    is_old = before < database.SCHEMA_VERSION
    moved = [] if is_old and dry else [_corrected(session, clinic) for clinic in migrate.clinics_at(place)]
    visits = [visit for outcome in moved for visit in outcome.summary.get("visits", ())]
    session.changed = is_old or bool(visits)
    after = database.SCHEMA_VERSION
    lines: list[Line] = [f"Brought from version {before} to {after}." if is_old else f"The book is of version {after}."]
    if visits:
        lines.append(f"{words.count(len(visits), 'visit')} brought to the time that was told: {', '.join(visits)}")
    if dry:
        session.out.note("Dry run: nothing was written.")
    else:
        lines += [line for outcome in moved for line in words.undo_line(outcome.operation)]
    operations = [outcome.operation for outcome in moved if outcome.operation]
    session.out.record({"before": before, "after": after, "visits": visits, "operations": operations}, lines)


def _corrected(session: Session, place: Place) -> Outcome:
    from infusion_cli.services.wall_times import correct  # noqa: PLC0415  only for this command
    from infusion_cli.store.repository import open_store  # noqa: PLC0415

    with open_store(place) as store:
        return correct(session.desk()._replace(store=store))
