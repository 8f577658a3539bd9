"""Visits ahead are told anew when what their calendar entries share has changed.

The clinic's address stands in each of them, and the patient's address is where they are sent; no
command has to think of it, an import and an undo least of all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from infusion_cli.domain import clinic_tree
from infusion_cli.domain.book import Appointment, Patient
from infusion_cli.domain.plan import Change, ClinicText, change, renew
from infusion_cli.domain.wording import told_of
from infusion_cli.services.ports import Reader

AHEAD = ("pending", "booked", "arrived", "checked-in")
_FOR_GOOD = 7_258_118_400  # 2200


def with_renewed(reader: Reader, changes: Sequence[Change]) -> tuple[Change, ...]:
    """The revised changes, and one more for each visit ahead whose calendar entry says or reaches others now."""
    is_news = _news(reader, changes)
    if is_news is None:
        return tuple(changes)
    places = {c.id: n for n, c in enumerate(changes)}
    renewed = list(changes)
    for visit in reader.visits(reader.now, _FOR_GOOD, AHEAD):
        if not is_news(visit):
            continue
        if visit.id not in places:
            renewed.append(renew(change(visit, visit), reader.now))
        elif _marks_stand(planned := renewed[places[visit.id]]):
            renewed[places[visit.id]] = renew(planned, reader.now)
    return tuple(renewed)


def _news(reader: Reader, changes: Sequence[Change]) -> Callable[[Appointment], bool] | None:
    """Whether an entry changes with the clinic or a patient; None when none does."""
    people = {c.id for c in changes if _has_moved_house(c)}
    texts = [c.after for c in changes if isinstance(c.after, ClinicText)]
    old, new = reader.clinic, clinic_tree.build(json.loads(texts[0].data)) if texts else reader.clinic
    told = {p.id for p in old.protocols if told_of(old, p.id) != told_of(new, p.id)}
    if not people and not told:
        return None
    return lambda visit: visit.patient in people or visit.protocol in told


def _has_moved_house(planned: Change) -> bool:
    before, after = planned.before, planned.after
    if not isinstance(before, Patient) or not isinstance(after, Patient):
        return False
    return before.email != after.email and bool(after.email)


def _marks_stand(planned: Change) -> bool:
    """Whether the change raises no marks of its own."""
    return (
        isinstance(planned.before, Appointment)
        and isinstance(planned.after, Appointment)
        and planned.before.sequence == planned.after.sequence
    )
