"""Bookable time: found, listed, explained, opened and blocked."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from cli.desk import BEN, FIRST_VISITS, YARA, Desk, op

from infusion_cli.domain import ids

ONE, TWO, *_ = FIRST_VISITS
NINE = "2026-11-24T09:00"
BLOCK = ids.encode("block", 0)
TUESDAY = ("2026-11-24 8:00", "2026-11-24 12:00")


def starts(desk: Desk, *words: str) -> list[str]:
    """The starts found, without seconds and offset."""
    return [slot["start"][:16] for slot in desk.json("slots", "find", *words)]


# -- find


def test_find_lists_starts_with_the_chair_that_book_would_choose(desk: Desk) -> None:
    assert desk.say("slots", "find", "iv-mood", "--limit", "2") == (
        "  Mon 23 Nov  08:00-09:45  Quiet room    also Alcove, Window, Garden\n"
        "  Mon 23 Nov  08:15-10:00  Quiet room    also Alcove, Window, Garden\n"
    )


def test_a_slot_as_data(desk: Desk) -> None:
    (slot,) = desk.json("slots", "find", "iv-mood", "--limit", "1")
    assert slot == {
        "start": "2026-11-23T08:00:00-05:00",
        "end": "2026-11-23T09:45:00-05:00",
        "chair": "chair-3",
        "chairs": ["chair-3", "chair-4", "chair-1", "chair-2"],
        "protocol": "iv-mood",
        "status": "free",
        "subject": None,
        "warnings": [],
    }
    assert desk.json("book", YARA, "iv-mood", slot["start"])["chair"] == slot["chair"]


def test_find_stops_at_ten_and_looks_14_days_ahead_unless_told_otherwise(desk: Desk) -> None:
    assert len(starts(desk, "esketamine")) == 10
    everything = starts(desk, "esketamine", "--limit", "100000")
    assert (everything[0][:10], everything[-1][:10]) == ("2026-11-23", "2026-12-04")
    assert sorted(set(everything)) == everything
    assert starts(desk, "esketamine", "--to", "2026-12-09", "--limit", "100000")[-1][:10] == "2026-12-09"


def test_the_range_of_the_day_includes_both_ends_and_the_weekdays_are_kept(desk: Desk) -> None:
    assert (
        starts(desk, "iv-mood", "--between", "9:00-9:30", "--weekdays", "tue,fri", "--limit", "8")
        == [
            f"2026-{day}T{time}" for day in ("11-24", "11-27", "12-01", "12-04") for time in ("09:00", "09:15", "09:30")
        ][:8]
    )


def test_find_in_one_chair(desk: Desk) -> None:
    slots = desk.json("slots", "find", "iv-mood", "--chair", "garden", "--limit", "3")
    assert [(s["chair"], s["chairs"]) for s in slots] == [("chair-2", ["chair-2"])] * 3


def test_with_a_patient_only_the_next_legal_starts_of_that_patient_are_found(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    found = starts(desk, "iv-mood", "--patient", "yara s", "--from", "tue", "--limit", "3")
    assert found == ["2026-11-25T09:00", "2026-11-25T09:15", "2026-11-25T09:30"]
    for start in found:
        assert desk.json("book", YARA, "iv-mood", start, "--dry-run")["start"][:16] == start


def test_starts_stagger_themselves_when_the_nurses_hands_are_taken(desk: Desk) -> None:
    for patient in ("M1001", "M1002"):
        desk.say("book", patient, "iv-mood", NINE)
    found = starts(desk, "iv-mood", "--from", "tue", "--to", "tue", "--between", "8:00-10:00", "--limit", "20")
    assert not {"2026-11-24T08:45", "2026-11-24T09:00", "2026-11-24T09:15"} & set(found)


def test_nothing_found_says_what_to_ask_and_is_no_failure(desk: Desk) -> None:
    nothing = ("slots", "find", "iv-mood", "--from", "2026-11-28", "--to", "2026-11-29")
    assert desk.type(*nothing) == (0, "", "No bookable start. Try: infusion slots why iv-mood WHEN\n")
    assert desk.json(*nothing) == []


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("nope",), 3, "There is no protocol 'nope'."),
        (("iv-mood", "--chair", "sofa"), 3, "There is no chair 'sofa'."),
        (("iv-mood", "--patient", "ivo"), 8, "4 patients fit 'ivo'."),
        (("iv-mood", "--limit", "-1"), 2, "The number for 'limit' is from 1 to 100000, not '-1'."),
        (("iv-mood", "--between", "12:00-9:00"), 2, "'12:00-9:00' ends before it begins."),
        (("iv-mood", "--weekdays", "mon,foo"), 2, "'foo' is not a weekday."),
        (("iv-mood", "--from", "2026-12-02", "--to", "2026-12-01"), 2, "--to 2026-12-01 is before --from 2026-12-02."),
        (("iv-mood", "--from", "soon"), 2, "'soon' is not a date."),
    ],
)
def test_what_find_cannot_look_for(desk: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert desk.refused(status, "slots", "find", *words)["message"] == message


# -- why


def test_why_gives_every_rule_and_the_nearest_times_and_ends_with_0(desk: Desk) -> None:
    assert desk.say("slots", "why", "esketamine", "2026-11-24 9:05", "--chair", "quiet room") == (
        "Esketamine nasal spray, Tue 24 Nov 2026 09:05, Quiet room: not possible.\n"
        "  chair-unsuitable  Quiet room is not for esketamine; suitable: chair-1, chair-2, chair-4\n"
        "  off-grid          visits start every 15 minutes: 09:00 or 09:15\n"
        "Nearest: Tue 24 Nov 08:45 Alcove, Tue 24 Nov 09:00 Alcove, Tue 24 Nov 09:15 Alcove\n"
    )


def test_why_finds_nothing_where_book_would_book(desk: Desk) -> None:
    assert desk.say("slots", "why", "iv-mood", NINE) == (
        "IV ketamine, mood, Tue 24 Nov 2026 09:00, Quiet room: nothing stands in the way.\n"
    )
    answer = desk.json("slots", "why", "iv-mood", NINE)
    assert answer == {
        "start": "2026-11-24T09:00:00-05:00",
        "protocol": "iv-mood",
        "chair": "chair-3",
        "conflicts": [],
        "alternatives": [],
    }


@pytest.mark.parametrize(
    "words",
    [
        ("iv-mood", "2026-11-26 9:00"),
        ("iv-mood", "2026-11-24 16:50"),
        ("iv-mood", "2026-11-24 10:00"),
        ("esketamine", NINE, "--chair", "chair-3"),
        ("iv-mood", "2026-11-20 9:00"),
    ],
)
def test_why_and_book_give_the_same_reasons(desk: Desk, words: tuple[str, ...]) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    why: dict[str, Any] = desk.json("slots", "why", *words, "--patient", YARA)
    error = desk.refused(4, "book", YARA, *words)
    assert why["conflicts"] == error["conflicts"]
    assert why["alternatives"] == error["alternatives"]


def test_why_of_what_is_not_there_is_refused(desk: Desk) -> None:
    assert desk.refused(3, "slots", "why", "iv-moood", NINE)["hint"].startswith("did you mean iv-mood")
    assert (
        desk.refused(2, "slots", "why", "iv-mood", "2026-11-24")["message"] == "'2026-11-24' names a day, but no time."
    )


# -- list, block, unblock, open


def test_list_parts_the_day_of_each_chair_into_free_and_busy(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--chair", "window")
    desk.say("book", BEN, "iv-mood", NINE, "--chair", "garden", "--hold", "30m")
    desk.say("slots", "block", "2026-11-24 8:00", "2026-11-24 17:00", "--chair", "quiet room", "--reason", "lamp")
    assert desk.say("slots", "list", "--from", "tue") == (
        "Tue 24 Nov 2026\n"
        "  Window       08:00-09:00  free\n"
        f"  Window       09:00-10:45  busy             iv-mood {ONE}\n"
        "  Window       10:45-17:00  free\n"
        "  Garden       08:00-09:00  free\n"
        f"  Garden       09:00-10:45  busy-tentative   iv-mood {TWO}\n"
        "  Garden       10:45-17:00  free\n"
        f"  Quiet room   08:00-17:00  busy-unavailable {BLOCK}\n"
        "  Alcove       08:00-17:00  free\n"
    )
    slots = [s for s in desk.json("slots", "list", "--from", "tue") if s["chair"] == "chair-1"]
    assert all(a["end"] == b["start"] for a, b in pairwise(slots))


def test_a_block_lists_the_visits_that_it_hits_at_once(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--chair", "window")
    assert desk.say("slots", "block", *TUESDAY, "--chair", "window", "--reason", "lamp broken") == (
        f"Blocked {BLOCK}  chair-1  Tue 24 Nov 2026 08:00 to Tue 24 Nov 2026 12:00  lamp broken\n"
        "1 visit can no longer be held; move or cancel (infusion list --impossible):\n"
        f"  ! {ONE}  Tue 24 Nov 2026 09:00  iv-mood  Window\n"
        f"Undo: infusion undo {op(2)}\n"
    )
    error = desk.refused(4, "book", BEN, "iv-mood", "2026-11-24 10:45", "--chair", "window")
    assert [c["message"] for c in error["conflicts"]] == [f"Window is out of order 08:00-12:00: lamp broken ({BLOCK})"]


def test_visits_that_can_no_longer_be_held_are_found_again_until_somebody_has_moved_them(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--chair", "window")
    desk.say("book", BEN, "iv-mood", NINE, "--chair", "garden")
    assert desk.json("list", "--impossible") == []
    desk.say("slots", "block", *TUESDAY, "--chair", "window", "--reason", "lamp broken")
    assert [v["id"] for v in desk.json("list", "--impossible")] == [ONE]
    assert desk.json("list", "--impossible", "--patient", BEN) == []
    desk.say("slots", "block", *TUESDAY, "--staff", "dr-lindqvist", "--reason", "ill")
    assert [v["id"] for v in desk.json("list", "--impossible")] == [ONE, TWO]
    desk.say("move", ONE, "2026-11-25T09:00")
    assert [v["id"] for v in desk.json("list", "--impossible")] == [TWO]
    desk.at("2026-11-24T18:00")
    assert desk.json("list", "--impossible") == []


def test_blocks_of_chairs_staff_and_the_clinic_are_listed_with_their_ids(desk: Desk) -> None:
    assert desk.type("slots", "blocks") == (0, "", "Nothing is blocked, and there are no extra hours.\n")
    made = [
        desk.json("slots", "block", *TUESDAY, *subject, "--reason", "away")["id"]
        for subject in (("--chair", "window"), ("--staff", "rn-bell"), ("--clinic",))
    ]
    extra = desk.json("slots", "open", "2026-11-28 9:00", "2026-11-28 12:00")["id"]
    assert [b["id"] for b in desk.json("slots", "blocks")] == [*sorted(made), extra]
    assert [b["id"] for b in desk.json("slots", "blocks", "--from", "sat")] == [extra]
    desk.say("slots", "unblock", made[1])
    lines = desk.say("slots", "blocks", "--to", "fri").splitlines()
    assert sorted(line.split()[:2] for line in lines) == sorted([[made[0], "chair-1"], [made[2], "the"]])
    desk.at("2026-11-24T18:00")
    assert [b["id"] for b in desk.json("slots", "blocks")] == [extra]


@pytest.mark.parametrize(
    ("subject", "rule"),
    [(("--clinic",), "closed"), (("--staff", "dr-lindqvist"), "provider-absent"), (("--staff", "rn-bell"), None)],
)
def test_blocking_the_clinic_or_its_staff(desk: Desk, subject: tuple[str, ...], rule: str | None) -> None:
    block = desk.json("slots", "block", *TUESDAY, *subject, "--reason", "away")
    found = desk.json("slots", "why", "iv-mood", NINE)["conflicts"]
    assert [c["rule"] for c in found] == ([rule] if rule else [])
    desk.say("slots", "unblock", block["id"])
    assert desk.json("slots", "why", "iv-mood", NINE)["conflicts"] == []


def test_unblock_twice_changes_nothing(desk: Desk) -> None:
    desk.say("slots", "block", *TUESDAY, "--clinic", "--reason", "flood")
    assert desk.say("slots", "unblock", BLOCK).startswith(f"Lifted {BLOCK}  the clinic  ")
    before = desk.octets()
    assert desk.say("slots", "unblock", BLOCK).startswith(f"As it was {BLOCK}  the clinic  ")
    assert desk.octets() == before


def test_extra_hours_are_bookable_and_taking_them_back_lists_who_is_in_them(desk: Desk) -> None:
    saturday = ("--from", "2026-11-28", "--to", "2026-11-28")
    assert starts(desk, "iv-mood", *saturday) == []
    opened = desk.json("slots", "open", "2026-11-28 8:00", "2026-11-28 10:00", "--staff", "rn-bell,dr-lindqvist")
    assert opened["staff"] == ["rn-bell", "dr-lindqvist"]
    assert starts(desk, "iv-mood", *saturday) == ["2026-11-28T08:00", "2026-11-28T08:15"]
    desk.say("book", YARA, "iv-mood", "2026-11-28 8:00")
    assert desk.json("slots", "unblock", opened["id"])["hit"] == [ONE]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((*TUESDAY, "--reason", "x"), 2, "A block is for one thing."),
        ((*TUESDAY, "--chair", "window", "--clinic", "--reason", "x"), 2, "A block is for one thing."),
        ((*TUESDAY, "--clinic"), 2, "A block needs a reason."),
        ((*reversed(TUESDAY), "--clinic", "--reason", "x"), 2, "The end Tue 24 Nov 2026 08:00 is not after the start."),
        ((*TUESDAY, "--staff", "rn-bel", "--reason", "x"), 3, "There is no member of staff 'rn-bel'."),
        ((*TUESDAY, "--chair", "sofa", "--reason", "x"), 3, "There is no chair 'sofa'."),
    ],
)
def test_what_cannot_be_blocked(desk: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert desk.refused(status, "slots", "block", *words)["message"] == message


@pytest.mark.parametrize(
    "words",
    [
        ("slots", "block", *TUESDAY, "--chair", "window", "--reason", "lamp"),
        ("slots", "open", "2026-11-28 8:00", "2026-11-28 10:00"),
    ],
)
def test_a_dry_run_leaves_every_octet_and_the_key_gives_the_first_answer(desk: Desk, words: tuple[str, ...]) -> None:
    before = desk.octets()
    dry = desk.json(*words, "--dry-run")
    assert desk.octets() == before
    assert desk.json(*words, "--key", "k") == dry
    after = desk.octets()
    assert desk.json(*words, "--key", "k") == dry
    assert desk.say(*words, "--key", "k").startswith("Done already, under this key ")
    assert desk.octets() == after
