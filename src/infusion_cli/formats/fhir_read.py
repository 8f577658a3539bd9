"""Appointments of health systems: out of a Bundle, a lone Appointment or JSON Lines, by HL7 FHIR R4 or R5.

Only the form is looked at here; who is meant and what can be had is found out where the book is.
No error tells what is in the file, but for its words of FHIR: the rest is a patient's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import NamedTuple

from infusion_cli.domain.interchange import (
    ADDRESS,
    ID,
    IDENTIFIER,
    PLACES,
    WISHES,
    EntryProblem,
    Identifier,
    Skipped,
    Wanted,
    name_of,
)
from infusion_cli.formats.fhir_actors import NOBODY, SERVERS, Actors, identifiers_of
from infusion_cli.formats.fhir_entries import (
    Entry,
    Resource,
    WrongError,
    checked_object,
    content_of,
    objects_in,
    refuse_modified,
    text_in,
)

FIRST, LAST = 0, 7_258_118_400
"""1970 to 2200: what a book can hold."""

# FHIR's instant: seconds and an offset are required, any fraction of a second is allowed.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_BY_PATIENT = "pat"
"""How the codes of FHIR's appointment-cancellation-reason begin that are the patient's."""


class Found(NamedTuple):
    """What a file says: appointments, entries that are passed over, and what cannot be read."""

    wanted: list[Wanted]
    skipped: list[Skipped]
    problems: list[EntryProblem]


def appointments(text: str, name: str, chairs: Mapping[str, str]) -> Found:
    """The appointments of a file; no entry is both read and refused.

    `chairs` gives a chair's id for each case-folded text that means it. `.ndjson` and `.jsonl` by
    the file's `name` are a resource a line, as is what looks like that. Raises `InvalidDataError` when
    it is no such file at all.
    """
    entries, has_more = content_of(text, name)
    reader = _Reader(entries, chairs)
    found = Found([], [], [])
    for entry in entries:
        try:
            read = reader.read(entry)
        except WrongError as wrong:
            found.problems.append(EntryProblem(entry.number, *wrong.found))
            continue
        if isinstance(read, Wanted):
            found.wanted.append(read)
        elif read is not None:
            found.skipped.append(read)
    if has_more:
        found.skipped.append(Skipped(0, "other-pages", "the other pages of this search, each a file of its own"))
    return _without_doubles(found, {entry.number: entry.resource for entry in entries})


def _without_doubles(found: Found, resources: Mapping[int, Resource]) -> Found:
    """An appointment that stands twice is refused the second time, if it does not say the very same.

    What is also the name of others, such as the number of an order, makes none of them a double,
    and is no name where one has names of its own.
    """
    many = Counter(name for wanted in found.wanted for name in wanted.names)
    holders: dict[str, Wanted] = {}
    kept: list[Wanted] = []
    for wanted in found.wanted:
        holder = _holder(wanted, many, holders)
        if holder is None:
            holders |= {name: wanted for name in wanted.names if name not in holders}
            kept.append(wanted)
        elif resources[wanted.entry] == resources[holder.entry]:
            message = "it stands in the file already, word for word"
            found.skipped.append(Skipped(wanted.entry, "repeated", message))
        else:
            message = f"the appointment stands in entry {holder.entry} already"
            found.problems.append(EntryProblem(wanted.entry, "identifier", "doubled-appointment", message))
    shared = Counter(name for wanted in kept for name in wanted.names)
    named = [w._replace(names=tuple(n for n in w.names if shared[n] == 1) or w.names) for w in kept]
    return Found(named, sorted(found.skipped), sorted(found.problems))


def _holder(wanted: Wanted, many: Mapping[str, int], holders: Mapping[str, Wanted]) -> Wanted | None:
    """The earlier entry of the same appointment: all identifiers, or the address, stand elsewhere too."""
    kind = wanted.names[0][0]
    telling = [name for name in wanted.names if name[0] == kind]
    if any(many[name] == 1 for name in telling):
        return None
    return next((holders[name] for name in telling if name in holders), None)


class _Reader:
    """Reads appointments, with all that is in the file to resolve what they refer to."""

    def __init__(self, entries: Sequence[Entry], chairs: Mapping[str, str]) -> None:
        self._actors = Actors(entries, chairs)

    def read(self, entry: Entry) -> Wanted | Skipped | None:
        """The appointment of an entry, why it is passed over, or None for another kind of resource."""
        if entry.method == "DELETE":
            return Skipped(entry.number, "delete", "a deletion; an appointment that is off is cancelled by its status")
        kind = entry.resource.get("resourceType")
        if not isinstance(kind, str):
            raise WrongError("resourceType", "bad-value", "the entry has no resource with a resourceType")
        if kind == "Bundle":
            raise WrongError("resource", "nested-bundle", "a Bundle inside of another; send it as a file of its own")
        return self._appointment(entry) if kind == "Appointment" else None

    def _appointment(self, entry: Entry) -> Wanted:
        resource = entry.resource
        _refuse_unread(entry)
        status = text_in(resource, "status")
        if status not in WISHES:
            raise WrongError("status", "unknown-status", f"the status is one of {', '.join(WISHES)}")
        identifiers = tuple(identifiers_of(resource))
        # Who is named by what is off does not matter: what stands for it is known.
        taking = self._actors.of(entry) if WISHES[status] in PLACES else NOBODY
        return Wanted(
            entry=entry.number,
            names=_names(entry, identifiers),
            identifiers=identifiers,
            status=status,
            start=_start(resource),
            person=taking.person,
            services=tuple(dict.fromkeys(_services(resource))),
            chair=taking.chair,
            place=taking.place,
            by=_canceller(resource),
            updated=_updated(resource),
            has_declined=taking.has_declined,
        )


def _refuse_unread(entry: Entry) -> None:
    """Raise `WrongError` for what means something else than it seems to, or more than one appointment."""
    refuse_modified({"modifierExtension": entry.is_modified}, "")
    refuse_modified(entry.resource, "")
    if entry.resource.get("recurrenceTemplate"):
        message = "a recurring appointment; send each time of it as an appointment of its own"
        raise WrongError("recurrenceTemplate", "recurring", message)


def _names(entry: Entry, identifiers: tuple[Identifier, ...]) -> tuple[str, ...]:
    """Its identifiers, where it is kept, and its id."""
    id_ = text_in(entry.resource, "id")
    names = [name_of(IDENTIFIER, i.value, i.system) for i in identifiers]
    if entry.url.startswith(SERVERS):
        names.append(name_of(ADDRESS, entry.url.partition("/_history/")[0]))
    if id_ or (entry.url and not names):
        names.append(name_of(ID, id_ or entry.url))
    if not names:
        raise WrongError(
            "identifier", "no-identifier", "it has no identifier and no id, so it could not be known again"
        )
    return tuple(dict.fromkeys(names))


def _start(resource: Resource) -> int | None:
    text = text_in(resource, "start")
    return ceil(_instant(text, "start")) if text else None


def _updated(resource: Resource) -> int | None:
    meta = resource.get("meta")
    text = text_in(checked_object(meta, "meta"), "lastUpdated", "meta") if meta is not None else ""
    return int(_instant(text, "meta")) if text else None


def _instant(text: str, column: str) -> float:
    """Seconds since 1970 of an instant of FHIR."""
    found = _INSTANT.fullmatch(text)
    if not found:
        message = "no instant with seconds and an offset, such as 2026-12-01T09:00:00-05:00"
        raise WrongError(column, "bad-instant", message)
    fraction = float(f"0.{found[2][:6]}") if found[2] else 0.0
    try:
        at = datetime.fromisoformat(found[1] + found[3]).timestamp() + fraction
    except (ValueError, OverflowError):
        raise WrongError(column, "bad-instant", "no such date, time or offset") from None
    if not FIRST <= at < LAST:
        raise WrongError(column, "bad-instant", "not between the years 1970 and 2199")
    return at


def _services(resource: Resource) -> Iterator[str]:
    """Codes, displays and texts: of CodeableConcepts in R4, inside CodeableReferences in R5."""
    for given in objects_in(resource, "serviceType"):
        inner = given.get("concept")
        concept = given if inner is None else checked_object(inner, "serviceType")
        for coding in objects_in(concept, "coding", "serviceType"):
            yield from filter(None, (text_in(coding, name, "serviceType") for name in ("code", "display")))
        if text := text_in(concept, "text", "serviceType"):
            yield text


def _canceller(resource: Resource) -> str:
    """The patient where a code says so, else the clinic: nobody's cancellation is late unasked."""
    for name in ("cancelationReason", "cancellationReason"):  # R4, R5
        if (reason := resource.get(name)) is not None:
            for coding in objects_in(checked_object(reason, name), "coding", name):
                if text_in(coding, "code", name).startswith(_BY_PATIENT):
                    return "patient"
    return "clinic"
