"""From the block of a response record to HTTP head and body, with the body's digest as the judge.

Bodies are archived decoded. What the archive's eras did otherwise is undone only if the stated
payload digest proves it, in this order:

1. as archived (nearly always);
2. without a line end before the payload (CC-MAIN-2018-34 put one there);
3. with chunked transfer coding removed, if the head declares it (early eras also left that
   declaration on bodies that are decoded already: these match as archived);
4. both.

If none matches, or no digest is stated, the extra line end goes in the era that has one, chunks go if
the head declares them and the body is a complete chunked message, and the rest stays as archived.
`X-Crawler-Content-Encoding` never means that there is something left to decode.
"""

import re
from base64 import b32encode
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple

from snapshots.eras import Era

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)


class Payload(NamedTuple):
    """A body after normalisation, its base32 SHA-1, whether that is the stated one (None: not stated)."""

    body: bytes
    content_digest: str
    digest_ok: bool | None


@lru_cache(maxsize=1 << 16)
def base32_of(digest: bytes) -> str:
    """The base32 text of a SHA-1; cached, as most bodies occur many times."""
    return b32encode(digest).decode("ascii")


def stated_digest(value: bytes | None) -> str | None:
    """The base32 SHA-1 of a WARC digest header; None when it is absent or of another algorithm."""
    if value is None or value[:5].lower() != b"sha1:":
        return None
    return value[5:].strip().decode("ascii", "replace").upper()


def remove_chunks(body: bytes) -> bytes | None:
    """The content of a complete chunked message; None when the body is not one."""
    parts: list[bytes] = []
    position = 0
    while size_line := _CHUNK_SIZE.match(body, position):
        start = size_line.end()
        size = int(size_line[1], 16)
        if size == 0:
            return b"".join(parts)
        if start + size > len(body):
            return None
        parts.append(body[start : start + size])
        position = start + size
        position += 2 if body[position : position + 2] == b"\r\n" else 1
    return None


def _without_line_end(body: bytes) -> bytes | None:
    return body[2:] if body.startswith(b"\r\n") else None


def _readings(head: bytes, body: bytes) -> Iterator[bytes]:
    """The other bodies that the archived one may stand for, in the documented order."""
    bare = _without_line_end(body)
    if bare is not None:
        yield bare
    if _CHUNKED.search(head):
        for chunked in (body, bare):
            plain = remove_chunks(chunked) if chunked is not None else None
            if plain is not None:
                yield plain


class PayloadReader:
    """Reads payloads of one era."""

    def __init__(self, era: Era) -> None:
        self._era = era

    def read(self, head: bytes, body: bytes, stated: bytes | None) -> Payload:
        """See `read_payload`, which this asks when the body as archived has not the stated digest."""
        if stated is not None and is_as_stated(body, stated):
            return Payload(body, stated[5:].decode("ascii"), True)
        return read_payload(head, body, stated, self._era)


def is_as_stated(body: bytes, stated: bytes) -> bool:
    """Whether a body has the SHA-1 that `sha1:` and base32 state; False for a digest written otherwise.

    Compares numbers: a base32 text is read as one faster than a SHA-1 is written in base32.
    """
    if len(stated) != _STATED_LENGTH or stated[:5] != b"sha1:":
        return False
    try:
        return int(stated[5:].translate(_AS_PYTHON), 32) == int.from_bytes(sha1(body).digest(), "big")
    except ValueError:
        return False


_STATED_LENGTH = len("sha1:") + 32
# Digits of base32 to those that int() knows; all others to one that it does not.
_AS_PYTHON = bytes(
    b"0123456789abcdefghijklmnopqrstuv"[BASE32.index(byte)] if byte in BASE32 else ord("!")
    for byte in range(256)
)


def read_payload(head: bytes, body: bytes, stated: bytes | None, era: Era) -> Payload:
    """See `read_payload`, which this asks when the body is not one that it knows."""
    digest = base32_of(sha1(body).digest())
    wanted = stated_digest(stated)
    if wanted == digest:
        return Payload(body, digest, True)
    chunked = _CHUNKED.search(head)
    if wanted is not None:
        for reading in _readings(head, body):
            if base32_of(sha1(reading).digest()) == wanted:
                return Payload(reading, wanted, True)
    for undo in (_without_line_end if era.has_extra_crlf else None, remove_chunks if chunked else None):
        undone = undo(body) if undo else None
        body = body if undone is None else undone
    digest = base32_of(sha1(body).digest())
    return Payload(body, digest, None if wanted is None else False)
