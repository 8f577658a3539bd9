"""The outbox: what patients still have to be told, and telling them.

A message is noted as begun before it is handed over and as sent after, each in a short transaction of
its own; no transaction is open while a mail server thinks. So a message may go out twice, with the same
id, but never not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from infusion_cli.domain import outbox
from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.book import Appointment, Patient
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.outbox import Delivery, Told
from infusion_cli.errors import ConflictError, MailError, StoreError
from infusion_cli.services import agenda, lookup
from infusion_cli.services.agenda import LAST_INSTANT, STATUSES, Stretch
from infusion_cli.services.desk import under_lock
from infusion_cli.services.ports import Letter, Mailer, Reader, Store, Writer

MANY = 5
"""Refusals in a row from which on they are taken to mean us."""


class Item(NamedTuple):
    """A message that is not sent: `state` is `due` when nobody has tried yet, else as in `Told`."""

    visit: Appointment
    told: Told
    state: str
    patient: Patient

    @property
    def email(self) -> str:
        """Where it goes; empty when that is not known."""
        return self.patient.email


class _Opened(NamedTuple):
    """A message that was begun, and what stood in the book before."""

    letter: Letter
    before: Told | None


def items(reader: Reader, names: Iterable[str] = ()) -> list[Item]:
    """Every message that is not sent yet, in order of the visits' starts; of those `named` so or of all.

    Raises what `agenda.named` does, and `ConflictError` when the clinic has no address of its own.
    """
    visits = _visits(reader, names)
    told = reader.told(v.id for v in visits)
    news = [v for v in visits if outbox.wanted(v, told.get(v.id), reader.now)]
    people = reader.patients_of({v.patient for v in news})
    found = [item for v in news if (item := _item(reader, v, told.get(v.id), people[v.patient]))]
    if found and not reader.clinic.email:
        raise ConflictError(
            "The clinic has no e-mail address, so nobody can be told who writes.",
            hint="write email into the clinic's file and infusion clinic apply it",
        )
    return found


def drafts(reader: Reader, found: Iterable[Item], *, again: bool = False) -> list[Letter]:
    """What a run would send now of these messages; nothing is noted."""
    return [
        Letter(reader.clinic, item.visit, item.email, item.told)
        for item in found
        if item.email and _is_due(item, reader.now, again=again)
    ]


def skipped(found: Iterable[Item]) -> list[str]:
    """Ids of the patients who cannot be told by mail, because they have no address."""
    return list(dict.fromkeys(item.visit.patient for item in found if not item.email))


class Run:
    """One run over the outbox; what it has done is known however it ends."""

    def __init__(self, store: Store, clock: Callable[[], int], mailer: Mailer, *, again: bool = False) -> None:
        self.sent: list[Letter] = []
        self.written_to: list[str] = []
        """Ids of the patients whose messages left the clinic, or may have."""
        self._store = store
        self._clock = clock
        self._mailer = mailer
        self._again = again
        self._aside: dict[str, str] = {}
        """Visits whose messages were refused for what may be our fault, with what was said."""
        self._refused_in_a_row = 0

    def send(self, names: Iterable[str] = ()) -> None:
        """Send what is due of these visits and series or of all, each message noted before and after.

        A refusal for good that may mean us or the recipient means the recipient when the server takes
        other messages in the same run, and us when it takes none, or refuses `MANY` in a row.

        Raises `MailError` when the server is gone or takes no mail from us, which counts for no message;
        what `items` raises; and `StoreError`.
        """
        with self._store.reading(self._clock()) as reader:
            letters = drafts(reader, items(reader, names), again=self._again)
        for letter in letters:
            self._tell(letter.visit.id)
        if not self.sent:
            for error in self._aside.values():
                raise _takes_no_mail(error)
        for visit_id in self._aside:
            self._tell(visit_id, is_judged=True)

    def _tell(self, visit_id: str, *, is_judged: bool = False) -> None:
        """One message; `is_judged` when a refusal is known to mean its recipient."""
        opened = under_lock(self._store, self._clock(), _opening(visit_id, again=self._again))
        if opened is None:
            return
        delivery = self._deliver(opened)
        if delivery.result == "unclear" and not is_judged:
            under_lock(self._store, self._clock(), _reverting(opened))
            self._put_aside(visit_id, delivery.error)
            return
        told = outbox.ended(opened.letter.told, opened.before, delivery, self._clock())
        _note(self._store, self._clock(), opened.letter, told)
        if delivery.result == "sent":
            self.sent.append(opened.letter._replace(told=told))
            self._refused_in_a_row = 0

    def _deliver(self, opened: _Opened) -> Delivery:
        """Hand it over; what breaks off before the server can have it leaves the book as if it had not begun."""
        try:
            return self._mailer.deliver(opened.letter)
        except BaseException:
            if not self._mailer.may_be_out:
                under_lock(self._store, self._clock(), _reverting(opened))
            raise
        finally:
            if self._mailer.may_be_out:
                self.written_to.append(opened.letter.visit.patient)

    def _put_aside(self, visit_id: str, error: str) -> None:
        self._aside[visit_id] = error
        self._refused_in_a_row += 1
        if self._refused_in_a_row == MANY:
            raise _takes_no_mail(error)


def _message_id(clinic: Clinic, visit: Appointment, email: str) -> str:
    try:
        domain = in_ascii_domain(clinic.email).rpartition("@")[2]
    except AddressError:
        domain = ""
    if not domain or any(not c.isalnum() and c not in ".-" for c in domain):
        domain = "calendar.invalid"
    return outbox.message_id(visit, outbox.words_of(clinic, visit, email), domain)


def _visits(reader: Reader, names: Iterable[str]) -> list[Appointment]:
    named = list(names)
    if not named:
        return reader.visits(reader.now + 1, LAST_INSTANT, STATUSES)
    ahead = Stretch(reader.now + 1, LAST_INSTANT)
    found = {v.id: v for name in named for v in agenda.visits_named(reader, name, ahead, STATUSES)}
    return sorted(found.values(), key=lambda v: (v.start, v.id))


def _item(reader: Reader, visit: Appointment, known: Told | None, patient: Patient) -> Item | None:
    """The message that is wanted about a visit, now that it is known what the patient would read."""
    method = outbox.wanted(visit, known, reader.now, outbox.words_of(reader.clinic, visit, patient.email))
    if method is None:
        return None
    if known is not None and outbox.is_of(known, visit, method):
        return Item(visit, known, known.state, patient)
    new_id = _message_id(reader.clinic, visit, patient.email)
    return Item(visit, Told(visit.id, visit.sequence, method, new_id, "waiting", 0, 0, 0), "due", patient)


def _is_due(item: Item, now: int, *, again: bool) -> bool:
    return item.state == "due" or outbox.may_be_tried(item.told, now, again=again)


def _opening(visit_id: str, *, again: bool) -> Callable[[Writer], _Opened | None]:
    """Decide again under the lock and note the message as begun; None when another run has taken it."""

    def work(writer: Writer) -> _Opened | None:
        visit = lookup.find_visit(writer, visit_id)
        before = writer.told([visit_id]).get(visit_id)
        email = writer.patients_of([visit.patient])[visit.patient].email
        words = outbox.words_of(writer.clinic, visit, email)
        method = outbox.due(visit, before, writer.now, words, again=again)
        if method is None or not email:
            return None
        begun = outbox.begun(visit, method, before, _message_id(writer.clinic, visit, email), writer.now)
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


def _takes_no_mail(error: str) -> MailError:
    return MailError(
        f"The mail server takes no mail from us: {error}.",
        "look at INFUSION_SMTP_USER and INFUSION_SMTP_FROM, and at the addresses if there are few",
    )


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
