"""Feeds to subscribe to: one file for each chair and member of staff, under a name that cannot be guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from infusion_cli.cli import complete, feed_folder, options, words
from infusion_cli.cli.feed_folder import Feed, Index
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic import Clinic
from infusion_cli.errors import ConflictError, InterruptedCommandError, NotFoundError, UsageError
from infusion_cli.services import busy as service
from infusion_cli.services.agenda import Stretch
from infusion_cli.services.busy import Subject
from infusion_cli.services.ports import Reader


class Done(NamedTuple):
    """What became of a feed: `created`, `changed`, `unchanged` or `removed`."""

    feed: Feed
    state: str


@command(
    folder=options.argument("DIR", "The folder that your web server shows; made when it is missing."),
    staff=options.option("--staff", help="A feed of this person's shifts.", metavar="S", completion=complete.staff),
    chair=options.option("--chair", help="A feed of this chair.", metavar="C", completion=complete.chairs),
    all_=options.option("--all", help="A feed of each chair and each member of staff."),
    revoke=options.option("--revoke", help="Give the feed of this chair or person a new name.", metavar="C|S"),
    remove=options.option("--remove", help="End the feed of this chair or person.", metavar="C|S"),
    from_=options.option("--from", help="The first day in the feeds; a week ago without.", metavar="DATE"),
    to=options.option("--to", help="The last day in the feeds; 90 days ahead without.", metavar="DATE"),
)
def feed(
    session: Session,
    folder: str,
    *,
    staff: Sequence[str] = (),
    chair: Sequence[str] = (),
    all_: bool = False,
    revoke: Sequence[str] = (),
    remove: Sequence[str] = (),
    from_: str = "",
    to: str = "",
) -> None:
    """Write calendars of chairs and staff to subscribe to.

    Those that are there already are brought up to date. Their names cannot be guessed and stay the
    same until they are revoked; the old file is then removed. A file is replaced only when something
    in it changed. Feeds of chairs and people that the clinic no longer has are removed. No other file
    in the folder is touched. A name is only said when it is new; --json says all of them.
    """
    path = feed_folder.named(folder)
    with session.reading() as reader:
        wanted = _wanted(reader.clinic, staff, chair, all_=all_)
    if not wanted and not path.exists():
        raise _no_feeds(folder)
    try:
        with feed_folder.alone(path), session.reading() as reader:
            before = feed_folder.read_index(path)
            if not before.feeds and not before.gone and not wanted:
                raise _no_feeds(folder)
            within = service.window(reader, from_, to)
            index = _turned(reader, path, before, wanted, revoke, remove)
            feed_folder.settle(path, index)
            done = [Done(old, "removed") for old in index.gone]
            done += [
                Done(kept, feed_folder.write_feed(path, kept, pieces(reader, kept, within))) for kept in index.feeds
            ]
    except KeyboardInterrupt:
        raise InterruptedCommandError("Interrupted; some feeds may not be up to date.", "run it again") from None
    _tell(session, path, done)


def _no_feeds(folder: str) -> UsageError:
    return UsageError(f"There are no feeds in {folder} yet.", "name them with --staff S, --chair C or --all")


def pieces(reader: Reader, of: Feed, within: Stretch) -> Iterator[bytes]:
    """The feed's octets as they are made, for visits that start within a stretch."""
    from infusion_cli.formats import busy  # noqa: PLC0415  only for feeds

    found = service.visits_of(reader, of.subject, within)
    # A zone is told for the whole window, so that a visit more or less changes nothing else in the file.
    return busy.busy(reader.clinic, busy.Calendar(*of.subject, of.uid), found, *within, reader.founding)


def refuse_another_book(reader: Reader, folder: Path, index: Index) -> None:
    """Raise `ConflictError` when the folder's feeds are of another book."""
    if index.book not in {"", reader.founding}:
        raise ConflictError(
            f"The feeds in {folder} are of another book.", hint="name another folder, or the other book with --db"
        )


def _wanted(clinic: Clinic, staff: Sequence[str], chair: Sequence[str], *, all_: bool) -> list[Subject]:
    named = [service.chair(clinic, text) for text in chair] + [service.staff(clinic, text) for text in staff]
    return [*(service.everybody(clinic) if all_ else []), *named]


def _turned(
    reader: Reader, folder: Path, index: Index, wanted: list[Subject], revoke: Sequence[str], remove: Sequence[str]
) -> Index:
    """The feeds from now on, new names for what was revoked, in the order in which they came in."""
    refuse_another_book(reader, folder, index)
    revoked = [feed for text in revoke for feed in _named(reader.clinic, folder, index, text)]
    ended = {feed.subject for text in remove for feed in _named(reader.clinic, folder, index, text)}
    subjects = dict.fromkeys([*(feed.subject for feed in index.feeds), *wanted])
    staying = {feed.subject: feed for feed in index.feeds if feed not in revoked}
    kept = tuple(
        staying.get(subject) or feed_folder.new_feed(subject)
        for subject in subjects
        if service.is_there(reader.clinic, subject) and subject not in ended
    )
    return Index(reader.founding, kept, (*index.gone, *(feed for feed in index.feeds if feed not in kept)))


def _named(clinic: Clinic, folder: Path, index: Index, text: str) -> list[Feed]:
    """The feeds that a text names, by id or a chair's name; raises `NotFoundError` when there is none."""
    typed = text.strip().casefold()
    ids = {typed, *(c.id for c in clinic.chairs if c.name.casefold() == typed)}
    found = [feed for feed in index.feeds if feed.subject.id in ids]
    if not found:
        there = ", ".join(feed.subject.id for feed in index.feeds)
        raise NotFoundError(f"There is no feed of {text!r} in {folder}.", f"there are: {there}" if there else "")
    return found


def _public(done: Done) -> dict[str, Any]:
    subject = done.feed.subject
    return {"kind": subject.kind, "subject": subject.id, "file": done.feed.file, "state": done.state}


def _tell(session: Session, folder: Path, done: Sequence[Done]) -> None:
    """What changed; only new names are said, because a name is a key and what a job prints is kept in logs."""
    told = [d for d in done if d.state != "unchanged"]
    width = max((len(d.feed.subject.id) for d in told), default=0)
    session.out.records([_public(d) for d in done], [_line(d, width) for d in told])
    if len(told) < len(done):
        session.out.note(f"{words.count(len(done) - len(told), 'feed')} as before.")
    if feed_folder.can_be_listed(folder):
        session.out.note(f"Others on this machine can list the names in {folder}: chmod go-r keeps them from it.")


def _line(done: Done, width: int) -> Line:
    subject, name = done.feed.subject, f"  {done.feed.file}" if done.state == "created" else ""
    style = "yellow" if done.state == "removed" else "green"
    return [Piece(f"{done.state:9}  ", style), Piece(f"{subject.kind:5}  {subject.id:{width}}{name}".rstrip())]
