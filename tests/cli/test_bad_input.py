"""Every refusal is one sentence, a way out, the right status, and an unchanged book."""

from __future__ import annotations

import pytest
from cli.desk import DATA, FIRST_VISITS, YARA, Desk

from infusion_cli.domain import ids

NINE = "2026-11-24T09:00"
UNKNOWN_VISIT = ids.encode("appointment", 77)
SPRING, AUTUMN = "2027-03-14T02:30", "2027-11-07T01:30"
TEXT = (DATA / "harbor" / "clinic.toml").read_text(encoding="utf-8")


def book(when: str = NINE, *words: str, patient: str = YARA, protocol: str = "iv-mood") -> tuple[str, ...]:
    return ("book", patient, protocol, when, *words)


REFUSALS: dict[str, tuple[int, tuple[str, ...], str]] = {
    "unknown id of a visit": (3, ("move", UNKNOWN_VISIT, NINE), f"There is no visit {UNKNOWN_VISIT}."),
    "one wrong character": (2, ("move", "AANANX", NINE), "'AANANX' is not an id: a character is wrong or missing."),
    "two swapped characters": (2, ("arrive", "AANADN"), "'AANADN' is not an id: a character is wrong or missing."),
    "the id of something else": (3, ("confirm", YARA), f"There is no visit {YARA}."),
    "unknown patient": (3, book(patient="yara x"), "There is no patient 'yara x'."),
    "no patient": (3, book(patient=""), "There is no patient ''."),
    "ambiguous patient": (8, book(patient="zoë"), "3 patients fit 'zoë'."),
    "unknown protocol": (3, book(protocol="mood-iv"), "There is no protocol 'mood-iv'."),
    "unknown chair": (3, book(NINE, "--chair", "sofa"), "There is no chair 'sofa'."),
    "wrong chair": (4, book(NINE, "--chair", "alcove", protocol="iv-pain"), "Not booked: PANANE, iv-pain, "),
    "impossible date": (2, book("2026-02-30 9:00"), "'2026-02-30' is not a date: Feb 2026 has no day 30."),
    "impossible month": (2, book("2026-13-01 9:00"), "'2026-13-01' is not a date: there is no month 13."),
    "ambiguous date": (2, book("12/01/2026 9:00"), "'12/01/2026' could be read in more than one way."),
    "impossible time": (2, book("tue 13pm"), "'13pm' is not a time of day."),
    "seconds": (2, book("2026-11-24T09:00:30"), "'09:00:30' is not on a full minute."),
    "no time": (2, book("tue"), "'tue' names a day, but no time."),
    "empty time": (2, book(""), "The time is empty."),
    "far future": (2, book("9999-01-01 9:00"), "The year 9999 is not between 1970 and 2200."),
    "impossible offset": (2, book("2026-11-24T09:00+25:00"), "No zone has the offset +25:00."),
    "skipped time": (2, book(SPRING), "Sun 14 Mar 2027 02:30 is skipped when the clock changes: it could be "),
    "repeated time": (2, book(AUTUMN), "Sun 7 Nov 2027 01:30 happens twice when the clock changes: it could be "),
    "past": (4, book("2026-11-20T09:00"), "Not booked: PANANE, iv-mood, Fri 20 Nov 2026 09:00."),
    "across closing time": (4, book("2026-11-24T16:00"), "Not booked: PANANE, iv-mood, Tue 24 Nov 2026 16:00."),
    "on a closure": (4, book("2026-11-26T09:00"), "Not booked: PANANE, iv-mood, Thu 26 Nov 2026 09:00."),
    "off the grid": (4, book("2026-11-24T09:07"), "Not booked: PANANE, iv-mood, Tue 24 Nov 2026 09:07."),
    "no length": (2, book(NINE, "--hold", "0m"), "'0m' is not between 1 minute and 366 days."),
    "negative length": (2, book(NINE, "--hold=-5m"), "'-5m' is not a length of time."),
    "unknown form": (2, ("list", "--format", "xml"), "There is no format 'xml'."),
    "two forms": (2, ("list", "--format", "csv"), "--json and --format csv exclude each other."),
    "words too many": (2, ("list", "extra"), "Got unexpected extra argument(s) (extra)."),
    "words too few": (2, ("book", YARA), "Missing argument 'PROTOCOL'."),
    "option for a value": (2, ("list", "--from"), "'--json' is not a date."),
    "misspelt command": (2, ("boook",), "No such command 'boook'. Did you mean 'book'?"),
    "missing file": (3, ("batch", "apply", "nowhere.csv"), "There is no file nowhere.csv."),
    "folder": (2, ("patients", "import", "."), "The file . cannot be read: Is a directory."),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal(desk: Desk, name: str) -> None:
    status, words, message = REFUSALS[name]
    error = desk.refused(status, *words)
    assert error["message"].startswith(message)
    assert error["message"][-1] in ".?"
    assert error["hint"] or error["alternatives"]
    said = desk.type(*words)
    if name not in {"two forms", "option for a value"}:
        assert (said.status, said.out, said.err.splitlines()[0]) == (status, "", error["message"])
        assert said.err.splitlines()[-1] == f"Try: {error['hint']}"


@pytest.mark.parametrize(
    ("when", "hours"), [(SPRING, ("01:30:00-05:00", "03:30:00-04:00")), (AUTUMN, ("01:30:00-04:00", "01:30:00-05:00"))]
)
def test_both_readings_of_a_strange_hour_are_given_and_either_can_be_typed(
    desk: Desk, when: str, hours: tuple[str, str]
) -> None:
    message = desk.refused(2, *book(when))["message"]
    for hour in hours:
        reading = f"{when[:10]}T{hour}"
        assert reading in message
        assert desk.json("slots", "why", "iv-mood", reading)["start"] == reading


CLINIC_FILES: dict[str, tuple[str, str, str]] = {
    "unknown key": ("grid = 15", "gird = 15", "unknown-key"),
    "negative minutes": ("minutes = 40", "minutes = -40", "protocols[iv-mood].phases[1].minutes"),
    "minutes off the grid": ("minutes = 20", "minutes = 20.5", "protocols[iv-mood].phases[0].minutes"),
    "observation under the minimum": ("minutes = 125", "minutes = 100", "observation-too-short"),
    "a minimum that was lowered": ("observation_minimum = 120", "observation_minimum = 60", "observation"),
    "more patients than a nurse can watch": ("patients_per_nurse = 2", "patients_per_nurse = 11", "patients_per_nurse"),
    "unknown zone": ("America/New_York", "Mars/Base", "timezone"),
    "closing before opening": ('open = "08:00"', 'open = "18:00"', "hours"),
    "unknown protocol of a chair": ('"consult"]', '"consulting"]', "chairs[chair-3]"),
}


@pytest.mark.parametrize("name", CLINIC_FILES)
def test_a_clinic_file_with_a_mistake(desk: Desk, name: str) -> None:
    old, new, words = CLINIC_FILES[name]
    assert old in TEXT
    error = desk.refused(6, "clinic", "apply", desk.file("clinic.toml", TEXT.replace(old, new)))
    assert error["errors"]
    assert words in str(error["errors"])
    assert error["hint"]


def test_phases_that_no_staffing_can_serve(desk: Desk) -> None:
    no_provider = TEXT.replace('role = "provider"', 'role = "nurse"')
    error = desk.refused(6, "clinic", "apply", desk.file("clinic.toml", no_provider))
    assert "provider" in str(error["errors"])


SHEETS: dict[str, tuple[bytes, str]] = {
    "missing column": (b"name\nA\n", "missing-column"),
    "doubled column": (b"mrn,name,mrn\nN1,A,N2\n", "doubled-column"),
    "nameless column": (b"mrn,,name\nN1,x,A\n", "nameless-column"),
    "unknown column": (b"mrn,name,shoe\nN1,A,42\n", "unknown-column"),
    "latin-1": ("mrn,name\nN1,Zoë\n".encode("latin-1"), "encoding"),
    "a NUL": (b"mrn,name\nN1,A\0\n", "encoding"),
    "open quotes": (b'mrn,name\nN1,"A\n', "quotes"),
    "too many cells": (b"mrn,name\nN1,A,B\n", "cells"),
    "too few cells": (b"mrn,name\nN1\n", "cells"),
    "empty name": (b"mrn,name\nN1, \n", "empty"),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_with_a_mistake(desk: Desk, name: str) -> None:
    octets, rule = SHEETS[name]
    error = desk.refused(6, "patients", "import", desk.file("p.csv", octets))
    assert rule in {e["rule"] for e in error["errors"]}
    assert all(e["line"] >= 1 for e in error["errors"])
    assert error["hint"]


@pytest.mark.parametrize("words", [("patients", "import"), ("batch", "apply"), ("batch", "check")], ids=" ".join)
def test_a_file_beyond_the_stated_size(desk: Desk, words: tuple[str, ...]) -> None:
    error = desk.refused(6, *words, desk.file("big.csv", b"a" * 20_000_001))
    assert (error["message"], error["hint"]) == ("The file big.csv is larger than 20 MB.", "split it")


@pytest.mark.parametrize("octets", [b"", b"\n\n", b"\xff", b"\xff\xfe", b"{", b"[]", b"{}\n{}", b"\0", b"a,b\n1,2\n"])
def test_a_request_file_of_rubbish(desk: Desk, octets: bytes) -> None:
    error = desk.refused(6, "batch", "apply", "-", stdin=octets)
    assert error["code"] == "invalid-data"


@pytest.mark.parametrize("now", ["soon", "2026-13-01", "9am"])
def test_a_clock_that_cannot_be_read(desk: Desk, now: str) -> None:
    desk.at(now)
    assert desk.refused(2, "list")["message"] == f"INFUSION_NOW={now!r} is not a time."


def test_an_unexpected_failure_is_one_sentence_without_a_traceback_or_a_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Yara Sánchez")

    monkeypatch.setattr("infusion_cli.services.booking.book", broken)
    error = desk.refused(1, *book())
    assert error["message"].startswith("Something unexpected happened (ZeroDivisionError in test_bad_input.py:")
    assert error["hint"] == "run it again with INFUSION_DEBUG=1 and report what it prints"
    assert "Yara" not in str(error)


def test_nothing_that_was_refused_is_in_the_book(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    for _, words, _ in REFUSALS.values():
        desk.type(*words)
    assert [v["id"] for v in desk.json("list")] == [FIRST_VISITS[0]]
    assert desk.done() == ["book", "patients import", "init"]
