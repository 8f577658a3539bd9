"""A clinic's book, made once and copied for every test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.desk import DATA, NOW, Desk

from infusion_cli.cli.app import run


@pytest.fixture(scope="session")
def harbor_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mixed clinic with its sixty patients."""
    path = tmp_path_factory.mktemp("harbor") / "book.sqlite3"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFUSION_NOW", NOW)
        patch.setenv("INFUSION_ACTOR", "desk")
        at = ("--db", str(path), "--quiet")
        assert run(["init", "--from", str(DATA / "harbor" / "clinic.toml"), *at]) == 0
        assert run(["patients", "import", str(DATA / "harbor" / "patients.csv"), *at]) == 0
    return path


@pytest.fixture
def empty_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk in an empty folder, without a book."""
    return Desk(tmp_path, monkeypatch, capsys)


@pytest.fixture
def desk(empty_desk: Desk, harbor_book: Path) -> Desk:
    """A desk at a copy of the mixed clinic's book: sixty patients, no visits."""
    shutil.copy(harbor_book, empty_desk.book)
    return empty_desk
