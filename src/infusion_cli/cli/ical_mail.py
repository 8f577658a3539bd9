"""Invitations by mail: sent as the book changes, and what is still to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from infusion_cli import config
from infusion_cli.cli import options, words
from infusion_cli.cli.ical import write_into
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic_time import iso, zone
from infusion_cli.domain.names import fit
from infusion_cli.domain.outbox import Told
from infusion_cli.domain.when import say_when
from infusion_cli.errors import ExitStatus, InfusionError, InterruptedCommandError, UsageError
from infusion_cli.services import outbox as service
from infusion_cli.services.ports import Letter

NOUNS = {"REQUEST": "invitation", "CANCEL": "withdrawal"}
"""What the methods of iTIP are called at the desk."""


@command(
    writes=True,
    visits=options.argument("A|S|P", "Only these visits, series and patients; without one, all of them."),
    retry=options.option("--retry", help="Also what failed or still waits for its next try."),
    output=options.option("--output", "-o", help="With --dry-run: the mails as .eml files here.", metavar="DIR"),
)
def send(session: Session, visits: Sequence[str] = (), *, retry: bool = False, output: str = "") -> int | None:
    """Mail patients what they have not been told yet.

    An invitation for each booked visit ahead, a new one when it moved, a withdrawal when it no longer
    stands: at most one mail a visit, whatever happened since the last. What was never told and is
    cancelled is not mailed at all; a hold is not either, nor what the patient does not see, such as
    another chair, nor anything of a visit that has begun. To be run after changes or every few minutes.

    Sending again what was sent is not possible, so a key is not needed.

    A mail that could not be handed over is tried again by later runs, after 1, 5 and 30 minutes, 2, 8
    and 24 hours, always under the same Message-ID. The status says how things stand after the run: 7 while
    mail waits for a later run, else 4 while a mail that failed for good is about a visit ahead (see
    infusion ical outbox --failed), else 0. A patient without an e-mail address is skipped and named
    by id.
    """
    if output and not session.options.dry_run:
        raise UsageError("-o is where --dry-run puts the mails.", "add --dry-run, or leave -o out")
    if session.options.dry_run:
        return _rehearse(session, visits, output, retry=retry)
    run, stopped = _send(session, visits, retry=retry)
    if stopped is not None and not run.sent:
        raise stopped
    with session.reading() as reader:
        found = service.items(reader, visits)
    _tell(session, run.sent, found, stopped)
    if stopped is not None:
        raise stopped
    states = {item.state for item in found if item.email}
    if states - {"failed"}:
        return ExitStatus.STORE
    if states:
        return ExitStatus.CONFLICT
    # Mail is no change of the journal: who was written to is noted as an access.
    return ExitStatus.CHANGES if run.sent and session.options.exit_code else None


@command(failed=options.option("--failed", help="Only what is not tried again by itself."))
def outbox(session: Session, *, failed: bool = False) -> None:
    """What patients have not been told yet, and why.

    Messages that are due, that wait for their next try, and that failed for good; those are tried
    again with infusion ical send --retry.
    """
    with session.reading() as reader:
        found = [item for item in service.items(reader) if item.state == "failed" or not failed]
        session.saw(item.visit for item in found)
    tz = session.timezone
    data = [_record(item.visit, item.told, item.state, tz) | {"has_address": bool(item.email)} for item in found]
    session.out.records(data, [_line(item, tz) for item in found])
    if not found:
        session.out.note("Nothing failed." if failed else "Everybody has been told.")


def _record(visit: Appointment, told: Told, state: str, timezone: str) -> dict[str, Any]:
    """A message for programs; `next_try` is null when nothing is planned."""
    tz = zone(timezone)
    return {
        "visit": visit.id,
        "patient": visit.patient,
        "start": iso(visit.start, tz),
        "method": told.method,
        "sequence": told.sequence,
        "state": state,
        "tries": told.tries,
        "next_try": iso(told.next_at, tz) if state == "waiting" and told.next_at else None,
        "error": told.error,
        "message_id": told.message_id,
    }


def _line(item: service.Item, timezone: str) -> Line:
    """A message for people: about which visit, whose, what it is, and why it is not sent."""
    told, tz = item.told, zone(timezone)
    after = f", try {told.tries}" if told.tries else ""
    at = f", next {say_when(told.next_at, tz)}" if item.state == "waiting" and told.next_at else ""
    why = told.error if item.email else f"no e-mail address; {item.patient.phone or 'no phone'}"
    about = f"{item.visit.id:7} {say_when(item.visit.start, tz):21}  {fit(item.patient.name, 24)}"
    return [
        Piece(f"{about} {NOUNS[told.method]:10} "),
        Piece(item.state, {"failed": "red", "waiting": "yellow"}.get(item.state, "")),
        Piece(f"{after}{at}{f': {why}' if why else ''}"),
    ]


def _send(session: Session, visits: Sequence[str], *, retry: bool) -> tuple[service.Run, InfusionError | None]:
    """One run, and what ended it before its end; who was written to is noted however it ends."""
    from infusion_cli.formats.imip import compose  # noqa: PLC0415  only where mail is sent
    from infusion_cli.mail.smtp import Post  # noqa: PLC0415

    server = config.mail_server()
    with Post(server, partial(compose, sender=server.sender)) as post:
        run = service.Run(session.store, lambda: session.now, post, again=retry)
        try:
            run.send(visits)
        except InfusionError as error:
            return run, error
        except KeyboardInterrupt:
            return run, _interrupted(run)
        finally:
            session.saw(run.written_to)
    return run, None


def _interrupted(run: service.Run) -> InterruptedCommandError:
    sent, maybe = len(run.sent), len(run.written_to) - len(run.sent)
    also = f", and {maybe} may have been" if maybe else ""
    message = f"Interrupted; {_mails(sent)} {'was' if sent == 1 else 'were'} sent{also}."
    return InterruptedCommandError(message, "infusion ical outbox shows what is still to be sent")


def _rehearse(session: Session, visits: Sequence[str], output: str, *, retry: bool) -> int | None:
    """What a run would send now, as files when a folder is named; nothing changes."""
    with session.reading() as reader:
        found = service.items(reader, visits)
        letters = service.drafts(reader, found, again=retry)
        session.saw(letter.visit for letter in letters)
    session.changed = bool(letters)
    paths, wrong = _as_files(session, letters, output)
    if paths is None:
        session.out.note("Nothing was written.")
        return ExitStatus.ERROR
    ready = [letter for letter in letters if letter.visit.id not in wrong]
    told = {letter.visit.id for letter in ready}
    rest = [_judged(item, wrong.get(item.visit.id, "")) for item in found if item.visit.id not in told]
    _tell(session, ready, rest, rehearsed=[item for item in found if item.visit.id in told], files=paths)
    session.out.note("Dry run: nothing was sent.")
    return None


def _as_files(session: Session, letters: Sequence[Letter], output: str) -> tuple[list[Path] | None, dict[str, str]]:
    """The letters' files where a folder is named (None when the user wants none), and what is wrong by visit."""
    from infusion_cli.formats.imip import compose, file_name, wrong_with  # noqa: PLC0415  only where mail is made

    wrong = {letter.visit.id: why for letter in letters if (why := wrong_with(letter.email))}
    ready = [letter for letter in letters if letter.visit.id not in wrong]
    if not output or not ready:
        return [], wrong
    return write_into(session, output, [(file_name(letter), compose(letter)) for letter in ready]), wrong


def _judged(item: service.Item, wrong: str) -> service.Item:
    """The message as a run would leave it whose address cannot be written."""
    return item._replace(state="failed", told=item.told._replace(error=wrong)) if wrong else item


def _tell(
    session: Session,
    sent: Sequence[Letter],
    found: Sequence[service.Item],
    stopped: InfusionError | None = None,
    rehearsed: Sequence[service.Item] | None = None,
    files: Sequence[Path] | None = None,
) -> None:
    """What was sent, and what is not sent: each message that waits or failed with its reason, all of them counted."""
    tz = session.timezone
    failed = [item for item in found if item.email and item.state == "failed"]
    waiting = [item for item in found if item.email and item.state != "failed"]
    skipped = service.skipped(found)
    data: dict[str, Any] = {
        "sent": [_record(letter.visit, letter.told, "sent", tz) for letter in sent],
        "waiting": [_record(item.visit, item.told, item.state, tz) for item in waiting],
        "failed": [_record(item.visit, item.told, item.state, tz) for item in failed],
        "skipped": skipped,
        "stopped": stopped.message if stopped else None,
    }
    if files is not None:
        data["files"] = [str(path) for path in files]
    lines: list[Line] = [f"{_mails(len(sent))} sent." if sent else "No mail sent."]
    if rehearsed is not None:
        lines = [f"{_mails(len(sent))} would be sent.", *(_line(item, tz) for item in rehearsed)]
    lines += [_line(item, tz) for item in (*waiting, *failed) if item.told.tries or item.told.error]
    lines += [f"Written: {path}" for path in files or ()]
    if waiting or failed:
        lines.append(f"{_standing(len(waiting), len(failed))}: infusion ical outbox")
    if failed:
        lines.append("What failed is only tried again by infusion ical send --retry.")
    if skipped:
        lines.append(f"Without an e-mail address, to be told otherwise: {', '.join(skipped)}")
    session.out.record(data, lines)


def _standing(waiting: int, failed: int) -> str:
    waits = f"{_mails(waiting)} {'waits' if waiting == 1 else 'wait'}" if waiting else ""
    return ", ".join(filter(None, (waits, f"{failed if waiting else _mails(failed)} failed" if failed else "")))


def _mails(number: int) -> str:
    return words.count(number, "mail")
