"""A shared calendar on a server shows what the book says, whoever else is at it and whatever breaks off."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from calendar_servers import NEIGHBOUR, SERVERS, TEA, Entry, Shelf, radicale, xandikos
from cli.desk import BEN, FIRST_VISITS, PROGRAM, YARA, Desk
from wire import Cut, Said, Seen, Wire

from infusion_cli.domain import ids
from infusion_cli.domain.clinic_time import DAY, from_iso
from infusion_cli.store.repository import open_store

ONE, TWO, THREE, _ = FIRST_VISITS
COURSE = tuple(ids.encode("appointment", number) for number in range(6))
NAMES = {"chair-1": "Window", "chair-2": "Garden", "chair-3": "Quiet room", "chair-4": "Corner"}
NOTHING = {"created": [], "changed": [], "removed": [], "unchanged": 0, "stuck": [], "stopped": None}


class Ward:
    """A desk, a server with a shared calendar, and what the calendar should say."""

    def __init__(self, desk: Desk, shelf: Shelf) -> None:
        self.desk = desk
        self.shelf = shelf
        desk.setenv(**shelf.environment())

    def push(self, *words: str, status: int = 0) -> dict[str, Any]:
        """One run; what it says of itself, without whom it is for."""
        answer = self.desk.type("ical", "push", *(words or ("--clinic",)), "--json")
        assert (answer.status, answer.err) == (status, ""), answer
        return {key: value for key, value in answer.data.items() if key in NOTHING}

    def book(self, chair: str = "") -> list[Entry]:
        """What the calendar should say: the visits that stand, by start."""
        with open_store(self.desk.book) as store, store.reading(0) as reader:
            stamps = {v.id: v.stamp for v in reader.load(0, 1 << 33).appointments.values()}
            chairs = {c.id: c.name for c in reader.clinic.chairs}
        visits = self.desk.json("list", "--from", "2026-11-16", "--to", "2027-12-01")
        standing = [v for v in visits if v["status"] not in {"cancelled", "noshow", "entered-in-error"}]
        return [
            Entry(
                from_iso(v["start"]),
                from_iso(v["end"]),
                f"Busy – {chairs[v['chair']]}",
                "",
                "TENTATIVE" if v["status"] == "pending" else "CONFIRMED",
                v["sequence"],
                stamps[v["id"]] // DAY * DAY,
            )
            for v in standing
            if chair in {"", v["chair"]}
        ]

    def shown(self) -> list[Entry]:
        """What the calendar says, by start."""
        return sorted(self.shelf.entries().values())

    def name_of(self, visit: str) -> str:
        """How the visit's entry is called."""
        start = from_iso(self.desk.json("show", visit)["start"])
        (found,) = [name for name, entry in self.shelf.entries().items() if entry.start == start]
        return found


@pytest.fixture(params=SERVERS)
def ward(request: pytest.FixtureRequest, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A clinic and a server of either kind."""
    with SERVERS[request.param](tmp_path_factory.mktemp("server")) as shelf:
        shelf.make()
        yield Ward(desk, shelf)


@pytest.fixture
def one(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A clinic and Radicale."""
    with radicale(tmp_path_factory.mktemp("server")) as shelf:
        shelf.make()
        yield Ward(desk, shelf)


@pytest.fixture
def lax(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A clinic and Xandikos, which takes several UIDs at one address."""
    with xandikos(tmp_path_factory.mktemp("server")) as shelf:
        shelf.make()
        yield Ward(desk, shelf)


LIFE: list[tuple[tuple[str, ...], dict[str, list[str]]]] = [
    (("book", YARA, "iv-mood", "2026-12-01T08:00", "--hold", "2h"), {"created": [ONE]}),
    (("confirm", ONE), {"changed": [ONE]}),
    (("move", ONE, "2026-12-02T10:00"), {"changed": [ONE]}),
    (("move", ONE, "2026-12-01T08:00"), {"changed": [ONE]}),
    (("move", ONE, "2026-12-01T08:00", "--chair", "chair-1"), {"changed": [ONE]}),
    (("confirm", ONE, "--ride", "sister"), {}),
    (("book", BEN, "iv-mood", "2027-06-01T08:00"), {"created": [TWO]}),
    (("cancel", ONE, "--reason", "cold", "--yes"), {"removed": [ONE]}),
    (("undo", "--yes"), {"created": [ONE]}),
    (("undo", "--yes"), {"removed": [TWO]}),
]


def test_the_life_of_a_visit_is_the_life_of_its_entry(ward: Ward) -> None:
    for minute, (words, done) in enumerate(LIFE):
        ward.desk.at(f"2026-11-23T09:{minute:02}")
        ward.desk.say(*words)
        unchanged = len(ward.book()) - len([*done.get("created", []), *done.get("changed", [])])
        assert ward.push() == NOTHING | done | {"unchanged": unchanged}, words
        assert ward.shown() == ward.book(), words
        assert ward.push() == NOTHING | {"unchanged": len(ward.book())}, words
    assert len(ward.shown()) == 1


def test_an_entry_keeps_its_name_as_long_as_the_visit_lives(ward: Ward) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    before = ward.shelf.names()
    ward.desk.say("move", ONE, "2026-12-02T10:00")
    ward.push()
    assert ward.shelf.names() == before


def test_chairs_and_staff_share_a_calendar_without_touching_each_other(ward: Ward) -> None:
    desk = ward.desk
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")  # in the quiet room
    desk.say("book", BEN, "iv-mood", "2026-12-01T12:00", "--chair", "garden")
    assert len(ward.push("--chair", "quiet room")["created"]) == 6
    assert len(ward.push("--chair", "garden")["created"]) == 1
    assert ward.shown() == ward.book()
    staff = ward.push("--staff", "dr-lindqvist")
    assert (len(staff["created"]), staff["unchanged"]) == (7, 0)
    assert len(ward.shown()) == 14
    first = COURSE[0]
    desk.say("move", first, "2026-12-01T08:00", "--chair", "window")
    assert ward.push("--chair", "quiet room") == NOTHING | {"removed": [first], "unchanged": 5}
    assert ward.push("--chair", "window") == NOTHING | {"created": [first]}
    assert ward.push("--chair", "garden") == NOTHING | {"unchanged": 1}
    assert ward.push("--staff", "dr-lindqvist") == NOTHING | {"changed": [first], "unchanged": 6}
    assert len(ward.shown()) == 14


def without_chair(text: str, chair: str) -> str:
    """A clinic's file without a chair."""
    head, *chairs = text.split("[[chairs]]")
    last, end = chairs[-1].split("\n\n", 1)
    kept = [c for c in [*chairs[:-1], f"{last}\n\n"] if f'id = "{chair}"' not in c]
    return "[[chairs]]".join([head, *kept]) + end


def test_a_chair_that_the_clinic_gave_away_leaves_nothing_behind(ward: Ward) -> None:
    desk = ward.desk
    desk.say("book", YARA, "iv-mood", "2026-11-23T09:00", "--chair", "chair-3")
    desk.say("book", BEN, "iv-mood", "2026-12-01T08:00", "--chair", "chair-3")
    ward.push("--chair", "chair-3")
    desk.at("2026-12-08T08:00")
    desk.say("book", BEN, "iv-mood", "2026-12-15T08:00", "--chair", "chair-3")
    desk.say("book", YARA, "iv-mood", "2026-12-15T12:00", "--chair", "window")
    ward.push("--chair", "chair-3")
    ward.push("--chair", "window")
    desk.say("move", THREE, "2026-12-15T08:00", "--chair", "window")
    before = ward.shelf.entries()
    desk.say("clinic", "apply", desk.file("c.toml", without_chair(desk.say("clinic", "show"), "chair-3")), "--yes")
    assert desk.refused(3, "ical", "push", "--chair", "quiet room")["code"] == "not-found"
    for words in (("--dry-run",), ()):
        assert ward.shelf.entries() == before
        done = ward.push("--chair", "chair-3", *words)
        assert done | {"removed": set(done["removed"])} == NOTHING | {"removed": {TWO, THREE}}
    ward.push("--chair", "window")
    starts = [v["start"] for v in desk.json("list", "--from", "2026-12-10", "--to", "2027-01-01")]
    assert [e.start for e in ward.shown()] == [from_iso("2026-11-23T09:00:00-05:00"), *map(from_iso, starts)]
    assert desk.refused(3, "ical", "push", "--chair", "chair-3")["code"] == "not-found"


def test_a_person_who_left_leaves_nothing_behind(one: Ward) -> None:
    desk = one.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    assert len(one.push("--staff", "rn-bell")["created"]) == 1
    text = desk.say("clinic", "show").replace('id = "rn-bell"', 'id = "rn-gong"')
    desk.say("clinic", "apply", desk.file("c.toml", text), "--yes")
    assert one.push("--staff", "rn-bell") == NOTHING | {"removed": [ONE]}
    assert one.shown() == []
    assert desk.refused(3, "ical", "push", "--staff", "rn-bell")["message"] == "There is no member of staff 'rn-bell'."


def test_what_was_pushed_by_mistake_is_taken_out_again_however_old_it_is(one: Ward) -> None:
    one.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    for words in (("--clinic",), ("--staff", "rn-bell"), ("--chair", "chair-3")):
        one.push(*words)
    before = one.shelf.entries()
    one.desk.at("2027-01-20T08:00")
    dry = one.push("--clinic", "--remove", "--dry-run")
    assert one.shelf.entries() == before
    done = one.push("--clinic", "--remove")
    assert done == dry
    assert (len(done["removed"]), done["created"], done["changed"], done["unchanged"]) == (6, [], [], 0)
    assert len(one.shelf.entries()) == len(before) - 6
    assert one.push("--clinic", "--remove") == NOTHING
    one.push("--staff", "rn-bell", "--remove")
    one.push("--chair", "chair-3", "--remove")
    assert one.shelf.entries() == {}


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
@pytest.mark.parametrize("name", ["chair-33", "Chair-3 ", "x\udcff", "\u202echair-3\x1b[2J"])
def test_a_chair_of_which_nobody_knows_is_no_success(one: Ward, name: str, words: tuple[str, ...]) -> None:
    desk = one.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00", "--chair", "chair-4")
    one.push("--chair", "chair-4")
    text = without_chair(desk.say("clinic", "show"), "chair-3")
    desk.say("clinic", "apply", desk.file("c.toml", text), "--yes")
    assert desk.refused(3, "ical", "push", "--chair", name, *words)["code"] == "not-found"
    assert len(one.shown()) == 1


def test_the_past_stays_as_it_was_and_last_week_is_still_true(ward: Ward) -> None:
    desk = ward.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    (before,) = ward.shown()
    desk.at("2026-12-08T08:30")  # a week after, while it lasted
    assert ward.push() == NOTHING | {"unchanged": 1}
    desk.at("2026-12-08T12:00")
    assert ward.push() == NOTHING
    desk.at("2026-12-20T08:00")
    desk.say("cancel", ONE, "--reason", "never came", "--yes")
    assert ward.push() == NOTHING
    assert ward.shown() == [before]


def test_a_hold_that_ran_out_leaves_the_calendar(ward: Ward) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00", "--hold", "2h")
    assert ward.push() == NOTHING | {"created": [ONE]}
    ward.desk.at("2026-11-23T11:00")
    assert ward.push() == NOTHING | {"removed": [ONE]}
    assert ward.shown() == []


def test_what_a_rehearsal_says_is_what_a_run_does(ward: Ward) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    before = ward.shelf.octets()
    said = ward.push("--clinic", "--dry-run")
    assert ward.shelf.octets() == before
    assert ward.push() == said == NOTHING | {"created": [ONE]}


def test_what_it_says_at_the_desk(one: Ward) -> None:
    desk = one.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    assert desk.type("ical", "push", "--clinic", "--dry-run").err == "Dry run: nothing was written.\n"
    assert desk.say("ical", "push", "--clinic") == (
        f"  + {ONE}  Tue 1 Dec 2026 08:00-09:45  Window\nThe clinic: 1 created, 0 changed, 0 removed, 0 as before.\n"
    ).replace("Window", NAMES[desk.json("show", ONE)["chair"]])
    assert desk.type("ical", "push", "--clinic", "--exit-code").status == 0
    desk.say("cancel", ONE, "--reason", "cold", "--yes")
    answer = desk.type("ical", "push", "--clinic", "--exit-code")
    assert answer.status == 5
    assert answer.out.startswith(f"  - {ONE}  Tue 1 Dec 2026 08:00-09:45")
    assert set(desk.json("ical", "push", "--chair", "window")) == {"kind", "subject", *NOTHING}


# Somebody else.


def edited(octets: bytes, old: bytes, new: bytes) -> bytes:
    """An entry after somebody was at it."""
    assert old in octets
    return octets.replace(old, new)


def to_the_past(octets: bytes) -> bytes:
    return edited(octets, b":20261201T", b":20250101T")


EDITS: dict[str, Callable[[bytes], bytes]] = {
    "time": lambda o: edited(o, b":20261201T08", b":20261201T07"),
    "words": lambda o: edited(o, b"SUMMARY:Busy", b"SUMMARY:Free"),
    "class": lambda o: edited(o, b"CLASS:CONFIDENTIAL", b"CLASS:PUBLIC"),
    "status": lambda o: edited(o, b"STATUS:CONFIRMED", b"STATUS:CANCELLED"),
    "transparent": lambda o: edited(o, b"TRANSP:OPAQUE", b"TRANSP:TRANSPARENT"),
    "sequence": lambda o: edited(o, b"SEQUENCE:0", b"SEQUENCE:9"),
    "patient": lambda o: edited(
        o, b"END:VEVENT", b"LOCATION:Yara\r\nORGANIZER:mailto:a@b.example\r\nATTENDEE:mailto:y@b.example\r\nEND:VEVENT"
    ),
    "every week": lambda o: edited(o, b"TRANSP:OPAQUE", b"RRULE:FREQ=WEEKLY\r\nTRANSP:OPAQUE"),
    "floating": lambda o: edited(o, b";TZID=America/New_York", b""),
    "to the past": to_the_past,
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_somebody_edited_is_mended_where_it_lies(ward: Ward, edit: str) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    name = ward.name_of(ONE)
    ward.shelf.write(name, EDITS[edit](ward.shelf.octets()[name]))
    assert ward.push() == NOTHING | {"changed": [ONE]}
    assert (ward.shelf.names(), ward.shown()) == (sorted([name, NEIGHBOUR]), ward.book())
    assert b"Yara" not in ward.shelf.octets()[name]
    assert ward.push() == NOTHING | {"unchanged": 1}


@pytest.mark.parametrize("edit", [None, "time", "to the past"])
def test_what_somebody_renamed_is_found_by_its_uid(ward: Ward, edit: str | None) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    name = ward.name_of(ONE)
    octets = ward.shelf.octets()[name]
    ward.shelf.remove(name)
    ward.shelf.write("renamed by a phone.ics".replace(" ", "%20"), EDITS[edit](octets) if edit else octets)
    done = {"changed": [ONE]} if edit else {"unchanged": 1}
    assert ward.push() == NOTHING | done
    assert len(ward.shelf.names()) == 2
    assert ward.shown() == ward.book()
    ward.desk.say("cancel", ONE, "--reason", "cold", "--yes")
    assert ward.push() == NOTHING | {"removed": [ONE]}
    assert ward.shelf.names() == [NEIGHBOUR]


def test_what_somebody_deleted_comes_back(ward: Ward) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    ward.shelf.remove(ward.name_of(ONE))
    assert ward.push() == NOTHING | {"created": [ONE]}
    assert ward.shown() == ward.book()


def test_an_entry_that_looks_like_ours_and_is_not_stays(ward: Ward) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    name = ward.name_of(ONE)
    octets = ward.shelf.octets()[name]
    ward.desk.say("cancel", ONE, "--reason", "cold", "--yes")
    ward.push()
    # Under our name with another's UID, and under a UID of our form without our mark.
    ward.shelf.write(name, TEA.replace(b"tea@", b"milk@"))
    forged = octets.replace(name[:8].encode(), b"00000000")
    ward.shelf.write("forged.ics", forged)
    before = ward.shelf.octets()
    assert ward.push() == NOTHING
    assert ward.shelf.octets() == before


def test_another_book_does_not_touch_what_this_one_wrote(one: Ward) -> None:
    desk = one.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    one.push()
    before = one.shelf.octets()
    text = desk.say("clinic", "show")
    desk.at("2026-11-23T09:30")
    desk.say("init", "--from", desk.file("c.toml", text), "--db", "other.sqlite3")
    assert desk.json("ical", "push", "--clinic", "--db", "other.sqlite3")["removed"] == []
    assert one.shelf.octets() == before


def test_an_entry_of_a_visit_that_a_restored_backup_does_not_have_goes_by_its_uid(one: Ward) -> None:
    shutil.copy(one.desk.book, "earlier.sqlite3")
    one.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    one.push()
    name = one.name_of(ONE)
    shutil.copy("earlier.sqlite3", one.desk.book)
    assert one.push() == NOTHING | {"removed": [name.removesuffix(".ics")]}
    assert one.shelf.names() == [NEIGHBOUR]


def at_first(method: str, work: Callable[[], None]) -> Callable[[Seen], None]:
    """The work, done when the first request with that method comes, before the server hears of it."""
    open_: list[Callable[[], None]] = [work]

    def turn(request: Seen) -> None:
        if request.method == method and open_:
            open_.pop()()

    return turn


def test_a_change_in_between_is_seen_and_decided_anew(ward: Ward) -> None:
    desk, shelf = ward.desk, ward.shelf
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    ward.push()
    name = ward.name_of(ONE)
    with Wire(shelf.url) as wire:
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        desk.say("move", ONE, "2026-12-02T10:00")
        wire.turn = at_first("PUT", lambda: shelf.write(name, EDITS["words"](shelf.octets()[name])))
        assert ward.push() == NOTHING | {"changed": [ONE]}
        assert wire.methods == ["REPORT", "PUT", "REPORT", "PUT"]
        assert ward.shown() == ward.book()
        desk.say("cancel", ONE, "--reason", "cold", "--yes")
        wire.turn = at_first("DELETE", lambda: shelf.write(name, EDITS["words"](shelf.octets()[name])))
        assert ward.push() == NOTHING | {"removed": [ONE]}
        desk.say("undo", "--yes")
        ward.push()
        desk.say("undo", "--yes")  # of the move
        wire.turn = at_first("PUT", lambda: shelf.remove(name))
        assert ward.push() == NOTHING | {"created": [ONE]}
        assert ward.shown() == ward.book()
        desk.say("cancel", ONE, "--reason", "cold", "--yes")
        wire.turn = at_first("DELETE", lambda: shelf.remove(name))
        assert ward.push() == NOTHING | {"removed": [ONE]}
        assert ward.shown() == ward.book() == []


def test_two_runs_at_once_end_with_one_calendar(ward: Ward) -> None:
    ward.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    seen: list[Any] = []
    with Wire(ward.shelf.url) as wire:
        wire.turn = at_first("PUT", lambda: seen.append(ward.desk.process("ical", "push", "--clinic", "--json")))
        here = dict(ward.shelf.environment(), INFUSION_CALDAV_URL=wire.url)
        answer = ward.desk.process("ical", "push", "--clinic", "--json", env=here)
    assert (answer.status, seen[0].status) == (0, 0), (answer, seen)
    assert sorted(seen[0].data["created"]) == sorted(COURSE)
    assert (answer.data["created"], answer.data["unchanged"]) == ([], 6)
    assert ward.shown() == ward.book()
    assert len(ward.shown()) == 6


@pytest.mark.parametrize("is_before", [True, False], ids=["before the answer", "after it"])
def test_a_visit_that_is_booked_and_pushed_by_another_meanwhile_stays(one: Ward, *, is_before: bool) -> None:
    desk = one.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    one.push()

    def another_desk() -> None:
        assert desk.process("book", BEN, "iv-mood", "2026-12-03T08:00").status == 0
        assert desk.process("ical", "push", "--clinic", env=one.shelf.environment()).status == 0

    with Wire(one.shelf.url) as wire:
        if is_before:
            wire.turn = at_first("REPORT", another_desk)
        else:
            wire.after = at_first("REPORT", another_desk)
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        assert one.push() == NOTHING | {"unchanged": 2}
    assert one.shown() == one.book()


def test_the_book_is_free_while_the_server_thinks(one: Ward) -> None:
    desk = one.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")

    def book_another() -> None:
        assert desk.process("book", BEN, "iv-mood", "2026-12-03T08:00").status == 0

    with Wire(one.shelf.url) as wire:
        wire.turn = at_first("PUT", book_another)
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        assert one.push() == NOTHING | {"created": [ONE]}
        assert one.push() == NOTHING | {"created": [TWO], "unchanged": 1}
    assert one.shown() == one.book()


def test_somebody_who_is_always_faster_is_left_the_field_after_some_tries(one: Ward) -> None:
    one.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    one.push()
    name = one.name_of(ONE)
    octets = one.shelf.octets()[name]
    one.desk.say("move", ONE, "2026-12-02T10:00")
    with Wire(one.shelf.url) as wire:

        def write(request: Seen) -> None:
            if request.method == "PUT":
                word = f"SUMMARY:{wire.methods.count('PUT')} ".encode()
                one.shelf.write(name, octets.replace(b"SUMMARY:", word))

        wire.turn = write
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        (stuck,) = one.push(status=7)["stuck"]
        assert wire.methods == ["REPORT", "PUT"] * 5
        wire.turn = lambda _: None
        assert one.push() == NOTHING | {"changed": [ONE]}
    assert (stuck["id"], stuck["name"].replace("%40", "@")) == (ONE, name)


def test_a_server_that_always_says_that_somebody_was_faster_is_left(one: Ward) -> None:
    one.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    with Wire(one.shelf.url, lambda r: Said(412) if r.method == "PUT" else None) as wire:
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        (stuck,) = one.push(status=7)["stuck"]
        assert wire.methods == ["REPORT", "PUT"] * 2  # nobody is at it: to look once more is no help
    assert (stuck["id"], stuck["name"]) == (ONE, wire.seen[1].path.rpartition("/")[2])
    assert "because others are changing them" in stuck["reason"]


# Refused.

ERROR = '<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">{}</d:error>'
TAKEN = ERROR.format(
    '<c:no-uid-conflict xmlns:c="urn:ietf:params:xml:ns:caldav"><d:href>/x</d:href></c:no-uid-conflict>'
)
SABRE = ERROR.format(
    "<s:exception>Sabre\\DAV\\Exception\\BadRequest</s:exception>"
    "<s:message>Calendar object with uid already exists in this calendar collection.</s:message>"
)
NO_RIGHT = ERROR.format("<d:need-privileges/>")


def refusing(wire: Wire, said: Said, *numbers: int) -> Callable[[Seen], Said | None]:
    """The answer to the PUTs of those numbers, from one on; to all without."""

    def turn(request: Seen) -> Said | None:
        is_meant = request.method == "PUT" and (not numbers or wire.methods.count("PUT") in numbers)
        return said if is_meant else None

    return turn


@pytest.mark.parametrize("status", [400, 403, 409, 412])
@pytest.mark.parametrize("body", [TAKEN, SABRE], ids=["named", "in words"])
def test_a_uid_that_lies_in_the_past_under_another_name_is_looked_for(one: Ward, status: int, body: str) -> None:
    desk, shelf = one.desk, one.shelf
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    one.push()
    name = one.name_of(COURSE[0])
    octets = shelf.octets()[name]
    shelf.remove(name)
    shelf.write("x.ics", to_the_past(octets))
    with Wire(shelf.url) as wire:
        wire.turn = refusing(wire, Said(status, (), body.encode()), 1)
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        assert one.push() == NOTHING | {"changed": [COURSE[0]], "unchanged": 5}
        assert wire.methods == ["REPORT", "PUT", "REPORT", "PUT"]
    assert (one.shown(), "x.ics" in shelf.names()) == (one.book(), True)


@pytest.mark.parametrize("status", [400, 403, 409, 413, 415, 422, 423, 500, 507])
def test_one_entry_that_is_refused_holds_up_no_other(one: Ward, status: int) -> None:
    desk = one.desk
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    body = ERROR.format('<c:max-resource-size xmlns:c="urn:ietf:params:xml:ns:caldav"/>').encode()
    with Wire(one.shelf.url) as wire:
        wire.turn = refusing(wire, Said(status, (), body), 2)
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        done = one.push(status=7)
        assert wire.methods == ["REPORT", *["PUT"] * 6]
    assert done["created"] == [COURSE[0], *COURSE[2:]]
    (stuck,) = done["stuck"]
    assert (stuck["id"], str(status) in stuck["reason"], done["stopped"]) == (COURSE[1], True, None)
    assert len(one.shown()) == 5
    desk.setenv(**one.shelf.environment())
    assert one.push() == NOTHING | {"created": [COURSE[1]], "unchanged": 5}
    assert one.shown() == one.book()


def test_what_is_refused_for_good_is_tried_once_and_the_rest_is_done_anew(one: Ward) -> None:
    desk = one.desk
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(one.shelf.url) as wire:
        first: list[str] = []

        def turn(request: Seen) -> Said | None:
            if request.method != "PUT":
                return None
            first[:] = first or [request.path]
            if request.path == first[0]:
                return Said(403)
            return Said(412) if wire.methods.count("PUT") == 3 else None

        wire.turn = turn
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        done = one.push(status=7)
    assert wire.methods == ["REPORT", *["PUT"] * 6, "REPORT", "PUT"]
    assert (sorted(done["created"]), done["stuck"][0]["id"]) == (sorted(COURSE[1:]), COURSE[0])


@pytest.mark.parametrize(("status", "tries"), [(401, 1), (404, 1), (405, 2), (429, 2), (500, 2), (503, 2), (507, 2)])
def test_what_holds_for_every_entry_ends_the_run(one: Ward, status: int, tries: int) -> None:
    one.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(one.shelf.url) as wire:
        wire.turn = refusing(wire, Said(status))
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        assert f"({status})" in one.desk.refused(7, "ical", "push", "--clinic")["message"]
        assert wire.methods == ["REPORT", *["PUT"] * tries]


def test_a_right_that_is_missing_ends_the_run(one: Ward) -> None:
    one.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(one.shelf.url) as wire:
        wire.turn = refusing(wire, Said(403, (), NO_RIGHT.encode()))
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        assert "(403)" in one.desk.refused(7, "ical", "push", "--clinic")["message"]
        assert wire.methods == ["REPORT", "PUT"]


@pytest.mark.parametrize("words", [(), ("--quiet",)])
def test_what_is_refused_is_said_at_the_desk_and_to_cron(one: Ward, words: tuple[str, ...]) -> None:
    one.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    chair = NAMES[one.desk.json("show", ONE)["chair"]]
    with Wire(one.shelf.url) as wire:
        wire.turn = refusing(wire, Said(403))
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        answer = one.desk.type("ical", "push", "--clinic", *words)
    assert (answer.status, answer.out if words else answer.err) == (7, "")
    assert (answer.err if words else answer.out).splitlines() == [
        f"  ! {ONE}  Tue 1 Dec 2026 08:00-09:45  {chair}  {wire.seen[1].path.rpartition('/')[2]}",
        "The clinic: 0 created, 0 changed, 0 removed, 0 as before, 1 stuck.",
        "The calendar server 127.0.0.1 takes no such change of the calendar (403).",
        "Try: ask its owner, or look at INFUSION_CALDAV_USER and its password",
    ]


# Somebody else's entry in one of ours.


def with_tea(octets: bytes) -> bytes:
    """An entry, and somebody else's in the same place, against RFC 4791, 4.1."""
    tea = TEA.replace(b"tea@", b"milk@")
    return edited(octets, b"END:VCALENDAR", tea[tea.index(b"BEGIN:VEVENT") :])


@pytest.mark.parametrize("words", [("--clinic",), ("--clinic", "--dry-run")])
def test_an_entry_that_cannot_be_mended_is_named_until_somebody_takes_it_out(lax: Ward, words: tuple[str, ...]) -> None:
    desk, shelf = lax.desk, lax.shelf
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    lax.push()
    name = lax.name_of(ONE)
    shelf.write(name, with_tea(shelf.octets()[name]))
    before = shelf.octets()
    assert lax.push(*words) == NOTHING | {"unchanged": 1}  # it says what it should
    desk.say("book", BEN, "iv-mood", "2026-12-03T08:00")
    for change in (("move", ONE, "2026-12-02T10:00"), ("cancel", ONE, "--reason", "cold", "--yes")):
        desk.say(*change)
        done = lax.push(*words, status=7)
        (stuck,) = done["stuck"]
        assert (stuck["id"], stuck["name"], done["stopped"]) == (ONE, name, None)
        assert "entry of their own" in stuck["reason"]
        assert "by hand" in stuck["hint"]
        assert done["created"] == ([TWO] if "--dry-run" in words or change[0] == "move" else [])
        assert shelf.octets()[name] == before[name]
    told = desk.type("ical", "push", *words)
    assert told.status == 7
    assert f"  ! {ONE}  Wed 2 Dec 2026 10:00-11:45" in told.out
    assert told.out.splitlines()[-1] == "Try: take those out of the calendar by hand, and run it again"
    shelf.remove(name)
    assert lax.push(*words)["stuck"] == []


# Broken off.


def changed_book(ward: Ward) -> None:
    """A calendar that is up to date, and a book that has moved on: two new, two moved, two gone."""
    desk = ward.desk
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    ward.push()
    for visit, when in ((COURSE[4], "2026-12-11T12:00"), (COURSE[5], "2026-12-14T12:00")):
        desk.say("move", visit, when)
    for visit in COURSE[:2]:
        desk.say("cancel", visit, "--reason", "cold", "--yes")
    for when in ("2026-12-01T12:00", "2026-12-03T12:00"):
        desk.say("book", BEN, "iv-mood", when)


@pytest.mark.parametrize("is_heard", [False, True], ids=["unheard", "unanswered"])
def test_a_connection_that_is_cut_at_any_request_is_made_up_for_by_the_next_run(one: Ward, is_heard: bool) -> None:
    changed_book(one)
    begun = one.shelf.octets()
    one.push()
    ended = one.shelf.entries()
    for number in range(7):
        for name in one.shelf.names():
            if name not in begun:
                one.shelf.remove(name)
        for name, octets in begun.items():
            one.shelf.write(name, octets)
        with Wire(one.shelf.url) as wire:

            def cut(_: Seen, wire: Wire = wire, number: int = number) -> None:
                if len(wire.seen) > number:
                    raise Cut

            wire.after, wire.turn = (cut, wire.turn) if is_heard else (wire.after, cut)
            answer = one.desk.process("ical", "push", "--clinic", "--json", env={"INFUSION_CALDAV_URL": wire.url})
        assert answer.status == 7, answer
        told = answer.error["message"] if number < 2 else answer.data["stopped"]
        assert told == "The calendar server 127.0.0.1 breaks the connection off, or does not speak HTTP."
        if number > 1:
            assert sum(len(answer.data[verb]) for verb in ("created", "changed", "removed")) == number - 1
        one.push()
        assert one.shelf.entries() == ended, number
        assert one.shown() == one.book()


def test_ctrl_c_tells_what_was_done(one: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    one.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(one.shelf.url) as wire:
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        words = [sys.executable, *PROGRAM, "ical", "push", "--clinic", "--json"]
        program = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def interrupt(_: Seen) -> None:
            if len(wire.seen) == 4:
                program.send_signal(signal.SIGINT)
                program.wait()

        wire.turn = interrupt
        out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (130, b"")
    said = json.loads(out)
    assert (len(said["created"]), said["stopped"]) == (2, "Interrupted; the calendar is not up to date yet.")
    one.desk.setenv(**one.shelf.environment())
    one.push()
    assert one.shown() == one.book()


# How much is asked.


def test_a_second_run_is_one_request(ward: Ward) -> None:
    ward.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(ward.shelf.url) as wire:
        ward.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        assert len(ward.push()["created"]) == 6
        assert wire.methods == ["REPORT", *["PUT"] * 6]
        wire.seen.clear()
        assert ward.push() == NOTHING | {"unchanged": 6}
        assert wire.methods == ["REPORT"]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that a book's file is asked from now on."""
    seen: list[str] = []
    connect = sqlite3.connect

    def listened_to(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(seen.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", listened_to)
    return seen


@pytest.mark.parametrize("subject", [("--clinic",), ("--staff", "rn-bell"), ("--chair", "quiet room")], ids=" ".join)
def test_the_number_of_statements_does_not_grow(one: Ward, statements: list[str], subject: tuple[str, ...]) -> None:
    desk = one.desk
    counts = []
    for words in (("book", BEN, "iv-mood", "2026-11-30T12:00"), ("series", "book", YARA, "iv-mood")):
        desk.say(*words, "--chair", "quiet room") if words[0] == "book" else desk.say(*words)
        statements.clear()
        one.push(*subject)
        counts.append(len(statements))
    assert counts[0] == counts[1] > 0


# What is said, and to whom.


def test_nothing_of_scheduling_and_nobodys_name_is_sent_whatever_the_names_are(one: Ward) -> None:
    desk = one.desk
    hostile = "Zirkon\r\nATTENDEE:mailto:zirkon@example.org"
    desk.say("patients", "edit", YARA, "--email", "zirkon@example.org", "--name", hostile)
    text = desk.say("clinic", "show").replace(
        'name = "Quiet room"', 'name = "Quiet\\r\\nORGANIZER:mailto:x@example.org"'
    )
    desk.say("clinic", "apply", desk.file("c.toml", text), "--yes", "-q")
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(one.shelf.url) as wire:
        desk.setenv(INFUSION_CALDAV_URL=wire.url)
        one.push()
        desk.say("move", COURSE[0], "2026-12-01T08:00", "--chair", "window")
        one.push()
        desk.say("undo", "--yes")
        desk.say("undo", "--yes")
        one.push()
    assert set(wire.methods) == {"REPORT", "PUT", "DELETE"}
    for request in wire.seen:
        octets = request.octets.replace(b"\r\n ", b"")
        names = {line.partition(b":")[0].partition(b";")[0].upper() for line in octets.split(b"\r\n")}
        assert not names & {b"ATTENDEE", b"ORGANIZER", b"METHOD"}
        told = octets.lower()
        assert not any(word in told for word in (b"zirkon", b"iv-mood", b"ketamine", YARA.lower().encode()))
        assert not any(b"infusion" in part.lower() for part in (request.path.encode(), request.body))
    assert any(
        "Busy – Quiet ORGANIZER:mailto:x@example.org".encode() in r.body.replace(b"\r\n ", b"") for r in wire.seen
    )


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ((), 2, "usage"),
        (("--clinic", "--chair", "window"), 2, "usage"),
        (("--chair", "nowhere"), 3, "not-found"),
        (("--staff", "nobody"), 3, "not-found"),
        (("--clinic",), 2, "usage"),
        (("--clinic", "--to", "https://a:zirkon@calendars.example/"), 2, "usage"),
        (("--clinic", "--to", "http://127.0.0.1:1/"), 7, "calendar"),
        (("--clinic", "--to", "http://127.0.0.1:1/", "--dry-run"), 7, "calendar"),
    ],
)
def test_what_cannot_be_is_refused(desk: Desk, words: tuple[str, ...], status: int, code: str) -> None:
    error = desk.refused(status, "ical", "push", *words)
    assert error["code"] == code
    assert error["hint"]
    assert "zirkon" not in error["message"] + error["hint"]


def test_an_address_that_is_not_the_calendars_own_gets_nothing(ward: Ward) -> None:
    ward.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    owner = ward.shelf.url.removesuffix("shared/")
    before = ward.shelf.octets()
    for words in ((), ("--dry-run",)):
        error = ward.desk.refused(7, "ical", "push", "--clinic", "--to", owner, *words)
        assert "no calendar" in error["message"]
        assert "INFUSION_CALDAV_URL" in error["hint"]
    assert ward.shelf.octets() == before
    assert ward.shelf.ask("GET", f"{ward.shelf.path}../{'0' * 48}@calendar.invalid.ics").status == 404


def test_a_wrong_password_is_told_without_it(one: Ward) -> None:
    one.desk.setenv(INFUSION_CALDAV_PASSWORD="zirkon")
    error = one.desk.refused(7, "ical", "push", "--clinic")
    assert error["message"] == "The calendar server 127.0.0.1 refuses the user or the password (401)."
    assert "zirkon" not in json.dumps(error)


def test_a_failure_in_between_tells_what_was_done(one: Ward) -> None:
    one.desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    with Wire(one.shelf.url, lambda r: Said(507) if len(wire.seen) > 3 and r.method == "PUT" else None) as wire:
        one.desk.setenv(INFUSION_CALDAV_URL=wire.url)
        answer = one.desk.type("ical", "push", "--clinic", "--exit-code")
    assert (answer.status, answer.err) == (7, "")
    assert answer.out.splitlines()[2:] == [
        "The clinic: 2 created, 0 changed, 0 removed, 0 as before.",
        "The calendar server 127.0.0.1 cannot do it now (507).",
        "Try: run it again later",
    ]


def test_without_the_extra_one_sentence_says_how_to_get_it(desk: Desk) -> None:
    script = "import sys; sys.modules['httpx'] = None; from infusion_cli.cli.app import main; main()"
    words = ["ical", "push", "--clinic", "--to", "https://calendars.example/", "--json"]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    error = json.loads(done.stderr)["error"]
    assert error["message"] == "A shared calendar needs the extra `caldav`, which is not installed."
    assert error["hint"] == "pip install 'infusion-cli[caldav]'"


def test_whose_calendar_is_written_is_no_look_at_patients(one: Ward) -> None:
    one.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    one.push()
    assert [e for e in one.desk.json("audit", "list") if e["command"] == "ical push"] == []
