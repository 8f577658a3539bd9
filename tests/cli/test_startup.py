"""Every command is its own process: what an everyday command imports is what it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cli.desk import YARA, Desk
from torture.figures import record

SLOW = {
    "sqlmodel",
    "sqlalchemy",
    "alembic",
    "icalendar",
    "pydantic",
    "pydantic_core",
    "rich",
    "dateutil",
    "email",
    "smtplib",
    "ssl",
    "httpx",
    "defusedxml",
    "xml",
}
"""None of these is needed to answer a piped everyday command."""
LOADED = """
import json, sys
from infusion_cli.cli.app import run
status = run(sys.argv[1:])
sys.stdout.flush()
print(json.dumps([status, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


def loaded(*words: str) -> tuple[int, set[str]]:
    """The status of a command in a process of its own, and the top-level modules that it loaded."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True)
    status, names = json.loads(done.stderr.splitlines()[-1])
    return status, set(names)


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("book", "--help"),
        ("list",),
        ("today", "tue"),
        ("show", YARA),
        ("slots", "find", "iv-mood"),
        ("series", "plan", YARA, "iv-mood", "--json"),
        ("book", YARA, "iv-mood", "tue 9am"),
        ("batch", "apply", "b.csv"),
        ("patients", "list", "--format", "csv"),
    ],
    ids=" ".join,
)
def test_an_everyday_command_loads_nothing_slow(desk: Desk, words: tuple[str, ...]) -> None:
    desk.file("b.csv", "action,patient,protocol,when\nbook,M1003,iv-mood,2026-11-24T12:00\n")
    status, names = loaded(*words)
    assert status == 0
    assert "infusion_cli" in names
    record("start-up", "SQLite", commands=1, slow=len(names & SLOW))
    assert names & SLOW == set()


def test_a_refusal_loads_nothing_slow_either(desk: Desk) -> None:
    status, names = loaded("book", YARA, "iv-mood", "2026-11-26 9:00")
    assert (status, names & SLOW) == (4, set())


def test_help_loads_neither_the_store_nor_the_domain() -> None:
    script = LOADED.replace('if "." not in name', 'if name.startswith("infusion_cli.")')
    done = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True)
    names = set(json.loads(done.stderr.splitlines()[-1])[1])
    assert names == {
        "infusion_cli.cli",
        "infusion_cli.cli.app",
        "infusion_cli.cli.commands",
        "infusion_cli.cli.tree",
        "infusion_cli.errors",
    }


def test_control_the_tables_do_load_what_is_slow() -> None:
    script = "import sys, infusion_cli.store.tables; print('sqlmodel' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_control_colour_does_load_rich(desk: Desk) -> None:
    desk.setenv(FORCE_COLOR="1", TERM="xterm")
    assert "rich" in loaded("list")[1]
