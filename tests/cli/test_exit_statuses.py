"""One test for each exit status that scripts rely on."""

from __future__ import annotations

import io
import sqlite3
from typing import Any

import pytest
from cli.desk import FIRST_VISITS, YARA, Desk

from infusion_cli.cli.app import run
from infusion_cli.errors import STATUS_MEANING, ExitStatus
from infusion_cli.store.repository import open_store

ONE = FIRST_VISITS[0]
NINE = "2026-11-24T09:00"


class Terminal(io.StringIO):
    """Somebody at a keyboard."""

    def isatty(self) -> bool:
        return True


def test_every_status_has_a_meaning() -> None:
    assert set(STATUS_MEANING) == set(ExitStatus)
    assert [int(s) for s in ExitStatus] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]


def test_0_done_nothing_found_or_as_wanted_already(desk: Desk) -> None:
    assert desk.type("book", YARA, "iv-mood", NINE).status == 0
    assert desk.type("confirm", ONE).status == desk.type("confirm", ONE).status == 0
    assert desk.type("list", "--from", "2027-01-01").status == 0
    assert desk.type("--version").status == desk.type("book", "--help").status == 0


def test_1_the_user_answered_no(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    before = desk.octets()
    asked = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    monkeypatch.setattr("sys.stderr", asked)
    assert run(["cancel", ONE, "--reason", "cold"]) == 1
    assert asked.getvalue() == f"Cancel {ONE}, iv-mood, Tue 24 Nov 2026 09:00? [y/N] Nothing was changed.\n"
    assert desk.octets() == before


def test_0_when_the_user_answered_yes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    monkeypatch.setattr("sys.stdin", Terminal("Yes\n"))
    monkeypatch.setattr("sys.stderr", Terminal())
    assert run(["cancel", ONE, "--reason", "cold"]) == 0
    assert [v["status"] for v in desk.json("list")] == ["cancelled"]


def test_2_usage(desk: Desk) -> None:
    assert desk.type("list", "--nope") == (
        2,
        "",
        "No such option: --nope (Possible options: --to).\nTry: infusion list --help\n",
    )
    assert desk.type("book", YARA, "iv-mood", "banana").err == (
        "'banana' is not a time.\n"
        "Try: write 2026-12-01T09:00, '1 dec 9:00', 'tue 9am', 'tomorrow 14:30' or '+3d 9:00'\n"
    )


def test_3_not_found(desk: Desk) -> None:
    assert desk.type("book", YARA, "iv-moood", NINE) == (
        3,
        "",
        "There is no protocol 'iv-moood'.\nTry: did you mean iv-mood?\n",
    )


def test_4_conflict(desk: Desk) -> None:
    answer = desk.type("book", YARA, "iv-mood", "2026-11-26T09:00")
    assert (answer.status, answer.out) == (4, "")
    assert answer.err.splitlines() == [
        f"Not booked: {YARA}, iv-mood, Thu 26 Nov 2026 09:00.",
        "  closed  the clinic is closed: Thanksgiving Day",
        "Nearest: Fri 27 Nov 08:00 Quiet room, Fri 27 Nov 08:15 Quiet room, Fri 27 Nov 08:30 Quiet room",
        f"Try: infusion book {YARA} iv-mood 2026-11-27T08:00",
    ]


def test_5_changes_only_when_asked_for(desk: Desk) -> None:
    assert desk.type("book", YARA, "iv-mood", NINE, "--dry-run").status == 0
    assert desk.type("book", YARA, "iv-mood", NINE, "--dry-run", "--exit-code").status == 5


def test_6_invalid_data(desk: Desk) -> None:
    answer = desk.type("patients", "import", desk.file("p.csv", "mrn,name,shoe\nN1,A,42\n"))
    assert (answer.status, answer.out) == (6, "")
    assert answer.err.splitlines()[0] == "The columns cannot be used; nothing was written."
    assert "line 1 shoe  unknown-column: " in answer.err


def test_7_store_unavailable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    error = desk.refused(7, "list", "--db", "nowhere.sqlite3")
    assert (error["message"], error["hint"]) == ("There is no book yet at nowhere.sqlite3.", "infusion init")
    monkeypatch.setitem(open_store.__kwdefaults__ or {}, "patience", 0.05)
    lock = sqlite3.connect(desk.book, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        error = desk.refused(7, "book", YARA, "iv-mood", NINE)
    finally:
        lock.close()
    assert error["message"] == f"The book {desk.book} is locked by somebody else; nothing was written."
    assert error["hint"] == "the same command again"
    desk.say("book", YARA, "iv-mood", NINE)


def test_8_ambiguous(desk: Desk) -> None:
    answer = desk.type("book", "hana grun", "iv-mood", NINE)
    assert (answer.status, answer.out) == (8, "")
    assert answer.err.splitlines()[1:3] == ["  P46VJS", "  PNGV4C"]


def test_130_tells_when_the_change_was_committed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("infusion_cli.services.desk._committed", [])
    with monkeypatch.context() as at_the_answer:
        at_the_answer.setattr("infusion_cli.cli.public.appointment", pressed)
        answer = desk.type("book", YARA, "iv-mood", NINE)
    assert answer == (130, "", "\nInterrupted, but the change was committed.\nTry: infusion history\n")
    assert [v["patient"] for v in desk.json("list")] == [YARA]


def test_130_interrupted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(Terminal):
        def readline(self, *_: object) -> Any:
            raise KeyboardInterrupt

    desk.say("book", YARA, "iv-mood", NINE)
    before, asked = desk.octets(), Terminal()
    monkeypatch.setattr("sys.stdin", Impatient())
    monkeypatch.setattr("sys.stderr", asked)
    monkeypatch.setattr("infusion_cli.services.desk._committed", [])
    assert run(["cancel", ONE, "--reason", "cold"]) == 130
    assert asked.getvalue().endswith("[y/N] \nInterrupted; nothing was written.\n")
    assert desk.octets() == before
