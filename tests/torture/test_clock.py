"""The clock jumps: the journal keeps the order in which things were done, and no visit and no slot moves."""

from __future__ import annotations

from datetime import datetime

import checker
import pytest
from cli.desk import Desk
from torture import books
from torture.figures import record

MOMENTS = (
    "2026-11-30T09:00",
    "2026-11-29T09:00",  # a day back
    "2126-11-30T09:00",  # a century on
    "1970-01-01T00:00",
    "2026-11-01T01:30-04:00",  # the hour that comes twice, first
    "2026-11-01T01:30-05:00",  # and then
    "2027-03-14T01:59",
    "2027-03-14T03:00",  # after the hour that is left out
    "2028-02-29T12:00",
    "2099-12-31T23:59",
    "2026-11-30T09:01",
)
PATIENT, OTHERS = "M1001", ("M1002", "M1010", "M1019")
DAY, BASE = "2026-12-02", "2026-11-30T09:02"


def edit(desk: Desk, number: int) -> None:
    desk.say("patients", "edit", PATIENT, "--phone", f"555 {number:04}", "--quiet")


def looked_at(desk: Desk) -> list[object]:
    """Visits and slots of a day, as they are seen at one and the same time."""
    desk.at(BASE)
    return [desk.json(*words, "--from", DAY, "--to", DAY) for words in (("list",), ("slots", "list"))]


def test_whatever_the_clock_says_the_journal_keeps_its_order_and_nothing_moves(desk: Desk) -> None:
    for number, patient in enumerate(OTHERS):
        desk.say("book", patient, "iv-mood", f"{DAY}T{9 + 2 * number:02}:00")
    before = looked_at(desk)
    for number, moment in enumerate(MOMENTS):
        desk.at(moment)
        edit(desk, number)
    assert looked_at(desk) == before
    done = desk.json("history", "--limit", str(len(MOMENTS)))[::-1]
    assert [o["changes"][0]["after"]["phone"] for o in done] == [f"555 {n:04}" for n in range(len(MOMENTS))]
    told = [datetime.fromisoformat(operation["at"]) for operation in done]
    walls = [datetime.fromisoformat(moment).replace(tzinfo=None) for moment in MOMENTS]
    assert [at.replace(tzinfo=None) for at in told] == walls
    assert told != sorted(told), "the clock did not jump"
    desk.say("undo", "--yes", "--quiet")
    assert desk.json("patients", "show", PATIENT)["phone"] == f"555 {len(MOMENTS) - 2:04}"
    assert desk.say("db", "check") == "The book is sound.\n"
    assert checker.problems(desk.book) == []
    record("clock", books.engine(desk.book), moments=len(MOMENTS), out_of_order=0, moved=0)


def test_a_hold_that_ran_out_by_a_wrong_clock_stays_released_and_its_slot_can_be_had(desk: Desk) -> None:
    wish = ("iv-mood", f"{DAY}T09:00", "--chair", "chair-1")
    held = desk.json("book", PATIENT, *wish, "--hold", "30m")["id"]
    desk.at("2026-11-29T08:00")
    assert desk.refused(4, "book", OTHERS[0], *wish)["conflicts"][0]["rule"] == "chair-busy"
    desk.at("2126-11-30T08:00")
    edit(desk, 1)
    desk.at("2026-11-30T08:01")
    assert desk.json("show", held)["status"] == "cancelled"
    assert desk.json("book", OTHERS[0], *wish)["chair"] == "chair-1"
    assert desk.say("db", "check") == "The book is sound.\n"


@pytest.mark.parametrize(
    ("before", "night", "after", "offsets"),
    [
        ("2027-11-05", ("2027-11-07T01:30-04:00", "2027-11-07T01:30-05:00"), "2027-11-08", ("-04:00", "-05:00")),
        ("2027-03-12", ("2027-03-14T01:59", "2027-03-14T03:00"), "2027-03-15", ("-05:00", "-04:00")),
        ("2028-02-28", ("2028-02-28T23:59", "2028-02-29T00:00"), "2028-02-29", ("-05:00", "-05:00")),
    ],
    ids=["the clock goes back", "the clock goes forward", "a leap day"],
)
def test_a_night_of_the_calendar_moves_no_visit_and_no_slot(
    desk: Desk, before: str, night: tuple[str, str], after: str, offsets: tuple[str, str]
) -> None:
    desk.at(f"{before}T07:00")
    desk.say("book", PATIENT, "iv-mood", f"{before}T09:00")
    desk.say("book", OTHERS[0], "iv-mood", f"{after}T09:00")
    days = ("--from", before, "--to", after)
    visits, slots = desk.json("list", *days), desk.json("slots", "list", "--from", after, "--to", after)
    assert [v["start"] for v in visits] == [f"{d}T09:00:00{o}" for d, o in zip((before, after), offsets, strict=True)]
    for moment in night:
        desk.at(moment)
        assert desk.json("list", *days) == visits
        assert desk.json("slots", "list", "--from", after, "--to", after) == slots
    booked = desk.json("book", OTHERS[1], "iv-mood", f"{after}T11:00")
    assert (booked["start"], booked["end"]) == (f"{after}T11:00:00{offsets[1]}", f"{after}T12:45:00{offsets[1]}")
    assert desk.say("db", "check") == "The book is sound.\n"
    assert checker.problems(desk.book) == []
