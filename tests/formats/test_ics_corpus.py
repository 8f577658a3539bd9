"""Every calendar file of a corpus against a second reader: nothing is lost, nothing invented, all is named.

`tests/data/ics` has a file for each trait. INFUSION_CORPUS names a folder of further ones, such as the
test suites of other calendar programs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from formats.expansion import spans

from infusion_cli.formats.ics_read import BusyTimes, busy_times

OWN = Path(__file__).resolve().parent.parent / "data" / "ics"
FOLDERS = [OWN, *(Path(name).resolve() for name in [os.environ.get("INFUSION_CORPUS", "")] if name)]
FILES = [path for folder in FOLDERS for path in sorted(folder.rglob("*.ics"))]
TZ = ZoneInfo("America/New_York")
SINCE, UNTIL = 3 * 86_400, 2_051_222_400
"""From 1970 to the end of 2034: all that any of the files speaks of."""
ABOUT_THE_FILE = {"no-end", "stray-end", "no-calendar", "not-utf-8", "too-deep", "too-many", "too-large"}


class Part(NamedTuple):
    """A component right below a VCALENDAR with its first and last physical line."""

    name: str
    first: int
    last: int


def read(data: bytes) -> BusyTimes:
    return busy_times(data, TZ, SINCE, UNTIL)


def times(found: BusyTimes) -> set[tuple[int, int]]:
    return {(b.start, b.end) for b in found.busy}


def lines_of(data: bytes) -> list[bytes]:
    return data.removeprefix(b"\xef\xbb\xbf").split(b"\n" if b"\n" in data else b"\r")


def parts(data: bytes) -> list[Part]:
    """The components of the file's calendars, found by nothing but BEGIN and END."""
    found, names, begun = [], [], []
    for number, line in enumerate(lines_of(data), start=1):
        mark = re.match(rb"(BEGIN|END):(.*?)\s*$", line, re.IGNORECASE)
        if mark and mark[1].upper() == b"BEGIN":
            names.append(mark[2].decode(errors="replace").upper())
            begun.append(number)
        elif mark and names:
            name, first = names.pop(), begun.pop()
            if names and names[-1] == "VCALENDAR" and name not in {"VTIMEZONE", "VCALENDAR"}:
                found.append(Part(name, first, number))
    return found


def in_a_calendar(data: bytes) -> bytes:
    """A file that holds components without a calendar around them, as the suites of libraries do."""
    return b"BEGIN:VCALENDAR\r\n" + data.strip(b"\r\n") + b"\r\nEND:VCALENDAR\r\n"


def mended(data: bytes, found: BusyTimes) -> bytes:
    """The file without the components that could not be read."""
    wrong = {e.line for e in found.errors if e.line}
    out = [range(p.first, p.last + 1) for p in parts(data) if any(p.first <= line <= p.last for line in wrong)]
    ends = b"\n" if b"\n" in data else b"\r"
    return ends.join(line for n, line in enumerate(lines_of(data), start=1) if not any(n in span for span in out))


def check(data: bytes) -> None:
    found = read(data)
    for lines in (found.errors, found.warnings):
        assert all(e.line and e.rule and e.message for e in lines)
    if any(e.rule in ABOUT_THE_FILE for e in found.errors):
        return
    named = {b.line for b in found.busy} | {s.line for s in found.skipped}
    for part in parts(data):
        wrong = any(part.first <= (e.line or 0) <= part.last for e in found.errors)
        assert part.first in named or wrong, part
    if not any(part.name in {"VEVENT", "VFREEBUSY"} for part in parts(data)):
        assert times(found) == set()
        return
    readable = mended(data, found)
    again = read(readable)
    assert again.errors == []
    assert times(again) == times(found)
    ends = b"\n" if b"\n" in readable else b"\r"
    assert times(again) == spans(readable.replace(ends, b"\n").replace(b"\r\n", b"\n"), TZ, SINCE, UNTIL)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", FILES, ids=[f"{p.parent.name}/{p.name}" for p in FILES])
def test_a_file_comes_to_what_a_second_reader_finds_in_it(path: Path) -> None:
    data = path.read_bytes()
    check(data)
    if b"BEGIN:VCALENDAR" not in data:
        assert read(data).errors
        check(in_a_calendar(data))


def test_the_second_reader_would_show_a_time_that_is_lost_or_moved() -> None:
    data = (OWN / "series.ics").read_bytes()
    truth = spans(data, TZ, SINCE, UNTIL)
    assert truth == times(read(data))
    for old, new in ((b"COUNT=10", b"COUNT=11"), (b"-1FR", b"-2FR"), (b"T130000", b"T131500")):
        assert old in data
        assert times(read(data.replace(old, new))) != truth


def test_there_are_files_in_every_folder_that_is_to_be_read() -> None:
    assert len([path for path in FILES if path.parent == OWN]) == 14
    assert all(any(path.is_relative_to(folder) for path in FILES) for folder in FOLDERS)
