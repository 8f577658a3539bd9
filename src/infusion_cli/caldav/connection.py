"""Requests to one server over HTTP, with nothing of what it says believed.

Its answers are read up to a limit, what it refers to has to be its own, and of its words none is shown. The
password goes to the server that was named and nowhere else.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Generator, Mapping
from typing import NamedTuple
from urllib.request import parse_http_list

import httpx

from infusion_cli.config import CalendarServer
from infusion_cli.errors import CalendarError, UsageError

TIME_OUT = 30.0
"""Seconds to wait for the connection, and for each part of an answer."""
PATIENCE = 10
"""How many times as long the parts of a REPORT may take: a server may have to read every entry before the first."""
ANSWER_TIME = 300.0
"""Seconds that an answer may take in all."""
MAX_BYTES = 64_000_000
"""Octets of an answer; entries are one or two thousand each."""
ADDRESS = "look at INFUSION_CALDAV_URL: it is the address of the calendar itself, not of its server or owner"
LATER = "run it again later"
LOGIN = "look at INFUSION_CALDAV_USER and its password"
_HOPS = 5
_ALGORITHMS = ("MD5", "MD5-SESS", "SHA-256", "SHA-256-SESS")
_SCHEME = re.compile(r"[^\s=\",]+(\s+[^\s=]|$)")
"""How a way to log in begins, and none of its parameters."""


class Answer(NamedTuple):
    """An answer, read to its end."""

    response: httpx.Response
    body: bytes

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code


class Connection:
    """The way to a server; nothing is sent before `ask`."""

    def __init__(self, server: CalendarServer, time_out: float = TIME_OUT) -> None:
        self._server = server
        try:
            self._url = httpx.URL(server.url)
        except (httpx.InvalidURL, ValueError):
            raise UsageError("The calendar's address cannot be read.", "mend INFUSION_CALDAV_URL") from None
        self._patient = httpx.Timeout(time_out, read=time_out * PATIENCE)
        self._http = httpx.Client(
            verify=self._trust() if self._url.scheme == "https" else False,
            timeout=time_out,
            trust_env=False,
            # A small answer could unfold without end. Whose program it is, is nobody's business.
            headers={"Accept-Encoding": "identity", "User-Agent": "calendar"},
        )
        self._digest: httpx.DigestAuth | None = None

    def __repr__(self) -> str:
        """Where, and nothing that is secret."""
        return f"Connection({self._server!r})"

    @property
    def server(self) -> str:
        """The server as it is told of."""
        return f"The calendar server {self._url.host}"

    @property
    def logs_in(self) -> bool:
        """Whether it is told who asks."""
        return bool(self._server.user)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def ask(self, method: str, href: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to a request, redirects within the server followed; `href` is relative to the server's address.

        Raises `CalendarError` when there is no answer, or none that can be used.
        """
        url = self._url.join(href)
        time_out = self._patient if method == "REPORT" else self._http.timeout
        for _ in range(_HOPS):
            request = self._http.build_request(method, url, content=content, headers=headers, timeout=time_out)
            answer = self._logged_in(request)
            if answer.status not in {301, 302, 307, 308}:
                return answer
            url = self._own(answer.response.headers.get("Location", ""))
        raise self.strange()

    def own(self, href: str) -> str:
        """An address that the server names, in full; raises `CalendarError` when it is another server's."""
        return str(self._own(href))

    def strange(self) -> CalendarError:
        """What is said of an answer that makes no sense."""
        return CalendarError(f"The answer of the calendar server {self._url.host} cannot be understood.", ADDRESS)

    def _own(self, href: str) -> httpx.URL:
        """An address that the server names, as its own; raises `CalendarError` when it is not."""
        try:
            url = self._url.join(href)
        except (httpx.InvalidURL, ValueError):
            raise self.strange() from None
        if (url.scheme, url.host, url.port) != (self._url.scheme, self._url.host, self._url.port):
            raise CalendarError(
                f"{self.server} sends us to another: {url.scheme}://{url.host}.",
                "set INFUSION_CALDAV_URL to the calendar's address there, if you trust it",
            )
        return self._url.copy_with(raw_path=url.raw_path)

    def _logged_in(self, request: httpx.Request) -> Answer:
        login = self._login(request)
        request = next(login)
        while True:
            answer = self._sent(request)
            _keep_known(answer.response.headers)
            try:
                request = login.send(answer.response)
            except StopIteration:
                return answer
            except UnicodeEncodeError:
                message = f"{self.server} wants a log-in by Digest, for which the user's name has to be in ASCII."
                raise CalendarError(
                    message, "take a user with such a name; the password may hold any letters"
                ) from None
            except (AssertionError, LookupError, NotImplementedError, ValueError, httpx.ProtocolError):
                message = f"{self.server} offers no way to log in that we know."
                raise CalendarError(message, LOGIN) from None  # from what it asks for, of which nothing is believed

    def _login(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Basic at once, which saves a request, and Digest (RFC 7616) once the server asks for it."""
        name, password = self._server.user, self._server.password
        if not name:
            yield request
            return
        if self._digest is None:
            response = yield next(httpx.BasicAuth(name, password).auth_flow(request))
            if response.status_code != 401 or not _offers_digest(response.headers):
                return
            self._digest = httpx.DigestAuth(name, password)
            del request.headers["Authorization"]
        yield from self._digest.auth_flow(request)

    def _sent(self, request: httpx.Request) -> Answer:
        """One request and its answer; raises `CalendarError` with the reason when there is none."""
        try:
            response = self._http.send(request, stream=True)
            try:
                return Answer(response, self._body(response))
            finally:
                response.close()
        except httpx.TimeoutException:
            reason, hint = "does not answer", LATER
        except (httpx.DecodingError, httpx.ProtocolError, httpx.InvalidURL, UnicodeError):
            reason, hint = "breaks the connection off, or does not speak HTTP", LATER
        except httpx.HTTPError as error:
            reason, hint = _why(error)
        raise CalendarError(f"{self.server} {reason}.", hint)

    def _body(self, response: httpx.Response) -> bytes:
        """The octets as they are sent, of limited number and for a limited time; nothing is unfolded."""
        latest, body = time.monotonic() + ANSWER_TIME, bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > MAX_BYTES or time.monotonic() > latest:
                raise CalendarError(f"The answer of the calendar server {self._url.host} does not end.", ADDRESS)
        return bytes(body)

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._server.ca_file or None)
        except OSError:
            message = f"The certificates {self._server.ca_file} cannot be read."
            raise UsageError(message, "mend INFUSION_CALDAV_CA_FILE") from None


def _keep_known(headers: httpx.Headers) -> None:
    """Leave of the ways to log in the first Digest that we know, which the server likes best (RFC 7616, 3.7)."""
    known = (_digest(offer) for offer in _challenges(", ".join(headers.get_list("WWW-Authenticate"))))
    first = next(filter(None, known), "")
    if first:
        headers["WWW-Authenticate"] = first


def _offers_digest(headers: httpx.Headers) -> bool:
    return any(offer.lower().startswith("digest") for offer in headers.get_list("WWW-Authenticate"))


def _challenges(text: str) -> list[str]:
    """The ways to log in that a header lists (RFC 9110, 11.6.1): each is a scheme, and parameters after commas."""
    found: list[str] = []
    for item in parse_http_list(text):
        if found and not _SCHEME.match(item):
            found[-1] += f", {item}"
        else:
            found.append(item)
    return found


def _digest(challenge: str) -> str:
    """A challenge without needless blanks; empty when it is no Digest, or one that we cannot answer."""
    scheme, _, rest = challenge.partition(" ")
    pairs = (item.partition("=") for item in parse_http_list(rest))
    said = {name.strip().lower(): value.strip() for name, _, value in pairs}
    algorithm, guards = (
        said.get(name, default).strip('"') for name, default in (("algorithm", "MD5"), ("qop", "auth"))
    )
    if scheme.lower() != "digest" or algorithm.upper() not in _ALGORITHMS or "auth" not in re.split(", *", guards):
        return ""
    return f"Digest {', '.join(f'{name}={value}' for name, value in said.items())}"


def _why(error: BaseException) -> tuple[str, str]:
    """What is at the root of a connection that did not come about, and the way out."""
    root: BaseException | None = error
    while root is not None:
        if isinstance(root, ssl.SSLCertVerificationError):
            return f"shows a certificate that is not trusted: {root.verify_message}", "INFUSION_CALDAV_CA_FILE"
        if isinstance(root, ssl.SSLError):
            return "does not speak TLS at that address", "look at its port, and whether it begins with https://"
        if isinstance(root, OSError) and root.strerror:
            return f"cannot be reached: {root.strerror}", f"{LATER}, or look at the calendar's address"
        root = root.__cause__ or root.__context__
    return "cannot be reached", f"{LATER}, or look at the calendar's address"
