"""How long the torture is to be, and what it found, for whoever writes the report.

`INFUSION_TORTURE=full` is the long form, `release` the longest; without it the same is shown less often.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

FORM = os.environ.get("INFUSION_TORTURE", "short")
RELEASE = FORM == "release"
FULL = RELEASE or FORM == "full"


def record(test: str, engine: str, **figures: object) -> None:
    """Keep a test's figures as a line of JSON in the file that INFUSION_FIGURES names; tell them in the long form."""
    line = json.dumps({"test": test, "engine": engine, "form": FORM, **figures})
    if file := os.environ.get("INFUSION_FIGURES"):
        # One write at the end of the file: several processes may have something to tell.
        with Path(file).open("a", encoding="utf-8") as told:
            told.write(f"{line}\n")
    if FULL:
        print(line)
