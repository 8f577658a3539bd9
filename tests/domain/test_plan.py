"""Plans as data: changes of one record folded into one, revision marks, what takes a change back."""

from __future__ import annotations

import pytest
from builders import NOW, block, clinic, patient, series, text_of, visit
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.plan import (
    CALENDAR_STATUS,
    Change,
    Conflict,
    Plan,
    change,
    inverse,
    is_same,
    merge,
    renew,
    revise,
)

LATER = NOW + 3600
VISIT = visit(1, sequence=3, stamp=NOW)
STATES = [VISIT, *(VISIT._replace(reason=f"reason {n}") for n in range(3))]


def revised(after: Appointment, before: Appointment | None = VISIT, now: int = LATER) -> tuple[int, int]:
    """SEQUENCE and stamp after the change."""
    done = revise(change(before, after), now).after
    assert isinstance(done, Appointment)
    return done.sequence, done.stamp


@pytest.mark.parametrize(
    ("record", "entity"),
    [
        (patient(1), "patient"),
        (visit(1), "appointment"),
        (series(1), "series"),
        (block(1), "block"),
        (text_of(clinic()), "clinic"),
    ],
    ids=["patient", "appointment", "series", "block", "clinic"],
)
def test_a_change_knows_its_kind_of_record_and_whether_it_is_new(record: Appointment, entity: str) -> None:
    assert (change(None, record).entity, change(None, record).op) == (entity, "create")
    assert (change(record, record).id, change(record, record).op) == (record.id, "update")


def test_several_changes_of_one_record_become_one_in_the_order_of_first_appearance() -> None:
    moved, held = VISIT._replace(start=VISIT.start + 60), patient(1, status="on-hold")
    steps = [
        change(VISIT, moved),
        change(patient(1), held),
        change(moved, moved._replace(status="cancelled")),
        change(None, series(1)),
        change(series(1), series(1, status="revoked")),
    ]
    assert merge(steps) == (
        change(VISIT, moved._replace(status="cancelled")),
        change(patient(1), held),
        change(None, series(1, status="revoked")),
    )


def test_a_change_that_is_taken_back_or_changes_nothing_is_dropped() -> None:
    moved = VISIT._replace(start=0)
    assert merge([change(VISIT, moved), change(moved, VISIT), change(patient(1), patient(1))]) == ()


def test_records_of_different_kinds_with_one_id_stay_apart() -> None:
    twin = patient(1)._replace(id=VISIT.id)
    assert len(merge([change(None, VISIT), change(None, twin)])) == 2


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=6))
def test_a_run_of_changes_leads_from_the_first_state_to_the_last(states: list[Appointment]) -> None:
    merged = merge([change(a, b) for a, b in zip([VISIT, *states], states, strict=False)])
    assert merged == (() if states[-1] == VISIT else (change(VISIT, states[-1]),))


def test_only_hard_conflicts_forbid_a_plan() -> None:
    hard, soft = Conflict("chair-busy", "hard", False, "taken"), Conflict("gap-tight", "soft", False, "tight")
    assert Plan((), (soft, hard)).hard == (hard,)
    assert Plan((), (soft,)).hard == ()


# Revision marks


def test_a_new_visit_begins_at_sequence_zero() -> None:
    assert revised(VISIT, before=None) == (0, LATER)


@pytest.mark.parametrize(
    "changes",
    [{"start": 1}, {"end": 1}, {"leave": 1}, {"chair": "chair-2"}, {"status": "cancelled"}, {"status": "pending"}],
    ids=["start", "end", "leave", "chair", "cancelled", "back on hold"],
)
def test_what_the_patient_was_told_raises_sequence_and_stamp(changes: dict[str, object]) -> None:
    assert revised(VISIT._replace(**changes)) == (4, LATER)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [{"reason": "x"}, {"ride": "bus"}, {"status": "arrived"}, {"status": "fulfilled"}, {"sequence": 99, "stamp": 0}],
    ids=["reason", "ride", "arrived", "fulfilled", "marks set by somebody else"],
)
def test_what_nobody_was_told_leaves_them(changes: dict[str, object]) -> None:
    assert revised(VISIT._replace(**changes)) == (3, NOW)  # type: ignore[arg-type]


def test_a_visit_that_is_to_be_told_anew_is_raised_whatever_changed() -> None:
    for after in (VISIT, VISIT._replace(ride="bus"), VISIT._replace(start=1)):
        renewed = renew(change(VISIT, after), LATER).after
        assert renewed == after._replace(sequence=4, stamp=LATER)
    assert renew(change(VISIT, VISIT), NOW - 500).after == VISIT._replace(sequence=4)
    person = change(patient(1), patient(1, status="on-hold"))
    assert renew(person, LATER) == person
    assert renew(change(None, VISIT), LATER).after == VISIT


def test_the_stamp_never_falls_even_when_the_clock_does() -> None:
    assert revised(VISIT._replace(start=1), now=NOW - 500) == (4, NOW)


def test_only_visits_have_marks() -> None:
    planned = change(patient(1), patient(1, status="on-hold"))
    assert revise(planned, LATER) == planned


def test_every_status_that_a_calendar_may_show_has_its_word() -> None:
    assert set(CALENDAR_STATUS.values()) == {"TENTATIVE", "CONFIRMED", "CANCELLED"}
    assert {s for s, word in CALENDAR_STATUS.items() if word == "TENTATIVE"} == {"proposed", "pending"}


# Undo


def test_the_inverse_of_a_change_gives_the_state_before() -> None:
    done = change(VISIT, VISIT._replace(start=1))
    assert inverse(done, done.after) == Change("appointment", VISIT.id, done.after, VISIT)


@pytest.mark.parametrize(
    "record", [patient(1), VISIT, series(1), block(1)], ids=["patient", "visit", "series", "block"]
)
def test_the_inverse_of_a_new_record_marks_it_entered_in_error(record: Appointment) -> None:
    undone = inverse(change(None, record), record)
    assert (undone.before, undone.after) == (record, record._replace(status="entered-in-error"))


def test_the_clinic_is_never_undone_into_nothing() -> None:
    with pytest.raises(TypeError):
        inverse(change(None, text_of(clinic())), text_of(clinic()))


def test_states_are_the_same_whatever_their_sequence_and_stamp() -> None:
    assert is_same(VISIT, VISIT._replace(sequence=9, stamp=LATER))
    assert not is_same(VISIT, VISIT._replace(reason="x"))
    assert not is_same(VISIT, None)
    assert is_same(patient(1), patient(1))
    assert not is_same(patient(1), patient(1, status="on-hold"))
