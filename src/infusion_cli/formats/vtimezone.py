"""A time zone as calendar files carry it: at most one STANDARD and one DAYLIGHT, each with one yearly rule.

Several readers take the first of a list of RDATEs for all of them and show every summer visit an
hour late, and Outlook reads one STANDARD only. What these two parts cannot say is not said: the
times are then written in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = 86_400
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_EPOCH = datetime(1970, 1, 1)


class _Onset(NamedTuple):
    """A change of the clock; `wall` is what it showed at that moment, before it was put right."""

    wall: datetime
    before: timedelta
    after: timedelta
    name: str


def vtimezone(tz: ZoneInfo, lo: int, hi: int) -> str | None:
    """The VTIMEZONE of `tz`, its lines ended by CRLF, for the instants `lo` to `hi` (seconds).

    It is right in each of their local years and in the year after, so that a reader who keeps the
    zone under its name does not misread the next file. None when one yearly rule each will not do.
    """
    first, last = (datetime.fromtimestamp(instant, tz) for instant in (lo, hi))
    years = range(first.year, last.year + 2)
    onsets = _onsets(tz, years)
    if onsets:
        forward = _part("DAYLIGHT", [o for o in onsets if o.after > o.before], years)
        back = _part("STANDARD", [o for o in onsets if o.after < o.before], years)
        parts = [back, forward] if back and forward else []
    else:
        offset = first.utcoffset() or timedelta()
        parts = [_lines("STANDARD", _Onset(_EPOCH, offset, offset, first.tzname() or ""), "")]
    if not parts:
        return None
    return "".join(["BEGIN:VTIMEZONE\r\n", f"TZID:{tz.key}\r\n", *parts, "END:VTIMEZONE\r\n"])


def _onsets(tz: ZoneInfo, years: range) -> list[_Onset]:
    """Every change of the zone's offset in those local years, in order."""
    lo, hi = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (years[0], years[-1] + 1))
    found = []
    # East of Greenwich the local year begins on the day before.
    before = _offset(lo - _DAY, tz)
    for instant in range(lo, hi + _DAY, _DAY):
        after = _offset(instant, tz)
        if after != before:
            found.append(_onset(instant - _DAY, instant, tz))
        before = after
    return found


def _onset(lo: int, hi: int, tz: ZoneInfo) -> _Onset:
    """The change between two instants, `lo` before it and `hi` after."""
    before = _offset(lo, tz)
    while hi - lo > 1:
        middle = (lo + hi) // 2
        if _offset(middle, tz) == before:
            lo = middle
        else:
            hi = middle
    changed = datetime.fromtimestamp(hi, tz)
    return _Onset(_EPOCH + timedelta(seconds=hi) + before, before, _offset(hi, tz), changed.tzname() or "")


def _offset(instant: int, tz: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(instant, tz).utcoffset() or timedelta()


def _part(kind: str, onsets: list[_Onset], years: range) -> str:
    """The part for changes that come once in each of the years by one rule, else an empty text."""
    same = {(onset.wall.time(), onset.before, onset.after, onset.name) for onset in onsets}
    if [onset.wall.year for onset in onsets] != list(years) or len(same) != 1:
        return ""
    days = [onset.wall.date() for onset in onsets]
    nth = _nth(days)
    if not nth:
        return ""
    month, weekday = days[0].month, days[0].weekday()
    # The January of the first visit's year needs an onset behind it; most calendar programs begin
    # their rules in 1970, so that is what readers are used to.
    start = datetime.combine(_day_of_1970(month, weekday, nth), onsets[0].wall.time())
    rule = f"RRULE:FREQ=YEARLY;BYMONTH={month};BYDAY={nth}{_WEEKDAYS[weekday]}\r\n"
    return _lines(kind, onsets[0]._replace(wall=start), rule)


def _nth(days: list[date]) -> int:
    """Which of its weekday in its month each of the days is: 1 to 4, -1 the last; 0 when they differ."""
    if len({(day.month, day.weekday()) for day in days}) != 1:
        return 0
    if all((day + timedelta(days=7)).month != day.month for day in days):
        return -1
    weeks = {(day.day + 6) // 7 for day in days}
    return weeks.pop() if len(weeks) == 1 else 0


def _day_of_1970(month: int, weekday: int, nth: int) -> date:
    year = (date(1970, 1, 1) + timedelta(days=n) for n in range(365))
    fitting = [day for day in year if (day.month, day.weekday()) == (month, weekday)]
    return fitting[nth if nth < 0 else nth - 1]


def _lines(kind: str, onset: _Onset, rule: str) -> str:
    return (
        f"BEGIN:{kind}\r\n"
        f"DTSTART:{onset.wall:%Y%m%dT%H%M%S}\r\n"
        f"{rule}"
        f"TZOFFSETFROM:{_signed(onset.before)}\r\n"
        f"TZOFFSETTO:{_signed(onset.after)}\r\n"
        f"TZNAME:{onset.name}\r\n"
        f"END:{kind}\r\n"
    )


def _signed(offset: timedelta) -> str:
    """An offset as `-0500`, or with seconds, as local mean times had them."""
    seconds = int(offset.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}{minutes % 60:02d}{f'{rest:02d}' if rest else ''}"
