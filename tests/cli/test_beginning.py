"""The first minutes: a book of one's own, and the demo."""

from __future__ import annotations

from pathlib import Path

from cli.desk import DATA, Desk

HARBOR = str(DATA / "harbor" / "clinic.toml")


def test_init_from_a_file_creates_a_private_book(empty_desk: Desk) -> None:
    assert empty_desk.say("init", "--from", HARBOR).splitlines()[0] == (
        f"Created the book of Harbor Ketamine & Wellness: {empty_desk.book}"
    )
    assert empty_desk.book.stat().st_mode & 0o777 == 0o600
    assert [o["command"] for o in empty_desk.json("history")] == ["init"]
    assert empty_desk.json("patients", "list") == []


def test_init_without_a_file_writes_a_starter_that_is_sound_and_uses_it_next_time(empty_desk: Desk) -> None:
    said = empty_desk.say("init").splitlines()
    assert said[1] == "Wrote clinic.toml: edit it, then infusion clinic apply clinic.toml"
    assert empty_desk.type("clinic", "check", "clinic.toml").status == 0
    assert empty_desk.say("clinic", "apply", "clinic.toml") == "No difference.\n"
    assert "Used the clinic.toml that is here." in empty_desk.say("init", "--db", "second.sqlite3")


def test_init_never_touches_what_is_there(desk: Desk) -> None:
    for words in (("init",), ("init", "--from", HARBOR), ("init", "--demo"), ("init", "--dry-run"), ("init", "--yes")):
        error = desk.refused(7, *words)
        assert error["message"] == f"There is something at {desk.book} already."
    assert [p.name for p in desk.folder.iterdir()] == ["book.sqlite3"]


def test_init_in_folders_that_are_not_there_yet_makes_them_private(empty_desk: Desk) -> None:
    book = empty_desk.folder / "a" / "b" / "book.sqlite3"
    empty_desk.say("init", "--from", HARBOR, "--db", str(book))
    assert book.parent.stat().st_mode & 0o777 == 0o700


def test_the_dry_run_of_init_leaves_no_file(empty_desk: Desk) -> None:
    answer = empty_desk.type("init", "--dry-run", "--exit-code")
    assert (answer.status, answer.err) == (5, "Dry run: nothing was written.\n")
    assert list(empty_desk.folder.iterdir()) == []


def test_init_as_data(empty_desk: Desk) -> None:
    assert empty_desk.json("init", "--from", HARBOR) == {
        "db": str(empty_desk.book),
        "clinic": "Harbor Ketamine & Wellness",
        "timezone": "America/New_York",
    }


def test_init_with_a_clinic_that_cannot_be_leaves_no_book(empty_desk: Desk) -> None:
    name = empty_desk.file("bad.toml", "schema = 1\n")
    assert empty_desk.refused(6, "init", "--from", name)["code"] == "invalid-data"
    assert empty_desk.refused(3, "init", "--from", "nowhere.toml")["code"] == "not-found"
    assert (
        empty_desk.refused(2, "init", "--demo", "--from", HARBOR)["message"] == "--demo and --from exclude each other."
    )
    assert not empty_desk.book.exists()


def test_init_demo_has_people(empty_desk: Desk) -> None:
    empty_desk.say("init", "--demo")
    assert len(empty_desk.json("patients", "list")) == 6
    assert not (empty_desk.folder / "clinic.toml").exists()


def test_the_demo_does_the_main_job_and_keeps_its_files(empty_desk: Desk) -> None:
    said = empty_desk.type("demo", "--keep", "kept")
    assert said.status == 0
    kept = sorted(p.name for p in (empty_desk.folder / "kept").iterdir() if not p.name.endswith(("-journal", ".jsonl")))
    assert [name.partition("-")[0] for name in kept] == ["appointment", "appointments", "book.sqlite3"]
    assert said.out.endswith("Look around: infusion today --db kept/book.sqlite3\n")
    assert "The book is sound.\n" in said.out
    assert said.err.startswith("Not booked: ")
    assert said.err.count("Try: ") == 1
    commands = [line for line in said.out.splitlines() if line.startswith("$ infusion ")]
    assert len(commands) >= 12
    visits = empty_desk.json("list", "--db", "kept/book.sqlite3")
    assert {v["status"] for v in visits} == {"booked"}
    assert empty_desk.refused(7, "demo", "--keep", "kept")["message"] == "There is a book in kept already."


def test_the_demo_leaves_nothing_behind_and_no_other_book_is_touched(desk: Desk, tmp_path: Path) -> None:
    before = desk.octets()
    desk.setenv(TMPDIR=str(tmp_path))
    said = desk.type("demo")
    assert (said.status, desk.octets()) == (0, before)
    assert said.out.endswith("The made-up book is gone again; infusion demo --keep DIR keeps it and its files.\n")
    assert [p.name for p in desk.folder.iterdir()] == ["book.sqlite3"]


def test_the_demo_as_data(empty_desk: Desk) -> None:
    answer = empty_desk.json("demo", "--keep", "kept")
    assert (answer["kept"], answer["files"][0], len(answer["files"])) == ("kept", "book.sqlite3", 3)
    assert answer["commands"][0] == "infusion init --demo"
    again = empty_desk.json("demo")
    assert (again["kept"], again["files"], len(again["commands"])) == (None, [], len(answer["commands"]))


def test_the_demo_in_a_folder_that_cannot_be_one(empty_desk: Desk) -> None:
    name = empty_desk.file("file", "")
    assert empty_desk.refused(2, "demo", "--keep", name)["message"].startswith("file cannot be a folder: ")
