"""Wall time and instants across DST changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infusion_cli.domain import clinic_time as ct

NAMES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
ZONES = st.sampled_from([ZoneInfo(name) for name in NAMES])
INSTANTS = st.integers(0, 7_258_118_400)
"""1970 to 2200."""

CHANGES = [
    ("Europe/Berlin", "gap", "2026-03-29T02:00", "2026-03-29T02:59", "+01:00", "+02:00"),
    ("Europe/Berlin", "fold", "2026-10-25T02:00", "2026-10-25T02:59", "+02:00", "+01:00"),
    ("America/New_York", "gap", "2027-03-14T02:00", "2027-03-14T02:59", "-05:00", "-04:00"),
    ("America/New_York", "fold", "2026-11-01T01:00", "2026-11-01T01:59", "-04:00", "-05:00"),
    ("Australia/Lord_Howe", "gap", "2026-10-04T02:00", "2026-10-04T02:29", "+10:30", "+11:00"),
    ("Australia/Lord_Howe", "fold", "2026-04-05T01:30", "2026-04-05T01:59", "+11:00", "+10:30"),
    ("Asia/Kathmandu", "gap", "1986-01-01T00:00", "1986-01-01T00:14", "+05:30", "+05:45"),
]
"""Zone, kind, first and last wall minute, the offsets before and after."""


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


def exact(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@given(INSTANTS, ZONES)
@example(exact("2026-10-25T02:30+02:00"), ZoneInfo("Europe/Berlin"))
@example(exact("2026-10-25T02:30+01:00"), ZoneInfo("Europe/Berlin"))
def test_a_wall_time_leads_back_to_its_instant_or_is_a_fold_of_two(instant: int, tz: ZoneInfo) -> None:
    wall = ct.local(instant, tz).replace(tzinfo=None, fold=0)
    try:
        found = [ct.to_instant(wall, tz)]
    except ct.WallTimeError as error:
        found = list(error.readings) if error.kind == "fold" else []
    assert instant in found


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)), ZONES)
def test_every_wall_time_is_one_instant_or_says_what_it_could_be(wall: datetime, tz: ZoneInfo) -> None:
    wall = wall.replace(second=0, microsecond=0)
    try:
        readings = (ct.to_instant(wall, tz),)
        kind = "plain"
    except ct.WallTimeError as error:
        readings = error.readings  # type: ignore[assignment]
        kind = error.kind
    walls = [ct.local(r, tz).replace(tzinfo=None, fold=0) for r in readings]
    assert all((w == wall) == (kind != "gap") for w in walls)
    assert list(readings) == sorted(set(readings))
    assert len(readings) == (1 if kind == "plain" else 2)


@pytest.mark.parametrize(("name", "kind", "first", "last", "before", "after"), CHANGES)
def test_the_clock_change_is_reported_with_both_readings(
    name: str, kind: str, first: str, last: str, before: str, after: str
) -> None:
    tz = ZoneInfo(name)
    for text in (first, last):
        with pytest.raises(ct.WallTimeError) as caught:
            ct.to_instant(naive(text), tz)
        assert caught.value.kind == kind
        assert caught.value.wall == naive(text)
        assert set(caught.value.readings) == {exact(text + before), exact(text + after)}
        assert caught.value.readings[0] < caught.value.readings[1]
        assert text.replace("T", " ") in str(caught.value)


@pytest.mark.parametrize(("name", "kind", "first", "last", "before", "after"), CHANGES)
def test_the_minutes_around_the_change_are_plain(
    name: str, kind: str, first: str, last: str, before: str, after: str
) -> None:
    tz = ZoneInfo(name)
    minute = timedelta(minutes=1)
    assert ct.to_instant(naive(first) - minute, tz) == exact((naive(first) - minute).isoformat() + before)
    assert ct.to_instant(naive(last) + minute, tz) == exact((naive(last) + minute).isoformat() + after)


@pytest.mark.parametrize(("name", "kind", "first", "last", "before", "after"), CHANGES)
def test_recurring_hours_read_both_with_the_offset_before_the_change(
    name: str, kind: str, first: str, last: str, before: str, after: str
) -> None:
    wall = naive(last)
    assert ct.forgiving_instant(wall.date(), wall.hour * 60 + wall.minute, ZoneInfo(name)) == exact(last + before)


@pytest.mark.parametrize(
    ("name", "day", "begins"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T01:00:00-02:00"),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T01:00:00+03:00"),
        ("America/Havana", date(2026, 3, 8), "2026-03-08T01:00:00-04:00"),
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T00:00:00-02:30"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-29T00:00:00+01:00"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-25T00:00:00+02:00"),
    ],
)
def test_a_date_begins_at_its_first_instant_even_without_a_midnight(name: str, day: date, begins: str) -> None:
    tz = ZoneInfo(name)
    first = ct.midnight(day, tz)
    assert ct.iso(first, tz) == begins
    assert ct.local_date(first, tz) == day
    assert ct.local_date(first - 1, tz) == day - timedelta(days=1)


@given(st.dates(date(1970, 1, 2), date(2199, 12, 31)), ZONES)
def test_midnights_part_the_time_into_whole_dates(day: date, tz: ZoneInfo) -> None:
    first, following = ct.midnight(day, tz), ct.midnight(day + timedelta(days=1), tz)
    assert ct.local_date(first, tz) == ct.local_date(following - 1, tz) == day
    assert ct.local_date(first - 1, tz) < day
    assert ct.forgiving_instant(day, 1440, tz) == following


@given(INSTANTS, ZONES)
def test_written_instants_are_read_back(instant: int, tz: ZoneInfo) -> None:
    assert ct.from_iso(ct.iso(instant, tz)) == instant
    assert ct.from_iso(ct.utc_text(instant)) == instant
    assert ct.iso(instant, tz).startswith(ct.wall_text(instant, tz))


def test_a_time_without_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="no offset"):
        ct.from_iso("2026-12-01T09:00:00")


def test_the_minute_of_the_day_is_what_the_clock_shows() -> None:
    tz = ZoneInfo("Asia/Kathmandu")
    assert ct.minute_of_day(exact("2026-12-01T09:07:59+05:45"), tz) == 9 * 60 + 7


def test_days_between_include_both_ends() -> None:
    assert ct.days_between(date(2026, 12, 31), date(2027, 1, 2)) == [
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2027, 1, 2),
    ]
    assert ct.days_between(date(2027, 1, 2), date(2027, 1, 1)) == []


@pytest.mark.parametrize(
    "name", ["", ".", "Europe", "Nowhere/Atall", "../etc/passwd", "a" * 400, "Europe/Berlin\0", "tzdata.zi"]
)
def test_what_is_no_zone_is_a_key_error_or_a_value_error(name: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        ct.zone(name)


def test_a_zone_is_found_by_its_name() -> None:
    assert ct.zone("Europe/Berlin").key == "Europe/Berlin"
