"""What is kept of the appointments of other systems: which visit stands for one, and what a file last said of it.

Under a key made of each name of an appointment stands its visit, under one made of the visit what
was last said. Each is a chain: an answer that takes the place of another has a key made of that one
and its operation. So undoing an operation gives back what was before it, and what hung on it is out
of reach. Where the book was right already there is no operation; then the last answer is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from infusion_cli.domain import ids
from infusion_cli.domain.book import Appointment
from infusion_cli.domain.interchange import Pass, Refusal, Space, Wanted, is_one_appointment
from infusion_cli.services.desk import digest_of
from infusion_cli.services.ports import Answer, Key, Reader

_LENGTH = 32


class Said(NamedTuple):
    """What a file says of an appointment, in what cannot be read back; a change of anything else is none."""

    asked: str
    """Digest of what is wished and of the start."""
    place: str
    """Digest of the words for the place."""
    chair: str
    """The chair that they meant then."""
    about: str
    """Digest of who it is for, and of what for."""
    updated: int | None
    """When its system last changed it: the newest that was ever told."""
    at: int
    """When it was taken note of."""

    def is_asked_by(self, other: Said) -> bool:
        """Whether the other asks for the same; a place that has another name now is no other place."""
        return self.asked == other.asked and (self.place == other.place or self.chair == other.chair)

    def is_older_than(self, other: Said) -> bool:
        """Whether the appointment has changed in between, as far as the two tell."""
        return self.updated is not None and other.updated is not None and self.updated < other.updated

    def after(self, other: Said | None) -> Said:
        """The same with the newest change that any of the two tells."""
        told = [said.updated for said in (self, other) if said and said.updated is not None]
        return self._replace(updated=max(told, default=None))


class Known(NamedTuple):
    """An appointment that a visit stands for; `said` is None when no file has told of it."""

    visit: Appointment
    said: Said | None
    is_own: bool
    """It has the id of the visit: it came from this book."""


class _End(NamedTuple):
    """The end of a chain: the last key with its answer, or the first key when there is none."""

    key: str
    answer: Answer | None = None

    @property
    def fresh(self) -> str:
        """The key for the next answer."""
        if self.answer is None:
            return self.key
        return f"fhir:{digest_of(self.key, {'operation': self.answer.operation})[:_LENGTH]}"

    @property
    def is_forgotten(self) -> bool:
        return self.answer is not None and not self.answer.request

    @property
    def parts(self) -> list[str]:
        """What was kept, the visit's id first; empty when nothing is, or not any more."""
        found: list[str] = json.loads(self.answer.answer) if self.answer and self.answer.request else []
        return found


class Memory:
    """What is known of the appointments of a file, and what is to be known of them from now on."""

    def __init__(self, reader: Reader, space: Space, wanted: Sequence[Wanted]) -> None:
        self._reader = reader
        self._system = space.system
        self._names = _ends(reader, {_key(name) for one in wanted for name in one.names})
        own = {found for one in wanted for found in self._own(one)}
        named = {end.parts[0] for end in self._names.values() if end.parts}
        records = {record_id: reader.record(record_id) for record_id in sorted(own | named)}
        self._records = {name: visit for name, visit in records.items() if isinstance(visit, Appointment)}
        self._visits = _ends(reader, map(_key, self._records))
        self._made: dict[str, str] = {}

    def known(self, one: Wanted) -> Known | None:
        """The visit that stands for it: by what an earlier import left, or because it is the book's own.

        Raises `Pass` when it has been forgotten, `Refusal` when its names are those of several visits.
        """
        ends = [self._names[_key(name)] for name in one.names]
        told = [end.parts for end in ends if end.parts]
        own = [visit for visit in self._own(one) if visit in self._records]
        found = dict.fromkeys(visit for visit, *names in told if is_one_appointment(names, one.names)) or own
        if not found and any(end.is_forgotten for end in ends):
            raise Pass("forgotten", "what stood for it has been forgotten")
        visits = [self._records[visit] for visit in found if visit in self._records]
        visits = [visit for visit in visits if visit.is_live] or visits[:1]
        if len(visits) > 1:
            raise Refusal("identifier", "several-visits", "its identifiers are those of several visits")
        return Known(visits[0], self._said(visits[0].id), visits[0].id in own) if visits else None

    def fresh_key(self, one: Wanted) -> str:
        """A key that is free, for a visit that is made for it."""
        return self._names[_key(one.names[0])].fresh

    def keys(self, one: Wanted, visit: str, said: Said) -> list[Key]:
        """What the operation leaves behind that did for a visit what was said."""
        end = self._visits.get(_key(visit), _End(_key(visit)))
        fresh = [end.fresh, *(end.fresh for end in self._ends_of(one) if not self._is_of(end, visit))]
        texts = [_text(visit, said), *[_text(visit, one.names)] * (len(fresh) - 1)]
        return [Key(key, said.asked, text) for key, text in zip(fresh, texts, strict=True)]

    def renamed(self, one: Wanted, visit: str) -> dict[str, Answer]:
        """What stands under names of it that it had already, when it has got others."""
        text = _text(visit, one.names)
        kept = [(e.key, e.answer) for e in self._ends_of(one) if e.answer and self._is_of(e, visit)]
        return {key: answer._replace(answer=text) for key, answer in kept if answer.answer != text}

    def noted(self, one: Wanted, visit: str, said: Said) -> dict[str, Answer]:
        """What is to be kept when there was nothing to do: under the operation that was there already."""
        end = self._visits[_key(visit)]
        operation = end.answer.operation if end.answer else self._maker(visit)
        found = self.renamed(one, visit)
        for key in (e.fresh for e in self._ends_of(one) if not self._is_of(e, visit)):
            found[key] = Answer(said.asked, operation, _text(visit, one.names))
        before = self._said(visit)
        if before is None or before != said._replace(at=before.at):
            found[end.key] = Answer(said.asked, operation, _text(visit, said))
        return found

    def _said(self, visit: str) -> Said | None:
        end = self._visits[_key(visit)]
        return Said(end.answer.request, *end.parts[1:]) if end.answer and end.parts else None  # type: ignore[arg-type]

    def _ends_of(self, one: Wanted) -> Iterator[_End]:
        return (self._names[_key(name)] for name in one.names)

    def _is_of(self, end: _End, visit: str) -> bool:
        return end.parts[:1] == [visit]

    def _own(self, one: Wanted) -> list[str]:
        """Ids of the book's own that it has."""
        found = (ids.normalise(i.value) for i in one.identifiers if i.system == self._system)
        return [record_id for record_id in found if record_id]

    def _maker(self, visit: str) -> str:
        """The operation that made a visit; one that made many is read once."""
        if visit not in self._made:
            first = self._reader.operations(visit)[-1].id
            done = self._reader.operation(first)
            self._made |= {c.id: first for c in (done.changes if done else ())} | {visit: first}
        return self._made[visit]


def _ends(reader: Reader, roots: Iterable[str]) -> dict[str, _End]:
    """The end of each chain, looked for in all of them at once."""
    ends = {root: _End(root) for root in roots}
    left = dict(ends)
    while left:
        found = reader.answers(sorted({end.fresh for end in left.values()}))
        left = {root: _End(end.fresh, found[end.fresh]) for root, end in left.items() if end.fresh in found}
        ends |= left
    return ends


def _key(name: str) -> str:
    """The first key of a chain."""
    return f"fhir:{name}"


def _text(visit: str, what: Said | Sequence[str]) -> str:
    """A list that begins with the visit, by which it is found when somebody is forgotten."""
    return json.dumps([visit, *(what[1:] if isinstance(what, Said) else what)])
