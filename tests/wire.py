"""What stands between the program and a server: keeps every request, and can answer itself, cut off or send on."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

TLS = Path(__file__).resolve().parent / "data" / "tls"
_OF_THE_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Seen(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, empty without it."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def octets(self) -> bytes:
        """All of it."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return f"{self.method} {self.path}\r\n{head}\r\n".encode("latin-1") + self.body


class Said(NamedTuple):
    """An answer; a body without a length of its own ends with the connection."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Cut(Exception):  # noqa: N818  it is no error
    """The connection is cut: before the server hears of the request, or before it is answered."""


Turn = Callable[[Seen], "Said | None"]


class Wire:
    """Listens while its block lasts; without a turn of its own it sends everything on to `upstream`."""

    def __init__(self, upstream: str = "", turn: Turn = lambda _: None, *, tls: bool = False) -> None:
        self.upstream = urlsplit(upstream)
        self.turn = turn
        """What it does with a request: answer it, raise `Cut`, or send it on by giving None."""
        self.after: Callable[[Seen], None] = lambda _: None
        """What happens between the server's answer and ours; may raise `Cut`."""
        self.seen: list[Seen] = []
        self._server = _Server(self)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}{self.upstream.path or '/'}"

    @property
    def methods(self) -> list[str]:
        """The requests' methods, in order."""
        return [request.method for request in self.seen]

    def answer(self, request: Seen) -> Said:
        """The answer to a request."""
        self.seen.append(request)
        said = self.turn(request)
        if said is None:
            said = self._sent_on(request)
            self.after(request)
        return said

    def _sent_on(self, request: Seen) -> Said:
        with closing(http.client.HTTPConnection(self.upstream.netloc, timeout=30)) as connection:
            headers = {name: value for name, value in request.headers if name.lower() != "host"}
            connection.request(request.method, request.path, request.body, headers)
            got = connection.getresponse()
            return Said(got.status, tuple(h for h in got.getheaders() if h[0].lower() not in _OF_THE_HOP), got.read())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is nobody's error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        request = Seen(self.command, self.path, tuple(self.headers.items()), self.rfile.read(length))
        try:
            said = self.server.wire.answer(request)
        except Cut:
            self.close_connection = True
            return
        self.send_response_only(said.status)
        for name, value in said.headers:
            self.send_header(name, value)
        if not any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in said.headers):
            self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    do_GET = do_PUT = do_DELETE = do_PROPFIND = do_REPORT = _any  # noqa: N815  the base class's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's signature
        """Nothing."""
