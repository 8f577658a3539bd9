"""What the use cases need from the world, as protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from infusion_cli.domain.book import Appointment, Block, Book, Patient, Record, Series
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.outbox import Delivery, Told
from infusion_cli.domain.plan import Change, ClinicText
from infusion_cli.domain.shared_calendar import Event, Held


class Answer(NamedTuple):
    """What an idempotency key stands for: the request it was used with, and the first answer."""

    request: str
    """Digest of the request."""
    operation: str
    """Id of the operation it made."""
    answer: str
    """JSON text that was stored with it."""


class Operation(NamedTuple):
    """One entry of the journal, as `history` shows it; instants in seconds."""

    id: str
    seq: int
    at: int
    actor: str
    command: str
    undoes: str | None
    undone_by: str | None
    changes: tuple[Change, ...]
    reason: str = ""
    """Why somebody was forgotten; other reasons stand in the records."""


class Key(NamedTuple):
    """An idempotency key that an operation leaves behind."""

    key: str
    request: str
    """Digest of the request."""
    answer: str = ""
    """JSON text that belongs to the answer and is not in the operation's changes."""


class Entry(NamedTuple):
    """What is to be written into the journal as one operation."""

    command: str
    """The command's name, e.g. `book`; `release-holds` for what the program does by itself."""
    actor: str
    changes: Sequence[Change]
    undoes: str | None = None
    keys: Sequence[Key] = ()
    forgets: Sequence[str] = ()
    """Ids of records whose past is to be taken out of the journal; the changes leave nothing of it either."""
    reason: str = ""
    """Why they are forgotten."""


class Access(NamedTuple):
    """One look at patients' data: who, when, from where, whose. Ids only, never a name or what was typed."""

    id: str
    at: int
    actor: str
    origin: str
    """The machine, the terminal, and the address of whoever came in over SSH."""
    command: str
    subjects: tuple[str, ...]
    """Ids of patients: all, or of many only the first."""
    people: int
    """How many patients it was."""


class Reader(Protocol):
    """A consistent view of one clinic's book."""

    clinic: Clinic
    clinic_text: ClinicText
    now: int
    revision: int
    """Number of the newest journal entry."""

    def load(self, lo: int, hi: int, patients: Iterable[str] = ()) -> Book:
        """Everything that touches the instants [lo, hi), and all of those patients."""

    def record(self, record_id: str) -> Record | None:
        """A patient, visit, series or block by its id."""

    def visits(self, lo: int, hi: int, statuses: Sequence[str], patient: str | None = None) -> list[Appointment]:
        """Visits that start in [lo, hi) with one of the statuses, in order of start; of one patient or all."""

    def each_visit(self, lo: int, hi: int, statuses: Sequence[str]) -> Iterator[Appointment]:
        """What `visits` gives of all patients, one after the other and none of them kept; within the view's block."""

    def span(self, lo: int, hi: int, statuses: Sequence[str]) -> tuple[int, int] | None:
        """The first start and the last end of the visits that start in [lo, hi), expired holds included."""

    def blocks(self, lo: int, hi: int) -> list[Block]:
        """Active blocks and openings that touch [lo, hi), in order of start."""

    @property
    def founding(self) -> str:
        """The hash of the book's first operation, which tells it from every other book."""

    def blocks_of_source(self, source: str, since: int) -> list[Block]:
        """Blocks of any status that came from that calendar and end after the instant `since`, in order of start."""

    def patients(self, limit: int | None = None) -> list[Patient]:
        """Every patient that is not entered in error, by name; with a limit any so many of them."""

    def patients_by_mrn(self, mrns: Sequence[str]) -> dict[str, Patient]:
        """The patients of those medical record numbers, by number (exact)."""

    def patients_matching(self, typed: Sequence[str]) -> list[Patient]:
        """Patients of whom every typed word (as `names.words` gives it) begins a word of the name."""

    def patients_of(self, ids: Iterable[str]) -> dict[str, Patient]:
        """The patients of those ids, by id."""

    def series_list(self, statuses: Sequence[str]) -> list[Series]:
        """Every series with one of the statuses."""

    def operation(self, operation_id: str) -> Operation | None:
        """One operation."""

    def operations(self, record_id: str | None = None, limit: int | None = None) -> list[Operation]:
        """Operations, newest first: all, or those that touched a record with what they did to it alone."""

    def answers(self, keys: Sequence[str]) -> dict[str, Answer]:
        """What was answered under idempotency keys, by key."""

    def told(self, visits: Iterable[str]) -> dict[str, Told]:
        """The newest message about each of these visits, by the visit's id; none where nothing was said."""


class Writer(Reader, Protocol):
    """A `Reader` that holds the write lock; everything is written at the end of its block, or nothing."""

    def new_id(self, kind: str) -> str:
        """The next free id of a kind."""

    def write(self, entry: Entry) -> Operation:
        """Write the changes through the guards and journal them as one operation."""

    def put_answers(self, answers: Mapping[str, Answer]) -> None:
        """Keep what operations that are there have left behind, by key, over what was there; no part of the journal."""

    def put_told(self, told: Told) -> None:
        """Keep the newest message about a visit; it is no part of the journal."""

    def discard(self) -> None:
        """Roll everything back at the end of the block (a dry run)."""


class Letter(NamedTuple):
    """One message to a patient, ready to be written."""

    clinic: Clinic
    visit: Appointment
    email: str
    told: Told
    """The message as it stands while it is being sent."""


class Mailer(Protocol):
    """Somebody who takes messages to a mail server."""

    @property
    def may_be_out(self) -> bool:
        """Whether the server has the message that was handed over last, or may have it."""

    def deliver(self, letter: Letter) -> Delivery:
        """Hand one over; raises `MailError` when the server takes no mail at all.

        Nothing that it raises leaves the message with the server, as long as `may_be_out` does not say so.
        """


class Resource(NamedTuple):
    """An entry of a shared calendar as the server gives it."""

    href: str
    etag: str
    data: str


class SharedCalendar(Protocol):
    """A calendar on a server. Every method raises `CalendarError` when the server does not do its part.

    It is an `EntryRefusedError` where that may concern the one entry only.
    """

    def resources(self, since: int | None) -> list[Resource]:
        """The entries that end after the instant `since`, at least; all of them without."""

    def put(self, uid: str, data: bytes, over: Held | None) -> bool:
        """Write a new entry, or one over another; False when somebody else was faster."""

    def remove(self, held: Held) -> bool:
        """Take an entry out, if it is still there; False when somebody else was faster."""


class EventForm(Protocol):
    """How visits are written as entries of a shared calendar, each under a UID of its own."""

    def uid(self, visit: Appointment) -> str:
        """The visit's UID there."""

    def event(self, visit: Appointment) -> Event:
        """What its entry is to say."""

    def octets(self, visit: Appointment) -> bytes:
        """Its entry."""

    def held(self, href: str, etag: str, data: str) -> list[Held]:
        """The entries of that form in what was found."""


class Store(Protocol):
    """A book, open."""

    @property
    def committed(self) -> bool:
        """Whether the last write through this opening was committed."""

    def reading(self, now: int) -> AbstractContextManager[Reader]:
        """A consistent view for the length of the block."""

    def writing(self, now: int) -> AbstractContextManager[Writer]:
        """Take the write lock, release holds that ran out before `now`, then hand out the writer."""

    def scrub(self) -> str:
        """Overwrite what was freed inside the book; gives what may still be there, empty when nothing is."""

    def describe(self) -> dict[str, Any]:
        """Where the book is, its size, versions and settings."""


class AccessLog(Protocol):
    """Who looked at whom; kept beside the book, not in it."""

    def note_access(self, access: Access) -> None:
        """Keep an access as well as can be: at once, without the write lock, silent when it fails."""

    def accesses(self) -> list[Access]:
        """Every access that was kept, in the order of time."""
