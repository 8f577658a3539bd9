"""Visits as an .ics file: for a patient, or of a chair, a member of staff or the whole clinic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from infusion_cli.cli import complete, options, words
from infusion_cli.cli.files import may_write, write_pieces
from infusion_cli.cli.options import command
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment
from infusion_cli.errors import ConflictError, UsageError
from infusion_cli.services import agenda
from infusion_cli.services import busy as service
from infusion_cli.services.agenda import Stretch
from infusion_cli.services.busy import IN_FILE, Subject
from infusion_cli.services.ports import Reader

NOTHING = "so there is nothing to put into a calendar."


class _Task(NamedTuple):
    """What goes into which file: a patient's visits, or those of a subject that start within a stretch."""

    file: str
    of: str
    """A record's id, empty for a subject's."""
    subject: Subject
    within: Stretch


@command(
    id_=options.argument("A|S|P", "A visit's or a series' id, or a patient."),
    chair=options.option("--chair", help="Everything in this chair.", metavar="C", completion=complete.chairs),
    staff=options.option(
        "--staff", help="Every visit within this person's shifts.", metavar="S", completion=complete.staff
    ),
    clinic=options.option("--clinic", help="Every visit of the clinic."),
)
def export(
    session: Session,
    id_: str = "",
    *,
    chair: str = "",
    staff: str = "",
    clinic: bool = False,
    from_: str = "",
    to: str = "",
    output: str = "",
) -> int | None:
    """Write visits as an .ics file.

    For Outlook, Google, Apple and Thunderbird. An id gives a file for the patient; --chair, --staff
    and --clinic, or days alone, one for the clinic's own people, with the chairs' names. The words
    in either are neutral; the same revision always gives the same octets.
    Without -o the file is named after what is in it, in the present folder.
    """
    with session.reading() as reader:
        task = _task(reader, id_, _subject(reader, chair, staff, clinic=clinic), from_, to)
    path = Path(output or task.file)
    if not may_write(session, path):
        session.out.note("Nothing was written.")
        return 1
    with session.reading() as reader:
        counted = _Counted(_visits(reader, task))
        write_pieces(path, _pieces(reader, task, counted))
        if task.of:  # the other files show nobody
            session.saw([agenda.named(reader, task.of)])
    if output != "-":
        session.out.record({"file": str(path), "visits": counted.count}, [f"Written: {path}"])
    return None


class _Counted:
    """Visits passed through, and how many they were."""

    def __init__(self, visits: Iterable[Appointment]) -> None:
        self.visits = visits
        self.count = 0

    def __iter__(self) -> Iterator[Appointment]:
        for visit in self.visits:
            self.count += 1
            yield visit


def _subject(reader: Reader, chair: str, staff: str, *, clinic: bool) -> Subject | None:
    """Whose calendar was asked for; raises `UsageError` when several were."""
    if sum((bool(chair), bool(staff), clinic)) > 1:
        raise UsageError("An export is for one thing.", "give one of --chair C, --staff S or --clinic")
    if chair:
        return service.chair(reader.clinic, chair)
    if staff:
        return service.staff(reader.clinic, staff)
    return Subject("clinic") if clinic else None


def _task(reader: Reader, text: str, subject: Subject | None, first: str, last: str) -> _Task:
    """The task behind the words; raises `UsageError`, `NotFoundError`, and `ConflictError` when it is empty."""
    from infusion_cli.formats import busy, ics  # noqa: PLC0415  only for this command

    if text and subject:
        raise UsageError("An export is for one thing.", "give an id, or one of --chair C, --staff S or --clinic")
    if not text and not subject and not (first and last):
        raise UsageError(
            "Nothing is named to export.", "give an id, --chair C, --staff S, --clinic, or days with --from and --to"
        )
    lo, hi = agenda.days(reader, first, last)
    within = agenda.stretch(reader, lo, hi)
    if text:
        record = agenda.named(reader, text)
        task = _Task(ics.file_name(record.id), record.id, Subject(""), within)
        missing = f"{record.id} has no visit that stands{words.days(lo, hi)}"
    else:
        of = subject or Subject("clinic")
        name = busy.file_name(reader.clinic, busy.Calendar(*of)) if subject else f"appointments-{lo}-{hi}.ics"
        task = _Task(name, "", of, within)
        missing = f"No visit stands{words.days(lo, hi)}"
    if next(iter(_visits(reader, task)), None) is None:
        raise ConflictError(f"{missing}, {NOTHING}")
    return task


def _visits(reader: Reader, task: _Task) -> Iterable[Appointment]:
    """The visits that belong in the file, in order of time."""
    if task.of:
        return agenda.visits_named(reader, task.of, task.within, IN_FILE)
    return service.visits_of(reader, task.subject, task.within)


def _pieces(reader: Reader, task: _Task, visits: Iterable[Appointment]) -> Iterator[bytes]:
    from infusion_cli.formats import busy, ics  # noqa: PLC0415  only for this command

    if task.of:
        return ics.export(reader.clinic, visits)
    found = service.span(reader, task.within) or task.within
    return busy.busy(reader.clinic, busy.Calendar(*task.subject), visits, *found, reader.founding)
