"""Names are hostile: what is kept, how they are found, how they are shown."""

from __future__ import annotations

import unicodedata

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NO_BIDI = {ord(c): None for c in _BIDI}
_ESCAPED = {code: f"\\u{code:04x}" for code in (*_NO_BIDI, *range(0x7F, 0xA0), 0x2028, 0x2029)}
_APOSTROPHES = "'\u2019\u02bc"


def clean(text: str) -> str:
    """The form that is kept: NFC, any run of white space or control characters one blank.

    Bidi marks stay, they are part of some names. The result may be empty.
    """
    if text.isascii() and text.isprintable() and "  " not in text:  # as most are
        return text.strip(" ")
    text = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if c.isspace() or unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} else c for c in text)
    return " ".join(spaced.split())


def words(text: str) -> list[str]:
    """The words of a name for finding it: case and accents ignored, parted at anything but letters and digits.

    Apostrophes and invisible characters do not part; vowel signs of scripts that write them as marks are kept.
    """
    # Twice, because some characters fall apart into capitals and some capitals into marks.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(map(_part_of_word, plain)).split()


def _part_of_word(char: str) -> str:
    if char in _APOSTROPHES or unicodedata.combining(char):
        return ""
    if char.isalnum():
        return char
    category = unicodedata.category(char)
    return "" if category == "Cf" else char if category[0] == "M" else " "


def fits(typed: list[str], name: list[str]) -> bool:
    """Whether every word typed begins a word of the name (both as `words` gives them)."""
    return all(any(word.startswith(t) for word in name) for t in typed)


def shown(text: str) -> str:
    """Safe to print: no control characters, no bidi marks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text.translate(_NO_BIDI) if c.isprintable() or c == " ")


def shown_json(text: str) -> str:
    """JSON text with bidi marks and C1 controls as escapes: the data is whole, the terminal is not turned."""
    return text if text.isascii() and "\x7f" not in text else text.translate(_ESCAPED)


def width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """`text` cut with an ellipsis, or padded with blanks, to exactly `columns` columns."""
    text = shown(text)
    spare = columns - width(text)
    if spare >= 0:
        return text + " " * spare
    if columns < 1:
        return ""
    used = kept = 0
    while used + _columns(text[kept]) < columns:
        used += _columns(text[kept])
        kept += 1
    return text[:kept] + "…" + " " * (columns - 1 - used)
