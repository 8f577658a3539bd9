"""Whom the appointments of other systems mean, and what for: never by a name, and never by a guess."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment, Patient
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.forgetting import is_forgotten
from infusion_cli.domain.interchange import MRN_MARK, Identifier, Person, Refusal, Space, Wanted
from infusion_cli.domain.names import clean
from infusion_cli.services import lookup
from infusion_cli.services.ports import Reader


class People:
    """The patients behind what a file tells of them; each person of it is looked up once."""

    def __init__(self, reader: Reader, space: Space, persons: Iterable[Person]) -> None:
        self._reader = reader
        self._system = space.system
        self._today = local_date(reader.now, zone(reader.clinic.timezone)).isoformat()
        values = {i.value for person in {p.digest: p for p in persons}.values() for i in person.identifiers}
        self._by_mrn = reader.patients_by_mrn(sorted(values))
        self._found: dict[str, dict[str, Patient]] = {}
        self._meant: dict[str, Patient | Refusal] = {}

    def one(self, person: Person) -> Patient:
        """The one patient whom its identifiers mean; raises `Refusal`."""
        if person.digest not in self._meant:
            try:
                self._meant[person.digest] = self._one(person)
            except Refusal as refused:
                self._meant[person.digest] = refused
        meant = self._meant[person.digest]
        if isinstance(meant, Refusal):
            raise Refusal(*meant.found)
        return meant

    def refuse_inactive(self, person: Person) -> None:
        """Raise `Refusal` for a record that is not to be used any more."""
        if not person.is_active:
            message = "the Patient is marked as not active in the file; name the one that is in use"
            raise Refusal("participant", "inactive-patient", message)

    def fitting(self, person: Person) -> dict[str, Patient]:
        """By the book's own ids, else by what is marked as an MRN, else by an MRN and the birth date."""
        if person.digest not in self._found:
            found = self._own(person) or self._marked(person) or self._born(person)
            self._found[person.digest] = {p.id: p for p in found if p.status != "entered-in-error"}
        return self._found[person.digest]

    def _one(self, person: Person) -> Patient:
        if not person.identifiers:
            message = "no patient with an identifier takes part; put the Patient into the file"
            raise Refusal("participant", "no-patient", message)
        self.refuse_inactive(person)
        found = self.fitting(person)
        if not found:
            raise self._unknown(person)
        if len(found) > 1:
            raise Refusal("participant", "several-patients", "its identifiers fit several patients")
        (known,) = found.values()
        if person.birth_date and known.birth_date and person.birth_date != known.birth_date:
            message = f"the birth date is not that of {known.id}, whose MRN it is"
            raise Refusal("participant", "other-birth-date", message)
        return known

    def _own(self, person: Person) -> list[Patient]:
        own = (ids.normalise(i.value) for i in person.identifiers if i.system == self._system)
        records = (self._reader.record(record_id) for record_id in own if record_id)
        return [p for p in records if isinstance(p, Patient) and not is_forgotten(p)]

    def _marked(self, person: Person) -> list[Patient]:
        return [self._by_mrn[i.value] for i in self._valid(person, MRN_MARK) if i.value in self._by_mrn]

    def _born(self, person: Person) -> list[Patient]:
        """Not where another number is marked: what is left may be any system's."""
        if self._valid(person, MRN_MARK) or not person.birth_date:
            return []
        found = (self._by_mrn.get(i.value) for i in self._valid(person, ""))
        return [p for p in found if p and p.birth_date == person.birth_date]

    def _valid(self, person: Person, mark: str) -> list[Identifier]:
        """Those of other systems with that mark which have not ended."""
        return [
            i
            for i in person.identifiers
            if i.mark == mark and i.system != self._system and not (i.until and i.until < self._today[: len(i.until)])
        ]

    def _unknown(self, person: Person) -> Refusal:
        unmarked = [] if self._valid(person, MRN_MARK) else self._valid(person, "")
        for known in (self._by_mrn[i.value] for i in unmarked if i.value in self._by_mrn):
            if person.birth_date and known.birth_date:
                message = f"the birth date is not that of {known.id}, whose MRN it may be"
                return Refusal("participant", "other-birth-date", message)
            message = "what may be an MRN is not marked as one (type MR), and no birth date tells that it is"
            return Refusal("participant", "unmarked", message)
        message = "no patient of the book has such an MRN; add the patient first: infusion patients import"
        return Refusal("participant", "not-found", message)


def protocols_named(reader: Reader, services: Sequence[str]) -> set[str]:
    """The ids of the protocols that the texts name, by id or title."""
    texts = {text.casefold() for text in services}
    return {p.id for p in reader.clinic.protocols if texts & {p.id.casefold(), clean(p.title).casefold()}}


def protocol_for(reader: Reader, one: Wanted, usual: str) -> str:
    """The protocol that it names, else the one that was typed; raises `Refusal`."""
    named = protocols_named(reader, one.services)
    if len(named) > 1:
        raise Refusal("serviceType", "several-protocols", "it names several protocols")
    if not named and not usual:
        known = ", ".join(p.id for p in reader.clinic.protocols)
        message = f"no protocol of the clinic is named; give --protocol, one of: {known}"
        raise Refusal("serviceType", "no-protocol", message)
    return next(iter(named)) if named else lookup.find_protocol(reader.clinic, usual).id


def refuse_other(reader: Reader, people: People, one: Wanted, visit: Appointment) -> None:
    """Raise `Refusal` where it has become another patient's or another protocol's: a visit stays what it is."""
    found = people.fitting(one.person)
    if found and visit.patient not in found:
        message = f"{visit.id} stands for it, and is somebody else's; cancel it and send a new one"
        raise Refusal("participant", "other-patient", message)
    named = protocols_named(reader, one.services)
    if named and visit.protocol not in named:
        message = f"{visit.id} stands for it, and is for {visit.protocol}; cancel it and send a new one"
        raise Refusal("serviceType", "other-protocol", message)
