"""What every writing command does: dry runs, keys, exit codes, quiet, and who did it."""

from __future__ import annotations

import pytest
from cli.desk import BEN, FIRST_VISITS, IVO, YARA, Desk, op

ONE = FIRST_VISITS[0]
NINE = "2026-11-24T09:00"


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara is booked tomorrow at nine."""
    desk.say("book", "yara s", "iv-mood", NINE)
    return desk


WRITES: dict[str, tuple[str, ...]] = {
    "book": ("book", BEN, "iv-mood", NINE),
    "hold": ("book", BEN, "iv-mood", NINE, "--hold", "30m"),
    "move": ("move", ONE, "2026-11-25T09:00"),
    "cancel": ("cancel", ONE, "--reason", "cold", "--yes"),
    "confirm": ("confirm", ONE),
    "arrive": ("arrive", ONE),
    "start": ("start", ONE),
    "no-show": ("no-show", ONE),
}


@pytest.fixture
def after(booked: Desk) -> Desk:
    """Tuesday at nine, Yara's visit has just begun; Ben's wish is still ahead by being at that very minute."""
    booked.at(NINE)
    return booked


@pytest.mark.parametrize("name", WRITES)
def test_a_dry_run_prints_what_the_real_run_would_and_leaves_every_octet(after: Desk, name: str) -> None:
    before = after.octets()
    dry = after.json(*WRITES[name], "--dry-run")
    assert after.octets() == before
    assert after.json(*WRITES[name]) == dry


@pytest.mark.parametrize("name", WRITES)
def test_a_dry_run_says_so_on_stderr_and_offers_no_undo(after: Desk, name: str) -> None:
    answer = after.type(*WRITES[name], "--dry-run")
    assert (answer.status, answer.err) == (0, "Dry run: nothing was written.\n")
    assert "Undo:" not in answer.out


@pytest.mark.parametrize("name", WRITES)
def test_exit_code_is_5_when_there_was_something_to_change_and_0_when_not(after: Desk, name: str) -> None:
    key = ("--exit-code", "--key", "k")
    assert after.type(*WRITES[name], "--exit-code", "--dry-run").status == 5
    assert after.type(*WRITES[name], *key).status == 5
    assert after.type(*WRITES[name], *key).status == 0


@pytest.mark.parametrize("name", WRITES)
def test_the_same_key_gives_the_first_answer_and_writes_nothing(after: Desk, name: str) -> None:
    first = after.json(*WRITES[name], "--key", "k")
    before = after.octets()
    assert after.json(*WRITES[name], "--key", "k") == first
    assert after.say(*WRITES[name], "--key", "k").startswith(f"Done already, under this key {first['id']}")
    assert after.octets() == before


def test_a_key_stands_for_one_request_until_it_is_undone(booked: Desk) -> None:
    booked.say("book", BEN, "iv-mood", NINE, "--key", "k")
    error = booked.refused(4, "book", IVO, "iv-mood", NINE, "--key", "k")
    assert error["message"] == f"The key 'k' was used for another request (operation {op(2)})."
    booked.say("undo", "--yes")
    assert booked.json("book", IVO, "iv-mood", NINE, "--key", "k")["patient"] == IVO


def test_a_refusal_frees_its_key(booked: Desk) -> None:
    booked.refused(4, "book", YARA, "iv-mood", NINE, "--key", "k")
    assert booked.json("book", BEN, "iv-mood", NINE, "--key", "k")["patient"] == BEN


def test_quiet_prints_nothing_for_people_and_everything_for_programs(booked: Desk) -> None:
    assert booked.say("confirm", ONE, "-q") == ""
    assert booked.json("book", BEN, "iv-mood", NINE, "-q")["patient"] == BEN
    assert booked.type("book", BEN, "iv-mood", NINE, "-q", "--dry-run").status == 4


def test_the_journal_knows_who_did_it(booked: Desk) -> None:
    booked.setenv(INFUSION_ACTOR="mira")
    booked.say("confirm", ONE)
    assert [(o["command"], o["actor"]) for o in booked.json("history", ONE)] == [("confirm", "mira"), ("book", "desk")]
