"""What changed between two versions of a clinic, line by line for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from infusion_cli.domain import names
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_tree import tree

_KEYS = ("id", "date", "name")
"""What tells the tables of a list apart, the first that they have."""


def difference(old: Clinic, new: Clinic) -> list[str]:
    """Lines such as `+ chairs[chair-5]` or `clinic.grid: 15 -> 5`; none exactly when the two are equal."""
    return list(_tables("", tree(old), tree(new)))


def _tables(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for key in {**old, **new}:
        here = f"{path}.{key}" if path else key
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _tables(here, before, after)
        elif _is_tables(before) and _is_tables(after):
            yield from _lists(here, before or [], after or [])
        else:
            yield f"{here}: {_shown(before)} -> {_shown(after)}"


def _lists(path: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[str]:
    before, after = _by_label(old, new)
    for label in before:
        if label not in after:
            yield f"- {path}[{label}]"
        elif before[label] != after[label]:
            yield from _tables(f"{path}[{label}]", before[label], after[label])
    yield from (f"+ {path}[{label}]" for label in after if label not in before)
    kept, order = [x for x in before if x in after], [x for x in after if x in before]
    if kept != order:
        yield f"{path}: order {', '.join(kept)} -> {', '.join(order)}"


def _by_label(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Both lists by what tells their tables apart; by position where nothing does."""
    for label in (_label, _times):
        before, after = {label(t): t for t in old}, {label(t): t for t in new}
        if "" not in {*before, *after} and len(before) == len(old) and len(after) == len(new):
            return before, after
    return {str(i): t for i, t in enumerate(old)}, {str(i): t for i, t in enumerate(new)}


def _label(table: dict[str, Any]) -> str:
    return next((names.shown(table[key]) for key in _KEYS if key in table), "")


def _times(table: dict[str, Any]) -> str:
    """Hours and shifts have no name: they are what they say."""
    if "days" not in table:
        return ""
    start, end = (table[key] for key in table if key != "days")
    return f"{' '.join(table['days'])} {start}-{end}"


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _shown(value: object) -> str:
    return "(none)" if value is None else names.shown_json(json.dumps(value, ensure_ascii=False))
