"""What makes a server's entries those that are wanted, for any that are there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_cli.domain.shared_calendar import Event, Held, Step, steps

NOW = 1000
ENOUGH = settings(max_examples=200, deadline=None)
events = st.builds(
    Event,
    sequence=st.integers(0, 2),
    start=st.sampled_from([NOW - 60, NOW - 30, NOW, NOW + 30]),
    end=st.just(0),
    summary=st.sampled_from(["Busy", "Free"]),
    status=st.sampled_from(["CONFIRMED", "TENTATIVE"]),
    extras=st.sampled_from([frozenset(), frozenset(["LOCATION"])]),
).map(lambda e: e._replace(end=e.start + 45))
uids = st.sampled_from("abcde")
wishes = st.dictionaries(uids, events.filter(lambda e: e.end > NOW))
shelves = st.dictionaries(st.sampled_from([f"/{n}.ics" for n in range(8)]), st.tuples(uids, st.none() | events))


def held_on(shelf: dict[str, tuple[str, Event | None]]) -> list[Held]:
    """What a server says of its entries."""
    return [Held(href, f'"{href}"', uid, event) for href, (uid, event) in shelf.items()]


def carried_out(
    shelf: dict[str, tuple[str, Event | None]], wanted: dict[str, Event], done: list[Step]
) -> dict[str, tuple[str, Event | None]]:
    """The entries after the steps, as a server does them that insists on its conditions."""
    after = dict(shelf)
    for step in done:
        if step.held:
            assert after[step.held.href][0] == step.uid
        if step.verb == "removed" and step.held:
            del after[step.held.href]
        elif step.verb == "changed" and step.held:
            after[step.held.href] = (step.uid, wanted[step.uid])
        else:
            assert step.held is None
            assert step.uid not in {uid for uid, _ in after.values()}
            after[f"/{step.uid}.ics"] = (step.uid, wanted[step.uid])
    return after


@ENOUGH
@given(shelves, wishes)
def test_afterwards_each_wanted_entry_is_there_once_and_of_others_only_the_past(
    shelf: dict[str, tuple[str, Event | None]], wanted: dict[str, Event]
) -> None:
    after = carried_out(shelf, wanted, steps(wanted, held_on(shelf), NOW))
    present = [(uid, event) for uid, event in after.values() if uid in wanted]
    assert sorted(present, key=str) == sorted(wanted.items(), key=str)
    past = {href: one for href, one in shelf.items() if one[0] not in wanted and one[1] and one[1].end <= NOW}
    assert {href: one for href, one in after.items() if one[0] not in wanted} == past


@ENOUGH
@given(shelves, wishes)
def test_a_second_time_there_is_nothing_to_do(
    shelf: dict[str, tuple[str, Event | None]], wanted: dict[str, Event]
) -> None:
    after = carried_out(shelf, wanted, steps(wanted, held_on(shelf), NOW))
    assert steps(wanted, held_on(after), NOW) == []


@ENOUGH
@given(shelves, wishes, st.data())
def test_whatever_part_was_done_the_rest_comes_to_the_same(
    shelf: dict[str, tuple[str, Event | None]], wanted: dict[str, Event], data: st.DataObject
) -> None:
    first = steps(wanted, held_on(shelf), NOW)
    part = carried_out(shelf, wanted, first[: data.draw(st.integers(0, len(first)))])
    ended = carried_out(part, wanted, steps(wanted, held_on(part), NOW))
    whole = carried_out(shelf, wanted, first)
    assert sorted(ended.values(), key=str) == sorted(whole.values(), key=str)


@ENOUGH
@given(shelves, wishes)
def test_no_entry_is_touched_that_is_right_already(
    shelf: dict[str, tuple[str, Event | None]], wanted: dict[str, Event]
) -> None:
    done = steps(wanted, held_on(shelf), NOW)
    right = {uid for uid, event in wanted.items() if (uid, event) in shelf.values()}
    assert not any(step.uid in right and step.verb != "removed" for step in done)


# Where somebody else's entry lies at the same address.

RIGHT = Event(0, NOW, NOW + 45, "Busy", "CONFIRMED")
WRONG = RIGHT._replace(summary="Free")
SHARED = Held("/s.ics", '"s"', "a", RIGHT, is_shared=True)
CLEAN = Held("/z.ics", '"z"', "a", RIGHT)


def test_what_is_shared_and_right_is_left() -> None:
    assert steps({"a": RIGHT}, [SHARED], NOW) == []
    assert steps({}, [SHARED._replace(event=RIGHT._replace(end=NOW))], NOW) == []


@pytest.mark.parametrize("wanted", [{"a": RIGHT}, {}])
@pytest.mark.parametrize("event", [WRONG, None])
def test_what_is_shared_and_wrong_is_stuck_and_not_touched(wanted: dict[str, Event], event: Event | None) -> None:
    held = SHARED._replace(event=event)
    assert steps(wanted, [held], NOW) == [Step("stuck", "a", held)]


def test_of_two_the_one_is_kept_that_leaves_the_least_to_do() -> None:
    wrong = SHARED._replace(event=WRONG)
    assert steps({"a": RIGHT}, [CLEAN, SHARED], NOW) == [Step("removed", "a", CLEAN)]
    assert steps({"a": RIGHT}, [CLEAN, wrong], NOW) == [Step("stuck", "a", wrong)]
    assert steps({"a": RIGHT}, [CLEAN._replace(event=WRONG), SHARED], NOW) == [
        Step("removed", "a", CLEAN._replace(event=WRONG))
    ]
    assert steps({"a": RIGHT}, [wrong, CLEAN._replace(event=WRONG)], NOW) == [
        Step("stuck", "a", wrong),
        Step("changed", "a", CLEAN._replace(event=WRONG)),
    ]
