"""The clinic's file: shown, checked, made the clinic's."""

from __future__ import annotations

import pytest
from cli.desk import DATA, FIRST_VISITS, YARA, Desk, op

ONE = FIRST_VISITS[0]
FILE = DATA / "harbor" / "clinic.toml"
TEXT = FILE.read_text(encoding="utf-8")


def changed(desk: Desk, *pairs: tuple[str, str]) -> str:
    """The clinic's file with some words replaced; gives its name."""
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return desk.file("clinic.toml", text)


def test_show_gives_the_file_back_as_it_was_applied(desk: Desk) -> None:
    assert desk.say("clinic", "show") == TEXT
    assert desk.json("clinic", "show")["clinic"]["name"] == "Harbor Ketamine & Wellness"


def test_the_shown_file_can_be_applied_again_without_a_difference(desk: Desk) -> None:
    name = desk.file("clinic.toml", desk.say("clinic", "show"))
    before = desk.octets()
    assert desk.type("clinic", "apply", name, "--exit-code") == (0, "No difference.\n", "")
    assert desk.octets() == before


def test_check_needs_no_book(empty_desk: Desk) -> None:
    assert empty_desk.say("clinic", "check", str(FILE)) == (
        f"{FILE} is sound: 4 chairs, 3 members of staff, 5 protocols.\n"
    )
    assert empty_desk.json("clinic", "check", str(FILE)) == {
        "file": str(FILE),
        "clinic": "Harbor Ketamine & Wellness",
        "warnings": [],
    }


@pytest.mark.parametrize("command", ["check", "apply"])
def test_all_mistakes_of_a_file_are_named_at_once(desk: Desk, command: str) -> None:
    name = changed(desk, ("grid = 15", "grid = 7\nfoo = 1"), ("minutes = 125", "minutes = 90"))
    error = desk.refused(6, "clinic", command, name)
    assert error["message"] == "The clinic's file has 3 errors."
    assert [(e["column"], e["rule"]) for e in error["errors"]] == [
        ("clinic.foo", "unknown-key"),
        ("protocols[esketamine].observation_minimum", "observation-too-short"),
        ("clinic.grid", "bad-grid"),
    ]


def test_apply_shows_the_difference_and_the_visits_that_it_hits(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", "2026-11-24T15:00")
    name = changed(desk, ('close = "17:00"', 'close = "16:00"'), ('"Window"', '"Window seat"'))
    assert desk.say("clinic", "apply", name) == (
        "3 differences to the clinic of before.\n"
        "  - hours[MO TU WE TH FR 08:00-17:00]\n"
        "  + hours[MO TU WE TH FR 08:00-16:00]\n"
        '  chairs[chair-1].name: "Window" -> "Window seat"\n'
        f"1 visit can no longer be held; move or cancel: {ONE}\n"
        f"Undo: infusion undo {op(2)}\n"
    )
    assert desk.refused(4, "book", "M1002", "iv-mood", "2026-11-25T15:00")["conflicts"][0]["rule"] == "outside-hours"
    desk.say("undo", "--yes")
    assert desk.say("clinic", "show") == TEXT


def test_apply_says_whose_calendars_change_with_it(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", "2026-11-24T09:00")
    name = changed(desk, ("12 Pier Street", "7 North Gate Road"))
    line = "What calendars say of 1 visit ahead changes with it: infusion ical send tells the patients."
    assert line in desk.type("clinic", "apply", name, "--dry-run").out.splitlines()
    assert line in desk.say("clinic", "apply", name).splitlines()
    assert desk.json("clinic", "apply", name)["renewed"] == []


def test_a_dry_run_shows_the_difference_only(desk: Desk) -> None:
    name = changed(desk, ("grid = 15", "grid = 30"))
    before = desk.octets()
    answer = desk.type("clinic", "apply", name, "--dry-run", "--exit-code")
    assert answer == (
        5,
        "1 difference to the clinic of before.\n  clinic.grid: 15 -> 30\n",
        "Dry run: nothing was written.\n",
    )
    assert desk.octets() == before


def test_the_same_key_gives_the_first_answer(desk: Desk) -> None:
    words = ("clinic", "apply", changed(desk, ("grid = 15", "grid = 30")), "--key", "k")
    first = desk.json(*words)
    before = desk.octets()
    assert desk.json(*words) == first
    assert desk.type(*words, "--exit-code").status == 0
    assert desk.octets() == before


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (('"chair-3"', '"chair-9"'), f"{ONE} is in chair chair-3, which the new file has not."),
        (('"iv-mood"', '"iv-moon"'), f"{ONE} is a visit of iv-mood, which the new file has not."),
        (
            ("America/New_York", "America/Chicago"),
            "The zone cannot change from America/New_York to America/Chicago while 1 visits lie ahead.",
        ),
    ],
)
def test_apply_is_refused_when_a_visit_ahead_would_be_left_without(
    desk: Desk, pair: tuple[str, str], message: str
) -> None:
    desk.say("book", YARA, "iv-mood", "2026-11-24T15:00")
    assert desk.refused(4, "clinic", "apply", changed(desk, pair))["message"] == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"schema = ", "TOML"),
        (b"", "error"),
    ],
)
def test_what_is_no_clinic_file(desk: Desk, content: bytes, message: str) -> None:
    assert message in str(desk.refused(6, "clinic", "apply", desk.file("bad.toml", content)))


def test_a_clinic_file_that_is_not_there(desk: Desk) -> None:
    assert desk.refused(3, "clinic", "check", "nowhere.toml")["message"] == 'There is no file "nowhere.toml".'
