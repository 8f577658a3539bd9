"""Visits one after the other, on either engine: the same as all at once, and none of them kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW, at, block, clinic, patient, place, text_of, visit, write

from infusion_cli.domain.clinic_time import DAY
from infusion_cli.domain.plan import change
from infusion_cli.services.ports import Entry
from infusion_cli.store.repository import BookStore, create_book

ALL = (0, 1 << 33)
STANDING = ("pending", "booked", "fulfilled")
FIRST = at("2026-12-01T09:00")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BookStore]:
    """A book with four patients."""
    where = tmp_path / "book.db" if request.param == "sqlite" else request.getfixturevalue("database_url")
    with create_book(place(where), text_of(clinic()), clinic(), NOW, "test") as made:
        write(made, *(patient(n) for n in range(4)))
        yield made


def test_a_stream_gives_the_visits_that_a_list_gives_in_order_of_start(store: BookStore) -> None:
    write(
        store,
        visit(0, "2026-12-02T09:00"),
        visit(1, "2026-12-01T09:00"),
        visit(2, "2026-12-01T13:00", status="cancelled"),
        visit(3, "2026-12-01T15:00", status="pending", hold_until=NOW + 60),
    )
    for now, lo, hi, ids in (
        (NOW, *ALL, [1, 3, 0]),
        (NOW + 60, *ALL, [1, 0]),
        (NOW, FIRST + 1, FIRST + DAY, [3]),
        (NOW, FIRST + DAY + 1, 1 << 33, []),
    ):
        with store.reading(now) as reader:
            found = list(reader.each_visit(lo, hi, STANDING))
            assert found == reader.visits(lo, hi, STANDING)
            assert [v.id for v in found] == [visit(n).id for n in ids]


def test_expired_holds_are_among_the_cancelled_in_a_stream_too(store: BookStore) -> None:
    write(store, visit(3, "2026-12-01T15:00", status="pending", hold_until=NOW + 60))
    with store.reading(NOW + 60) as reader:
        (gone,) = reader.each_visit(*ALL, ["cancelled"])
    assert (gone.status, gone.hold_until) == ("cancelled", None)


def test_a_stream_that_was_left_early_is_over_and_the_book_goes_on(store: BookStore) -> None:
    write(store, visit(0), visit(1, "2026-12-01T13:00"))
    for _ in range(3):
        with store.reading(NOW) as reader:
            stream = reader.each_visit(*ALL, STANDING)
            assert next(stream).id == visit(0).id
        assert list(stream) == []
    write(store, visit(2, "2026-12-01T15:00"))


def test_a_stream_that_is_still_held_when_the_book_is_closed_is_over(store: BookStore) -> None:
    write(store, visit(0), visit(1, "2026-12-01T13:00"))
    stream = store.database.each("visits_starting", lo=0, hi=1 << 33, statuses='["booked"]')
    store.database.begin_reading()
    assert next(stream)[0] == visit(0).id
    store.close()
    assert list(stream) == []


def test_other_questions_can_be_asked_while_a_stream_runs(store: BookStore) -> None:
    write(store, visit(0), visit(1, "2026-12-01T13:00"))
    with store.reading(NOW) as reader:
        assert [reader.record(v.id) for v in reader.each_visit(*ALL, STANDING)] == reader.visits(*ALL, STANDING)


def test_the_span_reaches_from_the_first_start_to_the_last_end(store: BookStore) -> None:
    with store.reading(NOW) as reader:
        assert reader.span(*ALL, STANDING) is None
    write(store, visit(0), visit(1, "2026-12-03T13:00"), visit(2, "2026-12-09T13:00", status="cancelled"))
    with store.reading(NOW) as reader:
        assert reader.span(*ALL, STANDING) == (FIRST, visit(1, "2026-12-03T13:00").end)
        assert reader.span(FIRST + 1, FIRST + DAY, STANDING) is None


def test_blocks_that_touch_a_stretch_are_found_and_lifted_ones_are_not(store: BookStore) -> None:
    write(store, block(0), block(1, status="removed"), block(2, "staff", "rn-1"))
    with store.reading(NOW) as reader:
        assert [b.id for b in reader.blocks(*ALL)] == [block(0).id, block(2).id]
        assert reader.blocks(block(0).end, 1 << 33) == []


def test_a_books_founding_never_changes_and_another_book_has_another(store: BookStore, tmp_path: Path) -> None:
    with store.reading(NOW) as reader:
        before = reader.founding
    write(store, visit(0))
    with store.reading(NOW) as reader:
        assert reader.founding == before
    with (
        create_book(tmp_path / "other.db", text_of(clinic()), clinic(), NOW, "test") as other,
        other.reading(NOW) as reader,
    ):
        assert reader.founding != before


def test_a_stream_of_many_visits_holds_few_of_them_in_memory(store: BookStore) -> None:
    many = 5_000
    visits = [
        visit(n, of=n % 4, status="cancelled")._replace(start=start, end=start + 60, leave=start + 60)
        for n, start in enumerate(range(FIRST, FIRST + many * 60, 60))
    ]
    with store.writing(NOW) as writer:
        writer.write(Entry("test", "test", [change(None, v) for v in visits]))
    with store.reading(NOW) as reader:

        def peak(streamed: bool) -> int:
            tracemalloc.start()
            try:
                read = reader.each_visit if streamed else reader.visits
                assert sum(1 for _ in read(*ALL, ["cancelled"])) == many
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        assert peak(streamed=True) < peak(streamed=False) / (4 if store.database.dialect == "sqlite" else 1.5)
