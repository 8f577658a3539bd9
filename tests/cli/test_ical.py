"""Calendar files from the command line: which visits, which file, and nothing that tells what a visit is for."""

from __future__ import annotations

import pytest
from cli.desk import FIRST_VISITS, YARA, Desk

from infusion_cli.domain import ids

ONE, TWO, *_ = FIRST_VISITS
SERIES = ids.encode("series", 0)


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara's course of six, and one visit of somebody else's."""
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("book", "M1002", "esketamine", "2026-12-01T12:00")
    return desk


def test_a_visit_is_written_to_a_file_named_after_its_id(booked: Desk) -> None:
    assert booked.say("ical", "export", ONE) == f"Written: appointment-{ONE}.ics\n"
    path = booked.folder / f"appointment-{ONE}.ics"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == booked.say("ical", "export", ONE, "-o", "-").encode()


def test_a_series_a_patient_and_days(booked: Desk) -> None:
    count = {
        (SERIES,): 6,
        (YARA,): 6,
        (YARA, "--from", "2026-12-07"): 4,
        ("--from", "2026-12-01", "--to", "2026-12-03"): 3,
    }
    for words, number in count.items():
        text = booked.say("ical", "export", *words, "-o", "-")
        assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == number, words


def test_the_answer_as_data(booked: Desk) -> None:
    assert booked.json("ical", "export", SERIES) == {"file": f"appointments-{SERIES}.ics", "visits": 6}
    days = ("--from", "2026-12-01", "--to", "2026-12-01")
    assert booked.json("ical", "export", *days) == {"file": "appointments-2026-12-01-2026-12-01.ics", "visits": 2}


def test_the_same_revision_gives_the_same_octets_and_a_move_raises_the_sequence(booked: Desk) -> None:
    first = booked.say("ical", "export", ONE, "-o", "-")
    assert booked.say("ical", "export", ONE, "-o", "-") == first
    assert "SEQUENCE:0" in first
    booked.say("move", ONE, "2026-12-01T09:00")
    assert "SEQUENCE:1" in booked.say("ical", "export", ONE, "-o", "-")


def test_a_file_tells_nobody_who_is_treated_for_what(booked: Desk) -> None:
    text = booked.say("ical", "export", SERIES, "-o", "-").casefold()
    for word in ("yara", "sánchez", "m1001", "ketamine", "mood", "infusion", "wellness", YARA.casefold()):
        assert word not in text, word


def test_an_existing_file_is_replaced_with_yes_only(booked: Desk) -> None:
    name = booked.file("mine.ics", "mine")
    assert booked.refused(2, "ical", "export", ONE, "-o", name)["message"] == (
        "This needs --yes where nobody can be asked."
    )
    assert (booked.folder / name).read_bytes() == b"mine"
    assert booked.say("ical", "export", ONE, "-o", name, "--yes") == "Written: mine.ics\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((), 2, "Nothing is named to export."),
        (("--from", "2026-12-01"), 2, "Nothing is named to export."),
        (("--from", "2026-12-02", "--to", "2026-12-01"), 2, "--to 2026-12-01 is before --from 2026-12-02."),
        (("--from", "2026-12-05", "--to", "2026-12-06"), 4, "No visit stands from 2026-12-05 to 2026-12-06"),
        (("yara",), 2, "'yara' is not an id: a character is wrong or missing."),
        ((ids.encode("appointment", 99),), 3, "There is no visit, series or patient "),
        (("M1003",), 2, "'M1003' is not an id: a character is wrong or missing."),
        ((ONE, "-o", "no/such/folder/x.ics"), 2, "The file no/such/folder/x.ics cannot be written: "),
    ],
)
def test_what_cannot_be_exported(booked: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert booked.refused(status, "ical", "export", *words)["message"].startswith(message)


def test_a_cancelled_visit_is_in_no_file(booked: Desk) -> None:
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    assert booked.refused(4, "ical", "export", ONE)["code"] == "conflict"
    assert booked.say("ical", "export", SERIES, "-o", "-").count("BEGIN:VEVENT") == 5
