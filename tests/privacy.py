"""Looks for words in everything that leaves the clinic, however they are written there.

Each octet is walked: as text, with folds taken out, and with every base64, quoted-printable,
percent, hexadecimal and header encoding in it undone, one inside the other; case and accents are
ignored. A file's name and a reply's headers count like its contents.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import unicodedata
from collections.abc import Iterable, Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

DEPTH = 3
"""How many encodings may lie around each other."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{6,}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){4,}")


class Artefact(NamedTuple):
    """Something that leaves the clinic, under the name that it leaves with."""

    name: str
    data: bytes


def told(artefacts: Iterable[Artefact], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """(secret, where) for every secret that stands anywhere in the artefacts."""
    wanted = {secret: plain(secret) for secret in secrets}
    found = []
    for name, data in artefacts:
        texts = {plain(text) for text in (*readings(name.encode()), *readings(data))}
        found += [(secret, name) for secret, text in wanted.items() if any(text in read for read in texts)]
    return found


def plain(text: str) -> str:
    """Without case and accents, any run of white space one blank."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def readings(data: bytes) -> set[str]:
    """Every text that the octets can be read as."""
    seen: set[bytes] = set()
    fresh = {data}
    for _ in range(DEPTH):
        fresh = {inner for outer in fresh for inner in _decoded(outer)} - seen
        seen |= fresh
    return {text for octets in {data, *seen} for text in _texts(octets)}


def _texts(octets: bytes) -> Iterator[str]:
    yield octets.decode("utf-8", "replace")
    yield octets.decode("latin-1")
    yield octets.replace(b"\0", b"").decode("latin-1")  # UTF-16 and UTF-32 of most names


def _decoded(octets: bytes) -> Iterator[bytes]:
    unfolded = re.sub(rb"\r?\n[ \t]", b"", octets)
    joined = re.sub(rb"\s+", b"", octets)
    yield from (unfolded, joined)
    for text in {octets, unfolded}:
        yield unquote_to_bytes(text.replace(b"+", b" "))
        yield quopri.decodestring(text)
        yield html.unescape(text.decode("latin-1")).encode("utf-8", "replace")
        yield _headers(text)
    for text in {unfolded, joined}:
        for run in _BASE64.findall(text):
            yield from _from_base64(run)
        for run in _HEX.findall(text):
            yield from (binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2]) for start in (0, 1))


def _from_base64(run: bytes) -> Iterator[bytes]:
    """What stands in a run of its letters, wherever in it the encoding begins."""
    usual = run.translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        part = usual[start:]
        part = part[: len(part) - 1] if len(part) % 4 == 1 else part
        yield base64.b64decode(part + b"=" * (-len(part) % 4))


def _headers(text: bytes) -> bytes:
    """Encoded words of mail headers undone (RFC 2047)."""

    def word(found: re.Match[str]) -> str:
        try:
            return str(make_header(decode_header(found[0])))
        except (HeaderParseError, LookupError, UnicodeDecodeError):
            return ""

    return re.sub(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=", word, text.decode("latin-1")).encode("utf-8", "replace")
