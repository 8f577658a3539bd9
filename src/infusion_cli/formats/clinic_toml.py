"""The clinic's file: TOML in, a checked `Clinic` out, or everything that is wrong with it at once."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from infusion_cli.domain.clinic import Chair, Clinic, Closure, Hours, Practitioner, Shift, Words
from infusion_cli.domain.clinic_time import zone
from infusion_cli.domain.clinic_tree import SCHEMA
from infusion_cli.domain.names import shown
from infusion_cli.domain.protocol import Span
from infusion_cli.errors import InvalidDataError, NotFoundError
from infusion_cli.formats.clinic_checks import check, warnings
from infusion_cli.formats.clinic_difference import difference
from infusion_cli.formats.clinic_protocols import read_protocols
from infusion_cli.formats.line_error import LineError
from infusion_cli.formats.toml_table import Findings, Table, quoted, unique

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["difference", "parse", "read", "sample", "starter", "warnings"]

SIZE_LIMIT = 1_000_000
"""Bytes: a clinic's file has a few thousand, anything above is some other file."""

_FILE_KEYS = ("schema", "clinic", "words", "hours", "closures", "chairs", "staff", "protocols")
_CLINIC_KEYS = (
    *("name", "public_name", "timezone", "phone", "email", "address", "language"),
    *("grid", "cancel_notice"),
)
_LANGUAGE = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
"""A tag of BCP 47, as far as its shape tells."""
_MOVING_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")
"""Names that a system may know and that mean something else on the next one."""


def read(path: Path) -> tuple[str, Clinic]:
    """The text of a clinic's file and the clinic it describes.

    Raises NotFoundError when there is no such file, InvalidDataError when it cannot be read, is not
    UTF-8, is over 1 MB or is wrong.
    """
    name = f'"{shown(str(path))}"'
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no file {name}.", "Check the path; `infusion init` writes a starter file."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not one"
        raise InvalidDataError(f"The file {name} cannot be read: {reason}.") from None
    if len(content) > SIZE_LIMIT:
        raise InvalidDataError(f"The file {name} is over 1 MB, so it cannot be a clinic's file.")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidDataError(
            f"The file {name} is not UTF-8 text: see line {line}.", hint="Save it again as UTF-8."
        ) from None
    return text, parse(text)


def parse(text: str) -> Clinic:
    """The clinic of a file's text; raises InvalidDataError with every error of it as a `LineError`."""
    findings = Findings()
    fields = _toml(text)
    _check_schema(fields)
    file = Table(fields, "", findings, _FILE_KEYS)
    clinic = _clinic(file, findings)
    if findings.errors or clinic is None:
        raise _refusal(findings.errors)
    return clinic


def starter() -> str:
    """The commented clinic file that a new book begins with."""
    return _shipped("starter_clinic.toml")


def sample() -> str:
    """The fictional four-chair clinic of the demonstration."""
    return _shipped("sample_clinic.toml")


def _shipped(name: str) -> str:
    from importlib.resources import files  # noqa: PLC0415  only `init` and `demo` need it

    return files("infusion_cli.formats").joinpath(name).read_text(encoding="utf-8")


def _refusal(errors: list[LineError]) -> InvalidDataError:
    many = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    return InvalidDataError(
        f"The clinic's file has {many}.", errors, "Correct it and check it with `infusion clinic check`."
    )


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415  only reading a file needs it

    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        error = LineError(None, "", "toml-syntax", "The file nests lists too deeply to be a clinic's file.")
    except ValueError as problem:
        error = _syntax_error(str(problem), text)
    raise _refusal([error])


def _syntax_error(problem: str, text: str) -> LineError:
    """What tomllib says, which ends with `(at line 3, column 5)` or `(at end of document)`."""
    what, _, where = problem.rstrip(")").rpartition(" (at ")
    line = where.removeprefix("line ").partition(",")[0]
    number = int(line) if line.isdigit() else max(1, len(text.splitlines()))
    return LineError(
        number, "", "toml-syntax", f"This is not TOML: {what or 'a number is too long'}; correct the line."
    )


def _check_schema(fields: dict[str, Any]) -> None:
    """A missing, strange or newer schema makes every other finding meaningless, so it stands alone."""
    schema = fields.get("schema")
    if type(schema) is int and schema > SCHEMA:
        message = f"The file is made for a newer version of infusion (schema {quoted(schema)}); update the program."
        raise _refusal([LineError(None, "schema", "newer-schema", message)])
    if schema is None:
        raise _refusal([LineError(None, "schema", "missing", f"schema is missing; add schema = {SCHEMA} at the top.")])
    if type(schema) is not int or schema != SCHEMA:
        raise _refusal(
            [LineError(None, "schema", "out-of-range", f"schema must be {SCHEMA}; write schema = {SCHEMA}.")]
        )


def _clinic(file: Table, findings: Findings) -> Clinic | None:
    head, words = file.table("clinic", _CLINIC_KEYS), _words(file)
    hours, closures = _hours(file), _closures(file)
    chairs, staff = _chairs(file), _staff(file)
    protocols = read_protocols(file)
    if head is None:
        return None
    clinic = Clinic(
        name=head.text("name"),
        public_name=_public_name(head),
        timezone=_timezone(head),
        grid=_grid(head),
        cancel_notice=head.span("cancel_notice", required=False, zero=True) or Span(24, "h"),
        hours=hours,
        chairs=tuple(chair for _, chair in chairs),
        staff=staff,
        protocols=tuple(protocol for _, protocol in protocols),
        closures=closures,
        phone=head.text("phone", ""),
        email=_email(head),
        address=head.text("address", ""),
        language=_language(head),
        words=words,
    )
    check(clinic, findings, chairs, protocols)
    return clinic


def _public_name(head: Table) -> str:
    if "public_name" in head.fields:
        return head.text("public_name")
    head.note(
        "public_name",
        "missing",
        "public_name is missing; it is the only name that leaves the clinic, in invitations and reminders,"
        " so write one that says nothing about the treatment.",
    )
    return ""


def _timezone(head: Table) -> str:
    name = head.text("timezone")
    if not head.sound("timezone"):
        return name
    try:
        zone(name)
        known = not name.startswith(_MOVING_ZONES)
    except (KeyError, ValueError, OSError):
        known = False
    if not known:
        head.note("timezone", "unknown-zone", f"There is no time zone {quoted(name)}; {_zones_near(name)}.")
    return name


def _zones_near(name: str) -> str:
    from difflib import get_close_matches

    zones = {z.casefold(): z for z in sorted(available_timezones()) if not z.startswith(_MOVING_ZONES)}
    typed = name.casefold().replace(" ", "_")
    found = [z for low, z in zones.items() if low == typed or low.rpartition("/")[2] == typed.rpartition("/")[2]]
    found = found or [zones[low] for low in get_close_matches(typed, zones, n=3, cutoff=0.6)]
    return f"write {' or '.join(found[:3])}" if found else "write a name such as America/New_York or Europe/Berlin"


def _grid(head: Table) -> int:
    grid = head.whole("grid", 1, 720) or 15
    if 1440 % grid:
        fits = max(n for n in range(1, grid) if 1440 % n == 0)
        head.note("grid", "bad-grid", f"grid is {grid}, which does not divide a day of 1440 min; write {fits}, say.")
    return grid


def _email(head: Table) -> str:
    email = head.text("email", "")
    local, _, host = email.rpartition("@")
    if email and head.sound("email") and (not local or not host or " " in email or "@" in local):
        head.note("email", "bad-email", f"{quoted(email)} is no e-mail address; write one such as desk@clinic.example.")
    return email


def _language(head: Table) -> str:
    language = head.text("language", "")
    if language and head.sound("language") and not _LANGUAGE.fullmatch(language):
        head.note("language", "bad-language", f"{quoted(language)} is no language tag; write one such as en or de-AT.")
    return language


def _words(file: Table) -> Words:
    table = file.table("words", Words._fields, required=False)
    return Words(*(table.text(name, "") for name in Words._fields)) if table else Words()


def _hours(file: Table) -> tuple[Hours, ...]:
    tables = file.tables("hours", ("days", "open", "close"))
    return tuple(Hours(t.days(), *_from_to(t, "open", "close")) for t in tables)


def _from_to(table: Table, first: str, last: str) -> tuple[int, int]:
    start, end = table.minute(first), table.minute(last)
    if start is not None and end is not None and start >= end:
        table.note(
            last,
            "bad-time",
            f"{last} is not after {first}; write a later time, at most 24:00; what comes after is the next day's.",
        )
    return start or 0, end or 0


def _closures(file: Table) -> tuple[Closure, ...]:
    tables = file.tables("closures", ("date", "reason"), required=False, limit=1000)
    closures = tuple(Closure(_date(t), t.text("reason", "")) for t in tables)
    given = [(t, c.date.isoformat()) for t, c in zip(tables, closures, strict=True) if t.sound("date")]
    unique(given, "date", "closures on")
    return closures


def _date(table: Table) -> date:
    value = table.fields.get("date")
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = table.text("date")
    if table.sound("date"):
        try:
            if len(text) == len("2026-12-25"):
                return date.fromisoformat(text)
        except ValueError:
            pass
        table.note("date", "bad-date", f"There is no date {quoted(text)}; write it as YYYY-MM-DD.")
    return date.min


def _chairs(file: Table) -> list[tuple[Table, Chair]]:
    found = [(table, _chair(table)) for table in file.tables("chairs", ("id", "name", "protocols"))]
    unique(((table, chair.id) for table, chair in found), "id", "chairs")
    return found


def _chair(table: Table) -> Chair:
    chair_id = table.id()
    protocols = table.ids("protocols", star=True) if "protocols" in table.fields else ("*",)
    return Chair(chair_id, table.text("name", chair_id), protocols)


def _staff(file: Table) -> tuple[Practitioner, ...]:
    tables = file.tables("staff", ("id", "role", "shifts"), required=False)
    staff = tuple(Practitioner(t.id(), _role(t), _shifts(t)) for t in tables)
    unique(zip(tables, (s.id for s in staff), strict=True), "id", "members of staff")
    return staff


def _role(table: Table) -> str:
    role = table.text("role")
    if table.sound("role") and role not in {"nurse", "provider"}:
        table.note("role", "bad-role", f"{quoted(role)} is not a role; write nurse or provider.")
    return role


def _shifts(table: Table) -> tuple[Shift, ...]:
    return tuple(Shift(t.days(), *_from_to(t, "from", "to")) for t in table.tables("shifts", ("days", "from", "to")))
