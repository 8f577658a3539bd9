"""In memory, on SQLite and on PostgreSQL: random commands get the same answers and leave the same book and journal.

After every command all records are compared, and at the end the whole journal; every engine's check finds its book
sound, and everything is taken back again. `INFUSION_TORTURE=full` runs many more and longer examples.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from model.memory import MemoryStore, MemoryWriter
from model.rules import Core, Courses, Everything, People, Supply
from model.sides import Ground
from torture.figures import FULL, RELEASE, record

SHORT = settings(
    max_examples=8,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
# A failure of the long form is told with what replays it.
LONG = settings(SHORT, max_examples=1000 if RELEASE else 80, stateful_step_count=50, derandomize=False, print_blob=True)
THEMES: dict[type[Core], tuple[str, ...]] = {
    Core: ("book", "hold", "move", "cancel", "confirm", "arrive", "start", "finish", "no-show", "undo"),
    People: ("patients add", "patients edit", "patients record", "patients import", "patients forget", "look"),
    Courses: ("series book", "apply", "batch apply"),
    Supply: ("slots block", "slots open", "slots unblock", "clinic apply", "by hand"),
    Everything: (),
}
"""The machines, and what each has to have done for the comparison to say anything about it."""
LEAST = 10 if FULL else 1
FATES = ("done", "tried", "repeated", "refused")
ENDS = ("calm", "all taken back", "disturbed", "some left")
"""How an example ends: whether anybody passed by the rules, and whether all of it could be undone."""

# In a few short lives one of the rarer things may never come up.
MUST_HAPPEN = (*FATES, *ENDS[:2]) if FULL else ("done", "refused", "calm")

Tally = Counter[tuple[str, str]]


def run(machine: type[Core], ground: Ground, tally: Tally, how: settings) -> None:
    """Let the machine work on one book after the other."""

    class Placed(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(ground, tally)

    run_state_machine_as_test(Placed, settings=how)


@pytest.mark.parametrize("machine", THEMES, ids=lambda machine: machine.__name__.lower())
def test_all_sides_give_the_same_answers_and_keep_the_same_book(
    tmp_path: Path, database_url: str, machine: type[Core]
) -> None:
    tally, ground = Tally(), Ground(tmp_path, database_url)
    run(machine, ground, tally, LONG if FULL else SHORT)
    kinds = {kind: {fate: n for (of, fate), n in tally.items() if of == kind} for kind in sorted({k for k, _ in tally})}
    fates = Counter({fate: sum(of.get(fate, 0) for of in kinds.values()) for _, fate in tally})
    _report(machine, kinds, fates)
    assert [kind for kind in THEMES[machine] if tally[kind, "done"] < LEAST] == []
    assert [fate for fate in MUST_HAPPEN if fates[fate] < LEAST] == []


def _report(machine: type[Core], kinds: dict[str, dict[str, int]], fates: Counter[str]) -> None:
    figures = {fate.replace(" ", "_"): fates[fate] for fate in FATES}
    commands = fates.total() - sum(fates[end] for end in ENDS)
    for engine in ("SQLite", "PostgreSQL"):
        record("model", engine, books=fates["calm"] + fates["disturbed"], commands=commands, **figures, differences=0)
    if FULL:
        print("\n".join(f"{machine.__name__}, {kind}: {counts}" for kind, counts in kinds.items()))


class ForgetsHolds(MemoryWriter):
    """Never releases a hold that ran out."""

    def release_holds(self) -> None:
        """Nothing."""


class KeepsKeys(MemoryWriter):
    """Never frees the keys of an operation that is taken back."""

    def free_keys(self, operation: str) -> None:
        """Nothing."""


class KnowsNoLimit(MemoryWriter):
    """Lets everything be claimed."""

    def is_too_much(self, name: tuple[str, str], first: int, last: int, room: int) -> bool:
        """It never is."""
        return False


class MeansIt(MemoryWriter):
    """Keeps what a dry run wrote."""

    def discard(self) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("wrong", "machine"), [(ForgetsHolds, Core), (KeepsKeys, Core), (MeansIt, Core), (KnowsNoLimit, Supply)]
)
def test_a_side_with_one_mistake_is_found_out(
    tmp_path: Path, database_url: str, wrong: type[MemoryWriter], machine: type[Core]
) -> None:
    class Mistaken(MemoryStore):
        writer = wrong

    ground = Ground(tmp_path, database_url, Mistaken)
    once = settings(SHORT, max_examples=100, phases=[Phase.generate])
    with pytest.raises(AssertionError):
        run(machine, ground, Tally(), once)
    record("model with a mistake", "memory", mistakes=1, found=1)
