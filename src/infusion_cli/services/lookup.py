"""From what people type to records: patients, protocols, chairs, staff, visits, series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from infusion_cli.domain import ids, names
from infusion_cli.domain.book import Appointment, Block, Patient, Series
from infusion_cli.domain.clinic import Chair, Clinic, Practitioner
from infusion_cli.domain.protocol import Protocol
from infusion_cli.errors import AmbiguousError, InfusionError, NotFoundError, UsageError
from infusion_cli.services.ports import Reader

NEAR_NAMES_AMONG = 5000
"""In a larger book a mistyped name is not compared with everybody's."""

_T = TypeVar("_T")
_R = TypeVar("_R", Appointment, Series, Block)


def find_patient(reader: Reader, text: str) -> Patient:
    """The one patient whom an id, an MRN or the beginnings of name words fit.

    Raises `NotFoundError` (with near names) or `AmbiguousError` (with all that fit).
    """
    by_id = ids.normalise(text)
    if by_id is not None and by_id[0] == "P":
        record = reader.record(by_id)
        if isinstance(record, Patient) and record.status != "entered-in-error":
            return record
    mrn = names.clean(text)
    by_mrn = reader.patients_by_mrn([mrn]).get(mrn)
    if by_mrn is not None:
        return by_mrn
    typed = names.words(text)
    found = reader.patients_matching(typed) if typed else []
    if len(found) == 1:
        return found[0]
    if found:
        listed = [(p.id, f"{names.shown(p.name)}, {p.mrn}") for p in found]
        raise AmbiguousError(
            f"{len(found)} patients fit {names.shown(text)!r}.",
            listed,
            "name the patient by id or MRN; infusion patients find shows them",
        )
    raise _no_patient(reader, text)


def _no_patient(reader: Reader, text: str) -> NotFoundError:
    near: list[Patient] = []
    everybody = reader.patients(NEAR_NAMES_AMONG + 1)
    if len(everybody) <= NEAR_NAMES_AMONG:
        labels = {p.name.casefold(): p for p in everybody} | {p.mrn.casefold(): p for p in everybody}
        near = [labels[word] for word in near_words(text.casefold(), labels)]
    listed = {p.id: f"{names.shown(p.name)} ({p.mrn})" for p in near}
    message = f"There is no patient {names.shown(text)!r}."
    return NotFoundError(message, "infusion patients find, or patients add", tuple(listed.items()))


def find_protocol(clinic: Clinic, text: str) -> Protocol:
    """The protocol of that id, case ignored; raises `NotFoundError` with near ids."""
    return _of_clinic("protocol", text, {p.id: p for p in clinic.protocols})


def find_chair(clinic: Clinic, text: str) -> Chair:
    """The chair of that id or name; raises `NotFoundError` with the chairs there are."""
    return _of_clinic("chair", text, {c.id: c for c in clinic.chairs}, {c.name: c for c in clinic.chairs})


def find_staff(clinic: Clinic, text: str) -> Practitioner:
    """The member of staff of that id; raises `NotFoundError` with near ids."""
    return _of_clinic("member of staff", text, {s.id: s for s in clinic.staff})


def find_visit(reader: Reader, text: str) -> Appointment:
    """The visit of that id; raises `UsageError` for a mistyped id, `NotFoundError` for an unknown one."""
    return _record(reader, text, Appointment, "visit", "infusion list shows visits and their ids")


def find_series(reader: Reader, text: str) -> Series:
    """The series of that id; errors as `find_visit`."""
    return _record(reader, text, Series, "series", "infusion series list shows series and their ids")


def find_block(reader: Reader, text: str) -> Block:
    """The block of that id; errors as `find_visit`."""
    return _record(reader, text, Block, "block", "infusion slots list shows blocks and their ids")


def near_words(text: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Known words that look like `text`, the nearest first."""
    import difflib

    return difflib.get_close_matches(text, list(known), n=count, cutoff=0.6)


def not_an_id(text: str) -> InfusionError:
    """The error for a text that should be an id and is not."""
    return UsageError(
        f"{names.shown(text)!r} is not an id: a character is wrong or missing.",
        "ids look like A7K2MH; infusion list shows them",
    )


def _record(reader: Reader, text: str, kind: type[_R], noun: str, hint: str) -> _R:
    record_id = ids.normalise(text)
    if record_id is None:
        raise not_an_id(text)
    record = reader.record(record_id)
    if not isinstance(record, kind):
        raise NotFoundError(f"There is no {noun} {record_id}.", hint)
    return record


def _of_clinic(noun: str, text: str, *tables: dict[str, _T]) -> _T:
    wanted = text.strip().casefold()
    for table in tables:
        for name, value in table.items():
            if name.casefold() == wanted:
                return value
    known = list(tables[0])
    near = near_words(wanted, known)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(known)}"
    raise NotFoundError(f"There is no {noun} {names.shown(text)!r}.", hint)
