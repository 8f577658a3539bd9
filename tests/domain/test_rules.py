"""The catalogue of rules: for each a case in which it speaks and one right beside it in which it does not."""

from __future__ import annotations

from typing import Any

import pytest
from builders import block, visit
from domain.rule_examples import ADA, CLINIC, ESK, EXAMPLES, NINE, Example, mine, other, seen, who_needs
from domain.rule_examples_of_courses import EXAMPLES as OF_COURSES
from domain.rule_examples_of_courses import MY_COURSE, course
from domain.worlds import World, every, worlds
from hypothesis import given, settings

from infusion_cli.domain import rules
from infusion_cli.domain.book import Patient
from infusion_cli.domain.case import Case
from infusion_cli.domain.protocol import Phase
from infusion_cli.domain.visit import probe

ALL = {example.name: example for example in (*EXAMPLES, *OF_COURSES)}
each_example = pytest.mark.parametrize("example", ALL.values(), ids=list(ALL))


@each_example
def test_a_rule_speaks_on_one_side_of_its_border_only(example: Example) -> None:
    assert {c.rule for c in example.speaks.said(example.rule)} == {example.rule}
    assert example.silent.said(example.rule) == []


def test_every_rule_has_an_example() -> None:
    assert {example.rule for example in ALL.values()} == set(rules.BY_ID)


@each_example
def test_no_message_names_the_patient(example: Example) -> None:
    for conflict in rules.conflicts(example.speaks.case):
        assert not any(word in conflict.message for word in (*ADA.name.split(), ADA.mrn))


@each_example
def test_exactly_the_overridable_rules_give_way_to_a_recorded_override(example: Example) -> None:
    rule, speaks = example.rule, example.speaks
    overridden = speaks._replace(visit=speaks.visit._replace(overrides=(rule,)))
    still_hard = rule in {c.rule for c in rules.hard(overridden.case)}
    assert still_hard == (rules.BY_ID[rule].severity == "hard" and rule not in {"staff-short", "gap-too-short"})
    assert rules.BY_ID[rule].overridable == (rule in {"staff-short", "gap-too-short"})


def test_hard_and_soft_are_as_promised() -> None:
    soft = {r.id for r in rules.CATALOGUE if r.severity == "soft"}
    assert soft == {
        "gap-tight",
        "gap-long",
        "window-exceeded",
        "review-due",
        "authorisation-low",
        "ride-unknown",
        "different-time-of-day",
        "late-cancel",
    }


def test_every_rule_has_one_line_for_the_reference() -> None:
    for entry in rules.CATALOGUE:
        assert entry.summary.endswith("."), entry.id
        assert "\n" not in entry.summary, entry.id
    assert len(rules.BY_ID) == len(rules.CATALOGUE)


A7 = visit(7).id
BOTH = ", ".join(sorted((A7, visit(8).id)))
MESSAGES = {
    "chair-busy: the same chair": f"Window is taken 09:00-10:45 ({A7})",
    "chair-busy: a hold": f"Window is taken on hold 09:00-10:45 ({A7})",
    "chair-busy: the block is lifted": f"Window is out of order 08:00-12:00: pump broken ({block().id})",
    "chair-unsuitable: a chair for consultations": "Sofa is not for iv-mood; suitable: chair-1, chair-2",
    "chair-unsuitable: a chair that there is not": "there is no chair chair-9",
    "outside-hours: turnover ends at closing time": "needs 15:30-17:15 but the clinic is open 08:00-17:00",
    "outside-hours: an extra opening": "the clinic is not open at 09:00 on Sat 5 Dec 2026",
    "closed: a holiday": "the clinic is closed: inventory",
    "patient-busy: another patient": f"the patient has {A7} 09:00-10:45",
    "one-visit-per-day: any protocol with a drug": f"the patient has {A7} on Tue 1 Dec 2026 already, at 14:00",
    "off-grid: a multiple of 15 minutes": "visits start every 15 minutes: 09:00 or 09:15",
    "in-the-past: now itself is not past": "09:00 on Tue 1 Dec 2026 is past",
    "staff-short: two nurses' hands until 09:05": f"09:00-09:05  all 2 nurses' hands are taken ({BOTH})",
    "staff-short: a nurse who leaves during monitoring": "10:29-10:30  no nurse is on duty",
    "provider-absent: from dosing to leave": "no provider is on site 10:29-10:30",
    "gap-too-short: 24 hours": f"23 h 45 min after {A7} (Tue 1 Dec 2026 09:00); at least 24 h",
    "gap-too-short: the visit after it": f"23 h 45 min before {A7} (Wed 2 Dec 2026 09:00); at least 24 h",
    "protocol-week-limit: the eighth day begins a new week": (
        "visit 3 in protocol week 1 (Tue 1 Dec 2026 on); at most 2"
    ),
    "protocol-week-limit: a new first visit moves all weeks": (
        "visit 3 in protocol week 2 (Sat 19 Dec 2026 on); at most 2"
    ),
    "observation-too-short: 120 minutes": "119 minutes of observation; regulation asks for 120",
    "requirement-missing: consent on record": "consent is not on record",
    "requirement-missing: dated after the visit": "consent is not on record before 2026-12-02",
    "not-authorised: all authorised visits booked": "all 2 authorised visits are booked",
    "not-authorised: the last authorised date": "the authorisation ends on Mon 30 Nov 2026",
    "series-complete: six were ordered": f"all 6 sessions of {MY_COURSE.id} are booked",
    "patient-on-hold: the patient": "the patient is on-hold",
    "gap-tight: 48 hours": "47 h 45 min after session 1 (Tue 1 Dec 2026 09:00); usually at least 48 h",
    "gap-long: five days by date": "6 d after session 1 (Tue 1 Dec 2026 16:00); at most 5 d",
    "window-exceeded: 21 days from the first start": "induction takes 22 d; the window is 21 d",
    "review-due: after the third session": "a clinician's review is due before session 4",
    "authorisation-low: two are left": "2 authorised visits are left after this one",
    "authorisation-low: fourteen days are left": "the authorisation ends 14 days after this visit",
    "different-time-of-day: an hour": "1 h 15 min later than the session before",
    "late-cancel: marked late": "less than 24 h before the visit",
}


@pytest.mark.parametrize(("example", "message"), MESSAGES.items(), ids=list(MESSAGES))
def test_what_a_rule_says(example: str, message: str) -> None:
    assert [c.message for c in ALL[example].speaks.said(ALL[example].rule)] == [message]


def test_a_conflict_points_at_what_stands_in_the_way() -> None:
    in_the_way = other(NINE)
    (found,) = seen(NINE, in_the_way).said("chair-busy")
    assert (found.severity, found.overridable) == ("hard", False)
    assert (found.subject, found.start, found.end) == (in_the_way.id, in_the_way.start, in_the_way.end)


def test_an_authorisation_that_ends_soon_is_told_in_words_that_fit_the_number() -> None:
    def told(**changes: Any) -> list[str]:
        return [c.message for c in course(1, NINE, of=MY_COURSE._replace(**changes)).said("authorisation-low")]

    assert told(authorised_visits=1) == ["0 authorised visits are left after this one"]
    assert told(authorised_visits=2) == ["1 authorised visit is left after this one"]
    assert told(authorised_until="2026-12-01") == ["the authorisation ends on the day of this visit"]
    assert told(authorised_until="2026-12-02") == ["the authorisation ends 1 day after this visit"]


def test_a_start_near_midnight_is_told_only_the_grid_of_its_own_day() -> None:
    (found,) = seen("2026-12-01T23:50").said("off-grid")
    assert found.message == "visits start every 15 minutes: 23:45"


def test_without_a_patient_no_rule_about_one_speaks() -> None:
    speaking = seen(NINE, mine(NINE), ADA._replace(status="on-hold", requirements=()), protocol=ESK)
    about_patients = {r.id for r in rules.CATALOGUE} - set(rules.PHYSICAL)
    assert {c.rule for c in speaking.said("patient-busy")} == {"patient-busy"}
    nobody = speaking._replace(visit=speaking.visit._replace(patient=""))
    assert {c.rule for c in rules.conflicts(nobody.case)} & about_patients == set()


def test_a_protocol_that_left_the_clinic_is_judged_by_the_phases_of_the_visit() -> None:
    gone = seen(protocol=who_needs(Phase("watched", 30, hands_on=True)))
    assert {c.rule for c in rules.hard(gone.case)} == set()
    nobody = gone._replace(clinic=CLINIC._replace(staff=()))
    assert {c.rule for c in rules.hard(nobody.case)} == {"staff-short"}


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_on_any_book_every_rule_answers_with_itself_and_no_name(world: World) -> None:
    person: Patient = world.book.patients[world.patient]
    for start in every(45, world.book, world.day, world.day):
        asked = probe(world.clinic, world.clinic.protocols[0], start, patient=world.patient, chair="chair-0")
        for entry in rules.CATALOGUE:
            for found in entry.check(Case(world.book, asked)):
                assert (found.rule, found.severity, found.overridable) == (entry.id, entry.severity, entry.overridable)
                assert found.message
                assert person.name not in found.message
