"""A shared calendar on a server, made to show what the book says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infusion_cli import config
from infusion_cli.cli import complete, options, words
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.when import say_when
from infusion_cli.errors import InfusionError, NotFoundError, UsageError
from infusion_cli.services import busy
from infusion_cli.services import push as service
from infusion_cli.services.busy import Subject
from infusion_cli.services.push import Done, Pushed, Stuck

if TYPE_CHECKING:
    from infusion_cli.caldav.client import Collection

_MARKS = {"created": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_STUCK = ("!", "red")


@command(
    writes=True,
    chair=options.option("--chair", help="Everything in this chair.", metavar="C", completion=complete.chairs),
    staff=options.option(
        "--staff", help="Every visit within this person's shifts.", metavar="S", completion=complete.staff
    ),
    clinic=options.option("--clinic", help="Every visit of the clinic."),
    to=options.option("--to", help="The calendar's address (INFUSION_CALDAV_URL).", metavar="URL"),
    remove=options.option("--remove", help="Take everything of it out of the calendar again."),
)
def push(
    session: Session, *, chair: str = "", staff: str = "", clinic: bool = False, to: str = "", remove: bool = False
) -> int | None:
    """Write the calendar of a chair, a person or the clinic into a shared one on a server.

    By CalDAV: Radicale, Nextcloud and others. The calendar then shows what the book says from a week
    ago on, without a word of who comes or what for: what is new is added, what differs is mended, what
    no longer stands is removed. Entries of others are never touched, and what is right already is
    not written again. To be run after changes or every few minutes.

    One calendar can show several chairs and people: run it once for each. Of one that the clinic no longer
    has, by its id, what is still there is taken out. What a run leaves undone the next one does, so a key is
    not needed. Ends with 7 when the server does not do its part, or an entry cannot be mended.
    """
    with session.reading() as reader:
        subject = _subject(reader.clinic, chair, staff, whole=clinic)
        server = _server(to, reader.clinic, subject)
    from infusion_cli.formats.caldav_event import Events  # noqa: PLC0415  only where there is a server

    with _collection(server) as calendar:
        if session.options.dry_run:
            done = service.rehearse(session.store, session.now, calendar, subject, Events, is_ended=remove)
        else:
            done = service.push(session.store, lambda: session.now, calendar, subject, Events, is_ended=remove)
    if done.stopped and not done.done and not done.stuck:
        raise done.stopped
    session.changed = bool(done.done)
    failures = _failures(done)
    _tell(session, subject, done, failures)
    return failures[0].status if failures else None


def _subject(clinic: Clinic, chair: str, staff: str, *, whole: bool) -> Subject:
    """Whose calendar is meant, if only by the id that it once had; raises `UsageError` unless exactly one was named."""
    if sum((bool(chair), bool(staff), whole)) != 1:
        raise UsageError("A run is for the calendar of one.", "give one of --chair C, --staff S or --clinic")
    try:
        if chair:
            return busy.chair(clinic, chair)
        return busy.staff(clinic, staff) if staff else Subject("clinic")
    except NotFoundError:
        return Subject("chair", chair) if chair else Subject("staff", staff)


def _server(to: str, clinic: Clinic, subject: Subject) -> config.CalendarServer:
    """The server; raises `NotFoundError` rather than that there is none, for whom the clinic does not have."""
    try:
        return config.calendar_server(to)
    except UsageError:
        service.make_sure(clinic, subject)
        raise


def _collection(server: config.CalendarServer) -> Collection:
    try:
        from infusion_cli.caldav.client import Collection  # noqa: PLC0415  slow, and may not be there
    except ModuleNotFoundError:
        raise UsageError(
            "A shared calendar needs the extra `caldav`, which is not installed.", "pip install 'infusion-cli[caldav]'"
        ) from None
    return Collection(server)


def _failures(done: Pushed) -> list[InfusionError]:
    """Why the calendar is not up to date: what stopped the run, and what keeps entries from being right."""
    reasons = {stuck.reason.message: stuck.reason for stuck in done.stuck}
    return [*([done.stopped] if done.stopped else []), *reasons.values()]


def _tell(session: Session, subject: Subject, done: Pushed, failures: list[InfusionError]) -> None:
    data: dict[str, Any] = {"kind": subject.kind, "subject": subject.id or None}
    data |= {verb: [_id(d) for d in done.done if d.verb == verb] for verb in _MARKS}
    data["unchanged"] = done.unchanged
    data["stuck"] = [
        {"id": _id(s), "name": s.name, "reason": s.reason.message, "hint": s.reason.hint} for s in done.stuck
    ]
    data["stopped"] = done.stopped.message if done.stopped else None
    with session.reading() as reader:
        lines = [_line(reader.clinic, d, *_MARKS[d.verb]) for d in done.done]
        lines += [_line(reader.clinic, s, *_STUCK, f"  {s.name}") for s in done.stuck]
    counts = ", ".join(f"{len(data[verb])} {verb}" for verb in _MARKS)
    stuck = f", {len(done.stuck)} stuck" if done.stuck else ""
    lines.append(f"{subject.id or 'The clinic'}: {counts}, {done.unchanged} as before{stuck}.")
    for failure in failures:
        lines += [failure.message, f"Try: {failure.hint}"]
    session.out.record(data, lines)
    if failures and session.out.quiet and not session.out.is_json:
        session.out.lines(lines, err=True)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


def _id(entry: Done | Stuck) -> str:
    return entry.visit.id if entry.visit else entry.uid


def _line(clinic: Clinic, entry: Done | Stuck, mark: str, style: str, more: str = "") -> Line:
    """What became of an entry; one whose visit the book does not have goes by its UID."""
    if entry.visit is None:
        return [Piece(f"  {mark} ", style), Piece(f"{entry.uid}{more}")]
    visit, tz = entry.visit, zone(clinic.timezone)
    times = f"{say_when(visit.start, tz)}-{words.clock(visit.end, tz)}"
    return [Piece(f"  {mark} ", style), Piece(f"{visit.id}  {times}  {words.chair_name(clinic, visit.chair)}{more}")]
