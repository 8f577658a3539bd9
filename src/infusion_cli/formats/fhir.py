"""Bundles for health systems: schedules, slots, appointments and patients by HL7 FHIR R4 or R5.

Nothing in them says what a visit is for, unless the receiver may know. There is no clock in them
either: the same revision of the book gives the same octets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, NamedTuple

from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment, Block, Patient
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import MINUTE, local, utc_text, zone
from infusion_cli.domain.forgetting import is_forgotten
from infusion_cli.domain.interchange import Space
from infusion_cli.domain.names import clean
from infusion_cli.formats.json_out import dumps
from infusion_cli.formats.telling import chair_code, chair_word

AT_ONCE = 200
"""Visits whose people are looked up together."""
TENTATIVE = frozenset({"proposed", "pending"})
OFF = frozenset({"cancelled", "entered-in-error"})
HOLDS_NO_SLOT = OFF | {"noshow", "waitlist"}
MRN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
"""The type of an identifier that is a medical record number."""

People = Callable[[Sequence[str]], Mapping[str, Patient]]
Resource = dict[str, Any]


class Export(NamedTuple):
    """What an export is like: release `R4` or `R5`, the local days that it is about, how much it tells."""

    release: str
    first: date
    last: date
    tells_service: bool = False


def bundle(
    clinic: Clinic, space: Space, export: Export, visits: Iterable[Appointment], people: People, blocks: Sequence[Block]
) -> Iterator[bytes]:
    """One Bundle (type `collection`) of the visits and blocks with all that they refer to, in pieces as it is made.

    `people` gives patients by id, and is asked for each of them once. Every chair is written before
    the first visit in it, every patient likewise; ids of chairs and patients are all that is kept.
    """
    writer = _Writer(clinic, space, export)
    yield b'{"resourceType": "Bundle", "type": "collection", "entry": [\n'
    between = b""
    for resource in writer.resources(iter(visits), people, blocks):
        entry = {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
        yield between + dumps(entry, indent=None).encode()
        between = b",\n"
    yield b"\n]}\n"


def file_name(record_id: str = "") -> str:
    """The neutral name of the file of a visit or of a series, with its id, of a patient or of days, without."""
    kind = ids.kind_of(record_id) if record_id else ""
    names = {"appointment": f"appointment-{record_id}.json", "series": f"appointments-{record_id}.json"}
    return names.get(kind, "appointments.json")


def chair_names(clinic: Clinic) -> dict[str, str]:
    """The chair that a case-folded text means: an id, a name, or what a Bundle calls it."""
    words = {clean(chair_word(clinic, c.id)).casefold(): c.id for c in clinic.chairs}
    names = {clean(c.name).casefold(): c.id for c in clinic.chairs}
    found = words | names | {c.id.casefold(): c.id for c in clinic.chairs}
    found.pop("", None)  # a name of invisible characters
    return found


class _Writer:
    """Makes resources, those that others refer to before them and once each."""

    def __init__(self, clinic: Clinic, space: Space, export: Export) -> None:
        self.clinic = clinic
        self.space = space
        self.export = export
        self.tz = zone(clinic.timezone)
        self.is_r5 = export.release == "R5"
        self._titles = {p.id: p.title for p in clinic.protocols}
        self._seen: set[str] = set()

    def resources(self, visits: Iterator[Appointment], people: People, blocks: Sequence[Block]) -> Iterator[Resource]:
        """Everything, in an order that follows from what the book holds."""
        for block in blocks:
            for chair in self._chairs_of(block):
                yield from self._chair(chair)
                yield self._blocked(block, chair)
        while some := list(islice(visits, AT_ONCE)):
            fresh = [p for p in dict.fromkeys(v.patient for v in some) if p not in self._seen]
            known = people(fresh) if fresh else {}
            for visit in some:
                if visit.patient in known and self._is_new(visit.patient):
                    yield self._patient(known[visit.patient])
                yield from self._chair(visit.chair)
                if visit.status not in HOLDS_NO_SLOT:
                    yield self._busy(visit)
                yield self._appointment(visit)

    def _is_new(self, name: str) -> bool:
        is_new = name not in self._seen
        self._seen.add(name)
        return is_new

    def _chairs_of(self, block: Block) -> list[str]:
        if block.kind == "chair":
            return [block.subject]
        return [c.id for c in self.clinic.chairs] if block.kind == "clinic" else []

    def _chair(self, chair: str) -> Iterator[Resource]:
        """Its Location and its Schedule; `planningHorizon` is a Period of whole days, the last one included."""
        if not self._is_new(f"chair/{chair}"):
            return
        name, code = chair_word(self.clinic, chair), chair_code(self.clinic, chair)
        is_there = self.clinic.chair(chair) is not None
        location = self._resource("Location", f"chair/{chair}")
        if code:
            location["identifier"] = [self._own(code)]
        yield location | {"status": "active" if is_there else "inactive", "name": name, "mode": "instance"}
        yield self._resource("Schedule", f"schedule/{chair}") | {
            "active": is_there,
            "actor": [self._to(f"chair/{chair}")],
            "planningHorizon": {"start": self.export.first.isoformat(), "end": self.export.last.isoformat()},
        }

    def _blocked(self, block: Block, chair: str) -> Resource:
        return self._slot(f"slot/{block.id}/{chair}", chair, "busy-unavailable", block.start, block.end)

    def _busy(self, visit: Appointment) -> Resource:
        """As long as the chair is taken, turnover included."""
        status = "busy-tentative" if visit.status in TENTATIVE else "busy"
        return self._slot(f"slot/{visit.id}", visit.chair, status, visit.start, visit.end)

    def _slot(self, name: str, chair: str, status: str, start: int, end: int) -> Resource:
        return self._resource("Slot", name) | {
            "schedule": self._to(f"schedule/{chair}"),
            "status": status,
            "start": self._instant(start),
            "end": self._instant(end),
        }

    def _appointment(self, visit: Appointment) -> Resource:
        """As long as the patient is there."""
        made = self._resource("Appointment", visit.id)
        made["meta"] = {"versionId": str(visit.sequence), "lastUpdated": utc_text(visit.stamp)}
        made |= {"identifier": [self._own(visit.id)], "status": visit.status}
        if self.export.tells_service:
            made["serviceType"] = [self._service(visit.protocol)]
        if self.is_r5:
            made["subject"] = self._to(visit.patient)
        made |= {
            "start": self._instant(visit.start),
            "end": self._instant(visit.leave),
            "minutesDuration": (visit.leave - visit.start) // MINUTE,
        }
        if visit.status not in HOLDS_NO_SLOT:
            made["slot"] = [self._to(f"slot/{visit.id}")]
        if visit.sequence == 0:
            made["created"] = utc_text(visit.stamp)
        names = (visit.patient, f"chair/{visit.chair}")
        return made | {"participant": [self._participant(name, visit.status) for name in names]}

    def _participant(self, name: str, status: str) -> Resource:
        """Who missed a visit had accepted it; nobody takes part in one that is off."""
        agreed = "tentative" if status in TENTATIVE else "declined" if status in OFF else "accepted"
        return {"actor": self._to(name), "required": True if self.is_r5 else "required", "status": agreed}

    def _service(self, protocol: str) -> Resource:
        """What the visit is for: a CodeableConcept, which R5 wraps into a CodeableReference."""
        title = clean(self._titles.get(protocol, "")) or protocol
        coding = {"system": self.space.urn("protocols"), "code": protocol, "display": title}
        concept = {"coding": [coding], "text": title}
        return {"concept": concept} if self.is_r5 else concept

    def _patient(self, person: Patient) -> Resource:
        """Who it is, and no way to reach them."""
        made = self._resource("Patient", person.id)
        mrn, name = clean(person.mrn), clean(person.name)
        made["identifier"] = [self._own(person.id)]
        if is_forgotten(person):
            return made | {"active": False}
        if mrn:
            made["identifier"].append({"type": MRN, "value": mrn})
        made["active"] = person.status in {"active", "on-hold"}
        if name:
            made["name"] = [{"text": name}]
        return made | ({"birthDate": person.birth_date} if person.birth_date else {})

    def _resource(self, kind: str, name: str) -> Resource:
        return {"resourceType": kind, "id": self.space.uuid(name)}

    def _own(self, value: str) -> Resource:
        return {"system": self.space.system, "value": value}

    def _to(self, name: str) -> Resource:
        return {"reference": self.space.urn(name)}

    def _instant(self, at: int) -> str:
        """On the clinic's clock, in UTC where that was off by seconds, which FHIR cannot write."""
        here = local(at, self.tz)
        offset = here.utcoffset()
        is_whole = offset is not None and offset.total_seconds() % 60 == 0
        return (here if is_whole else datetime.fromtimestamp(at, UTC)).isoformat()
