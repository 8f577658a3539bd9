"""JSON out: whole, readable, and harmless to a terminal."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.formats.json_out import dumps, json_lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ANY_TEXTS = TEXTS | st.text(st.sampled_from('\u202e\u200f\u2066\x9b\x7f\u2028\x1b\0\\"\ud800\udfff\udc80aé漢'))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def test_keys_keep_their_order_and_letters_stay_letters() -> None:
    assert dumps({"b": "Zoë 漢", "a": [1, None]}, indent=None) == '{"b": "Zoë 漢", "a": [1, null]}'


def test_it_is_indented_by_two_unless_one_line_is_asked_for() -> None:
    assert dumps({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'


def test_marks_that_turn_a_terminal_are_escapes_in_values_and_keys() -> None:
    assert dumps({"\u202ekey": "a\u2066\x9b\x7f\u2028"}, indent=None) == (r'{"\u202ekey": "a\u2066\u009b\u007f\u2028"}')


def test_half_a_character_is_an_escape_that_any_stream_takes() -> None:
    assert dumps(["\udce9t\udce9.csv", "\\\ud800"], indent=None) == r'["\udce9t\udce9.csv", "\\\ud800"]'


def test_json_lines_are_one_line_a_value() -> None:
    assert json_lines([{"a": "x\ny\u2028"}, [1]]) == '{"a": "x\\ny\\u2028"}\n[1]\n'
    assert json_lines([]) == ""


@given(VALUES, st.sampled_from([None, 2]))
def test_the_value_comes_back_whole_from_text_that_can_be_shown_and_encoded(value: object, indent: int | None) -> None:
    text = dumps(value, indent=indent)
    assert json.loads(text) == _joined(value)
    assert not set(text) & set("\u202e\u200f\u2066\x9b\x7f\u2028\x1b\0")
    text.encode()


def _joined(value: object) -> object:
    """The value as JSON means it: two halves of a character that stand together are one character."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [_joined(v) for v in value]
    return {_joined(k): _joined(v) for k, v in value.items()} if isinstance(value, dict) else value
