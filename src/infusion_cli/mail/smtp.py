"""Submission over SMTP (RFC 6409), one message at a time, so that it is known what became of each.

What a server says may repeat the patient's address, so of its answers only the numbers are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from infusion_cli.config import MailServer
from infusion_cli.domain.addresses import AddressError, in_ascii_domain
from infusion_cli.domain.clinic import Clinic
from infusion_cli.domain.outbox import Delivery
from infusion_cli.errors import MailError
from infusion_cli.services.ports import Letter

if TYPE_CHECKING:
    import smtplib
    import ssl

TIME_OUT = 30.0
"""Seconds to wait for each answer."""

_ENHANCED = re.compile(rb"\A[245]\.\d{1,3}\.\d{1,3}(?=\s|\Z)")
"""A status code of RFC 3463 at the beginning of an answer."""
_LOST = Delivery("doubt", "the connection was lost before the server's answer")
_CLOSING = 421
_LOG_IN = frozenset({530, 534, 535})
"""Nothing is taken without a login, or with this one (RFC 4954, 6)."""
_SENDER = re.compile(rb"[245]\.1\.[78](?=\s|\Z)")
_RECIPIENT = re.compile(rb"5\.[12]\.\d{1,3}(?=\s|\Z)")
"""Answers about an address or its mailbox (RFC 3463, 3.2 and 3.3); 5.1.7 and 5.1.8 mean the sender's."""


class Post:
    """Takes messages to a server: connected on the first message, and again when the connection is lost."""

    def __init__(self, server: MailServer, compose: Callable[[Letter], bytes], time_out: float = TIME_OUT) -> None:
        self.server = server
        self._compose = compose
        self._time_out = time_out
        self._open: smtplib.SMTP | None = None
        self.may_be_out = False

    def deliver(self, letter: Letter) -> Delivery:
        """Hand one message over; raises `MailError` when the server takes no mail at all."""
        self.may_be_out = False
        sender, author = self._senders(letter.clinic)
        try:
            octets = self._compose(letter)
            recipient = in_ascii_domain(letter.email)
        except AddressError as error:
            return Delivery("never", str(error))
        smtp = self._connection()
        try:
            return self._hand_over(smtp, (sender, author), recipient, octets)
        except OSError:
            # Before DATA the server had nothing yet; what comes later is caught where it happens.
            self.close()
            return Delivery("later", "the connection was lost before the message was handed over")
        except BaseException:
            self._hang_up()  # in the middle of a message nobody can take leave
            raise

    def close(self) -> None:
        """Take leave of the server, if one is there."""
        smtp, self._open = self._open, None
        if smtp is not None:
            try:
                smtp.quit()
            except OSError:
                smtp.close()

    def _hang_up(self) -> None:
        smtp, self._open = self._open, None
        if smtp is not None:
            smtp.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _senders(self, clinic: Clinic) -> tuple[str, str]:
        """Where undeliverable mail returns to and who writes; raises `MailError` when either cannot be written."""
        try:
            author = in_ascii_domain(clinic.email)
            return in_ascii_domain(self.server.sender or author), author
        except AddressError as error:
            message = f"The sender's address cannot be used: {error}."
            raise MailError(message, "mend INFUSION_SMTP_FROM, or email in the clinic's file") from None

    def _hand_over(self, smtp: smtplib.SMTP, senders: tuple[str, str], recipient: str, octets: bytes) -> Delivery:
        """Sender, recipient and message; letters beyond ASCII in any of the addresses need SMTPUTF8 (RFC 6531, 3.4)."""
        is_international = not "".join((*senders, recipient)).isascii()
        if is_international and not smtp.has_extn("smtputf8"):
            return self._not_in_ascii(senders)
        code, text = smtp.mail(senders[0], ["SMTPUTF8", "BODY=8BITMIME"] if is_international else [])
        if code != 250:
            self.close()
            raise self._refuses_sender(_numbers(code, text))
        code, text = smtp.rcpt(recipient)
        if code not in {250, 251}:
            return self._refused("recipient", code, text)
        return self._give_data(smtp, octets)

    def _not_in_ascii(self, senders: tuple[str, str]) -> Delivery:
        if "".join(senders).isascii():
            return Delivery("never", "the server takes no address with letters beyond ASCII")
        raise MailError(
            f"The mail server {self.server.host} takes no sender's address with letters beyond ASCII.",
            "give the clinic an e-mail address in ASCII, or use a server with SMTPUTF8",
        )

    def _give_data(self, smtp: smtplib.SMTP, octets: bytes) -> Delivery:
        import smtplib

        self.may_be_out = True
        try:
            code, text = smtp.data(octets)
        except smtplib.SMTPDataError as error:
            said = error.smtp_error
            return self._refused("message", error.smtp_code, said if isinstance(said, bytes) else said.encode())
        except OSError:
            self.close()
            return _LOST
        return Delivery("sent") if code == 250 else self._refused("message", code, text)

    def _refused(self, what: str, code: int, text: bytes) -> Delivery:
        """What the server's refusal means; the next message begins anew.

        Raises `MailError` when it is about who sends.
        """
        self.may_be_out = False
        if code == _CLOSING or not self._is_ready_again():
            self.close()
        numbers = _numbers(code, text)
        if code in _LOG_IN or _SENDER.match(text):
            raise self._refuses_sender(numbers)
        return Delivery(_verdict(code, text), f"the server refused the {what} ({numbers})")

    def _refuses_sender(self, numbers: str) -> MailError:
        return MailError(
            f"The mail server {self.server.host} takes no mail from this sender ({numbers}).",
            "look at INFUSION_SMTP_USER and INFUSION_SMTP_FROM, then run it again",
        )

    def _is_ready_again(self) -> bool:
        try:
            return self._open is not None and self._open.rset()[0] == 250
        except OSError:
            return False

    def _connection(self) -> smtplib.SMTP:
        if self._open is None:
            self._open = self._connect()
        return self._open

    def _connect(self) -> smtplib.SMTP:
        """Connect, protect, log in; raises `MailError` with the reason when any of it fails."""
        import smtplib
        import ssl

        server = self.server
        where = f"{server.host}:{server.port}"
        if not (server.user + server.password).isascii():
            message = f"The user or the password for the mail server {where} has letters beyond ASCII."
            raise MailError(message, "a login takes none: change INFUSION_SMTP_USER or its password")
        try:
            return self._greeted()
        except smtplib.SMTPAuthenticationError as error:
            numbers = _numbers(error.smtp_code, b"")
            reason, hint = f"refuses the password ({numbers})", "look at INFUSION_SMTP_USER and its password"
        except ssl.SSLCertVerificationError as error:
            reason, hint = f"shows a certificate that is not trusted: {error.verify_message}", "INFUSION_SMTP_CA_FILE"
        except smtplib.SMTPNotSupportedError:
            reason, hint = "offers no protection or no way to log in that we know", "look at INFUSION_SMTP_TLS"
        except smtplib.SMTPResponseException as error:
            reason, hint = f"takes no mail now ({error.smtp_code})", "run it again later"
        except UnicodeError:
            reason, hint = "has a name that no server can have", "look at INFUSION_SMTP_HOST"
        except OSError as error:  # every SMTPException is one
            reason, hint = (
                f"cannot be reached: {error.strerror or 'no answer'}",
                "run it again later, or look at INFUSION_SMTP_HOST",
            )
        raise MailError(f"The mail server {where} {reason}.", hint)

    def _greeted(self) -> smtplib.SMTP:
        import smtplib

        server, trust = self.server, self._trust()
        smtp: smtplib.SMTP
        if server.tls == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self._time_out, context=trust)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._time_out)
        try:
            if server.tls == "starttls":
                smtp.starttls(context=trust)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _trust(self) -> ssl.SSLContext:
        import ssl

        try:
            return ssl.create_default_context(cafile=self.server.ca_file or None)
        except OSError:
            message = f"The certificates {self.server.ca_file} cannot be read."
            raise MailError(message, "mend INFUSION_SMTP_CA_FILE") from None


def _verdict(code: int, text: bytes) -> str:
    """What becomes of a message that was refused, as `Delivery.result`."""
    if not 500 <= code < 600:
        return "later"
    return "never" if _RECIPIENT.match(text) else "unclear"


def _numbers(code: int, text: bytes) -> str:
    found = _ENHANCED.match(text)
    return f"{code} {found[0].decode()}" if found else str(code)
