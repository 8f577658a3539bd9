"""Each forbidden import, planted in a copy of the sources, is caught by the check that `make check` runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources and of everything that the import rules are made of."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignore)
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", ".importlinter", "tools/check.py"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def check(copy: Path, *names: str) -> tuple[int, str]:
    """Status and output of the named checks, run on the copy."""
    done = subprocess.run(
        [sys.executable, "tools/check.py", *names],
        cwd=copy,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def plant(copy: Path, module: str, statement: str, use: str) -> None:
    """A new module, flawless but for the one import."""
    path = copy.joinpath("src", "infusion_cli", *module.split(".")).with_suffix(".py")
    path.write_text(f'"""Planted."""\n\n{statement}\n\nUSED = {use}\n', encoding="utf-8")


def test_the_sources_as_they_are_pass_both_checks(copy: Path) -> None:
    status, output = check(copy, "imports", "lint")
    assert status == 0, output


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("domain.planted", "sqlite3"),
        ("domain.planted", "typer"),
        ("domain.planted", "time"),
        ("domain.planted", "infusion_cli.services.ports"),
        ("services.planted", "infusion_cli.store"),
        ("services.planted", "infusion_cli.formats"),
        ("formats.planted", "infusion_cli.store"),
        ("store.planted", "infusion_cli.cli"),
        ("caldav.planted", "infusion_cli.formats.busy"),
        ("caldav.planted", "infusion_cli.services.busy"),
        ("mail.planted", "httpx"),
        ("services.planted", "defusedxml"),
        ("store.planted", "rich"),
        ("cli.planted", "sqlmodel"),
    ],
)
def test_an_import_against_the_layers_is_named(copy: Path, module: str, imported: str) -> None:
    plant(copy, module, f"import {imported}", imported)
    status, output = check(copy, "imports")
    assert status == 1
    assert f"infusion_cli.{module} -> {imported}" in " ".join(output.split())


@pytest.mark.parametrize(
    ("module", "statement", "use"),
    [
        ("cli.planted", "import rich", "rich"),
        ("cli.planted", "from rich.table import Table", "Table"),
        ("formats.planted", "import icalendar", "icalendar"),
        ("formats.planted", "from dateutil import rrule", "rrule"),
        ("store.planted", "import sqlalchemy", "sqlalchemy"),
        ("services.planted", "import dataclasses", "dataclasses"),
        ("mail.planted", "import httpx", "httpx"),
    ],
)
def test_a_slow_import_at_module_level_is_named(copy: Path, module: str, statement: str, use: str) -> None:
    plant(copy, module, statement, use)
    status, output = check(copy, "lint")
    assert status == 1
    assert "planted.py:3" in output
    assert "TID253" in output


def test_a_slow_import_inside_a_function_passes(copy: Path) -> None:
    path = copy / "src" / "infusion_cli" / "cli" / "planted.py"
    path.write_text(
        '"""Planted."""\n\n\ndef width() -> int:\n    """The width of the screen in characters."""\n'
        "    from rich.console import Console\n\n    return Console().width\n",
        encoding="utf-8",
    )
    status, output = check(copy, "imports", "lint")
    assert status == 0, output
