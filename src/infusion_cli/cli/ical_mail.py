"""Invitations by mail: sent as the book changes, and what is still to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from infusion_cli import config
from infusion_cli.cli import options, words
from infusion_cli.cli.ical import write_into
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.clinic_time import iso, zone
from infusion_cli.domain.outbox import Told
from infusion_cli.domain.when import say_when
from infusion_cli.errors import ExitStatus, UsageError
from infusion_cli.services import outbox as service


@command(
    writes=True,
    visits=options.argument("A|S", "Only these visits and series; without one, all of them."),
    retry=options.option("--retry", help="Also what failed or still waits for its next try."),
    output=options.option("--output", "-o", help="With --dry-run: the mails as .eml files here.", metavar="DIR"),
)
def send(session: Session, visits: Sequence[str] = (), *, retry: bool = False, output: str = "") -> int | None:
    """Mail patients what they have not been told yet.

    An invitation for each booked visit ahead, a new one when it moved, a withdrawal when it no longer
    stands: at most one mail a visit, whatever happened since the last. What was never told and is
    cancelled is not mailed at all; a hold is not either. To be run after changes or every few minutes.

    Sending again what was sent is not possible, so a key is not needed.

    A mail that could not be handed over is tried again by later runs, after 1, 5 and 30 minutes, 2, 8
    and 24 hours, always under the same Message-ID. Ends with 7 when mail waits for a later run, with 4
    when a recipient was refused for good (see infusion ical outbox --failed), with 0 otherwise. A
    patient without an e-mail address is skipped and named by id.
    """
    if output and not session.options.dry_run:
        raise UsageError("-o is where --dry-run puts the mails.", "add --dry-run, or leave -o out")
    if session.options.dry_run:
        return _rehearse(session, visits, output, retry=retry)
    from infusion_cli.formats.imip import compose  # noqa: PLC0415  only where mail is sent
    from infusion_cli.mail.smtp import Post  # noqa: PLC0415

    server = config.mail_server()
    with Post(server, partial(compose, sender=server.sender)) as post:
        done = service.send(session.store, lambda: session.now, post, visits, again=retry)
    if done.stopped is not None and not (done.sent or done.waiting or done.failed):
        raise done.stopped
    session.saw(done.written_to)
    _tell(session, done)
    if done.failed:
        return ExitStatus.CONFLICT
    if done.waiting or done.stopped:
        return ExitStatus.STORE
    # Mail is no change of the journal: who was written to is noted as an access.
    return ExitStatus.CHANGES if done.sent and session.options.exit_code else None


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
    data = [record(item.told, item.state, tz) | {"has_address": bool(item.email)} for item in found]
    session.out.records(data, [line(item.told, item.state, tz, has_address=bool(item.email)) for item in found])
    if not found:
        session.out.note("Nothing failed." if failed else "Everybody has been told.")


def record(told: Told, state: str, timezone: str) -> dict[str, Any]:
    """A message for programs; `next_try` is null when nothing is planned."""
    tz = zone(timezone)
    return {
        "visit": told.visit,
        "method": told.method,
        "sequence": told.sequence,
        "state": state,
        "tries": told.tries,
        "next_try": iso(told.next_at, tz) if state == "waiting" and told.next_at else None,
        "error": told.error,
        "message_id": told.message_id,
    }


def line(told: Told, state: str, timezone: str, *, has_address: bool = True) -> Line:
    """A message for people."""
    after = f", try {told.tries}" if told.tries else ""
    at = f", next {say_when(told.next_at, zone(timezone))}" if state == "waiting" and told.next_at else ""
    why = told.error if has_address else "the patient has no e-mail address"
    return [
        Piece(f"{told.visit}  {told.method:7}  "),
        Piece(state, {"failed": "red", "waiting": "yellow"}.get(state, "")),
        Piece(f"{after}{at}{f': {why}' if why else ''}"),
    ]


def _rehearse(session: Session, visits: Sequence[str], output: str, *, retry: bool) -> int | None:
    """What a run would send now, as files when a folder is named; nothing changes."""
    with session.reading() as reader:
        letters, skipped = service.drafts(reader, visits, again=retry)
        session.saw(letter.visit for letter in letters)
    session.changed = bool(letters)
    if output and letters:
        from infusion_cli.formats.imip import compose, file_name, is_writable  # noqa: PLC0415  only for the files

        return write_into(session, output, [(file_name(m), compose(m)) for m in letters if is_writable(m.email)])
    _tell(session, service.Sent([letter.told for letter in letters], [], [], skipped, []))
    session.out.note("Dry run: nothing was sent.")
    return None


def _tell(session: Session, done: service.Sent) -> None:
    tz = session.timezone
    data = {
        "sent": [record(told, "sent", tz) for told in done.sent],
        "waiting": [record(told, "waiting", tz) for told in done.waiting],
        "failed": [record(told, "failed", tz) for told in done.failed],
        "skipped": done.skipped,
        "stopped": done.stopped.message if done.stopped else None,
    }
    lines: list[Line] = [f"{words.count(len(done.sent), 'mail')} sent." if done.sent else "No mail sent."]
    lines += [line(told, told.state, tz) for told in (*done.waiting, *done.failed)]
    if done.stopped:
        lines += [done.stopped.message, f"Try: {done.stopped.hint}"]
    if done.skipped:
        lines.append(f"Without an e-mail address, to be told otherwise: {', '.join(done.skipped)}")
    session.out.record(data, lines)
