"""Wall time and instants: the clinic's zone, DST gaps and folds.

An instant is whole seconds since 1970 UTC. A wall time is a naive `datetime` in the clinic's zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = 60
DAY = 86_400


class WallTimeError(ValueError):
    """A wall time that the clock skips (`gap`) or shows twice (`fold`) at a DST change.

    `readings` are the two instants it could mean.
    """

    def __init__(self, wall: datetime, kind: str, readings: tuple[int, int]) -> None:
        super().__init__(f"{wall:%Y-%m-%d %H:%M} {'does not exist' if kind == 'gap' else 'happens twice'}")
        self.wall = wall
        self.kind = kind
        self.readings = readings


@lru_cache(maxsize=8)
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; raises `ZoneInfoNotFoundError` (a KeyError) or ValueError."""
    try:
        return ZoneInfo(name)
    except OSError as error:  # Python 3.11 opens the folder of `Europe` and the over-long name as they are
        raise ValueError(f"{name!r} is not the name of a time zone") from error


def local(instant: int, tz: ZoneInfo) -> datetime:
    """The instant on the clinic's clock (aware)."""
    return datetime.fromtimestamp(instant, tz)


def local_date(instant: int, tz: ZoneInfo) -> date:
    """The local date of an instant."""
    return datetime.fromtimestamp(instant, tz).date()


def minute_of_day(instant: int, tz: ZoneInfo) -> int:
    """What the wall clock shows, in minutes since 00:00."""
    at = datetime.fromtimestamp(instant, tz)
    return at.hour * 60 + at.minute


def iso(instant: int, tz: ZoneInfo) -> str:
    """ISO 8601 with seconds and offset in the clinic's zone."""
    return datetime.fromtimestamp(instant, tz).isoformat()


def from_iso(text: str) -> int:
    """The instant of an ISO 8601 time with offset; raises ValueError without one."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return int(at.timestamp())


def wall_text(instant: int, tz: ZoneInfo) -> str:
    """What the patient is told: local `YYYY-MM-DDTHH:MM`."""
    return datetime.fromtimestamp(instant, tz).strftime("%Y-%m-%dT%H:%M")


def to_instant(wall: datetime, tz: ZoneInfo) -> int:
    """The one instant of a wall time; raises `WallTimeError` when there is none or there are two."""
    early, late = (int(wall.replace(tzinfo=tz, fold=fold).timestamp()) for fold in (0, 1))
    if early == late:
        return early
    kind = "fold" if early < late else "gap"
    raise WallTimeError(wall, kind, (min(early, late), max(early, late)))


def forgiving_instant(day: date, minute: int, tz: ZoneInfo) -> int:
    """The instant of a minute of a local day (0..1440) as recurring hours mean it.

    A skipped time is read with the offset before the gap (RFC 5545, 3.3.5), a repeated one as its
    first occurrence.
    """
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    return int(wall.replace(tzinfo=tz).timestamp())


def midnight(day: date, tz: ZoneInfo) -> int:
    """The instant at which a local date begins."""
    return forgiving_instant(day, 0, tz)


def days_between(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def utc_text(instant: int) -> str:
    """The instant as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
