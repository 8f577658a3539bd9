"""The outbox: what patients still have to be told, and telling them.

A message is noted as begun before it is handed over and as sent after, each in a short transaction of
its own; no transaction is open while a mail server thinks. So a message may go out twice, with the same
id, but never not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from infusion_cli.domain import ids, outbox
from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.outbox import Told
from infusion_cli.errors import ConflictError, MailError, NotFoundError, StoreError
from infusion_cli.services import lookup
from infusion_cli.services.agenda import LAST_INSTANT, STATUSES
from infusion_cli.services.desk import under_lock
from infusion_cli.services.ports import Letter, Mailer, Reader, Store, Writer


class Item(NamedTuple):
    """A message that is not sent: `state` is `due` when nobody has tried yet, else as in `Told`."""

    visit: Appointment
    told: Told
    state: str
    email: str


class Sent(NamedTuple):
    """What a run did: the messages as they stand now, and who cannot be told by mail."""

    sent: list[Told]
    waiting: list[Told]
    failed: list[Told]
    skipped: list[str]
    """Ids of patients without an e-mail address."""
    written_to: list[str]
    """Ids of the patients whose messages left the clinic, or may have."""
    stopped: MailError | None = None
    """What made the run stop before its end."""


class _Opened(NamedTuple):
    """A message that was begun, and what stood in the book before."""

    letter: Letter
    before: Told | None


def items(reader: Reader, names: Iterable[str] = ()) -> list[Item]:
    """Every message that is not sent yet, in order of the visits' starts; of these visits and series or of all.

    Raises `NotFoundError` for an id that nobody has, `ConflictError` when the clinic has no address of its own.
    """
    visits = _visits(reader, names)
    told = reader.told(v.id for v in visits)
    open_ = [(v, told.get(v.id), m) for v in visits if (m := outbox.wanted(v, told.get(v.id), reader.now))]
    if open_ and not reader.clinic.email:
        raise ConflictError(
            "The clinic has no e-mail address, so nobody can be told who writes.",
            hint="write email into the clinic's file and infusion clinic apply it",
        )
    people = reader.patients_of({v.patient for v, _, _ in open_})
    return [_item(reader, v, known, method, people[v.patient].email) for v, known, method in open_]


def drafts(reader: Reader, names: Iterable[str] = (), *, again: bool = False) -> tuple[list[Letter], list[str]]:
    """What a run would send now, and the patients it would skip; nothing is noted."""
    found = items(reader, names)
    letters = [
        Letter(reader.clinic, item.visit, item.email, item.told)
        for item in found
        if item.email and _is_due(item, reader.now, again=again)
    ]
    return letters, _skipped(found)


def send(
    store: Store, clock: Callable[[], int], mailer: Mailer, names: Iterable[str] = (), *, again: bool = False
) -> Sent:
    """Send what is due, each message noted before and after; a server that is gone ends the run."""
    with store.reading(clock()) as reader:
        letters, skipped = drafts(reader, names, again=again)
    done = Sent([], [], [], skipped, [])
    for letter in letters:
        opened = under_lock(store, clock(), _opening(letter.visit.id, again=again))
        if opened is None:
            continue
        try:
            delivery = mailer.deliver(opened.letter)
        except BaseException as error:
            if not mailer.may_be_out:
                under_lock(store, clock(), _reverting(opened))
            if not isinstance(error, MailError):
                raise
            return done._replace(stopped=error)
        if delivery.result in {"sent", "doubt"}:
            done.written_to.append(opened.letter.visit.patient)
        told = outbox.ended(opened.letter.told, opened.before, delivery, clock())
        _note(store, clock(), opened.letter, told)
        {"sent": done.sent, "waiting": done.waiting, "failed": done.failed}[told.state].append(told)
    return done


def message_id(clinic: Clinic, visit: Appointment) -> str:
    """A Message-ID that is the same whenever this revision is told: of the calendar's UID, at the clinic's domain."""
    try:
        domain = in_ascii_domain(clinic.email).rpartition("@")[2]
    except AddressError:
        domain = ""
    if not domain or any(not c.isalnum() and c not in ".-" for c in domain):
        domain = "calendar.invalid"
    return f"<{visit.uid.partition('@')[0]}.{visit.sequence}@{domain}>"


def _visits(reader: Reader, names: Iterable[str]) -> list[Appointment]:
    named = list(names)
    if not named:
        return reader.visits(reader.now - outbox.LONG_AGO + 1, LAST_INSTANT, STATUSES)
    found = {v.id: v for name in named for v in _named(reader, name)}
    return sorted(found.values(), key=lambda v: (v.start, v.id))


def _named(reader: Reader, name: str) -> Iterator[Appointment]:
    record_id = ids.normalise(name)
    if record_id is None:
        raise lookup.not_an_id(name)
    if ids.kind_of(record_id) == "series":
        series = lookup.find_series(reader, name)
        yield from reader.load(reader.now, reader.now, [series.patient]).of_series(series)
    elif ids.kind_of(record_id) == "appointment":
        yield lookup.find_visit(reader, name)
    else:
        raise NotFoundError(f"There is no visit or series {record_id}.", "infusion list shows visits")


def _item(reader: Reader, visit: Appointment, known: Told | None, method: str, email: str) -> Item:
    if known is not None and outbox.is_of(known, visit, method):
        return Item(visit, known, known.state, email)
    fresh = Told(visit.id, visit.sequence, method, message_id(reader.clinic, visit), "waiting", 0, 0, 0)
    return Item(visit, fresh, "due", email)


def _is_due(item: Item, now: int, *, again: bool) -> bool:
    return item.state == "due" or again or (item.state == "waiting" and item.told.next_at <= now)


def _skipped(found: Iterable[Item]) -> list[str]:
    return list(dict.fromkeys(item.visit.patient for item in found if not item.email))


def _opening(visit_id: str, *, again: bool) -> Callable[[Writer], _Opened | None]:
    """Decide again under the lock and note the message as begun; None when another run has taken it."""

    def work(writer: Writer) -> _Opened | None:
        visit = lookup.find_visit(writer, visit_id)
        before = writer.told([visit_id]).get(visit_id)
        method = outbox.due(visit, before, writer.now, again=again)
        email = writer.patients_of([visit.patient])[visit.patient].email
        if method is None or not email:
            return None
        begun = outbox.begun(visit, method, before, message_id(writer.clinic, visit), writer.now)
        writer.put_told(begun)
        return _Opened(Letter(writer.clinic, visit, email, begun), before)

    return work


def _reverting(opened: _Opened) -> Callable[[Writer], None]:
    """As if the message had not been begun: the server was gone before it could hear of it."""

    def work(writer: Writer) -> None:
        begun, before = opened.letter.told, opened.before
        if writer.told([begun.visit]).get(begun.visit) != begun:
            return
        writer.put_told(before or begun._replace(tries=0, at=0, next_at=0, error=""))

    return work


def _note(store: Store, now: int, letter: Letter, told: Told) -> None:
    """Keep what became of a message, unless a newer one was begun meanwhile."""

    def work(writer: Writer) -> None:
        if writer.told([told.visit]).get(told.visit) == letter.told:
            writer.put_told(told)

    try:
        under_lock(store, now, work)
    except StoreError as error:
        if told.state != "sent":
            raise
        raise StoreError(
            f"The message about {told.visit} was sent, but the book could not note it: {error.message}",
            "run it again: the same message may then arrive twice",
        ) from error
