"""Invitations from the command line: who is invited to what, into which file, and who cannot be."""

from __future__ import annotations

import resource

import pytest
from cli.desk import FIRST_VISITS, YARA, Desk
from cli.test_exit_statuses import Terminal

from infusion_cli.cli.app import run
from infusion_cli.domain import ids

ONE, TWO, *_ = FIRST_VISITS
COURSE = tuple(ids.encode("appointment", number) for number in range(6))
SERIES = ids.encode("series", 0)
LONE = ids.encode("appointment", 6)
LONE_EXPORT = f"infusion ical export {LONE} writes a file without invitation"
NOBODY, NOBODYS_ID = "N1", ids.encode("patient", 60)
"""Somebody without an e-mail address, by MRN and by id."""


@pytest.fixture
def booked(desk: Desk) -> Desk:
    """Yara's course of six, and one visit of somebody without an e-mail address."""
    desk.say("series", "book", YARA, "iv-mood", "--from", "2026-12-01")
    desk.say("patients", "add", "--mrn", NOBODY, "No Address")
    for need in ("consent", "evaluation", "clearance", "labs", "rems-enrolment"):
        desk.say("patients", "record", NOBODY, need)
    desk.say("book", NOBODY, "iv-mood", "2026-12-01T12:00")
    return desk


def lines(text: str) -> list[str]:
    """The file's lines without folds, as far as they change from visit to visit."""
    wanted = ("METHOD", "UID", "DTSTAMP", "SEQUENCE", "DTSTART", "STATUS", "ATTENDEE", "ORGANIZER", "TRIGGER")
    return [line for line in text.replace("\r\n ", "").split("\r\n") if line.startswith(wanted)]


def folder_of(desk: Desk, name: str = "") -> list[str]:
    """What lies in a folder, the book aside."""
    return sorted(path.name for path in (desk.folder / name).iterdir() if not path.name.startswith("book"))


def without_email(desk: Desk) -> None:
    """Make the clinic one without an e-mail address."""
    text = "\n".join(line for line in desk.say("clinic", "show").splitlines() if not line.startswith("email"))
    desk.say("clinic", "apply", desk.file("no-email.toml", text), "--yes")


def test_a_visit_is_invited_to_in_a_file_named_after_its_id(booked: Desk) -> None:
    assert booked.type("ical", "invite", ONE) == (0, f"Written: invite-{ONE}.ics\n", "")
    path = booked.folder / f"invite-{ONE}.ics"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == booked.say("ical", "invite", ONE, "-o", "-").encode()
    found = lines(path.read_bytes().decode())
    assert [line for line in found if not line.startswith("UID")] == [
        "METHOD:REQUEST",
        "DTSTAMP:20261123T130000Z",
        "SEQUENCE:0",
        "DTSTART:20261201T130000Z",
        'ORGANIZER;CN="Harbor Clinic":mailto:frontdesk@harbor.example',
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:patient1001@example.com",
        "STATUS:CONFIRMED",
        "TRIGGER:-P1D",
    ]


def test_a_moved_visit_replaces_and_a_cancelled_one_removes_what_was_sent(booked: Desk) -> None:
    sent = [booked.say("ical", "invite", ONE, "-o", "-")]
    assert booked.say("ical", "invite", ONE, "-o", "-") == sent[0]
    booked.at("2026-11-23T09:00")
    booked.say("move", ONE, "2026-12-01T09:00")
    sent.append(booked.say("ical", "invite", ONE, "-o", "-"))
    booked.at("2026-11-23T10:00")
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    sent.append(booked.say("ical", "cancel", ONE, "-o", "-"))
    booked.at("2026-11-25T10:00")
    assert booked.say("ical", "cancel", ONE, "-o", "-") == sent[-1]

    told = [dict(line.split(":", 1) for line in lines(text)) for text in sent]
    assert [t["METHOD"] for t in told] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [t["SEQUENCE"] for t in told] == ["0", "1", "2"]
    assert [t["DTSTAMP"] for t in told] == ["20261123T130000Z", "20261123T140000Z", "20261123T150000Z"]
    assert [t["DTSTART"] for t in told] == ["20261201T130000Z", "20261201T140000Z", "20261201T140000Z"]
    assert [t["STATUS"] for t in told] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert len({t["UID"] for t in told}) == 1
    assert "VALARM" not in sent[-1]


def test_a_cancellation_is_written_to_a_file_named_after_the_visits_id(booked: Desk) -> None:
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    assert booked.type("ical", "cancel", ONE.lower()) == (0, f"Written: cancel-{ONE}.ics\n", "")
    assert (booked.folder / f"cancel-{ONE}.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    assert booked.json("ical", "cancel", ONE, "-o", "x.ics") == {"files": ["x.ics"], "visits": 1}


def test_an_undone_booking_and_a_missed_visit_are_withdrawn_too(booked: Desk) -> None:
    booked.say("book", "M1002", "esketamine", "2026-11-24T09:00")
    made = ids.encode("appointment", 7)
    booked.say("undo", "--yes")
    assert "SEQUENCE:1" in lines(booked.say("ical", "cancel", made, "-o", "-"))
    booked.at("2026-12-01T10:00")
    booked.say("no-show", ONE)
    assert "STATUS:CANCELLED" in lines(booked.say("ical", "cancel", ONE, "-o", "-"))


def test_a_hold_is_invited_to_as_tentative_until_it_is_confirmed(booked: Desk) -> None:
    booked.say("book", "M1003", "iv-mood", "2026-11-24T12:00", "--hold", "2h")
    held = ids.encode("appointment", 7)
    assert {"STATUS:TENTATIVE", "SEQUENCE:0"} <= set(lines(booked.say("ical", "invite", held, "-o", "-")))
    booked.say("confirm", held)
    assert {"STATUS:CONFIRMED", "SEQUENCE:1"} <= set(lines(booked.say("ical", "invite", held, "-o", "-")))


def test_a_series_is_a_file_for_each_visit_that_stands(booked: Desk) -> None:
    booked.say("cancel", TWO, "--reason", "cold", "--yes")
    names = [f"invite-{v}.ics" for v in COURSE if v != TWO]
    answer = booked.type("ical", "invite", SERIES, "-o", "out")
    assert answer == (0, "".join(f"Written: out/{name}\n" for name in names), "")
    assert folder_of(booked, "out") == sorted(names)
    assert (booked.folder / "out").stat().st_mode & 0o777 == 0o700
    for name, visit in zip(names, (v for v in COURSE if v != TWO), strict=True):
        path = booked.folder / "out" / name
        assert path.read_bytes() == booked.say("ical", "invite", visit, "-o", "-").encode()
        assert path.stat().st_mode & 0o777 == 0o600


def test_nobody_is_invited_to_what_is_over(booked: Desk) -> None:
    booked.at("2026-12-08T12:00")
    ahead = booked.json("ical", "invite", SERIES, "-o", "out")["visits"]
    assert 0 < ahead < 6
    assert len(folder_of(booked, "out")) == ahead
    booked.at("2027-01-08T12:00")
    booked.refused(4, "ical", "invite", SERIES, "-o", "out")


def test_a_series_without_a_folder_goes_into_the_present_one(booked: Desk) -> None:
    files = [f"invite-{v}.ics" for v in COURSE]
    assert booked.json("ical", "invite", SERIES) == {"files": files, "visits": 6}
    assert folder_of(booked) == sorted(files)


def test_existing_files_are_replaced_with_yes_only_and_the_others_wait(booked: Desk) -> None:
    (booked.folder / "out").mkdir()
    mine = booked.folder / "out" / f"invite-{TWO}.ics"
    mine.write_bytes(b"mine")
    refused = booked.refused(2, "ical", "invite", SERIES, "-o", "out")
    assert (refused["message"], refused["hint"]) == (
        "This needs --yes where nobody can be asked.",
        f"add --yes to replace {mine.name} in out, or name another",
    )
    assert (folder_of(booked, "out"), mine.read_bytes()) == ([mine.name], b"mine")
    booked.say("ical", "invite", SERIES, "-o", "out", "--yes")
    assert len(folder_of(booked, "out")) == 6
    assert mine.read_bytes().startswith(b"BEGIN:VCALENDAR")
    assert booked.refused(2, "ical", "invite", TWO, "-o", f"out/{mine.name}")["code"] == "usage"


def test_whoever_answers_no_keeps_their_files(booked: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    booked.file(f"invite-{ONE}.ics", "mine")
    booked.file(f"invite-{TWO}.ics", "mine")
    for words, there in (((ONE,), f"invite-{ONE}.ics"), ((SERIES,), f"invite-{ONE}.ics, invite-{TWO}.ics in .")):
        asked = Terminal()
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        monkeypatch.setattr("sys.stderr", asked)
        assert run(["ical", "invite", *words]) == 1
        assert asked.getvalue() == f"Replace {there}? [y/N] Nothing was written.\n"
    assert [(booked.folder / name).read_text() for name in folder_of(booked)] == ["mine", "mine"]


def test_a_folder_that_cannot_be_written_is_left_as_it_was(booked: Desk) -> None:
    booked.file("a-file", "mine")
    (booked.folder / "out" / f"invite-{COURSE[5]}.ics").mkdir(parents=True)
    refusals = {
        "a-file": "The folder a-file cannot be written: Not a directory.",
        "no/such": "The folder no/such cannot be written: No such file or directory.",
        "out": f"out/invite-{COURSE[5]}.ics is a folder and in the way.",
    }
    for folder, message in refusals.items():
        assert booked.refused(2, "ical", "invite", SERIES, "-o", folder, "--yes")["message"] == message
    assert folder_of(booked) == ["a-file", "out"]
    assert folder_of(booked, "out") == [f"invite-{COURSE[5]}.ics"]


def test_a_new_folder_goes_again_when_not_all_files_can_be_written(booked: Desk) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))
    try:
        refused = booked.type("ical", "invite", SERIES, "-o", "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = "The folder out cannot be written: File too large.\nTry: name another with -o\n"
    assert refused == (2, "", message)
    assert folder_of(booked) == []
    assert len(booked.say("ical", "invite", SERIES, "-o", "out").splitlines()) == 6


@pytest.mark.parametrize(
    ("words", "status", "message", "hint"),
    [
        (
            ("invite", "A7K2MX"),
            2,
            "'A7K2MX' is not an id: a character is wrong or missing.",
            "ids look like A7K2MH; infusion list shows them",
        ),
        (("invite", YARA), 2, f"{YARA} is no visit or series.", "give an id that begins with A or S"),
        (
            ("invite", SERIES, "-o", "-"),
            2,
            "A series is several files, which do not go to stdout together.",
            "name a folder with -o, or a visit instead of the series",
        ),
        (
            ("cancel", SERIES),
            3,
            f"There is no visit {SERIES}.",
            "infusion list shows visits and their ids",
        ),
        (
            ("cancel", ONE),
            4,
            f"{ONE} is booked and stands, so its invitation is not withdrawn.",
            f"infusion cancel {ONE} --reason TEXT first, or infusion ical invite {ONE}",
        ),
        (
            ("invite", LONE),
            4,
            f"{NOBODYS_ID} has no e-mail address, so no calendar file can be addressed to them.",
            f"infusion patients edit {NOBODYS_ID} --email ADDRESS; {LONE_EXPORT}",
        ),
    ],
)
def test_who_cannot_be_invited_to_what(
    booked: Desk, words: tuple[str, ...], status: int, message: str, hint: str
) -> None:
    refused = booked.refused(status, "ical", *words)
    assert (refused["message"], refused["hint"]) == (message, hint)
    assert folder_of(booked) == []


def test_a_visit_that_does_not_stand_is_pointed_to_its_withdrawal(booked: Desk) -> None:
    booked.say("cancel", ONE, "--reason", "cold", "--yes")
    answer = booked.type("ical", "invite", ONE)
    assert answer[:2] == (4, "")
    assert answer.err.splitlines() == [
        f"{ONE} is cancelled, so nobody can be invited to it.",
        f"Try: infusion ical cancel {ONE} takes it out of the patient's calendar",
    ]


def test_a_series_of_which_nothing_stands_has_no_invitation(booked: Desk) -> None:
    for visit in COURSE:
        booked.say("cancel", visit, "--reason", "moved away", "--yes")
    refused = booked.refused(4, "ical", "invite", SERIES)
    assert refused["message"] == f"{SERIES} has no visit ahead that stands, so there is nothing to invite to."
    assert refused["hint"] == f"infusion series show {SERIES}"


def test_a_withdrawal_without_an_address_is_refused_too(booked: Desk) -> None:
    booked.say("cancel", LONE, "--reason", "cold", "--yes")
    assert booked.refused(4, "ical", "cancel", LONE)["hint"].endswith(
        "; tell the patient, because a file of infusion ical export removes nothing"
    )


def test_a_clinic_without_an_address_cannot_invite(booked: Desk) -> None:
    without_email(booked)
    refused = booked.refused(4, "ical", "invite", SERIES, "-o", "out")
    assert refused["message"] == "The clinic has no e-mail address, so a calendar program cannot tell who invites."
    assert refused["hint"] == (
        "write email into the clinic's file and infusion clinic apply it; "
        f"infusion ical export {SERIES} writes a file without invitation"
    )
    assert folder_of(booked) == ["no-email.toml"]


def test_neither_file_nor_its_name_tells_who_is_treated_for_what(booked: Desk) -> None:
    booked.say("cancel", TWO, "--reason", "cold", "--yes")
    files = {f"invite-{ONE}.ics": ("invite", ONE), f"cancel-{TWO}.ics": ("cancel", TWO)}
    for name, words in files.items():
        booked.say("ical", *words)
        text = (name + (booked.folder / name).read_bytes().decode().replace("\r\n ", "")).casefold()
        for word in ("yara", "sánchez", "m1001", "ketamine", "mood", "infusion", "wellness", "quiet", YARA.casefold()):
            assert word not in text, (name, word)
        assert "patient1001@example.com" in text
