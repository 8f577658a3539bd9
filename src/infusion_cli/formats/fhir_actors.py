"""Who and what takes part in appointments of health systems, by HL7 FHIR R4 or R5.

Each resource of a file is looked at once, however many appointments and participants refer to it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from infusion_cli.domain.interchange import MRN_MARK, Identifier, Person
from infusion_cli.domain.names import clean
from infusion_cli.formats.fhir_entries import (
    Entry,
    Resource,
    WrongError,
    checked_object,
    objects_in,
    refuse_modified,
    text_in,
)

SERVERS = ("http://", "https://")
"""How addresses on a server begin."""
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
"""The code system of types of identifiers."""
LONG_AGO = "0000"

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(?![^T])", re.ASCII)


class Actor(NamedTuple):
    """Who or what takes part, by its type in FHIR."""

    kind: str
    person: Person
    chair: str
    """The id of the chair that it means."""
    place: str
    """A digest of the words for it."""


class Taking(NamedTuple):
    """All who take part in an appointment; `place` is a digest of the words for places."""

    person: Person
    has_declined: bool
    chair: str
    place: str


NOBODY = Taking(Person(), has_declined=False, chair="", place="")


class Actors:
    """Finds who takes part, with all that is in the file to resolve what appointments refer to."""

    def __init__(self, entries: Sequence[Entry], chairs: Mapping[str, str]) -> None:
        self._chairs = chairs
        self._known: dict[str, Resource | None] = {}
        """Resources by URL and by type and id; None where two that differ have the same."""
        self._at_no_server: dict[str, Resource | None] = {}
        """Those by type and id that are kept nowhere."""
        self._read_before: dict[int, Actor] = {}
        for entry in entries:
            kind, id_ = entry.resource.get("resourceType"), entry.resource.get("id")
            if entry.url:
                _note(self._known, entry.url, entry.resource)
            if isinstance(kind, str) and isinstance(id_, str):
                _note(self._known, f"{kind}/{id_}", entry.resource)
                if not entry.url.startswith(SERVERS):
                    _note(self._at_no_server, f"{kind}/{id_}", entry.resource)

    def of(self, entry: Entry) -> Taking:
        """Who takes part in an appointment; raises `WrongError` for two patients or two chairs."""
        inside = _by_id(objects_in(entry.resource, "contained"))
        found = list(self._participants(entry, inside))
        subject = entry.resource.get("subject")
        if subject is not None and not any(actor.kind == "Patient" for actor, _ in found):
            # In R5 a lone patient may stand as the subject.
            found.append((self._actor(entry, checked_object(subject, "subject"), inside), ""))
        actors = {id(actor): actor for actor, _ in found}.values()
        person = _person(actors)
        places = [actor for actor in actors if actor.kind in {"Location", "Device"}]
        has_declined = any(actor.kind == "Patient" and status == "declined" for actor, status in found)
        return Taking(person, has_declined, _chair(places), _digest(sorted({place.place for place in places})))

    def _participants(self, entry: Entry, inside: Mapping[str, Resource]) -> Iterator[tuple[Actor, str]]:
        """Each with the answer to whether they will come."""
        for participant in objects_in(entry.resource, "participant"):
            refuse_modified(participant, "participant")
            if (actor := participant.get("actor")) is not None:
                status = text_in(participant, "status", "participant")
                yield self._actor(entry, checked_object(actor, "participant"), inside), status

    def _actor(self, entry: Entry, reference: Resource, inside: Mapping[str, Resource]) -> Actor:
        """What a Reference tells, or the resource that it means."""
        target = text_in(reference, "reference", "participant")
        found = inside.get(target[1:]) if target.startswith("#") else self._resolved(entry, target)
        if found is None:
            kind, _, last = target.rpartition("/")
            given = reference.get("identifier")
            told = tuple(identifiers_of({"identifier": [] if given is None else [given]}, "participant"))
            kind = text_in(reference, "type", "participant") or kind.rpartition("/")[2]
            return self._made(kind, Person(told), (text_in(reference, "display", "participant"), last))
        if id(found) not in self._read_before:
            self._read_before[id(found)] = self._of_resource(found)
        return self._read_before[id(found)]

    def _resolved(self, entry: Entry, target: str) -> Resource | None:
        """The resource that a reference means by FHIR's rules: by URL, or by type and id.

        What is kept on a server means by type and id what is kept on the same server, nobody else's.
        """
        target = target.partition("/_history/")[0]
        if not entry.url.startswith(SERVERS) or target.startswith((*SERVERS, "urn:")):
            return self._known.get(target)
        server = entry.url.rpartition("/Appointment/")[0]
        return self._known.get(f"{server}/{target}") or self._at_no_server.get(target)

    def _of_resource(self, resource: Resource) -> Actor:
        refuse_modified(resource, "participant")
        person = Person(
            tuple(identifiers_of(resource, "participant")),
            text_in(resource, "birthDate", "participant"),
            resource.get("active") is not False,
        )
        names = [resource.get("name"), resource.get("id")]
        words = tuple(clean(name) for name in names if isinstance(name, str))
        return self._made(text_in(resource, "resourceType", "participant"), person, words)

    def _made(self, kind: str, person: Person, words: tuple[str, ...]) -> Actor:
        told = [*(i.value for i in person.identifiers), *words]
        chair = next((self._chairs[w.casefold()] for w in told if w.casefold() in self._chairs), "")
        return Actor(kind, person._replace(digest=_digest(person)), chair, _digest([kind, told]))


def identifiers_of(resource: Resource, column: str = "identifier") -> Iterator[Identifier]:
    """The identifiers that have a value; raises `WrongError`, with `column`, for what cannot be one."""
    for given in objects_in(resource, "identifier", column):
        found = Identifier(
            text_in(given, "system", column), text_in(given, "value", column), _mark(given, column), _end(given, column)
        )
        if found.value:
            yield found


def _mark(given: Resource, column: str) -> str:
    """The code of its type; that of a medical record number before any other."""
    kind = given.get("type")
    codings = objects_in(checked_object(kind, column), "coding", column) if kind is not None else []
    codes = {text_in(coding, "code", column): text_in(coding, "system", column) for coding in codings}
    codes.pop("", None)
    if codes.get(MRN_MARK) in {"", IDENTIFIER_TYPES}:
        return MRN_MARK
    return next((code for code in codes if code != MRN_MARK), "other" if codes else "")


def _end(given: Resource, column: str) -> str:
    """The last day in which it counts, as exactly as it is told; what is old has ended."""
    if text_in(given, "use", column) == "old":
        return LONG_AGO
    period = given.get("period")
    text = text_in(checked_object(period, column), "end", column) if period is not None else ""
    found = _DATE.match(text)
    if text and not found:
        raise WrongError(column, "bad-value", "the end of an identifier's period is no date")
    return found[0] if found else ""


def _person(actors: Iterable[Actor]) -> Person:
    """The one patient who takes part, nobody when none is told."""
    found = {actor.person.digest: actor.person for actor in actors if actor.kind == "Patient"}
    if len(found) > 1:
        raise WrongError("participant", "several-patients", "more than one patient takes part")
    return next(iter(found.values()), Person())


def _chair(places: Sequence[Actor]) -> str:
    """The chair among the places; empty when that is left open."""
    named = {place.chair for place in places if place.chair}
    if len(named) > 1:
        raise WrongError("participant", "several-chairs", "more than one chair takes part")
    return next(iter(named), "")


def _note(known: dict[str, Resource | None], name: str, resource: Resource) -> None:
    known[name] = resource if known.get(name, resource) == resource else None


def _by_id(resources: Sequence[Resource]) -> dict[str, Resource]:
    """The first of each id."""
    return {id_: r for r in reversed(resources) if isinstance(id_ := r.get("id"), str)}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
