"""Feeds from the command line: which files, under which names, and what is never touched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli.desk import FIRST_VISITS, PROGRAM, YARA, Desk

from infusion_cli.cli import feed_folder
from infusion_cli.cli.feed_folder import INDEX

ONE, *_ = FIRST_VISITS
CHAIRS = ["chair-1", "chair-2", "chair-3", "chair-4"]
STAFF = ["rn-bell", "rn-okafor", "dr-lindqvist"]


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara's course of six, all in the quiet room (chair-3)."""
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    return desk


def fed(desk: Desk, *words: str) -> dict[str, tuple[str, str]]:
    """What a run did: (state, file) by subject, what was removed left out."""
    done = desk.json("ical", "feed", "out", *words)
    return {d["subject"]: (d["state"], d["file"]) for d in done if d["state"] != "removed"}


def states(desk: Desk, *words: str) -> dict[str, str]:
    """What a run did, by subject."""
    return {subject: state for subject, (state, _) in fed(desk, *words).items()}


def files(desk: Desk) -> list[str]:
    """What lies in the folder, the program's own notes aside."""
    return sorted(p.name for p in (desk.folder / "out").iterdir() if not p.name.startswith("."))


def marks(desk: Desk) -> dict[str, tuple[int, int]]:
    """What tells whether a file was written again."""
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in (desk.folder / "out").glob("*.ics")}


def test_every_chair_and_member_of_staff_gets_a_file_whose_name_says_nothing(booked: Desk) -> None:
    done = booked.json("ical", "feed", "out", "--all")

    assert [d["subject"] for d in done] == CHAIRS + STAFF
    assert [d["kind"] for d in done] == ["chair"] * 4 + ["staff"] * 3
    assert {d["state"] for d in done} == {"created"}
    assert files(booked) == sorted(d["file"] for d in done)
    assert len(set(files(booked))) == 7
    assert all(re.fullmatch(r"[0-9a-f]{40}\.ics", name) for name in files(booked))
    sizes = {d["subject"]: (booked.folder / "out" / d["file"]).read_text().count("BEGIN:VEVENT") for d in done}
    assert sizes == dict.fromkeys(CHAIRS, 0) | {"chair-3": 6, "rn-bell": 6, "rn-okafor": 5, "dr-lindqvist": 6}


def test_names_are_not_the_same_in_two_folders(booked: Desk) -> None:
    one = booked.json("ical", "feed", "one", "--chair", "garden")
    two = booked.json("ical", "feed", "two", "--chair", "garden")

    assert one[0]["file"] != two[0]["file"]


def test_a_table_for_people(booked: Desk) -> None:
    text = booked.say("ical", "feed", "out", "--chair", "window", "--staff", "rn-bell")

    assert re.fullmatch(
        r"created    chair  chair-1  [0-9a-f]{40}\.ics\ncreated    staff  rn-bell  [0-9a-f]{40}\.ics\n", text
    )


def test_a_name_is_said_once_and_then_to_programs_only(booked: Desk) -> None:
    name = fed(booked, "--chair", "quiet room")["chair-3"][1]
    assert booked.type("ical", "feed", "out") == (0, "", "1 feed as before.\n")
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    assert booked.type("ical", "feed", "out", "-q") == (0, "changed    chair  chair-3\n", "")
    assert fed(booked)["chair-3"] == ("unchanged", name)
    assert booked.say("ical", "feed", "out", "--remove", "quiet room") == "removed    chair  chair-3\n"


def test_an_ended_feed_is_gone_and_does_not_come_back_by_itself(booked: Desk) -> None:
    before = fed(booked, "--all")
    done = booked.json("ical", "feed", "out", "--remove", "Quiet Room")

    assert [(d["subject"], d["file"]) for d in done if d["state"] == "removed"] == [("chair-3", before["chair-3"][1])]
    assert sorted(fed(booked)) == sorted({*CHAIRS, *STAFF} - {"chair-3"})
    assert before["chair-3"][1] not in files(booked)
    assert fed(booked, "--chair", "quiet room")["chair-3"][1] != before["chair-3"][1]


@pytest.mark.parametrize("moment", ["_remove", "write_feed"])
def test_a_revoked_name_is_dead_wherever_the_run_was_cut_short(
    booked: Desk, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    before = fed(booked, "--all")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(feed_folder, moment, cut)
        error = booked.refused(130, "ical", "feed", "out", "--revoke", "quiet room")
    assert error["message"] == "Interrupted; some feeds may not be up to date."

    served = {feed.file for feed in feed_folder.read_index(booked.folder / "out").feeds}
    assert before["chair-3"][1] not in served
    after = fed(booked)
    assert after["chair-3"][1] != before["chair-3"][1]
    assert files(booked) == sorted(name for _, name in after.values())
    assert "gone" not in (booked.folder / "out" / INDEX).read_text()


def test_a_folder_that_others_can_list_is_said_and_an_unnamed_one_refused(booked: Desk) -> None:
    (booked.folder / "out").mkdir()
    (booked.folder / "out").chmod(0o755)
    said = booked.type("ical", "feed", "out", "--all").err
    assert said == "Others on this machine can list the names in out: chmod go-r keeps them from it.\n"
    (booked.folder / "out").chmod(0o711)
    assert booked.type("ical", "feed", "out").err == "7 feeds as before.\n"
    for words in (("feed", ""), ("serve", " ")):
        assert booked.refused(2, "ical", *words)["message"] == "No folder is named."


def test_the_web_server_may_read_the_files_but_neither_list_them_nor_read_the_index(booked: Desk) -> None:
    mask = os.umask(0o077)
    try:
        booked.say("ical", "feed", "out", "--all")
    finally:
        os.umask(mask)
    folder = booked.folder / "out"

    assert folder.stat().st_mode & 0o777 == 0o711
    assert {p.stat().st_mode & 0o777 for p in folder.glob("*.ics")} == {0o644}
    assert {p.name: p.stat().st_mode & 0o777 for p in folder.glob(".*")} == {
        INDEX: 0o600,
        ".feeds.lock": 0o600,
    }


def test_nothing_is_written_again_until_something_changed(booked: Desk) -> None:
    first = fed(booked, "--all")
    before = marks(booked)

    booked.at("2026-11-23T18:00")
    assert fed(booked) == {subject: ("unchanged", name) for subject, (_, name) in first.items()}
    assert marks(booked) == before

    booked.say("move", ONE, "2026-12-01T09:30", "--chair", "window")
    assert states(booked) == {
        "chair-1": "changed",
        "chair-2": "unchanged",
        "chair-3": "changed",
        "chair-4": "unchanged",
        "rn-bell": "changed",
        "rn-okafor": "changed",
        "dr-lindqvist": "changed",
    }
    text = (booked.folder / "out" / first["chair-1"][1]).read_text()
    assert "SEQUENCE:1" in text
    assert "LAST-MODIFIED:20261123T000000Z" in text


def test_a_cancelled_visit_and_a_hold_that_ran_out_leave_the_feed(booked: Desk) -> None:
    booked.say("book", "M1003", "iv-mood", "2026-11-30T12:00", "--hold", "2h", "--chair", "garden")
    path = booked.folder / "out" / fed(booked, "--chair", "garden", "--chair", "quiet room")["chair-2"][1]
    assert path.read_text().count("STATUS:TENTATIVE") == 1

    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    assert states(booked) == {"chair-2": "unchanged", "chair-3": "changed"}
    booked.at("2026-11-23T11:00")
    assert states(booked) == {"chair-2": "changed", "chair-3": "unchanged"}
    assert "BEGIN:VEVENT" not in path.read_text()


def test_the_window_is_a_week_back_and_ninety_days_ahead_unless_told_otherwise(booked: Desk) -> None:
    path = booked.folder / "out" / fed(booked, "--chair", "quiet room")["chair-3"][1]
    for now, visits in {
        "2026-09-02T12:00": 1,
        "2026-09-01T12:00": 0,
        "2026-12-08T12:00": 6,
        "2026-12-09T12:00": 5,
        "2026-12-22T12:00": 0,
    }.items():
        booked.at(now)
        booked.say("ical", "feed", "out")
        assert path.read_text().count("BEGIN:VEVENT") == visits, now
    booked.say("ical", "feed", "out", "--from", "2026-12-03", "--to", "2026-12-09")
    assert path.read_text().count("BEGIN:VEVENT") == 3


def test_a_revoked_feed_is_gone_and_has_a_new_name_and_uid(booked: Desk) -> None:
    before = fed(booked, "--all")
    old_uid = uid(booked, before["chair-3"][1])
    done = booked.json("ical", "feed", "out", "--revoke", "Quiet Room", "--revoke", "rn-bell")

    removed = [(d["subject"], d["file"]) for d in done if d["state"] == "removed"]
    assert removed == [("chair-3", before["chair-3"][1]), ("rn-bell", before["rn-bell"][1])]
    after = {d["subject"]: (d["state"], d["file"]) for d in done if d["state"] != "removed"}
    assert [s for s, (state, _) in after.items() if state == "created"] == ["chair-3", "rn-bell"]
    assert files(booked) == sorted(name for _, name in after.values())
    assert not {name for _, name in removed} & set(files(booked))
    assert uid(booked, after["chair-3"][1]) != old_uid
    assert fed(booked) == {subject: ("unchanged", name) for subject, (_, name) in after.items()}


def uid(desk: Desk, name: str) -> str:
    """The calendar's own UID."""
    return (desk.folder / "out" / name).read_text().partition("\nUID:")[2].partition("\n")[0]


def test_the_calendars_uid_stays(booked: Desk) -> None:
    name = fed(booked, "--chair", "quiet room")["chair-3"][1]
    before = uid(booked, name)
    assert before.endswith("@calendar.invalid")
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    booked.say("ical", "feed", "out")
    assert uid(booked, name) == before


def test_somebody_who_left_has_no_feed_any_more(booked: Desk) -> None:
    fed(booked, "--all")
    text = booked.say("clinic", "show")
    name = fed(booked)["rn-okafor"][1]
    before = text.index('[[staff]]\nid = "rn-okafor"')
    without = text[:before] + text[text.index("[[", before + 2) :]
    booked.say("clinic", "apply", booked.file("c.toml", without), "--yes")

    done = booked.json("ical", "feed", "out")
    assert [(d["subject"], d["file"]) for d in done if d["state"] == "removed"] == [("rn-okafor", name)]
    assert name not in files(booked)
    assert "rn-okafor" not in (booked.folder / "out" / INDEX).read_text()


def test_other_files_in_the_folder_are_never_touched(booked: Desk) -> None:
    (booked.folder / "out").mkdir()
    others = {f"{'0' * 40}.ics": "mine", "index.html": "mine", ".htaccess": "mine", "chair-1.ics": "mine"}
    for name, text in others.items():
        (booked.folder / "out" / name).write_text(text)
    booked.json("ical", "feed", "out", "--all")
    booked.json("ical", "feed", "out", "--revoke", "window")
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    booked.json("ical", "feed", "out")

    assert {name: (booked.folder / "out" / name).read_text() for name in others} == others
    assert len(files(booked)) == 7 + 3


def test_the_index_holds_names_and_nothing_about_patients(booked: Desk) -> None:
    booked.say("ical", "feed", "out", "--chair", "window")
    told = json.loads((booked.folder / "out" / INDEX).read_text())

    assert list(told) == ["book", "feeds"]
    assert re.fullmatch("[0-9a-f]{64}", told["book"])
    assert [sorted(feed) for feed in told["feeds"]] == [["kind", "subject", "token", "uid"]]


def test_an_index_that_names_a_file_outside_the_folder_is_refused(booked: Desk) -> None:
    booked.say("ical", "feed", "out", "--chair", "window")
    path = booked.folder / "out" / INDEX
    told = json.loads(path.read_text())
    for token in ("../../victim", "", "ab", told["feeds"][0]["token"][:-2] + "/x", 7):
        told["feeds"][0]["token"] = token
        path.write_text(json.dumps(told))
        assert booked.refused(6, "ical", "feed", "out")["code"] == "invalid-data", token
    path.write_text("no json")
    assert booked.refused(6, "ical", "feed", "out")["message"] == f"The index out/{INDEX} cannot be read."


def test_the_feeds_of_another_book_are_left_alone(booked: Desk) -> None:
    booked.say("ical", "feed", "out", "--all")
    before = marks(booked)
    other = str(booked.folder / "other.sqlite3")
    booked.say("init", "--from", str(Path(__file__).parent.parent / "data/harbor/clinic.toml"), "--db", other, "-q")

    refused = booked.refused(4, "ical", "feed", "out", "--revoke", "window", "--db", other)
    assert refused["message"] == "The feeds in out are of another book."
    assert marks(booked) == before


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("out",), 2, "There are no feeds in out yet."),
        (("out", "--chair", "moon"), 3, "There is no chair 'moon'."),
        (("out", "--all", "--revoke", "window"), 3, "There is no feed of 'window' in out."),
        (("out", "--all", "--from", "2027-03-01"), 2, "--to 2027-02-21 is before --from 2027-03-01."),
        (("a-file", "--all"), 2, "The folder a-file cannot be used: "),
    ],
)
def test_what_cannot_be_fed(booked: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    booked.file("a-file", "mine")
    assert booked.refused(status, "ical", "feed", *words)["message"].startswith(message)
    if "--all" not in words:
        assert not (booked.folder / "out").exists()


def test_a_killed_run_leaves_nothing_that_hinders_the_next(booked: Desk) -> None:
    first = fed(booked, "--all")
    (booked.folder / "out" / ".feeds.part").write_text("half a calen")

    assert fed(booked) == {subject: ("unchanged", name) for subject, (_, name) in first.items()}
    assert not (booked.folder / "out" / ".feeds.part").exists()


def test_runs_at_the_same_time_agree_on_the_names(booked: Desk) -> None:
    runs = [
        subprocess.Popen([sys.executable, *PROGRAM, "ical", "feed", "out", "--all", "--json"], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    answers: list[Any] = [json.loads(run.communicate()[0]) for run in runs]

    assert [run.returncode for run in runs] == [0] * 4
    assert len({json.dumps([d["file"] for d in answer]) for answer in answers}) == 1
    assert sorted(answer[0]["state"] for answer in answers) == ["created", "unchanged", "unchanged", "unchanged"]
    assert files(booked) == sorted(d["file"] for d in answers[0])
