"""What is kept of the appointments of other systems: which visit stands for one, and what a file last said of it.

Under a key made of each name of an appointment stands its visit, under one of the visit and the first
of these names what was last said: two systems may tell of one visit. Each is a chain: an answer that
takes the place of another has a key made of that one and its operation. So undoing an operation gives
back what was before it, and what hung on it is out of reach. Where the book was right already there
is no operation; then the last answer is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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
    """When the book last followed it, 0 when it never had to."""
    names: tuple[str, ...]
    """By which the appointment was ever told."""

    def is_asked_by(self, other: Said) -> bool:
        """Whether the other asks for the same; a place that has another name now is no other place."""
        return self.asked == other.asked and (self.place == other.place or self.chair == other.chair)

    def is_older_than(self, other: Said) -> bool:
        """Whether the appointment has changed in between, as far as the two tell."""
        return self.updated is not None and other.updated is not None and self.updated < other.updated

    def after(self, other: Said | None) -> Said:
        """The same with the newest change and the names that the two tell, and with what a place meant first."""
        if other is None:
            return self
        told = [said.updated for said in (self, other) if said.updated is not None]
        names = tuple(dict.fromkeys((*other.names, *self.names)))
        chair = other.chair if self.place == other.place else self.chair
        return self._replace(updated=max(told, default=None), names=names, chair=chair)


class Known(NamedTuple):
    """An appointment that a visit stands for; `said` is None when no file has told of it."""

    visit: Appointment
    root: str
    """The first key of what was said."""
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
        return _key(digest_of(self.key, {"operation": self.answer.operation})[:_LENGTH])

    @property
    def is_forgotten(self) -> bool:
        return self.answer is not None and not self.answer.request

    @property
    def parts(self) -> list[Any]:
        """What is kept, a visit's id first; empty when nothing is, or not any more."""
        found: list[Any] = json.loads(self.answer.answer) if self.answer and self.answer.request else []
        return found


class Memory:
    """What is known of the appointments of a file, and what is to be known of them from now on."""

    def __init__(self, reader: Reader, space: Space, wanted: Sequence[Wanted]) -> None:
        self._reader = reader
        self._system = space.system
        self._names = _ends(reader, {_key(name) for one in wanted for name in one.names})
        self._visit_of = {key: end.parts[0] for key, end in self._names.items() if end.parts}
        own = {_root(visit, one): visit for one in wanted for visit in self._own(one)}
        told = {end.parts[1]: end.parts[0] for end in self._names.values() if end.parts}
        records = {visit: reader.record(visit) for visit in sorted({*own.values(), *told.values()})}
        self._records = {name: visit for name, visit in records.items() if isinstance(visit, Appointment)}
        self._said = _ends(reader, {*own, *told})
        self._made: dict[str, str] = {}

    def known(self, one: Wanted) -> Known | None:
        """The visit that stands for it: by what an earlier import left, or because it is the book's own.

        Raises `Pass` when it has been forgotten, `Refusal` when its names are those of several visits.
        """
        ends = [self._names[_key(name)] for name in one.names]
        told = dict.fromkeys((end.parts[1], end.parts[0]) for end in ends if end.parts)
        own = {_root(visit, one): visit for visit in self._own(one)}
        found = {root: visit for root, visit in told if self._is_of(one, root)} or own
        if not found and any(end.is_forgotten for end in ends):
            raise Pass("forgotten", "what stood for it has been forgotten")
        known = {
            visit.id: Known(visit, root, self._last(root), visit.id in own.values())
            for root, name in reversed(found.items())
            if (visit := self._records.get(name))
        }
        standing = [k for k in known.values() if k.visit.is_live] or list(known.values())[-1:]
        if len(standing) > 1:
            raise Refusal("identifier", "several-visits", "its identifiers are those of several visits")
        return standing[0] if standing else None

    def fresh_key(self, one: Wanted) -> str:
        """A key that is free, for a visit that is made for it."""
        return self._names[_key(one.names[0])].fresh

    def keys(self, one: Wanted, known: Known | None, visit: str, said: Said) -> list[Key]:
        """What the operation leaves behind that did for a visit what was said."""
        root = known.root if known and known.visit.id == visit else _root(visit, one)
        end = self._said.get(root, _End(root))
        named = [Key(key, said.asked, json.dumps([visit, root])) for key in self._unnamed(one, root, visit)]
        return [Key(end.fresh, said.asked, _text(visit, said)), *named]

    def noted(self, one: Wanted, known: Known, said: Said) -> dict[str, Answer]:
        """What is to be kept when there was nothing to do: under the operation that was there already."""
        before, root, visit = known.said, known.root, known.visit.id
        said = said._replace(at=before.at if before else 0)
        if before == said:
            return {}
        end = self._said[root]
        operation = end.answer.operation if end.answer else self._maker(visit)
        text = json.dumps([visit, root])
        named = {key: Answer(said.asked, operation, text) for key in self._unnamed(one, root, visit)}
        return named | {end.key: Answer(said.asked, operation, _text(visit, said))}

    def _unnamed(self, one: Wanted, root: str, visit: str) -> Iterator[str]:
        """The free keys of those of its names that are new, and mean another visit or none."""
        before = self._last(root) if root in self._said else None
        for key in map(_key, set(one.names).difference(before.names if before else ())):
            if self._visit_of.get(key) != visit:
                yield self._names[key].fresh

    def _is_of(self, one: Wanted, root: str) -> bool:
        """Whether what was said is of it, and not of another that has a number in common with it."""
        said = self._last(root)
        return said is not None and is_one_appointment(said.names, one.names)

    def _last(self, root: str) -> Said | None:
        """What was said last."""
        end = self._said[root]
        if not end.answer or not end.parts:
            return None
        _, place, chair, about, updated, at, *names = end.parts
        return Said(end.answer.request, place, chair, about, updated, at, tuple(names))

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
    return f"fhir:{name}"


def _root(visit: str, one: Wanted) -> str:
    """The first key of what is said of a visit under the names of an appointment."""
    return _key(f"{visit}:{one.names[0]}")


def _text(visit: str, said: Said) -> str:
    """A list that begins with the visit, by which it is found when somebody is forgotten."""
    _, *rest, names = said
    return json.dumps([visit, *rest, *names])
