"""How the work of reading a calendar file grows: a file twice as large takes twice as many steps, whatever is in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from infusion_cli.formats.ics_read import BusyTimes, busy_times
from infusion_cli.formats.ics_scan import scan
from infusion_cli.formats.ics_series import uid_of

TZ = ZoneInfo("America/New_York")
SINCE = 1_796_000_000
UNTIL = SINCE + 366 * 86_400
NINE = "DTSTART:20261202T140000Z", "DURATION:PT1H"
STANDARD = "BEGIN:STANDARD\r\nDTSTART{}:19701101T020000\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n"


def lines(*given: str) -> str:
    return "".join(f"{line}\r\n" for line in given)


def event(*given: str, uid: object = "1") -> str:
    return lines("BEGIN:VEVENT", f"UID:{uid}", *given, "END:VEVENT")


def time(n: int) -> str:
    """One of many times from December on, in order."""
    return f"{datetime(2026, 12, 2, 14) + n * timedelta(minutes=7):%Y%m%dT%H%M%SZ}"


def later(n: int) -> str:
    """An entry that replaces the later times of a series, an hour on."""
    return event(f"DTSTART:{time(n + 8)}", "DURATION:PT1H", f"RECURRENCE-ID;RANGE=THISANDFUTURE:{time(n)}")


def zone(n: int, given: str = "") -> str:
    return lines("BEGIN:VTIMEZONE", f"TZID:Z{n}") + STANDARD.format(given) + lines("END:VTIMEZONE")


def in_zone(name: object) -> str:
    return event(f"DTSTART;TZID={name}:20261202T090000", "DURATION:PT1H", uid=name)


def many(made: Callable[[int], str]) -> Callable[[int], str]:
    return lambda size: "".join(made(n) for n in range(size))


ALL_WEEKDAYS = ",".join(f"{n}{day}" for day in ("TU", "WE", "TH", "FR", "SA", "SU") for n in range(-53, 54) if n)
SHAPES: dict[str, Callable[[int], str]] = {
    "masters and later times of one UID": many(lambda n: event(f"DTSTART:{time(n)}", "DURATION:PT1M") + later(n)),
    "times of a series and later times": lambda size: (
        event(*NINE, f"RRULE:FREQ=DAILY;COUNT={size}") + many(later)(size)
    ),
    "replacing entries without a series": many(lambda n: event(*NINE, f"RECURRENCE-ID:{time(n)}")),
    "times of a series and times left out": lambda size: event(
        *NINE, f"RRULE:FREQ=DAILY;COUNT={size}", *(f"EXDATE:{time(n)}" for n in range(size))
    ),
    "lists of times": lambda size: event(
        *NINE, *(f"{name}:{','.join(map(time, range(size)))}" for name in ("RDATE", "EXDATE"))
    ),
    "rules": lambda size: event(*NINE, *["RRULE:FREQ=YEARLY"] * size, *["EXRULE:FREQ=YEARLY;BYMONTH=1"] * size),
    "zones": lambda size: many(zone)(size) + many(lambda n: in_zone(f"Z{n}"))(size),
    "zones that name the next one": lambda size: many(lambda n: zone(n, f";TZID=Z{n + 1}"))(size) + in_zone("Z0"),
    "zones that nobody knows": many(lambda n: in_zone(f"Nowhere{n}")),
    "a zone's name of many parts": lambda size: in_zone(f"/{'vendor/' * 50 * size}Nowhere"),
    "free and busy": lambda size: lines("BEGIN:VFREEBUSY", *["FREEBUSY:20350101T000000Z/PT1H"] * size, "END:VFREEBUSY"),
    "guests": lambda size: event(*NINE, *["ATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example"] * size),
    "parameters": lambda size: event(*NINE, f"ATTENDEE{';CN=x' * size}:mailto:a@b.example"),
    "folds": lambda size: event(*NINE, "X-LONG:x\r\n " + "x\r\n " * size),
    "nested components": many(lambda _: "BEGIN:X\r\n" * 15 + event(*NINE) + "END:X\r\n" * 15),
    "starts": lambda size: event(*NINE, *(f"DTSTART:{time(n)}" for n in range(size))),
}


def read(text: str) -> BusyTimes:
    return busy_times(f"BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n".encode(), TZ, SINCE, UNTIL)


def steps(text: str) -> int:
    """How many lines of the program are run to read a calendar, each turn of a loop counted."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if "infusion_cli" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_file_is_twice_the_work(shape: str) -> None:
    made = SHAPES[shape]
    assert steps(made(400)) < 2.2 * steps(made(200))


def test_a_product_of_two_lists_would_show() -> None:
    def made(size: int) -> str:
        return event(*NINE, *(f"RRULE:FREQ=WEEKLY;COUNT={size}" for _ in range(size)))

    assert steps(made(40)) > 3 * steps(made(20))


def test_a_rule_takes_as_many_steps_whatever_its_weekdays_and_its_times_of_the_day() -> None:
    few = steps(event(*NINE, "RRULE:FREQ=YEARLY;BYDAY=53MO"))
    assert steps(event(*NINE, f"RRULE:FREQ=YEARLY;BYDAY=53MO,{ALL_WEEKDAYS};UNTIL=20261203T000000Z")) < 3 * few
    crowded = f"RRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))}"
    found = read(many(lambda n: event("DTSTART:20350101T000000Z", crowded, uid=n))(400))
    assert [e.rule for e in found.errors] == ["too-much"]


def test_a_name_is_short_wherever_it_is_digested_for_every_time_of_a_series() -> None:
    def known(name: str) -> str:
        return uid_of(scan(event(uid=name).encode()).components[0])

    assert known("x" * 1000) == "x" * 1000
    names = [known("x" * length) for length in (1001, 1_000_000)]
    assert [len(name) for name in names] == [64, 64]
    assert len(set(names)) == 2


def test_a_zone_that_leads_to_another_and_an_endless_name_are_no_zones() -> None:
    chained = many(lambda n: zone(n, f";TZID=Z{n + 1}"))(2000) + zone(2000)
    found = read(chained + "".join(map(in_zone, ("Z0", "Z1999", f"/{'a/' * 20_000}b", "Z2000"))))
    assert [(e.column, e.rule) for e in found.errors] == [
        ("DTSTART", "bad-zone"),
        ("DTSTART", "bad-zone"),
        ("DTSTART", "unknown-zone"),
    ]
    assert len(found.busy) == 1
