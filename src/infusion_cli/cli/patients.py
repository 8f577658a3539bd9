"""People: add, edit, show, list, find, import, export, record."""

from __future__ import annotations

from pathlib import Path

from infusion_cli.cli import options, public, words
from infusion_cli.cli.files import may_write, read_bytes, write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Patient
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.names import shown
from infusion_cli.services import lookup
from infusion_cli.services import patients as service
from infusion_cli.services.desk import Outcome
from infusion_cli.services.patients import ImportRow, PatientFields

MRN = options.option("--mrn", help="Medical record number.", metavar="MRN")
NAME = options.option("--name", help="The name.", metavar="NAME")
BORN = options.option("--born", help="Birth date.", metavar="DATE")
PHONE = options.option("--phone", help="Telephone.", metavar="PHONE")
EMAIL = options.option("--email", help="E-mail address, for invites.", metavar="EMAIL")
STATUS = options.option("--status", help="active, on-hold or inactive.", metavar="STATUS")
ON = options.option("--on", help="The day it was fulfilled, today without.", metavar="DATE")
REQUIREMENT = options.argument(
    "REQUIREMENT", "evaluation, consent, clearance, labs, rems-enrolment, or the clinic's own."
)
IGNORE = options.option("--ignore-unknown", help="Leave unknown columns aside.")


@command(
    writes=True,
    name=options.argument("NAME", "The name, as it is to be shown."),
    mrn=MRN,
    born=BORN,
    phone=PHONE,
    email=EMAIL,
)
def add(
    session: Session,
    name: str,
    *,
    mrn: str = "",
    born: str = "",
    phone: str = "",
    email: str = "",
) -> None:
    """Add a patient.

    The MRN must not be in use.
    """
    fields = PatientFields(mrn, name, born, phone, email)
    _print_patient(session, service.add(session.desk(), fields), "Added")


@command(writes=True, name=NAME, mrn=MRN, born=BORN, phone=PHONE, email=EMAIL, status=STATUS)
def edit(
    session: Session,
    patient: str,
    *,
    name: str | None = None,
    mrn: str | None = None,
    born: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    status: str | None = None,
) -> None:
    """Change what is known of a patient.

    What is not named stays.
    """
    fields = PatientFields(mrn, name, born, phone, email, status)
    _print_patient(session, service.edit(session.desk(), patient, fields), "Changed")


@command(writes=True, requirement=REQUIREMENT, on=ON)
def record(session: Session, patient: str, requirement: str, *, on: str = "") -> None:
    """Note that a requirement was fulfilled."""
    outcome = service.record(session.desk(), patient, requirement, on)
    day = next((dict(c.after.requirements)[requirement] for c in outcome.changes if isinstance(c.after, Patient)), "")
    _print_patient(session, outcome, f"Recorded {requirement} {day} for")


@command()
def show(session: Session, patient: str) -> None:
    """One patient, with series and visits to come.

    What is on record stands with its date.
    """
    with session.reading() as reader:
        tz, clinic = zone(reader.clinic.timezone), reader.clinic
        person = lookup.find_patient(reader, patient)
        session.saw([person])
        book = reader.load(reader.now, reader.now, [person.id])
        ahead = [v for v in book.of_patient(person.id) if v.is_live and v.end > reader.now]
        lines: list[Line] = [*words.patient_card(person)]
        lines += [f"  {s.id}  {words.title(clinic, s.protocol)}, {s.status}" for s in book.series.values()]
        lines += words.visit_short_rows(clinic, tz, ahead)
        session.out.record(public.patient(person, tz), lines)


@command()
def list_(session: Session) -> None:
    """Every patient.

    In order of names.
    """
    with session.reading() as reader:
        _print_people(session, reader.patients(), reader.clinic.timezone)


@command(text=options.argument("TEXT", "An id, an MRN, or beginnings of name words."))
def find(session: Session, text: str) -> None:
    """Patients whom a text fits."""
    with session.reading() as reader:
        _print_people(session, service.find(reader, text), reader.clinic.timezone)


@command(writes=True, file=options.argument("FILE", "A CSV file; - is stdin."), ignore_unknown=IGNORE)
def import_(session: Session, file: str, *, ignore_unknown: bool = False) -> None:
    """Add and update patients from a CSV file.

    By MRN, all of it or nothing. Columns: mrn, name (or given and family), birth_date, phone,
    email, and one for each requirement with the date it was fulfilled. Blank cells leave what is
    known.
    """
    from infusion_cli.formats.patients import parse_patients  # noqa: PLC0415  only for this command
    from infusion_cli.formats.sheet import MAX_BYTES  # noqa: PLC0415

    with session.reading() as reader:
        known = service.known_requirements(reader.clinic)
    data = read_bytes(Path(file), MAX_BYTES)
    parsed = parse_patients(data, requirements=known, ignore_unknown=ignore_unknown)
    rows = [ImportRow(PatientFields(p.mrn, p.name, p.birth_date, p.phone, p.email), p.requirements) for p in parsed]
    outcome = service.import_rows(session.desk(), rows)
    session.changed = bool(outcome.changes) and not outcome.replayed
    counts = {name: outcome.summary.get(name, 0) for name in ("added", "updated", "unchanged")}
    sentence = ", ".join(f"{number} {name}" for name, number in counts.items())
    lines: list[Line] = [f"{words.count(len(rows), 'patient')} read: {sentence}."]
    if outcome.replayed:
        lines.insert(0, f"Done already, under this key: {outcome.operation}.")
    if not session.options.dry_run:
        lines += words.undo_line(outcome.operation)
    session.out.record({"operation": outcome.operation or None, **counts}, lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


@command(writes=True, reason=options.option("--reason", help="Why; it stays, so without a name.", metavar="TEXT"))
def forget(session: Session, patient: str, *, reason: str = "") -> int | None:
    """Remove for good what tells who a patient was.

    Name, MRN, birth date, telephone, e-mail, requirements and the texts of their visits are taken out
    of the records and out of the journal, whose chain stays whole. Visits and series keep times, chairs
    and statuses under the patient's id. Refused while visits lie ahead or a course is running. Nothing
    brings the data back, and what was written elsewhere before still holds it.
    """
    with session.reading() as reader:
        person = lookup.find_patient(reader, patient)
    if not session.confirm(f"Forget {person.id}, {shown(person.name)}, for good?"):
        session.out.note("Nothing was changed.")
        return 1
    outcome = service.forget(session.desk(), person.id, reason)
    session.changed = bool(outcome.changes) and not outcome.replayed
    kept = f"{words.count(outcome.summary['visits'], 'visit')} and {outcome.summary['series']} series keep their times"
    verb = "Forgotten" if outcome.changes else "Had been forgotten before"
    lines: list[Line] = [f"{verb}: {person.id}. {kept}.", "Backups, exports and calendar files still hold the data."]
    residue = str(outcome.summary["residue"])
    if residue:
        lines.append([Piece("  ! ", "yellow"), Piece(residue)])
    session.out.record({"operation": outcome.operation or None, **outcome.summary}, lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")
    return None


@command()
def export(session: Session, *, output: str = "-") -> int | None:
    """Write every patient as CSV or JSON.

    The CSV has the columns that import takes.
    """
    from infusion_cli.formats.json_out import dumps  # noqa: PLC0415  only for this command
    from infusion_cli.formats.patients import patients_csv  # noqa: PLC0415

    with session.reading() as reader:
        tz, people = zone(reader.clinic.timezone), reader.patients()
        session.saw(people)
        data = [public.patient(p, tz) for p in people]
        if session.out.form == "jsonl":
            text = "".join(dumps(p, indent=None) + "\n" for p in data)
        elif session.out.is_json:
            text = dumps(data) + "\n"
        else:
            text = patients_csv(people, service.known_requirements(reader.clinic))
    if not may_write(session, Path(output)):
        session.out.note("Nothing was written.")
        return 1
    write_bytes(Path(output), text.encode())
    if output != "-":
        session.out.note(f"{words.count(len(people), 'patient')} written to {output}.")
    return None


def _print_people(session: Session, people: list[Patient], timezone: str) -> None:
    tz = zone(timezone)
    session.saw(people)
    session.out.records([public.patient(p, tz) for p in people], words.patient_rows(people, session.out.width))
    if not people:
        session.out.note("No patients.")


def _print_patient(session: Session, outcome: Outcome, verb: str) -> None:
    session.changed = bool(outcome.changes) and not outcome.replayed
    changed = [c.after for c in outcome.changes if isinstance(c.after, Patient)]
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        person = changed[0] if changed else lookup.find_patient(reader, str(outcome.summary["already"]))
    session.saw([person])
    if outcome.replayed:
        verb = "Done already, under this key"
    elif not changed:
        verb = "As it was"
    lines: list[Line] = [f"{verb} {person.id}: {shown(person.name)}, {shown(person.mrn)}."]
    if not session.options.dry_run:
        lines += words.undo_line(outcome.operation)
    session.out.record(public.patient(person, tz), lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")
