"""Reading TOML tables key by key, noting everything that is wrong instead of stopping at the first.

A getter that finds its key wrong notes it and gives back a stand-in, so that reading goes on; what
depends on several keys asks `Findings.sound` before it judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from infusion_cli.domain import names
from infusion_cli.domain.clinic_tree import WEEKDAYS
from infusion_cli.domain.codec import decode_span
from infusion_cli.domain.protocol import Span
from infusion_cli.formats.line_error import LineError

TEXT_LIMIT = 200
ID_LIMIT = 40
LIST_LIMIT = 200
LONGEST_SPAN = Span(3650, "d")

_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_EXAMPLES = {
    "schema": "schema = 1",
    "clinic": "[clinic]",
    "hours": "[[hours]]",
    "closures": "[[closures]]",
    "chairs": "[[chairs]]",
    "staff": "[[staff]]",
    "protocols": "[[protocols]]",
    "timezone": 'timezone = "America/New_York"',
    "grid": "grid = 15",
    "days": 'days = ["MO", "TU"]',
    "open": 'open = "08:00"',
    "close": 'close = "17:00"',
    "from": 'from = "08:00"',
    "to": 'to = "17:00"',
    "date": 'date = "2026-12-25"',
    "role": 'role = "nurse"',
    "shifts": 'shifts = [{ days = ["MO"], from = "08:00", to = "17:00" }]',
    "phases": 'phases = [{ name = "infusion", minutes = 40, dosing = true }]',
    "minutes": "minutes = 30",
    "sessions": 'sessions = 6, or sessions = "open"',
    "gap": 'gap = { min = "24h", ideal = "2d-4d" }',
    "min": 'min = "24h"',
    "ideal": 'ideal = "2d-4d"',
}
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number with a point",
    str: "a text",
    list: "a list",
    dict: "a table",
}


class Findings:
    """Everything that is wrong with one file, in the order it was found."""

    def __init__(self) -> None:
        self.errors: list[LineError] = []

    def add(self, column: str, rule: str, message: str) -> None:
        """Note an error at a dotted path."""
        self.errors.append(LineError(None, column, rule, message))

    def sound(self, *paths: str) -> bool:
        """Whether nothing is wrong at any of the dotted paths or below them."""
        return not any(
            e.column == path or e.column.startswith((path + ".", path + "[")) for e in self.errors for path in paths
        )


class Table:
    """One table of the file, at the dotted `path`; keys that are not `known` are refused by name."""

    def __init__(self, fields: dict[str, Any], path: str, findings: Findings, known: Sequence[str]) -> None:
        self.fields = fields
        self.path = path
        self.findings = findings
        for key in fields:
            if key not in known:
                self.note(shown(key), "unknown-key", f"{quoted(key)} is not a key here; {nearest(key, known)}.")

    def at(self, key: str) -> str:
        """The dotted path of a key of this table."""
        return f"{self.path}.{key}" if self.path else key

    def note(self, key: str, rule: str, message: str) -> None:
        """Note an error at a key of this table."""
        self.findings.add(self.at(key), rule, message)

    def sound(self, *keys: str) -> bool:
        """Whether nothing is wrong at these keys of the table."""
        return self.findings.sound(*(self.at(key) for key in keys))

    def text(self, key: str, default: str | None = None) -> str:
        """A text of 1 to 200 characters, cleaned; a missing one is an error unless there is a default."""
        value = self._get(key, str, "a text in quotes", required=default is None)
        if value is None:
            return default or ""
        cleaned = names.clean(value)
        if not cleaned:
            self.note(key, "empty-text", f"{key} is empty; write a text of at least one letter or leave the key out.")
        elif len(cleaned) > TEXT_LIMIT:
            self.note(key, "text-too-long", f"{key} has {len(cleaned)} characters; shorten it to {TEXT_LIMIT} at most.")
        return cleaned

    def id(self, key: str = "id") -> str:
        """An id: at most 40 lower-case letters, digits and hyphens, not beginning with a hyphen."""
        value = self._get(
            key, str, "a text in quotes", example=f'{key} = "{self.path.partition("[")[0].rstrip("s")}-1"'
        )
        if isinstance(value, str) and not is_id(value):
            self._bad_id(key, value)
        return value or ""

    def ids(self, key: str, *, star: bool = False) -> tuple[str, ...]:
        """A list of ids, each once; missing is empty; with `star`, `*` counts as an id."""
        found: list[str] = []
        for value in self._list(key):
            if not isinstance(value, str):
                self._wrong_type(key, "a list of ids in quotes", value)
            elif not is_id(value) and not (star and value == "*"):
                self._bad_id(key, value)
            elif value in found:
                self.note(key, "duplicate", f"{key} names {quoted(value)} twice; remove one of them.")
            else:
                found.append(value)
        return tuple(found)

    def whole(self, key: str, low: int, high: int, *, required: bool = True) -> int | None:
        """A whole number from `low` to `high`; None when it is missing or wrong."""
        wanted = f"a whole number from {low} to {high}"
        value: int | None = self._get(key, int, wanted, required=required)
        if value is not None and not low <= value <= high:
            self.note(key, "out-of-range", f"{key} must be {wanted}, not {shown(value)}.")
            return None
        return value

    def flag(self, key: str) -> bool:
        """True or false; missing is false."""
        return bool(self._get(key, bool, "true or false without quotes", required=False))

    def span(self, key: str, *, required: bool = True, zero: bool = False) -> Span | None:
        """A length such as `24h`, at most ten years, more than zero unless told; None when missing or wrong."""
        value = self._get(key, str, "a length in quotes such as 30m, 24h or 3d", required=required)
        return None if value is None else self._span(key, value, zero=zero)

    def spans(self, key: str) -> tuple[Span, Span] | None:
        """One length or two with a hyphen between, such as `2d-4d`; None when missing or wrong."""
        value = self._get(key, str, "a length or two in quotes such as 7d or 2d-4d")
        if value is None:
            return None
        parts = [self._span(key, part) for part in value.split("-", 1)]
        low, high = parts[0], parts[-1]
        return (low, high) if low and high else None

    def minute(self, key: str) -> int | None:
        """A time of day from `00:00` to `24:00`, in minutes since midnight; None when missing or wrong."""
        value = self._get(key, str, "a time of day in quotes such as 08:00")
        if value is None:
            return None
        hour, minute = value[:2], value[3:]
        if len(value) == 5 and value[2] == ":" and _digits(hour) and _digits(minute) and int(minute) < 60:
            found = int(hour) * 60 + int(minute)
            if found <= 1440:
                return found
        self.note(key, "bad-time", f"{key} is {quoted(value)}; write the time as HH:MM from 00:00 to 24:00.")
        return None

    def days(self, key: str = "days") -> tuple[int, ...]:
        """Weekdays in the letters of RFC 5545, Monday = 0, in order; at least one."""
        found: set[int] = set()
        values = self._list(key, required=True)
        for value in values:
            if value not in WEEKDAYS:
                choice = ", ".join(WEEKDAYS)
                self.note(key, "bad-weekday", f"{quoted(value)} is not a weekday; write {choice}.")
            elif WEEKDAYS.index(value) in found:
                self.note(key, "duplicate", f"{key} names {value} twice; remove one of them.")
            else:
                found.add(WEEKDAYS.index(value))
        if not values and self.sound(key):
            self.note(key, "missing", f"{key} is empty; name at least one weekday, such as MO.")
        return tuple(sorted(found))

    def table(self, key: str, known: Sequence[str], *, required: bool = True) -> Table | None:
        """A table below this one; None when it is missing or no table."""
        value = self._get(key, dict, "a table", required=required)
        return None if value is None else Table(value, self.at(key), self.findings, known)

    def tables(self, key: str, known: Sequence[str], *, required: bool = True, limit: int = LIST_LIMIT) -> list[Table]:
        """A list of tables, each with its id in its path, or else its index from 0; at least one where required."""
        values = self._list(key, required=required)
        if required and not values and self.sound(key):
            self.note(key, "missing", f"{key} is empty; {_add(key)}.")
        if len(values) > limit:
            self.note(key, "too-many", f"{key} has {len(values)} entries; leave at most {limit}.")
        found = []
        for index, value in enumerate(values[:limit]):
            if not isinstance(value, dict):
                self._wrong_type(key, "a list of tables", value)
                continue
            label = value.get("id")
            path = f"{self.at(key)}[{label if isinstance(label, str) and is_id(label) else index}]"
            found.append(Table(value, path, self.findings, known))
        return found

    def _get(self, key: str, kind: type, wanted: str, *, required: bool = True, example: str = "") -> Any:
        value = self.fields.get(key)
        if value is None:
            if required:
                self.note(key, "missing", f"{key} is missing; {f'add {example}' if example else _add(key)}.")
            return None
        if type(value) is not kind:
            self._wrong_type(key, wanted, value)
            return None
        return value

    def _list(self, key: str, *, required: bool = False) -> list[Any]:
        wanted = f"a list of tables written [[{key}]]" if _add(key).endswith("]]") else "a list in brackets"
        return self._get(key, list, wanted, required=required) or []

    def _wrong_type(self, key: str, wanted: str, value: object) -> None:
        kind = _KINDS.get(type(value), "a date or time")
        self.note(key, "wrong-type", f"{key} must be {wanted}, not {kind}.")

    def _bad_id(self, key: str, value: str) -> None:
        self.note(
            key,
            "bad-id",
            f"{quoted(value)} cannot be an id; use at most {ID_LIMIT} lower-case letters, digits and hyphens,"
            " a letter or digit first.",
        )

    def _span(self, key: str, text: str, *, zero: bool = False) -> Span | None:
        try:
            span = decode_span(text)
        except ValueError:
            self.note(key, "bad-length", f"{key} is {quoted(text)}; write a length such as 30m, 24h or 3d.")
            return None
        if not span.amount and not zero:
            self.note(key, "out-of-range", f"{key} must be more than zero, such as 24h.")
            return None
        if span.minutes > LONGEST_SPAN.minutes:
            self.note(key, "out-of-range", f"{key} is {quoted(text)}; write {LONGEST_SPAN} at most.")
            return None
        return span


def is_id(text: str) -> bool:
    """Whether the text may be an id of a chair, member of staff, protocol or requirement."""
    return 0 < len(text) <= ID_LIMIT and text[0] != "-" and _ID_CHARACTERS.issuperset(text)


def shown(value: object) -> str:
    """A value of the file as a message may show it: one line, short, nothing that turns the terminal."""
    is_huge = isinstance(value, int) and abs(value) >= 10**18
    text = "a huge number" if is_huge else names.shown(names.clean(str(value)))
    return text if len(text) <= ID_LIMIT else text[:ID_LIMIT] + "…"


def quoted(value: object) -> str:
    """`shown` in quotes."""
    return f'"{shown(value)}"'


def near(typed: str, known: Iterable[str]) -> list[str]:
    """The known name that looks most like what was typed, or nothing."""
    from difflib import get_close_matches

    return get_close_matches(typed[:TEXT_LIMIT], list(known), n=1, cutoff=0.6)


def nearest(typed: str, known: Sequence[str]) -> str:
    """The way out for a name that nobody knows: the nearest known one, or all there are."""
    close = near(typed, known)
    return f'write "{close[0]}" if you meant that' if close else f"known are {', '.join(known)}"


def unique(tables: Iterable[tuple[Table, str]], key: str, what: str) -> None:
    """Note every table whose id, date or name has been used by one before it."""
    seen: set[str] = set()
    for table, value in tables:
        if value and value in seen:
            table.note(key, "duplicate", f"There are two {what} {quoted(value)}; rename or remove one of them.")
        seen.add(value)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _add(key: str) -> str:
    example = _EXAMPLES.get(key, f'{key} = "…"')
    return f"add {example}"
