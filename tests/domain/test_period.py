"""The laws of half-open periods, against plain sets of instants."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_cli.domain.period import Period, covers, gaps, subtract, touching, union

SETTINGS = settings(max_examples=150, deadline=None)
periods = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda ends: Period(*ends)), max_size=6)
stretches = st.tuples(st.integers(0, 29), st.integers(1, 10)).map(lambda s: Period(s[0], s[0] + s[1]))


def instants(of: Iterable[Period]) -> set[int]:
    return {t for p in of for t in range(p.start, p.end)}


def is_tidy(found: list[Period]) -> bool:
    """In order, none empty, none touching the next."""
    return all(p.start < p.end for p in found) and all(a.end < b.start for a, b in pairwise(found))


@SETTINGS
@given(periods)
def test_a_union_has_the_same_instants_in_disjoint_ordered_periods(some: list[Period]) -> None:
    assert instants(union(some)) == instants(some)
    assert is_tidy(union(some))


@SETTINGS
@given(periods, periods)
def test_a_difference_has_the_instants_of_the_one_that_the_other_lacks(some: list[Period], holes: list[Period]) -> None:
    left = subtract(some, holes)
    assert instants(left) == instants(some) - instants(holes)
    assert is_tidy(left)


@SETTINGS
@given(periods, stretches)
def test_gaps_are_what_the_periods_leave_of_a_stretch(some: list[Period], stretch: Period) -> None:
    assert instants(gaps(some, *stretch)) == instants([stretch]) - instants(some)


@SETTINGS
@given(periods, stretches)
def test_a_stretch_is_covered_when_one_period_has_all_of_its_instants(some: list[Period], stretch: Period) -> None:
    assert covers(union(some), *stretch) == (instants([stretch]) <= instants(some))


@SETTINGS
@given(periods, stretches)
def test_those_that_touch_a_stretch_are_those_that_share_an_instant_with_it(
    some: list[Period], stretch: Period
) -> None:
    disjoint = union(some)
    shared = [p for p in disjoint if instants([p]) & instants([stretch])]
    assert touching(disjoint, *stretch) == shared == [p for p in disjoint if p.overlaps(*stretch)]


@pytest.mark.parametrize(
    ("other", "shares", "left"),
    [
        (Period(0, 5), False, [Period(10, 20)]),
        (Period(0, 10), False, [Period(10, 20)]),
        (Period(20, 30), False, [Period(10, 20)]),
        (Period(10, 20), True, []),
        (Period(5, 25), True, []),
        (Period(13, 16), True, [Period(10, 13), Period(16, 20)]),
        (Period(5, 11), True, [Period(11, 20)]),
        (Period(19, 25), True, [Period(10, 19)]),
        (Period(10, 12), True, [Period(12, 20)]),
        (Period(18, 20), True, [Period(10, 18)]),
    ],
    ids=[
        "no overlap",
        "touches the start",
        "touches the end",
        "exact fit",
        "containing",
        "contained, splits in two",
        "crosses the start",
        "crosses the end",
        "same start",
        "same end",
    ],
)
def test_how_two_periods_can_lie(other: Period, shares: bool, left: list[Period]) -> None:
    one = Period(10, 20)
    assert one.overlaps(*other) is other.overlaps(*one) is shares
    assert subtract([one], [other]) == left


def test_touching_periods_are_joined_and_empty_ones_dropped() -> None:
    assert union([Period(20, 30), Period(5, 5), Period(10, 20)]) == [Period(10, 30)]


def test_two_touching_periods_of_a_list_that_was_not_joined_do_not_cover_across_the_seam() -> None:
    assert not covers([Period(0, 10), Period(11, 20)], 5, 15)
    assert covers([Period(0, 20)], 0, 20)
    assert not covers([], 0, 1)
