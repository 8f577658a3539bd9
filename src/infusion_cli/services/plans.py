"""A saved plan, applied: decided again, refused only when it no longer fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from infusion_cli.domain import codec
from infusion_cli.domain.book import Appointment, Series
from infusion_cli.domain.plan import Change, ClinicText, Plan, is_same
from infusion_cli.domain.visit import probe
from infusion_cli.errors import ConflictError, InvalidDataError
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out, new_uid
from infusion_cli.services.lookup import find_chair, find_patient, find_protocol
from infusion_cli.services.ports import Writer
from infusion_cli.services.undo import conflicts_of

MAX_BYTES = 50_000_000
ENTITIES = frozenset({"appointment", "series", "block"})
"""What a plan may change: people and the clinic's file have commands of their own."""

_KINDS = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "str | None": (str, type(None)),
    "int | None": (int, type(None)),
}
"""The types of a record's plain fields, by their annotation."""


def read_plan(text: str) -> Plan:
    """The plan in a file's text; raises `InvalidDataError` when it is not one."""
    try:
        plan = codec.decode_plan(json.loads(text))
        _refuse_strange(plan)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        kind = "not JSON" if isinstance(error, json.JSONDecodeError) else f"not a plan ({type(error).__name__})"
        raise InvalidDataError(f"The file is {kind}.", hint="infusion series plan … -o plan.json writes one") from None
    return plan


def _refuse_strange(plan: Plan) -> None:
    """Raise TypeError or ValueError for what no plan of ours holds: another kind of record, a field of another type."""
    if not isinstance(plan.summary, dict):
        raise TypeError("summary")
    for c in plan.changes:
        if c.entity not in ENTITIES:
            raise ValueError(c.entity)
        for record in filter(None, (c.before, c.after)):
            _refuse_strange_fields(record)


def _refuse_strange_fields(value: Any) -> None:
    """Look through a record and all that it is made of."""
    for name, annotated in getattr(type(value), "__annotations__", {}).items():
        kinds = _KINDS.get(getattr(annotated, "__forward_arg__", annotated))
        if kinds is not None and type(getattr(value, name)) not in kinds:
            raise TypeError(name)
    for part in value if isinstance(value, tuple) else ():
        _refuse_strange_fields(part)


def key_of(changes: Sequence[dict[str, Any]]) -> str:
    """The idempotency key of a saved plan: equal for equal content."""
    return "plan:" + hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()[:32]


def apply_plan(desk: Desk, text: str) -> Outcome:
    """Apply a saved plan; the same plan a second time gives the first answer.

    Raises `ConflictError` when a record that it changes has changed since or a hard rule now fails.
    """
    plan = read_plan(text)
    key = desk.key or key_of(json.loads(text)["changes"])

    def decide(writer: Writer) -> Decision:
        changes = _with_kept_ids(writer, plan.changes)
        _refuse_if_changed(writer, changes)
        found = conflicts_of(writer, changes, without=())
        if found:
            failing = ", ".join(dict.fromkeys(c.rule for c in found))
            raise ConflictError(f"The plan no longer fits: {failing}.", found, hint="make a new plan")
        return Decision(changes, summary=plan.summary)

    return carry_out(desk._replace(key=key), "apply", {"plan": key}, decide)


def _with_kept_ids(writer: Writer, changes: Sequence[Change]) -> list[Change]:
    """Ids of new records are only proposals in a plan: here they become real ones."""
    new = {
        c.id: writer.new_id(c.entity)
        for c in changes
        if c.before is None and c.entity in {"appointment", "series", "block"}
    }
    return [_made_anew(writer, _renamed(c, new)) for c in changes]


def _renamed(planned: Change, new: dict[str, str]) -> Change:
    after = planned.after
    if planned.before is None and planned.id in new:
        after = after._replace(id=new[planned.id])
    if isinstance(after, Appointment) and after.series in new:
        after = after._replace(series=new[after.series])
    return Change(planned.entity, after.id, planned.before, after)


_SAID_BY_THE_PLAN = ("id", "series", "session", "overrides", "reason", "ride", "warnings")


def _made_anew(writer: Writer, planned: Change) -> Change:
    """A new visit of the plan as the clinic's protocol makes it now: the file only says who, when and where."""
    wished = planned.after
    if not isinstance(wished, Appointment) or planned.before is not None:
        return planned
    made = probe(
        writer.clinic,
        find_protocol(writer.clinic, wished.protocol),
        wished.start,
        patient=find_patient(writer, wished.patient).id,
        chair=find_chair(writer.clinic, wished.chair).id,
    )
    kept = {name: getattr(wished, name) for name in _SAID_BY_THE_PLAN}
    return planned._replace(after=made._replace(uid=new_uid(), **kept))


def _refuse_if_changed(writer: Writer, changes: Sequence[Change]) -> None:
    for c in changes:
        if isinstance(c.after, Appointment | Series):
            find_patient(writer, c.after.patient)
        if isinstance(c.after, ClinicText) or c.before is None:
            continue
        if not is_same(writer.record(c.id), c.before):
            raise ConflictError(f"{c.id} has changed since the plan was made.", hint="make a new plan")
