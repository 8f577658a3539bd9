"""Looking at the book: today, list, show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from infusion_cli.cli import options, public, words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment, Block, Patient, Record, Series
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.when import parse_date, say_when
from infusion_cli.services import agenda, clinic
from infusion_cli.services.agenda import Shown
from infusion_cli.services.ports import Operation, Reader

WEEK = options.option("--week", help="Seven days: days down, hours across, how many chairs are taken.")
IMPOSSIBLE = options.option(
    "--impossible", help="Only those ahead that can no longer be held, because of a block or a new clinic file."
)
STATUS = options.option("--status", help="Only with this status; may be given several times.", metavar="STATUS")


@command(week=WEEK, date=options.argument("DATE", "The day, today without."))
def today(session: Session, date: str = "", *, week: bool = False) -> None:
    """The board: chairs against time, who is due, here, dosing, observed.

    Holds, blocks and the next free time of each chair stand beside it.
    """
    from infusion_cli.cli import board  # noqa: PLC0415  only for this command
    from infusion_cli.cli import week as week_board  # noqa: PLC0415

    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        first = parse_date(date, reader.now, tz) if date else local_date(reader.now, tz)
        last = first + timedelta(days=6 if week else 0)
        if session.out.form != "table":
            visits, people = agenda.list_visits(reader, first, last)
            _print_list(session, reader, visits, people)
            return
        day = agenda.board(reader, first, last)
        if not week:  # a week names nobody
            session.saw(day.patients)
        drawn = week_board.lines(day, session.out) if week else board.lines(day, session.out)
        session.out.lines(drawn)


@command(patient=options.OF_PATIENT, status=STATUS, impossible=IMPOSSIBLE)
def list_(
    session: Session,
    from_: str = "",
    to: str = "",
    patient: str = "",
    status: Sequence[str] = (),
    *,
    impossible: bool = False,
) -> None:
    """Visits, one record each.

    Without --from and --to all of them; what was entered in error only when asked for by --status.
    """
    with session.reading() as reader:
        first, last = agenda.days(reader, from_, to)
        if impossible and not (first or last):
            first = local_date(reader.now, zone(reader.clinic.timezone))  # what is over needs no place any more
        wanted = [s.strip() for given in status for s in given.split(",")]
        visits, people = agenda.list_visits(reader, first, last, patient, wanted)
        if impossible:
            these = {v.id for v in clinic.impossible(reader, reader.clinic, clinic.visits_ahead(reader))}
            visits = [v for v in visits if v.id in these]
        _print_list(session, reader, visits, people)


@command(id_=options.argument("ID", "Any id; a patient also by MRN or name."))
def show(session: Session, id_: str) -> None:
    """Anything by its id, with its history."""
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        found = agenda.show(reader, id_)
        if isinstance(found, Operation):
            session.saw(c.after for c in found.changes)
            lines = [*words.operation_rows([found], tz, session.out.width)]
            lines += [f"  Reason: {found.reason}"] if found.reason else []
            session.out.record(public.operation(found, tz), lines)
            return
        session.saw([found.record])
        data = _data(reader, found) | {"history": [public.operation(o, tz) for o in found.operations]}
        session.out.record(data, _lines(session, reader, found))


def _print_list(session: Session, reader: Reader, visits: list[Appointment], people: dict[str, Patient]) -> None:
    tz = zone(reader.clinic.timezone)
    session.saw(visits)
    rows = words.visit_rows(reader.clinic, tz, visits, people, session.out.width)
    session.out.records([public.appointment(v, tz) for v in visits], rows)
    if not visits:
        session.out.note("No visits.")


def _data(reader: Reader, found: Shown) -> dict[str, object]:
    tz, record = zone(reader.clinic.timezone), found.record
    if isinstance(record, Appointment):
        return public.appointment(record, tz)
    if isinstance(record, Series):
        return public.series(record, found.book, tz)
    if isinstance(record, Patient):
        return public.patient(record, tz)
    return public.block(record, tz)


def _lines(session: Session, reader: Reader, found: Shown) -> Iterator[Line]:
    tz, record, clinic = zone(reader.clinic.timezone), found.record, reader.clinic
    yield from record_lines(reader, found, record)
    if isinstance(record, Patient):
        visits = [v for v in found.book.of_patient(record.id) if v.is_live and v.end > reader.now]
        yield from words.visit_short_rows(clinic, tz, visits)
    if found.operations:
        yield [Piece("History", "bold")]
        yield from words.operation_rows(found.operations, tz, session.out.width)


def record_lines(reader: Reader, found: Shown, record: Record) -> Iterator[Line]:
    """A record in words."""
    tz, clinic = zone(reader.clinic.timezone), reader.clinic
    if isinstance(record, Appointment):
        who = words.name(found.patients, record.patient)
        yield from words.visit_done(clinic, tz, record, who, words.status(record, tz).capitalize())
        yield from words.warnings(record.warnings)
        if record.overrides:
            yield f"  Overridden: {', '.join(record.overrides)}"
        if record.reason:
            yield f"  Reason: {record.reason}"
        if record.ride:
            yield f"  Ride: {record.ride}"
    elif isinstance(record, Series):
        visits = agenda.live_visits(found.book, record)
        who = words.name(found.patients, record.patient)
        yield [
            Piece(f"{record.id} {record.status}", "bold"),
            Piece(f": {words.series_head(clinic, tz, record, visits, who)}"),
        ]
        yield from words.course_rows(clinic, tz, visits)
    elif isinstance(record, Patient):
        yield from words.patient_card(record)
    else:
        yield block_line(record, reader)


def block_line(blocked: Block, reader: Reader) -> Line:
    """A block or an extra opening in one line."""
    tz = zone(reader.clinic.timezone)
    what = {"clinic": "the clinic", "open": "extra hours"}.get(blocked.kind, blocked.subject)
    span = f"{say_when(blocked.start, tz)} to {say_when(blocked.end, tz)}"
    state = "" if blocked.status == "active" else f"  {blocked.status}"
    return f"{blocked.id}  {what}  {span}  {blocked.reason}{state}"
