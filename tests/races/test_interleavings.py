"""Two desks step by step, in every order: whoever comes second is refused, by the rules or by the guard."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import checker
import pytest
from builders import CONSULT, MOOD, NOW, book, clinic, file_of, nurse, patient, provider, visit, write
from outside import Outside
from races import control
from torture.figures import record

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import change
from infusion_cli.domain.protocol import Phase
from infusion_cli.domain.visit import judge
from infusion_cli.errors import ConflictError, StoreError
from infusion_cli.services import booking
from infusion_cli.services.desk import Desk
from infusion_cli.services.ports import Entry, Reader
from infusion_cli.store.check import check
from infusion_cli.store.repository import BookStore, open_store
from infusion_cli.store.writer import BookWriter

Steps = Generator[None, None, str]
"""A desk at work: each step ends with a yield; what it gives back is `booked` or who refused it."""


def careful(store: BookStore, wanted: Appointment) -> Steps:
    """Begin, look and decide, insert, commit: as every command does it."""
    yield from begun(store)
    writer = BookWriter(store.database, NOW)
    refusal = refused(writer, wanted)
    yield
    if refusal:
        store.database.rollback()
        return refusal
    writer.write(Entry("book", "test", [change(None, wanted)]))
    writer.finish()
    yield
    store.database.commit()
    return "booked"


def hasty(store: BookStore, wanted: Appointment) -> Steps:
    """Look and decide without the lock; then begin, insert, commit."""
    with store.reading(NOW) as reader:
        refusal = refused(reader, wanted)
    if refusal:
        return refusal
    yield
    yield from begun(store)
    writer = BookWriter(store.database, NOW)
    try:
        writer.write(Entry("book", "test", [change(None, wanted)]))
    except ConflictError as error:
        store.database.rollback()
        return f"guard: {error.conflicts[0].rule}"
    writer.finish()
    yield
    store.database.commit()
    return "booked"


def begun(store: BookStore) -> Generator[None]:
    """Take the lock; while another desk has it, each step only asks again."""
    while True:
        try:
            store.database.begin_writing()
        except StoreError:
            yield
        else:
            yield
            return


def refused(reader: Reader, wanted: Appointment) -> str:
    """The rules that forbid a visit, empty when none does."""
    verdict = judge(booking.load_around(reader, wanted.start, [wanted.patient]), wanted)
    return f"rules: {', '.join(c.rule for c in verdict.hard)}" if verdict.hard else ""


def orders(steps: int) -> list[list[int]]:
    """Every order in which two desks can do so many steps each."""
    places = range(2 * steps)
    return [[0 if place in first else 1 for place in places] for first in combinations(places, steps)]


def play(order: list[int], *desks: Steps) -> list[str]:
    """Let the desks step in that order, and then each to its end; what became of them."""
    ended: dict[int, str] = {}
    for number in [*order, *[0, 1] * 10]:
        if number not in ended:
            try:
                next(desks[number])
            except StopIteration as end:
                ended[number] = end.value
    return [ended[0], ended[1]]


def with_patients(path: Path, of: Clinic) -> Path:
    with book(path, of) as store:
        write(store, *(patient(n, requirements=(("consent", "2026-11-16"),)) for n in range(3)))
    return path


Desk2 = Callable[[BookStore, Appointment], Steps]


def all_orders(base: Path, desk: Desk2, one: Appointment, other: Appointment) -> Counter[tuple[str, ...]]:
    """How every order of four steps ends, each played on a fresh copy of the book."""
    ends: Counter[tuple[str, ...]] = Counter()
    path = base.with_name("played.db")
    for order in orders(4):
        shutil.copyfile(base, path)
        with open_store(path, patience=0) as first, open_store(path, patience=0) as second:
            end = play(order, desk(first, one), desk(second, other))
            assert [f for f in check(first) if f.severity == "error"] == []
        assert end.count("booked") == 1
        assert checker.problems(path) == []
        assert len(checker.visits(path)) == 1
        ends[tuple(sorted(end))] += 1
    assert ends.total() == 70
    record("interleavings", "SQLite", orders=70, double_booked=0)
    return ends


def test_in_every_order_the_second_of_two_careful_desks_sees_the_first_and_is_refused_by_the_rules(
    tmp_path: Path,
) -> None:
    base = with_patients(tmp_path / "base.db", clinic())
    ends = all_orders(base, careful, visit(1), visit(2, "2026-12-01T10:30"))
    assert ends == {("booked", "rules: chair-busy"): 70}


def test_in_every_order_the_second_of_two_hasty_desks_is_refused_by_the_rules_or_by_the_guard(tmp_path: Path) -> None:
    base = with_patients(tmp_path / "base.db", clinic())
    ends = all_orders(base, hasty, visit(1), visit(2, "2026-12-01T10:30"))
    assert set(ends) == {("booked", "guard: chair-busy"), ("booked", "rules: chair-busy")}
    assert ends["booked", "guard: chair-busy"] > 35


class Fight(NamedTuple):
    """Two visits that exclude each other for one reason."""

    of: Clinic
    one: Appointment
    other: Appointment
    rule: str


ALONE = MOOD._replace(id="iv-alone", phases=(Phase("infusion", 60, patients_per_nurse=1),), provider=False)
FIGHTS = {
    "chair": Fight(clinic(), visit(1), visit(2), "chair-busy"),
    "patient": Fight(clinic(), visit(1), visit(2, chair="chair-2", of=1), "patient-busy"),
    "hands": Fight(clinic(staff=(nurse(1), provider(1))), visit(1), visit(2, chair="chair-2"), "staff-short"),
    "attention": Fight(
        clinic(staff=(nurse(1),), protocols=(ALONE,)),
        visit(1, protocol=ALONE),
        visit(2, "2026-12-01T09:45", "chair-2", protocol=ALONE),
        "staff-short",
    ),
    "provider": Fight(clinic(), visit(1, protocol=CONSULT), visit(2, chair="chair-2", protocol=CONSULT), "staff-short"),
}
BOTH_LOOK_FIRST = [0, 1, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("name", FIGHTS)
def test_with_the_rules_passed_by_the_guard_refuses_whatever_is_fought_for(tmp_path: Path, name: str) -> None:
    of, one, other, rule = FIGHTS[name]
    path = with_patients(tmp_path / "book.db", of)
    with open_store(path, patience=0) as first, open_store(path, patience=0) as second:
        assert play(BOTH_LOOK_FIRST, hasty(first, one), hasty(second, other)) == ["booked", f"guard: {rule}"]
        assert check(first) == []
    assert checker.problems(path) == []


@pytest.mark.parametrize("name", FIGHTS)
def test_without_guard_and_lock_two_desks_that_both_look_first_do_overbook(tmp_path: Path, name: str) -> None:
    of, one, other, _ = FIGHTS[name]
    base, path = with_patients(tmp_path / "base.db", of), tmp_path / "played.db"
    with closing(sqlite3.connect(base, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER claim_capacity")
    overbooked = []
    for order in orders(2):
        shutil.copyfile(base, path)
        with open_store(path) as first, open_store(path) as second:
            play(order, unguarded(first, one), unguarded(second, other))
        overbooked.append(checker.overbooked_minutes(path) > 0)
    record("interleavings without the guard", "SQLite", orders=len(overbooked), double_booked=sum(overbooked))
    # Only where one desk does both its steps before the other's first does it end well.
    assert sorted(overbooked) == [False] * 2 + [True] * 4


def unguarded(store: BookStore, wanted: Appointment) -> Steps:
    """Look and decide in one transaction, write by plain SQL in another."""
    with store.reading(NOW) as reader:
        refusal = refused(reader, wanted)
    yield
    if refusal:
        return refusal
    with Outside(file_of(store).path) as book:
        assert control.write(book, wanted)
    return "booked"


def test_a_second_desk_waits_for_the_first_and_is_told_who_was_quicker(tmp_path: Path) -> None:
    path = with_patients(tmp_path / "book.db", clinic())
    ask = booking.BookAsk(patient(2).id, "iv-mood", "2026-12-01T10:30", "chair-1")
    waiting = threading.Event()
    told: list[tuple[str, str]] = []

    def second() -> None:
        with open_store(path, on_wait=lambda _: waiting.set()) as store:
            with pytest.raises(ConflictError) as caught:
                booking.book(Desk(store, NOW, "second"), ask)
            told.extend((conflict.rule, conflict.subject) for conflict in caught.value.conflicts)

    desk = threading.Thread(target=second)
    with open_store(path) as store, store.writing(NOW) as writer:
        writer.write(Entry("book", "first", [change(None, visit(1))]))
        desk.start()
        assert waiting.wait(30)
        assert told == []
    desk.join(30)
    assert told == [("chair-busy", visit(1).id)]
    assert list(checker.visits(path)) == [visit(1).id]
