"""Bundles for health systems, held against two public libraries of FHIR and against the book they tell of."""

from __future__ import annotations

import copy
import json
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import pytest
from builders import at, block, clinic, patient, visit
from fhir_models import validate
from formats.test_ics_octets import ENOUGH, HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain.book import Appointment, Block, Patient
from infusion_cli.domain.clinic import Chair, Clinic
from infusion_cli.domain.forgetting import forgotten
from infusion_cli.domain.interchange import RELEASES, WISHES, Space
from infusion_cli.domain.names import clean
from infusion_cli.formats.fhir import Export, bundle, chair_names, file_name

SPACE = Space("f" * 64)
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)
ZONES = ("America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Etc/UTC")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
STATUSES = {  # FHIR's value sets appointmentstatus and slotstatus; those of R4 and R5 have the same codes
    "Appointment": {
        *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow", "entered-in-error"),
        *("checked-in", "waitlist"),
    },
    "Slot": {"busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"},
}


def written(
    of: Clinic,
    visits: Sequence[Appointment],
    people: Sequence[Patient],
    blocks: Sequence[Block] = (),
    *,
    release: str = "R4",
    tells_service: bool = False,
) -> bytes:
    """The whole file."""
    known = {p.id: p for p in people}
    about = Export(release, FIRST, LAST, tells_service)
    return b"".join(bundle(of, SPACE, about, visits, lambda ids: {i: known[i] for i in ids}, blocks))


def resources(data: bytes, kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in json.loads(data)["entry"] if e["resource"]["resourceType"] == kind]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def instant(text: str) -> int:
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return int(found.timestamp())


@st.composite
def books(draw: st.DrawFn) -> tuple[Clinic, list[Appointment], list[Patient], list[Block]]:
    """A clinic in some zone, people with hostile names, visits of any status at any quarter of an hour, blocks."""
    names = [draw(HOSTILE) for _ in range(3)]
    chairs = tuple(Chair(f"chair-{n}", name) for n, name in enumerate(names))
    of = clinic(timezone=draw(st.sampled_from(ZONES)), chairs=chairs)
    people = [patient(n, name=draw(HOSTILE), mrn=draw(HOSTILE)) for n in range(3)]
    people[0] = people[0]._replace(birth_date="1971-03-05", status=draw(st.sampled_from(["active", "inactive"])))
    # Around 1 November 2026 clocks are set back in New York and St John's.
    starts = st.integers(at("2026-10-30T00:00") // 900, at("2026-11-03T00:00") // 900).map(lambda n: n * 900)
    visits = []
    for n in range(draw(st.integers(1, 6))):
        fresh = visit(n, of=draw(st.integers(0, 2)), chair=f"chair-{draw(st.integers(0, 3))}")  # one chair has gone
        shift = draw(starts) - fresh.start
        visits.append(
            fresh._replace(
                start=fresh.start + shift,
                end=fresh.end + shift,
                leave=fresh.leave + shift,
                status=draw(st.sampled_from(sorted(WISHES))),
                sequence=draw(st.integers(0, 3)),
            )
        )
    blocks = [block(0, "chair", "chair-1"), block(1, "clinic", ""), block(2, "staff", "rn-1"), block(3, "open", "")]
    return of, visits, people, blocks[: draw(st.integers(0, 4))]


@ENOUGH
@given(book=books(), release=st.sampled_from(RELEASES), tells_service=st.booleans())
def test_every_bundle_is_valid_whole_and_says_what_the_book_says(
    book: tuple[Clinic, list[Appointment], list[Patient], list[Block]], release: str, tells_service: bool
) -> None:
    of, visits, people, blocks = book
    data = written(of, visits, people, blocks, release=release, tells_service=tells_service)
    assert data == written(of, visits, people, blocks, release=release, tells_service=tells_service)
    validate(data, release)

    entries = json.loads(data)["entry"]
    urls = [e["fullUrl"] for e in entries]
    assert len(set(urls)) == len(urls)
    assert set(references(entries)) <= set(urls)
    assert all(e["fullUrl"] == f"urn:uuid:{e['resource']['id']}" and ID.fullmatch(e["resource"]["id"]) for e in entries)
    assert all(text == text.strip() and text and not re.search(r"[\0-\x1f\x7f-\x9f]", text) for text in texts(entries))
    for kind, known in STATUSES.items():
        assert {r["status"] for r in resources(data, kind)} <= known
    told = {r["identifier"][0]["value"]: r for r in resources(data, "Appointment")}
    slots = {r["id"]: r for r in resources(data, "Slot")}
    assert list(told) == [v.id for v in visits]
    for v in visits:
        mine = told[v.id]
        assert (instant(mine["start"]), instant(mine["end"]), mine["status"]) == (v.start, v.leave, v.status)
        assert mine["minutesDuration"] * 60 == v.leave - v.start
        assert ("serviceType" in mine) == tells_service
        assert ("slot" in mine) == (v.status not in {"cancelled", "noshow", "entered-in-error", "waitlist"})
        for reference in mine.get("slot", []):
            slot = slots.pop(reference["reference"].removeprefix("urn:uuid:"))
            assert (instant(slot["start"]), instant(slot["end"])) == (v.start, v.end)
            assert slot["status"] == ("busy-tentative" if v.status in {"pending", "proposed"} else "busy")
    assert {slot["status"] for slot in slots.values()} <= {"busy-unavailable"}
    assert len(slots) == sum({"chair": 1, "clinic": 3}.get(b.kind, 0) for b in blocks)


@pytest.mark.parametrize("release", RELEASES)
def test_control_the_libraries_refuse_what_is_not_fhir(release: str) -> None:
    good = json.loads(written(clinic(), [visit()], [patient()], release=release))
    for change in ({"participant": None}, {"start": "2026-12-01T09:00"}, {"colour": "red"}, {"status": None}):
        bad = copy.deepcopy(good)
        appointment = next(e["resource"] for e in bad["entry"] if e["resource"]["resourceType"] == "Appointment")
        appointment |= change
        with pytest.raises(Exception, match=r"."):
            validate(json.dumps(bad).encode(), release)


def test_a_visit_in_full() -> None:
    data = written(clinic(), [visit(sequence=2)], [patient()], tells_service=True)
    (told,) = resources(data, "Appointment")
    (slot,), (schedule,), (place,), (person,) = (
        resources(data, kind) for kind in ("Slot", "Schedule", "Location", "Patient")
    )
    assert told == {
        "resourceType": "Appointment",
        "id": SPACE.uuid(visit().id),
        "meta": {"versionId": "2", "lastUpdated": "2026-11-30T13:00:00Z"},
        "identifier": [{"system": SPACE.system, "value": visit().id}],
        "status": "booked",
        "serviceType": [
            {
                "coding": [{"system": SPACE.urn("protocols"), "code": "iv-mood", "display": "IV ketamine, mood"}],
                "text": "IV ketamine, mood",
            }
        ],
        "start": "2026-12-01T09:00:00-05:00",
        "end": "2026-12-01T10:30:00-05:00",
        "minutesDuration": 90,
        "slot": [{"reference": f"urn:uuid:{slot['id']}"}],
        "participant": [
            {"actor": {"reference": f"urn:uuid:{r['id']}"}, "required": "required", "status": "accepted"}
            for r in (person, place)
        ],
    }
    assert (slot["start"], slot["end"]) == ("2026-12-01T09:00:00-05:00", "2026-12-01T10:45:00-05:00")
    assert slot["schedule"] == {"reference": f"urn:uuid:{schedule['id']}"}
    assert schedule["actor"] == [{"reference": f"urn:uuid:{place['id']}"}]
    assert schedule["planningHorizon"] == {"start": "2026-11-01", "end": "2026-12-31"}
    assert (place["name"], place["identifier"][0]["value"]) == ("Window", "chair-1")


@pytest.mark.parametrize(
    ("status", "agreed"),
    [
        ("pending", "tentative"),
        ("booked", "accepted"),
        ("fulfilled", "accepted"),
        ("noshow", "accepted"),
        ("cancelled", "declined"),
        ("entered-in-error", "declined"),
    ],
)
def test_who_takes_part(status: str, agreed: str) -> None:
    (told,) = resources(written(clinic(), [visit(status=status)], [patient()]), "Appointment")
    assert [p["status"] for p in told["participant"]] == [agreed] * 2


def test_what_r5_has_otherwise() -> None:
    data = written(clinic(), [visit()], [patient()], release="R5", tells_service=True)
    (told,), (person,) = resources(data, "Appointment"), resources(data, "Patient")
    assert told["serviceType"][0]["concept"]["coding"][0]["code"] == "iv-mood"
    assert told["subject"] == {"reference": f"urn:uuid:{person['id']}"}
    assert [p["required"] for p in told["participant"]] == [True, True]


def test_a_patient_is_told_without_a_way_to_reach_them() -> None:
    full = patient(birth_date="1971-03-05", phone="555 0142 77", email="ada@mail.example")
    (told,) = resources(written(clinic(), [visit()], [full]), "Patient")
    assert told == {
        "resourceType": "Patient",
        "id": SPACE.uuid(full.id),
        "identifier": [
            {"system": SPACE.system, "value": full.id},
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                "value": "MRN-0000",
            },
        ],
        "active": True,
        "name": [{"text": "Ada Example 0"}],
        "birthDate": "1971-03-05",
    }


def test_somebody_who_was_forgotten_is_an_id() -> None:
    gone = forgotten(patient())
    assert isinstance(gone, Patient)
    data = written(clinic(), [visit()], [gone])
    (told,) = resources(data, "Patient")
    assert ([i["value"] for i in told["identifier"]], told["active"], "name" in told) == ([gone.id], False, False)
    validate(data, "R4")


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_says_what_a_visit_is_for_unless_it_is_asked_for(release: str) -> None:
    telling = clinic(chairs=(Chair("ketamine-1", "Ketamine room"), Chair("iv-mood", "Spravato")))
    secrets = ("ketamin", "iv-mood", "spravato", "harbor", "wellness", "infusion", "calendar.invalid", "pump broken")
    marked = visit(series="S-Beryll", session=3, chair="ketamine-1", reason="relapse", ride="by taxi")
    visits = [marked, visit(1, chair="iv-mood")]
    blocks = [block(subject="ketamine-1"), block(1, "clinic", "")]
    people = [patient(0, phone="555 0142 77", email="ada@mail.example"), patient(1)]
    text = written(telling, visits, people, blocks, release=release).decode().casefold()
    for secret in (*secrets, "beryll", "relapse", "taxi", "0142", "mail.example"):
        assert secret not in text
    places = resources(written(telling, visits, people, blocks, release=release), "Location")
    assert {r["name"]: "identifier" in r for r in places} == {"Chair 1": False, "Chair 2": False}
    assert "iv-mood" in written(telling, visits, people, release=release, tells_service=True).decode()


def test_a_chair_is_known_again_by_what_a_bundle_calls_it() -> None:
    of = clinic(chairs=(Chair("window", "Window  seat"), Chair("ketamine-2", "Ketamine room")))
    names = chair_names(of)
    assert [names[text] for text in ("window", "window seat")] == ["window", "window"]
    assert [names[text] for text in ("chair 2", "ketamine-2", "ketamine room")] == ["ketamine-2"] * 3


def test_other_books_give_other_names() -> None:
    other = Space("e" * 64)
    assert other.system != SPACE.system
    assert other.uuid(visit().id) != SPACE.uuid(visit().id) == Space("f" * 64).uuid(visit().id)


def test_a_zone_that_was_off_by_seconds_is_told_in_utc() -> None:
    old = visit()
    early = old._replace(start=0, end=3600, leave=3600)
    data = written(clinic(timezone="Africa/Monrovia"), [early], [patient()])
    (told,) = resources(data, "Appointment")
    assert (told["start"], told["end"]) == ("1970-01-01T00:00:00+00:00", "1970-01-01T01:00:00+00:00")
    validate(data, "R4")


def test_files_have_neutral_names() -> None:
    assert [file_name(i) for i in ("", "A7K2MH", "S7K2MH", "P7K2MH")] == [
        "appointments.json",
        "appointment-A7K2MH.json",
        "appointments-S7K2MH.json",
        "appointments.json",
    ]


def test_a_large_book_is_written_as_it_is_read() -> None:
    def many(count: int) -> int:
        people = patient()
        visits = (visit(n, of=0) for n in range(count))
        about = Export("R4", FIRST, LAST)
        tracemalloc.start()
        try:
            size = sum(map(len, bundle(clinic(), SPACE, about, visits, lambda _: {people.id: people}, [])))
            assert size > count * 1000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    many(6000)  # what Python keeps for later is there by now
    assert many(6000) < many(1000) * 1.2


def test_names_are_clean_in_the_file() -> None:
    name = "  Ada\0\r\nLove\u202elace\ud800 "
    (told,) = resources(written(clinic(), [visit()], [patient(name=name)]), "Patient")
    assert told["name"] == [{"text": clean(name)}]
    assert b"\\u202e" in written(clinic(), [visit()], [patient(name=name)])
