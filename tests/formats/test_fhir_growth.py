"""How the work of reading and planning a file of appointments grows: twice the file is twice the steps."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from builders import NOW, patient, place
from builders import book as new_book
from builders import visit as a_visit
from builders import write as put

from infusion_cli.domain.interchange import Space
from infusion_cli.formats.fhir_read import appointments
from infusion_cli.services.appointments import Ask, import_appointments
from infusion_cli.services.desk import Desk
from infusion_cli.services.ports import Store

Resource = dict[str, Any]
MOST = 400
WHO, WHERE = {"reference": "Patient/p"}, {"reference": "Location/l"}


def person(count: int = 1) -> Resource:
    return {"resourceType": "Patient", "id": "p", "identifier": [{"value": f"m{n}"} for n in range(count)]}


def visit(number: int = 0, **changes: Any) -> Resource:
    return {
        "resourceType": "Appointment",
        "id": f"a{number}",
        "identifier": [{"value": f"v{number}"}],
        "status": "booked",
        "start": "2026-12-03T10:00:00-05:00",
        "participant": [{"actor": WHO}, {"actor": WHERE}],
    } | changes


def visits(size: int, **changes: Any) -> list[Resource]:
    return [visit(n, **changes) for n in range(size)]


def same_order(size: int) -> list[Resource]:
    return [visit(n, identifier=[{"value": "order"}, {"value": f"v{n}"}]) for n in range(size)]


SHAPES: dict[str, Callable[[int], list[Resource]]] = {
    "appointments": lambda size: [person(), *visits(size)],
    "contained and those who take part": lambda size: [
        visit(contained=[{"id": f"x{n}"} for n in range(size)], participant=[{"actor": {"reference": "#a"}}] * size)
    ],
    "contained and each of them": lambda size: [
        visit(
            contained=[{"id": f"x{n}", "resourceType": "Practitioner"} for n in range(size)],
            participant=[{"actor": {"reference": f"#x{n}"}} for n in range(size)],
        )
    ],
    "names of one patient": lambda size: [person(size), *visits(size)],
    "names of one patient who takes part often": lambda size: [
        person(size),
        visit(participant=[{"actor": WHO}] * size),
    ],
    "names of one place": lambda size: [
        {"resourceType": "Location", "id": "l", "identifier": [{"value": f"x{n}"} for n in range(size)]},
        visit(participant=[{"actor": WHERE}] * size),
        *visits(size),
    ],
    "one order": same_order,
    "one order, twice": lambda size: same_order(size) * 2,
    "one appointment, many times": lambda size: [visit()] * size,
    "one appointment, told in many ways": lambda size: visits(size, identifier=[{"value": "1"}]),
    "one patient, many times": lambda size: [person()] * size + visits(size),
    "identifiers of one appointment": lambda size: [visit(identifier=[{"value": str(n)} for n in range(size)])],
    "codes of one appointment": lambda size: [
        visit(serviceType=[{"coding": [{"code": str(n)} for n in range(size)]} for _ in range(2)])
    ],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with new_book(place(tmp_path_factory.mktemp("growth") / "book.sqlite3")) as made:
        put(made, patient(), *(a_visit(n, of=0, status="cancelled") for n in range(MOST)))
        yield made


def steps(work: Callable[[], object]) -> int:
    """How many lines of the program are run, each turn of a loop counted."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if "infusion_cli" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def taken(store: Store, resources: list[Resource]) -> int:
    entries = [{"resource": resource} for resource in resources]
    text = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})

    def work() -> None:
        found = appointments(text, "b.json", {})
        import_appointments(Desk(store, NOW, "test", dry_run=True), *found, Ask("", "", True, {}))

    return steps(work)


def own(store: Store, size: int) -> list[Resource]:
    """Visits of the book, as they come back."""
    with store.reading(NOW) as reader:
        system = Space(reader.founding).system
    return [visit(n, identifier=[{"system": system, "value": a_visit(n).id}], status="cancelled") for n in range(size)]


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_file_is_twice_the_work(shape: str, store: Store) -> None:
    made = SHAPES[shape]
    assert taken(store, made(MOST)) < 2.2 * taken(store, made(MOST // 2))


def test_so_is_what_is_remembered_of_it(store: Store) -> None:
    assert taken(store, own(store, MOST)) < 2.2 * taken(store, own(store, MOST // 2))


def test_a_product_of_two_lists_would_show(store: Store) -> None:
    def made(size: int) -> list[Resource]:
        return visits(size, identifier=[{"value": str(n)} for n in range(size)])

    assert taken(store, made(40)) > 3 * taken(store, made(20))
