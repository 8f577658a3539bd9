"""Appointments of health systems: out of a Bundle, a lone Appointment or JSON Lines, by HL7 FHIR R4 or R5.

Only the form is looked at here; who is meant and what can be had is found out where the book is.
No error tells what is in the file, but for its words of FHIR: the rest is a patient's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from infusion_cli.domain.clinic_time import MINUTE
from infusion_cli.domain.interchange import WISHES, EntryProblem, Identifier, Skipped, Wanted
from infusion_cli.domain.names import clean
from infusion_cli.formats.fhir_entries import (
    Entry,
    Resource,
    WrongError,
    checked_object,
    entries_of,
    objects_in,
    text_in,
)

SERVERS = ("http://", "https://")
"""How addresses on a server begin."""
FIRST, LAST = 0, 7_258_118_400
"""1970 to 2200: what a book can hold."""

# FHIR's instant: seconds and an offset are required, any fraction of a second is allowed.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_KEY_LENGTH = 32
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
    the file's `name` are a resource a line. Raises `InvalidDataError` when it is no such file at all.
    """
    entries = entries_of(text, name)
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
    return _without_doubles(found)


def _without_doubles(found: Found) -> Found:
    """An appointment that stands twice is refused the second time."""
    holders: dict[str, int] = {}
    kept: list[Wanted] = []
    for wanted in found.wanted:
        holder = next((holders[k] for k in wanted.keys if k in holders), None)
        if holder is not None:
            message = f"the appointment stands in entry {holder} already"
            found.problems.append(EntryProblem(wanted.entry, "identifier", "doubled-appointment", message))
            continue
        holders |= dict.fromkeys(wanted.keys, wanted.entry)
        kept.append(wanted)
    return found._replace(wanted=kept, problems=sorted(found.problems))


class _Actor(NamedTuple):
    """Who or what takes part, by its type in FHIR and all that it may be known by."""

    kind: str
    identifiers: tuple[Identifier, ...] = ()
    words: tuple[str, ...] = ()
    birth_date: str = ""


_NOBODY = _Actor("Patient")


class _Reader:
    """Reads appointments, with all that is in the file to resolve what they refer to."""

    def __init__(self, entries: list[Entry], chairs: Mapping[str, str]) -> None:
        self._chairs = chairs
        self._known: dict[str, Resource | None] = {}
        """Resources by URL and by type and id; None where two have the same."""
        self._at_no_server: dict[str, Resource | None] = {}
        """Those by type and id that are kept nowhere."""
        self._read_before: dict[int, _Actor] = {}
        for entry in entries:
            kind, id_ = entry.resource.get("resourceType"), entry.resource.get("id")
            if entry.url:
                _note(self._known, entry.url, entry.resource)
            if isinstance(kind, str) and isinstance(id_, str):
                _note(self._known, f"{kind}/{id_}", entry.resource)
                if not entry.url.startswith(SERVERS):
                    _note(self._at_no_server, f"{kind}/{id_}", entry.resource)

    def read(self, entry: Entry) -> Wanted | Skipped | None:
        """The appointment of an entry, why it is passed over, or None for another kind of resource."""
        if entry.method == "DELETE":
            return Skipped(entry.number, "delete", "a deletion; an appointment that is off is cancelled by its status")
        kind = entry.resource.get("resourceType")
        if not isinstance(kind, str):
            raise WrongError("resourceType", "bad-value", "the entry has no resource with a resourceType")
        return self._appointment(entry) if kind == "Appointment" else None

    def _appointment(self, entry: Entry) -> Wanted:
        resource = entry.resource
        status = text_in(resource, "status")
        if status not in WISHES:
            raise WrongError("status", "unknown-status", f"the status is one of {', '.join(WISHES)}")
        identifiers = tuple(_identifiers(resource))
        actors = self._actors(entry)
        person = self._person(actors)
        return Wanted(
            entry=entry.number,
            keys=_keys(entry, identifiers),
            identifiers=identifiers,
            status=status,
            start=_start(resource),
            person=person.identifiers,
            birth_date=person.birth_date,
            services=tuple(dict.fromkeys(_services(resource))),
            chair=self._chair(actors),
            by=_canceller(resource),
            updated=_updated(resource),
        )

    def _person(self, actors: Sequence[_Actor]) -> _Actor:
        """The one patient who takes part, nobody when none is told."""
        found = dict.fromkeys(a._replace(kind="Patient", words=()) for a in actors if a.kind == "Patient")
        if len(found) > 1:
            raise WrongError("participant", "several-patients", "more than one patient takes part")
        return next(iter(found), _NOBODY)

    def _chair(self, actors: Sequence[_Actor]) -> str:
        """The chair among the places that it names; empty when it leaves that open."""
        places = [a for a in actors if a.kind in {"Location", "Device"}]
        named = dict.fromkeys(filter(None, map(self._chair_of, places)))
        if len(named) > 1:
            raise WrongError("participant", "several-chairs", "more than one chair takes part")
        return next(iter(named), "")

    def _chair_of(self, place: _Actor) -> str:
        words = [*(i.value for i in place.identifiers), *place.words]
        return next((self._chairs[w.casefold()] for w in words if w.casefold() in self._chairs), "")

    def _actors(self, entry: Entry) -> list[_Actor]:
        """Who and what takes part; in R5 a lone patient may stand as the subject instead."""
        references = [p["actor"] for p in objects_in(entry.resource, "participant") if p.get("actor") is not None]
        found = [self._actor(entry, checked_object(reference, "participant")) for reference in references]
        subject = entry.resource.get("subject")
        if subject is not None and not any(actor.kind == "Patient" for actor in found):
            found.append(self._actor(entry, checked_object(subject, "subject")))
        return found

    def _actor(self, entry: Entry, reference: Resource) -> _Actor:
        """What a Reference tells, or the resource that it means."""
        target = text_in(reference, "reference", "participant")
        found = self._resolved(entry, target)
        if found is None:
            kind, _, last = target.rpartition("/")
            given = reference.get("identifier")
            told = tuple(_identifiers({"identifier": [] if given is None else [given]}, "participant"))
            kind = text_in(reference, "type", "participant") or kind.rpartition("/")[2]
            return _Actor(kind, told, (text_in(reference, "display", "participant"), last))
        if id(found) not in self._read_before:  # once, however many refer to it
            self._read_before[id(found)] = _actor_of(found)
        return self._read_before[id(found)]

    def _resolved(self, entry: Entry, target: str) -> Resource | None:
        """The resource that a reference means by FHIR's rules: contained, by URL, or by type and id.

        What is kept on a server means by type and id what is kept on the same server, nobody else's.
        """
        if target.startswith("#"):
            inside = objects_in(entry.resource, "contained")
            return next((r for r in inside if r.get("id") == target[1:]), None)
        target = target.partition("/_history/")[0]
        if not entry.url.startswith(SERVERS) or target.startswith((*SERVERS, "urn:")):
            return self._known.get(target)
        server = entry.url.rpartition("/Appointment/")[0]
        return self._known.get(f"{server}/{target}") or self._at_no_server.get(target)


def _note(known: dict[str, Resource | None], name: str, resource: Resource) -> None:
    known[name] = None if name in known else resource


def _actor_of(resource: Resource) -> _Actor:
    names = [resource.get("name"), resource.get("id")]
    return _Actor(
        text_in(resource, "resourceType", "participant"),
        tuple(_identifiers(resource, "participant")),
        tuple(clean(name) for name in names if isinstance(name, str)),
        text_in(resource, "birthDate", "participant"),
    )


def _identifiers(resource: Resource, column: str = "identifier") -> Iterator[Identifier]:
    for given in objects_in(resource, "identifier", column):
        found = _identifier(given, column)
        if found.value:
            yield found


def _identifier(given: Resource, column: str) -> Identifier:
    kind = given.get("type")
    codings = objects_in(checked_object(kind, column), "coding", column) if kind is not None else []
    is_mrn = any(text_in(coding, "code", column) == "MR" for coding in codings)
    return Identifier(text_in(given, "system", column), text_in(given, "value", column), is_mrn)


def _keys(entry: Entry, identifiers: tuple[Identifier, ...]) -> tuple[str, ...]:
    """By its identifiers, else by where it is kept, else by its id."""
    id_ = text_in(entry.resource, "id")
    if identifiers:
        return tuple(dict.fromkeys(_key("identifier", i.system, i.value) for i in identifiers))
    if entry.url.startswith(SERVERS):
        return (_key("url", "", entry.url.partition("/_history/")[0]),)
    if id_ or entry.url:
        return (_key("id", "", id_ or entry.url),)
    raise WrongError("identifier", "no-identifier", "it has no identifier and no id, so it could not be known again")


def _key(kind: str, system: str, value: str) -> str:
    return hashlib.sha256(json.dumps([kind, system, value]).encode()).hexdigest()[:_KEY_LENGTH]


def _start(resource: Resource) -> int | None:
    text = text_in(resource, "start")
    if not text:
        return None
    at = _instant(text, "start")
    if at % MINUTE:
        raise WrongError("start", "off-the-minute", "the start is not on a full minute")
    return int(at)


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
