"""A visit in a book, for the examples of the rules; and the examples about chairs, hours and staff."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from builders import CONSULT, MOOD, NOW, at, block, clinic, nurse, patient, provider, visit

from infusion_cli.domain import rules
from infusion_cli.domain.book import Appointment, Book, Record
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic import Chair, Clinic, Closure, Practitioner, Shift
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step

NINE = "2026-12-01T09:00"
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


def other(wall: str, chair: str = "chair-1", **changes: Any) -> Appointment:
    """A visit of another patient."""
    return visit(7, wall, chair, **changes)


def mine(wall: str, **changes: Any) -> Appointment:
    """Another visit of the same patient."""
    return visit(7, wall, **({"of": 0} | changes))


def who_needs(*phases: Phase) -> Protocol:
    return Protocol("special", "Special", phases)


class Example(NamedTuple):
    """A case in which a rule speaks and one, different in `border` alone, in which it does not."""

    rule: str
    border: str
    speaks: Seen
    silent: Seen

    @property
    def name(self) -> str:
        return f"{self.rule}: {self.border}"


BUSY = (other("2026-12-01T08:45", "chair-2"), visit(8, "2026-12-01T08:45", "chair-3"))
WATCHED = Phase("watched", 60, patients_per_nurse=2)
ONE_NURSE = CLINIC._replace(staff=(nurse(1), provider(1)))
WATCHERS = tuple(visit(n, "2026-12-01T09:00", f"chair-{n}", protocol=who_needs(WATCHED)) for n in (7, 8))
LAST_MINUTE = Practitioner("dr-1", "provider", (Shift((1,), 480, 629),))

EXAMPLES = [
    Example(
        "chair-busy",
        "the visit before ends one grid later",
        seen(NINE, other("2026-12-01T07:30")),
        seen(NINE, other("2026-12-01T07:15")),
    ),
    Example(
        "chair-busy",
        "the visit after begins one grid earlier",
        seen(NINE, other("2026-12-01T10:30")),
        seen(NINE, other("2026-12-01T10:45")),
    ),
    Example("chair-busy", "the same chair", seen(NINE, other(NINE)), seen(NINE, other(NINE, "chair-2"))),
    Example(
        "chair-busy", "a hold", seen(NINE, other(NINE, status="pending")), seen(NINE, other(NINE, status="cancelled"))
    ),
    Example(
        "chair-busy",
        "out of order until a minute after the start",
        seen(NINE, block(end=at(NINE) + 60)),
        seen(NINE, block(end=at(NINE))),
    ),
    Example("chair-busy", "the block is lifted", seen(NINE, block()), seen(NINE, block(status="removed"))),
    Example("chair-busy", "another state of itself", seen(NINE, other(NINE)), seen(NINE, visit(0, NINE))),
    Example("chair-unsuitable", "a chair for consultations", seen(chair="sofa"), seen(chair="sofa", protocol=CONSULT)),
    Example("chair-unsuitable", "a chair that there is not", seen(chair="chair-9"), seen(chair="chair-2")),
    Example("outside-hours", "turnover ends at closing time", seen("2026-12-01T15:30"), seen("2026-12-01T15:15")),
    Example("outside-hours", "opening time", seen("2026-12-01T07:45"), seen("2026-12-01T08:00")),
    Example(
        "outside-hours",
        "an extra opening",
        seen("2026-12-05T09:00"),
        seen("2026-12-05T09:00", block(0, "open", "", start=at("2026-12-05T09:00"), end=at("2026-12-05T10:45"))),
    ),
    Example(
        "closed",
        "a holiday",
        seen(of=CLINIC._replace(closures=(Closure(date(2026, 12, 1), "inventory"),))),
        seen(of=CLINIC._replace(closures=(Closure(date(2026, 12, 2), "inventory"),))),
    ),
    Example(
        "closed",
        "closed from a minute before the end",
        seen(NINE, block(0, "clinic", "", start=at("2026-12-01T10:44"))),
        seen(NINE, block(0, "clinic", "", start=at("2026-12-01T10:45"))),
    ),
    Example(
        "patient-busy",
        "the other visit ends one grid later",
        seen(NINE, mine("2026-12-01T08:15", protocol=CONSULT)),
        seen(NINE, mine("2026-12-01T08:00", protocol=CONSULT)),
    ),
    Example("patient-busy", "another patient", seen(NINE, mine(NINE)), seen(NINE, other(NINE))),
    Example(
        "one-visit-per-day",
        "the local date, not that of Greenwich",
        seen(NINE, mine("2026-12-01T19:30")),
        seen(NINE, mine("2026-12-02T00:00")),
    ),
    Example(
        "one-visit-per-day",
        "any protocol with a drug",
        seen(NINE, mine("2026-12-01T14:00", protocol=ESK)),
        seen(NINE, mine("2026-12-01T14:00", protocol=CONSULT)),
    ),
    Example(
        "one-visit-per-day",
        "the visit itself gives a drug",
        seen(NINE, mine("2026-12-01T14:00")),
        seen(NINE, mine("2026-12-01T14:00"), protocol=CONSULT),
    ),
    Example("off-grid", "a multiple of 15 minutes", seen("2026-12-01T09:07"), seen("2026-12-01T09:15")),
    Example("off-grid", "seconds", seen("2026-12-01T09:00:01"), seen("2026-12-01T09:00:00")),
    Example("in-the-past", "now itself is not past", seen(NINE, now=at(NINE) + 1), seen(NINE, now=at(NINE))),
    Example("staff-short", "two nurses' hands until 09:05", seen(NINE, *BUSY), seen("2026-12-01T09:05", *BUSY)),
    Example(
        "staff-short",
        "an overridden visit claims nobody",
        seen(NINE, *BUSY),
        seen(NINE, BUSY[0], BUSY[1]._replace(overrides=("staff-short",))),
    ),
    Example("staff-short", "it claims nobody itself", seen(NINE, *BUSY), seen(NINE, *BUSY, overrides=("staff-short",))),
    Example(
        "staff-short",
        "one nurse watches two",
        seen(NINE, *WATCHERS, of=ONE_NURSE, protocol=who_needs(WATCHED)),
        seen(NINE, WATCHERS[0], of=ONE_NURSE, protocol=who_needs(WATCHED)),
    ),
    Example(
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
    Example(
        "staff-short",
        "the only provider consults",
        seen(NINE, other("2026-12-01T08:15", "sofa", protocol=CONSULT), protocol=CONSULT),
        seen(NINE, other("2026-12-01T08:00", "sofa", protocol=CONSULT), protocol=CONSULT),
    ),
    Example(
        "provider-absent",
        "from dosing to leave",
        seen(of=CLINIC._replace(staff=(nurse(1), LAST_MINUTE))),
        seen(of=CLINIC._replace(staff=(nurse(1), LAST_MINUTE._replace(shifts=(Shift((1,), 560, 630),))))),
    ),
    Example(
        "provider-absent",
        "the protocol asks for one",
        seen(of=CLINIC._replace(staff=(nurse(1),))),
        seen(of=CLINIC._replace(staff=(nurse(1),), protocols=(MOOD._replace(provider=False),))),
    ),
]
