"""The clinic's file: what is accepted, what is warned of, what is shipped, what has changed."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from clinic_texts import BASE, NURSE, PROVIDER, TALK, changed

from infusion_cli.domain.clinic import Closure, Words
from infusion_cli.domain.protocol import Span
from infusion_cli.errors import InvalidDataError, NotFoundError
from infusion_cli.formats import clinic_toml

DATA = Path(__file__).parent.parent / "data"


def test_the_text_that_the_refusals_change_is_itself_accepted() -> None:
    clinic = clinic_toml.parse(BASE)

    assert [c.id for c in clinic.chairs] == ["chair-1"]
    assert clinic.cancel_notice == Span(24, "h")
    assert clinic.closures == (Closure(date(2026, 12, 25), "Christmas Day"),)


def test_names_are_cleaned() -> None:
    clinic = clinic_toml.parse(changed("Quiet room", "  Quiet \\n  room\\u0007 "))

    assert clinic.chairs[0].name == "Quiet room"


def test_a_chair_without_name_is_called_by_its_id_and_suits_everything() -> None:
    clinic = clinic_toml.parse(changed('name = "Quiet room"\nprotocols = ["spray", "talk"]\n', ""))

    assert (clinic.chairs[0].name, clinic.chairs[0].protocols) == ("chair-1", ("*",))


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert clinic_toml.parse("\ufeff" + BASE.replace("\n", "\r\n")) == clinic_toml.parse(BASE)


def test_a_date_without_quotes_is_accepted() -> None:
    assert clinic_toml.parse(changed('"2026-12-25"', "2026-12-25")) == clinic_toml.parse(BASE)


def test_language_and_words_are_read_and_need_not_be_there() -> None:
    plain = clinic_toml.parse(BASE)
    text = changed("[[hours]]", 'language = "de-AT"\n[words]\nsubject = "Ihr  Besuch"\n[[hours]]')

    assert (plain.language, plain.words) == ("", Words())
    assert (clinic_toml.parse(text).language, clinic_toml.parse(text).words) == ("de-AT", Words(subject="Ihr Besuch"))
    assert clinic_toml.difference(plain, clinic_toml.parse(text)) == [
        'clinic.language: (none) -> "de-AT"',
        'words: (none) -> {"subject": "Ihr Besuch"}',
    ]


def test_weekdays_are_kept_in_order() -> None:
    clinic = clinic_toml.parse(changed('days = ["MO", "TU"]\n', 'days = ["SU", "MO"]\n'))

    assert clinic.hours[0].days == (0, 6)


def test_a_visit_may_fill_two_openings_that_touch() -> None:
    text = changed("[[closures]]", '[[hours]]\ndays = ["TU"]\nopen = "12:00"\nclose = "13:00"\n[[closures]]')

    clinic = clinic_toml.parse(text.replace("minutes = 60", "minutes = 300"))

    assert clinic.protocols[1].minutes == 300


def test_an_opening_over_sundays_midnight_counts_whole() -> None:
    sunday = 'days = ["SU"]\nopen = "20:00"\nclose = "24:00"\n[[hours]]\ndays = ["MO"]\nopen = "00:00"\n'
    text = changed('days = ["MO", "TU"]\nopen = "08:00"\n', sunday).replace("minutes = 60", "minutes = 960")

    assert clinic_toml.parse(text).protocols[1].minutes == 960


def test_gaps_in_different_units_are_compared_by_their_length() -> None:
    clinic = clinic_toml.parse(changed('tight = "48h", ideal = "3d-4d"', 'tight = "2880m", ideal = "48h-4d"'))

    assert clinic.protocols[0].course[0].gap.tight == Span(2880, "m")


@pytest.mark.parametrize("name", ["harbor", "solo", "spravato"])
def test_the_sample_clinics_work_as_they_stand(name: str) -> None:
    text, clinic = clinic_toml.read(DATA / name / "clinic.toml")

    assert text == (DATA / name / "clinic.toml").read_text(encoding="utf-8")
    assert clinic_toml.warnings(clinic) == []


def test_every_field_of_a_file_arrives() -> None:
    _, clinic = clinic_toml.read(DATA / "harbor" / "clinic.toml")
    spray = clinic.protocol("esketamine")

    assert (clinic.name, clinic.public_name, clinic.timezone) == (
        "Harbor Ketamine & Wellness",
        "Harbor Clinic",
        "America/New_York",
    )
    assert (clinic.hours[0].days, clinic.hours[0].open, clinic.hours[0].close) == ((0, 1, 2, 3, 4), 480, 1020)
    assert clinic.chairs[3].protocols == ("esketamine", "iv-mood", "iv-booster")
    assert [(s.id, s.role) for s in clinic.staff] == [
        ("rn-bell", "nurse"),
        ("rn-okafor", "nurse"),
        ("dr-lindqvist", "provider"),
    ]
    assert clinic.staff[1].shifts[0] == ((0, 1, 2, 3), 465, 1035)
    assert spray is not None
    assert (spray.provider, spray.observation_minimum, spray.per_protocol_week) == (True, 120, 2)
    assert [(p.minutes, p.patients_per_nurse, p.hands_on, p.dosing) for p in spray.phases][:2] == [
        (15, 4, True, False),
        (10, 4, True, True),
    ]
    assert [(p.observation, p.after_leave) for p in spray.phases][2:] == [(True, False), (False, True)]
    assert [(s.name, s.sessions, s.review_before) for s in spray.course] == [
        ("induction", 8, False),
        ("weekly", 4, True),
        ("maintenance", None, False),
    ]


@pytest.mark.parametrize("text", [clinic_toml.starter(), clinic_toml.sample()], ids=["starter", "sample"])
def test_what_is_shipped_has_neither_errors_nor_warnings(text: str) -> None:
    assert clinic_toml.warnings(clinic_toml.parse(text)) == []


def test_the_starter_is_a_small_clinic_with_the_usual_protocols() -> None:
    clinic = clinic_toml.parse(clinic_toml.starter())

    assert (len(clinic.chairs), clinic.count("nurse"), clinic.count("provider")) == (2, 1, 1)
    assert [p.id for p in clinic.protocols] == ["iv-mood", "iv-booster", "esketamine", "consult"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"North Clinic"', '"North Ketamine"', "public_name"),
        ('"North Clinic"', '"Spravato Center"', "tells what the visit is for"),
        ('"North Clinic"', '"North PSYCHIATRIC Group"', "tells what"),
        ("desk@north", "desk@northinfusions", "email"),
        ("desk@north", "büro@north", "Many mail servers take nothing from"),
        ("desk@north", "desk@straßenorth", "type it in its xn-- form"),
        ('title = "Talk"', 'title = "Talk"\npublic_title = "Esketamine"', "public_title of talk"),
        ("[[hours]]", '[words]\nsubject = "Your infusion"\n[[hours]]', "words.subject"),
        ("grid = 15", 'grid = 15\nlanguage = "pt"', "have English words where [words] gives none: title, questions"),
        ("[[staff]]", '[[chairs]]\nid = "shelf"\nprotocols = []\n[[staff]]', "The chair shelf suits no protocol"),
        ("America/New_York", "Etc/GMT+5", "may miss clock changes"),
        ("America/New_York", "UTC", "may miss clock changes"),
        ('["consent"', '["concent"', '"consent"'),
        (NURSE, NURSE.replace(', "TU"', ""), "without any nurse on TU"),
    ],
)
def test_warns_of_what_is_allowed_but_hardly_meant(old: str, new: str, words: str) -> None:
    (warning,) = clinic_toml.warnings(clinic_toml.parse(changed(old, new)))

    assert words in warning


def test_a_requirement_of_the_clinics_own_is_no_warning() -> None:
    assert clinic_toml.warnings(clinic_toml.parse(changed('["consent"', '["dental-photo"'))) == []


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file .*absent\.toml"):
        clinic_toml.read(tmp_path / "absent.toml")


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="cannot be read: Is a directory"):
        clinic_toml.read(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything is readable")
def test_a_forbidden_file_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "clinic.toml"
    path.write_text(BASE)
    path.chmod(0)

    with pytest.raises(InvalidDataError, match="cannot be read: Permission denied"):
        clinic_toml.read(path)


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "clinic.toml"
    path.write_bytes("schema = 1\n# Café".encode("latin-1"))

    with pytest.raises(InvalidDataError, match="not UTF-8 text: see line 2"):
        clinic_toml.read(path)


def test_a_file_over_one_megabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clinic.toml"
    path.write_text(BASE + "#" * 1_000_000)

    with pytest.raises(InvalidDataError, match="over 1 MB"):
        clinic_toml.read(path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Quiet room", "Calm room", 'chairs[chair-1].name: "Quiet room" -> "Calm room"'),
        ("grid = 15", "grid = 5", "clinic.grid: 15 -> 5"),
        ("grid = 15", 'grid = 15\nphone = "1"', 'clinic.phone: (none) -> "1"'),
        ("[[staff]]", '[[chairs]]\nid = "chair-2"\n[[staff]]', "+ chairs[chair-2]"),
        ("2026-12-25", "2026-12-24", "- closures[2026-12-25]\n+ closures[2026-12-24]"),
        ('close = "12:00"', 'close = "13:00"', "- hours[MO TU 08:00-12:00]\n+ hours[MO TU 08:00-13:00]"),
        ("minutes = 125", "minutes = 130", "protocols[spray].phases[observation].minutes: 125 -> 130"),
        ('min = "20h"', 'min = "21h"', 'protocols[spray].course[first].gap.min: "20h" -> "21h"'),
        (
            '["spray", "talk"]',
            '["*"]',
            'chairs[chair-1].protocols: ["spray", "talk"] -> ["*"]',
        ),
        (NURSE + PROVIDER, PROVIDER + NURSE, "staff: order nina, petra -> petra, nina"),
        ('name = "observation"', 'name = "dosing"', 'protocols[spray].phases[1].name: "observation" -> "dosing"'),
    ],
)
def test_difference_says_what_changed(old: str, new: str, line: str) -> None:
    found = clinic_toml.difference(clinic_toml.parse(BASE), clinic_toml.parse(changed(old, new)))

    assert found == line.split("\n")


def test_what_was_taken_out_is_named() -> None:
    smaller = clinic_toml.parse(changed(TALK, "").replace('["spray", "talk"]', '["spray"]'))

    assert "- protocols[talk]" in clinic_toml.difference(clinic_toml.parse(BASE), smaller)


def test_equal_clinics_have_no_difference() -> None:
    assert clinic_toml.difference(clinic_toml.parse(BASE), clinic_toml.parse(BASE + "# a comment\n")) == []
