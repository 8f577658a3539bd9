"""A calendar on a server that is to say what the book says: which of its entries have to change.

Nothing is remembered of earlier runs. What is to be done follows from what the server holds and from
what the book wants, so a run that was cut short is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Event(NamedTuple):
    """What an entry says, however it is written; instants in seconds since 1970 UTC.

    DTSTAMP and LAST-MODIFIED are left out: they move with SEQUENCE, and some servers set them themselves.
    """

    sequence: int
    start: int
    end: int
    summary: str
    status: str
    secrecy: str = "CONFIDENTIAL"
    transparency: str = "OPAQUE"
    extras: frozenset[str] = frozenset()
    """Names of what else somebody wrote into it, which may be what nobody should read there."""


class Held(NamedTuple):
    """An entry of ours on the server; `event` is None when it is no single entry that can be read."""

    href: str
    etag: str
    uid: str
    event: Event | None
    is_shared: bool = False
    """Whether somebody else's entry lies at the same address, so that neither writing nor removing will do."""


class Step(NamedTuple):
    """What is to be done: `verb` is `created`, `changed` or `removed`, `held` the entry that it is done to.

    Or `stuck`: it is not as it should be, and only by hand can it be made so.
    """

    verb: str
    uid: str
    held: Held | None = None


def steps(wanted: Mapping[str, Event], held: Iterable[Held], since: int) -> list[Step]:
    """What makes the server's entries of ours those that are wanted (by UID), removals first.

    What ended by the instant `since` and is not wanted is the past, and stays. Of several entries with
    one UID one is kept, if possible one that is right already, then one that can be made so.
    """
    kept: dict[str, Held] = {}
    removed = []

    def rank(one: Held) -> tuple[bool, bool, str]:
        is_wrong = one.event != wanted.get(one.uid)
        return is_wrong, one.is_shared == is_wrong, one.href

    for one in sorted(held, key=rank):
        if one.uid in wanted and one.uid not in kept:
            kept[one.uid] = one
        elif one.uid in wanted or one.event is None or one.event.end > since:
            removed.append(Step("stuck" if one.is_shared else "removed", one.uid, one))
    written = [
        _written(uid, kept.get(uid)) for uid, event in wanted.items() if uid not in kept or kept[uid].event != event
    ]
    return removed + written


def _written(uid: str, over: Held | None) -> Step:
    if over is None:
        return Step("created", uid)
    return Step("stuck" if over.is_shared else "changed", uid, over)
