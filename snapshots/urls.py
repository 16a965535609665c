"""URLs of captures: scheme, host, and where a Location header leads. Nothing here raises on input."""

import re
from urllib.parse import urldefrag, urljoin

_ROBOTS_URL = re.compile(r"(https?)://([a-z0-9][a-z0-9.-]*)/robots\.txt")
_ANY_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#]*@)?([^/?#@]*)")
_AUTHORITY = re.compile(r"((?:\[[0-9a-f:.]+\])|[^\s:\[\]<>\"\\^`{|}\x00-\x1f\x7f]+)(?::([0-9]*))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def split_url(url: str) -> tuple[str, str | None]:
    """Scheme and host of a URL.

    The host is the authority in lower case without user information, its port kept unless it is the
    scheme's own; None when there is none or it cannot be one (`https:////www.google.com/`). The
    scheme is empty for what is no absolute URL.

    >>> split_url("HTTPS://User@Example.COM:443/robots.txt")
    ('https', 'example.com')
    """
    plain = _ROBOTS_URL.fullmatch(url)
    if plain is not None:
        return plain[1], plain[2]
    parts = _ANY_URL.match(url)
    if parts is None:
        return "", None
    scheme = parts[1].lower()
    authority = _AUTHORITY.fullmatch(parts[2].lower())
    if authority is None:
        return scheme, None
    host, port = authority[1], authority[2]
    is_default = not port or port == _DEFAULT_PORTS.get(scheme)
    return scheme, host if is_default else f"{host}:{port}"


def resolve_location(url: str, location: bytes) -> str | None:
    """The absolute URL that a Location header leads to; None when the header is empty.

    Resolved against the URL of the answer, without fragment, scheme in lower case, else as the server
    wrote it, since URLs are archived that way. A value that cannot be resolved is returned as it is
    (and then is no `http://…` URL with an authority, or one that no capture has).
    """
    text = location.decode("utf-8", "replace").strip()
    if not text:
        return None
    # Most redirects lead to another robots.txt by its full address: nothing is left to resolve.
    if _ROBOTS_URL.fullmatch(text):
        return text
    try:
        target = urldefrag(urljoin(url, text)).url
    except ValueError:  # e.g. an unclosed bracket
        return text
    scheme, colon, rest = target.partition(":")
    return scheme.lower() + colon + rest
