"""What is bookable, against a count of every minute from the raw definitions."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import MOOD, NOW, at, block, clinic, visit
from domain.minutes import Minutes
from domain.worlds import World, every, worlds
from hypothesis import event, given, settings
from hypothesis import strategies as st

from infusion_cli.domain.availability import (
    Need,
    Timeline,
    chair_order,
    grid_starts,
    needs_of,
    presence,
)
from infusion_cli.domain.book import Book
from infusion_cli.domain.clinic import Chair, Closure
from infusion_cli.domain.clinic_time import midnight, zone
from infusion_cli.domain.protocol import Phase

SETTINGS = settings(max_examples=60, deadline=None)


@SETTINGS
@given(worlds(), st.sampled_from((0, 1)))
def test_the_openings_of_a_day_are_those_that_a_count_of_every_minute_finds(world: World, which: int) -> None:
    book, protocol = world.book, world.clinic.protocols[which]
    needs = needs_of(protocol.phases, provider=protocol.provider)
    found = Timeline(book).openings(world.day, needs, chair_order(book, protocol))
    offered = {opening.start: set(opening.chairs) for opening in found}
    minutes = Minutes(world)
    counted = {t: chairs for t in every(5, book, world.day, world.day) if (chairs := minutes.chairs_for(protocol, t))}
    event("some" if counted else "none")
    assert offered == counted


def a_book(of: str = "2026-12-01", days: int = 2, **changes: Any) -> Book:
    described = clinic(**changes)
    tz, day = zone(described.timezone), date.fromisoformat(of)
    return Book(described, min(NOW, midnight(day, tz)), midnight(day, tz), midnight(day + timedelta(days=days), tz))


def openings(book: Book, day: str = "2026-12-01", *, ignore: str = "") -> dict[str, tuple[str, ...]]:
    """Wall time to chairs."""
    tz, needs = zone(book.clinic.timezone), needs_of(MOOD.phases, provider=True)
    found = Timeline(book, ignore=ignore).openings(date.fromisoformat(day), needs, chair_order(book, MOOD))
    return {f"{datetime.fromtimestamp(o.start, tz):%H:%M}": o.chairs for o in found}


def test_starts_stagger_by_the_nurses_hands_and_attention() -> None:
    described = clinic(chairs=tuple(Chair(f"chair-{n}", "") for n in range(4)))
    book = Book(described, NOW, at("2026-12-01T00:00"), at("2026-12-03T00:00"))
    for n in range(2):  # both nurses have their hands full for 20 minutes and half their attention taken for 40
        book.put(visit(n, "2026-12-01T09:00", f"chair-{n}"))
    starts = list(openings(book))
    assert starts[:4] == ["08:00", "08:15", "08:30", "09:30"]
    assert starts[-1] == "15:15"


def test_a_visit_that_is_about_to_be_moved_does_not_stand_in_its_own_way() -> None:
    book = a_book()
    book.put(visit(0, "2026-12-01T09:00"))
    assert openings(book)["09:30"] == ("chair-2",)
    assert openings(book, ignore=visit(0).id)["09:30"] == ("chair-1", "chair-2")


def test_a_visit_in_a_chair_that_is_no_longer_there_still_takes_the_staff() -> None:
    book = a_book()
    for n in range(2):
        book.put(visit(n, "2026-12-01T09:00", f"gone-{n}"))
    assert "09:15" not in openings(book)
    assert openings(book)["09:30"] == ("chair-1", "chair-2")


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error", "waitlist"])
def test_only_live_visits_take_anything(status: str) -> None:
    book = a_book()
    book.put(visit(0, "2026-12-01T09:00", status=status))
    assert openings(book) == openings(a_book())


def test_no_start_is_offered_before_now() -> None:
    book = Book(clinic(), at("2026-12-01T09:00") + 1, at("2026-12-01T00:00"), at("2026-12-02T00:00"))
    assert next(iter(openings(book))) == "09:15"


def test_no_visit_begins_that_the_loaded_stretch_does_not_hold_to_its_end() -> None:
    always = clinic(timezone="America/New_York", hours=(clinic().hours[0]._replace(open=0, close=1440),))
    book = Book(always, NOW, at("2026-12-01T00:00"), at("2026-12-01T12:00"))
    assert list(openings(book))[-1] == "10:15"


@pytest.mark.parametrize(
    ("timezone", "day", "grid", "count", "odd"),
    [
        ("America/New_York", "2026-12-01", 15, 96, "02:15"),
        ("America/New_York", "2027-03-14", 15, 92, "03:00"),
        ("America/New_York", "2026-11-01", 15, 100, "01:15"),
        ("Australia/Lord_Howe", "2026-10-04", 20, 70, "02:40"),
        ("Australia/Lord_Howe", "2027-04-04", 20, 73, "01:40"),
        ("America/Havana", "2027-03-14", 30, 46, "01:00"),
    ],
    ids=["ordinary", "an hour skipped", "an hour twice", "half an hour skipped", "half an hour twice", "no midnight"],
)
def test_the_grid_is_what_the_wall_clock_shows(timezone: str, day: str, grid: int, count: int, odd: str) -> None:
    book = a_book(day, timezone=timezone, grid=grid)
    starts = list(grid_starts(book, date.fromisoformat(day)))
    shown = [datetime.fromtimestamp(t, ZoneInfo(timezone)) for t in starts]
    assert starts == sorted(starts)
    assert all((t.hour * 60 + t.minute) % grid == 0 and t.date().isoformat() == day for t in shown)
    assert len(starts) == count
    assert odd in {f"{t:%H:%M}" for t in shown}


def test_what_a_visit_needs_is_told_by_phase_with_equal_neighbours_as_one() -> None:
    phases = (
        Phase("preparation", 15, patients_per_nurse=4, hands_on=True),
        Phase("dosing", 10, patients_per_nurse=4, hands_on=True, dosing=True),
        Phase("nothing", 0, patients_per_nurse=2, hands_on=True, provider_hands=True),
        Phase("observation", 125, patients_per_nurse=4),
        Phase("talk", 5, provider_hands=True),
        Phase("turnover", 10, after_leave=True),
    )
    needs = needs_of(phases, provider=True)
    assert needs.minutes == 165
    assert needs.hands == (Need(0, 25, 1),)
    assert needs.attention == (Need(0, 150, 630),)
    assert needs.provider_hands == (Need(150, 155, 1),)
    assert needs.presence == (15, 155)
    assert needs_of(phases, provider=False).presence == (0, 0)


def test_without_dosing_a_provider_is_there_for_the_whole_visit() -> None:
    assert presence((Phase("talk", 30), Phase("turnover", 10, after_leave=True))) == (0, 40)
    assert presence((Phase("talk", 30, dosing=True), Phase("turnover", 10, after_leave=True))) == (0, 30)


def test_a_chair_for_few_protocols_is_taken_before_one_for_all_but_the_usual_one_comes_first() -> None:
    described = clinic(
        chairs=(Chair("all", ""), Chair("mood", "", ("iv-mood",)), Chair("talk", "", ("consult",)), Chair("rest", ""))
    )
    book = Book(described, NOW, NOW, NOW + 60)
    assert chair_order(book, MOOD) == ["mood", "all", "rest"]
    assert chair_order(book, MOOD, first="rest") == ["rest", "mood", "all"]
    assert chair_order(book, MOOD, first="talk") == ["mood", "all", "rest"]


@pytest.mark.parametrize(
    ("kind", "subject", "gone"),
    [("chair", "chair-2", 0), ("clinic", "", 14), ("staff", "dr-1", 12)],
    ids=["a chair out of order leaves the other", "the clinic closed", "the only provider away while dosing"],
)
def test_a_block_takes_starts_away_up_to_its_edges(kind: str, subject: str, gone: int) -> None:
    book = a_book()
    before = openings(book)
    book.put(block(0, kind, subject, start=at("2026-12-01T11:00"), end=at("2026-12-01T13:00")))
    after = openings(book)
    assert len(before) - len(after) == gone
    hit = {wall for wall in before if before[wall] != after.get(wall)}
    reach = {"chair": ("09:30", "12:45"), "clinic": ("09:30", "12:45"), "staff": ("09:45", "12:30")}[kind]
    assert (min(hit), max(hit)) == reach


def test_a_holiday_has_no_starts() -> None:
    assert openings(a_book(closures=(Closure(date(2026, 12, 1), "inventory"),))) == {}
