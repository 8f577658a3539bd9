"""Courses in cases made by hand: where they are placed, and why they cannot be."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from builders import MOOD, NOW, at, block, nurse, provider, visit
from domain.rule_examples import ADA, CLINIC, ESK

from infusion_cli.domain.book import Appointment, Book, Record
from infusion_cli.domain.clinic import Chair, Clinic, Practitioner, Shift
from infusion_cli.domain.course_cost import course_cost
from infusion_cli.domain.course_search import Search
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.domain.series import CourseAsk, CoursePlan, NoCourse, _problem, last_day, plan_course
from infusion_cli.domain.visit import probe

TUESDAY = date(2026, 12, 1)
MONDAYS, TUESDAYS = frozenset({0}), frozenset({1})


def book(*records: Record, of: Clinic = CLINIC, days: int = 130) -> Book:
    made = Book(of, NOW, at("2026-12-01T00:00"), at("2026-12-01T00:00") + days * 86_400)
    made.add([ADA, *records])
    return made


def ask(protocol: Protocol = MOOD, sessions: int = 6, **changes: Any) -> CourseAsk:
    return CourseAsk(ADA.id, protocol, sessions, TUESDAY)._replace(**changes)


def planned(here: Book, wanted: CourseAsk, alternatives: int = 1) -> list[CoursePlan]:
    found = plan_course(here, wanted, alternatives)
    assert isinstance(found, list), found.message
    return found


def refused(here: Book, wanted: CourseAsk) -> NoCourse:
    found = plan_course(here, wanted)
    assert isinstance(found, NoCourse)
    return found


def days(plan: CoursePlan) -> list[int]:
    """Days after the day asked for."""
    return [p.day - TUESDAY.toordinal() for p in plan.placed]


def course(*sessions: int | None, least: str = "1d", longest: str | None = "3d", **changes: Any) -> Protocol:
    """A mood protocol with steps of so many sessions each, all with the same gap."""
    low, high = (Span(int(text[:-1]), text[-1]) for text in (least, longest or least))
    gap = Gap(low, None, (low, low), high if longest else None)
    steps = tuple(Step(f"step {n}", count, gap) for n, count in enumerate(sessions))
    return MOOD._replace(course=steps, **changes)


# Where a course is placed


def test_a_course_in_an_empty_clinic_begins_at_once_and_keeps_time_chair_and_ideal_gaps() -> None:
    (plan,) = planned(book(), ask())
    assert days(plan) == [0, 2, 6, 8, 10, 13]
    assert {(p.minute, p.chair) for p in plan.placed} == {(480, "chair-1")}
    assert plan.cost == 13 == course_cost([s.gap for s in MOOD.course] * 6, list(plan.placed), TUESDAY.toordinal())


def test_a_course_goes_on_in_the_next_step_with_its_gap() -> None:
    (plan,) = planned(book(), ask(ESK, 12))
    apart = [b - a for a, b in zip(days(plan), days(plan)[1:], strict=False)]
    assert set(apart[:7]) <= {3, 4}
    assert set(apart[7:]) == {7}


def test_a_course_keeps_clear_of_the_patients_other_visits_of_any_protocol() -> None:
    others = [visit(n, f"2026-12-0{n}T15:00", of=0, protocol=ESK) for n in (1, 3)]
    (plan,) = planned(book(*others), ask())
    assert not {0, 2} & set(days(plan))


def test_a_course_without_a_drug_may_share_a_day_with_another_visit_but_not_its_time() -> None:
    talks = course(1, phases=(Phase("talk", 60),))
    until_nine = visit(1, "2026-12-01T08:00", of=0, protocol=talks)._replace(protocol="other")
    from_noon = until_nine._replace(id="A2", start=at("2026-12-01T12:00"), end=at("2026-12-01T17:00"))
    (plan,) = planned(book(until_nine, from_noon), ask(talks, 1))
    assert (days(plan), plan.placed[0].minute) == ([0], 540)
    late = ask(talks, 1, between=(705, 1020), to_day=TUESDAY)
    assert rules_of(refused(book(until_nine, from_noon), late)) == ["patient-busy"]


def test_a_course_keeps_the_gap_and_the_weeks_to_live_visits_of_the_same_protocol() -> None:
    lone = visit(1, "2026-12-03T16:00", of=0)
    (plan,) = planned(book(lone), ask())
    assert all(abs(p.start - lone.start) >= 86_400 for p in plan.placed)
    lived = [visit(n, f"2026-12-0{n}T08:00", of=0, protocol=ESK) for n in (1, 3)]
    (plan,) = planned(book(*lived), ask(ESK, 2))
    assert days(plan)[0] >= 7


def test_a_course_does_not_begin_where_the_weeks_of_later_visits_would_become_too_full() -> None:
    ahead = [
        visit(n, f"2026-12-{day}T08:00", of=0, protocol=ESK) for n, day in enumerate((15, 18, 22, 24))
    ]  # in weeks from the 15th two and two; from the 4th or the 11th the 18th to the 24th would be one week
    found = refused(book(*ahead), ask(ESK, 1, weekdays=frozenset({4})))
    assert (found.session, [c.rule for c in found.conflicts]) == (1, ["protocol-week-limit"])
    assert days(planned(book(*ahead), ask(ESK, 1, weekdays=TUESDAYS))[0]) == [0]


def test_a_cancelled_visit_is_no_obstacle() -> None:
    gone = visit(1, "2026-12-01T08:00", of=0, status="cancelled")
    assert planned(book(gone), ask()) == planned(book(), ask())


def test_filters_hold_for_every_session() -> None:
    wanted = ask(between=(600, 630), weekdays=frozenset({0, 2, 4}))
    (plan,) = planned(book(), wanted)
    assert {p.minute for p in plan.placed} <= {600, 615, 630}
    assert {date.fromordinal(p.day).weekday() for p in plan.placed} <= {0, 2, 4}


def test_no_session_is_placed_after_the_last_day_asked_for() -> None:
    tight = ask(to_day=TUESDAY + timedelta(days=13))
    assert days(planned(book(), tight)[0])[-1] == 13
    assert isinstance(plan_course(book(), tight._replace(to_day=TUESDAY + timedelta(days=4))), NoCourse)


def test_the_first_session_is_within_fourteen_days_or_relaxed_within_twenty_eight() -> None:
    until = block(0, "clinic", "", start=at("2026-12-01T00:00"), end=at("2026-12-16T00:00"))
    assert refused(book(until), ask()).session == 1
    assert days(planned(book(until), ask(relax=True))[0])[0] == 15
    longer = until._replace(end=at("2026-12-30T00:00"))
    assert refused(book(longer), ask(relax=True)).session == 1


def test_a_relaxed_course_may_pass_its_longest_gap_by_fourteen_days() -> None:
    def closed(days: int) -> Book:
        return book(block(0, "clinic", "", start=at("2026-12-02T00:00"), end=at(f"2026-12-{days + 1}T00:00")))

    two = ask(course(2, longest="5d"), 2, to_day=TUESDAY + timedelta(days=20))
    assert refused(closed(17), two._replace(weekdays=TUESDAYS | {4})).session == 2
    assert days(planned(closed(17), two._replace(weekdays=TUESDAYS | {4}, relax=True))[0]) == [0, 17]
    assert refused(closed(20), two._replace(to_day=TUESDAY + timedelta(days=20), relax=True)).session == 2


def all_week(name: str) -> Practitioner:
    return Practitioner(name, "nurse" if name == "rn" else "provider", (Shift(tuple(range(7)), 0, 1440),))


def test_an_open_ended_step_takes_the_sessions_beyond_the_finite_ones() -> None:
    (plan,) = planned(book(), ask(course(2, None), 5))
    assert len(plan.placed) == 5


def test_a_gap_without_a_longest_ends_fourteen_days_past_the_ideal() -> None:
    lazy = ask(course(2, longest=None), 2)
    assert last_day(lazy) == TUESDAY + timedelta(days=14 + 15 + 1)


def test_the_last_day_is_no_later_than_asked_for() -> None:
    assert last_day(ask(to_day=TUESDAY + timedelta(days=5))) == TUESDAY + timedelta(days=5)
    assert last_day(ask()) == TUESDAY + timedelta(days=14 + 25 + 1)


def test_days_without_consent_are_passed_over() -> None:
    later = ADA._replace(requirements=(("consent", "2026-12-07"),))
    assert days(planned(book(later), ask())[0])[0] == 6


def test_a_busy_clinic_makes_the_course_change_its_times_where_that_is_cheapest() -> None:
    one_chair = CLINIC._replace(chairs=(Chair("chair-1", ""),))
    taken = visit(5, "2026-12-01T08:00", "chair-1")
    (plan,) = planned(book(taken, of=one_chair), ask(sessions=2))
    assert [p.minute for p in plan.placed] == [585, 585]


# Alternatives


def test_alternatives_begin_on_other_days_the_cheapest_first() -> None:
    found = planned(book(), ask(), 4)
    assert [days(plan)[0] for plan in found] == [0, 1, 2, 3]
    assert [plan.cost for plan in found] == sorted(plan.cost for plan in found)


def test_alternatives_go_on_in_another_rhythm_where_there_are_no_other_days_to_begin() -> None:
    consented_on_thursday = ADA._replace(requirements=(("consent", "2026-12-03"),))
    friday = block(0, "clinic", "", start=at("2026-12-04T00:00"), end=at("2026-12-05T00:00"))
    here = book(consented_on_thursday, friday, of=on_all_days())
    found = planned(here, ask(course(3, longest="4d"), 3, to_day=TUESDAY + timedelta(days=6)), 4)
    assert [days(plan) for plan in found] == [[4, 5, 6], [2, 4, 5], [2, 5, 6]]


def on_all_days() -> Clinic:
    return CLINIC._replace(
        hours=(CLINIC.hours[0]._replace(days=tuple(range(7))),), staff=(all_week("rn"), all_week("dr"))
    )


def test_the_same_ask_has_the_same_answer() -> None:
    assert plan_course(book(), ask(ESK, 12), 3) == plan_course(book(), ask(ESK, 12), 3)


# Why there is none


def rules_of(found: NoCourse) -> list[str]:
    return [c.rule for c in found.conflicts]


def test_a_requirement_that_is_missing_is_named_at_once() -> None:
    found = refused(book(ADA._replace(requirements=())), ask())
    assert (found.session, rules_of(found), found.remedy) == (1, ["requirement-missing"], "")
    assert found.conflicts[0].message == "consent is not on record"
    assert found.message == "no legal first session: requirement-missing"


def test_a_requirement_dated_after_the_whole_course_is_named_with_its_date() -> None:
    found = refused(book(ADA._replace(requirements=(("consent", "2027-06-01"),))), ask())
    assert [c.message for c in found.conflicts] == ["consent is not on record before 2027-06-01"]


def test_a_requirement_dated_too_late_to_begin_in_time_stands_against_the_first_session() -> None:
    here = book(ADA._replace(requirements=(("consent", "2026-12-20"),)))
    found = refused(here, ask())
    assert (found.session, rules_of(found)) == (1, ["requirement-missing"])
    assert found.remedy == "would fit with --relax"
    assert days(planned(here, ask(relax=True))[0])[0] >= 19


def test_a_patient_on_hold_is_named_at_once() -> None:
    assert rules_of(refused(book(ADA._replace(status="on-hold")), ask())) == ["patient-on-hold"]


def test_no_staff_on_tuesdays_stands_against_every_session_of_a_course_on_tuesdays() -> None:
    others = tuple(s._replace(shifts=(Shift((0, 2, 3, 4), 465, 1035),)) for s in (nurse(1), nurse(2)))
    here = book(of=CLINIC._replace(staff=(*others, provider(1))))
    found = refused(here, ask(ESK, 2, weekdays=TUESDAYS))
    assert (found.session, rules_of(found)) == (1, ["staff-short"])
    assert found.conflicts[0].message == "stands against 78 of 78 starts tried"
    assert found.remedy == "would fit on other weekdays"
    assert planned(here, ask(ESK, 2))


def test_a_start_is_held_against_the_chair_that_has_least_in_its_way() -> None:
    out_of_order = block(0, start=at("2026-12-01T00:00"), end=at("2027-03-01T00:00"))
    here = book(out_of_order, of=CLINIC._replace(staff=(provider(1),)))
    assert rules_of(refused(here, ask())) == ["staff-short"]


def test_no_provider_no_hours_no_chair_and_a_closure_are_told_apart() -> None:
    nobody = CLINIC._replace(staff=(nurse(1), nurse(2)))
    assert rules_of(refused(book(of=nobody), ask())) == ["provider-absent"]
    assert rules_of(refused(book(), ask(weekdays=frozenset({6}))))[0] == "outside-hours"
    no_chair = CLINIC._replace(chairs=CLINIC.chairs[2:])
    assert rules_of(refused(book(of=no_chair), ask())) == ["chair-unsuitable"]
    closed = block(0, "clinic", "", start=at("2026-12-01T00:00"), end=at("2027-03-01T00:00"))
    assert rules_of(refused(book(closed), ask())) == ["closed"]


def test_weekdays_that_are_too_far_apart_are_named_at_the_second_session() -> None:
    found = refused(book(), ask(weekdays=TUESDAYS))
    assert (found.session, rules_of(found)) == (2, ["gap-long"])
    assert found.message == "no legal second session: gap-long; would fit on other weekdays"


def test_weekdays_that_are_too_near_and_too_far_apart_are_named_with_both_rules() -> None:
    found = refused(book(), ask(course(4, least="2d", longest="5d"), 4, weekdays=frozenset({0, 1})))
    assert (found.session, rules_of(found)) == (2, ["gap-too-short", "gap-long"])


def test_a_window_that_is_too_small_is_named_at_the_session_that_would_leave_it() -> None:
    found = refused(book(), ask(ESK, 8, weekdays=TUESDAYS))
    assert (found.session, rules_of(found)) == (6, ["window-exceeded"])
    assert found.conflicts[0].message == "the starts that are left do not fit a window of 28d"
    assert found.remedy == "would fit on other weekdays"


def test_a_week_that_is_full_is_named() -> None:
    found = refused(book(), ask(course(3, longest="5d", per_protocol_week=1), 3))
    assert (found.session, rules_of(found)) == (2, ["protocol-week-limit", "gap-long"])
    assert found.remedy == "would fit with --relax"


def test_other_visits_of_the_same_protocol_that_leave_no_room_are_named() -> None:
    lone = [visit(n, f"2026-12-{n:02}T12:00", of=0, protocol=MOOD) for n in (1, 3)]
    two = ask(course(1, least="2d"), 1, to_day=TUESDAY + timedelta(days=3))
    found = refused(book(*lone, of=CLINIC._replace(protocols=(two.protocol,))), two)
    assert (found.session, rules_of(found)) == (1, ["gap-too-short"])
    assert found.conflicts[0].message == "the starts that are left are too near to other visits of iv-mood"


def test_times_of_day_that_are_taken_are_named_and_others_proposed() -> None:
    others = [taken(n, day) for n, day in enumerate(range(15), start=20)]
    here = book(*others, of=CLINIC._replace(chairs=(Chair("chair-1", ""),)))
    found = refused(here, ask(between=(540, 600)))
    assert (found.session, rules_of(found)[0]) == (1, "chair-busy")
    assert found.remedy == "would fit at other times of day"
    assert planned(here, ask())


def taken(number: int, day: int) -> Appointment:
    """The whole of a morning, day by day, by somebody else."""
    return visit(number, f"2026-12-{day + 1:02}T09:00", end=at(f"2026-12-{day + 1:02}T12:00"))


def test_where_both_filters_have_to_go_both_are_named() -> None:
    others = tuple(s._replace(shifts=(Shift((0, 2, 3, 4), 780, 1035),)) for s in (nurse(1), nurse(2)))
    here = book(of=CLINIC._replace(staff=(*others, provider(1))))
    found = refused(here, ask(weekdays=TUESDAYS, between=(480, 540)))
    assert found.remedy == "would fit on other weekdays and times of day"
    assert planned(here, ask())


def test_times_of_day_without_a_start_on_the_grid_are_named() -> None:
    found = refused(book(), ask(between=(541, 554)))
    assert (found.session, rules_of(found)) == (1, ["off-grid"])
    assert found.remedy == "would fit at other times of day"


def test_a_last_day_that_comes_too_soon_is_named() -> None:
    found = refused(book(), ask(to_day=TUESDAY))
    assert (found.session, rules_of(found)) == (2, ["gap-long"])
    assert found.conflicts[0].message == "no start is left by Tue 1 Dec 2026"
    nothing = refused(book(), ask(to_day=TUESDAY, weekdays=MONDAYS))
    assert (nothing.session, rules_of(nothing)) == (1, ["outside-hours"])


@pytest.mark.parametrize(
    ("session", "word"),
    [(1, "first"), (10, "tenth"), (11, "11th"), (13, "13th"), (21, "21st"), (22, "22nd"), (43, "43rd"), (60, "60th")],
)
def test_the_session_is_named_in_english(session: int, word: str) -> None:
    assert NoCourse(session, (), "").message.startswith(f"no legal {word} session")


# How far the search has to look


class CountingSearch(Search):
    """A search that counts the nodes it opens."""

    opened = 0

    def _children(self, *args: Any) -> Any:
        self.opened += 1
        return super()._children(*args)


@pytest.mark.parametrize("relax", [False, True])
def test_the_estimate_is_so_near_the_truth_that_hardly_a_node_is_opened_in_vain(relax: bool) -> None:
    many = CLINIC._replace(chairs=tuple(Chair(f"chair-{n}", "") for n in range(6)), staff=(*CLINIC.staff, nurse(3)))
    here = book(of=many)
    for n in range(600):  # a pattern that leaves no two days alike
        day = TUESDAY + timedelta(days=n // 10)
        start = at(f"{day}T08:00") + (n * 37 % 32) * 900
        here.put(probe(many, MOOD, start, patient=f"P{n}", chair=f"chair-{n * 7 % 6}")._replace(id=f"A{n}"))
    search = CountingSearch(_problem(here, ask(ESK, 12, relax=relax)))
    hit = search.best()
    assert hit is not None
    assert search.opened <= 40


def test_a_window_that_cannot_be_kept_is_seen_by_dates_without_opening_a_node() -> None:
    search = CountingSearch(_problem(book(), ask(ESK, 8, weekdays=TUESDAYS)))
    assert search.best() is None
    assert search.opened == 0
