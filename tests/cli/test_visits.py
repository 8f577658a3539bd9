"""The daily verbs: book, hold, confirm, move, cancel, and every step of a visit's life."""

from __future__ import annotations

from typing import Any

import pytest
from cli.desk import BEN, FATIMA, FIRST_VISITS, YARA, Desk, op

ONE, TWO, *_ = FIRST_VISITS
NINE = "2026-11-24T09:00"


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara is booked tomorrow at nine."""
    desk.say("book", "yara s", "iv-mood", NINE)
    return desk


def rules(error: dict[str, Any]) -> list[str]:
    return [c["rule"] for c in error["conflicts"]]


def visit(desk: Desk, visit_id: str = ONE) -> dict[str, Any]:
    return {k: v for k, v in desk.json("show", visit_id).items() if k != "history"}


# -- book


def test_book_says_what_was_booked_and_how_to_take_it_back(desk: Desk) -> None:
    assert desk.say("book", "yara s", "iv-mood", "tue 9am") == (
        f"Booked {ONE}: Yara Sánchez, IV ketamine, mood, Tue 24 Nov 2026 09:00-10:45, Quiet room;"
        f" may leave 10:30.\nUndo: infusion undo {op(1)}\n"
    )


def test_book_prints_the_appointment(desk: Desk) -> None:
    made = desk.json("book", YARA, "iv-mood", NINE, "--key", "k1", "--ride", "sister")
    assert made == {
        "id": ONE,
        "patient": YARA,
        "protocol": "iv-mood",
        "series": None,
        "session": None,
        "start": "2026-11-24T09:00:00-05:00",
        "end": "2026-11-24T10:45:00-05:00",
        "leave": "2026-11-24T10:30:00-05:00",
        "chair": "chair-3",
        "status": "booked",
        "sequence": 0,
        "key": "k1",
        "hold_until": None,
        "confirmed_at": None,
        "arrived_at": None,
        "started_at": None,
        "left_at": None,
        "overrides": [],
        "reason": "",
        "cancelled_by": "",
        "late": False,
        "ride": "sister",
        "warnings": [],
    }
    assert visit(desk) == made


@pytest.mark.parametrize(
    "when",
    [
        "2026-11-24T09:00",
        "2026-11-24T09:00:00",
        "2026-11-24 9:00",
        "tue 9am",
        "tomorrow 09:00",
        "+1d 9:00",
        "2026-11-24T09:00-05:00",
        "2026-11-24T09:00:00-05:00",
        "2026-11-24T14:00:00Z",
        "2026-11-24T15:00+01:00",
    ],
)
def test_every_way_to_say_a_time_means_the_same(desk: Desk, when: str) -> None:
    assert desk.json("book", YARA, "iv-mood", when)["start"] == "2026-11-24T09:00:00-05:00"


def test_the_chair_that_was_asked_for_is_taken_by_id_or_name(desk: Desk) -> None:
    assert desk.json("book", YARA, "iv-mood", NINE, "--chair", "chair-2")["chair"] == "chair-2"
    assert desk.json("book", BEN, "iv-mood", NINE, "--chair", "WINDOW")["chair"] == "chair-1"


def test_a_booking_fills_the_next_missing_session_of_the_series(desk: Desk) -> None:
    series = desk.json("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    second = series["sessions"][1]
    desk.say("cancel", second["id"], "--reason", "away", "--yes")
    again = desk.json("book", YARA, "iv-mood", second["start"])
    assert (again["series"], again["session"]) == (series["id"], 2)


def test_a_refusal_gives_every_reason_the_nearest_times_and_a_command_that_works(booked: Desk) -> None:
    before = booked.octets()
    answer = booked.type("book", "yara s", "iv-mood", "2026-11-24 11:00")
    assert answer == (
        4,
        "",
        (
            f"Not booked: {YARA}, iv-mood, Tue 24 Nov 2026 11:00.\n"
            f"  one-visit-per-day  the patient has {ONE} on Tue 24 Nov 2026 already, at 09:00\n"
            f"  gap-too-short      2 h after {ONE} (Tue 24 Nov 2026 09:00); at least 24 h\n"
            "Nearest: Wed 25 Nov 09:00 Quiet room, Wed 25 Nov 09:15 Quiet room, Wed 25 Nov 09:30 Quiet room\n"
            f"Try: infusion book {YARA} iv-mood 2026-11-25T09:00\n"
        ),
    )
    assert booked.octets() == before
    booked.say(*answer.err.splitlines()[-1].removeprefix("Try: infusion ").split())


def test_a_refusal_as_data_has_conflicts_and_slots_as_alternatives(booked: Desk) -> None:
    error = booked.refused(4, "book", YARA, "iv-mood", "2026-11-24 11:00")
    assert rules(error) == ["one-visit-per-day", "gap-too-short"]
    assert error["conflicts"][0] == {
        "rule": "one-visit-per-day",
        "severity": "hard",
        "overridable": False,
        "message": f"the patient has {ONE} on Tue 24 Nov 2026 already, at 09:00",
        "subject": ONE,
        "start": "2026-11-24T09:00:00-05:00",
        "end": "2026-11-24T10:45:00-05:00",
    }
    found = booked.json("slots", "find", "iv-mood", "--patient", YARA, "--from", "tue", "--limit", "3")
    assert error["alternatives"] == found
    assert (error["code"], error["hint"]) == ("conflict", f"infusion book {YARA} iv-mood 2026-11-25T09:00")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("iv-mood", "2026-11-23T07:45"), "in-the-past"),
        (("iv-mood", "2026-11-24T09:10"), "off-grid"),
        (("iv-mood", "2026-11-24T16:30"), "outside-hours"),
        (("iv-mood", "2026-11-28T09:00"), "outside-hours"),
        (("iv-mood", "2026-11-26T09:00"), "closed"),
        (("esketamine", "2026-11-24T09:00", "--chair", "chair-3"), "chair-unsuitable"),
    ],
)
def test_one_rule_that_stands_in_the_way(desk: Desk, words: tuple[str, ...], rule: str) -> None:
    assert rule in rules(desk.refused(4, "book", YARA, *words))


def test_a_taken_chair_is_refused_and_another_one_is_chosen_without_a_wish(booked: Desk) -> None:
    error = booked.refused(4, "book", BEN, "iv-mood", NINE, "--chair", "quiet room")
    assert [c["message"] for c in error["conflicts"]] == [f"Quiet room is taken 09:00-10:45 ({ONE})"]
    assert booked.json("book", BEN, "iv-mood", NINE)["chair"] == "chair-4"


def test_a_missing_requirement_forbids_a_booking_but_not_a_hold(desk: Desk) -> None:
    desk.say("patients", "add", "--mrn", "N1", "New Person")
    error = desk.refused(4, "book", "N1", "iv-mood", NINE)
    assert rules(error) == ["requirement-missing"] * 3
    assert desk.json("book", "N1", "iv-mood", NINE, "--hold", "30m")["status"] == "pending"
    assert rules(desk.refused(4, "confirm", ONE)) == ["requirement-missing"] * 3


# -- hold and confirm


def test_a_hold_ends_when_it_says_and_frees_the_chair(desk: Desk) -> None:
    held = desk.json("book", YARA, "iv-mood", NINE, "--chair", "chair-3", "--hold", "30m")
    assert (held["status"], held["hold_until"]) == ("pending", "2026-11-23T08:30:00-05:00")
    assert rules(desk.refused(4, "book", BEN, "iv-mood", NINE, "--chair", "chair-3")) == ["chair-busy"]
    desk.at("2026-11-23T08:30")
    assert desk.json("book", BEN, "iv-mood", NINE, "--chair", "chair-3")["id"] == TWO
    assert desk.type("confirm", ONE).status == 4


def test_a_hold_is_said_to_be_one(desk: Desk) -> None:
    assert desk.say("book", "yara s", "iv-mood", NINE, "--hold", "1h").startswith(f"Held {ONE}: Yara Sánchez, ")


def test_confirm_turns_a_hold_into_a_booking_and_a_booking_into_a_confirmed_one(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--hold", "30m")
    first = desk.json("confirm", ONE)
    assert (first["status"], first["hold_until"]) == ("booked", None)
    desk.say("book", BEN, "iv-mood", NINE)
    second = desk.json("confirm", TWO, "--ride", "brother")
    assert (second["status"], second["confirmed_at"], second["ride"]) == (
        "booked",
        "2026-11-23T08:00:00-05:00",
        "brother",
    )


# -- move


def test_move_keeps_the_id_and_the_chair_and_raises_the_sequence(booked: Desk) -> None:
    moved = booked.json("move", ONE, "2026-11-25T10:30")
    assert moved["id"] == ONE
    assert (moved["start"], moved["chair"], moved["sequence"]) == ("2026-11-25T10:30:00-05:00", "chair-3", 1)


def test_a_moved_visit_loses_its_confirmation_and_a_visit_in_another_chair_keeps_it(booked: Desk) -> None:
    booked.say("confirm", ONE)
    assert booked.json("move", ONE, NINE, "--chair", "window")["confirmed_at"] == "2026-11-23T08:00:00-05:00"
    assert booked.json("move", ONE, "2026-11-25T09:00")["confirmed_at"] is None


def test_move_to_where_it_is_changes_nothing(booked: Desk) -> None:
    before = booked.octets()
    assert booked.say("move", ONE, NINE).startswith(f"As it was (booked) {ONE}: Yara Sánchez, ")
    assert booked.octets() == before


def test_move_is_refused_by_the_same_rules_with_the_nearest_times(booked: Desk) -> None:
    error = booked.refused(4, "move", ONE, "2026-11-26T09:00")
    assert rules(error) == ["closed"]
    assert error["alternatives"][0]["start"] == "2026-11-27T08:00:00-05:00"
    assert error["hint"] == f"infusion move {ONE} 2026-11-27T08:00"
    booked.say(*error["hint"].split()[1:])


# -- override


def test_an_override_needs_a_reason_and_a_rule_that_gives_way(booked: Desk) -> None:
    again = ("book", YARA, "iv-mood", "2026-11-25T08:00", "--override")
    assert rules(booked.refused(4, *again[:-1])) == ["gap-too-short"]
    assert booked.refused(2, *again, "gap-too-short")["message"] == "An override needs a reason."
    assert booked.refused(2, *again, "chair-busy", "--reason", "x")["message"] == (
        "The rule 'chair-busy' cannot be overridden."
    )
    made = booked.json(*again, "gap-too-short", "--reason", "Dr Lindqvist agreed")
    assert (made["overrides"], made["reason"]) == (["gap-too-short"], "Dr Lindqvist agreed")


def test_an_override_of_one_rule_does_not_lift_another(booked: Desk) -> None:
    late = ("2026-11-24T11:00", "--override", "gap-too-short", "--reason", "agreed")
    assert "one-visit-per-day" in rules(booked.refused(4, "book", YARA, "iv-mood", *late))


# -- cancel


def test_cancel_keeps_the_visit_with_its_reason(booked: Desk) -> None:
    assert booked.say("cancel", ONE, "--reason", "has a cold", "--yes") == (
        f"Cancelled {ONE}: Yara Sánchez, IV ketamine, mood, Tue 24 Nov 2026 09:00-10:45, Quiet room;"
        f" may leave 10:30.\nUndo: infusion undo {op(2)}\n"
    )
    gone = visit(booked)
    assert (gone["status"], gone["reason"], gone["cancelled_by"], gone["late"]) == (
        "cancelled",
        "has a cold",
        "patient",
        False,
    )


def test_a_late_cancellation_by_the_patient_is_marked_and_one_by_the_clinic_is_not(booked: Desk) -> None:
    booked.say("book", BEN, "iv-mood", NINE)
    booked.at("2026-11-23T09:15")
    late = booked.json("cancel", ONE, "--reason", "cold", "--yes")
    assert (late["late"], [w["rule"] for w in late["warnings"]]) == (True, ["late-cancel"])
    ours = booked.json("cancel", TWO, "--reason", "nurse ill", "--by", "clinic", "--yes")
    assert (ours["late"], ours["warnings"], ours["cancelled_by"]) == (False, [], "clinic")


def test_cancel_needs_yes_where_nobody_can_be_asked(booked: Desk) -> None:
    error = booked.refused(2, "cancel", ONE, "--reason", "cold")
    assert (error["message"], error["hint"]) == (
        "This needs --yes where nobody can be asked.",
        "add --yes, or --dry-run to look first",
    )


def test_cancel_needs_a_reason_and_a_known_side(booked: Desk) -> None:
    assert booked.refused(2, "cancel", ONE, "--yes")["message"] == "A cancellation needs a reason."
    error = booked.refused(2, "cancel", ONE, "--yes", "--reason", "x", "--by", "me")
    assert error["message"] == "--by is patient or clinic, not 'me'."


def test_what_is_cancelled_stays_cancelled_and_cannot_be_moved(booked: Desk) -> None:
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    before = booked.octets()
    assert booked.say("cancel", ONE, "--reason", "cold").startswith(f"As it was (cancelled) {ONE}")
    assert booked.octets() == before
    assert booked.refused(4, "move", ONE, "2026-11-25T09:00")["message"] == (
        f"{ONE} is cancelled (cold); it cannot be moved."
    )


# -- the steps of a visit's life


def test_a_visit_from_arrival_to_leaving(booked: Desk) -> None:
    booked.at("2026-11-24T08:55")
    arrived = booked.json("arrive", ONE, "--ride", "sister")
    booked.at("2026-11-24T09:20")
    started = booked.json("start", ONE)
    booked.at("2026-11-24T10:35")
    finished = booked.json("finish", ONE)
    assert [v["status"] for v in (arrived, started, finished)] == ["arrived", "checked-in", "fulfilled"]
    assert {k: finished[k] for k in ("arrived_at", "started_at", "left_at", "ride")} == {
        "arrived_at": "2026-11-24T08:55:00-05:00",
        "started_at": "2026-11-24T09:20:00-05:00",
        "left_at": "2026-11-24T10:35:00-05:00",
        "ride": "sister",
    }


def test_a_step_twice_changes_nothing(booked: Desk) -> None:
    booked.at("2026-11-24T08:55")
    booked.say("arrive", ONE, "--ride", "bus")
    before = booked.octets()
    assert booked.say("arrive", ONE).startswith(f"As it was (arrived) {ONE}")
    assert booked.octets() == before


def test_a_ride_that_is_not_known_is_a_warning(booked: Desk) -> None:
    booked.at("2026-11-24T08:55")
    assert "  ! ride-unknown: how the patient gets home is not known\n" in booked.say("arrive", ONE)


def test_at_says_when_it_happened_and_never_lies_ahead(booked: Desk) -> None:
    booked.at("2026-11-24T09:30")
    assert booked.json("arrive", ONE, "--at", "8:50")["arrived_at"] == "2026-11-24T08:50:00-05:00"
    assert booked.refused(2, "start", ONE, "--at", "9:45")["message"] == "--at names a time that has not come yet."


def test_steps_that_do_not_follow_are_refused(booked: Desk) -> None:
    assert booked.refused(4, "finish", ONE)["message"] == f"{ONE} is booked; it cannot be finished."
    assert booked.refused(4, "no-show", ONE)["message"] == f"{ONE} has not begun, so nobody has missed it yet."
    booked.at("2026-11-24T11:00")
    assert booked.json("no-show", ONE)["status"] == "noshow"
    assert booked.refused(4, "start", ONE)["message"] == f"{ONE} is noshow; it cannot be started."


def test_nobody_leaves_before_the_observation_is_over(desk: Desk) -> None:
    desk.say("book", BEN, "esketamine", NINE)
    desk.at("2026-11-24T09:20")
    desk.say("start", ONE, "--ride", "bus")
    desk.at("2026-11-24T11:29")
    error = desk.refused(4, "finish", ONE)
    assert rules(error) == ["observation-too-short"]
    assert error["conflicts"][0]["message"] == "observation lasts 120 minutes after dosing, until 11:30"
    desk.at("2026-11-24T11:30")
    assert desk.json("finish", ONE)["status"] == "fulfilled"


def test_the_last_finished_session_completes_the_series(desk: Desk) -> None:
    series = desk.json("series", "book", FATIMA, "iv-mood", "--from", "2026-11-23", "--sessions", "1")
    (only,) = series["sessions"]
    desk.at("2026-11-23T09:00")
    desk.say("start", only["id"], "--ride", "bus")
    assert desk.json("series", "show", series["id"])["status"] == "active"
    desk.say("finish", only["id"])
    assert desk.json("series", "show", series["id"])["status"] == "completed"


def test_a_visit_begins_on_its_own_day_only(desk: Desk) -> None:
    made = desk.json("book", "M1001", "iv-mood", "tue 9am")["id"]
    for step in ("arrive", "start"):
        error = desk.refused(4, step, made)
        assert error["message"] == f"{made} is on Tue 24 Nov 2026, not on Mon 23 Nov 2026."


def test_the_steps_of_a_visit_follow_each_other_in_time(desk: Desk) -> None:
    made = desk.json("book", "M1001", "iv-mood", "2026-11-23T09:00")["id"]
    desk.at("2026-11-23T09:40")
    desk.say("arrive", made, "--at", "9:05", "--ride", "bus")
    assert desk.refused(4, "start", made, "--at", "9:00")["message"] == (
        f"{made} cannot start before Mon 23 Nov 2026 09:05, when the step before it was."
    )
    desk.say("start", made, "--at", "9:20")
    assert desk.refused(4, "finish", made, "--at", "9:10")["message"] == (
        f"{made} cannot finish before Mon 23 Nov 2026 09:20, when the step before it was."
    )


def test_a_patient_who_is_here_is_moved_within_the_day_only(desk: Desk) -> None:
    made = desk.json("book", "M1001", "iv-mood", "2026-11-23T09:00")["id"]
    desk.at("2026-11-23T08:50")
    desk.say("arrive", made, "--ride", "bus")
    assert desk.refused(4, "move", made, "tue 9am")["message"] == (f"{made} has arrived; it cannot go to another day.")
    assert desk.json("move", made, "2026-11-23T09:15")["status"] == "arrived"
