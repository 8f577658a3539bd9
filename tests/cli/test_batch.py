"""Many requests at once: read, checked, applied all or nothing, and applied again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli.desk import FIRST_VISITS, YARA, Desk, op

ONE, TWO, THREE, _ = FIRST_VISITS
HEADER = "action,patient,protocol,when,chair,from,to,between,weekdays,sessions,appointment,reason,key,hold,staff\n"
TWO_BOOKINGS = "action,patient,protocol,when\nbook,M1001,iv-mood,2026-11-24T09:00\nbook,M1002,iv-mood,tue 9am\n"
ONE_CONFLICT = "action,patient,protocol,when\nbook,M1001,iv-mood,2026-11-24T09:00\nbook,M1001,iv-mood,tue 11am\n"


def apply(desk: Desk, text: str, *words: str) -> Any:
    return desk.json("batch", "apply", desk.file("b.csv", text), *words)


def places(error: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(e["line"], e["column"], e["rule"]) for e in error["errors"]]


def test_apply_says_how_much_was_done(desk: Desk) -> None:
    said = desk.say("batch", "apply", desk.file("b.csv", TWO_BOOKINGS)).splitlines()
    assert len(said) == 1
    assert said[0].startswith("2 lines done, 2 visits, in ")
    assert said[0].endswith(f" s. Operation {op(1)}; undo takes all of it back.")
    assert [(v["id"], v["patient"]) for v in desk.json("list")] == [(ONE, YARA), (TWO, "PYE6CD")]


def test_the_answer_as_data(desk: Desk) -> None:
    assert apply(desk, TWO_BOOKINGS) == {
        "operation": op(1),
        "lines": 2,
        "courses": 0,
        "courses_placed": 0,
        "visits": 2,
        "placed": [
            {"line": 2, "action": "book", "records": [ONE], "already": False},
            {"line": 3, "action": "book", "records": [TWO], "already": False},
        ],
        "already": [],
        "left_out": [],
        "replayed": False,
    }


def test_the_same_file_twice_changes_nothing_the_second_time(desk: Desk) -> None:
    apply(desk, TWO_BOOKINGS)
    before = desk.octets()
    again = apply(desk, TWO_BOOKINGS)
    assert (again["operation"], again["placed"], again["already"]) == (None, [], [2, 3])
    assert "2 lines had been done before." in desk.say("batch", "apply", "b.csv")
    assert desk.type("batch", "apply", "b.csv", "--exit-code").status == 0
    assert desk.octets() == before


def test_an_undone_file_can_be_applied_again(desk: Desk) -> None:
    apply(desk, TWO_BOOKINGS)
    desk.say("undo", "--yes")
    assert len(apply(desk, TWO_BOOKINGS)["placed"]) == 2


def test_a_rule_conflict_refuses_the_whole_file_and_lines_see_earlier_ones(desk: Desk) -> None:
    error = desk.refused(4, "batch", "apply", desk.file("b.csv", ONE_CONFLICT))
    assert (error["code"], error["message"]) == ("conflict", "1 line cannot be placed; nothing was written.")
    assert places(error) == [(3, "when", "one-visit-per-day"), (3, "when", "gap-too-short")]
    assert ONE in error["errors"][0]["message"]


def test_with_keep_going_the_rest_is_written_and_the_status_is_4(desk: Desk) -> None:
    answer = desk.type("batch", "apply", desk.file("b.csv", ONE_CONFLICT), "--keep-going")
    assert (answer.status, answer.err) == (4, "")
    lines = answer.out.splitlines()
    assert lines[0].startswith("1 line done, 1 visit, in ")
    assert lines[1:] == [
        "Left out (1 line), none of their visits written:",
        (
            "  line 3  M1001    iv-mood      when  "
            f"one-visit-per-day: the patient has {ONE} on Tue 24 Nov 2026 already, at 09:00"
        ),
        f"  line 3  M1001    iv-mood      when  gap-too-short: 2 h after {ONE} (Tue 24 Nov 2026 09:00); at least 24 h",
    ]
    assert [v["id"] for v in desk.json("list")] == [ONE]


def test_what_was_left_out_is_in_the_data_of_keep_going(desk: Desk) -> None:
    answer = desk.type("batch", "apply", desk.file("b.csv", ONE_CONFLICT), "--keep-going", "--json")
    assert (answer.status, answer.err) == (4, "")
    assert [(p["line"], p["rule"]) for p in answer.data["left_out"]] == [(3, "one-visit-per-day"), (3, "gap-too-short")]


def test_an_unknown_thing_in_a_line_is_invalid_data(desk: Desk) -> None:
    text = "action,patient,protocol,when\nbook,M9999,iv-mood,tue 9am\nbook,M1001,iv-mood,tue 9am\n"
    assert places(desk.refused(6, "batch", "apply", desk.file("b.csv", text))) == [(2, "patient", "not-found")]
    answer = desk.type("batch", "apply", "b.csv", "--keep-going")
    assert (answer.status, [v["id"] for v in desk.json("list")]) == (4, [ONE])


def test_check_says_what_apply_would_do_and_writes_nothing(desk: Desk) -> None:
    before = desk.octets()
    answer = desk.type("batch", "check", desk.file("b.csv", TWO_BOOKINGS))
    assert (answer.status, answer.err) == (0, "Dry run: nothing was written.\n")
    assert answer.out.startswith("2 lines done, 2 visits, in ")
    assert desk.octets() == before
    assert desk.refused(4, "batch", "check", desk.file("c.csv", ONE_CONFLICT))["code"] == "conflict"
    dry = desk.type("batch", "apply", "b.csv", "--dry-run", "--exit-code")
    assert (dry.status, dry.err) == (5, "Dry run: nothing was written.\n")
    assert desk.octets() == before


def test_every_action_of_a_file(desk: Desk) -> None:
    first = [
        "book,M1001,iv-mood,2026-11-24T09:00,window,,,,,,,,k-book,,",
        "hold,M1002,iv-mood,2026-11-24T10:45,window,,,,,,,,,1h,",
        "book,M1003,iv-mood,2026-11-25T09:00,,,,,,,,,,,",
    ]
    assert [p["records"] for p in apply(desk, HEADER + "\n".join(first))["placed"]] == [[ONE], [TWO], [THREE]]
    lines = [
        "series,M1004,iv-mood,,,2026-12-01,,8:00-12:00,mon-fri,3,,,,,",
        f"move,,,2026-11-24T12:00,,,,,,,{ONE},,,,",
        f"confirm,,,,,,,,,,{TWO},,,,",
        f"cancel,,,,,,,,,,{THREE},has a cold,,,",
        "block,,,,chair-2,2026-11-24T08:00,2026-11-24T12:00,,,,,lamp,,,",
        "block,,,,,2026-11-27T08:00,2026-11-27T12:00,,,,,training,,,rn-bell",
        "block,,,,,2026-11-30T08:00,2026-11-30T12:00,,,,,flood,,,",
    ]
    answer = apply(desk, HEADER + "\n".join(lines) + "\n")
    assert [p["action"] for p in answer["placed"]] == [line.partition(",")[0] for line in lines]
    visits = {v["id"]: v for v in desk.json("list")}
    assert (visits[ONE]["start"][:16], visits[ONE]["key"]) == ("2026-11-24T12:00", "k-book")
    assert [visits[i]["status"] for i in (ONE, TWO, THREE)] == ["booked", "booked", "cancelled"]
    assert sum(v["session"] is not None for v in visits.values()) == 3
    assert desk.json("slots", "why", "iv-mood", "2026-11-30T09:00")["conflicts"][0]["rule"] == "closed"
    desk.at("2026-11-24T15:00")
    assert apply(desk, f"action,appointment\nno-show,{ONE}\n")["placed"][0]["records"] == [ONE]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TWO_BOOKINGS,
        TWO_BOOKINGS.replace(",", ";"),
        TWO_BOOKINGS.replace(",", "\t"),
        TWO_BOOKINGS.replace("\n", "\r\n"),
        TWO_BOOKINGS.replace("M1001", '"M1001"').replace("action", '"Action"'),
    ],
    ids=["bom", "semicolon", "tab", "crlf", "quoted"],
)
def test_every_form_of_csv_is_read(desk: Desk, text: str) -> None:
    assert [p["line"] for p in apply(desk, text)["placed"]] == [2, 3]


def test_json_lines_count_from_one_and_come_from_a_file_or_stdin(desk: Desk) -> None:
    requests = [
        {"action": "book", "patient": "M1001", "protocol": "iv-mood", "when": "2026-11-24T09:00"},
        {"action": "series", "patient": "M1002", "protocol": "iv-mood", "sessions": 2, "chair": None},
    ]
    text = "\n".join(map(json.dumps, requests)) + "\n"
    assert [p["line"] for p in desk.json("batch", "check", "-", stdin=text)["placed"]] == [1, 2]
    assert [p["line"] for p in desk.json("batch", "apply", desk.file("b.jsonl", text))["placed"]] == [1, 2]
    error = desk.refused(6, "batch", "check", "-", stdin='{"action": "book"}\n{"action": 7, "foo": 1}\n{\n')
    assert {(e["line"], e["rule"]) for e in error["errors"]} >= {
        (1, "missing-field"),
        (2, "unknown-column"),
        (3, "bad-json"),
    }


def test_a_key_that_was_used_for_something_else_is_a_conflict(desk: Desk) -> None:
    text = "action,patient,protocol,when,key\nbook,{},iv-mood,2026-11-24T09:00,k\n"
    apply(desk, text.format("M1001"))
    error = desk.refused(4, "batch", "apply", desk.file("b.csv", text.format("M1002")))
    assert places(error) == [(2, "key", "key-used")]
    assert apply(desk, text.format("M1001"))["already"] == [2]


def test_equal_lines_are_told_apart_by_their_occurrence(desk: Desk) -> None:
    line = "block,chair-1,2026-11-24T08:00,2026-11-24T09:00,lamp\n"
    text = "action,chair,from,to,reason\n" + line + line
    assert len(apply(desk, text)["placed"]) == 2
    assert apply(desk, text + line)["already"] == [2, 3]


def test_a_batch_with_a_key_gives_the_first_answer(desk: Desk) -> None:
    first = apply(desk, TWO_BOOKINGS, "--key", "k")
    before = desk.octets()
    assert apply(desk, TWO_BOOKINGS, "--key", "k") == first | {"replayed": True}
    assert desk.say("batch", "apply", "b.csv", "--key", "k").startswith("Done already, under this key: 2 lines done")
    assert desk.type("batch", "apply", "b.csv", "--key", "k", "--exit-code").status == 0
    assert desk.octets() == before


def test_the_plan_of_a_batch_is_kept_and_an_existing_file_is_asked_for_first(desk: Desk) -> None:
    name = desk.file("b.csv", TWO_BOOKINGS)
    desk.file("plan.json", "mine")
    for words in (("apply", name), ("check", name), ("apply", name, "--dry-run")):
        assert desk.refused(2, "batch", *words, "-o", "plan.json")["hint"].startswith("add --yes to replace plan.json")
    assert (desk.folder / "plan.json").read_bytes() == b"mine"
    plan = json.loads(desk.say("batch", "check", name, "-o", "-", "--json"))
    assert [c["id"] for c in plan["changes"]] == [ONE, TWO]


def test_an_empty_file_is_refused_and_a_file_of_a_header_does_nothing(desk: Desk) -> None:
    assert desk.refused(6, "batch", "check", desk.file("b.csv", ""))["message"] == "The file is empty."
    before = desk.octets()
    assert apply(desk, HEADER)["placed"] == []
    assert desk.octets() == before
