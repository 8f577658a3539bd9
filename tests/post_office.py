"""A mail server for tests: takes mail, refuses it, or hangs up, on a port of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

TLS = Path(__file__).resolve().parent / "data" / "tls"
CA = TLS / "ca.pem"
USER, PASSWORD = "clinic", "correct horse"


class Received(NamedTuple):
    """A message as it arrived, and the envelope that it came in."""

    sender: str
    recipient: str
    octets: bytes
    is_protected: bool

    @property
    def mail(self) -> EmailMessage:
        """The message, read."""
        read = message_from_bytes(self.octets, policy=policy.default)
        assert isinstance(read, EmailMessage)
        return read


class PostOffice:
    """Listens while its block lasts; what it does with the next message can be changed at any time."""

    def __init__(self, tls: str = "none", *, wants_login: bool = False, is_ascii: bool = False) -> None:
        self.tls = tls
        self.wants_login = wants_login
        self.is_ascii = is_ascii
        """Whether it is without SMTPUTF8."""
        self.received: list[Received] = []
        self.recipients: dict[str, str] = {}
        """What it says to a recipient instead of yes."""
        self.on_mail = ""
        """What it says to every sender instead of yes."""
        self.on_data: list[str] = []
        """What it says to the next messages instead of yes; `lost` takes the message and says nothing."""
        self.before_answer: Callable[[], None] = lambda: None
        """What happens while a message is on its way."""
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: asyncio.Server | None = None

    def environment(self) -> dict[str, str]:
        """What tells the program to send its mail here."""
        found = {"HOST": "127.0.0.1", "PORT": str(self.port), "TLS": self.tls, "CA_FILE": str(CA)}
        if self.wants_login:
            found |= {"USER": USER, "PASSWORD": PASSWORD}
        return {f"INFUSION_SMTP_{name}": value for name, value in found.items()}

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """The sender's turn."""
        if not self.on_mail:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.on_mail or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """The recipient's turn."""
        said = self.recipients.get(address, "")
        if not said:
            envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """The message itself."""
        self.before_answer()
        said = self.on_data.pop(0) if self.on_data else ""
        if said in {"", "lost"}:
            is_protected = session.ssl is not None or self.tls == "tls"
            (recipient,) = envelope.rcpt_tos
            self.received.append(Received(envelope.mail_from, recipient, envelope.original_content, is_protected))
        if said == "lost":
            server.transport.abort()
        return said or "250 OK"

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)

    def _protocol(self) -> SMTP:
        self.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it knows nothing of a protection that was there before it
            return SMTP(
                self,
                enable_SMTPUTF8=not self.is_ascii,
                tls_context=self._context() if self.tls == "starttls" else None,
                require_starttls=self.tls == "starttls",
                authenticator=self._authenticate if self.wants_login else None,
                auth_required=self.wants_login,
                auth_require_tls=self.tls == "starttls",
                loop=self._loop,
            )

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "server.pem")
        return context

    async def _listen(self) -> asyncio.Server:
        context = self._context() if self.tls == "tls" else None
        return await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=context)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


class Calendar:
    """A patient's calendar: applies what arrives by the rules of iTIP (RFC 5546, 2.1.5)."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[int, int]] = {}
        """Start and end of each visit that stands, by UID."""
        self._seen: dict[str, tuple[int, int]] = {}

    def read(self, octets: bytes) -> None:
        """Apply the calendar part of a message: an older revision than the one known changes nothing."""
        from icalendar import Calendar as Parsed

        parsed = Parsed.from_ical(calendar_part(octets))
        assert isinstance(parsed, Parsed)
        (event,) = parsed.events
        uid, revision = str(event["UID"]), (int(event.sequence), int(event.DTSTAMP.timestamp()))
        if revision < self._seen.get(uid, (-1, 0)):
            return
        self._seen[uid] = revision
        if parsed["METHOD"] == "CANCEL":
            assert event["STATUS"] == "CANCELLED"
            self.entries.pop(uid, None)
        else:
            assert parsed["METHOD"] == "REQUEST"
            self.entries[uid] = _instant(event.start), _instant(event.end)


def _instant(moment: Any) -> int:
    assert moment.tzinfo is not None
    return int(moment.timestamp())


def calendar_part(octets: bytes) -> bytes:
    """The calendar of a message as a mail program finds it, after a look at how it is put in."""
    message = message_from_bytes(octets, policy=policy.default)
    assert message.get_content_type() == "multipart/mixed"
    alternative, attached = message.iter_parts()
    plain, calendar = alternative.iter_parts()
    assert (plain.get_content_type(), calendar.get_content_type()) == ("text/plain", "text/calendar")
    data = calendar.get_payload(decode=True)
    assert data == attached.get_payload(decode=True)
    assert f"METHOD:{calendar.get_param('method')}\r\n".encode() in data
    return bytes(data)
