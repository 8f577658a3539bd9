"""Every command, where it lives, and its line in the help: nothing is imported until it is called."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A command: its name, `module:function` below this package, and its first line of help."""

    name: str
    target: str
    help: str


class Panel(NamedTuple):
    """A heading of the help with its commands."""

    title: str
    entries: tuple[Entry, ...]


DAILY: tuple[Panel, ...] = (
    Panel(
        "Every day",
        (
            Entry("today", "looking:today", "The board: chairs against time, who is due, here, dosing, observed."),
            Entry("book", "visits:book", "Book one visit."),
            Entry("move", "visits:move", "Give a visit another time or chair."),
            Entry("cancel", "visits:cancel", "Cancel a visit."),
            Entry("confirm", "visits:confirm", "Turn a hold into a booking, or note that the patient confirmed."),
            Entry("arrive", "visits:arrive", "The patient is here."),
            Entry("start", "visits:start", "Dosing begins."),
            Entry("finish", "visits:finish", "The patient has left."),
            Entry("no-show", "visits:no_show", "The patient did not come."),
            Entry("list", "looking:list_", "Visits, one record each."),
            Entry("show", "looking:show", "Anything by its id, with its history."),
        ),
    ),
    Panel(
        "Changes",
        (
            Entry("undo", "changes:undo", "Reverse an operation through the same guards."),
            Entry("history", "changes:history", "List operations, newest first."),
            Entry("apply", "changes:apply", "Apply a saved plan."),
        ),
    ),
    Panel(
        "Beginning",
        (
            Entry("init", "beginning:init", "Create the book."),
            Entry("demo", "beginning:demo", "A first minute with a made-up clinic in a temporary book."),
        ),
    ),
)

GROUPS: tuple[tuple[str, str, tuple[Entry, ...]], ...] = (
    (
        "slots",
        "Bookable time: find it, list it, open it, block it.",
        (
            Entry("find", "slots:find", "Bookable starts in time order."),
            Entry("list", "slots:list_", "Free and busy time of each chair."),
            Entry("blocks", "slots:blocks", "Blocks and extra hours of chairs, staff and the clinic."),
            Entry("why", "slots:why", "Every rule that stands in the way, and the nearest times that would do."),
            Entry("open", "slots:open_", "Add opening hours."),
            Entry("block", "slots:block", "Chair out of order, staff away, or clinic closed."),
            Entry("unblock", "slots:unblock", "Lift a block, or take extra hours back."),
        ),
    ),
    (
        "patients",
        "People: add, find, import, note what is on record.",
        (
            Entry("add", "patients:add", "Add a patient."),
            Entry("edit", "patients:edit", "Change what is known of a patient."),
            Entry("show", "patients:show", "One patient, with series and visits to come."),
            Entry("list", "patients:list_", "Every patient."),
            Entry("find", "patients:find", "Patients whom a text fits."),
            Entry("import", "patients:import_", "Add and update patients from a CSV file."),
            Entry("export", "patients:export", "Write every patient as CSV or JSON."),
            Entry("record", "patients:record", "Note that a requirement was fulfilled."),
            Entry("forget", "patients:forget", "Remove for good what tells who a patient was."),
        ),
    ),
    (
        "series",
        "Courses of treatment, booked as one.",
        (
            Entry("plan", "series:plan", "Propose a whole course; writes nothing."),
            Entry("book", "series:book", "Book a whole course, all or nothing."),
            Entry("show", "series:show", "One series with its sessions."),
            Entry("list", "series:list_", "Every series."),
        ),
    ),
    (
        "clinic",
        "The clinic's file: hours, chairs, staff, protocols.",
        (
            Entry("show", "clinic:show", "The clinic as its file."),
            Entry("check", "clinic:check", "Look for mistakes in a clinic's file."),
            Entry("apply", "clinic:apply", "Make a file the clinic's."),
        ),
    ),
    (
        "batch",
        "Many requests at once, from CSV or JSON Lines.",
        (
            Entry("check", "batch:check", "Say what a file would do."),
            Entry("apply", "batch:apply", "Carry out a file, all of it or nothing."),
        ),
    ),
    (
        "ical",
        "Calendar files that tell nobody what the visit is for.",
        (
            Entry("export", "ical_export:export", "Write visits as an .ics file."),
            Entry("invite", "ical:invite", "Write invitations to mail to the patient, one file per visit."),
            Entry(
                "cancel", "ical:cancel", "Write the file that takes a cancelled visit out of the patient's calendar."
            ),
            Entry("feed", "feed:feed", "Write calendars of chairs and staff to subscribe to."),
            Entry("serve", "serve:serve", "Serve those calendars on this machine, for a web server in front."),
            Entry(
                "push",
                "ical_push:push",
                "Write the calendar of a chair, a person or the clinic into a shared one on a server.",
            ),
            Entry("import", "ical_import:import_", "Take time off, holidays and closures from .ics files as blocks."),
            Entry("send", "ical_mail:send", "Mail patients what they have not been told yet."),
            Entry("outbox", "ical_mail:outbox", "What patients have not been told yet, and why."),
        ),
    ),
    (
        "fhir",
        "Bundles of appointments for health systems, and from them (HL7 FHIR).",
        (
            Entry("export", "fhir:export", "Write visits as a Bundle in JSON."),
            Entry("import", "fhir:import_", "Book, move and cancel what the appointments of a Bundle say."),
        ),
    ),
    (
        "audit",
        "Who looked at what, and whether the journal is whole.",
        (
            Entry("list", "audit:list_", "Accesses and changes, one record each."),
            Entry("verify", "audit:verify", "Follow the journal's chain from the first operation to the last."),
            Entry("head", "audit:head", "The end of the journal, to be noted elsewhere."),
        ),
    ),
    (
        "db",
        "The book itself.",
        (
            Entry("info", "db:info", "Where the book is, how large, which versions."),
            Entry("check", "db:check", "Check the book from end to end."),
            Entry("backup", "backups:backup", "Make a backup, looked at and with its fingerprint."),
            Entry("restore", "backups:restore", "Put a backup in the book's place."),
            Entry("copy", "backups:copy", "Copy a whole book, also to a server or from one."),
            Entry("migrate", "db:migrate", "Bring an older book up to date, and visits to the time that was told."),
        ),
    ),
)


def words_of(target: str) -> str:
    """The words that call a command, e.g. `patients show` for `patients:show`; empty when nothing calls it."""
    for panel in DAILY:
        for entry in panel.entries:
            if entry.target == target:
                return entry.name
    for group, _, entries in GROUPS:
        for entry in entries:
            if entry.target == target:
                return f"{group} {entry.name}"
    return ""
