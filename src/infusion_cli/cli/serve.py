"""Feeds from the book as it is now, over HTTP on this machine, for a web server in front that speaks https.

Whoever does not know a feed's name learns nothing: every other request gets the same answer.
"""

from __future__ import annotations

import hashlib
import signal
import sys
import threading
from email.utils import formatdate, parsedate_to_datetime  # noqa: TID253  the server loads it anyway
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from infusion_cli.cli import feed_folder, options
from infusion_cli.cli.feed import pieces, refuse_another_book
from infusion_cli.cli.feed_folder import Feed
from infusion_cli.cli.options import command
from infusion_cli.cli.session import Options, Session
from infusion_cli.domain.when import parse_count
from infusion_cli.errors import InfusionError, UsageError
from infusion_cli.services import busy as service
from infusion_cli.services.agenda import Stretch
from infusion_cli.services.busy import IN_FILE
from infusion_cli.services.ports import Reader

PORT = 8765
MAX_AGE = 300
"""Seconds for which a subscriber's program may go on with what it has."""
_PATIENCE = 30
"""Seconds after which a silent connection is closed."""
_NEVER = 1 << 62


class Body(NamedTuple):
    """A feed's octets, how they are told apart from others, and since when they are these (seconds)."""

    data: bytes
    etag: str
    since: int


class _Kept(NamedTuple):
    body: Body
    revision: int
    within: Stretch
    until: int
    """When the next hold runs out."""


class Feeds:
    """The feeds of a folder, each made again only when the book, the day or a hold says so."""

    def __init__(self, folder: Path, of: Options) -> None:
        self.folder = folder
        self.options = of
        self._kept: dict[Feed, _Kept] = {}
        self._lock = threading.Lock()

    def body(self, name: str) -> Body | None:
        """The feed in the file of that name, None when there is none (any more)."""
        found = [feed for feed in feed_folder.read_index(self.folder).feeds if feed.file == name]
        if not found:
            return None
        # A session of its own: another thread must not use this one's connection.
        session = Session(self.options)
        try:
            with self._lock, session.reading() as reader:
                return self._body(reader, found[0])
        finally:
            session.close()

    def check(self, session: Session) -> int:
        """How many feeds there are; raises errors when there are none, or they are of another book."""
        index = feed_folder.read_index(self.folder)
        if not index.feeds:
            raise UsageError(f"There are no feeds in {self.folder}.", f"infusion ical feed {self.folder} --all")
        with session.reading() as reader:
            refuse_another_book(reader, self.folder, index)
        return len(index.feeds)

    def _body(self, reader: Reader, feed: Feed) -> Body | None:
        if not service.is_there(reader.clinic, feed.subject):
            return None
        within = service.window(reader, "", "")
        kept = self._kept.get(feed)
        if kept and (kept.revision, kept.within) == (reader.revision, within) and reader.now < kept.until:
            return kept.body
        data = b"".join(pieces(reader, feed, within))
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        body = Body(data, etag, reader.now)
        if kept:
            # Two states within one second must not bear the same time.
            body = kept.body if kept.body.etag == etag else body._replace(since=max(reader.now, kept.body.since + 1))
        self._kept[feed] = _Kept(body, reader.revision, within, _next_hold_over(reader, within))
        return body


def _next_hold_over(reader: Reader, within: Stretch) -> int:
    held = reader.visits(within.lo, within.hi, [status for status in IN_FILE if status == "pending"])
    return min((v.hold_until for v in held if v.hold_until is not None), default=_NEVER)


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the feeds, and everything else with the same 404."""

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    server: Server

    def do_GET(self) -> None:
        """The feed, or that nothing changed."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """The same without the octets."""
        self._answer(with_body=False)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """An answer that says nothing; a method that there is not is not found either."""
        del message, explain
        self.close_connection = True
        self._head(404 if code == 501 else code, {"Content-Length": "0", "Connection": "close"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Nothing: a line would hold the feed's name, which is its key."""

    def _answer(self, *, with_body: bool) -> None:
        if self.headers.get("Content-Length") or self.headers.get("Transfer-Encoding"):
            self.close_connection = True  # nobody reads it, so it must not be taken for the next request
        try:
            body = self.server.feeds.body(self.path.removeprefix("/"))
        except InfusionError:
            self._head(503, {"Content-Length": "0", "Retry-After": "60"})
            return
        if body is None:
            self._head(404, {"Content-Length": "0"})
            return
        marks = {
            "ETag": body.etag,
            "Last-Modified": formatdate(body.since, usegmt=True),
            "Cache-Control": f"private, max-age={MAX_AGE}",
        }
        if self._has(body):
            self._head(304, marks)
            return
        described = {
            "Content-Type": "text/calendar; charset=utf-8",
            "Content-Length": str(len(body.data)),
            "X-Content-Type-Options": "nosniff",
        }
        self._head(200, marks | described)
        if with_body:
            self.wfile.write(body.data)

    def _has(self, body: Body) -> bool:
        """Whether the client says that it has these octets (RFC 9110, 13.2.2)."""
        tags = self.headers.get_all("If-None-Match")
        if tags is not None:
            typed = [tag.strip().removeprefix("W/") for tag in ",".join(tags).split(",")]
            return "*" in typed or body.etag in typed
        try:
            since = parsedate_to_datetime(self.headers.get("If-Modified-Since", ""))
            return body.since <= since.timestamp()
        except (ValueError, OverflowError, OSError):
            return False

    def _head(self, status: int, fields: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    """The server, which says nothing about those who ask."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], feeds: Feeds) -> None:
        self.feeds = feeds
        if ":" in address[0]:
            import socket  # noqa: PLC0415  loaded already

            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without asking anybody for this machine's name."""
        from socketserver import TCPServer  # noqa: PLC0415  loaded already

        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  the base class's signature
        """One line without what was asked for; none when the client just went away."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            sys.stderr.write(f"A request failed ({type(error).__name__}).\n")


@command(
    folder=options.argument("DIR", "The folder whose feeds are served."),
    port=options.option("--port", help=f"The port; {PORT} without, 0 for a free one.", metavar="N"),
    host=options.option("--host", help="The address to listen on; 127.0.0.1 without.", metavar="ADDRESS"),
    exposed=options.option("--exposed", help="Allow an address that other machines reach, without encryption."),
)
def serve(session: Session, folder: str, *, port: str = "", host: str = "127.0.0.1", exposed: bool = False) -> None:
    """Serve those calendars on this machine, for a web server in front.

    Each is made from the book as it is at that moment; the web server speaks https. The names are
    those of infusion ical feed DIR; one that is revoked is gone at once. Ctrl-C ends it.
    """
    if not exposed and not _is_loopback(host):
        raise UsageError(
            f"On {host} other machines could read the feeds, and without encryption.",
            "put a web server with https in front, or add --exposed",
        )
    number = parse_count(port, "port", low=0, high=65_535) if port else PORT
    feeds = Feeds(feed_folder.named(folder), session.options)
    count = feeds.check(session)
    session.close()
    try:
        server = Server((host, number), feeds)
    except OSError as error:
        raise UsageError(f"{host} port {number} cannot be used: {error.strerror}.", "name another --port") from None
    with server:
        address = f"[{host}]" if ":" in host else host
        url = f"http://{address}:{server.server_port}/"
        session.out.record({"url": url, "feeds": count}, [f"Serving {count} feeds at {url} until Ctrl-C."])
        sys.stdout.flush()
        _run(server)


def _run(server: Server) -> None:
    """Serve until Ctrl-C or SIGTERM, which are how it is meant to end."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
