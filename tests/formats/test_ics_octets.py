"""The octets of calendar files, whatever the names are, and what independent readers make of them."""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, date, datetime

import pytest
from calendar_files import MOOD, at, clinic, octets, read, unfolded, visit
from dateutil.tz import tzical
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infusion_cli.domain import names

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "America/Phoenix",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Casablanca",
)
HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\\;,:"^\r\n\t\0\x0b\x0c\x1c\x7f\x85\u2028\u2029\ufeff\u202eé€😀漢'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=150,
)
ENOUGH = settings(max_examples=60, deadline=None)


def broken_rules(data: bytes) -> list[str]:
    """What the octets break of RFC 5545, 3.1, and of our own promise about control characters."""
    lines = data.split(b"\r\n")
    text = data.decode(errors="replace")
    rules = {
        "the last line is ended": data.endswith(b"\r\n"),
        "no bare CR or LF": not any(b"\r" in line or b"\n" in line for line in lines),
        "75 octets": max(map(len, lines)) <= 75,
        "no mark in front": not data.startswith(b"\xef\xbb\xbf"),
        "no control characters": not any(
            unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in text.replace("\r\n", "")
        ),
        "folds between characters": all(_is_text(line) for line in lines),
    }
    return [rule for rule, holds in rules.items() if not holds]


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@ENOUGH
@given(public_name=HOSTILE, address=HOSTILE, phone=HOSTILE, title=HOSTILE, calendar_name=HOSTILE)
@example("é" * 40, "\\" * 80, "a\r\nATTENDEE:mailto:x@example.org", ",;" * 60, "x" * 61 + "😀")
def test_hostile_text_breaks_no_rule_of_the_octets(
    public_name: str, address: str, phone: str, title: str, calendar_name: str
) -> None:
    hostile = clinic(
        public_name=public_name, address=address, phone=phone, protocols=(MOOD._replace(public_title=title),)
    )
    data = octets(hostile, visit(1), visit(2), calendar_name=calendar_name)

    assert broken_rules(data) == []
    assert "\r\nATTENDEE" not in unfolded(data)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"A:b", "the last line is ended"),
        (b"A:b\nC:d\r\n", "no bare CR or LF"),
        (b"A:" + b"x" * 74 + b"\r\n", "75 octets"),
        (b"\xef\xbb\xbfA:b\r\n", "no mark in front"),
        (b"A:\x0b\r\n", "no control characters"),
        (b"A:\xe2\x80\xa8\r\n", "no control characters"),
        (b"A:\xc3\r\n \xa9\r\n", "folds between characters"),
    ],
)
def test_the_check_of_the_octets_finds_each_broken_rule(data: bytes, rule: str) -> None:
    assert rule in broken_rules(data)


def test_no_fold_parts_a_backslash_from_what_it_escapes() -> None:
    for length in range(60, 76):
        data = octets(clinic(public_name="x" * length + "\\,;" * 30), visit(1))
        assert [line for line in data.split(b"\r\n") if (len(line) - len(line.rstrip(b"\\"))) % 2] == []


@ENOUGH
@given(
    zone=st.sampled_from(ZONES),
    public_name=HOSTILE,
    address=HOSTILE,
    quarters=st.lists(
        st.integers(at("2024-01-01T00:00+00:00") // 900, at("2034-12-31T00:00+00:00") // 900), min_size=1, max_size=6
    ),
)
def test_the_library_reads_back_the_same_instants_and_the_same_place(
    zone: str, public_name: str, address: str, quarters: list[int]
) -> None:
    visits = [visit(n, quarter * 900) for n, quarter in enumerate(quarters)]
    place = names.clean(", ".join(filter(None, (public_name, address))))

    data = octets(clinic(timezone=zone, public_name=public_name, address=address), *visits)

    assert read(data) == [(v.start, v.leave, place) for v in visits]


@ENOUGH
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2024, 1, 1), date(2034, 12, 1)),
    quarters=st.lists(st.integers(0, 30 * 96), min_size=2, max_size=6),
)
def test_a_reader_that_knows_the_vtimezone_only_finds_the_same_instants(
    zone: str, day: date, quarters: list[int]
) -> None:
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    visits = [visit(n, midnight + quarter * 900) for n, quarter in enumerate(quarters)]

    text = octets(clinic(timezone=zone), *visits).decode()

    starts = [line for line in text.split("\r\n") if line.startswith(("DTSTART;TZID", "DTSTART:2"))]
    assert [_by_vtimezone(line, text) for line in starts] == [v.start for v in visits]


def _by_vtimezone(line: str, text: str) -> int:
    head, _, value = line.partition(":")
    if head == "DTSTART":
        return int(datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
    tz = tzical(io.StringIO(text)).get(head.partition("=")[2])
    assert tz is not None
    offset = datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=tz).utcoffset()
    assert offset is not None
    return int((datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=UTC) - offset).timestamp())


def test_the_zones_of_these_tests_cover_both_ways_of_writing() -> None:
    ways = {zone: b"TZID=" in octets(clinic(timezone=zone), visit(1), visit(2)) for zone in ZONES}

    assert ways == {zone: zone != "Africa/Casablanca" for zone in ZONES}
