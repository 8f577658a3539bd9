"""Requests of a batch: CSV with a header, or JSON Lines with the same names.

Only the form is looked at here; whom and what a line means is found out where the book is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from infusion_cli.domain.names import clean
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.sheet import (
    Row,
    brief,
    check_columns,
    decode,
    physical_lines,
    read_text,
    refuse_too_many,
    unknown_column,
)

LONGEST = 1000
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
UNSUPPORTED = {"waitlist": "the waiting list is not part of this version"}

_UNWRITABLE = re.compile("[\\0\ud800-\udfff]")


class RequestLine(NamedTuple):
    """A request: physical line, action, fields that are not blank, its key (given, or of its content)."""

    line: int
    action: str
    fields: dict[str, str]
    key: str


def parse_requests(data: bytes, name: str) -> tuple[list[RequestLine], list[LineError]]:
    """The requests of a file that are well formed, and the errors of the others; no line is in both.

    `name` is the file's name: `.jsonl` and `.ndjson` are JSON Lines, as is what begins with `{` and is not
    called `.csv`. Raises `InvalidDataError` when the file or its header cannot be read at all.
    """
    text = decode(data)
    rows, errors = _json_rows(text) if _is_json(text, name.lower()) else _csv_rows(text)
    lines: list[RequestLine] = []
    seen: Counter[str] = Counter()
    holders: dict[str, int] = {}
    for row in rows:
        filled = {field: kept for field, cell in row.cells.items() if cell and (kept := _kept(cell))}
        wrong = list(_wrong(row.line, filled))
        if not wrong:
            action, given = filled.pop("action").lower(), filled.pop("key", "")
            line = RequestLine(row.line, action, filled, given or _derived(action, filled, seen))
            holder = holders.setdefault(line.key, row.line)
            if holder == row.line:
                lines.append(line)
            else:
                wrong = [LineError(row.line, "key", "doubled-key", f"the key stands in line {holder} already")]
        errors += wrong
    return lines, sorted(errors, key=lambda e: (e.line or 0, e.column))


def _is_json(text: str, name: str) -> bool:
    return name.endswith((".jsonl", ".ndjson")) or (text.lstrip().startswith("{") and not name.endswith(".csv"))


def _kept(cell: str) -> str:
    """What `clean` gives, in a fraction of its time for plain text."""
    return " ".join(cell.split()) if cell.isascii() and cell.isprintable() else clean(cell)


def _csv_rows(text: str) -> tuple[list[Row], list[LineError]]:
    sheet = read_text(text)
    missing = [] if "action" in sheet.columns else [("action", "there is no column action")]
    check_columns(sheet, FIELDS, missing)
    return sheet.rows, sheet.errors


class _Object(NamedTuple):
    """A JSON object as it stands: a field may come twice."""

    fields: list[tuple[str, Any]]


def _json_rows(text: str) -> tuple[list[Row], list[LineError]]:
    rows: list[Row] = []
    errors: list[LineError] = []
    for number, line in enumerate(physical_lines(text), start=1):
        if not line.strip():
            continue
        refuse_too_many(len(rows) + len(errors) + 1)
        item = _json_object(line)
        if isinstance(item, str):
            errors.append(LineError(number, "", "bad-json", item))
            continue
        wrong = list(_wrong_fields(number, item))
        errors += wrong
        if not wrong:
            rows.append(Row(number, {field: value or "" for field, value in item.fields}))
    return rows, errors


def _json_object(line: str) -> _Object | str:
    """The object of a line, its numbers as text, or what is wrong with the line."""
    try:
        # Numbers stay as they are written: 3 and "3" are the same request, and none is too large to be read.
        item = json.loads(line, object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=float)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg.lower()}, at character {error.pos + 1}"
    except RecursionError:
        return "not JSON that can be read: too deep"
    return item if isinstance(item, _Object) else "not a JSON object"


def _wrong_fields(line: int, item: _Object) -> Iterator[LineError]:
    seen: set[str] = set()
    for field, value in item.fields:
        if field not in FIELDS:
            yield unknown_column(line, field, FIELDS)
        elif field in seen:
            yield LineError(line, field, "doubled-field", f"{field} stands more than once")
        elif value is not None and not isinstance(value, str):
            yield LineError(line, field, "bad-value", "only text, numbers and null are values here")
        elif value and _UNWRITABLE.search(value):
            yield LineError(line, field, "bad-value", "a NUL or half a character is in the text")
        seen.add(field)


def _wrong(line: int, filled: dict[str, str]) -> Iterator[LineError]:
    action = filled.get("action", "").lower()
    form = ACTIONS.get(action)
    if not action:
        yield LineError(line, "action", "missing-field", "the action is missing")
    elif form is None:
        known = ", ".join(a for a in ACTIONS if a not in UNSUPPORTED)
        yield LineError(line, "action", "unknown-action", f"unknown action {brief(action)!r}; known: {known}")
    elif action in UNSUPPORTED:
        yield LineError(line, "action", "unsupported-action", UNSUPPORTED[action])
    else:
        yield from _misfits(line, action, form, filled)


def _misfits(line: int, action: str, form: Form, filled: dict[str, str]) -> Iterator[LineError]:
    """What the action lacks, and what it was given without need."""
    for field, cell in filled.items():
        if len(cell) > LONGEST:
            yield LineError(line, field, "too-long", f"longer than {LONGEST} characters")
    for field in form.needs:
        if field not in filled:
            yield LineError(line, field, "missing-field", f"{action} needs {field}")
    taken = {"action", "key", *form.needs, *form.takes}
    for field in filled:
        if field not in taken:
            yield LineError(line, field, "field-not-used", f"{action} does not take {field}; leave it blank")
    if action == "block" and "chair" in filled and "staff" in filled:
        yield LineError(line, "staff", "field-not-used", "a block is for a chair or for staff, not both")


def _derived(action: str, filled: dict[str, str], seen: Counter[str]) -> str:
    """A key of the content and how often that content stood before in this file."""
    content = json.dumps([action, sorted(filled.items())], ensure_ascii=False)
    digest = hashlib.sha256(content.encode()).hexdigest()[:32]
    seen[digest] += 1
    return f"line:{digest}:{seen[digest]}"
