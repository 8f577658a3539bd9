"""One calendar on a server: read, write and remove its entries (CalDAV, RFC 4791, over WebDAV, RFC 4918)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from infusion_cli.caldav.connection import ADDRESS, LATER, LOGIN, TIME_OUT, Answer, Connection
from infusion_cli.config import CalendarServer
from infusion_cli.domain.shared_calendar import Held
from infusion_cli.errors import CalendarError, EntryRefusedError
from infusion_cli.services.ports import Resource

_TYPE = {"Content-Type": "application/xml; charset=utf-8"}
_DAV, _CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_UID_TAKEN, _NO_RIGHT = f"{_CALDAV}no-uid-conflict", f"{_DAV}need-privileges"
_UID_TAKEN_WORDS = "uid already exists"
"""What servers built on Sabre say instead of naming the precondition."""
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
_KIND = f"{_HEAD}<D:propfind {_NAMES}><D:prop><D:resourcetype/></D:prop></D:propfind>"
_QUERY = (
    f"{_HEAD}<C:calendar-query {_NAMES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter>"
    '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{}</C:comp-filter></C:comp-filter>'
    "</C:filter></C:calendar-query>"
)


class Collection:
    """A calendar collection; nothing is sent before the first method is called."""

    def __init__(self, server: CalendarServer, time_out: float = TIME_OUT) -> None:
        self._server = Connection(server, time_out)

    def __repr__(self) -> str:
        """Where, and nothing that is secret."""
        return f"Collection({self._server!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.close()

    def resources(self, since: int | None) -> list[Resource]:
        """The entries that end after the instant `since`, or all (a calendar-query, RFC 4791, 7.8), in one request.

        Where there are none a second one asks whether it is a calendar at all, because some servers show any
        folder as an empty one, and would make something else of what is written there. Raises `CalendarError`.
        """
        start = "" if since is None else f'<C:time-range start="{datetime.fromtimestamp(since, UTC):%Y%m%dT%H%M%SZ}"/>'
        answer = self._server.ask("REPORT", "", _QUERY.format(start).encode(), _TYPE | {"Depth": "1"})
        found = []
        for response in self._responses(answer):
            href, known = response.findtext(f"{_DAV}href"), _known(response)
            data, etag = (known.get(name) for name in (f"{_CALDAV}calendar-data", f"{_DAV}getetag"))
            if href and data is not None:
                tag = etag.text if etag is not None else ""
                found.append(Resource(self._server.own(href.strip()), tag or "", data.text or ""))
        if not found:
            self._make_sure()
        return found

    def put(self, uid: str, data: bytes, over: Held | None) -> bool:
        """Write a new entry, or one over another; False when somebody else was faster, or holds its UID elsewhere.

        Raises `EntryRefusedError` for what may be this entry's alone, else `CalendarError`.
        """
        href = over.href if over else f"{uid}.ics"
        condition = {"If-Match": _tag(over.etag)} if over else {"If-None-Match": "*"}
        answer = self._server.ask("PUT", href, data, {"Content-Type": "text/calendar; charset=utf-8"} | condition)
        if _is_late(answer) or (answer.status == 404 and over):
            return False
        return self._is_done(answer)

    def remove(self, held: Held) -> bool:
        """Take an entry out; False when somebody else changed it before. Raises as `put`."""
        answer = self._server.ask("DELETE", held.href, b"", {"If-Match": _tag(held.etag)})
        if _is_late(answer):
            return False
        return answer.status in {404, 410} or self._is_done(answer)

    def _make_sure(self) -> None:
        """Raise `CalendarError` unless it is a calendar (RFC 4791, 4.2)."""
        answer = self._server.ask("PROPFIND", "", _KIND.encode(), _TYPE | {"Depth": "0"})
        kinds = [_known(response).get(f"{_DAV}resourcetype") for response in self._responses(answer)]
        if not any(kind is not None and kind.find(f"{_CALDAV}calendar") is not None for kind in kinds):
            raise CalendarError(f"{self._server.server} has no calendar at that address, but something else.", ADDRESS)

    def _responses(self, answer: Answer) -> Iterator[Element]:
        """The parts of a multi-status (RFC 4918, 13); raises `CalendarError` when it is none, or not whole."""
        if answer.status != 207:
            raise self._refusal(answer)
        try:
            root = fromstring(answer.body, forbid_dtd=True)
        except (ParseError, LookupError, ValueError):
            raise self._server.strange() from None
        if root.tag != f"{_DAV}multistatus":
            raise self._server.strange()
        for response in root.iterfind(f"{_DAV}response"):
            if " 507" in (response.findtext(f"{_DAV}status") or ""):
                raise CalendarError(f"{self._server.server} shows a part of the calendar only.", LATER)
            yield response

    def _is_done(self, answer: Answer) -> bool:
        if answer.status not in {200, 201, 204}:
            raise self._no_change(answer)
        return True

    def _refusal(self, answer: Answer) -> CalendarError:
        """What a status means, in a sentence of ours."""
        server, status = self._server.server, answer.status
        if status == 401:
            refused = "refuses the user or the password" if self._server.logs_in else "asks for a user and a password"
            return CalendarError(f"{server} {refused} (401).", LOGIN)
        if status == 403:
            return CalendarError(f"{server} does not let us look at that, or it is no calendar (403).", ADDRESS)
        if status in {404, 410}:
            return CalendarError(f"{server} has no calendar at that address ({status}).", ADDRESS)
        if _is_busy(status):
            return CalendarError(f"{server} cannot do it now ({status}).", LATER)
        return CalendarError(f"{server} has no calendar at that address, but something else ({status}).", ADDRESS)

    def _no_change(self, answer: Answer) -> CalendarError:
        """Why an entry was not written or taken out: it may be this one's fault, or that of the user or the address."""
        status = answer.status
        if status in {401, 404, 410}:
            return self._refusal(answer)
        if _is_busy(status):
            busy = self._refusal(answer)
            return EntryRefusedError(busy.message, busy.hint, is_general=True)
        message = f"{self._server.server} takes no such change of the calendar ({status})."
        hint = f"ask its owner, or {LOGIN}"
        if _NO_RIGHT in _failed(answer)[0]:
            return CalendarError(message, hint)
        return EntryRefusedError(message, hint, is_general=status == 405)


def _is_busy(status: int) -> bool:
    return status in {429, 507} or status >= 500


def _is_late(answer: Answer) -> bool:
    """Whether a change is refused because of what somebody else did meanwhile, or holds elsewhere.

    A precondition that failed is named in the answer, which then may have any of 403, 409 (RFC 4791, 1.3)
    and 412; some servers have a 400 with words for the one about UIDs.
    """
    if answer.status not in {400, 403, 409, 412}:
        return False
    named, words = _failed(answer)
    if _UID_TAKEN in named or _UID_TAKEN_WORDS in words.casefold():
        return True
    return answer.status in {409, 412} and not any(name.startswith(_CALDAV) for name in named)


def _failed(answer: Answer) -> tuple[set[str], str]:
    """The preconditions that an answer says have failed (DAV:error, RFC 4918, 16), and its words about it."""
    try:
        root = fromstring(answer.body, forbid_dtd=True)
    except (ParseError, LookupError, ValueError):
        return set(), ""
    if root.tag != f"{_DAV}error":
        return set(), ""
    return {child.tag for child in root}, " ".join(root.itertext())


def _known(response: Element) -> dict[str, Element]:
    """The properties that the server found, by name."""
    stats = response.iterfind(f"{_DAV}propstat")
    found = [s for s in stats if " 200" in (s.findtext(f"{_DAV}status") or "")]
    return {prop.tag: prop for stat in found for prop in stat.iterfind(f"{_DAV}prop/*")}


def _tag(etag: str) -> str:
    """An entry's ETag as a condition; any state will do where the server gave none that can be sent back.

    A weak one is weakened on its way, and would match nothing (RFC 9110, 13.1.1).
    """
    tag = etag.strip().removeprefix("W/")
    return tag if tag and tag.isascii() and tag.isprintable() else "*"
