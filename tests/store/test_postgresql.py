"""A book on a server: who is let in, who waits, and what becomes of a change when the connection is lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from builders import NOW, clinic, patient, text_of, visit, write
from databases import connect

from infusion_cli.config import ServerUrl
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import change
from infusion_cli.errors import ConflictError, InterruptedCommandError, StoreError, TransientError, UsageError
from infusion_cli.services.desk import Decision, Desk, carry_out
from infusion_cli.services.ports import Entry, Writer
from infusion_cli.store import server
from infusion_cli.store.check import cautions, check
from infusion_cli.store.postgresql import PostgresDatabase
from infusion_cli.store.repository import BookStore, create_book, open_store


@pytest.fixture
def url(database_url: str) -> ServerUrl:
    """Where there is room for a book."""
    return ServerUrl(database_url)


@pytest.fixture
def store(url: ServerUrl) -> Iterator[BookStore]:
    """A book with three patients."""
    with create(url) as made:
        write(made, *(patient(n) for n in range(3)))
        yield made


def create(url: ServerUrl, of: Clinic | None = None) -> BookStore:
    return create_book(url, text_of(of or clinic()), of or clinic(), NOW, "founder")


def on_server(store: BookStore) -> PostgresDatabase:
    assert isinstance(store.database, PostgresDatabase)
    return store.database


def hang_up(store: BookStore) -> None:
    """Let the server end the store's connection, as it does when it is shut down."""
    (pid,) = on_server(store).connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    with connect(on_server(store).url.url) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def refusal(act: Callable[[], object]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        act()
    return caught.value


# Opening


def test_an_empty_database_has_no_book_yet(url: ServerUrl) -> None:
    error = refusal(lambda: open_store(url))
    assert (error.message, error.hint) == (f"There is no book yet at {url}.", "infusion init")


def test_a_second_book_of_a_clinic_is_refused_and_changes_nothing(store: BookStore, url: ServerUrl) -> None:
    before = store.describe()
    assert "already" in refusal(lambda: create(url)).message
    after = store.describe()
    assert {k: v for k, v in before.items() if k != "bytes"} == {k: v for k, v in after.items() if k != "bytes"}


def test_a_creation_that_is_given_up_leaves_an_empty_database(url: ServerUrl) -> None:
    with pytest.raises(ValueError, match="another clinic"):
        create_book(url, text_of(clinic()), clinic(name="Other"), NOW, "founder")
    assert "no book yet" in refusal(lambda: open_store(url)).message


def test_two_that_create_at_once_make_one_book(url: ServerUrl) -> None:
    ends: list[str] = []

    def found() -> None:
        try:
            create(url).close()
            ends.append("made")
        except StoreError as error:
            ends.append(error.message)

    founders = [threading.Thread(target=found) for _ in range(3)]
    for one in founders:
        one.start()
    for one in founders:
        one.join(30)
    assert "made" in ends
    assert sorted(end.endswith("already.") for end in ends) == [False, True, True]


def test_of_an_address_neither_user_nor_password_is_ever_shown(url: ServerUrl) -> None:
    secret = ServerUrl("postgresql://mira:s3cret@127.0.0.1:1/clinics?password=s3cret&sslmode=disable")
    assert str(secret) == "postgresql://127.0.0.1:1/clinics"
    error = refusal(lambda: open_store(secret))
    assert error.message == "The database postgresql://127.0.0.1:1/clinics cannot be reached; nothing was written."


@pytest.mark.parametrize("text", ["postgresql://[half", "postgresql://x/y?shoe=size", "postgresql://h:port/db"])
def test_an_address_that_cannot_be_read(text: str) -> None:
    with pytest.raises((UsageError, StoreError), match=r"cannot be (read|reached)"):
        open_store(ServerUrl(text))


def test_a_database_and_a_user_that_there_are_not(url: ServerUrl) -> None:
    missing = ServerUrl(url.url.rpartition("/")[0] + "/nowhere")
    assert refusal(lambda: open_store(missing)).message == f"There is no such database: {missing}."
    stranger = ServerUrl(url.url.replace("//postgres@", "//nobody@"))
    assert refusal(lambda: open_store(stranger)).message == f"The user named for {stranger} does not exist."


@pytest.mark.parametrize(("version", "what"), [("0099", "newer"), ("0001", "older")])
def test_a_database_of_another_version_is_refused(store: BookStore, url: ServerUrl, version: str, what: str) -> None:
    with connect(url.url) as other:
        other.execute("UPDATE alembic_version SET version_num = %s", [version])
    assert what in refusal(lambda: open_store(url)).message


# Several clinics


def test_clinics_that_share_a_database_see_their_own_and_do_not_wait_for_each_other(url: ServerUrl) -> None:
    harbor, solo = url._replace(clinic="harbor"), url._replace(clinic="solo")
    with create(harbor) as one, create(solo, clinic(name="Solo", timezone="Europe/Berlin")) as other:
        write(one, *(patient(n) for n in range(3)), visit(1))
        write(other, patient(1, name="Somebody Else"))
        with one.writing(NOW) as writer:
            writer.write(Entry("book", "test", [change(None, visit(2, chair="chair-2"))]))
            write(other, visit(1))
        for store, people, zone in ((one, 3, "America/New_York"), (other, 1, "Europe/Berlin")):
            with store.reading(NOW) as reader:
                assert len(reader.patients()) == people
                assert reader.clinic.timezone == zone
            assert check(store) == []
        assert [s.describe()["revision"] for s in (one, other)] == [3, 3]
    error = refusal(lambda: open_store(url))
    assert (error.message, error.hint) == (
        f"Several clinics share {url}.",
        "set INFUSION_CLINIC to one of harbor, solo",
    )
    assert "no clinic 'nord'" in refusal(lambda: open_store(url._replace(clinic="nord"))).message


def test_the_only_clinic_of_a_database_need_not_be_named(url: ServerUrl) -> None:
    create(url._replace(clinic="harbor")).close()
    with open_store(url) as store:
        assert store.describe()["clinic_id"] == "harbor"


# Waiting


def test_a_second_desk_waits_is_told_so_and_gives_up_in_time(store: BookStore, url: ServerUrl) -> None:
    told: list[str] = []
    with open_store(url, on_wait=told.append, patience=1.5) as other:
        began = time.monotonic()
        with store.writing(NOW):
            error = refusal(lambda: write(other, patient(7)))
        assert 1.4 < time.monotonic() - began < 5
        assert told == ["Waiting for another desk to finish …"]
        assert "locked by another desk" in error.message
        write(other, patient(7))
        assert len(told) == 1


def test_a_reader_goes_on_while_somebody_writes_and_sees_one_state_throughout(store: BookStore, url: ServerUrl) -> None:
    with open_store(url) as other, store.reading(NOW) as reader:
        write(other, patient(7))
        assert len(reader.patients()) == 3
        with other.reading(NOW) as fresh:
            assert len(fresh.patients()) == 4


# Lost connections


def test_a_connection_that_was_lost_between_two_commands_is_made_again_with_one_word(store: BookStore) -> None:
    told: list[str] = []
    on_server(store).on_wait = told.append
    for act in (lambda: write(store, patient(7)), store.describe):
        hang_up(store)
        act()
    assert told == [f"The connection to {store.place} was lost; connecting again …"] * 2
    assert store.describe()["patients"] == 4


def add(number: int) -> Callable[[Writer], Decision]:
    """Decide to add a patient whom the book does not have yet."""

    def decide(writer: Writer) -> Decision:
        assert writer.record(patient(number).id) is None
        return Decision([change(None, patient(number))])

    return decide


def test_a_connection_that_is_lost_in_the_middle_of_a_change_is_made_again_and_so_is_the_change(
    store: BookStore,
) -> None:
    calls = []

    def decide(writer: Writer) -> Decision:
        calls.append(1)
        if len(calls) == 1:
            hang_up(store)
        return add(7)(writer)

    done = carry_out(Desk(store, NOW, "test"), "patients add", {}, decide)
    assert done.changes
    assert len(calls) == 2
    assert [store.describe()[name] for name in ("patients", "operations")] == [4, 3]


@pytest.mark.parametrize("arrives", [True, False])
def test_when_the_answer_to_a_commit_is_lost_it_is_looked_up_whether_it_was_written(
    store: BookStore, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    """The server carries the commit out, or not, and the connection is gone before it can say so."""
    real = psycopg.Connection.execute
    lost: list[str] = []

    def execute(self: psycopg.Connection[Any], query: Any, *rest: Any, **options: Any) -> Any:
        if query != "COMMIT" or lost:
            return real(self, query, *rest, **options)
        lost.append(query)
        if arrives:
            real(self, query)
        self.close()
        raise psycopg.OperationalError("the connection is closed")

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    done = carry_out(Desk(store, NOW, "test"), "patients add", {}, add(7))
    assert (lost, len(done.changes)) == (["COMMIT"], 1)
    assert [store.describe()[name] for name in ("patients", "operations")] == [4, 3]
    assert store.committed
    assert check(store) == []


def test_when_nobody_can_be_asked_what_became_of_a_commit_that_is_what_is_said(
    store: BookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = psycopg.Connection.execute

    def execute(self: psycopg.Connection[Any], query: Any, *rest: Any, **options: Any) -> Any:
        if query == "COMMIT":
            on_server(store).url = ServerUrl("postgresql://127.0.0.1:1/gone")
            self.close()
            raise psycopg.OperationalError("the connection is closed")
        return real(self, query, *rest, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    monkeypatch.setattr(server, "REACH", 0.3)
    error = refusal(lambda: write(store, patient(7)))
    assert "it is not known whether the change was written" in error.message
    assert not isinstance(error, TransientError)


def test_a_deadlock_or_a_stricter_level_that_gives_up_is_begun_again(store: BookStore, url: ServerUrl) -> None:
    with connect(url.url) as other:
        other.execute(
            "CREATE FUNCTION sulk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF nextval('moods') < 3 THEN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END IF; "
            "RETURN NEW; END $$"
        )
        other.execute("CREATE SEQUENCE moods")
        other.execute("CREATE TRIGGER moody BEFORE INSERT ON patient FOR EACH ROW EXECUTE FUNCTION sulk()")
    assert carry_out(Desk(store, NOW, "test"), "patients add", {}, add(7)).changes
    with connect(url.url) as other:
        other.execute("SELECT setval('moods', 1, false)")
        other.execute("ALTER SEQUENCE moods INCREMENT BY -1 MINVALUE -100")
        other.execute("SELECT setval('moods', 1, false)")
    with pytest.raises(TransientError, match="gave the change up; nothing was written"):
        carry_out(Desk(store, NOW, "test"), "patients add", {}, add(8))
    assert store.describe()["patients"] == 4


def test_a_server_that_does_not_come_back_is_given_up_in_time(
    store: BookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REACH", 0.5)
    on_server(store).url = ServerUrl("postgresql://127.0.0.1:1/gone")
    hung = on_server(store).connection
    hung.close()
    assert "cannot be reached" in refusal(lambda: write(store, patient(7))).message


def test_ctrl_c_at_the_commit_says_that_it_was_written(store: BookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    real = psycopg.Connection.execute

    def execute(self: psycopg.Connection[Any], query: Any, *rest: Any, **options: Any) -> Any:
        if query == "COMMIT":
            signal.raise_signal(signal.SIGINT)
        return real(self, query, *rest, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    with pytest.raises(InterruptedCommandError, match="had been written"):
        write(store, patient(7))
    assert store.describe()["patients"] == 4


# Rights


def as_desk(url: ServerUrl, name: str) -> ServerUrl:
    return ServerUrl(url.url.replace("//postgres@", f"//{name}@"))


def test_the_set_up_that_the_manual_shows_works_as_it_stands(url: ServerUrl) -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
    database = url.url.rpartition("/")[2]
    script = manual.partition("```sql\n")[2].partition("```")[0]
    outside, inside = script.replace("clinics", database).split(f"\\connect {database}\n")
    statements = [s for s in outside.split(";") if s.strip() and "CREATE DATABASE" not in s]
    with connect(url.url) as admin:
        for role in ("infusion_desk", "infusion_owner"):
            admin.execute(f"DROP ROLE IF EXISTS {role}")
        for statement in [*statements, f"ALTER DATABASE {database} OWNER TO infusion_owner", *inside.split(";")]:
            if statement.strip():
                admin.execute(statement)
    try:
        owner, desk = as_desk(url, "infusion_owner"), as_desk(url, "infusion_desk")
        with create(owner) as store:
            assert [note.rule for note in cautions(store)] == ["owns-tables"]
        with open_store(desk) as store:
            write(store, patient(1), visit(1))
            assert check(store) == []
            assert cautions(store) == []
            for forbidden in ("DROP TRIGGER claim_capacity ON claim", "ALTER TABLE claim DISABLE TRIGGER ALL"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    on_server(store).connection.execute(forbidden)
        create(desk._replace(clinic="second")).close()
    finally:
        with connect(url.url) as admin:
            admin.execute("REASSIGN OWNED BY infusion_owner TO postgres")
            for role in ("infusion_desk", "infusion_owner"):
                admin.execute(f"DROP OWNED BY {role}")
                admin.execute(f"DROP ROLE {role}")


def test_a_user_without_rights_gets_one_sentence(store: BookStore, url: ServerUrl) -> None:
    with connect(url.url) as admin:
        admin.execute("DROP ROLE IF EXISTS infusion_guest")
        admin.execute("CREATE ROLE infusion_guest LOGIN")
    try:
        error = refusal(lambda: open_store(as_desk(url, "infusion_guest")))
        assert error.message.startswith(f"This user may not do that at {url}")
    finally:
        with connect(url.url) as admin:
            admin.execute("DROP ROLE infusion_guest")


def test_a_server_that_can_only_be_read_is_read_and_not_written(store: BookStore, url: ServerUrl) -> None:
    with connect(url.url) as admin:
        name = url.url.rpartition("/")[2]
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with open_store(url) as other, other.reading(NOW) as reader:
        assert len(reader.patients()) == 3


# Texts


@pytest.mark.parametrize("text", ["nul\0", "half \ud800"])
def test_a_text_that_cannot_be_kept_is_refused_in_one_sentence(store: BookStore, text: str) -> None:
    error = refusal(lambda: write(store, patient(7, phone=text)))
    assert error.message.startswith("A text holds ")
    assert store.describe()["patients"] == 3


def test_the_guard_says_which_place_was_taken_among_many(store: BookStore) -> None:
    write(store, visit(1))
    mine = [visit(2, "2026-12-02T09:00"), visit(0, "2026-12-01T09:30", "chair-1"), visit(2, "2026-12-03T09:00")]
    mine[2] = mine[2]._replace(id="A99999")
    with pytest.raises(ConflictError) as caught:
        write(store, *mine)
    assert [(c.rule, c.subject) for c in caught.value.conflicts] == [("chair-busy", "chair-1")]
    assert store.describe()["visits"] == 1


def test_a_resource_is_changed_once_by_a_transaction_however_much_it_claims(store: BookStore, url: ServerUrl) -> None:
    """By the change others are kept waiting; every further version would have to be passed by at the next claim."""
    write(store, *(visit(n, status="cancelled") for n in range(3)))

    def changes() -> int:
        with connect(url.url) as other:
            (found,) = other.execute("SELECT seq FROM resource WHERE kind = 'hands'").fetchone() or (0,)
        return int(found)

    def claim(number: int, hour: int) -> None:
        on_server(store).connection.execute(
            "INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units)"
            " SELECT 'main', id, %s, %s, %s, 1 FROM resource WHERE kind = 'hands'",
            [NOW + hour * 3600, visit(number).id, NOW + hour * 3600 + 60],
        )

    before = changes()
    with on_server(store).connection.transaction():
        for hour in range(20):
            claim(0, hour)
    assert changes() == before + 1
    claim(1, 0)
    assert changes() == before + 2
    with on_server(store).connection.transaction():
        with suppress(ZeroDivisionError), on_server(store).connection.transaction():
            claim(2, 1)
            raise ZeroDivisionError
        claim(2, 1)
    assert changes() == before + 3


def test_what_is_kept_of_a_clinic_is_text_and_whole_numbers(store: BookStore) -> None:
    told = store.describe()
    assert json.loads(json.dumps(told)) == told
    assert told["engine"].startswith("PostgreSQL ")
