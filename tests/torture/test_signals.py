"""Asked to end, a command writes all or nothing, and its status and its words tell which; stopped, it bars nobody."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cli.desk import PROGRAM
from outside import Where
from races.harbor import NOW, harbor_book, process, request
from torture import books
from torture.disk import files_in, put_back
from torture.figures import FULL, record
from torture.holder import PHONE
from torture.syscalls import Call, watched, why_not

from infusion_cli.errors import InterruptedCommandError, StoreError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

MOMENTS = 40 if FULL else 6
LINES = 300
NOTHING = "Interrupted; nothing was written."
WRITTEN = ("Interrupted, but the change had been written already.", "Interrupted, but the change was committed.")
"""By where it was: held back during the commit, or after it."""


class Batch(NamedTuple):
    """A file of many bookings, and a book to put them in."""

    target: str
    file: Path

    def start(self) -> subprocess.Popen[str]:
        """The command that applies the file, begun."""
        return subprocess.Popen(
            [sys.executable, *PROGRAM, "batch", "apply", str(self.file)],
            env={**os.environ, "INFUSION_DB": self.target, "INFUSION_NOW": "2026-11-30T08:00"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def written(self) -> int:
        """How many of the bookings are in the book, which has to be sound."""
        with books.opened(self.target) as store:
            assert books.errors(store) == []
            return len(books.numbers(store))


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    lines = ["action,patient,protocol,when,chair,key"]
    for ask, key in map(request, range(LINES)):
        lines.append(f"book,{ask.patient},{ask.protocol},{ask.when},{ask.chair},{key}")
    file, folder = tmp_path / "batch.csv", tmp_path / "book"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    folder.mkdir()
    harbor_book(str(folder / "book.db"))
    return Batch(str(folder / "book.db"), file)


def interrupted(batch: Batch, number: signal.Signals, after: float) -> str:
    """Ask the command to end after so many seconds; what became of it, which has to be what it said."""
    with batch.start() as command:
        time.sleep(after)
        command.send_signal(number)
        out, err = command.communicate(timeout=60)
    said, written = err.strip().partition("\n")[0], batch.written()
    if command.returncode in {-number, 1} and said not in {NOTHING, *WRITTEN}:
        # Python itself was still starting, where it ends with 1 if it was at its own first modules.
        assert (out, written) == ("", 0)
        return "had_not_begun"
    if command.returncode == 0:
        assert (written, err) == (LINES, "")
        return "done"
    assert command.returncode == 130
    assert said in (NOTHING, *WRITTEN), err
    assert written == (0 if said == NOTHING else LINES)
    assert not (out and said == NOTHING)
    return "nothing_written" if said == NOTHING else "all_written"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_at_any_moment_a_batch_is_all_or_nothing_and_says_which(
    batch: Batch, number: signal.Signals
) -> None:
    folder, chance = Path(batch.target).parent, random.Random(number)
    empty = files_in(folder)
    began = time.perf_counter()
    with batch.start() as undisturbed:
        assert undisturbed.wait(60) == 0
    usual = time.perf_counter() - began
    assert batch.written() == LINES
    fates = Counter[str]()
    while fates.total() < MOMENTS or (not fates["nothing_written"] and fates.total() < 5 * MOMENTS):
        put_back(empty, folder)
        # Every moment of its life; half of them near the commit.
        earliest = (0.1, 0.6)[fates.total() % 2]
        fate = interrupted(batch, number, chance.uniform(earliest, 1.1) * usual)
        fates[fate] += 1
        # What is usual changes with what else the machine does.
        usual *= {"done": 0.8, "had_not_begun": 1.25}.get(fate, 1)
    record(number.name, books.engine(batch.target), moments=fates.total(), partial=0, **fates)
    assert fates["nothing_written"] > 0, "every signal came too early or too late"


@pytest.mark.skipif(bool(why_not()), reason=why_not())
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_during_the_commit_a_desk_says_that_it_was_written(tmp_path: Path, number: signal.Signals) -> None:
    target, before = str(tmp_path / "book.db"), signal.getsignal(number)
    harbor_book(target)
    sent: list[Call] = []

    def at_every_sync(call: Call) -> int:
        if call.kind == "sync":
            sent.append(call)
            signal.raise_signal(number)
        return 0

    with books.opened(target) as store:
        with watched(at_every_sync), books.opened(target) as seen, pytest.raises(InterruptedCommandError) as caught:
            books.booked(seen, 0)
        assert caught.value.message == WRITTEN[0]
        assert sent
        assert signal.getsignal(number) is before
        assert books.numbers(store) == [0]


def test_a_stopped_desk_that_holds_the_lock_bars_no_reader_and_its_end_frees_the_book(
    room: Callable[[], Where],
) -> None:
    where = harbor_book(room())
    with process("holder", where, folder="torture") as holder, books.opened(where, patience=0.5) as store:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGSTOP)
        began = time.perf_counter()
        assert books.numbers(store) == []
        reading = time.perf_counter() - began
        with pytest.raises(StoreError, match=r"is locked by .*; nothing was written"):
            books.booked(store, 0)
        waiting = time.perf_counter() - began - reading
        assert waiting > 0.4, "nobody held the lock"
        holder.kill()
        holder.wait()
    with books.opened(where) as store:
        assert not books.booked(store, 0).replayed
        assert books.numbers(store) == [0]
        assert books.errors(store) == []
        with store.reading(NOW) as reader:
            assert PHONE not in {patient.phone for patient in reader.patients()}
    record("stopped holder", books.engine(where), reader_ms=round(reading * 1000, 1), writer_seconds=round(waiting, 2))
