"""Names are hostile: accepted, kept, and shown harmlessly wherever a name is shown."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from cli.desk import FIRST_VISITS, Desk

from infusion_cli.domain import ids

ONE = FIRST_VISITS[0]
NINE = "2026-11-24T09:00"
NAMES = {
    "markup": "[bold red]Ada[/] [link=http://x.example]y[/link] :smile:",
    "unclosed markup": "Ada [/b] [",
    "escapes": "Ada \x1b[31mRed\x1b[0m \x1b]0;title\x07 \x9b2J",
    "lines": "Ada\r\nBook cancelled\n\tLovelace\x00\x0b\u2028x",
    "formula": '=HYPERLINK("http://x.example"&A1)',
    "formula of another kind": "@SUM(1+1)*cmd|' /C calc'!A0",
    "right to left": "\u202eadA\u202c \u2067Lovelace\u2069 \u200fא",
    "very long": "A" * 100 + " " + "Ж" * 90,
    "combining": "Z" + "\u0301\u0323" * 20 + "oe\u0308",
    "wide": "山田太郎 " * 8,
    "quotes": 'O\'Neill "the" `id` $(reboot); rm -rf \\ %s {0} <b>&amp;',
    "looks like an option": "--json -o /tmp/x",
    "joined emoji": "👩\u200d👩\u200d👧 Ada\ufe0f",
}


def kept(name: str) -> str:
    """What is kept of a name, worked out another way: NFC, each run of white space or controls one blank."""
    parts = re.split(r"[\s\x00-\x1f\x7f-\x9f]+", unicodedata.normalize("NFC", name))
    return " ".join(part for part in parts if part)


def is_harmless(text: str) -> bool:
    """Whether no character of the text steers a terminal; lines end as they do."""
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def known(desk: Desk, name: str) -> Desk:
    """A patient of that name with a course, on whom everything needed is on record."""
    desk.say("patients", "add", "--mrn", "N1", "--", name)
    fulfilled = "mrn,name,evaluation,consent,clearance\nN1,{},2026-11-01,2026-11-01,2026-11-01\n"
    desk.say("patients", "import", desk.file("r.csv", fulfilled.format(cell(name))))
    desk.say("series", "book", "N1", "iv-mood", "--from", "2026-11-24", "--sessions", "2")
    return desk


def cell(text: str) -> str:
    """A cell of a CSV file as a program of an office writes it."""
    out = io.StringIO()
    csv.writer(out).writerow([kept(text)])
    return out.getvalue().rstrip("\r\n")


SHOWN = (
    ("patients", "list"),
    ("patients", "show", "N1"),
    ("patients", "find", "N1"),
    ("show", "N1"),
    ("show", ONE),
    ("list",),
    ("series", "list"),
    ("series", "show", ids.encode("series", 0)),
    ("today", "tue"),
    ("today", "tue", "--week"),
    ("confirm", ONE),
    ("move", ONE, "2026-11-24T10:00"),
    ("series", "plan", "N1", "iv-booster"),
)


def test_a_name_is_kept_as_it_is_but_for_white_space_and_controls(known: Desk, name: str) -> None:
    assert known.json("patients", "show", "N1")["name"] == kept(name)
    rows = list(csv.DictReader(io.StringIO(known.say("patients", "export"))))
    written = next(row["name"] for row in rows if row["mrn"] == "N1")
    assert written in {kept(name), f"'{kept(name)}"}
    assert not re.match(r"[=+\-@]", written)
    before = known.octets()
    known.say("patients", "import", "-", stdin=known.say("patients", "export"))
    assert known.octets() == before


def test_every_command_shows_it_harmlessly(known: Desk) -> None:
    for words in SHOWN:
        assert is_harmless(known.say(*words)), words


def test_on_a_terminal_with_colour_a_name_brings_no_style_of_its_own(known: Desk) -> None:
    plain = {words: known.say(*words) for words in SHOWN if words[0] not in {"confirm", "move"}}
    known.setenv(FORCE_COLOR="1", TERM="xterm-256color")
    for words, text in plain.items():
        coloured = known.say(*words)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
        assert is_harmless(bare), words
        assert [line.rstrip() for line in bare.splitlines()] == [line.rstrip() for line in text.splitlines()], words


def test_json_is_whole_and_steers_no_terminal_and_csv_runs_nothing(known: Desk, name: str) -> None:
    for words in (("patients", "list"), ("show", "N1"), ("history",)):
        assert is_harmless(known.say(*words, "--json").replace("\r", "")), words
    found = known.json("patients", "find", "N1")
    assert [p["name"] for p in found] == [kept(name)]
    text = known.say("patients", "list", "--format", "csv")
    assert is_harmless(text.replace("\r\n", "\n"))
    assert not [c for row in csv.reader(io.StringIO(text)) for c in row if re.match(r"[=@]|[+-](?![\d\s().,/-]*$)", c)]


def test_a_refusal_quotes_it_harmlessly(desk: Desk, name: str) -> None:
    for words in (
        ("patients", "show", "--", name),
        ("book", "--", name, name, NINE),
        ("book", "--", "M1001", "iv-mood", name),
    ):
        answer = desk.type(*words)
        assert answer.status in {2, 3, 8}
        assert is_harmless(answer.err), words


def test_calendar_files_know_no_name(known: Desk, name: str) -> None:
    text = known.say("ical", "export", ids.encode("series", 0), "-o", "-")
    assert kept(name)[:12] not in text


def test_hostile_texts_other_than_names(desk: Desk) -> None:
    text = NAMES["escapes"]
    desk.setenv(INFUSION_ACTOR=text)
    desk.say("book", "M1001", "iv-mood", NINE, "--ride", text)
    desk.say("slots", "block", "wed 9:00", "wed 10:00", "--chair", "window", "--reason", text)
    block = ids.encode("block", 0)
    desk.say("cancel", ONE, "--reason", text, "--yes")
    for words in (
        ("show", ONE),
        ("show", block),
        ("history",),
        ("slots", "list", "--from", "wed"),
        ("slots", "blocks"),
        ("today", "wed"),
    ):
        assert is_harmless(desk.say(*words)), words
    answer = desk.type("book", "M1001", "iv-mood", "2026-11-25T09:00", "--chair", "window")
    assert is_harmless(answer.err)
    assert is_harmless(desk.type("move", ONE, NINE).err)


def test_only_an_empty_name_is_refused(desk: Desk) -> None:
    for empty in ("", " ", "\t\n", "\x00\x1b"):
        answer = desk.type("patients", "add", "--mrn", "N1", "--", empty)
        assert (answer.status, answer.err.splitlines()[0]) == (2, "A patient needs a name and an MRN.")
