"""The review of who did what: by patient, actor, day, hour and number; and the journal's chain."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from cli.desk import BEN, FIRST_VISITS, YARA, Desk, op

from infusion_cli.store import guards

ONE = FIRST_VISITS[0]
NINE = "2026-11-24T09:00"


@pytest.fixture
def watched(desk: Desk) -> Desk:
    """Three people at work: on Monday at eight, on Tuesday before opening, on Thanksgiving."""
    desk.say("book", YARA, "consult", NINE)
    desk.say("show", ONE)
    desk.say("patients", "list")
    desk.setenv(INFUSION_ACTOR="mira")
    desk.at("2026-11-24T06:59")
    desk.say("patients", "show", BEN)
    desk.say("ical", "export", ONE, "-o", "-")
    desk.setenv(INFUSION_ACTOR="Noor")
    desk.at("2026-11-26T11:00")
    desk.say("today", "2026-11-24")
    desk.say("patients", "edit", BEN, "--phone", "555")
    return desk


def seen(desk: Desk, *words: str) -> list[tuple[str, str]]:
    """Kind and command of what is listed."""
    return [(entry["kind"], entry["command"]) for entry in desk.json("audit", "list", *words)]


FOUNDED = [("change", "init"), ("change", "patients import")]
MONDAY = [("change", "book"), ("view", "show"), ("view", "patients list")]
TUESDAY = [("view", "patients show"), ("export", "ical export")]
HOLIDAY = [("change", "patients edit"), ("view", "today")]
"""At the same second a change stands before a look."""


def test_accesses_and_changes_are_one_list_in_the_order_of_time(watched: Desk) -> None:
    assert seen(watched) == FOUNDED + MONDAY + TUESDAY + HOLIDAY
    times = [entry["at"] for entry in watched.json("audit", "list")]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--actor", "mira"), TUESDAY),
        (("--actor", "noor"), HOLIDAY),
        (("--actor", "nobody"), []),
        (("--from", "2026-11-24", "--to", "2026-11-24"), TUESDAY),
        (("--from", "2026-11-25"), HOLIDAY),
        (("--to", "2026-11-25", "--from", "2026-11-24"), TUESDAY),
        (("--after-hours", "--from", "2026-11-24"), TUESDAY + HOLIDAY),
        (("--bulk",), [("change", "patients import"), ("view", "patients list")]),
        (("--at-least", "61"), []),
        (("--at-least", "60", "--actor", "desk"), [("change", "patients import"), ("view", "patients list")]),
        (("--patient", YARA), [FOUNDED[1], *MONDAY, TUESDAY[1], HOLIDAY[1]]),
        (("--patient", "ben yilmaz"), [FOUNDED[1], MONDAY[2], TUESDAY[0], HOLIDAY[0]]),
        (("--patient", BEN, "--after-hours", "--actor", "mira"), [TUESDAY[0]]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_what_is_asked_for(watched: Desk, words: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    assert seen(watched, *words) == found


def test_hours_are_those_of_the_weekday_with_closures_blocks_and_extra_openings(desk: Desk) -> None:
    desk.say("slots", "block", "2026-11-25 12:00", "2026-11-25 13:00", "--clinic", "--reason", "water")
    desk.say("slots", "open", "2026-11-28 9:00", "2026-11-28 12:00")
    looked = ("24T07:59", "24T08:00", "25T12:30", "25T13:00", "26T10:00", "28T10:00", "28T12:00")
    for day in looked:
        desk.at(f"2026-11-{day}")
        desk.say("patients", "show", YARA)
    times = [e["at"][8:16] for e in desk.json("audit", "list", "--after-hours", "--patient", YARA)]
    assert [t for t in times if t[:2] > "23"] == ["24T07:59", "25T12:30", "26T10:00", "28T12:00"]


def test_an_entry_tells_who_where_what_and_whose(watched: Desk) -> None:
    (view, export) = watched.json("audit", "list", "--actor", "mira")
    assert (view["at"], view["subjects"], view["count"]) == ("2026-11-24T06:59:00-05:00", [BEN], 1)
    assert view["origin"]
    assert (export["kind"], export["subjects"]) == ("export", [YARA])
    change = watched.json("audit", "list", "--actor", "Noor")[0]
    assert (change["kind"], change["origin"], change["subjects"]) == ("change", "", [BEN])
    lines = watched.say("audit", "list", "--actor", "mira").splitlines()
    assert lines[0].startswith(f"  Tue 24 Nov 2026 06:59  mira       view   patients show    {BEN} ")
    assert "60 patients" in watched.say("audit", "list", "--bulk")


def test_one_who_is_not_named_among_very_many_is_found_all_the_same(desk: Desk) -> None:
    rows = "".join(f"N{n},Aa {n}\n" for n in range(120))
    desk.say("patients", "import", "-", stdin=f"mrn,name\n{rows}")
    desk.say("patients", "list")
    (found,) = (e for e in desk.json("audit", "list", "--patient", YARA) if e["kind"] == "view")
    assert (found["count"], len(found["subjects"]), YARA in found["subjects"]) == (180, 100, False)


def test_what_the_program_did_by_itself_is_nobodys_access(desk: Desk) -> None:
    desk.say("book", YARA, "consult", NINE, "--hold", "30m")
    desk.at("2026-11-23T12:00")
    desk.say("patients", "edit", BEN, "--phone", "1")
    assert seen(desk)[-2:] == [("change", "book"), ("change", "patients edit")]
    assert desk.done()[:2] == ["patients edit", "release-holds"]


def test_listing_accesses_is_not_an_access(watched: Desk) -> None:
    before = watched.json("audit", "list")
    assert watched.json("audit", "list") == before


def test_a_bad_question_is_refused(desk: Desk) -> None:
    assert desk.refused(3, "audit", "list", "--patient", "nobody")["code"] == "not-found"
    assert desk.refused(2, "audit", "list", "--from", "2026-12-02", "--to", "2026-12-01")["code"] == "usage"
    assert desk.refused(2, "audit", "list", "--at-least", "many")["code"] == "usage"
    assert desk.type("audit", "list", "--actor", "nobody") == (0, "", "Nothing.\n")


def head(desk: Desk) -> Any:
    return desk.json("audit", "head")


def test_the_head_is_what_db_info_tells_and_has_a_form_for_paper(desk: Desk) -> None:
    info, end = desk.json("db", "info"), head(desk)
    assert (end["seq"], end["hash"], end["at"]) == (info["revision"], info["head"], "2026-11-23T08:00:00-05:00")
    h = end["hash"]
    assert end["short"] == f"2:{h[:4]}-{h[4:8]}-{h[8:12]}-{h[12:16]}"
    assert desk.say("audit", "head") == f"2 {h}\nOn paper: {end['short']}  Mon 23 Nov 2026 08:00\n"


def test_a_whole_journal_says_how_long_it_is_and_where_it_ends(desk: Desk) -> None:
    end = head(desk)
    assert desk.say("audit", "verify") == f"The journal is whole: 2 operations, the last {end['short']}.\n"
    assert desk.json("audit", "verify") == {
        "whole": True,
        "operations": 2,
        "head": {"seq": 2, "hash": end["hash"]},
        "break": None,
    }


def spoil(desk: Desk, *statements: str, without: tuple[str, ...] = ()) -> None:
    with closing(sqlite3.connect(desk.book, isolation_level=None)) as connection:
        for name in without:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for name in without:
            connection.execute(guards.expected()[name])


def test_the_first_bad_row_is_named(desk: Desk) -> None:
    for phone in "12345":
        desk.say("patients", "edit", YARA, "--phone", phone)
    spoil(
        desk,
        'UPDATE payload SET changes = replace(changes, \'"phone":"2"\', \'"phone":"9"\') WHERE seq IN (4, 6)',
        "UPDATE operation SET actor = 'x' WHERE seq = 5",
        without=("payload_update", "operation_update"),
    )
    answer = desk.type("audit", "verify")
    assert answer == (7, f"The journal is broken at number 4: what operation {op(2)} changed was rewritten.\n", "")
    found = desk.type("audit", "verify", "--json")
    assert (found.status, found.data["whole"]) == (7, False)
    assert found.data["break"] == {"seq": 4, "message": f"what operation {op(2)} changed was rewritten"}


@pytest.fixture
def cut(desk: Desk) -> tuple[Desk, Any]:
    """A desk whose last operation was cut off, and the head that was noted before."""
    desk.say("patients", "edit", YARA, "--phone", "1")
    noted = head(desk)
    spoil(
        desk,
        "DELETE FROM touched WHERE seq = 3",
        "DELETE FROM payload WHERE seq = 3",
        "DELETE FROM operation WHERE seq = 3",
        without=("payload_delete", "operation_delete"),
    )
    return desk, noted


def test_a_cut_off_end_shows_against_what_was_noted_and_only_so(cut: tuple[Desk, Any]) -> None:
    desk, noted = cut
    assert desk.json("audit", "verify")["whole"]
    answer = desk.type("audit", "verify", "--head", noted["short"])
    said = "the journal ends at number 2, but number 3 was noted: its end was cut off"
    assert answer == (7, f"The journal is broken at number 3: {said}.\n", "")


def test_a_journal_that_went_on_differently_shows_too(cut: tuple[Desk, Any]) -> None:
    desk, noted = cut
    desk.say("patients", "edit", BEN, "--phone", "2")
    answer = desk.type("audit", "verify", "--head", noted["short"], "--json")
    assert (answer.status, answer.data["break"]) == (
        7,
        {"seq": 3, "message": "operation number 3 is not the one that was noted"},
    )


def test_a_noted_head_of_any_form_is_found_again(desk: Desk) -> None:
    end = head(desk)
    desk.say("patients", "edit", YARA, "--phone", "1")
    backup = f"infusion-20261123T130000Z-{end['seq']:06}-{end['hash'][:12]}.sqlite3"
    for noted in (end["short"], end["short"].upper(), f"{end['seq']}:{end['hash']}", backup, f" {end['short']} "):
        assert desk.say("audit", "verify", "--head", noted).endswith("Number 2 is in it as it was noted.\n"), noted


@pytest.mark.parametrize(
    "text", ["banana", "2", "2:", "2:abc", "2:12345678901g", ":9f86d081884c", f"2:{'a' * 65}", "-"]
)
def test_what_is_no_head_is_refused(desk: Desk, text: str) -> None:
    error = desk.refused(2, "audit", "verify", "--head", text)
    assert error["hint"] == "write it as infusion audit head shows it"
