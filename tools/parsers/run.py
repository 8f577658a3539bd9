"""Every calendar file that the program writes, read by five readers that know nothing of each other.

    python tools/parsers/run.py

The program writes its files for clinics in many zones, around their changes of the clock; then
icalendar, vobject, ical.js (Thunderbird's), node-ical and libical (Evolution's, KDE's) each have to
find the same events in them: UID, start and end as instants, summary.

What is missing is installed: the readers of Node into a temporary folder, the others by the system's
package manager where there is apt-get and the right to use it. A reader that cannot be had is named.
Status 0 when all five found the same; 1 when one of them did not, or could not be had.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# An editable install may point at another copy: the sources of this one come first.
sys.path[:0] = [str(HERE.parent.parent / "src"), str(HERE)]

import libical  # noqa: E402
import vobject  # noqa: E402
import world  # noqa: E402
from icalendar import Calendar  # noqa: E402

Events = list[world.Event]
Reader = Callable[[list[Path]], Mapping[Path, Events]]


class CannotBeHadError(Exception):
    """A reader is not there and cannot be installed; its text says why."""


def with_icalendar(files: list[Path]) -> dict[Path, Events]:
    """Python's icalendar."""

    def read(path: Path) -> Events:
        calendar = Calendar.from_ical(path.read_bytes())
        return [(str(e["UID"]), _instant(e.start), _instant(e.end), str(e["SUMMARY"])) for e in calendar.events]

    return {path: read(path) for path in files}


def with_vobject(files: list[Path]) -> dict[Path, Events]:
    """Python's vobject, the reader of Radicale."""

    def read(number: int, path: Path) -> Events:
        # It keeps a zone under its name: with a new name in each file, each has to be read.
        text = re.sub(r"(?m)^(TZID:|DTSTART;TZID=|DTEND;TZID=)[\w/]+", rf"\1Place {number}", path.read_bytes().decode())
        calendar = vobject.readOne(text)
        return [
            (e.uid.value, _instant(e.dtstart.value), _instant(e.dtend.value), e.summary.value)
            for e in getattr(calendar, "vevent_list", [])
        ]

    return {path: read(number, path) for number, path in enumerate(files)}


def with_libical(files: list[Path]) -> dict[Path, Events]:
    """The reader of Evolution and KDE, in C."""
    if libical.library() is None:
        install_by_apt("libical3", "libical3t64")
        libical.library.cache_clear()
    if libical.library() is None:
        raise CannotBeHadError("there is no libical on this machine")
    return {path: libical.read(path) for path in files}


def with_node(name: str, modules: Path) -> Reader:
    """A reader of Node, from a folder that `npm` installed it into."""

    def read(files: list[Path]) -> dict[Path, Events]:
        install_by_npm(modules)
        words = ["node", "read.mjs", name, *map(str, files)]
        done = subprocess.run(words, cwd=modules, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stderr}")
        found: dict[str, list[list[Any]]] = json.loads(done.stdout)
        return {Path(path): [(e[0], int(e[1]), int(e[2]), e[3]) for e in events] for path, events in found.items()}

    return read


def install_by_apt(*names: str) -> None:
    """Install the first of the packages that there is, where this may be done."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise CannotBeHadError(f"install {names[0]} with the system's package manager")
    subprocess.run(["apt-get", "-qq", "update"], stdout=subprocess.DEVNULL, check=False)
    for name in names:
        words = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", name]
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return
    raise CannotBeHadError(f"apt-get cannot install {' or '.join(names)}")


def install_by_npm(modules: Path) -> None:
    """Install what `package.json` names into the folder, once."""
    if (modules / "node_modules").is_dir():
        return
    if not shutil.which("npm"):
        install_by_apt("npm")
    for name in ("package.json", "read.mjs"):
        shutil.copy(HERE / name, modules / name)
    words = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--silent"]
    if subprocess.run(words, cwd=modules, check=False).returncode:
        shutil.rmtree(modules / "node_modules", ignore_errors=True)
        raise CannotBeHadError("npm cannot install it")


def differences(expected: Mapping[Path, Events], found: Mapping[Path, Events]) -> Iterable[str]:
    """One line for each file in which a reader did not find what is there."""
    for path, events in expected.items():
        wrong = set(found[path]) ^ set(events)
        if wrong or len(found[path]) != len(events):
            example = min(wrong, default="one is there twice")
            yield f"    {path.parent.name}/{path.name}: {len(wrong)} differ, e.g. {example}"


def _instant(moment: Any) -> int:
    if moment.tzinfo is None:
        raise SystemExit(f"A time without a zone: {moment}")
    return int(moment.timestamp())


def main() -> int:
    """Write, read, compare; the exit status."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "node").mkdir()
        expected: dict[Path, Events] = {}
        for zone in world.ZONES:
            expected |= world.build(folder / zone.replace("/", "-"), zone).files
        events = sum(map(len, expected.values()))
        print(f"{len(expected)} files with {events} events in {len(world.ZONES)} zones.", flush=True)
        readers: dict[str, Reader] = {
            f"icalendar {version('icalendar')}": with_icalendar,
            f"vobject {version('vobject')}": with_vobject,
            "ical.js": with_node("ical.js", folder / "node"),
            "node-ical": with_node("node-ical", folder / "node"),
            "libical": with_libical,
        }
        failed = [reader for reader, read in readers.items() if not _agrees(reader, read, expected)]
    print(f"({time.perf_counter() - started:.0f} s)")
    return 1 if failed else 0


def _agrees(name: str, read: Reader, expected: Mapping[Path, Events]) -> bool:
    try:
        found = read(list(expected))
    except CannotBeHadError as error:
        print(f"{name}: cannot be had, {error}", flush=True)
        return False
    wrong = list(differences(expected, found))
    print(f"{name}: {'the same' if not wrong else f'{len(wrong)} files differ'}", *wrong, sep="\n", flush=True)
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
