"""One desk in a race: `python -m races.worker BOOK SEED DESK TURNS`, a process of its own.

It opens the book by itself, works through the program's one write path and acknowledges every success.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable

from builders import place
from races.workload import Turn, Workload, await_start, say, told

from infusion_cli.domain.book import Appointment
from infusion_cli.errors import ConflictError
from infusion_cli.services import booking
from infusion_cli.services.desk import Desk, Outcome
from infusion_cli.services.undo import undo
from infusion_cli.store.repository import BookStore, open_store

Act = Callable[[Desk], Outcome]


class Racer:
    """A desk and what became of its turns."""

    def __init__(self, store: BookStore, workload: Workload, name: str) -> None:
        self.store = store
        self.workload = workload
        self.name = name
        self.count: Counter[str] = Counter()
        self.failures: list[str] = []
        self.waits: list[float] = []
        self._last = ""
        """The newest operation of this desk."""

    def take(self, turn: Turn) -> None:
        """Carry out one turn, now and then a second time under the same key."""
        act = self._act(turn)
        if act is None:
            return
        desk = Desk(self.store, turn.now, self.name, key=turn.key)
        done = self._attempt(act, desk)
        if done and self.workload.sometimes(0.05):
            self._repeat(act, desk, done)
        if done and turn.kind == "hold" and done.changes and self.workload.sometimes(0.75):
            held = done.changes[0].id
            self._attempt(lambda at: booking.confirm(at, held), desk._replace(key=f"{turn.key}-confirm"))

    def _act(self, turn: Turn) -> Act | None:
        if turn.kind in {"book", "hold"}:
            return lambda desk: booking.book(desk, turn.ask)
        if turn.kind == "undo":
            target = self._last if self.workload.sometimes(0.5) else ""
            return lambda desk: undo(desk, target)
        with self.store.reading(turn.now) as reader:
            visit = self.workload.visit(reader)
        if visit is None:
            return None
        if turn.kind == "cancel":
            return lambda desk: booking.cancel(desk, visit.id, reason="ill")
        return lambda desk: booking.move(desk, visit.id, turn.ask.when, chair=turn.ask.chair)

    def _attempt(self, act: Act, desk: Desk) -> Outcome | None:
        began = time.perf_counter()
        try:
            done = act(desk)
        except ConflictError:
            self.count["refused"] += 1
            return None
        except Exception as error:  # noqa: BLE001  whatever it is, the referee hears of it and fails the race
            self.failures.append(f"{type(error).__name__}: {error}")
            return None
        finally:
            self.waits.append(time.perf_counter() - began)
        self._acknowledge(done)
        return done

    def _acknowledge(self, done: Outcome) -> None:
        if not done.operation:
            self.count["as it was"] += 1
            return
        self.count["repeated" if done.replayed else "done"] += 1
        self._last = done.operation
        after = [told(c.after) for c in done.changes if isinstance(c.after, Appointment)]
        say({"operation": done.operation, "visits": after})

    def _repeat(self, act: Act, desk: Desk, first: Outcome) -> None:
        """The key gives the first answer again, unless that was undone meanwhile."""
        again = self._attempt(act, desk)
        if again and again.replayed and (again.operation, again.changes) != (first.operation, first.changes):
            self.failures.append(f"the key {desk.key} gave {again.operation} after {first.operation}")


def main(where: str, seed: int, desk: int, turns: int) -> None:
    """Take part in a race, from the start that the referee gives."""
    with open_store(place(where)) as store:
        racer = Racer(store, Workload(seed, desk), f"desk-{desk}")
        await_start()
        for number in range(turns):
            racer.take(racer.workload.turn(number))
    say({"count": racer.count, "failures": racer.failures, "waits": [round(w, 6) for w in racer.waits]})


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
