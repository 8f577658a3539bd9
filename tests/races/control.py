"""The control of a race: `python -m races.control BOOK SEED DESK TURNS`, the same wishes without the one write path.

It decides with the program's own rules, but on a view read in one transaction, and writes by plain SQL
in another. So everything depends on the guards of the database; without them this must over-book.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from builders import place
from outside import Outside, was_refused
from races.workload import Turn, Workload, await_start, say

from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.claims import claims_of
from infusion_cli.domain.visit import Verdict, book_visit, cancel_visit, move_visit
from infusion_cli.errors import ConflictError
from infusion_cli.services.booking import load_around, refuse_if_hard, wish_of
from infusion_cli.services.ports import Reader
from infusion_cli.store import rows
from infusion_cli.store.repository import open_store

THOUGHT = 0.02
"""Seconds between looking and writing: two desks need not be that quick to meet."""

_CLAIM = """INSERT INTO claim (clinic_id, resource_id, t0, appointment_id, t1, units)
SELECT 'main', id, CAST(:t0 AS bigint), :visit, CAST(:t1 AS bigint), CAST(:units AS bigint)
FROM resource WHERE kind = :kind AND ref = :ref"""


def decide(reader: Reader, workload: Workload, turn: Turn, new_id: str) -> Appointment | None:
    """The visit as it is to stand, by the rules and what can be seen now; raises ConflictError."""
    verdict = _verdict(reader, workload, turn)
    if verdict is None:
        return None
    refuse_if_hard(verdict, "Not done")
    visit = verdict.visit
    return visit if visit.id else visit._replace(id=new_id, uid=f"{new_id}@calendar.invalid")


def _verdict(reader: Reader, workload: Workload, turn: Turn) -> Verdict | None:
    wish = wish_of(reader, turn.ask, turn.key)
    if turn.kind in {"book", "hold"}:
        return book_visit(load_around(reader, wish.start, [wish.patient]), wish)
    old = workload.visit(reader)
    if old is None:
        return None
    around = load_around(reader, wish.start, [old.patient])
    if turn.kind == "move":
        return move_visit(around, old, wish.start, wish.chair)
    return cancel_visit(around, old, "ill", "patient")


def write(book: Outside, visit: Appointment) -> bool:
    """Write the visit and what it claims in one transaction; False when a guard refuses it."""
    row = {"clinic_id": "main", **rows.visit_row(visit)}
    columns, marks = ", ".join(f'"{c}"' for c in row), ", ".join(f":{c}" for c in row)
    put = f"INSERT INTO appointment ({columns}) VALUES ({marks}) ON CONFLICT (clinic_id, id) DO UPDATE SET "
    put += ", ".join(f'"{c}" = excluded."{c}"' for c in row)
    book.run("BEGIN" if book.is_server else "BEGIN IMMEDIATE")
    try:
        book.run("DELETE FROM claim WHERE appointment_id = :visit", {"visit": visit.id})
        book.run(put, row)
        for claim in claims_of(visit):
            book.run(_CLAIM, {**claim._asdict(), "visit": visit.id})
    except Exception as error:
        book.run("ROLLBACK")
        if not was_refused(error):
            raise
        return False
    book.run("COMMIT")
    return True


def main(where: str, seed: int, desk: int, turns: int) -> None:
    """Take part in a race, from the start that the referee gives."""
    workload, count = Workload(seed, desk), Counter[str]()
    with open_store(place(where)) as store, Outside(where) as book:
        await_start()
        for number in range(turns):
            turn = workload.turn(number)
            try:
                with store.reading(turn.now) as reader:
                    visit = decide(reader, workload, turn, ids.encode("appointment", 1000 * desk + number))
            except ConflictError:
                count["refused"] += 1
                continue
            if visit is not None:
                time.sleep(THOUGHT)
                count["done" if write(book, visit) else "refused by a guard"] += 1
    say({"count": count})


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
