"""Rules for the text of every file that is, or is about to be, in the repository.

No address of a package registry, no path of somebody's machine, and a lock of nothing but names,
versions and hashes: a clone must mean the same everywhere.

    python tools/text_rules.py [FOLDER]

One line per finding on stderr as `file:line: what`, status 1; nothing found, status 0.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# One letter of each stands in brackets, so that this file keeps the rules that it states.
_HOSTS = [
    r"p[y]pi\.(?:org|python\.org)",
    r"files\.p[y]thonhosted\.org",
    r"registry\.n[p]mjs\.(?:org|com)",
    r"registry\.y[a]rnpkg\.com",
    r"(?:static|index)\.c[r]ates\.io",
    r"proxy\.g[o]lang\.org",
    r"conda\.a[n]aconda\.org",
]
_PATHS = [r"/w[o]rk/", r"/r[o]ot/", r"/h[o]me/[A-Za-z0-9._-]+", r"/U[s]ers/[A-Za-z0-9._-]+", r"[A-Z]:\\U[s]ers\\"]

RULES: list[tuple[re.Pattern[str], str]] = [
    (re.compile("|".join(_HOSTS), re.IGNORECASE), "address of a package registry"),
    (re.compile(rf"(?<![\w.~-])(?:{'|'.join(_PATHS)})"), "path of one machine"),
    (re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE), "mark of an unfinished merge"),
]
_LOCK_LINE = re.compile(
    r"""
    \A(?:
        (?P<pin>[a-z0-9][a-z0-9._-]*==[A-Za-z0-9.+!]+(?:\ ;\ [^@:]+)?\ \\)
      | \ {4}--hash=sha256:[0-9a-f]{64}(?:\ \\)?
      | (?:\#[^/]*)?
    )\Z
    """,
    re.VERBOSE,
)


def files(root: Path) -> list[Path]:
    """Every file of the repository at `root` and every new one that is not ignored, by path."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"The text rules are checked on what git lists, and git does not list {root}.")
    listed = done.stdout.decode()
    paths = sorted({root / name for name in listed.split("\0") if name})
    return [path for path in paths if path.is_file()]


def findings_in_text(text: str) -> list[tuple[int, str]]:
    """(line number, what is wrong) for each place where the text breaks a rule."""
    return sorted((text.count("\n", 0, hit.start()) + 1, what) for rule, what in RULES for hit in rule.finditer(text))


def findings_in_lock(text: str) -> list[tuple[int, str]]:
    """(line number, what is wrong) for each line of a lock that is no pin with a version and no hash."""
    what = "a lock holds names, versions and hashes only"
    return [(n, what) for n, line in enumerate(text.splitlines(), 1) if not _LOCK_LINE.match(line)]


def findings(root: Path) -> list[str]:
    """`file:line: what` for every rule that a text file of the repository breaks."""
    found = []
    for path in files(root):
        content = path.read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", "replace")
        hits = findings_in_text(text) + (findings_in_lock(text) if path.suffix == ".lock" else [])
        found += [f"{path.relative_to(root).as_posix()}:{line}: {what}" for line, what in hits]
    return found


def main(arguments: list[str]) -> int:
    """Print the findings of a repository; 0 when there are none, else 1."""
    found = findings(Path(arguments[0]) if arguments else ROOT)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
