"""A visit as a resource of a shared calendar: every octet, and read back from whatever a server makes of it."""

from __future__ import annotations

import random

import pytest
import vobject
from calendar_files import at, clinic, visit
from formats.test_ics_octets import ENOUGH, HOSTILE, broken_rules
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain.clinic import Chair
from infusion_cli.domain.shared_calendar import Held
from infusion_cli.formats.busy import uid_of
from infusion_cli.formats.caldav_event import Events

KEY = "k" * 64
CLINIC = clinic(chairs=(Chair("chair-secret", "Window"),))
EVENTS = Events(CLINIC, "chair", "chair-secret", KEY)


def found(octets: bytes | str, of: Events = EVENTS) -> object:
    """What is read of a resource: its event, `broken` when it is ours and cannot be read, `foreign` when not ours."""
    data = octets.decode() if isinstance(octets, bytes) else octets
    held = of.held("/a.ics", '"1"', data)
    assert not any(one.is_shared for one in held)
    return held[0].event or "broken" if held else "foreign"


def test_a_resource_in_full() -> None:
    assert EVENTS.octets(visit()).decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Northgate Clinic//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:STANDARD",
        "DTSTART:19701101T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0500",
        "TZNAME:EST",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:19700308T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "TZNAME:EDT",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"UID:{EVENTS.uid(visit())}",
        "DTSTAMP:20261123T000000Z",
        "LAST-MODIFIED:20261123T000000Z",
        "SEQUENCE:0",
        "DTSTART;TZID=America/New_York:20261201T090000",
        "DTEND;TZID=America/New_York:20261201T103000",
        "SUMMARY:Busy – Window",
        "CLASS:CONFIDENTIAL",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_a_uid_is_opaque_and_of_this_book_and_subject_alone() -> None:
    uid = EVENTS.uid(visit())
    others = [
        Events(CLINIC, "chair", "chair-secret", "l" * 64),
        Events(CLINIC, "staff", "chair-secret", KEY),
        Events(CLINIC, "chair", "other", KEY),
        Events(CLINIC, "clinic", "", KEY),
    ]
    assert len({uid, uid_of(visit(), KEY), visit().uid, *(o.uid(visit()) for o in others)}) == 7
    assert found(EVENTS.octets(visit())) == EVENTS.event(visit())
    assert {found(o.octets(visit())) for o in others} == {"foreign"}
    assert all(found(EVENTS.octets(visit()), of=o) == "foreign" for o in others)
    assert EVENTS.uid(visit(status="cancelled", start=at("2027-01-01T09:00-05:00"), sequence=4)) == uid


@pytest.mark.parametrize("place", range(48))
def test_a_uid_with_one_digit_changed_is_not_ours(place: int) -> None:
    octets, uid = EVENTS.octets(visit()).decode(), EVENTS.uid(visit())
    other = uid[:place] + ("0" if uid[place] != "0" else "1") + uid[place + 1 :]
    assert found(octets.replace(uid, other)) == "foreign"


def test_no_word_of_scheduling_is_in_it() -> None:
    octets = EVENTS.octets(visit())
    assert not any(word in octets for word in (b"METHOD", b"ORGANIZER", b"ATTENDEE", b"mailto"))


@ENOUGH
@given(HOSTILE)
def test_a_hostile_chair_breaks_no_rule_and_is_read_back_as_it_was_written(name: str) -> None:
    events = Events(clinic(chairs=(Chair("chair-secret", name),), public_name=name), "clinic", "", KEY)
    octets = events.octets(visit())
    assert broken_rules(octets) == []
    assert found(octets, of=events) == events.event(visit())
    assert octets.count(b"BEGIN:VEVENT") == 1


@ENOUGH
@given(st.integers(at("2026-01-01T00:00+00:00") // 900, at("2031-01-01T00:00+00:00") // 900))
@pytest.mark.parametrize("timezone", ["America/New_York", "Africa/Casablanca", "Pacific/Chatham", "UTC"])
def test_every_instant_is_read_back(timezone: str, quarter: int) -> None:
    events = Events(clinic(timezone=timezone), "clinic", "", KEY)
    one = visit(start=quarter * 900)
    assert found(events.octets(one), of=events) == events.event(one)


def test_a_time_that_the_clock_shows_twice_is_in_utc_without_a_zone() -> None:
    octets = EVENTS.octets(visit(start="2027-11-07T01:30-05:00"))
    assert b"TZID" not in octets
    assert b"DTSTART:20271107T063000Z\r\n" in octets


# What servers and people make of it.


def lines(octets: bytes) -> list[str]:
    return octets.decode().replace("\r\n ", "").split("\r\n")


@ENOUGH
@given(st.randoms(use_true_random=False))
def test_the_order_of_properties_means_nothing(chance: random.Random) -> None:
    text = lines(EVENTS.octets(visit()))
    first, last = text.index("BEGIN:VEVENT") + 1, text.index("END:VEVENT")
    inner = text[first:last]
    chance.shuffle(inner)
    assert found("\n".join([*text[:first], *inner, *text[last:]])) == EVENTS.event(visit())


def test_what_vobject_makes_of_it_means_the_same() -> None:
    for one in (visit(), visit(start="2026-07-01T09:00-04:00", status="pending", sequence=7)):
        assert found(vobject.readOne(EVENTS.octets(one).decode()).serialize()) == EVENTS.event(one)


SAME = [
    ("BEGIN:VEVENT", "BEGIN:VEVENT\r\nX-MOZ-GENERATION:3\r\nCREATED:20261201T000000Z"),
    ("DTSTAMP:20261123T000000Z", "DTSTAMP:20261201T000000Z"),
    ("LAST-MODIFIED:20261123T000000Z\r\n", ""),
    ("SEQUENCE:0\r\n", ""),
    ("TRANSP:OPAQUE\r\n", ""),
    ("DTSTART;TZID=America/New_York:20261201T090000", "DTSTART:20261201T140000Z"),
    ("DTEND;TZID=America/New_York:20261201T103000", "DURATION:PT90M"),
    ("DTEND;TZID=America/New_York:20261201T103000", "DTEND;TZID=Europe/Berlin:20261201T163000"),
    ("SUMMARY:Busy – Window", "SUMMARY;LANGUAGE=en:Busy – \r\n Window"),
    ("STATUS:CONFIRMED", "status:confirmed"),
    ("TRANSP:OPAQUE", "TRANSP:OPAQUE\r\nPRIORITY:5\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY"),
    ("TRANSP:OPAQUE", "TRANSP:OPAQUE\r\nDESCRIPTION:\r\nLOCATION:\r\nCATEGORIES:"),
    ("CALSCALE:GREGORIAN", "CALSCALE:GREGORIAN\r\nX-WR-CALNAME:Nurses"),
    ("END:VEVENT", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_what_means_the_same_is_the_same(old: str, new: str) -> None:
    text = EVENTS.octets(visit()).decode()
    assert old in text
    assert found(text.replace(old, new)) == EVENTS.event(visit())


OTHER = [
    ("SEQUENCE:0", "SEQUENCE:1"),
    ("CLASS:CONFIDENTIAL\r\n", ""),
    ("STATUS:CONFIRMED\r\n", ""),
    ("SUMMARY:Busy – Window\r\n", ""),
    *(
        ("TRANSP:OPAQUE", f"TRANSP:OPAQUE\r\n{line}")
        for line in (
            *("DESCRIPTION:Yara", "LOCATION:Yara", "COMMENT:Yara", "CONTACT:Yara", "CATEGORIES:Yara", "RESOURCES:Yara"),
            *("ATTACH:https://example.com/yara", "URL:https://example.com/yara", "CONFERENCE:https://example.com/yara"),
            *("ATTENDEE:mailto:yara@example.com", "ATTENDEE:mailto:a@b.example\r\nATTENDEE:mailto:c@b.example"),
            *("ORGANIZER:mailto:yara@example.com", "REQUEST-STATUS:2.0;Yara", "RELATED-TO:yara", "COLOR:yara"),
            *("GEO:52.1;13.2", "GEO:Yara", "PRIORITY:Yara", "IMAGE;VALUE=URI:https://example.com/yara", "YARA:1"),
            *(
                "X-ALT-DESC:Yara",
                "X-APPLE-STRUCTURED-LOCATION:geo:1,2",
                "Yara",
                "description:Yara",
                "STYLED-DESCRIPTION:Y",
            ),
        )
    ),
    ("CALSCALE:GREGORIAN", "CALSCALE:GREGORIAN\r\nDESCRIPTION:Yara"),
    ("CALSCALE:GREGORIAN", "CALSCALE:GREGORIAN\r\nMETHOD:REQUEST"),
    ("END:VEVENT", "BEGIN:PARTICIPANT\r\nUID:1\r\nSUMMARY:Yara\r\nEND:PARTICIPANT\r\nEND:VEVENT"),
    ("END:VEVENT", "BEGIN:VEVENT\r\nSUMMARY:Yara\r\nEND:VEVENT\r\nEND:VEVENT"),
    ("END:VEVENT", "BEGIN:VALARM\r\nACTION:EMAIL\r\nATTENDEE:mailto:y@example.com\r\nEND:VALARM\r\nEND:VEVENT"),
    ("T103000", "T103001"),
]
BROKEN = [
    ("SEQUENCE:0", "SEQUENCE:one"),
    ("DTSTART;TZID=America/New_York:20261201T090000", "DTSTART:20261201T090000"),
    ("DTSTART;TZID=America/New_York:20261201T090000", "DTSTART;VALUE=DATE:20261201"),
    ("DTSTART;TZID=America/New_York:20261201T090000", "DTSTART:zirkon"),
    ("DTSTART;TZID=America/New_York:20261201T090000\r\n", ""),
    ("TRANSP:OPAQUE", "RRULE:FREQ=DAILY"),
    ("TRANSP:OPAQUE", "RDATE:20270101T140000Z"),
    ("TRANSP:OPAQUE", "EXDATE:20261201T140000Z"),
    ("TRANSP:OPAQUE", "DTSTART:20261201T140000Z"),
    ("END:VCALENDAR\r\n", ""),
    ("END:VEVENT\r\n", ""),
    ("VEVENT", "VTODO"),
]


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_what_means_something_else_is_another(old: str, new: str) -> None:
    text = EVENTS.octets(visit()).decode()
    assert old in text
    read = found(text.replace(old, new))
    assert read not in {EVENTS.event(visit()), "foreign", "broken"}


@pytest.mark.parametrize(("old", "new"), BROKEN)
def test_what_is_no_single_entry_at_one_time_is_broken(old: str, new: str) -> None:
    text = EVENTS.octets(visit()).decode()
    assert old in text
    assert found(text.replace(old, new)) == "broken"


def twice(*changes: tuple[str, str]) -> str:
    """A resource with the entry in it once more, and that changed."""
    text = EVENTS.octets(visit()).decode()
    event = text[text.index("BEGIN:VEVENT") : text.index("END:VCALENDAR")]
    again = event
    for old, new in changes:
        assert old in event
        again = again.replace(old, new)
    return text.replace(event, again + event)


def test_an_entry_with_an_exception_of_its_own_is_broken() -> None:
    assert found(twice(("SEQUENCE:0", "RECURRENCE-ID:20261201T140000Z"))) == "broken"
    assert found(twice(("VEVENT", "VTODO"), ("Busy", "Yara"))) == "broken"


@pytest.mark.parametrize(
    "changes",
    [
        ((EVENTS.uid(visit()), "tea@kitchen.example"), ("Busy", "Yara")),
        ((f"UID:{EVENTS.uid(visit())}\r\n", ""),),
        (("VEVENT", "VTODO"), (EVENTS.uid(visit()), "tea@kitchen.example")),
    ],
)
def test_an_entry_beside_a_strangers_is_known_and_read_alone(changes: tuple[tuple[str, str], ...]) -> None:
    (held,) = EVENTS.held("/a.ics", '"1"', twice(*changes))
    assert held == Held("/a.ics", '"1"', EVENTS.uid(visit()), EVENTS.event(visit()), is_shared=True)


def test_two_entries_of_ours_are_one_that_is_broken_and_each_is_known_beside_a_strangers() -> None:
    other = EVENTS.uid(visit(uid="another"))
    text = twice((EVENTS.uid(visit()), other))
    (held,) = EVENTS.held("/a.ics", '"1"', text)
    assert held.uid in {EVENTS.uid(visit()), other}
    tea = twice((EVENTS.uid(visit()), "tea@kitchen.example"))
    both = tea.replace("END:VCALENDAR", text[text.index("BEGIN:VEVENT") :])
    seen = EVENTS.held("/a.ics", '"1"', both)
    assert [one.uid for one in seen] == sorted([EVENTS.uid(visit()), other])
    assert all(one.is_shared for one in seen)


@ENOUGH
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda o: o.decode("latin-1")), st.integers(0, 5000))
def test_nothing_at_all_is_believed(rubbish: str, place: int) -> None:
    assert found(rubbish) == "foreign"
    text = EVENTS.octets(visit()).decode()
    cut = place % len(text)
    assert all(one.uid == EVENTS.uid(visit()) for one in EVENTS.held("/a.ics", "", text[:cut] + rubbish + text[cut:]))
