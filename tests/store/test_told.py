"""What patients were told, in the book: kept beside the journal, on either engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW, clinic, patient, place, text_of, visit, write

from infusion_cli.domain.outbox import Delivery, Told
from infusion_cli.errors import MailError, StoreError
from infusion_cli.services import outbox
from infusion_cli.services.ports import Letter
from infusion_cli.store.check import check
from infusion_cli.store.repository import BookStore, create_book

CLINIC = clinic(email="desk@harbor.example")
ROW = Told(visit(1).id, 0, "REQUEST", "<1@x>", "waiting", 1, NOW, NOW + 60, "lost")


@pytest.fixture(params=["file", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BookStore]:
    """A book with three patients who have an address, and a visit of each."""
    where = tmp_path / "book.db" if request.param == "file" else request.getfixturevalue("database_url")
    with create_book(place(where), text_of(CLINIC), CLINIC, NOW, "test") as made:
        write(made, *(patient(n, email=f"p{n}@example.com") for n in range(3)))
        write(made, *(visit(n, f"2026-12-0{n + 1}T09:00") for n in range(3)))
        yield made


def kept(store: BookStore) -> dict[str, Told]:
    """Everything that is kept."""
    with store.reading(NOW) as reader:
        return reader.told(visit(n).id for n in range(3))


def put(store: BookStore, *rows: Told, discard: bool = False) -> None:
    """Keep messages, in one transaction."""
    with store.writing(NOW) as writer:
        for row in rows:
            writer.put_told(row)
        if discard:
            writer.discard()


def test_a_message_is_kept_and_replaced_and_is_no_part_of_the_journal(store: BookStore) -> None:
    before = store.describe()["head"]
    other = ROW._replace(visit=visit(2).id, method="CANCEL", state="failed")
    put(store, ROW, other)
    assert kept(store) == {ROW.visit: ROW, other.visit: other}
    newer = ROW._replace(sequence=3, method="CANCEL", state="sent", next_at=0, error="")
    put(store, newer)
    assert kept(store) == {ROW.visit: newer, other.visit: other}
    assert store.describe()["head"] == before
    assert check(store) == []


def test_what_is_discarded_or_refused_is_not_kept(store: BookStore) -> None:
    put(store, ROW, discard=True)
    for wrong in (ROW._replace(state="lost"), ROW._replace(method="PUBLISH"), ROW._replace(visit="A999")):
        with pytest.raises(StoreError):
            put(store, wrong)
    assert kept(store) == {}


class Post:
    """A mail server that answers as it is told, and looks into the book meanwhile."""

    def __init__(self, store: BookStore, *results: str) -> None:
        self.store = store
        self.results = list(results)
        self.seen: list[Told] = []
        self.may_be_out = False

    def deliver(self, letter: Letter) -> Delivery:
        """Note how the message stands in the book while it is on its way."""
        with self.store.reading(NOW) as reader:
            self.seen.append(reader.told([letter.visit.id])[letter.visit.id])
        result = self.results.pop(0)
        self.may_be_out = result.startswith("out")
        if result == "gone":
            raise MailError("The mail server is gone.")
        if result.endswith("broken"):
            raise KeyboardInterrupt
        return Delivery(result, "" if result == "sent" else "why")


def sent(store: BookStore, post: Post, *names: str, again: bool = False) -> list[str]:
    """The visits that were told in a run."""
    run = outbox.Run(store, lambda: NOW, post, again=again)
    run.send(names)
    return [letter.visit.id for letter in run.sent]


def test_a_message_is_noted_before_it_goes_out_and_after(store: BookStore) -> None:
    post = Post(store, "sent", "later", "never")
    assert sent(store, post) == [visit(0).id]
    assert [(t.state, t.tries, t.at) for t in post.seen] == [("waiting", 1, NOW)] * 3
    rows = [kept(store)[visit(n).id] for n in range(3)]
    assert [(t.state, t.at) for t in rows] == [("sent", NOW), ("waiting", 0), ("failed", 0)]


def test_a_server_that_is_gone_leaves_the_book_as_if_nobody_had_tried(store: BookStore) -> None:
    put(store, ROW._replace(next_at=NOW))
    post = Post(store, "sent", "gone")
    run = outbox.Run(store, lambda: NOW, post)
    with pytest.raises(MailError):
        run.send()
    assert [letter.visit.id for letter in run.sent] == [visit(0).id]
    assert kept(store)[ROW.visit] == ROW._replace(next_at=NOW)
    with pytest.raises(MailError):
        sent(store, Post(store, "gone"), visit(2).id)
    fresh = kept(store)[visit(2).id]
    assert (fresh.state, fresh.tries, fresh.at, fresh.next_at) == ("waiting", 0, 0, 0)
    assert sent(store, Post(store, "sent", "sent")) == [visit(1).id, visit(2).id]


def test_a_try_that_breaks_off_is_as_if_it_had_not_begun_unless_the_message_may_be_out(store: BookStore) -> None:
    for result, reached in (("broken", 0), ("out and broken", NOW)):
        with pytest.raises(KeyboardInterrupt):
            sent(store, Post(store, result), visit(0).id)
        assert kept(store)[visit(0).id].at == reached


@pytest.mark.parametrize("again", [False, True])
def test_one_try_at_a_time_belongs_to_one_run(store: BookStore, again: bool) -> None:
    class Other(Post):
        """A second run comes in while the first one's message is on its way."""

        def deliver(self, letter: Letter) -> Delivery:
            """Let the other run do what it can."""
            assert sent(self.store, Post(self.store), letter.visit.id, again=again) == []
            return super().deliver(letter)

    assert len(sent(store, Other(store, "sent", "sent", "sent"), again=again)) == 3


def test_a_refusal_that_may_mean_us_stops_the_run_unless_others_are_taken(store: BookStore) -> None:
    with pytest.raises(MailError, match="takes no mail from us: why"):
        sent(store, Post(store, "unclear", "later", "unclear"))
    rows = kept(store)
    assert [(rows[visit(n).id].state, rows[visit(n).id].tries) for n in range(3)] == [
        *(("waiting", 0), ("waiting", 1), ("waiting", 0)),
    ]
    assert [rows[visit(n).id].at for n in range(3)] == [0, 0, 0]
    post = Post(store, "unclear", "sent", "unclear")
    assert sent(store, post) == [visit(2).id]
    assert [t.visit for t in post.seen] == [visit(0).id, visit(2).id, visit(0).id]
    assert kept(store)[visit(0).id].state == "failed"


def test_many_refusals_in_a_row_stop_the_run_though_one_was_taken(store: BookStore) -> None:
    count = outbox.MANY + 4
    write(store, *(patient(n, email=f"p{n}@example.com") for n in range(3, count)))
    write(store, *(visit(n, f"2026-12-{n + 1:02}T09:00") for n in range(3, count)))
    post = Post(store, "unclear", "sent", *["unclear"] * (outbox.MANY + 1))
    with pytest.raises(MailError):
        sent(store, post)
    assert len(post.seen) == 2 + outbox.MANY
    with store.reading(NOW) as reader:
        told = reader.told(visit(n).id for n in range(count)).values()
    assert [t.visit for t in told if t.tries] == [visit(1).id]
