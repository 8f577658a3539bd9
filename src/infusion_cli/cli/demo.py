"""The demo: a made-up clinic, the very commands that a desk would type, and their real output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from shlex import join
from tempfile import TemporaryDirectory

from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.protocol import REQUIREMENTS
from infusion_cli.errors import InfusionError, StoreError, UsageError
from infusion_cli.services.patients import ImportRow, PatientFields, import_rows

PEOPLE = (
    ("N1001", "Yara Sánchez", "1988-03-14"),
    ("N1002", "Ben Vogt", "1975-11-02"),
    ("N1003", "Elif Horvat", "1992-07-21"),
    ("N1004", "Kofi Jones", "1969-01-30"),
    ("N1005", "Zoë O'Neill", "1981-09-09"),
    ("N1006", "Søren Łukasik", "1957-05-17"),
)
BOOK = "book.sqlite3"


def add_people(session: Session) -> None:
    """Put the made-up people into the session's book, everything on record a week ago."""
    with session.reading() as reader:
        day = local_date(reader.now, zone(reader.clinic.timezone)) - timedelta(days=7)
    fulfilled = dict.fromkeys(REQUIREMENTS, day.isoformat())
    rows = [
        ImportRow(PatientFields(mrn, name, born, "+1 555 0100", f"{mrn.lower()}@example.org"), fulfilled)
        for mrn, name, born in PEOPLE
    ]
    import_rows(session.desk(), rows)


def run(session: Session, keep: Path | None) -> None:
    """Do the main job from an empty folder to calendar files, and say what was done."""
    if keep is not None:
        if (keep / BOOK).exists():
            raise StoreError(f"There is a book in {keep} already.", "name another folder with --keep")
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{keep} cannot be a folder: {error.strerror}.", "name another with --keep") from None
    if session.out.form == "table":
        _show_and_keep(session, keep)
        return
    with redirect_stdout(StringIO()) as said, redirect_stderr(StringIO()):
        _show_and_keep(session, keep)
    typed = [line.removeprefix("$ ") for line in said.getvalue().splitlines() if line.startswith("$ infusion ")]
    files = [BOOK, *_calendar_files(keep)] if keep else []
    session.out.record({"kept": str(keep) if keep else None, "files": files, "commands": typed}, ())


def _calendar_files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("*.ics"))


def _show_and_keep(session: Session, keep: Path | None) -> None:
    if keep is not None:
        _show(session, keep)
        files = ", ".join([BOOK, *_calendar_files(keep)])
        session.out.lines(["", f"Kept in {keep}: {files}. Look around: infusion today --db {keep / BOOK}"])
        return
    with TemporaryDirectory(prefix="infusion-demo-") as folder:
        _show(session, Path(folder))
    session.out.lines(["", "The made-up book is gone again; infusion demo --keep DIR keeps it and its files."])


def _show(session: Session, folder: Path) -> None:
    say = session.out.lines
    book = folder / BOOK
    with _surroundings(book):
        say(["A made-up clinic: four chairs, two nurses, one provider, six people."])
        _type("init", "--demo")
        day = _first_day()
        say(["", "A course of six infusions, planned as one under gap rules; nothing is written yet."])
        mornings = ("--from", day.isoformat(), "--between", "8:00-12:00")
        _type("series", "plan", "yara s", "iv-mood", *mornings)
        say(["", "Booked, all or nothing; and another course, and a single visit."])
        _type("series", "book", "yara s", "iv-mood", *mornings, "--key", "demo-1")
        _type("series", "book", "ben", "esketamine", "--from", day.isoformat(), "--key", "demo-2")
        _type("book", "elif", "iv-mood", f"{day.isoformat()} 13:00")
        say(["", "Yara cannot come to her second session: it is moved, and every rule is asked again."])
        visit, series = _second_session()
        _type("slots", "find", "iv-mood", "--from", _day_of(visit), "--between", "10:00-12:00", "--limit", "3")
        _type("move", visit, f"{_day_of(visit)} 10:30")
        say(["", "Both nurses' hands are taken then: refused, with the reason and the nearest times that would do."])
        _type("book", "kofi", "iv-mood", f"{day.isoformat()} 8:00")
        say(["", "The board of the day, and its week."])
        _type("today", day.isoformat())
        _type("today", day.isoformat(), "--week")
        say(["", "Calendar files for the phone: nobody learns from them what the visit is for."])
        _type("ical", "export", series, "-o", str(folder / f"appointments-{series}.ics"))
        _type("ical", "export", visit, "-o", str(folder / f"appointment-{visit}.ics"))
        say(["", "Everything is in the journal, and everything can be taken back."])
        _type("history", "--limit", "3")
        _type("undo", "--yes")
        _type("db", "check")


@contextmanager
def _surroundings(book: Path) -> Iterator[None]:
    """The commands below work on the demo's book, whatever is set outside."""
    before = os.environ.get("INFUSION_DB")
    os.environ["INFUSION_DB"] = str(book)
    try:
        yield
    finally:
        if before is None:
            del os.environ["INFUSION_DB"]
        else:
            os.environ["INFUSION_DB"] = before


def _type(*words: str) -> None:
    """Run a command as if it had been typed; a refusal is part of the show."""
    from infusion_cli.cli.app import run as run_command  # noqa: PLC0415  the front imports the commands

    sys.stdout.write(f"\n$ infusion {join(words)}\n")
    sys.stdout.flush()
    run_command(list(words))
    sys.stderr.flush()


def _open() -> Session:
    from infusion_cli.cli.session import Options  # noqa: PLC0415  beside the one that is shown

    return Session(Options())


def _first_day() -> date:
    """The next Monday but one: far enough ahead that the whole day is free."""
    session = _open()
    try:
        with session.reading() as reader:
            today = local_date(reader.now, zone(reader.clinic.timezone))
    finally:
        session.close()
    return today + timedelta(days=14 - today.weekday())


def _second_session() -> tuple[str, str]:
    """Ids of the second session of the first course, and of its series."""
    session = _open()
    try:
        with session.reading() as reader:
            visits = reader.visits(0, 1 << 40, ("booked",))
    finally:
        session.close()
    found = next((v for v in visits if v.session == 2 and v.protocol == "iv-mood"), None)
    if found is None or found.series is None:
        raise InfusionError("The demo could not book its course.", "report this")
    return found.id, found.series


def _day_of(visit_id: str) -> str:
    session = _open()
    try:
        with session.reading() as reader:
            visits = reader.visits(0, 1 << 40, ("booked",))
    finally:
        session.close()
    return next(v.wall[:10] for v in visits if v.id == visit_id)
