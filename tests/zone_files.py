"""Zone data of our own making (RFC 9636): a law that does not exist, for a name that does."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class Law(NamedTuple):
    """From an instant on, the clock is so many hours before or behind UTC."""

    since: datetime
    hours: int
    name: str


def write_zone(folder: Path, zone: str, laws: Sequence[Law]) -> None:
    """Write the zone's file below a folder for `PYTHONTZPATH`; the last law holds for ever."""
    path = folder / zone
    path.parent.mkdir(parents=True, exist_ok=True)
    names = "".join(f"{law.name}\0" for law in laws).encode()
    starts = [sum(len(law.name) + 1 for law in laws[:n]) for n in range(len(laws))]
    kinds = b"".join(struct.pack(">lbb", law.hours * 3600, 0, at) for law, at in zip(laws, starts, strict=True))
    moments = b"".join(struct.pack(">q", int(law.since.timestamp())) for law in laws)
    body = moments + bytes(range(len(laws))) + kinds + names
    footer = f"\n{laws[-1].name}{-laws[-1].hours}\n".encode()
    empty = _head(0, 1, 1) + struct.pack(">lbb", 0, 0, 0) + b"\0"
    path.write_bytes(empty + _head(len(laws), len(laws), len(names)) + body + footer)


def _head(moments: int, kinds: int, letters: int) -> bytes:
    return b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, moments, kinds, letters)
