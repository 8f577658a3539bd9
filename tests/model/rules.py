"""What the desks of the model test may do: one rule for each kind of command."""

from __future__ import annotations

import json
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from model import sides, wishes
from model.machine import Work, plan_text
from model.sides import Act, Refusal
from model.wishes import How, Time, hows, some, times

from infusion_cli.domain import clinic_tree
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import Change, Plan, change
from infusion_cli.services import agenda, booking, patients, plans, series, slots
from infusion_cli.services.batch import BatchLine, Problem, apply_batch
from infusion_cli.services.booking import BookAsk, Override
from infusion_cli.services.clinic import apply_clinic
from infusion_cli.services.desk import Desk, Outcome
from infusion_cli.services.patients import ImportRow, PatientFields
from infusion_cli.services.ports import Entry, Writer
from infusion_cli.services.series import SeriesAsk
from infusion_cli.services.slots import BlockAsk, FindAsk
from infusion_cli.services.undo import undo


class Core(Work):
    """A book, and what is done all day: visits and their lives, undo, the same again, and the clock."""

    @initialize(first=st.lists(st.tuples(some, times), min_size=2, max_size=4))
    def has_worked_before(self, first: list[tuple[int, Time]]) -> None:
        for who, time in first:
            ask = BookAsk(self.person(who), "iv-mood", time.text(self.now))
            self.carry("book", partial(booking.book, ask=ask))

    @rule(
        who=wishes.whoever,
        protocol=wishes.protocols,
        time=times,
        chair=wishes.chairs,
        hold=wishes.holds,
        override=wishes.overrides,
        how=hows,
    )
    def books(self, who: int, protocol: str, time: Time, chair: str, hold: str, override: Override, how: How) -> None:
        ask = BookAsk(self.person(who), protocol, time.text(self.now), chair, hold, override)
        self.wish("hold" if hold else "book", lambda desk: booking.book(desk, ask), how)

    @precondition(lambda self: self.visits())
    @rule(number=some, time=times, chair=wishes.chairs, override=wishes.overrides, how=hows)
    def moves(self, number: int, time: Time, chair: str, override: Override, how: How) -> None:
        visit, when = self.visit(number, ("booked", "pending", "arrived")).id, time.text(self.now)
        act: Act = lambda desk: booking.move(desk, visit, when, chair=chair, override=override)  # noqa: E731
        self.wish("move", act, how)

    @precondition(lambda self: self.visits())
    @rule(number=some, reason=wishes.texts, by=wishes.mostly(wishes.one_of("patient", "clinic"), "nobody"), how=hows)
    def cancels(self, number: int, reason: str, by: str, how: How) -> None:
        visit = self.visit(number).id
        self.wish("cancel", lambda desk: booking.cancel(desk, visit, reason=reason, by=by), how)

    @precondition(lambda self: self.visits())
    @rule(number=some, ride=st.sampled_from(("", "", "sister")), how=hows)
    def confirms(self, number: int, ride: str, how: How) -> None:
        visit = self.visit(number, ("pending",)).id
        self.wish("confirm", lambda desk: booking.confirm(desk, visit, ride=ride), how)

    @precondition(lambda self: self.visits())
    @rule(name=wishes.one_of(*wishes.STEPS), number=some, late=wishes.delays, how=hows)
    def takes_a_step(self, name: str, number: int, late: int, how: How) -> None:
        visit = self.visit(number, ("booked",))
        self.now = visit.start + 60 * late
        self.wish(name, lambda desk: booking.step(desk, name, visit.id), how)

    @precondition(lambda self: self.visits())
    @rule(number=some, first=st.integers(0, 1), late=wishes.delays, how=hows)
    def is_treated(self, number: int, first: int, late: int, how: How) -> None:
        visit = self.visit(number, ("booked", "arrived", "checked-in")).id
        self.now = self.visit(number, ("booked", "arrived", "checked-in")).start
        for name in ("arrive", "start", "finish")[first:]:
            self.carry(name, partial(booking.step, name=name, visit=visit), dry=how.is_dry_run)
            self.now += 60 * late

    @precondition(lambda self: self.standing())
    @rule(how=hows)
    def undoes_the_newest(self, how: How) -> None:
        self.wish("undo", undo, how)

    @precondition(lambda self: self.done)
    @rule(number=some, how=hows)
    def undoes_one(self, number: int, how: How) -> None:
        with self.sides.model.reading(self.now) as reader:
            found = reader.operations()
        operation = found[number % len(found)].id
        self.wish("undo", lambda desk: undo(desk, operation), how)

    @precondition(lambda self: self.done)
    @rule(number=some, dry=st.sampled_from((False, False, True)))
    def says_it_again(self, number: int, dry: bool) -> None:
        with_key = [again for again in self.done if again[2] is not None] or self.done
        kind, act, key = with_key[-1 - number % len(with_key)]
        self.carry(kind, act, key, dry=dry)

    @rule(seconds=wishes.mostly(st.sampled_from((1, 599, 600, 1801, 7200, 86_400)), -1, -900, -86_400))
    def waits(self, seconds: int) -> None:
        self.now += seconds
        self.look(sides.everything)


class People(Core):
    """And who the patients are, and what can be looked up."""

    @rule(
        mrn=wishes.mostly(some.map("N{}".format), "MRN-0001"),
        name=wishes.names,
        email=wishes.mostly(wishes.one_of(None, "a@b.example"), "a@@b"),
        how=hows,
    )
    def adds_a_patient(self, mrn: str, name: str, email: str | None, how: How) -> None:
        fields = PatientFields(mrn, name, birth_date="1980-02-29", email=email)
        self.wish("patients add", lambda desk: patients.add(desk, fields), how)

    @rule(
        who=wishes.whoever,
        mrn=wishes.mostly(wishes.one_of(None, None, "N1"), "MRN-0002", " "),
        name=st.none() | wishes.names,
        status=wishes.mostly(wishes.one_of(None, "active"), "on-hold", "gone"),
        how=hows,
    )
    def edits_a_patient(self, who: int, mrn: str | None, name: str | None, status: str | None, how: How) -> None:
        text, fields = self.person(who), PatientFields(mrn, name, status=status)
        self.wish("patients edit", lambda desk: patients.edit(desk, text, fields), how)

    @rule(
        who=some,
        what=wishes.mostly(wishes.one_of("consent", "labs"), "lab"),
        on=wishes.mostly(wishes.one_of("", "2026-11-20"), "+30d"),
    )
    def records_a_requirement(self, who: int, what: str, on: str) -> None:
        text = self.person(who)
        self.carry("patients record", lambda desk: patients.record(desk, text, what, on))

    @rule(
        rows=st.dictionaries(
            wishes.mostly(some.map("N{}".format), "MRN-0003"), st.sampled_from(wishes.NAMES[:4]), max_size=4
        ),
        labs=st.booleans(),
        how=hows,
    )
    def imports_patients(self, rows: dict[str, str], labs: bool, how: How) -> None:
        required = {"labs": "2026-11-01", "consent": "2026-11-02"} if labs else {}
        listed = [ImportRow(PatientFields(mrn, name, phone=""), required) for mrn, name in rows.items()]
        self.wish("patients import", lambda desk: patients.import_rows(desk, listed), how)

    @rule(
        who=wishes.whoever,
        protocol=wishes.protocols,
        time=times,
        chair=wishes.chairs,
        limit=st.integers(1, 4),
    )
    def looks(self, who: int, protocol: str, time: Time, chair: str, limit: int) -> None:
        text, when = self.person(who), time.text(self.now)
        ask = FindAsk(protocol, text, chair=chair, limit=limit)
        for question in (
            lambda reader: patients.find(reader, text),
            lambda reader: slots.find_slots(reader, ask),
            lambda reader: slots.why(reader, protocol, when, patient=text, chair=chair),
            lambda reader: slots.list_slots(reader, when[:10], ""),
            lambda reader: agenda.list_visits(reader, None, None, text),
            lambda reader: agenda.show(reader, text),
        ):
            self.look(question)
        self.note_access(text)

    @rule(who=some, reason=wishes.one_of("", "asked for it", "Example said so"), how=hows)
    def forgets_a_patient(self, who: int, reason: str, how: How) -> None:
        text = self.person(who)

        def act(desk: Desk) -> Outcome:
            done = patients.forget(desk, text, reason)
            # What may still be there differs by engine: each says it in its own words.
            assert isinstance(done.summary["residue"], str)
            return done._replace(summary={**done.summary, "residue": ""})

        self.wish("patients forget", act, how)


class Courses(Core):
    """And whole courses, at once or as plans that are applied later, and batches of everything."""

    @rule(
        who=some,
        sessions=wishes.mostly(wishes.one_of(None, 2, 3), 99),
        between=st.sampled_from(("", "9:00-12:00")),
        how=hows,
    )
    def books_a_course(self, who: int, sessions: int | None, between: str, how: How) -> None:
        ask = SeriesAsk(self.person(who), "iv-mood", between=between, sessions=sessions)
        self.wish("series book", lambda desk: series.book_series(desk, ask), how)

    @rule(who=some, sessions=st.sampled_from((2, 3)))
    def plans_a_course(self, who: int, sessions: int) -> None:
        ask = SeriesAsk(self.person(who), "iv-mood", sessions=sessions)
        found = self.look(lambda reader: series.plan(reader, ask, 2))
        if isinstance(found, list):
            self.plans.append(found[-1])

    @precondition(lambda self: self.plans)
    @rule(number=some, how=hows)
    def applies_a_plan(self, number: int, how: How) -> None:
        plan = self.plans[number % len(self.plans)]

        def act(desk: Desk) -> Outcome:
            with desk.store.reading(desk.now) as reader:
                text = plan_text(plan, reader)
            return plans.apply_plan(desk, text)

        self.wish("apply", act, how)

    @rule(
        wanted=st.lists(st.tuples(st.sampled_from(wishes.ACTIONS), some, times), min_size=1, max_size=5),
        again=st.booleans(),
        wrong=wishes.mostly(st.just(0), 1),
        keep_going=st.booleans(),
        how=hows,
    )
    def applies_a_batch(
        self, wanted: list[tuple[str, int, Time]], again: bool, wrong: int, keep_going: bool, how: How
    ) -> None:
        first = max(0, self.lines - 2) if again else self.lines
        self.lines = first + len(wanted)
        lines = [
            BatchLine(n + 2, action, self.fields(action, number, time), f"line-{first + n}")
            for n, (action, number, time) in enumerate(wanted)
        ]
        problems = [Problem(99, "when", "usage", "unreadable")] * wrong
        act: Act = lambda desk: apply_batch(desk, lines, problems, keep_going=keep_going)  # noqa: E731
        made = self.wish("batch apply", act, how)
        if isinstance(made, Outcome) and made.changes and how.is_dry_run:
            self.plans.append(Plan(made.changes, (), {"lines": len(lines)}, "", self.now, 0))


class Supply(Core):
    """And what there is: blocks, openings, the clinic's file; and visits past every rule, for the guards alone."""

    @rule(
        what=wishes.mostly(wishes.one_of("chair", "staff", "clinic", "open"), "nothing"),
        time=times,
        hours=wishes.mostly(wishes.one_of(1, 4, 24), 0),
        reason=wishes.texts,
        how=hows,
    )
    def blocks(self, what: str, time: Time, hours: int, reason: str, how: How) -> None:
        end = Time(time.days + hours // 24, min(time.minute + hours % 24 * 60, 1439))
        ask = BlockAsk(
            *(time.text(self.now), end.text(self.now), reason),
            chair="chair-1" if what == "chair" else "",
            staff=("rn-1",) if what in {"staff", "open"} else (),
            clinic=what == "clinic",
        )
        carry_out = slots.open_hours if what == "open" else slots.block
        self.wish("slots open" if what == "open" else "slots block", lambda desk: carry_out(desk, ask), how)

    @precondition(lambda self: self.has_blocks())
    @rule(number=some, how=hows)
    def unblocks(self, number: int, how: How) -> None:
        with self.sides.model.reading(self.now) as reader:
            found = list(reader.load(*sides.EVER).blocks)
        block = found[number % len(found)]
        self.wish("slots unblock", lambda desk: slots.unblock(desk, block), how)

    @rule(new=st.sampled_from(wishes.CLINICS), remark=st.integers(0, 2), how=hows)
    def changes_the_clinic(self, new: Clinic, remark: int, how: How) -> None:
        data = json.dumps(clinic_tree.tree(new))
        act: Act = lambda desk: apply_clinic(desk, new, f"# {remark}", data, ["something"])  # noqa: E731
        self.wish("clinic apply", act, how)

    @rule(
        wanted=st.lists(
            st.tuples(some, some, times, st.sampled_from(wishes.PLACES), st.sampled_from(wishes.STATES)),
            min_size=1,
            max_size=3,
        ),
        how=hows,
    )
    def writes_past_the_rules(self, wanted: list[tuple[int, int, Time, str, str]], how: How) -> None:
        visits = [self.placed(*one) for one in wanted]
        now = self.now

        def act(desk: Desk) -> Outcome:
            with desk.store.writing(now) as writer:
                new = [v._replace(id=v.id or writer.new_id("appointment")) for v in visits]
                own = {v.id: _as_next(writer, v) for v in new}
                made = writer.write(Entry("by hand", desk.actor, list(own.values())))
                if desk.dry_run:
                    writer.discard()
            return Outcome(made.changes, made.id)

        made = self.wish("by hand", act, how)
        self.is_calm = self.is_calm and isinstance(made, Refusal)


class Everything(People, Courses, Supply):
    """All of it together."""


def _as_next(writer: Writer, visit: Appointment) -> Change:
    """The change to that state, the UID kept."""
    before = writer.record(visit.id)
    return change(before, visit._replace(uid=before.uid if isinstance(before, Appointment) else visit.id))
