"""What a calendar program at the terminal shows of the shared calendar, and of a patient's files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calendar_servers import Entry, Shelf, radicale
from cli.desk import BEN, FIRST_VISITS, YARA, Desk
from khal_viewer import Khal

from infusion_cli.domain.clinic_time import from_iso

ONE, TWO, *_ = FIRST_VISITS
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Chatham")
"""The clinic's, one that changes its clock on other days, one that never does, one with odd minutes."""
CLOCK_CHANGES = ("2027-03-12T09:00", "2027-03-15T09:00", "2027-03-26T09:00", "2027-03-29T09:00", "2027-11-08T09:00")
"""Around the changes of New York (14 March, 7 November) and Berlin (28 March)."""


@pytest.fixture
def shelf(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A shared calendar that the desk pushes to, without an entry of anybody else."""
    with radicale(tmp_path_factory.mktemp("server")) as shelf:
        shelf.make()
        shelf.remove("tea.ics")
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


@pytest.mark.parametrize("zone", ZONES)
def test_khal_shows_what_the_book_says_at_every_step(desk: Desk, shelf: Shelf, tmp_path: Path, zone: str) -> None:
    khal = Khal(tmp_path / "khal", zone)
    for words in (
        ("book", YARA, "iv-mood", "2026-12-01T08:00", "--hold", "2h"),
        ("confirm", ONE),
        ("move", ONE, "2026-12-02T10:00"),
        ("move", ONE, "2026-12-02T10:00", "--chair", "window"),
        ("book", BEN, "iv-mood", "2027-07-01T08:00"),
        ("cancel", ONE, "--reason", "cold", "--yes"),
    ):
        desk.say(*words)
        desk.say("ical", "push", "--clinic")
        khal.fetch(shelf)
        assert khal.list("2026-11-20") == sorted(khal.line(e) for e in expected(desk)), words
    assert len(expected(desk)) == 1


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
