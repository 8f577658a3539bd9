"""Names are hostile: what is kept, how they are found, how they are shown."""

from __future__ import annotations

import unicodedata

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NO_BIDI = {ord(c): None for c in _BIDI}
_ESCAPED_BIDI = {ord(c): f"\\u{ord(c):04x}" for c in _BIDI}


def clean(text: str) -> str:
    """The form that is kept: NFC, any run of white space or control characters one blank.

    Bidi marks stay, they are part of some names. The result may be empty.
    """
    text = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if c.isspace() or unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} else c for c in text)
    return " ".join(spaced.split())


def words(text: str) -> list[str]:
    """The words of a name for finding it: case and accents ignored, parted at anything but letters and digits."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else "" if unicodedata.combining(c) or c == "'" else " " for c in plain)
    return kept.split()


def fits(typed: list[str], name: list[str]) -> bool:
    """Whether every word typed begins a word of the name (both as `words` gives them)."""
    return all(any(word.startswith(t) for word in name) for t in typed)


def shown(text: str) -> str:
    """Safe to print: no control characters, no bidi marks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text.translate(_NO_BIDI) if c.isprintable() or c == " ")


def shown_json(text: str) -> str:
    """JSON text with bidi marks written as escapes: the data is whole, the terminal is not turned."""
    return text.translate(_ESCAPED_BIDI)


def width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """`text` cut with an ellipsis, or padded with blanks, to exactly `columns` columns."""
    text = shown(text)
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (columns - width(text))
