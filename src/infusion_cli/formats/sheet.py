"""Tables as offices write them: CSV with BOM or without, comma, semicolon or tab, any line ends.

Lines are physical lines of the file, the header being 1; a row is named by the line it begins on.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError

MAX_BYTES = 20_000_000
DELIMITERS = ",;\t"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HARMLESS = re.compile(r"[+-]?[\d\s().,/-]*", re.ASCII)


class Row(NamedTuple):
    """A row's cells by column, blank ones included, and the line it begins on."""

    line: int
    cells: dict[str, str]


class Sheet(NamedTuple):
    """The columns in their order, the rows that could be read, and what was wrong with the others."""

    columns: tuple[str, ...]
    rows: list[Row]
    errors: list[LineError]


def read_sheet(data: bytes) -> Sheet:
    """Read a CSV file; raises `InvalidDataError` when there is no usable text or header.

    Header names lose case and surrounding blanks. An apostrophe that `write_rows` put before a
    formula is taken off again.
    """
    text = decode(data)
    delimiter = _delimiter(text)
    rows = [(line, cells) for line, cells in _parse(text, delimiter) if any(cell.strip() for cell in cells)]
    if not rows:
        raise InvalidDataError("The file is empty.", hint="its first line names the columns")
    head_line, head = rows[0]
    columns = tuple(name.strip().casefold() for name in head)
    _check_header(head_line, columns)
    sheet = Sheet(columns, [], [])
    for line, cells in rows[1:]:
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            message = f"{len(cells)} cells where the header names {len(columns)} columns"
            sheet.errors.append(LineError(line, "", "cells", message))
            continue
        if len(cells) < len(columns) and len(cells) == 1:
            sheet.errors.append(LineError(line, "", "cells", f"1 cell where the header names {len(columns)} columns"))
            continue
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        sheet.rows.append(Row(line, {c: _unguarded(cell) for c, cell in zip(columns, padded, strict=False)}))
    return sheet


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, or UTF-16 with a BOM; raises `InvalidDataError` naming the bad line."""
    if len(data) > MAX_BYTES:
        raise InvalidDataError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.", hint="split it")
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = LineError(line, "", "encoding", "not UTF-8")
        raise InvalidDataError(f"Line {line} is not UTF-8.", [found], "save the file as CSV UTF-8") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        found = LineError(line, "", "encoding", "a NUL character")
        raise InvalidDataError(f"Line {line} has a NUL character.", [found], "save the file as CSV UTF-8")
    return text


def unknown_columns(line: int, columns: Iterable[str], known: Sequence[str]) -> list[LineError]:
    """An error for each column that is not known, with the nearest one that is."""
    import difflib  # only when something is unknown

    errors = []
    for name in columns:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            way_out = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            errors.append(LineError(line, name, "unknown-column", f"unknown column {name!r}; {way_out}"))
    return errors


def write_rows(fields: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """CSV text by RFC 4180; a cell that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _guarded(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _guarded(cell: str) -> str:
    is_formula = cell.startswith(_FORMULA) and not _HARMLESS.fullmatch(cell)
    # A cell that looks guarded already gets one more, so that reading gives back exactly what was written.
    looks_guarded = cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA)
    return f"'{cell}" if is_formula or looks_guarded else cell


def _unguarded(cell: str) -> str:
    if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA):
        return cell[1:]
    return cell


def _check_header(line: int, columns: tuple[str, ...]) -> None:
    doubled = sorted({c for c in columns if columns.count(c) > 1 and c})
    errors = [LineError(line, c, "doubled-column", f"the column {c!r} stands twice") for c in doubled]
    errors += [LineError(line, "", "nameless-column", "a column has no name")] * (("" in columns) and any(columns))
    if errors:
        raise InvalidDataError("The header cannot be used.", errors, "name every column once")


def _delimiter(text: str) -> str:
    """The delimiter that the header line uses most, outside quotes."""
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    return max(DELIMITERS, key=header.count)


def _parse(text: str, delimiter: str) -> Iterable[tuple[int, list[str]]]:
    """Rows with the physical line each begins on; a quoted cell may hold line ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    taken = 0

    def feed() -> Iterable[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield line + "\n"

    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, [cell.rstrip("\n") if "\n" in cell else cell for cell in cells]
            begins = taken + 1
    except csv.Error as error:
        found = LineError(begins, "", "quotes", f"cannot be parted into cells: {error}")
        raise InvalidDataError(f"Line {begins} cannot be parted into cells.", [found], "look at its quotes") from None
