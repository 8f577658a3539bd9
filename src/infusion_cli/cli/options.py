"""Typer's declarations, thin: a command's body is a plain function of plain text and switches."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from infusion_cli.cli import complete
from infusion_cli.cli.commands import words_of
from infusion_cli.cli.session import Options, Session
from infusion_cli.errors import AmbiguousError, ConflictError, ExitStatus, NotFoundError

Body = Callable[..., int | None]


def option(*names: str, help: str, metavar: str | None = None, completion: Callable[..., Any] | None = None) -> Any:  # noqa: A002
    """An option or a switch; its type and default stand in the body's signature."""
    return typer.Option(*names, help=help, metavar=metavar, autocompletion=completion, show_default=False)


def argument(metavar: str, help: str, completion: Callable[..., Any] | None = None) -> Any:  # noqa: A002
    """A positional argument, optional when the body's parameter has a default."""
    return typer.Argument(metavar=metavar, help=help, autocompletion=completion, show_default=False)


COMMON: dict[str, Any] = {
    "patient": argument("PATIENT", "An id, an MRN, or a name that fits one patient only."),
    "protocol": argument("PROTOCOL", "A protocol of the clinic.", complete.protocols),
    "when": argument("WHEN", "2026-12-01T09:00, '1 dec 9:00', 'tue 9am', 'tomorrow 14:30', '+3d 9:00'."),
    "appt": argument("APPT", "A visit's id."),
    "chair": option("--chair", help="A chair, by id or name.", metavar="C", completion=complete.chairs),
    "from_": option("--from", help="The first day, included.", metavar="DATE"),
    "to": option("--to", help="The last day, included.", metavar="DATE"),
    "between": option("--between", help="Starts between these times, both included.", metavar="9:00-12:00"),
    "weekdays": option("--weekdays", help="Only on these weekdays.", metavar="mon,wed"),
    "reason": option("--reason", help="Why.", metavar="TEXT"),
    "output": option("--output", "-o", help="Write to this file; - is stdout.", metavar="FILE"),
    "limit": option("--limit", help="At most so many.", metavar="N"),
}
"""Declarations by the name of the parameter, the same in every command."""

OF_PATIENT = option("--patient", help="Only this patient's.", metavar="P")

SHARED: dict[str, tuple[Any, Any, Any]] = {
    "db": (str, option("--db", help="The book's path or address (INFUSION_DB).", metavar="PATH-OR-URL"), ""),
    "format": (str, option("--format", help="table, json, jsonl or csv.", metavar="FORM"), ""),
    "json": (bool, option("--json", help="Short for --format json."), False),
    "quiet": (bool, option("--quiet", "-q", help="Print data and errors only."), False),
    "no_color": (bool, option("--no-color", help="No colour."), False),
}
WRITING: dict[str, tuple[Any, Any, Any]] = {
    "dry_run": (bool, option("--dry-run", "-n", help="Do it, show it, roll it back."), False),
    "exit_code": (bool, option("--exit-code", help="End with 5 when there was something to change."), False),
    "yes": (bool, option("--yes", "-y", help="Do not ask."), False),
    "key": (str, option("--key", help="The same key again gives the first answer.", metavar="K"), ""),
}


def command(*, writes: bool = False, **declared: Any) -> Callable[[Body], Callable[..., None]]:
    """Make a Typer command of a plain function `body(session, …)`.

    Each parameter is declared by `declared` or, by its name, in `COMMON`; the options that every
    command has are added here. What the body returns is the exit status, 0 without.
    """

    def wrap(body: Body) -> Callable[..., None]:
        called = f"{body.__module__.rpartition('.')[2]}:{body.__name__}"
        own = [p for p in inspect.signature(body).parameters.values() if p.name != "session"]
        shared = SHARED | WRITING if writes else SHARED
        if any(p.name == "output" for p in own):  # replacing a file is asked for too
            shared = shared | {"yes": WRITING["yes"]}
        parameters = [_parameter(p.name, _kind(p), declared.get(p.name, COMMON.get(p.name)), p.default) for p in own]
        parameters += [_parameter(name, *rest) for name, rest in shared.items()]

        def run(**values: Any) -> None:
            given = Options(**{name: values.pop(name) for name in shared})
            session = Session(given, writes=writes, command=words_of(called))
            status = _carry_out(body, session, values)
            if status:
                raise typer.Exit(status)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        run.__name__, run.__doc__ = body.__name__, body.__doc__
        return run

    return wrap


def _carry_out(body: Body, session: Session, values: dict[str, Any]) -> int | None:
    try:
        status = body(session, **values)
        session.back_up_if_due()
    except (AmbiguousError, NotFoundError) as error:
        session.saw(person for person, _ in error.candidates)
        raise
    except ConflictError as error:
        error.timezone = session.timezone
        raise
    finally:
        session.close()
    if not status and session.options.exit_code and session.changed:
        return ExitStatus.CHANGES
    return status


def _kind(parameter: inspect.Parameter) -> Any:
    """The body's annotation (text, as modules postpone them) as Typer's type."""
    return {"str": str, "str | None": str | None, "bool": bool, "Sequence[str]": list[str]}[parameter.annotation]


def _parameter(name: str, kind: Any, declaration: Any, default: Any) -> inspect.Parameter:
    shown = [] if default == () else default
    annotation = Annotated[kind, declaration]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=shown, annotation=annotation)
