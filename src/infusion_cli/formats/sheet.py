"""Tables as offices write them: CSV with BOM or without, comma, semicolon or tab, any line ends.

Lines are physical lines of the file, the header usually being 1; a row is named by the line it
begins on.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from infusion_cli.domain.names import clean, shown
from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError

MAX_BYTES = 20_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 200
DELIMITERS = ",;\t"

_LONGEST_SHOWN = 40
_HEAD = 100_000
_QUOTED = re.compile(r'(?m)(^|[,;\t])"(?:[^"]|"")*"')
# Spreadsheets in Japanese take the full-width signs for the plain ones.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_LEADING = ("\t", "\r", "\n")
_HARMLESS = re.compile(r"[+-]?[\d\s().,/-]*", re.ASCII)


class Row(NamedTuple):
    """A row's cells by column, blank ones included, and the line it begins on."""

    line: int
    cells: dict[str, str]


class Sheet(NamedTuple):
    """The header's line and columns in order, the rows that could be read, what was wrong with the others."""

    line: int
    columns: tuple[str, ...]
    rows: list[Row]
    errors: list[LineError]


def read_rows(data: bytes) -> Sheet:
    """Read a CSV file as `read_text` does; raises `InvalidDataError` also for what `decode` refuses."""
    return read_text(decode(data))


def read_text(text: str) -> Sheet:
    """The table in a CSV text; raises `InvalidDataError` when there is no header, or a quote that never closes.

    Header names lose case and surrounding blanks, rows without any text are passed over, and the
    apostrophe that `write_rows` put before a formula is taken off again.
    """
    sheet: Sheet | None = None
    try:
        for line, cells in _parse(text, _delimiter(text)):
            if not any(cell.strip() for cell in cells):
                continue
            if sheet is None:
                sheet = Sheet(line, _columns(cells), [], [])
            else:
                _add_row(sheet, line, cells)
                refuse_too_many(len(sheet.rows) + len(sheet.errors))
    except _QuoteError as error:
        before = sheet.errors if sheet else []
        message = f"Line {error.found.line} cannot be parted into cells."
        raise InvalidDataError(message, [*before, error.found], "look at its quotation marks") from None
    if sheet is None:
        raise InvalidDataError("The file is empty.", hint="its first line names the columns")
    return sheet


def check_columns(
    sheet: Sheet, known: Sequence[str], missing: Iterable[tuple[str, str]], *, ignore_unknown: bool = False
) -> None:
    """Raise `InvalidDataError` with everything wrong with the header, and with the rows found wrong so far.

    `missing` are the columns that the caller misses, each with its message.
    """
    errors = [LineError(sheet.line, name, "missing-column", message) for name, message in missing]
    named = dict.fromkeys(name for name in sheet.columns if name)
    errors += [
        LineError(sheet.line, brief(name), "doubled-column", f"the column {brief(name)} stands more than once")
        for name in named
        if sheet.columns.count(name) > 1 and name in known
    ]
    if not ignore_unknown:
        errors += [unknown_column(sheet.line, name, known) for name in named if name not in known]
        if "" in sheet.columns:
            errors.append(LineError(sheet.line, "", "nameless-column", "a column has no name"))
    if errors:
        found = [*errors, *sheet.errors]
        raise InvalidDataError("The columns cannot be used; nothing was written.", found, "mend the header")


def unknown_column(line: int, name: str, known: Sequence[str]) -> LineError:
    """The error for a column that nobody knows, with the nearest one that is known."""
    shown_name = brief(name)
    near = _nearest(shown_name, tuple(known))
    way_out = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
    return LineError(line, shown_name, "unknown-column", f"unknown column {shown_name!r}; {way_out}")


def refuse_too_many(rows: int) -> None:
    """Raise `InvalidDataError` when a file has more than `MAX_ROWS` rows."""
    if rows > MAX_ROWS:
        raise InvalidDataError(f"The file has more than {MAX_ROWS:,} lines.", hint="split it")


def brief(text: str) -> str:
    """A text of the file as a message may show it: one line, short, nothing that turns the terminal."""
    text = shown(clean(text))
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, or UTF-16 with a BOM; raises `InvalidDataError` naming every bad line."""
    if len(data) > MAX_BYTES:
        raise InvalidDataError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.", hint="split it")
    is_wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    encoding, wanted = ("utf-16", "UTF-16") if is_wide else ("utf-8-sig", "UTF-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        _refuse_text(data.decode(encoding, "replace"), "\N{REPLACEMENT CHARACTER}", f"not {wanted}")
    if "\0" in text:
        _refuse_text(text, "\0", "a NUL character")
    return text


def physical_lines(text: str) -> Iterator[str]:
    """The lines as an editor counts them, ended by CRLF, LF or CR, with their ends."""
    return iter(io.StringIO(text, newline=""))


def write_rows(fields: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """CSV text by RFC 4180; a cell that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fields, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _guarded(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


@lru_cache(maxsize=1024)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    import difflib  # only when something is unknown

    return next(iter(difflib.get_close_matches(name.casefold(), known, n=1)), "")


class _QuoteError(Exception):
    """The quotation marks do not part the text into cells."""

    def __init__(self, found: LineError) -> None:
        super().__init__(found.message)
        self.found = found


def _guarded(cell: str) -> str:
    return f"'{cell}" if _needs_guard(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _needs_guard(cell) else cell


def _needs_guard(cell: str) -> bool:
    """Whether the cell is a formula, or one behind apostrophes: those get one more, else reading would lose one."""
    bare = cell.lstrip("'")
    text = bare.lstrip()  # some programs pass over blanks and line ends before the sign
    return (bare.startswith(_LEADING) or text.startswith(_FORMULA)) and not _HARMLESS.fullmatch(text)


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of the header; a spreadsheet may write nameless columns behind the last one."""
    names = [cell.strip().casefold() for cell in cells]
    while not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise InvalidDataError(f"The file has more than {MAX_COLUMNS} columns.", hint="is it a table of this kind?")
    return tuple(names)


def _add_row(sheet: Sheet, line: int, cells: list[str]) -> None:
    width = len(sheet.columns)
    # Fewer cells are a line that was cut off: what it still has may be cut off too.
    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
        count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        sheet.errors.append(LineError(line, "", "cells", f"{count} where the header names {width} columns"))
    else:
        sheet.rows.append(Row(line, {c: _unguarded(cell) for c, cell in zip(sheet.columns, cells, strict=False)}))


def _refuse_text(text: str, mark: str, message: str) -> None:
    bad = [number for number, line in enumerate(physical_lines(text), start=1) if mark in line]
    errors = [LineError(number, "", "encoding", message) for number in bad]
    raise InvalidDataError(f"Line {bad[0]}: {message}.", errors, "save as CSV UTF-8")


def _delimiter(text: str) -> str:
    """The delimiter that the first line with any text uses most, outside quotes."""
    lines = physical_lines(_QUOTED.sub(r"\1x", text[:_HEAD]))
    header = next((line for line in lines if line.strip()), "")
    return max(DELIMITERS, key=header.count)


def _parse(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the physical line each begins on; a quoted cell keeps its line ends as they are."""
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(physical_lines(text), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        is_open = "unexpected end" in str(error)
        message = "a quotation mark is never closed" if is_open else "text follows a closing quotation mark"
        raise _QuoteError(LineError(begins, "", "quotes", message)) from None
