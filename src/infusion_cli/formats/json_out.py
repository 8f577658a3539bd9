"""JSON out: readable, whole, and with bidi marks as escapes so that no terminal is turned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from infusion_cli.domain.names import shown_json

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: object, *, indent: int | None = 2) -> str:
    """JSON text with keys in the order given; one line when `indent` is None."""
    text = shown_json(json.dumps(value, ensure_ascii=False, indent=indent))
    # A file name or argument that is not UTF-8 holds some, and no stream takes them as they are.
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def json_lines(values: Iterable[object]) -> str:
    """JSON Lines: each value on a line of its own, each line ended by LF."""
    return "".join(dumps(value, indent=None) + "\n" for value in values)
