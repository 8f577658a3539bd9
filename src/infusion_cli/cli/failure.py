"""A failure in words: what, why, what would do, what to type next; or one JSON object."""

from __future__ import annotations

import sys
from typing import Any

from infusion_cli.cli.output import Line, Output
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.codec import encode_conflict
from infusion_cli.domain.names import shown
from infusion_cli.domain.plan import Conflict
from infusion_cli.errors import (
    AmbiguousError,
    ConflictError,
    ExitStatus,
    InfusionError,
    InterruptedCommandError,
    InvalidDataError,
    NotFoundError,
)


def report(error: InfusionError, *, wants_json: bool) -> int:
    """Print the failure on stderr and give its exit status."""
    if wants_json:
        from infusion_cli.formats.json_out import dumps  # noqa: PLC0415  only when a program reads

        sys.stderr.write(dumps({"error": as_json(error)}) + "\n")
    else:
        Output().lines(_lines(error), err=True)
    return int(error.status)


def interrupted(*, wants_json: bool) -> int:
    """Say truthfully whether the change was committed."""
    from infusion_cli.services.desk import has_committed  # noqa: PLC0415  if it was loaded at all

    if has_committed():
        error = InterruptedCommandError("Interrupted, but the change was committed.", "infusion history")
    else:
        error = InterruptedCommandError("Interrupted; nothing was written.")
    return report(error, wants_json=wants_json)


def as_json(error: InfusionError) -> dict[str, Any]:
    """The failure as a JSON object, everything in it."""
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": _hint(error),
        "conflicts": [],
        "alternatives": [],
    }
    if _candidates(error):
        fields["candidates"] = [{"id": i, "description": text} for i, text in _candidates(error)]
    if isinstance(error, ConflictError):
        fields["conflicts"] = [
            encode_conflict(c, zone(error.timezone)) for c in error.conflicts if isinstance(c, Conflict)
        ]
        fields["alternatives"] = [{k: v for k, v in a.items() if k != "text"} for a in error.alternatives]
    lines = [p for p in _problems(error) if not isinstance(p, Conflict)]
    if lines or isinstance(error, InvalidDataError):
        fields["errors"] = [{name: getattr(p, name) for name in _PLACED if hasattr(p, name)} for p in lines]
    return fields


_PLACED = ("file", "line", "entry", "column", "rule", "message")
"""What is said of a thing that is wrong in a file: `file` where several were read, `entry` where lines say nothing."""


def _candidates(error: InfusionError) -> list[tuple[str, str]]:
    """Who may be meant: by name where somebody looks, else by id only, because failures are kept in logs."""
    found = error.candidates if isinstance(error, AmbiguousError | NotFoundError) else ()
    return [(i, text if sys.stderr.isatty() else "") for i, text in found]


def _hint(error: InfusionError) -> str:
    near = _candidates(error) if isinstance(error, NotFoundError) else []
    return f"did you mean {', '.join(text or i for i, text in near)}?" if near else error.hint


def _problems(error: InfusionError) -> tuple[Any, ...]:
    if isinstance(error, InvalidDataError):
        return error.errors
    return error.conflicts if isinstance(error, ConflictError) else ()


def _lines(error: InfusionError) -> list[Line]:
    lines: list[Line] = [shown(line) for line in error.message.split("\n")]  # the words typed may stand in it
    if isinstance(error, AmbiguousError):
        lines += [f"  {i}  {text}" for i, text in _candidates(error)]
    rows = _problems(error)
    conflicts = [c for c in rows if isinstance(c, Conflict)]
    width = max((len(c.rule) for c in conflicts), default=0)
    lines += [f"  {c.rule:{width}}  {shown(c.message)}" for c in conflicts]
    lines += [f"  {_place(p)}{p.rule}: {shown(p.message)}" for p in rows if not isinstance(p, Conflict)]
    if isinstance(error, ConflictError) and error.alternatives:
        lines.append("Nearest: " + ", ".join(a["text"] for a in error.alternatives))
    if error.hint:
        lines.append(f"Try: {shown(_hint(error))}")
    if isinstance(error, InterruptedCommandError) and error.status is ExitStatus.INTERRUPTED:
        lines.insert(0, "")
    return lines


def _place(problem: Any) -> str:
    number = next((f"{name} {n}" for name in ("line", "entry") if (n := getattr(problem, name, None)) is not None), "")
    place = [part for part in (getattr(problem, "file", ""), number, problem.column) if part]
    return shown(" ".join(place)) + "  " if place else ""
