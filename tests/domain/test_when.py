"""The words of WHEN and DATE, lengths, ranges, weekdays and counts, read and said."""

from __future__ import annotations

import locale
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infusion_cli.domain import when
from infusion_cli.domain.clinic_time import WallTimeError, iso, local, to_instant, wall_text
from infusion_cli.domain.protocol import Span
from infusion_cli.errors import UsageError

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
MONDAY = int(datetime(2026, 11, 23, 8, 30, 20, tzinfo=NEW_YORK).timestamp())
ZONES = st.sampled_from([NEW_YORK, BERLIN, LORD_HOWE, ZoneInfo("Asia/Kathmandu")])


def wall(text: str, now: int = MONDAY, tz: ZoneInfo = NEW_YORK) -> str:
    return wall_text(when.parse_when(text, now, tz), tz)


def refusal(parse: Callable[[], object]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse()
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-01T09:00", "2026-12-01T09:00"),
        ("2026-12-01t09:00", "2026-12-01T09:00"),
        ("2026-12-01 9:00", "2026-12-01T09:00"),
        ("2026-12-01 9am", "2026-12-01T09:00"),
        ("  2026-12-01   09:00  ", "2026-12-01T09:00"),
        ("2026-12-01T09:00:00", "2026-12-01T09:00"),
        ("2026-12-01T09:00-05:00", "2026-12-01T09:00"),
        ("2026-12-01T09:00:00-05:00", "2026-12-01T09:00"),
        ("2026-12-01T14:00Z", "2026-12-01T09:00"),
        ("2026-12-01 14:00z", "2026-12-01T09:00"),
        ("2026-12-01T15:00+01:00", "2026-12-01T09:00"),
        ("2026-12-01T15:00+01", "2026-12-01T09:00"),
        ("2026-12-01T19:45+0545", "2026-12-01T09:00"),
        ("2026-12-01T01:00+14:00", "2026-11-30T06:00"),
        ("tue 9am", "2026-11-24T09:00"),
        ("Tuesday 9 AM", "2026-11-24T09:00"),
        ("tues 9:15am", "2026-11-24T09:15"),
        ("next tue 9am", "2026-12-01T09:00"),
        ("mon 9am", "2026-11-30T09:00"),
        ("next mon 9am", "2026-11-30T09:00"),
        ("sun 10:00", "2026-11-29T10:00"),
        ("next sunday 10:00", "2026-12-06T10:00"),
        ("friday 5 pm", "2026-11-27T17:00"),
        ("tomorrow 14:30", "2026-11-24T14:30"),
        ("yesterday 14:30", "2026-11-22T14:30"),
        ("today 9:30am", "2026-11-23T09:30"),
        ("+3d 9:00", "2026-11-26T09:00"),
        ("+2w 9am", "2026-12-07T09:00"),
        ("+1m 9:15", "2026-12-23T09:15"),
        ("+15m 9:00", "2028-02-23T09:00"),
        ("+0d 9:00", "2026-11-23T09:00"),
        ("Tue 1 Dec 2026 09:00", "2026-12-01T09:00"),
        ("1 dec 9am", "2026-12-01T09:00"),
        ("tuesday 1 december 9:15", "2026-12-01T09:15"),
        ("23 nov 9:00", "2026-11-23T09:00"),
        ("22 nov 9:00", "2027-11-22T09:00"),
        ("01 Sept 2027 noon", "2027-09-01T12:00"),
        ("now", "2026-11-23T08:30"),
        ("noon", "2026-11-23T12:00"),
        ("tomorrow noon", "2026-11-24T12:00"),
        ("tomorrow midnight", "2026-11-24T00:00"),
        ("14:30", "2026-11-23T14:30"),
        ("9am", "2026-11-23T09:00"),
        ("tue 12am", "2026-11-24T00:00"),
        ("tue 12:30pm", "2026-11-24T12:30"),
        ("2028-02-29 9:00", "2028-02-29T09:00"),
        ("1970-01-01 00:00", "1970-01-01T00:00"),
        ("2200-12-31 23:59", "2200-12-31T23:59"),
    ],
)
def test_words_of_when_are_understood(text: str, meant: str) -> None:
    assert wall(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The time is empty."),
        ("   ", "The time is empty."),
        ("9", "'9' is not a time."),
        ("banana", "'banana' is not a time."),
        ("next", "'next' is not a time."),
        ("next week", "'next week' is not a time."),
        ("next 9am", "'next 9am' is not a time."),
        ("+2h", "'+2h' is not a time."),
        ("9am tue", "'9am tue' is not a time."),
        ("tomorrow banana", "'banana' is not a time of day."),
        ("tue 9", "'9' is not a time of day."),
        ("tue 13pm", "'13pm' is not a time of day."),
        ("tue 0am", "'0am' is not a time of day."),
        ("tue 24:00", "'24:00' is not a time of day."),
        ("tue 9:60", "'9:60' is not a time of day."),
        ("tue 9.30", "'9.30' is not a time of day."),
        ("tue 1 2:00", "'1 2:00' is not a time of day."),
        ("tue 9:00-05:00", "'9:00-05:00' is not a time of day."),
        ("2026-12-01", "'2026-12-01' names a day, but no time."),
        ("Tue 1 Dec 2026", "'Tue 1 Dec 2026' names a day, but no time."),
        ("mon 1 dec 9:00", "2026-12-01 is no Mon, but a Tue."),
        ("31 nov 9:00", "'2026-11-31' is not a date: Nov 2026 has no day 31."),
        ("1 dec 26 9:00", "'26 9:00' is not a time of day."),
        ("1 de 9:00", "'1 de 9:00' is not a time."),
        ("dec 1 9:00", "'dec 1 9:00' is not a time."),
        ("tomorrow", "'tomorrow' names a day, but no time."),
        ("next tue", "'next tue' names a day, but no time."),
        ("2026-02-30 9:00", "'2026-02-30' is not a date: Feb 2026 has no day 30."),
        ("2027-02-29 9:00", "'2027-02-29' is not a date: Feb 2027 has no day 29."),
        ("2026-12-00 9:00", "'2026-12-00' is not a date: Dec 2026 has no day 0."),
        ("2026-13-01T09:00", "'2026-13-01' is not a date: there is no month 13."),
        ("2026-00-01 9:00", "'2026-00-01' is not a date: there is no month 00."),
        ("1969-12-31 9:00", "The year 1969 is not between 1970 and 2200."),
        ("2201-01-01 9:00", "The year 2201 is not between 1970 and 2200."),
        ("0000-01-01 9:00", "The year 0000 is not between 1970 and 2200."),
        ("+9999m 9:00", "'+9999m' is after the year 2200."),
        ("+999999999d 9:00", "'+999999999d' is after the year 2200."),
        ("2200-12-31T23:00-12:00", "That is not between 1970 and 2200 on the clinic's clock."),
        ("01/12/2026 9:00", "'01/12/2026' could be read in more than one way."),
        ("1.12.2026 9:00", "'1.12.2026' could be read in more than one way."),
        ("1.12. 9:00", "'1.12.' could be read in more than one way."),
        ("12-01-2026 9:00", "'12-01-2026' could be read in more than one way."),
        ("2026-1-5 9:00", "'2026-1-5' could be read in more than one way."),
        ("20261201 9:00", "'20261201' could be read in more than one way."),
        ("tue 9:00:30", "'9:00:30' is not on a full minute."),
        ("2026-12-01T09:00:30-05:00", "'09:00:30' is not on a full minute."),
        ("2026-12-01T25:00Z", "'25:00' is not a time of day."),
        ("2026-12-01T09:00+15:00", "No zone has the offset +15:00."),
        ("2026-12-01T09:00+01:75", "No zone has the offset +01:75."),
        ("2026-12-01T0\u0669:00", "'2026-12-01T0\u0669:00' is not a time."),
        ("\uff12\uff10\uff12\uff16-12-01 9:00", "'\uff12\uff10\uff12\uff16-12-01 9:00' is not a time."),
        ("\u00b2:00", "'\u00b2:00' is not a time."),
        ("morgen \u202e9:00", "'morgen 9:00' is not a time."),
        ("x" * 60, f"'{'x' * 39}…' is not a time."),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(text: str, said: str) -> None:
    assert refusal(lambda: when.parse_when(text, MONDAY, NEW_YORK)).message == said


def test_hints_show_the_way_out() -> None:
    hints = {
        text: refusal(lambda text=text: when.parse_when(text, MONDAY, NEW_YORK)).hint  # type: ignore[misc]
        for text in ("01/12/2026 9:00", "next tue", "2026-02-30 9:00", "tue 9")
    }
    assert "YYYY-MM-DD" in hints["01/12/2026 9:00"]
    assert hints["next tue"] == "give a time too, e.g. 'next tue 9:00'"
    assert "2026-02-28" in hints["2026-02-30 9:00"]
    assert "9am" in hints["tue 9"]


@pytest.mark.parametrize(
    ("text", "tz", "word", "first", "second"),
    [
        ("2027-03-14 2:30", NEW_YORK, "skipped", "2027-03-14T01:30:00-05:00", "2027-03-14T03:30:00-04:00"),
        ("2027-11-07 1:30", NEW_YORK, "twice", "2027-11-07T01:30:00-04:00", "2027-11-07T01:30:00-05:00"),
        ("2027-03-28 2:00", BERLIN, "skipped", "2027-03-28T01:00:00+01:00", "2027-03-28T03:00:00+02:00"),
        ("2027-10-31 2:59", BERLIN, "twice", "2027-10-31T02:59:00+02:00", "2027-10-31T02:59:00+01:00"),
        ("2026-10-04 2:15", LORD_HOWE, "skipped", "2026-10-04T01:45:00+10:30", "2026-10-04T02:45:00+11:00"),
        ("2027-04-04 1:45", LORD_HOWE, "twice", "2027-04-04T01:45:00+11:00", "2027-04-04T01:45:00+10:30"),
    ],
)
def test_a_wall_time_that_the_clock_skips_or_repeats_is_refused_with_both_readings(
    text: str, tz: ZoneInfo, word: str, first: str, second: str
) -> None:
    error = refusal(lambda: when.parse_when(text, MONDAY, tz))
    assert word in error.message
    assert first in error.message
    assert second in error.message
    assert iso(when.parse_when(first, MONDAY, tz), tz) == first
    assert iso(when.parse_when(second, MONDAY, tz), tz) == second


def test_words_that_lead_into_a_gap_are_refused_like_dates() -> None:
    saturday = int(datetime(2027, 3, 13, 12, tzinfo=NEW_YORK).timestamp())
    assert "skipped" in refusal(lambda: when.parse_when("tomorrow 2:30am", saturday, NEW_YORK)).message


def test_today_is_the_day_of_the_clinic_and_not_of_utc() -> None:
    late = int(datetime(2026, 11, 23, 22, 0, tzinfo=NEW_YORK).timestamp())
    assert wall("today 23:00", late) == "2026-11-23T23:00"
    assert wall("tue 9am", late) == "2026-11-24T09:00"


def test_now_is_the_full_minute_that_the_clock_shows() -> None:
    assert when.parse_when("now", MONDAY, NEW_YORK) == MONDAY - 20


def test_months_end_on_their_last_day() -> None:
    january = int(datetime(2027, 1, 31, 8, 0, tzinfo=NEW_YORK).timestamp())
    assert wall("+1m 9:00", january) == "2027-02-28T09:00"
    assert wall("+13m 9:00", january) == "2028-02-29T09:00"
    assert wall("+11m 9:00", january) == "2027-12-31T09:00"


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(range(7)))
def test_a_weekday_is_within_the_next_seven_days_and_next_is_in_another_week(today: date, weekday: int) -> None:
    now = int(datetime(today.year, today.month, today.day, 12, tzinfo=BERLIN).timestamp())
    name = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[weekday]
    day, later = when.parse_date(name, now, BERLIN), when.parse_date(f"next {name}", now, BERLIN)
    assert day.weekday() == later.weekday() == weekday
    assert 1 <= (day - today).days <= 7
    assert later.isocalendar()[:2] != today.isocalendar()[:2]
    assert later - day in {timedelta(0), timedelta(7)}


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 12, 30)), ZONES)
def test_what_the_program_writes_it_reads_again(at: datetime, tz: ZoneInfo) -> None:
    try:
        instant = to_instant(at.replace(second=0, microsecond=0), tz)
    except WallTimeError:
        assume(False)
    assert when.parse_when(iso(instant, tz), MONDAY, tz) == instant
    assert when.parse_when(wall_text(instant, tz), MONDAY, tz) == instant
    assert when.parse_when(when.say_when(instant, tz), MONDAY, tz) == instant
    assert when.parse_date(when.say_date(at.date()), MONDAY, tz) == at.date()


WORDS = """
    next tue monday today tomorrow now noon midnight + - : T Z +3d +99999w +12m 9am 13pm 9:00 24:00 02:30 am pm 2026
    2026-12-01 2026-02-30 0000-00-00 9999-12-31 2200-12-31 1970-01-01 2027-03-14 -05:00 +14:00 +99:99 1h30m p1d pt p
    1 31 dec feb may september 1969 2199 90m 99999999999999999999 , mon-fri 8-12 9am-5pm \u0669 \u00b2
"""
PIECES = st.sampled_from([*WORDS.split(), "\x00", "\u2007", "\ud800"])
TEXTS = st.text() | st.lists(PIECES, max_size=6).map(" ".join) | st.lists(PIECES, max_size=6).map("".join)


@given(TEXTS, st.integers(0, 7_000_000_000), ZONES)
def test_no_text_whatever_raises_anything_but_a_usage_error(text: str, now: int, tz: ZoneInfo) -> None:
    parsers: list[Callable[[], object]] = [
        lambda: when.parse_when(text, now, tz),
        lambda: when.parse_date(text, now, tz),
        lambda: when.parse_duration(text),
        lambda: when.parse_span(text),
        lambda: when.parse_between(text),
        lambda: when.parse_weekdays(text),
        lambda: when.parse_count(text, "limit"),
    ]
    for parse in parsers:
        error = None
        try:
            parse()
        except UsageError as refused:
            error = refused
        assert error is None or (error.hint and (error.message + error.hint).isprintable())


def test_a_very_long_number_is_refused_and_not_converted() -> None:
    digits = "9" * 5000
    for parse in (when.parse_duration, when.parse_span, when.parse_between, lambda t: when.parse_count(t, "limit")):
        refusal(lambda parse=parse: parse(digits))  # type: ignore[misc]
        refusal(lambda parse=parse: parse(digits + "m"))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-01", date(2026, 12, 1)),
        ("tue", date(2026, 11, 24)),
        ("next tue", date(2026, 12, 1)),
        ("monday", date(2026, 11, 30)),
        ("today", date(2026, 11, 23)),
        ("now", date(2026, 11, 23)),
        ("yesterday", date(2026, 11, 22)),
        ("Tomorrow", date(2026, 11, 24)),
        ("+10d", date(2026, 12, 3)),
        ("+2w", date(2026, 12, 7)),
        ("+1m", date(2026, 12, 23)),
        ("1951-01-21", date(1951, 1, 21)),
        ("Sun 21 Jan 1951", date(1951, 1, 21)),
        ("1 january", date(2027, 1, 1)),
    ],
)
def test_words_of_date_are_understood(text: str, meant: date) -> None:
    assert when.parse_date(text, MONDAY, NEW_YORK) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The date is empty."),
        ("9am", "'9am' is not a date."),
        ("soon", "'soon' is not a date."),
        ("2026-12-01T09:00", "'2026-12-01T09:00' is more than a date."),
        ("tue 9am", "'tue 9am' is more than a date."),
        ("2026-13-01", "'2026-13-01' is not a date: there is no month 13."),
        ("1899-12-31", "The year 1899 is not between 1900 and 2200."),
        ("01.12.2026", "'01.12.2026' could be read in more than one way."),
        ("\u0662\u0660\u0662\u0666-12-01", "'\u0662\u0660\u0662\u0666-12-01' is not a date."),
    ],
)
def test_what_is_no_date_is_refused(text: str, said: str) -> None:
    assert refusal(lambda: when.parse_date(text, MONDAY, NEW_YORK)).message == said


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("30m", 30),
        ("90 min", 90),
        ("2h", 120),
        ("3d", 4320),
        ("2w", 20160),
        ("1h30m", 90),
        ("1H 30M", 90),
        ("1d2h", 1560),
        ("PT90M", 90),
        ("pt1h30m", 90),
        ("P1D", 1440),
        ("P1W", 10080),
        ("P1DT2H", 1560),
        ("PT90M0S", 90),
        ("366d", 527040),
    ],
)
def test_durations_are_read_as_minutes(text: str, minutes: int) -> None:
    assert when.parse_duration(text) == minutes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0m",
        "PT0S",
        "-30m",
        "30",
        "P",
        "PT",
        "P1DT",
        "P1M",
        "PT30S",
        "1.5h",
        "30m2h",
        "367d",
        "1h\u0663m",
        "h",
        "soon",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert "30m" in refusal(lambda: when.parse_duration(text)).hint


@given(st.integers(1, when.LONGEST))
def test_a_length_that_is_said_is_read_again(minutes: int) -> None:
    assert when.parse_duration(when.say_length(minutes)) == minutes


def test_spans_keep_their_unit() -> None:
    assert [when.parse_span(t) for t in ("24h", "3d", " 30M ")] == [Span(24, "h"), Span(3, "d"), Span(30, "m")]


@pytest.mark.parametrize("text", ["", "0h", "h", "24", "1h30m", "2w", "-3d", "\u0663d", "100000d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    assert "24h" in refusal(lambda: when.parse_span(text)).hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("9:00-12:00", (540, 720)),
        ("09:00 - 12:00", (540, 720)),
        ("9am-12:30pm", (540, 750)),
        ("9am-5pm", (540, 1020)),
        ("8-12", (480, 720)),
        ("8-12:30", (480, 750)),
        ("noon-5pm", (720, 1020)),
        ("9:00-9:00", (540, 540)),
        ("0-24", (0, 1440)),
        ("18:00-24:00", (1080, 1440)),
        ("6pm-midnight", (1080, 1440)),
        ("6pm-12am", (1080, 1440)),
    ],
)
def test_ranges_of_the_day_include_both_ends(text: str, meant: tuple[int, int]) -> None:
    assert when.parse_between(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12:00-9:00", "'12:00-9:00' ends before it begins."),
        ("1-5pm", "'1-5pm' has am or pm at one end only."),
        ("9am-12", "'9am-12' has am or pm at one end only."),
        ("", "'' is not a range of times of day."),
        ("9:00", "'9:00' is not a range of times of day."),
        ("9-", "'9-' is not a range of times of day."),
        ("9-10-11", "'9-10-11' is not a range of times of day."),
        ("24:00-24:00", "'24:00-24:00' is not a range of times of day."),
        ("9:00-25:00", "'9:00-25:00' is not a range of times of day."),
        ("9:00\u201312:00", "'9:00\u201312:00' is not a range of times of day."),
    ],
)
def test_what_is_no_range_is_refused(text: str, said: str) -> None:
    assert refusal(lambda: when.parse_between(text)).message == said


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("mon,wed", {0, 2}),
        ("monday, Wed", {0, 2}),
        ("thurs ,sun", {3, 6}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Mon - Wed, sat", {0, 1, 2, 5}),
        ("fri-mon", {4, 5, 6, 0}),
        ("tue-tue", {1}),
        ("wed,wed", {2}),
    ],
)
def test_weekdays_are_lists_and_ranges(text: str, meant: set[int]) -> None:
    assert when.parse_weekdays(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not a weekday."),
        ("mon,", "'mon,' is not a weekday."),
        ("mon,dienstag", "'dienstag' is not a weekday."),
        ("mon-", "'mon-' is not a weekday."),
        ("1,3", "'1' is not a weekday."),
        ("mon wed", "'mon wed' is not a weekday."),
    ],
)
def test_what_is_no_weekday_is_refused(text: str, said: str) -> None:
    assert refusal(lambda: when.parse_weekdays(text)).message == said


def test_counts_are_whole_numbers_in_their_range() -> None:
    assert [when.parse_count(t, "limit") for t in ("1", " 10 ", "007", "10000")] == [1, 10, 7, 10_000]
    assert when.parse_count("0", "days", low=0) == 0


@pytest.mark.parametrize(
    "text", ["minus two", "-2", "+2", "0", "21", "1e3", "\u00b2", "\u0663", "1_0", "", "2.0", "9" * 40]
)
def test_what_is_no_count_is_refused_with_its_option(text: str) -> None:
    error = refusal(lambda: when.parse_count(text, "limit", high=20))
    assert error.message.startswith("The number for 'limit' is from 1 to 20, not ")


def test_times_are_said_with_weekday_and_date() -> None:
    instant = when.parse_when("2026-12-01T09:00", MONDAY, NEW_YORK)
    assert when.say_when(instant, NEW_YORK) == "Tue 1 Dec 2026 09:00"
    assert when.say_when(instant, BERLIN) == "Tue 1 Dec 2026 15:00"
    assert when.say_date(date(2026, 12, 1)) == "Tue 1 Dec 2026"
    assert when.say_day(date(2026, 12, 1)) == "Tue  1 Dec"
    assert when.say_day(date(2026, 12, 11)) == "Fri 11 Dec"


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 12, 30)), ZONES)
def test_names_of_days_and_months_are_those_of_the_c_locale(at: datetime, tz: ZoneInfo) -> None:
    assert locale.setlocale(locale.LC_TIME) in {"C", "POSIX", "C.UTF-8", "en_US.UTF-8"}
    instant = int(at.replace(tzinfo=tz).timestamp())
    shown = local(instant, tz)
    assert when.say_when(instant, tz) == f"{shown:%a} {shown.day} {shown:%b %Y %H:%M}"
    assert when.say_day(shown.date()) == f"{shown:%a} {shown.day:>2} {shown:%b}"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 min"),
        (45, "45 min"),
        (60, "1 h"),
        (150, "2 h 30 min"),
        (1320, "22 h"),
        (1440, "1 d"),
        (47 * 60, "47 h"),
        (2880, "2 d"),
        (5760, "4 d"),
        (4320 + 65, "3 d 1 h 5 min"),
    ],
)
def test_lengths_are_said_in_days_hours_and_minutes(minutes: int, said: str) -> None:
    assert when.say_length(minutes) == said
