"""Calendar files that tell nobody what the visit is for."""

from __future__ import annotations

from pathlib import Path

from infusion_cli.cli import options
from infusion_cli.cli.files import write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.session import Session
from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment, Series
from infusion_cli.errors import ConflictError, NotFoundError, UsageError
from infusion_cli.services import agenda, lookup
from infusion_cli.services.ports import Reader

IN_FILE = ("pending", "booked", "arrived", "checked-in", "fulfilled")


@command(id_=options.argument("A|S", "A visit's or a series' id."))
def export(session: Session, id_: str, *, output: str = "") -> None:
    """Write a visit or a series as an .ics file for Outlook, Google, Apple and Thunderbird.

    The words in it are neutral; the same revision always gives the same octets. Without -o the
    file is named after the id in the present folder.
    """
    from infusion_cli.formats.ics import export as ics  # noqa: PLC0415  only for this command
    from infusion_cli.formats.ics import file_name  # noqa: PLC0415

    with session.reading() as reader:
        record_id, visits = _visits(reader, id_)
        data = b"".join(ics(reader.clinic, visits))
    path = Path(output or file_name(record_id))
    if not write_bytes(session, path, data):
        session.out.note("Nothing was written.")
        return
    if output != "-":
        session.out.record({"file": str(path), "visits": len(visits)}, [f"Written: {path}"])


def _visits(reader: Reader, text: str) -> tuple[str, list[Appointment]]:
    """The visits that belong in the file, in order of time."""
    record_id = ids.normalise(text)
    if record_id is None:
        raise lookup.not_an_id(text)
    record = reader.record(record_id)
    if isinstance(record, Series):
        visits = [v for v in agenda.series_book(reader, record).of_series(record) if v.status in IN_FILE]
    elif isinstance(record, Appointment):
        visits = [record] if record.status in IN_FILE else []
    elif record is None:
        raise NotFoundError(f"There is no visit or series {record_id}.", "infusion list shows visits and their ids")
    else:
        raise UsageError(f"{record_id} is no visit and no series.", "give an id that begins with A or S")
    if not visits:
        raise ConflictError(f"{record_id} has no visit that stands, so there is nothing to put into a calendar.")
    return record_id, visits
