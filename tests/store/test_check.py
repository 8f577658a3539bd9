"""The check is silent about a sound book and names every kind of damage that is done to one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import (
    CONSULT,
    NOW,
    at,
    block,
    book,
    clinic,
    file_of,
    nurse,
    patient,
    provider,
    series,
    text_of,
    visit,
    write,
)
from outside import is_server
from store.damage import damage, where

from infusion_cli.config import Place
from infusion_cli.domain import ids
from infusion_cli.errors import StoreError
from infusion_cli.store.check import Finding, check
from infusion_cli.store.repository import BookStore, open_store

OR_SET = "ON CONFLICT (clinic_id, kind) DO UPDATE SET next = 1"
REST_OF_BLOCK = 'kind, subject, start, "end", reason, status, staff, origin'


@pytest.fixture
def store(own_room: Place) -> Iterator[BookStore]:
    """A book in use: patients, visits of every kind, a series, a block."""
    with in_use(own_room) as made:
        yield made


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[BookStore]:
    """The same in a file."""
    with in_use(tmp_path / "book.db") as made:
        yield made


@contextmanager
def in_use(place: Place) -> Iterator[BookStore]:
    with book(place) as made:
        write(made, *(patient(n, requirements=(("labs", "2026-11-02"), ("consent", "2026-11-01"))) for n in range(6)))
        write(made, series(0), visit(0, series=series(0).id, session=1), visit(1, chair="chair-2"))
        write(made, visit(2, "2026-12-02T09:00", status="cancelled"), block())
        write(made, visit(3, "2026-12-03T09:00", protocol=CONSULT), visit(4, "2026-12-03T11:00", status="noshow"))
        write(made, visit(1, "2026-12-01T14:00", chair="chair-2", status="pending", hold_until=NOW + 60))
        yield made


def rules(store: BookStore) -> list[tuple[str, str]]:
    return [(found.rule, found.subject) for found in check(store)]


def test_a_book_in_use_is_sound(store: BookStore) -> None:
    assert check(store) == []


def test_a_new_book_is_sound(own_room: Place) -> None:
    with book(own_room) as store:
        assert check(store) == []


def test_holds_that_ran_out_are_no_finding_before_and_after_their_release(store: BookStore) -> None:
    with store.writing(NOW + 3600):
        pass
    assert check(store) == []


def test_checking_changes_nothing(in_file: BookStore) -> None:
    before = file_of(in_file).path.read_bytes()
    check(in_file)
    assert file_of(in_file).path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE appointment SET reason = 'x' WHERE id = '{visit}'", visit(0).id),
        ("UPDATE patient SET phone = '1' WHERE id = '{patient}'", patient(0).id),
        (
            "UPDATE requirement SET on_date = '2026-11-03' WHERE patient_id = '{patient}' AND requirement = 'labs'",
            patient(0).id,
        ),
        ("UPDATE series SET ordered = 60", series(0).id),
        ("UPDATE block SET reason = 'x'", block(0).id),
        ("UPDATE clinic SET text = 'x'", "main"),
        ("DELETE FROM block", block(0).id),
        (f"INSERT INTO block SELECT clinic_id, 'BNEW', {REST_OF_BLOCK} FROM block", "BNEW"),
    ],
)
def test_a_record_that_differs_from_the_journal_is_named(store: BookStore, statement: str, subject: str) -> None:
    damage(store, statement.format(visit=visit(0).id, patient=patient(0).id))
    assert rules(store) == [("record-differs", subject)]


def test_a_name_that_cannot_be_found_by_its_words_is_named(store: BookStore) -> None:
    damage(store, f"DELETE FROM patient_word WHERE word = 'ada' AND patient_id = '{patient(1).id}'")
    assert rules(store) == [("words-differ", patient(1).id)]


@pytest.mark.parametrize("kind", ["appointment", "operation"])
def test_a_counter_that_fell_back_is_named(store: BookStore, kind: str) -> None:
    damage(store, f"INSERT INTO counter VALUES ('main', '{kind}', 1) {OR_SET}")
    assert rules(store) == [("counter-behind", ids.encode(kind, 1))]


def test_a_cut_off_journal_is_noticed_by_the_records(store: BookStore) -> None:
    last = "(SELECT max(seq) FROM operation)"
    damage(
        store,
        f"DELETE FROM touched WHERE seq = {last}",
        f"DELETE FROM payload WHERE seq = {last}",
        f"DELETE FROM operation WHERE seq = {last}",
        without=("operation_delete", "payload_delete"),
    )
    assert ("record-differs", visit(1).id) in rules(store)


def test_a_broken_chain_is_named(store: BookStore) -> None:
    damage(store, "UPDATE operation SET actor = 'x' WHERE seq = 2", without=("operation_update",))
    assert rules(store) == [("journal-broken", "2")]


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("DELETE FROM claim WHERE appointment_id = '{0}' AND units = 840", 0),
        ("DELETE FROM claim WHERE appointment_id = '{0}'", 0),
        ("INSERT INTO claim SELECT clinic_id, resource_id, t0 + 9999999, '{0}', t1 + 9999999, 1 FROM claim LIMIT 1", 0),
        ("INSERT INTO claim SELECT clinic_id, resource_id, t0 + 9999999, '{2}', t1 + 9999999, 1 FROM claim LIMIT 1", 2),
        ("UPDATE claim SET units = 2 WHERE appointment_id = '{0}' AND units = 840", 0),
    ],
)
def test_claims_that_are_not_what_the_visit_needs_are_named(store: BookStore, statement: str, number: int) -> None:
    damage(store, statement.format(*(visit(n).id for n in range(5))), without=("claim_update",))
    assert rules(store) == [("claims-differ", visit(number).id)]


def test_a_double_booking_is_found_without_the_guards_help(store: BookStore) -> None:
    chair = "(SELECT id FROM resource WHERE ref = 'chair-1')"
    ten = at("2026-12-01T10:00")
    damage(
        store,
        f"INSERT INTO claim VALUES ('main', {chair}, {ten}, '{visit(2).id}', {ten + 3600}, 1)",
        without=("claim_capacity",),
    )
    found = {f.rule: f for f in check(store)}
    assert found["overbooked"].message == "chair chair-1 is overbooked at 2026-12-01T10:00:00-05:00: 2 of 1."
    assert found["overbooked"].subject == "chair-1"
    assert set(found) == {"overbooked", "claims-differ"}


def test_what_was_before_a_capacity_fell_is_not_overbooked(store: BookStore) -> None:
    write(store, visit(1, chair="chair-2"), visit(5, "2026-12-02T09:00"))
    write(store, text_of(clinic(staff=(nurse(1), provider(1)))), now=at("2026-12-01T18:00"))
    assert check(store) == []
    damage(store, "UPDATE resource SET lowered_at = 0 WHERE kind = 'hands'")
    assert [found.rule for found in check(store)] == ["overbooked"]


@pytest.mark.parametrize("name", ["claim_capacity", "operation_update"])
def test_a_missing_guard_is_named(store: BookStore, name: str) -> None:
    of = " ON " + name.partition("_")[0] if is_server(where(store)) else ""
    damage(store, f"DROP TRIGGER {name}{of}")
    (found,) = check(store)
    assert found.rule == "guard-changed"
    assert name in found.message


def test_a_changed_definition_is_named(store: BookStore) -> None:
    damage(store, "DROP INDEX appointment_start", "CREATE TABLE notes (words TEXT)")
    assert [found.message for found in check(store)] == [
        "The definition of appointment_start is not ours.",
        "The definition of notes is not ours.",
    ]


def test_a_reference_to_nobody_is_named(in_file: BookStore) -> None:
    damage(in_file, f"UPDATE appointment SET patient = 'PNONE' WHERE id = '{visit(2).id}'")
    assert [found.rule for found in check(in_file)] == ["reference-missing", "record-differs"]


def test_visits_that_stand_in_spite_of_a_rule_are_noted(store: BookStore) -> None:
    write(store, visit(0, overrides=("staff-short", "gap-too-short")))
    assert check(store) == [
        Finding(
            "overridden",
            "note",
            f"{visit(0).id} stands in spite of staff-short, gap-too-short.",
            visit(0).id,
            f"infusion show {visit(0).id}",
        )
    ]


@pytest.mark.parametrize(
    ("wall", "zone"), [("2026-12-01T08:00", "America/New_York"), ("2026-12-01T09:00", "Nope/Zone")]
)
def test_a_visit_whose_instant_is_no_longer_what_was_told_is_noted(store: BookStore, wall: str, zone: str) -> None:
    write(store, visit(0)._replace(wall=wall, zone=zone), visit(2, "2026-12-02T09:00")._replace(status="cancelled"))
    (found,) = check(store)
    assert (found.rule, found.severity, found.subject) == ("wall-time-differs", "note", visit(0).id)


def test_a_forgotten_payload_is_no_finding(store: BookStore) -> None:
    damage(store, "UPDATE payload SET changes = '', salt = ''")
    assert check(store) == []


def test_errors_come_before_notes(store: BookStore) -> None:
    write(store, visit(0, overrides=("staff-short",)))
    damage(store, "UPDATE block SET reason = 'x'")
    assert [found.severity for found in check(store)] == ["error", "note"]


def test_a_row_that_cannot_be_read_is_a_finding(store: BookStore) -> None:
    damage(store, f"UPDATE appointment SET phases = '[{{' WHERE id = '{visit(0).id}'")
    assert {found.rule for found in check(store)} == {"damaged"}


def test_most_damaged_copies_are_noticed_and_none_ends_in_a_traceback(in_file: BookStore, tmp_path: Path) -> None:
    for number in range(6, 40):
        write(in_file, patient(number), visit(number, "2026-12-07T09:00", status="cancelled"))
    whole = file_of(in_file).path.read_bytes()
    in_file.close()
    written = [spot for spot, byte in enumerate(whole) if byte]
    chance = random.Random(7)
    noticed = 0
    for number in range(60):
        content = bytearray(whole)
        spot = chance.choice(written)
        kind = number % 3
        if kind == 0:
            content[spot] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[spot : spot + 512] = bytes(chance.randbytes(len(content[spot : spot + 512])))
        else:
            content = content[: max(spot, 512)]
        copy = tmp_path / "copy.db"
        copy.write_bytes(content)
        noticed += damage_is_noticed(copy)
    assert noticed >= 57


def damage_is_noticed(path: Path) -> bool:
    try:
        with open_store(path) as store:
            return any(found.severity == "error" for found in check(store))
    except StoreError:
        return True
