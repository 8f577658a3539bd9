"""Everything that must hold before a change is merged, each check by name, on every platform.

    python tools/check.py               all of them
    python tools/check.py lint imports  some of them

All checks run even if one fails; the last lines name those that did, and the status is 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

CHECKS: dict[str, list[str]] = {
    "lint": [PYTHON, "-m", "ruff", "check", "--quiet", "--output-format", "concise"],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet"],
    "types": [PYTHON, "-m", "mypy", "--no-error-summary"],
    "imports": [PYTHON, "-c", LINT_IMPORTS, "--no-logo"],
    "docs": [PYTHON, "tools/docs.py", "--check"],
    "text": [PYTHON, "tools/text_rules.py"],
}


def run(name: str) -> bool:
    """Run one check from the top of the project on the sources beside this file; True when it holds."""
    # An editable install may point at another copy: the sources beside this file come first.
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    started = time.perf_counter()
    done = subprocess.run(CHECKS[name], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name}: {verdict} ({time.perf_counter() - started:.1f} s)", flush=True)
    return done.returncode == 0


def main(names: list[str]) -> int:
    """Run the named checks, or all; 0 when all hold, 1 when one does not, 2 for an unknown name."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"No such check: {', '.join(unknown)}. There are: {', '.join(CHECKS)}.", file=sys.stderr)
        return 2
    failed = [name for name in names or CHECKS if not run(name)]
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
