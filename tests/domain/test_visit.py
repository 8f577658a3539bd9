"""One visit's life: book, hold, confirm, move, arrive, start, finish, no-show, cancel."""

from __future__ import annotations

from typing import Any

import pytest
from builders import CONSULT, MOOD, NOW, at, block, clinic, patient, series, visit
from domain.rule_examples import ADA, CLINIC, ESK, NINE
from domain.worlds import World, every, worlds
from hypothesis import given, settings

from infusion_cli.domain import rules
from infusion_cli.domain.book import LIVE, STEPS, Appointment, Book, Record, Warn
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE
from infusion_cli.domain.protocol import Gap, Span, Step
from infusion_cli.domain.visit import (
    Verdict,
    Wish,
    active_series,
    book_visit,
    cancel_visit,
    confirm_visit,
    judge,
    move_visit,
    next_session,
    probe,
    step_visit,
)

BARE = ADA._replace(requirements=())


def book(*records: Record, now: int = NOW) -> Book:
    made = Book(CLINIC, now, at("2026-11-24T00:00"), at("2026-12-20T00:00"))
    made.add([ADA, *records])
    return made


def wish(wall: str = NINE, **changes: Any) -> Wish:
    return Wish(MOOD, ADA.id, at(wall))._replace(**changes)


def session(number: int, wall: str, **changes: Any) -> Appointment:
    return visit(number, wall, of=0)._replace(series=series(0).id, session=number)._replace(**changes)


def rules_of(verdict: Verdict) -> set[str]:
    return {c.rule for c in verdict.hard}


def test_a_visit_outside_any_course_is_booked_in_the_preferred_chair() -> None:
    verdict = book_visit(book(), wish())
    assert verdict.hard == ()
    booked = verdict.visit
    assert (booked.status, booked.series, booked.session, booked.chair) == ("booked", None, None, "chair-1")
    assert (booked.end - booked.start, booked.leave - booked.start) == (105 * MINUTE, 90 * MINUTE)
    assert (booked.wall, booked.zone, booked.phases) == (NINE, "America/New_York", MOOD.phases)


def test_a_wish_is_taken_over_as_it_was_said() -> None:
    said = wish(chair="chair-2", overrides=("staff-short",), reason="short day", ride="sister", key="k1")
    booked = book_visit(book(), said).visit
    assert (booked.chair, booked.overrides, booked.reason) == ("chair-2", ("staff-short",), "short day")
    assert (booked.ride, booked.key) == ("sister", "k1")


def test_the_next_missing_session_of_the_active_course_is_filled() -> None:
    done = session(1, "2026-11-24T09:00", status="fulfilled")
    missed = session(2, "2026-11-27T09:00", status="noshow")
    ahead = session(3, "2026-12-04T09:00")
    found = book_visit(book(series(0), done, missed, ahead), wish())
    assert (found.visit.series, found.visit.session) == (series(0).id, 2)
    assert found.hard == ()


@pytest.mark.parametrize(
    ("taken", "expected"), [([], 1), ([1, 2], 3), ([1, 3], 2), ([2, 3], 1)], ids=["none", "a run", "a hole", "no first"]
)
def test_the_next_session_is_the_lowest_that_no_live_visit_has(taken: list[int], expected: int) -> None:
    visits = [session(n, f"2026-12-0{n}T09:00") for n in taken]
    assert next_session(book(series(0), *visits), series(0)) == expected


@pytest.mark.parametrize("status", ["completed", "revoked", "entered-in-error"])
def test_a_course_that_is_over_gets_no_more_sessions(status: str) -> None:
    assert book_visit(book(series(0, status=status)), wish()).visit.series is None


def test_a_course_on_hold_is_still_the_patients_course_and_refuses() -> None:
    verdict = book_visit(book(series(0, status="on-hold")), wish())
    assert verdict.visit.series == series(0).id
    assert rules_of(verdict) == {"patient-on-hold"}


def test_the_course_of_another_protocol_or_patient_is_left_alone() -> None:
    others = (series(0, protocol="esketamine"), series(1, of=1))
    assert active_series(book(*others, patient(1)), ADA.id, MOOD.id) is None


def test_a_course_with_all_its_sessions_booked_is_complete() -> None:
    days = ("01", "03", "05", "07", "09", "11")
    all_six = [session(n, f"2026-12-{day}T09:00") for n, day in enumerate(days, start=1)]
    full = book(series(0), *all_six)
    assert rules_of(book_visit(full, wish("2026-12-14T09:00"))) == {"series-complete"}
    full.put(all_six[5]._replace(status="cancelled"))
    again = book_visit(full, wish("2026-12-14T09:00"))
    assert (again.visit.session, again.hard) == (6, ())


def test_the_chair_of_the_session_before_is_taken_if_it_is_free() -> None:
    before = session(1, "2026-11-27T09:00", chair="chair-2", status="fulfilled")
    here = book(series(0), before)
    assert book_visit(here, wish()).visit.chair == "chair-2"
    here.put(visit(9, NINE, "chair-2"))
    assert book_visit(here, wish("2026-12-01T09:15")).visit.chair == "chair-1"


def test_where_no_chair_is_free_every_taker_is_named_and_no_chair_given() -> None:
    verdict = book_visit(book(visit(8, NINE, "chair-1"), visit(9, NINE, "chair-2")), wish("2026-12-01T09:30"))
    assert rules_of(verdict) == {"chair-busy"}
    assert verdict.visit.chair == ""
    assert visit(8).id in verdict.hard[0].message
    assert visit(9).id in verdict.hard[0].message
    assert verdict.hard[0].subject == f"{visit(8).id},{visit(9).id}"


def test_where_no_chair_is_meant_for_the_protocol_that_is_said_once() -> None:
    nowhere = CLINIC._replace(chairs=CLINIC.chairs[2:])
    made = Book(nowhere, NOW, at("2026-12-01T00:00"), at("2026-12-02T00:00"))
    made.put(ADA)
    verdict = book_visit(made, wish("2026-12-01T09:07"))
    assert [c.rule for c in verdict.hard] == ["chair-unsuitable", "off-grid"]
    assert verdict.hard[0].message == "no chair is meant for iv-mood"


def test_all_that_stands_in_the_way_is_said_together() -> None:
    verdict = book_visit(book(BARE._replace(status="on-hold")), wish("2026-12-05T09:07"))
    assert rules_of(verdict) == {
        "outside-hours",
        "off-grid",
        "provider-absent",
        "staff-short",
        "requirement-missing",
        "patient-on-hold",
    }


def test_soft_conflicts_are_recorded_as_warnings_and_do_not_forbid() -> None:
    verdict = book_visit(book(series(0), session(1, NINE)), wish("2026-12-02T09:00"))
    assert verdict.hard == ()
    message = "24 h after session 1 (Tue 1 Dec 2026 09:00); usually at least 48 h"
    assert verdict.visit.warnings == (Warn("gap-tight", message),)


def test_a_visit_judged_anew_drops_the_warnings_that_no_longer_hold() -> None:
    old = session(1, NINE, warnings=(Warn("gap-tight", "it was"),))
    assert judge(book(series(0), old), old).visit.warnings == ()


# Holds


def test_a_hold_may_be_placed_without_what_the_protocol_requires_but_not_confirmed() -> None:
    here = book(BARE)
    held = book_visit(here, wish(hold_until=NOW + 3600))
    assert held.hard == ()
    assert (held.visit.status, held.visit.hold_until) == ("pending", NOW + 3600)
    assert rules_of(confirm_visit(here, held.visit, "")) == {"requirement-missing"}


def test_a_hold_is_placed_only_where_nothing_else_stands_in_the_way() -> None:
    assert rules_of(book_visit(book(BARE, visit(8)), wish(chair="chair-1", hold_until=NOW + 3600))) == {"chair-busy"}


def test_a_confirmed_hold_is_booked_and_asked_about_again() -> None:
    held = session(1, NINE, series=None, session=None, status="pending", hold_until=NOW + 60)
    done = confirm_visit(book(held), held, "sister")
    assert done.hard == ()
    assert (done.visit.status, done.visit.hold_until, done.visit.confirmed_at) == ("booked", None, NOW)
    assert done.visit.ride == "sister"
    taken = book(held, block())
    assert rules_of(confirm_visit(taken, held, "")) == {"chair-busy"}


def test_confirming_a_booked_visit_notes_when_and_asks_no_rule() -> None:
    booked = session(1, NINE, ride="bus")
    done = confirm_visit(book(BARE, booked), booked, "")
    assert done == Verdict(booked._replace(confirmed_at=NOW), ())


# Moving


def test_a_move_keeps_chair_phases_and_length() -> None:
    long = session(1, NINE, chair="chair-2", end=at(NINE) + 120 * MINUTE, confirmed_at=NOW)
    moved = move_visit(book(series(0), long), long, at("2026-12-02T10:00"), "")
    assert moved.hard == ()
    assert (moved.visit.chair, moved.visit.wall) == ("chair-2", "2026-12-02T10:00")
    assert (moved.visit.end - moved.visit.start, moved.visit.phases) == (120 * MINUTE, long.phases)
    assert moved.visit.confirmed_at is None
    assert (moved.visit.id, moved.visit.uid, moved.visit.session) == (long.id, long.uid, 1)


def test_a_move_takes_another_chair_where_its_own_is_taken() -> None:
    own, other = session(1, NINE, chair="chair-2"), visit(9, "2026-12-02T09:00", "chair-2")
    assert move_visit(book(series(0), own, other), own, at("2026-12-02T09:30"), "").visit.chair == "chair-1"


def test_a_move_into_a_chair_that_was_named_stays_there_and_is_refused() -> None:
    own, other = session(1, NINE), visit(9, "2026-12-02T09:00", "chair-2")
    moved = move_visit(book(series(0), own, other), own, at("2026-12-02T09:30"), "chair-2")
    assert (moved.visit.chair, rules_of(moved)) == ("chair-2", {"chair-busy"})


def test_a_visit_does_not_stand_in_its_own_way_when_it_moves_a_little() -> None:
    own = session(1, NINE)
    assert move_visit(book(series(0), own), own, at("2026-12-01T09:15"), "").hard == ()


def test_a_change_of_chair_alone_leaves_the_confirmation() -> None:
    own = session(1, NINE, confirmed_at=NOW)
    assert move_visit(book(series(0), own), own, own.start, "chair-2").visit.confirmed_at == NOW


def test_a_move_keeps_its_overrides_and_reason_only_when_given_anew() -> None:
    own = session(1, NINE, overrides=("staff-short",), reason="short day")
    plain = move_visit(book(series(0), own), own, at("2026-12-02T09:00"), "").visit
    assert (plain.overrides, plain.reason) == ((), "short day")
    given = move_visit(book(series(0), own), own, at("2026-12-02T09:00"), "", ("gap-too-short",), "doctor").visit
    assert (given.overrides, given.reason) == (("gap-too-short",), "doctor")


# Cancelling


@pytest.mark.parametrize(
    ("hours", "by", "status", "late"),
    [
        (24, "patient", "booked", False),
        (23.99, "patient", "booked", True),
        (1, "clinic", "booked", False),
        (1, "patient", "pending", False),
        (1, "patient", "arrived", True),
    ],
    ids=["exactly the notice", "just within it", "by the clinic", "a hold", "already here"],
)
def test_a_cancellation_is_late_when_the_patient_gives_less_than_the_notice(
    hours: float, by: str, status: str, late: bool
) -> None:
    old = session(1, NINE, status=status, hold_until=NOW if status == "pending" else None)
    done = cancel_visit(book(old, now=at(NINE) - int(hours * 3600)), old, "flu", by)
    assert (done.visit.status, done.visit.late, done.hard) == ("cancelled", late, ())
    assert (done.visit.reason, done.visit.cancelled_by, done.visit.hold_until) == ("flu", by, None)
    assert {w.rule for w in done.visit.warnings} == ({"late-cancel"} if late else set())


# The steps of a visit


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("arrive", {"status": "booked"}, {"status": "arrived", "arrived_at": 5, "started_at": None}),
        ("start", {"status": "arrived", "arrived_at": 3}, {"status": "checked-in", "arrived_at": 3, "started_at": 5}),
        ("start", {"status": "booked"}, {"status": "checked-in", "arrived_at": 5, "started_at": 5}),
        ("finish", {"status": "checked-in", "started_at": 3}, {"status": "fulfilled", "started_at": 3, "left_at": 5}),
        ("no-show", {"status": "booked"}, {"status": "noshow", "arrived_at": None, "left_at": None}),
    ],
    ids=["arrive", "start after arriving", "start at once", "finish", "no-show"],
)
def test_each_step_sets_its_status_and_its_time(step: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    old = session(1, NINE, ride="bus", **before)
    assert old.status in STEPS[step][0]
    done = step_visit(book(old), old, step, 5)
    assert done == Verdict(old._replace(**after), ())


def test_who_arrives_without_a_ride_is_warned_about_until_one_is_known() -> None:
    old = session(1, NINE)
    arrived = step_visit(book(old), old, "arrive", NOW)
    assert [w.rule for w in arrived.visit.warnings] == ["ride-unknown"]
    started = step_visit(book(arrived.visit), arrived.visit, "start", NOW, ride="sister")
    assert (started.visit.ride, started.visit.warnings) == ("sister", ())


@pytest.mark.parametrize(("minutes", "short"), [(129, True), (130, False)], ids=["too short", "just long enough"])
def test_a_visit_ends_after_the_observation_that_regulation_asks_for(minutes: int, short: bool) -> None:
    begun = at(NINE) + 15 * MINUTE  # dosing takes 10 minutes
    old = visit(1, NINE, of=0, protocol=ESK)._replace(status="checked-in", started_at=begun)
    done = step_visit(book(old), old, "finish", begun + minutes * MINUTE)
    assert rules_of(done) == ({"observation-too-short"} if short else set())
    if short:
        assert done.hard[0].message == "observation lasts 120 minutes after dosing, until 11:25"


def test_a_visit_without_a_minimum_of_observation_may_end_at_any_time() -> None:
    old = session(1, NINE, status="checked-in", started_at=at(NINE))
    assert step_visit(book(old), old, "finish", at(NINE) + 60).hard == ()


def test_a_probe_is_nobodys_visit() -> None:
    asked = probe(clinic(), CONSULT, at(NINE))
    assert (asked.id, asked.patient, asked.series, asked.session, asked.chair) == ("", "", None, None, "")
    assert asked.status in LIVE
    assert asked.end - asked.start == 60 * MINUTE


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_a_booking_is_refused_exactly_when_a_rule_forbids_it_in_every_chair(world: World) -> None:
    here, protocol = world.book, world.clinic.protocols[0]
    for start in every(60, here, world.day, world.day):
        verdict = book_visit(here, Wish(protocol, world.patient, start))
        seated = [verdict.visit._replace(chair=c.id) for c in world.clinic.chairs]
        legal = [v.chair for v in seated if not rules.hard(Case(here, v))]
        assert bool(verdict.hard) == (not legal)
        if legal:
            assert verdict.visit.chair in legal


def test_a_session_keeps_the_gap_of_its_own_step_and_a_lone_visit_the_smallest() -> None:
    course = (
        Step("first", 1, Gap(Span(24, "h"), None, (Span(1, "d"),) * 2, None)),
        Step("then", 2, Gap(Span(3, "d"), None, (Span(3, "d"),) * 2, None)),
    )
    slow = series(0, course=course, ordered=3)
    first = session(1, NINE)
    assert rules_of(book_visit(book(slow, first), wish("2026-12-03T09:00"))) == {"gap-too-short"}
    assert rules_of(book_visit(book(slow, first), wish("2026-12-04T09:00"))) == set()
    lone = first._replace(series=None, session=None)
    assert rules_of(book_visit(book(lone), wish("2026-12-02T09:00"))) == set()
