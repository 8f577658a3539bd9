"""Appointments out of other systems' files: what is read, what is refused, and that nothing else happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from builders import at
from formats.test_ics_octets import ENOUGH
from hypothesis import given
from hypothesis import strategies as st

from infusion_cli.domain.interchange import WISHES, EntryProblem, Identifier, Person, Wanted, is_one_appointment
from infusion_cli.errors import InvalidDataError
from infusion_cli.formats.fhir_entries import BUNDLES
from infusion_cli.formats.fhir_read import Found, appointments

CHAIRS = {"window": "chair-1", "chair-1": "chair-1", "garden": "chair-2"}
PATIENT = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:mrn", "value": "M1001"}]}
PLACE = {"resourceType": "Location", "id": "l1", "name": "Window"}
APPOINTMENT = {
    "resourceType": "Appointment",
    "id": "a1",
    "identifier": [{"system": "urn:visits", "value": "77"}],
    "status": "booked",
    "serviceType": [{"coding": [{"code": "iv-mood"}]}],
    "start": "2026-12-01T09:00:00-05:00",
    "end": "2026-12-01T10:00:00-05:00",
    "participant": [
        {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
        {"actor": {"reference": "Location/l1"}, "status": "accepted"},
    ],
}


def bundle(*resources: Any, kind: str = "collection", server: str = "https://ehr.example/fhir") -> dict[str, Any]:
    """The resources as a Bundle, each at its address."""
    entries = [{"fullUrl": f"{server}/{r.get('resourceType')}/{r.get('id')}", "resource": r} for r in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def read(value: Any, name: str = "b.json") -> Found:
    return appointments(value if isinstance(value, str) else json.dumps(value), name, CHAIRS)


def one(**changes: Any) -> Wanted:
    """The appointment of a good bundle, changed."""
    (wanted,) = read(bundle(PATIENT, PLACE, APPOINTMENT | changes)).wanted
    return wanted


def numbers(wanted: Wanted) -> list[str]:
    """What the patient is known by."""
    return [i.value for i in wanted.person.identifiers]


def problem(**changes: Any) -> tuple[str, str]:
    """Element and rule of what is wrong with the appointment of a bundle, changed."""
    found = read(bundle(PATIENT, PLACE, APPOINTMENT | changes))
    assert found.wanted == []
    ((entry, column, rule, message, is_conflict),) = found.problems
    assert (entry, is_conflict) == (3, False)
    assert message
    return column, rule


def refused(text: str, name: str = "b.json") -> InvalidDataError:
    with pytest.raises(InvalidDataError) as caught:
        appointments(text, name, CHAIRS)
    return caught.value


def test_an_appointment_in_full() -> None:
    found = one(meta={"lastUpdated": "2026-11-20T10:00:00.25Z"})
    assert found.person.digest
    assert found._replace(names=(), place="", person=found.person._replace(digest="")) == Wanted(
        entry=3,
        names=(),
        identifiers=(Identifier("urn:visits", "77"),),
        status="booked",
        start=at("2026-12-01T09:00"),
        person=Person((Identifier("urn:mrn", "M1001"),)),
        services=("iv-mood",),
        chair="chair-1",
        place="",
        by="clinic",
        updated=at("2026-11-20T05:00"),
    )


@pytest.mark.parametrize("kind", BUNDLES)
def test_bundles_of_these_types_are_read(kind: str) -> None:
    assert len(read(bundle(PATIENT, APPOINTMENT, kind=kind)).wanted) == 1


def test_a_lone_appointment_and_json_lines_are_read() -> None:
    alone = APPOINTMENT | {"contained": [PATIENT | {"id": "x"}], "participant": [{"actor": {"reference": "#x"}}]}
    assert numbers(read(alone).wanted[0]) == ["M1001"]
    text = "\n".join(json.dumps(r) for r in (PATIENT, PLACE)) + "\n\n" + json.dumps(APPOINTMENT)
    (wanted,) = read(text, "export.NDJSON").wanted
    assert (wanted.entry, wanted.chair, numbers(wanted)) == (4, "chair-1", ["M1001"])


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "https://ehr.example/fhir/Patient/p1",
        "https://ehr.example/fhir/Patient/p1/_history/4",
        "Patient/p1/_history/4",
    ],
)
def test_references_are_resolved(reference: str) -> None:
    assert numbers(one(participant=[{"actor": {"reference": reference}}])) == ["M1001"]


def test_a_reference_to_one_of_two_servers_means_the_one_of_the_appointment() -> None:
    here, there = bundle(PATIENT, APPOINTMENT), bundle(PATIENT | {"identifier": [{"value": "M2"}]}, server="https://b")
    here["entry"] += there["entry"]
    assert numbers(read(here).wanted[0]) == ["M1001"]
    del here["entry"][0]
    assert numbers(read(here).wanted[0]) == []
    here["entry"][0]["fullUrl"] = "urn:uuid:1"
    assert numbers(read(here).wanted[0]) == ["M2"]
    here["entry"] += bundle(PATIENT)["entry"]
    assert numbers(read(here).wanted[0]) == []


def test_what_is_not_in_the_file_is_known_by_the_references_own_identifier() -> None:
    actor = {"type": "Patient", "identifier": {"value": "M1", "type": {"coding": [{"code": "MR"}]}}}
    assert one(participant=[{"actor": actor}]).person.identifiers == (Identifier("", "M1", "MR"),)
    assert numbers(one(participant=[{"actor": {"reference": "Patient/9", "display": "Yara"}}])) == []
    places = [{"reference": "Location/chair-1"}, {"reference": "Location/9", "display": "WINDOW"}]
    assert [one(participant=[{"actor": place}]).chair for place in places] == ["chair-1"] * 2
    assert one(participant=[{"actor": {"reference": "Location/elsewhere"}}, {"actor": None}, {}]).chair == ""


def test_what_it_is_for_in_r4_and_r5() -> None:
    concept = {"coding": [{"code": "iv-mood", "display": "Mood"}], "text": "IV"}
    assert one(serviceType=[concept]).services == one(serviceType=[{"concept": concept}]).services
    assert one(serviceType=[concept]).services == ("iv-mood", "Mood", "IV")


def test_the_subject_of_r5_is_the_patient_where_none_takes_part() -> None:
    assert numbers(one(participant=[], subject={"reference": "Patient/p1"})) == ["M1001"]


def test_who_cancelled() -> None:
    reason = {"coding": [{"code": "pat-fb"}]}
    assert [one(status="cancelled", **{name: reason}).by for name in ("cancelationReason", "cancellationReason")] == [
        "patient",
        "patient",
    ]
    assert one(status="cancelled", cancelationReason={"coding": [{"code": "prov"}]}).by == "clinic"


@pytest.mark.parametrize(
    ("start", "instant"),
    [
        ("2026-12-01T14:00:00Z", "2026-12-01T09:00"),
        ("2026-12-01T09:00:00.000-05:00", "2026-12-01T09:00"),
        ("2026-12-01T19:30:00+05:30", "2026-12-01T09:00"),
        ("2026-12-01T09:00:07-05:00", "2026-12-01T09:00:07"),
        ("2026-12-01T09:00:00.5-05:00", "2026-12-01T09:00:01"),
    ],
)
def test_starts(start: str, instant: str) -> None:
    assert one(start=start).start == at(instant)


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        ("2026-12-01T09:00:00", "bad-instant"),
        ("2026-12-01T09:00-05:00", "bad-instant"),
        ("2026-12-01", "bad-instant"),
        ("2026-02-30T09:00:00Z", "bad-instant"),
        ("2026-12-01T09:00:00+99:00", "bad-instant"),
        ("2026-12-01T09:00:60Z", "bad-instant"),
        ("9999-12-31T23:59:00-14:00", "bad-instant"),
        ("0001-01-01T00:00:00+14:00", "bad-instant"),
        (20261201, "bad-value"),
    ],
)
def test_starts_that_cannot_be_used(start: Any, rule: str) -> None:
    assert problem(start=start) == ("start", rule)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"status": "here"}, ("status", "unknown-status")),
        ({"status": None}, ("status", "unknown-status")),
        ({"status": ["booked"]}, ("status", "bad-value")),
        ({"participant": {}}, ("participant", "bad-value")),
        ({"participant": [1]}, ("participant", "bad-value")),
        ({"participant": [{"actor": "Patient/p1"}]}, ("participant", "bad-value")),
        ({"participant": [{"actor": {"reference": 1}}]}, ("participant", "bad-value")),
        ({"serviceType": "iv-mood"}, ("serviceType", "bad-value")),
        ({"serviceType": [{"concept": 1}]}, ("serviceType", "bad-value")),
        ({"identifier": [{"value": {}}]}, ("identifier", "bad-value")),
        ({"identifier": [{"type": 1}]}, ("identifier", "bad-value")),
        ({"meta": []}, ("meta", "bad-value")),
        ({"cancelationReason": []}, ("cancelationReason", "bad-value")),
        ({"subject": 1, "participant": []}, ("subject", "bad-value")),
    ],
)
def test_values_of_the_wrong_kind(changes: dict[str, Any], found: tuple[str, str]) -> None:
    assert problem(**changes) == found


def test_two_patients_or_two_chairs_are_refused() -> None:
    other = PATIENT | {"id": "p2", "identifier": [{"value": "M1002"}]}
    both = [{"actor": {"reference": f"Patient/p{n}"}} for n in (1, 2)]
    found = read(bundle(PATIENT, other, APPOINTMENT | {"participant": both}))
    assert [p.rule for p in found.problems] == ["several-patients"]
    places = [{"actor": {"reference": "Location/window"}}, {"actor": {"reference": "Device/garden"}}]
    assert problem(participant=places) == ("participant", "several-chairs")


def test_an_appointment_has_a_name_of_each_identifier_of_its_address_and_of_its_id() -> None:
    def names(resource: dict[str, Any], server: str = "https://ehr.example") -> tuple[str, ...]:
        return read(bundle(resource, server=server)).wanted[0].names

    bare = {k: v for k, v in APPOINTMENT.items() if k != "identifier"}
    assert [name[0] for name in names(APPOINTMENT)] == ["i", "u", "n"]
    assert names(APPOINTMENT)[1:] == names(bare)
    assert names(bare)[0] != names(bare, "https://b.example")[0]
    assert names(bare)[1:] == names(bare, "https://b.example")[1:] == names(bare, "urn:uuid:") == told(bare).names
    two = [{"system": "a", "value": "1"}, {"system": "b", "value": "1"}]
    assert set(names(APPOINTMENT | {"identifier": two})) == set(names(APPOINTMENT | {"identifier": two[::-1]}))
    del bare["id"]
    assert [p.rule for p in read(bare).problems] == ["no-identifier"]


def told(resource: dict[str, Any], url: str = "") -> Wanted:
    """An appointment as it is read, alone in its file."""
    entry = {"fullUrl": url, "resource": resource} if url else {"resource": resource}
    (wanted,) = read({"resourceType": "Bundle", "type": "collection", "entry": [entry]}).wanted
    return wanted


A, B = "https://a.example/Appointment/", "https://b.example/Appointment/"


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        (("1", {}, ""), ("1", {}, A + "1"), True),  # alone, then in a search
        (("1", {}, A + "1"), ("1", {}, B + "1"), False),  # two servers
        (("1", {}, A + "1"), ("1", {"v": "7"}, A + "1"), True),  # a number is given to it
        (("1", {"v": "7"}, A + "1"), ("1", {"v": "8"}, A + "1"), True),  # and mended
        (("1", {"v": "7"}, A + "1"), ("9", {"v": "7"}, B + "9"), True),  # its system has moved
        (("1", {"v": "7"}, ""), ("1", {"v": "8"}, ""), False),  # the same id in two systems
        (("1", {"v": "7", "o": "1"}, A + "1"), ("2", {"v": "8", "o": "1"}, A + "2"), False),  # one order
        (("1", {"v": "7", "o": "1"}, ""), ("2", {"v": "8", "o": "1"}, ""), False),
        (("1", {"v": "7", "o": "1"}, A + "1"), ("1", {"w": "8", "o": "1"}, A + "1"), True),
        (("1", {"v": "7"}, A + "1"), ("9", {"v": "7", "o": "1"}, ""), True),
        (("1", {}, ""), ("2", {}, ""), False),
    ],
)
def test_when_two_names_are_those_of_one_appointment(first: Any, second: Any, is_one: bool) -> None:
    some, others = (
        told(APPOINTMENT | {"id": id_, "identifier": [{"system": s, "value": v} for s, v in given.items()]}, url).names
        for id_, given, url in (first, second)
    )
    assert is_one_appointment(some, others) is is_one_appointment(others, some) is is_one


def test_an_appointment_that_stands_twice_is_refused_the_second_time() -> None:
    found = read(bundle(APPOINTMENT, PATIENT, APPOINTMENT | {"id": "a2"}))
    assert [w.entry for w in found.wanted] == [1]
    assert found.problems == [
        EntryProblem(3, "identifier", "doubled-appointment", "the appointment stands in entry 1 already")
    ]


def test_what_stands_twice_word_for_word_is_read_once() -> None:
    found = read(bundle(PATIENT, APPOINTMENT, PATIENT, APPOINTMENT, kind="searchset"))
    assert (numbers(found.wanted[0]), len(found.wanted), found.problems) == (["M1001"], 1, [])
    assert [s[:2] for s in found.skipped] == [(4, "repeated")]


def test_the_number_of_an_order_makes_no_doubles_of_its_appointments() -> None:
    def numbered(*values: str) -> dict[str, Any]:
        return APPOINTMENT | {"id": values[0], "identifier": [{"value": value} for value in values]}

    found = read(bundle(numbered("1", "order"), numbered("order", "2"), numbered("3"), numbered("3", "order")))
    assert [p[:3] for p in found.problems] == [(4, "identifier", "doubled-appointment")]
    names = [set(w.names) for w in found.wanted]
    assert [len(n & m) for n, m in pairwise(names)] == [0, 0]
    assert [len([name for name in w.names if name[0] == "i"]) for w in found.wanted] == [1, 1, 1]


def test_a_relative_full_url_is_no_second_resource() -> None:
    value = bundle(PATIENT, APPOINTMENT, server="https://x")
    for entry in value["entry"]:
        entry["fullUrl"] = entry["fullUrl"].removeprefix("https://x/")
    assert numbers(read(value).wanted[0]) == ["M1001"]


def test_marks_and_ends_of_identifiers() -> None:
    def identifier(**given: Any) -> Identifier:
        (found,) = one(participant=[{"actor": {"type": "Patient", "identifier": {"value": "1"} | given}}]).person[0]
        return found

    def typed(*codings: tuple[str, str]) -> Any:
        return {"coding": [{"system": system, "code": code} for system, code in codings]}

    v2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
    assert identifier(type={"text": "MRN"}).mark == ""
    assert identifier(type=typed((v2, "SS"))).mark == "SS"
    assert [identifier(type=typed((v2, "PI"), (s, "MR"))).mark for s in (v2, "", "urn:ours")] == ["MR", "MR", "PI"]
    assert identifier(type=typed(("urn:ours", "MR"))).mark == "other"
    assert identifier(use="old", period={"end": "2030"}).until < "0001"
    ends = {end: identifier(period={"end": end}).until for end in ("2020", "2020-03", "2020-03-04T05:06:07Z")}
    assert list(ends.values()) == ["2020", "2020-03", "2020-03-04"]
    for end in ("soon", "2020-1", 7):
        actor = {"type": "Patient", "identifier": {"value": "1", "period": {"end": end}}}
        assert problem(participant=[{"actor": actor}]) == ("participant", "bad-value")


def test_a_patient_who_is_not_active_and_one_who_declines() -> None:
    found = read(bundle(PATIENT | {"active": False}, APPOINTMENT)).wanted[0]
    assert (found.person.is_active, found.has_declined) == (False, False)
    place = {"actor": {"reference": "Location/l1"}, "status": "declined"}
    person = {"actor": {"reference": "Patient/p1"}, "status": "accepted"}
    assert not one(participant=[place, person]).has_declined
    assert one(participant=[place, person | {"status": "declined"}]).has_declined


EXTENSION = [{"url": "https://ehr.example/not", "valueBoolean": True}]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"modifierExtension": EXTENSION}, ("modifierExtension", "unknown-rules")),
        ({"implicitRules": "https://ehr.example/rules"}, ("implicitRules", "unknown-rules")),
        ({"participant": [{"modifierExtension": EXTENSION}]}, ("participant", "unknown-rules")),
        ({"recurrenceTemplate": [{"occurrenceCount": 6}]}, ("recurrenceTemplate", "recurring")),
        ({"resourceType": "Bundle"}, ("resource", "nested-bundle")),
    ],
)
def test_what_means_something_else_than_it_seems_to_is_refused(changes: dict[str, Any], found: tuple[str, str]) -> None:
    assert problem(**changes) == found


def test_whatever_surrounds_an_appointment_may_change_what_it_means() -> None:
    value = bundle(PATIENT | {"implicitRules": "x"}, APPOINTMENT, APPOINTMENT | {"id": "2", "participant": []})
    value["entry"][2]["modifierExtension"] = EXTENSION
    assert [p[:3] for p in read(value).problems] == [
        (2, "participant", "unknown-rules"),
        (3, "modifierExtension", "unknown-rules"),
    ]
    assert refused(json.dumps(bundle(APPOINTMENT) | {"implicitRules": "x"})).hint


def test_lines_are_known_by_what_they_look_like() -> None:
    text = "\n".join(json.dumps(r) for r in (PATIENT, APPOINTMENT))
    for name in ("-", "export", "b.txt"):
        assert [(w.entry, numbers(w)) for w in read(f"\n{text}\r\n", name).wanted] == [(3, ["M1001"])]
    assert len(read(json.dumps(bundle(APPOINTMENT), indent=1), "-").wanted) == 1
    assert refused(json.dumps(APPOINTMENT) + "\n}", "-").errors[0].line == 2


def test_bundles_in_lines_are_read_and_their_entries_counted_through() -> None:
    other = APPOINTMENT | {"id": "a2", "identifier": [{"value": "2"}]}
    text = "\n".join(json.dumps(b) for b in (bundle(PATIENT, APPOINTMENT), bundle(other), other | {"id": "a3"}))
    found = read(text, "pages.ndjson")
    assert [(w.entry, numbers(w)) for w in found.wanted] == [(2, ["M1001"]), (3, ["M1001"])]
    assert [p[:3] for p in found.problems] == [(4, "identifier", "doubled-appointment")]
    (wanted,) = read(json.dumps(bundle(PATIENT, APPOINTMENT)) + "\n", "page.ndjson").wanted
    assert numbers(wanted) == ["M1001"]


def test_a_page_of_several_is_told_unless_the_others_are_there() -> None:
    def page(resource: Any, **links: str) -> dict[str, Any]:
        return bundle(resource, kind="searchset") | {
            "link": [{"relation": relation, "url": url} for relation, url in links.items()]
        }

    first, second = page(APPOINTMENT, self="1", next="2"), page(PATIENT, self="2", previous="1")
    assert [s[:2] for s in read(first).skipped] == [(0, "other-pages")]
    assert read(second).skipped == []
    assert read(f"{json.dumps(first)}\n{json.dumps(second)}").skipped == []


def test_other_resources_are_passed_over_and_deletions_are_told() -> None:
    value = bundle(PATIENT, PLACE, {"resourceType": "Slot", "id": "s"})
    value["entry"].append({"request": {"method": "DELETE", "url": "Appointment/1"}})
    found = read(value)
    assert (found.wanted, [s[:2] for s in found.skipped], found.problems) == ([], [(4, "delete")], [])


def test_entries_without_a_resource_are_refused_with_their_number() -> None:
    value = bundle(PATIENT)
    value["entry"] += [{}, 1, {"resource": []}, {"resource": {"resourceType": 4}}]
    assert [(p.entry, p.column) for p in read(value).problems] == [(n, "resourceType") for n in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON: expecting value, at character 1"),
        ("{", "not JSON: "),
        ("[" * 100_000, "too deep"),
        ('{"a":' * 100_000, "too deep"),
        ('{"resourceType": "Bundle", "resourceType": "Bundle"}', "a name stands twice"),
        ('{"resourceType": NaN}', "NaN is no number"),
        ('{"resourceType": -Infinity}', "-Infinity is no number"),
    ],
)
def test_what_is_not_json(text: str, words: str) -> None:
    assert words in refused(text).errors[0].message
    error = refused(f"{json.dumps(PATIENT)}\n{text or '{'}", "b.ndjson")
    assert [e.line for e in error.errors] == [2]


@pytest.mark.parametrize(
    "value",
    [
        [],
        1,
        "Bundle",
        None,
        {},
        {"resourceType": 1},
        PATIENT,
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "history", "entry": []},
        {"resourceType": "Bundle", "type": ["collection"]},
        {"resourceType": "Bundle", "type": "collection", "entry": {}},
    ],
    ids=repr,
)
def test_what_is_no_bundle_of_appointments(value: Any) -> None:
    error = refused(json.dumps(value))
    assert error.message
    assert error.hint


def test_no_number_is_too_large() -> None:
    assert len(read(json.dumps(bundle(PATIENT, APPOINTMENT))[:-1] + f', "total": {"9" * 5000}}}').wanted) == 1


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["\0", "\ud800", "#", "a1", "#a1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["actor", "coding", "id"]), inner),
    max_leaves=4,
)
GOOD = bundle(
    PATIENT | {"birthDate": "1971-03-05"},
    PLACE,
    APPOINTMENT
    | {"meta": {"lastUpdated": "2026-11-20T10:00:00Z"}, "cancelationReason": {"coding": [{"code": "pat"}]}}
    | {"contained": [PATIENT], "subject": {"reference": "Patient/p1"}},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*path, name)
        yield from places(inner, (*path, name))


@ENOUGH
@given(st.lists(st.tuples(st.sampled_from(list(places(GOOD))), ANYTHING), min_size=1, max_size=3))
def test_whatever_stands_anywhere_is_read_or_refused_and_never_a_failure(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    value = copy.deepcopy(GOOD)
    for path, put in changes:
        holder: Any = value
        try:
            for name in path[:-1]:
                holder = holder[name]
            holder[path[-1]] = put
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        found = read(value)
    except InvalidDataError:
        return
    entries = [*(w.entry for w in found.wanted), *(s.entry for s in found.skipped), *(p.entry for p in found.problems)]
    assert len(set(entries)) == len(entries)
    for wanted in found.wanted:
        assert wanted.status in WISHES
        assert "\0" not in repr(wanted)
        repr(wanted).encode()


def test_references_in_a_circle_are_not_followed() -> None:
    circle = {"resourceType": "Patient", "id": "p1", "link": [{"other": {"reference": "Patient/p1"}}]}
    assert numbers(read(bundle(circle, APPOINTMENT)).wanted[0]) == []
    selfish = APPOINTMENT | {"participant": [{"actor": {"reference": "Appointment/a1"}}]}
    assert numbers(read(bundle(selfish)).wanted[0]) == []
