"""The hand-made VTIMEZONE says what the zone's data says, or nothing at all."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Timezone

from infusion_cli.formats.vtimezone import vtimezone

FITTING = (
    "America/New_York",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/Phoenix",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
    "UTC",
)


def at(text: str) -> int:
    """The instant of an ISO time, UTC unless it has an offset."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def made(zone: str, lo: str, hi: str) -> str:
    """The VTIMEZONE for a span that must have one."""
    text = vtimezone(ZoneInfo(zone), at(lo), at(hi))
    assert text is not None
    return text


def readings(text: str, zone: str) -> dict[str, tzinfo]:
    """The VTIMEZONE as two independent readers evaluate it, neither looking the name up."""
    by_dateutil = tzical(io.StringIO(f"BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n")).get(zone)
    component = Timezone.from_ical(text)
    assert by_dateutil is not None
    assert isinstance(component, Timezone)
    return {"dateutil": by_dateutil, "icalendar": component.to_tz(lookup_tzid=False)}


def clear_walls(zone: str, lo: datetime, hi: datetime, step: timedelta) -> list[datetime]:
    """Local times of the zone from `lo` to `hi` that the clock shows exactly once."""
    tz = ZoneInfo(zone)
    count = (hi - lo) // step
    aware = [(lo + n * step).astimezone(tz) for n in range(count)]
    return [a for a in aware if a.replace(fold=0).utcoffset() == a.replace(fold=1).utcoffset()]


def disagreements(text: str, zone: str, walls: list[datetime]) -> list[tuple[str, datetime]]:
    """(reader, local time) wherever a reader's offset is not the zone's."""
    return [
        (name, wall)
        for name, tz in readings(text, zone).items()
        for wall in walls
        if wall.replace(tzinfo=tz).utcoffset() != wall.utcoffset()
    ]


def test_new_york_has_two_parts_with_one_yearly_rule_each() -> None:
    assert made("America/New_York", "2026-11-02T14:00", "2026-11-09T16:00") == (
        "BEGIN:VTIMEZONE\r\n"
        "TZID:America/New_York\r\n"
        "BEGIN:STANDARD\r\n"
        "DTSTART:19701101T020000\r\n"
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\n"
        "TZOFFSETFROM:-0400\r\n"
        "TZOFFSETTO:-0500\r\n"
        "TZNAME:EST\r\n"
        "END:STANDARD\r\n"
        "BEGIN:DAYLIGHT\r\n"
        "DTSTART:19700308T020000\r\n"
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"
        "TZOFFSETFROM:-0500\r\n"
        "TZOFFSETTO:-0400\r\n"
        "TZNAME:EDT\r\n"
        "END:DAYLIGHT\r\n"
        "END:VTIMEZONE\r\n"
    )


def test_a_zone_without_daylight_time_has_one_standard_without_rule() -> None:
    assert made("Asia/Kathmandu", "2026-11-02T14:00", "2026-11-09T16:00") == (
        "BEGIN:VTIMEZONE\r\n"
        "TZID:Asia/Kathmandu\r\n"
        "BEGIN:STANDARD\r\n"
        "DTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:+0545\r\n"
        "TZOFFSETTO:+0545\r\n"
        "TZNAME:+0545\r\n"
        "END:STANDARD\r\n"
        "END:VTIMEZONE\r\n"
    )


def test_an_offset_with_seconds_is_written_with_them() -> None:
    assert "TZOFFSETTO:-004430\r\n" in made("Africa/Monrovia", "1970-02-01T00:00", "1970-03-01T00:00")


def test_a_last_sunday_is_written_as_the_last_and_not_as_the_fourth() -> None:
    text = made("Europe/Berlin", "2026-06-01T00:00", "2026-06-02T00:00")

    assert "BYMONTH=3;BYDAY=-1SU" in text
    assert "BYMONTH=10;BYDAY=-1SU" in text


def test_the_southern_winter_is_standard_and_half_an_hour_is_kept() -> None:
    text = made("Australia/Lord_Howe", "2026-06-01T00:00", "2026-12-01T00:00")
    standard, daylight = text.split("BEGIN:DAYLIGHT")

    assert "BYMONTH=4;BYDAY=1SU\r\nTZOFFSETFROM:+1100\r\nTZOFFSETTO:+1030\r\n" in standard
    assert "BYMONTH=10;BYDAY=1SU\r\nTZOFFSETFROM:+1030\r\nTZOFFSETTO:+1100\r\n" in daylight


def test_a_former_law_gives_the_rule_of_its_own_years() -> None:
    text = made("America/New_York", "2004-06-01T00:00", "2005-06-01T00:00")

    assert "BYMONTH=4;BYDAY=1SU" in text
    assert "BYMONTH=10;BYDAY=-1SU" in text


@pytest.mark.parametrize(
    ("zone", "lo", "hi"),
    [
        pytest.param("Africa/Casablanca", "2026-02-01T00:00", "2026-05-01T00:00", id="follows the moon"),
        pytest.param("America/New_York", "2006-12-01T00:00", "2007-05-01T00:00", id="new law in the middle"),
        pytest.param("America/New_York", "2006-06-01T00:00", "2006-07-01T00:00", id="new law in the year after"),
        pytest.param("America/Sao_Paulo", "2018-12-01T00:00", "2019-03-01T00:00", id="daylight time abolished"),
        pytest.param("America/St_Johns", "2010-06-01T00:00", "2010-07-01T00:00", id="the same day at another hour"),
        pytest.param("Pacific/Apia", "2011-12-01T00:00", "2012-01-15T00:00", id="a day left out"),
        pytest.param("America/Santiago", "2026-06-01T00:00", "2032-06-01T00:00", id="first Sunday from the 2nd"),
    ],
)
def test_a_zone_that_two_yearly_rules_cannot_say_has_no_vtimezone(zone: str, lo: str, hi: str) -> None:
    assert vtimezone(ZoneInfo(zone), at(lo), at(hi)) is None


@pytest.mark.parametrize("zone", FITTING)
def test_two_readers_find_the_offsets_of_the_zone_every_six_hours_for_two_years(zone: str) -> None:
    text = made(zone, "2026-02-01T12:00", "2026-11-01T12:00")
    walls = clear_walls(zone, datetime(2026, 1, 2, tzinfo=UTC), datetime(2027, 12, 30, tzinfo=UTC), timedelta(hours=6))

    assert len(walls) > 2800
    assert disagreements(text, zone, walls) == []


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"])
def test_two_readers_agree_in_the_hours_around_each_change(zone: str) -> None:
    text = made(zone, "2026-02-01T12:00", "2026-11-01T12:00")
    tz = ZoneInfo(zone)
    days = (datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=n) for n in range(360))
    changes = [d for d in days if d.astimezone(tz).utcoffset() != (d + timedelta(days=1)).astimezone(tz).utcoffset()]

    assert len(changes) == 2
    for change in changes:
        walls = clear_walls(zone, change, change + timedelta(days=1), timedelta(minutes=15))
        assert disagreements(text, zone, walls) == []


def test_the_comparison_finds_a_rule_that_is_a_week_off() -> None:
    text = made("America/New_York", "2026-02-01T12:00", "2026-11-01T12:00").replace("BYDAY=2SU", "BYDAY=3SU")
    walls = clear_walls(
        "America/New_York", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), timedelta(hours=6)
    )

    assert {name for name, _ in disagreements(text, "America/New_York", walls)} == {"dateutil", "icalendar"}


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from([*FITTING, "America/Santiago", "Africa/Casablanca", "America/Nuuk", "Africa/Cairo"]),
    start=st.datetimes(datetime(2008, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC)),
    days=st.integers(0, 800),
)
def test_whatever_is_written_is_right_from_the_first_instant_to_the_last(zone: str, start: datetime, days: int) -> None:
    end = start + timedelta(days=days)
    text = vtimezone(ZoneInfo(zone), int(start.timestamp()), int(end.timestamp()))

    if text is not None:
        walls = clear_walls(zone, start, end + timedelta(days=9), timedelta(days=9))
        assert disagreements(text, zone, walls) == []
