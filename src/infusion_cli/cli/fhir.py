"""Bundles of appointments for health systems, and from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from infusion_cli.cli import complete, options, words
from infusion_cli.cli.files import may_write, read_text, write_pieces
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment, Block
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.when import say_when
from infusion_cli.errors import ConflictError, ExitStatus, UsageError
from infusion_cli.services import agenda
from infusion_cli.services.agenda import Stretch
from infusion_cli.services.desk import Outcome
from infusion_cli.services.ports import Reader

if TYPE_CHECKING:
    from infusion_cli.formats.fhir import Export

RELEASE = options.option("--release", help="R4, which most systems take, or R5.", metavar="R4|R5")
SERVICE = options.option("--service-type", help="Say what each visit is for, to a receiver who may know.")
PROTOCOL = options.option(
    "--protocol", help="What those are for that do not say so.", metavar="PROTOCOL", completion=complete.protocols
)
HOLD = options.option("--hold", help="How long what is proposed keeps its place; 30m without.", metavar="2h")
KEEP_GOING = options.option("--keep-going", help="Write what can be written and name the rest.")
SHOWN = 50
"""How many changes are listed at the desk; --json has all."""
DONE = {
    "book": "booked",
    "hold": "held",
    "move": "moved",
    "confirm": "confirmed",
    "cancel": "cancelled",
    "no-show": "missed",
}


class _Task(NamedTuple):
    """What goes into the file: a record's visits, or all that start within a stretch."""

    file: str
    of: str
    within: Stretch
    export: Export


class _Seen:
    """Visits passed through, how many they were and whose."""

    def __init__(self, visits: Iterable[Appointment]) -> None:
        self.visits = visits
        self.count = 0
        self.people: dict[str, None] = {}

    def __iter__(self) -> Iterator[Appointment]:
        for visit in self.visits:
            self.count += 1
            self.people[visit.patient] = None
            yield visit


@command(
    id_=options.argument("A|S|P", "A visit's, a series' or a patient's id."), release=RELEASE, service_type=SERVICE
)
def export(
    session: Session,
    id_: str = "",
    *,
    from_: str = "",
    to: str = "",
    release: str = "R4",
    service_type: bool = False,
    output: str = "",
) -> int | None:
    """Write visits as a Bundle in JSON.

    HL7 FHIR: patients with MRN, name and birth date, the chairs' schedules and slots, and every
    visit, cancelled ones too; of the whole book, or of an id or days. What a visit is for is only
    said with --service-type. The same revision always gives the same octets. Without -o the file
    has a neutral name in the present folder.
    """
    with session.reading() as reader:
        task = _task(reader, id_, from_, to, release, tells_service=service_type)
    path = Path(output or task.file)
    if not may_write(session, path):
        session.out.note("Nothing was written.")
        return 1
    with session.reading() as reader:
        seen = _Seen(_visits(reader, task))
        try:
            write_pieces(path, _pieces(reader, task, seen))
        finally:
            session.saw(seen.people)
    if output != "-":
        data = {"file": str(path), "release": task.export.release, "visits": seen.count, "patients": len(seen.people)}
        session.out.record(data, [f"Written: {path}"])
    return None


@command(
    writes=True,
    file=options.argument("FILE", "A Bundle or an Appointment in JSON, or .ndjson; - is stdin."),
    protocol=PROTOCOL,
    hold=HOLD,
    keep_going=KEEP_GOING,
)
def import_(session: Session, file: str, *, protocol: str = "", hold: str = "", keep_going: bool = False) -> int | None:
    """Book, move and cancel what the appointments of a Bundle say.

    HL7 FHIR R4 or R5. Who it is for is told by an MRN, what by serviceType or --protocol; the length
    is the protocol's. All of it or nothing. The same file again changes nothing; a changed one moves
    and cancels what an earlier one booked.
    """
    from infusion_cli.formats import fhir, fhir_read  # noqa: PLC0415  only for this command
    from infusion_cli.formats.sheet import MAX_BYTES  # noqa: PLC0415
    from infusion_cli.services import appointments  # noqa: PLC0415

    text = read_text(Path(file), MAX_BYTES)
    with session.reading() as reader:
        found = fhir_read.appointments(text, file, fhir.chair_names(reader.clinic))
    request = {
        "file": hashlib.sha256(text.encode()).hexdigest(),
        "protocol": protocol,
        "hold": hold,
        "keep_going": keep_going,
    }
    ask = appointments.Ask(protocol, hold, keep_going, request)
    outcome = appointments.import_appointments(session.desk(), *found, ask)
    session.changed = bool(outcome.changes) and not outcome.replayed
    session.saw(c.after for c in outcome.changes)
    _print(session, outcome)
    return ExitStatus.CONFLICT if outcome.summary["left_out"] else None


def _task(reader: Reader, text: str, first: str, last: str, release: str, *, tells_service: bool) -> _Task:
    """The task behind the words; raises `UsageError`, `NotFoundError`, and `ConflictError` when it is empty."""
    from infusion_cli.domain.interchange import RELEASES  # noqa: PLC0415  only for this command
    from infusion_cli.formats.fhir import Export, file_name  # noqa: PLC0415

    if release.upper() not in RELEASES:
        raise UsageError(f"There is no release {release!r} here.", f"one of {', '.join(RELEASES)}")
    lo, hi = agenda.days(reader, first, last)
    of = agenda.named(reader, text).id if text else ""
    within = agenda.stretch(reader, lo, hi)
    span = _span(reader, of, within)
    if span is None:
        raise ConflictError(
            f"There is no visit{f' of {of}' if of else ''}{words.days(lo, hi)} to write.",
            hint="infusion list shows the visits",
        )
    tz = zone(reader.clinic.timezone)
    about = Export(release.upper(), lo or local_date(span.lo, tz), hi or local_date(span.hi - 1, tz), tells_service)
    return _Task(file_name(of), of, within, about)


def _span(reader: Reader, of: str, within: Stretch) -> Stretch | None:
    """From the first start to the last end of the visits."""
    if of:
        visits = agenda.visits_named(reader, of, within, agenda.STATUSES)
        return Stretch(min(v.start for v in visits), max(v.end for v in visits)) if visits else None
    found = reader.span(within.lo, within.hi, agenda.STATUSES)
    return Stretch(*found) if found else None


def _visits(reader: Reader, task: _Task) -> Iterable[Appointment]:
    """The visits that belong in the file, of any status, in order of time."""
    if task.of:
        return agenda.visits_named(reader, task.of, task.within, agenda.STATUSES)
    return reader.each_visit(*task.within, agenda.STATUSES)


def _pieces(reader: Reader, task: _Task, visits: Iterable[Appointment]) -> Iterator[bytes]:
    from infusion_cli.domain.interchange import Space  # noqa: PLC0415  only for this command
    from infusion_cli.formats.fhir import bundle  # noqa: PLC0415

    days = agenda.stretch(reader, task.export.first, task.export.last)
    blocks: Sequence[Block] = [] if task.of else reader.blocks(*days)
    return bundle(reader.clinic, Space(reader.founding), task.export, visits, reader.patients_of, blocks)


def _print(session: Session, outcome: Outcome) -> None:
    summary = outcome.summary
    data = {"operation": outcome.operation or None, **summary, "replayed": outcome.replayed}
    session.out.record(data, _lines(session, outcome))
    session.out.note(*_skipped(summary["skipped"]))
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


def _lines(session: Session, outcome: Outcome) -> list[Line]:
    summary = outcome.summary
    actions = [p["action"] for p in summary["placed"]]
    counts = [f"{actions.count(action)} {said}" for action, said in DONE.items() if action in actions]
    done = ", ".join([*counts, f"{len(summary['unchanged'])} as before"])
    said: list[Line] = ["Done already, under this key:"] if outcome.replayed else []
    said.append(f"{words.count(summary['appointments'], 'appointment')} read: {done}.")
    said += _changes(session, outcome)
    if summary["left_out"]:
        said.append(f"Left out ({words.count(len({p['entry'] for p in summary['left_out']}), 'appointment')}):")
        said += [f"  entry {p['entry']} {p['column']}  {p['rule']}: {p['message']}" for p in summary["left_out"]]
    return said if session.options.dry_run else [*said, *words.undo_line(outcome.operation)]


def _changes(session: Session, outcome: Outcome) -> Iterator[Line]:
    """Each visit as it now stands, or would, by ids; of many the first."""
    with session.reading() as reader:
        clinic, tz = reader.clinic, zone(reader.clinic.timezone)
    visits = [(c.before, c.after) for c in outcome.changes if isinstance(c.after, Appointment)]
    for before, after in visits[:SHOWN]:
        mark = "+" if before is None else "~" if after.is_live else "-"
        chair = words.chair_name(clinic, after.chair)
        yield f"  {mark} {after.id:7} {say_when(after.start, tz):21}  {after.patient}  {after.protocol}  {chair}"
    if len(visits) > SHOWN:
        yield f"  and {len(visits) - SHOWN} more"


def _skipped(skipped: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """What nothing is done about, by reason."""
    by_reason: dict[str, list[int]] = {}
    for s in skipped:
        by_reason.setdefault(s["message"], []).append(s["entry"])
    for message, entries in by_reason.items():
        first = ", ".join(map(str, entries[:10]))
        more = f" and {len(entries) - 10} more" if len(entries) > 10 else ""
        yield f"Skipped: {message}" + (f" (entry {first}{more})" if entries != [0] else "")
