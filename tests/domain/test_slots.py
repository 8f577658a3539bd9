"""Slots: what is offered is what the rules allow, and each chair's free and busy time."""

from __future__ import annotations

from domain.worlds import World, every, worlds
from hypothesis import given, note, settings
from hypothesis import strategies as st

from infusion_cli.domain import rules
from infusion_cli.domain.book import Book
from infusion_cli.domain.case import Case
from infusion_cli.domain.protocol import Protocol
from infusion_cli.domain.slots import Query, find
from infusion_cli.domain.supply import Supply, supply_of
from infusion_cli.domain.visit import Wish, active_series, book_visit, next_session, probe

SETTINGS = settings(max_examples=80, deadline=None)


def legal_chairs(book: Book, supply: Supply, protocol: Protocol, start: int, patient: str) -> set[str]:
    series = active_series(book, patient, protocol.id) if patient else None
    found = set()
    for chair in book.clinic.chairs:
        visit = probe(book.clinic, protocol, start, patient=patient, chair=chair.id)._replace(
            series=series.id if series else None, session=next_session(book, series) if series else None
        )
        if not rules.hard(Case(book, visit, supply=supply)):
            found.add(chair.id)
    return found


@SETTINGS
@given(worlds(), st.booleans(), st.sampled_from((0, 1)))
def test_a_start_is_offered_in_exactly_the_chairs_in_which_no_rule_forbids_it(
    world: World, with_patient: bool, which: int
) -> None:
    book, protocol = world.book, world.clinic.protocols[which]
    patient = world.patient if with_patient else ""
    offered = {slot.start: set(slot.chairs) for slot in find(book, Query(protocol, world.day, world.day, patient))}
    supply = supply_of(book)
    legal = {
        start: chairs
        for start in every(5, book, world.day, world.day)
        if (chairs := legal_chairs(book, supply, protocol, start, patient))
    }
    note(f"{len(legal)} legal starts")
    assert offered == legal


@SETTINGS
@given(worlds(), st.booleans())
def test_a_slot_names_the_chair_and_the_warnings_that_booking_it_would_give(world: World, with_patient: bool) -> None:
    book, protocol = world.book, world.clinic.protocols[0]
    patient = world.patient if with_patient else ""
    for slot in find(book, Query(protocol, world.day, world.day, patient)):
        verdict = book_visit(book, Wish(protocol, patient, slot.start))
        assert not verdict.hard
        assert (verdict.visit.chair, verdict.visit.end, verdict.visit.warnings) == (slot.chair, slot.end, slot.warnings)
