"""One thing that is wrong in an input file."""

from __future__ import annotations

from typing import NamedTuple


class LineError(NamedTuple):
    """Where it stands and what to do: `line` counts from 1, None where the format has no lines.

    `column` is a column's name, or the dotted path in a TOML file, such as
    `protocols[esketamine].phases[2].minutes`; `rule` is a stable id; `message` one sentence.
    """

    line: int | None
    column: str
    rule: str
    message: str


class FileError(NamedTuple):
    """The same where several files were read: `file` is the one that it stands in."""

    file: str
    line: int | None
    column: str
    rule: str
    message: str
