"""`db migrate`: an older book, and a province that gives up daylight-saving time."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli.desk import YARA, Desk
from zone_files import Law, write_zone

OLD = Path(__file__).resolve().parent.parent / "data" / "books" / "version-1.sql"
STAYS_AHEAD = (
    Law(datetime(2026, 3, 8, 7, tzinfo=UTC), -4, "EDT"),
    Law(datetime(2026, 11, 1, 6, tzinfo=UTC), -5, "EST"),
    # What is made up: four weeks later the clocks go forward again, and stay there.
    Law(datetime(2026, 11, 29, 7, tzinfo=UTC), -4, "EDT"),
)


@pytest.fixture
def old_book(empty_desk: Desk) -> Desk:
    """A desk whose book is of version 1."""
    with closing(sqlite3.connect(empty_desk.book)) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    empty_desk.book.chmod(0o600)
    return empty_desk


def test_an_older_book_is_refused_with_the_way_out_and_then_brought_up_to_date(old_book: Desk) -> None:
    assert old_book.refused(7, "list")["hint"] == "infusion db migrate"
    planned = old_book.type("db", "migrate", "--dry-run")
    assert planned == (0, "Brought from version 1 to 2.\n", "Dry run: nothing was written.\n")
    assert old_book.refused(7, "list")["code"] == "store"
    assert old_book.say("db", "migrate") == "Brought from version 1 to 2.\n"
    assert old_book.say("db", "check") == "The book is sound.\n"
    assert old_book.json("db", "migrate") == {"before": 2, "after": 2, "visits": [], "operations": []}
    old_book.say("undo", "--yes")
    assert old_book.say("db", "check") == "The book is sound.\n"


def test_of_a_book_that_is_not_old_nothing_changes(desk: Desk) -> None:
    octets = desk.octets()
    assert desk.say("db", "migrate") == "The book is of version 2.\n"
    assert desk.octets() == octets


class Province:
    """A desk in a province that has changed its law."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        write_zone(folder, "America/New_York", STAYS_AHEAD)
        self.desk = desk
        self.zones = {"PYTHONTZPATH": str(folder)}

    def json(self, *words: str) -> Any:
        answer = self.desk.process(*words, "--json", env=self.zones)
        assert (answer.status, answer.err) == (0, "")
        return json.loads(answer.out)


def test_a_province_gives_up_daylight_saving_time_and_the_time_that_was_told_holds(desk: Desk, tmp_path: Path) -> None:
    province = Province(desk, tmp_path / "zones")
    before = [desk.json("book", YARA, "iv-mood", f"2026-{day}T09:00") for day in ("11-24", "12-01", "12-04")]
    moved = [before[1]["id"], before[2]["id"]]
    found = province.json("db", "check")
    assert (found["sound"], [(f["rule"], f["subject"]) for f in found["findings"]]) == (
        True,
        [("wall-time-differs", visit) for visit in moved],
    )
    assert {f["remedy"] for f in found["findings"]} == {"infusion db migrate"}
    assert [v["start"][11:] for v in province.json("list")] == ["09:00:00-05:00", "10:00:00-04:00", "10:00:00-04:00"]
    assert province.json("db", "migrate", "--dry-run")["visits"] == moved
    assert [f["subject"] for f in province.json("db", "check")["findings"]] == moved
    assert province.json("db", "migrate")["visits"] == moved
    after = province.json("list")
    assert [v["start"][11:] for v in after] == ["09:00:00-05:00", "09:00:00-04:00", "09:00:00-04:00"]
    assert [v["end"][11:16] for v in after] == [v["end"][11:16] for v in before]
    assert [v["sequence"] for v in after] == [0, 1, 1]
    assert province.json("db", "check")["findings"] == []
    assert province.json("db", "migrate")["visits"] == []
    assert province.json("history")[0]["command"] == "db migrate"
