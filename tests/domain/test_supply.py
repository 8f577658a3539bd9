"""Supply: hours and shifts by wall time, openings, closures and blocks."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from builders import at, block, clinic, nurse, provider

from infusion_cli.domain.book import Block
from infusion_cli.domain.clinic import Clinic, Closure, Hours, Practitioner, Shift
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.period import Period
from infusion_cli.domain.supply import Closed, Supply, supply

TUESDAY = ("2026-12-01T00:00", "2026-12-02T00:00")


def of(described: Clinic, *blocks: Block, day: tuple[str, str] = TUESDAY) -> Supply:
    return supply(described, blocks, at(day[0]), at(day[1]))


def touching(found: list[Period], day: tuple[str, str] = TUESDAY) -> list[tuple[str, str]]:
    """Wall times of the periods that touch the day."""
    return [(clock(p.start), clock(p.end)) for p in found if p.overlaps(at(day[0]), at(day[1]))]


def clock(instant: int) -> str:
    return datetime.fromtimestamp(instant, zone("America/New_York")).strftime("%d. %H:%M %z")


def test_hours_of_several_lines_are_joined_where_they_touch_or_overlap() -> None:
    hours = (Hours((1,), 480, 720), Hours((1, 2), 720, 900), Hours((1,), 1000, 1020))
    assert touching(of(clinic(hours=hours)).open) == [
        ("01. 08:00 -0500", "01. 15:00 -0500"),
        ("01. 16:40 -0500", "01. 17:00 -0500"),
    ]


def test_hours_until_midnight_and_from_midnight_are_one_opening() -> None:
    hours = (Hours((1,), 1320, 1440), Hours((2,), 0, 120))
    assert touching(of(clinic(hours=hours)).open) == [("01. 22:00 -0500", "02. 02:00 -0500")]


@pytest.mark.parametrize(
    ("day", "opened"),
    [
        (("2027-03-14T00:00", "2027-03-15T00:00"), [("14. 03:30 -0400", "14. 05:00 -0400")]),
        (("2026-11-01T00:00", "2026-11-02T00:00"), [("01. 02:30 -0500", "01. 05:00 -0500")]),
    ],
    ids=["a skipped time is read with the offset before", "a day with a repeated hour"],
)
def test_hours_follow_the_wall_clock_over_a_change(day: tuple[str, str], opened: list[tuple[str, str]]) -> None:
    assert touching(of(clinic(hours=(Hours((6,), 150, 300),)), day=day).open, day) == opened


def test_a_repeated_opening_time_means_its_first_occurrence() -> None:
    day = ("2026-11-01T00:00", "2026-11-02T00:00")
    found = of(clinic(hours=(Hours((6,), 90, 300),)), day=day).open
    assert touching(found, day) == [("01. 01:30 -0400", "01. 05:00 -0500")]


def test_an_opening_adds_hours_and_puts_those_named_on_duty() -> None:
    evening = block(0, "open", "", start=at("2026-12-01T18:00"), end=at("2026-12-01T20:00"), staff=("rn-1",))
    found = of(clinic(), evening)
    assert touching(found.open)[1] == ("01. 18:00 -0500", "01. 20:00 -0500")
    assert len(touching(found.duty["rn-1"])) == 2
    assert len(touching(found.duty["rn-2"])) == 1


def test_an_opening_that_names_nobody_puts_everybody_on_duty() -> None:
    evening = block(0, "open", "", start=at("2026-12-01T18:00"), end=at("2026-12-01T20:00"))
    found = of(clinic(), evening)
    start = at("2026-12-01T18:00")
    assert len(found.on_duty("nurse", start, start + 60)) == 2
    assert len(found.on_duty("provider", start, start + 60)) == 1


def test_somebody_who_is_away_is_off_duty_for_that_time_even_in_an_opening() -> None:
    evening = block(0, "open", "", start=at("2026-12-01T18:00"), end=at("2026-12-01T20:00"))
    away = block(1, "staff", "rn-1", start=at("2026-12-01T16:00"), end=at("2026-12-01T19:00"))
    found = of(clinic(), evening, away)
    assert touching(found.duty["rn-1"]) == [
        ("01. 07:45 -0500", "01. 16:00 -0500"),
        ("01. 19:00 -0500", "01. 20:00 -0500"),
    ]


def test_overlapping_shifts_of_one_person_are_one_person() -> None:
    twice = Practitioner("rn-1", "nurse", (Shift((1,), 480, 720), Shift((1,), 600, 1020)))
    found = of(clinic(staff=(twice, nurse(2), provider(1))))
    assert len(found.on_duty("nurse", at("2026-12-01T10:30"), at("2026-12-01T11:00"))) == 2


def test_closures_and_blocks_of_the_clinic_are_told_in_order_with_their_reason() -> None:
    shut = block(0, "clinic", "", start=at("2026-12-01T09:00"), end=at("2026-12-01T10:00"), reason="fire drill")
    found = of(clinic(closures=(Closure(date(2026, 12, 2), "inventory"),)), shut)
    assert found.closed == [
        Closed(shut.start, shut.end, "fire drill", shut.id),
        Closed(at("2026-12-02T00:00"), at("2026-12-03T00:00"), "inventory", "2026-12-02"),
    ]


def test_a_closure_lasts_as_long_as_its_day_which_a_change_of_the_clock_makes_longer() -> None:
    shut = clinic(closures=(Closure(date(2026, 11, 1), "holiday"),))
    found = of(shut, day=("2026-11-01T00:00", "2026-11-02T00:00")).closed[0]
    assert found.end - found.start == 25 * 3600


def test_a_chair_out_of_order_is_that_chair_alone() -> None:
    broken = block(0, "chair", "chair-1")
    assert of(clinic(), broken).out_of_order == {"chair-1": [broken], "chair-2": []}
