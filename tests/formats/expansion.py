"""A second reader of calendar files, slow and simple, that shares no code with the program.

The icalendar library reads values and zones, dateutil follows the rules. What it says is what the
program has to say too, wherever a file can be read at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrulestr
from icalendar import Calendar
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

Span = tuple[int, int]


class Clocks(NamedTuple):
    """The zone of days, and that of times without a zone."""

    days: tzinfo
    times: tzinfo


_DAY = timedelta(days=1)


class Event(NamedTuple):
    """A VEVENT as this reader needs it; times are dates, naive or aware."""

    component: Any
    start: Any
    original: Any
    sequence: int


def spans(data: bytes, clinic: ZoneInfo, lo: int, hi: int) -> set[Span]:
    """Every busy stretch that touches [lo, hi), on full minutes; raises ValueError for a file it cannot read."""
    tzp.use_default()  # else the zones that another file describes are remembered
    found: set[Span] = set()
    for calendar in Calendar.from_ical(_as_agreed(data), multiple=True):
        named = str(calendar.get("X-WR-TIMEZONE", ""))
        name = WINDOWS_TO_OLSON.get(named, named)
        floating = ZoneInfo(name) if name in available_timezones() else clinic
        found |= set(_of_calendar(calendar, Clocks(clinic, floating), lo, hi))
    return {
        (max(0, start // 60 * 60), -(-end // 60) * 60)
        for start, end in found
        if end > lo and start < hi and end > start
    }


def _as_agreed(data: bytes) -> bytes:
    """The file with what readers disagree about put as the program means it."""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    text = re.sub(r"\n+[ \t]", "", text)
    # A zone that is known is the one that is known, whatever the file says of it.
    for described in re.findall(r"(?ms)^BEGIN:VTIMEZONE.*?^END:VTIMEZONE\s+", text):
        name = re.search(r"(?m)^TZID:(.*)$", described)
        if name and name[1].strip() in {*WINDOWS_TO_OLSON, *available_timezones()}:
            text = text.replace(described, "")
    # What ends in Z is UTC, though a zone be named.
    text = re.sub(r"(?m)^(DTSTART|DTEND|RECURRENCE-ID);TZID=[^:;\r\n]*:(\d{8}T\d{6}Z)", r"\1:\2", text)
    # Blanks after commas, semicolons without a parameter, and lists without a value.
    text = re.sub(r"(?m)^RRULE:.*$", lambda m: m.group().replace(", ", ","), text)
    text = re.sub(r"(?m)^(\w+);;", r"\1;", text)
    text = re.sub(r"(?m)^(RDATE|EXDATE)[^:\r\n]*:\r?\n", "", text)
    # What is said of anything but time.
    wanted = "BEGIN|END|UID|SEQUENCE|STATUS|TRANSP|ATTENDEE|METHOD|DTSTART|DTEND|DURATION|RRULE|EXRULE|RDATE|EXDATE"
    wanted += "|RECURRENCE-ID|FREEBUSY|X-WR-TIMEZONE|TZID|TZOFFSETFROM|TZOFFSETTO"
    text = re.sub(r"(?ms)^BEGIN:VALARM.*?^END:VALARM\s+", "", text)
    return "".join(re.findall(rf"(?mi)^(?:{wanted})[;:].*\n?", text)).encode()


def _of_calendar(calendar: Any, clocks: Clocks, lo: int, hi: int) -> Iterator[Span]:
    groups: dict[str, list[Event]] = {}
    for n, component in enumerate(calendar.subcomponents):
        if component.name == "VFREEBUSY":
            yield from _free_busy(component, clocks)
        if component.name == "VEVENT":
            original = component.get("RECURRENCE-ID")
            start = component.get("DTSTART")
            event = Event(
                component,
                start.dt if start else None,
                original.dt if original else None,
                int(component.get("SEQUENCE", 0)),
            )
            groups.setdefault(str(component.get("UID", n)), []).append(event)
    for events in groups.values():
        yield from _of_uid(events, clocks, lo, hi, is_cancel=calendar.get("METHOD") == "CANCEL")


def _free_busy(component: Any, clocks: Clocks) -> Iterator[Span]:
    given = component.get("FREEBUSY", [])
    for listed in given if isinstance(given, list) else [given]:
        for period in listed.dts if hasattr(listed, "dts") else [listed]:
            if (listed.params.get("FBTYPE") or period.params.get("FBTYPE") or "BUSY") != "FREE":
                start, end = period.dt
                yield _instant(start, clocks), _end(start, end, clocks)


def _of_uid(events: list[Event], clocks: Clocks, lo: int, hi: int, *, is_cancel: bool) -> Iterator[Span]:
    newest: dict[Any, int] = {}
    for e in events:
        newest[e.original] = max(newest.get(e.original, 0), e.sequence)
    events = [e for e in events if e.sequence == newest[e.original]]
    masters = [e for e in events if e.original is None]
    changes = [e for e in events if e.original is not None]
    zone = next((_zone(m.start) for m in masters if m.start is not None), None)
    for e in changes:
        if not _is_idle(e, is_cancel=is_cancel):
            its_own = _times(e, clocks, lo, hi) if _is_later(e) else [(e.start, None)]
            for at, end in its_own:
                yield _span(e, at, clocks) if end is None else (_instant(at, clocks), _end(at, end, clocks))
    for master in masters:
        if not _is_idle(master, is_cancel=is_cancel):
            for at, end in _times(master, clocks, lo, hi):
                if not any(_is_same(at, e.original, zone, clocks) for e in changes):
                    yield from _in_series(master, at, end, changes, clocks, is_cancel=is_cancel)


def _in_series(
    master: Event, at: Any, end: Any, changes: list[Event], clocks: Clocks, *, is_cancel: bool
) -> Iterator[Span]:
    """A time of a series that nothing replaces by itself; a change of it and the future ones may move it."""
    later = [e for e in changes if _is_later(e) and _naive(e.original) <= _naive(at)]
    if later:
        e = max(later, key=lambda e: _naive(e.original))
        if not (_is_idle(e, is_cancel=is_cancel) or e.component.get("RRULE") or e.component.get("RDATE")):
            moved = _naive(at) + (_naive(e.start) - _naive(e.original))
            yield _span(e, moved.replace(tzinfo=_zone(e.start)), clocks)
    elif end is not None:
        yield _instant(at, clocks), _end(at, end, clocks)
    else:
        yield _span(master, at, clocks)


def _is_later(event: Event) -> bool:
    return bool(event.component["RECURRENCE-ID"].params.get("RANGE") == "THISANDFUTURE")


def _is_idle(event: Event, *, is_cancel: bool) -> bool:
    c = event.component
    guests = c.get("ATTENDEE", [])
    answers = {g.params.get("PARTSTAT") for g in (guests if isinstance(guests, list) else [guests])}
    return (
        is_cancel
        or str(c.get("STATUS", "")).upper() == "CANCELLED"
        or str(c.get("TRANSP", "")).upper() == "TRANSPARENT"
        or answers == {"DECLINED"}
    )


def _times(event: Event, clocks: Clocks, lo: int, hi: int) -> Iterator[tuple[Any, Any]]:
    """(start, end or None) of each occurrence, exceptions left out."""
    start = event.start
    excluded = [x for x, _ in _listed(event.component.get("EXDATE"))]
    off = set(_by_rules(event, "EXRULE", clocks, lo, hi))
    found = [(start, None), *_listed(event.component.get("RDATE"))]
    found += [(at, None) for at in _by_rules(event, "RRULE", clocks, lo, hi)]
    seen = set()
    for given, end in found:
        at = given
        if end is None and _is_date(at) != _is_date(start):
            at = at.date() if _is_date(start) else datetime.combine(at, start.timetz())
        if at in off or at in seen or any(_is_same(at, x, _zone(start), clocks) for x in excluded):
            continue
        seen.add(at)
        yield at, end


def _listed(value: Any) -> Iterator[tuple[Any, Any]]:
    for listed in value if isinstance(value, list) else [value] if value else []:
        for one in listed.dts:
            yield one.dt if isinstance(one.dt, tuple) else (one.dt, None)


def _by_rules(event: Event, name: str, clocks: Clocks, lo: int, hi: int) -> Iterator[Any]:
    given = event.component.get(name, [])
    for rule in given if isinstance(given, list) else [given]:
        fields = {k: v for k, v in rule.items() if k != "UNTIL"}
        until = (rule.get("UNTIL") or [None])[0]
        text = type(rule)(fields).to_ical().decode()
        start = event.start
        first = _naive(start)
        last = datetime.fromtimestamp(hi, UTC).replace(tzinfo=None) + 2 * _DAY
        if until is not None:
            last = min(last, _naive(until) + 2 * _DAY)
        if last < first:
            continue
        for wall in rrulestr(text, dtstart=first).between(first, last, inc=True):
            at = wall.date() if _is_date(start) else wall.replace(tzinfo=_zone(start))
            if until is None or _is_within(at, until, clocks):
                yield at


def _is_within(at: Any, until: Any, clocks: Clocks) -> bool:
    if _is_date(at) or _is_date(until):
        return _naive(at).date() <= _naive(until).date()
    if until.tzinfo is None:
        return bool(at.replace(tzinfo=None) <= until)
    return _instant(at, clocks) <= _instant(until, clocks)


def _is_same(at: Any, named: Any, zone: tzinfo | None, clocks: Clocks) -> bool:
    if _is_date(at) or _is_date(named):
        return _naive(at).date() == _naive(named).date()
    if named.tzinfo is None:
        named = named.replace(tzinfo=zone)
    return _instant(at, clocks) == _instant(named, clocks)


def _span(event: Event, at: Any, clocks: Clocks) -> Span:
    c = event.component
    begin = _instant(at, clocks)
    if c.get("DTEND"):
        end = c["DTEND"].dt
        if _is_date(event.start):
            return begin, _instant(at + max(_DAY, end - event.start), clocks)
        return begin, begin + _instant(end, clocks) - _instant(event.start, clocks)
    if c.get("DURATION"):
        return begin, _end(at, c["DURATION"].dt, clocks)
    return begin, _instant(at + _DAY, clocks) if _is_date(at) else begin


def _end(start: Any, end: Any, clocks: Clocks) -> int:
    """The end of a period: another time, or a length whose days are days on the clock."""
    if not isinstance(end, timedelta):
        return _instant(end, clocks)
    if _is_date(start):
        start = datetime(start.year, start.month, start.day, tzinfo=clocks.days)
    return _instant(start + timedelta(days=end.days), clocks) + end.seconds


def _instant(at: Any, clocks: Clocks) -> int:
    if _is_date(at):
        at = datetime(at.year, at.month, at.day, tzinfo=clocks.days)
    return int((at if at.tzinfo else at.replace(tzinfo=clocks.times)).timestamp())


def _naive(at: Any) -> datetime:
    return datetime(at.year, at.month, at.day) if _is_date(at) else at.replace(tzinfo=None)


def _zone(at: Any) -> tzinfo | None:
    return None if _is_date(at) else at.tzinfo


def _is_date(at: Any) -> bool:
    return isinstance(at, date) and not isinstance(at, datetime)
