"""Random courses to be placed: in clinics of every kind, and in crowded ones where each choice has its price."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from builders import patient
from domain.worlds import (
    ALL_DAYS,
    DAYS,
    blocks,
    days_of_week,
    practitioners,
    protocols,
    seldom,
    series,
    visits,
)
from hypothesis import strategies as st

from infusion_cli.domain.book import Book
from infusion_cli.domain.clinic import Chair, Clinic, Hours, Practitioner, Shift
from infusion_cli.domain.clinic_time import MINUTE, midnight, zone
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.domain.series import CourseAsk
from infusion_cli.domain.visit import probe


@st.composite
def asks(draw: st.DrawFn, protocol: Protocol, who: str, day: date) -> CourseAsk:
    """A course of up to four sessions within about a week, filtered or not."""
    between = draw(st.sampled_from(((540, 600), (600, 660), (545, 575))))
    most = 4 if protocol.course[-1].sessions is None else protocol.finite_sessions
    return CourseAsk(
        patient=who,
        protocol=protocol,
        sessions=min(most, draw(st.sampled_from((3, 2, 4, 3, 1)))),
        from_day=day,
        to_day=day + timedelta(days=draw(st.integers(3, 8))),
        between=between if draw(seldom()) else None,
        weekdays=frozenset(draw(st.sets(st.integers(0, 6), min_size=3))) if draw(seldom()) else None,
        relax=draw(seldom()),
    )


@st.composite
def planning_worlds(draw: st.DrawFn) -> tuple[Book, CourseAsk]:
    """A clinic with few starts a day, a random busy book, and a course to be placed in it."""
    timezone, day = draw(st.sampled_from(DAYS))
    day -= timedelta(days=draw(st.integers(0, 4)))
    tz = zone(timezone)
    protocol = draw(protocols("a"))
    opens = draw(st.sampled_from((0, 540, 540, 1260)))
    clinic = Clinic(
        name="Somewhere",
        public_name="Somewhere",
        timezone=timezone,
        grid=draw(st.sampled_from((20, 30))),
        cancel_notice=Span(24, "h"),
        hours=(Hours(ALL_DAYS, opens, opens + min(protocol.minutes, 60) + draw(st.sampled_from((30, 60, 120)))),),
        chairs=tuple(Chair(f"chair-{n}", f"Chair {n}") for n in range(draw(st.integers(1, 2)))),
        staff=tuple(
            [Practitioner(f"nurse-{n}", "nurse", (Shift(draw(days_of_week()), 0, 1440),)) for n in range(2)]
            + [draw(practitioners("provider-0", "provider"))]
        ),
        protocols=(protocol, draw(protocols("b"))),
    )
    lo, hi = midnight(day, tz), midnight(day + timedelta(days=11), tz)
    book = Book(clinic, lo, lo, hi)
    consented = day + timedelta(days=draw(st.sampled_from((-30, 0, 2))))
    book.put(patient(0, requirements=() if draw(seldom()) else (("consent", consented.isoformat()),)))
    who = (patient(0).id, *(patient(n).id for n in range(1, 4)))
    if draw(seldom()):
        book.put(draw(series(0, protocol, who[0])))
    book.add(draw(blocks(n, clinic, lo, hi)) for n in range(draw(st.integers(0, 2))))
    for n in range(draw(st.integers(0, 10))):
        of = around_opening(draw(st.integers(0, 8)), opens)
        book.put(draw(visits(n, book, of, who[1:])))
    for n in range(draw(st.sampled_from((0, 0, 1, 2)))):
        book.put(draw(visits(100 + n, book, around_opening(draw(st.integers(-6, 12)), opens), who[:1])))
    return book, draw(asks(protocol, who[0], day))


def around_opening(day: int, opens: int) -> tuple[int, int]:
    """Minutes from the book's begin around the opening of its n-th day."""
    return day * 1440 + opens - 60, day * 1440 + opens + 120


def span(text: str) -> Span:
    """`24h` as a span."""
    return Span(int(text[:-1]), text[-1])


def gap(least: str, tight: str, ideal: str, longest: str) -> Gap:
    """A gap as a clinic writes it; empty where there is none."""
    low, high = ideal.split("-")
    return Gap(span(least), span(tight) if tight else None, (span(low), span(high)), span(longest) if longest else None)


GAPS = (
    gap("1d", "", "2d-3d", "4d"),
    gap("24h", "48h", "2d-4d", "5d"),
    gap("20h", "47h", "50h-70h", "75h"),
    gap("23h", "", "24h-25h", "49h"),
    gap("0h", "2h", "1d-1d", "2d"),
    gap("1h", "1d", "26h-2d", "97h"),
    gap("2d", "3d", "3d-3d", ""),
)
WINDOWS = (None, None, span("4d"), span("5d"), span("6d"), span("47h"), span("73h"), span("101h"), span("150h"))


def crowded_world(seed: int) -> tuple[Book, CourseAsk]:
    """Five or six starts a day in up to three chairs, each taken or not by itself; the patient may have visits already.

    By a seed and not drawn piece by piece: no two alike, where the pieces would mostly be drawn simple.
    """
    rnd = Random(seed)
    timezone, day = rnd.choice(DAYS)
    day -= timedelta(days=rnd.randrange(6))
    tz, opens = zone(timezone), rnd.choice((0, 60, 600, 1290))
    sizes = rnd.choice(((4,), (2, 2), (3,), (1, 3), (3, 1), (2, 1, 1)))
    course = tuple(Step(f"step {n}", size, rnd.choice(GAPS), rnd.choice(WINDOWS)) for n, size in enumerate(sizes))
    phases = (Phase("drug", rnd.choice((30, 30, 50)), dosing=rnd.random() < 0.5),)
    protocol = Protocol("crowded", "Crowded", phases, course, per_protocol_week=rnd.choice((None, None, 1, 2, 3)))
    chairs = tuple(Chair(f"chair-{n}", "") for n in range(rnd.randint(1, 3)))
    hours = (Hours(ALL_DAYS, opens, opens + 180),)
    clinic = Clinic("Crowded", "Crowded", timezone, 30, Span(24, "h"), hours, chairs, (), (protocol,))
    book = Book(clinic, midnight(day, tz), midnight(day, tz), midnight(day + timedelta(days=40), tz))
    book.put(patient(0))
    crowd(book, rnd, [midnight(day + timedelta(days=n), tz) + opens * MINUTE for n in range(10)])
    for n in range(rnd.choice((0, 0, 1, 2, 4))):
        late, slot = rnd.randint(-8, 12), rnd.randrange(5)
        start = midnight(day + timedelta(days=late), tz) + (opens + 30 * slot) * MINUTE
        lived = probe(clinic, protocol, start, patient=patient(0).id, chair="elsewhere")
        book.put(lived._replace(id=f"L{n}", status="booked"))
    until = day + timedelta(days=rnd.randint(5, 9))
    return book, CourseAsk(patient(0).id, protocol, sum(sizes), day, until, relax=rnd.random() < 0.2)


def crowd(book: Book, rnd: Random, openings: list[int]) -> None:
    """Take some of the five half hours of each day in each chair."""
    protocol, share = book.clinic.protocols[0], rnd.choice((0.3, 0.6, 0.85))
    for first in openings:
        for n, chair in enumerate(book.clinic.chairs * 5):
            start = first + n // len(book.clinic.chairs) * 30 * MINUTE
            if rnd.random() < share:
                taken = probe(book.clinic, protocol, start, patient=f"P-{start}-{chair.id}", chair=chair.id)
                book.put(taken._replace(id=f"A-{start}-{chair.id}"))


crowded_worlds = st.integers(0, 2**32 - 1).map(crowded_world)
