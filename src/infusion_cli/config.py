"""Where things are and who is at work: flags > INFUSION_* > the configuration file > defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from infusion_cli.errors import UsageError

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    ("INFUSION_DB", "path or `postgresql://` address of the book; default: `book.sqlite3` in the user data folder"),
    ("INFUSION_CLINIC", "which clinic, in a PostgreSQL database that several share"),
    ("INFUSION_ACTOR", "who is at work, for the journal; default: the operating system's user"),
    ("INFUSION_BACKUP", "`daily` makes a backup with the first change of a day; default: `off`"),
    ("INFUSION_CONFIG", "path of the configuration file (TOML with the keys `db`, `clinic`, `actor` and `backup`)"),
    ("INFUSION_ALLOW_NETWORK", "`1` lets the book be written on a network file system, at your own risk"),
    ("NO_COLOR", "no colour, whatever the terminal can do"),
    ("FORCE_COLOR", "colour even where the output is no terminal"),
    ("COLUMNS", "the width to draw for, instead of the terminal's own"),
    ("INFUSION_DEBUG", "`1` shows the traceback of an unexpected failure; it may hold patient data"),
    ("INFUSION_PAGER, PAGER", "shows what is longer than the screen; `cat` switches it off"),
)


SETTINGS = ("db", "clinic", "actor", "backup")
"""What the configuration file may say."""


class ServerUrl(NamedTuple):
    """Where a clinic's book lies on a PostgreSQL server; as text without what is secret in it."""

    url: str
    clinic: str = ""
    """The clinic's name in a database that several share; empty for the only one there is."""

    def __str__(self) -> str:
        """Host and database, e.g. `postgresql://db.example/clinics`: neither user nor password."""
        from urllib.parse import urlsplit  # noqa: PLC0415  only where there is a server

        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


Place = Path | ServerUrl
"""Where a book is."""


class Config(NamedTuple):
    """What was settled before the command runs."""

    db: Place
    actor: str
    clinic: str = ""
    """The clinic that was named; empty for the only one there is."""
    backs_up_daily: bool = False


def load(flag_db: str | None = None, env: Mapping[str, str] = os.environ) -> Config:
    """Settle the configuration; raises `UsageError` for a file or an address that cannot be understood."""
    settings = _file(env)
    db = flag_db or env.get("INFUSION_DB") or settings.get("db") or ""
    clinic = env.get("INFUSION_CLINIC") or settings.get("clinic") or ""
    actor = env.get("INFUSION_ACTOR") or settings.get("actor") or _user(env)
    backup = env.get("INFUSION_BACKUP") or settings.get("backup") or "off"
    if backup not in {"daily", "off"}:
        raise UsageError(f"Backups are made daily or not at all, and not {backup!r}.", "INFUSION_BACKUP=daily or off")
    return Config(place_of(db, clinic) if db else default_db(), actor, clinic, backup == "daily")


def place_of(text: str, clinic: str = "") -> Place:
    """The place that a path or a `postgresql://` address names; raises `UsageError` for any other address."""
    if text.startswith(("postgresql://", "postgres://")):
        return ServerUrl(text, clinic)
    if "://" in text:
        raise UsageError(
            f"A book is a file or a PostgreSQL database; {text.partition('://')[0]}:// is neither.",
            "give a path, or postgresql://user@host/database",
        )
    return Path(text).expanduser()


def default_db() -> Path:
    """The book in the platform's user data folder."""
    from platformdirs import user_data_path  # noqa: PLC0415  only needed without --db and INFUSION_DB

    return user_data_path("infusion", appauthor=False) / "book.sqlite3"


def backup_folder(place: Place) -> Path:
    """Where backups go unless a folder is named: beside the book, or for a server in the user data folder."""
    return (default_db() if isinstance(place, ServerUrl) else place).parent / "backups"


def origin(env: Mapping[str, str] = os.environ) -> str:
    """From where a command is typed, as far as it shows: `frontdesk /dev/pts/3 from 192.0.2.7`."""
    uname = getattr(os, "uname", None)
    host = uname().nodename if uname else env.get("COMPUTERNAME", "")
    came = env.get("SSH_CONNECTION", "").split()
    return " ".join(filter(None, (host, _terminal(), f"from {came[0]}" if came else "")))


def _terminal() -> str:
    for stream in range(3):
        with suppress(OSError, AttributeError):  # it is no terminal, or the system names none
            return os.ttyname(stream)
    return ""


def _user(env: Mapping[str, str]) -> str:
    named = next((env[name] for name in ("LOGNAME", "USER", "LNAME", "USERNAME") if env.get(name)), "")
    if named:
        return named
    from getpass import getuser  # noqa: PLC0415  asks the system's own list, rarely needed

    try:
        return getuser()
    except (OSError, KeyError):
        return "unknown"


def _file(env: Mapping[str, str]) -> dict[str, str]:
    named = env.get("INFUSION_CONFIG")
    if not named:
        return {}
    import tomllib  # noqa: PLC0415  only when a file is named

    try:
        settings = tomllib.loads(Path(named).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The configuration file {named} cannot be read: {error}.", "mend INFUSION_CONFIG") from None
    unknown = [k for k, v in settings.items() if k not in SETTINGS or not isinstance(v, str)]
    if unknown:
        raise UsageError(
            f"The configuration file {named} has an unknown setting {unknown[0]!r}.", f"known: {', '.join(SETTINGS)}"
        )
    return settings
