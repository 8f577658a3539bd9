"""Ends the servers of a run of the tests, however that run ended: `python server_keeper.py FOLDER`.

It returns at once and goes on alone. Who needs the folder holds a shared lock on FOLDER/users, which the
system lets go when its process is gone. After the last one the servers are ended and the folder is removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 10.0
"""Seconds for a server to end at once, before it is killed."""


def end(notes: Path) -> None:
    """End the server that wrote these notes (its postmaster.pid), at once and without a last checkpoint."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        process = int(notes.read_text(encoding="utf-8").splitlines()[0])
        os.kill(process, signal.SIGQUIT)
        last = time.monotonic() + PATIENCE
        while notes.exists() and time.monotonic() < last:
            time.sleep(0.02)
        if notes.exists():
            os.kill(process, signal.SIGKILL)


def main(folder: Path) -> None:
    """Wait for the folder's last user in a process of its own, and clear it away."""
    if os.fork():
        return
    os.setsid()
    os.chdir("/")
    with (folder / "users").open("rb") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        for notes in folder.glob("*/data/postmaster.pid"):
            end(notes)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
