"""Slots: what is offered is what the rules allow, and each chair's free and busy time."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import Any

from builders import CONSULT, COURSE, MOOD, NOW, at, block, clinic, patient, series, visit
from domain.minutes import Minutes
from domain.worlds import World, every, worlds
from hypothesis import given, note, settings
from hypothesis import strategies as st

from infusion_cli.domain import rules
from infusion_cli.domain.book import Book, Record
from infusion_cli.domain.case import Case
from infusion_cli.domain.clinic import Chair, Hours
from infusion_cli.domain.protocol import Protocol
from infusion_cli.domain.slots import Query, Slot, find, nearest, occupation
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


@SETTINGS
@given(worlds())
def test_a_chair_is_free_in_exactly_the_open_minutes_that_nothing_takes(world: World) -> None:
    minutes, day = Minutes(world), range_of(world)
    slots = occupation(world.book, world.day, world.day)
    for chair in world.clinic.chairs:
        free = {t for s in slots if s.chair == chair.id and s.status == "free" for t in range(s.start, s.end, 60)}
        assert free == {t for t in day if minutes.is_open(t) and not minutes.is_taken(chair.id, t)}
        shown = {s.subject for s in slots if s.chair == chair.id and s.protocol}
        assert shown == {v.id for v in minutes.live if v.chair == chair.id and v.start < day.stop and v.end > day.start}


def range_of(world: World) -> range:
    """The minutes of the day."""
    return every(1, world.book, world.day, world.day)


TUESDAY = date(2026, 12, 1)
CONSENTING = patient(0, requirements=(("consent", "2026-11-01"),))


def book(*records: Record, **changes: Any) -> Book:
    made = Book(clinic(**changes), NOW, at("2026-11-30T00:00"), at("2026-12-09T00:00"))
    made.add([CONSENTING, *records])
    return made


def query(**changes: Any) -> Query:
    return Query(MOOD, TUESDAY, TUESDAY)._replace(**changes)


def walls(slots: list[Slot]) -> list[str]:
    """Day and time of the slots' starts."""
    return [probe(clinic(), MOOD, s.start).wall[8:].replace("T", " ") for s in slots]


def test_starts_come_in_order_each_once_up_to_the_last_that_ends_by_closing_time() -> None:
    found = walls(list(find(book(), query())))
    assert found == sorted(set(found))
    assert (found[0], found[-1], len(found)) == ("01 08:00", "01 15:15", 30)


def test_between_includes_both_ends() -> None:
    assert walls(list(find(book(), query(between=(540, 570))))) == ["01 09:00", "01 09:15", "01 09:30"]


def test_only_the_weekdays_wanted_are_offered() -> None:
    found = find(book(), query(last=TUESDAY + timedelta(days=6), weekdays=frozenset({2, 4})))
    assert {wall[:2] for wall in walls(list(found))} == {"02", "04"}


def test_only_the_chair_wanted_is_offered_and_none_where_it_does_not_suit() -> None:
    here = book(visit(1, "2026-12-01T09:00", "chair-2"), chairs=(Chair("chair-1", ""), Chair("chair-2", "")))
    assert {s.chairs for s in find(here, query(chair="chair-2"))} == {("chair-2",)}
    assert "01 09:30" not in walls(list(find(here, query(chair="chair-2"))))
    assert list(find(here, query(chair="chair-3"))) == []


def test_with_a_patient_the_next_missing_session_is_offered_with_its_warnings() -> None:
    before = visit(1, "2026-11-30T09:00", of=0, series=series(0).id, session=1)
    found = {s.start: s for s in find(book(series(0), before), query(patient=CONSENTING.id))}
    assert min(found) == at("2026-12-01T09:00")
    assert [w.rule for w in found[at("2026-12-01T09:00")].warnings] == ["gap-tight"]
    assert [w.rule for w in found[at("2026-12-01T10:15")].warnings] == ["gap-tight", "different-time-of-day"]


def test_a_review_that_is_due_before_the_next_session_is_among_its_warnings() -> None:
    reviewed = series(0, course=(COURSE[0]._replace(review_after=1),))
    before = visit(1, "2026-11-25T09:00", of=0, series=reviewed.id, session=1, status="fulfilled")
    here = book(reviewed, before)
    offered = next(find(here, query(patient=CONSENTING.id, between=(540, 540))))
    assert [w.rule for w in offered.warnings] == ["gap-long", "review-due"]


def test_the_chair_of_the_visit_before_comes_first_but_not_that_of_one_later_that_day() -> None:
    later = visit(1, "2026-12-01T14:00", "chair-2", of=0, protocol=CONSULT)
    found = {s.start: s for s in find(book(later), query(protocol=CONSULT, patient=CONSENTING.id))}
    assert found[at("2026-12-01T09:00")].chairs == ("chair-1", "chair-2")
    assert found[at("2026-12-01T15:00")].chairs == ("chair-2", "chair-1")
    assert found[at("2026-12-01T15:00")].chair == "chair-2"


def test_the_nearest_slots_are_told_in_order_of_time() -> None:
    taken = [visit(n, "2026-12-01T09:00", f"chair-{n}") for n in (1, 2)]
    found = nearest(book(*taken), query(), at("2026-12-01T09:00"))
    assert walls(found) == ["01 10:45", "01 11:00", "01 11:15"]


def test_the_nearest_slots_come_from_the_first_days_that_have_enough() -> None:
    closed = block(0, "clinic", "", start=at("2026-12-01T08:00"), end=at("2026-12-01T15:00"))
    wanted, until = at("2026-12-01T09:00"), TUESDAY + timedelta(days=3)
    assert walls(nearest(book(closed), query(last=until), wanted)) == ["01 15:00", "01 15:15", "02 08:00"]
    assert walls(nearest(book(), query(last=until), at("2026-12-01T09:10"), 2)) == ["01 09:00", "01 09:15"]
    assert len(list(islice(find(book(), query(last=until)), 100))) == 100


def test_a_day_of_a_chair_is_told_as_free_busy_held_and_out_of_order() -> None:
    here = book(
        visit(1, "2026-12-01T09:00"),
        visit(2, "2026-12-01T10:45", status="pending"),
        block(0, start=at("2026-12-01T16:00"), end=at("2026-12-02T12:00")),
        chairs=(Chair("chair-1", ""),),
    )
    told = [(wall[3:], s.status, s.subject) for s, wall in with_walls(occupation(here, TUESDAY, TUESDAY))]
    assert told == [
        ("08:00", "free", ""),
        ("09:00", "busy", visit(1).id),
        ("10:45", "busy-tentative", visit(2).id),
        ("12:30", "free", ""),
        ("16:00", "busy-unavailable", block(0).id),
    ]


def with_walls(slots: list[Slot]) -> list[tuple[Slot, str]]:
    return list(zip(slots, walls(slots), strict=True))


def test_a_clinic_that_never_closes_has_free_time_on_every_day() -> None:
    here = book(hours=(Hours(tuple(range(7)), 0, 1440),), chairs=(Chair("chair-1", ""),))
    (slot,) = occupation(here, TUESDAY, TUESDAY)
    assert (slot.start, slot.end, slot.status) == (at("2026-12-01T00:00"), at("2026-12-02T00:00"), "free")
