"""HTTP heads as archived: status and the few header values that a capture keeps. Nothing raises on input."""

import re
from functools import lru_cache

_STATUS_LINE = re.compile(rb"HTTP/[0-9](?:\.[0-9])? +([0-9]{3})(?![0-9])")
_MIME = re.compile(r"[\w.+*-]+/[\w.+*-]+", re.ASCII)


@lru_cache(maxsize=4096)
def parse_status(line_start: bytes) -> int:
    """The status code of a head's first bytes (16 are enough); 0 when it is no HTTP response."""
    found = _STATUS_LINE.match(line_start)
    return int(found[1]) if found else 0


def split_block(block: bytes) -> tuple[bytes, bytes]:
    """HTTP head (without its closing empty line) and body; no body when the head never closes."""
    end = block.find(b"\r\n\r\n")
    if end >= 0:
        return block[:end], block[end + 4 :]
    head, _, body = block.partition(b"\n\n")
    return head.rstrip(b"\r\n"), body


def find_value(head: bytes, lowered: bytes, name: bytes) -> bytes | None:
    """The first value of a header with the white space around it; None when it is absent.

    `lowered` is the head in lower case and `name` is like `b"\\nserver:"`: a search in plain bytes is
    many times faster than a case-insensitive expression, and this runs for every capture.
    """
    found = lowered.find(name)
    if found < 0:
        return None
    start = found + len(name)
    end = head.find(b"\n", start)
    return head[start : end if end >= 0 else len(head)]


@lru_cache(maxsize=1 << 14)
def decode_value(value: bytes | None) -> str | None:
    """A header value as text without white space around it (UTF-8, else Latin-1); None when there is none."""
    if value is None:
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.strip() or None


@lru_cache(maxsize=1 << 14)
def mime_type(value: bytes | None) -> str | None:
    """The media type of a Content-Type value, lower case, without parameters; None when there is none."""
    text = (decode_value(value) or "").partition(";")[0].strip().lower()
    return text if _MIME.fullmatch(text) else None
