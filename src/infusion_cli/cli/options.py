"""Typer's declarations, thin: the options that every command has, and the ones it shares."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from infusion_cli.cli import complete
from infusion_cli.cli.session import Options, Session
from infusion_cli.errors import ConflictError

_PANEL = "Options that every command has"
_WRITING = "Options of every command that writes"


def flag(*names: str, help: str, panel: str | None = None) -> Any:  # noqa: A002  Typer's own word
    """A switch."""
    return Annotated[bool, typer.Option(*names, help=help, rich_help_panel=panel)]


def text(
    *names: str,
    help: str,  # noqa: A002  Typer's own word
    metavar: str = "TEXT",
    panel: str | None = None,
    completion: Callable[..., Any] | None = None,
) -> Any:
    """An option with a value, kept as typed: our own parsers read it."""
    return Annotated[
        str | None,
        typer.Option(*names, help=help, metavar=metavar, rich_help_panel=panel, autocompletion=completion),
    ]


def texts(*names: str, help: str, metavar: str = "TEXT", completion: Callable[..., Any] | None = None) -> Any:  # noqa: A002
    """An option that may be given several times."""
    return Annotated[list[str], typer.Option(*names, help=help, metavar=metavar, autocompletion=completion)]


def argument(metavar: str, help: str, completion: Callable[..., Any] | None = None) -> Any:  # noqa: A002
    """A positional argument, kept as typed."""
    return Annotated[str, typer.Argument(metavar=metavar, help=help, autocompletion=completion)]


def optional(metavar: str, help: str, completion: Callable[..., Any] | None = None) -> Any:  # noqa: A002
    """A positional argument that may be left out."""
    return Annotated[str | None, typer.Argument(metavar=metavar, help=help, autocompletion=completion)]


SHARED: dict[str, tuple[Any, Any]] = {
    "db": (text("--db", help="The book's path (INFUSION_DB).", metavar="PATH", panel=_PANEL), None),
    "format": (text("--format", help="table, json, jsonl or csv.", metavar="FORM", panel=_PANEL), None),
    "json": (flag("--json", help="Short for --format json.", panel=_PANEL), False),
    "quiet": (flag("--quiet", "-q", help="Print data and errors only.", panel=_PANEL), False),
    "no_color": (flag("--no-color", help="No colour.", panel=_PANEL), False),
}
WRITING: dict[str, tuple[Any, Any]] = {
    "dry_run": (flag("--dry-run", "-n", help="Do it, show it, roll it back.", panel=_WRITING), False),
    "exit_code": (flag("--exit-code", help="End with 5 when there was something to change.", panel=_WRITING), False),
    "yes": (flag("--yes", "-y", help="Do not ask.", panel=_WRITING), False),
    "key": (text("--key", help="The same key again gives the first answer.", metavar="K", panel=_WRITING), None),
}

PATIENT = argument("PATIENT", "An id, an MRN, or a name that fits one patient only.")
PROTOCOL = argument("PROTOCOL", "A protocol of the clinic.", complete.protocols)
WHEN = argument("WHEN", "2026-12-01T09:00, 'tue 9am', 'tomorrow 14:30', '+3d 9:00': the clinic's clock.")
APPOINTMENT = argument("APPT", "A visit's id.")
CHAIR = text("--chair", help="A chair, by id or name.", metavar="C", completion=complete.chairs)
FROM = text("--from", help="The first day, included.", metavar="DATE")
TO = text("--to", help="The last day, included.", metavar="DATE")
BETWEEN = text("--between", help="Starts between these times of day, both included.", metavar="9:00-12:00")
WEEKDAYS = text("--weekdays", help="Only on these weekdays.", metavar="mon,wed")
REASON = text("--reason", help="Why.", metavar="TEXT")
OUTPUT = text("--output", "-o", help="Write to this file; - is stdout.", metavar="FILE")


def command(*, writes: bool = False) -> Callable[[Callable[..., int | None]], Callable[..., None]]:
    """Make a Typer command of a plain function `body(session, …)`.

    The function gets a `Session` and its own values; the options that every command has are added
    here, so that they are declared once. What it returns is the exit status, 0 without.
    """
    shared = SHARED | WRITING if writes else SHARED

    def wrap(body: Callable[..., int | None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(body, eval_str=True).parameters.values() if p.name != "session"]

        def run(**values: Any) -> None:
            session = Session(Options(**{name: values.pop(name) for name in shared}))
            try:
                status = body(session, **values)
                if not status and session.options.exit_code and session.changed:
                    status = 5
            except ConflictError as error:
                error.timezone = session.timezone
                raise
            finally:
                session.close()
            if status:
                raise typer.Exit(status)

        kind = inspect.Parameter.KEYWORD_ONLY
        added = [inspect.Parameter(n, kind, default=d, annotation=a) for n, (a, d) in shared.items()]
        parameters = [*(p.replace(kind=kind) for p in own), *added]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        run.__name__ = body.__name__
        run.__doc__ = body.__doc__
        return run

    return wrap
