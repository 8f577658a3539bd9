"""Forgetting somebody: nothing tells any more who it was, the visits stand, the chain is whole, nothing comes back."""

from __future__ import annotations

import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli.desk import DATA, Desk
from outside import Outside

from infusion_cli.cli.app import run
from infusion_cli.domain import ids
from infusion_cli.domain.forgetting import NAME
from infusion_cli.store import sqlite
from infusion_cli.store.repository import open_store

WHO, OTHER = "PANANE", "PYE6CD"
"""The first patients of a new book."""
SIGNS = (
    "Xanthippe",
    "Quillfeather",
    "ZQ-77431",
    "555-0142",
    "xq.feather",
    "1971-03-05",
    "aunt Dolores",
    "migraine",
)
"""By which Xanthippe could be recognised: what stands on her record, and what was typed about her visits."""
PEOPLE = """mrn,name,birth_date,phone,email,consent,evaluation,clearance
ZQ-77431,Xanthippe Quillfeather,1971-03-05,555-0142,xq.feather@mail.example,2026-11-01,2026-11-01,2026-11-01
N2,Otto Quinn,1980-01-01,555-0143,otto@mail.example,2026-11-01,2026-11-01,2026-11-01
"""
LINE_OF_OTTO = "action,patient,protocol,when,key\nbook,N2,consult,2026-11-24T11:00,N2-first\n"
AFTER = "2026-12-24T08:00"
"""When all her visits are over."""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, empty_desk: Desk) -> Desk:
    """A desk in front of an engine, without a book."""
    if request.param == "postgresql":
        empty_desk.setenv(INFUSION_DB=str(request.getfixturevalue("database_url")))
    return empty_desk


@pytest.fixture
def met(place: Desk) -> Desk:
    """Xanthippe came, rang, moved, was ill; Otto was imported and booked in the same operations."""
    meet(place)
    return place


def meet(desk: Desk) -> None:
    desk.type("init", "--from", str(DATA / "harbor" / "clinic.toml"))
    desk.say("patients", "import", "-", "--key", "people", stdin=PEOPLE)
    desk.say("patients", "edit", WHO, "--phone", "0555-0142", "--key", "number of Quillfeather")
    desk.say("patients", "record", "xanthippe", "labs")
    batch = (
        "action,patient,protocol,when,key\n"
        "book,ZQ-77431,consult,2026-11-24T09:00,ZQ-77431-first\n"
        "book,N2,consult,2026-11-24T11:00,N2-first\n"
        "book,Xanthippe Quillfeather,consult,2026-11-30T11:00,\n"
    )
    desk.say("batch", "apply", desk.file("batch.csv", batch), "--key", "of the week")
    desk.say("confirm", visit(0), "--ride", "aunt Dolores")
    desk.say("cancel", visit(2), "--reason", "migraine", "--yes")
    desk.say("book", WHO, "consult", "2026-12-01T10:00", "--key", "k")
    desk.at("2026-11-24T10:30")
    for step in ("arrive", "start", "finish"):
        desk.say(step, visit(0), "-q")
    desk.at(AFTER)
    (desk.folder / "batch.csv").unlink()
    with Outside(where(desk)) as outside:
        outside.run(
            "INSERT INTO told VALUES ('main', :visit, 0, 'REQUEST', 'm', 'failed', 3, 0, 0, :error)",
            {"visit": visit(0), "error": "550 no such user: xq.feather@mail.example"},
        )


def visit(number: int) -> str:
    return ids.encode("appointment", number)


def forget(desk: Desk, *words: str) -> Any:
    return desk.json("patients", "forget", WHO, "--yes", *words)


def everything(desk: Desk) -> str:
    """All that any command shows of her."""
    shown = [("patients", "list"), ("patients", "export"), ("show", WHO), ("history",), ("series", "list"), ("list",)]
    shown += [("show", visit(n)) for n in range(4)] + [("today", "2026-11-24"), ("audit", "list")]
    return "".join(desk.type(*words, *form).out for words in shown for form in ((), ("--json",)))


def signs_in(text: str) -> set[str]:
    return {sign for sign in SIGNS if sign.casefold() in text.casefold()}


def rows(desk: Desk) -> str:
    """Every row of every table but the clinic's file, as text."""
    tables = (
        "patient",
        "patient_word",
        "requirement",
        "appointment",
        "series",
        "operation",
        "payload",
        "idempotency",
        "told",
    )
    with Outside(where(desk)) as outside:
        return "\n".join(str(row) for table in tables for row in outside.rows(f"SELECT * FROM {table}"))


def where(desk: Desk) -> Path | str:
    place = os.environ["INFUSION_DB"]
    return place if "://" in place else Path(place)


def test_nothing_that_any_command_shows_or_any_row_holds_tells_who_it_was(met: Desk) -> None:
    assert signs_in(everything(met)) == signs_in(rows(met)) == set(SIGNS)
    done = forget(met)
    assert (done["patient"], done["visits"], done["series"]) == (WHO, 3, 0)
    assert signs_in(everything(met)) == signs_in(rows(met)) == set()


def test_nothing_stays_of_a_mail_that_guesses_of_the_address_can_be_tried_against(met: Desk) -> None:
    forget(met)
    with Outside(where(met)) as outside:
        (row,) = outside.rows("SELECT state, message_id, error FROM told")
    assert row == {"state": "failed", "message_id": "", "error": ""}


def test_what_stays_is_the_skeleton(met: Desk) -> None:
    before = [met.json("show", visit(n)) for n in (0, 2, 3)]
    forget(met)
    person = met.json("patients", "show", WHO)
    assert person == {
        "id": WHO,
        "mrn": WHO,
        "name": NAME,
        "birth_date": "",
        "phone": "",
        "email": "",
        "status": "inactive",
        "requirements": {},
    }
    assert [p["id"] for p in met.json("patients", "find", "forgotten")] == [WHO]
    for old in before:
        new = met.json("show", old["id"])
        changed = {name for name in old if old[name] != new[name]} - {"history"}
        assert changed <= {"reason", "ride", "key"}
        assert (new["reason"], new["ride"], new["key"]) == ("", "", None)
        assert len(new["history"]) == len(old["history"]) + any(old[name] for name in ("reason", "ride", "key"))


def test_the_chain_is_whole_and_the_book_sound(met: Desk) -> None:
    noted = met.json("audit", "head")["short"]
    forget(met)
    assert met.json("audit", "verify", "--head", noted)["whole"]
    assert met.json("db", "check")["sound"]
    assert met.json("history")[0]["command"] == "patients forget"


def test_other_people_in_the_same_operations_are_as_they_were(met: Desk) -> None:
    def others(desk: Desk) -> list[Any]:
        changes = [c for o in desk.json("history") if o["command"] != "patients forget" for c in o["changes"]]
        return [c for c in changes if c["id"] in {OTHER, visit(1)}]

    before = others(met)
    assert len(before) == 2
    forget(met)
    assert others(met) == before
    assert met.json("patients", "show", "N2")["phone"] == "555-0143"


def test_two_who_stand_in_one_operation_are_forgotten_one_after_the_other(met: Desk) -> None:
    forget(met)
    met.say("patients", "forget", "N2", "--yes")
    assert met.json("audit", "verify")["whole"]
    assert met.json("db", "check")["sound"]
    left = everything(met) + rows(met)
    assert not [sign for sign in ("otto", "quinn", "555-0143", "1980-01-01") if sign in left.casefold()]


def test_what_was_redacted_and_then_rewritten_is_named(met: Desk) -> None:
    forget(met)
    with Outside(where(met)) as outside:
        (row,) = outside.rows("SELECT seq, changes FROM payload WHERE seq = 2")
        assert NAME in row["changes"]
        outside.run(
            "UPDATE payload SET changes = :text, salt = '' WHERE seq = 2",
            {"text": row["changes"].replace(NAME, "Mallory")},
        )
    found = met.type("audit", "verify", "--json")
    assert (found.status, found.data["break"]["seq"]) == (7, 2)
    assert met.type("db", "check").status == 7


def test_a_payload_that_nobody_redacted_cannot_be_passed_off_as_redacted(met: Desk) -> None:
    with Outside(where(met)) as outside:
        outside.run("UPDATE payload SET changes = '[]', salt = '' WHERE seq = 2")
    found = met.type("audit", "verify", "--json")
    assert (found.status, found.data["break"]["seq"]) == (7, 2)


def test_no_redacted_payload_keeps_its_salt_so_that_nothing_can_be_tried_against_its_digest(met: Desk) -> None:
    before = {row["seq"]: row["changes"] for row in payloads(met)}
    forget(met)
    after = payloads(met)
    assert {row["seq"] for row in after if row["salt"] == ""} == {
        row["seq"] for row in after if before.get(row["seq"], row["changes"]) != row["changes"]
    }
    assert len([row for row in after if row["salt"] == ""]) >= 6


def payloads(desk: Desk) -> list[dict[str, Any]]:
    with Outside(where(desk)) as outside:
        return outside.rows("SELECT seq, salt, changes FROM payload ORDER BY seq")


def test_no_undo_brings_anything_back(met: Desk) -> None:
    operations = [o["id"] for o in met.json("history") if o["command"] not in {"init", "release-holds"}]
    forget(met)
    newest = met.refused(4, "undo", "--yes")
    assert newest["message"].endswith("has forgotten somebody, and nothing brings that back.")
    for operation in operations:
        error = met.refused(4, "undo", operation, "--yes")
        assert "cannot be undone any more" in error["message"] or "has changed since" in error["message"]
    assert signs_in(rows(met)) == set()


def test_under_the_old_keys_nothing_is_written_again(met: Desk) -> None:
    forget(met)
    error = met.refused(4, "patients", "import", "-", "--key", "people", stdin=PEOPLE)
    assert error["message"].startswith("What the key 'people' stood for has been forgotten (operation ")
    assert met.refused(4, "book", WHO, "consult", "2026-12-01T10:00", "--key", "k")["code"] == "conflict"
    line = "action,patient,protocol,when,key\nbook,{},consult,2026-12-28T11:00,{}\n"
    assert met.json("batch", "apply", "-", stdin=LINE_OF_OTTO)["already"] == [2]
    assert met.refused(6, "batch", "apply", "-", stdin=line.format("ZQ-77431", "ZQ-77431-first"))
    assert met.refused(4, "batch", "apply", "-", stdin=line.format(WHO, "x"))


def test_nobody_becomes_somebody_again(met: Desk) -> None:
    forget(met)
    for words in (("--name", "Xanthippe"), ("--mrn", "ZQ-77431"), ("--status", "active"), ("--phone", "1")):
        error = met.refused(4, "patients", "edit", WHO, *words)
        assert error["message"] == f"{WHO} has been forgotten, and is nobody any more."
    assert met.refused(4, "patients", "record", WHO, "labs")
    assert met.refused(4, "patients", "import", "-", stdin=f"mrn,name\n{WHO},Xanthippe\n")
    assert met.refused(4, "book", WHO, "consult", "2026-12-28T10:00")["conflicts"][0]["rule"] == "patient-on-hold"
    exported = met.say("patients", "export")
    assert met.json("patients", "import", "-", stdin=exported)["unchanged"] == 2


def test_a_patient_who_comes_back_is_a_new_one(met: Desk) -> None:
    forget(met)
    fresh = met.json("patients", "add", "--mrn", "ZQ-77431", "Xanthippe Quillfeather")
    assert fresh["id"] != WHO
    assert met.json("db", "check")["sound"]


def test_forgetting_twice_changes_nothing_the_second_time(met: Desk) -> None:
    forget(met)
    head = met.json("audit", "head")["hash"]
    again = forget(met)
    assert (again["operation"], again["patient"]) == (None, WHO)
    assert met.json("audit", "head")["hash"] == head


def test_a_key_makes_it_harmless_to_repeat_and_tells_no_name(met: Desk) -> None:
    first = met.json("patients", "forget", "xanthippe", "--yes", "--key", "F")
    assert met.json("patients", "forget", WHO, "--yes", "--key", "F") == first
    assert met.refused(4, "patients", "forget", "N2", "--yes", "--key", "F")["message"].startswith(
        "The key 'F' was used"
    )


def test_the_reason_stays_and_names_nobody(met: Desk) -> None:
    refused = met.refused(2, "patients", "forget", WHO, "--yes", "--reason", "Quillfeather wrote to us")
    assert refused["message"] == "The reason names the patient, and would stay."
    done = forget(met, "--reason", "asked for by letter")
    assert met.json("show", done["operation"])["reason"] == "asked for by letter"
    assert met.say("show", done["operation"]).endswith("  Reason: asked for by letter\n")


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        (("book", WHO, "consult", "2026-12-28T10:00"), "infusion cancel"),
        (("series", "book", WHO, "iv-mood", "--from", "2026-12-28", "--sessions", "2"), "infusion cancel"),
    ],
    ids=["visit", "series"],
)
def test_nobody_is_forgotten_who_is_still_treated(met: Desk, words: tuple[str, ...], way_out: str) -> None:
    met.say(*words)
    error = met.refused(4, "patients", "forget", WHO, "--yes")
    assert "is still being treated" in error["message"]
    assert error["hint"].startswith(way_out)
    assert signs_in(rows(met)) == set(SIGNS)


def test_a_course_that_runs_without_a_visit_ahead_is_in_the_way_too(met: Desk) -> None:
    met.say("series", "book", WHO, "iv-mood", "--from", "2026-12-28", "--sessions", "1")
    met.at("2027-06-01T08:00")
    error = met.refused(4, "patients", "forget", WHO, "--yes")
    assert error["hint"] == f"infusion series end {ids.encode('series', 0)}"


def test_a_dry_run_forgets_nothing(met: Desk) -> None:
    before = rows(met)
    assert forget(met, "--dry-run")["visits"] == 3
    assert rows(met) == before
    assert signs_in(before) == set(SIGNS)


def test_it_has_to_be_agreed_to(met: Desk) -> None:
    assert met.refused(2, "patients", "forget", WHO)["message"] == "This needs --yes where nobody can be asked."
    assert signs_in(rows(met)) == set(SIGNS)


def test_the_access_log_stays_with_ids_only(met: Desk) -> None:
    met.say("patients", "show", "Xanthippe")
    looks = len([e for e in met.json("audit", "list", "--patient", WHO) if e["kind"] == "view"])
    forget(met)
    assert len([e for e in met.json("audit", "list", "--patient", WHO) if e["kind"] == "view"]) == looks > 0


def test_it_is_said_where_the_data_still_is(met: Desk) -> None:
    lines = met.say("patients", "forget", WHO, "--yes").splitlines()
    assert lines[:2] == [
        f"Forgotten: {WHO}. 3 visits and 0 series keep their times.",
        "Backups, exports and calendar files still hold the data.",
    ]
    assert len(lines) == (3 if "://" in str(where(met)) else 2)
    if len(lines) == 3:
        assert "VACUUM FULL" in lines[2]


# What follows is about the octets of a file.


@pytest.fixture
def book(empty_desk: Desk) -> Desk:
    meet(empty_desk)
    return empty_desk


def octets(desk: Desk) -> str:
    """Everything in every file of the folder but what commands were told to write."""
    found = [path.read_bytes() for path in sorted(desk.folder.iterdir()) if path.is_file() and path.suffix != ".toml"]
    return b"\n".join(found).decode("utf-8", errors="replace")


def test_no_octet_of_it_is_left_in_the_file_or_beside_it(book: Desk) -> None:
    assert signs_in(octets(book)) == set(SIGNS)
    forget(book)
    assert signs_in(octets(book)) == set()


def test_pages_that_another_program_freed_are_overwritten_too(book: Desk) -> None:
    with closing(sqlite3.connect(book.book)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE aside AS SELECT replace(name, 'X', 'x') || ' aside' AS text FROM patient")
        connection.commit()
        connection.execute("DROP TABLE aside")
        connection.commit()
    assert "xanthippe Quillfeather aside" in octets(book)
    forget(book)
    assert signs_in(octets(book)) == set()
    assert book.json("db", "check")["sound"]


def test_no_octet_of_it_is_left_beside_a_book_with_a_write_ahead_log(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_WAL_IS_SOUND", (3, 0, 0))
    meet(empty_desk)
    with closing(sqlite3.connect(empty_desk.book)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with closing(sqlite3.connect(empty_desk.book)) as keeps_the_log:
        keeps_the_log.execute("SELECT count(*) FROM patient").fetchone()
        empty_desk.say("patients", "edit", WHO, "--phone", "555-0142")
        assert "555-0142" in (empty_desk.folder / "book.sqlite3-wal").read_bytes().decode(errors="replace")
        forget(empty_desk)
        assert signs_in(octets(empty_desk)) == set()


def test_what_cannot_be_overwritten_while_somebody_reads_is_said(book: Desk) -> None:
    with open_store(book.book, patience=0.1) as store:
        with closing(sqlite3.connect(book.book)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM patient").fetchone()
            assert store.scrub().startswith("parts of it may still be in the book's file (The book ")
        assert store.scrub() == ""


def test_at_a_terminal_it_is_asked_for_by_name(book: Desk, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    monkeypatch.setattr("sys.stderr", asked)
    assert run(["patients", "forget", WHO]) == 1
    assert asked.getvalue().startswith(f"Forget {WHO}, Xanthippe Quillfeather, for good? [y/N] ")
    assert signs_in(rows(book)) == set(SIGNS)
