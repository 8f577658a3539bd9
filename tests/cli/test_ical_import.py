"""Time off, holidays and closures from other programs' calendar files, at the desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli.desk import DATA, YARA, Desk

OFF = str(DATA / "harbor" / "time-off.ics")
DOCTOR = ("--staff", "dr-lindqvist")


def entry(uid: str, day: str, *lines: str) -> str:
    """An entry from 9 to 10 on the clinic's clock, on a day in December 2026."""
    span = f"DTSTART:202612{day}T140000Z\r\nDTEND:202612{day}T150000Z\r\n"
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\n{span}{''.join(f'{line}{chr(13)}{chr(10)}' for line in lines)}END:VEVENT\r\n"


def calendar(*entries: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(entries)}END:VCALENDAR\r\n"


def counts(answer: dict[str, Any]) -> list[tuple[str, str | None, int, int, int, int]]:
    """(kind, subject, added, changed, removed, kept) of each calendar."""
    names = ("kind", "subject", "added", "changed", "removed", "kept")
    return [tuple(c[name] for name in names) for c in answer["calendars"]]


def test_the_time_off_of_a_member_of_staff_becomes_blocks_and_the_visits_hit_are_listed(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", "2026-12-09T09:00")
    assert desk.say("ical", "import", OFF, *DOCTOR).splitlines()[:3] == [
        "time-off.ics, dr-lindqvist: 4 added, 0 changed, 0 lifted, 0 as before.",
        "1 visit can no longer be held; move or cancel (infusion list --impossible):",
        "  ! AANAND  Wed 9 Dec 2026 09:00  iv-mood  Quiet room",
    ]
    why = desk.json("slots", "why", "iv-mood", "2026-12-10 9:00")
    assert [c["rule"] for c in why["conflicts"] if c["severity"] == "hard"] == ["provider-absent"]
    assert desk.json("db", "check")["sound"]


def test_the_blocks_as_data(desk: Desk) -> None:
    answer = desk.json("ical", "import", OFF, *DOCTOR, "--source", "roster")
    assert counts(answer) == [("staff", "dr-lindqvist", 4, 0, 0, 0)]
    first = answer["added"][0]
    assert (first["start"], first["end"]) == ("2026-12-09T00:00:00-05:00", "2026-12-11T00:00:00-05:00")
    assert (first["kind"], first["subject"], first["reason"], first["status"]) == (
        "staff",
        "dr-lindqvist",
        "time off",
        "active",
    )
    source, _, key = first["origin"].partition("/")
    assert (source, len(key)) == ("roster", 16)
    assert answer["skipped"] == answer["warnings"] == answer["left_out"] == answer["hit"] == []


def test_a_second_import_replaces_and_what_has_vanished_is_lifted(desk: Desk) -> None:
    first = calendar(entry("stays", "01"), entry("moves", "02"), entry("goes", "03"))
    second = calendar(entry("moves", "08"), entry("stays", "01"), entry("comes", "04"))
    desk.json("ical", "import", desk.file("rn-bell.ics", first))
    answer = desk.json("ical", "import", desk.file("rn-bell.ics", second))
    assert counts(answer) == [("staff", "rn-bell", 1, 1, 1, 1)]
    assert [b["start"][:10] for b in answer["changed"]] == ["2026-12-08"]
    assert [(b["start"][:10], b["status"]) for b in answer["removed"]] == [("2026-12-03", "removed")]
    before = desk.octets()
    again = desk.json("ical", "import", "rn-bell.ics", "--exit-code")
    assert (counts(again), again["operation"]) == ([("staff", "rn-bell", 0, 0, 0, 3)], None)
    assert desk.octets() == before


def test_it_is_one_operation_that_undo_takes_back(desk: Desk) -> None:
    desk.say("ical", "import", desk.file("rn-bell.ics", calendar(entry("a", "01"))))
    before = desk.state()
    desk.say("ical", "import", desk.file("rn-bell.ics", calendar(entry("a", "02"), entry("b", "03"))))
    assert desk.state() != before
    desk.say("undo", "--yes")
    assert desk.state() == before
    assert desk.done()[:3] == ["undo", "ical import", "ical import"]


def test_a_dry_run_shows_the_difference_and_writes_nothing(desk: Desk) -> None:
    desk.say("ical", "import", desk.file("rn-bell.ics", calendar(entry("a", "01"), entry("b", "02"))))
    desk.file("rn-bell.ics", calendar(entry("a", "03"), entry("c", "04")))
    before = desk.octets()
    answer = desk.type("ical", "import", "rn-bell.ics", "--dry-run", "--exit-code")
    assert (answer.status, answer.err) == (5, "Dry run: nothing was written.\n")
    head, *lines = answer.out.splitlines()
    assert head == "rn-bell.ics, rn-bell: 1 added, 1 changed, 1 lifted, 0 as before."
    assert [line[:4].strip() for line in lines] == ["-", "~", "+"]
    assert desk.octets() == before


def test_a_folder_says_by_its_names_whom_each_file_is_about(desk: Desk) -> None:
    folder = desk.folder / "roster"
    folder.mkdir()
    for name in ("rn-bell.ics", "Chair-2.ICS", "clinic.ics", "notes.txt"):
        desk.file(f"roster/{name}", calendar(entry("shared", "01")))
    answer = desk.json("ical", "import", "roster")
    assert counts(answer) == [
        ("chair", "chair-2", 1, 0, 0, 0),
        ("clinic", None, 1, 0, 0, 0),
        ("staff", "rn-bell", 1, 0, 0, 0),
    ]
    assert sorted(b["reason"] for b in answer["added"]) == ["holiday", "room closed", "time off"]
    desk.file("roster/nobody.ics", calendar(entry("x", "01")))
    error = desk.refused(6, "ical", "import", "roster")
    assert [(e["file"], e["line"], e["rule"]) for e in error["errors"]] == [
        (str(Path("roster", "nobody.ics")), None, "unknown-subject")
    ]
    kept_going = desk.type("ical", "import", "roster", "--keep-going", "--json")
    assert (kept_going.status, [e["rule"] for e in kept_going.data["left_out"]]) == (4, ["unknown-subject"])


def test_all_files_or_none_and_every_error_with_file_and_line(desk: Desk) -> None:
    desk.file("rn-bell.ics", calendar(entry("a", "01"), entry("b", "02", "RRULE:FREQ=SECONDLY")))
    desk.file("rn-okafor.ics", calendar(entry("c", "03"))[:-5])
    desk.file("clinic.ics", calendar(entry("d", "25")))
    error = desk.refused(6, "ical", "import", "rn-bell.ics", "rn-okafor.ics", "clinic.ics")
    assert [(e["file"], e["line"], e["column"], e["rule"]) for e in error["errors"]] == [
        ("rn-bell.ics", 12, "RRULE", "too-often"),
        ("rn-okafor.ics", 1, "", "no-end"),
        ("rn-okafor.ics", 8, "", "stray-end"),
    ]
    said = desk.type("ical", "import", "rn-bell.ics")
    assert said.err.splitlines()[:2] == [
        "The calendars cannot be read at 1 place; nothing was written.",
        "  rn-bell.ics line 12 RRULE  too-often: a rule that repeats SECONDLY is no time off; it is not followed",
    ]


def test_keep_going_takes_the_rest_and_lifts_nothing_of_a_broken_file(desk: Desk) -> None:
    desk.say("ical", "import", desk.file("rn-bell.ics", calendar(entry("a", "01"), entry("b", "02"))))
    desk.file("rn-bell.ics", calendar(entry("b", "02", "RRULE:FREQ=HOURLY"), entry("c", "03")))
    answer = desk.type("ical", "import", "rn-bell.ics", "--keep-going", "--json")
    assert (answer.status, answer.err) == (4, "")
    assert counts(answer.data) == [("staff", "rn-bell", 1, 0, 0, 2)]
    assert [(e["line"], e["rule"]) for e in answer.data["left_out"]] == [(7, "too-often")]


def test_skipped_entries_are_told_by_reason_and_line(desk: Desk) -> None:
    desk.file("rn-bell.ics", calendar(entry("a", "01", "TRANSP:TRANSPARENT"), entry("b", "02", "STATUS:CANCELLED")))
    assert desk.type("ical", "import", "rn-bell.ics").err.splitlines() == [
        "Skipped in rn-bell.ics: 1 VEVENT, marked as taking no time (TRANSPARENT) (line 3)",
        "Skipped in rn-bell.ics: 1 VEVENT, cancelled (line 9)",
        "Public holidays are mostly marked so: --transparent takes them too.",
    ]
    answer = desk.json("ical", "import", "rn-bell.ics")
    assert [(s["file"], s["line"], s["component"], s["rule"]) for s in answer["skipped"]] == [
        ("rn-bell.ics", 3, "VEVENT", "transparent"),
        ("rn-bell.ics", 9, "VEVENT", "cancelled"),
    ]


def test_a_holiday_that_is_marked_as_free_closes_the_clinic_when_that_is_wanted(desk: Desk) -> None:
    day = "DTSTART;VALUE=DATE:20261225"
    holiday = f"BEGIN:VEVENT\r\nUID:h\r\n{day}\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n"
    desk.file("clinic.ics", calendar(holiday, entry("b", "02", "STATUS:CANCELLED", "TRANSP:TRANSPARENT")))
    assert counts(desk.json("ical", "import", "clinic.ics")) == [("clinic", None, 0, 0, 0, 0)]
    said = desk.json("ical", "import", "clinic.ics", "--transparent")
    assert [b["start"] for b in said["added"]] == ["2026-12-25T00:00:00-05:00"]
    assert [s["rule"] for s in said["skipped"]] == ["cancelled"]


def test_the_same_key_gives_the_first_answer(desk: Desk) -> None:
    first = desk.json("ical", "import", OFF, *DOCTOR, "--key", "k")
    desk.at("2026-11-23T09:00")
    again = desk.json("ical", "import", OFF, *DOCTOR, "--key", "k")
    assert (again["replayed"], again["operation"]) == (True, first["operation"])
    assert (again["added"], again["calendars"]) == (first["added"], first["calendars"])
    assert desk.refused(4, "ical", "import", OFF, "--staff", "rn-bell", "--key", "k")["code"] == "conflict"


def test_no_word_of_a_private_calendar_is_kept_or_said(desk: Desk) -> None:
    secret = "Zirkon"
    words = [f"{name}:{secret}" for name in ("SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "CATEGORIES")]
    sound = entry(f"{secret}@example", "01", *words, f"ATTENDEE;CN={secret}:mailto:{secret}@example")
    broken = sound.replace("T140000Z", f"T{secret}")
    said = desk.type("ical", "import", desk.file("rn-bell.ics", calendar(sound)), "--json")
    said_of_broken = desk.type("ical", "import", desk.file("clinic.ics", calendar(broken)), "--json")
    assert (said.status, said_of_broken.status) == (0, 6)
    assert b"rn-bell.ics/" in desk.octets()
    for text in (said.out, said.err, said_of_broken.err, desk.octets().decode("latin-1"), str(desk.json("history"))):
        assert secret.casefold() not in text.casefold()


def test_only_the_days_named_are_imported(desk: Desk) -> None:
    desk.file("rn-bell.ics", calendar(entry("a", "01"), entry("b", "15")))
    days = ("--from", "2026-12-10", "--to", "2026-12-20")
    answer = desk.json("ical", "import", "rn-bell.ics", *days)
    assert [b["start"][:10] for b in answer["added"]] == ["2026-12-15"]
    assert [s["rule"] for s in answer["skipped"]] == ["over"]
    assert counts(desk.json("ical", "import", "rn-bell.ics")) == [("staff", "rn-bell", 1, 0, 0, 1)]


def test_a_calendar_on_stdin_needs_a_name(desk: Desk) -> None:
    octets = calendar(entry("a", "01"))
    assert desk.type("ical", "import", "-", *DOCTOR, stdin=octets).status == 2
    answer = desk.json("ical", "import", "-", *DOCTOR, "--source", "roster", stdin=octets)
    assert answer["added"][0]["origin"].startswith("roster/")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((OFF,), 2, f"The name of {OFF} does not say whom it is about."),
        ((OFF, *DOCTOR, "--clinic"), 2, "A calendar is about one thing."),
        ((OFF, "--staff", "dr-nobody"), 3, "There is no member of staff 'dr-nobody'."),
        ((OFF, "--chair", "sofa"), 3, "There is no chair 'sofa'."),
        ((OFF, OFF, *DOCTOR), 2, "Two calendars are called time-off.ics."),
        ((OFF, *DOCTOR, "--source", "x" * 101), 2, "A calendar's name has 1 to 100 characters."),
        ((OFF, *DOCTOR, "--to", "2026-11-01"), 2, "--to 2026-11-01 is before --from 2026-11-23."),
        ((OFF, *DOCTOR, "--from", "2026-11-01", "--to", "2026-11-02"), 2, "--to 2026-11-02 is over"),
        (("missing.ics", *DOCTOR), 3, "There is no file missing.ics."),
        ((".", *DOCTOR), 3, "There is no .ics file in the folder ."),
        ((), 2, "Missing argument 'FILE...'."),
    ],
)
def test_what_cannot_be_imported(desk: Desk, words: tuple[str, ...], status: int, message: str) -> None:
    error = desk.refused(status, "ical", "import", *words)
    assert error["message"].startswith(message)
    assert error["hint"]


def test_a_huge_file_is_refused_at_once(desk: Desk) -> None:
    octets = calendar(entry("a", "01")).replace("VERSION:2.0", "VERSION:2.0\r\nX-LONG:" + "x" * 50_000_000)
    error = desk.refused(6, "ical", "import", desk.file("rn-bell.ics", octets))
    assert [(e["line"], e["rule"]) for e in error["errors"]] == [(3, "too-large")]
