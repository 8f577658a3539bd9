"""A calendar at the terminal (khal), which shows what has arrived, on a clock of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from calendar_servers import Entry, Shelf

# A configuration as its own first-run question writes it, with another clock.
_CONFIG = """
[calendars]
[[shared]]
path = {folder}/vdir
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
default_timezone = {zone}
local_timezone = {zone}
[sqlite]
path = {folder}/cache.db
"""


class Khal:
    """Somebody who looks at a calendar on a clock of their own."""

    def __init__(self, folder: Path, zone: str) -> None:
        self.folder = folder
        self.zone = ZoneInfo(zone)
        (folder / "vdir").mkdir(parents=True)
        (folder / "config").write_text(_CONFIG.format(folder=folder, zone=zone), encoding="utf-8")

    def fetch(self, shelf: Shelf) -> None:
        """Make the folder what the server holds, one file for each entry, as vdirsyncer does."""
        for path in (self.folder / "vdir").glob("*.ics"):
            path.unlink()
        for name, octets in shelf.octets().items():
            (self.folder / "vdir" / name).write_bytes(octets)

    def take(self, path: Path) -> None:
        """Import a file."""
        self._run("import", "--batch", "-a", "shared", str(path))

    def list(self, first: str, days: int = 400) -> list[str]:
        """What it shows from a day on: start, end, title and status of each entry."""
        form = "{start-long-full}|{end-long-full}|{title}|{status}"
        shown = self._run("list", "--once", "--day-format", "", "--format", form, first, f"{days}d")
        return sorted(line.strip() for line in shown.splitlines() if line.strip())

    def line(self, entry: Entry) -> str:
        """How it should show an entry."""
        start, end = (datetime.fromtimestamp(i, self.zone).strftime("%Y-%m-%d %H:%M") for i in entry[:2])
        return f"{start}|{end}|{entry.summary}|{entry.status}"

    def _run(self, *words: str) -> str:
        home = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        code = "from khal.cli import main_khal; main_khal()"
        done = subprocess.run(
            [sys.executable, "-c", code, "--no-color", "-c", str(self.folder / "config"), *words],
            env={**os.environ, **home, "TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "200"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
