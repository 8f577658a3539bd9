"""The words that leave the clinic: in its language, its own where it has them, and telling nobody what for."""

from __future__ import annotations

from datetime import date

import pytest
from calendar_files import MOOD, TALK, clinic

from infusion_cli.domain.clinic import Words
from infusion_cli.domain.wording import (
    alarm_of,
    date_text,
    missing_words,
    title_of,
    told_of,
    words_of,
)
from infusion_cli.formats.clinic_checks import warnings

LANGUAGES = ("en", "de", "es", "fr")
OWN = Words(*(f"own {name}" for name in Words._fields))


@pytest.mark.parametrize(
    ("language", "title", "day"),
    [
        ("", "Appointment", "Tuesday, 1 December 2026"),
        ("en", "Appointment", "Tuesday, 1 December 2026"),
        ("EN-gb", "Appointment", "Tuesday, 1 December 2026"),
        ("de-AT", "Termin", "Dienstag, 1. Dezember 2026"),
        ("es", "Cita", "martes, 1 de diciembre de 2026"),
        ("fr-CA", "Rendez-vous", "mardi 1 décembre 2026"),
        ("pt-BR", "Appointment", "2026-12-01"),
    ],
)
def test_words_and_dates_are_in_the_clinics_language(language: str, title: str, day: str) -> None:
    of = clinic(language=language)
    assert words_of(of).title == title_of(of, MOOD.id) == title
    assert date_text(of, date(2026, 12, 1)) == day


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_own_word_for_everything_and_names_for_all_days(language: str) -> None:
    of = clinic(language=language)
    assert all(words_of(of)._replace(alarm="x"))
    assert missing_words(of) == ()
    written = {date_text(of, date(2026, month, day)) for month in range(1, 13) for day in range(1, 29)}
    assert len(written) == 12 * 28
    assert not any("{" in text for text in written)
    assert [w for w in warnings(of) if "word" in w] == []


def test_the_clinics_own_words_go_before_those_of_the_language() -> None:
    of = clinic(language="de", words=Words(subject="Post von uns"))
    assert words_of(of) == words_of(clinic(language="de"))._replace(subject="Post von uns")
    assert words_of(clinic(words=OWN)) == OWN


def test_a_language_without_words_here_asks_for_the_missing_ones() -> None:
    partly = clinic(language="pt", words=Words(title="Consulta", questions="Perguntas"))
    assert missing_words(partly) == tuple(n for n in Words._fields if n not in {"title", "alarm", "questions"})
    assert any("in pt have English words" in w and "cancel_opening" in w for w in warnings(partly))
    assert missing_words(clinic(language="pt", words=OWN)) == ()


@pytest.mark.parametrize("name", Words._fields)
def test_a_word_that_tells_what_the_visit_is_for_is_warned_of(name: str) -> None:
    telling = [
        w for w in warnings(clinic(words=Words(**{name: "Your ketamine day"}))) if w.startswith(f"words.{name} ")
    ]
    assert len(telling) == 1
    assert [w for w in warnings(clinic(words=OWN)) if w.startswith("words.")] == []


def test_a_reminder_says_the_visits_title_unless_the_clinic_has_words_for_it() -> None:
    assert (alarm_of(clinic(), TALK.id), alarm_of(clinic(), MOOD.id)) == (TALK.public_title, "Appointment")
    assert alarm_of(clinic(words=Words(alarm="Tomorrow")), TALK.id) == "Tomorrow"


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "elsewhere"},
        {"phone": "0"},
        {"email": "new@northgate.example"},
        {"public_name": "Southgate"},
        {"language": "de"},
        {"words": Words(title="Visit")},
        {"words": Words(alarm="Tomorrow")},
        {"words": Words(questions="Ask")},
    ],
)
def test_whatever_a_calendar_entry_says_of_the_clinic_is_news(changes: dict[str, object]) -> None:
    assert told_of(clinic(**changes), MOOD.id) != told_of(clinic(), MOOD.id)


@pytest.mark.parametrize("changes", [{"name": "Other"}, {"grid": 5}, {"words": Words(subject="Hello")}])
def test_what_stands_in_no_calendar_entry_is_no_news(changes: dict[str, object]) -> None:
    assert told_of(clinic(**changes), MOOD.id) == told_of(clinic(), MOOD.id)


def test_a_public_title_is_news_for_visits_of_its_protocol_only() -> None:
    renamed = clinic(protocols=(MOOD, TALK._replace(public_title="Talk")))
    assert told_of(renamed, TALK.id) != told_of(clinic(), TALK.id)
    assert told_of(renamed, MOOD.id) == told_of(clinic(), MOOD.id)
