"""Whole courses: planned, booked all or nothing, shown and listed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from cli.desk import FATIMA, FIRST_VISITS, YARA, Desk, op

from infusion_cli.domain import ids

ONE, TWO, *_ = FIRST_VISITS
SERIES = ids.encode("series", 0)
MORNINGS = ("--from", "2026-12-01", "--between", "8:00-12:00")
PLAN = """Yara Sánchez, IV ketamine, mood: 6 sessions in 13 days (window 21 d)

   1  Tue  1 Dec  08:00-09:45  Quiet room
   2  Thu  3 Dec  08:00-09:45  Quiet room    2 d
   3  Mon  7 Dec  08:00-09:45  Quiet room    4 d
   4  Wed  9 Dec  08:00-09:45  Quiet room    2 d    ! review-due
   5  Fri 11 Dec  08:00-09:45  Quiet room    2 d
   6  Mon 14 Dec  08:00-09:45  Quiet room    3 d
"""


def visits_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The visits that a plan would make."""
    return [c["after"] for c in plan["changes"] if c["entity"] == "appointment"]


def days(visits: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(v["start"]) for v in visits]


# -- plan


def test_a_plan_is_shown_and_writes_nothing(desk: Desk) -> None:
    before = desk.octets()
    assert desk.say("series", "plan", "yara s", "iv-mood", *MORNINGS) == (
        f"{PLAN}\n"
        "Nothing written. Book it: infusion series book 'yara s' iv-mood --from 2026-12-01 --between 8:00-12:00\n"
        "Or keep this plan: -o plan.json, then infusion apply plan.json\n"
    )
    assert desk.octets() == before


def test_the_plan_is_what_the_same_words_book(desk: Desk) -> None:
    (plan,) = desk.json("series", "plan", YARA, "iv-mood", *MORNINGS)
    booked = desk.json("series", "book", YARA, "iv-mood", *MORNINGS)
    assert [(v["start"], v["chair"], v["warnings"]) for v in visits_of(plan)] == [
        (v["start"], v["chair"], v["warnings"]) for v in booked["sessions"]
    ]


def test_a_plan_as_data_is_an_array_of_plans_and_the_file_is_the_first(desk: Desk) -> None:
    plans = desk.json("series", "plan", YARA, "iv-mood", "--alternatives", "3", "-o", "plan.json")
    assert len(plans) == 3
    assert json.loads((desk.folder / "plan.json").read_text(encoding="utf-8")) == plans[0]
    assert len({str(days(visits_of(plan))) for plan in plans}) == 3
    assert plans[0]["summary"] == {
        "patient": YARA,
        "protocol": "iv-mood",
        "sessions": 6,
        "first": "2026-11-23",
        "last": "2026-12-04",
        "days": 11,
        "cost": plans[0]["summary"]["cost"],
    }


def test_to_stdout_goes_only_the_plan(desk: Desk) -> None:
    for form in ((), ("--json",), ("--format", "csv"), ("--quiet",)):
        text = desk.say("series", "plan", YARA, "iv-mood", "-o", "-", *form)
        assert [v["session"] for v in visits_of(json.loads(text))] == [1, 2, 3, 4, 5, 6]


def test_a_plan_file_is_replaced_with_yes_only(desk: Desk) -> None:
    words = ("series", "plan", YARA, "iv-mood", "-o", desk.file("plan.json", "mine"))
    error = desk.refused(2, *words)
    assert error["hint"] == "add --yes to replace plan.json, or name another file"
    assert (desk.folder / "plan.json").read_text(encoding="utf-8") == "mine"
    assert desk.type(*words, "--yes").err == "Kept as plan.json. Book it: infusion apply plan.json\n"
    assert len(json.loads((desk.folder / "plan.json").read_text(encoding="utf-8"))["changes"]) == 7


def test_every_gap_and_the_window_of_a_course_are_kept(desk: Desk) -> None:
    (plan,) = desk.json("series", "plan", YARA, "esketamine", "--from", "2026-12-01")
    found = days(visits_of(plan))
    assert len(found) == 12
    assert all(timedelta(hours=20) <= b - a for a, b in pairwise(found))
    assert all((b.date() - a.date()).days <= 7 for a, b in pairwise(found[:8]))
    assert (found[7].date() - found[0].date()).days <= 28


def test_weekdays_and_times_are_kept_and_sessions_counted_over_all_steps(desk: Desk) -> None:
    words = ("--weekdays", "mon,wed,fri", "--between", "9:00-10:00", "--sessions", "4")
    (plan,) = desk.json("series", "plan", YARA, "iv-mood", *words)
    found = days(visits_of(plan))
    assert len(found) == 4
    assert {d.weekday() for d in found} <= {0, 2, 4}
    assert {(d.hour, d.minute) for d in found} == {(9, 0)}


# -- book


def test_a_course_is_booked_as_one(desk: Desk) -> None:
    assert desk.say("series", "book", "yara s", "iv-mood", *MORNINGS) == (
        f"Booked {SERIES}: {PLAN}\nUndo: infusion undo {op(1)}\n"
    )
    assert [(v["series"], v["session"]) for v in desk.json("list")] == [(SERIES, n) for n in range(1, 7)]


def test_a_booked_course_as_data_has_full_appointments(desk: Desk) -> None:
    series = desk.json(
        *("series", "book", YARA, "iv-mood", *MORNINGS, "--authorised-visits", "8", "--authorised-until", "2027-03-01")
    )
    assert series["sessions"] == desk.json("list")
    assert {k: v for k, v in series.items() if k not in {"sessions", "course", "warnings"}} == {
        "id": SERIES,
        "patient": YARA,
        "protocol": "iv-mood",
        "status": "active",
        "ordered": 6,
        "next_due": "2026-12-01",
        "authorised_visits": 8,
        "authorised_until": "2027-03-01",
    }
    assert desk.json("series", "show", SERIES) == series


def test_a_second_course_of_the_same_protocol_is_refused(desk: Desk) -> None:
    desk.say("series", "book", YARA, "iv-mood", *MORNINGS)
    error = desk.refused(4, "series", "book", YARA, "iv-mood")
    assert ([c["rule"] for c in error["conflicts"]], error["hint"]) == (
        ["series-active"],
        f"infusion series show {SERIES}",
    )


def test_a_course_that_does_not_fit_books_nothing_and_names_the_rules(desk: Desk) -> None:
    error = desk.refused(4, "series", "book", YARA, "iv-mood", "--weekdays", "sat,sun")
    assert error["message"].startswith("No course fits: no legal first session: ")
    assert "outside-hours" in [c["rule"] for c in error["conflicts"]]
    assert desk.json("series", "list") == desk.json("list") == []


def test_a_course_is_refused_to_a_patient_without_consent(desk: Desk) -> None:
    desk.say("patients", "add", "--mrn", "N1", "New Person")
    error = desk.refused(4, "series", "book", "N1", "iv-mood")
    assert [c["rule"] for c in error["conflicts"]] == ["requirement-missing"] * 3


def test_the_same_key_gives_the_first_answer_and_a_dry_run_leaves_every_octet(desk: Desk) -> None:
    words = ("series", "book", YARA, "iv-mood", *MORNINGS)
    before = desk.octets()
    dry = desk.json(*words, "--dry-run")
    assert desk.octets() == before
    assert desk.json(*words, "--key", "k") == dry
    after = desk.octets()
    assert desk.json(*words, "--key", "k") == dry
    assert desk.say(*words, "--key", "k").startswith(f"Booked already, under this key {SERIES}: ")
    assert desk.type(*words, "--key", "k", "--exit-code").status == 0
    assert desk.octets() == after


def test_the_dry_run_of_a_course_says_so(desk: Desk) -> None:
    answer = desk.type("series", "book", "yara s", "iv-mood", *MORNINGS, "--dry-run", "--exit-code")
    assert answer == (5, f"Booked {SERIES}: {PLAN}", "Dry run: nothing was written.\n")


# -- show and list


def test_show_and_list_know_what_is_due_next(desk: Desk) -> None:
    desk.say("series", "book", "yara s", "iv-mood", *MORNINGS)
    desk.say("cancel", ONE, "--reason", "cold", "--yes")
    assert desk.json("series", "show", SERIES)["next_due"] == "2026-12-03"
    assert desk.say("series", "list") == (
        f"  {SERIES}  Yara Sánchez             IV ketamine, mood        5/6    active    next 2026-12-03\n"
    )
    assert desk.say("series", "show", SERIES).endswith("Next due: 2026-12-03\n")


def test_the_series_of_one_patient(desk: Desk) -> None:
    desk.say("series", "book", YARA, "iv-mood", *MORNINGS)
    desk.say("series", "book", FATIMA, "esketamine", *MORNINGS)
    assert [s["protocol"] for s in desk.json("series", "list", "--patient", "fatima f")] == ["esketamine"]
    assert [s["protocol"] for s in desk.json("series", "list")] == ["iv-mood", "esketamine"]
    assert desk.type("series", "list", "--patient", "ben y") == (0, "", "No series.\n")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("plan", YARA, "consult"), 2, "consult is not given as a series."),
        (("plan", YARA, "iv-mood", "--sessions", "7"), 2, "7 sessions are more than the course of iv-mood has."),
        (("plan", YARA, "iv-mood", "--sessions", "0"), 2, "The number for 'sessions' is from 1 to 60, not '0'."),
        (
            ("plan", YARA, "iv-mood", "--alternatives", "99"),
            2,
            "The number for 'alternatives' is from 1 to 20, not '99'.",
        ),
        (("plan", YARA, "iv-mood", "--to", "2026-11-20"), 2, "--to 2026-11-20 is before --from 2026-11-23."),
        (("plan", "nobody", "iv-mood"), 3, "There is no patient 'nobody'."),
        (("plan", YARA, "mood"), 3, "There is no protocol 'mood'."),
        (("show", "SANANQ"), 2, "'SANANQ' is not an id: a character is wrong or missing."),
        (("show", SERIES), 3, f"There is no series {SERIES}."),
    ],
)
def test_what_no_course_can_be(desk: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert desk.refused(status, "series", *words)["message"] == message
