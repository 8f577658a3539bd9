"""The examples of the rules about a patient's course: gaps, weeks, requirements, authorisations, warnings."""

from __future__ import annotations

from typing import Any

from builders import CONSULT, COURSE, MOOD, series, visit
from domain.rule_examples import ADA, DAILY, ESK, NINE, Example, Seen, mine, seen

from infusion_cli.domain.book import Appointment, Record
from infusion_cli.domain.protocol import Phase, Protocol

MY_COURSE = series(0)
ESK_COURSE = series(0, protocol=ESK.id, ordered=12, course=ESK.course)


def session(number: int, wall: str, *, protocol: Protocol = MOOD, **changes: Any) -> Appointment:
    """A session of the patient's course."""
    fresh: dict[str, Any] = {"series": MY_COURSE.id, "session": number, "of": 0, "protocol": protocol}
    return visit(number, wall, **(fresh | changes))


def course(number: int, wall: str, *others: Record, of: Record = MY_COURSE, **changes: Any) -> Seen:
    """A session of the patient's course beside others of it."""
    return Seen(session(number, wall, **changes), (of, *others))


LIVED = tuple(mine(f"2026-12-0{day}T09:00", protocol=ESK)._replace(id=f"A{day}") for day in (1, 3))
LATER = tuple(mine(f"2026-12-{day}T09:00", protocol=ESK)._replace(id=f"A{day}") for day in (15, 17))
IN_TWO_WEEKS = tuple(mine(f"2026-12-{day}T09:00", protocol=ESK)._replace(id=f"A{day}") for day in (15, 20, 22, 23))
"""Weeks from the 15th: two and two; from the 12th the last three would be in one."""
REVIEWED = ESK_COURSE._replace(
    course=tuple(s._replace(review_after=s.sessions, review_before=False) for s in ESK.course)
)
REVIEWED_AFTER_3 = MY_COURSE._replace(course=(COURSE[0]._replace(review_after=3),))

EXAMPLES = [
    Example(
        "gap-too-short",
        "24 hours",
        seen("2026-12-02T08:45", mine("2026-12-01T09:00")),
        seen("2026-12-02T09:00", mine("2026-12-01T09:00")),
    ),
    Example(
        "gap-too-short",
        "the visit after it",
        seen("2026-12-01T09:15", mine("2026-12-02T09:00")),
        seen("2026-12-01T09:00", mine("2026-12-02T09:00")),
    ),
    Example(
        "gap-too-short",
        "24 hours in a night of 25",
        seen("2026-11-01T08:45", mine("2026-10-31T10:00")),
        seen("2026-11-01T09:00", mine("2026-10-31T10:00")),
    ),
    Example(
        "gap-too-short",
        "24 hours in a night of 23",
        seen("2027-03-14T10:45", mine("2027-03-13T10:00")),
        seen("2027-03-14T11:00", mine("2027-03-13T10:00")),
    ),
    Example(
        "gap-too-short",
        "one day is the next date, 23 hours away or less",
        seen("2027-03-13T23:00", mine("2027-03-13T00:00", protocol=DAILY), protocol=DAILY),
        seen("2027-03-14T00:00", mine("2027-03-13T23:00", protocol=DAILY), protocol=DAILY),
    ),
    Example(
        "gap-too-short",
        "the same protocol",
        seen("2026-12-01T14:00", mine("2026-12-01T09:00")),
        seen("2026-12-01T14:00", mine("2026-12-01T09:00", protocol=DAILY)),
    ),
    Example(
        "gap-too-short",
        "the gap of the session's own step",
        course(9, "2026-12-03T09:00", session(8, "2026-12-01T09:00", protocol=ESK), of=ESK_COURSE, protocol=ESK),
        course(9, "2026-12-04T08:00", session(8, "2026-12-01T09:00", protocol=ESK), of=ESK_COURSE, protocol=ESK),
    ),
    Example(
        "protocol-week-limit",
        "the eighth day begins a new week",
        seen("2026-12-07T09:00", *LIVED, protocol=ESK),
        seen("2026-12-08T09:00", *LIVED, protocol=ESK),
    ),
    Example(
        "protocol-week-limit",
        "visits after it count",
        seen("2026-12-16T09:00", *LIVED, *LATER, protocol=ESK),
        seen("2026-12-14T09:00", *LIVED, *LATER, protocol=ESK),
    ),
    Example(
        "protocol-week-limit",
        "a new first visit moves all weeks",
        seen("2026-12-12T09:00", *IN_TWO_WEEKS, protocol=ESK),
        seen("2026-12-08T09:00", *IN_TWO_WEEKS, protocol=ESK),
    ),
    Example(
        "protocol-week-limit",
        "another week that is too full is not its concern",
        seen("2026-12-07T09:00", *LIVED, mine("2026-12-05T09:00", protocol=ESK), protocol=ESK),
        seen("2026-12-08T09:00", *LIVED, mine("2026-12-05T09:00", protocol=ESK), protocol=ESK),
    ),
    Example(
        "protocol-week-limit",
        "cancelled visits do not count",
        seen("2026-12-07T09:00", *LIVED, protocol=ESK),
        seen("2026-12-07T09:00", LIVED[0], LIVED[1]._replace(status="cancelled"), protocol=ESK),
    ),
    Example(
        "observation-too-short",
        "120 minutes",
        seen(protocol=ESK, phases=(Phase("observation", 119, observation=True),)),
        seen(protocol=ESK, phases=(Phase("observation", 120, observation=True),)),
    ),
    Example(
        "requirement-missing",
        "consent on record",
        seen(NINE, ADA._replace(requirements=(("evaluation", "2026-11-01"),))),
        seen(NINE, ADA),
    ),
    Example(
        "requirement-missing",
        "dated after the visit",
        seen(NINE, ADA._replace(requirements=(("consent", "2026-12-02"),))),
        seen(NINE, ADA._replace(requirements=(("consent", "2026-12-01"),))),
    ),
    Example(
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
    Example(
        "not-authorised",
        "the last authorised date",
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-11-30")),
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-12-01")),
    ),
    Example("series-complete", "six were ordered", course(7, NINE), course(6, NINE)),
    Example(
        "series-active",
        "another course has a session ahead",
        course(1, "2026-12-07T09:00", mine(NINE, series="S-old", session=6)),
        course(1, "2026-12-07T09:00", mine(NINE, series="S-old", session=6, status="fulfilled")),
    ),
    Example(
        "series-active",
        "a session that was never closed is not ahead",
        course(1, "2026-12-07T09:00", mine("2026-12-01T09:00", series="S-old", session=6)),
        course(1, "2026-12-07T09:00", mine("2026-11-27T09:00", series="S-old", session=6)),
    ),
    Example(
        "series-active",
        "a lone visit is no course",
        course(1, "2026-12-07T09:00", mine(NINE, series="S-old", session=6)),
        course(1, "2026-12-07T09:00", mine(NINE)),
    ),
    Example("patient-on-hold", "the patient", seen(NINE, ADA._replace(status="on-hold")), seen(NINE, ADA)),
    Example("patient-on-hold", "the series", course(1, NINE, of=MY_COURSE._replace(status="on-hold")), course(1, NINE)),
    Example(
        "gap-tight",
        "48 hours",
        course(2, "2026-12-03T08:45", session(1, NINE)),
        course(2, "2026-12-03T09:00", session(1, NINE)),
    ),
    Example(
        "gap-tight",
        "shorter than the least is another rule's word",
        course(2, "2026-12-02T09:00", session(1, NINE)),
        course(2, "2026-12-02T08:45", session(1, NINE)),
    ),
    Example(
        "gap-tight",
        "a visit outside any course has no usual gap",
        course(2, "2026-12-02T09:00", session(1, NINE)),
        seen("2026-12-02T09:00", session(1, NINE), MY_COURSE),
    ),
    Example(
        "gap-long",
        "five days by date",
        course(2, "2026-12-07T08:00", session(1, "2026-12-01T16:00")),
        course(2, "2026-12-06T16:00", session(1, "2026-12-01T08:00")),
    ),
    Example(
        "gap-long",
        "the session after it",
        course(1, "2026-12-01T09:00", session(2, "2026-12-07T09:00")),
        course(1, "2026-12-02T09:00", session(2, "2026-12-07T09:00")),
    ),
    Example(
        "gap-long",
        "a session of another course",
        course(2, "2026-12-07T09:00", session(1, NINE)),
        course(2, "2026-12-07T09:00", session(1, NINE, series="S-old")),
    ),
    Example(
        "window-exceeded",
        "21 days from the first start",
        course(6, "2026-12-23T09:00", session(1, NINE)),
        course(6, "2026-12-22T16:00", session(1, NINE)),
    ),
    Example(
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
    Example(
        "review-due",
        "before a step that asks for it",
        course(9, NINE, of=ESK_COURSE, protocol=ESK),
        course(8, NINE, of=ESK_COURSE, protocol=ESK),
    ),
    Example(
        "review-due",
        "after the third session",
        course(4, NINE, of=REVIEWED_AFTER_3),
        course(3, NINE, of=REVIEWED_AFTER_3),
    ),
    Example(
        "review-due",
        "after the last session of a step",
        course(
            9,
            NINE,
            of=REVIEWED,
            protocol=ESK,
        ),
        course(
            10,
            NINE,
            of=REVIEWED,
            protocol=ESK,
        ),
    ),
    Example(
        "review-due",
        "nothing comes before the first session",
        course(9, NINE, of=ESK_COURSE, protocol=ESK),
        course(1, NINE, of=ESK_COURSE._replace(course=ESK.course[1:]), protocol=ESK),
    ),
    Example(
        "authorisation-low",
        "two are left",
        course(1, NINE, of=MY_COURSE._replace(authorised_visits=3)),
        course(1, NINE, of=MY_COURSE._replace(authorised_visits=4)),
    ),
    Example(
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
    Example(
        "authorisation-low",
        "fourteen days are left",
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-12-15")),
        course(1, NINE, of=MY_COURSE._replace(authorised_until="2026-12-16")),
    ),
    Example("ride-unknown", "a ride home", seen(status="arrived"), seen(status="arrived", ride="sister")),
    Example("ride-unknown", "who is not here yet", seen(status="checked-in"), seen(status="booked")),
    Example("ride-unknown", "no drug was given", seen(status="arrived"), seen(status="arrived", protocol=CONSULT)),
    Example(
        "different-time-of-day",
        "an hour",
        course(2, "2026-12-03T10:15", session(1, NINE)),
        course(2, "2026-12-03T10:00", session(1, NINE)),
    ),
    Example(
        "different-time-of-day",
        "by the wall clock, over a change",
        course(2, "2026-11-02T11:15", session(1, "2026-10-31T10:00")),
        course(2, "2026-11-02T11:00", session(1, "2026-10-31T10:00")),
    ),
    Example(
        "different-time-of-day",
        "the same course",
        course(2, "2026-12-03T14:00", session(1, NINE)),
        seen("2026-12-03T14:00", session(1, NINE), MY_COURSE),
    ),
    Example("late-cancel", "marked late", seen(status="cancelled", late=True), seen(status="cancelled")),
]
