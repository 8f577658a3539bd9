"""PostgreSQL servers that the tests start, kill and promote. They listen on the loopback only, without passwords."""

from __future__ import annotations

import ctypes
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from databases import Databases, ask
from premises import Premises, locked

OWNER = "postgres"
"""The role that owns every cluster."""
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
shared_buffers = 32MB
# In the cluster's folder; in the system's shared memory a killed server would leave it for good.
dynamic_shared_memory_type = mmap
"""
SYNCHRONOUS = """
SELECT 1 FROM pg_stat_replication
WHERE application_name = 'standby' AND state = 'streaming' AND sync_state = 'sync'
"""


def until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until it holds; raises TimeoutError with what did not happen."""
    last = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > last:
            raise TimeoutError(f"After {seconds:g} seconds still not so: {what}.")
        time.sleep(0.01)


def free_port() -> int:
    """A port of the loopback that nobody listens on, below those that systems hand out to clients."""
    while True:
        port = random.randrange(20000, 32000)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Process(NamedTuple):
    """What the system says about a process."""

    parent: int
    state: str
    """`T` stopped, `Z` ended and not yet collected, or another letter."""


def processes() -> dict[int, Process]:
    """Every process of the machine by its number."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            state, parent = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
            found[int(stat.parent.name)] = Process(int(parent), state)
    if not found:  # a system without /proc
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,state="], capture_output=True, check=True, text=True)
        for number, parent, state in map(str.split, listed.stdout.splitlines()):
            found[int(number)] = Process(int(parent), state[0])
    return found


def running(numbers: Iterable[int]) -> list[int]:
    """Those of the processes that have not ended."""
    now = processes()
    return [number for number in numbers if number in now and now[number].state != "Z"]


class Server:
    """A cluster in a folder of its own, and the processes that serve it."""

    def __init__(self, premises: Premises, name: str) -> None:
        self.premises = premises
        self.folder = premises.folder / name
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = 0

    @property
    def notes(self) -> Path:
        """The file in which a running server keeps its numbers: of its process, its port, its shared memory."""
        return self.data / "postmaster.pid"

    @property
    def databases(self) -> Databases:
        """Its databases, fresh ones too."""
        return Databases(f"postgresql://{OWNER}@127.0.0.1:{self.port}/postgres")

    def url(self, database: str = "postgres") -> str:
        """Where to reach a database of it."""
        return self.databases.url(database)

    def make_room(self) -> None:
        """An empty folder for it, in place of what was there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.premises.give(self.folder)

    def create(self, *, fsync: bool = True) -> None:
        """Lay out an empty cluster; without `fsync` it may be ended, but not killed."""
        self.make_room()
        how = ["--username", OWNER, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        self.premises.run("initdb", "-D", self.data, *how)
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"{SETTINGS}fsync = {'on' if fsync else 'off'}\n")

    def start(self) -> None:
        """Start it, on the port that it had before; returns when it answers, recovered from whatever ended it."""
        self.port = self.port or free_port()
        try:
            self.premises.run("pg_ctl", "start", "-s", "-w", "-D", self.data, "-l", self.log, "-o", f"-p {self.port}")
        except RuntimeError as error:
            said = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
            raise RuntimeError(f"{error}\n{said[-2000:]}") from None

    def stop(self) -> None:
        """End it in good order, whoever is connected."""
        self.premises.run("pg_ctl", "stop", "-s", "-w", "-m", "fast", "-D", self.data)

    def family(self) -> list[int]:
        """The numbers of its first process and of all that this one has started; none when it does not run."""
        if not self.notes.exists():
            return []
        first = int(self._noted(0))
        return running([first, *(number for number, process in processes().items() if process.parent == first)])

    def kill(self) -> None:
        """Kill all its processes as nearly at one moment as can be, as a power cut would; nothing if it has ended."""
        family = self.family()
        if not family:
            return
        # Stopped, the first one starts no further process, and tells no other of a death.
        os.kill(family[0], signal.SIGSTOP)
        until(lambda: processes()[family[0]].state == "T", "the server's first process stands still")
        family = self.family()
        for number in reversed(family):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        until(lambda: not running(family), "the server's processes are gone")
        self._lose_memory()

    def remove(self) -> None:
        """Kill it, and remove all that it had."""
        self.kill()
        shutil.rmtree(self.folder)

    def _noted(self, line: int) -> str:
        return self.notes.read_text(encoding="utf-8").splitlines()[line]

    def _lose_memory(self) -> None:
        """Free what a killed server leaves with the system, as a power cut would."""
        with suppress(IndexError):  # it was killed before it had any
            ctypes.CDLL(None).shmctl(int(self._noted(6).split()[1]), 0, None)
        # Its number may soon be that of a process which is no server at all.
        self.notes.unlink()


def new_server(premises: Premises, *, fsync: bool = True) -> Server:
    """A server of one's own, started."""
    server = Server(premises, f"server-{secrets.token_hex(4)}")
    server.create(fsync=fsync)
    server.start()
    return server


def shared_server(premises: Premises) -> Server:
    """The server that all users of the premises share, and so nobody kills: it takes no care of power cuts."""
    server = Server(premises, "shared")
    with locked(premises.folder / "shared.lock"):
        if server.notes.exists():
            server.port = int(server.notes.read_text(encoding="utf-8").splitlines()[3])
        else:
            server.create(fsync=False)
            server.start()
    return server


class Pair:
    """A primary that acknowledges a commit when its standby has it on disk too; each can take the other's place."""

    def __init__(self, premises: Premises) -> None:
        self.primary = new_server(premises)
        self.standby = Server(premises, f"server-{secrets.token_hex(4)}")
        self.seed()

    def url(self, database: str) -> str:
        """A URL of both hosts, for clients that look for the one that can be written to."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in sorted((self.primary.port, self.standby.port)))
        return f"postgresql://{OWNER}@{hosts}/{database}?target_session_attrs=read-write"

    def seed(self) -> None:
        """Make the standby from a copy of the primary, on its old port, and have commits wait for it from now on."""
        self.standby.make_room()
        source = f"postgresql://{OWNER}@127.0.0.1:{self.primary.port}/?application_name=standby"
        how = ["--write-recovery-conf", "--create-slot", "--slot", "standby", "--checkpoint", "fast", "--no-sync"]
        self.standby.premises.run("pg_basebackup", "-D", self.standby.data, "-d", source, *how)
        self.standby.start()
        # After the copy: what is promoted must not wait for a standby that it does not have.
        ask(self.primary.url(), "ALTER SYSTEM SET synchronous_standby_names = '*'")
        ask(self.primary.url(), "SELECT pg_reload_conf()")
        self.wait_until_synchronous()

    def wait_until_synchronous(self) -> None:
        """Wait until no commit is acknowledged any more that the standby has not got."""
        until(lambda: ask(self.primary.url(), SYNCHRONOUS), "the standby is synchronous")
        # The process that writes checkpoints puts the setting into effect, and does so before the next one.
        ask(self.primary.url(), "CHECKPOINT")

    def promote(self) -> None:
        """Make the standby the primary, which waits for nobody; the other one, killed before, becomes the standby."""
        ask(self.standby.url(), "SELECT pg_promote()")
        self.primary, self.standby = self.standby, self.primary

    def remove(self) -> None:
        """Kill both, and remove all that they had."""
        self.primary.remove()
        self.standby.remove()
