"""A disk that loses its power: what was synced is there, what was only written is there in part.

An unsynced write is kept or lost by sectors of 512 bytes, in no order. A file that was made or removed
is so for good with the next sync of whatever file, as on a file system that keeps a journal; until then
only the oldest of such changes may have come to the disk.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from torture.syscalls import Call

SECTOR = 512
IN_MEMORY_ONLY = "-shm"
"""How the name of the file ends that is made anew after a fall, whatever is in it."""


class _File:
    """What is on the disk for good, and what was done to it since."""

    def __init__(self, octets: bytes = b"") -> None:
        self.synced = bytearray(octets)
        self.since: list[Call] = []

    def sync(self) -> None:
        for call in self.since:
            _do(call, self.synced)
        self.since = []

    def after_a_cut(self, chance: random.Random) -> bytes:
        """What can be read when the power is back."""
        octets = bytearray(self.synced)
        kept = chance.choice((0.0, 0.5, 1.0, chance.random()))
        for call in self.since:
            for part in _sectors(call):
                if chance.random() < kept:
                    _do(part, octets)
        return bytes(octets)


class Disk:
    """Files by path, as the running program sees them and as a cut would leave them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._seen = {path: _File(octets) for path, octets in files.items()}
        self._kept = dict(self._seen)
        """The folder as it is on the disk for good."""
        self._since: list[dict[str, _File]] = []
        """The folder after each change since."""

    def do(self, call: Call) -> None:
        """Let the program do something."""
        if call.path.endswith(IN_MEMORY_ONLY):
            return
        if call.kind == "sync":
            if call.path in self._seen:
                self._seen[call.path].sync()
            self._kept, self._since = dict(self._seen), []
        elif call.kind in {"write", "truncate"}:
            self._seen[call.path].since.append(call)
        elif call.kind == "unlink" or call.creates:
            self._seen = {path: file for path, file in self._seen.items() if path != call.path}
            if call.creates:
                self._seen[call.path] = _File()
            self._since.append(self._seen)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files as the next start finds them when the power goes now."""
        folder = chance.choice([self._kept, *self._since])
        return {path: file.after_a_cut(chance) for path, file in folder.items()}


def files_in(folder: Path) -> dict[str, bytes]:
    """What lies in a folder."""
    return {str(path): path.read_bytes() for path in folder.iterdir()}


def put_back(files: Mapping[str, bytes], folder: Path) -> None:
    """Leave in the folder what a cut has left, and nothing else."""
    for path in folder.iterdir():
        path.unlink()
    for name, octets in files.items():
        (folder / Path(name).name).write_bytes(octets)
        (folder / Path(name).name).chmod(0o600)


def _sectors(call: Call) -> Iterable[Call]:
    """A write in the pieces that a disk writes at once; a truncation is one."""
    if call.kind == "truncate":
        return [call]
    borders = range(call.offset // SECTOR * SECTOR, call.offset + len(call.octets), SECTOR)
    pieces = [(max(border, call.offset), border + SECTOR) for border in borders]
    return [
        call._replace(offset=begin, octets=call.octets[begin - call.offset : end - call.offset])
        for begin, end in pieces
    ]


def _do(call: Call, octets: bytearray) -> None:
    if call.kind == "truncate":
        del octets[call.offset :]
        octets.extend(bytes(call.offset - len(octets)))
        return
    octets.extend(bytes(max(0, call.offset - len(octets))))
    octets[call.offset : call.offset + len(call.octets)] = call.octets
