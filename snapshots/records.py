"""From one response record to one capture: its WARC headers and its HTTP block, checked and read."""

import re
from functools import lru_cache
from typing import NamedTuple

from snapshots.heads import decode_value, find_value, mime_type, parse_status, split_block
from snapshots.losses import LossReason
from snapshots.payloads import PayloadReader, is_as_stated
from snapshots.urls import resolve_location, split_url

_MINUTE = re.compile(rb"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d")
_SECOND = re.compile(rb"(:[0-5]\d)(?:\.\d+)?(?:Z|\+00:00)")
Headers = dict[bytes, bytes]


class Capture(NamedTuple):
    """One archived HTTP answer. Names and meanings are those of the table `captures`.

    `host` is None when the URL has no usable authority; `fetch_redirect` is where a 3xx leads (None
    without Location); `content_digest` is the base32 SHA-1 of `body`; `digest_ok` is None when the
    record states no digest; offset and length are those of the record's gzip member in its file;
    `head` is the HTTP head with its status line, without the empty line that ends it.
    """

    url: str
    host: str | None
    scheme: str
    fetch_time: str
    fetch_status: int
    fetch_redirect: str | None
    content_digest: str
    content_mime_type: str | None
    content_mime_detected: str | None
    content_length: int
    content_truncated: str | None
    digest_ok: bool | None
    server: str | None
    warc_record_offset: int
    warc_record_length: int
    head: bytes
    body: bytes


class BadRecordError(Exception):
    """A response record that gives no capture."""

    def __init__(self, reason: LossReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@lru_cache(maxsize=1 << 14)
def _parse_minute(value: bytes) -> str:
    found = _MINUTE.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return value.decode("ascii")


@lru_cache(maxsize=1 << 12)
def _parse_second(value: bytes) -> str:
    found = _SECOND.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return found[1].decode("ascii") + "Z"


def parse_date(value: bytes) -> str:
    """WARC-Date to the second, `YYYY-MM-DDTHH:MM:SSZ`; ValueError when it is no UTC time.

    Taken apart at the minute, as both parts occur again and again.
    """
    return _parse_minute(value[:16]) + _parse_second(value[16:])


def _missing(headers: Headers) -> BadRecordError:
    """What a capture cannot do without and a response record lacks or has wrong."""
    needed = {
        name: headers.get(name, b"")[:40] for name in (b"WARC-Target-URI", b"WARC-Date", b"Content-Length")
    }
    return BadRecordError(LossReason.BAD_WARC_HEADER, f"among {needed!r}")


def make_capture(
    headers: Headers, block: bytes, offset: int, length: int, payloads: PayloadReader
) -> Capture:
    """The capture of a response record from its WARC headers and block; BadRecordError if it gives none."""
    try:
        url = headers[b"WARC-Target-URI"].decode("utf-8", "replace").strip("<> ")
        date = headers[b"WARC-Date"]
        fetch_time = _parse_minute(date[:16]) + _parse_second(date[16:])
        size = int(headers[b"Content-Length"])
    except (KeyError, ValueError):
        raise _missing(headers) from None
    if not url:
        raise _missing(headers)
    if size != len(block):
        raise BadRecordError(LossReason.SHORT_RECORD, f"{len(block)} of {size} bytes")
    status = parse_status(block[:16])
    if not status:
        raise BadRecordError(LossReason.BAD_HTTP, f"block begins with {block[:40]!r}")
    head, body = split_block(block)
    stated = headers.get(b"WARC-Payload-Digest")
    digest_ok: bool | None = True
    if stated is not None and is_as_stated(body, stated):
        content_digest = stated[5:].decode("ascii")
    else:
        body, content_digest, digest_ok = payloads.read(head, body, stated)
    scheme, host = split_url(url)
    lowered = head.lower()
    location = find_value(head, lowered, b"\nlocation:") if 300 <= status < 400 else None
    facts = (
        url,
        host,
        scheme,
        fetch_time,
        status,
        resolve_location(url, location) if location else None,
        content_digest,
        mime_type(find_value(head, lowered, b"\ncontent-type:")),
        decode_value(headers.get(b"WARC-Identified-Payload-Type")),
        len(body),
        decode_value(headers.get(b"WARC-Truncated")),
        digest_ok,
        decode_value(find_value(head, lowered, b"\nserver:")),
        offset,
        length,
        head,
        body,
    )
    return tuple.__new__(Capture, facts)  # as Capture(*facts), at half the cost
