"""From a host to its registrable domain, by the Public Suffix List that tldextract brings along."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from tldextract import TLDExtract

# Labels as they occur: letters, digits, hyphens and underscores; a host of anything else is junk.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}")
_PORT = re.compile(r":[0-9]*\Z")
_LONGEST_HOST = 253


@dataclass(frozen=True, slots=True)
class HostName:
    """A host and where it stands in the tree of names.

    `host` is lower case, without user, port and trailing dot, in ASCII form (`xn--…`) when it has one; junk
    keeps its port and dots. `suffix` is the public suffix of the ICANN section (`co.uk`),
    `registered_domain` the suffix and one label more (`example.co.uk`), `tld` the last label. Each of the
    three is None when there is none: for addresses and junk all of them; for a name under no listed suffix
    both suffix and domain (and the TLD of a single label, as `localhost`); for a suffix the domain.
    """

    host: str
    registered_domain: str | None
    suffix: str | None
    tld: str | None


def parse_host(host: str) -> HostName:
    """Read a host as it stands in a URL's authority (`User@Example.CO.UK.:8080`, `[2001:db8::1]:80`).

    Never raises and never asks the network. An address comes back in its canonical spelling, without domain.
    """
    given = _ascii_form(host.strip().rpartition("@")[2].lower())
    address = _read_address(given)
    if address is not None:
        return HostName(str(address), None, None, None)
    name = _PORT.sub("", given).removesuffix(".")
    return _split_name(name) if _is_name(name) else HostName(given, None, None, None)


def is_web_host(host: str) -> bool:
    """Whether a name can be a host of the public web: an address, or labels under a public suffix.

    >>> [is_web_host(name) for name in ("www.example.co.uk", "192.0.2.7:8080", "gutenberg", "wiki")]
    [True, True, False, False]
    """
    name = parse_host(host)
    return _read_address(name.host) is not None or ("." in name.host and name.suffix is not None)


def _split_name(name: str) -> HostName:
    parts = _extractor().extract_str(name)
    suffix = parts.suffix or None
    tld = name.rpartition(".")[2] if suffix or "." in name else None
    return HostName(name, parts.top_domain_under_public_suffix or None, suffix, tld)


def _read_address(name: str) -> IPv4Address | IPv6Address | None:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::[0-9]*)?", name)
    bare = bracketed[1] if bracketed else name if name.count(":") > 1 else _PORT.sub("", name)
    try:
        return ip_address(bare.removesuffix("."))
    except ValueError:
        return None


def _ascii_form(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name


def _is_name(name: str) -> bool:
    if not 0 < len(name) <= _LONGEST_HOST:
        return False
    # A last label of digits is a mistyped address, not a TLD.
    labels = name.split(".")
    return not labels[-1].isdecimal() and all(_LABEL.fullmatch(label) for label in labels)


@lru_cache(maxsize=1)
def _extractor() -> TLDExtract:
    # Without list addresses it cannot ask the network, and without a folder it leaves nothing behind: a host
    # gives the same domain on every machine, until the pinned library brings another list.
    return TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)
