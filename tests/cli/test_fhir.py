"""Bundles for health systems and from them, at the desk."""

from __future__ import annotations

import json
import re
import stat
from typing import Any

import pytest
from builders import NOW, block, place, visit, write
from builders import book as new_book
from builders import patient as patient_of_book
from cli.desk import BEN, DATA, YARA, Desk, op
from cli.other_system import (
    MARK,
    NINE,
    ONE,
    TEN,
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
from fhir_models import validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_cli.domain import ids
from infusion_cli.domain.interchange import RELEASES, WISHES
from infusion_cli.store.repository import open_store

SERIES = ids.encode("series", 0)


@pytest.fixture
def lived(desk: Desk) -> Desk:
    """Visits of several kinds, and a block."""
    desk.say("book", YARA, "consult", "2026-11-24T09:00", "--chair", "chair-3")
    desk.say("book", BEN, "consult", "2026-11-24T11:00", "--hold", "3h")
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("book", "M1002", "consult", "2026-11-27T09:00")
    desk.say("cancel", ids.encode("appointment", 8), "--reason", "cold", "--yes")
    desk.say("slots", "block", "2026-11-25 8:00", "2026-11-25 9:00", "--chair", "window", "--reason", "lamp")
    return desk


def exported(desk: Desk, *words: str) -> bytes:
    desk.say("fhir", "export", "-o", "out.json", "--yes", *words)
    return (desk.folder / "out.json").read_bytes()


def told(data: bytes) -> list[tuple[str, str]]:
    """(our id, status) of the appointments in a bundle."""
    found = [e["resource"] for e in json.loads(data)["entry"]]
    return [(r["identifier"][0]["value"], r["status"]) for r in found if r["resourceType"] == "Appointment"]


def test_the_whole_book_is_written_for_both_releases(lived: Desk) -> None:
    assert lived.say("fhir", "export", "-o", "all.json") == "Written: all.json\n"
    data = (lived.folder / "all.json").read_bytes()
    assert exported(lived) == data
    validate(data, "R4")
    validate(exported(lived, "--release", "r5", "--service-type"), "R5")
    assert sorted(told(data)) == sorted((v["id"], v["status"]) for v in lived.json("list"))
    assert stat.S_IMODE((lived.folder / "all.json").stat().st_mode) == 0o600
    for secret in ("iv-mood", "ketamin", "Harbor", "lamp", "cold"):
        assert secret.casefold() not in data.decode().casefold()


def test_a_part_of_the_book_is_written_by_id_or_by_days(lived: Desk) -> None:
    assert told(exported(lived, ONE)) == [(ONE, "booked")]
    assert len(told(exported(lived, SERIES))) == 6
    assert len(told(exported(lived, YARA))) == 7
    assert told(exported(lived, YARA, "--to", "2026-11-30")) == [(ONE, "booked")]
    assert told(exported(lived, "--from", "tue", "--to", "tue")) == [(ONE, "booked"), (TWO, "pending")]
    names = {e["resource"].get("planningHorizon", {}).get("end") for e in json.loads(exported(lived, ONE))["entry"]}
    assert names == {None, "2026-11-24"}
    blocked = [e["resource"].get("status") for e in json.loads(exported(lived, "--to", "2026-11-30"))["entry"]]
    assert "busy-unavailable" in blocked


def test_without_a_name_the_file_has_a_neutral_one_and_nothing_is_replaced_unasked(lived: Desk) -> None:
    assert lived.json("fhir", "export", ONE) == {
        "file": f"appointment-{ONE}.json",
        "release": "R4",
        "visits": 1,
        "patients": 1,
    }
    assert lived.say("fhir", "export", YARA) == "Written: appointments.json\n"
    assert (
        lived.refused(2, "fhir", "export", YARA)["hint"]
        == "add --yes to replace appointments.json, or name another file"
    )
    assert lived.type("fhir", "export", ONE, "-o", "-").out.startswith('{"resourceType": "Bundle"')


def test_what_cannot_be_written(lived: Desk) -> None:
    assert lived.refused(2, "fhir", "export", "--release", "STU3")["hint"] == "one of R4, R5"
    assert lived.refused(4, "fhir", "export", BEN, "--from", "2027-01-01")["message"] == (
        f"There is no visit of {BEN} from 2027-01-01 to write."
    )
    assert lived.refused(2, "fhir", "export", "B0")["code"] == "usage"


def test_whose_visits_were_written_is_noted(lived: Desk) -> None:
    for log in lived.folder.glob("*.access-*"):
        log.unlink()
    exported(lived, "--from", "tue", "--to", "tue")
    with open_store(lived.book) as store:
        ((command, people),) = [(a.command, set(a.subjects)) for a in store.accesses()]
    assert (command, people) == ("fhir export", {YARA, BEN})


@pytest.mark.parametrize("words", [(), ("--service-type",), ("--release", "R5", "--service-type")], ids=" ".join)
def test_what_was_written_from_a_book_changes_nothing_in_it(lived: Desk, words: tuple[str, ...]) -> None:
    exported(lived, *words)
    before = lived.octets()
    answer = lived.json("fhir", "import", "out.json")
    assert (answer["operation"], answer["placed"], answer["skipped"], answer["left_out"]) == (None, [], [], [])
    assert len(answer["unchanged"]) == answer["appointments"] == 9
    assert lived.octets() == before
    assert lived.type("fhir", "import", "out.json", "--exit-code").status == 0


@pytest.mark.parametrize("release", RELEASES)
def test_visits_of_every_status_past_and_to_come_go_out_and_change_nothing_when_they_come_back(
    desk: Desk, release: str
) -> None:
    desk.setenv(INFUSION_DB="all.sqlite3", INFUSION_NOW="2026-11-30T08:00")
    made = []
    for n, status in enumerate(sorted(set(WISHES) - {"waitlist"})):
        held: dict[str, Any] = {"hold_until": NOW + 3600} if status in {"pending", "proposed"} else {}
        made += [visit(n, f"2026-12-{n + 7:02}T09:00", status=status, **held)]
        made += [visit(n + 20, f"2026-11-{n + 7:02}T09:00", of=n, status=status, **held)]
    with new_book(place(desk.folder / "all.sqlite3")) as store:
        write(store, *(patient_of_book(n) for n in range(12)), *made, block(), block(1, "clinic", ""))
    data = exported(desk, "--release", release)
    validate(data, release)
    assert sorted(told(data)) == sorted((v.id, v.status) for v in made)
    before = (desk.folder / "all.sqlite3").read_bytes()
    answer = desk.json("fhir", "import", "out.json")
    assert (answer["operation"], len(answer["unchanged"]), answer["skipped"]) == (None, len(made), [])
    assert (desk.folder / "all.sqlite3").read_bytes() == before


def test_an_older_export_takes_nothing_back(lived: Desk) -> None:
    exported(lived)
    lived.at("2026-11-23T08:05")
    lived.say("move", ONE, "2026-11-25T10:00")
    before = lived.octets()
    answer = lived.json("fhir", "import", "out.json")
    assert [(s["rule"], s["message"]) for s in answer["skipped"]] == [
        ("outdated", f"{ONE} has changed in the book since")
    ]
    assert lived.octets() == before


def test_the_books_own_visit_moved_by_the_other_system_is_moved(lived: Desk) -> None:
    value = json.loads(exported(lived, ONE))
    mine = next(e["resource"] for e in value["entry"] if e["resource"]["resourceType"] == "Appointment")
    mine |= {"start": WEDNESDAY, "meta": {"lastUpdated": "2026-11-23T14:00:00Z"}}
    lived.file("b.json", json.dumps(value))
    assert done(lived.json("fhir", "import", "b.json"))[0][1] == "move"
    assert lived.json("show", ONE)["start"] == WEDNESDAY


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_another_book_with_the_same_clinic_and_people_gets_the_same_visits(lived: Desk, release: str) -> None:
    exported(lived, "--release", release, "--service-type")
    wanted = [v for v in visits(lived) if v[4] != "cancelled"]
    other = ("--db", "other.sqlite3")
    lived.say("init", "--from", lived.file("clinic.toml", lived.say("clinic", "show")), *other, "--quiet")
    lived.say("patients", "import", lived.file("p.csv", lived.say("patients", "export")), *other, "--quiet")
    answer = lived.json("fhir", "import", "out.json", *other)
    assert [s["rule"] for s in answer["skipped"]] == ["not-here"]
    found = lived.json("list", *other)
    same = {p["id"]: p["mrn"] for p in lived.json("patients", "list", *other)}
    mrns = {p["id"]: p["mrn"] for p in lived.json("patients", "list")}
    assert [(same[v["patient"]], v["protocol"], v["start"][:16], v["chair"], v["status"]) for v in found] == [
        (mrns[person], *rest) for person, *rest in wanted
    ]
    assert lived.json("db", "check", *other)["sound"]
    assert done(lived.json("fhir", "import", "out.json", *other)) == []


def test_appointments_are_booked_and_held(desk: Desk) -> None:
    answer = desk.say(
        "fhir", "import", desk.file("b.json", bundle(appointment(), appointment(2, TEN, "M1002", status="pending")))
    )
    assert answer.splitlines() == [
        "2 appointments read: 1 booked, 1 held, 0 as before.",
        f"  + {ONE:7} Tue 24 Nov 2026 09:00  PANANE  consult  Quiet room",
        f"  + {TWO:7} Tue 24 Nov 2026 10:00  PYE6CD  consult  Quiet room",
        f"Undo: infusion undo {op(1)}",
    ]
    assert [v[2:] for v in visits(desk)] == [
        ("2026-11-24T09:00", "chair-3", "booked"),
        ("2026-11-24T10:00", "chair-3", "pending"),
    ]
    assert desk.json("show", TWO)["hold_until"] == "2026-11-23T08:30:00-05:00"
    assert desk.json("show", ONE)["start"] == NINE
    desk.say("undo", "--yes")
    assert desk.json("list") == []


def test_the_answer_as_data(desk: Desk) -> None:
    answer = take(desk, appointment(2, status="waitlist"), appointment())
    assert answer == {
        "operation": op(1),
        "appointments": 2,
        "placed": [{"entry": 2, "action": "book", "records": [ONE]}],
        "unchanged": [],
        "skipped": [
            {"entry": 1, "rule": "waitlist", "message": "on a waiting list, which is not part of this version"}
        ],
        "left_out": [],
        "replayed": False,
    }


def test_the_same_again_changes_nothing_also_after_the_desk_has_moved_it(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("move", ONE, "2026-11-25T10:00")
    before = desk.octets()
    answer = take(desk, appointment(comment="new words", end=TEN), patient("M1003"))
    assert (answer["operation"], answer["unchanged"]) == (None, [1])
    assert desk.octets() == before
    assert desk.say("fhir", "import", "b.json") == "1 appointment read: 1 as before.\n"


def test_a_changed_appointment_moves_there_and_back(desk: Desk) -> None:
    take(desk, appointment())
    for start in (WEDNESDAY, NINE, WEDNESDAY):
        assert done(take(desk, appointment(start=start))) == [(1, "move")]
        assert desk.json("show", ONE)["start"] == start
        assert done(take(desk, appointment(start=start))) == []
    desk.say("undo", "--yes")
    assert desk.json("show", ONE)["start"] == NINE
    assert done(take(desk, appointment(start=NINE))) == []
    assert done(take(desk, appointment(start=WEDNESDAY))) == [(1, "move")]


def test_another_chair_is_a_move(desk: Desk) -> None:
    place: dict[str, Any] = {"actor": {"reference": "Location/9", "display": "Alcove"}}
    there = appointment()
    there["participant"].append(place)
    take(desk, appointment())
    assert desk.json("show", ONE)["chair"] == "chair-3"
    assert refused(desk, 4, there) == [(1, "participant", "chair-unsuitable")]
    place["actor"] = {"reference": "Location/window"}
    mood = appointment(
        serviceType=[{"text": "IV ketamine, mood"}], id="a9", identifier=[{"value": "9"}], start=WEDNESDAY
    )
    mood["participant"].append(place)
    take(desk, mood)
    assert desk.json("list")[1]["chair"] == "chair-1"
    place["actor"] = {"identifier": {"value": "chair-2"}, "type": "Location"}
    assert done(take(desk, mood)) == [(1, "move")]
    assert desk.json("list")[1]["chair"] == "chair-2"


def test_a_hold_is_confirmed_moved_and_confirmed_and_cancelled(desk: Desk) -> None:
    take(desk, appointment(status="proposed"), appointment(2, TEN, "M1002", status="pending"), words=("--hold", "2h"))
    assert done(take(desk, appointment(), appointment(2, WEDNESDAY, "M1002", status="booked"))) == [
        (1, "confirm"),
        (2, "move"),
        (2, "confirm"),
    ]
    assert [v[4] for v in visits(desk)] == ["booked", "booked"]
    reason = {"coding": [{"code": "pat"}]}
    gone = appointment(status="cancelled", start=None, participant=[], cancelationReason=reason)
    assert done(take(desk, gone)) == [(1, "cancel")]
    told = desk.json("show", ONE)
    assert (told["status"], told["cancelled_by"], told["reason"]) == (
        "cancelled",
        "patient",
        "cancelled in the other system",
    )
    assert done(take(desk, gone)) == []


def test_a_cancelled_appointment_that_stands_again_is_booked_again(desk: Desk) -> None:
    take(desk, appointment())
    take(desk, appointment(status="entered-in-error"))
    assert [v[4] for v in visits(desk)] == ["cancelled"]
    assert done(take(desk, appointment())) == [(1, "book")]
    assert [v[4] for v in visits(desk)] == ["cancelled", "booked"]
    assert done(take(desk, appointment())) == []


def test_somebody_who_did_not_come(desk: Desk) -> None:
    take(desk, appointment())
    assert refused(desk, 6, appointment(status="noshow")) == [(1, "status", "not-begun")]
    desk.at("2026-11-24T12:00")
    assert done(take(desk, appointment(status="noshow"))) == [(1, "no-show")]
    assert desk.json("show", ONE)["status"] == "noshow"
    assert take(desk, appointment(status="noshow"))["unchanged"] == [1]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"status": "waitlist"}, "waitlist"),
        ({"status": "cancelled"}, "not-here"),
        ({"status": "noshow"}, "not-here"),
        ({"status": "proposed", "start": None}, "no-start"),
        ({"status": "fulfilled", "start": "2026-11-20T09:00:00-05:00"}, "in-the-past"),
    ],
)
def test_what_nothing_is_done_about_is_told(desk: Desk, changes: dict[str, Any], rule: str) -> None:
    before = desk.octets()
    assert [s["rule"] for s in take(desk, appointment(**changes))["skipped"]] == [rule]
    answer = desk.type("fhir", "import", "b.json")
    assert (answer.status, answer.out) == (0, "1 appointment read: 0 as before.\n")
    assert answer.err.startswith("Skipped: ")
    assert answer.err.endswith(" (entry 1)\n")
    assert desk.octets() == before


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"mrn": "M9999"}, ("participant", "no-patient")),
        ({"participant": []}, ("participant", "no-patient")),
        (
            {"participant": [{"actor": {"reference": "Patient/x", "display": "Yara Sánchez"}}]},
            ("participant", "no-patient"),
        ),
        (
            {"participant": [{"actor": {"type": "Patient", "identifier": {"value": "Yara Sánchez"}}}]},
            ("participant", "not-found"),
        ),
        (
            {"participant": [{"actor": {"type": "Patient", "identifier": {"value": YARA}}}]},
            ("participant", "not-found"),
        ),
        ({"serviceType": []}, ("serviceType", "no-protocol")),
        ({"serviceType": [{"text": "physiotherapy"}]}, ("serviceType", "no-protocol")),
        ({"serviceType": [{"text": "consult"}, {"text": "iv-mood"}]}, ("serviceType", "several-protocols")),
        ({"start": None}, ("start", "missing-field")),
        ({"start": "2026-11-24T09:00:00"}, ("start", "bad-instant")),
        ({"status": "here"}, ("status", "unknown-status")),
    ],
)
def test_what_cannot_be_used(desk: Desk, changes: dict[str, Any], where: tuple[str, str]) -> None:
    assert refused(desk, 6, appointment(9, TEN, "M1010"), appointment(**changes)) == [(2, *where)]
    answer = desk.type("fhir", "import", "b.json", "--keep-going")
    assert answer.status == 4
    assert "Left out (1 appointment):" in answer.out
    assert f"  entry 2 {where[0]}  {where[1]}: " in answer.out
    assert [v[0] for v in visits(desk)] == [BEN]


def test_a_person_is_known_by_what_is_marked_as_an_mrn_and_by_nothing_else_then(desk: Desk) -> None:
    both = patient("x", identifier=[{"value": "M1002"}, {"value": "M1001", "type": MARK}])
    here = appointment(mrn="x")
    assert done(take(desk, here, both)) == [(1, "book")]
    assert visits(desk)[0][0] == YARA
    two = patient("y", identifier=[{"value": "M1002", "type": MARK}, {"value": "M1010", "type": MARK}])
    assert refused(desk, 6, appointment(2, TEN, "y"), two) == [(1, "participant", "several-patients")]


def test_an_mrn_that_is_anothers_id_means_whose_mrn_it_is(desk: Desk) -> None:
    desk.say("patients", "add", "--mrn", YARA, "New Person")
    take(desk, appointment(mrn=YARA), appointment(2, TEN), patient(YARA))
    assert [v[0] for v in visits(desk)] == [ids.encode("patient", 60), YARA]


def test_somebody_with_that_mrn_and_another_birth_date_is_somebody_else(desk: Desk) -> None:
    other = patient("x", identifier=[{"value": "M1001"}], birthDate="1950-01-01")
    assert refused(desk, 6, appointment(mrn="x"), other) == [(1, "participant", "other-birth-date")]


def test_an_appointment_stays_that_of_its_patient_and_its_protocol(desk: Desk) -> None:
    take(desk, appointment())
    assert refused(desk, 6, appointment(mrn="M1002")) == [(1, "participant", "other-patient")]
    assert refused(desk, 6, appointment(serviceType=[{"text": "iv-mood"}])) == [(1, "serviceType", "other-protocol")]


def test_rules_alone_are_a_conflict_with_their_ids(desk: Desk) -> None:
    late = "2026-11-24T23:00:00-05:00"
    found = refused(desk, 4, appointment(), appointment(2, late, "M1002"))
    assert {(entry, column) for entry, column, _ in found} == {(2, "start")}
    assert "outside-hours" in {rule for _, _, rule in found}
    error = desk.type("fhir", "import", "b.json").err.splitlines()
    assert error[0] == "1 entry cannot be placed; nothing was written."
    assert error[1].startswith("  entry 2 start  ")
    assert error[-1] == "Try: infusion fhir import --keep-going writes the rest"
    answer = desk.type("fhir", "import", "b.json", "--keep-going", "--json")
    assert (answer.status, done(answer.data), {p["rule"] for p in answer.data["left_out"]}) == (
        4,
        [(1, "book")],
        {rule for _, _, rule in found},
    )


def test_a_protocol_can_be_given_for_those_that_name_none(desk: Desk) -> None:
    take(desk, appointment(serviceType=[]), appointment(2, TEN, "M1002"), words=("--protocol", "CONSULT"))
    assert [v[1] for v in visits(desk)] == ["consult"] * 2
    assert desk.refused(3, "fhir", "import", "b.json", "--protocol", "yoga")["code"] == "not-found"
    assert desk.refused(2, "fhir", "import", "b.json", "--hold", "long")["code"] == "usage"


def test_what_makes_room_goes_first(desk: Desk) -> None:
    hours = [f"2026-11-24T{hour:02}:00:00-05:00" for hour in (9, 10, 11, 12)]
    people = ("M1001", "M1002", "M1010")
    take(desk, *(appointment(n, hours[n], people[n]) for n in range(3)))
    answer = take(desk, *(appointment(n, hours[n + 1], people[n]) for n in range(3)))
    assert done(answer) == [(1, "move"), (2, "move"), (3, "move")]
    assert [v[2][11:] for v in visits(desk)] == ["10:00", "11:00", "12:00"]
    take(desk, *(appointment(n, hours[n], people[n]) for n in range(3)))
    assert [v[2][11:] for v in visits(desk)] == ["09:00", "10:00", "11:00"]


def test_a_cancelled_place_is_free_for_what_stands_before_it_in_the_file(desk: Desk) -> None:
    take(desk, appointment())
    answer = take(desk, appointment(2, mrn="M1002"), appointment(status="cancelled"))
    assert done(answer) == [(1, "book"), (2, "cancel")]


def test_a_dry_run_shows_and_writes_nothing(desk: Desk) -> None:
    before = desk.octets()
    answer = desk.type("fhir", "import", desk.file("b.json", bundle(appointment())), "-n", "--exit-code")
    assert answer == (
        5,
        f"1 appointment read: 1 booked, 0 as before.\n  + {ONE:7} Tue 24 Nov 2026 09:00  PANANE  consult  Quiet room\n",
        "Dry run: nothing was written.\n",
    )
    assert desk.octets() == before


def test_a_key_gives_the_first_answer(desk: Desk) -> None:
    first = take(desk, appointment(), words=("--key", "k"))
    desk.say("cancel", ONE, "--reason", "ill", "--yes")
    again = take(desk, appointment(), words=("--key", "k"))
    assert again == first | {"replayed": True}
    assert refused_key(desk) == "conflict"


def refused_key(desk: Desk) -> str:
    desk.file("b.json", bundle(appointment(2)))
    return str(desk.refused(4, "fhir", "import", "b.json", "--key", "k")["code"])


def test_an_undone_import_can_be_repeated(desk: Desk) -> None:
    take(desk, appointment())
    desk.say("undo", "--yes")
    assert done(take(desk, appointment())) == [(1, "book")]


def test_somebody_who_was_forgotten_is_not_booked_again(desk: Desk) -> None:
    take(desk, appointment())
    exported(desk)
    desk.say("cancel", ONE, "--reason", "ill", "--yes")
    desk.say("patients", "forget", YARA, "--yes")
    assert [s["rule"] for s in take(desk, appointment(start=WEDNESDAY))["skipped"]] == ["forgotten"]
    assert refused(desk, 6, appointment(2)) == [(1, "participant", "not-found")]
    before = desk.octets()
    exported(desk)
    lived = desk.json("fhir", "import", "out.json")
    assert (lived["operation"], lived["unchanged"], lived["skipped"]) == (None, [4], [])
    assert desk.octets() == before


def test_no_name_of_the_file_is_in_a_message(desk: Desk) -> None:
    secret = "Zirkonia Beryll"
    people = [patient("x", name=[{"text": secret}], identifier=[{"value": secret}], birthDate="1950-02-03")]
    bad = [appointment(n, mrn="x", comment=secret) for n in (1, 2)]
    bad.append(appointment(3, status=secret, start=secret, id=secret))
    desk.file("b.json", bundle(*bad, *people))
    for form in ((), ("--json",), ("--keep-going",)):
        answer = desk.type("fhir", "import", "b.json", *form)
        assert answer.status in {4, 6}
        assert not re.search("zirkonia|beryll|1950", (answer.out + answer.err).casefold())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"", "not JSON that can be used"),
        (b"[" * 200_000, "not JSON that can be used"),
        (b'{"resourceType": "Patient"}', "a Patient, not a Bundle"),
        (b'{"resourceType": "Bundle", "type": "history"}', "of one of the types"),
        (b" " * 20_000_001, "larger than 20 MB"),
    ],
)
def test_what_is_no_bundle(desk: Desk, content: bytes, words: str) -> None:
    error = desk.refused(6, "fhir", "import", desk.file("b.json", content))
    assert words in error["message"]
    assert error["hint"]


def test_a_book_on_a_server_gives_and_takes_the_same(desk: Desk, database_url: str) -> None:
    file = desk.file("b.json", bundle(appointment(), appointment(2, TEN, "M1002", status="pending")))
    desk.say("fhir", "import", file)
    here = visits(desk)
    desk.setenv(INFUSION_DB=database_url)
    desk.say("init", "--from", str(DATA / "harbor" / "clinic.toml"), "--quiet")
    desk.say("patients", "import", str(DATA / "harbor" / "patients.csv"), "--quiet")
    assert done(desk.json("fhir", "import", file)) == [(1, "book"), (2, "hold")]
    assert visits(desk) == here
    assert told(exported(desk)) == [(ONE, "booked"), (TWO, "pending")]
    assert desk.json("fhir", "import", "out.json")["unchanged"] == [5, 8]
    desk.file("b.json", bundle(appointment(start=WEDNESDAY), appointment(2, mrn="M1002", status="cancelled")))
    assert done(desk.json("fhir", "import", file)) == [(1, "move"), (2, "cancel")]
    desk.say("move", ONE, "2026-11-25T11:00")
    desk.file("b.json", bundle(appointment(start="2026-11-25T11:00:00-05:00")))
    assert desk.json("fhir", "import", file)["unchanged"] == [1]
    desk.say("move", ONE, "2026-11-25T13:00")
    assert desk.json("fhir", "import", file)["unchanged"] == [1]
    assert desk.json("show", ONE)["start"] == "2026-11-25T13:00:00-05:00"


def test_standard_input_is_read(desk: Desk) -> None:
    assert desk.say("fhir", "import", "-", stdin=bundle(appointment())).startswith("1 appointment read: 1 booked")


ODD: st.SearchStrategy[Any] = st.sampled_from(
    ["\0", "\ud800", "", " ", "M1001", YARA, ONE, "consult", "cancelled", "2026-11-24T09:00:00Z", None, 7, [], {}]
)
WHERE = ("status", "start", "id", "identifier", "serviceType", "participant", "meta", "subject", "contained")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(WHERE), ODD | st.lists(ODD, max_size=2)), max_size=4))
def test_whatever_stands_in_a_file_ends_with_an_answer(desk: Desk, changes: list[tuple[int, str, Any]]) -> None:
    both = [appointment(), appointment(2, TEN, "M1002")]
    for number, name, value in changes:
        both[number][name] = (
            [{"system": value, "value": value, "text": value, "actor": value}] if isinstance(value, list) else value
        )
    answer = desk.type("fhir", "import", desk.file("b.json", bundle(*both)), "--keep-going", "--json")
    assert answer.status in {0, 4, 6}, answer
    assert "Traceback" not in answer.err
