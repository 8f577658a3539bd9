"""`db backup` and `db restore` at the desk: what they say, ask and refuse; and a backup a day by itself."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from cli.desk import YARA, Desk

from infusion_cli.cli.app import run

NINE = "2026-11-24T09:00"
STAMP = "20261123T130000Z"
"""Eight in the morning at the clinic, in UTC."""


def made(folder: Path) -> list[str]:
    """The names of the backups in a folder, in order; each has its note."""
    names = sorted(path.name for path in folder.iterdir())
    assert [n for n in names if n.endswith(".json")] == [f"{n}.json" for n in names if not n.endswith(".json")]
    return [n for n in names if not n.endswith(".json")]


@pytest.fixture
def backup(desk: Desk) -> Path:
    """A backup of two operations; in the book a third has followed."""
    (path,) = [desk.folder / "b.sqlite3"]
    desk.say("db", "backup", "b.sqlite3")
    desk.say("book", YARA, "iv-mood", NINE)
    return path


class Terminal(io.StringIO):
    """Somebody at a keyboard."""

    def isatty(self) -> bool:
        return True


def test_a_backup_goes_beside_the_book_under_a_name_that_tells_when_and_what(desk: Desk) -> None:
    head = desk.json("db", "info")["head"]
    said = desk.say("db", "backup").splitlines()
    path = desk.folder / "backups" / f"infusion-{STAMP}-000002-{head[:12]}.sqlite3"
    assert said[0].startswith(f"Backed up 2 operations to {path} (")
    assert said[2:] == [f"  journal  2 {head}", f"To bring it back: infusion db restore {path}"]
    assert made(desk.folder / "backups") == [path.name]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert desk.json("db", "check", "--db", str(path)) == {"sound": True, "findings": []}
    told = desk.json("db", "backup", "elsewhere")
    assert Path(told["path"]).parent == Path("elsewhere")
    assert {k: told[k] for k in ("made", "revision", "head", "removed")} == {
        "made": "2026-11-23T13:00:00Z",
        "revision": 2,
        "head": head,
        "removed": [],
    }
    note = json.loads((desk.folder / f"{told['path']}.json").read_text())
    assert note == {name: told[name] for name in note}


def test_keep_says_how_many_stay(desk: Desk) -> None:
    for day in range(1, 5):
        desk.at(f"2026-11-2{day}T08:00")
        desk.say("db", "backup", "kept")
    desk.at("2026-11-25T08:00")
    planned = desk.type("db", "backup", "kept", "--keep", "2", "--dry-run")
    assert (planned.status, planned.err) == (0, "Dry run: nothing was written.\n")
    assert "Removed 3 older backups." in planned.out
    assert len(made(desk.folder / "kept")) == 4
    assert desk.say("db", "backup", "kept", "--keep", "2", "-q") == ""
    assert [name[9:17] for name in made(desk.folder / "kept")] == ["20261124", "20261125"]
    assert desk.type("db", "backup", "kept", "--exit-code", "--dry-run").status == 5


def test_thirty_are_kept_unless_it_is_said(desk: Desk) -> None:
    for minute in range(32):
        desk.at(f"2026-11-23T08:{minute:02}")
        desk.say("db", "backup", "-q")
    assert len(made(desk.folder / "backups")) == 30


def test_what_a_backup_cannot_be_made_of_or_in(desk: Desk) -> None:
    desk.file("letter.txt", "x")
    desk.say("db", "backup", "b.sqlite3")
    refusals = {
        ("--keep", "0"): (2, "--keep takes a number from 1 on, and not '0'.", "--keep 30"),
        ("--keep", "many"): (2, "--keep takes a number from 1 on, and not 'many'.", "--keep 30"),
        ("c.sqlite3", "--keep", "3"): (
            2,
            "--keep is for a folder of backups, not for one file.",
            "leave one of them out",
        ),
        ("letter.txt",): (2, "letter.txt is not a folder.", "name a folder, or a new file that ends in .sqlite3"),
        ("b.sqlite3",): (7, "There is something at b.sqlite3 already.", "name another file"),
        ("letter.txt/b.sqlite3",): (
            7,
            "No book can be created in letter.txt: that is no folder.",
            "name another place",
        ),
        ("--key", "k"): (2, "db backup is not in the journal and has no key.", "leave --key out"),
        ("--db", "none.sqlite3"): (7, "There is no book yet at none.sqlite3.", "infusion init"),
        ("--db", "letter.txt"): (7, "letter.txt is not a book.", "name the book with --db"),
    }
    before = sorted(path.name for path in desk.folder.rglob("*"))
    for words, (status, message, hint) in refusals.items():
        assert desk.type("db", "backup", *words) == (status, "", f"{message}\nTry: {hint}\n"), words
    assert sorted(path.name for path in desk.folder.rglob("*")) == before


def test_the_way_out_of_damage_is_a_backup(desk: Desk) -> None:
    desk.say("db", "backup", "b.sqlite3")
    way_out = "infusion db restore BACKUP, with the newest sound one"
    content = bytearray(desk.octets())
    content[-40_000:] = b"\x5a" * 40_000
    desk.book.write_bytes(content)
    found = desk.type("db", "check", "--json").data["findings"]
    assert {f["remedy"] for f in found if f["rule"] in {"file-damaged", "damaged"}} == {way_out}
    content[8192:] = b"\x5a" * (len(content) - 8192)
    desk.book.write_bytes(content)
    error = desk.refused(7, "list")
    assert (error["message"], error["hint"]) == (f"The book {desk.book} is damaged.", way_out)
    assert desk.refused(7, "db", "check")["hint"] == way_out
    assert desk.refused(7, "db", "backup")["hint"] == error["hint"]
    desk.say("db", "restore", "b.sqlite3", "--yes")
    assert desk.say("db", "check") == "The book is sound.\n"


def test_a_restore_says_what_was_done_what_is_lost_and_how_to_go_back(desk: Desk, backup: Path) -> None:
    kept = f"{desk.book}.before-restore-{STAMP}"
    assert desk.say("db", "restore", "b.sqlite3", "--yes") == (
        f"Restored {desk.book} from b.sqlite3: 2 operations; the book is sound.\n"
        "  1 operation of the book of before is not in it.\n"
        f"  The book of before is kept: {kept}\n"
        f"To go back: infusion db restore {kept}\n"
    )
    assert desk.json("list") == []
    assert desk.json("db", "restore", kept, "--yes") == {
        "path": str(desk.book),
        "backup": kept,
        "revision": 3,
        "head": desk.json("db", "info")["head"],
        "lost": 0,
        "kept": f"{kept}-2",
        "fingerprint": False,
    }
    assert [v["patient"] for v in desk.json("list")] == [YARA]


def test_without_a_note_a_restore_says_that_there_was_no_fingerprint(desk: Desk, backup: Path) -> None:
    Path(f"{backup}.json").unlink()
    said = desk.say("db", "restore", "b.sqlite3", "--yes").splitlines()
    assert said[1] == "  No fingerprint was noted beside it, so only its content could be checked."


def test_a_restore_asks_and_a_no_changes_nothing(desk: Desk, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.octets()
    for answer, status in (("n\n", 1), ("yes\n", 0)):
        asked = Terminal()
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        monkeypatch.setattr("sys.stderr", asked)
        assert run(["db", "restore", "b.sqlite3"]) == status
        question = f"Replace the book {desk.book} by b.sqlite3? 1 operation will not be in it any more. [y/N] "
        assert asked.getvalue() == question + ("Nothing was changed.\n" if status else "")
        assert (desk.octets() == before) == bool(status)


def test_of_a_damaged_book_the_question_says_so(desk: Desk, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.book.write_bytes(b"a letter to a patient\n" * 99)
    asked = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    monkeypatch.setattr("sys.stderr", asked)
    assert run(["db", "restore", "b.sqlite3"]) == 0
    assert asked.getvalue() == f"Replace {desk.book}, which cannot be read, by b.sqlite3? [y/N] "


def test_where_no_book_is_nothing_is_asked(desk: Desk, backup: Path) -> None:
    desk.book.unlink()
    said = desk.say("db", "restore", "b.sqlite3")
    assert said == f"Restored {desk.book} from b.sqlite3: 2 operations; the book is sound.\n"
    assert desk.say("db", "check") == "The book is sound.\n"


def test_a_dry_run_of_a_restore_leaves_everything(desk: Desk, backup: Path) -> None:
    before = {path: path.read_bytes() for path in desk.folder.iterdir()}
    answer = desk.type("db", "restore", "b.sqlite3", "--dry-run")
    assert (answer.status, answer.err) == (0, "Dry run: nothing was written.\n")
    assert "1 operation of the book of before is not in it." in answer.out
    assert {path: path.read_bytes() for path in desk.folder.iterdir()} == before


def test_what_cannot_be_restored(desk: Desk, backup: Path) -> None:
    octets = backup.read_bytes()
    desk.file("letter.txt", "a letter to a patient\n" * 99)
    (desk.folder / "folder").mkdir()
    desk.file("half.sqlite3", octets[: len(octets) // 2])
    desk.file("bent.sqlite3", octets[:-1] + b"x")
    desk.file("bent.sqlite3.json", Path(f"{backup}.json").read_bytes())
    desk.file("blot.sqlite3", octets)
    desk.file("blot.sqlite3.json", "blot")
    desk.say("init", "--db", "other.sqlite3", "-q")
    refusals = {
        ("none.sqlite3",): (
            7,
            "There is no backup at none.sqlite3.",
            "name a file that infusion db backup has written",
        ),
        ("folder",): (7, "folder is a folder, not a backup.", "name one of the files in it"),
        ("letter.txt",): (7, "letter.txt is not a book.", "name another backup"),
        ("half.sqlite3",): (7, "The book half.sqlite3 is damaged.", "name another backup"),
        ("bent.sqlite3",): (
            7,
            "The backup bent.sqlite3 is damaged: its fingerprint is not the one noted.",
            "name another backup",
        ),
        ("blot.sqlite3",): (
            7,
            "The note blot.sqlite3.json cannot be read.",
            "name another backup, or take that file away",
        ),
        ("other.sqlite3",): (
            7,
            f"The backup is of another clinic than the book {desk.book}.",
            "--other-clinic puts it there all the same",
        ),
        ("b.sqlite3", "--db", "folder"): (
            7,
            f"{desk.folder / 'folder'} is a folder, not a book.",
            "name the file with --db",
        ),
        ("postgresql://x/y",): (2, "A backup is a file.", "infusion db copy brings a book from a server"),
        ("b.sqlite3", "--key", "k"): (2, "db restore is not in the journal and has no key.", "leave --key out"),
    }
    before = {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()}
    for words, (status, message, hint) in refusals.items():
        assert desk.type("db", "restore", *words, "--yes") == (status, "", f"{message}\nTry: {hint}\n"), words
    unasked = desk.type("db", "restore", "b.sqlite3")
    assert unasked.err == ("This needs --yes where nobody can be asked.\nTry: add --yes, or --dry-run to look first\n")
    assert unasked.status == 2
    assert {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()} == before
    assert "is sound" in desk.say("db", "restore", "other.sqlite3", "--yes", "--other-clinic")


def test_a_book_in_use_is_not_replaced(desk: Desk, backup: Path) -> None:
    with closing(sqlite3.connect(desk.book, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = desk.refused(7, "db", "restore", "b.sqlite3", "--yes")
    assert (error["message"], error["hint"]) == (
        f"The book {desk.book} is locked by somebody else; nothing was written.",
        "the same command again",
    )


def test_on_a_server_a_backup_becomes_the_book_of_a_clinic_that_is_not_there(desk: Desk, database_url: str) -> None:
    address = database_url.replace("postgres@", "")
    desk.say("db", "backup", "b.sqlite3")
    desk.setenv(INFUSION_DB=database_url)
    assert desk.say("db", "restore", "b.sqlite3") == (
        f"Restored {address} from b.sqlite3: 2 operations; the book is sound.\n"
    )
    desk.say("book", YARA, "iv-mood", NINE)
    assert desk.type("db", "restore", "b.sqlite3", "--yes").err == (
        f"The clinic 'main' is at {address} already, and its journal cannot be erased.\n"
        "Try: set INFUSION_CLINIC to a name that is not there yet, or name another database with --db\n"
    )
    told = desk.json("db", "backup", str(desk.folder / "from-server.sqlite3"))
    assert told["revision"] == 3
    desk.setenv(INFUSION_CLINIC="again")
    desk.say("db", "restore", told["path"])
    assert [v["patient"] for v in desk.json("list")] == [YARA]


# Once a day


@pytest.fixture
def daily(desk: Desk) -> Desk:
    desk.setenv(INFUSION_BACKUP="daily")
    return desk


def test_the_first_change_of_a_day_makes_a_backup_and_no_other_does(daily: Desk) -> None:
    folder = daily.folder / "backups"
    daily.say("patients", "list")
    daily.type("book", YARA, "iv-mood", NINE, "--dry-run")
    daily.refused(4, "book", YARA, "iv-mood", "2026-11-26 9:00")
    assert not folder.exists()
    daily.say("book", YARA, "iv-mood", NINE)
    assert [name[9:32] for name in made(folder)] == [f"{STAMP}-000003"]
    daily.at("2026-11-23T23:00")
    daily.say("confirm", "AANAND")
    assert len(made(folder)) == 1
    daily.at("2026-11-24T00:10")
    daily.json("cancel", "AANAND", "--reason", "cold", "--yes")
    assert [name[9:32] for name in made(folder)] == [f"{STAMP}-000003", "20261124T051000Z-000005"]
    assert daily.json("db", "check", "--db", str(folder / made(folder)[1]))["sound"]


def test_a_batch_that_left_something_out_is_a_change_too(daily: Desk) -> None:
    daily.file(
        "b.csv", "action,patient,protocol,when\nbook,M1003,iv-mood,2026-11-24T12:00\nbook,nobody,iv-mood,tue 9am\n"
    )
    assert daily.type("batch", "apply", "b.csv", "--keep-going").status == 4
    assert len(made(daily.folder / "backups")) == 1


def test_without_the_setting_no_backup_is_made(desk: Desk) -> None:
    desk.say("book", YARA, "iv-mood", NINE)
    assert not (desk.folder / "backups").exists()


def test_the_configuration_file_can_switch_it_on_in_one_line(desk: Desk) -> None:
    desk.setenv(INFUSION_CONFIG=desk.file("config.toml", 'backup = "daily"\n'))
    desk.say("book", YARA, "iv-mood", NINE)
    assert len(made(desk.folder / "backups")) == 1
    desk.setenv(INFUSION_BACKUP="off")
    desk.at("2026-11-24T08:30")
    desk.say("confirm", "AANAND")
    assert len(made(desk.folder / "backups")) == 1
    desk.setenv(INFUSION_BACKUP="hourly")
    error = desk.refused(2, "list")
    assert (error["message"], error["hint"]) == (
        "Backups are made daily or not at all, and not 'hourly'.",
        "INFUSION_BACKUP=daily or off",
    )


def test_a_backup_that_fails_is_one_warning_and_the_change_stands(daily: Desk) -> None:
    daily.file("backups", "in the way")
    answer = daily.type("book", YARA, "iv-mood", NINE)
    assert answer.status == 0
    assert answer.err == (
        f"No backup was made today: The folder {daily.folder / 'backups'} cannot be read: Not a directory.\n"
        "Try: infusion db backup DIR, with another\n"
    )
    assert answer.out.startswith("Booked AANAND")
    assert daily.type("confirm", "AANAND", "--json").err == ""
    (daily.folder / "backups").unlink()
    assert daily.say("confirm", "AANAND").startswith("As it was (booked) AANAND")
    daily.say("cancel", "AANAND", "--reason", "cold", "--yes")
    assert len(made(daily.folder / "backups")) == 1


def test_of_two_books_in_one_folder_each_has_its_backup(daily: Desk) -> None:
    daily.say("init", "--db", "other.sqlite3", "-q")
    daily.say("patients", "add", "--mrn", "N1", "New", "--db", "other.sqlite3")
    assert len(made(daily.folder / "backups")) == 1
    daily.say("book", YARA, "iv-mood", NINE)
    assert len(made(daily.folder / "backups")) == 2


def test_the_check_notes_that_backups_are_wanted_and_have_not_been_made(daily: Desk) -> None:
    folder = daily.folder / "backups"
    assert daily.json("db", "check") == {
        "sound": True,
        "findings": [
            {
                "rule": "backup-old",
                "severity": "note",
                "message": f"No backup of the book is in {folder}.",
                "subject": "",
                "remedy": "infusion db backup",
            }
        ],
    }
    daily.say("db", "backup")
    assert daily.json("db", "check")["findings"] == []
    daily.setenv(INFUSION_BACKUP="off")
    daily.say("book", YARA, "iv-mood", NINE)
    daily.setenv(INFUSION_BACKUP="daily")
    daily.at("2026-11-24T08:00")
    assert daily.json("db", "check")["findings"] == []
    daily.at("2026-11-25T08:00")
    assert [f["message"] for f in daily.json("db", "check")["findings"]] == [
        f"The newest backup in {folder} is of 2026-11-23T13:00:00Z."
    ]
