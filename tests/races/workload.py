"""What the desks of a race want, at random from a seed: all of it on the same few days and chairs."""

from __future__ import annotations

import json
import random
import sys
from typing import NamedTuple

from races.harbor import MRNS, NOW

from infusion_cli.domain.book import Appointment
from infusion_cli.services.booking import BookAsk, Override
from infusion_cli.services.ports import Reader

DAYS = ("2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04")
HOLD = "15m"
SECONDS_A_TURN = 30
"""How far a desk's clock goes forward with every turn: holds run out during a race."""
EARLY = 3
"""Turns at the start in which a desk only books."""

_KINDS = {"book": 70, "move": 10, "cancel": 10, "hold": 5, "undo": 5}
_PROTOCOLS = {"iv-mood": 45, "consult": 25, "esketamine": 15, "iv-booster": 10, "iv-pain": 5}
_CHAIRS = ("", "chair-1", "chair-2", "chair-3", "chair-4")
_MOVABLE = ("booked", "pending")
_SHORT_STAFFED = Override(("staff-short",), "the nurse of the ward helps out")


class Turn(NamedTuple):
    """One wish of a desk: `kind` is one of book, hold, move, cancel, undo."""

    kind: str
    key: str
    now: int
    ask: BookAsk
    """What to book; a move takes its time and chair."""


class Workload:
    """The turns of one desk, and its choices."""

    def __init__(self, seed: int, desk: int) -> None:
        self.chance = random.Random(1000 * seed + desk)
        self._name = f"{seed}-{desk}"

    def turn(self, number: int) -> Turn:
        """The wish of that turn."""
        # A book with little in it would lose its patients: undo goes back to their import.
        kind = self._pick(_KINDS if number >= EARLY else {"book": 1})
        hold = HOLD if kind == "hold" else ""
        override = _SHORT_STAFFED if self.chance.random() < 0.02 else Override()
        patient, chair = self.chance.choice(MRNS), self.chance.choice(_CHAIRS)
        ask = BookAsk(patient, self._pick(_PROTOCOLS), self._when(), chair, hold, override)
        return Turn(kind, f"{self._name}-{number}", NOW + number * SECONDS_A_TURN, ask)

    def visit(self, reader: Reader) -> Appointment | None:
        """Some visit that is to come, whichever desk made it; None in an empty book."""
        found = reader.visits(NOW, NOW + 7 * 86_400, _MOVABLE)
        return self.chance.choice(found) if found else None

    def sometimes(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.chance.random() < share

    def _when(self) -> str:
        hour, minute = divmod(480 + 15 * self.chance.randrange(36), 60)
        return f"{self.chance.choice(DAYS)}T{hour:02}:{minute:02}"

    def _pick(self, weights: dict[str, int]) -> str:
        return self.chance.choices(list(weights), list(weights.values()))[0]


def told(visit: Appointment) -> dict[str, object]:
    """What is acknowledged about a visit."""
    return {"id": visit.id, "start": visit.start, "chair": visit.chair, "status": visit.status}


def say(line: dict[str, object]) -> None:
    """One line for the referee, at once: what is told after a commit must not wait in a buffer."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def await_start() -> None:
    """Say that everything is loaded, and wait for the referee."""
    say({"ready": True})
    sys.stdin.readline()
