"""The command tree on Typer, built lazily: a command's module loads when the command is called."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from infusion_cli import __version__
from infusion_cli.cli.commands import DAILY, GROUPS, Entry
from infusion_cli.errors import InfusionError, UsageError

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _AsTyped:
    """Gives a parameter's text through as typed.

    Our own parsers read it, with our own words; Typer's would load pydantic, 70 ms a command.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002  Typer's signature
        """The value, an empty tuple for a repeatable option that was not given."""
        if value is None and (param.multiple or param.nargs == -1):
            return ()
        return value


def _keep_as_typed(params: list[Any]) -> list[Any]:
    for param in params:
        param._runtime_param = _AsTyped()  # noqa: SLF001  no public way; held by the test of what is imported
    return params


class PlainCommand(TyperCommand):
    """A command whose parameters stay text and switches."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, `--help` included."""
        return _keep_as_typed(super().get_params(ctx))


class LazyGroup(TyperGroup):
    """A group whose commands are only names and help until one is called."""

    def __init__(self, entries: tuple[Entry, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self.entries = {entry.name: entry for entry in entries}
        for entry in entries:
            self.commands[entry.name] = TyperCommand(entry.name, help=entry.help, rich_markup_mode=None)

    def get_params(self, ctx: Any) -> list[Any]:
        """The group's own parameters, kept as typed."""
        return _keep_as_typed(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name and load it."""
        name, found, rest = super().resolve_command(ctx, args)
        if name in self.entries:
            found = self.load(name)
        return name, found, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  Typer's signature
        """The list of commands, each with its whole line."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in self.entries.values()])

    def load(self, name: str) -> TyperCommand:
        """The command itself, its module imported."""
        module, function = self.entries[name].target.split(":")
        one = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)
        one.command(name, cls=PlainCommand)(getattr(import_module(f"infusion_cli.cli.{module}"), function))
        loaded = typer.main.get_command(one)
        loaded.name = name
        if not isinstance(loaded, TyperCommand):
            raise TypeError(name)
        return loaded


class Root(LazyGroup):
    """The program itself: daily verbs under their headings, then the nouns."""

    def __init__(self, **options: Any) -> None:
        super().__init__(entries=tuple(e for panel in DAILY for e in panel.entries), **options)
        for name, help_, entries in GROUPS:
            self.commands[name] = LazyGroup(
                entries, name=name, help=help_, no_args_is_help=True, rich_markup_mode=None, context_settings=SETTINGS
            )

    def run(self, args: list[str]) -> Any:
        """Run a command line and give what its command returned, or the status it left with.

        Typer's own `main` would keep Ctrl-C and a closed pipe to itself.
        """
        self._main_shell_completion({}, "infusion")
        try:
            with self.make_context("infusion", args) as ctx:
                return self.invoke(ctx)
        except typer.Exit as left:
            return left.exit_code

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  Typer's signature
        """The list of commands, parted by what they are for."""
        panels = [(panel.title, [(e.name, e.help) for e in panel.entries]) for panel in DAILY]
        panels.append(("By noun", [(name, help_) for name, help_, _ in GROUPS]))
        for title, rows in panels:
            with formatter.section(title):
                formatter.write_dl(rows)


def root() -> Root:
    """The whole tree, its commands not loaded yet."""
    app = typer.Typer(cls=Root, no_args_is_help=True, rich_markup_mode=None, context_settings=SETTINGS)
    app.callback()(_root)
    built = typer.main.get_command(app)
    if not isinstance(built, Root):
        raise TypeError(type(built))
    return built


def all_commands() -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command with its words, all of them loaded."""
    top = root()
    for panel in DAILY:
        for entry in panel.entries:
            yield (entry.name,), top.load(entry.name)
    for name, _, entries in GROUPS:
        for entry in entries:
            yield (name, entry.name), top.commands[name].load(entry.name)  # type: ignore[attr-defined]


def usage_error(error: typer.TyperException) -> InfusionError:
    """Typer's complaint about the command line as one of ours."""
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return UsageError(ctx.get_help() if ctx else "", "")
    path = ctx.command_path if ctx else "infusion"
    message = error.format_message().rstrip(".")
    return UsageError(message if message.endswith("?") else f"{message}.", f"{path} --help")


def _show_version(wanted: bool) -> None:  # noqa: FBT001  Typer calls it so
    if wanted:
        typer.echo(f"infusion {__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="The version, and nothing else.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Infusion slots, patient bookings and series for ketamine and esketamine clinics.

    infusion demo shows it on a made-up clinic; infusion init creates a book of your own.
    """
