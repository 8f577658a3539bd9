"""Calendars imported again and again, on both engines: the blocks are always what the newest files say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, book, clinic, text_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_cli.config import ServerUrl
from infusion_cli.domain.book import Block
from infusion_cli.errors import ConflictError
from infusion_cli.services import calendars
from infusion_cli.services.calendars import Calendar, Subject, Taken
from infusion_cli.services.desk import Desk, Outcome
from infusion_cli.services.undo import undo
from infusion_cli.store.repository import BookStore, create_book

HOUR, DAY = 3600, 86_400
WINDOW = (NOW, NOW + 30 * DAY)
NURSE = Subject("staff", "rn-1")
ENTRIES = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(-3, 35), st.integers(1, 50)), max_size=6)
"""By key: days from now until it begins, hours that it takes."""
TOGETHER = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BookStore]:
    """A new book in a file and in a database."""
    if request.param == "sqlite":
        made = book(tmp_path / "book.sqlite3")
    else:
        url = str(request.getfixturevalue("database_url"))
        made = create_book(ServerUrl(url, "main"), text_of(clinic()), clinic(), NOW, "test")
    with made:
        yield made


def taken(entries: dict[str, tuple[int, int]]) -> list[Taken]:
    """The entries that touch the window, as a reader of files gives them."""
    all_of_them = [Taken(k, NOW + day * DAY, NOW + day * DAY + hours * HOUR) for k, (day, hours) in entries.items()]
    return [t for t in all_of_them if t.end > WINDOW[0] and t.start < WINDOW[1]]


def bring_in(store: BookStore, entries: Sequence[Taken], *, is_whole: bool = True, **changes: Any) -> Outcome:
    """Import a nurse's roster, or what `changes` make of it."""
    calendar = Calendar("roster", NURSE, entries, is_whole)._replace(**changes)
    return calendars.import_calendars(Desk(store, NOW, "test"), [calendar], WINDOW, {})


def standing(store: BookStore) -> set[tuple[str, str, int, int]]:
    """Where the blocks that stand come from, whom they are about and when."""
    return {(b.origin, b.subject, b.start, b.end) for b in blocks(store) if b.status == "active"}


def blocks(store: BookStore) -> list[Block]:
    with store.reading(NOW) as reader:
        return list(reader.load(NOW - 90 * DAY, NOW + 90 * DAY).blocks.values())


def clear(store: BookStore) -> None:
    bring_in(store, [])
    assert standing(store) == set()


@TOGETHER
@given(first=ENTRIES, second=ENTRIES)
def test_a_first_and_then_a_second_file_come_to_what_the_second_alone_says(
    store: BookStore, first: dict[str, tuple[int, int]], second: dict[str, tuple[int, int]]
) -> None:
    clear(store)
    bring_in(store, taken(first))
    bring_in(store, taken(second))
    after_both = standing(store)
    assert after_both == {(f"roster/{t.key}", "rn-1", t.start, t.end) for t in taken(second)}
    clear(store)
    bring_in(store, taken(second))
    assert standing(store) == after_both


@TOGETHER
@given(entries=ENTRIES)
def test_the_same_file_again_changes_nothing_and_writes_no_operation(
    store: BookStore, entries: dict[str, tuple[int, int]]
) -> None:
    clear(store)
    bring_in(store, taken(entries))
    before = blocks(store)
    again = bring_in(store, taken(entries))
    assert (again.changes, again.operation) == ((), "")
    assert again.summary["calendars"][0]["kept"] == len(taken(entries))
    assert blocks(store) == before


@TOGETHER
@given(first=ENTRIES, second=ENTRIES)
def test_an_import_can_be_undone(
    store: BookStore, first: dict[str, tuple[int, int]], second: dict[str, tuple[int, int]]
) -> None:
    clear(store)
    bring_in(store, taken(first))
    before = standing(store)
    outcome = bring_in(store, taken(second))
    if outcome.operation:
        undo(Desk(store, NOW, "test"), outcome.operation)
    assert standing(store) == before


A, B = Taken("a", NOW + DAY, NOW + 2 * DAY), Taken("b", NOW + 3 * DAY, NOW + 4 * DAY)


def test_another_calendar_and_another_person_of_the_same_calendar_are_left_alone(store: BookStore) -> None:
    bring_in(store, [A, B])
    bring_in(store, [A], source="roster/b")
    bring_in(store, [A], source="roster2")
    bring_in(store, [A], subject=Subject("staff", "rn-2"))
    bring_in(store, [A], subject=Subject("clinic"))
    bring_in(store, [])
    origins = sorted((origin, subject) for origin, subject, *_ in standing(store))
    assert origins == [("roster/a", ""), ("roster/a", "rn-2"), ("roster/b/a", "rn-1"), ("roster2/a", "rn-1")]


def test_nothing_is_lifted_that_a_broken_file_no_longer_names(store: BookStore) -> None:
    bring_in(store, [A, B])
    outcome = bring_in(store, [A], is_whole=False)
    assert (outcome.changes, outcome.summary["calendars"][0]["kept"]) == ((), 2)
    assert len(bring_in(store, [A]).changes) == 1


def test_what_is_over_stays_and_an_entry_that_is_back_later_is_a_new_block(store: BookStore) -> None:
    bring_in(store, [A])
    later = NOW + 10 * DAY
    window = (later, later + 30 * DAY)
    moved = Calendar("roster", NURSE, [Taken("a", later + DAY, later + 2 * DAY)])
    calendars.import_calendars(Desk(store, later, "test"), [moved], window, {})
    assert len(standing(store)) == 2
    calendars.import_calendars(Desk(store, later, "test"), [moved._replace(taken=[])], window, {})
    assert standing(store) == {("roster/a", "rn-1", A.start, A.end)}


def test_an_entry_that_stands_twice_after_an_undone_removal_stands_once_again(store: BookStore) -> None:
    bring_in(store, [A])
    removal = bring_in(store, [])
    bring_in(store, [A])
    undo(Desk(store, NOW, "test"), removal.operation)
    assert len([b for b in blocks(store) if b.status == "active"]) == 2
    bring_in(store, [A])
    assert len([b for b in blocks(store) if b.status == "active"]) == 1


def test_a_calendar_that_would_lose_more_by_now_than_was_agreed_is_left_as_it_is(store: BookStore) -> None:
    bring_in(store, [A])
    other = Calendar("roster", NURSE, [B])
    with store.reading(NOW) as reader:
        agreed = calendars.emptied(reader, [other], WINDOW)
        assert [(k.source, k.subject, len(k.blocks)) for k in agreed] == [("roster", NURSE, 1)]
        assert calendars.emptied(reader, [other._replace(taken=[A])], WINDOW) == []
        assert calendars.emptied(reader, [other._replace(is_whole=False)], WINDOW) == []
        assert calendars.emptied(reader, [other], (A.end, WINDOW[1])) == []
    before = blocks(store)
    with pytest.raises(ConflictError):
        calendars.import_calendars(Desk(store, NOW, "test"), [other], WINDOW, {}, [])
    assert blocks(store) == before
    calendars.import_calendars(Desk(store, NOW, "test"), [other], WINDOW, {}, agreed)
    assert standing(store) == {("roster/b", "rn-1", B.start, B.end)}


def test_blocks_made_at_the_desk_have_no_source(store: BookStore) -> None:
    bring_in(store, [A])
    with store.reading(NOW) as reader:
        assert [b.origin for b in reader.blocks_of_source("roster", NOW)] == ["roster/a"]
        assert reader.blocks_of_source("", NOW) == reader.blocks_of_source("roste", NOW) == []
        assert reader.blocks_of_source("roster", A.end) == []
