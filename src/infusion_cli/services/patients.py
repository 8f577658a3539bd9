"""Patients: add, edit, import, note a fulfilled requirement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from infusion_cli.domain import ids, names
from infusion_cli.domain.addresses import fault
from infusion_cli.domain.book import Appointment, Patient, Series
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.forgetting import COMMAND as FORGET
from infusion_cli.domain.forgetting import forgotten, is_forgotten
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
            raise UsageError("A patient needs a name and an MRN.", 'infusion patients add --mrn M1 "Full Name"')
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
        _refuse_forgotten(old)
        return Decision([change(old, new)], summary={"already": old.id})

    return carry_out(desk, "patients record", {"patient": patient, "requirement": requirement, "on": on}, decide)


def forget(desk: Desk, patient: str, reason: str = "") -> Outcome:
    """Remove what tells who the patient of that id was, from the records and the journal; visits keep their times.

    Raises `ConflictError` while visits lie ahead or a course is running. The summary's `residue` says
    what may still be there in spite of it.
    """
    asked = ids.normalise(patient) or patient

    def decide(writer: Writer) -> Decision:
        old = lookup.find_patient(writer, asked)
        book = writer.load(writer.now, writer.now, [old.id])
        visits, courses = book.of_patient(old.id), list(book.series.values())
        summary = {"patient": old.id, "visits": len(visits), "series": len(courses)}
        if is_forgotten(old):
            return Decision([], summary=summary)
        _refuse_naming(old, reason)
        _refuse_in_treatment(writer, old, visits, courses)
        gone = old._replace(status="inactive")
        changes = [change(old, forgotten(gone)), *(change(v, forgotten(v)) for v in visits)]
        past = [old.id, *(v.id for v in visits), *(s.id for s in courses)]
        return Decision(changes, summary=summary, forgets=past, reason=reason)

    done = carry_out(desk, FORGET, {"patient": asked, "reason": reason}, decide)
    residue = "" if desk.dry_run else desk.store.scrub()
    return done._replace(summary={**done.summary, "residue": residue})


def _refuse_naming(patient: Patient, reason: str) -> None:
    """The reason stays in the journal."""
    known = f"{patient.name} {patient.mrn} {patient.phone} {patient.email}"
    if set(names.words(reason)).intersection(word for word in names.words(known) if len(word) > 2):
        raise UsageError("The reason names the patient, and would stay.", "say why without saying who")


def _refuse_in_treatment(
    reader: Reader, patient: Patient, visits: Sequence[Appointment], courses: Sequence[Series]
) -> None:
    ahead = [v.id for v in visits if v.is_live and (v.end > reader.now or v.status in {"arrived", "checked-in"})]
    running = [s.id for s in courses if s.status in {"active", "on-hold"}]
    if ahead or running:
        first = f"infusion cancel {ahead[0]} --reason TEXT" if ahead else f"infusion series end {running[0]}"
        listed = ", ".join([*ahead, *running])
        raise ConflictError(f"{patient.id} is still being treated ({listed}) and is not forgotten.", hint=first)


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
    wrong = fault(cleaned["email"]) if cleaned.get("email") else ""
    if wrong:
        raise UsageError(f"That is no e-mail address to write to: {wrong}.", "name@example.org")
    if "status" in cleaned and cleaned["status"] not in STATUSES:
        raise UsageError(f"The status {cleaned['status']!r} is unknown.", f"one of {', '.join(STATUSES)}")
    return PatientFields(**cleaned)


def _set(patient: Patient, fields: PatientFields) -> Patient:
    new = patient._replace(**{name: value for name, value in fields._asdict().items() if value is not None})
    if new != patient:
        _refuse_forgotten(patient)
    return new


def _refuse_forgotten(patient: Patient) -> None:
    if is_forgotten(patient):
        message = f"{patient.id} has been forgotten, and is nobody any more."
        raise ConflictError(message, hint="infusion patients add makes a new patient of them")


def _refuse_mrn_in_use(reader: Reader, mrn: str) -> None:
    taken: Iterable[Patient] = reader.patients_by_mrn([mrn]).values()
    for other in taken:
        raise ConflictError(f"The MRN {mrn} belongs to {other.id} already.", hint=f"infusion patients show {other.id}")


def _day(reader: Reader, text: str) -> date:
    return parse_date(text, reader.now, zone(reader.clinic.timezone)) if text else _today(reader)


def _today(reader: Reader) -> date:
    return local_date(reader.now, zone(reader.clinic.timezone))
