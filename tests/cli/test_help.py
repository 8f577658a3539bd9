"""Every command and every option explains itself."""

from __future__ import annotations

from typing import Any

import pytest
from cli.desk import Desk

from infusion_cli import __version__
from infusion_cli.cli.app import command_tree
from infusion_cli.cli.commands import DAILY, GROUPS

LINES: dict[tuple[str, ...], str] = {(e.name,): e.help for panel in DAILY for e in panel.entries}
LINES |= {(name, e.name): e.help for name, _, entries in GROUPS for e in entries}
COMMANDS = dict(command_tree())
SHARED = {"--db", "--format", "--json", "--quiet", "--no-color"}
WRITING = {"--dry-run", "--exit-code", "--yes", "--key"}
WRITE = {
    *((name,) for name in ("book", "move", "cancel", "confirm", "arrive", "start", "finish", "no-show")),
    *((name,) for name in ("undo", "apply", "init")),
    *(("slots", name) for name in ("open", "block", "unblock")),
    *(("patients", name) for name in ("add", "edit", "import", "record", "forget")),
    ("series", "book"),
    ("clinic", "apply"),
    ("batch", "apply"),
    *(("ical", name) for name in ("push", "import", "send")),
    ("fhir", "import"),
    *(("db", name) for name in ("backup", "restore", "copy", "migrate")),
}


def options(words: tuple[str, ...]) -> dict[str, Any]:
    """The options of a command by their long names."""
    return {p.opts[0]: p for p in COMMANDS[words].params if p.opts[0].startswith("--")}


def test_the_tree_and_the_list_of_commands_are_the_same() -> None:
    assert list(COMMANDS) == list(LINES)


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_command_explains_itself(desk: Desk, words: tuple[str, ...]) -> None:
    text = desk.say(*words, "--help")
    assert text == desk.say(*words, "-h")
    assert text.startswith(f"Usage: infusion {' '.join(words)} ")
    docstring = (COMMANDS[words].help or "").strip()
    assert docstring
    assert docstring.splitlines()[0] == LINES[words]
    for parameter in COMMANDS[words].params:
        assert getattr(parameter, "help", ""), parameter.name
        assert parameter.opts[-1] in text or str(parameter.metavar) in text


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_the_options_that_every_command_has(words: tuple[str, ...]) -> None:
    found = set(options(words))
    assert found >= SHARED
    assert (found >= WRITING) == (words in WRITE)
    assert "--yes" in found or "--output" not in found


def test_the_help_of_the_program_lists_every_command(desk: Desk) -> None:
    text = " ".join(desk.say("--help").split())
    for words, line in LINES.items():
        if len(words) == 1:
            assert f"{words[0]} {line}" in text
    for name, line, entries in GROUPS:
        assert f"{name} {line}" in text
        group = " ".join(desk.say(name, "--help").split())
        for entry in entries:
            assert f"{entry.name} {entry.help}" in group


def test_no_command_at_all_shows_the_help_on_stderr(desk: Desk) -> None:
    answer = desk.type()
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == desk.say("--help")
    group = desk.type("slots")
    assert (group.status, group.out, group.err) == (2, "", desk.say("slots", "--help"))


def test_the_version(desk: Desk) -> None:
    assert desk.say("--version") == f"infusion {__version__}\n"
