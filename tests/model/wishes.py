"""What desks want, at random: small numbers that pick among the people, visits and days that there are."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple, TypeVar

from builders import CONSULT, MOOD, PHASES, WEEK, at, clinic, nurse, patient, provider
from hypothesis import strategies as st

from infusion_cli.domain.clinic import Chair, Closure, Hours
from infusion_cli.domain.clinic_time import local_date, zone
from infusion_cli.domain.protocol import Phase, Protocol
from infusion_cli.services.booking import Override

T = TypeVar("T")

QUICK = Protocol("iv-quick", "Quick", (Phase("infusion", 30, patients_per_nurse=1, dosing=True), PHASES[-1]))
HARBOR = clinic(protocols=(MOOD, CONSULT, QUICK))
ROOMY = (*HARBOR.chairs, Chair("chair-3", "Attic", ("iv-quick", "consult")))
CLINICS = (
    HARBOR,
    HARBOR._replace(chairs=ROOMY, staff=(nurse(1), nurse(2), nurse(3), provider(1), provider(2))),
    HARBOR._replace(staff=(nurse(1), provider(1))),
    HARBOR._replace(staff=(nurse(1), nurse(2))),
    HARBOR._replace(staff=()),
    HARBOR._replace(chairs=HARBOR.chairs[:1]),
    HARBOR._replace(protocols=(MOOD._replace(phases=PHASES[1:]), CONSULT)),
    HARBOR._replace(
        hours=(Hours(WEEK, 600, 960),), closures=(Closure(local_date(1_796_200_000, zone("UTC")), "fair"),)
    ),
    HARBOR._replace(timezone="America/Chicago"),
)
"""The clinic, and what its file may become: more of everything, less of this or that."""
PEOPLE = (
    *(patient(n, requirements=(("consent", "2026-11-16"),)) for n in range(6)),
    patient(6, name="Zoë O'Neill-Smith"),
    patient(7, name="Ada Lovelace", status="on-hold", requirements=(("consent", "2026-11-16"),)),
)
NAMES = ("Grace Hopper", "İpek Straße", "e\u0301lan \u202evital", "李 小龍 😀", "ada example")
TEXTS = ("ill", "Zoë’s „lift“ \u2067", "😀\n'; --")
STAFF_SHORT = Override(("staff-short",), "the nurse of the ward helps out")
OVERRIDES = (STAFF_SHORT, Override(("gap-too-short",), "agreed"), Override(("chair-busy",), "no"), Override(("x",)))


class Time(NamedTuple):
    """A time of day so many working days after the clock's."""

    days: int
    minute: int

    def text(self, now: int) -> str:
        """As it is typed, e.g. `2026-12-01T09:00`."""
        day = local_date(now, zone(HARBOR.timezone))
        for _ in range(self.days):
            day += timedelta(days=3 if day.weekday() == 4 else 1)
        return f"{day}T{self.minute // 60:02}:{self.minute % 60:02}"

    def instant(self, now: int) -> int:
        """In seconds since 1970 UTC."""
        return at(self.text(now))


class How(NamedTuple):
    """How a command is carried out; `key` numbers an idempotency key."""

    key: int | None
    is_dry_run: bool


@st.composite
def mostly(draw: st.DrawFn, usual: st.SearchStrategy[T], *seldom: T) -> T:
    """One of the usual ones, now and then another."""
    # `st.one_of` would take equal branches as one, and so choose the seldom ones every other time.
    return draw(st.sampled_from(seldom) if draw(st.integers(0, 9)) == 9 else usual)


def one_of(*equally: T) -> st.SearchStrategy[T]:
    """One of these."""
    return st.sampled_from(equally)


some = st.integers(0, 11)
"""One of what there is, counted round and round."""
whoever = mostly(some, -1, -2, -3, -4)
"""The same, or somebody by another name than the id."""
minutes = mostly(st.integers(32, 60).map(lambda quarter: quarter * 15), 420, 547, 1005)
times = st.builds(Time, st.integers(0, 4), minutes)
protocols = mostly(one_of("iv-mood", "iv-quick", "consult"), "iv-mod")
chairs = mostly(one_of("", "", "chair-1", "Garden"), "chair-3")
holds = one_of("", "", "10m", "30m", "2h")
overrides = mostly(st.just(Override()), *OVERRIDES)
texts = mostly(one_of(*TEXTS), " ", "")
names = mostly(one_of(*NAMES), "", " \x00 ", "x" * 201)
hows = st.builds(How, mostly(st.none() | st.integers(2, 40), 0, 1), mostly(st.just(value=False), True))
delays = mostly(st.integers(0, 30), -60, 1500)
"""By how many minutes somebody is late."""
ACTIONS = ("book", "hold", "series", "move", "cancel", "confirm", "no-show", "block")
STEPS = ("arrive", "start", "no-show", "finish")
PLACES = ("chair-1", "chair-2", "chair-1", "chair-2", "chair-3")
STATES = ("booked", "booked", "pending", "fulfilled", "cancelled")
