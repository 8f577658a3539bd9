"""Courses of treatment: plan, book, show, list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infusion_cli.cli import options, public, words
from infusion_cli.cli.files import may_write, write_bytes
from infusion_cli.cli.options import command
from infusion_cli.cli.output import Line, Piece
from infusion_cli.cli.session import Session
from infusion_cli.domain.book import Appointment, Series
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.codec import encode_plan
from infusion_cli.domain.names import fit, shown
from infusion_cli.domain.plan import Plan
from infusion_cli.domain.when import parse_count
from infusion_cli.services import agenda, lookup
from infusion_cli.services import series as service
from infusion_cli.services.ports import Reader
from infusion_cli.services.series import SeriesAsk

SESSIONS = options.option("--sessions", help="How many, over all steps in order.", metavar="N")
ALTERNATIVES = options.option("--alternatives", help="So many courses that really differ.", metavar="K")
RELAX = options.option("--relax", help="Allow longer gaps and a later start, with warnings.")
VISITS = options.option("--authorised-visits", help="How many visits the payer has approved.", metavar="N")
UNTIL = options.option("--authorised-until", help="The last approved day.", metavar="DATE")
SHOWN = ("active", "on-hold", "completed", "revoked")
OF_A_COURSE = {"sessions": SESSIONS, "relax": RELAX, "authorised_visits": VISITS, "authorised_until": UNTIL}


@command(alternatives=ALTERNATIVES, **OF_A_COURSE)
def plan(
    session: Session,
    patient: str,
    protocol: str,
    *,
    from_: str = "",
    to: str = "",
    between: str = "",
    weekdays: str = "",
    sessions: str = "",
    alternatives: str = "",
    relax: bool = False,
    authorised_visits: str = "",
    authorised_until: str = "",
    output: str = "",
) -> int | None:
    """Propose a whole course; writes nothing.

    Every gap keeps the protocol's least and longest distance, every step its window; among all
    legal courses the one closest to the ideal rhythm, at the same time of day and in the same
    chair is given.
    """
    ask = _ask(locals())
    wanted = parse_count(alternatives, "alternatives", high=20) if alternatives else 1
    if output and not may_write(session, Path(output)):
        session.out.note("Nothing was written.")
        return 1
    with session.reading() as reader:
        tz = zone(reader.clinic.timezone)
        plans = service.plan(reader, ask, wanted)
        session.saw(c.after for p in plans for c in p.changes)
        data = [encode_plan(p, tz) for p in plans]
        if output:
            write_bytes(Path(output), _plan_file(data[0]))
        if output != "-":
            session.out.records(data, _plan_lines(reader, plans, _again(ask)))
    if output and output != "-":
        session.out.note(f"Kept as {output}. Book it: infusion apply {output}")
    return None


@command(writes=True, **OF_A_COURSE)
def book(
    session: Session,
    patient: str,
    protocol: str,
    *,
    from_: str = "",
    to: str = "",
    between: str = "",
    weekdays: str = "",
    sessions: str = "",
    relax: bool = False,
    authorised_visits: str = "",
    authorised_until: str = "",
) -> None:
    """Book a whole course, all or nothing.

    It is what series plan would propose at this moment.
    """
    ask = _ask(locals())
    outcome = service.book_series(session.desk(), ask)
    session.changed = bool(outcome.changes) and not outcome.replayed
    course = next(c.after for c in outcome.changes if isinstance(c.after, Series))
    visits = [c.after for c in outcome.changes if isinstance(c.after, Appointment)]
    session.saw([course])
    with session.reading() as reader:
        tz, clinic = zone(reader.clinic.timezone), reader.clinic
        book_ = agenda.series_book(reader, course)
        book_.add([course, *visits])
        head = words.series_head(clinic, tz, course, visits, words.name(book_.patients, course.patient))
        verb = "Booked already, under this key" if outcome.replayed else "Booked"
        lines: list[Line] = [[Piece(f"{verb} {course.id}", "bold"), Piece(f": {head}")], ""]
        lines += words.course_rows(clinic, tz, visits)
        if not session.options.dry_run:
            lines += ["", *words.undo_line(outcome.operation)]
        session.out.record(public.series(course, book_, tz), lines)
    if session.options.dry_run:
        session.out.note("Dry run: nothing was written.")


@command(id_=options.argument("ID", "A series' id."))
def show(session: Session, id_: str) -> None:
    """One series with its sessions.

    And what is due next.
    """
    with session.reading() as reader:
        tz, clinic = zone(reader.clinic.timezone), reader.clinic
        course = lookup.find_series(reader, id_)
        session.saw([course])
        book_ = agenda.series_book(reader, course)
        visits = [v for v in book_.of_series(course) if v.status != "entered-in-error"]
        data = public.series(course, book_, tz)
        head = words.series_head(clinic, tz, course, visits, words.name(book_.patients, course.patient))
        lines: list[Line] = [[Piece(f"{course.id} {course.status}", "bold"), Piece(f": {head}")], ""]
        lines += words.course_rows(clinic, tz, visits)
        lines.append(f"Next due: {data['next_due'] or 'nothing'}")
        session.out.record(data, lines)


@command(patient=options.OF_PATIENT)
def list_(session: Session, patient: str = "") -> None:
    """Every series.

    One record each, but for those entered in error.
    """
    with session.reading() as reader:
        tz, clinic = zone(reader.clinic.timezone), reader.clinic
        of = lookup.find_patient(reader, patient).id if patient else None
        courses = [
            s for s in reader.series_list(("active", "on-hold", "completed", "revoked")) if of in {None, s.patient}
        ]
        session.saw(courses)
        book_ = reader.load(reader.now, reader.now, sorted({s.patient for s in courses}))
        data = [public.series(s, book_, tz) for s in courses]
        rows: list[Line] = [
            f"  {s.id:7} {fit(words.name(book_.patients, s.patient), 24)} "
            f"{fit(words.title(clinic, s.protocol), 24)} {f'{len(agenda.live_visits(book_, s))}/{s.ordered}':5}  "
            f"{s.status:9} next {d['next_due'] or '-'}"
            for s, d in zip(courses, data, strict=True)
        ]
        session.out.records(data, rows)
        if not courses:
            session.out.note("No series.")


def _ask(typed: dict[str, Any]) -> SeriesAsk:
    """What the command line said of a course, from the command's own parameters."""
    sessions, visits = typed["sessions"], typed["authorised_visits"]
    return SeriesAsk(
        patient=typed["patient"],
        protocol=typed["protocol"],
        first=typed["from_"],
        last=typed["to"],
        between=typed["between"],
        weekdays=typed["weekdays"],
        sessions=parse_count(sessions, "sessions", high=service.MOST_SESSIONS) if sessions else None,
        relax=typed["relax"],
        authorised_visits=parse_count(visits, "authorised-visits") if visits else None,
        authorised_until=typed["authorised_until"],
    )


def _again(ask: SeriesAsk) -> str:
    """The same words as a command."""
    given = {
        "--from": ask.first,
        "--to": ask.last,
        "--between": ask.between,
        "--weekdays": ask.weekdays,
        "--sessions": str(ask.sessions or ""),
        "--authorised-visits": str(ask.authorised_visits or ""),
        "--authorised-until": ask.authorised_until,
    }
    said = "".join(f" {name} {_quoted(value)}" for name, value in given.items() if value)
    return f"{_quoted(ask.patient)} {ask.protocol}{said}{' --relax' if ask.relax else ''}"


def _quoted(text: str) -> str:
    from shlex import quote  # noqa: PLC0415  only for the words after a plan

    return quote(shown(text))


def _plan_lines(reader: Reader, plans: list[Plan], again: str) -> list[Line]:
    tz, clinic = zone(reader.clinic.timezone), reader.clinic
    lines: list[Line] = []
    for number, proposed in enumerate(plans, start=1):
        course = next(c.after for c in proposed.changes if isinstance(c.after, Series))
        visits = [c.after for c in proposed.changes if isinstance(c.after, Appointment)]
        who = words.name(reader.patients_of([course.patient]), course.patient)
        which = f"Alternative {number}: " if len(plans) > 1 else ""
        lines += [[Piece(which + words.series_head(clinic, tz, course, visits, who), "bold")], ""]
        lines += [*words.course_rows(clinic, tz, visits), ""]
    lines.append(f"Nothing written. Book it: infusion series book {again}")
    lines.append("Or keep this plan: -o plan.json, then infusion apply plan.json")
    return lines


def _plan_file(data: dict[str, object]) -> bytes:
    from infusion_cli.formats.json_out import dumps  # noqa: PLC0415  only when a plan is kept

    return (dumps(data) + "\n").encode()
