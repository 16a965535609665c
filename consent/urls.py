"""The part of a URL that rules speak about."""

from __future__ import annotations

import re

_PATH_START = re.compile(rb"[/?;]")


def find_path(url: str) -> bytes:
    """Give path, parameters and query of `url` as they stand, without fragment; `/` when there is no path.

    Scheme and authority may be missing. Nothing is encoded or decoded but the text itself, as UTF-8.

    >>> find_path("https://example.org/a?b#c"), find_path("example.org?a"), find_path("/a"), find_path("")
    (b'/a?b', b'/?a', b'/a', b'/')
    """
    octets = url.encode("utf-8", "surrogatepass")
    start = 2 if octets.startswith(b"//") else 0
    found = _PATH_START.search(octets, _skip_scheme(octets, start))
    fragment = octets.find(b"#", start)
    if found is None or 0 <= fragment < found.start():
        return b"/"
    path = octets[found.start() : fragment if fragment >= 0 else None].partition(b"\0")[0]
    return path if path.startswith(b"/") else b"/" + path


# A path that begins before the first `://` means that this one is no end of a scheme.
def _skip_scheme(octets: bytes, start: int) -> int:
    scheme_end = octets.find(b"://", start)
    early = _PATH_START.search(octets, start)
    if scheme_end < 0 or (early is not None and early.start() < scheme_end):
        return start
    return scheme_end + 3
