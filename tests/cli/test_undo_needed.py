"""Undo takes nothing away that something else still rests on, and gives nothing back that somebody else has."""

from __future__ import annotations

from cli.desk import BEN, DATA, FATIMA, FIRST_VISITS, IVO, YARA, Desk, op

from infusion_cli.domain import ids

ONE, TWO, THREE, _ = FIRST_VISITS
NINE = "2026-11-24T09:00"
NEW = ids.encode("patient", 60)
COURSE = ids.encode("series", 0)
FILE = (DATA / "harbor" / "clinic.toml").read_text(encoding="utf-8")
LOFT = '[[chairs]]\nid = "chair-5"\nname = "Loft"\nprotocols = ["*"]\n\n[[staff]]'


def with_a_new_patient_booked(desk: Desk) -> None:
    desk.say("patients", "add", "--mrn", "N1", "New Person")
    desk.say("book", "N1", "consult", NINE)


def test_the_adding_of_somebody_who_has_a_visit_is_not_undone(desk: Desk) -> None:
    with_a_new_patient_booked(desk)
    error = desk.refused(4, "undo", op(1), "--yes")
    assert (error["message"], error["hint"]) == (f"Not undone: {ONE} needs {NEW}.", f"infusion history {ONE}")
    desk.say("cancel", ONE, "--reason", "typo", "--yes")
    desk.say("undo", op(1), "--yes")
    assert desk.json("patients", "find", "New Person") == []


def test_the_adding_of_somebody_who_was_treated_is_not_undone(desk: Desk) -> None:
    with_a_new_patient_booked(desk)
    desk.at(NINE)
    desk.say("start", ONE)
    desk.at("2026-11-24T10:00")
    desk.say("finish", ONE)
    assert desk.refused(4, "undo", op(1), "--yes")["message"] == f"Not undone: {ONE} needs {NEW}."


def test_a_course_that_a_later_session_belongs_to_is_not_undone(desk: Desk) -> None:
    desk.say("series", "book", YARA, "iv-mood", "--sessions", "2")
    desk.say("cancel", TWO, "--reason", "cold", "--yes")
    desk.say("book", YARA, "iv-mood", "2026-11-30T09:00")
    desk.say("undo", op(2), "--yes")
    assert desk.refused(4, "undo", op(1), "--yes")["message"] == f"Not undone: {THREE} needs {COURSE}."
    desk.say("undo", op(3), "--yes")
    desk.say("undo", op(1), "--yes")
    assert desk.json("list") == []


def test_a_number_that_somebody_else_has_by_now_is_not_given_back(desk: Desk) -> None:
    desk.say("patients", "edit", YARA, "--mrn", "N9")
    desk.say("patients", "edit", BEN, "--mrn", "M1001")
    error = desk.refused(4, "undo", op(1), "--yes")
    assert error["message"] == f"Not undone: {BEN} has the MRN by now that {YARA} had before."
    assert "M1001" not in str(error)
    desk.say("undo", op(2), "--yes")
    desk.say("undo", op(1), "--yes")
    assert [p["id"] for p in desk.json("patients", "find", "M1001")] == [YARA]


def test_the_clinics_file_of_before_does_not_come_back_while_a_visit_is_in_a_chair_that_it_has_not(desk: Desk) -> None:
    desk.say("clinic", "apply", desk.file("clinic.toml", FILE.replace("[[staff]]", LOFT, 1)), "--yes")
    desk.say("book", IVO, "consult", NINE, "--chair", "loft")
    desk.say("book", FATIMA, "consult", "2026-11-24T11:00")
    error = desk.refused(4, "undo", op(1), "--yes")
    assert error["message"] == f"{ONE} is in chair chair-5, which the new file has not."
    desk.say("move", ONE, NINE, "--chair", "window")
    desk.say("undo", op(1), "--yes")
    assert len(desk.json("list")) == 2
