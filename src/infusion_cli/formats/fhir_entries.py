"""The entries of a FHIR file in JSON, and their values, each looked at before it is used.

Any value may be of any kind: what is not as it should be is told by its element and never by its content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
    is_modified: bool = False
    """It has a `modifierExtension` of its own, outside of the resource."""


class Content(NamedTuple):
    """What is in a file; `has_more` when it is one page of several and the next is not in it."""

    entries: list[Entry]
    has_more: bool


def content_of(text: str, name: str) -> Content:
    """The entries of a Bundle, or a lone Appointment; or of JSON Lines, each a resource or a Bundle.

    Those are known by the file's `name` (`.ndjson`, `.jsonl`), else by what they look like. Where Bundles
    stand in lines the entries are counted through the file, else a line is an entry. Raises
    `InvalidDataError` when it is none of them.
    """
    if not _is_lines(text, name.lower()):
        value = _parsed(text)
        return Content(_entries(value), _lacks_pages([value]))
    values = list(_lines(text))
    entries = [entry for line, value in values for entry in _of_line(value, line)]
    if any(_is_a(value, "Bundle") for _, value in values):
        entries = [entry._replace(number=number) for number, entry in enumerate(entries, 1)]
    return Content(entries, _lacks_pages([value for _, value in values]))


def refuse_modified(holder: Resource, column: str) -> None:
    """Raise `WrongError` for what may mean something else than it says, which FHIR forbids to process unknown."""
    for name in ("modifierExtension", "implicitRules"):
        if holder.get(name):
            message = f"it has {name}, by which it may mean something else, and nobody here knows what"
            raise WrongError(column or name, "unknown-rules", message)


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


def _is_lines(text: str, name: str) -> bool:
    if name.endswith((".ndjson", ".jsonl")):
        return True
    first, _, rest = text.strip().partition("\n")
    if not rest or not first.rstrip().endswith("}"):
        return False
    try:
        return isinstance(_parsed(first), dict)
    except InvalidDataError:
        return False


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == kind


def _lacks_pages(values: Sequence[Any]) -> bool:
    """Whether a Bundle has a next page that is none of the others."""
    bundles = [value for value in values if _is_a(value, "Bundle")]
    return bool(_links(bundles, "next") - _links(bundles, "self"))


def _links(bundles: Sequence[Resource], relation: str) -> set[str]:
    links = (link for bundle in bundles if isinstance(found := bundle.get("link"), list) for link in found)
    urls = (link.get("url") for link in links if isinstance(link, dict) and link.get("relation") == relation)
    return {url for url in urls if isinstance(url, str)}


def _of_line(value: Any, line: int) -> list[Entry]:
    if _is_a(value, "Bundle"):
        return _entries(value)
    return [Entry(line, "", value if isinstance(value, dict) else {})]


def _entries(value: Any) -> list[Entry]:
    """The resources of a Bundle, or the lone one; raises `InvalidDataError` for anything else."""
    if _is_a(value, "Appointment"):
        return [Entry(1, "", value)]
    if not _is_a(value, "Bundle"):
        kind = value.get("resourceType") if isinstance(value, dict) else None
        what = f"a {brief(kind)}" if isinstance(kind, str) else "no resource of FHIR"
        raise InvalidDataError(
            f"The file is {what}, not a Bundle or an Appointment.", hint="ask for a Bundle of Appointments, in JSON"
        )
    if value.get("type") not in BUNDLES:
        raise InvalidDataError(f"A Bundle is of one of the types {', '.join(BUNDLES)}.", hint="export it as one")
    if value.get("implicitRules"):
        raise InvalidDataError("The Bundle has implicitRules, which nobody here knows.", hint="export it without them")
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
        bool(holder.get("modifierExtension")),
    )


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    """The values with their lines; raises `InvalidDataError` for a line that is no JSON."""
    for number, line in enumerate(physical_lines(text), 1):
        if not line.strip():
            continue
        try:
            yield number, _parsed(line)
        except InvalidDataError as error:
            errors = [e._replace(line=number) for e in error.errors]
            raise InvalidDataError(error.message, errors, error.hint) from None
