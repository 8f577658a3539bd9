"""Ids that are safe to say on the phone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain import ids

SIZES = [32**n for n in range(4, 9)]
FIRST = [sum(SIZES[:i]) for i in range(5)]
"""The first number of each width of payload, 4 to 8."""
NUMBERS = st.sampled_from(range(5)).flatmap(lambda i: st.integers(FIRST[i], FIRST[i] + SIZES[i] - 1))
KINDS = st.sampled_from(sorted(ids.KINDS))
IDS = st.builds(ids.encode, KINDS, NUMBERS)
TYPED = [chr(c) for c in range(33, 127)] + ["ß", "ſ", "ı", "\u0661", "Ａ"]


@given(KINDS, NUMBERS)
def test_an_id_is_its_own_canonical_form_and_knows_its_kind(kind: str, number: int) -> None:
    made = ids.encode(kind, number)
    assert ids.normalise(made) == made
    assert ids.kind_of(made) == kind


@pytest.mark.parametrize(("index", "length"), list(enumerate((6, 7, 8, 9, 10))))
def test_ids_grow_when_a_width_is_used_up(index: int, length: int) -> None:
    assert len(ids.encode("patient", FIRST[index])) == length
    assert len(ids.encode("patient", FIRST[index] + SIZES[index] - 1)) == length


def test_more_ids_than_the_longest_form_holds_are_refused() -> None:
    with pytest.raises(OverflowError):
        ids.encode("patient", FIRST[4] + SIZES[4])


def test_ids_of_one_kind_are_all_different_and_neighbours_do_not_look_alike() -> None:
    made = [ids.encode("appointment", n) for n in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(a[1:3] != b[1:3] for a, b in pairwise(made))


@given(st.sampled_from(range(5)), st.data())
def test_numbers_of_every_width_get_different_ids(index: int, data: st.DataObject) -> None:
    numbers = st.integers(FIRST[index], FIRST[index] + SIZES[index] - 1)
    few = data.draw(st.sets(numbers, min_size=2, max_size=5))
    assert len({ids.encode("series", n) for n in few}) == len(few)


@pytest.mark.parametrize("index", range(5))
def test_numbers_half_a_width_apart_get_different_ids(index: int) -> None:
    assert ids.encode("series", FIRST[index]) != ids.encode("series", FIRST[index] + SIZES[index] // 2)


@given(IDS)
def test_case_blanks_hyphens_and_misreadings_are_forgiven(made: str) -> None:
    assert ids.normalise(f" {made.lower()} ") == made
    assert ids.normalise(f"{made[0]} {made[1:4]}-{made[4:]}") == made
    assert ids.normalise(made.replace("0", "O").replace("1", "I")) == made
    assert ids.normalise(made.replace("0", "o").replace("1", "l")) == made


def test_the_letter_of_a_kind_may_be_misread_as_a_digit() -> None:
    operation, plan = ids.encode("operation", 7), ids.encode("plan", 7)
    assert ids.normalise("0" + operation[1:]) == operation
    assert ids.normalise("1" + plan[1:]) == plan
    assert ids.normalise("i" + plan[1:]) == plan


def forgiven(char: str) -> str:
    return {"O": "0", "I": "1", "L": "1"}.get(char.upper(), char.upper())


@given(IDS)
def test_every_single_wrong_character_is_caught(made: str) -> None:
    for at, right in enumerate(made):
        for wrong in TYPED:
            if wrong in "- ":
                continue
            same = forgiven(wrong) == forgiven(right) and wrong.isascii()
            assert ids.normalise(made[:at] + wrong + made[at + 1 :]) == (made if same else None), (made, at, wrong)


@given(IDS)
def test_every_swap_of_two_neighbours_is_caught_the_letter_included(made: str) -> None:
    for at in range(len(made) - 1):
        swapped = made[:at] + made[at + 1] + made[at] + made[at + 2 :]
        same = forgiven(made[at]) == forgiven(made[at + 1])
        assert ids.normalise(swapped) == (made if same else None), (made, at)


def test_a_payload_that_begins_with_the_letter_of_a_kind_is_not_taken_for_that_kind() -> None:
    letters = set(ids.KINDS.values())
    seen = 0
    for number in range(0, 32**4, 7):
        made = ids.encode("appointment", number)
        if made[1] in letters - {"A"}:
            seen += 1
            assert ids.normalise(made[1] + made[0] + made[2:]) is None
    assert seen > 1000


@given(st.text())
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = ids.normalise(text)
    assert found is None or ids.normalise(found) == found


@pytest.mark.parametrize(
    "text", ["", "A", "A7K2", "X7K2M4", "yara", "M1001", "A7K2M4A7K2M4", "\u0661\u0662\u0663\u0664\u0665\u0666"]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert ids.normalise(text) is None
