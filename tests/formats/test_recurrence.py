"""Recurrence rules: what the standard's own examples say, what another library says, and where it stops."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_cli.formats.ics_scan import Property
from infusion_cli.formats.ics_values import rule as read_rule
from infusion_cli.formats.ics_zones import Table, ValueProblem, Zones
from infusion_cli.formats.recurrence import Budget, Rule, TooMuchError, occurrences


def no_zone(*_: object) -> Any:
    return Table(0, ())


ZONES = Zones(ZoneInfo("America/New_York"), [], no_zone)
START = datetime(1997, 9, 2, 9)


def rule(text: str) -> Rule:
    return read_rule(Property(1, "RRULE", f":{text}"), ZONES).rule


def dates(text: str, number: int, start: datetime = START) -> list[str]:
    found = occurrences(rule(text), start, start, start + timedelta(days=9000), Budget())
    return [f"{at:%Y-%m-%d}" for at in islice(found, number)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH;COUNT=4", "1997-09-02 1997-09-04 1997-09-16 1997-09-18"),
        ("FREQ=MONTHLY;BYDAY=1SU,-1SU;COUNT=4", "1997-09-07 1997-09-28 1997-10-05 1997-10-26"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=3", "1997-09-28 1997-10-29 1997-11-28"),
        ("FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3;COUNT=3", "1997-09-04 1997-10-07 1997-11-06"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3", "1997-09-29 1997-10-30 1997-11-27"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", "1998-02-13 1998-03-13 1998-11-13"),
        ("FREQ=YEARLY;BYDAY=20MO;COUNT=3", "1998-05-18 1999-05-17 2000-05-15"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "1998-05-11 1999-05-17 2000-05-15"),
        ("FREQ=YEARLY;INTERVAL=3;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=2", "1997-11-04 2000-11-07"),
    ],
)
def test_the_examples_of_the_standard(text: str, expected: str) -> None:
    """RFC 5545, 3.8.5.3; election days every third year, so that they begin on 2 September 1997 as well."""
    assert dates(text, 9) == expected.split()


def test_the_week_begins_where_the_rule_says() -> None:
    """The standard's own example of the difference that WKST makes."""
    start = datetime(1997, 8, 5, 9)
    text = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST="
    assert dates(f"{text}MO", 9, start) == ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]
    assert dates(f"{text}SU", 9, start) == ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]


def test_a_position_counts_in_the_whole_week_of_the_start() -> None:
    # A Saturday begins a rule for the first of Monday and Saturday: that week's first was the Monday.
    assert dates("FREQ=WEEKLY;BYDAY=MO,SA;BYSETPOS=1", 2, datetime(2022, 1, 1)) == ["2022-01-03", "2022-01-10"]


def test_numbered_and_plain_weekdays_stand_beside_each_other() -> None:
    # dateutil takes them for two conditions, which no day fulfils.
    found = dates("FREQ=MONTHLY;BYDAY=TU,1WE;COUNT=6", 9)
    assert found == ["1997-09-02", "1997-09-03", "1997-09-09", "1997-09-16", "1997-09-23", "1997-09-30"]


def test_days_that_a_month_lacks_are_left_out() -> None:
    assert dates("FREQ=MONTHLY", 4, datetime(2026, 1, 31)) == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]
    assert dates("FREQ=YEARLY", 2, datetime(2024, 2, 29)) == ["2024-02-29", "2028-02-29"]


def listed(low: int, high: int, *, signed: bool = False) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    if signed:
        numbers |= numbers.map(lambda n: -n)
    return st.lists(numbers, min_size=1, max_size=4, unique=True).map(lambda found: ",".join(map(str, found)))


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PLAIN_DAYS = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=4, unique=True).map(",".join)
NUMBERED = st.tuples(st.sampled_from([1, 2, 3, 4, -1, -2, -4]), st.sampled_from(WEEKDAYS)).map(
    lambda pair: f"{pair[0]}{pair[1]}"
)
NUMBERED_DAYS = st.lists(NUMBERED, min_size=1, max_size=3, unique=True).map(",".join)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule as the standard allows it for its frequency that fits some day, which the other library needs to stop."""
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    # Every twelfth month and the like may never be the month that is asked for.
    interval = draw(st.sampled_from([1, 5, 7]) if freq == "MONTHLY" else st.integers(1, 5))
    parts = {"FREQ": freq, "INTERVAL": str(interval)}
    may: dict[str, st.SearchStrategy[str]] = {
        "BYMONTH": listed(1, 12),
        "BYHOUR": listed(0, 23),
        "BYMINUTE": listed(0, 59),
        "WKST": st.sampled_from(WEEKDAYS),
        "BYDAY": NUMBERED_DAYS if freq in {"MONTHLY", "YEARLY"} and draw(st.booleans()) else PLAIN_DAYS,
    }
    if freq != "WEEKLY" and may["BYDAY"] is PLAIN_DAYS:
        may["BYMONTHDAY"] = listed(1, 28, signed=True)
    if freq == "YEARLY" and draw(st.integers(0, 3)) == 0:
        may = {"BYYEARDAY": listed(1, 365, signed=True), "BYHOUR": may["BYHOUR"]}
    for name, values in may.items():
        if draw(st.integers(0, 2)) == 0:
            parts[name] = draw(values)
    by_parts = [name for name in parts if name.startswith("BY")]
    # The other library takes what is left of the week of the start for a whole one.
    if by_parts and freq != "WEEKLY" and draw(st.booleans()):
        parts["BYSETPOS"] = draw(st.sampled_from(["1", "-1", "1,-1"]))
    if draw(st.booleans()):
        parts["COUNT"] = str(draw(st.integers(1, 40)))
    return ";".join(f"{name}={value}" for name, value in parts.items())


@settings(max_examples=150, deadline=None)
@given(
    text=rules(),
    start=st.datetimes(datetime(2016, 1, 1), datetime(2026, 12, 31)).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    first=st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)),
    days=st.integers(0, 800),
)
def test_a_rule_falls_where_another_library_says(text: str, start: datetime, first: datetime, days: int) -> None:
    last = first + timedelta(days=days)
    found = list(occurrences(rule(text), start, first, last, Budget()))
    assert found == [at for at in _followed(text, start, last) if first <= at <= last]


def _followed(text: str, start: datetime, last: datetime) -> list[datetime]:
    """What dateutil finds until `last`; for a rule that fits no day it looks until the year 9999."""
    return list(takewhile(lambda at: at <= last, rrulestr(text, dtstart=start)))


@pytest.mark.parametrize("freq", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_a_rule_that_never_fits_ends_with_the_window(freq: str) -> None:
    budget = Budget(1000)
    never = rule(f"FREQ={freq};BYMONTH=2;BYMONTHDAY=30")
    first = datetime(2026, 1, 1)
    assert list(occurrences(never, datetime(1, 1, 1), first, first + timedelta(days=366), budget)) == []


def test_work_without_end_is_given_up() -> None:
    ever = rule("FREQ=DAILY;COUNT=1000000")
    first = datetime(2026, 1, 1)
    with pytest.raises(TooMuchError):
        list(occurrences(ever, datetime(1, 1, 1), first, first, Budget()))
    assert len(list(occurrences(ever, datetime(2025, 1, 1), first, first + timedelta(days=9), Budget()))) == 10


@pytest.mark.parametrize(
    ("text", "number"),
    [("FREQ=DAILY", 367), ("FREQ=WEEKLY;WKST=WE", 53), ("FREQ=MONTHLY", 12), ("FREQ=YEARLY;BYWEEKNO=1,53,-1", 3)],
)
def test_a_rule_ends_with_the_last_day_there_is_and_may_begin_on_the_first(text: str, number: int) -> None:
    start, last = datetime(9998, 12, 30), datetime(9999, 12, 31, 23)
    assert len(list(occurrences(rule(text), start, start, last, Budget()))) == number
    first = datetime(1, 1, 1)
    assert next(occurrences(rule(text), first, first, datetime(3, 1, 1), Budget())) == first


@pytest.mark.parametrize(
    ("text", "rule_id"),
    [
        ("FREQ=SECONDLY", "too-often"),
        ("FREQ=MINUTELY;INTERVAL=60", "too-often"),
        ("FREQ=HOURLY", "too-often"),
        (
            "FREQ=DAILY;BYHOUR=0,1;BYMINUTE="
            + ",".join(map(str, range(60)))
            + ";BYSECOND="
            + ",".join(map(str, range(60))),
            "too-often",
        ),
        ("INTERVAL=2", "bad-rule"),
        ("FREQ=DAILY;INTERVAL=0", "bad-rule"),
        ("FREQ=DAILY;INTERVAL=-1", "bad-rule"),
        ("FREQ=DAILY;COUNT=0", "bad-rule"),
        ("FREQ=DAILY;COUNT=99999999999999999999", "bad-rule"),
        ("FREQ=DAILY;COUNT=٣", "bad-rule"),
        ("FREQ=DAILY;BYMONTH=13", "bad-rule"),
        ("FREQ=DAILY;BYMONTH=", "bad-rule"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "bad-rule"),
        ("FREQ=WEEKLY;BYDAY=XX", "bad-rule"),
        ("FREQ=MONTHLY;BYDAY=54MO", "bad-rule"),
        ("FREQ=WEEKLY;WKST=1", "bad-rule"),
        ("FREQ=WEEKLY;COUNT", "bad-rule"),
        ("FREQ=YEARLY;BYEASTER=0", "unsupported-rule"),
        ("FREQ=YEARLY;RSCALE=CHINESE", "unsupported-rule"),
        ("FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD", "unsupported-rule"),
        ("FREQ=DAILY;UNTIL=soon", "bad-time"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(text: str, rule_id: str) -> None:
    with pytest.raises(ValueProblem) as refused:
        rule(text)
    assert refused.value.rule == rule_id
