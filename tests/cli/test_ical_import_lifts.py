"""What an import takes away: it is listed, asked before a calendar loses everything, and found where a file is gone."""

from __future__ import annotations

import pytest
from cli.desk import Desk
from cli.test_exit_statuses import Terminal
from cli.test_ical_import import calendar, counts, entry

from infusion_cli.cli.app import run

NURSE = "rn-bell.ics"
BOTH = "add --yes to lift every block to come of basic.ics, the clinic (2 blocks)"
WAY_OUT = ", or give another calendar a name of its own with --source NAME"


@pytest.fixture
def two(desk: Desk) -> Desk:
    """Two calendars of one name; the first is in the book."""
    for folder, uid in (("x1", "holidays"), ("x2", "fairs")):
        (desk.folder / folder).mkdir()
        desk.file(f"{folder}/basic.ics", calendar(entry(f"{uid}-1", "24"), entry(f"{uid}-2", "25")))
    desk.say("ical", "import", "x1/basic.ics", "--clinic")
    return desk


@pytest.fixture
def fold(desk: Desk) -> Desk:
    """A folder that was imported, and of which one file is gone since."""
    (desk.folder / "fold").mkdir()
    for name in ("rn-bell", "rn-okafor"):
        desk.file(f"fold/{name}.ics", calendar(entry(name, "01"), entry(f"{name}-2", "02")))
    desk.say("ical", "import", "fold")
    (desk.folder / "fold" / "rn-okafor.ics").unlink()
    return desk


def test_every_block_that_is_lifted_is_listed(desk: Desk) -> None:
    desk.say("ical", "import", desk.file(NURSE, calendar(entry("a", "01"), entry("b", "02"), entry("c", "03"))))
    desk.file(NURSE, calendar(entry("c", "04"), entry("d", "05")))
    head, *lines = desk.say("ical", "import", NURSE).splitlines()
    assert head == "rn-bell.ics, rn-bell: 1 added, 1 changed, 2 lifted, 0 as before."
    assert [line[:4] for line in lines] == ["  - ", "  - ", "Undo"]
    assert ["Tue 1 Dec 2026 09:00" in lines[0], "Wed 2 Dec 2026 09:00" in lines[1]] == [True, True]


def test_another_calendar_of_the_same_name_lifts_nothing_unasked(two: Desk) -> None:
    error = two.refused(2, "ical", "import", "x2/basic.ics", "--clinic")
    assert error["message"] == "This needs --yes where nobody can be asked."
    assert error["hint"] == f"{BOTH}{WAY_OUT}; --dry-run looks first"
    looked = two.json("ical", "import", "x2/basic.ics", "--clinic", "--dry-run")
    assert counts(looked) == [("clinic", None, 2, 0, 2, 0)]
    assert counts(two.json("ical", "import", "x2/basic.ics", "--clinic", "--source", "fairs")) == [
        ("clinic", None, 2, 0, 0, 0)
    ]
    said = two.say("ical", "import", "x2/basic.ics", "--clinic", "--yes").splitlines()
    assert said[0] == "basic.ics, the clinic: 2 added, 0 changed, 2 lifted, 0 as before."
    assert [line[:4] for line in said[1:]] == ["  - ", "  - ", "Undo"]


def test_at_a_terminal_it_is_asked(two: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = two.octets()
    asked = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    monkeypatch.setattr("sys.stderr", asked)
    assert run(["ical", "import", "x2/basic.ics", "--clinic"]) == 1
    question = f"This would {BOTH.removeprefix('add --yes to ')}. Go on{WAY_OUT}? [y/N] "
    assert asked.getvalue() == f"{question}Nothing was changed.\n"
    assert two.octets() == before
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert run(["ical", "import", "x2/basic.ics", "--clinic"]) == 0
    assert two.octets() != before


def test_it_is_not_asked_while_anything_stays(two: Desk) -> None:
    one_left = calendar(entry("holidays-2", "28"), entry("new", "29"))
    two.file("basic.ics", one_left.replace("UID:new\r\n", "UID:new\r\nRRULE:FREQ=HOURLY\r\n"))
    assert two.type("ical", "import", "basic.ics", "--clinic", "--keep-going").status == 4
    two.file("basic.ics", one_left)
    assert counts(two.json("ical", "import", "basic.ics", "--clinic")) == [("clinic", None, 1, 0, 1, 1)]
    # Of somebody else a calendar of the same name takes nothing away.
    assert counts(two.json("ical", "import", "x1/basic.ics", "--staff", "rn-bell")) == [
        ("staff", "rn-bell", 2, 0, 0, 0)
    ]
    few = ("--from", "2026-12-28", "--to", "2026-12-28")
    assert counts(two.json("ical", "import", "x1/basic.ics", "--clinic", *few)) == [("clinic", None, 0, 0, 1, 0)]


def test_a_repeated_command_is_not_asked_again(two: Desk) -> None:
    words = ("ical", "import", "x2/basic.ics", "--clinic", "--key", "k")
    first = two.json(*words, "--yes")
    again = two.json(*words)
    assert (again["replayed"], again["operation"]) == (True, first["operation"])


def test_a_calendar_whose_file_is_gone_from_its_folder_is_named_with_the_way_to_lift_it(fold: Desk) -> None:
    answer = fold.type("ical", "import", "fold")
    assert answer.err.splitlines() == [
        "No file any more: rn-okafor.ics, rn-okafor; 2 blocks to come stay.",
        "If they are gone for good: infusion ical import --gone rn-okafor.ics",
    ]
    assert fold.type("ical", "import", "fold", "--json").data["missing"] == [
        {"source": "rn-okafor.ics", "kind": "staff", "subject": "rn-okafor", "blocks": 2}
    ]
    lift = ("ical", "import", "--gone", "rn-okafor.ics")
    before = fold.state()
    refused = fold.refused(2, *lift)
    assert refused["hint"] == (
        "add --yes to lift every block to come of rn-okafor.ics, rn-okafor (2 blocks); --dry-run looks first"
    )
    said = fold.say(*lift, "--yes").splitlines()
    assert said[0] == "rn-okafor.ics, rn-okafor: 0 added, 0 changed, 2 lifted, 0 as before."
    assert [line[:4] for line in said[1:]] == ["  - ", "  - ", "Undo"]
    assert fold.say("ical", "import", "fold") == "rn-bell.ics, rn-bell: 0 added, 0 changed, 0 lifted, 2 as before.\n"
    fold.say("undo", "--yes")
    assert fold.state() == before


def test_only_calendars_that_such_a_folder_could_hold_are_missing_from_it(fold: Desk) -> None:
    fold.say("ical", "import", "fold/rn-bell.ics", "--source", "roster")
    fold.say("ical", "import", "fold", "--source", "roster", "--yes")
    fold.say("ical", "import", fold.file("off.ics", calendar(entry("x", "05"))), "--staff", "dr-lindqvist")
    assert [m["source"] for m in fold.type("ical", "import", "fold", "--json").data["missing"]] == ["rn-okafor.ics"]
    assert fold.json("ical", "import", "fold/rn-bell.ics")["missing"] == []
    (fold.folder / "fold" / "rn-bell.ics").rename(fold.folder / "fold" / "chair-2.ics")
    answer = fold.type("ical", "import", "fold", "--source", "roster")
    assert answer.err.splitlines() == [
        "No file any more: roster/rn-bell.ics, rn-bell; 2 blocks to come stay.",
        "If they are gone for good: infusion ical import --gone roster/rn-bell.ics",
    ]


def test_what_is_gone_is_lifted_once_and_by_name_only(fold: Desk) -> None:
    fold.say("ical", "import", "fold/rn-bell.ics", "--chair", "chair-2")
    error = fold.refused(3, "ical", "import", "--gone", "rn-okaf.ics", "--yes")
    assert error["message"] == "No block to come is from a calendar 'rn-okaf.ics'."
    assert error["hint"] == "known calendars: rn-bell.ics, rn-okafor.ics"
    assert fold.refused(3, "ical", "import", "--gone", "rn-okafor.ics", "--clinic", "--yes")["code"] == "not-found"
    error = fold.refused(2, "ical", "import", "--gone", "rn-okafor.ics", "--source", "roster", "--yes")
    assert error["message"] == "--gone lifts all blocks to come of the calendars that are named."
    looked = fold.type("ical", "import", "--gone", NURSE, "--dry-run")
    assert (looked.status, looked.err) == (0, "Dry run: nothing was written.\n")
    one = fold.json("ical", "import", "--gone", NURSE, "--chair", "chair-2", "--yes", "--key", "k")
    assert counts(one) == [("chair", "chair-2", 0, 0, 2, 0)]
    again = fold.json("ical", "import", "--gone", NURSE, "--chair", "chair-2", "--key", "k")
    assert (again["replayed"], again["removed"]) == (True, one["removed"])
    both = fold.json("ical", "import", "--gone", NURSE, "rn-okafor.ics", "--yes")
    assert [(c["source"], c["removed"]) for c in both["calendars"]] == [("rn-bell.ics", 2), ("rn-okafor.ics", 2)]
    assert fold.refused(3, "ical", "import", "--gone", NURSE, "--yes")["hint"] == "known calendars: none"
