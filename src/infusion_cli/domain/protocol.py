"""What a visit needs minute by minute (phases) and what a course needs day by day (steps, gaps).

Lengths are whole minutes. A span of days is a difference of local dates; a span of hours or
minutes is elapsed time.
"""

from __future__ import annotations

from typing import NamedTuple

ATTENTION_OF_ONE_NURSE = 2520
"""Units of attention in one nurse: divisible by 1 to 10, so shares of patients stay whole."""

REQUIREMENTS = ("evaluation", "consent", "clearance", "labs", "rems-enrolment")
"""The shipped catalogue of requirements; a clinic adds its own by naming them in a protocol's `requires`."""


class Span(NamedTuple):
    """A length as a protocol writes it: `24h`, `3d`, `30m`."""

    amount: int
    unit: str

    @property
    def minutes(self) -> int:
        """The length in minutes, a day counted as 24 hours."""
        return self.amount * {"m": 1, "h": 60, "d": 1440}[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


class Phase(NamedTuple):
    """One part of a visit and what it takes, for `minutes` minutes."""

    name: str
    minutes: int
    patients_per_nurse: int = 0
    """How many patients in this phase one nurse may watch; 0 when no nurse is needed."""
    hands_on: bool = False
    dosing: bool = False
    observation: bool = False
    after_leave: bool = False
    provider_hands: bool = False

    @property
    def attention(self) -> int:
        """Units of nurses' attention taken in every minute of the phase."""
        return ATTENTION_OF_ONE_NURSE // self.patients_per_nurse if self.patients_per_nurse else 0


class Gap(NamedTuple):
    """The allowed and the wanted distance from the session before, start to start."""

    min: Span
    tight: Span | None
    ideal: tuple[Span, Span]
    long: Span | None


class Step(NamedTuple):
    """One part of a course; `sessions` is None when it is open-ended."""

    name: str
    sessions: int | None
    gap: Gap
    window: Span | None = None
    review_after: int | None = None
    review_before: bool = False


class Protocol(NamedTuple):
    """A kind of visit and, where it comes in series, its course."""

    id: str
    title: str
    phases: tuple[Phase, ...]
    course: tuple[Step, ...] = ()
    provider: bool = False
    requires: tuple[str, ...] = ()
    observation_minimum: int | None = None
    per_protocol_week: int | None = None
    public_title: str = ""

    @property
    def minutes(self) -> int:
        """The whole visit, preparation to turnover."""
        return sum(p.minutes for p in self.phases)

    @property
    def minutes_to_leave(self) -> int:
        """From the start until the patient may leave."""
        return sum(p.minutes for p in self.phases if not p.after_leave)

    @property
    def has_dosing(self) -> bool:
        """Whether a drug is given: only such visits count for one-visit-per-day."""
        return any(p.dosing for p in self.phases)

    @property
    def finite_sessions(self) -> int:
        """Sessions of the course without its open-ended steps."""
        return sum(s.sessions or 0 for s in self.course)


class Place(NamedTuple):
    """Where a session stands in its course."""

    step: Step
    step_index: int
    number_in_step: int
    """1 for the first session of the step."""


def place_in_course(course: tuple[Step, ...], session: int) -> Place | None:
    """The step that session number `session` (from 1, over all steps in order) belongs to.

    An open-ended step takes every further session. None when the course is over or empty.
    """
    before = 0
    for index, step in enumerate(course):
        if step.sessions is None or session <= before + step.sessions:
            return Place(step, index, session - before)
        before += step.sessions
    return None


def smallest_gap(course: tuple[Step, ...]) -> Span | None:
    """The course's smallest `min`: what a visit outside a series has to keep."""
    return min((s.gap.min for s in course), key=lambda span: span.minutes, default=None)
