"""One calendar on a server: read, write and remove its entries (CalDAV, RFC 4791, over WebDAV, RFC 4918).

Nothing that the server says is believed: its answers are read up to a limit and without entities, what it
refers to has to be its own, and of its words none is shown. The password goes to the address that was
named and nowhere else.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml.ElementTree import fromstring

from infusion_cli.config import CalendarServer
from infusion_cli.domain.shared_calendar import Held
from infusion_cli.errors import CalendarError, UsageError
from infusion_cli.services.ports import Resource

TIME_OUT = 30.0
"""Seconds to wait for the connection, and for each part of an answer."""
ANSWER_TIME = 300.0
"""Seconds that an answer may take in all."""
MAX_BYTES = 64_000_000
"""Octets of an answer; entries are one or two thousand each."""
_HOPS = 5
_TYPE = {"Content-Type": "application/xml; charset=utf-8"}
_DAV, _CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
_KIND = f"{_HEAD}<D:propfind {_NAMES}><D:prop><D:resourcetype/></D:prop></D:propfind>"
_QUERY = (
    f"{_HEAD}<C:calendar-query {_NAMES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter>"
    '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{}</C:comp-filter></C:comp-filter>'
    "</C:filter></C:calendar-query>"
)
_ADDRESS = "look at INFUSION_CALDAV_URL: it is the address of the calendar itself, not of its server or owner"
_LOGIN = "look at INFUSION_CALDAV_USER and its password"


class _Answer(NamedTuple):
    """An answer, read to its end."""

    response: httpx.Response
    body: bytes

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code


class Collection:
    """A calendar collection; nothing is sent before the first method is called."""

    def __init__(self, server: CalendarServer, time_out: float = TIME_OUT) -> None:
        self._server = server
        try:
            self._url = httpx.URL(server.url)
        except (httpx.InvalidURL, ValueError):
            raise UsageError("The calendar's address cannot be read.", "mend INFUSION_CALDAV_URL") from None
        self._http = httpx.Client(
            verify=self._trust() if self._url.scheme == "https" else False,
            timeout=time_out,
            trust_env=False,
            # Compressed, a small answer could unfold without end. Whose program it is, is nobody's business.
            headers={"Accept-Encoding": "identity", "User-Agent": "calendar"},
        )
        self._digest: httpx.DigestAuth | None = None

    def __repr__(self) -> str:
        """Where, and nothing that is secret."""
        return f"Collection({self._server!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._http.close()

    def resources(self, since: int | None) -> list[Resource]:
        """The entries that end after the instant `since`, or all (a calendar-query, RFC 4791, 7.8), in one request.

        Where there are none a second one asks whether it is a calendar at all, because some servers show any
        folder as an empty one, and would make something else of what is written there. Raises `CalendarError`.
        """
        start = "" if since is None else f'<C:time-range start="{datetime.fromtimestamp(since, UTC):%Y%m%dT%H%M%SZ}"/>'
        answer = self._ask("REPORT", self._url, _QUERY.format(start).encode(), _TYPE | {"Depth": "1"})
        found = []
        for response in self._responses(answer):
            known = _known(response)
            href, data = response.findtext(f"{_DAV}href"), known.get(f"{_CALDAV}calendar-data")
            if href and data is not None:
                etag = known.get(f"{_DAV}getetag")
                found.append(
                    Resource(
                        str(self._own(href.strip())), (etag.text if etag is not None else "") or "", data.text or ""
                    )
                )
        if not found:
            self._make_sure()
        return found

    def put(self, uid: str, data: bytes, over: Held | None) -> bool:
        """Write a new entry, or one over another; False when somebody else was faster. Raises `CalendarError`."""
        url = self._url.join(over.href if over else f"{uid}.ics")
        condition = {"If-Match": _tag(over.etag)} if over else {"If-None-Match": "*"}
        answer = self._ask("PUT", url, data, {"Content-Type": "text/calendar; charset=utf-8"} | condition)
        if answer.status in {409, 412} or (answer.status == 404 and over):
            return False
        return self._is_done(answer)

    def remove(self, held: Held) -> bool:
        """Take an entry out; False when somebody else changed it before. Raises `CalendarError`."""
        answer = self._ask("DELETE", self._url.join(held.href), b"", {"If-Match": _tag(held.etag)})
        if answer.status in {409, 412}:
            return False
        return answer.status in {404, 410} or self._is_done(answer)

    def _make_sure(self) -> None:
        """Raise `CalendarError` unless it is a calendar (RFC 4791, 4.2)."""
        answer = self._ask("PROPFIND", self._url, _KIND.encode(), _TYPE | {"Depth": "0"})
        kinds = [_known(response).get(f"{_DAV}resourcetype") for response in self._responses(answer)]
        if not any(kind is not None and kind.find(f"{_CALDAV}calendar") is not None for kind in kinds):
            raise CalendarError(f"What {self._url.host} has at that address is no calendar.", _ADDRESS)

    def _responses(self, answer: _Answer) -> Iterator[Element]:
        """The parts of a multi-status (RFC 4918, 13); raises `CalendarError` when it is none, or not whole."""
        if answer.status != 207:
            raise self._refusal(answer)
        try:
            root = fromstring(answer.body, forbid_dtd=True)
        except (ParseError, LookupError, ValueError):
            raise self._strange() from None
        if root.tag != f"{_DAV}multistatus":
            raise self._strange()
        for response in root.iterfind(f"{_DAV}response"):
            if " 507" in (response.findtext(f"{_DAV}status") or ""):
                raise CalendarError(f"The calendar server {self._url.host} shows a part of the calendar only.", _LATER)
            yield response

    def _own(self, href: str) -> httpx.URL:
        """An address that the server names, as its own; raises `CalendarError` when it is not."""
        try:
            url = self._url.join(href)
        except (httpx.InvalidURL, ValueError):
            raise self._strange() from None
        if (url.scheme, url.host, url.port) != (self._url.scheme, self._url.host, self._url.port):
            raise CalendarError(
                f"The calendar server {self._url.host} sends us to another: {url.scheme}://{url.host}.",
                "set INFUSION_CALDAV_URL to the calendar's address there, if you trust it",
            )
        return self._url.copy_with(raw_path=url.raw_path)

    def _ask(self, method: str, url: httpx.URL, content: bytes, headers: dict[str, str]) -> _Answer:
        """The answer to a request, redirects within the server followed."""
        for _ in range(_HOPS):
            answer = self._logged_in(self._http.build_request(method, url, content=content, headers=headers))
            if answer.status not in {301, 302, 307, 308}:
                return answer
            url = self._own(answer.response.headers.get("Location", ""))
        raise self._strange()

    def _logged_in(self, request: httpx.Request) -> _Answer:
        login = self._login(request)
        request = next(login)
        while True:
            answer = self._sent(request)
            try:
                request = login.send(answer.response)
            except StopIteration:
                return answer
            except (AssertionError, LookupError, NotImplementedError, ValueError, httpx.ProtocolError):
                message = f"The calendar server {self._url.host} offers no way to log in that we know."
                raise CalendarError(message, _LOGIN) from None  # from what it asks for, of which nothing is believed

    def _login(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Basic at once, which saves a request, and Digest (RFC 7616) once the server asks for it."""
        name, password = self._server.user, self._server.password
        if not name:
            yield request
            return
        if self._digest is None:
            response = yield next(httpx.BasicAuth(name, password).auth_flow(request))
            offers = response.headers.get_list("WWW-Authenticate") if response.status_code == 401 else []
            if not any(offer.lower().startswith("digest ") for offer in offers):
                return
            self._digest = httpx.DigestAuth(name, password)
            del request.headers["Authorization"]
        yield from self._digest.auth_flow(request)

    def _sent(self, request: httpx.Request) -> _Answer:
        """One request and its answer; raises `CalendarError` with the reason when there is none."""
        host = self._url.host
        try:
            response = self._http.send(request, stream=True, auth=None)
            try:
                return _Answer(response, self._body(response))
            finally:
                response.close()
        except httpx.TimeoutException:
            reason, hint = f"{host} does not answer", _LATER
        except (httpx.DecodingError, httpx.ProtocolError, httpx.InvalidURL, UnicodeError):
            reason, hint = f"{host} breaks the connection off, or does not speak HTTP", _LATER
        except httpx.HTTPError as error:
            distrust = _distrust(error)
            reason = (
                f"{host} {f'shows a certificate that is not trusted: {distrust}' if distrust else 'cannot be reached'}"
            )
            hint = "INFUSION_CALDAV_CA_FILE" if distrust else f"{_LATER}, or look at INFUSION_CALDAV_URL"
        raise CalendarError(f"The calendar server {reason}.", hint)

    def _body(self, response: httpx.Response) -> bytes:
        """The octets as they are sent, of limited number and for a limited time."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._strange()
        latest, body = time.monotonic() + ANSWER_TIME, bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > MAX_BYTES or time.monotonic() > latest:
                raise CalendarError(f"The answer of the calendar server {self._url.host} does not end.", _ADDRESS)
        return bytes(body)

    def _is_done(self, answer: _Answer) -> bool:
        if answer.status not in {200, 201, 204}:
            raise self._refusal(answer)
        return True

    def _refusal(self, answer: _Answer) -> CalendarError:
        """What a status means, in a sentence of ours."""
        method, host, status = answer.response.request.method, self._url.host, answer.status
        server, is_look = f"The calendar server {host}", method in {"REPORT", "PROPFIND"}
        if status == 401:
            refused = "refuses the user or the password" if self._server.user else "asks for a user and a password"
            return CalendarError(f"{server} {refused} (401).", _LOGIN)
        if status == 403 and is_look:
            return CalendarError(f"{server} does not let us look at that, or it is no calendar (403).", _ADDRESS)
        if status in {404, 410}:
            return CalendarError(f"{server} has no calendar at that address ({status}).", _ADDRESS)
        if status in {429, 507} or status >= 500:
            return CalendarError(f"{server} cannot do it now ({status}).", _LATER)
        if is_look:
            return CalendarError(f"What {host} has at that address is no calendar ({status}).", _ADDRESS)
        return CalendarError(
            f"{server} takes no such change of the calendar ({status}).", f"ask its owner, or {_LOGIN}"
        )

    def _strange(self) -> CalendarError:
        return CalendarError(f"The answer of the calendar server {self._url.host} cannot be understood.", _ADDRESS)

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._server.ca_file or None)
        except OSError:
            message = f"The certificates {self._server.ca_file} cannot be read."
            raise UsageError(message, "mend INFUSION_CALDAV_CA_FILE") from None


_LATER = "run it again later"


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


def _distrust(error: BaseException | None) -> str:
    """Why a certificate was not trusted, if that is at the root of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""
