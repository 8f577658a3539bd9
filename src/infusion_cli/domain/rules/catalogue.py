"""What a rule is, and the register in which each enters itself under its stable id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from infusion_cli.domain.case import Case
from infusion_cli.domain.plan import Conflict


class Rule(NamedTuple):
    """A line of the catalogue; `source` says where a clinical or regulatory rule comes from."""

    id: str
    severity: str
    overridable: bool
    summary: str
    source: str
    check: Callable[[Case], Iterator[Conflict]]


RULES: list[Rule] = []
"""Filled by the modules of this package, in the order of the catalogue."""


def rule(
    rule_id: str, severity: str = "hard", *, overridable: bool = False, source: str = ""
) -> Callable[[Callable[[Case], Iterator[Conflict]]], Callable[[Case], Iterator[Conflict]]]:
    """Enter a function into the catalogue under a stable id."""

    def enter(check: Callable[[Case], Iterator[Conflict]]) -> Callable[[Case], Iterator[Conflict]]:
        summary = " ".join((check.__doc__ or "").split())
        RULES.append(Rule(rule_id, severity, overridable, summary, source, check))
        return check

    return enter


def conflict(
    rule_id: str, message: str, subject: str = "", start: int | None = None, end: int | None = None
) -> Conflict:
    """A conflict of a rule of the catalogue, with its severity."""
    found = next(r for r in RULES if r.id == rule_id)
    return Conflict(rule_id, found.severity, found.overridable, message, subject, start, end)
