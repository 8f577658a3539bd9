"""The catalogue of rules: for each a case in which it speaks and one right beside it in which it does not."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest
from builders import CONSULT, COURSE, MOOD, NOW, at, block, clinic, nurse, patient, provider, series, visit
from domain.worlds import World, every, worlds
from hypothesis import given, settings

from infusion_cli.domain import rules
from infusion_cli.domain.book import Appointment, Book, Patient, Record
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic import Chair, Clinic, Closure, Practitioner, Shift
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.domain.visit import probe

ESK = Protocol(
    "esketamine",
    "Esketamine",
    (
        Phase("preparation", 15, patients_per_nurse=4, hands_on=True),
        Phase("dosing", 10, patients_per_nurse=4, hands_on=True, dosing=True),
        Phase("observation", 125, patients_per_nurse=4, observation=True),
        Phase("turnover", 10, after_leave=True),
    ),
    (
        Step(
            "induction", 8, Gap(Span(20, "h"), Span(48, "h"), (Span(3, "d"), Span(4, "d")), Span(7, "d")), Span(28, "d")
        ),
        Step(
            "weekly",
            4,
            Gap(Span(3, "d"), Span(5, "d"), (Span(7, "d"), Span(7, "d")), Span(10, "d")),
            review_before=True,
        ),
    ),
    provider=True,
    requires=("consent", "rems-enrolment"),
    observation_minimum=120,
    per_protocol_week=2,
)
DAILY = MOOD._replace(id="daily", course=(Step("s", 3, Gap(Span(1, "d"), None, (Span(1, "d"),) * 2, Span(2, "d"))),))
CLINIC = clinic(protocols=(MOOD, CONSULT, ESK, DAILY), chairs=(*clinic().chairs, Chair("sofa", "Sofa", ("consult",))))
ADA = patient(
    0,
    mrn="MRN-ZQ",
    name="Zephyrine Quackenbush",
    requirements=(("consent", "2026-11-01"), ("rems-enrolment", "2026-11-01")),
)
MY_COURSE = series(0)
ESK_COURSE = series(0, protocol=ESK.id, ordered=12, course=ESK.course)
NINE = "2026-12-01T09:00"


class Seen(NamedTuple):
    """A visit and everything else in the book."""

    visit: Appointment
    others: tuple[Record, ...] = ()
    clinic: Clinic = CLINIC
    now: int = NOW

    @property
    def case(self) -> Case:
        book = Book(self.clinic, self.now, self.visit.start - 3 * 86_400, self.visit.end + 3 * 86_400)
        book.add([ADA, *self.others])
        return Case(book, self.visit)

    def said(self, rule: str) -> list[Conflict]:
        return rules.conflicts(self.case, (rule,))


def seen(
    wall: str = NINE, *others: Record, of: Clinic = CLINIC, now: int = NOW, chair: str = "chair-1", **changes: Any
) -> Seen:
    """The visit number 0 of the patient at that time, beside the others."""
    return Seen(visit(0, wall, chair, **changes), others, of, now)


def session(number: int, wall: str, *, protocol: Protocol = MOOD, **changes: Any) -> Appointment:
    """A session of the patient's course."""
    fresh = {"series": MY_COURSE.id, "session": number, "of": 0, "protocol": protocol}
    return visit(number, wall, **(fresh | changes))


def course(number: int, wall: str, *others: Record, of: Record = MY_COURSE, **changes: Any) -> Seen:
    """A session of the patient's course beside others of it."""
    return Seen(session(number, wall, **changes), (of, *others))


def other(wall: str, chair: str = "chair-1", **changes: Any) -> Appointment:
    """A visit of another patient."""
    return visit(7, wall, chair, **changes)


def mine(wall: str, **changes: Any) -> Appointment:
    """Another visit of the same patient."""
    return visit(7, wall, **({"of": 0} | changes))


def who_needs(*phases: Phase) -> Protocol:
    return Protocol("special", "Special", phases)


BUSY = (other("2026-12-01T08:45", "chair-2"), visit(8, "2026-12-01T08:45", "chair-3"))
WATCHED = Phase("watched", 60, patients_per_nurse=2)
ONE_NURSE = CLINIC._replace(staff=(nurse(1), provider(1)))
WATCHERS = tuple(visit(n, "2026-12-01T09:00", f"chair-{n}", protocol=who_needs(WATCHED)) for n in (7, 8))
LIVED = tuple(mine(f"2026-12-0{day}T09:00", protocol=ESK)._replace(id=f"A{day}") for day in (1, 3))
LATER = tuple(mine(f"2026-12-{day}T09:00", protocol=ESK)._replace(id=f"A{day}") for day in (14, 16))
LAST_MINUTE = Practitioner("dr-1", "provider", (Shift((1,), 480, 629),))

EXAMPLES: list[tuple[str, str, Seen, Seen]] = [
    # rule, what stands between the two, a case in which it speaks, one in which it does not
    (
        "chair-busy",
        "the visit before ends one grid later",
        seen(NINE, other("2026-12-01T07:30")),
        seen(NINE, other("2026-12-01T07:15")),
    ),
    (
        "chair-busy",
        "the visit after begins one grid earlier",
        seen(NINE, other("2026-12-01T10:30")),
        seen(NINE, other("2026-12-01T10:45")),
    ),
    ("chair-busy", "the same chair", seen(NINE, other(NINE)), seen(NINE, other(NINE, "chair-2"))),
    ("chair-busy", "a hold", seen(NINE, other(NINE, status="pending")), seen(NINE, other(NINE, status="cancelled"))),
    (
        "chair-busy",
        "out of order until a minute after the start",
        seen(NINE, block(end=at(NINE) + 60)),
        seen(NINE, block(end=at(NINE))),
    ),
    ("chair-busy", "the block is lifted", seen(NINE, block()), seen(NINE, block(status="removed"))),
    ("chair-busy", "another state of itself", seen(NINE, other(NINE)), seen(NINE, visit(0, NINE))),
    ("chair-unsuitable", "a chair for consultations", seen(chair="sofa"), seen(chair="sofa", protocol=CONSULT)),
    ("chair-unsuitable", "a chair that there is not", seen(chair="chair-9"), seen(chair="chair-2")),
    ("outside-hours", "turnover ends at closing time", seen("2026-12-01T15:30"), seen("2026-12-01T15:15")),
    ("outside-hours", "opening time", seen("2026-12-01T07:45"), seen("2026-12-01T08:00")),
    (
        "outside-hours",
        "an extra opening",
        seen("2026-12-05T09:00"),
        seen("2026-12-05T09:00", block(0, "open", "", start=at("2026-12-05T09:00"), end=at("2026-12-05T10:45"))),
    ),
    (
        "closed",
        "a holiday",
        seen(of=CLINIC._replace(closures=(Closure(date(2026, 12, 1), "inventory"),))),
        seen(of=CLINIC._replace(closures=(Closure(date(2026, 12, 2), "inventory"),))),
    ),
    (
        "closed",
        "closed from a minute before the end",
        seen(NINE, block(0, "clinic", "", start=at("2026-12-01T10:44"))),
        seen(NINE, block(0, "clinic", "", start=at("2026-12-01T10:45"))),
    ),
    (
        "patient-busy",
        "the other visit ends one grid later",
        seen(NINE, mine("2026-12-01T08:15", protocol=CONSULT)),
        seen(NINE, mine("2026-12-01T08:00", protocol=CONSULT)),
    ),
    ("patient-busy", "another patient", seen(NINE, mine(NINE)), seen(NINE, other(NINE))),
    (
        "one-visit-per-day",
        "the local date, not that of Greenwich",
        seen(NINE, mine("2026-12-01T19:30")),
        seen(NINE, mine("2026-12-02T00:00")),
    ),
    (
        "one-visit-per-day",
        "any protocol with a drug",
        seen(NINE, mine("2026-12-01T14:00", protocol=ESK)),
        seen(NINE, mine("2026-12-01T14:00", protocol=CONSULT)),
    ),
    (
        "one-visit-per-day",
        "the visit itself gives a drug",
        seen(NINE, mine("2026-12-01T14:00")),
        seen(NINE, mine("2026-12-01T14:00"), protocol=CONSULT),
    ),
    ("off-grid", "a multiple of 15 minutes", seen("2026-12-01T09:07"), seen("2026-12-01T09:15")),
    ("off-grid", "seconds", seen("2026-12-01T09:00:01"), seen("2026-12-01T09:00:00")),
    ("in-the-past", "now itself is not past", seen(NINE, now=at(NINE) + 1), seen(NINE, now=at(NINE))),
    ("staff-short", "two nurses' hands until 09:05", seen(NINE, *BUSY), seen("2026-12-01T09:05", *BUSY)),
    (
        "staff-short",
        "an overridden visit claims nobody",
        seen(NINE, *BUSY),
        seen(NINE, BUSY[0], BUSY[1]._replace(overrides=("staff-short",))),
    ),
    ("staff-short", "it claims nobody itself", seen(NINE, *BUSY), seen(NINE, *BUSY, overrides=("staff-short",))),
    (
        "staff-short",
        "one nurse watches two",
        seen(NINE, *WATCHERS, of=ONE_NURSE, protocol=who_needs(WATCHED)),
        seen(NINE, WATCHERS[0], of=ONE_NURSE, protocol=who_needs(WATCHED)),
    ),
    (
        "staff-short",
        "a nurse who leaves during monitoring",
        seen(
            "2026-12-01T09:00",
            of=CLINIC._replace(staff=(Practitioner("rn-1", "nurse", (Shift((1,), 465, 629),)), provider(1))),
        ),
        seen(
            "2026-12-01T09:00",
            of=CLINIC._replace(staff=(Practitioner("rn-1", "nurse", (Shift((1,), 465, 630),)), provider(1))),
        ),
    ),
    (
        "staff-short",
        "the only provider consults",
        seen(NINE, other("2026-12-01T08:15", "sofa", protocol=CONSULT), protocol=CONSULT),
        seen(NINE, other("2026-12-01T08:00", "sofa", protocol=CONSULT), protocol=CONSULT),
    ),
    (
        "provider-absent",
        "from dosing to leave",
        seen(of=CLINIC._replace(staff=(nurse(1), LAST_MINUTE))),
        seen(of=CLINIC._replace(staff=(nurse(1), LAST_MINUTE._replace(shifts=(Shift((1,), 560, 630),))))),
    ),
    (
        "provider-absent",
        "the protocol asks for one",
        seen(of=CLINIC._replace(staff=(nurse(1),))),
        seen(of=CLINIC._replace(staff=(nurse(1),), protocols=(MOOD._replace(provider=False),))),
    ),
    (
        "gap-too-short",
        "24 hours",
        seen("2026-12-02T08:45", mine("2026-12-01T09:00")),
        seen("2026-12-02T09:00", mine("2026-12-01T09:00")),
    ),
    (
        "gap-too-short",
        "the visit after it",
        seen("2026-12-01T09:15", mine("2026-12-02T09:00")),
        seen("2026-12-01T09:00", mine("2026-12-02T09:00")),
    ),
    (
        "gap-too-short",
        "24 hours in a night of 25",
        seen("2026-11-01T08:45", mine("2026-10-31T10:00")),
        seen("2026-11-01T09:00", mine("2026-10-31T10:00")),
    ),
    (
        "gap-too-short",
        "24 hours in a night of 23",
        seen("2027-03-14T10:45", mine("2027-03-13T10:00")),
        seen("2027-03-14T11:00", mine("2027-03-13T10:00")),
    ),
    (
        "gap-too-short",
        "one day is the next date, 23 hours away or less",
        seen("2027-03-13T23:00", mine("2027-03-13T00:00", protocol=DAILY), protocol=DAILY),
        seen("2027-03-14T00:00", mine("2027-03-13T23:00", protocol=DAILY), protocol=DAILY),
    ),
    (
        "gap-too-short",
        "the same protocol",
        seen("2026-12-01T14:00", mine("2026-12-01T09:00")),
        seen("2026-12-01T14:00", mine("2026-12-01T09:00", protocol=DAILY)),
    ),
    (
        "gap-too-short",
        "the gap of the session's own step",
        course(9, "2026-12-03T09:00", session(8, "2026-12-01T09:00", protocol=ESK), of=ESK_COURSE, protocol=ESK),
        course(9, "2026-12-04T08:00", session(8, "2026-12-01T09:00", protocol=ESK), of=ESK_COURSE, protocol=ESK),
    ),
    (
        "protocol-week-limit",
        "the eighth day begins a new week",
        seen("2026-12-07T09:00", *LIVED, protocol=ESK),
        seen("2026-12-08T09:00", *LIVED, protocol=ESK),
    ),
    (
        "protocol-week-limit",
        "visits after it count",
        seen("2026-12-18T09:00", *LIVED, *LATER, protocol=ESK),
        seen("2026-12-22T09:00", *LIVED, *LATER, protocol=ESK),
    ),
    (
        "protocol-week-limit",
        "a new first visit moves all weeks",
        seen(
            "2026-12-08T09:00",
            mine("2026-12-14T09:00", protocol=ESK),
            *LATER[1:],
            mine("2026-12-21T09:00", protocol=ESK)._replace(id="A21"),
            protocol=ESK,
        ),
        seen(
            "2026-12-07T09:00",
            mine("2026-12-14T09:00", protocol=ESK),
            *LATER[1:],
            mine("2026-12-21T09:00", protocol=ESK)._replace(id="A21"),
            protocol=ESK,
        ),
    ),
    (
        "protocol-week-limit",
        "cancelled visits do not count",
        seen("2026-12-07T09:00", *LIVED, protocol=ESK),
        seen("2026-12-07T09:00", LIVED[0], LIVED[1]._replace(status="cancelled"), protocol=ESK),
    ),
    (
        "observation-too-short",
        "120 minutes",
        seen(protocol=ESK, phases=(Phase("observation", 119, observation=True),)),
        seen(protocol=ESK, phases=(Phase("observation", 120, observation=True),)),
    ),
    (
        "requirement-missing",
        "consent on record",
        seen(NINE, ADA._replace(requirements=(("evaluation", "2026-11-01"),))),
        seen(NINE, ADA),
    ),
    (
        "requirement-missing",
        "dated after the visit",
        seen(NINE, ADA._replace(requirements=(("consent", "2026-12-02"),))),
        seen(NINE, ADA._replace(requirements=(("consent", "2026-12-01"),))),
    ),
    (
        "not-authorised",
        "all authorised visits booked",
        course(
            3,
            "2026-12-07T09:00",
            session(1, "2026-12-01T09:00"),
            session(2, "2026-12-03T09:00"),
            of=MY_COURSE._replace(authorised_visits=2),
        ),
        course(
            3,
            "2026-12-07T09:00",
            session(1, "2026-12-01T09:00"),
            session(2, "2026-12-03T09:00"),
            of=MY_COURSE._replace(authorised_visits=3),
        ),
    ),
    (
        "not-authorised",
        "the last authorised date",
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-11-30")),
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-12-01")),
    ),
    ("series-complete", "six were ordered", course(7, NINE), course(6, NINE)),
    (
        "series-active",
        "another course has a session ahead",
        course(1, "2026-12-07T09:00", mine(NINE, series="S-old", session=6)),
        course(1, "2026-12-07T09:00", mine(NINE, series="S-old", session=6, status="fulfilled")),
    ),
    (
        "series-active",
        "a lone visit is no course",
        course(1, "2026-12-07T09:00", mine(NINE, series="S-old", session=6)),
        course(1, "2026-12-07T09:00", mine(NINE)),
    ),
    ("patient-on-hold", "the patient", seen(NINE, ADA._replace(status="on-hold")), seen(NINE, ADA)),
    ("patient-on-hold", "the series", course(1, NINE, of=MY_COURSE._replace(status="on-hold")), course(1, NINE)),
    (
        "gap-tight",
        "48 hours",
        course(2, "2026-12-03T08:45", session(1, NINE)),
        course(2, "2026-12-03T09:00", session(1, NINE)),
    ),
    (
        "gap-tight",
        "shorter than the least is another rule's word",
        course(2, "2026-12-02T09:00", session(1, NINE)),
        course(2, "2026-12-02T08:45", session(1, NINE)),
    ),
    (
        "gap-tight",
        "a visit outside any course has no usual gap",
        course(2, "2026-12-02T09:00", session(1, NINE)),
        seen("2026-12-02T09:00", session(1, NINE), MY_COURSE),
    ),
    (
        "gap-long",
        "five days by date",
        course(2, "2026-12-07T08:00", session(1, "2026-12-01T16:00")),
        course(2, "2026-12-06T16:00", session(1, "2026-12-01T08:00")),
    ),
    (
        "gap-long",
        "the session after it",
        course(1, "2026-12-01T09:00", session(2, "2026-12-07T09:00")),
        course(1, "2026-12-02T09:00", session(2, "2026-12-07T09:00")),
    ),
    (
        "gap-long",
        "a session of another course",
        course(2, "2026-12-07T09:00", session(1, NINE)),
        course(2, "2026-12-07T09:00", session(1, NINE, series="S-old")),
    ),
    (
        "window-exceeded",
        "21 days from the first start",
        course(6, "2026-12-23T09:00", session(1, NINE)),
        course(6, "2026-12-22T16:00", session(1, NINE)),
    ),
    (
        "window-exceeded",
        "sessions of the same step",
        course(
            9,
            "2027-01-04T09:00",
            session(1, NINE, protocol=ESK),
            of=ESK_COURSE._replace(course=(ESK.course[0]._replace(sessions=9),)),
            protocol=ESK,
        ),
        course(9, "2027-01-04T09:00", session(1, NINE, protocol=ESK), of=ESK_COURSE, protocol=ESK),
    ),
    (
        "review-due",
        "before a step that asks for it",
        course(9, NINE, of=ESK_COURSE, protocol=ESK),
        course(8, NINE, of=ESK_COURSE, protocol=ESK),
    ),
    (
        "review-due",
        "after the third session",
        course(4, NINE, of=MY_COURSE._replace(course=(COURSE[0]._replace(review_after=3),))),
        course(3, NINE, of=MY_COURSE._replace(course=(COURSE[0]._replace(review_after=3),))),
    ),
    (
        "review-due",
        "after the last session of a step",
        course(
            9,
            NINE,
            of=ESK_COURSE._replace(
                course=tuple(s._replace(review_after=s.sessions, review_before=False) for s in ESK.course)
            ),
            protocol=ESK,
        ),
        course(
            10,
            NINE,
            of=ESK_COURSE._replace(
                course=tuple(s._replace(review_after=s.sessions, review_before=False) for s in ESK.course)
            ),
            protocol=ESK,
        ),
    ),
    (
        "review-due",
        "nothing comes before the first session",
        course(9, NINE, of=ESK_COURSE, protocol=ESK),
        course(1, NINE, of=ESK_COURSE._replace(course=ESK.course[1:]), protocol=ESK),
    ),
    (
        "authorisation-low",
        "two are left",
        course(1, NINE, of=MY_COURSE._replace(authorised_visits=3)),
        course(1, NINE, of=MY_COURSE._replace(authorised_visits=4)),
    ),
    (
        "authorisation-low",
        "visits after this one use up what is left after it",
        course(
            4,
            "2026-12-07T09:00",
            session(1, NINE),
            session(2, "2026-12-03T09:00"),
            of=MY_COURSE._replace(authorised_visits=5),
        ),
        course(
            1,
            NINE,
            session(2, "2026-12-03T09:00"),
            session(4, "2026-12-07T09:00"),
            of=MY_COURSE._replace(authorised_visits=5),
        ),
    ),
    (
        "authorisation-low",
        "fourteen days are left",
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-12-15")),
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-12-16")),
    ),
    ("ride-unknown", "a ride home", seen(status="arrived"), seen(status="arrived", ride="sister")),
    ("ride-unknown", "who is not here yet", seen(status="checked-in"), seen(status="booked")),
    ("ride-unknown", "no drug was given", seen(status="arrived"), seen(status="arrived", protocol=CONSULT)),
    (
        "different-time-of-day",
        "an hour",
        course(2, "2026-12-03T10:15", session(1, NINE)),
        course(2, "2026-12-03T10:00", session(1, NINE)),
    ),
    (
        "different-time-of-day",
        "by the wall clock, over a change",
        course(2, "2026-11-02T11:15", session(1, "2026-10-31T10:00")),
        course(2, "2026-11-02T11:00", session(1, "2026-10-31T10:00")),
    ),
    (
        "different-time-of-day",
        "the same course",
        course(2, "2026-12-03T14:00", session(1, NINE)),
        seen("2026-12-03T14:00", session(1, NINE), MY_COURSE),
    ),
    ("late-cancel", "marked late", seen(status="cancelled", late=True), seen(status="cancelled")),
]
IDS = [f"{rule}: {why}" for rule, why, _, _ in EXAMPLES]


@pytest.mark.parametrize(("rule", "speaks", "silent"), [(r, a, b) for r, _, a, b in EXAMPLES], ids=IDS)
def test_a_rule_speaks_on_one_side_of_its_border_only(rule: str, speaks: Seen, silent: Seen) -> None:
    assert {c.rule for c in speaks.said(rule)} == {rule}
    assert silent.said(rule) == []


def test_every_rule_has_an_example() -> None:
    assert {rule for rule, *_ in EXAMPLES} == set(rules.BY_ID)


@pytest.mark.parametrize("speaks", [a for _, _, a, _ in EXAMPLES], ids=IDS)
def test_no_message_names_the_patient(speaks: Seen) -> None:
    for conflict in rules.conflicts(speaks.case):
        assert not any(word in conflict.message for word in (*ADA.name.split(), ADA.mrn))


@pytest.mark.parametrize(("rule", "speaks"), [(r, a) for r, _, a, _ in EXAMPLES], ids=IDS)
def test_exactly_the_overridable_rules_give_way_to_a_recorded_override(rule: str, speaks: Seen) -> None:
    assert rule in {c.rule for c in rules.conflicts(speaks.case)}
    overridden = speaks._replace(visit=speaks.visit._replace(overrides=(rule,)))
    still_hard = rule in {c.rule for c in rules.hard(overridden.case)}
    entry = rules.BY_ID[rule]
    assert still_hard == (entry.severity == "hard" and rule not in {"staff-short", "gap-too-short"})
    assert entry.overridable == (rule in {"staff-short", "gap-too-short"})


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
    "staff-short: two nurses' hands until 09:05": f"09:00-09:05  all 2 nurses' hands are taken ({', '.join(sorted((A7, visit(8).id)))})",
    "staff-short: a nurse who leaves during monitoring": "10:29-10:30  no nurse is on duty",
    "provider-absent: from dosing to leave": "no provider is on site 10:29-10:30",
    "gap-too-short: 24 hours": f"23 h 45 min after {A7} (Tue 1 Dec 2026 09:00); at least 24 h",
    "gap-too-short: the visit after it": f"23 h 45 min before {A7} (Wed 2 Dec 2026 09:00); at least 24 h",
    "protocol-week-limit: the eighth day begins a new week": "visit 3 in protocol week 1 (Tue 1 Dec 2026 on); at most 2",
    "protocol-week-limit: a new first visit moves all weeks": "visit 3 in protocol week 1 (Tue 8 Dec 2026 on); at most 2",
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
    rule, _, speaks, _ = EXAMPLES[IDS.index(example)]
    assert [c.message for c in speaks.said(rule)] == [message]


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
