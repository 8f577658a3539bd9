"""What must hold between the parts of a clinic, and what is allowed but deserves a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.clinic import Chair, Clinic
from infusion_cli.domain.clinic_tree import WEEKDAYS
from infusion_cli.domain.period import Period, union
from infusion_cli.domain.protocol import REQUIREMENTS, Protocol
from infusion_cli.domain.wording import missing_words
from infusion_cli.formats.telling import tells
from infusion_cli.formats.toml_table import Findings, Table, near, nearest, quoted


def check(
    clinic: Clinic, findings: Findings, chairs: Iterable[tuple[Table, Chair]], protocols: list[tuple[Table, Protocol]]
) -> None:
    """Note what does not fit together, as far as the parts it is judged by are sound themselves."""
    ids = [p.id for p in clinic.protocols]
    for table, chair in chairs:
        for unknown in (p for p in chair.protocols if p != "*" and p not in ids):
            message = f"There is no protocol {quoted(unknown)}; {nearest(unknown, ids)}."
            table.note("protocols", "unknown-protocol", message)
    for table, protocol in protocols:
        if table.sound("id", "phases", "provider"):
            if findings.sound("staff"):
                _check_staff(clinic, table, protocol)
            if findings.sound("chairs") and not any(c.suits(protocol.id) for c in clinic.chairs):
                message = f'No chair suits {quoted(protocol.id)}; name it, or "*", in the protocols of a chair.'
                table.note("id", "no-chair", message)
            if findings.sound("hours"):
                _check_length(clinic, table, protocol)


def warnings(clinic: Clinic) -> list[str]:
    """What is allowed but probably not meant, one sentence each; empty for most clinics."""
    return [
        *_disclosures(clinic),
        *_unusual_address(clinic),
        *_foreign_words(clinic),
        *_unusual_requirements(clinic),
        *_idle_chairs(clinic),
        *_zone_warnings(clinic),
        *_uncovered_days(clinic),
    ]


def _check_staff(clinic: Clinic, table: Table, protocol: Protocol) -> None:
    needs = {
        "nurse": any(p.hands_on or p.patients_per_nurse for p in protocol.phases),
        "provider": protocol.provider or any(p.provider_hands for p in protocol.phases),
    }
    for role in (role for role, needed in needs.items() if needed and not clinic.count(role)):
        table.note(
            "phases" if role == "nurse" or not protocol.provider else "provider",
            f"no-{role}",
            f"{quoted(protocol.id)} needs a {role} and there is none on the staff;"
            f' add [[staff]] with role = "{role}" or drop the need.',
        )


def _check_length(clinic: Clinic, table: Table, protocol: Protocol) -> None:
    longest = _longest_opening(clinic)
    if protocol.minutes > longest:
        table.note(
            "phases",
            "visit-too-long",
            f"A visit of {quoted(protocol.id)} lasts {protocol.minutes} min and the clinic is never open longer than"
            f" {longest}; lengthen the hours or shorten the phases.",
        )


def _longest_opening(clinic: Clinic) -> int:
    """Minutes; the week is laid out twice, so that an opening over Sunday's midnight counts whole."""
    periods = (
        Period((week * 7 + day) * 1440 + h.open, (week * 7 + day) * 1440 + h.close)
        for h in clinic.hours
        for day in h.days
        for week in (0, 1)
    )
    return max((p.end - p.start for p in union(periods)), default=0)


def _unusual_requirements(clinic: Clinic) -> Iterator[str]:
    for protocol in clinic.protocols:
        for typed in (r for r in protocol.requires if r not in REQUIREMENTS):
            if near(typed, REQUIREMENTS):
                way_out = nearest(typed, REQUIREMENTS)
                yield f"{protocol.id} requires {quoted(typed)}, a requirement of your own; {way_out}."


def _disclosures(clinic: Clinic) -> Iterator[str]:
    leaving = {
        "public_name": clinic.public_name,
        "email": clinic.email,
        "address": clinic.address,
        **{f"public_title of {p.id}": p.public_title for p in clinic.protocols},
        **{f"words.{name}": text for name, text in clinic.words._asdict().items()},
    }
    for key, text in leaving.items():
        if tells(text):
            yield f"{key} {quoted(text)} tells what the visit is for, and it leaves the clinic in invitations."


def _unusual_address(clinic: Clinic) -> Iterator[str]:
    if not clinic.email:
        return
    try:
        address = in_ascii_domain(clinic.email)
    except AddressError as error:
        yield f"No mail can be sent from {quoted(clinic.email)}: {error}."
    else:
        if not address.isascii():
            yield (
                f"Many mail servers take nothing from {quoted(clinic.email)}, because of the letters beyond ASCII"
                " before the @; use an address without them."
            )


def _foreign_words(clinic: Clinic) -> Iterator[str]:
    missing = missing_words(clinic)
    if missing:
        yield (
            f"Mails and calendar files in {clinic.language} have English words where [words] gives none:"
            f" {', '.join(missing)}."
        )


def _idle_chairs(clinic: Clinic) -> Iterator[str]:
    for chair in clinic.chairs:
        if not chair.protocols:
            yield f"The chair {chair.id} suits no protocol, so nothing can be booked in it."


def _zone_warnings(clinic: Clinic) -> Iterator[str]:
    if "/" not in clinic.timezone or clinic.timezone.startswith("Etc/"):
        yield (
            f"The time zone {clinic.timezone} is not a place's, so it may miss clock changes;"
            " a name such as America/New_York follows them."
        )


def _uncovered_days(clinic: Clinic) -> Iterator[str]:
    for role in ("nurse", "provider"):
        on_duty = {day for s in clinic.staff if s.role == role for shift in s.shifts for day in shift.days}
        missing = sorted({day for h in clinic.hours for day in h.days} - on_duty)
        if on_duty and missing:
            names = ", ".join(WEEKDAYS[day] for day in missing)
            yield f"The clinic is open without any {role} on {names}, so visits that need one cannot be booked then."
