"""What holds for every file of the repository, and for every module, class and function of the sources."""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "src" / "infusion_cli"
GENERATED = PACKAGE / "store" / "compiled.py"
SOURCES = sorted(PACKAGE.rglob("*.py"))

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def text_rules(folder: Path) -> tuple[int, str]:
    """Status and findings of the check `text` on a repository."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "text_rules.py", folder],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stderr


def repository(folder: Path, name: str, text: str) -> Path:
    """A new repository with one file in it, not yet added."""
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def public_definitions(tree: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node)


def lines(node: Definition) -> int:
    """Lines from the first line of the definition to its last."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def functions() -> Iterator[tuple[str, Definition]]:
    """(where it stands, its tree) of every function that somebody wrote, nested ones too."""
    for path in SOURCES:
        if path != GENERATED:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno} {node.name}", node


def test_no_file_of_the_repository_breaks_a_text_rule() -> None:
    assert text_rules(ROOT) == (0, "")


@pytest.mark.parametrize(
    "parts",
    [
        ("https://py", "pi.org/simple"),
        ("https://files.python", "hosted.org/packages/a.whl"),
        ("https://registry.npm", "js.org/left-pad"),
        ("see /wo", "rk/main"),
        ("see /ro", "ot/notes"),
        ("see /ho", "me/ada/notes"),
        ("see C:\\Us", "ers\\ada"),
        ("<<<<", "<<< HEAD"),
    ],
)
def test_a_registry_address_or_a_path_of_one_machine_is_found(tmp_path: Path, parts: tuple[str, str]) -> None:
    status, found = text_rules(repository(tmp_path, "notes.md", "first line\n" + "".join(parts) + "\n"))
    assert status == 1
    assert found.startswith("notes.md:2: ")


def test_harmless_text_is_not_found(tmp_path: Path) -> None:
    text = "homework/1, artwork/2, ~/work/3, https://example.org/home/page\n"
    assert text_rules(repository(tmp_path, "notes.md", text)) == (0, "")


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "--find-links wheels",
        "rich @ https://example.org/rich.whl \\",
        "rich>=15 \\",
        "rich",
    ],
)
def test_a_lock_with_anything_but_names_versions_and_hashes_is_found(tmp_path: Path, line: str) -> None:
    text = f"typer==0.29.2 ; sys_platform == 'win32' \\\n    --hash=sha256:{'0' * 64}\n{line}\n"
    status, found = text_rules(repository(tmp_path, "requirements.lock", text))
    assert (status, found) == (1, "requirements.lock:3: a lock holds names, versions and hashes only\n")


def test_no_source_file_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES if path != GENERATED}
    assert lengths
    assert {path.name: length for path, length in lengths.items() if length > 400} == {}


def test_no_function_is_longer_than_60_lines_and_half_of_them_are_short() -> None:
    lengths = {where: lines(node) for where, node in functions()}
    assert {where: length for where, length in lengths.items() if length > 60} == {}
    assert statistics.median(lengths.values()) < 10


def test_public_functions_and_classes_of_domain_and_services_say_what_they_do() -> None:
    silent, seen = [], 0
    for path in SOURCES:
        if path.relative_to(PACKAGE).parts[0] in {"domain", "services"}:
            for node in public_definitions(ast.parse(path.read_text(encoding="utf-8"))):
                seen += 1
                if not ast.get_docstring(node):
                    silent.append(f"{path.name}:{node.lineno} {node.name}")
    assert seen > 0
    assert silent == []


def test_every_module_can_be_imported_alone() -> None:
    # Alembic runs the migrations' files; nobody imports them.
    modules = [path for path in SOURCES if "migrations" not in path.parts]
    names = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in modules]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def complaint(name: str) -> str:
        command = [sys.executable, "-W", "error", "-c", f"import {name.removesuffix('.__init__')}"]
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
        return f"{name}: {done.stderr}" if done.returncode else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert "".join(pool.map(complaint, names)) == ""
