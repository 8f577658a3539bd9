"""The chain of operations: whole when nobody touched it, and the first touched row is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders import NOW, book, patient, visit, write
from store.damage import damage

from infusion_cli.config import Place
from infusion_cli.store import journal
from infusion_cli.store.repository import BookStore


@pytest.fixture
def store(own_room: Place) -> Iterator[BookStore]:
    """A book with four operations: its founding, two patients, a visit."""
    with book(own_room) as made:
        for number in range(2):
            write(made, patient(number))
        write(made, visit())
        yield made


def cut_out(store: BookStore, seq: int) -> None:
    """Remove an operation with all that refers to it."""
    tables = ("touched", "payload", "operation")
    statements = (f"DELETE FROM {table} WHERE seq = {seq}" for table in tables)
    damage(store, *statements, without=("payload_delete", "operation_delete"))


def test_a_journal_that_nobody_touched_is_whole(store: BookStore) -> None:
    assert journal.verify(store.database) == []
    assert journal.head(store.database).seq == 4


@pytest.mark.parametrize("column", ["actor", "command", "at", "digest", "undoes", "id"])
def test_a_rewritten_row_is_named(store: BookStore, column: str) -> None:
    damage(store, f"UPDATE operation SET {column} = '7' WHERE seq = 3", without=("operation_update",))
    (found,) = journal.verify(store.database)
    assert found.seq == 3
    assert "was rewritten" in found.message


def test_a_row_rewritten_with_its_hash_betrays_itself_in_the_next(store: BookStore) -> None:
    (row,) = [r for r in store.database.rows("chain") if r[0] == 2]
    forged = (*row[:3], "somebody else", *row[4:8])
    damage(
        store,
        f"UPDATE operation SET actor = 'somebody else', hash = '{journal.hash_of(*forged)}' WHERE seq = 2",
        without=("operation_update",),
    )
    (found,) = journal.verify(store.database)
    assert found.seq == 3
    assert "does not follow" in found.message


def test_a_removed_row_is_missed(store: BookStore) -> None:
    cut_out(store, 3)
    (found,) = journal.verify(store.database)
    assert found == journal.Break(4, "operation number 3 is missing")


def test_a_rewritten_payload_is_named_and_the_rest_looked_at(store: BookStore) -> None:
    damage(store, "UPDATE payload SET changes = '[]' WHERE seq IN (2, 4)", without=("payload_update",))
    assert [found.seq for found in journal.verify(store.database)] == [2, 4]


def test_a_removed_payload_is_named(store: BookStore) -> None:
    damage(store, "DELETE FROM payload WHERE seq = 2", without=("payload_delete",))
    assert [found.seq for found in journal.verify(store.database)] == [2]


def test_a_forgotten_payload_leaves_the_chain_whole(store: BookStore) -> None:
    damage(store, "UPDATE payload SET changes = '', salt = '' WHERE seq = 2")
    assert journal.verify(store.database) == []
    with store.reading(NOW) as reader:
        assert [(o.seq, len(o.changes)) for o in reader.operations()] == [(4, 1), (3, 1), (2, 0), (1, 1)]


def test_a_cut_off_tail_is_seen_by_the_head_that_was_noted(store: BookStore) -> None:
    noted = journal.head(store.database)
    cut_out(store, 4)
    assert journal.verify(store.database) == []
    assert journal.head(store.database) != noted


def test_equal_operations_have_different_digests(store: BookStore) -> None:
    write(store, patient())
    write(store, patient())
    digests = [row[6] for row in store.database.rows("chain")]
    assert len(set(digests)) == len(digests)


def test_fields_cannot_run_into_each_other() -> None:
    assert journal.hash_of(1, "ab", 0, "c", "", None, "", "") != journal.hash_of(1, "a", 0, "bc", "", None, "", "")
    assert journal.hash_of(1, "a", 0, "", "", None, "", "") != journal.hash_of(1, "a", 0, "", "", "", "", "")


def test_the_order_of_operations_does_not_hang_on_the_clock(store: BookStore) -> None:
    for now in (0, 4_000_000_000, NOW - 86_400):
        write(store, patient(5), now=now)
    assert journal.verify(store.database) == []
    with store.reading(NOW) as reader:
        assert [o.seq for o in reader.operations()] == [7, 6, 5, 4, 3, 2, 1]
