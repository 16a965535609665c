"""Google's reading: what its open-source matcher does with the octets of a file, typos and all."""

from __future__ import annotations

import re

from consent.lines import OTHER_LINE, Line, LineKind

LINE_LIMIT = 8 * 2083 - 1
"""Octets that are read of one line; the rest of the line is dropped (clause G-2.2-d)."""

_MARK = b"\xef\xbb\xbf"
_SPACE = b" \t\n\x0b\x0c\r"

# Keys are recognised by how they begin: `Disallowed` and `user-agents` count as well.
_KEYS = (
    (LineKind.AGENT, re.compile(rb"user[- ]?agent", re.IGNORECASE)),
    (LineKind.ALLOW, re.compile(rb"allow", re.IGNORECASE)),
    (LineKind.DISALLOW, re.compile(rb"disallow|dissallow|dissalow|disalow|diasllow|disallaw", re.IGNORECASE)),
)
_NO_COLON = re.compile(rb"([^ \t]++)[ \t]++([^ \t]++)")
_TOKEN = re.compile(rb"[A-Za-z_-]*")
_OCTET = re.compile(rb"%[0-9A-Fa-f]{2}|[\x80-\xff]")


def prepare_google(body: bytes) -> bytes:
    """Drop the octets with which `body` begins like a UTF-8 byte order mark: three, two or one of them."""
    for length in (3, 2, 1):
        if body.startswith(_MARK[:length]):
            return body[length:]
    return body


def read_line_google(line: bytes) -> Line:
    """Tell what a line is about: up to the first NUL or `#`, with the first colon or a gap as separator."""
    text = line[:LINE_LIMIT].partition(b"\0")[0].partition(b"#")[0].strip(_SPACE)
    key, colon, value = text.partition(b":")
    if not colon:
        match = _NO_COLON.fullmatch(text)
        if match is None:
            return OTHER_LINE
        key, value = match[1], match[2]
    key = key.rstrip(_SPACE)
    for kind, pattern in _KEYS:
        if pattern.match(key):
            return Line(kind, value.strip(_SPACE))
    return OTHER_LINE


def name_agent_google(value: bytes) -> str | None:
    """Name the agent: `*` alone or before white space, else the leading letters, `_` and `-`, if any."""
    if value[:1] == b"*" and value[1:2] in (b"", b" ", b"\t", b"\n", b"\x0b", b"\x0c", b"\r"):
        return "*"
    match = _TOKEN.match(value)
    return match[0].decode("ascii").lower() or None if match else None


def normalise_pattern_google(value: bytes) -> bytes:
    """Upper-case the hex digits of percent-escapes and escape octets above 127; decode nothing."""
    if value.isascii() and b"%" not in value:
        return value
    return _OCTET.sub(_escape, value)


def expand_allow_google(pattern: bytes) -> bytes | None:
    """An Allow of a directory's `index.htm…` also allows the directory itself; None for every other."""
    slash = pattern.rfind(b"/")
    if slash < 0 or not pattern.startswith(b"/index.htm", slash):
        return None
    return pattern[: slash + 1] + b"$"


def _escape(match: re.Match[bytes]) -> bytes:
    octets = match[0]
    return octets.upper() if len(octets) == 3 else b"%%%02X" % octets[0]
