"""Ids that are safe to say on the phone: a letter for the kind, Crockford base 32, a check character.

The check is a weighted sum over the field of 32 elements with powers of a primitive element as
weights, so that any one wrong character and any swap of two neighbours is caught.
"""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
KINDS = {
    "appointment": "A",
    "patient": "P",
    "series": "S",
    "waitlist": "W",
    "operation": "O",
    "block": "B",
    "plan": "L",
}
_VALUE = {char: i for i, char in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_BLOCKS = tuple((32**n, int(32**n * 0.6180339887) | 1) for n in range(4, 9))
"""For 4, 5, ... payload characters: how many ids there are, and the odd step that scatters them."""


def encode(kind: str, number: int) -> str:
    """The id of the `number`-th record (from 0) of a kind, e.g. `A7K2MH`.

    Numbers are scattered, so that ids made one after the other do not look alike.
    """
    for width, (size, step) in enumerate(_BLOCKS, start=4):
        if number < size:
            scattered = (number * step + size // 3) % size
            payload = "".join(ALPHABET[scattered >> shift & 31] for shift in range(5 * (width - 1), -1, -5))
            letter = KINDS[kind]
            return letter + payload + _check(letter + payload)
        number -= size
    raise OverflowError("more ids than the longest form can hold")


def normalise(text: str) -> str | None:
    """The id in its canonical form, or None when it is no id or a character is wrong.

    Case, blanks, hyphens and the usual misreadings (O for 0, I and L for 1) are forgiven.
    """
    if not text.isascii():  # upper() would make two letters of a ligature and an I of a dotless one
        return None
    bare = text.strip().upper().replace("-", "").replace(" ", "")
    letter = {"0": "O", "1": "L", "I": "L"}.get(bare[:1], bare[:1])
    if letter not in KINDS.values() or not 6 <= len(bare) <= 10 or any(c not in _VALUE for c in bare[1:]):
        return None
    body = letter + "".join(ALPHABET[_VALUE[c]] for c in bare[1:])
    return body if _check(body[:-1]) == body[-1] else None


def kind_of(canonical: str) -> str:
    """The kind that an id's letter stands for."""
    return next(kind for kind, letter in KINDS.items() if letter == canonical[0])


def _check(text: str) -> str:
    total = 0
    for char in text:
        total = _times_alpha(total) ^ _VALUE[char]
    return ALPHABET[_times_alpha(total)]


def _times_alpha(value: int) -> int:
    """Multiply by x in GF(32) with the primitive polynomial x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value
