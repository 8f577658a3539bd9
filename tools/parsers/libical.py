"""What libical makes of calendar files, through the library itself: it has no command and no wheel."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library
from functools import lru_cache
from pathlib import Path
from typing import Any

_FIELDS = ("year", "month", "day", "hour", "minute", "second", "is_date", "is_daylight")


class _Time(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int) for name in _FIELDS), ("zone", ctypes.c_void_p))


@lru_cache(maxsize=1)
def library() -> Any:
    """The library with the signatures of what is used of it, or None where there is none."""
    found = find_library("ical")
    if not found:
        return None
    lib = ctypes.CDLL(found)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "icalparser_parse_string": (pointer, [text]),
        "icalcomponent_string_to_kind": (number, [text]),
        "icalcomponent_get_first_component": (pointer, [pointer, number]),
        "icalcomponent_get_next_component": (pointer, [pointer, number]),
        "icalcomponent_get_uid": (text, [pointer]),
        "icalcomponent_get_summary": (text, [pointer]),
        "icalcomponent_get_dtstart": (_Time, [pointer]),
        "icalcomponent_get_dtend": (_Time, [pointer]),
        "icaltime_as_timet_with_zone": (ctypes.c_long, [_Time, pointer]),
        "icalcomponent_count_errors": (number, [pointer]),
        "icalcomponent_free": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def read(path: Path) -> list[tuple[str, int, int, str]]:
    """(uid, start, end, summary) of each event; raises ValueError when libical finds something wrong."""
    lib = library()
    calendar = lib.icalparser_parse_string(path.read_bytes())
    if not calendar or lib.icalcomponent_count_errors(calendar):
        raise ValueError(f"libical finds errors in {path.name}")
    kind = lib.icalcomponent_string_to_kind(b"VEVENT")
    found = []
    event = lib.icalcomponent_get_first_component(calendar, kind)
    while event:
        start, end = lib.icalcomponent_get_dtstart(event), lib.icalcomponent_get_dtend(event)
        if not (start.zone and end.zone):
            raise ValueError(f"libical takes a time in {path.name} for one without a zone")
        instants = (lib.icaltime_as_timet_with_zone(at, at.zone) for at in (start, end))
        uid, summary = (
            text.decode() for text in (lib.icalcomponent_get_uid(event), lib.icalcomponent_get_summary(event))
        )
        found.append((uid, *instants, summary))
        event = lib.icalcomponent_get_next_component(calendar, kind)
    lib.icalcomponent_free(calendar)
    return found
