"""The words of WHEN and DATE, of lengths, ranges and weekdays, and how times are said.

What cannot be read, or could be read in two ways, is refused with a `UsageError` that says how
to write it; nothing is guessed. Weekdays count from Monday = 0; names are English whatever the
locale.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from infusion_cli.domain.clinic_time import DAY, MINUTE, WallTimeError, iso, local, local_date, to_instant
from infusion_cli.domain.names import shown
from infusion_cli.domain.protocol import Span
from infusion_cli.errors import UsageError

FIRST_YEAR, LAST_YEAR = 1970, 2200
"""The years in which a visit may lie."""
FIRST_YEAR_OF_DATES = 1900
"""Dates go further back: people are older than the epoch."""
LONGEST = 366 * 1440
"""The longest duration, in minutes."""

_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("mon", "monday"),
            ("tue", "tues", "tuesday"),
            ("wed", "weds", "wednesday"),
            ("thu", "thur", "thurs", "thursday"),
            ("fri", "friday"),
            ("sat", "saturday"),
            ("sun", "sunday"),
        )
    )
    for name in names
}
_NEAR = {"yesterday": -1, "today": 0, "tomorrow": 1}
_MIDNIGHT_AS_END = {"24", "24:00", "midnight", "12am", "12 am", "12:00am", "12:00 am"}

_WHEN_HINT = "write 2026-12-01T09:00, '1 dec 9:00', 'tue 9am', 'tomorrow 14:30' or '+3d 9:00'"
_DATE_HINT = "write 2026-12-01, '1 dec', tue, 'next tue', tomorrow or +3d"
_ISO_HINT = "write the date as YYYY-MM-DD, e.g. 2026-12-01"
_CLOCK_HINT = "write the time as 9:00, 9am or 14:30"
_LENGTH_HINT = "write 30m, 2h, 1h30m, 3d or PT90M"

_AHEAD = r"\+([0-9]{1,9})([dwm])"
_ISO_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_OTHER_DATE = r"[0-9]{1,4}[-./][0-9]{1,2}(?:[-./][0-9]{0,4})?|[0-9]{8}"
_CLOCK = r"([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2}))?)?(?: ?(am|pm))?"
_WITH_OFFSET = r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?) ?(?:(z)|([+-])([0-9]{2}):?([0-9]{2})?)"
_LENGTH = r"(?:([0-9]{1,6}) ?w)? ?(?:([0-9]{1,6}) ?d)? ?(?:([0-9]{1,6}) ?h)? ?(?:([0-9]{1,6}) ?m(?:in)?)?"
_ISO_LENGTH = r"p(?:([0-9]{1,6})w)?(?:([0-9]{1,6})d)?(?:t(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:0+s)?(?<!t))?"


def parse_when(text: str, now: int, tz: ZoneInfo) -> int:
    """The instant (seconds) that the words of WHEN mean in zone `tz`; raises `UsageError`.

    A bare time means today; a weekday is strictly after today, `next` one not in this ISO week.
    A wall time that a DST change skips or repeats is refused unless it has an offset.
    """
    words = _words(text, "time", _WHEN_HINT)
    if words == ["now"]:
        return now // MINUTE * MINUTE
    today = local_date(now, tz)
    day, rest = _split_day(words, today, FIRST_YEAR)
    if not rest:
        raise UsageError(f"{_quoted(text)} names a day, but no time.", f"give a time too, e.g. {_example(words)}")
    clock = " ".join(rest)
    if day is not None and re.fullmatch(_ISO_DATE, words[0]) and (found := re.fullmatch(_WITH_OFFSET, clock)):
        return _instant_with_offset(day, found, tz)
    minute = _read_clock(clock)
    if minute is None and day is None:
        raise UsageError(f"{_quoted(text)} is not a time.", _WHEN_HINT)
    if minute is None:
        raise UsageError(f"{_quoted(clock)} is not a time of day.", _CLOCK_HINT)
    return _instant(day or today, minute, tz)


def parse_date(text: str, now: int, tz: ZoneInfo) -> date:
    """The local date that the words of DATE mean, in the years 1900 to 2200; raises `UsageError`."""
    words = _words(text, "date", _DATE_HINT)
    today = local_date(now, tz)
    if words == ["now"]:
        return today
    day, rest = _split_day(words, today, FIRST_YEAR_OF_DATES)
    if day is None:
        raise UsageError(f"{_quoted(text)} is not a date.", _DATE_HINT)
    if rest:
        raise UsageError(f"{_quoted(text)} is more than a date.", f"leave {_quoted(' '.join(rest))} out")
    return day


def parse_duration(text: str) -> int:
    """A length in minutes, from 1 to 366 days: `30m`, `2h`, `1h30m`, `3d`, `PT90M`; raises `UsageError`."""
    plain = _plain(text)
    found = re.fullmatch(_ISO_LENGTH, plain) or re.fullmatch(_LENGTH, plain)
    if not found or not any(found.groups()):
        raise UsageError(f"{_quoted(text)} is not a length of time.", _LENGTH_HINT)
    minutes = sum(int(n or 0) * unit for n, unit in zip(found.groups(), (10080, 1440, 60, 1), strict=True))
    if not 1 <= minutes <= LONGEST:
        raise UsageError(f"{_quoted(text)} is not between 1 minute and 366 days.", _LENGTH_HINT)
    return minutes


def parse_span(text: str) -> Span:
    """A length with its unit kept, `24h`, `3d` or `30m`, because a day is not 24 hours; raises `UsageError`."""
    found = re.fullmatch(r"([0-9]{1,5})([mhd])", _plain(text))
    if not found or not int(found[1]):
        raise UsageError(f"{_quoted(text)} is not a length of time.", "write 30m, 24h or 3d")
    return Span(int(found[1]), found[2])


def parse_between(text: str) -> tuple[int, int]:
    """A range of the day in minutes since midnight, both ends included: `9:00-12:00`, `8-12`; raises `UsageError`.

    A range may end at midnight, as 1440.
    """
    hint = "write 9:00-12:00, 9am-12:30pm or 8-12"
    halves = [half.strip() for half in _plain(text).split("-")]
    ends = [_read_clock(half, bare_hours=True) for half in halves]
    if len(halves) == 2 and halves[1] in _MIDNIGHT_AS_END:
        ends[1] = 1440
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        raise UsageError(f"{_quoted(text)} is not a range of times of day.", hint)
    # 1-5pm could begin in the night or in the afternoon.
    if any(half.isdigit() for half in halves) and any(half.endswith("m") for half in halves):
        raise UsageError(f"{_quoted(text)} has am or pm at one end only.", "write it at both ends, e.g. 9am-5pm")
    if ends[1] < ends[0]:
        raise UsageError(f"{_quoted(text)} ends before it begins.", hint)
    return ends[0], ends[1]


def parse_weekdays(text: str) -> frozenset[int]:
    """The weekdays of a list such as `mon,wed` or `mon-fri`, Monday = 0; raises `UsageError`."""
    days: set[int] = set()
    for part in re.sub(" ?- ?", "-", _plain(text)).replace(", ", ",").replace(" ,", ",").split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        unknown = next((name for name in (first, last) if name not in _WEEKDAYS), None)
        if unknown is not None:
            raise UsageError(f"{_quoted(unknown or text)} is not a weekday.", "write mon,wed or mon-fri")
        length = (_WEEKDAYS[last] - _WEEKDAYS[first]) % 7
        days.update((_WEEKDAYS[first] + n) % 7 for n in range(length + 1))
    return frozenset(days)


def parse_count(text: str, name: str, low: int = 1, high: int = 10_000) -> int:
    """A whole number from `low` to `high` (none negative) for the option `name`; raises `UsageError`."""
    plain = text.strip()
    readable = plain.isascii() and plain.isdigit() and len(plain) <= 12
    if not readable or not low <= int(plain) <= high:
        raise UsageError(
            f"The number for '{name}' is from {low} to {high}, not {_quoted(text)}.",
            f"write a whole number, e.g. {low}",
        )
    return int(plain)


def say_when(instant: int, tz: ZoneInfo) -> str:
    """An instant (seconds) on the clock of zone `tz`: `Tue 1 Dec 2026 09:00`."""
    at = local(instant, tz)
    return f"{say_date(at.date())} {at.hour:02}:{at.minute:02}"


def say_date(day: date) -> str:
    """A date with its weekday: `Tue 1 Dec 2026`."""
    return f"{_DAY_NAMES[day.weekday()]} {day.day} {_MONTH_NAMES[day.month - 1]} {day.year}"


def say_day(day: date) -> str:
    """A date for a column of dates, always 10 wide: `Tue  1 Dec`."""
    return f"{_DAY_NAMES[day.weekday()]} {day.day:>2} {_MONTH_NAMES[day.month - 1]}"


def say_length(minutes: int) -> str:
    """A length of whole minutes (none negative): `45 min`, `22 h`, `2 h 30 min`, `4 d`.

    Below three days the hours stay together, because limits are told in hours: `47 h`, not `1 d 23 h`.
    """
    days = minutes // 1440 if minutes % 1440 == 0 or minutes >= 3 * 1440 else 0
    hours, left = divmod(minutes - days * 1440, 60)
    said = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (left, "min")) if n]
    return " ".join(said) or "0 min"


def _plain(text: str) -> str:
    """Lower case with single blanks; empty when it holds anything but ASCII, so that nothing reads it."""
    return " ".join(text.lower().split()) if text.isascii() else ""


def _quoted(text: str) -> str:
    safe = shown(text.strip())
    return f"'{safe[:39]}…'" if len(safe) > 40 else f"'{safe}'"


def _words(text: str, what: str, hint: str) -> list[str]:
    """The words typed, an ISO date parted from its time."""
    if not text.strip():
        raise UsageError(f"The {what} is empty.", hint)
    words = re.sub(rf"^({_ISO_DATE})t(?=[0-9])", r"\1 ", _plain(text)).split()
    if not words:
        raise UsageError(f"{_quoted(text)} is not a {what}.", hint)
    return words


def _example(words: list[str]) -> str:
    return f"'{' '.join(words)} 9:00'"


def _split_day(words: list[str], today: date, first_year: int) -> tuple[date | None, list[str]]:
    """The day that the words begin with (None when they name none), and the words after it."""
    head, *rest = words
    said = _said_date(words, today, first_year)
    if said is not None:
        return said
    if head in _NEAR:
        return today + timedelta(days=_NEAR[head]), rest
    if head in _WEEKDAYS:
        return _weekday_after(today, _WEEKDAYS[head]), rest
    if head == "next" and rest and rest[0] in _WEEKDAYS:
        day = _weekday_after(today, _WEEKDAYS[rest[0]])
        same_week = day.isocalendar()[:2] == today.isocalendar()[:2]
        return day + timedelta(days=7 * same_week), rest[1:]
    if found := re.fullmatch(_AHEAD, head):
        return _ahead(today, int(found[1]), found[2]), rest
    if re.fullmatch(_ISO_DATE, head):
        return _iso_date(head, first_year), rest
    if re.fullmatch(_OTHER_DATE, head):
        raise UsageError(f"{_quoted(head)} could be read in more than one way.", _ISO_HINT)
    return None, words


def _said_date(words: list[str], today: date, first_year: int) -> tuple[date, list[str]] | None:
    """A date as `say_date` says it, and the words after it: weekday and year may be missing.

    Without a year it is the next one, today included; the weekday has to be the right one.
    """
    weekday = _WEEKDAYS.get(words[0])
    number, name, *rest = [*words[weekday is not None :], "", ""]
    month = next((n for n, full in enumerate(_MONTHS, 1) if len(name) >= 3 and full.startswith(name)), 0)
    if not re.fullmatch("[0-9]{1,2}", number) or not month:
        return None
    rest = rest[:-2]
    month_and_day = f"{month:02}-{number:0>2}"
    if rest and re.fullmatch("[0-9]{4}", rest[0]):
        year = rest.pop(0)
    else:
        year = str(today.year + (month_and_day < today.isoformat()[5:]))
    day = _iso_date(f"{year}-{month_and_day}", first_year)
    if weekday not in {None, day.weekday()}:
        raise UsageError(f"{day} is no {_DAY_NAMES[weekday or 0]}, but a {_DAY_NAMES[day.weekday()]}.", _DATE_HINT)
    return day, rest


def _weekday_after(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _ahead(today: date, amount: int, unit: str) -> date:
    if amount <= 9999:
        if unit == "m":
            years, month = divmod(today.month - 1 + amount, 12)
            year, month = today.year + years, month + 1
            day = date(year, month, min(today.day, _last_day(year, month)))
        else:
            day = today + timedelta(days=amount * (7 if unit == "w" else 1))
        if day.year <= LAST_YEAR:
            return day
    raise UsageError(f"'+{amount}{unit}' is after the year {LAST_YEAR}.", _ISO_HINT)


def _last_day(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def _iso_date(text: str, first_year: int) -> date:
    year, month, day = map(int, text.split("-"))
    if not first_year <= year <= LAST_YEAR:
        raise UsageError(f"The year {year:04} is not between {first_year} and {LAST_YEAR}.", _ISO_HINT)
    if not 1 <= month <= 12:
        raise UsageError(f"'{text}' is not a date: there is no month {month:02}.", _ISO_HINT)
    last = _last_day(year, month)
    if not 1 <= day <= last:
        name = f"{_MONTH_NAMES[month - 1]} {year}"
        hint = f"the last day of {name} is {year}-{month:02}-{last}"
        raise UsageError(f"'{text}' is not a date: {name} has no day {day}.", hint)
    return date(year, month, day)


def _read_clock(text: str, *, bare_hours: bool = False) -> int | None:
    """A time of day in minutes since midnight, or None; an hour alone (`9`) only where `bare_hours`."""
    if text in {"noon", "midnight"}:
        return 720 if text == "noon" else 0
    found = re.fullmatch(_CLOCK, text)
    if not found or not (found[2] or found[4] or bare_hours):
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[4] and not 1 <= hour <= 12:
        return None
    if found[4]:
        hour = hour % 12 + (12 if found[4] == "pm" else 0)
    if hour > 23 or minute > 59 or int(found[3] or 0) > 59:
        return None
    if int(found[3] or 0):
        raise UsageError(f"{_quoted(text)} is not on a full minute.", "leave the seconds out")
    return hour * 60 + minute


def _instant(day: date, minute: int, tz: ZoneInfo) -> int:
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60)
    try:
        return to_instant(wall, tz)
    except WallTimeError as error:
        first, second = (iso(reading, tz) for reading in error.readings)
        skipped = "is skipped" if error.kind == "gap" else "happens twice"
        raise UsageError(
            f"{say_date(day)} {wall:%H:%M} {skipped} when the clock changes: it could be {first} or {second}.",
            f"write the one that is meant with its offset, e.g. {first}",
        ) from error


def _instant_with_offset(day: date, found: re.Match[str], tz: ZoneInfo) -> int:
    minute = _read_clock(found[1])
    if minute is None:
        raise UsageError(f"{_quoted(found[1])} is not a time of day.", _CLOCK_HINT)
    hours, minutes = int(found[4] or 0), int(found[5] or 0)
    offset = (hours * 60 + minutes) * (-1 if found[3] == "-" else 1)
    if minutes > 59 or not -12 * 60 <= offset <= 14 * 60:
        raise UsageError(
            f"No zone has the offset {found[3]}{found[4]}:{minutes:02}.", "write e.g. 09:00-05:00 or 09:00Z"
        )
    instant = (day - date(1970, 1, 1)).days * DAY + (minute - offset) * MINUTE
    if not FIRST_YEAR <= local(instant, tz).year <= LAST_YEAR:
        raise UsageError(f"That is not between {FIRST_YEAR} and {LAST_YEAR} on the clinic's clock.", _ISO_HINT)
    return instant
