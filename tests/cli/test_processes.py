"""True processes: pipes, Ctrl-C, streams that cannot hold every character."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from cli.desk import PROGRAM, YARA, Desk

INFUSION = (sys.executable, *PROGRAM)


def test_the_answer_of_a_process_is_the_answer_of_the_function(desk: Desk) -> None:
    assert desk.process("patients", "list") == desk.type("patients", "list")
    assert desk.process("show", "ivo") == desk.type("show", "ivo")


def test_a_reader_that_has_seen_enough_is_no_failure(desk: Desk) -> None:
    lines = "".join(f"N{n},Person {n}\n" for n in range(3000))
    desk.say("patients", "import", desk.file("p.csv", f"mrn,name\n{lines}"))
    for words in (("patients", "list"), ("patients", "list", "--json"), ("history", "--json"), ("patients", "export")):
        with subprocess.Popen([*INFUSION, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(100)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(10) == 0


def test_one_command_feeds_another(desk: Desk) -> None:
    exported = desk.process("patients", "export")
    answer = desk.process("patients", "import", "-", stdin=exported.out.encode())
    assert answer == (0, "60 patients read: 0 added, 0 updated, 60 unchanged.\n", "")


@pytest.mark.parametrize(
    "surroundings", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_a_terminal_without_unicode_is_no_failure(desk: Desk, surroundings: dict[str, str]) -> None:
    desk.say("book", "M1007", "iv-mood", "2026-11-24T09:00")
    for words in (("list",), ("patients", "show", "M1007"), ("today", "tue"), ("today", "tue", "--week")):
        answer = desk.process(*words, env=surroundings)
        assert (answer.status, answer.err) == (0, "")
        assert answer.out
    ascii_only = desk.process("patients", "show", "M1007", "--json", env={"PYTHONIOENCODING": "ascii"})
    assert ascii_only.out.isascii()
    assert ascii_only.data["name"] == "Xin Dvořák"
    refused = desk.process("patients", "show", "Žukauskas", env=surroundings)
    assert refused.status == 8


def test_words_that_are_no_unicode_are_refused_or_kept_harmlessly(desk: Desk) -> None:
    done = subprocess.run([*INFUSION, "patients", "show", b"\xff\xfe"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"")
    added = subprocess.run([*INFUSION, "patients", "add", "--mrn", "N1", b"Ada \xff"], capture_output=True, check=False)
    assert (added.returncode, added.stderr) == (0, b"")
    assert desk.json("patients", "show", "N1")["name"] == "Ada"


def interrupt(desk: Desk, *words: str) -> tuple[int, str, str]:
    """Type a command that waits for the book's lock, and press Ctrl-C while it does."""
    lock = sqlite3.connect(desk.book, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with subprocess.Popen(
        [*INFUSION, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline() if "--json" not in words else ""
        time.sleep(1.5 if "--json" in words else 0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    lock.close()
    return process.returncode, out, said + err


def test_ctrl_c_while_waiting_says_that_nothing_was_written(desk: Desk) -> None:
    before = desk.octets()
    assert interrupt(desk, "book", YARA, "iv-mood", "tue 9am") == (
        130,
        "",
        "Waiting for another desk to finish …\n\nInterrupted; nothing was written.\n",
    )
    assert desk.octets() == before


def test_ctrl_c_for_programs_is_one_object(desk: Desk) -> None:
    status, out, err = interrupt(desk, "book", YARA, "iv-mood", "tue 9am", "--json")
    assert (status, out) == (130, "")
    assert err.startswith(
        '{\n  "error": {\n    "code": "interrupted",\n    "message": "Interrupted; nothing was written.",'
    )


def test_a_desk_waits_for_another_one_and_then_writes(desk: Desk) -> None:
    lock = sqlite3.connect(desk.book, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with subprocess.Popen(
        [*INFUSION, "book", YARA, "iv-mood", "tue 9am"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "Waiting for another desk to finish …\n"
        lock.close()
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err, out.partition(":")[0]) == (0, "", "Booked AANAND")
