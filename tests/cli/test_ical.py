"""Calendar files from the command line: which visits, which file, and nothing that tells what a visit is for."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cli.desk import FIRST_VISITS, PROGRAM, YARA, Desk

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
        (SERIES, "--from", "2026-12-03", "--to", "2026-12-07"): 2,
        (ONE, "--to", "2026-12-01"): 1,
        ("--from", "2026-12-01", "--to", "2026-12-03"): 3,
    }
    for words, number in count.items():
        text = booked.say("ical", "export", *words, "-o", "-")
        assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == number, words


def test_days_on_which_nothing_stands_are_said(booked: Desk) -> None:
    error = booked.refused(4, "ical", "export", ONE, "--from", "2027-01-01")
    assert (
        error["message"]
        == f"{ONE} has no visit that stands from 2027-01-01, so there is nothing to put into a calendar."
    )


@pytest.mark.skipif(os.name == "nt", reason="it has no such pipes")
def test_a_pipe_is_written_into_and_a_link_stays_one(booked: Desk) -> None:
    text = booked.say("ical", "export", ONE, "-o", "-")
    os.mkfifo(booked.folder / "pipe")
    with ThreadPoolExecutor() as pool:
        read = pool.submit((booked.folder / "pipe").read_bytes)
        booked.say("ical", "export", ONE, "-o", "pipe")
        assert read.result(timeout=20) == text.encode()
    assert (booked.folder / "pipe").is_fifo()

    (booked.folder / "to.ics").symlink_to("there.ics")
    booked.say("ical", "export", ONE, "-o", "to.ics")
    assert (booked.folder / "to.ics").readlink() == Path("there.ics")
    assert (booked.folder / "there.ics").read_bytes() == text.encode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("words", [("ical", "export", ONE, "-o", "-"), ("clinic", "show"), ("list", "--json")])
def test_output_that_finds_no_room_is_one_sentence(booked: Desk, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, *PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, cwd=booked.folder, check=False
        )
    assert done.returncode == 1
    assert b"The output cannot be written: No space left on device." in done.stderr
    assert b"Traceback" not in done.stderr


def summaries(text: str) -> list[str]:
    """What the events are called, each once, in order."""
    lines = text.replace("\r\n ", "").split("\r\n")
    return list(dict.fromkeys(line.removeprefix("SUMMARY:") for line in lines if line.startswith("SUMMARY:")))


def test_a_chair_somebody_of_the_staff_and_the_clinic(booked: Desk) -> None:
    booked.say("book", "M1003", "iv-mood", "2026-12-04T09:00", "--chair", "garden")
    course = ["01", "03", "07", "09", "11", "14"]
    for words, days in {
        ("--chair", "chair-3"): course,
        ("--chair", "quiet room", "--from", "2026-12-10"): ["11", "14"],
        ("--chair", "garden", "--to", "2026-12-04"): ["04"],
        ("--staff", "dr-lindqvist"): ["01", "01", "03", "04", "07", "09", "11", "14"],
        ("--staff", "rn-okafor"): ["01", "01", "03", "07", "09", "14"],
        ("--clinic",): ["01", "01", "03", "04", "07", "09", "11", "14"],
        ("--clinic", "--from", "2026-12-04", "--to", "2026-12-07"): ["04", "07"],
    }.items():
        text = booked.say("ical", "export", *words, "-o", "-")
        starts = [line for line in text.split("\r\n") if line.startswith("DTSTART;")]
        assert [line.partition("202612")[2][:2] for line in starts] == days, words
        assert text.count("CLASS:CONFIDENTIAL") == len(days)
    assert summaries(booked.say("ical", "export", "--clinic", "-o", "-")) == [
        "Busy – Quiet room",
        "Busy – Alcove",
        "Busy – Garden",
    ]


def test_time_away_and_extra_hours_count_for_whose_shifts_a_visit_is_in(booked: Desk) -> None:
    words = ("ical", "export", "--staff", "rn-okafor", "-o", "-")
    assert booked.say(*words).count("BEGIN:VEVENT") == 6
    booked.say("slots", "block", "--staff", "rn-okafor", "2026-12-01T07:00", "2026-12-02T07:00", "--reason", "ill")
    assert booked.say(*words).count("BEGIN:VEVENT") == 4
    booked.say("slots", "open", "2026-12-11T07:00", "2026-12-11T18:00", "--staff", "rn-okafor")
    assert booked.say(*words).count("BEGIN:VEVENT") == 5


def test_files_of_a_chair_of_staff_and_of_the_clinic_have_names_of_their_own(booked: Desk) -> None:
    files = {
        ("--chair", "quiet room"): ("busy-chair-3.ics", 6),
        ("--staff", "rn-bell"): ("busy-rn-bell.ics", 7),
        ("--clinic",): ("busy.ics", 7),
    }
    for words, (name, visits) in files.items():
        assert booked.json("ical", "export", *words) == {"file": name, "visits": visits}
        assert (booked.folder / name).stat().st_mode & 0o777 == 0o600


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
        (("--chair", "garden"), 4, "No visit stands, so there is nothing to put into a calendar."),
        (("--chair", "moon"), 3, "There is no chair 'moon'."),
        (("--staff", "window"), 3, "There is no member of staff 'window'."),
        (("--chair", "garden", "--clinic"), 2, "An export is for one thing."),
        ((ONE, "--clinic"), 2, "An export is for one thing."),
        (("--clinic", "--from", "2026-12-02", "--to", "2026-12-01"), 2, "--to 2026-12-01 is before --from 2026-12-02."),
        (("yara",), 8, "2 patients fit 'yara'."),
        (("zirkon",), 3, "There is no patient 'zirkon'."),
        (("A7K2MX",), 2, "'A7K2MX' is not an id: a character is wrong or missing."),
        ((ids.encode("appointment", 99),), 3, "There is no visit, series or patient "),
        (("M1003",), 4, "PJ723Z has no visit that stands, so there is nothing to put into a calendar."),
        ((ONE, "-o", "no/such/folder/x.ics"), 2, "The file no/such/folder/x.ics cannot be written: "),
    ],
)
def test_what_cannot_be_exported(booked: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    assert booked.refused(status, "ical", "export", *words)["message"].startswith(message)


def test_a_cancelled_visit_is_in_no_file(booked: Desk) -> None:
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    assert booked.refused(4, "ical", "export", ONE)["code"] == "conflict"
    assert booked.say("ical", "export", SERIES, "-o", "-").count("BEGIN:VEVENT") == 5
