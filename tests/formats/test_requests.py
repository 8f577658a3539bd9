"""Requests of a batch: what each action needs and takes, keys, and files that mean harm."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.requests import ACTIONS, FIELDS, LONGEST, UNSUPPORTED, RequestLine, parse_requests
from infusion_cli.formats.sheet import MAX_ROWS

HARBOR = Path(__file__).parents[1] / "data" / "harbor"
SUPPORTED = [action for action in ACTIONS if action not in UNSUPPORTED]
Found = tuple[list[RequestLine], list[LineError]]


def from_csv(*rows: dict[str, str]) -> Found:
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return parse_requests(out.getvalue().encode(), "requests.csv")


def from_json(*lines: object, name: str = "requests.jsonl") -> Found:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return parse_requests(text.encode(), name)


def whole(action: str) -> dict[str, str]:
    """A request with everything that the action needs."""
    return {"action": action, **{field: f"<{field}>" for field in ACTIONS[action].needs}}


def refused(data: bytes, name: str = "requests.csv") -> InvalidDataError:
    with pytest.raises(InvalidDataError) as caught:
        parse_requests(data, name)
    return caught.value


@pytest.mark.parametrize(
    ("action", "needs", "takes"),
    [
        ("book", "patient protocol when", "chair hold"),
        ("hold", "patient protocol when", "chair hold"),
        ("series", "patient protocol", "from to between weekdays sessions"),
        ("move", "appointment when", "chair"),
        ("cancel", "appointment reason", ""),
        ("confirm", "appointment", ""),
        ("no-show", "appointment", ""),
        ("block", "from to reason", "chair staff"),
    ],
)
def test_an_action_needs_and_takes_its_fields_and_no_others(action: str, needs: str, takes: str) -> None:
    need = {field: f"<{field}>" for field in needs.split()}
    allowed = {*need, *takes.split(), "action", "key"}
    lines, errors = from_csv({"action": action, **need})
    assert ([(r.line, r.action, r.fields) for r in lines], errors) == ([(2, action, need)], [])
    for field in takes.split():
        lines, errors = from_csv({"action": action, **need, field: "x"})
        assert ([r.fields for r in lines], errors) == ([{**need, field: "x"}], [])
    for field in need:
        lacking = {name: value for name, value in need.items() if name != field}
        assert from_csv({"action": action, **lacking, field: " "} if lacking else {"action": action}) == (
            [],
            [LineError(2, field, "missing-field", f"{action} needs {field}")],
        )
    for field in set(FIELDS) - allowed:
        message = f"{action} does not take {field}; leave it blank"
        assert from_csv({"action": action, **need, field: "x"}) == (
            [],
            [LineError(2, field, "field-not-used", message)],
        )


def test_every_supported_action_of_the_format_is_read() -> None:
    lines, errors = from_csv(*(whole(action) for action in SUPPORTED))
    assert ([r.action for r in lines], errors) == (SUPPORTED, [])


def test_a_waiting_list_is_known_and_said_to_be_missing() -> None:
    lines, errors = from_csv(whole("waitlist"))
    assert lines == []
    assert errors == [
        LineError(2, "action", "unsupported-action", "the waiting list is not part of this version"),
    ]


def test_a_block_is_for_a_chair_or_for_staff_but_not_for_both() -> None:
    lines, errors = from_csv({**whole("block"), "chair": "chair-1", "staff": "rn-1"})
    assert (lines, [(e.line, e.column, e.rule) for e in errors]) == ([], [(2, "staff", "field-not-used")])


def test_actions_and_columns_lose_case_and_blanks() -> None:
    lines, errors = parse_requests(b" Action ,APPOINTMENT\r\n No-Show , A1 \r\n", "-")
    assert ([(r.action, r.fields) for r in lines], errors) == ([("no-show", {"appointment": "A1"})], [])


def test_a_line_without_an_action_or_with_an_unknown_one_says_so() -> None:
    _, errors = from_csv({"patient": "M1"}, {"action": "delete"})
    assert [(e.line, e.column, e.rule) for e in errors] == [
        (2, "action", "missing-field"),
        (3, "action", "unknown-action"),
    ]
    assert errors[1].message == f"unknown action 'delete'; known: {', '.join(SUPPORTED)}"


def test_all_errors_are_told_in_order_of_line_and_column_and_the_other_lines_are_read() -> None:
    data = b"action,appointment,reason,chair\nmove,,x,\ncancel,A1,ill,\nconfirm\nconfirm,A2,,c\n"
    lines, errors = parse_requests(data, "x.csv")
    assert [r.line for r in lines] == [3]
    assert [(e.line, e.column, e.rule) for e in errors] == [
        (2, "appointment", "missing-field"),
        (2, "reason", "field-not-used"),
        (2, "when", "missing-field"),
        (4, "", "cells"),
        (5, "chair", "field-not-used"),
    ]


def test_the_bad_sample_has_one_line_that_is_wrong_in_itself() -> None:
    lines, errors = parse_requests((HARBOR / "requests-bad.csv").read_bytes(), "requests-bad.csv")
    assert [(e.line, e.column, e.rule) for e in errors] == [(8, "action", "unknown-action")]
    assert [r.line for r in lines] == [2, 3, 4, 5, 6, 7, 9]
    assert lines[-1].fields == {
        "patient": "M1005",
        "protocol": "iv-mood",
        "from": "2026-12-01",
        "sessions": "minus two",
    }


def test_the_sample_series_are_all_read_with_their_own_keys() -> None:
    lines, errors = parse_requests((HARBOR / "series.csv").read_bytes(), "series.csv")
    assert errors == []
    assert [r.key for r in lines] == [f"req-{r.fields['patient']}" for r in lines]
    assert len(lines) == 40


def test_the_columns_may_be_few_but_the_action_is_needed() -> None:
    assert [(e.line, e.column, e.rule) for e in refused(b"\nappointment\nA1\n").errors] == [
        (2, "action", "missing-column")
    ]


def test_an_unknown_column_is_refused_with_the_nearest_one() -> None:
    assert refused(b"action,pateint,xyzzy\nbook,M1,\n").errors == (
        LineError(1, "pateint", "unknown-column", "unknown column 'pateint'; did you mean patient?"),
        LineError(1, "xyzzy", "unknown-column", f"unknown column 'xyzzy'; known: {', '.join(FIELDS)}"),
    )


def test_cells_are_cleaned_of_line_ends_and_spare_blanks() -> None:
    (line,), errors = from_csv({**whole("cancel"), "reason": " Zug \r\n fa\u0308llt\u00a0 aus\x1b "})
    assert (line.fields["reason"], errors) == ("Zug fällt aus", [])


# JSON Lines


def test_json_lines_and_csv_of_the_same_requests_are_the_same_but_for_the_line() -> None:
    asked = [whole(action) for action in SUPPORTED] + [whole("confirm")]
    in_json, _ = from_json(*asked)
    in_csv, _ = from_csv(*asked)
    assert [r._replace(line=r.line + 1) for r in in_json] == in_csv


def test_json_lines_count_from_one_whatever_ends_them_and_blank_lines_count() -> None:
    for end in ("\n", "\r\n", "\r"):
        text = end.join(["", '{"action": "confirm", "appointment": "A1"}', " ", '{"action": 1}', ""])
        lines, errors = parse_requests(text.encode(), "-")
        assert ([r.line for r in lines], [e.line for e in errors]) == ([2], [4])


def test_a_line_separator_in_a_json_text_does_not_end_the_line() -> None:
    (line,), errors = from_json('{"action": "cancel", "appointment": "A1", "reason": "a\u2028b"}')
    assert (line.fields["reason"], errors) == ("a b", [])


def test_null_and_blank_text_are_no_fields_and_numbers_are_text_as_written() -> None:
    row = '{"action": "series", "patient": 1001, "protocol": "p", "sessions": 6.0, "from": null, "to": " ", "key": 1e2}'
    (line,), errors = from_json(row)
    assert (line.fields, line.key) == ({"patient": "1001", "protocol": "p", "sessions": "6.0"}, "1e2")
    assert errors == []


@pytest.mark.parametrize("value", ["true", "false", "[]", '["M1"]', "{}", '{"id": "M1"}', "NaN", "-Infinity"])
def test_values_that_are_no_text_are_refused_by_field(value: str) -> None:
    lines, errors = from_json(f'{{"action": "confirm", "appointment": {value}}}')
    assert lines == []
    assert [(e.line, e.column, e.rule) for e in errors] == [(1, "appointment", "bad-value")]


@pytest.mark.parametrize("value", [r"a\u0000b", r"a\ud800"])
def test_text_that_no_file_could_hold_is_refused(value: str) -> None:
    _, errors = from_json(f'{{"action": "cancel", "appointment": "A1", "reason": "{value}"}}')
    assert [(e.line, e.column, e.rule) for e in errors] == [(1, "reason", "bad-value")]


@pytest.mark.parametrize("line", ["[1]", '"book"', "5", "null", "true", "NaN"])
def test_a_line_that_is_no_object_is_refused(line: str) -> None:
    assert from_json(line) == ([], [LineError(1, "", "bad-json", "not a JSON object")])


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ('{"action": "book"', 18),
        ("{'action': 'book'}", 2),
        ('{"action": "book"} {}', 20),
        ("book,M1", 1),
        ('{"a": "\t"}', 8),
    ],
)
def test_a_line_that_is_not_json_is_refused_with_the_character(line: str, at: int) -> None:
    lines, (error,) = from_json(whole("confirm"), line)
    assert [r.line for r in lines] == [1]
    assert (error.line, error.rule) == (2, "bad-json")
    assert error.message.endswith(f", at character {at}")


def test_a_field_that_stands_twice_in_an_object_is_refused() -> None:
    _, errors = from_json('{"action": "confirm", "appointment": "A1", "appointment": "A2"}')
    assert [(e.line, e.column, e.rule) for e in errors] == [(1, "appointment", "doubled-field")]


def test_an_unknown_field_of_an_object_is_refused_on_its_line() -> None:
    lines, errors = from_json(whole("confirm"), {**whole("confirm"), "pateint": None})
    assert [r.line for r in lines] == [1]
    assert errors == [LineError(2, "pateint", "unknown-column", "unknown column 'pateint'; did you mean patient?")]


def test_the_name_tells_the_format_and_what_begins_with_a_brace_is_json_unless_called_csv() -> None:
    row = b'{"action": "confirm", "appointment": "A1"}'
    assert all(len(parse_requests(row, name)[0]) == 1 for name in ("-", "x.JSONL", "x.ndjson", "x.txt", "x"))
    assert len(parse_requests(b"\xef\xbb\xbf \n" + row, "-")[0]) == 1
    assert [e.column for e in refused(b"{action,patient\nbook,M1\n", "x.CSV").errors] == ["{action", "action"][::-1]
    assert parse_requests(b"action\nbook\n", "x.jsonl")[1][0].rule == "bad-json"


# Keys


def test_the_same_content_twice_has_two_keys_and_the_same_file_has_the_same() -> None:
    first, _ = from_csv(whole("confirm"), whole("confirm"), whole("no-show"))
    again, _ = from_csv(whole("confirm"), whole("confirm"), whole("no-show"))
    assert first == again
    assert len({r.key for r in first}) == 3


def test_a_derived_key_is_the_same_for_ever() -> None:
    (line,), _ = from_csv({"action": "confirm", "appointment": "A7K2M4"})
    assert line.key == "line:2d4bb03c25c2f15bc155797c4689ac9d:1"


def test_a_key_depends_on_the_content_and_not_on_the_form() -> None:
    plain = parse_requests(b"action,appointment,reason\ncancel,A1,ill\n", "-")[0][0].key
    forms = [
        b"reason;action;chair;appointment\r\n ill ;CANCEL;;A1\r\n",
        b"action,appointment,reason\n\nconfirm,A1,\ncancel,A1,ill\n",
        b'{"reason": "ill", "appointment": "A1", "action": "cancel", "chair": null}',
    ]
    assert {parse_requests(data, "-")[0][-1].key for data in forms} == {plain}
    assert parse_requests(b"action,appointment,reason\ncancel,A1,late\n", "-")[0][0].key != plain


def test_lines_that_are_wrong_or_have_keys_of_their_own_do_not_count_as_occurrences() -> None:
    alone = from_csv(whole("confirm"))[0][0].key
    lines, _ = from_csv({"action": "confirm"}, {**whole("confirm"), "key": "k"}, whole("confirm"))
    assert [r.key for r in lines] == ["k", alone]


def test_a_key_given_twice_is_refused_with_the_line_of_the_first_and_only_the_first_is_read() -> None:
    keyed = [{**whole("confirm"), "appointment": f"A{n}", "key": key} for n, key in enumerate(("k", "K", "k", "k"))]
    lines, errors = from_csv(*keyed)
    assert [r.line for r in lines] == [2, 3]
    assert errors == [
        LineError(4, "key", "doubled-key", "the key stands in line 2 already"),
        LineError(5, "key", "doubled-key", "the key stands in line 2 already"),
    ]


@given(st.lists(st.sampled_from(SUPPORTED), max_size=6), st.permutations(FIELDS))
def test_the_order_of_columns_does_not_matter(actions: list[str], columns: list[str]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(whole(action) for action in actions)
    assert parse_requests(out.getvalue().encode(), "-") == from_csv(*map(whole, actions))


# Files that mean harm


def test_more_lines_than_allowed_are_refused_in_both_formats() -> None:
    message = "The file has more than 100,000 lines."
    assert refused(b"action,appointment\n" + b"confirm,A\n" * (MAX_ROWS + 1)).message == message
    assert refused(b"[]\n" * (MAX_ROWS + 1), "x.jsonl").message == message
    assert len(parse_requests(b"[]\n" * MAX_ROWS, "x.jsonl")[1]) == MAX_ROWS


@pytest.mark.parametrize(
    "deep", ["[" * 100_000, '{"action":' * 100_000, '{"patient": ' + "[" * 5000 + "]" * 5000 + "}"]
)
def test_deeply_nested_json_is_one_bad_line(deep: str) -> None:
    lines, errors = from_json(deep, whole("confirm"))
    assert [r.line for r in lines] == [2]
    assert [(e.line, e.rule, e.message) for e in errors] == [(1, "bad-json", "not JSON that can be read: too deep")]


def test_a_huge_cell_is_too_long_in_both_formats_and_short_in_the_message() -> None:
    for found in (from_csv, from_json):
        lines, errors = found({**whole("cancel"), "reason": "x" * 1_000_000})
        assert (lines, [(e.column, e.rule) for e in errors]) == ([], [("reason", "too-long")])
        _, errors = found({"action": "y" * 1_000_000})
        assert len(errors[0].message) < 200
    assert from_csv({**whole("cancel"), "reason": "x" * LONGEST})[1] == []


def test_a_huge_number_is_text_like_any_other() -> None:
    _, errors = from_json('{"action": "confirm", "appointment": ' + "9" * 100_000 + "}")
    assert [(e.column, e.rule) for e in errors] == [("appointment", "too-long")]


def test_ten_thousand_columns_are_refused() -> None:
    assert refused(",".join(f"action{n}" for n in range(10_000)).encode()).message.startswith("The file has more than")


@given(st.binary(max_size=120), st.sampled_from(["-", "x.csv", "x.jsonl"]))
def test_any_octets_give_lines_that_are_read_or_wrong_but_never_both(data: bytes, name: str) -> None:
    try:
        lines, errors = parse_requests(data, name)
    except InvalidDataError:
        return
    assert {r.line for r in lines}.isdisjoint({e.line for e in errors})


def test_two_thousand_requests_are_read_in_well_under_a_tenth_of_a_second() -> None:
    row = b"series,M1,iv-mood,,,2026-12-01,2026-12-31,08:00-12:00,%s,6,,,,,\r\n"
    data = ",".join(FIELDS).encode() + b"\r\n" + row % b'"mon,wed"' * 2000
    times = []
    for _ in range(5):
        began = time.process_time()
        assert len(parse_requests(data, "x.csv")[0]) == 2000
        times.append(time.process_time() - began)
    assert min(times) < 0.1
