"""`list` and `show`: visits one record each, anything by its id with its history."""

from __future__ import annotations

import csv
import io
import json

import pytest
from cli.desk import BEN, FIRST_VISITS, YARA, Desk, op

from infusion_cli.domain.protocol import REQUIREMENTS

ONE, TWO, THREE, _ = FIRST_VISITS


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Three visits on two days: one booked, one held, one cancelled."""
    desk.say("book", "yara s", "iv-mood", "2026-11-24T09:00")
    desk.say("book", BEN, "esketamine", "2026-11-24T10:00", "--hold", "2h")
    desk.say("book", "M1003", "iv-mood", "2026-11-25T08:00")
    desk.say("cancel", THREE, "--reason", "has a cold", "--yes")
    return desk


def ids(desk: Desk, *words: str) -> list[str]:
    return [visit["id"] for visit in desk.json("list", *words)]


def test_the_list_shows_every_visit_under_its_day(busy: Desk) -> None:
    assert busy.say("list") == (
        "Tue 24 Nov 2026\n"
        f"  09:00-10:45  {ONE}  Yara Sánchez                     iv-mood         Quiet room booked\n"
        f"  10:00-12:40  {TWO}  Ben Yilmaz                       esketamine      Alcove     hold to 10:00\n"
        "\n"
        "Wed 25 Nov 2026\n"
        f"  08:00-09:45  {THREE}  Chloé Rossi                      iv-mood         Quiet room cancelled\n"
    )


def test_the_days_of_the_list_are_inclusive(busy: Desk) -> None:
    assert ids(busy, "--from", "2026-11-24", "--to", "2026-11-24") == [ONE, TWO]
    assert ids(busy, "--from", "wed") == [THREE]
    assert ids(busy, "--to", "today") == []


def test_the_list_of_one_patient_and_of_statuses_given_in_either_way(busy: Desk) -> None:
    assert ids(busy, "--patient", "ben y") == [TWO]
    assert ids(busy, "--status", "booked,pending") == [ONE, TWO]
    assert ids(busy, "--status", "cancelled", "--status", " booked ") == [ONE, THREE]


def test_entered_in_error_is_only_listed_when_asked_for(busy: Desk) -> None:
    busy.say("book", "M1004", "iv-mood", "2026-11-27T08:00")
    busy.say("undo", "--yes")
    assert len(ids(busy)) == 3
    assert [v["status"] for v in busy.json("list", "--status", "entered-in-error")] == ["entered-in-error"]


def test_a_hold_that_ran_out_is_not_listed_as_pending(busy: Desk) -> None:
    busy.at("2026-11-23T10:00")
    assert ids(busy, "--status", "pending") == []
    assert [(v["status"], v["reason"]) for v in busy.json("list", "--patient", BEN)] == [("cancelled", "hold ran out")]


def test_an_empty_list_says_so_on_stderr_and_is_an_empty_array_for_programs(desk: Desk) -> None:
    assert desk.type("list") == (0, "", "No visits.\n")
    assert desk.type("list", "--json") == (0, "[]\n", "")
    assert desk.type("list", "--quiet") == (0, "", "")
    assert desk.type("list", "--format", "jsonl") == (0, "", "")


def test_json_lines_are_one_object_a_line_and_csv_has_the_same_fields(busy: Desk) -> None:
    array = busy.json("list")
    assert [json.loads(line) for line in busy.say("list", "--format", "jsonl").splitlines()] == array
    rows = list(csv.DictReader(io.StringIO(busy.say("list", "--format", "csv"))))
    assert [list(row) for row in rows] == [list(visit) for visit in array]
    assert [(row["id"], row["start"], row["hold_until"], row["late"]) for row in rows] == [
        (ONE, "2026-11-24T09:00:00-05:00", "", "False"),
        (TWO, "2026-11-24T10:00:00-05:00", "2026-11-23T10:00:00-05:00", "False"),
        (THREE, "2026-11-25T08:00:00-05:00", "", "False"),
    ]


def test_an_unknown_status_is_refused_with_those_there_are(desk: Desk) -> None:
    answer = desk.type("list", "--status", "gone")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.splitlines()[0] == "There is no status 'gone'."
    assert "checked-in, fulfilled, cancelled" in answer.err


def test_show_a_visit_with_its_history(busy: Desk) -> None:
    assert busy.say("show", THREE.lower()) == (
        f"Cancelled {THREE}: Chloé Rossi, IV ketamine, mood, Wed 25 Nov 2026 08:00-09:45, Quiet room;"
        " may leave 09:30.\n"
        "  Reason: has a cold\n"
        "History\n"
        f"  {op(4)}  Mon 23 Nov 2026 08:00    desk       cancel        {THREE}\n"
        f"  {op(3)}  Mon 23 Nov 2026 08:00    desk       book          {THREE}\n"
    )


def test_show_a_patient_by_id_mrn_or_name_with_what_lies_ahead(busy: Desk) -> None:
    by_id = busy.say("show", YARA)
    assert busy.say("show", "m1001".upper()) == busy.say("show", "yara sán") == by_id
    assert by_id.splitlines()[:5] == [
        "PANANE  Yara Sánchez  M1001  active",
        "  born     1994-04-22",
        "  phone    +1 207 555 1000",
        "  e-mail   patient1001@example.com",
        f"  on file  {', '.join(f'{need} 2026-11-16' for need in sorted(REQUIREMENTS))}",
    ]
    assert by_id.splitlines()[5:] == [
        f"  Tue 24 Nov  09:00-10:45  {ONE}  iv-mood         Quiet room   booked",
        "History",
        "  OYE6C9  Mon 23 Nov 2026 08:00    desk       patients import PANANE",
    ]


def test_the_history_of_a_patient_tells_nothing_of_other_patients(busy: Desk) -> None:
    history = busy.json("show", YARA)["history"]
    assert [o["command"] for o in history] == ["patients import"]
    assert {c["id"] for o in history for c in o["changes"]} == {YARA}


def test_show_an_operation_and_a_block(busy: Desk) -> None:
    block = busy.json("slots", "block", "2026-12-01 8:00", "2026-12-01 12:00", "--chair", "window", "--reason", "lamp")
    assert busy.say("show", block["id"]).splitlines()[0] == (
        f"{block['id']}  chair-1  Tue 1 Dec 2026 08:00 to Tue 1 Dec 2026 12:00  lamp"
    )
    (operation,) = busy.json("history", "--limit", "1")
    assert busy.json("show", operation["id"]) == operation
    assert operation["changes"][0]["after"] == {k: v for k, v in block.items() if k != "hit"}


def test_quiet_leaves_out_remarks_and_never_what_was_asked_for(busy: Desk) -> None:
    for words in (("show", ONE), ("list",), ("patients", "show", YARA), ("db", "info"), ("clinic", "show")):
        assert busy.say(*words, "-q") == busy.say(*words)


def test_show_a_series_with_its_sessions(desk: Desk) -> None:
    series = desk.json("series", "book", "yara s", "iv-mood", "--from", "2026-12-01")
    shown = desk.json("show", series["id"])
    assert shown.pop("history")[0]["command"] == "series book"
    assert shown == series
    assert desk.say("show", series["id"]).splitlines()[0] == (
        f"{series['id']} active: Yara Sánchez, IV ketamine, mood: 6 sessions in 13 days (window 21 d)"
    )


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("AANANX", 3, "There is no patient 'AANANX'."),
        ("AANAND", 3, "There is nothing with the id AANAND."),
        ("ivo", 8, "4 patients fit 'ivo'."),
        ("OPM4A3", 3, "There is no patient 'OPM4A3'."),
    ],
)
def test_what_cannot_be_shown(desk: Desk, text: str, status: int, message: str) -> None:
    assert desk.refused(status, "show", text)["message"] == message
