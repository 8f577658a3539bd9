"""What a calendar program at the terminal shows of the shared calendar, and of a patient's files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calendar_servers import NEIGHBOUR, SERVERS, Entry, Shelf
from cli.desk import BEN, FIRST_VISITS, YARA, Desk
from khal_viewer import Khal

from infusion_cli.domain.clinic_time import from_iso

ONE, TWO, *_ = FIRST_VISITS
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Chatham")
"""The clinic's, one that changes its clock on other days, one that never does, one with odd minutes."""
CLOCK_CHANGES = ("2027-03-12T09:00", "2027-03-15T09:00", "2027-03-26T09:00", "2027-03-29T09:00", "2027-11-08T09:00")
"""Around the changes of New York (14 March, 7 November) and Berlin (28 March)."""


@pytest.fixture(params=["radicale"])
def shelf(request: pytest.FixtureRequest, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A shared calendar that the desk pushes to, without an entry of anybody else."""
    with SERVERS[request.param](tmp_path_factory.mktemp("server")) as shelf:
        shelf.make()
        shelf.remove(NEIGHBOUR)
        desk.setenv(**shelf.environment())
        yield shelf


def expected(desk: Desk) -> list[Entry]:
    """What should be seen of the book."""
    visits = [v for v in desk.json("list", "--to", "2028-01-01") if v["status"] in {"pending", "booked"}]
    chairs = {c["id"]: c["name"] for c in desk.json("clinic", "show")["chairs"]}
    return [
        Entry(
            from_iso(v["start"]),
            from_iso(v["end"]),
            f"Busy – {chairs[v['chair']]}",
            "",
            "TENTATIVE" if v["status"] == "pending" else "CONFIRMED",
            0,
            0,
        )
        for v in visits
    ]


LIFE = {
    "booked": ("book", YARA, "iv-mood", "2026-12-01T08:00", "--chair", "garden"),
    "moved": ("move", TWO, "2027-07-02T10:00"),
    "moved back": ("move", TWO, "2026-12-01T08:00"),
    "chair changed": ("move", TWO, "2026-12-01T08:00", "--chair", "window"),
    "cancelled": ("cancel", TWO, "--reason", "cold", "--yes"),
}


@pytest.mark.parametrize("shelf", SERVERS, indirect=True)
@pytest.mark.parametrize("zone", ZONES)
def test_khal_shows_what_the_book_says_at_every_step(desk: Desk, shelf: Shelf, tmp_path: Path, zone: str) -> None:
    khal = Khal(tmp_path / "khal", zone)
    seen = {}
    for step, words in {"before": ("book", BEN, "iv-mood", "2026-12-03T08:00"), **LIFE}.items():
        desk.say(*words)
        desk.say("ical", "push", "--clinic")
        khal.fetch(shelf)
        seen[step] = khal.list("2026-11-20")
        assert seen[step] == sorted(khal.line(e) for e in expected(desk)), step
    assert [len(lines) for lines in seen.values()] == [1, 2, 2, 2, 2, 1]
    assert seen["moved"] != seen["booked"] == seen["moved back"] != seen["chair changed"]
    assert seen["cancelled"] == seen["before"]


def test_khal_shows_a_hold_as_tentative_until_it_is_confirmed(desk: Desk, shelf: Shelf, tmp_path: Path) -> None:
    khal = Khal(tmp_path / "khal", ZONES[0])
    for words, status in (
        (("book", YARA, "iv-mood", "2026-12-01T08:00", "--hold", "2h"), "TENTATIVE"),
        (("confirm", ONE), "CONFIRMED"),
    ):
        desk.say(*words)
        desk.say("ical", "push", "--clinic")
        khal.fetch(shelf)
        (line,) = khal.list("2026-11-20")
        assert (line, line.rpartition("|")[2]) == (khal.line(expected(desk)[0]), status)


@pytest.mark.parametrize("zone", ZONES)
def test_khal_shows_visits_around_the_changes_of_the_clock_when_they_are(
    desk: Desk, shelf: Shelf, tmp_path: Path, zone: str
) -> None:
    khal = Khal(tmp_path / "khal", zone)
    for when in CLOCK_CHANGES:
        desk.say("book", BEN, "consult", when)
    desk.say("ical", "push", "--clinic")
    khal.fetch(shelf)
    lines = khal.list("2026-11-20")
    assert lines == sorted(khal.line(e) for e in expected(desk))
    assert len(lines) == len(CLOCK_CHANGES)
    if zone == "America/New_York":
        assert [line[:16] for line in lines] == [when.replace("T", " ") for when in CLOCK_CHANGES]


@pytest.mark.parametrize("zone", ZONES)
def test_khal_takes_a_patients_file_once_and_the_moved_one_in_its_place(desk: Desk, tmp_path: Path, zone: str) -> None:
    desk.say("patients", "edit", YARA, "--email", "yara@example.com")
    desk.say("book", YARA, "iv-mood", "2026-12-01T08:00")
    khal = Khal(tmp_path / "khal", zone)

    def shown(command: str, name: str) -> list[str]:
        desk.say("ical", command, ONE, "-o", name, "--yes")
        khal.take(desk.folder / name)
        visit = desk.json("show", ONE)
        entry = Entry(from_iso(visit["start"]), from_iso(visit["leave"]), "Appointment", "", "CONFIRMED", 0, 0)
        lines = khal.list("2026-11-20")
        assert lines == [khal.line(entry)]
        return lines

    first = shown("export", "a.ics")
    assert shown("invite", "b.ics") == first
    desk.say("move", ONE, "2027-07-02T10:00")
    assert shown("invite", "c.ics") != first
    desk.say("move", ONE, "2026-12-01T08:00")
    assert shown("export", "d.ics") == first
