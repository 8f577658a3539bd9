"""Words that tell a stranger what kind of clinic it is, and neutral ones in their place."""

from __future__ import annotations

from infusion_cli.domain import names, wording
from infusion_cli.domain.clinic import Clinic

_TELLING = ("ketamin", "spravato", "infusion", "psychiatr", "psychedel", "depress")
"""Beginnings of words that tell a stranger what the visit is for."""


def tells(text: str) -> bool:
    """Whether the text, case ignored, says what visits are for."""
    plain = text.casefold()
    return any(word in plain for word in _TELLING)


def chair_word(clinic: Clinic, chair_id: str) -> str:
    """What a chair is called outside the clinic: its name, or `Chair 3` where the name tells."""
    word = wording.words_of(clinic).chair
    for number, chair in enumerate(clinic.chairs, 1):
        if chair.id == chair_id:
            return _neutral(clinic, names.clean(chair.name) or chair.id, f"{word} {number}")
    return word


def chair_code(clinic: Clinic, chair_id: str) -> str:
    """The chair's id, empty where it tells."""
    return "" if tells(chair_id) or _is_protocols(clinic, chair_id) else chair_id


def staff_word(clinic: Clinic, staff_id: str) -> str:
    """What somebody of the staff is called outside the clinic: the id, or `Staff 3` where it tells."""
    word = wording.words_of(clinic).staff
    for number, person in enumerate(clinic.staff, 1):
        if person.id == staff_id:
            return _neutral(clinic, staff_id, f"{word} {number}")
    return word


def file_word(clinic: Clinic, of: str) -> str:
    """What stands for a chair or somebody of the staff in a file's name: the id, or `chair-3` where it tells."""
    ids = {"chair": [c.id for c in clinic.chairs], "staff": [s.id for s in clinic.staff]}
    for kind, listed in ids.items():
        if of in listed:
            return _neutral(clinic, of, f"{kind}-{listed.index(of) + 1}")
    return "gone"


def _neutral(clinic: Clinic, name: str, instead: str) -> str:
    return instead if tells(name) or _is_protocols(clinic, name) else name


def _is_protocols(clinic: Clinic, name: str) -> bool:
    """Whether the name holds that of a protocol, word by word."""
    named = _spaced(name)
    return any(_spaced(word) in named for p in clinic.protocols for word in (p.id, p.title))


def _spaced(name: str) -> str:
    return f" {' '.join(names.words(name))} "
