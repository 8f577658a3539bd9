"""Shell completion of protocols and chairs: one quick look into the book, silence when there is none."""

from __future__ import annotations

from collections.abc import Iterator

from infusion_cli import config
from infusion_cli.domain.clinic import Clinic
from infusion_cli.errors import InfusionError


def protocols(incomplete: str) -> Iterator[tuple[str, str]]:
    """Protocol ids that begin so, with their titles."""
    clinic = _clinic()
    for protocol in clinic.protocols if clinic else ():
        if protocol.id.startswith(incomplete):
            yield protocol.id, protocol.title


def chairs(incomplete: str) -> Iterator[tuple[str, str]]:
    """Chair ids that begin so, with their names."""
    clinic = _clinic()
    for chair in clinic.chairs if clinic else ():
        if chair.id.startswith(incomplete):
            yield chair.id, chair.name


def staff(incomplete: str) -> Iterator[tuple[str, str]]:
    """Ids of members of staff that begin so, with their roles."""
    clinic = _clinic()
    for person in clinic.staff if clinic else ():
        if person.id.startswith(incomplete):
            yield person.id, person.role


def _clinic() -> Clinic | None:
    from infusion_cli.store.repository import open_store  # noqa: PLC0415  only when TAB was pressed

    try:
        store = open_store(config.load().db)
        with store.reading(0) as reader:
            return reader.clinic
    except InfusionError:
        return None
