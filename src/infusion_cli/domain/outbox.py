"""What a patient still has to be told of a visit, and what becomes of a message about it.

There is no queue: the message that is due follows from the visit as it is and from the newest message
about it. So whatever happened in between is told at once, what was taken back before anybody heard of
it is never told, and what the patient does not see is not either.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import NamedTuple

from infusion_cli.domain.book import Appointment
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.plan import CALENDAR_STATUS, stands
from infusion_cli.domain.wording import told_of

BACK_OFF = (60, 300, 1800, 7200, 28_800, 86_400)
"""Seconds to wait after each try that may be repeated; after one more the message has failed."""
LEASE = 300
"""Seconds for which a message belongs to who is sending it: longer than a mail server may take."""
_UNANSWERED = "the program ended before the answer"
"""What stands beside a message as long as nothing else is known of it."""
_DIGITS = 12
"""Hexadecimal digits of a digest in a Message-ID."""


class Told(NamedTuple):
    """The newest message to a patient about a visit; instants in seconds since 1970 UTC."""

    visit: str
    sequence: int
    method: str
    """`REQUEST` or `CANCEL`."""
    message_id: str
    state: str
    """`waiting`, `sent` or `failed`."""
    tries: int
    at: int
    """When a message about the visit last reached the patient, or may have; 0 while none has."""
    next_at: int
    error: str = ""
    """What kept it from being sent, in words that name nobody."""

    @property
    def words(self) -> str:
        """The digest of what it says, as `words_of` gives it; empty for a message whose id has none."""
        found = re.search(rf"\.{self.sequence}\.([0-9a-f]{{{_DIGITS}}})@", self.message_id)
        return found[1] if found else ""


class Delivery(NamedTuple):
    """What became of one try.

    `result` is `sent`, `later`, `never`, `unclear` when it was refused for good for what may be no fault of
    the recipient's, or `doubt` when the answer was lost.
    """

    result: str
    error: str = ""


def words_of(clinic: Clinic, visit: Appointment, email: str) -> str:
    """A digest of what the patient reads of a visit, and where: equal as long as there is no news for them."""
    standing = CALENDAR_STATUS.get(visit.status, "CANCELLED")
    read = [email, clinic.timezone, visit.start, visit.leave, standing, *told_of(clinic, visit.protocol)]
    return hashlib.sha256(json.dumps(read).encode()).hexdigest()[:_DIGITS]


def message_id(visit: Appointment, words: str, domain: str) -> str:
    """A Message-ID of the calendar's UID, the revision and what is said: the same whenever just that is told."""
    return f"<{visit.uid.partition('@')[0]}.{visit.sequence}.{words}@{domain}>"


def wanted(visit: Appointment, told: Told | None, now: int, words: str = "") -> str | None:
    """`REQUEST`, `CANCEL` or None: what the patient has not been told yet of the visit as it is.

    A booked visit is told. What once was told is kept true: a later revision is told when it says
    something else (`words` as `words_of` gives it; without, every revision does), and a visit that no
    longer stands is withdrawn.

    All that ends when the visit begins, at the time that stands in the book: who missed it, or sat
    through it, has nothing to learn from a mail. So one that was told for tomorrow and is cancelled is
    withdrawn until that time tomorrow, and one that is moved from the past into the future is told.
    """
    if visit.start <= now:
        return None
    was_told = told is not None and told.at > 0
    is_sent = told is not None and told.state == "sent"
    if stands(visit):
        if not was_told and visit.status != "booked":
            return None
        return None if told is not None and is_sent and _says(told, visit, words) else "REQUEST"
    is_gone = is_sent and told is not None and told.method == "CANCEL"
    return "CANCEL" if was_told and not is_gone else None


def _says(told: Told, visit: Appointment, words: str) -> bool:
    """Whether a message says what there is to say of a visit that stands."""
    return told.sequence >= visit.sequence or (bool(words) and told.words == words)


def due(visit: Appointment, told: Told | None, now: int, words: str = "", *, again: bool = False) -> str | None:
    """What is wanted and may be tried at `now`; `again` also tries what failed or still has to wait."""
    method = wanted(visit, told, now, words)
    if method is None or told is None or not is_of(told, visit, method):
        return method
    return method if may_be_tried(told, now, again=again) else None


def may_be_tried(told: Told, now: int, *, again: bool = False) -> bool:
    """Whether it is a message's turn; `again` waits for nothing but for who is sending it at the moment."""
    if told.state == "waiting" and told.next_at <= now:
        return True
    return again and told.state != "sent" and told.error != _UNANSWERED


def is_of(told: Told, visit: Appointment, method: str) -> bool:
    """Whether the newest message is that one, in this revision."""
    return (told.sequence, told.method) == (visit.sequence, method)


def begun(visit: Appointment, method: str, told: Told | None, message_id: str, now: int) -> Told:
    """The message as it stands while it is being sent: if nobody comes back, it may have arrived.

    A message that is tried again keeps its id, so that who got it twice can tell.
    """
    same = told if told is not None and is_of(told, visit, method) else None
    return Told(
        visit.id,
        visit.sequence,
        method,
        same.message_id if same else message_id,
        "waiting",
        (same.tries if same and same.state == "waiting" else 0) + 1,
        now,
        now + LEASE,
        _UNANSWERED,
    )


def ended(begun: Told, before: Told | None, delivery: Delivery, now: int) -> Told:
    """The message after a try; `before` is the newest message as it stood before the try."""
    if delivery.result == "sent":
        return begun._replace(state="sent", next_at=0, at=now, error="")
    reached = begun.at if delivery.result == "doubt" else before.at if before else 0
    is_over = delivery.result in {"never", "unclear"} or begun.tries > len(BACK_OFF)
    return begun._replace(
        state="failed" if is_over else "waiting",
        at=reached,
        next_at=0 if is_over else now + BACK_OFF[begun.tries - 1],
        error=delivery.error,
    )
