"""Names are hostile: kept, found and shown."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain import names

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = st.text() | st.text(
    st.sampled_from([*BIDI, *"\t\n\r\x00\x1b\x7f\x85\x9b\u00a0\u2028\u2029\ud800\u200b\u0301\u0e35 aÅﬁ漢ß'"])
)


@given(HOSTILE)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert names.clean(names.clean(text)) == names.clean(text)


@given(HOSTILE)
def test_a_clean_name_is_one_line_in_nfc_without_spare_blanks(text: str) -> None:
    kept = names.clean(text)
    assert unicodedata.is_normalized("NFC", kept)
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} for c in kept)
    assert kept == kept.strip()
    assert "  " not in kept
    kept.encode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  Zoë \t  O'Neill\r\n[x] ", "Zoë O'Neill [x]"),
        ("Zoe\u0308", "Zoë"),
        ("a\x1b[31mb", "a [31mb"),
        ("\u202eevil", "\u202eevil"),
        ("\u2028\u00a0\x00", ""),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_cleaning_keeps_what_belongs_to_the_name(text: str, kept: str) -> None:
    assert names.clean(text) == kept


@given(HOSTILE)
def test_what_is_shown_holds_no_control_and_no_bidi_mark(text: str) -> None:
    shown = names.shown(text)
    assert not set(shown) & set(BIDI)
    assert not any(unicodedata.category(c)[0] == "C" for c in shown)
    assert shown.isprintable()


@given(st.text(st.characters(categories=["L", "Nd", "Mn", "P"])))
def test_what_is_harmless_is_shown_as_it_is(text: str) -> None:
    assert names.shown(text) == text


@given(HOSTILE)
def test_json_for_a_terminal_holds_the_same_data_and_turns_nothing(text: str) -> None:
    shown = names.shown_json(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(shown) == {"name": text}
    assert not set(shown) & set(BIDI)
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in shown)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("yara s", "Yara Sánchez"),
        ("SANCHEZ yara", "Yara Sánchez"),
        ("gru", "Priya Grünwald"),
        ("o'neill", "Zoë O\u2019Neill"),
        ("oneill", "Zoë O'Neill"),
        ("oneill", "Zoë O\u02bcNeill"),
        ("strasse", "Anna Straße"),
        ("jean pi", "Jean-Pierre Blanc"),
        ("anna", "An\u202ena"),
        ("ada", "\U0001d400\U0001d41d\U0001d41a"),
        ("istanbul", "İstanbul"),
        ("วิชัย", "วิชัย ใจดี"),
        ("علیرضا", "علی\u200cرضا"),
        ("", "anybody"),
    ],
)
def test_typed_beginnings_find_the_name(typed: str, name: str) -> None:
    assert names.fits(names.words(typed), names.words(name))


@pytest.mark.parametrize(
    ("typed", "name"),
    [("yara x", "Yara Sánchez"), ("ara", "Yara Sánchez"), ("yara sanchezz", "Yara Sánchez"), ("ชัย", "วิชัย")],
)
def test_what_begins_no_word_finds_nothing(typed: str, name: str) -> None:
    assert not names.fits(names.words(typed), names.words(name))


@given(HOSTILE)
def test_a_name_fits_itself_however_it_is_accented_and_cased(name: str) -> None:
    words = names.words(name)
    assert names.fits(words, names.words(unicodedata.normalize("NFD", name)))
    assert names.fits(names.words(name.casefold()), words)
    assert all(names.fits([word[:1]], words) for word in words)


@given(HOSTILE)
def test_words_of_words_are_the_same_words(text: str) -> None:
    assert names.words(" ".join(names.words(text))) == names.words(text)


@given(HOSTILE, st.integers(0, 30))
def test_fitted_text_takes_exactly_its_columns(text: str, columns: int) -> None:
    fitted = names.fit(text, columns)
    assert names.width(fitted) == columns
    assert fitted.isprintable()


@pytest.mark.parametrize(
    ("text", "columns", "fitted"),
    [
        ("Yara", 6, "Yara  "),
        ("Yara", 4, "Yara"),
        ("Yara", 3, "Ya…"),
        ("Yara", 1, "…"),
        ("Yara", 0, ""),
        ("漢字名", 6, "漢字名"),
        ("漢字名", 5, "漢字…"),
        ("漢字名", 4, "漢… "),
        ("Zoe\u0308", 3, "Zoe\u0308"),
        ("มานี", 3, "มานี"),
    ],
)
def test_text_is_cut_with_an_ellipsis_or_padded(text: str, columns: int, fitted: str) -> None:
    assert names.fit(text, columns) == fitted


def test_a_very_long_name_is_cut_at_once() -> None:
    assert names.fit("é" * 1_000_000, 10) == "é" * 9 + "…"
