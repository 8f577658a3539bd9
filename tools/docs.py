"""Reference pages, written from the program itself, so that they cannot tell another story.

python tools/docs.py           write docs/reference/
python tools/docs.py --check   name the pages that are out of step, status 1 if there are any
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from infusion_cli.cli.app import command_tree
from infusion_cli.config import ENVIRONMENT
from infusion_cli.domain.rules import CATALOGUE
from infusion_cli.errors import STATUS_MEANING

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"


class Entry(NamedTuple):
    """One command as the page shows it; arguments and options are (how it is typed, what it does)."""

    title: str
    usage: str
    help: str
    arguments: list[tuple[str, str]]
    options: list[tuple[str, str]]


def cell(text: str) -> str:
    """The text as one cell of a Markdown table: what would end the cell or open a tag is escaped."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    parts[::2] = [part.replace("<", "\\<") for part in parts[::2]]
    return "`".join(parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *([cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(title: str, source: str, *blocks: str) -> str:
    """A page under its title, with a note for those who would edit it by hand."""
    note = f"<!-- Written by `make docs` from {source}: change it there. -->"
    return "\n\n".join([f"# {title}", note, *(block for block in blocks if block)]) + "\n"


def entry_of(words: Sequence[str], command: Any) -> Entry:
    """What the command says about itself; hidden parameters and `--help` are left out."""
    title = " ".join(["infusion", *words])
    context = command.context_class(command, info_name=title, **command.context_settings)
    usage = " ".join([title, *command.collect_usage_pieces(context)])
    records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            records[parameter.param_type_name].append((f"`{record[0]}`", record[1]))
    text = (command.help or "").partition("\f")[0].replace("\b\n", "").strip()
    return Entry(title, usage, text, records["argument"], records["option"])


def shared_options(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """The options that every command has with the same meaning, in the order of the first command."""
    first, *others = entries
    return [option for option in first.options if all(option in entry.options for entry in others)]


def sections(entries: Sequence[Entry], shared: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The blocks of the page, command by command, without the shared options."""
    for entry in entries:
        yield f"## {entry.title}"
        yield entry.help
        yield f"```\n{entry.usage}\n```"
        if entry.arguments:
            yield table(["argument", ""], entry.arguments)
        own = [option for option in entry.options if option not in shared]
        if own:
            yield table(["option", ""], own)


def commands() -> str:
    """Every command with its usage, arguments, options and help."""
    entries = [entry_of(words, command) for words, command in command_tree() if words]
    shared = shared_options(entries)
    intro = [
        "`infusion COMMAND --help` says the same at the terminal.",
        f"Every command also takes:\n\n{table(['option', ''], shared)}" if shared else "",
    ]
    return page("Commands", "the command line", *intro, *sections(entries, shared))


def rules() -> str:
    """The catalogue of scheduling rules."""
    rows = [
        [f"`{r.id}`", r.severity, "yes" if r.overridable else "no" if r.severity == "hard" else "", r.summary, r.source]
        for r in CATALOGUE
    ]
    intro = (
        "A hard rule forbids a visit; where it is overridable, `--override RULE --reason TEXT` books it all the same. "
        "A soft rule warns, and the warning is recorded."
    )
    heads = ["rule", "severity", "overridable", "what it says", "source"]
    return page("Rules", "the catalogue in `domain/rules`", intro, table(heads, rows))


def exit_statuses() -> str:
    """What each exit status means."""
    rows = [[str(int(s)), s.name.lower().replace("_", " "), meaning] for s, meaning in STATUS_MEANING.items()]
    return page("Exit statuses", "`errors.py`", table(["status", "name", "when"], rows))


def environment() -> str:
    """The environment variables that the program reads."""
    rows = [[f"`{name}`", meaning] for name, meaning in ENVIRONMENT]
    intro = "An option on the command line goes before a variable, a variable before the settings file."
    return page("Environment", "`config.py`", intro, table(["variable", "meaning"], rows))


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "rules.md": rules,
    "exit-statuses.md": exit_statuses,
    "environment.md": environment,
}


def out_of_step(folder: Path) -> list[str]:
    """Names of the pages in the folder that are missing or not what the program says now."""
    return [
        name
        for name, write in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != write()
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with `--check` compare them; 0 when in step, 1 when not, 2 for anything else."""
    if list(arguments) == ["--check"]:
        stale = out_of_step(FOLDER)
        for name in stale:
            print(f"docs/reference/{name} is out of step with the program. Try: make docs", file=sys.stderr)
        return 1 if stale else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
