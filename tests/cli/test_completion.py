"""TAB: commands, protocols, chairs and staff; silence where there is no book."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from cli.desk import PROGRAM, Desk


def offered(desk: Desk, line: str) -> list[str]:
    """What bash is offered at the end of the line."""
    words = line.split(" ")
    asked = {"_INFUSION_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    answer = desk.process(env=asked)
    assert (answer.status, answer.err) == (0, "")
    return answer.out.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("infusion bo", ["book"]),
        ("infusion slots ", ["find", "list", "blocks", "why", "open", "block", "unblock"]),
        ("infusion book yara iv-", ["iv-mood", "iv-booster", "iv-pain"]),
        ("infusion slots find e", ["esketamine"]),
        ("infusion book yara iv-mood tue --chair ", ["chair-1", "chair-2", "chair-3", "chair-4"]),
        ("infusion slots block tue wed --staff rn-", ["rn-bell", "rn-okafor"]),
        ("infusion book --hol", ["--hold"]),
    ],
)
def test_what_tab_offers(desk: Desk, line: str, words: list[str]) -> None:
    assert offered(desk, line) == words


@pytest.mark.parametrize("line", ["infusion book yara ", "infusion slots find iv-mood --chair "])
def test_silence_without_a_book(empty_desk: Desk, line: str) -> None:
    assert offered(empty_desk, line) == []


def test_silence_beside_a_damaged_book_or_a_strange_address(empty_desk: Desk) -> None:
    empty_desk.book.write_bytes(b"x" * 5000)
    assert offered(empty_desk, "infusion book yara ") == []
    empty_desk.setenv(INFUSION_DB="postgresql://x/y")
    assert offered(empty_desk, "infusion book yara ") == []


def test_the_scripts_for_the_shells_are_shown(desk: Desk) -> None:
    # It is the shell above the program that counts, and the tests may have been started from any.
    command = shlex.join([sys.executable, *PROGRAM, "--show-completion"])
    answer = subprocess.run(
        ["bash", "-c", f"{command}; exit $?"], capture_output=True, encoding="utf-8", cwd=desk.folder, check=False
    )
    assert answer.returncode == 0
    assert "_INFUSION_COMPLETE=complete_bash" in answer.stdout
