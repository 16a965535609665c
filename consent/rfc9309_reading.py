"""The strict reading: RFC 9309 by its grammar and text, extended only where clauses of DIALECT.md say so."""

from __future__ import annotations

import re

from consent.lines import OTHER_LINE, Line, LineKind
from consent.urls import find_path

NAME_LIMIT = 200
"""Octets of the longest user-agent value that can name an agent (clause 2.2.1-g)."""

_MARKS = (b"\xef\xbb\xbf", "ï»¿".encode(), "ÿþ".encode(), "þÿ".encode())
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_LINE = re.compile(rb"\s*+(user-agent|allow|disallow|crawl-delay)\s*+:([^#]*+)", re.IGNORECASE)
_KINDS = {kind.value.encode(): kind for kind in LineKind}
_NO_NAME = re.compile(rb"[\x00-\x1f\x7f]")

_PLAIN = re.compile(rb"[A-Za-z0-9._~/?=&+,;:@!'()\[\]*-]*+\$?")
_OCTET = re.compile(rb"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~/?=&+,;:@!'()\[\]*%-]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_QUERY_SEPARATORS = re.compile(rb"%3A|%2F")


def prepare_rfc9309(body: bytes) -> bytes:
    """Bridge encodings and drop marks: UTF-16 (2.3-b), NUL octets (2.3-c), byte order marks (2.3-a)."""
    if body.startswith(_UTF16_MARKS):
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    if b"\0" in body:
        body = body.replace(b"\0", b"")
    while body.startswith(_MARKS):
        body = body[next(len(mark) for mark in _MARKS if body.startswith(mark)) :]
    return body


def read_line_rfc9309(line: bytes) -> Line:
    """Tell what a line is about; a key that is misspelt or lacks its colon makes it OTHER (2.2-b, 2.2-c)."""
    match = _LINE.match(line)
    if match is None:
        return OTHER_LINE
    return Line(_KINDS[match[1].lower()], match[2].strip())


def name_agent_rfc9309(value: bytes) -> str | None:
    """Name the agent: the whole value, lower-cased (2.2.1-e); None when it is empty, long or has controls."""
    if not value or len(value) > NAME_LIMIT or _NO_NAME.search(value):
        return None
    try:
        return value.decode("utf-8").lower()
    except UnicodeDecodeError:
        return value.decode("latin-1").lower()


def normalise_pattern_rfc9309(value: bytes) -> bytes:
    """Percent-encode as §2.2.2 asks; `*` and a last `$` keep their meaning, another `$` becomes `%24`."""
    if _PLAIN.fullmatch(value):
        return value
    if value.endswith(b"$"):
        return _normalise_octets(value[:-1]) + b"$"
    return _normalise_octets(value)


def normalise_url_rfc9309(url: str) -> bytes:
    """Give the path and query of `url` in the form of patterns, with `*` and `$` encoded (2.2.3-b)."""
    return _normalise_octets(find_path(url)).replace(b"*", b"%2A")


def _normalise_octets(octets: bytes) -> bytes:
    path, mark, query = _OCTET.sub(_normalise_octet, octets).partition(b"?")
    if not mark:
        return path
    return path + mark + _QUERY_SEPARATORS.sub(lambda found: b":" if found[0] == b"%3A" else b"/", query)


def _normalise_octet(match: re.Match[bytes]) -> bytes:
    octet = match[0]
    code = int(octet[1:], 16) if len(octet) == 3 else octet[0]
    return bytes((code,)) if code in _UNRESERVED else b"%%%02X" % code
