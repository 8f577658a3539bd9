"""Somebody at the desk: types commands at a book of their own and reads what comes back."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infusion_cli.cli.app import run
from infusion_cli.domain import ids
from infusion_cli.domain.book import Record
from infusion_cli.domain.plan import ClinicText
from infusion_cli.store.repository import open_store

DATA = Path(__file__).resolve().parent.parent / "data"
NOW = "2026-11-23T08:00"
"""Monday morning, in the clinic's zone."""
YARA, FATIMA, BEN, IVO = "PANANE", "PYE6CD", "PWN44P", "PEMXKP"
"""Yara Sánchez (M1001), Fatima Fernández (M1002), Ben Yilmaz (M1010), Ivo Jones (M1019)."""
FIRST_VISITS = ("AANAND", "AYE6CE", "AJ723W", "A5ZXTR")
"""Ids are given in a fixed order: the first visits of a new book are these."""
PROGRAM = ("-c", "from infusion_cli.cli.app import main; main()")


class Answer(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What a program reads on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one object on stderr."""
        found = json.loads(self.err)
        assert list(found) == ["error"]
        return dict(found["error"])


class Desk:
    """Types commands in this process; `book` is the file that they work on, `folder` where one stands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.book = folder / "book.sqlite3"
        self._patch = monkeypatch
        self._streams = capsys
        for name in ("FORCE_COLOR", "NO_COLOR", "INFUSION_CONFIG", "INFUSION_DEBUG", "PAGER", "INFUSION_PAGER"):
            monkeypatch.delenv(name, raising=False)
        self.setenv(INFUSION_DB=str(self.book), INFUSION_NOW=NOW, INFUSION_ACTOR="desk", COLUMNS="100")
        monkeypatch.chdir(folder)

    def setenv(self, **values: str) -> None:
        """Change the surroundings of what is typed next."""
        for name, value in values.items():
            self._patch.setenv(name, value)

    def at(self, now: str) -> None:
        """Let it be that time."""
        self.setenv(INFUSION_NOW=now)

    def type(self, *words: str, stdin: str | bytes = b"") -> Answer:
        """Type a command, whatever comes of it."""
        octets = stdin.encode() if isinstance(stdin, str) else stdin
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8"))
        self._streams.readouterr()
        status = run(list(words))
        out, err = self._streams.readouterr()
        return Answer(status, out, err)

    def say(self, *words: str, stdin: str | bytes = b"") -> str:
        """Type a command that has to succeed without a word on stderr; gives its stdout."""
        answer = self.type(*words, stdin=stdin)
        assert answer[::2] == (0, ""), answer
        return answer.out

    def json(self, *words: str, stdin: str | bytes = b"") -> Any:
        """The data of a command that has to succeed, as a program reads it."""
        return json.loads(self.say(*words, "--json", stdin=stdin))

    def refused(self, status: int, *words: str, stdin: str | bytes = b"") -> dict[str, Any]:
        """The error of a command that has to end so, print nothing and leave the book as it is."""
        before = self.octets()
        answer = self.type(*words, "--json", stdin=stdin)
        assert answer[:2] == (status, ""), answer
        assert self.octets() == before
        return answer.error

    def octets(self) -> bytes:
        """The book's file, empty when there is none."""
        return self.book.read_bytes() if self.book.is_file() else b""

    def file(self, name: str, content: str | bytes) -> str:
        """Put a file into the folder; gives its name."""
        octets = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(octets)
        return name

    def state(self) -> dict[str, Record | ClinicText]:
        """All that stands in the book by id, as undo restores it: SEQUENCE and stamps, which only rise, left out."""
        with open_store(self.book) as store, store.reading(0) as reader:
            everybody = [p.id for p in reader.patients()]
            loaded = reader.load(0, 1 << 33, everybody)
            found: list[Record] = [*loaded.patients.values(), *loaded.series.values(), *loaded.blocks.values()]
            found += [v._replace(sequence=0, stamp=0) for v in loaded.appointments.values()]
            return {"main": reader.clinic_text} | {r.id: r for r in found if _stands(r)}

    def done(self) -> list[str]:
        """The commands that the journal knows, the newest first."""
        return [operation["command"] for operation in self.json("history")]

    def process(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Answer:
        """Type a command in a process of its own."""
        done = subprocess.run(
            [sys.executable, *PROGRAM, *words],
            input=stdin,
            capture_output=True,
            env=os.environ | dict(env or {}),
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def op(number: int) -> str:
    """The id of the `number`-th thing done at a desk; before it the book was made and people were imported."""
    return ids.encode("operation", number + 1)


def _stands(record: Record) -> bool:
    return record.status != "entered-in-error"
