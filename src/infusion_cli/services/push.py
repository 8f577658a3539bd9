"""A calendar on a server is made to say what the book says, entry by entry.

The server is read before the book: so what others have pushed meanwhile is never older than the book
that it is measured by, and no transaction is open while the server thinks. What they push later is
kept by the entries' ETags: whoever comes second is refused, looks again and decides anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.clinic_time import DAY
from infusion_cli.domain.shared_calendar import Step, steps
from infusion_cli.errors import CalendarError, EntryRefusedError, InfusionError, InterruptedCommandError
from infusion_cli.services import busy
from infusion_cli.services.agenda import LAST_INSTANT, STATUSES, Stretch
from infusion_cli.services.busy import DAYS_BACK, Subject
from infusion_cli.services.ports import EventForm, Reader, SharedCalendar, Store

TRIES = 5
"""How often a run looks at the calendar, when others change it at the same time."""

_Key = tuple[str, str]
"""A step's UID and the address of the entry that it is done to."""
_OTHERS = CalendarError(
    "The calendar refuses some entries because others are changing them, or hold their UIDs elsewhere.",
    "run it again in a minute; if that does not help, look for them in the same user's other calendars and bin",
)
_SHARED = CalendarError(
    "Somebody has put an entry of their own into some of ours, so that neither can be touched without the other.",
    "take those out of the calendar by hand, and run it again",
)

FormOf = Callable[[Clinic, str, str, str], EventForm]
"""The form of a subject's entries: by the clinic, the subject's kind and id, and the book's key."""


class Done(NamedTuple):
    """What was done, `verb` as in `Step`; `visit` is None when the book knows none of late by that entry."""

    verb: str
    uid: str
    visit: Appointment | None


class Stuck(NamedTuple):
    """An entry that is not as it should be after a run, and why; `uid` and `visit` as in `Done`."""

    uid: str
    visit: Appointment | None
    name: str
    """What the server calls it: the last part of its address."""
    reason: CalendarError


class Pushed(NamedTuple):
    """What a run did, or would do."""

    done: list[Done]
    unchanged: int
    stuck: list[Stuck]
    stopped: InfusionError | None = None
    """What made the run stop before its end."""


class _View(NamedTuple):
    """The calendar and the book, one after the other."""

    form: EventForm
    steps: list[Step]
    visits: Mapping[str, Appointment]
    """Those that the calendar is to show, and those that it shows and should not, by UID."""
    equal: set[str]


class _Work:
    """What was done in a run, and what could not be."""

    def __init__(self, calendar: SharedCalendar) -> None:
        self.done: dict[str, Done] = {}
        self._calendar = calendar
        self._refused: dict[_Key, CalendarError] = {}

    def carry_out(self, view: _View) -> list[Step]:
        """Do what is to be done, past what the server refuses; gives the steps for which somebody was faster.

        Raises `CalendarError` for what concerns every entry.
        """
        late, doubtful = [], None
        for step in view.steps:
            if step.verb == "stuck" or _key(step) in self._refused:
                continue
            try:
                if _do(self._calendar, view, step):
                    self.done[step.uid] = _done(view, step)
                else:
                    late.append(step)
                doubtful = None
            except EntryRefusedError as error:
                if doubtful and error.is_general:
                    del self._refused[doubtful]
                    raise
                self._refused[_key(step)] = error
                doubtful = _key(step) if error.is_general else None
        return late

    def give_up(self, steps: Iterable[Step]) -> None:
        """Leave steps undone for which somebody is always faster."""
        self._refused |= {_key(step): _OTHERS for step in steps}

    def stuck(self, view: _View) -> list[Stuck]:
        """What stays undone of what is to be done."""
        reasons = {_key(step): _SHARED for step in view.steps if step.verb == "stuck"} | self._refused
        return [_stuck(view, step, why) for step in view.steps if (why := reasons.get(_key(step)))]


def make_sure(clinic: Clinic, subject: Subject) -> None:
    """Raise `NotFoundError` unless the clinic has that chair or member of staff."""
    if subject.kind == "chair":
        busy.chair(clinic, subject.id)
    elif subject.kind == "staff":
        busy.staff(clinic, subject.id)


def push(
    store: Store,
    clock: Callable[[], int],
    calendar: SharedCalendar,
    subject: Subject,
    form_of: FormOf,
    *,
    is_ended: bool = False,
) -> Pushed:
    """Bring the calendar up to date, as far as the server lets it.

    A chair or a person that the clinic no longer has wants nothing there: the entries are taken out; so does
    one whose calendar `is_ended`, of which nothing stays, however old. What has
    been done when something fails is told with the failure. Raises `CalendarError` when nothing can be done
    at all, and `NotFoundError` for a subject of which neither the clinic nor the calendar knows.
    """
    view, work = _look(store, clock(), calendar, subject, form_of, is_ended=is_ended), _Work(calendar)
    stopped: InfusionError | None = None
    try:
        late, before = work.carry_out(view), list[Step]()
        for _ in range(TRIES - 1):
            if not late or late == before:  # as nobody is at it, to look again is no help
                break
            view = _look(store, clock(), calendar, subject, form_of, is_whole=True, is_ended=is_ended)
            late, before = work.carry_out(view), late
        work.give_up(late)
    except KeyboardInterrupt:
        stopped = InterruptedCommandError("Interrupted; the calendar is not up to date yet.", "run it again")
    except InfusionError as error:
        stopped = error
    return Pushed(list(work.done.values()), len(view.equal - work.done.keys()), work.stuck(view), stopped)


def rehearse(
    store: Store, now: int, calendar: SharedCalendar, subject: Subject, form_of: FormOf, *, is_ended: bool = False
) -> Pushed:
    """What a run would do now; nothing is written. Raises as `push`."""
    view = _look(store, now, calendar, subject, form_of, is_ended=is_ended)
    done = [_done(view, step) for step in view.steps if step.verb != "stuck"]
    return Pushed(done, len(view.equal), _Work(calendar).stuck(view))


def _look(
    store: Store,
    now: int,
    calendar: SharedCalendar,
    subject: Subject,
    form_of: FormOf,
    *,
    is_whole: bool = False,
    is_ended: bool = False,
) -> _View:
    """What has to be done; `is_whole` also finds what somebody has moved into the past."""
    since = 0 if is_ended else now - DAYS_BACK * DAY
    found = calendar.resources(None if is_whole or is_ended else since)
    with store.reading(now) as reader:
        form = form_of(reader.clinic, *subject, reader.founding)
        held = [h for resource in found for h in form.held(*resource)]
        if not (held or is_whole):
            make_sure(reader.clinic, subject)
        is_there = not is_ended and busy.is_there(reader.clinic, subject)
        standing = busy.visits_of(reader, subject, Stretch(since - DAY, LAST_INSTANT)) if is_there else ()
        visits = {form.uid(v): v for v in standing if v.end > since}
        wanted = {uid: form.event(v) for uid, v in visits.items()}
        to_do = steps(wanted, held, since)
        gone = {step.uid for step in to_do} - wanted.keys()
        visits |= _gone(reader, form, gone, since) if gone else {}
    return _View(form, to_do, visits, wanted.keys() - {step.uid for step in to_do})


def _gone(reader: Reader, form: EventForm, uids: set[str], since: int) -> dict[str, Appointment]:
    """The visits of late and ahead, whatever became of them, that those entries were made for."""
    # No visit is longer than a day.
    every = reader.each_visit(since - DAY, LAST_INSTANT, STATUSES)
    return {uid: v for v in every if (uid := form.uid(v)) in uids}


def _do(calendar: SharedCalendar, view: _View, step: Step) -> bool:
    if step.verb == "removed" and step.held:
        return calendar.remove(step.held)
    return calendar.put(step.uid, view.form.octets(view.visits[step.uid]), step.held)


def _done(view: _View, step: Step) -> Done:
    return Done(step.verb, step.uid, view.visits.get(step.uid))


def _key(step: Step) -> _Key:
    return step.uid, step.held.href if step.held else ""


def _stuck(view: _View, step: Step, why: CalendarError) -> Stuck:
    name = step.held.href.rpartition("/")[2] if step.held else f"{step.uid}.ics"
    return Stuck(step.uid, view.visits.get(step.uid), name, why)
