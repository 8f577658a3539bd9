"""The book on either engine: what is written comes back, and nothing is double-booked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import (
    COURSE,
    MOOD,
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

from infusion_cli.config import Place
from infusion_cli.domain.book import Warn
from infusion_cli.domain.clinic import Chair
from infusion_cli.domain.plan import change
from infusion_cli.errors import ConflictError, StoreError
from infusion_cli.services.ports import Answer, Entry, Key
from infusion_cli.store.database import SCHEMA_VERSION
from infusion_cli.store.repository import BookStore, create_book, open_store

DAY = (at("2026-12-01T00:00"), at("2026-12-02T00:00"))


@pytest.fixture
def store(room: Place) -> Iterator[BookStore]:
    """A book with ten patients."""
    with book(room) as made:
        write(made, *(patient(n) for n in range(10)))
        yield made


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[BookStore]:
    """The same in a file, whose statements can be listened to; a server's are counted as journeys."""
    with book(tmp_path / "book.db") as made:
        write(made, *(patient(n) for n in range(10)))
        yield made


def claims(store: BookStore) -> int:
    return len(store.database.rows("claims_all"))


FULL_VISIT = visit(
    1,
    series=series(1, of=1).id,
    session=3,
    status="checked-in",
    sequence=4,
    key="line-7",
    confirmed_at=NOW + 1,
    arrived_at=NOW + 2,
    started_at=NOW + 3,
    left_at=NOW + 4,
    overrides=("gap-too-short",),
    reason="Zoë's „reason“ \u2067",
    cancelled_by="patient",
    late=True,
    ride="sister",
    warnings=(Warn("gap-tight", "28 h after the last one"), Warn("ride-unknown", "äöü 😀")),
)


@pytest.mark.parametrize(
    "record",
    [
        visit(),
        FULL_VISIT,
        visit(2, hold_until=NOW + 1800, status="pending"),
        patient(3, name="Søren O'Neill \u202e", birth_date="1980-02-29", phone="+1 207", email="a@b.example"),
        patient(4, status="on-hold", requirements=(("consent", "2026-11-01"), ("labs", "2026-11-02"))),
        series(1, of=1, ordered=10, authorised_visits=8, authorised_until="2027-01-31"),
        series(2, of=2, status="completed"),
        block(),
        block(2, kind="open", subject="", staff=("rn-1", "rn-2"), reason=""),
    ],
)
def test_a_record_comes_back_as_it_was_written(store: BookStore, record: object) -> None:
    write(store, series(1, of=1))
    write(store, record)
    with store.reading(NOW) as reader:
        assert reader.record(record.id) == record  # type: ignore[attr-defined]
        assert reader.operations(limit=1)[0].changes[0].after == record


def test_a_record_that_is_not_there_is_none(store: BookStore) -> None:
    with store.reading(NOW) as reader:
        for record_id in ("", "A", visit(5).id, patient(99).id, "X12345", "main"):
            assert reader.record(record_id) is None


def test_loading_finds_what_touches_the_stretch_and_nothing_else(store: BookStore) -> None:
    lo, hi = at("2026-12-01T10:00"), at("2026-12-01T12:00")
    before = visit(0, "2026-12-01T08:15")  # ends at 10:00
    into = visit(1, "2026-12-01T08:30", "chair-2")
    after = visit(2, "2026-12-01T12:00", "chair-2")
    cancelled = visit(3, "2026-12-01T11:00", status="cancelled")
    inside = visit(4, "2026-12-01T11:45")
    write(store, before, into, after, cancelled, inside)
    write(
        store,
        block(0, start=lo - 7200, end=lo),
        block(1, start=lo - 90 * 86_400, end=lo + 60),
        block(2, start=hi, end=hi + 60),
    )
    with store.reading(NOW) as reader:
        found = reader.load(lo, hi)
    assert set(found.appointments) == {into.id, cancelled.id, inside.id}
    assert set(found.blocks) == {block(1).id}
    assert (found.lo, found.hi, found.now, found.clinic) == (lo, hi, NOW, clinic())
    assert found.patients == {}


def test_a_visit_over_midnight_is_found_from_the_next_day(store: BookStore) -> None:
    night = visit(0, "2026-12-01T23:30")
    write(store, night)
    with store.reading(NOW) as reader:
        assert set(reader.load(DAY[1], DAY[1] + 86_400).appointments) == {night.id}


def test_loading_patients_brings_all_their_visits_and_series(store: BookStore) -> None:
    known = patient(1, requirements=(("consent", "2026-11-01"),))
    mine = visit(1, "2027-06-01T09:00", of=1, status="cancelled")
    write(store, known, series(1, of=1), series(2, of=1, status="revoked"), mine, visit(2, "2027-06-02T09:00", of=2))
    with store.reading(NOW) as reader:
        found = reader.load(*DAY, [known.id, known.id, patient(99).id])
    assert found.patients == {known.id: known}
    assert found.appointments == {mine.id: mine}
    assert set(found.series) == {series(1).id, series(2).id}


def test_series_come_in_the_order_in_which_they_were_made(store: BookStore) -> None:
    for number in (5, 2, 9, 1):
        write(store, series(number, of=1))
    write(store, series(5, of=1, status="completed"))
    with store.reading(NOW) as reader:
        assert list(reader.load(*DAY, [patient(1).id]).series) == [series(n).id for n in (5, 2, 9, 1)]
        assert [s.id for s in reader.series_list(["active"])] == [series(n).id for n in (2, 9, 1)]
        assert [s.id for s in reader.series_list(["completed", "revoked"])] == [series(5).id]


def test_loading_thirty_visits_takes_as_many_statements_as_loading_one(in_file: BookStore) -> None:
    def statements(visits: int) -> int:
        seen: list[str] = []
        file_of(in_file).connection.set_trace_callback(seen.append)
        with in_file.reading(NOW) as reader:
            found = reader.load(*DAY, [patient(n).id for n in range(min(visits, 10))])
        file_of(in_file).connection.set_trace_callback(None)
        assert len(found.appointments) == visits
        return len(seen)

    write(in_file, visit(0))
    for_one = statements(1)
    write(in_file, *(visit(n, status="cancelled", of=n % 10) for n in range(1, 30)))
    assert statements(30) == for_one


def test_writing_many_visits_takes_as_many_queries_as_writing_one(in_file: BookStore) -> None:
    def queries(*visits: object) -> int:
        seen: list[str] = []
        file_of(in_file).connection.set_trace_callback(seen.append)
        write(in_file, *visits)
        file_of(in_file).connection.set_trace_callback(None)
        lookups = sum("FROM appointment" in s and "json_each" in s for s in seen)
        return sum(s.startswith("SELECT") for s in seen) - lookups

    few = queries(visit(0, status="cancelled"))
    assert queries(*(visit(n, status="cancelled", of=0) for n in range(1, 20))) == few


def test_of_many_patients_some_can_be_asked_for(store: BookStore) -> None:
    with store.reading(NOW) as reader:
        everybody = reader.patients()
        few = reader.patients(len(everybody) - 1)
        assert reader.patients(len(everybody) + 1) == everybody
    assert len(few) == len(everybody) - 1
    assert set(few) < set(everybody)


def test_visits_are_listed_by_status_and_patient_in_order_of_start(store: BookStore) -> None:
    late, early = visit(0, "2026-12-01T11:00"), visit(1, "2026-12-01T09:00")
    gone = visit(2, "2026-12-01T10:00", of=1, status="cancelled")
    write(store, late, early, gone, visit(3, "2026-12-02T00:00"))
    with store.reading(NOW) as reader:
        assert reader.visits(*DAY, ["booked"]) == [early, late]
        assert reader.visits(*DAY, ["booked", "cancelled"], patient(1).id) == [early, gone]
        assert reader.visits(DAY[0], late.start, ["booked"]) == [early]
        assert reader.visits(*DAY, []) == []


def test_patients_are_found_by_number_id_and_name(store: BookStore) -> None:
    zoe = patient(20, mrn="Z 1", name="Zoë van der Berg")
    gone = patient(21, mrn="Z 2", name="Zoe Gone", status="entered-in-error")
    ann = patient(22, mrn="", name="ann O'Neill-Smith")
    write(store, zoe, gone, ann)
    with store.reading(NOW) as reader:
        assert reader.patients_by_mrn(["Z 1", "Z 2", "z 1"]) == {"Z 1": zoe}
        assert reader.patients_of([zoe.id, ann.id, "P"]) == {zoe.id: zoe, ann.id: ann}
        assert reader.patients_matching(["zoe"]) == [zoe]
        assert reader.patients_matching(["ber", "zo"]) == [zoe]
        assert reader.patients_matching(["oneill"]) == [ann]
        assert reader.patients_matching(["zoe", "x"]) == []
        assert reader.patients_matching(["erg"]) == []
        assert [p.name for p in reader.patients()[-2:]] == ["ann O'Neill-Smith", "Zoë van der Berg"]
        assert gone not in reader.patients()


def test_a_new_name_is_found_and_the_old_one_is_not(store: BookStore) -> None:
    write(store, patient(1, name="Grace Hopper", requirements=(("consent", "2026-11-01"),)))
    write(store, patient(1, name="Grace Murray"))
    with store.reading(NOW) as reader:
        assert reader.patients_matching(["hopper"]) == []
        assert reader.patients_matching(["murray"]) == [patient(1, name="Grace Murray")]


def test_a_taken_chair_is_a_conflict_and_nothing_is_written(store: BookStore) -> None:
    write(store, visit(0))
    with pytest.raises(ConflictError) as caught:
        write(store, patient(50), visit(1))
    assert "Chair chair-1 was taken a moment ago by another desk" in caught.value.message
    assert [c.rule for c in caught.value.conflicts] == ["chair-busy"]
    with store.reading(NOW) as reader:
        assert reader.record(patient(50).id) is None
        assert reader.record(visit(1).id) is None
        assert reader.revision == 3


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (visit(1, "2026-12-01T09:30", "chair-2", of=0), "patient-busy"),
        (visit(1, "2026-12-01T09:15", "chair-2"), "staff-short"),
        (visit(1, "2026-12-01T09:20", "chair-9"), "chair-unsuitable"),
    ],
)
def test_every_kind_of_collision_names_its_rule(room: Place, other: object, rule: str) -> None:
    with book(room, clinic(staff=(nurse(1), provider(1)))) as store:
        write(store, patient(0), patient(1), visit(0))
        with pytest.raises(ConflictError) as caught:
            write(store, other)
    assert [c.rule for c in caught.value.conflicts] == [rule]


def test_an_overridden_visit_takes_its_chair_but_no_staff(room: Place) -> None:
    with book(room, clinic(staff=(nurse(1), provider(1)))) as store:
        write(store, patient(0), patient(1), visit(0))
        write(store, visit(1, "2026-12-01T09:15", "chair-2", overrides=("staff-short",)))
        with pytest.raises(ConflictError):
            write(store, visit(2, "2026-12-01T09:15", "chair-2", of=1, overrides=("staff-short",)))


def test_a_conflict_that_somebody_swallowed_still_undoes_the_whole_block(store: BookStore) -> None:
    with store.writing(NOW) as writer:
        writer.write(Entry("book", "test", [change(None, visit(0))]))
        with pytest.raises(ConflictError):
            writer.write(Entry("book", "test", [change(None, visit(1))]))
    assert claims(store) == 0
    with store.reading(NOW) as reader:
        assert reader.record(visit(0).id) is None


def test_a_failure_in_the_block_writes_nothing_and_frees_the_lock(store: BookStore) -> None:
    def work() -> None:
        with store.writing(NOW) as writer:
            writer.write(Entry("book", "test", [change(None, visit(0))]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    with store.reading(NOW) as reader:
        assert reader.record(visit(0).id) is None
    write(store, visit(0))


def test_a_visit_that_moves_or_ends_frees_its_place(store: BookStore) -> None:
    write(store, visit(0))
    write(store, visit(0, "2026-12-01T14:00"))
    write(store, visit(1))
    write(store, visit(1, status="cancelled"))
    write(store, visit(2))


def test_two_visits_change_places_in_one_operation(store: BookStore) -> None:
    write(store, visit(0), visit(1, chair="chair-2"))
    write(store, visit(0, chair="chair-2"), visit(1))
    with store.reading(NOW) as reader:
        found = reader.load(*DAY).appointments
    assert [found[visit(n).id].chair for n in (0, 1)] == ["chair-2", "chair-1"]


def test_a_writer_sees_what_it_wrote(store: BookStore) -> None:
    with store.writing(NOW) as writer:
        writer.write(Entry("book", "test", [change(None, visit(0))]))
        assert writer.load(*DAY).appointments == {visit(0).id: visit(0)}
        assert writer.revision == 3


def test_a_discarded_block_leaves_no_trace_but_shows_its_result(store: BookStore) -> None:
    with store.writing(NOW) as writer:
        first = writer.new_id("appointment")
        done = writer.write(Entry("book", "test", [change(None, visit(0))]))
        writer.discard()
    assert done.seq == 3
    assert not claims(store)
    with store.writing(NOW) as writer:
        assert writer.new_id("appointment") == first
        assert writer.revision == 2


def test_ids_are_given_once_and_go_on_after_a_commit(room: Place) -> None:
    seen: list[str] = []
    with book(room) as store:
        for number in range(3):
            with store.writing(NOW) as writer:
                seen += [writer.new_id("patient"), writer.new_id("patient"), writer.new_id("block")]
                seen.append(writer.write(Entry("test", "test", [change(None, patient(100 + number))])).id)
    assert len(set(seen)) == 12
    assert {text[0] for text in seen} == {"P", "B", "O"}


HOLD = visit(0, status="pending", hold_until=NOW + 1800)


def test_a_hold_occupies_until_its_time_is_over(store: BookStore) -> None:
    write(store, HOLD)
    with pytest.raises(ConflictError):
        write(store, visit(1), now=NOW + 1799)
    write(store, visit(1), now=NOW + 1800)


def test_reading_sees_an_old_hold_as_cancelled_and_writes_nothing(store: BookStore) -> None:
    write(store, HOLD)
    gone = HOLD._replace(status="cancelled", reason="hold ran out", hold_until=None, sequence=1, stamp=NOW + 1800)
    with store.reading(NOW + 1799) as reader:
        assert reader.record(HOLD.id) == HOLD
        assert reader.visits(*DAY, ["pending"]) == [HOLD]
    with store.reading(NOW + 1800) as reader:
        assert reader.record(HOLD.id) == gone
        assert reader.load(*DAY).appointments == {HOLD.id: gone}
        assert reader.load(0, 1, [HOLD.patient]).appointments == {HOLD.id: gone}
        assert reader.visits(*DAY, ["pending"]) == []
        assert reader.visits(*DAY, ["cancelled"]) == [gone]
        assert reader.revision == 3
    with store.reading(NOW) as reader:
        assert reader.record(HOLD.id) == HOLD


def test_the_next_writer_releases_old_holds_as_an_operation_of_its_own(store: BookStore) -> None:
    other = visit(1, "2026-12-02T09:00", status="pending", hold_until=NOW + 60)
    write(store, HOLD, other, visit(2, "2026-12-03T09:00", status="pending", hold_until=NOW + 9000))
    write(store, patient(30), now=NOW + 1800)
    with store.reading(NOW) as reader:
        newest, release = reader.operations(limit=2)
        assert (newest.command, release.command, release.actor, release.at) == (
            "test",
            "release-holds",
            "infusion",
            NOW + 1800,
        )
        assert [c.id for c in release.changes] == [HOLD.id, other.id]
        assert reader.record(HOLD.id) == release.changes[0].after
    assert {row[0] for row in store.database.rows("claims_all")} == {visit(2).id}


def test_a_writer_that_finds_no_old_holds_journals_nothing(store: BookStore) -> None:
    write(store, HOLD)
    with store.writing(NOW) as writer:
        assert writer.revision == 3
    with store.reading(NOW) as reader:
        assert reader.revision == 3


def test_releasing_is_committed_even_when_the_writer_writes_nothing_else(store: BookStore) -> None:
    write(store, HOLD)
    with store.writing(NOW + 1800):
        pass
    with store.reading(NOW) as reader:
        assert reader.operations(limit=1)[0].command == "release-holds"


def test_a_hold_that_was_confirmed_is_not_released(store: BookStore) -> None:
    write(store, HOLD)
    write(store, HOLD._replace(status="booked", hold_until=None))
    with store.reading(NOW + 99_999) as reader:
        assert reader.visits(*DAY, ["booked"]) != []


def test_a_new_chair_can_be_booked_at_once_and_one_that_is_gone_keeps_its_visits(store: BookStore) -> None:
    write(store, visit(0, chair="chair-2"))
    write(store, text_of(clinic(chairs=(Chair("chair-1", "Window"), Chair("chair-3", "New")))))
    write(store, visit(1, chair="chair-3"))
    with pytest.raises(ConflictError):
        write(store, visit(2, chair="chair-2"))
    with store.reading(NOW) as reader:
        assert [c.id for c in reader.clinic.chairs] == ["chair-1", "chair-3"]
        assert reader.record(visit(0).id) == visit(0, chair="chair-2")


def test_more_nurses_can_do_more_at_once(room: Place) -> None:
    few = clinic(staff=(nurse(1), provider(1)))
    with book(room, few) as store:
        write(store, patient(0), patient(1), visit(0))
        with pytest.raises(ConflictError):
            write(store, visit(1, chair="chair-2"))
        write(store, text_of(clinic()), visit(1, chair="chair-2"))


def test_nurses_cannot_be_taken_away_from_visits_to_come(store: BookStore) -> None:
    few = text_of(clinic(staff=(nurse(1), provider(1))))
    write(store, visit(0), visit(1, chair="chair-2"))
    with pytest.raises(ConflictError, match="more nurses than the clinic would have"):
        write(store, few)
    with store.reading(NOW) as reader:
        assert reader.clinic == clinic()
    write(store, few, visit(1, status="cancelled"))


def test_history_stays_when_there_are_fewer_nurses_now(store: BookStore) -> None:
    write(store, visit(0), visit(1, chair="chair-2"))
    later = at("2026-12-01T18:00")
    write(store, text_of(clinic(staff=(nurse(1), provider(1)))), now=later)
    write(store, visit(1, chair="chair-2", status="fulfilled", left_at=later), now=later)


def test_operations_are_listed_newest_first_with_what_they_changed(store: BookStore) -> None:
    first = write(store, visit(0), command="book")
    second = write(store, visit(0, status="cancelled"), command="cancel")
    write(store, visit(1), command="book")
    with store.reading(NOW) as reader:
        assert [o.id for o in reader.operations(visit(0).id)] == [second.id, first.id]
        assert [o.seq for o in reader.operations()] == [5, 4, 3, 2, 1]
        assert [o.seq for o in reader.operations(limit=2)] == [5, 4]
        assert reader.operation(second.id) == second
        assert second.changes == (change(visit(0), visit(0, status="cancelled")),)
        assert reader.operation("O") is None
        founding = reader.operations()[-1]
        assert (founding.command, founding.actor, founding.changes[0].entity) == ("init", "test", "clinic")


def test_an_operation_knows_what_undid_it(store: BookStore) -> None:
    done = write(store, visit(0))
    undo = write(store, visit(0, status="entered-in-error"), command="undo", undoes=done.id)
    with store.reading(NOW) as reader:
        found = reader.operation(done.id)
        assert found is not None
        assert found.undone_by == undo.id
        assert reader.operations(limit=1)[0].undoes == done.id


def test_a_key_brings_back_the_first_answer(store: BookStore) -> None:
    done = write(store, visit(0), keys=[Key("k", "digest", "{}"), Key("other", "digest 2")])
    with store.reading(NOW) as reader:
        assert reader.answers(["k", "unknown"]) == {"k": Answer("digest", done.id, "{}")}
        assert set(reader.answers(["k", "other"])) == {"k", "other"}


def test_undoing_an_operation_frees_its_keys_and_no_others(store: BookStore) -> None:
    done = write(store, visit(0), keys=[Key("k", "digest")])
    write(store, visit(1, "2026-12-02T09:00"), keys=[Key("other", "digest")])
    write(store, visit(0, status="entered-in-error"), undoes=done.id)
    with store.reading(NOW) as reader:
        assert set(reader.answers(["k", "other"])) == {"other"}


def test_a_key_that_is_used_again_stands_for_the_newest_answer(store: BookStore) -> None:
    write(store, visit(0), keys=[Key("k", "old")])
    done = write(store, visit(1, "2026-12-02T09:00"), keys=[Key("k", "new", "[1]")])
    with store.reading(NOW) as reader:
        assert reader.answers(["k"]) == {"k": Answer("new", done.id, "[1]")}


def test_a_visit_of_nobody_is_refused_by_the_book(store: BookStore) -> None:
    with pytest.raises(StoreError, match="refused the change"):
        write(store, visit(0, of=99, status="cancelled"))


def test_the_text_and_the_clinic_of_a_new_book_have_to_agree(room: Place) -> None:
    with pytest.raises(ValueError, match="another clinic"):
        create_book(room, text_of(clinic(name="Other")), clinic(), NOW, "test")
    book(room).close()


def test_a_book_describes_itself(store: BookStore) -> None:
    write(store, visit(0), series(1), block())
    told = store.describe()
    assert told["path"] == store.place
    assert told["bytes"] > 0
    assert (told["patients"], told["visits"], told["series"], told["blocks"]) == (10, 1, 1, 1)
    assert (told["operations"], told["revision"], told["schema"]) == (3, 3, SCHEMA_VERSION)
    assert told["timezone"] == "America/New_York"
    assert len(told["head"]) == 64


def test_a_book_in_a_file_tells_the_files_path_and_size(in_file: BookStore) -> None:
    path, told = file_of(in_file).path, in_file.describe()
    assert (told["path"], told["bytes"]) == (str(path), path.stat().st_size)


def test_what_was_written_is_there_for_the_next_process(room: Place) -> None:
    with book(room) as store:
        write(store, patient(), visit(0), series())
    with open_store(room) as again, again.reading(NOW) as reader:
        found = reader.load(*DAY, [patient().id])
        assert found.appointments == {visit(0).id: visit(0)}
        assert found.series[series().id].course == COURSE
        assert reader.clinic.protocol(MOOD.id) == MOOD
