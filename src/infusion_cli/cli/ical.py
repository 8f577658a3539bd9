"""Invitations and their withdrawal: files to mail, which tell nobody what the visit is for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from infusion_cli.cli import options
from infusion_cli.cli.files import STANDARD, may_write, write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment, Patient, Series
from infusion_cli.domain.plan import stands
from infusion_cli.errors import ConflictError, UsageError
from infusion_cli.services import agenda, lookup
from infusion_cli.services.ports import Reader


@command(
    id_=options.argument("A|S", "A visit's or a series' id."),
    output=options.option(
        "--output", "-o", help="Write to this file, for a series into this folder; - is stdout.", metavar="FILE|DIR"
    ),
)
def invite(session: Session, id_: str, *, output: str = "") -> int | None:
    """Write invitations to mail to the patient, one file per visit.

    An invitation of a visit that was moved replaces the one before. For a series each visit ahead
    gets a file of its own, since a mail carries one invitation only. The patient and the
    clinic need an e-mail address; without one, export writes a file that needs none.
    """
    from infusion_cli.formats.itip import request  # noqa: PLC0415  only for this command

    with session.reading() as reader:
        record, visits = _to_invite(reader, id_)
        session.saw(visits)
        email = _address(reader, visits[0], f"infusion ical export {record.id} writes a file without invitation")
        files = [(f"invite-{v.id}.ics", request(reader.clinic, v, email)) for v in visits]
    if isinstance(record, Series):
        paths = write_into(session, output, files)
        if paths is None:
            return _nothing_written(session)
        _written(session, paths)
        return None
    return _write(session, output, *files[0])


@command(appt=options.argument("A", "A visit's id."))
def cancel(session: Session, appt: str, *, output: str = "") -> int | None:
    """Write the file that takes a cancelled visit out of the patient's calendar.

    To be mailed to the patient like the invitation. The visit itself is cancelled with infusion cancel.
    """
    from infusion_cli.formats import itip  # noqa: PLC0415  only for this command

    with session.reading() as reader:
        visit = lookup.find_visit(reader, appt)
        session.saw([visit])
        if stands(visit):
            raise ConflictError(
                f"{visit.id} is {visit.status} and stands, so its invitation is not withdrawn.",
                hint=f"infusion cancel {visit.id} --reason TEXT first, or infusion ical invite {visit.id}",
            )
        email = _address(reader, visit, "tell the patient, because a file of infusion ical export removes nothing")
        data = itip.cancel(reader.clinic, visit, email)
    return _write(session, output, f"cancel-{visit.id}.ics", data)


def _to_invite(reader: Reader, text: str) -> tuple[Appointment | Series, list[Appointment]]:
    """The visit, or the series and its visits ahead that stand; raises `ConflictError` when none does."""
    record = agenda.named(reader, text)
    if isinstance(record, Patient):
        raise UsageError(f"{record.id} is no visit or series.", "give an id that begins with A or S")
    if isinstance(record, Series):
        found = agenda.series_book(reader, record).of_series(record)
        visits = [v for v in found if stands(v) and v.start > reader.now]
        if not visits:
            raise ConflictError(
                f"{record.id} has no visit ahead that stands, so there is nothing to invite to.",
                hint=f"infusion series show {record.id}",
            )
        return record, visits
    if not stands(record):
        raise ConflictError(
            f"{record.id} is {record.status}, so nobody can be invited to it.",
            hint=f"infusion ical cancel {record.id} takes it out of the patient's calendar",
        )
    return record, [record]


def _address(reader: Reader, visit: Appointment, other_way: str) -> str:
    """The patient's e-mail address; raises `ConflictError` when the patient or the clinic has none."""
    if not reader.clinic.email:
        raise ConflictError(
            "The clinic has no e-mail address, so a calendar program cannot tell who invites.",
            hint=f"write email into the clinic's file and infusion clinic apply it; {other_way}",
        )
    patient = reader.patients_of([visit.patient])[visit.patient]
    if not patient.email:
        raise ConflictError(
            f"{patient.id} has no e-mail address, so no calendar file can be addressed to them.",
            hint=f"infusion patients edit {patient.id} --email ADDRESS; {other_way}",
        )
    return patient.email


def _write(session: Session, output: str, name: str, data: bytes) -> int | None:
    """One message to its file or stdout; the exit status."""
    path = Path(output or name)
    if not may_write(session, path):
        return _nothing_written(session)
    write_bytes(path, data)
    if path != STANDARD:
        _written(session, [path])
    return None


def write_into(session: Session, output: str, files: Sequence[tuple[str, bytes]]) -> list[Path] | None:
    """Each message to its file in one folder, all of them or none; their paths, None when the user answered no."""
    folder = Path(output or ".")
    if folder == STANDARD:
        raise UsageError(
            "A series is several files, which do not go to stdout together.",
            "name a folder with -o, or a visit instead of the series",
        )
    with _writable(folder):
        there = [name for name, _ in files if (folder / name).exists()]
        in_the_way = [name for name in there if (folder / name).is_dir()]
    if in_the_way:
        raise UsageError(f"{folder / in_the_way[0]} is a folder and in the way.", "name another folder with -o")
    question = f"Replace {', '.join(there)} in {folder}?"
    if there and not session.ask(question, f"add --yes to replace {', '.join(there)} in {folder}, or name another"):
        return None
    _write_all(folder, files)
    return [folder / name for name, _ in files]


def _write_all(folder: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write the files into the folder, which is made when it is missing; raises `UsageError` with none written."""
    staged = folder / f".{os.getpid()}.part"
    is_new = False
    try:
        with _writable(folder):
            is_new = not folder.exists()
            if is_new:
                folder.mkdir(0o700)
            staged.mkdir(0o700)
            for name, data in files:
                (staged / name).touch(0o600)
                (staged / name).write_bytes(data)
            for name, _ in files:
                (staged / name).replace(folder / name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # it goes only when nothing was put into it
                folder.rmdir()


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turn what the system has against the folder into a `UsageError`."""
    try:
        yield
    except OSError as error:
        message = f"The folder {folder} cannot be written: {error.strerror}."
        raise UsageError(message, "name another with -o") from None


def _nothing_written(session: Session) -> int:
    session.out.note("Nothing was written.")
    return 1


def _written(session: Session, paths: Sequence[Path]) -> None:
    data = {"files": [str(path) for path in paths], "visits": len(paths)}
    session.out.record(data, [f"Written: {path}" for path in paths])
