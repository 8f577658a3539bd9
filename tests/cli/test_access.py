"""Whoever looks at patients stands in the access log: every command, once, by ids."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from cli.desk import BEN, FIRST_VISITS, YARA, Desk

from infusion_cli.cli.commands import DAILY, GROUPS, words_of
from infusion_cli.config import origin
from infusion_cli.domain import ids
from infusion_cli.store.repository import open_store

ONE, TWO, *_ = FIRST_VISITS
SERIES = ids.encode("series", 0)
NINE = "2026-11-24T09:00"


@pytest.fixture
def lived(desk: Desk) -> Desk:
    """Yara has a visit on Tuesday and a course from December on, Ben a visit on Tuesday."""
    desk.say("book", YARA, "consult", NINE)
    desk.say("book", BEN, "consult", "2026-11-24T11:00")
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.file("plan.json", desk.say("series", "plan", "M1003", "iv-mood", "-o", "-", "--json"))
    forget_accesses(desk)
    return desk


def forget_accesses(desk: Desk) -> None:
    for log in desk.folder.glob("*.access-*"):
        log.unlink()


def noted(desk: Desk) -> list[tuple[str, set[str], int]]:
    """Command, patients and their number of every access."""
    with open_store(desk.book) as store:
        return [(a.command, set(a.subjects), a.people) for a in store.accesses()]


LOOKS: dict[tuple[str, ...], set[str]] = {
    ("today", "tue"): {YARA, BEN},
    ("today", "tue", "--json"): {YARA, BEN},
    ("list", "--patient", YARA): {YARA},
    ("list", "--to", "tue"): {YARA, BEN},
    ("show", ONE): {YARA},
    ("show", SERIES): {YARA},
    ("show", "M1010"): {BEN},
    ("show", ids.encode("operation", 2)): {YARA},
    ("history", ONE): {YARA},
    ("history", "--limit", "2"): {YARA, BEN},
    ("patients", "show", YARA): {YARA},
    ("patients", "find", "yara s"): {YARA},
    ("series", "show", SERIES): {YARA},
    ("series", "list"): {YARA},
    ("series", "plan", BEN, "iv-mood"): {BEN},
    ("slots", "find", "consult", "--patient", BEN): {BEN},
    ("slots", "why", "consult", NINE, "--patient", BEN): {BEN},
    ("ical", "export", ONE, "-o", "-"): {YARA},
    ("ical", "export", SERIES, "-o", "x.ics"): {YARA},
    ("ical", "export", YARA, "-o", "-"): {YARA},
    ("ical", "invite", ONE, "-o", "-"): {YARA},
    ("fhir", "export", ONE, "-o", "-"): {YARA},
    ("fhir", "export", "--to", "tue", "-o", "-"): {YARA, BEN},
    ("book", YARA, "consult", "2026-11-25T09:00", "--dry-run"): {YARA},
    ("series", "book", BEN, "iv-mood", "--dry-run"): {BEN},
    ("confirm", ONE, "--dry-run"): {YARA},
    ("patients", "edit", YARA): {YARA},
    ("apply", "plan.json", "--dry-run"): {ids.encode("patient", 2)},
}


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_a_look_is_noted_once_with_whom_it_showed(lived: Desk, words: tuple[str, ...]) -> None:
    assert lived.type(*words).status == 0
    assert [found[1:] for found in noted(lived)] == [(LOOKS[words], len(LOOKS[words]))]
    assert " ".join(words).startswith(noted(lived)[0][0])


@pytest.mark.parametrize("words", [("patients", "list"), ("patients", "export")], ids=" ".join)
def test_many_are_counted(lived: Desk, words: tuple[str, ...]) -> None:
    lived.say(*words)
    ((command, subjects, count),) = noted(lived)
    assert (command, len(subjects), count) == (" ".join(words), 60, 60)


@pytest.mark.parametrize(
    "words", [("db", "backup", "aside"), ("db", "copy", "book.sqlite3", "other.sqlite3")], ids=" ".join
)
def test_a_copy_of_the_whole_book_is_an_export_of_everybody(lived: Desk, words: tuple[str, ...]) -> None:
    lived.say(*words, "--dry-run", "--quiet")
    assert noted(lived) == []
    lived.say(*words)
    assert [(command, count) for command, _, count in noted(lived)] == [(" ".join(words[:2]), 60)]
    assert {e["kind"] for e in lived.json("audit", "list", "--bulk") if e["command"] == " ".join(words[:2])} == {
        "export"
    }


def test_of_very_many_the_first_hundred_are_named_and_all_counted(lived: Desk) -> None:
    rows = "".join(f"N{n},Nobody {n}\n" for n in range(70))
    lived.say("patients", "import", "-", stdin=f"mrn,name\n{rows}")
    lived.say("patients", "list")
    ((_, subjects, count),) = noted(lived)
    assert (len(subjects), count) == (100, 130)


NOTHING_PERSONAL = (
    ("today", "tue", "--week"),
    ("today", "2027-01-01"),
    ("slots", "find", "consult"),
    ("slots", "list"),
    ("slots", "blocks"),
    ("ical", "export", "--clinic", "-o", "-"),
    ("ical", "export", "--chair", "chair-3", "-o", "-"),
    ("ical", "feed", "out", "--all"),
    ("clinic", "show"),
    ("db", "info"),
    ("db", "check"),
    ("patients", "find", "nobody"),
    ("--help",),
    ("show", "--help"),
)


@pytest.mark.parametrize("words", NOTHING_PERSONAL, ids=" ".join)
def test_what_shows_nobody_is_not_noted(lived: Desk, words: tuple[str, ...]) -> None:
    assert lived.type(*words).status == 0
    assert noted(lived) == []


@pytest.mark.parametrize(
    "words",
    [
        ("confirm", ONE),
        ("move", ONE, "2026-11-24T10:00"),
        ("undo", "--yes"),
        ("patients", "edit", YARA, "--phone", "1"),
    ],
    ids=" ".join,
)
def test_what_stands_in_the_journal_is_not_noted_twice(lived: Desk, words: tuple[str, ...]) -> None:
    before = len(lived.done())
    forget_accesses(lived)
    lived.say(*words)
    assert noted(lived) == []
    assert len(lived.done()) == before + 1


def test_a_repeated_command_that_shows_its_first_answer_is_a_look(lived: Desk) -> None:
    for _ in range(2):
        lived.say("confirm", ONE, "--key", "k")
    assert noted(lived) == [("confirm", {YARA}, 1)]


def test_whom_a_name_fits_is_noted_too(lived: Desk) -> None:
    assert lived.type("patients", "show", "ivo").status == 8
    ((command, subjects, count),) = noted(lived)
    assert (command, count) == ("patients show", len(subjects))
    assert count > 1


def test_why_a_time_is_refused_is_a_look_at_the_patient(lived: Desk) -> None:
    assert lived.type("book", YARA, "consult", NINE).status == 4
    assert lived.type("move", ONE, "2026-11-26T09:00").status == 4
    assert noted(lived) == [("book", {YARA}, 1), ("move", {YARA}, 1)]


def test_an_entry_says_who_when_and_from_where_and_nothing_that_was_typed(
    lived: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived.setenv(INFUSION_ACTOR="mira", SSH_CONNECTION="192.0.2.7 51000 192.0.2.1 22")
    lived.say("patients", "show", "Yara Sánchez")
    with open_store(lived.book) as store:
        (found,) = store.accesses()
    assert (found.actor, found.command, found.subjects) == ("mira", "patients show", (YARA,))
    assert found.origin.endswith("from 192.0.2.7")
    with open_store(lived.book) as store, store.reading(0) as reader:
        assert found.at == 1795438800, reader.clinic.timezone
    (log,) = lived.folder.glob("*.access-*")
    assert not any(word in log.read_text(encoding="utf-8").casefold() for word in ("yara", "sánchez", "s\\u00e1nchez"))


def test_from_where() -> None:
    assert origin({}) == origin({"SSH_CONNECTION": ""})
    assert origin({"SSH_CONNECTION": "2001:db8::7 1 2 3"}) == f"{origin({})} from 2001:db8::7".strip()


def test_a_look_into_a_folder_that_cannot_be_written_works_all_the_same(lived: Desk) -> None:
    (lived.folder / "book.sqlite3.access-2026.jsonl").mkdir()
    assert lived.say("patients", "show", YARA)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes of this kind")
def test_whoever_closes_the_pipe_early_has_seen_it(lived: Desk) -> None:
    import subprocess

    from cli.desk import PROGRAM

    with subprocess.Popen([sys.executable, *PROGRAM, "patients", "list"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.close()
    assert noted(lived)[0][::2] == ("patients list", 60)


def test_every_command_knows_its_words() -> None:
    every: list[Any] = [e for panel in DAILY for e in panel.entries]
    assert [words_of(e.target) for e in every] == [e.name for e in every]
    assert [words_of(e.target) for name, _, group in GROUPS for e in group] == [
        f"{name} {e.name}" for name, _, group in GROUPS for e in group
    ]
    assert words_of("patients:nothing") == ""
