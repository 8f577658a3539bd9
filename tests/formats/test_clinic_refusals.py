"""Every refusal of the clinic's file, with its place, rule and way out."""

from __future__ import annotations

import pytest
from clinic_texts import BASE, NURSE, PROVIDER, TALK, changed, errors_of

from infusion_cli.errors import InvalidDataError
from infusion_cli.formats import clinic_toml

FIRST_STEP = "protocols[spray].course[0]"

REFUSALS = [
    # old text, new text, column, rule, a part of the message
    ("schema = 1\n", "", "schema", "missing", "add schema = 1"),
    ("schema = 1", "schema = 2", "schema", "newer-schema", "made for a newer version"),
    ("schema = 1", 'schema = "1"', "schema", "out-of-range", "write schema = 1"),
    ("schema = 1", "schema = 0", "schema", "out-of-range", "write schema = 1"),
    ("grid = 15", "grid = 15\nphon = 1", "clinic.phon", "unknown-key", 'write "phone" if'),
    ("schema = 1", "schema = 1\nxyz = 1", "xyz", "unknown-key", "known are schema, clinic"),
    ("dosing = true", "dosing = true, handson = true", "protocols[spray].phases[0].handson", "unknown-key", "hands_on"),
    ('ideal = "7d"', 'ideal = "7d", max = "8d"', "protocols[spray].course[1].gap.max", "unknown-key", "min"),
    ('name = "North"\n', "", "clinic.name", "missing", "add name"),
    ('name = "North"', "name = 5", "clinic.name", "wrong-type", "a text in quotes, not a number"),
    ('name = "North"', 'name = " \\t "', "clinic.name", "empty-text", "at least one letter"),
    ('name = "North"', f'name = "{"x" * 201}"', "clinic.name", "text-too-long", "shorten it to 200"),
    ('public_name = "North Clinic"\n', "", "clinic.public_name", "missing", "leaves the clinic"),
    ('timezone = "America/New_York"\n', "", "clinic.timezone", "missing", "add timezone"),
    ("America/New_York", "America/New_Yrok", "clinic.timezone", "unknown-zone", "write America/New_York"),
    ("America/New_York", "Berlin", "clinic.timezone", "unknown-zone", "write Europe/Berlin"),
    ("America/New_York", "right/Europe/Berlin", "clinic.timezone", "unknown-zone", "no time zone"),
    ("America/New_York", "../../etc/passwd", "clinic.timezone", "unknown-zone", "no time zone"),
    ("America/New_York", "America", "clinic.timezone", "unknown-zone", "no time zone"),
    ("grid = 15\n", "", "clinic.grid", "missing", "add grid = 15"),
    ("grid = 15", "grid = 0", "clinic.grid", "out-of-range", "from 1 to 720, not 0"),
    ("grid = 15", "grid = 721", "clinic.grid", "out-of-range", "from 1 to 720"),
    ("grid = 15", "grid = 7", "clinic.grid", "bad-grid", "write 6, say"),
    ("grid = 15", "grid = true", "clinic.grid", "wrong-type", "not true or false"),
    ("grid = 15", "grid = 15.0", "clinic.grid", "wrong-type", "with a point"),
    ("grid = 15", f"grid = {10**30}", "clinic.grid", "out-of-range", "a huge number"),
    ("grid = 15", 'grid = 15\ncancel_notice = "1 day"', "clinic.cancel_notice", "bad-length", "24h"),
    ("desk@north", "desk at north", "clinic.email", "bad-email", "desk@clinic.example"),
    ("grid = 15", 'grid = 15\nlanguage = "de_AT"', "clinic.language", "bad-language", "such as en or de-AT"),
    ("grid = 15", 'grid = 15\nlangauge = "de"', "clinic.langauge", "unknown-key", 'write "language" if'),
    ("[[hours]]", '[words]\ntitel = "Termin"\n[[hours]]', "words.titel", "unknown-key", 'write "title" if'),
    ("[[hours]]", "[words]\nsubject = 5\n[[hours]]", "words.subject", "wrong-type", "a text in quotes, not a number"),
    ("[[hours]]", '[words]\nsubject = " "\n[[hours]]', "words.subject", "empty-text", "leave the key out"),
    ("schema = 1", "schema = 1\nwords = 5", "words", "wrong-type", "a table, not a number"),
    ("[[hours]]", "[hours]", "hours", "wrong-type", "[[hours]]"),
    ('days = ["MO", "TU"]\n', "", "hours[0].days", "missing", "add days"),
    ('days = ["MO", "TU"]\n', "days = []\n", "hours[0].days", "missing", "at least one weekday"),
    ('days = ["MO", "TU"]\n', 'days = ["MO", "Tue"]\n', "hours[0].days", "bad-weekday", "write MO, TU"),
    ('days = ["MO", "TU"]\n', 'days = ["MO", "MO"]\n', "hours[0].days", "duplicate", "MO twice"),
    ('days = ["MO", "TU"]\n', 'days = "MO"\n', "hours[0].days", "wrong-type", "a list in brackets"),
    ('open = "08:00"', 'open = "8:00"', "hours[0].open", "bad-time", "HH:MM"),
    ('open = "08:00"', 'open = "08:60"', "hours[0].open", "bad-time", "HH:MM"),
    ('open = "08:00"', 'open = "٠٨:00"', "hours[0].open", "bad-time", "HH:MM"),
    ('close = "12:00"', 'close = "24:01"', "hours[0].close", "bad-time", "00:00 to 24:00"),
    ('close = "12:00"', 'close = "08:00"', "hours[0].close", "bad-time", "not after open"),
    ("2026-12-25", "2026-02-30", "closures[0].date", "bad-date", "YYYY-MM-DD"),
    ("2026-12-25", "20261225", "closures[0].date", "bad-date", "YYYY-MM-DD"),
    ('date = "2026-12-25"\n', "", "closures[0].date", "missing", "add date"),
    (
        "[[chairs]]",
        "[[closures]]\ndate = 2026-12-25\n[[chairs]]",
        "closures[1].date",
        "duplicate",
        'closures on "2026-12-25"',
    ),
    ("chair-1", "Chair 1", "chairs[0].id", "bad-id", "lower-case letters"),
    ("chair-1", "-chair", "chairs[0].id", "bad-id", "a letter or digit first"),
    ("chair-1", "c" * 41, "chairs[0].id", "bad-id", "at most 40"),
    ('id = "chair-1"\n', "", "chairs[0].id", "missing", 'add id = "chair-1"'),
    ('"talk"]', '"takl", "talk"]', "chairs[chair-1].protocols", "unknown-protocol", 'write "talk" if'),
    ('"talk"]', '"talk", "talk"]', "chairs[chair-1].protocols", "duplicate", "twice"),
    ('"talk"]', '"talk", 5]', "chairs[chair-1].protocols", "wrong-type", "ids in quotes"),
    ("[[staff]]", '[[chairs]]\nid = "chair-1"\n[[staff]]', "chairs[chair-1].id", "duplicate", 'chairs "chair-1"'),
    ('"petra"', '"nina"', "staff[nina].id", "duplicate", 'members of staff "nina"'),
    ('"nurse"', '"doctor"', "staff[nina].role", "bad-role", "nurse or provider"),
    ('from = "08:00", to = "12:00"', 'from = "12:00", to = "08:00"', "staff[nina].shifts[0].to", "bad-time", "from"),
    ('shifts = [{ days = ["MO", "TU"], from = "08:00", to = "12:00" }]', "", "staff[nina].shifts", "missing", "days"),
    (TALK, TALK + TALK, "protocols[talk].id", "duplicate", 'protocols "talk"'),
    ('title = "Talk"\n', "", "protocols[talk].title", "missing", "add title"),
    ("provider = true", "provider = 1", "protocols[spray].provider", "wrong-type", "true or false"),
    ('["consent"', '["Consent!"', "protocols[spray].requires", "bad-id", "lower-case letters"),
    ("per_protocol_week = 2", "per_protocol_week = 0", "protocols[spray].per_protocol_week", "out-of-range", "1 to"),
    ("phases = [{", "#", "protocols[talk].phases", "missing", "add phases"),
    ("phases = [{", "phases = [] # {", "protocols[talk].phases", "missing", "is empty"),
    ("minutes = 60", "minutes = 0", "protocols[talk].phases[0].minutes", "out-of-range", "1 to 1440, not 0"),
    ("minutes = 60", "minutes = -5", "protocols[talk].phases[0].minutes", "out-of-range", "not -5"),
    ("minutes = 60", "minutes = 1441", "protocols[talk].phases[0].minutes", "out-of-range", "1 to 1440"),
    ("minutes = 60", 'minutes = "60"', "protocols[talk].phases[0].minutes", "wrong-type", "a whole number"),
    ("minutes = 60", "minutes = 1440", "protocols[talk].phases", "visit-too-long", "under 24 h"),
    ("minutes = 60", "minutes = 241", "protocols[talk].phases", "visit-too-long", "never open longer than 240"),
    ("nurse = 4", "nurse = 11", "protocols[spray].phases[0].patients_per_nurse", "out-of-range", "1 to 10"),
    ("nurse = 4", "nurse = 0", "protocols[spray].phases[0].patients_per_nurse", "out-of-range", "1 to 10"),
    ("dosing = true", "dosing = 1", "protocols[spray].phases[0].dosing", "wrong-type", "true or false"),
    (
        "observation = true",
        "observation = true, after_leave = true",
        "protocols[spray].phases[1].after_leave",
        "phase-order",
        "remove one of the flags",
    ),
    ("dosing = true }", "after_leave = true }", "protocols[spray].phases", "phase-order", "put it at the end"),
    (
        "minutes = 125",
        "minutes = 119",
        "protocols[spray].observation_minimum",
        "observation-too-short",
        "regulatory, so raise the minutes of the phases and do not lower",
    ),
    (
        "minimum = 120",
        "minimum = 119",
        "protocols[spray].observation_minimum",
        "observation-too-short",
        "= 120 or more",
    ),
    ("observation_minimum = 120\n", "", "protocols[spray].observation_minimum", "observation-too-short", "regulation"),
    ("sessions = 8", "sessions = 0", f"{FIRST_STEP}.sessions", "out-of-range", "1 to 365"),
    ("sessions = 8", 'sessions = "many"', f"{FIRST_STEP}.sessions", "wrong-type", '"open"'),
    ("sessions = 8", 'sessions = "open"', f"{FIRST_STEP}.sessions", "open-not-last", "put the step at the end"),
    ("sessions = 8, ", "", f"{FIRST_STEP}.sessions", "missing", "add sessions"),
    ('name = "then"', 'name = "first"', "protocols[spray].course[1].name", "duplicate", 'steps "first"'),
    ('gap = { min = "3d", ideal = "7d" }, ', "", "protocols[spray].course[1].gap", "missing", "add gap"),
    (', ideal = "7d"', "", "protocols[spray].course[1].gap.ideal", "missing", "add ideal"),
    ('min = "20h", ', "", f"{FIRST_STEP}.gap.min", "missing", "add min"),
    ('min = "20h"', 'min = "0h"', f"{FIRST_STEP}.gap.min", "out-of-range", "more than zero"),
    ('min = "20h"', 'min = "49h"', f"{FIRST_STEP}.gap.tight", "gap-order", "min 49h is longer than tight 48h"),
    ('tight = "48h"', 'tight = "73h"', f"{FIRST_STEP}.gap.ideal", "gap-order", "tight 73h is longer than ideal 3d"),
    ("3d-4d", "4d-3d", f"{FIRST_STEP}.gap.ideal", "gap-order", "ideal 4d is longer than ideal 3d"),
    ('long = "7d"', 'long = "95h"', f"{FIRST_STEP}.gap.long", "gap-order", "ideal 4d is longer than long 95h"),
    ("3d-4d", "3d-4w", f"{FIRST_STEP}.gap.ideal", "bad-length", '"4w"'),
    ('long = "7d"', 'long = "3651d"', f"{FIRST_STEP}.gap.long", "out-of-range", "3650d at most"),
    ('window = "28d"', 'window = "0d"', f"{FIRST_STEP}.window", "out-of-range", "more than zero"),
    ('window = "28d"', 'window = "4d"', f"{FIRST_STEP}.window", "window-too-short", "lengthen the window"),
    ("review_after = 3", "review_after = 9", f"{FIRST_STEP}.review_after", "out-of-range", "write 8 at most"),
    ("review_after = 3", "review_after = 0", f"{FIRST_STEP}.review_after", "out-of-range", "1 to 365"),
    (NURSE, "", "protocols[spray].phases", "no-nurse", 'role = "nurse"'),
    ('protocols = ["spray", "talk"]', 'protocols = ["talk"]', "protocols[spray].id", "no-chair", "name it"),
]


@pytest.mark.parametrize(("old", "new", "column", "rule", "words"), REFUSALS)
def test_refuses_with_place_rule_and_way_out(old: str, new: str, column: str, rule: str, words: str) -> None:
    found = errors_of(changed(old, new))

    assert [(e.line, e.column, e.rule) for e in found] == [(None, column, rule)]
    assert words in found[0].message
    assert found[0].message.endswith(".")


def test_a_clinic_without_provider_names_every_protocol_that_needs_one() -> None:
    found = errors_of(BASE.replace(PROVIDER, ""))

    assert [(e.column, e.rule) for e in found] == [
        ("protocols[spray].provider", "no-provider"),
        ("protocols[talk].phases", "no-provider"),
    ]


@pytest.mark.parametrize("section", ["clinic", "hours", "chairs", "protocols"])
def test_a_missing_section_is_named(section: str) -> None:
    kept = [part for part in BASE.split("\n[") if not part.lstrip("[").startswith(section)]

    assert (section, "missing") in [(e.column, e.rule) for e in errors_of("\n[".join(kept))]


def test_every_error_of_the_file_is_reported_at_once() -> None:
    text = BASE.replace("grid = 15", "grid = 7").replace("close", "shut").replace("minutes = 60", "minutes = 0")

    assert [(e.column, e.rule) for e in errors_of(text)] == [
        ("hours[0].shut", "unknown-key"),
        ("hours[0].close", "missing"),
        ("protocols[talk].phases[0].minutes", "out-of-range"),
        ("clinic.grid", "bad-grid"),
    ]


def test_the_refusal_counts_its_errors() -> None:
    with pytest.raises(InvalidDataError) as refused:
        clinic_toml.parse(changed("grid = 15", "grid = 7"))

    assert refused.value.message == "The clinic's file has 1 error."
    assert "infusion clinic check" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("schema = 1\n[clinic\n", 2),
        ("schema = 1\nname = \n", 2),
        ('schema = 1\nname = "x', 2),
        ("schema = 1\nschema = 1\n", 2),
        ("schema = 1\ndate = 2026-02-30\n", 2),
        ("schema = 1\nbad = \x07\n", 2),
    ],
)
def test_a_syntax_error_names_its_line(text: str, line: int) -> None:
    (found,) = errors_of(text)

    assert (found.line, found.column, found.rule) == (line, "", "toml-syntax")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000])
def test_text_made_to_break_the_reader_is_refused_like_any_other(text: str) -> None:
    assert [e.rule for e in errors_of(text)] == ["toml-syntax"]


def test_a_newer_file_is_refused_without_blaming_its_new_keys() -> None:
    (found,) = errors_of(changed("schema = 1", "schema = 3\nnovelty = true"))

    assert found.rule == "newer-schema"


def test_a_long_value_is_cut_and_a_turning_one_made_harmless_in_the_message() -> None:
    (found,) = errors_of(changed("chair-1", "\u202e" + "X" * 1000))

    assert "\u202e" not in found.message
    assert len(found.message) < 200
