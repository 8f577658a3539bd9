"""Where things are and who is at work: flags > INFUSION_* > the configuration file > defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from infusion_cli.errors import UsageError

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    ("INFUSION_DB", "path of the book; default: `book.sqlite3` in the platform's user data folder"),
    ("INFUSION_ACTOR", "who is at work, for the journal; default: the operating system's user"),
    ("INFUSION_CONFIG", "path of the configuration file (TOML with the keys `db` and `actor`)"),
    ("INFUSION_ALLOW_NETWORK", "`1` lets the book be written on a network file system, at your own risk"),
    ("NO_COLOR", "no colour, whatever the terminal can do"),
    ("FORCE_COLOR", "colour even where the output is no terminal"),
    ("COLUMNS", "the width to draw for, instead of the terminal's own"),
    ("INFUSION_DEBUG", "`1` shows the traceback of an unexpected failure; it may hold patient data"),
    ("INFUSION_PAGER, PAGER", "shows what is longer than the screen; `cat` switches it off"),
)


class Config(NamedTuple):
    """What was settled before the command runs."""

    db: Path
    actor: str


def load(flag_db: str | None = None, env: Mapping[str, str] = os.environ) -> Config:
    """Settle the configuration; raises `UsageError` for a file that cannot be read or a URL."""
    settings = _file(env)
    db = flag_db or env.get("INFUSION_DB") or settings.get("db") or ""
    if "://" in db:
        raise UsageError(
            "The book is a file here; a database address is not understood by this version.",
            "give a path with --db, e.g. --db ./book.sqlite3",
        )
    actor = env.get("INFUSION_ACTOR") or settings.get("actor") or _user(env)
    return Config(Path(db).expanduser() if db else default_db(), actor)


def default_db() -> Path:
    """The book in the platform's user data folder."""
    from platformdirs import user_data_path  # noqa: PLC0415  only needed without --db and INFUSION_DB

    return user_data_path("infusion", appauthor=False) / "book.sqlite3"


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
    unknown = [k for k, v in settings.items() if k not in {"db", "actor"} or not isinstance(v, str)]
    if unknown:
        raise UsageError(f"The configuration file {named} has an unknown setting {unknown[0]!r}.", "known: db, actor")
    return settings
