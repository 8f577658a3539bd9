"""The table of patients: every refusal of the import, and an export that the import takes whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain.book import Patient
from infusion_cli.domain.names import clean
from infusion_cli.domain.protocol import REQUIREMENTS
from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.patients import FIRST_DATE, LAST_DATE, LONGEST, PatientRow, parse_patients, patients_csv

DATA = Path(__file__).parents[1] / "data"
HEADER = "mrn,name,birth_date,phone,email,consent,labs"


def parse(*lines: str, ignore_unknown: bool = False) -> list[PatientRow]:
    text = "\n".join(lines)
    return parse_patients(text.encode(), requirements=("consent", "labs"), ignore_unknown=ignore_unknown)


def errors_of(*lines: str) -> list[LineError]:
    with pytest.raises(InvalidDataError) as caught:
        parse(*lines)
    return list(caught.value.errors)


def test_a_person_has_the_cells_of_the_line() -> None:
    assert parse(HEADER, "M1,Ana Vogt,1990-02-17,+1 207 555 1001,ana@example.com,2026-11-16,") == [
        PatientRow(2, "M1", "Ana Vogt", "1990-02-17", "+1 207 555 1001", "ana@example.com", {"consent": "2026-11-16"})
    ]


def test_mrn_and_name_are_enough() -> None:
    assert parse("name,mrn", "Ana Vogt,M1") == [PatientRow(2, "M1", "Ana Vogt", "", "", "", {})]


def test_given_and_family_make_the_name_where_there_is_none() -> None:
    people = parse("mrn,given,family,name", "M1,Ana,Vogt,", "M2,,Vogt,", "M3,Ana,,", "M4,Ana,Vogt,Dr. Ana Vogt")
    assert [p.name for p in people] == ["Ana Vogt", "Vogt", "Ana", "Dr. Ana Vogt"]
    assert [p.name for p in parse("mrn,given,family", "M1, Ana ,Vogt")] == ["Ana Vogt"]


def test_the_sample_of_an_office_spreadsheet_gives_its_people_with_exactly_their_names() -> None:
    data = (DATA / "harbor" / "patients-spreadsheet.csv").read_bytes()
    people = parse_patients(data, requirements=REQUIREMENTS)
    assert [(p.line, p.mrn, p.name) for p in people] == [
        (2, "M4001", "Hana Žukauskas"),
        (3, "M4002", '"Zoë" O\'Neill [x]'),
        (4, "M4003", '=HYPERLINK("x")'),
        (5, "M4004", "Tomasz Fernández"),
        (6, "M4005", "Xin Quispe"),
    ]
    assert people[1] == people[1]._replace(
        birth_date="1990-02-17",
        phone="+1 207 555 1001",
        email="patient4002@example.com",
        requirements=dict.fromkeys(REQUIREMENTS, "2026-11-16"),
    )


@pytest.mark.parametrize(("clinic", "count"), [("harbor", 60), ("solo", 16), ("spravato", 40)])
def test_the_sample_clinics_people_are_all_read(clinic: str, count: int) -> None:
    people = parse_patients((DATA / clinic / "patients.csv").read_bytes(), requirements=REQUIREMENTS)
    assert len({p.mrn for p in people}) == len(people) == count


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Zoe\u0308  \t O'Neill ", "Zoë O'Neill"),
        ('"Ana\r\nVogt"', "Ana Vogt"),
        ("a\x1b[31mb", "a [31mb"),
        ("\u202eevil", "\u202eevil"),
        ("'=1+1", "=1+1"),
        ("=1+1", "=1+1"),
        ("Robert'); DROP TABLE patient;--", "Robert'); DROP TABLE patient;--"),
    ],
)
def test_hostile_names_are_kept_and_cleaned(written: str, kept: str) -> None:
    assert [p.name for p in parse("mrn,name", f"M1,{written}")] == [kept]


@pytest.mark.parametrize(
    ("cells", "column", "rule", "part"),
    [
        (",Ana,,,,,", "mrn", "empty", "the MRN is empty"),
        (" \u00a0,Ana,,,,,", "mrn", "empty", "the MRN is empty"),
        ("M\u200b1,Ana,,,,,", "mrn", "not-printable", "cannot be seen"),
        (f"{'1' * 201},Ana,,,,,", "mrn", "too-long", "longer than 200 characters"),
        ("M1, \u2028 ,,,,,", "name", "empty", "the name is empty"),
        (f"M1,{'n' * 201},,,,,", "name", "too-long", "longer than 200 characters"),
        (f"M1,Ana,,{'5' * 201},,,", "phone", "too-long", "longer than 200 characters"),
        (f"M1,Ana,,,{'e' * 200}@x,,", "email", "too-long", "longer than 200 characters"),
        ("M1,Ana,,,ana,,", "email", "not-an-address", "one @"),
        ("M1,Ana,,,a@b@c,,", "email", "not-an-address", "one @"),
        ("M1,Ana,,,@example.com,,", "email", "not-an-address", "text around it"),
        ("M1,Ana,,,ana@,,", "email", "not-an-address", "text around it"),
        ("M1,Ana,,,ana vogt@example.com,,", "email", "not-an-address", "no blanks"),
        ("M1,Ana,,,ana@straße.example,,", "email", "not-an-address", "read in two ways"),
        ('M1,Ana,,,"ana@example.com\nbcc",,', "email", "not-an-address", "no blanks"),
        ("M1,Ana,1990-02-30,,,,", "birth_date", "not-a-date", "write YYYY-MM-DD"),
        ("M1,Ana,17.02.1990,,,,", "birth_date", "not-a-date", "write YYYY-MM-DD"),
        ("M1,Ana,19900217,,,,", "birth_date", "not-a-date", "write YYYY-MM-DD"),
        ("M1,Ana,1990-W07-6,,,,", "birth_date", "not-a-date", "write YYYY-MM-DD"),
        ("M1,Ana,1990-02-17T00:00,,,,", "birth_date", "not-a-date", "write YYYY-MM-DD"),
        ("M1,Ana,١٩٩٠-٠٢-١٧,,,,", "birth_date", "not-a-date", "write YYYY-MM-DD"),
        ("M1,Ana,1899-12-31,,,,", "birth_date", "not-a-date", "from 1900"),
        ("M1,Ana,2201-01-01,,,,", "birth_date", "not-a-date", "to 2200"),
        ("M1,Ana,,,,yes,", "consent", "not-a-date", "leave it blank"),
        ("M1,Ana,,,,,2026-13-01", "labs", "not-a-date", "leave it blank"),
    ],
)
def test_a_cell_that_cannot_be_kept_is_refused_by_column_and_rule(
    cells: str, column: str, rule: str, part: str
) -> None:
    (error,) = errors_of(HEADER, cells)
    assert (error.line, error.column, error.rule) == (2, column, rule)
    assert part in error.message


@pytest.mark.parametrize("cells", [f"{'1' * 200},{'n' * 200},1900-01-01,{'5' * 200},a@b,2200-12-31,", "M1,A,,,,,"])
def test_cells_at_the_limits_are_taken(cells: str) -> None:
    assert len(parse(HEADER, cells)) == 1


def test_an_mrn_that_stands_twice_names_the_line_of_the_first() -> None:
    assert errors_of("mrn,name", "M1,Ana", "m1,Ben", " M1 ,Cem", "M1,Dov") == [
        LineError(4, "mrn", "doubled-mrn", "the MRN stands in line 2 already"),
        LineError(5, "mrn", "doubled-mrn", "the MRN stands in line 2 already"),
    ]


def test_two_lines_without_an_mrn_are_empty_and_not_doubled() -> None:
    assert [e.rule for e in errors_of("mrn,name", ",Ana", ",Ben")] == ["empty", "empty"]


def test_all_errors_of_a_file_are_told_together_in_order_of_line_and_column() -> None:
    lines = [HEADER, "M1,,x,,y,z,", '"M2","A\nB",,,,,', "M3,C", ",D,,,,,", "M1,E,,,,,"]
    assert [(e.line, e.column, e.rule) for e in errors_of(*lines)] == [
        (2, "birth_date", "not-a-date"),
        (2, "consent", "not-a-date"),
        (2, "email", "not-an-address"),
        (2, "name", "empty"),
        (5, "", "cells"),
        (6, "mrn", "empty"),
        (7, "mrn", "doubled-mrn"),
    ]
    with pytest.raises(InvalidDataError, match=r"^4 lines cannot be used; nothing was written"):
        parse(*lines)
    with pytest.raises(InvalidDataError, match=r"^1 line cannot be used"):
        parse("mrn,name", "M1,")


def test_no_error_of_a_line_tells_what_a_cell_holds() -> None:
    found = errors_of(HEADER, "Secret1,,Secret2,Secret3,Secret4,Secret5,Secret6", "Secret1,x,,,,,")
    assert len(found) == 6
    assert not any("Secret" in e.message for e in found)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("name,phone", ["mrn"]),
        ("mrn,phone", ["name"]),
        ("mrn,given", ["name"]),
        ("phone", ["mrn", "name"]),
    ],
)
def test_missing_columns_are_named_on_the_line_of_the_header(header: str, columns: list[str]) -> None:
    found = errors_of("", header, *["x,y"] * 2)
    assert [(e.line, e.column) for e in found if e.rule == "missing-column"] == [(2, name) for name in columns]


def test_unknown_columns_are_refused_by_name_unless_they_are_ignored() -> None:
    lines = ["mrn,name,birthdate,consent", "M1,Ana,1990,2026-11-16"]
    assert errors_of(*lines) == [
        LineError(1, "birthdate", "unknown-column", "unknown column 'birthdate'; did you mean birth_date?")
    ]
    assert parse(*lines, ignore_unknown=True) == [PatientRow(2, "M1", "Ana", "", "", "", {"consent": "2026-11-16"})]


def test_ignored_columns_may_be_nameless_or_stand_twice_but_known_ones_may_not() -> None:
    assert [p.mrn for p in parse("mrn,x,,x,name", "M1,1,2,3,Ana", ignore_unknown=True)] == ["M1"]
    with pytest.raises(InvalidDataError) as caught:
        parse("mrn,name,name", "M1,Ana,Ben", ignore_unknown=True)
    assert [(e.column, e.rule) for e in caught.value.errors] == [("name", "doubled-column")]


def test_an_export_of_nobody_is_a_header() -> None:
    assert patients_csv([], ["consent"]) == "mrn,name,birth_date,phone,email,consent\r\n"


def test_an_export_runs_nowhere_and_keeps_phones_readable() -> None:
    person = Patient("P1", "M1", '=HYPERLINK("x")', phone="+1 207 555 1000", requirements=(("labs", "2026-11-16"),))
    assert patients_csv([person], ["consent", "labs"]) == (
        'mrn,name,birth_date,phone,email,consent,labs\r\nM1,"\'=HYPERLINK(""x"")",,+1 207 555 1000,,,2026-11-16\r\n'
    )


CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("'=+-@\t \",;\n\u202e\u0301＝")
TEXTS = st.text(CHARACTERS, max_size=20).map(clean)
DAYS = st.dates(FIRST_DATE, LAST_DATE).map(str)
PATIENTS = st.builds(
    Patient,
    id=st.just("P1"),
    mrn=TEXTS.filter(lambda t: bool(t) and t.isprintable()),
    name=TEXTS.filter(bool),
    birth_date=st.just("") | DAYS,
    phone=TEXTS,
    email=st.just("")
    | TEXTS.map(lambda t: "".join(c for c in t if c.isprintable() and c not in " @") + "x@example.org"),
    status=st.just("active"),
    requirements=st.dictionaries(st.sampled_from(REQUIREMENTS), DAYS).map(lambda d: tuple(sorted(d.items()))),
)


@given(st.lists(PATIENTS, max_size=4, unique_by=lambda p: p.mrn))
def test_everybody_comes_back_whole_from_an_export(people: list[Patient]) -> None:
    text = patients_csv(people, REQUIREMENTS)
    again = parse_patients(text.encode(), requirements=REQUIREMENTS)
    assert [
        Patient("P1", p.mrn, p.name, p.birth_date, p.phone, p.email, requirements=tuple(sorted(p.requirements.items())))
        for p in again
    ] == people


def test_the_longest_texts_come_back_whole() -> None:
    long = Patient("P1", "=" * LONGEST, "'" * LONGEST, phone="@" * LONGEST, email="-" * (LONGEST - 2) + "@x")
    (again,) = parse_patients(patients_csv([long], []).encode(), requirements=[])
    assert (again.mrn, again.name, again.phone, again.email) == (long.mrn, long.name, long.phone, long.email)
