"""The words that leave the clinic: neutral ones in four languages, unless its file has others.

None of them says what a visit is for; of a visit they know the time, of the clinic its public name.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from infusion_cli.domain.clinic import Clinic, Words

_ENGLISH = Words(
    title="Appointment",
    questions="Questions",
    subject="Your appointment",
    opening="This is your appointment:",
    replaces="It replaces anything you heard from us about this appointment before.",
    cancel_subject="Your appointment is cancelled",
    cancel_opening="This appointment no longer stands:",
    reference="Reference",
    busy="Busy",
    chair="Chair",
    staff="Staff",
)
_LANGUAGES: dict[str, Words] = {
    "en": _ENGLISH,
    "de": Words(
        title="Termin",
        questions="Fragen",
        subject="Ihr Termin",
        opening="Das ist Ihr Termin:",
        replaces="Das ersetzt alles, was Sie bisher von uns über diesen Termin gehört haben.",
        cancel_subject="Ihr Termin entfällt",
        cancel_opening="Dieser Termin gilt nicht mehr:",
        reference="Kennzeichen",
        busy="Belegt",
        chair="Platz",
        staff="Team",
    ),
    "es": Words(
        title="Cita",
        questions="Preguntas",
        subject="Su cita",
        opening="Esta es su cita:",
        replaces="Sustituye a todo lo que le hayamos dicho antes sobre esta cita.",
        cancel_subject="Su cita queda cancelada",
        cancel_opening="Esta cita ya no es válida:",
        reference="Referencia",
        busy="Ocupado",
        chair="Sillón",
        staff="Personal",
    ),
    "fr": Words(
        title="Rendez-vous",
        questions="Questions",
        subject="Votre rendez-vous",
        opening="Voici votre rendez-vous :",
        replaces="Ceci remplace tout ce que nous vous avons dit auparavant de ce rendez-vous.",
        cancel_subject="Votre rendez-vous est annulé",
        cancel_opening="Ce rendez-vous ne tient plus :",
        reference="Référence",
        busy="Occupé",
        chair="Fauteuil",
        staff="Équipe",
    ),
}


class _Calendar(NamedTuple):
    """How a language writes a date; `form` takes `day`, `month`, `year` and `weekday`."""

    form: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]


_CALENDARS: dict[str, _Calendar] = {
    "en": _Calendar(
        "{weekday}, {day} {month} {year}",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        (
            *("January", "February", "March", "April", "May", "June"),
            *("July", "August", "September", "October", "November", "December"),
        ),
    ),
    "de": _Calendar(
        "{weekday}, {day}. {month} {year}",
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        (
            *("Januar", "Februar", "März", "April", "Mai", "Juni"),
            *("Juli", "August", "September", "Oktober", "November", "Dezember"),
        ),
    ),
    "es": _Calendar(
        "{weekday}, {day} de {month} de {year}",
        ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
        (
            *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
            *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
        ),
    ),
    "fr": _Calendar(
        "{weekday} {day} {month} {year}",
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        (
            *("janvier", "février", "mars", "avril", "mai", "juin"),
            *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
        ),
    ),
}


class Told(NamedTuple):
    """What a calendar file of a visit says beside its time: a change of it is news for the patient."""

    organizer: str
    name: str
    address: str
    phone: str
    title: str
    questions: str
    alarm: str
    language: str


def words_of(clinic: Clinic) -> Words:
    """All words of the clinic: its own, else those of its language, else English ones."""
    ready = _LANGUAGES.get(_spoken(clinic), _ENGLISH)
    return Words(*(own or given for own, given in zip(clinic.words, ready, strict=True)))


def missing_words(clinic: Clinic) -> tuple[str, ...]:
    """The words that would be English in a clinic of another language."""
    if _spoken(clinic) in _LANGUAGES:
        return ()
    named = zip(Words._fields, clinic.words, _ENGLISH, strict=True)
    return tuple(name for name, own, english in named if english and not own)


def title_of(clinic: Clinic, protocol_id: str) -> str:
    """The summary of a visit: the protocol's public title, or the clinic's word for any visit."""
    protocol = clinic.protocol(protocol_id)
    return (protocol.public_title if protocol else "") or words_of(clinic).title


def alarm_of(clinic: Clinic, protocol_id: str) -> str:
    """The words of a reminder: the clinic's own, or the visit's summary."""
    return clinic.words.alarm or title_of(clinic, protocol_id)


def told_of(clinic: Clinic, protocol_id: str) -> Told:
    """What the calendar file of a visit of that protocol says beside its time."""
    return Told(
        clinic.email,
        clinic.public_name,
        clinic.address,
        clinic.phone,
        title_of(clinic, protocol_id),
        words_of(clinic).questions,
        alarm_of(clinic, protocol_id),
        clinic.language,
    )


def date_text(clinic: Clinic, day: date) -> str:
    """The date in the clinic's language, as YYYY-MM-DD in one that has no words here."""
    calendar = _CALENDARS.get(_spoken(clinic))
    if calendar is None:
        return day.isoformat()
    weekday, month = calendar.weekdays[day.weekday()], calendar.months[day.month - 1]
    return calendar.form.format(weekday=weekday, day=day.day, month=month, year=day.year)


def _spoken(clinic: Clinic) -> str:
    """The language without region and script: `de` of `de-AT`."""
    return clinic.language.partition("-")[0].casefold() or "en"
