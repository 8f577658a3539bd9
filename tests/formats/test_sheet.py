"""Tables as offices write them: read with exact lines and cells, and written so that nothing runs."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.sheet import MAX_BYTES, MAX_ROWS, check_columns, decode, read_rows, write_rows

NOT_UTF_8 = b"mrn,name\nM1,Ana\nM2,Zo\xeb\nM3,Ben\nM4,No\xebl\n"
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SHARP = st.text(st.sampled_from("'=+-@\t\r\n \u00a0\",;1a\ufeff＝\u2028\x1c\x85"), max_size=8)


def rows_of(data: bytes) -> list[tuple[int, list[str]]]:
    sheet = read_rows(data)
    assert sheet.errors == []
    return [(row.line, list(row.cells.values())) for row in sheet.rows]


def refusal(data: bytes) -> InvalidDataError:
    with pytest.raises(InvalidDataError) as caught:
        read_rows(data)
    return caught.value


def header_errors(data: bytes, known: Sequence[str], *, ignore_unknown: bool = False) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidDataError) as caught:
        check_columns(read_rows(data), known, [], ignore_unknown=ignore_unknown)
    return [(e.line, e.column, e.rule) for e in caught.value.errors]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_delimiter_line_end_and_encoding_gives_the_same_rows(end: str, delimiter: str, encoding: str) -> None:
    lines = [["mrn", "name"], ["M1", "Zoë"], ["M2", "Ngọc 漢"]]
    text = end.join(delimiter.join(cells) for cells in lines) + end
    assert rows_of(text.encode(encoding)) == [(2, ["M1", "Zoë"]), (3, ["M2", "Ngọc 漢"])]


def test_utf_16_is_read_in_both_byte_orders() -> None:
    text = "\ufeffmrn,name\nM1,Zoë\n"
    assert rows_of(text.encode("utf-16-be")) == rows_of(text.encode("utf-16-le")) == [(2, ["M1", "Zoë"])]


def test_a_file_without_a_last_line_end_is_whole() -> None:
    assert rows_of(b"a,b\n1,2") == [(2, ["1", "2"])]


def test_the_other_delimiters_and_quotes_in_a_cell_are_text() -> None:
    assert rows_of(b'"a,x;y,z";b\n"1;""2""";"3,4"\n') == [(2, ['1;"2"', "3,4"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_physical_even_after_cells_with_line_ends_and_blank_lines(end: str) -> None:
    text = end.join(["a,b", '"1', "", '2",x', "", " , ", "3,y", '"', '",z', "4,w"])
    rows = rows_of(text.encode())
    assert [line for line, _ in rows] == [2, 7, 8, 10]
    assert rows[0][1] == [f"1{end}{end}2", "x"]


def test_lines_before_the_header_count_and_the_delimiter_is_that_of_the_header() -> None:
    sheet = read_rows(b"\r\n  \r\nmrn;name\r\nM1;Vogt, Ana, Dr\r\n")
    assert (sheet.line, sheet.columns) == (3, ("mrn", "name"))
    assert [(row.line, row.cells["name"]) for row in sheet.rows] == [(4, "Vogt, Ana, Dr")]


def test_empty_lines_at_the_end_and_lines_of_delimiters_are_passed_over() -> None:
    assert rows_of(b"a;b\r\n1;2\r\n;\r\n\r\n  \r\n\r\n") == [(2, ["1", "2"])]


def test_header_names_lose_case_and_blanks() -> None:
    assert read_rows("  MRN , Birth_Date\u00a0\n1,2\n".encode()).columns == ("mrn", "birth_date")


def test_nameless_columns_behind_the_last_one_are_no_columns_while_they_are_blank() -> None:
    sheet = read_rows(b"a;b;;\n1;2;;\n1;2\n1;2;;x\n")
    assert sheet.columns == ("a", "b")
    assert [row.line for row in sheet.rows] == [2, 3]
    assert sheet.errors == [LineError(4, "", "cells", "4 cells where the header names 2 columns")]


def test_too_many_and_too_few_cells_are_named_by_line_and_the_other_rows_are_read() -> None:
    sheet = read_rows(b"a,b,c\n1,2,3,4\n1,2\n1\n1,2,\n")
    assert [(e.line, e.rule, e.message) for e in sheet.errors] == [
        (2, "cells", "4 cells where the header names 3 columns"),
        (3, "cells", "2 cells where the header names 3 columns"),
        (4, "cells", "1 cell where the header names 3 columns"),
    ]
    assert [row.line for row in sheet.rows] == [5]


def test_a_column_that_stands_twice_is_refused() -> None:
    assert header_errors(b"mrn,name,MRN\n", ["mrn", "name"]) == [(1, "mrn", "doubled-column")]


def test_a_nameless_column_between_others_is_refused_unless_unknown_ones_are_ignored() -> None:
    data = b"mrn,,name\n1,2,3\n"
    assert header_errors(data, ["mrn", "name"]) == [(1, "", "nameless-column")]
    check_columns(read_rows(data), ["mrn", "name"], [], ignore_unknown=True)


def test_everything_wrong_with_a_header_is_said_at_once_with_the_nearest_known_column() -> None:
    sheet = read_rows(b"\nPhon;xyzzy;name;name\n1\n")
    with pytest.raises(InvalidDataError) as caught:
        check_columns(sheet, ["phone", "name", "mrn"], [("mrn", "there is no column mrn")])
    assert caught.value.errors == (
        LineError(2, "mrn", "missing-column", "there is no column mrn"),
        LineError(2, "name", "doubled-column", "the column name stands more than once"),
        LineError(2, "phon", "unknown-column", "unknown column 'phon'; did you mean phone?"),
        LineError(2, "xyzzy", "unknown-column", "unknown column 'xyzzy'; known: phone, name, mrn"),
        LineError(3, "", "cells", "1 cell where the header names 4 columns"),
    )


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n\n", b" \r\n ; \r\n", b",,,", "".encode("utf-16")])
def test_a_file_without_any_text_is_empty(data: bytes) -> None:
    assert refusal(data).message == "The file is empty."


def test_a_header_alone_is_a_table_without_rows() -> None:
    assert read_rows(b"mrn,name").rows == []


def test_text_that_is_not_utf_8_is_refused_with_every_line() -> None:
    error = refusal(NOT_UTF_8)
    assert error.message == "Line 3: not UTF-8."
    assert error.hint == "save as CSV UTF-8"
    assert error.errors == (LineError(3, "", "encoding", "not UTF-8"), LineError(5, "", "encoding", "not UTF-8"))


def test_lines_that_are_not_utf_8_are_counted_with_any_line_end_and_a_bom() -> None:
    for end in (b"\r", b"\r\n"):
        error = refusal(b"\xef\xbb\xbf" + NOT_UTF_8.replace(b"\n", end))
        assert [e.line for e in error.errors] == [3, 5]


def test_utf_16_cut_in_the_middle_of_a_character_is_refused() -> None:
    error = refusal("a,b\n1,Ċ\n2,3".encode("utf-16")[:-1])
    assert [(e.line, e.message) for e in error.errors] == [(3, "not UTF-16")]


def test_nul_characters_are_refused_by_line_as_is_utf_16_without_a_bom() -> None:
    assert [(e.line, e.message) for e in refusal(b"a\r1\r2\0\r").errors] == [(3, "a NUL character")]
    assert {e.message for e in refusal("a,b\n".encode("utf-16-le")).errors} == {"a NUL character"}


def test_a_quotation_mark_that_never_closes_is_named_by_the_line_of_its_row_after_earlier_errors() -> None:
    error = refusal(b'a,b\n1\n"2,3\n4,5\n')
    assert [(e.line, e.rule) for e in error.errors] == [(2, "cells"), (3, "quotes")]
    assert error.errors[1].message == "a quotation mark is never closed"


def test_text_after_a_closing_quotation_mark_is_refused() -> None:
    assert [(e.line, e.message) for e in refusal(b'a,b\n1,2\n"3"x,4\n').errors] == [
        (3, "text follows a closing quotation mark")
    ]


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    assert decode(b"x" * MAX_BYTES)
    with pytest.raises(InvalidDataError, match="larger than 20 MB"):
        decode(b"\xff" * (MAX_BYTES + 1))


def test_as_many_rows_as_allowed_are_read_and_no_more() -> None:
    assert len(read_rows(b"a\n" + b"1\n" * MAX_ROWS).rows) == MAX_ROWS
    assert refusal(b"a\n" + b"1\n" * (MAX_ROWS + 1)).message == "The file has more than 100,000 lines."


def test_ten_thousand_columns_are_refused() -> None:
    assert refusal(",".join(f"c{n}" for n in range(10_000)).encode()).message == "The file has more than 200 columns."


def test_a_huge_cell_is_read_whole() -> None:
    assert rows_of(b'a,b\n"' + b'x""\n' * 250_000 + b'",2\n3,4') == [
        (2, ['x"\n' * 250_000, "2"]),
        (250_003, ["3", "4"]),
    ]


def test_a_huge_unknown_column_is_shown_short() -> None:
    sheet = read_rows(b"x" * 1_000_000)
    with pytest.raises(InvalidDataError) as caught:
        check_columns(sheet, ["mrn"], [])
    assert len(caught.value.errors[0].message) < 100


@pytest.mark.parametrize("data", [b'"a\n', b'""', b'"x"\n', b"a,b\n"])
def test_reading_time_grows_with_the_file_and_not_with_its_square(data: bytes) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        with pytest.raises(InvalidDataError):
            read_rows(b'a,b\n1,"' + data * times)
        return time.process_time() - began

    # Sixteen times as much would take 256 times as long; the half second is for a busy machine.
    assert seconds(160_000) < 64 * seconds(10_000) + 0.5


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("x")',
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\tx",
        "\nx",
        "\rx",
        "  =1",
        "\u00a0@x",
        "＝1+1",
        "＠x",
        "-x",
    ],
)
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(cell: str) -> None:
    written = next(csv.reader(io.StringIO(write_rows(["a"], [{"a": cell}]).split("\r\n", 1)[1], newline="")))
    assert written == [f"'{cell}"]


@pytest.mark.parametrize(
    "cell", ["+1 207 555 1000", "-3", "+49 (30) 123/45-6", "-1.5", "-", "O'Neill", "'t Hooft", "a=b", ""]
)
def test_phones_numbers_and_names_are_written_as_they_are(cell: str) -> None:
    assert write_rows(["a", "b"], [{"a": cell, "b": "x"}]) == f"a,b\r\n{cell},x\r\n"


def test_a_file_that_a_spreadsheet_wrote_keeps_the_apostrophes_of_names() -> None:
    assert rows_of(b"a,b\n't Hooft,'=x\n'Ana','-5\n") == [(2, ["'t Hooft", "=x"]), (3, ["'Ana'", "'-5"])]


def test_missing_cells_are_written_blank_and_line_ends_and_delimiters_are_quoted() -> None:
    written = write_rows(["a", "b"], [{"b": "x\ny"}, {"a": '"', "b": "1,2"}])
    assert written == 'a,b\r\n,"x\ny"\r\n"""","1,2"\r\n'


@given(st.lists(st.tuples(SHARP | TEXTS, SHARP | TEXTS), max_size=5), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@example([(" ", ""), ("\r", "\n"), ("'", "''=x"), ("'\r", "'\n="), ("\r\n", "\t"), ("'\t", "' =1")], "utf-8")
@example([("'＝", "\x1c=1"), ("'-5", "''+1 2"), ("'  @", '"'), ("\ufeff=1", "x;y")], "utf-8")
def test_what_is_written_is_read_again_to_the_character(cells: list[tuple[str, str]], encoding: str) -> None:
    rows = [{"id": f"R{n}", "a": a, "b": b} for n, (a, b) in enumerate(cells)]
    sheet = read_rows(write_rows(["id", "a", "b"], rows).encode(encoding))
    assert [row.cells for row in sheet.rows] == rows
    assert sheet.errors == []


@given(SHARP | TEXTS)
def test_no_written_cell_begins_as_a_formula_but_numbers_and_phones(cell: str) -> None:
    written = list(csv.reader(io.StringIO(write_rows(["a", "b"], [{"a": cell, "b": "x"}]), newline="")))[1][0]
    if written.lstrip().startswith(("=", "@", "＝", "＋", "－", "＠")):
        pytest.fail(f"{written!r} may be run")
    if written.lstrip().startswith(("+", "-")):
        assert not any(c.isalpha() or c in "=@!|" for c in written)


@given(st.binary(max_size=200))
def test_any_octets_give_a_table_with_each_line_once_or_a_refusal_with_a_way_out(data: bytes) -> None:
    try:
        sheet = read_rows(data)
    except InvalidDataError as error:
        sheet, hint = None, error.hint
    if sheet is None:
        assert hint
    else:
        lines = [sheet.line, *sorted([r.line for r in sheet.rows] + [e.line or 0 for e in sheet.errors])]
        assert lines == sorted(set(lines))
