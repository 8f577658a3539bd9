"""Mail as the book changes: through a real mail server into a calendar, whatever the server does."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from queue import Queue
from typing import Any

import pytest
from cli.desk import BEN, FATIMA, FIRST_VISITS, PROGRAM, YARA, Desk
from cli.test_exit_statuses import Terminal
from post_office import Calendar, PostOffice, Received, calendar_part

from infusion_cli.cli.app import run
from infusion_cli.domain import ids
from infusion_cli.domain.clinic_time import from_iso
from infusion_cli.store.repository import open_store

ONE, TWO, *_ = FIRST_VISITS
COURSE = tuple(ids.encode("appointment", number) for number in range(6))
SERIES = ids.encode("series", 0)
YARAS = "patient1001@example.com"
NOBODY = ids.encode("patient", 60)
ABOUT = f"{ONE:7} {'Tue 1 Dec 2026 08:00':21}  {'Yara Sánchez':24} invitation"
"""How the message about Yara's first visit is called at the desk."""


class Practice:
    """A desk, a mail server, and what the patients' calendars make of the mail."""

    def __init__(self, desk: Desk, office: PostOffice) -> None:
        self.desk = desk
        self.office = office
        self.calendar = Calendar()
        self._read = 0

    def send(self, *words: str, status: int = 0) -> Any:
        """One run of the outbox; what it says, and the new mail read by the calendar."""
        answer = self.desk.type("ical", "send", *words, "--json")
        assert (answer.status, answer.err) == (status, ""), answer
        for received in self.new_mail():
            self.calendar.read(received.octets)
        return answer.data

    def new_mail(self) -> list[Received]:
        """What arrived since the last look."""
        found = self.office.received[self._read :]
        self._read = len(self.office.received)
        return found

    def has_address(self, patient: str, email: str) -> None:
        """Write an address into the book that is not taken any more, as an older version let it in."""
        with closing(sqlite3.connect(self.desk.book)) as book, book:
            book.execute("UPDATE patient SET email = ? WHERE id = ?", (email, patient))

    def outbox(self, *words: str) -> list[tuple[str, str, str, int]]:
        """Visit, method, state and tries of what is not sent."""
        return [(m["visit"], m["method"], m["state"], m["tries"]) for m in self.desk.json("ical", "outbox", *words)]

    def book(self) -> dict[str, tuple[int, int]]:
        """What the calendars should say: the visits that stand, by UID."""
        with open_store(self.desk.book) as store, store.reading(0) as reader:
            uids = {v.id: v.uid for v in reader.load(0, 1 << 33).appointments.values()}
        visits = self.desk.json("list", "--from", "2026-11-01", "--to", "2027-12-01")
        standing = [v for v in visits if v["status"] in {"booked", "arrived", "checked-in", "fulfilled"}]
        return {uids[v["id"]]: (from_iso(v["start"]), from_iso(v["leave"])) for v in standing}


@pytest.fixture
def practice(desk: Desk) -> Iterator[Practice]:
    """A clinic that sends mail to a server on this machine."""
    with PostOffice() as office:
        desk.setenv(**office.environment())
        yield Practice(desk, office)


@pytest.fixture
def booked(practice: Practice) -> Practice:
    """Yara's first visit, of which nobody has been told."""
    practice.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    return practice


def told(data: Any) -> list[tuple[str, str, int]]:
    """Visit, method and SEQUENCE of what was sent."""
    return [(m["visit"], m["method"], m["sequence"]) for m in data["sent"]]


def test_the_life_of_a_visit_ends_in_the_calendar_as_it_ended_in_the_book(booked: Practice) -> None:
    desk = booked.desk
    steps = [
        (("move", ONE, "2026-12-02T10:00"), ("REQUEST", 1)),
        (("move", ONE, "2026-12-01T08:00"), ("REQUEST", 2)),
        (("move", ONE, "2026-12-01T08:00", "--chair", "chair-1"), None),
        (("confirm", ONE, "--ride", "sister"), None),
        (("cancel", ONE, "--reason", "cold", "--yes"), ("CANCEL", 4)),
        (("undo", "--yes"), ("REQUEST", 5)),
    ]
    assert told(booked.send()) == [(ONE, "REQUEST", 0)]
    assert booked.calendar.entries == booked.book() != {}
    for minute, (words, mail) in enumerate(steps):
        desk.at(f"2026-11-23T09:{minute:02}")
        desk.say(*words)
        assert told(booked.send()) == ([(ONE, *mail)] if mail else []), words
        assert booked.calendar.entries == booked.book(), words
        assert told(booked.send()) == []
    assert len(booked.book()) == 1
    assert {r.recipient for r in booked.office.received} == {YARAS}
    assert len({r.mail["Message-ID"] for r in booked.office.received}) == 5


def test_a_whole_course_goes_out_and_each_change_of_it(practice: Practice) -> None:
    desk = practice.desk
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    assert [visit for visit, _, _ in told(practice.send(SERIES))] == list(COURSE)
    assert practice.calendar.entries == practice.book()
    desk.say("undo", "--yes")
    assert [(visit, method) for visit, method, _ in told(practice.send())] == [(visit, "CANCEL") for visit in COURSE]
    assert practice.calendar.entries == practice.book() == {}


def test_what_was_taken_back_before_anybody_heard_is_never_told(booked: Practice) -> None:
    booked.desk.say("move", ONE, "2026-12-02T10:00")
    booked.desk.say("move", ONE, "2026-12-03T10:00")
    booked.desk.say("cancel", ONE, "--reason", "cold", "--yes")
    assert booked.send() == {"sent": [], "waiting": [], "failed": [], "skipped": [], "stopped": None}
    assert booked.office.received == []


def test_of_much_that_happened_only_the_end_is_told(booked: Practice) -> None:
    booked.send()
    booked.desk.say("move", ONE, "2026-12-02T10:00")
    booked.desk.say("move", ONE, "2026-12-03T10:00")
    booked.desk.say("cancel", ONE, "--reason", "cold", "--yes")
    assert told(booked.send()) == [(ONE, "CANCEL", 3)]
    assert booked.calendar.entries == {}


def test_a_visit_that_came_back_to_where_it_was_told_to_be_is_not_told_again(booked: Practice) -> None:
    desk = booked.desk
    booked.send()
    desk.say("move", ONE, "2026-12-02T10:00")
    desk.say("move", ONE, "2026-12-01T08:00")
    assert booked.outbox() == []
    assert told(booked.send()) == []
    desk.say("cancel", ONE, "--reason", "cold", "--yes")
    desk.say("undo", "--yes")
    assert told(booked.send()) == []
    desk.say("move", ONE, "2026-12-02T10:00")
    assert [method for _, method, _ in told(booked.send())] == ["REQUEST"]
    desk.say("move", ONE, "2026-12-01T08:00")
    assert [method for _, method, _ in told(booked.send())] == ["REQUEST"]
    assert booked.calendar.entries == booked.book()
    assert len({r.mail["Message-ID"] for r in booked.office.received}) == 3


def test_a_mail_from_before_its_id_said_what_it_says_is_followed_by_every_revision(booked: Practice) -> None:
    booked.send()
    with open_store(booked.desk.book) as store, store.writing(0) as writer:
        row = writer.told([ONE])[ONE]
        writer.put_told(row._replace(message_id="<1.0@harbor.example>"))
    assert told(booked.send()) == []
    booked.desk.say("move", ONE, "2026-12-01T08:00", "--chair", "chair-2")
    assert told(booked.send()) == [(ONE, "REQUEST", 1)]


@pytest.mark.parametrize("end", ["no-show", "cancel"])
def test_of_a_visit_that_has_begun_nobody_is_told_and_its_dead_letter_is_gone(booked: Practice, end: str) -> None:
    desk, office = booked.desk, booked.office
    desk.say("book", BEN, "iv-mood", "2026-12-01T08:00")
    office.recipients[YARAS] = "550 5.1.1 unknown"
    assert told(booked.send(status=4)) == [(TWO, "REQUEST", 0)]
    desk.at("2026-12-01T07:59")
    assert booked.outbox() == [(ONE, "REQUEST", "failed", 1)]
    desk.at("2026-12-01T09:00")
    assert booked.outbox() == []
    for visit in (ONE, TWO):
        desk.say(*(("no-show", visit) if end == "no-show" else ("cancel", visit, "--reason", "cold")), "--yes")
    assert told(booked.send()) == []
    assert len(office.received) == 1


def test_a_hold_is_told_when_it_is_confirmed_and_one_that_ran_out_never(practice: Practice) -> None:
    practice.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00", "--hold", "2h")
    practice.desk.say("book", BEN, "iv-mood", "2026-12-01T10:00", "--hold", "2h")
    assert told(practice.send()) == []
    practice.desk.say("confirm", ONE)
    assert told(practice.send()) == [(ONE, "REQUEST", 1)]
    practice.desk.at("2026-11-23T12:00")
    assert told(practice.send()) == []


def test_only_what_is_named_is_sent(practice: Practice) -> None:
    practice.desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    practice.desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    assert told(practice.send(TWO)) == [(TWO, "REQUEST", 0)]
    assert practice.outbox() == [(ONE, "REQUEST", "due", 0)]
    assert practice.desk.refused(3, "ical", "send", ids.encode("appointment", 99))["code"] == "not-found"
    assert told(practice.send("yara s")) == [(ONE, "REQUEST", 0)]


def test_people_without_an_address_are_named_once_and_by_id(booked: Practice) -> None:
    desk = booked.desk
    desk.say("patients", "add", "--mrn", "N1", "No Address")
    for need in ("consent", "evaluation", "clearance"):
        desk.say("patients", "record", "N1", need)
    desk.say("book", "N1", "iv-mood", "2026-12-01T10:00")
    desk.say("book", "N1", "iv-mood", "2026-12-03T10:00")
    said = booked.send()
    assert (told(said), said["skipped"]) == ([(ONE, "REQUEST", 0)], [NOBODY])
    assert (
        desk.type("ical", "send").out == f"No mail sent.\nWithout an e-mail address, to be told otherwise: {NOBODY}\n"
    )
    assert desk.say("ical", "outbox").splitlines()[0] == (
        f"{TWO:7} {'Tue 1 Dec 2026 10:00':21}  {'No Address':24} invitation due: no e-mail address; no phone"
    )
    desk.say("patients", "edit", "N1", "--email", "n1@example.org")
    assert [visit for visit, _, _ in told(booked.send())] == [TWO, FIRST_VISITS[2]]


def test_a_run_that_is_a_rehearsal_writes_files_and_changes_nothing(booked: Practice) -> None:
    desk = booked.desk
    before = desk.octets()
    bare = desk.json("ical", "send", "--dry-run")
    assert (told(bare), bare["files"]) == ([(ONE, "REQUEST", 0)], [])
    assert desk.json("ical", "send", "--dry-run", "-o", "out") == bare | {"files": [f"out/request-{ONE}.eml"]}
    assert desk.octets() == before
    assert booked.office.received == []
    written = (desk.folder / "out" / f"request-{ONE}.eml").read_bytes()
    booked.send()
    (received,) = booked.office.received
    assert calendar_part(written) == calendar_part(received.octets)
    assert desk.refused(2, "ical", "send", "-o", "out")["hint"] == "add --dry-run, or leave -o out"


def test_a_lost_answer_leads_to_the_same_message_twice_under_one_id(booked: Practice) -> None:
    booked.office.on_data = ["lost"]
    said = booked.send(status=7)
    assert [(m["visit"], m["tries"], m["error"]) for m in said["waiting"]] == [
        (ONE, 1, "the connection was lost before the server's answer"),
    ]
    assert said["waiting"][0]["next_try"] == "2026-11-23T08:01:00-05:00"
    assert told(booked.send(status=7)) == []  # not yet
    booked.desk.at("2026-11-23T08:01")
    assert told(booked.send()) == [(ONE, "REQUEST", 0)]
    first, second = booked.office.received
    assert first.mail["Message-ID"] == second.mail["Message-ID"]
    assert calendar_part(first.octets) == calendar_part(second.octets)
    assert booked.calendar.entries == booked.book()


def test_a_message_that_may_have_arrived_is_withdrawn_and_one_that_cannot_have_is_not(booked: Practice) -> None:
    booked.desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    booked.office.on_data = ["lost", "451 4.3.0 later"]
    assert len(booked.send(status=7)["waiting"]) == 2
    for visit in (ONE, TWO):
        booked.desk.say("cancel", visit, "--reason", "cold", "--yes")
    assert told(booked.send()) == [(ONE, "CANCEL", 1)]
    assert booked.calendar.entries == {}


def test_a_server_that_is_away_loses_nothing_and_counts_no_try(practice: Practice) -> None:
    desk = practice.desk
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    with PostOffice() as gone:
        away = gone.environment()
    desk.setenv(**away)
    answer = desk.type("ical", "send", "--json")
    assert (answer.status, answer.out, answer.error["code"]) == (7, "", "mail")
    assert "cannot be reached" in answer.error["message"]
    assert [(state, tries) for _, _, state, tries in practice.outbox()] == [("waiting", 0)]
    desk.setenv(**practice.office.environment())
    assert told(practice.send()) == [(ONE, "REQUEST", 0)]


def test_a_server_that_goes_away_in_between_keeps_what_it_took(booked: Practice) -> None:
    desk, office = booked.desk, booked.office
    desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")

    def refuse_from_now_on() -> None:
        office.on_mail = "451 4.7.1 enough for today"

    office.before_answer = refuse_from_now_on
    answer = desk.type("ical", "send", "--json")
    assert (answer.status, told(answer.data)) == (7, [(ONE, "REQUEST", 0)])
    assert [(m["visit"], m["state"], m["tries"]) for m in answer.data["waiting"]] == [(TWO, "waiting", 0)]
    assert "takes no mail from this sender (451 4.7.1)" in answer.data["stopped"] == answer.error["message"]
    office.on_mail = ""
    assert told(booked.send()) == [(TWO, "REQUEST", 0)]
    assert booked.calendar.entries == booked.book()


@pytest.mark.parametrize("value", ["büro@harbor.example", "desk@straße.example"])
def test_a_clinics_address_that_cannot_be_used_marks_no_visit_as_told(desk: Desk, value: str) -> None:
    text = desk.say("clinic", "show")
    (line,) = (line for line in text.splitlines() if line.startswith("email"))
    desk.type("clinic", "apply", desk.file("own.toml", text.replace(line, f'email = "{value}"')), "--yes")
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    with PostOffice(is_ascii=True) as office:
        desk.setenv(**office.environment())
        practice = Practice(desk, office)
        answer = desk.type("ical", "send", "--json")
        assert (answer.status, answer.error["code"]) == (7, "mail")
        assert [(state, tries) for _, _, state, tries in practice.outbox()] == [("waiting", 0)]
        desk.say("cancel", ONE, "--reason", "cold", "--yes")
        assert practice.outbox() == []


def test_a_recipient_who_is_refused_for_good_is_a_dead_letter_until_somebody_says_again(booked: Practice) -> None:
    desk, office = booked.desk, booked.office
    desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    office.recipients[YARAS] = f"550 5.1.1 <{YARAS}>: no such user"
    said = booked.send(status=4)
    assert told(said) == [(TWO, "REQUEST", 0)]
    assert [(m["visit"], m["state"], m["next_try"]) for m in said["failed"]] == [(ONE, "failed", None)]
    assert booked.send(status=4)["failed"] == said["failed"]  # as long as nobody has done anything about it
    assert booked.outbox() == booked.outbox("--failed") == [(ONE, "REQUEST", "failed", 1)]
    assert desk.say("ical", "outbox") == (f"{ABOUT} failed, try 1: the server refused the recipient (550 5.1.1)\n")
    booked.send("--retry", status=4)
    office.recipients.clear()
    assert told(booked.send("--retry", ONE)) == [(ONE, "REQUEST", 0)]
    assert booked.outbox() == []


@pytest.mark.parametrize("said", ["554 5.7.1 <{}>: Relay access denied", "550 relay not permitted", "530 5.7.0 no"])
def test_a_server_that_relays_nothing_for_us_makes_no_dead_letters(practice: Practice, said: str) -> None:
    desk, office = practice.desk, practice.office
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    office.recipients[YARAS] = said.format(YARAS)
    for _ in range(2):
        answer = desk.type("ical", "send", "--json")
        assert (answer.status, answer.out, answer.error["code"]) == (7, "", "mail")
        assert "takes no mail from" in answer.error["message"]
        assert {(state, tries) for _, _, state, tries in practice.outbox()} <= {("waiting", 0), ("due", 0)}
    assert len(practice.outbox()) == len(COURSE)
    office.recipients.clear()
    assert len(told(practice.send())) == len(COURSE)


def test_the_status_and_the_lists_say_what_stands_after_the_run_within_what_was_named(booked: Practice) -> None:
    desk, office = booked.desk, booked.office
    desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    office.recipients[YARAS] = "451 4.7.1 later"
    assert [m["visit"] for m in booked.send(status=7)["waiting"]] == [ONE]
    again = booked.send(status=7)
    assert ([m["visit"] for m in again["waiting"]], again["sent"], again["failed"]) == ([ONE], [], [])
    assert booked.send(TWO)["waiting"] == []
    office.recipients[YARAS] = "550 5.1.1 unknown"
    booked.send("--retry", ONE, status=4)
    failed = desk.type("ical", "send", ONE)
    assert (failed.status, failed.err) == (4, "")
    assert failed.out == (
        "No mail sent.\n"
        f"{ABOUT} failed, try 2: the server refused the recipient (550 5.1.1)\n"
        "1 mail failed: infusion ical outbox\n"
        "What failed is only tried again by infusion ical send --retry.\n"
    )
    office.recipients["patient1010@example.com"] = "451 4.7.1 later"
    desk.say("move", TWO, "2026-12-02T10:00")
    both = desk.type("ical", "send")
    assert both.status == 7
    assert "\n1 mail waits, 1 failed: infusion ical outbox\n" in both.out
    assert booked.send(ONE, status=4)["waiting"] == []


def test_a_mail_that_is_put_off_is_tried_less_and_less_often_and_then_given_up(booked: Practice) -> None:
    booked.office.recipients[YARAS] = "450 4.2.0 greylisted"
    waits = []
    for _ in range(6):
        (waiting,) = booked.send(status=7)["waiting"]
        waits.append(waiting["next_try"])
        booked.desk.at(waiting["next_try"])
    assert waits == [
        "2026-11-23T08:01:00-05:00",
        "2026-11-23T08:06:00-05:00",
        "2026-11-23T08:36:00-05:00",
        "2026-11-23T10:36:00-05:00",
        "2026-11-23T18:36:00-05:00",
        "2026-11-24T18:36:00-05:00",
    ]
    (failed,) = booked.send(status=4)["failed"]
    assert (failed["tries"], failed["error"]) == (7, "the server refused the recipient (450 4.2.0)")


def test_a_run_that_was_killed_before_the_answer_is_made_up_for_under_the_same_id(booked: Practice) -> None:
    program = subprocess.Popen([sys.executable, *PROGRAM, "ical", "send"])

    def kill() -> None:
        booked.office.before_answer = lambda: None
        program.kill()
        program.wait()

    booked.office.before_answer = kill
    assert program.wait(60) == -signal.SIGKILL
    assert booked.outbox() == [(ONE, "REQUEST", "waiting", 1)]
    assert told(booked.send(status=7)) == []  # somebody may still be at it
    booked.desk.at("2026-11-23T08:05")
    assert told(booked.send()) == [(ONE, "REQUEST", 0)]
    assert len({r.mail["Message-ID"] for r in booked.office.received}) == 1
    assert booked.calendar.entries == booked.book()


def test_a_run_that_is_interrupted_says_and_notes_whose_mail_went_out(booked: Practice) -> None:
    desk, office = booked.desk, booked.office
    desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    desk.say("book", FATIMA, "iv-mood", "2026-12-01T12:00")
    started: list[subprocess.Popen[bytes]] = []
    answers: Queue[tuple[bytes, bytes]] = Queue()

    def second() -> None:
        office.before_answer = interrupt

    def interrupt() -> None:
        started[0].send_signal(signal.SIGINT)
        answers.put(started[0].communicate(timeout=60))

    office.before_answer = second
    words = [sys.executable, *PROGRAM, "ical", "send", "--json"]
    started.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    out, err = answers.get(timeout=60)
    assert started[0].returncode == 130
    assert told(json.loads(out)) == [(ONE, "REQUEST", 0)]
    assert json.loads(err)["error"]["message"] == "Interrupted; 1 mail was sent, and 1 may have been."
    assert [(visit, state) for visit, _, state, _ in booked.outbox()] == [(TWO, "waiting"), (FIRST_VISITS[2], "due")]
    noted = [e for e in desk.json("audit", "list") if e["command"] == "ical send"]
    assert [(e["kind"], e["subjects"]) for e in noted] == [("export", [YARA, BEN])]


def test_a_run_that_fails_notes_whose_mail_went_out(booked: Practice) -> None:
    booked.desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")

    def refuse_from_now_on() -> None:
        booked.office.on_mail = "451 4.7.1 enough for today"

    booked.office.before_answer = refuse_from_now_on
    assert booked.desk.type("ical", "send").status == 7
    noted = [e for e in booked.desk.json("audit", "list") if e["command"] == "ical send"]
    assert [e["subjects"] for e in noted] == [[YARA]]


def test_no_word_of_the_server_reaches_the_book_or_the_screen(booked: Practice) -> None:
    booked.office.recipients[YARAS] = f"550 5.1.1 {YARAS} zirkon"
    answer = booked.desk.type("ical", "send")
    assert answer.status == 4
    shown = answer.out + answer.err + booked.desk.say("ical", "outbox", "--json")
    assert "zirkon" not in shown
    assert YARAS not in shown
    with open_store(booked.desk.book) as store, store.reading(0) as reader:
        assert reader.told([ONE])[ONE].error == "the server refused the recipient (550 5.1.1)"


@pytest.mark.parametrize("retry", [(), ("--retry",)], ids=["plain", "retry"])
def test_two_runs_at_once_send_one_mail(booked: Practice, retry: tuple[str, ...]) -> None:
    seen: list[Any] = []

    def second_run() -> None:
        booked.office.before_answer = lambda: None
        with open_store(booked.desk.book) as store, store.writing(0) as writer:  # the book is free meanwhile
            seen.append(writer.told([ONE])[ONE])
        answer = booked.desk.process("ical", "send", "--json", *retry)
        seen.append(answer.data["sent"])

    booked.office.before_answer = second_run
    assert told(booked.send(*retry)) == [(ONE, "REQUEST", 0)]
    began, sent_by_other = seen
    assert (began.state, began.tries, sent_by_other) == ("waiting", 1, [])
    assert len(booked.office.received) == 1


def test_a_change_while_the_mail_is_on_its_way_is_told_by_the_next_run(booked: Practice) -> None:
    def move() -> None:
        booked.office.before_answer = lambda: None
        moved = booked.desk.process("move", ONE, "2026-12-02T10:00")
        assert moved.status == 0, moved

    booked.office.before_answer = move
    assert told(booked.send(status=7)) == [(ONE, "REQUEST", 0)]
    assert booked.calendar.entries != booked.book()
    assert told(booked.send()) == [(ONE, "REQUEST", 1)]
    assert booked.calendar.entries == booked.book()


def test_a_new_address_of_the_clinic_or_the_patient_reaches_everybody_ahead(booked: Practice) -> None:
    desk = booked.desk
    desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    booked.send()
    desk.say("patients", "edit", YARA, "--email", "yara@example.org")
    assert told(booked.send()) == [(ONE, "REQUEST", 1)]
    assert booked.office.received[-1].recipient == "yara@example.org"
    text = desk.say("clinic", "show").replace("12 Pier Street", "7 North Gate Road")
    desk.say("clinic", "apply", desk.file("moved.toml", text), "--yes")
    assert told(booked.send()) == [(ONE, "REQUEST", 2), (TWO, "REQUEST", 1)]
    assert b"7 North Gate Road" in calendar_part(booked.office.received[-1].octets)
    desk.say("undo", "--yes")
    assert told(booked.send()) == [(ONE, "REQUEST", 3), (TWO, "REQUEST", 2)]
    assert b"12 Pier Street" in calendar_part(booked.office.received[-1].octets)
    text = desk.say("clinic", "show").replace("24h", "36h", 1)
    desk.say("clinic", "apply", desk.file("notice.toml", text), "--yes")
    assert told(booked.send()) == []


def test_an_address_that_was_taken_away_and_another_one_given_later_is_written_to(booked: Practice) -> None:
    desk = booked.desk
    booked.send()
    desk.say("patients", "edit", YARA, "--email", "")
    assert told(booked.send()) == []
    desk.say("patients", "edit", YARA, "--email", "yara@example.org")
    assert told(booked.send()) == [(ONE, "REQUEST", 1)]
    assert booked.office.received[-1].recipient == "yara@example.org"


def test_a_visit_that_was_moved_with_the_clinics_address_is_raised_once(booked: Practice) -> None:
    booked.send()
    booked.desk.say("patients", "edit", YARA, "--email", "yara@example.org")
    booked.desk.say("move", ONE, "2026-12-02T10:00")
    booked.desk.say("undo", "--yes")
    assert told(booked.send()) == [(ONE, "REQUEST", 3)]


def test_who_was_written_to_is_noted_as_an_access_and_who_was_not_is_not(booked: Practice) -> None:
    booked.desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    booked.office.recipients[YARAS] = "550 5.1.1 unknown"
    booked.send(status=4)
    assert booked.outbox() == [(ONE, "REQUEST", "failed", 1)]
    noted = [(e["kind"], e["command"], e["subjects"]) for e in booked.desk.json("audit", "list")]
    assert [entry for entry in noted if "ical" in entry[1]] == [
        ("export", "ical send", [BEN]),
        ("view", "ical outbox", [YARA]),
    ]


def test_without_a_server_or_a_clinics_address_nothing_is_tried(booked: Practice) -> None:
    desk = booked.desk
    desk.setenv(INFUSION_SMTP_HOST="")
    assert "INFUSION_SMTP_HOST" in desk.refused(2, "ical", "send")["hint"]
    desk.setenv(**booked.office.environment())
    text = "\n".join(line for line in desk.say("clinic", "show").splitlines() if not line.startswith("email"))
    desk.say("clinic", "apply", desk.file("no-email.toml", text), "--yes")
    assert "write email into the clinic's file" in desk.refused(4, "ical", "send")["hint"]


def test_what_it_says_at_the_desk(booked: Practice) -> None:
    about = f"{ABOUT} due\n"
    assert booked.desk.say("ical", "outbox") == about
    assert booked.desk.type("ical", "send", "--dry-run") == (
        0,
        f"1 mail would be sent.\n{about}",
        "Dry run: nothing was sent.\n",
    )
    assert booked.desk.say("ical", "send") == "1 mail sent.\n"
    assert booked.desk.type("ical", "outbox") == (0, "", "Everybody has been told.\n")
    assert booked.desk.say("ical", "send") == "No mail sent.\n"
    assert booked.desk.type("ical", "send", "--exit-code").status == 0
    booked.desk.say("move", ONE, "2026-12-02T10:00")
    assert booked.desk.type("ical", "send", "--exit-code").status == 5


def test_a_mail_that_cannot_be_addressed_is_a_dead_letter_at_once(booked: Practice) -> None:
    booked.has_address(YARA, f"x@{'é' * 80}")
    (failed,) = booked.send(status=4)["failed"]
    assert failed["error"] == "the e-mail address cannot be written into a mail"
    assert booked.office.connections == 0


@pytest.mark.parametrize("output", [(), ("-o", "out")], ids=["told", "written"])
def test_a_rehearsal_drops_nobody_silently(booked: Practice, output: tuple[str, ...]) -> None:
    desk = booked.desk
    desk.say("book", BEN, "iv-mood", "2026-12-01T10:00")
    booked.has_address(BEN, f"x@{'é' * 80}")
    desk.say("book", FATIMA, "iv-mood", "2026-12-01T12:00")
    desk.say("patients", "edit", FATIMA, "--email", "")
    answer = desk.type("ical", "send", "--dry-run", "--json", *output)
    assert answer.status == 0
    said = answer.data
    assert list(said) == ["sent", "waiting", "failed", "skipped", "stopped", "files"]
    assert (told(said), said["waiting"], said["skipped"]) == ([(ONE, "REQUEST", 0)], [], [FATIMA])
    assert [(m["visit"], m["error"]) for m in said["failed"]] == [
        (TWO, "the e-mail address cannot be written into a mail"),
    ]
    assert said["files"] == ([f"out/request-{ONE}.eml"] if output else [])


def test_replacing_rehearsed_mails_is_asked_for(booked: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    booked.desk.type("ical", "send", "--dry-run", "-o", "out")
    path = booked.desk.folder / "out" / f"request-{ONE}.eml"
    path.write_text("mine")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    monkeypatch.setattr("sys.stderr", Terminal())
    assert run(["ical", "send", "--dry-run", "-o", "out"]) == 1
    assert path.read_text() == "mine"
