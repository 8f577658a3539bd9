"""Calendar files of other programs, taken apart: components and the lines that matter, with their numbers.

Nothing is believed: folds may be broken, line ends of any kind, ENDs missing, nesting without end. What
a calendar says about people (summaries, notes, guests' names) is passed over and never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from infusion_cli.formats.line_error import LineError

MAX_BYTES = 20_000_000
MAX_DEPTH = 20
MAX_COMPONENTS = 100_000
MAX_PROBLEMS = 1000
"""After so many a file is given up: no calendar program wrote it."""

TIMES = frozenset(("DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "FREEBUSY"))
"""Properties whose value holds no colon: what stands before the last one is their name and parameters."""
_LISTS = TIMES - {"DTSTART", "DTEND", "DURATION", "RECURRENCE-ID"}
KEPT = TIMES | {
    *("UID", "SEQUENCE", "STATUS", "TRANSP", "ATTENDEE", "METHOD", "X-WR-CALNAME", "X-WR-TIMEZONE"),
    *("TZID", "TZOFFSETFROM", "TZOFFSETTO"),
}

_HEAD = re.compile(r"([A-Za-z0-9-]+)(?=[;:])")
_NAMED = re.compile(r"[A-Za-z0-9 -]+=")
_PARAMETER = re.compile(r';([^=;:"]*)(?:=((?:"[^"]*"|[^";:])*))?')


class Property(NamedTuple):
    """A property: the physical line that it begins on, its name in capitals, what stands after the name."""

    line: int
    name: str
    rest: str

    def split(self) -> tuple[dict[str, str], str]:
        """Its parameters (names in capitals, quotes gone) and its value, blanks around it gone."""
        head, _, value = self.rest.rpartition(":")
        if self.name not in TIMES:
            head = "".join(m.group() for m in _parameters(self.rest))
            value = self.rest[len(head) + 1 :]
        given = {m[1].strip().upper(): (m[2] or "").replace('"', "").strip() for m in _parameters(head)}
        return given, value.strip()


class Component:
    """A component with its lines that matter and what stands in it; `line` is that of its BEGIN."""

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.line = line
        self.properties: list[Property] = []
        self.children: list[Component] = []
        self.problems: list[LineError] = []

    def all(self, name: str) -> list[Property]:
        """Its properties of that name, in order."""
        return [p for p in self.properties if p.name == name]

    def text(self, name: str) -> str:
        """The value of the first property of that name, empty without one."""
        return next((p.split()[1] for p in self.properties if p.name == name), "")


class Scan(NamedTuple):
    """What stands at the top of a file; `errors` mean that something is lost, `warnings` that nothing is."""

    components: list[Component]
    errors: list[LineError]
    warnings: list[LineError]


def scan(data: bytes) -> Scan:
    """Take a file apart; never raises, whatever the octets."""
    if len(data) > MAX_BYTES:
        line = data[:MAX_BYTES].count(b"\n") + 1
        message = f"the file is larger than {MAX_BYTES // 1_000_000} MB; export fewer years, or split it"
        return Scan([], [LineError(line, "", "too-large", message)], [])
    work = _Scanner()
    for number, raw in _logical_lines(data, work):
        work.take(number, raw)
        if work.is_given_up:
            break
    else:
        work.finish()
    return Scan(work.top, work.errors, work.warnings)


class _Scanner:
    """The components that are open, and what was found wrong."""

    def __init__(self) -> None:
        self.top: list[Component] = []
        self.errors: list[LineError] = []
        self.warnings: list[LineError] = []
        self.is_given_up = False
        self._open: list[Component] = []
        self._count = 0
        self._last: Property | None = None
        """The property before, when it is one that matters."""

    def take(self, number: int, raw: bytes) -> None:
        """One line, its folds taken out."""
        text = raw.decode("utf-8", "surrogateescape")
        if "\r" in text:
            self.warn(number, "lone-cr", "a carriage return stands within a line; it is read as part of the line")
        found = _HEAD.match(text)
        if found is None:
            self._broken(number, text)
            return
        name, rest = found[1].upper(), text[found.end() :]
        self._last = None
        if name in {"BEGIN", "END"} and rest[0] == ":":
            inner = rest[1:].strip().upper()
            self._begin(inner, number) if name == "BEGIN" else self._end(inner, number)
        elif name in KEPT and self._open:
            self._last = Property(number, name, rest)
            self._open[-1].properties.append(self._last)
        elif not self._open:
            self.warn(number, "outside", f"{name} stands outside every component")

    def finish(self) -> None:
        """The file is at its end; what is still open was cut off."""
        for component in self._open:
            self.error(
                component.line, "no-end", f"{component.name or 'a component'} is never ended: the file is cut off"
            )
        if not self.top and not self.errors:
            self.error(1, "no-calendar", "there is no VCALENDAR in the file")

    def error(self, line: int, rule: str, message: str) -> None:
        """Something by which a part of the file is lost."""
        self.errors.append(LineError(line, "", rule, message))
        self._limit(line)

    def warn(self, line: int, rule: str, message: str) -> None:
        """Something wrong by which nothing is lost."""
        self.warnings.append(LineError(line, "", rule, message))
        self._limit(line)

    def _limit(self, line: int) -> None:
        if len(self.errors) + len(self.warnings) >= MAX_PROBLEMS and not self.is_given_up:
            self._give_up(line, "too-many-problems", f"{MAX_PROBLEMS} lines are wrong so far; the rest is not read")

    def _give_up(self, line: int, rule: str, message: str) -> None:
        self.is_given_up = True
        self.errors.append(LineError(line, "", rule, message))

    def _begin(self, name: str, number: int) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH:
            self._give_up(number, "too-deep", f"components are nested more than {MAX_DEPTH} deep; the rest is not read")
        elif self._count > MAX_COMPONENTS:
            self._give_up(number, "too-many", f"more than {MAX_COMPONENTS} components; the rest is not read")
        else:
            component = Component(name, number)
            (self._open[-1].children if self._open else self.top).append(component)
            self._open.append(component)

    def _end(self, name: str, number: int) -> None:
        if name not in {c.name for c in self._open}:
            self.error(number, "stray-end", f"END:{brief(name)} ends nothing that was begun")
            return
        while (component := self._open.pop()).name != name:
            self.error(component.line, "no-end", f"{brief(component.name)} is not ended before line {number}")

    def _broken(self, number: int, text: str) -> None:
        message = "this is no property: there is no name and colon, or the blank that continues a line is missing"
        before = self._last.name if self._last else ""
        # The tail of a time or a rule may be lost: better no entry than a wrong one.
        if before in _LISTS or (before in TIMES and not _NAMED.match(text)):
            self._open[-1].problems.append(LineError(number, before, "broken-line", message))
        else:
            self.warn(number, "broken-line", message)


def _logical_lines(data: bytes, work: _Scanner) -> Iterator[tuple[int, bytes]]:
    """Lines with the number of the physical line that they begin on, folds taken out, blank ones passed over."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        work.error(1, "not-utf-8", "the file is UTF-16; save it as UTF-8")
        return
    ends = b"\r" if b"\n" not in data else b"\n"
    if ends == b"\r" and ends in data:
        work.warn(1, "lone-cr", "all lines end in a carriage return only")
    began, parts = 0, list[bytes]()
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(ends), start=1):
        line = raw.removesuffix(b"\r")
        if line[:1] in {b" ", b"\t"}:
            if parts:
                parts.append(line[1:])
            elif line.strip():
                work.warn(number, "broken-fold", "this continues a line, and there is none before it")
        elif line:
            if parts:
                yield began, b"".join(parts)
            began, parts = number, [line]
    if parts:
        yield began, b"".join(parts)


def _parameters(head: str) -> Iterator[re.Match[str]]:
    """The parameters at the beginning of a text."""
    at = 0
    while found := _PARAMETER.match(head, at):
        yield found
        at = found.end()


def brief(name: str) -> str:
    """A component's name as far as it may be shown: it may be anything."""
    plain = "".join(c for c in name if c.isascii() and (c.isalnum() or c == "-"))
    return plain[:30] or "something"
