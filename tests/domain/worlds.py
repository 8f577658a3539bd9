"""Random clinics, books and courses: small enough to be checked by looking at every possibility."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

from builders import patient
from hypothesis import strategies as st

from infusion_cli.domain.book import LIVE, Appointment, Block, Book, Series
from infusion_cli.domain.clinic import Chair, Clinic, Closure, Hours, Practitioner, Shift
from infusion_cli.domain.clinic_time import MINUTE, midnight, zone
from infusion_cli.domain.protocol import Gap, Phase, Protocol, Span, Step
from infusion_cli.domain.visit import probe

DAYS = (
    ("America/New_York", date(2026, 12, 1)),
    ("America/New_York", date(2026, 11, 1)),  # 25 hours
    ("America/New_York", date(2027, 3, 14)),  # 23 hours
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Berlin", date(2027, 3, 28)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # half an hour shorter
    ("Australia/Lord_Howe", date(2027, 4, 4)),  # half an hour longer
)
STATUSES = (*sorted(LIVE), "booked", "booked", "cancelled", "noshow", "entered-in-error", "waitlist")
ALL_DAYS = tuple(range(7))


class World(NamedTuple):
    """A book with a day to look at; `patient` is one of those in it."""

    book: Book
    day: date
    patient: str

    @property
    def clinic(self) -> Clinic:
        return self.book.clinic


def often() -> st.SearchStrategy[bool]:
    """Three times in four."""
    return st.sampled_from((True, True, True, False))


def seldom() -> st.SearchStrategy[bool]:
    """Once in four times."""
    return st.sampled_from((False, False, False, True))


def fives(low: int, high: int) -> st.SearchStrategy[int]:
    """A multiple of five minutes in [low, high]."""
    return st.integers(low // 5, high // 5).map(lambda n: n * 5)


@st.composite
def stretches(draw: st.DrawFn, shortest: int = 30) -> tuple[int, int]:
    """[start, end) within a day, often all of it."""
    if draw(often()):
        return 0, 1440
    start = draw(st.sampled_from((0, 60, 120, 150, 480)) | fives(0, 1440 - shortest))
    return start, draw(st.just(1440) | fives(start + shortest, 1440))


@st.composite
def days_of_week(draw: st.DrawFn) -> tuple[int, ...]:
    """Some weekdays, often all of them."""
    return ALL_DAYS if draw(often()) else tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1))))


@st.composite
def phases(draw: st.DrawFn) -> tuple[Phase, ...]:
    """One to four phases, the last perhaps after the patient has left."""
    made = [
        Phase(
            name=f"phase {n}",
            minutes=draw(st.sampled_from((1, 5, 10, 15, 20, 25, 45))),
            patients_per_nurse=draw(st.sampled_from((0, 2, 3, 4, 7, 1))),
            hands_on=draw(seldom()),
            dosing=draw(seldom()),
            provider_hands=draw(seldom()) and draw(seldom()),
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    if draw(st.booleans()):
        made.append(Phase("turnover", draw(st.sampled_from((5, 10, 15))), after_leave=True))
    return tuple(made)


@st.composite
def spans(draw: st.DrawFn, low: int, high: int) -> Span:
    """A span of [low, high] minutes, in days if that is possible and wanted."""
    if low <= high // 1440 * 1440 and draw(st.booleans()):
        return Span(draw(st.integers(-(-low // 1440), high // 1440)), "d")
    hours = st.integers(-(-low // 60), high // 60)
    return Span(draw(hours), "h") if -(-low // 60) <= high // 60 else Span(low, "m")


@st.composite
def gaps(draw: st.DrawFn, longest: int = 4 * 1440) -> Gap:
    """min <= tight <= ideal <= long, in hours and days as it comes."""
    least = draw(spans(0, longest // 2))
    tight = draw(st.none() | spans(least.minutes, longest))
    low = draw(spans((tight or least).minutes, longest))
    high = draw(spans(low.minutes, longest))
    return Gap(least, tight, (low, high), draw(spans(high.minutes, longest)))


@st.composite
def steps(draw: st.DrawFn, name: str, sessions: int | None) -> Step:
    """A step of a course with a window or without."""
    gap = draw(gaps())
    room = max(0, (sessions or 1) - 1)
    window = draw(st.none() | spans(room * gap.min.minutes, max(room, 1) * 4 * 1440))
    return Step(name, sessions, gap, window, review_before=draw(seldom()))


@st.composite
def courses(draw: st.DrawFn) -> tuple[Step, ...]:
    """One to three steps, the last perhaps open-ended."""
    sizes = draw(st.lists(st.sampled_from((3, 2, 1)), min_size=1, max_size=3))
    made = [draw(steps(f"step {n}", size)) for n, size in enumerate(sizes)]
    if draw(st.booleans()):
        made.append(draw(steps("open", None)))
    return tuple(made)


@st.composite
def protocols(draw: st.DrawFn, name: str) -> Protocol:
    """A protocol with a course."""
    return Protocol(
        id=name,
        title=name,
        phases=draw(phases()),
        course=draw(courses()),
        provider=draw(seldom()),
        requires=("consent",) if draw(seldom()) else (),
        per_protocol_week=draw(st.integers(1, 2)) if draw(seldom()) else None,
    )


@st.composite
def practitioners(draw: st.DrawFn, name: str, role: str) -> Practitioner:
    """Somebody with one or two shifts a week, which may overlap or meet at midnight."""
    shifts = [Shift(draw(days_of_week()), *draw(stretches())) for _ in range(draw(st.integers(1, 2)))]
    return Practitioner(name, role, tuple(shifts))


@st.composite
def clinics(draw: st.DrawFn, timezone: str, day: date) -> Clinic:
    """One to three chairs, up to two nurses and providers, odd hours, a closure now and then."""
    chairs = draw(st.lists(st.sampled_from((("*",), ("*",), ("a",), ("a", "b"), ("b",))), min_size=1, max_size=3))
    people = [("nurse", n) for n in range(draw(st.sampled_from((1, 2, 3, 0))))]
    people += [("provider", n) for n in range(draw(st.sampled_from((1, 2, 0))))]
    closed = draw(st.integers(0, 1)) if draw(seldom()) else None
    return Clinic(
        name="Somewhere",
        public_name="Somewhere",
        timezone=timezone,
        grid=draw(st.sampled_from((5, 10, 15, 20, 30))),
        cancel_notice=Span(24, "h"),
        hours=tuple(Hours(draw(days_of_week()), *draw(stretches())) for _ in range(draw(st.integers(1, 3)))),
        chairs=tuple(Chair(f"chair-{n}", f"Chair {n}", only) for n, only in enumerate(chairs)),
        staff=tuple(draw(practitioners(f"{role}-{n}", role)) for role, n in people),
        protocols=(draw(protocols("a")), draw(protocols("b"))),
        closures=() if closed is None else (Closure(day + timedelta(days=closed), "holiday"),),
    )


@st.composite
def blocks(draw: st.DrawFn, number: int, clinic: Clinic, lo: int, hi: int) -> Block:
    """Something blocked or opened somewhere in the stretch or over its edge."""
    kind = draw(st.sampled_from(("chair", "staff", "clinic", "open", "chair", "open")))
    staff = [s.id for s in clinic.staff]
    named = {"chair": [c.id for c in clinic.chairs], "staff": staff or ["nobody"]}.get(kind, [""])
    start = draw(fives(-60, (hi - lo) // MINUTE))
    length = draw(st.sampled_from((5, 45, 240, 1440)))
    return Block(
        id=f"B{number}",
        kind=kind,
        subject=draw(st.sampled_from(named)),
        start=lo + start * MINUTE,
        end=lo + (start + length) * MINUTE,
        reason="because",
        status=draw(st.sampled_from(("active", "active", "active", "removed"))),
        staff=tuple(draw(st.sets(st.sampled_from(staff)))) if kind == "open" and staff else (),
    )


@st.composite
def visits(
    draw: st.DrawFn, number: int, book: Book, minutes: tuple[int, int], patients: tuple[str, ...]
) -> Appointment:
    """A visit that starts in that stretch, counted in minutes from the book's; perhaps of an old protocol."""
    clinic, who = book.clinic, draw(st.sampled_from(patients))
    protocol = draw(st.sampled_from(clinic.protocols))
    if draw(seldom()):  # as it was before the clinic changed it
        protocol = protocol._replace(phases=draw(phases()))
    start = book.lo + draw(fives(*minutes)) * MINUTE
    chair = draw(st.sampled_from(clinic.chairs)).id
    courses_of = [s for s in book.series.values() if s.patient == who and s.protocol == protocol.id]
    series = draw(st.none() | st.sampled_from(courses_of)) if courses_of else None
    return probe(clinic, protocol, start, patient=who, chair=chair)._replace(
        id=f"A{number}",
        status=draw(st.sampled_from(STATUSES)),
        overrides=("staff-short",) if draw(seldom()) else (),
        series=series.id if series else None,
        session=draw(st.integers(1, series.ordered)) if series else None,
    )


@st.composite
def series(draw: st.DrawFn, number: int, protocol: Protocol, who: str) -> Series:
    """A course of the patient in some state, perhaps with an authorisation."""
    return Series(
        id=f"S{number}",
        patient=who,
        protocol=protocol.id,
        status=draw(st.sampled_from(("active", "active", "active", "on-hold", "completed"))),
        ordered=draw(st.integers(1, max(1, protocol.finite_sessions))),
        course=protocol.course,
        authorised_visits=draw(st.integers(1, 4)) if draw(seldom()) else None,
        authorised_until=draw(st.sampled_from(DAYS))[1].isoformat() if draw(seldom()) else None,
    )


@st.composite
def worlds(draw: st.DrawFn, *, most_visits: int = 12) -> World:
    """A clinic around some day with blocks, visits of several patients and perhaps a course of one."""
    timezone, day = draw(st.sampled_from(DAYS))
    clinic, tz = draw(clinics(timezone, day)), zone(timezone)
    lo, hi = midnight(day - timedelta(days=1), tz), midnight(day + timedelta(days=3), tz)
    now = draw(st.sampled_from((lo, lo, midnight(day, tz) + 9 * 3600, midnight(day, tz) + 3 * 3600 + 77)))
    book = Book(clinic, now, lo, hi)
    consented = day + timedelta(days=draw(st.sampled_from((-30, 0, 1))))
    requirements = () if draw(seldom()) else (("consent", consented.isoformat()),)
    on_hold = draw(seldom()) and draw(seldom())
    book.put(patient(0, requirements=requirements, status="on-hold" if on_hold else "active"))
    who = (patient(0).id, *(patient(n).id for n in range(1, 5)))
    for n in range(draw(st.integers(0, 2))):
        book.put(draw(series(n, draw(st.sampled_from(clinic.protocols)), who[0])))
    book.add(draw(blocks(n, clinic, lo, hi)) for n in range(draw(st.integers(0, 3))))
    for n in range(draw(st.integers(0, most_visits))):
        book.put(draw(visits(n, book, (1440 - 120, 2 * 1440), who[1:])))
    for n in range(draw(st.sampled_from((0, 1, 2)))):  # far enough from the day for gaps and weeks to matter
        book.put(draw(visits(100 + n, book, (-6 * 1440, 9 * 1440), who[:1])))
    return World(book, day, who[0])


def every(minutes: int, book: Book, first: date, last: date) -> range:
    """Instants so many minutes apart over the local days from `first` to `last`."""
    tz = zone(book.clinic.timezone)
    return range(midnight(first, tz), midnight(last + timedelta(days=1), tz), minutes * MINUTE)


def copy_of(book: Book, **changes: Any) -> Book:
    """Another book with the same records; `changes` names another clinic, now, lo or hi."""
    given = {name: changes.get(name, getattr(book, name)) for name in ("clinic", "now", "lo", "hi")}
    fresh = Book(given["clinic"], given["now"], given["lo"], given["hi"])
    for records in (book.patients, book.series, book.blocks, book.appointments):
        fresh.add(records.values())
    return fresh
