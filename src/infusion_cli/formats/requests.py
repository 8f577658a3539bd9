"""Requests of a batch: CSV with a header, or JSON Lines with the same names.

Only the form is looked at here; whom and what a line means is found out where the book is.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.sheet import Row, decode, read_sheet, unknown_columns

MOST_LINES = 100_000
FIELDS = (
    "action",
    "patient",
    "protocol",
    "when",
    "chair",
    "from",
    "to",
    "between",
    "weekdays",
    "sessions",
    "appointment",
    "reason",
    "key",
    "hold",
    "staff",
)


class Form(NamedTuple):
    """What an action needs and what it may have beside."""

    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


ACTIONS: dict[str, Form] = {
    "book": Form(("patient", "protocol", "when"), ("chair", "hold")),
    "hold": Form(("patient", "protocol", "when"), ("chair", "hold")),
    "series": Form(("patient", "protocol"), ("from", "to", "between", "weekdays", "sessions")),
    "move": Form(("appointment", "when"), ("chair",)),
    "cancel": Form(("appointment", "reason")),
    "confirm": Form(("appointment",)),
    "no-show": Form(("appointment",)),
    "block": Form(("from", "to", "reason"), ("chair", "staff")),
    "waitlist": Form(("patient", "protocol"), ("from", "to", "between", "weekdays")),
}
UNSUPPORTED = {"waitlist": "there is no waiting list in this version"}


class RequestLine(NamedTuple):
    """A request: physical line, action, fields that are not blank, its key (given, or of its content)."""

    line: int
    action: str
    fields: dict[str, str]
    key: str


def parse_requests(data: bytes, name: str) -> tuple[list[RequestLine], list[LineError]]:
    """The requests of a file that are well formed, and the errors of the others.

    `name` is the file's name: `.jsonl` and `.ndjson` are JSON Lines, as is what begins with `{`.
    Raises `InvalidDataError` when the file cannot be read at all.
    """
    text = decode(data)
    is_json = name.lower().endswith((".jsonl", ".ndjson")) or text.lstrip().startswith("{")
    rows, errors = _json_rows(text) if is_json else _csv_rows(data)
    if len(rows) > MOST_LINES:
        raise InvalidDataError(f"The file has more than {MOST_LINES} requests.", hint="split it")
    lines: list[RequestLine] = []
    seen: Counter[str] = Counter()
    for row in rows:
        filled = {field: cell.strip() for field, cell in row.cells.items() if cell.strip()}
        wrong = _wrong(row.line, filled)
        errors += wrong
        if not wrong:
            action = filled.pop("action").lower()
            lines.append(RequestLine(row.line, action, filled, filled.pop("key", "") or _derived(action, filled, seen)))
    errors += _doubled_keys(lines)
    return lines, sorted(errors, key=lambda e: (e.line or 0, e.column))


def _csv_rows(data: bytes) -> tuple[list[Row], list[LineError]]:
    sheet = read_sheet(data)
    errors = unknown_columns(1, sheet.columns, FIELDS)
    if "action" not in sheet.columns:
        errors.append(LineError(1, "action", "missing-column", "there is no column action"))
    if errors:
        raise InvalidDataError("The columns cannot be used; nothing was written.", errors, "mend the header")
    return sheet.rows, list(sheet.errors)


def _json_rows(text: str) -> tuple[list[Row], list[LineError]]:
    rows: list[Row] = []
    errors: list[LineError] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            errors.append(LineError(number, "", "bad-json", "not JSON"))
            continue
        if not isinstance(item, dict):
            errors.append(LineError(number, "", "bad-json", "not a JSON object"))
            continue
        wrong = unknown_columns(number, item, FIELDS) if set(item) - set(FIELDS) else []
        wrong += [
            LineError(number, field, "bad-value", "only text, numbers and null are values here")
            for field, value in item.items()
            if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float))
        ]
        errors += wrong
        if not wrong:
            rows.append(Row(number, {field: "" if value is None else str(value) for field, value in item.items()}))
    return rows, errors


def _wrong(line: int, filled: dict[str, str]) -> list[LineError]:
    action = filled.get("action", "").lower()
    if not action:
        return [LineError(line, "action", "missing-field", "the action is missing")]
    form = ACTIONS.get(action)
    if form is None:
        known = ", ".join(a for a in ACTIONS if a not in UNSUPPORTED)
        return [LineError(line, "action", "unknown-action", f"unknown action {filled['action']!r}; known: {known}")]
    if action in UNSUPPORTED:
        return [LineError(line, "action", "unsupported-action", UNSUPPORTED[action])]
    errors = [
        LineError(line, field, "missing-field", f"{action} needs {field}")
        for field in form.needs
        if field not in filled
    ]
    taken = {"action", "key", *form.needs, *form.takes}
    errors += [
        LineError(line, field, "field-not-used", f"{action} does not take {field}; leave it blank")
        for field in filled
        if field not in taken
    ]
    if action == "block" and "chair" in filled and "staff" in filled:
        errors.append(LineError(line, "staff", "field-not-used", "a block is for a chair or for staff, not both"))
    return errors


def _derived(action: str, filled: dict[str, str], seen: Counter[str]) -> str:
    """A key of the content and how often that content stood before in this file."""
    content = json.dumps([action, sorted(filled.items())], ensure_ascii=False)
    digest = hashlib.sha256(content.encode()).hexdigest()[:32]
    seen[digest] += 1
    return f"line:{digest}:{seen[digest]}"


def _doubled_keys(lines: Iterable[RequestLine]) -> list[LineError]:
    first: dict[str, int] = {}
    errors = []
    for line in lines:
        if line.key in first:
            message = f"the key {line.key!r} stands in line {first[line.key]} already"
            errors.append(LineError(line.line, "key", "doubled-key", message))
        first.setdefault(line.key, line.line)
    return errors
