"""Patients: add, edit, import, note a fulfilled requirement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from infusion_cli.domain import ids, names
from infusion_cli.domain.book import Patient
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.plan import Change, change
from infusion_cli.domain.protocol import REQUIREMENTS
from infusion_cli.domain.when import parse_date
from infusion_cli.errors import ConflictError, NotFoundError, UsageError
from infusion_cli.services import lookup
from infusion_cli.services.desk import Decision, Desk, Outcome, carry_out
from infusion_cli.services.ports import Reader, Writer

STATUSES = ("active", "on-hold", "inactive")
LONGEST = 200


class PatientFields(NamedTuple):
    """What is to be set; None leaves a field as it is."""

    mrn: str | None = None
    name: str | None = None
    birth_date: str | None = None
    phone: str | None = None
    email: str | None = None
    status: str | None = None


class ImportRow(NamedTuple):
    """A person of an import file, checked already."""

    fields: PatientFields
    requirements: Mapping[str, str]


def known_requirements(clinic: Clinic) -> tuple[str, ...]:
    """The shipped requirements and those that the clinic's protocols name."""
    own = (need for protocol in clinic.protocols for need in protocol.requires)
    return tuple(dict.fromkeys((*REQUIREMENTS, *own)))


def add(desk: Desk, fields: PatientFields) -> Outcome:
    """Add a person; raises `UsageError` for an empty name or MRN, `ConflictError` for an MRN in use."""

    def decide(writer: Writer) -> Decision:
        if not names.clean(fields.mrn or "") or not names.clean(fields.name or ""):
            raise UsageError("A patient needs a name and an MRN.", 'infusion patients add --mrn M1001 "Yara Sánchez"')
        checked = _checked(writer, fields)
        _refuse_mrn_in_use(writer, checked.mrn or "")
        return Decision([change(None, _set(Patient(writer.new_id("patient"), "", ""), checked))])

    return carry_out(desk, "patients add", fields._asdict(), decide)


def edit(desk: Desk, patient: str, fields: PatientFields) -> Outcome:
    """Change what is known of a person; nothing to change is no error."""

    def decide(writer: Writer) -> Decision:
        old = lookup.find_patient(writer, patient)
        checked = _checked(writer, fields)
        if checked.mrn is not None and checked.mrn != old.mrn:
            _refuse_mrn_in_use(writer, checked.mrn)
        return Decision([change(old, _set(old, checked))], summary={"already": old.id})

    return carry_out(desk, "patients edit", {"patient": patient, **fields._asdict()}, decide)


def record(desk: Desk, patient: str, requirement: str, on: str) -> Outcome:
    """Note that a requirement was fulfilled on a date, today without one."""

    def decide(writer: Writer) -> Decision:
        old = lookup.find_patient(writer, patient)
        known = known_requirements(writer.clinic)
        if requirement not in known:
            near = lookup.near_words(requirement, known)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise NotFoundError(f"There is no requirement {requirement!r}.", hint)
        day = _day(writer, on)
        if day > _today(writer):
            raise UsageError(f"{day} has not come yet.", "name the date on which it was fulfilled")
        fulfilled = dict(old.requirements) | {requirement: day.isoformat()}
        new = old._replace(requirements=tuple(sorted(fulfilled.items())))
        return Decision([change(old, new)], summary={"already": old.id})

    return carry_out(desk, "patients record", {"patient": patient, "requirement": requirement, "on": on}, decide)


def import_rows(desk: Desk, rows: Sequence[ImportRow]) -> Outcome:
    """Add or update people by MRN; blank cells leave what is known, equal rows change nothing."""

    def decide(writer: Writer) -> Decision:
        known = writer.patients_by_mrn([row.fields.mrn or "" for row in rows])
        changes = [_imported(writer, known.get(row.fields.mrn or ""), row) for row in rows]
        summary = {
            "added": sum(c.before is None for c in changes),
            "updated": sum(c.before is not None and c.before != c.after for c in changes),
            "unchanged": sum(c.before == c.after for c in changes),
        }
        return Decision(changes, summary=summary)

    request = {"rows": [[*row.fields, dict(row.requirements)] for row in rows]}
    return carry_out(desk, "patients import", request, decide)


def find(reader: Reader, text: str) -> list[Patient]:
    """Everybody whom a text fits: id, MRN or beginnings of name words; none is no error."""
    typed = names.words(text)
    by_id = ids.normalise(text)
    exact = [*(reader.patients_of([by_id]) if by_id else {}).values()]
    exact += reader.patients_by_mrn([names.clean(text)]).values()
    found = exact + (reader.patients_matching(typed) if typed else [])
    return list({p.id: p for p in found}.values())


def _imported(writer: Writer, old: Patient | None, row: ImportRow) -> Change:
    given = PatientFields(*(value or None for value in row.fields))
    base = old or Patient(writer.new_id("patient"), "", "")
    fulfilled = dict(base.requirements)
    for need, day in row.requirements.items():
        fulfilled[need] = max(day, fulfilled.get(need, ""))  # an old list takes nothing back
    return change(old, _set(base, given)._replace(requirements=tuple(sorted(fulfilled.items()))))


def _checked(reader: Reader, fields: PatientFields) -> PatientFields:
    """The fields cleaned; raises `UsageError` for a value that cannot be."""
    cleaned = {name: names.clean(value) for name, value in fields._asdict().items() if value is not None}
    for name in ("name", "mrn"):
        if cleaned.get(name) == "":
            raise UsageError(f"The {name} is empty.", f"give a {name}, or leave --{name} out")
    long = [name for name, value in cleaned.items() if len(value) > LONGEST]
    if long:
        raise UsageError(f"The {long[0]} is longer than {LONGEST} characters.", "shorten it")
    if cleaned.get("birth_date"):
        born = parse_date(cleaned["birth_date"], reader.now, zone(reader.clinic.timezone))
        if born > _today(reader):
            raise UsageError(f"The birth date {born} has not come yet.", "write it as YYYY-MM-DD")
        cleaned["birth_date"] = born.isoformat()
    email = cleaned.get("email")
    if email and (email.count("@") != 1 or " " in email or email[0] == "@" or email[-1] == "@"):
        raise UsageError("The e-mail address has no or more than one @, or a blank.", "name@example.org")
    if "status" in cleaned and cleaned["status"] not in STATUSES:
        raise UsageError(f"The status {cleaned['status']!r} is unknown.", f"one of {', '.join(STATUSES)}")
    return PatientFields(**cleaned)


def _set(patient: Patient, fields: PatientFields) -> Patient:
    return patient._replace(**{name: value for name, value in fields._asdict().items() if value is not None})


def _refuse_mrn_in_use(reader: Reader, mrn: str) -> None:
    taken: Iterable[Patient] = reader.patients_by_mrn([mrn]).values()
    for other in taken:
        raise ConflictError(f"The MRN {mrn} belongs to {other.id} already.", hint=f"infusion patients show {other.id}")


def _day(reader: Reader, text: str) -> date:
    return parse_date(text, reader.now, zone(reader.clinic.timezone)) if text else _today(reader)


def _today(reader: Reader) -> date:
    return local_date(reader.now, zone(reader.clinic.timezone))
