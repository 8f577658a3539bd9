"""The entries of a FHIR file in JSON, and their values, each looked at before it is used.

Any value may be of any kind: what is not as it should be is told by its element and never by its content.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from infusion_cli.domain.names import clean
from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.sheet import brief, physical_lines

BUNDLES = ("collection", "searchset", "batch", "transaction", "message")
"""Types of a Bundle whose entries say how things are; in a history each stands several times."""

Resource = dict[str, Any]


class WrongError(Exception):
    """An entry cannot be used."""

    def __init__(self, column: str, rule: str, message: str) -> None:
        super().__init__(message)
        self.found = (column, rule, message)


class Entry(NamedTuple):
    """A resource, its number in the file from 1, its `fullUrl` and the HTTP method of a batch, where there are any."""

    number: int
    url: str
    resource: Resource
    method: str = ""


def entries_of(text: str, name: str) -> list[Entry]:
    """The entries of a Bundle, or a lone Appointment; by the file's `name` (`.ndjson`, `.jsonl`) a resource a line.

    Raises `InvalidDataError` when it is none of them.
    """
    return _lines(text) if name.lower().endswith((".ndjson", ".jsonl")) else _entries(_parsed(text))


def text_in(holder: Resource, name: str, column: str = "") -> str:
    """A text of an object, clean, empty when it is not there; raises `WrongError`, with `column` or the name."""
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongError(column or name, "bad-value", f"{name} is no text")
    return clean(value)


def objects_in(holder: Resource, name: str, column: str = "") -> list[Resource]:
    """A list of objects, empty when it is not there; raises `WrongError`, with `column` or the name."""
    value = holder.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise WrongError(column or name, "bad-value", f"{name} is no list of objects")
    return value


def checked_object(value: Any, column: str) -> Resource:
    """The value, which has to be an object; `column` is the element that it belongs to."""
    if not isinstance(value, dict):
        raise WrongError(column, "bad-value", f"an object belongs where {column} has something else")
    return value


def _parsed(text: str) -> Any:
    """The JSON value; raises `InvalidDataError` for what is none, also where a name stands twice in an object."""
    try:
        # No number of the file is used, so none can be too large to be read.
        return json.loads(text, object_pairs_hook=_object, parse_int=bool, parse_float=bool, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        wrong = LineError(error.lineno, "", "bad-json", f"not JSON: {error.msg.lower()}, at character {error.colno}")
    except RecursionError:
        wrong = LineError(None, "", "bad-json", "not JSON that can be read: too deep")
    except WrongError as error:
        wrong = LineError(None, *error.found)
    raise InvalidDataError("The file is not JSON that can be used; nothing was written.", [wrong], "export it again")


def _object(pairs: list[tuple[str, Any]]) -> Resource:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WrongError("", "doubled-name", "a name stands twice in one object, and nobody can tell which counts")
    return found


def _no_number(name: str) -> Any:
    raise WrongError("", "bad-json", f"{name} is no number of JSON")


def _entries(value: Any) -> list[Entry]:
    """The resources of a Bundle, or the lone one; raises `InvalidDataError` for anything else."""
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if kind == "Appointment":
        return [Entry(1, "", value)]
    if kind != "Bundle":
        what = f"a {brief(kind)}" if isinstance(kind, str) else "no resource of FHIR"
        raise InvalidDataError(
            f"The file is {what}, not a Bundle or an Appointment.", hint="ask for a Bundle of Appointments, in JSON"
        )
    if value.get("type") not in BUNDLES:
        raise InvalidDataError(f"A Bundle is of one of the types {', '.join(BUNDLES)}.", hint="export it as one")
    entries = value.get("entry", [])
    if not isinstance(entries, list):
        raise InvalidDataError("The Bundle's entry is no list.", hint="export it again")
    return [_entry(number, entry) for number, entry in enumerate(entries, 1)]


def _entry(number: int, entry: Any) -> Entry:
    """One that is malformed has nothing in it, and is refused when it is its turn."""
    holder = entry if isinstance(entry, dict) else {}
    url, resource, request = (holder.get(name) for name in ("fullUrl", "resource", "request"))
    method = request.get("method") if isinstance(request, dict) else ""
    return Entry(
        number,
        url if isinstance(url, str) else "",
        resource if isinstance(resource, dict) else {},
        method if isinstance(method, str) else "",
    )


def _lines(text: str) -> list[Entry]:
    """A resource a line, each numbered by its line; raises `InvalidDataError` for a line that is no JSON."""
    found = []
    for number, line in enumerate(physical_lines(text), 1):
        if not line.strip():
            continue
        try:
            value = _parsed(line)
        except InvalidDataError as error:
            errors = [e._replace(line=number) for e in error.errors]
            raise InvalidDataError(error.message, errors, error.hint) from None
        found.append(Entry(number, "", value if isinstance(value, dict) else {}))
    return found
