"""What a patient was told and the instant behind it: the law of a zone may change between the two."""

from __future__ import annotations

from datetime import datetime

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic_time import forgiving_instant, wall_text, zone

AWAITED = ("proposed", "pending", "booked", "arrived")
"""Visits that somebody still waits for; what is over stays at the instant at which it happened."""


def begins_as_told(visit: Appointment) -> bool:
    """Whether the visit begins when the clock of its zone shows what the patient was told; not in an unknown zone."""
    try:
        return wall_text(visit.start, zone(visit.zone)) == visit.wall or as_told(visit) == visit
    except (KeyError, ValueError):
        return False


def as_told(visit: Appointment) -> Appointment:
    """The visit at its wall time, as long as before.

    A wall time that the clock now skips is read with the offset before the gap, one that it shows
    twice as the first (RFC 5545, 3.3.5). Raises KeyError or ValueError for an unknown zone.
    """
    wall = datetime.fromisoformat(visit.wall)
    start = forgiving_instant(wall.date(), wall.hour * 60 + wall.minute, zone(visit.zone))
    later = start - visit.start
    return visit._replace(start=start, end=visit.end + later, leave=visit.leave + later)
