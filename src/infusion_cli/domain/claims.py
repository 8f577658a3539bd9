"""What a visit takes, as the book's guards count it."""

from __future__ import annotations

from typing import NamedTuple

from infusion_cli.domain.availability import needs_of
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import MINUTE
from infusion_cli.domain.protocol import ATTENTION_OF_ONE_NURSE


class Claim(NamedTuple):
    """`units` of a resource in every second of [t0, t1), seconds since 1970 UTC."""

    kind: str
    """`chair`, `patient`, `hands`, `attention` or `provider`."""
    ref: str
    """Which chair or patient; empty for what the whole clinic shares."""
    t0: int
    t1: int
    units: int


def claims_of(visit: Appointment) -> list[Claim]:
    """The claims of a visit, none when it is not live; an overridden visit claims no staff."""
    if not visit.is_live:
        return []
    claims = [
        Claim("chair", visit.chair, visit.start, visit.end, 1),
        Claim("patient", visit.patient, visit.start, visit.end, 1),
    ]
    if visit.claims_staff:
        needs = needs_of(visit.phases, provider=False)
        for kind, parts in (
            ("hands", needs.hands),
            ("attention", needs.attention),
            ("provider", needs.provider_hands),
        ):
            claims += [
                Claim(kind, "", visit.start + p.start * MINUTE, visit.start + p.end * MINUTE, p.units)
                for p in parts
                if p.end > p.start
            ]
    return claims


def capacities_of(clinic: Clinic) -> dict[tuple[str, str], int]:
    """The units that there are of each (kind, ref) of a clinic: the physical ceiling, whatever the shifts."""
    nurses = clinic.count("nurse")
    return {
        **{("chair", chair.id): 1 for chair in clinic.chairs},
        ("hands", ""): nurses,
        ("attention", ""): nurses * ATTENTION_OF_ONE_NURSE,
        ("provider", ""): clinic.count("provider"),
    }
