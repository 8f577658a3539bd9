"""Words that tell a stranger what kind of clinic it is, and neutral ones in their place."""

from __future__ import annotations

from infusion_cli.domain import names
from infusion_cli.domain.clinic import Clinic

_TELLING = ("ketamin", "spravato", "infusion", "psychiatr", "psychedel", "depress")
"""Beginnings of words that tell a stranger what the visit is for."""


def tells(text: str) -> bool:
    """Whether the text, case ignored, says what visits are for."""
    plain = text.casefold()
    return any(word in plain for word in _TELLING)


def chair_word(clinic: Clinic, chair_id: str) -> str:
    """What a chair is called outside the clinic: its name, or `Chair 3` where the name tells."""
    for number, chair in enumerate(clinic.chairs, 1):
        if chair.id == chair_id:
            name = names.clean(chair.name) or chair.id
            return f"Chair {number}" if tells(name) or _is_protocols(clinic, name) else name
    return "Chair"


def chair_code(clinic: Clinic, chair_id: str) -> str:
    """The chair's id, empty where it tells."""
    return "" if tells(chair_id) or _is_protocols(clinic, chair_id) else chair_id


def staff_word(clinic: Clinic, staff_id: str) -> str:
    """What somebody of the staff is called outside the clinic: the id, or `Staff 3` where it tells."""
    for number, person in enumerate(clinic.staff, 1):
        if person.id == staff_id:
            return f"Staff {number}" if tells(staff_id) or _is_protocols(clinic, staff_id) else staff_id
    return "Staff"


def _is_protocols(clinic: Clinic, name: str) -> bool:
    """Whether the name holds that of a protocol, word by word."""
    named = _spaced(name)
    return any(_spaced(word) in named for p in clinic.protocols for word in (p.id, p.title))


def _spaced(name: str) -> str:
    return f" {' '.join(names.words(name))} "
