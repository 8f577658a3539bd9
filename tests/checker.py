"""An independent check of a book: every minute of every live visit is added up again.

It shares no line with the program: it reads the tables of records by plain SQL and never the claims,
and knows the rules from their description only. So a mistake of the program is not repeated here.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from outside import Outside, Where

LIVE = ("proposed", "pending", "booked", "arrived", "checked-in", "fulfilled")
ONE_NURSE = 2520
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Record = dict[str, Any]
Fields = dict[str, Any]
"""Part of the clinic's file."""


class Fault(NamedTuple):
    """Something wrong in every minute (since 1970 UTC) of `minutes`; none when it is about no minute."""

    what: str
    minutes: tuple[int, ...] = ()


def visits(path: Where) -> dict[str, Record]:
    """Every row of `appointment` by id, live or not, its JSON columns read."""
    with Outside(path) as book:
        found = {row["id"]: row for row in book.rows("SELECT * FROM appointment")}
    for visit in found.values():
        visit["phases"] = [_phase(p) for p in json.loads(visit["phases"])]
        visit["overrides"] = json.loads(visit["overrides"])
    return found


def operations(path: Where) -> dict[str, Record]:
    """Every operation of the journal by id, with its number and its changes."""
    query = "SELECT o.id, o.seq, o.command, p.changes FROM operation AS o JOIN payload AS p USING (clinic_id, seq)"
    with Outside(path) as book:
        found = book.rows(query)
    return {row["id"]: row | {"changes": json.loads(row["changes"] or "[]")} for row in found}


def problems(path: Where) -> list[str]:
    """Everything that is wrong with a book, one line each; empty when it is sound."""
    return [fault.what for fault in faults(path)]


def overbooked_minutes(path: Where) -> int:
    """Minutes of chairs, patients, hands, attention and providers in which more is taken than there is."""
    return sum(len(fault.minutes) for fault in faults(path) if fault.what.startswith("overbooked"))


def faults(path: Where) -> list[Fault]:
    """Everything that is wrong with a book."""
    with Outside(path) as book:
        clinic = json.loads(book.rows("SELECT data FROM clinic")[0]["data"])
        blocks = book.rows("SELECT * FROM block WHERE status = 'active'")
        courses = {row["id"]: json.loads(row["course"]) for row in book.rows("SELECT id, course FROM series")}
        integrity = "ok" if book.is_server else book.rows("PRAGMA integrity_check")[0]["integrity_check"]
    live = [v for v in visits(path).values() if v["status"] in LIVE]
    supply = _Supply(clinic, blocks)
    found = [] if integrity == "ok" else [Fault(f"the file is damaged: {integrity}")]
    found += _overbooked(live, supply)
    for visit in live:
        found += _misplaced(visit, supply)
    for own in _grouped(live, "patient").values():
        found += _courses(own, supply, courses)
    return found


class _Supply:
    """What there is in a minute, by the wall clock of the clinic's zone."""

    def __init__(self, clinic: Fields, blocks: Sequence[Record]) -> None:
        self.clinic = clinic
        self.zone = ZoneInfo(clinic["clinic"]["timezone"])
        self.chairs = {c["id"]: c["protocols"] for c in clinic["chairs"]}
        self.protocols = {p["id"]: p for p in clinic["protocols"]}
        self._closures = {c["date"] for c in clinic["closures"]}
        self._blocks: dict[str, list[Record]] = defaultdict(list)
        for block in blocks:
            self._blocks[block["kind"]].append(block | {"staff": json.loads(block["staff"])})
        # Many visits share a minute.
        self.wall = cache(self._wall)
        self.people = cache(self._count)
        self.is_open = cache(self._opened)
        self.is_closed = cache(self._closed)

    def day(self, visit: Record) -> date:
        return self.wall(visit["start"] // 60).date()

    def is_out_of_order(self, chair: str, minute: int) -> bool:
        return any(b["subject"] == chair for b in self._now("chair", minute))

    def _wall(self, minute: int) -> datetime:
        return datetime.fromtimestamp(minute * 60, self.zone)

    def _count(self, role: str, minute: int) -> int:
        return sum(p["role"] == role and self._on_duty(p, minute) for p in self.clinic["staff"])

    def _opened(self, minute: int) -> bool:
        return self._within(self.clinic["hours"], "open", "close", minute) or any(self._now("open", minute))

    def _closed(self, minute: int) -> bool:
        return self.wall(minute).date().isoformat() in self._closures or any(self._now("clinic", minute))

    def _on_duty(self, person: Fields, minute: int) -> bool:
        if any(b["subject"] == person["id"] for b in self._now("staff", minute)):
            return False
        extra = any(not b["staff"] or person["id"] in b["staff"] for b in self._now("open", minute))
        return extra or self._within(person["shifts"], "from", "to", minute)

    def _within(self, hours: Iterable[Fields], first: str, last: str, minute: int) -> bool:
        wall = self.wall(minute)
        clock, weekday = f"{wall.hour:02}:{wall.minute:02}", WEEKDAYS[wall.weekday()]
        return any(weekday in h["days"] and h[first] <= clock < h[last] for h in hours)

    def _now(self, kind: str, minute: int) -> Iterator[Record]:
        """Blocks of a kind that touch the minute."""
        return (b for b in self._blocks[kind] if b["start"] < minute * 60 + 60 and minute * 60 < b["end"])


def _overbooked(live: Sequence[Record], supply: _Supply) -> Iterator[Fault]:
    takers: dict[tuple[str, str], dict[int, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    for visit in live:
        for kind, ref, minute, units in _takes(visit):
            takers[kind, ref][minute].append((visit["id"], units))
    for (kind, ref), minutes in takers.items():
        over: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for minute, taken in minutes.items():
            if sum(units for _, units in taken) > _room(kind, minute, supply):
                over[tuple(sorted({visit for visit, _ in taken}))].append(minute)
        for who, when in over.items():
            yield Fault(f"overbooked: {kind} {ref} {_stretch(when, supply)} by {', '.join(who)}", tuple(when))


def _takes(visit: Record) -> Iterator[tuple[str, str, int, int]]:
    """(kind, which, minute, units) for everything that a visit takes."""
    first, last = visit["start"] // 60, -(-visit["end"] // 60)
    for minute in range(first, last):
        yield "chair", visit["chair"], minute, 1
        yield "patient", visit["patient"], minute, 1
    if "staff-short" in visit["overrides"]:
        return
    for phase, minutes in _by_phase(visit):
        for minute in minutes:
            if phase["hands_on"]:
                yield "hands", "", minute, 1
            if phase["patients_per_nurse"]:
                yield "attention", "", minute, ONE_NURSE // phase["patients_per_nurse"]
            if phase["provider_hands"]:
                yield "provider", "", minute, 1


def _room(kind: str, minute: int, supply: _Supply) -> int:
    if kind in {"chair", "patient"}:
        return 1
    if kind == "provider":
        return supply.people("provider", minute)
    return supply.people("nurse", minute) * (ONE_NURSE if kind == "attention" else 1)


def _misplaced(visit: Record, supply: _Supply) -> Iterator[Fault]:
    name, chair, protocol = visit["id"], visit["chair"], supply.protocols.get(visit["protocol"], {})
    minutes = range(visit["start"] // 60, -(-visit["end"] // 60))
    length = sum(p["minutes"] for p in visit["phases"])
    if visit["start"] % 60 or visit["end"] != visit["start"] + length * 60:
        yield Fault(f"{name} is not as long as its phases")
    if visit["leave"] != visit["start"] + sum(p["minutes"] for p in visit["phases"] if not p["after_leave"]) * 60:
        yield Fault(f"{name} lets the patient leave at another time than its phases")
    wall = supply.wall(minutes[0])
    if f"{wall:%Y-%m-%dT%H:%M}" != visit["wall"]:
        yield Fault(f"{name} was told as {visit['wall']} and begins at {wall}")
    if (wall.hour * 60 + wall.minute) % supply.clinic["clinic"]["grid"]:
        yield Fault(f"{name} is off the grid")
    if chair not in supply.chairs:
        yield Fault(f"{name} is in {chair}, which there is not")
    elif not {"*", visit["protocol"]} & set(supply.chairs[chair]):
        yield Fault(f"{name} is in {chair}, which is not for {visit['protocol']}")
    if sum(p["minutes"] for p in visit["phases"] if p["observation"]) < protocol.get("observation_minimum", 0):
        yield Fault(f"{name} is observed for too short a time")
    yield from _wrong_minutes(f"{name} is outside hours", minutes, lambda m: not supply.is_open(m), supply)
    yield from _wrong_minutes(f"{name} is in a closure", minutes, supply.is_closed, supply)
    broken = f"{name} is in {chair} while it is out of order"
    yield from _wrong_minutes(broken, minutes, lambda m: supply.is_out_of_order(chair, m), supply)
    if protocol.get("provider"):
        present = _presence(visit)
        absent = f"{name} is without a provider on site"
        yield from _wrong_minutes(absent, present, lambda m: not supply.people("provider", m), supply)


def _presence(visit: Record) -> range:
    """From dosing to leave; the whole visit without dosing."""
    dosing = [minutes[0] for phase, minutes in _by_phase(visit) if phase["dosing"] and minutes]
    if dosing:
        return range(dosing[0], visit["leave"] // 60)
    return range(visit["start"] // 60, visit["end"] // 60)


def _wrong_minutes(
    what: str, minutes: Iterable[int], is_wrong: Callable[[int], bool], supply: _Supply
) -> Iterator[Fault]:
    wrong = [m for m in minutes if is_wrong(m)]
    if wrong:
        yield Fault(f"{what} {_stretch(wrong, supply)}", tuple(wrong))


def _courses(own: Sequence[Record], supply: _Supply, courses: dict[str, list[Fields]]) -> Iterator[Fault]:
    """What is wrong between the visits of one patient."""
    dosed = Counter(supply.day(v) for v in own if any(p["dosing"] for p in v["phases"]))
    for day, count in dosed.items():
        if count > 1:
            yield Fault(f"{own[0]['patient']} has {count} visits with dosing on {day}")
    for name, same in _grouped(own, "protocol").items():
        protocol = supply.protocols.get(name, {})
        for earlier, later in pairwise(same):
            least = _least_gap(later, protocol, courses)
            is_overridden = "gap-too-short" in {*earlier["overrides"], *later["overrides"]}
            if least and not is_overridden and _is_shorter(earlier, later, least, supply):
                yield Fault(f"the gap from {earlier['id']} to {later['id']} is shorter than {least}")
        yield from _weeks(same, protocol.get("per_protocol_week"), supply)


def _weeks(same: Sequence[Record], limit: int | None, supply: _Supply) -> Iterator[Fault]:
    first = supply.day(same[0])
    weeks = Counter((supply.day(v) - first).days // 7 for v in same)
    for week, count in weeks.items():
        if limit is not None and count > limit:
            yield Fault(f"{same[0]['patient']} has {count} visits in week {week + 1} of {same[0]['protocol']}")


def _least_gap(later: Record, protocol: Fields, courses: dict[str, list[Fields]]) -> str | None:
    """The `min` of the session's own step, or the smallest of the course for a lone visit."""
    if later["series"] and later["session"]:
        before = 0
        for step in courses[later["series"]]:
            before += later["session"] if step["sessions"] == "open" else step["sessions"]
            if later["session"] <= before:
                return str(step["gap"]["min"])
    return min((step["gap"]["min"] for step in protocol.get("course", ())), key=_seconds, default=None)


def _is_shorter(earlier: Record, later: Record, least: str, supply: _Supply) -> bool:
    if least.endswith("d"):
        return (supply.day(later) - supply.day(earlier)).days < int(least[:-1])
    return bool(later["start"] - earlier["start"] < _seconds(least))


def _seconds(span: str) -> int:
    return int(span[:-1]) * {"m": 60, "h": 3600, "d": 86_400}[span[-1]]


def _by_phase(visit: Record) -> Iterator[tuple[Fields, range]]:
    at = visit["start"] // 60
    for phase in visit["phases"]:
        yield phase, range(at, at + phase["minutes"])
        at += phase["minutes"]


def _phase(written: Fields) -> Fields:
    switches = ("hands_on", "dosing", "observation", "after_leave", "provider_hands")
    return {"patients_per_nurse": 0, **dict.fromkeys(switches, False), **written}


def _grouped(live: Iterable[Record], column: str) -> dict[str, list[Record]]:
    """The visits by a column, each group in order of start."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for visit in sorted(live, key=lambda v: (v["start"], v["id"])):
        groups[visit[column]].append(visit)
    return groups


def _stretch(minutes: Sequence[int], supply: _Supply) -> str:
    return f"{supply.wall(min(minutes)):%Y-%m-%d %H:%M} to {supply.wall(max(minutes) + 1):%H:%M}"
