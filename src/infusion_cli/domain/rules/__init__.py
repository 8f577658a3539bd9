"""The catalogue of rules: one small function a rule, its docstring the line of the reference.

`slots find`, `slots why`, `book`, `move`, `series plan`, `batch` and `undo` ask the same functions.
Hard rules forbid, soft ones warn; a hard one marked overridable gives way to a reason.
Messages name ids and times, never people.
"""

from __future__ import annotations

from collections.abc import Iterable

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.case import Case
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.rules import clinic_rules, course_rules, staff_rules, warnings
from infusion_cli.domain.rules.catalogue import RULES, Rule, conflict

__all__ = ["BY_ID", "CATALOGUE", "PHYSICAL", "conflict", "conflicts", "forbids", "hard"]

_MODULES = (clinic_rules, staff_rules, course_rules, warnings)  # imported for the rules they enter

CATALOGUE: tuple[Rule, ...] = tuple(RULES)
BY_ID: dict[str, Rule] = {r.id: r for r in CATALOGUE}
PHYSICAL = (
    "chair-busy",
    "chair-unsuitable",
    "outside-hours",
    "closed",
    "off-grid",
    "in-the-past",
    "staff-short",
    "provider-absent",
)
"""Rules that look at the clinic alone; the others look at the patient."""


def conflicts(case: Case, only: Iterable[str] = (), *, without: Iterable[str] = ()) -> list[Conflict]:
    """Everything that the rules have to say about a visit, in the order of the catalogue."""
    chosen, left_out = set(only), set(without)
    return [
        found for r in CATALOGUE if (not chosen or r.id in chosen) and r.id not in left_out for found in r.check(case)
    ]


def hard(case: Case, only: Iterable[str] = (), *, without: Iterable[str] = ()) -> list[Conflict]:
    """The conflicts that forbid the visit, its recorded overrides already taken off."""
    return [c for c in conflicts(case, only, without=without) if forbids(c, case.visit)]


def forbids(found: Conflict, visit: Appointment) -> bool:
    """Whether a conflict forbids the visit: it is hard, and not an overridable one that is recorded as such."""
    return found.is_hard and not (found.overridable and found.rule in visit.overrides)
