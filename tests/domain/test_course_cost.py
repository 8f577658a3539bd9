"""The table of what a course costs, line by line."""

from __future__ import annotations

import pytest
from domain.course_worlds import GAPS, gap, span
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_cli.domain.course_cost import (
    Placed,
    cheapest_between,
    course_cost,
    first_cost,
    gap_cost,
    is_allowed,
    limits,
    step_cost,
)
from infusion_cli.domain.protocol import Gap

MOOD = gap("24h", "48h", "2d-4d", "5d")


def placed(day: int, minute: int = 540, chair: str = "chair-1") -> Placed:
    """A session on a day of a zone without changes of the clock."""
    return Placed((day * 1440 + minute) * 60, day, minute, chair)


@pytest.mark.parametrize(
    ("hours", "days", "points"),
    [
        (48, 2, 2),
        (96, 4, 4),
        (120, 5, 5 + 240),
        (144, 6, 6 + 480),
        (47, 2, 2 + 480),
        (24, 1, 1 + 240 + 480),
    ],
    ids=["ideal", "still ideal", "a day long", "two days long", "tight", "tight and a day short"],
)
def test_a_gap_costs_its_days_what_it_is_off_the_ideal_and_whether_it_is_tight(
    hours: int, days: int, points: int
) -> None:
    assert gap_cost(MOOD, hours * 60, days) == points


def test_a_gap_in_hours_is_measured_by_the_clock_and_costs_in_proportion() -> None:
    by_hours = gap("20h", "", "48h-72h", "96h")
    assert gap_cost(by_hours, 42 * 60, 2) == 2 + 60
    assert gap_cost(by_hours, 78 * 60, 3) == 3 + 60
    assert gap_cost(by_hours, 72 * 60 + 5, 3) == 3


def test_the_time_of_day_costs_a_point_a_minute_and_another_chair_twenty() -> None:
    first = placed(0)
    assert step_cost(MOOD, first, placed(3)) == 3
    assert step_cost(MOOD, first, placed(3, 600)) == 3 + 60
    assert step_cost(MOOD, first, placed(3, 480)) == 3 + 60
    assert step_cost(MOOD, first, placed(3, 540, "chair-2")) == 3 + 20


def test_each_day_that_the_first_session_waits_costs_twelve() -> None:
    assert first_cost(placed(5), 5) == 0
    assert first_cost(placed(8), 5) == 36


def test_a_course_costs_its_wait_and_each_of_its_gaps() -> None:
    sessions = [placed(1), placed(4), placed(7, 600), placed(9, 600, "chair-2")]
    weekly = gap("3d", "5d", "7d-7d", "10d")
    assert course_cost([weekly, MOOD, MOOD, MOOD], sessions, 0) == 12 + 3 + (3 + 60) + (2 + 20)
    assert course_cost([MOOD, MOOD, MOOD, weekly], sessions, 0) == 12 + 3 + (3 + 60) + (2 + 20 + 5 * 240 + 480)


@pytest.mark.parametrize(
    ("given_gap", "relax", "longest"),
    [
        (gap("1d", "", "2d-3d", "4d"), False, "4d"),
        (gap("1d", "", "2d-3d", "4d"), True, "18d"),
        (gap("20h", "", "24h-48h", "75h"), False, "75h"),
        (gap("20h", "", "24h-48h", "75h"), True, "18d"),
        (gap("1d", "", "2d-3d", ""), False, "17d"),
        (gap("1d", "", "2d-3d", ""), True, "31d"),
        (gap("1h", "", "24h-50h", ""), False, "17d"),
    ],
    ids=["days", "days relaxed", "hours", "hours relaxed", "open", "open relaxed", "open, in hours"],
)
def test_the_longest_gap_is_made_definite(given_gap: Gap, relax: bool, longest: str) -> None:
    assert limits(given_gap, relax=relax).long == span(longest)


def test_a_gap_is_allowed_from_its_least_to_its_longest_both_included() -> None:
    mood = limits(MOOD, relax=False)
    assert [is_allowed(mood, h * 60, d) for h, d in ((23, 1), (24, 1), (143, 5), (121, 6))] == [
        False,
        True,
        True,
        False,
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(GAPS),
    st.integers(0, 8),
    st.lists(st.integers(-1439, 1439), min_size=1, max_size=5),
)
def test_no_gap_between_two_dates_costs_less_than_the_estimate(wanted: Gap, days: int, offsets: list[int]) -> None:
    elapsed = [max(0, days * 1440 + offset) for offset in offsets]
    estimate = cheapest_between(wanted, min(elapsed), max(elapsed), days)
    assert estimate <= min(gap_cost(wanted, minutes, days) for minutes in elapsed)
    assert cheapest_between(wanted, elapsed[0], elapsed[0], days) == gap_cost(wanted, elapsed[0], days)
