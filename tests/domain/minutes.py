"""A world counted minute by minute from its raw definitions, sharing no code with what is tested."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.worlds import World

from infusion_cli.domain.book import LIVE
from infusion_cli.domain.clinic import Practitioner
from infusion_cli.domain.protocol import Phase, Protocol


class Walls:
    """What the wall clock shows in every minute around a day, and back."""

    def __init__(self, timezone: str, day: date) -> None:
        tz = ZoneInfo(timezone)
        begin = int(datetime(day.year, day.month, day.day, tzinfo=tz).timestamp()) - 3 * 86_400
        self.shown = {
            t: datetime.fromtimestamp(t, tz).replace(tzinfo=None) for t in range(begin, begin + 8 * 86_400, 60)
        }
        self.first: dict[datetime, int] = {}
        for instant, wall in self.shown.items():
            self.first.setdefault(wall, instant)

    def instant(self, day: date, minute: int) -> int:
        """The first instant that shows the time; a time that is skipped counts on from before the gap."""
        wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
        back = 0
        while wall - timedelta(minutes=back) not in self.first:
            back += 1
        return self.first[wall - timedelta(minutes=back)] + back * 60


class Minutes:
    """Every minute of a world by itself: open or not, who is on duty, which chairs are taken."""

    def __init__(self, world: World) -> None:
        self.book, self.clinic = world.book, world.clinic
        self.walls = Walls(world.clinic.timezone, world.day)
        self.days = [world.day + timedelta(days=n) for n in range(-2, 4)]
        self.active = [b for b in self.book.blocks.values() if b.status == "active"]
        self.live = [v for v in self.book.appointments.values() if v.status in LIVE]
        self.hours = self._weekly([(h.days, h.open, h.close) for h in self.clinic.hours])
        self.shifts = {s.id: self._weekly([(h.days, h.start, h.end) for h in s.shifts]) for s in self.clinic.staff}

    def _weekly(self, rules: list[tuple[tuple[int, ...], int, int]]) -> set[int]:
        stretches = [
            range(self.walls.instant(day, start), self.walls.instant(day, end), 60)
            for day in self.days
            for days, start, end in rules
            if day.weekday() in days
        ]
        return {t for stretch in stretches for t in stretch}

    def is_open(self, t: int) -> bool:
        opened = t in self.hours or any(b.kind == "open" and b.start <= t < b.end for b in self.active)
        holiday = any(c.date == self.walls.shown[t].date() for c in self.clinic.closures)
        return opened and not holiday and not any(b.kind == "clinic" and b.start <= t < b.end for b in self.active)

    def is_there(self, person: Practitioner, t: int) -> bool:
        now = [b for b in self.active if b.start <= t < b.end]
        called = any(b.kind == "open" and (not b.staff or person.id in b.staff) for b in now)
        away = any(b.kind == "staff" and b.subject == person.id for b in now)
        return (called or t in self.shifts[person.id]) and not away

    def count(self, role: str, t: int) -> int:
        return sum(s.role == role and self.is_there(s, t) for s in self.clinic.staff)

    def is_taken(self, chair: str, t: int) -> bool:
        return any(b.kind == "chair" and b.subject == chair and b.start <= t < b.end for b in self.active) or any(
            v.chair == chair and v.start <= t < v.end for v in self.live
        )

    def running(self, t: int) -> list[Phase]:
        """The phases, of visits that count for the staff, which are going on in that minute."""
        claiming = (v for v in self.live if "staff-short" not in v.overrides)
        return [p for v in claiming if (p := phase_at(v.phases, (t - v.start) // 60)) is not None]

    def chairs_for(self, protocol: Protocol, start: int) -> set[str]:
        """The chairs in which the visit may begin then."""
        minutes = [start + 60 * n for n in range(protocol.minutes)]
        if start < self.book.now or self.walls.shown[start].minute % self.clinic.grid:
            return set()
        if not all(self.is_open(t) for t in minutes):
            return set()
        if not all(self.is_staffed(protocol, n, t) for n, t in enumerate(minutes)):
            return set()
        suitable = [c.id for c in self.clinic.chairs if {"*", protocol.id} & set(c.protocols)]
        return {c for c in suitable if not any(self.is_taken(c, t) for t in minutes)}

    def is_staffed(self, protocol: Protocol, n: int, t: int) -> bool:
        here, others = phase_at(protocol.phases, n), self.running(t)
        assert here is not None
        nurses, providers = self.count("nurse", t), self.count("provider", t)
        together = [*others, here]
        attention = sum(Fraction(1, p.patients_per_nurse) for p in together if p.patients_per_nurse)
        return (
            (not here.hands_on or sum(p.hands_on for p in together) <= nurses)
            and (not here.patients_per_nurse or attention <= nurses)
            and (not here.provider_hands or sum(p.provider_hands for p in together) <= providers)
            and (not (protocol.provider and n in on_site(protocol)) or providers > 0)
        )


def phase_at(phases: tuple[Phase, ...], minute: int) -> Phase | None:
    for phase in phases if minute >= 0 else ():
        if minute < phase.minutes:
            return phase
        minute -= phase.minutes
    return None


def on_site(protocol: Protocol) -> range:
    """Minutes from dosing to leave; all of them where there is no dosing."""
    dosing = [n for n in range(protocol.minutes) if (p := phase_at(protocol.phases, n)) and p.dosing]
    staying = [n for n in range(protocol.minutes) if (p := phase_at(protocol.phases, n)) and not p.after_leave]
    return range(dosing[0], staying[-1] + 1) if dosing else range(protocol.minutes)
