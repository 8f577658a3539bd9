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
    (
        "INFUSION_CONFIG",
        "path of the configuration file (TOML; keys: the variables' names in small letters, without `INFUSION_`)",
    ),
    ("INFUSION_SMTP_HOST", "the mail server that `ical send` hands messages to"),
    ("INFUSION_SMTP_PORT", "its port; default: 587, with `INFUSION_SMTP_TLS=tls` 465"),
    ("INFUSION_SMTP_TLS", "`starttls` (default), `tls` from the first octet on, or `none` to this machine only"),
    ("INFUSION_SMTP_USER", "the user to log in as; without it nobody logs in"),
    ("INFUSION_SMTP_PASSWORD", "the password; better in a file, and never on a command line"),
    ("INFUSION_SMTP_PASSWORD_FILE", "path of a file with the password and nothing else"),
    ("INFUSION_SMTP_FROM", "the address that undeliverable mail returns to; default: the clinic's e-mail"),
    ("INFUSION_SMTP_CA_FILE", "certificates to trust instead of the system's (PEM)"),
    (
        "INFUSION_CALDAV_URL",
        "the shared calendar that `ical push` writes to: the `https://` address of the calendar itself",
    ),
    ("INFUSION_CALDAV_USER", "the user to log in as; without it nobody logs in"),
    ("INFUSION_CALDAV_PASSWORD", "the password; better in a file, and never on a command line"),
    ("INFUSION_CALDAV_PASSWORD_FILE", "path of a file with the password and nothing else"),
    ("INFUSION_CALDAV_CA_FILE", "certificates to trust instead of the system's (PEM)"),
    ("INFUSION_ALLOW_NETWORK", "`1` lets the book be written on a network file system, at your own risk"),
    ("INFUSION_KEY_FILE", "file with the key of an encrypted book (64 hexadecimal digits, mode 600); new books get it"),
    ("INFUSION_KEY", "the key itself, where there can be no file for it"),
    ("NO_COLOR", "no colour, whatever the terminal can do"),
    ("FORCE_COLOR", "colour even where the output is no terminal"),
    ("COLUMNS", "the width to draw for, instead of the terminal's own"),
    ("INFUSION_DEBUG", "`1` shows the traceback of an unexpected failure; it may hold patient data"),
    ("INFUSION_PAGER, PAGER", "shows what is longer than the screen; `cat` switches it off"),
)


SETTINGS = (
    *("db", "clinic", "actor", "backup"),
    *("smtp_host", "smtp_port", "smtp_tls", "smtp_user", "smtp_password_file", "smtp_from", "smtp_ca_file"),
    *("caldav_url", "caldav_user", "caldav_password_file", "caldav_ca_file"),
)
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


class MailServer(NamedTuple):
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    tls: str
    """`starttls`, `tls` or `none`."""
    user: str = ""
    password: str = ""
    sender: str = ""
    """The address that undeliverable mail returns to; empty for the clinic's."""
    ca_file: str = ""

    def __repr__(self) -> str:
        """Where, and nothing that is secret."""
        return f"MailServer({self.host}:{self.port}, {self.tls})"


class CalendarServer(NamedTuple):
    """A calendar on a server, and who writes to it."""

    url: str
    """The calendar's own address, which ends in a slash."""
    user: str = ""
    password: str = ""
    ca_file: str = ""

    def __repr__(self) -> str:
        """Where, and nothing that is secret."""
        return f"CalendarServer({self.url})"


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


def mail_server(env: Mapping[str, str] = os.environ) -> MailServer:
    """The mail server to send through; raises `UsageError` when none is named or it cannot be understood."""
    settings = _file(env)

    def setting(name: str, default: str = "") -> str:
        return env.get(f"INFUSION_SMTP_{name.upper()}") or settings.get(f"smtp_{name}") or default

    host, tls = setting("host"), setting("tls", "starttls")
    if not host:
        hint = "set INFUSION_SMTP_HOST, or smtp_host in the configuration file"
        raise UsageError("No mail server is named to send through.", hint)
    if tls not in {"starttls", "tls", "none"}:
        raise UsageError(f"There is no way {tls!r} to protect mail.", "INFUSION_SMTP_TLS is starttls, tls or none")
    if tls == "none" and not _is_this_machine(host):
        raise UsageError(f"Mail to {host} must be protected.", "INFUSION_SMTP_TLS=starttls; none is for localhost only")
    port = setting("port", "465" if tls == "tls" else "587")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(f"{port!r} is no port.", "INFUSION_SMTP_PORT is a number such as 587")
    user = setting("user")
    password = _password(env, "SMTP", setting("password_file"), "mail") if user else ""
    return MailServer(host, int(port), tls, user, password, setting("from"), _home(setting("ca_file")))


def calendar_server(url: str = "", env: Mapping[str, str] = os.environ) -> CalendarServer:
    """The shared calendar to write to; raises `UsageError` when none is named or it cannot be understood."""
    settings = _file(env)

    def setting(name: str) -> str:
        return env.get(f"INFUSION_CALDAV_{name.upper()}") or settings.get(f"caldav_{name}") or ""

    address = _calendar_address(url or setting("url"))
    user = setting("user")
    password = _password(env, "CALDAV", setting("password_file"), "calendar") if user else ""
    return CalendarServer(address, user, password, _home(setting("ca_file")))


def _calendar_address(text: str) -> str:
    """The address with a slash at its end; raises `UsageError` when it cannot be used, without repeating it."""
    from urllib.parse import urlsplit  # noqa: PLC0415  only where there is a server

    if not text:
        raise UsageError(
            "No shared calendar is named to write to.",
            "give --to URL, set INFUSION_CALDAV_URL, or caldav_url in the configuration file",
        )
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if "@" in parts.netloc:
        raise UsageError(
            "The calendar's address holds a user or a password.",
            "leave them out of it: INFUSION_CALDAV_USER and INFUSION_CALDAV_PASSWORD_FILE",
        )
    is_plain = all(c.isprintable() and c != " " for c in text)
    if not host or not is_plain or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise UsageError(
            "The calendar's address cannot be read.",
            "write https://calendars.example/user/calendar/, as its server shows it",
        )
    if parts.scheme == "http" and not _is_this_machine(host):
        raise UsageError(f"What goes to {host} must be protected.", "write https://; http:// is for localhost only")
    return text if text.endswith("/") else f"{text}/"


def _password(env: Mapping[str, str], of: str, path: str, what: str) -> str:
    """The password, from the environment or its file; raises `UsageError` when there is none."""
    if env.get(f"INFUSION_{of}_PASSWORD"):
        return env[f"INFUSION_{of}_PASSWORD"]
    variable = f"INFUSION_{of}_PASSWORD_FILE"
    if not path:
        raise UsageError(f"There is no password for the {what} server.", f"name a file with {variable}")
    try:
        return Path(_home(path)).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"The password file {path} cannot be read: {why}.", f"mend {variable}") from None


def _home(path: str) -> str:
    """The path with the home folder for a `~` at its begin, if it is somebody's."""
    return os.path.expanduser(path)  # noqa: PTH111  Path.expanduser raises for nobody's home, and makes "" a dot


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address  # noqa: PLC0415  only where something goes out unprotected

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


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
    if type(settings.get("smtp_port")) is int:
        settings["smtp_port"] = str(settings["smtp_port"])
    unknown = [k for k, v in settings.items() if k not in SETTINGS or not isinstance(v, str)]
    if unknown:
        raise UsageError(
            f"The configuration file {named} has an unknown setting {unknown[0]!r}.", f"known: {', '.join(SETTINGS)}"
        )
    # A file named in it is looked for beside it, wherever the command is run.
    beside = {
        k: str(Path(named).absolute().parent / _home(v)) for k, v in settings.items() if v and k.endswith("_file")
    }
    return settings | beside
