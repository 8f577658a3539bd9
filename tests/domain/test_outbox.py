"""What patients are told of a visit: by tables for each state, and along random lives."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from builders import NOW, clinic, visit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.outbox import (
    BACK_OFF,
    LEASE,
    Delivery,
    Told,
    begun,
    due,
    ended,
    message_id,
    wanted,
    words_of,
)
from infusion_cli.domain.plan import CALENDAR_STATUS, change, revise, stands

VISIT = visit(1, sequence=2)
CLINIC = clinic(email="desk@harbor.example")
EMAIL = "patient@example.com"
LATER = Delivery("later", "the server refused the recipient (452)")
STANDING = ("proposed", "pending", "booked", "arrived", "checked-in", "fulfilled")
GONE = ("cancelled", "noshow", "entered-in-error", "waitlist")


def told(method: str = "REQUEST", sequence: int = 2, state: str = "sent", **changes: Any) -> Told:
    """A message about the visit; one that reached the patient unless told otherwise."""
    fresh = Told(VISIT.id, sequence, method, "<1@x>", state, 1, NOW - 60, 0 if state != "waiting" else NOW + 60)
    return fresh._replace(**changes)


@pytest.mark.parametrize("status", STANDING + GONE)
def test_of_what_nobody_heard_only_a_booked_visit_is_told(status: str) -> None:
    expected = "REQUEST" if status == "booked" else None
    assert wanted(VISIT._replace(status=status), None, NOW) == expected
    assert wanted(VISIT._replace(status=status), told("REQUEST", 1, "failed", at=0), NOW) == expected


@pytest.mark.parametrize("status", STANDING)
def test_what_was_told_is_kept_true_while_it_stands(status: str) -> None:
    standing = VISIT._replace(status=status)
    assert wanted(standing, told(), NOW) is None
    assert wanted(standing, told("REQUEST", 1), NOW) == "REQUEST"
    assert wanted(standing, told("CANCEL", 1), NOW) == "REQUEST"


@pytest.mark.parametrize("status", GONE)
@pytest.mark.parametrize("state", ["sent", "waiting", "failed"])
def test_what_was_told_is_withdrawn_once_it_no_longer_stands(status: str, state: str) -> None:
    gone = VISIT._replace(status=status)
    assert wanted(gone, told("REQUEST", 1, state), NOW) == "CANCEL"
    assert wanted(gone, told("CANCEL", 1, state), NOW) == (None if state == "sent" else "CANCEL")


@pytest.mark.parametrize("status", STANDING + GONE)
@pytest.mark.parametrize("row", [None, told(), told("REQUEST", 1), told("REQUEST", 1, "failed"), told("CANCEL", 1)])
def test_of_a_visit_that_has_begun_nobody_hears_any_more(status: str, row: Told | None) -> None:
    was = VISIT._replace(status=status)
    for now in (VISIT.start, VISIT.end, VISIT.start + 86_400):
        assert wanted(was, row, now) is None
    later = was._replace(start=was.start + 86_400, sequence=3)
    assert wanted(later, row, VISIT.start) == wanted(later, row, NOW)


def test_a_visit_is_told_and_withdrawn_until_it_begins() -> None:
    assert wanted(VISIT, None, VISIT.start - 1) == "REQUEST"
    assert wanted(VISIT, told("REQUEST", 1), VISIT.start - 1) == "REQUEST"
    assert wanted(VISIT._replace(status="cancelled"), told("REQUEST", 1), VISIT.start - 1) == "CANCEL"


def words(of: Appointment) -> str:
    """What the patient reads of a visit, as a digest."""
    return words_of(CLINIC, of, EMAIL)


def told_of(of: Appointment, method: str = "REQUEST", state: str = "sent") -> Told:
    """A message with the id that the program gives it."""
    return told(method, of.sequence, state, message_id=message_id(of, words(of), "harbor.example"))


@pytest.mark.parametrize(
    "unseen", [{"chair": "chair-2"}, {"end": VISIT.end - 60}, {"ride": "sister"}, {"status": "arrived"}, {}]
)
def test_a_revision_that_the_patient_does_not_see_is_not_told(unseen: dict[str, Any]) -> None:
    newer = VISIT._replace(sequence=4, **unseen)
    assert wanted(newer, told_of(VISIT), NOW, words(newer)) is None
    assert wanted(newer, told_of(VISIT, state="failed"), NOW, words(newer)) == "REQUEST"
    assert wanted(newer, told("REQUEST", 2), NOW, words(newer)) == "REQUEST"  # its id is from before there were digests
    gone = newer._replace(status="cancelled")
    assert wanted(gone, told_of(VISIT), NOW, words(gone)) == "CANCEL"
    assert wanted(newer, told_of(gone._replace(sequence=3), "CANCEL"), NOW, words(newer)) == "REQUEST"


SEEN_OF_THE_CLINIC = ("email", "public_name", "address", "phone", "language", "timezone")


def test_whatever_the_patient_sees_or_gets_mail_by_is_news() -> None:
    visits: list[dict[str, Any]] = [
        *({"start": VISIT.start + 60}, {"leave": VISIT.leave + 60}, {"status": "pending"}, {"status": "cancelled"}),
    ]
    clinics: list[dict[str, Any]] = [{field: "other"} for field in SEEN_OF_THE_CLINIC]
    clinics += [{"words": CLINIC.words._replace(**{word: "other"})} for word in ("title", "alarm", "questions")]
    seen = [words(VISIT), words_of(CLINIC, VISIT, "other@example.com")]
    seen += [words(VISIT._replace(**changes)) for changes in visits]
    seen += [words_of(CLINIC._replace(**changes), VISIT, EMAIL) for changes in clinics]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("uid", ["1f@calendar.invalid", "a.2.b@x", "a.2.0123456789ab", "x"])
def test_a_message_knows_what_it_says_by_its_id(uid: str) -> None:
    of = VISIT._replace(uid=uid)
    found = message_id(of, words(of), "harbor.example")
    assert told(message_id=found).words == words(of)
    assert told(message_id=found, sequence=3).words == ""
    assert told(message_id="<1f.2@harbor.example>").words == ""
    assert found != message_id(of._replace(sequence=3), words(of), "harbor.example")


def test_a_message_that_waits_is_due_at_its_time_and_one_that_failed_only_when_asked_for() -> None:
    waiting, failed = told(state="waiting"), told(state="failed")
    assert [due(VISIT, waiting, now) for now in (NOW + 59, NOW + 60)] == [None, "REQUEST"]
    assert due(VISIT, failed, NOW + 86_400) is None
    assert due(VISIT, waiting, NOW, again=True) == due(VISIT, failed, NOW, again=True) == "REQUEST"
    assert due(VISIT, told(), NOW, again=True) is None


def test_news_does_not_wait_for_what_it_replaces() -> None:
    assert due(VISIT, told("REQUEST", 1, "waiting"), NOW) == "REQUEST"
    assert due(VISIT, told("REQUEST", 1, "failed"), NOW) == "REQUEST"


def test_a_message_keeps_its_id_and_counts_its_tries_until_there_are_none_left() -> None:
    row, now, waits = None, NOW, []
    for number in range(len(BACK_OFF) + 1):
        started = begun(VISIT, "REQUEST", row, f"<{number}@x>", now)
        assert (started.message_id, started.tries, started.state) == ("<0@x>", number + 1, "waiting")
        assert started.next_at == now + LEASE
        row = ended(started, row, LATER, now)
        assert (row.at, row.error) == (0, LATER.error)
        waits.append(row.next_at - now)
        now = row.next_at
    assert tuple(waits[:-1]) == BACK_OFF
    assert row is not None
    assert (row.state, row.next_at) == ("failed", 0)
    assert begun(VISIT, "REQUEST", row, "<new@x>", NOW).tries == 1


def test_a_refusal_for_good_is_the_last_try() -> None:
    row = ended(begun(VISIT, "REQUEST", None, "<1@x>", NOW), None, Delivery("never", "no"), NOW)
    assert (row.state, row.tries, row.at) == ("failed", 1, 0)


def test_only_a_message_that_may_have_arrived_is_one_that_was_told() -> None:
    before = told("REQUEST", 1)
    started = begun(VISIT, "REQUEST", before, "<2@x>", NOW)
    assert started.at == NOW  # if nobody comes back it may have arrived
    assert ended(started, before, LATER, NOW + 5).at == before.at
    assert ended(started, before, Delivery("doubt", "lost"), NOW + 5).at == NOW
    assert ended(started, None, LATER, NOW + 5).at == 0
    sent = ended(started, before, Delivery("sent"), NOW + 5)
    assert (sent.at, sent.state, sent.error, sent.next_at) == (NOW + 5, "sent", "", 0)


# Random lives


class Act(NamedTuple):
    """Something that happens: a change of the visit, or a run of the outbox with what the server does."""

    kind: str
    value: int = 0


RESULTS = ("sent", "later", "never", "lost after", "lost before", "killed before", "killed after")
ACTS = st.one_of(
    st.builds(Act, st.just("move"), st.integers(0, 3)),
    st.sampled_from([Act("cancel"), Act("reinstate"), Act("hold"), Act("confirm"), Act("chair"), Act("note")]),
    st.builds(Act, st.just("wait"), st.sampled_from([30, 400, 9000])),
    st.builds(Act, st.just("send"), st.integers(0, len(RESULTS) - 1)),
)


class Life:
    """A visit, its outbox, and the calendar of a patient who gets the messages."""

    def __init__(self) -> None:
        self.now = NOW
        self.visit = VISIT._replace(sequence=0, stamp=NOW, status="booked")
        self.row: Told | None = None
        self.mails: list[tuple[str, int, int, str, int]] = []
        """What arrived: method, SEQUENCE, DTSTAMP, Message-ID, start."""
        self.doubts = 0
        """How many of them the book does not know to have arrived."""

    def act(self, act: Act) -> None:
        """Let it happen, where it can."""
        if act.kind == "send":
            self.send(RESULTS[act.value])
        elif act.kind == "wait":
            self.now += act.value
        else:
            self.change(act)

    def change(self, act: Act) -> None:
        """Change the visit in the book."""
        possible: dict[str, dict[str, Any]] = {
            "move": {"start": VISIT.start + act.value * 900, "end": VISIT.end + act.value * 900},
            "cancel": {"status": "cancelled"},
            "reinstate": {"status": "booked"},
            "hold": {"status": "pending"},
            "confirm": {"status": "booked"},
            "chair": {"chair": "chair-2"},
            "note": {"ride": "sister"},
        }
        after = revise(change(self.visit, self.visit._replace(**possible[act.kind])), self.now).after
        assert isinstance(after, Appointment)
        self.visit = after

    def send(self, result: str) -> None:
        """One run: at most one message, noted before and after as the program does."""
        method = due(self.visit, self.row, self.now, words(self.visit))
        if method is None:
            return
        self.doubts += result.endswith("after")
        before = self.row
        started = begun(self.visit, method, before, message_id(self.visit, words(self.visit), "x"), self.now)
        self.row = started
        if result in {"sent", "lost after", "killed after"}:
            self.mails.append((method, self.visit.sequence, self.visit.stamp, started.message_id, self.visit.start))
        if not result.startswith("killed"):
            delivery = Delivery("doubt" if result.startswith("lost") else result)
            self.row = ended(started, before, delivery, self.now)

    def settle(self) -> None:
        """Nothing changes any more and the server is well: somebody also tries again what failed."""
        for _ in range(4):
            self.now += 100
            if self.row is not None and self.row.state != "sent":
                self.row = self.row._replace(state="waiting", next_at=self.now)
            self.send("sent")


def calendar(mails: list[tuple[str, int, int, str, int]]) -> int | None:
    """The start in the calendar of somebody who applies the messages in their order, by the rules of iTIP."""
    entry, seen = None, (-1, 0)
    for method, sequence, stamp, _, start in mails:
        if (sequence, stamp) >= seen:
            seen = (sequence, stamp)
            entry = start if method == "REQUEST" else None
    return entry


@settings(max_examples=400, deadline=None)
@given(st.lists(ACTS, max_size=14))
@example([Act("send", 3), Act("cancel"), Act("send", 4)])
@example([Act("send"), Act("move", 1), Act("send", 1), Act("cancel"), Act("send", 2)])
@example([Act("send", 6), Act("hold"), Act("send"), Act("cancel")])
def test_whatever_happens_the_calendar_ends_with_what_the_book_says(acts: list[Act]) -> None:
    life = Life()
    for act in acts:
        count = len(life.mails)
        life.act(act)
        assert len(life.mails) - count <= (act.kind == "send")
    life.settle()

    expected = life.visit.start if stands(life.visit) else None
    found = calendar(life.mails)
    if life.visit.status == "pending" and not life.mails:
        expected = None  # a hold of which nobody heard
    assert found == expected
    doubled = [mail for mail in life.mails for _ in (1, 2)]
    assert calendar(doubled) == expected
    assert calendar([*life.mails, *life.mails]) == expected
    assert wanted(life.visit, life.row, life.now, words(life.visit)) is None


@settings(max_examples=400, deadline=None)
@given(st.lists(ACTS, max_size=14))
@example([Act("send"), Act("chair"), Act("send"), Act("move", 1), Act("move", 0), Act("send")])
@example([Act("send"), Act("cancel"), Act("reinstate"), Act("send")])
def test_there_is_no_mail_without_a_change_that_the_patient_sees(acts: list[Act]) -> None:
    life, seen = Life(), [""]
    for act in acts:
        if act.kind == "send" and words(life.visit) != seen[-1]:
            seen.append(words(life.visit))
        life.act(act)
    assert len(life.mails) <= len(seen) - 1 + life.doubts


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTS, max_size=14))
def test_one_revision_has_one_message_id_however_often_it_is_tried(acts: list[Act]) -> None:
    life = Life()
    for act in acts:
        life.act(act)
    assert len({(m[0], m[1], m[2]) for m in life.mails}) == len({m[3] for m in life.mails})


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTS.filter(lambda a: a.kind not in {"send", "reinstate", "confirm"}), max_size=8))
def test_what_is_cancelled_before_anybody_heard_is_never_told(acts: list[Act]) -> None:
    life = Life()
    for act in [*acts, Act("cancel")]:
        life.act(act)
    life.settle()
    assert life.mails == []
    told_first = Life()
    told_first.send("sent")
    for act in [*acts, Act("cancel")]:
        told_first.act(act)
    told_first.settle()
    assert [m[0] for m in told_first.mails] == ["REQUEST", "CANCEL"]


def test_every_status_of_a_visit_is_looked_at() -> None:
    assert set(STANDING + GONE) == {*CALENDAR_STATUS, "waitlist"}
