"""The protocols of the clinic's file: visits minute by minute, courses day by day."""

from __future__ import annotations

from itertools import pairwise

from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.formats.toml_table import Table, quoted, unique

PROTOCOL_KEYS = (
    "id",
    "title",
    "public_title",
    "provider",
    "requires",
    "observation_minimum",
    "per_protocol_week",
    "phases",
    "course",
)
_PHASE_KEYS = (
    "name",
    "minutes",
    "patients_per_nurse",
    "hands_on",
    "dosing",
    "observation",
    "after_leave",
    "provider_hands",
)
_STEP_KEYS = ("name", "sessions", "gap", "window", "review_after", "review_before")
_GAP_KEYS = ("min", "tight", "ideal", "long")

REMS = "rems-enrolment"
REMS_OBSERVATION = 120
"""Minutes a patient must be observed after a drug given under the REMS, at every session (US label)."""

_DAY = 1440
_STAND_IN = Span(1, "d")


def read_protocols(file: Table) -> list[tuple[Table, Protocol]]:
    """Every protocol of the file with its table; what is wrong is noted and has a stand-in in the result."""
    found = [(table, _protocol(table)) for table in file.tables("protocols", PROTOCOL_KEYS)]
    unique(((table, protocol.id) for table, protocol in found), "id", "protocols")
    return found


def _protocol(table: Table) -> Protocol:
    protocol = Protocol(
        id=table.id(),
        title=table.text("title"),
        phases=tuple(_phase(t) for t in table.tables("phases", _PHASE_KEYS, limit=50)),
        course=_course(table),
        provider=table.flag("provider"),
        requires=table.ids("requires"),
        observation_minimum=table.whole("observation_minimum", 1, _DAY, required=False),
        per_protocol_week=table.whole("per_protocol_week", 1, 100, required=False),
        public_title=table.text("public_title", ""),
    )
    if table.sound("phases"):
        _check_visit(table, protocol)
        _check_observation(table, protocol)
    return protocol


def _phase(table: Table) -> Phase:
    phase = Phase(
        name=table.text("name"),
        minutes=table.whole("minutes", 1, _DAY) or 1,
        patients_per_nurse=table.whole("patients_per_nurse", 1, 10, required=False) or 0,
        hands_on=table.flag("hands_on"),
        dosing=table.flag("dosing"),
        observation=table.flag("observation"),
        after_leave=table.flag("after_leave"),
        provider_hands=table.flag("provider_hands"),
    )
    if phase.after_leave and (phase.dosing or phase.observation):
        table.note(
            "after_leave",
            "phase-order",
            f"The phase {quoted(phase.name)} needs the patient, so it cannot be after_leave; remove one of the flags.",
        )
    return phase


def _check_visit(table: Table, protocol: Protocol) -> None:
    """The visit ends within a day, and what is done after the patient left comes last."""
    if protocol.minutes >= _DAY:
        table.note(
            "phases", "visit-too-long", f"The phases last {protocol.minutes} min together; shorten them to under 24 h."
        )
    left = [p.after_leave for p in protocol.phases]
    if left[0] or left != sorted(left):
        table.note(
            "phases", "phase-order", "A phase that is after_leave stands before one that is not; put it at the end."
        )


def _check_observation(table: Table, protocol: Protocol) -> None:
    if not table.sound("observation_minimum", "requires"):
        return
    minimum = protocol.observation_minimum
    observed = sum(p.minutes for p in protocol.phases if p.observation)
    if REMS in protocol.requires and protocol.has_dosing and (minimum or 0) < REMS_OBSERVATION:
        table.note(
            "observation_minimum",
            "observation-too-short",
            f"A drug given under {REMS} is observed for {REMS_OBSERVATION} min by regulation;"
            f" write observation_minimum = {REMS_OBSERVATION} or more.",
        )
    if minimum is not None and observed < minimum:
        table.note(
            "observation_minimum",
            "observation-too-short",
            f"The observation phases last {observed} min and the minimum is {minimum}; it is regulatory,"
            " so raise the minutes of the phases and do not lower the minimum.",
        )


def _course(table: Table) -> tuple[Step, ...]:
    tables = table.tables("course", _STEP_KEYS, required=False, limit=50)
    steps = tuple(_step(t, last=t is tables[-1]) for t in tables)
    unique(zip(tables, (s.name for s in steps), strict=True), "name", "steps")
    return steps


def _step(table: Table, *, last: bool) -> Step:
    sessions = _sessions(table, last=last)
    step = Step(
        name=table.text("name"),
        sessions=sessions,
        gap=_gap(table),
        window=table.span("window", required=False),
        review_after=table.whole("review_after", 1, 365, required=False),
        review_before=table.flag("review_before"),
    )
    if sessions is not None and step.review_after is not None and step.review_after > sessions:
        table.note(
            "review_after",
            "out-of-range",
            f"review_after is {step.review_after}, but the step has {sessions} sessions; write {sessions} at most.",
        )
    if table.sound("sessions", "gap", "window"):
        _check_window(table, step)
    return step


def _sessions(table: Table, *, last: bool) -> int | None:
    if table.fields.get("sessions") == "open":
        if not last:
            table.note(
                "sessions",
                "open-not-last",
                'Only the last step may have sessions = "open"; give a number or put the step at the end.',
            )
        return None
    if isinstance(table.fields.get("sessions"), str):
        table.note("sessions", "wrong-type", 'sessions must be a whole number from 1 to 365 or "open".')
        return None
    return table.whole("sessions", 1, 365)


def _gap(table: Table) -> Gap:
    fields = table.table("gap", _GAP_KEYS)
    if fields is None:
        return Gap(_STAND_IN, None, (_STAND_IN, _STAND_IN), None)
    gap = Gap(
        min=fields.span("min") or _STAND_IN,
        tight=fields.span("tight", required=False),
        ideal=fields.spans("ideal") or (_STAND_IN, _STAND_IN),
        long=fields.span("long", required=False),
    )
    if fields.sound(*_GAP_KEYS):
        _check_gap(fields, gap)
    return gap


def _check_gap(table: Table, gap: Gap) -> None:
    """`min` <= `tight` <= `ideal` from <= `ideal` to <= `long`, a day counted as 24 hours."""
    low, high = gap.ideal
    wanted = [("min", gap.min), ("tight", gap.tight), ("ideal", low), ("ideal", high), ("long", gap.long)]
    given = [(key, span) for key, span in wanted if span]
    for (key, span), (next_key, next_span) in pairwise(given):
        if span.minutes > next_span.minutes:
            table.note(
                next_key,
                "gap-order",
                f"{key} {span} is longer than {next_key} {next_span};"
                " order them as min, tight, ideal from, ideal to, long.",
            )


def _check_window(table: Table, step: Step) -> None:
    """The sessions at their smallest gaps must fit, with a day of grace because days are local dates."""
    if step.window is None or step.sessions is None:
        return
    shortest = (step.sessions - 1) * step.gap.min.minutes
    if shortest >= step.window.minutes + _DAY:
        table.note(
            "window",
            "window-too-short",
            f"{step.sessions} sessions at least {step.gap.min} apart never fit a window of {step.window};"
            " lengthen the window or shorten min.",
        )
