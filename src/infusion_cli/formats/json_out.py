"""JSON out: readable, whole, and with bidi marks as escapes so that no terminal is turned."""

from __future__ import annotations

import json
from collections.abc import Iterable

from infusion_cli.domain.names import shown_json


def dumps(value: object, *, indent: int | None = 2) -> str:
    """JSON text with keys in the order given; one line when `indent` is None."""
    return shown_json(json.dumps(value, ensure_ascii=False, indent=indent))


def json_lines(values: Iterable[object]) -> str:
    """JSON Lines: each value on a line of its own, each line ended by LF."""
    return "".join(dumps(value, indent=None) + "\n" for value in values)
