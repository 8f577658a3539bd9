"""Times of a calendar file: on the clinic's clock where every reader understands it, else in UTC."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infusion_cli.domain import clinic_time
from infusion_cli.formats import ical_lines as lines
from infusion_cli.formats.vtimezone import vtimezone


class Clock(NamedTuple):
    """How a file tells the time: `part` is its VTIMEZONE, `tz` None when all of it is in UTC."""

    part: bytes
    tz: ZoneInfo | None


UTC_THROUGHOUT = Clock(b"", None)


def clock(timezone: str, lo: int, hi: int) -> Clock:
    """The clinic's clock for the instants `lo` to `hi`, or UTC where the zone follows no yearly rule.

    Raises a KeyError for a zone that is unknown.
    """
    tz = clinic_time.zone(timezone)
    part = vtimezone(tz, lo, hi)
    return Clock(part.encode(), tz) if part else UTC_THROUGHOUT


def empty_part() -> bytes:
    """The VTIMEZONE of UTC: a calendar without any component is not valid (RFC 5545, 3.6)."""
    return clock("UTC", 0, 0).part


def times(start: int, end: int, tz: ZoneInfo | None) -> str:
    """DTSTART and DTEND of two instants (seconds): local, but in UTC without a zone and where one is shown twice."""
    if tz is not None:
        local, until = _wall(start, tz), _wall(end, tz)
        if local and until:
            return f"DTSTART;TZID={tz.key}:{local}\r\nDTEND;TZID={tz.key}:{until}\r\n"
    return f"DTSTART:{lines.utc(start)}\r\nDTEND:{lines.utc(end)}\r\n"


# Visits begin and end on a grid, so many share an instant, and files are in order of time.
@lru_cache(maxsize=4096)
def _wall(instant: int, tz: ZoneInfo) -> str:
    """What the clock shows, empty when it shows that twice."""
    at = datetime.fromtimestamp(instant, tz)
    if at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset():
        return ""
    return f"{at:%Y%m%dT%H%M%S}"
