"""What goes to the streams: data on stdout, everything else on stderr, one form at a time.

A line for people is text in pieces, each with a style; colour adds to the meaning, never carries it.
Rich is loaded only when a terminal is there to show it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from infusion_cli.domain.names import shown

FORMATS = ("table", "json", "jsonl", "csv")


class Piece(NamedTuple):
    """Some text of a line and the style it may be shown in."""

    text: str
    style: str = ""


Line = str | Sequence[Piece]


class Output:
    """The command's two streams, in the form that was asked for."""

    def __init__(self, form: str = "table", *, quiet: bool = False, color: bool = True, is_answer: bool = True) -> None:
        self.form = form
        self.quiet = quiet
        self.is_answer = is_answer
        """Whether a record is what was asked for; else it only says what was done, which `quiet` leaves out."""
        self._color = color
        self.unicode = _can_draw(sys.stdout)

    @property
    def is_json(self) -> bool:
        """Whether a program is reading: then notes and warnings are data."""
        return self.form in {"json", "jsonl"}

    @property
    def width(self) -> int:
        """Columns to draw for."""
        return max(40, shutil.get_terminal_size((80, 24)).columns)

    def record(self, data: Mapping[str, Any], lines: Iterable[Line]) -> None:
        """One record: an object for programs, lines for people."""
        if self.form == "csv":
            self._csv([data])
        elif self.is_json:
            self._json(data)
        elif self.is_answer or not self.quiet:
            self.lines(lines)

    def records(self, data: Sequence[Mapping[str, Any]], lines: Iterable[Line]) -> None:
        """A list: one array, an object a line, a table, or lines for people."""
        if self.form == "csv":
            self._csv(data)
        elif self.form == "jsonl":
            for item in data:
                self._json(item)
        elif self.form == "json":
            self._json(data)
        else:
            self._paged(list(lines))

    def lines(self, lines: Iterable[Line], *, err: bool = False) -> None:
        """Lines for people, plain when piped."""
        stream = sys.stderr if err else sys.stdout
        if _wants_style(stream, color=self._color):
            _print_styled(lines, stream)
            return
        for line in lines:
            stream.write(plain(line) + "\n")

    def _paged(self, lines: list[Line]) -> None:
        """Lines for people; at a terminal through the pager when they are more than the screen holds."""
        rows = shutil.get_terminal_size((80, 24)).lines
        if not sys.stdout.isatty() or len(lines) < rows:
            self.lines(lines)
            return
        import contextlib  # noqa: PLC0415  only for a long list at a terminal
        import io  # noqa: PLC0415

        text = io.StringIO()
        _print_styled(lines, text, terminal=_wants_style(sys.stdout, color=self._color))
        if not _show_in_pager(text.getvalue()):
            with contextlib.suppress(BrokenPipeError):
                sys.stdout.write(text.getvalue())

    def note(self, *lines: Line) -> None:
        """A word on stderr; not when a program reads, not when quiet."""
        if not self.quiet and not self.is_json:
            self.lines(lines, err=True)

    def _json(self, value: object) -> None:
        from infusion_cli.formats.json_out import dumps  # noqa: PLC0415  only when JSON was asked for

        text = dumps(value, indent=None if self.form == "jsonl" else 2)
        if not (sys.stdout.encoding or "").lower().startswith("utf"):
            text = text.encode("ascii", "backslashreplace").decode() if text.isascii() else _ascii_json(text)
        sys.stdout.write(text + "\n")

    def _csv(self, data: Sequence[Mapping[str, Any]]) -> None:
        from infusion_cli.formats.sheet import write_rows  # noqa: PLC0415  only when CSV was asked for

        fields = list(dict.fromkeys(name for item in data for name in item))
        sys.stdout.write(write_rows(fields, [{k: _cell(v) for k, v in item.items()} for item in data]))


def plain(line: Line) -> str:
    """The line without styles, without blanks at its end, and without what would steer a terminal."""
    text = line if isinstance(line, str) else "".join(piece.text for piece in line)
    return shown(text).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(_cell(v) for v in value)
    if isinstance(value, dict):
        return "; ".join(f"{k}: {_cell(v)}" for k, v in value.items())
    return shown(str(value))


def _ascii_json(text: str) -> str:
    import json  # noqa: PLC0415  a terminal without Unicode is rare

    return json.dumps(json.loads(text), indent=2)


def _can_draw(stream: TextIO) -> bool:
    try:
        "▒█▓░·×…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _wants_style(stream: TextIO, *, color: bool) -> bool:
    if not color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def _show_in_pager(text: str) -> bool:
    """Whether the user's pager, or `less`, showed the text."""
    import shlex  # noqa: PLC0415  only for a long list at a terminal
    import subprocess  # noqa: PLC0415

    named = os.environ.get("INFUSION_PAGER") or os.environ.get("PAGER") or "less -FIRX"
    try:
        # The user's own choice of a program, as every pager is.
        return subprocess.run(shlex.split(named), input=text, text=True, check=False).returncode == 0  # noqa: S603
    except (OSError, ValueError):
        return False


def _print_styled(lines: Iterable[Line], stream: TextIO, *, terminal: bool | None = None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, force_terminal=terminal, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in lines:
        pieces = [(shown(line), "")] if isinstance(line, str) else [(shown(p.text), p.style) for p in line]
        console.print(Text.assemble(*pieces), soft_wrap=True)
