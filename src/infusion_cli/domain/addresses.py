"""E-mail addresses as a mail has to write them: the domain in the letters that DNS knows."""

from __future__ import annotations

_TWO_DOMAINS = frozenset("ßẞς\u200c\u200d")
"""What IDNA 2003 rewrites or drops and IDNA 2008 keeps (RFC 5894, 7.2): with it a name is two domains."""


class AddressError(ValueError):
    """An address that no mail can carry; the words say why and name nobody."""


def fault(address: str) -> str:
    """Why an address cannot be kept, in words that do not repeat it; empty when it can."""
    local, at, domain = address.partition("@")
    if not (local and at and domain) or "@" in domain or " " in address or not address.isprintable():
        return "an e-mail address has one @ with text around it, and no blanks"
    try:
        in_ascii_domain(address)
    except AddressError as error:
        return str(error)
    return ""


def in_ascii_domain(address: str) -> str:
    """The address with its domain as A-labels (RFC 5890); the part before the @ stays as it is.

    Raises `AddressError` for what is no address, and for a domain that is another one to every second program.
    """
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise AddressError("the e-mail address cannot be written into a mail")
    if domain.isascii():
        return address
    if not _TWO_DOMAINS.isdisjoint(domain):
        raise AddressError("the domain of the e-mail address can be read in two ways; type it in its xn-- form")
    return f"{local}@{_a_labels(domain)}"


def _a_labels(domain: str) -> str:
    try:
        found = domain.encode("idna").decode("ascii")
    except UnicodeError:
        found = ""
    if not found or any(not c.isalnum() and c not in ".-" for c in found):  # what looks like > or / becomes one
        raise AddressError("the e-mail address cannot be written into a mail")
    return found
