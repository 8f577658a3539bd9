"""One book, kept three times: what is done to it is done to each, and what each answers is compared."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import checker
from builders import NOW, text_of
from model.memory import MemoryStore

from infusion_cli.config import ServerUrl
from infusion_cli.domain.book import LIVE, Appointment, Block, Book, Patient, Series
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import Change, ClinicText, change
from infusion_cli.errors import InfusionError
from infusion_cli.services.desk import Desk, Outcome
from infusion_cli.services.ports import Entry, Reader, Store
from infusion_cli.store.check import check
from infusion_cli.store.repository import BookStore, create_book

EVER = (0, 1 << 33)
"""All instants that a book can hold."""
STATUSES = (*sorted(LIVE), "cancelled", "noshow", "entered-in-error", "active", "completed", "on-hold", "revoked")
FOUNDER = "founder"

Act = Callable[[Desk], Outcome]
Question = Callable[[Reader], object]


class Refusal(NamedTuple):
    """An error as somebody at the desk gets it."""

    kind: str
    told: Mapping[str, object]


class Ground:
    """Where books can be made, one after the other: a folder, and a database that clinics share."""

    def __init__(self, folder: Path, url: str, model: type[MemoryStore] = MemoryStore) -> None:
        self.folder = folder
        self.url = url
        self.model = model
        self._numbers = itertools.count()

    def sides(self, clinic: Clinic, people: tuple[Patient, ...]) -> Sides:
        """A new book of the clinic with these people in it, on every side."""
        number, text = next(self._numbers), text_of(clinic)
        path = self.folder / f"book-{number}.db"
        url = ServerUrl(self.url, f"model-{number}")
        model = self.model(text, NOW, FOUNDER)
        engines = {
            "SQLite": create_book(path, text, clinic, NOW, FOUNDER),
            "PostgreSQL": create_book(url, text, clinic, NOW, FOUNDER),
        }
        return Sides(model, engines, path, people)


class Sides:
    """The model and the engines; `path` is the file of the one that keeps a file."""

    def __init__(
        self, model: MemoryStore, engines: dict[str, BookStore], path: Path, people: tuple[Patient, ...]
    ) -> None:
        self.model = model
        self.engines = engines
        self.path = path
        for store in self.stores.values():
            with store.writing(NOW) as writer:
                # As part of the founding: what founds a book is never taken back.
                writer.write(
                    Entry("init", FOUNDER, [change(None, p._replace(id=writer.new_id("patient"))) for p in people])
                )

    @property
    def stores(self) -> dict[str, MemoryStore | BookStore]:
        """Every side by its name, the model first."""
        return {"the model": self.model, **self.engines}

    def carry_out(self, act: Act, desk: Callable[[Store], Desk]) -> Outcome | Refusal:
        """Do the same on every side; raises AssertionError when the answers differ."""
        made: Outcome | Refusal = self._agreed({name: _answer(act, desk(s)) for name, s in self.stores.items()})
        return made

    def look(self, question: Question, now: int) -> Any:
        """Ask the same on every side; raises AssertionError when the answers differ."""
        found: dict[str, object] = {}
        for name, store in self.stores.items():
            with store.reading(now) as reader:
                found[name] = _looked(question, reader)
        return self._agreed(found)

    def compare(self, now: int) -> None:
        """Raise AssertionError unless every record and the whole journal are equal on every side."""
        self.look(everything, now)

    def finish(self, now: int, keys: list[str]) -> None:
        """Compare once more, record by record, and have every engine's own check look at its book."""
        self.look(lambda reader: record_by_record(reader, keys), now)
        told = {name: {k: v for k, v in s.describe().items() if k in _DESCRIBED} for name, s in self.stores.items()}
        self._agreed(told)
        self._agreed({name: store.accesses() for name, store in self.stores.items()})
        for name, engine in self.engines.items():
            assert [f for f in check(engine) if f.severity == "error"] == [], name
        for store in self.stores.values():
            with store.reading(now) as reader:
                refuse_changing_uids(reader)

    def close(self) -> None:
        """Let go of the books, and of the file."""
        with ExitStack() as stack:
            for store in self.engines.values():
                stack.callback(store.close)
        for left in self.path.parent.glob(f"{self.path.name}*"):
            left.unlink()

    def _agreed(self, found: Mapping[str, Any]) -> Any:
        (one, first), *others = found.items()
        mine = told(first)
        for other, answer in others:
            his = told(answer)
            if mine != his:
                where = (f"{place}: {one} {a!r}, {other} {b!r}" for place, a, b in _differences(mine, his))
                raise AssertionError("\n".join(where))
        return first


_DESCRIBED = {"clinic", "timezone", "patients", "visits", "series", "blocks", "operations", "revision"}


def told(value: Any) -> Any:
    """A value with the calendar UIDs left out, which are random; a book as its records by id."""
    if isinstance(value, Appointment):
        return value._replace(uid="")
    if isinstance(value, Patient | Series | Block | ClinicText | Clinic):
        return value
    if isinstance(value, Book):
        return told([value.patients, value.appointments, value.series, value.blocks])
    if isinstance(value, Mapping):
        return {key: told(of) for key, of in value.items()}
    if isinstance(value, list):
        return [told(of) for of in value]
    return tuple(map(told, value)) if isinstance(value, tuple) else value


def _differences(mine: Any, his: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ, as deep inside as can be said."""
    if type(mine) is not type(his) or not isinstance(mine, dict | tuple | list):
        yield from [(place, mine, his)] if mine != his else []
    elif isinstance(mine, dict):
        for key in [*mine, *(key for key in his if key not in mine)]:
            yield from _differences(mine.get(key, "nothing"), his.get(key, "nothing"), f"{place}.{key}")
    else:
        for number, pair in enumerate(zip_longest(mine, his, fillvalue="nothing")):
            yield from _differences(*pair, f"{place}[{number}]")


def everything(reader: Reader) -> dict[str, object]:
    """All records as the book is loaded and listed, and the end of the journal."""
    book = reader.load(*EVER, [p.id for p in reader.patients()])
    return {
        "now": (reader.now, reader.revision, reader.clinic_text, reader.clinic),
        "book": book,
        "courses in order": list(book.series),
        "patients": reader.patients(),
        "newest": reader.operations(limit=3),
    }


def record_by_record(reader: Reader, keys: list[str]) -> dict[str, object]:
    """Every record, operation and key asked for by itself, and listed."""
    operations = reader.operations()
    touched = list(dict.fromkeys(c.id for o in operations for c in o.changes))
    people = reader.patients_of(touched)
    return {
        "journal": operations,
        "operations": [reader.operation(o.id) for o in operations],
        "records": [(name, reader.record(name), reader.operations(name)) for name in touched],
        "book": reader.load(*EVER, touched),
        "patients": people,
        "mrns": reader.patients_by_mrn([p.mrn for p in people.values()]),
        "visits": reader.visits(*EVER, STATUSES),
        "of patient": [reader.visits(*EVER, ["booked", "cancelled"], name) for name in sorted(people)],
        "series": [reader.series_list([status]) for status in STATUSES],
        "answers": reader.answers(keys),
    }


def refuse_changing_uids(reader: Reader) -> None:
    """Raise AssertionError unless every visit has had one UID all the time, and no two have the same."""
    changes = [c for o in reader.operations() for c in o.changes]
    states = [s for c in changes for s in (c.before, c.after) if isinstance(s, Appointment)]
    uids = {(s.id, s.uid) for s in states}
    assert len(uids) == len({visit for visit, _ in uids}) == len({uid for _, uid in uids})


def booked_twice(reader: Reader) -> list[str]:
    """Chairs and patients in two live visits at once, added up minute by minute."""
    taken: Counter[tuple[str, int]] = Counter()
    for visit in reader.load(*EVER).appointments.values():
        if visit.is_live:
            for name in (visit.chair, visit.patient):
                taken.update((name, minute) for minute in range(visit.start // 60, visit.end // 60))
    return [f"{name} at {minute * 60}" for (name, minute), count in taken.items() if count > 1]


def problems(path: Path, *, only: tuple[str, ...] = ()) -> list[str]:
    """What the independent check says of the file, all of it or what begins with one of `only`."""
    return [line for line in checker.problems(path) if not only or line.startswith(only)]


def _answer(act: Act, desk: Desk) -> Outcome | Refusal:
    try:
        return act(desk)
    except InfusionError as error:
        return Refusal(type(error).__name__, vars(error))


def _looked(question: Question, reader: Reader) -> object:
    try:
        return question(reader)
    except InfusionError as error:
        return Refusal(type(error).__name__, vars(error))


def changed(made: Outcome | Refusal) -> Iterator[Change]:
    """The changes of an answer, none of a refusal."""
    yield from () if isinstance(made, Refusal) else made.changes
