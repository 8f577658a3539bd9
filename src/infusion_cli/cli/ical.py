"""Calendar files that tell nobody what the visit is for."""

from __future__ import annotations

from pathlib import Path

from infusion_cli.cli import options
from infusion_cli.cli.files import may_write, write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.session import Session
from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment, Patient, Series
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.when import parse_date
from infusion_cli.errors import ConflictError, NotFoundError, UsageError
from infusion_cli.services import agenda, lookup
from infusion_cli.services.ports import Reader

IN_FILE = ("pending", "booked", "arrived", "checked-in", "fulfilled")


@command(id_=options.argument("A|S|P", "A visit's, a series' or a patient's id; without one the clinic's days."))
def export(session: Session, id_: str = "", *, from_: str = "", to: str = "", output: str = "") -> int | None:
    """Write visits as an .ics file.

    For Outlook, Google, Apple and Thunderbird. A visit, a series, a patient's visits, or with
    --from and --to all visits of those days. The words in it are neutral; the same revision always
    gives the same octets. Without -o the file is named after the id in the present folder.
    """
    from infusion_cli.formats.ics import export as ics  # noqa: PLC0415  only for this command
    from infusion_cli.formats.ics import file_name  # noqa: PLC0415

    with session.reading() as reader:
        named, visits = _visits(reader, id_, from_, to)
        data = b"".join(ics(reader.clinic, visits))
    path = Path(output or (file_name(named) if id_ else f"appointments-{named}.ics"))
    if not may_write(session, path):
        session.out.note("Nothing was written.")
        return 1
    write_bytes(path, data)
    if output != "-":
        session.out.record({"file": str(path), "visits": len(visits)}, [f"Written: {path}"])
    return None


def _visits(reader: Reader, text: str, first: str, last: str) -> tuple[str, list[Appointment]]:
    """A name for the file and the visits that belong in it, in order of time."""
    if not text and not (first and last):
        raise UsageError("Nothing is named to export.", "give an id, or days with --from and --to")
    tz = zone(reader.clinic.timezone)
    lo = parse_date(first, reader.now, tz) if first else None
    hi = parse_date(last, reader.now, tz) if last else None
    if not text:
        visits, _ = agenda.list_visits(reader, lo, hi, statuses=IN_FILE)
        if not visits:
            raise ConflictError(f"No visit stands from {lo} to {hi}, so there is nothing to put into a calendar.")
        return f"{lo}-{hi}", visits
    record = _record(reader, text)
    if isinstance(record, Appointment):
        visits = [record] if record.status in IN_FILE else []
    elif isinstance(record, Series):
        visits = [v for v in agenda.series_book(reader, record).of_series(record) if v.status in IN_FILE]
    else:
        visits, _ = agenda.list_visits(reader, lo, hi, record.id, IN_FILE)
    if not visits:
        raise ConflictError(f"{record.id} has no visit that stands, so there is nothing to put into a calendar.")
    return record.id, visits


def _record(reader: Reader, text: str) -> Appointment | Series | Patient:
    record_id = ids.normalise(text)
    if record_id is None:
        raise lookup.not_an_id(text)
    record = reader.record(record_id)
    if record is None:
        raise NotFoundError(f"There is no visit, series or patient {record_id}.", "infusion list shows visits")
    if not isinstance(record, Appointment | Series | Patient):
        raise UsageError(f"{record_id} is no visit, series or patient.", "give an id that begins with A, S or P")
    return record
