"""Nurses' hands and attention, providers in the room and on site."""

from __future__ import annotations

from collections.abc import Iterator

from infusion_cli.domain.availability import Need, needs_of, presence
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic_time import MINUTE
from infusion_cli.domain.period import Period, gaps, union
from infusion_cli.domain.plan import Conflict
from infusion_cli.domain.protocol import ATTENTION_OF_ONE_NURSE
from infusion_cli.domain.rules.catalogue import conflict, rule
from infusion_cli.domain.rules.words import span


@rule("staff-short", overridable=True, source="assumption: starts are filled by nurses per minute, not by free chairs")
def staff_suffices(case: Case) -> Iterator[Conflict]:
    """Hands, attention and consulting providers never exceed those on duty, in any minute of any phase."""
    if not case.visit.claims_staff:
        return
    needs = needs_of(case.visit.phases, provider=False)
    for part in needs.hands:
        yield from _shortage(case, part, "nurse", "hands")
    for part in needs.attention:
        yield from _shortage(case, part, "nurse", "attention")
    for part in needs.provider_hands:
        yield from _shortage(case, part, "provider", "provider_hands")


@rule(
    "provider-absent",
    source="US Spravato billing codes need supervision; several states and clinics ask for a provider on site",
)
def provider_on_site(case: Case) -> Iterator[Conflict]:
    """Where the protocol asks for one, a provider is on site from dosing to leave."""
    if not case.protocol.provider:
        return
    a, b = presence(case.visit.phases)
    start, end = case.visit.start + a * MINUTE, case.visit.start + b * MINUTE
    for gap in gaps(union(case.supply.on_duty("provider", start, end)), start, end):
        message = f"no provider is on site {span(case, *gap)}"
        yield conflict("provider-absent", message, "", gap.start, gap.end)


def _shortage(case: Case, part: Need, role: str, kind: str) -> Iterator[Conflict]:
    """One conflict for the first stretch of a need in which those on duty do not suffice."""
    start, end = case.visit.start + part.start * MINUTE, case.visit.start + part.end * MINUTE
    one = ATTENTION_OF_ONE_NURSE if kind == "attention" else 1
    duty = case.supply.on_duty(role, start, end)
    load = [
        (v.start + n.start * MINUTE, v.start + n.end * MINUTE, n.units, v)
        for v in case.around
        if v.claims_staff
        for n in getattr(needs_of(v.phases, provider=False), kind)
    ]
    edges = {start, *(t for p in duty for t in p), *(t for a, b, _, _ in load for t in (a, b))}
    short: list[Period] = []
    takers: dict[str, Appointment] = {}
    inside = sorted(t for t in edges if start <= t < end)
    for a, b in zip(inside, [*inside[1:], end], strict=True):
        supply = one * sum(p.start <= a and b <= p.end for p in duty)
        over = [(units, v) for t0, t1, units, v in load if t0 <= a and b <= t1]
        if sum(units for units, _ in over) + part.units > supply:
            short.append(Period(a, b))
            takers |= {v.id: v for _, v in over}
    for stretch in union(short)[:1]:
        on = sum(p.overlaps(*stretch) for p in duty)
        yield conflict("staff-short", _shortage_message(case, stretch, kind, on, takers), ",".join(takers), *stretch)


_TAKEN = {
    "hands": ("no nurse is on duty", "the nurse's hands are taken", "all {n} nurses' hands are taken"),
    "attention": ("no nurse is on duty", "the nurse has no attention left", "the {n} nurses have no attention left"),
    "provider_hands": ("no provider is on duty", "the provider is taken", "all {n} providers are taken"),
}


def _shortage_message(case: Case, stretch: Period, kind: str, on_duty: int, takers: dict[str, Appointment]) -> str:
    text = _TAKEN[kind][min(on_duty, 2)].format(n=on_duty)
    who = f" ({', '.join(sorted(takers))})" if takers else ""
    return f"{span(case, *stretch)}  {text}{who}"
