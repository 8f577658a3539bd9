"""Operations: undone one by one, listed, and plans that were kept and are applied later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.desk import BEN, FATIMA, FIRST_VISITS, YARA, Desk, op

from infusion_cli.domain import ids

ONE, TWO, *_ = FIRST_VISITS
NINE = "2026-11-24T09:00"
FIRST_SERIES = ids.encode("series", 0)
FIRST_BLOCK = ids.encode("block", 0)

WALK = (
    ("patients", "add", "--mrn", "N1", "New Person"),
    ("patients", "record", "N1", "consent"),
    ("patients", "edit", "N1", "--phone", "+1 207 555 9999"),
    ("series", "book", YARA, "iv-mood", "--from", "2026-11-25"),
    ("book", BEN, "iv-mood", "2026-12-01T09:00", "--hold", "2d"),
    ("confirm", ids.encode("appointment", 6)),
    ("move", ONE, "2026-11-25T10:00"),
    ("cancel", ids.encode("appointment", 2), "--reason", "cold", "--yes"),
    ("slots", "block", "2026-12-02 8:00", "2026-12-02 12:00", "--chair", "window", "--reason", "lamp"),
    ("slots", "unblock", FIRST_BLOCK),
    ("slots", "open", "2026-12-05 8:00", "2026-12-05 12:00"),
)


def plan(desk: Desk, *words: str) -> str:
    """A plan kept as a file; gives the file's name."""
    answer = desk.type("series", "plan", *words, "-o", "plan.json")
    assert (answer.status, answer.err) == (0, "Kept as plan.json. Book it: infusion apply plan.json\n")
    return "plan.json"


def mangled(desk: Desk, name: str, change: dict[str, Any]) -> str:
    """The plan with some of its fields replaced."""
    fields = json.loads((desk.folder / name).read_text(encoding="utf-8"))
    return desk.file("mangled.json", json.dumps(fields | change))


# -- undo


def test_undo_walks_back_step_by_step_to_the_book_of_before(desk: Desk) -> None:
    states = [desk.state()]
    for words in WALK:
        desk.say(*words)
        states.append(desk.state())
    for before in reversed(states[:-1]):
        desk.say("undo", "--yes")
        assert desk.state() == before
    commands = [" ".join(words[:2]) if words[0] in {"patients", "series", "slots"} else words[0] for words in WALK]
    assert desk.done() == ["undo"] * len(WALK) + commands[::-1] + ["patients import", "init"]
    assert desk.json("db", "check")["sound"] is True


def test_undo_says_what_it_took_back(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    assert desk.say("undo", "--yes") == f"Undone {op(1)} (book, Mon 23 Nov 2026 08:00: {ONE}).\n"


def test_an_undone_booking_keeps_its_id_and_its_sequence_rises(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    desk.say("undo", "--yes")
    (kept,) = desk.json("list", "--status", "entered-in-error")
    assert (kept["id"], kept["status"], kept["sequence"]) == (ONE, "entered-in-error", 1)
    assert desk.json("book", YARA, "iv-mood", NINE)["id"] == TWO


def test_undo_of_one_operation_by_its_id_leaves_later_ones(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    desk.say("book", BEN, "iv-mood", NINE)
    desk.say("undo", op(1), "--yes")
    assert [v["id"] for v in desk.json("list")] == [TWO]


def test_undo_never_redoes_and_nothing_is_undone_twice(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    desk.say("undo", op(1), "--yes")
    assert desk.refused(4, "undo", op(1), "--yes")["message"] == f"{op(1)} was undone already, by {op(2)}."
    assert desk.refused(4, "undo", op(2), "--yes")["message"] == (
        f"{op(2)} (undo) cannot be undone; do the work again instead."
    )


def test_undo_passes_over_the_release_of_holds_and_the_founding_of_the_book(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--hold", "30m")
    desk.at("2026-11-23T09:00")
    desk.say("book", BEN, "iv-mood", NINE)
    assert desk.done() == ["book", "release-holds", "book", "patients import", "init"]
    for _ in range(3):
        desk.say("undo", "--yes")
    assert [o["command"] for o in desk.json("history") if o["undone_by"]] == ["book", "book", "patients import"]
    assert list(desk.state()) == ["main"]
    assert desk.refused(3, "undo", "--yes")["message"] == "There is nothing to undo."


def test_the_release_of_a_hold_cannot_be_undone(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--hold", "30m")
    desk.say("move", ONE, "2026-11-25T09:00")
    desk.at("2026-11-23T09:00")
    desk.say("book", BEN, "iv-mood", NINE)
    assert desk.refused(4, "undo", op(3), "--yes")["message"].startswith(f"{op(3)} (release-holds) cannot be undone")
    assert desk.refused(4, "undo", op(2), "--yes")["hint"] == f"infusion history {ONE}"


def test_undo_is_refused_when_the_record_changed_since_and_names_what_to_undo_first(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    desk.say("confirm", ONE)
    error = desk.refused(4, "undo", op(1), "--yes")
    assert (error["message"], error["hint"]) == (
        f"{ONE} has changed since in operation {op(2)}.",
        f"infusion undo {op(2)}",
    )


def test_undo_of_a_cancellation_is_refused_when_the_chair_is_taken(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE, "--chair", "window")
    desk.say("cancel", ONE, "--reason", "cold", "--yes")
    desk.say("book", BEN, "iv-mood", NINE, "--chair", "window")
    error = desk.refused(4, "undo", op(2), "--yes")
    assert (error["message"], [c["rule"] for c in error["conflicts"]]) == ("Not undone: chair-busy.", ["chair-busy"])


def test_undo_needs_yes_where_nobody_can_be_asked_and_a_dry_run_shows_it(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    before = desk.octets()
    assert desk.refused(2, "undo")["message"] == "This needs --yes where nobody can be asked."
    dry = desk.json("undo", "--dry-run")
    assert desk.octets() == before
    (change,) = dry["changes"]
    assert (change["id"], change["after"]["status"]) == (ONE, "entered-in-error")


@pytest.mark.parametrize(
    ("operation", "status", "message"),
    [
        ("banana", 2, "'banana' is not an id: a character is wrong or missing."),
        (ids.encode("operation", 99), 3, f"There is no operation {ids.encode('operation', 99)}."),
        (ids.encode("operation", 0), 4, f"{ids.encode('operation', 0)} (init) cannot be undone; do the work again"),
    ],
)
def test_what_cannot_be_undone(desk: Desk, operation: str, status: int, message: str) -> None:
    assert desk.refused(status, "undo", operation, "--yes")["message"].startswith(message)


def test_the_undo_of_a_batch_takes_back_all_of_it(desk: Desk) -> None:
    before = desk.state()
    lines = "".join(f"book,M10{n},iv-mood,2026-11-24T{9 + k}:00\n" for k, n in enumerate(("01", "02", "03")))
    desk.say("batch", "apply", desk.file("b.csv", "action,patient,protocol,when\n" + lines))
    assert len(desk.json("list")) == 3
    desk.say("undo", "--yes")
    assert desk.state() == before


# -- history


def test_history_lists_operations_newest_first_with_what_they_touched(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    desk.say("undo", "--yes")
    assert desk.say("history") == (
        f"  {op(2)}  Mon 23 Nov 2026 08:00    desk       undo          {ONE}               undoes {op(1)}\n"
        f"  {op(1)}  Mon 23 Nov 2026 08:00    desk       book          {ONE}               undone by {op(2)}\n"
        f"  {op(0)}  Mon 23 Nov 2026 08:00    desk       patients import 60 patients\n"
        f"  {ids.encode('operation', 0)}  Mon 23 Nov 2026 08:00    desk       init          main\n"
    )


def test_history_of_a_record_a_patient_an_operation_and_with_a_limit(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    desk.say("confirm", ONE)
    desk.say("book", BEN, "iv-mood", NINE)
    assert [o["id"] for o in desk.json("history", ONE)] == [op(2), op(1)]
    assert [o["id"] for o in desk.json("history", "yara s")] == [op(0)]
    assert [o["id"] for o in desk.json("history", op(2))] == [op(2)]
    assert [o["id"] for o in desk.json("history", "--limit", "1")] == [op(3)]


def test_history_of_a_long_journal_shows_the_newest_hundred_and_a_program_everything(desk: Desk) -> None:
    for ride in range(98):
        desk.say("patients", "edit", YARA, "--phone", f"+1 207 555 {ride:04}")
    assert desk.type("history").out.count("\n") == 100
    assert "Older" not in desk.type("history").err
    desk.say("patients", "edit", YARA, "--phone", "+1 207 555 0199")
    told = desk.type("history")
    assert (told.out.count("\n"), told.err) == (100, "Older ones: infusion history --limit N\n")
    assert told.out.startswith(f"  {op(99)} ")
    assert len(desk.json("history")) == 101
    everything = desk.type("history", "--limit", "101")
    assert (everything.out.count("\n"), everything.err) == (101, "")


def test_history_of_what_is_not_there(desk: Desk) -> None:
    assert desk.refused(3, "history", ids.encode("operation", 50))["code"] == "not-found"
    assert desk.refused(3, "history", "nobody")["message"] == "There is no patient 'nobody'."
    assert (
        desk.refused(2, "history", "--limit", "0")["message"] == "The number for 'limit' is from 1 to 1000000, not '0'."
    )
    assert desk.json("history", ids.encode("block", 3)) == []


# -- apply


def test_a_kept_plan_is_booked_as_it_was_shown(desk: Desk) -> None:
    name = plan(desk, YARA, "iv-mood", "--from", "2026-12-01")
    shown = json.loads((desk.folder / name).read_text(encoding="utf-8"))
    starts = [c["after"]["start"] for c in shown["changes"] if c["entity"] == "appointment"]
    assert desk.say("apply", name) == f"Applied: {FIRST_SERIES}, 6 visits.\n"
    visits = desk.json("list")
    assert [v["start"] for v in visits] == starts
    assert {(v["series"], v["patient"], v["status"], v["sequence"]) for v in visits} == {
        (FIRST_SERIES, YARA, "booked", 0)
    }
    assert [v["session"] for v in visits] == [1, 2, 3, 4, 5, 6]


def test_a_plan_applied_twice_gives_the_first_answer_and_writes_nothing(desk: Desk) -> None:
    name = plan(desk, YARA, "iv-mood")
    first = desk.json("apply", name)
    before = desk.octets()
    again = desk.json("apply", name)
    assert again == first | {"replayed": True}
    assert desk.octets() == before
    assert desk.say("apply", name) == f"Done already, under this key: {op(1)}.\n"


def test_a_plan_that_was_undone_can_be_applied_again(desk: Desk) -> None:
    name = plan(desk, YARA, "iv-mood")
    desk.say("apply", name)
    desk.say("undo", "--yes")
    assert desk.json("apply", name)["replayed"] is False
    assert len(desk.json("list")) == 6


def test_a_plan_is_not_refused_because_somebody_else_worked_meanwhile(desk: Desk) -> None:
    name = plan(desk, YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("book", BEN, "iv-mood", "2026-11-24T09:00")
    desk.say("patients", "edit", YARA, "--phone", "1")
    assert desk.json("apply", name)["changes"][0]["entity"] == "series"


def test_a_plan_is_refused_when_its_chair_was_taken(desk: Desk) -> None:
    name = plan(desk, YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("book", BEN, "iv-mood", "2026-12-01T08:00", "--chair", "quiet room")
    error = desk.refused(4, "apply", name)
    assert (error["message"], error["hint"]) == ("The plan no longer fits: chair-busy.", "make a new plan")
    assert [c["subject"] for c in error["conflicts"]] == [ONE]


def test_a_plan_is_refused_when_a_record_that_it_changes_has_changed(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    batch = desk.file("b.csv", f"action,appointment,when\nmove,{ONE},2026-11-25T09:00\n")
    desk.say("batch", "check", batch, "-o", "plan.json", "-q")
    desk.say("cancel", ONE, "--reason", "cold", "--yes")
    assert desk.refused(4, "apply", "plan.json")["message"] == f"{ONE} has changed since the plan was made."


def test_a_plan_of_a_batch_is_applied(desk: Desk) -> None:
    batch = desk.file("b.csv", "action,patient,protocol,when\nbook,M1001,iv-mood,2026-11-24T09:00\n")
    desk.say("batch", "check", batch, "-o", "plan.json", "-q")
    assert desk.json("list") == []
    desk.say("apply", "plan.json")
    assert [(v["patient"], v["start"]) for v in desk.json("list")] == [(YARA, "2026-11-24T09:00:00-05:00")]


def test_a_plan_may_come_from_stdin(desk: Desk) -> None:
    text = desk.say("series", "plan", YARA, "iv-mood", "-o", "-")
    assert desk.say("apply", "-", stdin=text) == f"Applied: {FIRST_SERIES}, 6 visits.\n"


def test_a_dry_run_of_apply_leaves_every_octet_and_exit_code_tells(desk: Desk) -> None:
    name, before = plan(desk, YARA, "iv-mood"), desk.octets()
    dry = desk.type("apply", name, "--dry-run", "--exit-code")
    assert (dry.status, dry.err) == (5, "Dry run: nothing was written.\n")
    assert desk.octets() == before
    assert desk.type("apply", name, "--exit-code").status == 5
    assert desk.type("apply", name, "--exit-code").status == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "The file is not JSON."),
        ("{", "The file is not JSON."),
        ("[" * 100_000, "The file is not a plan (RecursionError)."),
        ("[]", "The file is not a plan (TypeError)."),
        ("null", "The file is not a plan (TypeError)."),
        ("{}", "The file is not a plan (KeyError)."),
        (b"\xff\xfe{}", "The file bad.json is not UTF-8."),
    ],
)
def test_what_is_no_plan_is_refused(desk: Desk, content: str | bytes, message: str) -> None:
    assert desk.refused(6, "apply", desk.file("bad.json", content))["message"] == message


@pytest.mark.parametrize(
    "change",
    [
        {"changes": [{"op": "create"}]},
        {"changes": [{"op": "create", "entity": "rocket", "id": "A?1", "before": None, "after": {}}]},
        {"changes": 7},
        {"changes": [7]},
        {"created": "yesterday"},
        {"revision": "many"},
        {"summary": None, "changes": None},
    ],
)
def test_a_damaged_plan_is_refused_as_data(desk: Desk, change: dict[str, Any]) -> None:
    error = desk.refused(6, "apply", mangled(desk, plan(desk, YARA, "iv-mood"), change))
    assert (error["code"], error["errors"]) == ("invalid-data", [])


@pytest.mark.parametrize("field", ["start", "phases", "session", "chair", "patient", "protocol", "warnings", "status"])
def test_a_plan_with_a_strange_value_never_ends_in_an_unexpected_failure(desk: Desk, field: str) -> None:
    fields = json.loads(desk.say("series", "plan", YARA, "iv-mood", "-o", "-"))
    strange: list[Any] = [None, "", 7, [], {}, "A?1", "Infinity"]
    for value in strange:
        fields["changes"][1]["after"][field] = value
        answer = desk.type("apply", "-", stdin=json.dumps(fields))
        assert answer.status in {0, 3, 4, 6}, (value, answer)
    assert desk.json("db", "check")["sound"] is True


def test_a_plan_cannot_smuggle_in_what_the_rules_forbid(desk: Desk) -> None:
    name = plan(desk, YARA, "iv-mood", "--from", "2026-12-01")
    fields = json.loads((desk.folder / name).read_text(encoding="utf-8"))
    for change in fields["changes"][1:]:
        change["after"]["start"] = change["after"]["start"].replace("T08:00", "T03:07")
    error = desk.refused(4, "apply", desk.file("smuggled.json", json.dumps(fields)))
    assert {c["rule"] for c in error["conflicts"]} >= {"outside-hours", "off-grid"}


def test_a_plan_that_is_not_there(desk: Desk) -> None:
    assert desk.refused(3, "apply", "nowhere.json")["message"] == "There is no file nowhere.json."


def test_an_existing_plan_file_is_only_replaced_with_yes(desk: Desk, tmp_path: Path) -> None:
    desk.file("plan.json", "mine")
    error = desk.refused(2, "series", "plan", FATIMA, "iv-mood", "-o", "plan.json")
    assert error["message"] == "This needs --yes where nobody can be asked."
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("named", [True, False])
def test_an_undo_repeated_under_its_key_gives_the_first_answer(desk: Desk, named: bool) -> None:
    for day in ("tue", "wed"):
        desk.say("book", "M1001" if day == "tue" else "M1002", "iv-mood", f"{day} 9am")
    words = ("undo", *([desk.json("history", "--limit", "1")[0]["id"]] if named else []), "--yes", "--key", "u1")
    first = desk.json(*words)
    again = desk.json(*words)
    assert again == first | {"replayed": True, "at": again["at"]}
    assert desk.json("history", "--limit", "1")[0]["id"] == first["operation"]
