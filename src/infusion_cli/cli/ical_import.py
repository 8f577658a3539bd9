"""Calendars of other programs come in: who is not there, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from infusion_cli.cli import complete, options, public, words
from infusion_cli.cli.files import STANDARD, read_beginning
from infusion_cli.cli.looking import block_line
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line
from infusion_cli.cli.session import Session
from infusion_cli.cli.slots import hit_lines
from infusion_cli.domain.clinic_time import zone
from infusion_cli.errors import ExitStatus, InvalidDataError, NotFoundError, UsageError
from infusion_cli.formats.line_error import FileError, LineError
from infusion_cli.services import calendars as service
from infusion_cli.services.calendars import Calendar, Known, Subject, Taken
from infusion_cli.services.desk import Outcome
from infusion_cli.services.ports import Reader

if TYPE_CHECKING:
    from infusion_cli.formats.ics_read import BusyTimes

FILES = options.argument("FILE...", "Calendar files, or folders of them; - is stdin. With --gone, names.")
STAFF = options.option("--staff", help="They are this person's time off.", metavar="S", completion=complete.staff)
CHAIR = options.option("--chair", help="The room is closed then.", metavar="C", completion=complete.chairs)
CLINIC = options.option("--clinic", help="The whole clinic is closed then.")
SOURCE = options.option(
    "--source", help="The name under which the calendar is known again; the file's name without.", metavar="NAME"
)
TRANSPARENT = options.option("--transparent", help="Take what is marked as free too, as public holidays mostly are.")
GONE = options.option("--gone", help="The calendars of these names are gone: lift all their blocks to come.")
KEEP_GOING = options.option("--keep-going", help="Take what can be read and name the rest.")
SHOWN_LINES = 10


class File(NamedTuple):
    """A calendar file: how it is named, what it is known as, whom it is about, and what is in it."""

    name: str
    source: str
    subject: Subject | None
    data: bytes


class Read(NamedTuple):
    """A file and what it came to."""

    file: File
    found: BusyTimes


class Missing(NamedTuple):
    """A calendar that is known, is in none of the folders, and has so many blocks to come."""

    source: str
    kind: str
    subject: str
    blocks: int


class Told(NamedTuple):
    """What there is to say beside what was done: the files, what of them was left out, the calendars without a file."""

    read: Sequence[Read]
    errors: Sequence[FileError]
    missing: Sequence[Missing]


@command(
    writes=True,
    files=FILES,
    staff=STAFF,
    chair=CHAIR,
    clinic=CLINIC,
    source=SOURCE,
    transparent=TRANSPARENT,
    gone=GONE,
    keep_going=KEEP_GOING,
)
def import_(
    session: Session,
    files: Sequence[str],
    *,
    staff: str = "",
    chair: str = "",
    clinic: bool = False,
    source: str = "",
    from_: str = "",
    to: str = "",
    transparent: bool = False,
    gone: bool = False,
    keep_going: bool = False,
) -> int | None:
    """Take time off, holidays and closures from .ics files as blocks.

    Whom a file is about is said by --staff, --chair or --clinic, or by its name: dr-lee.ics,
    chair-2.ics, clinic.ics. The same calendar again changes what has changed and lifts what has
    vanished from it, for the coming year or the days named; you are asked before one loses every
    block. Of an entry only its time is kept. The visits that can no longer be held are listed at once.
    """
    about = partial(service.subject_of, staff=staff, chair=chair, clinic=clinic)
    if gone:
        if source or from_ or to or transparent or keep_going:
            message = "--gone lifts all blocks to come of the calendars that are named."
            raise UsageError(message, "leave out --source, --from, --to and --keep-going")
        return _lift(session, files, about)
    with session.reading() as reader:
        window = service.window_of(reader, from_, to)
        subject = about(reader)
        taken = list(_files(reader, files, subject, source))
        read = _read(reader, taken, window, transparent=transparent)
        missing = _missing(reader, files, taken, subject, source)
    errors = [FileError(r.file.name, *e) for r in read for e in r.found.errors]
    if errors and not keep_going:
        raise _refusal(errors)
    request = {
        "files": [[f.source, f.subject, hashlib.sha256(f.data).hexdigest()] for f in taken],
        "days": [from_, to],
        "transparent": transparent,
        "keep_going": keep_going,
    }
    another = ", or give another calendar a name of its own with --source NAME"
    outcome = _carry_out(session, _calendars(read), window, request, another)
    if outcome is None:
        return 1
    _print(session, outcome, Told(read, errors, missing))
    return ExitStatus.CONFLICT if errors else None


def _lift(session: Session, names: Sequence[str], about: Callable[[Reader], Subject | None]) -> int | None:
    """Lift what calendars have left that are gone."""
    with session.reading() as reader:
        subject = about(reader)
        calendars = [] if _is_repeated(session, reader) else service.gone(reader, names, subject)
        window = reader.now, service.FOR_GOOD
    outcome = _carry_out(session, calendars, window, {"gone": list(names), "subject": subject})
    if outcome is None:
        return 1
    _print(session, outcome, Told([], [], []))
    return None


def _carry_out(
    session: Session, calendars: Sequence[Calendar], window: tuple[int, int], request: dict[str, Any], way_out: str = ""
) -> Outcome | None:
    """Import the calendars; None when it was asked whether one may lose every block, and the answer was no."""
    with session.reading() as reader:
        lost = [] if _is_repeated(session, reader) else service.emptied(reader, calendars, window)
    if lost and not _agrees(session, lost, way_out):
        session.out.note("Nothing was changed.")
        return None
    outcome = service.import_calendars(session.desk(), calendars, window, request, lost)
    session.changed = bool(outcome.changes) and not outcome.replayed
    return outcome


def _is_repeated(session: Session, reader: Reader) -> bool:
    """Whether this is a repeated command: nothing to ask or to find, the first answer is given again."""
    return bool(session.options.key and reader.answers([session.options.key]))


def _agrees(session: Session, lost: Sequence[Known], way_out: str) -> bool:
    if session.options.dry_run:
        return True
    blocks = "; ".join(f"{_named(k.source, *k.subject)} ({words.count(len(k.blocks), 'block')})" for k in lost)
    lift = f"lift every block to come of {blocks}"
    return session.ask(f"This would {lift}. Go on{way_out}?", f"add --yes to {lift}{way_out}; --dry-run looks first")


def _named(source: str, kind: str, subject: str) -> str:
    """A calendar by its name and whom it is about."""
    return f"{source}, {'the clinic' if kind == 'clinic' else subject}"


def _missing(
    reader: Reader, named: Sequence[str], files: Sequence[File], subject: Subject | None, source: str
) -> list[Missing]:
    """The calendars of each folder that are known and have no file in it any more."""
    folders = [name for name in named if Path(name).is_dir()]
    if not folders:
        return []
    prefix = service.source_name(source) if source else ""
    found = service.missing(reader, {f.source for f in files}, subject, prefix)
    return [Missing(k.source, *k.subject, len(k.blocks)) for k in found]


def _files(reader: Reader, named: Sequence[str], subject: Subject | None, source: str) -> Iterator[File]:
    """Every file that is meant; raises `UsageError` when two of them would be known under one name."""
    paths = [path for name in named for path in _paths(Path(name))]
    is_one = len(paths) == 1 and not Path(named[0]).is_dir()
    seen: set[str] = set()
    for path in paths:
        if path == STANDARD and not source:
            raise UsageError("A calendar on stdin has no name.", "add --source NAME")
        known = source if is_one and source else f"{source}/{path.name}" if source else path.name
        known = service.source_name(known)
        if known in seen:
            raise UsageError(f"Two calendars are called {known}.", "import one of them with a --source of its own")
        seen.add(known)
        about = subject or service.subject_named(reader, path.stem)
        if about is None and str(path) in named:
            message = f"The name of {path} does not say whom it is about."
            raise UsageError(message, "give --staff S, --chair C or --clinic")
        yield File(str(path), known, about, _octets(path))


def _paths(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix.casefold() == ".ics" and p.is_file())
    if not found:
        raise NotFoundError(f"There is no .ics file in the folder {path}.", "name the folder that they are in")
    return found


def _octets(path: Path) -> bytes:
    from infusion_cli.formats.ics_scan import MAX_BYTES  # noqa: PLC0415  only for this command

    return read_beginning(path, MAX_BYTES + 1)


def _read(reader: Reader, files: Iterable[File], window: tuple[int, int], *, transparent: bool) -> list[Read]:
    """What the files come to; one that is about nobody is not read."""
    from infusion_cli.formats.ics_read import BusyTimes, busy_times  # noqa: PLC0415  only for this command

    tz = zone(reader.clinic.timezone)
    nobody = LineError(None, "", "unknown-subject", _WHO.format(", ".join(service.names_of_known(reader))))
    nothing = BusyTimes([], [], [nobody], [])
    return [
        Read(file, busy_times(file.data, tz, *window, transparent=transparent) if file.subject else nothing)
        for file in files
    ]


_WHO = "its name does not say whom it is about; give --staff, --chair or --clinic, or name it after one of: {}"


def _calendars(read: Sequence[Read]) -> list[Calendar]:
    return [
        Calendar(
            r.file.source,
            r.file.subject,
            [Taken(b.key, b.start, b.end) for b in r.found.busy],
            is_whole=not r.found.errors,
        )
        for r in read
        if r.file.subject
    ]


def _refusal(errors: Sequence[FileError]) -> InvalidDataError:
    entries = words.count(len({e[:2] for e in errors}), "place")
    return InvalidDataError(
        f"The calendars cannot be read at {entries}; nothing was written.",
        errors,
        "mend them, or take the rest with --keep-going; then nothing is lifted that a broken file no longer names",
    )


def _print(session: Session, outcome: Outcome, told: Told) -> None:
    with session.reading() as reader:
        session.out.record(_data(reader, outcome, told), _lines(session, reader, outcome, told.errors))
    session.out.note(*_warnings(told.read), *_skipped(told.read), *_without_file(told.missing))
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


def _data(reader: Reader, outcome: Outcome, told: Told) -> dict[str, Any]:
    from infusion_cli.formats.ics_read import WHY_SKIPPED  # noqa: PLC0415  only for this command

    tz = zone(reader.clinic.timezone)
    blocks: dict[str, list[dict[str, Any]]] = {"added": [], "changed": [], "removed": []}
    for verb, block in service.changed_blocks(outcome):
        blocks[verb].append(public.block(block, tz))
    files = [(r.file.name, r.found) for r in told.read]
    return {
        "operation": outcome.operation or None,
        "calendars": outcome.summary["calendars"],
        **blocks,
        "hit": outcome.summary["hit"],
        "missing": [m._asdict() | {"subject": m.subject or None} for m in told.missing],
        "skipped": [
            {"file": name, **s._asdict(), "message": WHY_SKIPPED[s.rule]} for name, f in files for s in f.skipped
        ],
        "left_out": [e._asdict() for e in told.errors],
        "warnings": [FileError(name, *w)._asdict() for name, f in files for w in f.warnings],
        "replayed": outcome.replayed,
    }


def _lines(session: Session, reader: Reader, outcome: Outcome, errors: Sequence[FileError]) -> list[Line]:
    said: list[Line] = ["Done already, under this key:"] if outcome.replayed else []
    for c in outcome.summary["calendars"]:
        done = f"{c['added']} added, {c['changed']} changed, {c['removed']} lifted, {c['kept']} as before"
        said.append(f"{_named(c['source'], c['kind'], c['subject'])}: {done}.")
    mark = {"added": "+", "changed": "~", "removed": "-"}
    for verb, block in service.changed_blocks(outcome):
        # What is lifted is always named: from then on somebody may be booked there.
        if verb == "removed" or session.options.dry_run:
            said.append(f"  {mark[verb]} {words.plain_text(block_line(block, reader))}")
    if errors:
        said.append(f"Left out ({words.count(len(errors), 'error')}); what these files no longer name was not lifted:")
        said += [f"  {_place(e)}  {e.rule}: {e.message}" for e in errors]
    said += hit_lines(reader, outcome.summary["hit"])
    return said if session.options.dry_run else [*said, *words.undo_line(outcome.operation)]


def _without_file(missing: Sequence[Missing]) -> Iterator[Line]:
    from shlex import quote  # noqa: PLC0415  only for words to be typed

    for m in missing:
        yield f"No file any more: {_named(m.source, m.kind, m.subject)}; {words.count(m.blocks, 'block')} to come stay."
    if missing:
        names = " ".join(dict.fromkeys(quote(m.source) for m in missing))
        yield f"If they are gone for good: infusion ical import --gone {names}"


def _warnings(read: Sequence[Read]) -> Iterator[Line]:
    for r in read:
        for w in r.found.warnings:
            yield f"! {_place(FileError(r.file.name, *w))}  {w.rule}: {w.message}"


def _skipped(read: Sequence[Read]) -> Iterator[Line]:
    """What takes no time, by reason, with the first lines of each."""
    from infusion_cli.formats.ics_read import WHY_SKIPPED  # noqa: PLC0415  only for this command

    for r in read:
        by_reason: dict[tuple[str, str], list[int]] = {}
        for s in r.found.skipped:
            by_reason.setdefault((s.component, s.rule), []).append(s.line)
        for (component, rule), lines in by_reason.items():
            first = ", ".join(map(str, lines[:SHOWN_LINES]))
            more = f" and {len(lines) - SHOWN_LINES} more" if len(lines) > SHOWN_LINES else ""
            yield f"Skipped in {r.file.name}: {len(lines)} {component}, {WHY_SKIPPED[rule]} (line {first}{more})"
    if any(s.rule == "transparent" for r in read for s in r.found.skipped):
        yield "Public holidays are mostly marked so: --transparent takes them too."


def _place(error: FileError) -> str:
    line = f" line {error.line}" if error.line is not None else ""
    return f"{error.file}{line}" + (f" {error.column}" if error.column else "")
