"""Files of another system, night after night, while the desk works on."""

from __future__ import annotations

import json
import sqlite3
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cli.desk import FATIMA, YARA, Desk
from cli.other_system import (
    NINE,
    ONE,
    TEN,
    THREE,
    TWO,
    WEDNESDAY,
    appointment,
    bundle,
    done,
    patient,
    refused,
    take,
    visits,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ELEVEN, NOON = "2026-11-24T11:00:00-05:00", "2026-11-24T12:00:00-05:00"


def skipped(answer: dict[str, Any]) -> list[str]:
    """The rules by which nothing is done."""
    return [s["rule"] for s in answer["skipped"]]


def start(desk: Desk, visit: str = ONE) -> str:
    return str(desk.json("show", visit)["start"])


def changes_nothing(desk: Desk, *resources: dict[str, Any]) -> bool:
    """Whether an import of these leaves the book as it is, to the octet, and says so."""
    before = desk.octets()
    answer = desk.type("fhir", "import", desk.file("b.json", bundle(*resources)), "--exit-code")
    return answer.status == 0 and desk.octets() == before


def test_what_the_desk_did_first_is_remembered_as_what_the_other_system_said(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("move", ONE, "2026-11-24T10:00")
    journal = desk.done()
    assert take(desk, appointment(start=TEN))["unchanged"] == [1]
    assert desk.done() == journal
    desk.say("move", ONE, "2026-11-24T12:00")
    assert changes_nothing(desk, appointment(start=TEN))
    assert done(take(desk, appointment(start=NINE))) == [(1, "move")]
    assert start(desk) == NINE


def test_a_cancellation_that_the_desk_did_first_is_remembered(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("cancel", ONE, "--reason", "ill", "--yes")
    take(desk, appointment(status="cancelled"))
    assert changes_nothing(desk, appointment(status="cancelled"))
    assert done(take(desk, appointment())) == [(1, "book")]
    assert [v[4] for v in visits(desk)] == ["cancelled", "booked"]


def test_nothing_is_remembered_of_a_dry_run_or_of_a_refused_file(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("move", ONE, "2026-11-24T10:00")
    before = desk.octets()
    desk.type("fhir", "import", desk.file("b.json", bundle(appointment(start=TEN))), "--dry-run")
    refused(desk, 6, appointment(start=TEN), appointment(2, mrn="M9999"))
    assert desk.octets() == before


def test_undo_gives_back_what_was_said_before(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("move", ONE, "2026-11-24T10:00")
    take(desk, appointment(start=TEN))
    take(desk, appointment(start=WEDNESDAY))
    desk.say("undo", "--yes")
    assert start(desk) == TEN
    desk.say("move", ONE, "2026-11-24T12:00")
    assert changes_nothing(desk, appointment(start=TEN))
    assert done(take(desk, appointment(start=WEDNESDAY))) == [(1, "move")]


def test_what_hung_on_an_undone_booking_is_out_of_reach(desk: Desk) -> None:
    first = take(desk, appointment())["operation"]
    take(desk, appointment(start=TEN))
    desk.say("move", ONE, "2026-11-24T09:00")
    desk.say("undo", first, "--yes")
    assert done(take(desk, appointment(start=TEN))) == [(1, "book")]
    assert done(take(desk, appointment(start=ELEVEN))) == [(1, "move")]
    assert start(desk, TWO) == ELEVEN
    assert changes_nothing(desk, appointment(start=ELEVEN))


def test_what_hung_on_an_undone_move_is_out_of_reach(desk: Desk) -> None:
    take(desk, appointment())
    first = take(desk, appointment(start=TEN))["operation"]
    take(desk, appointment(start=ELEVEN))
    desk.say("move", ONE, "2026-11-24T10:00")
    desk.say("undo", first, "--yes")
    assert changes_nothing(desk, appointment())
    for at in (NOON, ELEVEN):
        assert done(take(desk, appointment(start=at))) == [(1, "move")]
        assert start(desk) == at


def test_a_protocol_or_a_chair_with_another_title_is_no_news(desk: Desk) -> None:
    there = appointment(serviceType=[{"text": "IV ketamine, mood"}], start=WEDNESDAY)
    there["participant"].append({"actor": {"type": "Location", "display": "Window"}})
    take(desk, there)
    desk.say("move", ONE, "2026-11-25T13:00")
    text = desk.say("clinic", "show").replace("IV ketamine, mood", "Mood infusion").replace('"Window"', '"Bay"')
    desk.say("clinic", "apply", desk.file("c.toml", text), "--yes")
    assert changes_nothing(desk, there)
    there["participant"][1]["actor"]["display"] = "Bay"
    take(desk, there)
    assert start(desk) == "2026-11-25T13:00:00-05:00"


def test_somebody_new_with_another_number_of_the_patient_is_no_news(desk: Desk) -> None:
    numbers = [*patient()["identifier"], {**patient("777")["identifier"][0], "system": "urn:oid:2"}]
    person = patient("x", identifier=numbers)
    take(desk, appointment(mrn="x"), person)
    desk.say("move", ONE, "2026-11-24T12:00")
    desk.say("patients", "add", "--mrn", "777", "New Person")
    assert changes_nothing(desk, appointment(mrn="x"), person)


def changed_at(day: int) -> dict[str, Any]:
    return {"meta": {"lastUpdated": f"2026-11-{day:02}T09:00:00Z"}}


def test_an_older_file_moves_nothing_back(desk: Desk) -> None:
    take(desk, appointment(**changed_at(10)))
    take(desk, appointment(start=TEN, **changed_at(12)))
    assert skipped(take(desk, appointment(**changed_at(11)))) == ["outdated"]
    take(desk, appointment(start=TEN, comment="more", **changed_at(15)))
    assert skipped(take(desk, appointment(start=ELEVEN, **changed_at(14)))) == ["outdated"]
    assert start(desk) == TEN
    assert changes_nothing(desk, appointment(start=TEN, **changed_at(15)))
    assert changes_nothing(desk, appointment(start=TEN, **changed_at(12)))
    assert done(take(desk, appointment(start=ELEVEN, **changed_at(16)))) == [(1, "move")]


def exported(desk: Desk, **changes: Any) -> str:
    """What the book says, and the other system sends back with these changes of each appointment."""
    value = json.loads(desk.type("fhir", "export", "-o", "-").out)
    for entry in value["entry"]:
        if entry["resource"]["resourceType"] == "Appointment":
            entry["resource"] |= changes
    return json.dumps(value)


def test_the_books_own_visit_is_always_compared_with_its_stamp(desk: Desk) -> None:
    desk.say("book", YARA, "consult", "2026-11-24T09:00")
    old, moved = exported(desk), exported(desk, start=TEN, meta={"lastUpdated": "2026-11-23T14:00:00Z"})
    desk.at("2026-11-23T09:30")
    assert done(desk.json("fhir", "import", desk.file("b.json", moved)))[0][1] == "move"
    later = exported(desk, start=NOON, meta={"lastUpdated": "2026-11-23T14:10:00Z"})
    desk.at("2026-11-23T10:00")
    assert done(desk.json("fhir", "import", desk.file("b.json", later)))[0][1] == "move"
    desk.at("2026-11-23T11:00")
    desk.say("move", ONE, "2026-11-25T13:00")
    between = exported(desk, start=ELEVEN, meta={"lastUpdated": "2026-11-23T15:30:00Z"})
    before = desk.octets()
    for text in (old, moved, between):
        assert skipped(desk.json("fhir", "import", desk.file("b.json", text))) == ["outdated"]
    assert desk.json("fhir", "import", desk.file("b.json", later))["placed"] == []
    assert desk.octets() == before


def test_a_date_of_change_counts_also_after_a_file_without_any(desk: Desk) -> None:
    desk.say("book", YARA, "consult", "2026-11-24T09:00")
    desk.at("2026-11-23T09:00")
    desk.say("move", ONE, "2026-11-24T10:00")
    desk.at("2026-11-23T10:00")
    desk.say("fhir", "import", desk.file("b.json", exported(desk, meta=None)))
    old = exported(desk, start=NINE, meta={"lastUpdated": "2026-11-23T13:30:00Z"})
    assert skipped(desk.json("fhir", "import", desk.file("b.json", old))) == ["outdated"]


def test_the_books_own_visit_without_a_date_of_change_stays_where_the_desk_moves_it(desk: Desk) -> None:
    desk.say("book", YARA, "consult", "2026-11-24T09:00")
    desk.say("book", FATIMA, "consult", "2026-11-24T11:00")
    desk.file("b.json", exported(desk, meta=None))
    assert len(desk.json("fhir", "import", "b.json")["unchanged"]) == 2
    desk.say("move", ONE, "2026-11-25T13:00")
    desk.say("cancel", TWO, "--reason", "ill", "--yes")
    before = desk.octets()
    assert len(desk.json("fhir", "import", "b.json")["unchanged"]) == 2
    assert desk.octets() == before


def test_a_cancelled_visit_of_the_book_is_not_booked_by_a_file_that_tells_no_date(desk: Desk) -> None:
    desk.say("book", YARA, "consult", "2026-11-24T09:00")
    desk.file("b.json", exported(desk, meta=None))
    desk.say("undo", "--yes")
    assert skipped(desk.json("fhir", "import", "b.json")) == ["outdated"]


def test_two_systems_that_tell_of_one_visit_are_told_apart(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("move", ONE, "2026-11-24T12:00")
    desk.file("back.json", exported(desk, meta=None))
    desk.say("fhir", "import", "back.json")
    assert changes_nothing(desk, appointment())
    desk.say("move", ONE, "2026-11-24T13:00")
    before = desk.octets()
    desk.say("fhir", "import", "back.json")
    assert desk.octets() == before


def test_what_has_happened_stays_and_the_rest_of_the_file_is_booked(desk: Desk) -> None:
    take(desk, appointment())
    for now, step in (("08:58", "arrive"), ("09:05", "start"), ("10:31", "finish")):
        desk.at(f"2026-11-24T{now}")
        desk.say(step, ONE)
    desk.at("2026-11-24T22:00")
    changed: list[dict[str, Any]] = [
        {"status": "fulfilled", "start": "2026-11-24T09:07:00-05:00"},
        {"status": "fulfilled", "start": "2026-11-24T09:07:23-05:00", "mrn": "M1010"},
        {"status": "cancelled"},
        {"status": "noshow"},
        {"start": "2026-11-27T09:00:00-05:00"},
    ]
    for changes in changed:
        answer = take(desk, appointment(**changes), appointment(2, WEDNESDAY, "M1002"))
        assert (done(answer), len(skipped(answer))) == ([(2, "book")], 1), changes
        desk.say("undo", "--yes")
    assert desk.json("show", ONE)["status"] == "fulfilled"


def test_a_start_that_is_changed_afterwards_is_passed_over(desk: Desk) -> None:
    take(desk, appointment(), appointment(2, ELEVEN, "M1002", status="pending"), words=("--hold", "3d"))
    desk.at("2026-11-24T22:00")
    assert skipped(take(desk, appointment(start=TEN))) == ["in-the-past"]
    assert skipped(take(desk, appointment(start="2026-11-24T09:07:30-05:00", status="arrived"))) == ["in-the-past"]
    assert skipped(take(desk, appointment(2, ELEVEN, "M1002"))) == ["in-the-past"]
    assert done(take(desk, appointment(start="2026-11-27T09:00:00-05:00"))) == [(1, "move")]


def test_who_has_arrived_stays_on_that_day_and_can_be_sent_home(desk: Desk) -> None:
    take(desk, appointment())
    desk.at("2026-11-24T08:50")
    desk.say("arrive", ONE)
    assert skipped(take(desk, appointment(start=WEDNESDAY))) == ["has-happened"]
    assert done(take(desk, appointment(start=TEN, status="arrived"))) == [(1, "move")]
    assert done(take(desk, appointment(status="cancelled"))) == [(1, "cancel")]


def test_a_full_minute_is_asked_for_where_a_start_is_used(desk: Desk) -> None:
    odd = "2026-11-24T09:00:30-05:00"
    assert refused(desk, 6, appointment(start=odd)) == [(1, "start", "off-the-minute")]
    take(desk, appointment())
    assert refused(desk, 6, appointment(start=odd)) == [(1, "start", "off-the-minute")]
    assert done(take(desk, appointment(start=odd, status="cancelled"))) == [(1, "cancel")]


def test_cancel_it_and_send_a_new_one_can_be_followed(desk: Desk) -> None:
    take(desk, appointment())
    other: dict[str, Any] = {"mrn": "M1002", "serviceType": [{"text": "iv-mood"}], "start": WEDNESDAY}
    assert refused(desk, 6, appointment(**other)) == [(1, "participant", "other-patient")]
    everybody = [{"actor": {"reference": f"Patient/{mrn}"}} for mrn in ("M1002", "M1010")]
    gone = appointment(status="cancelled", **other) | {"participant": everybody}
    assert done(take(desk, gone)) == [(1, "cancel")]
    assert changes_nothing(desk, gone)
    assert done(take(desk, appointment(**other))) == [(1, "book")]
    assert [v[:2] for v in visits(desk) if v[4] == "booked"] == [(FATIMA, "iv-mood")]
    assert changes_nothing(desk, appointment(**other))


def test_a_patient_who_becomes_another_at_the_same_time_is_refused(desk: Desk) -> None:
    take(desk, appointment())
    assert refused(desk, 6, appointment(mrn="M1002")) == [(1, "participant", "other-patient")]
    both = patient("x", identifier=[*patient()["identifier"], {"value": "insurance"}])
    take(desk, appointment(mrn="x"), both)
    assert changes_nothing(desk, appointment(mrn="x"), both)


V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"identifier": [{"value": "M1001", "type": {"coding": [{"system": V2, "code": "SS"}]}}]}, "not-found"),
        ({"identifier": [patient()["identifier"][0] | {"use": "old"}]}, "not-found"),
        ({"identifier": [patient()["identifier"][0] | {"period": {"end": "2026-11-22"}}]}, "not-found"),
        ({"identifier": [{"value": "M1001"}]}, "unmarked"),
        ({"identifier": [{"value": "M1001"}], "birthDate": "1950-01-01"}, "other-birth-date"),
        (patient(birthDate="1950-01-01"), "other-birth-date"),
        ({"active": False}, "inactive-patient"),
        ({"identifier": [{"value": "M1001", "type": {"text": "social security"}}]}, "unmarked"),
    ],
)
def test_nobody_is_booked_by_a_number_that_may_be_anothers(desk: Desk, changes: dict[str, Any], rule: str) -> None:
    assert refused(desk, 6, appointment(mrn="x"), patient("x") | changes | {"id": "x"}) == [(1, "participant", rule)]


@pytest.mark.parametrize(
    "changes",
    [
        {"identifier": [{"value": "M1001"}], "birthDate": "1994-04-22"},
        {"identifier": [patient()["identifier"][0] | {"use": "official", "period": {"end": "2026-11-23"}}]},
        {"identifier": [{"value": "M1002", "use": "old"}, *patient()["identifier"]]},
    ],
)
def test_a_number_that_tells(desk: Desk, changes: dict[str, Any]) -> None:
    take(desk, appointment(mrn="x"), patient("x") | changes)
    assert [v[0] for v in visits(desk)] == [YARA]


def test_a_patient_who_has_declined_is_told_and_not_booked(desk: Desk) -> None:
    no = [{"actor": {"reference": "Patient/M1001"}, "status": "declined"}]
    assert skipped(take(desk, appointment(participant=no))) == ["declined"]
    take(desk, appointment())
    assert skipped(take(desk, appointment(participant=no))) == ["declined"]
    assert done(take(desk, appointment(participant=no, status="cancelled"))) == [(1, "cancel")]


def test_an_appointment_is_known_again_by_any_of_its_names(desk: Desk) -> None:
    bare = appointment()
    del bare["identifier"]
    alone = bare | {"contained": [patient()], "participant": [{"actor": {"reference": "#M1001"}}]}
    desk.say("fhir", "import", desk.file("a.json", json.dumps(alone)))
    person = {"fullUrl": "https://ehr.example/Patient/M1001", "resource": patient()}

    def take_at(number: int, **changes: Any) -> Any:
        entry = {"fullUrl": f"https://ehr.example/Appointment/a{number}", "resource": bare | changes}
        value = {"resourceType": "Bundle", "type": "searchset", "entry": [entry, person]}
        return desk.json("fhir", "import", desk.file("b.json", json.dumps(value)))

    assert done(take_at(1, start=TEN)) == [(1, "move")]
    named = [{"system": "https://ehr.example/visits", "value": "1"}]
    assert done(take_at(1, start=ELEVEN, identifier=named)) == [(1, "move")]
    assert done(take_at(1, start=ELEVEN, identifier=named)) == []
    assert done(take_at(7, id="a7", start=NOON, identifier=named)) == [(1, "move")]
    assert [v[2][11:] for v in visits(desk)] == ["12:00"]


def test_appointments_of_one_order_are_told_apart_in_one_file_and_in_several(desk: Desk) -> None:
    order = {"system": "urn:orders", "value": "77"}

    def ordered(number: int, at: str) -> dict[str, Any]:
        made = appointment(number, at)
        return made | {"identifier": [*made["identifier"], order]}

    first, second, third = (ordered(n, f"2026-11-{day}T09:00:00-05:00") for n, day in ((1, 24), (2, 25), (3, 27)))
    take(desk, first)
    assert done(take(desk, second, third)) == [(1, "book"), (2, "book")]
    for one in (third, first, second):
        assert done(take(desk, one)) == []
    for one in (third, first, second, first):
        assert changes_nothing(desk, one)
    assert changes_nothing(desk, first, second, third)
    assert done(take(desk, first | {"start": TEN})) == [(1, "move")]
    assert start(desk) == TEN


def test_nothing_that_was_said_of_somebody_is_left_when_they_are_forgotten(desk: Desk) -> None:
    take(desk, appointment(), appointment(2, TEN, "M1002"))
    desk.say("book", "M1001", "consult", "2026-11-25T11:00")
    third = json.loads(exported(desk, meta=None))
    desk.say("move", ONE, "2026-11-24T12:00")
    take(desk, appointment(start=NOON), appointment(2, TEN, "M1002"))
    desk.say("fhir", "import", desk.file("back.json", json.dumps(third)))
    assert said(desk) > 6
    for visit in (ONE, THREE):
        desk.say("cancel", visit, "--reason", "ill", "--yes")
    desk.say("patients", "forget", YARA, "--yes")
    assert said(desk, ONE) == said(desk, THREE) == 0
    assert said(desk, TWO) > 0
    assert skipped(take(desk, appointment(start=ELEVEN))) == ["forgotten"]


def said(desk: Desk, visit: str = "") -> int:
    """How many keys tell something of a visit, or of any."""
    with sqlite3.connect(desk.book) as book:
        rows = book.execute("SELECT key, request, answer FROM idempotency WHERE key LIKE 'fhir:%'").fetchall()
    return sum(1 for _, request, answer in rows if (request or answer) and visit in answer)


def test_lines_are_taken_from_standard_input(desk: Desk) -> None:
    text = "\n".join(json.dumps(r) for r in (patient(), appointment()))
    assert desk.say("fhir", "import", "-", stdin=text).startswith("1 appointment read: 1 booked")


def test_other_pages_of_a_search_are_told(desk: Desk) -> None:
    value = json.loads(bundle(appointment())) | {"link": [{"relation": "next", "url": "https://ehr.example?page=2"}]}
    answer = desk.type("fhir", "import", desk.file("b.json", json.dumps(value)))
    assert answer.status == 0
    assert answer.err == "Skipped: the other pages of this search, each a file of its own\n"


STANDING = {"booked", "pending"}
HOURS = st.integers(9, 11)
STATUSES = st.sampled_from(("booked", "booked", "booked", "pending", "cancelled", "entered-in-error"))
FILES = st.tuples(st.tuples(STATUSES, HOURS), st.tuples(STATUSES, HOURS))
WORK = st.tuples(st.sampled_from(("move", "move", "cancel", "undo")), st.integers(0, 1), HOURS)
PEOPLE = (YARA, FATIMA)


def at(which: int, hour: int) -> str:
    """A start: each of the two has a day of their own, and few hours, so that the desk often is there first."""
    return f"2026-11-{24 + which}T{hour:02}:00:00-05:00"


class Told(NamedTuple):
    """What a file last said of an appointment: wish and start."""

    status: str = ""
    start: str = ""

    @classmethod
    def of(cls, status: str, start: str) -> Told:
        return cls(status, start) if status in STANDING else cls("cancelled")


class World:
    """What ought to be remembered of each appointment, and what an undo brings back."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.told = [Told(), Told()]
        self.before: dict[str, dict[int, Told]] = {}
        """What was told before an operation, of each appointment that it did something about."""

    def standing(self) -> list[str]:
        """The start of each one's visit, empty where none stands."""
        found = {v["patient"]: v["start"] for v in self.desk.json("list") if v["status"] in STANDING}
        return [found.get(who, "") for who in PEOPLE]

    def work(self, what: str, which: int, hour: int) -> None:
        """Something that the desk does, if it can."""
        live = [v["id"] for v in self.desk.json("list") if v["patient"] == PEOPLE[which] and v["status"] in STANDING]
        newest = next(o for o in self.desk.json("history") if not o["undoes"] and not o["undone_by"])
        if what == "undo" and newest["command"] != "patients import":
            if self.desk.type("undo", newest["id"], "--yes").status == 0:
                for number, told in self.before.pop(newest["id"], {}).items():
                    self.told[number] = told
        elif what == "move" and live:
            self.desk.type("move", live[0], at(which, hour)[:16])
        elif live:
            self.desk.say("cancel", live[0], "--reason", "ill", "--yes")

    def night(self, file: tuple[tuple[str, int], ...]) -> None:
        """A file is imported, and the book follows what has changed in it and nothing else."""
        now = [(status, at(n, hour)) for n, (status, hour) in enumerate(file)]
        said = [appointment(n, start, f"M100{n + 1}", status=status) for n, (status, start) in enumerate(now)]
        self.desk.file("b.json", bundle(*said))
        stood = self.standing()
        answer = self.desk.type("fhir", "import", "b.json", "--json")
        assert answer.status == 0, answer
        acted = {entry - 1 for entry, _ in done(answer.data)}
        for number, told in enumerate(starmap(Told.of, now)):
            is_news = told != self.told[number]
            assert number not in acted or is_news
            wanted = told.start if is_news else stood[number]
            assert self.standing()[number] == wanted, (number, told, self.told)
        self.before[answer.data["operation"]] = {n: self.told[n] for n in acted}
        passed = {s["entry"] - 1 for s in answer.data["skipped"]}
        self.told = [self.told[n] if n in passed else told for n, told in enumerate(starmap(Told.of, now))]
        left = self.desk.octets()
        assert done(self.desk.json("fhir", "import", "b.json")) == []
        assert self.desk.octets() == left


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FILES, st.lists(WORK, max_size=3)), min_size=1, max_size=5), st.booleans())
def test_the_book_follows_whatever_the_other_system_does(
    desk: Desk, harbor_book: Path, nights: list[tuple[Any, list[tuple[str, int, int]]]], repeats: bool
) -> None:
    desk.book.write_bytes(harbor_book.read_bytes())
    world = World(desk)
    for file, work in nights:
        for _ in range(1 + repeats):
            world.night(file)
            for what, which, hour in work:
                world.work(what, which, hour)
