"""A desk that takes the write lock, writes something, says so and never ends: `python -m torture.holder BOOK`."""

from __future__ import annotations

import sys
import time

from races.harbor import NOW
from torture import books

from infusion_cli.domain.plan import change
from infusion_cli.services.ports import Entry

PHONE = "555 0100"
"""What it writes and never commits."""


def main(where: str) -> None:
    """Hold the lock until killed."""
    with books.opened(where) as store, store.writing(NOW) as writer:
        patient = writer.patients()[0]
        writer.write(Entry("patients edit", "holder", [change(patient, patient._replace(phone=PHONE))]))
        print("held", flush=True)
        time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1])
