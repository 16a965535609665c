"""The two readings of our own parse, as tables of the points where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from consent.google_reading import (
    expand_allow_google,
    name_agent_google,
    normalise_pattern_google,
    prepare_google,
    read_line_google,
)
from consent.lines import Line
from consent.rfc9309_reading import (
    name_agent_rfc9309,
    normalise_pattern_rfc9309,
    normalise_url_rfc9309,
    prepare_rfc9309,
    read_line_rfc9309,
)
from consent.urls import find_path


@dataclass(frozen=True, slots=True)
class Reading:
    """How a dialect turns octets into agents and patterns. Every function is total: it never raises.

    `prepare` removes what may stand before the first line; `read_line` tells what a line is about;
    `name_agent` gives the lower-case token that a user-agent value names, `*`, or None when it names nobody;
    `normalise_pattern` and `normalise_url` bring a rule's value and a URL to the form that is compared;
    `expand_allow` gives the further pattern that an Allow stands for, or None.
    `exempts_robots`: the path /robots.txt may always be fetched.
    """

    name: str
    prepare: Callable[[bytes], bytes]
    read_line: Callable[[bytes], Line]
    name_agent: Callable[[bytes], str | None]
    normalise_pattern: Callable[[bytes], bytes]
    normalise_url: Callable[[str], bytes]
    expand_allow: Callable[[bytes], bytes | None]
    exempts_robots: bool


def _expand_nothing(_pattern: bytes) -> bytes | None:
    return None


RFC9309 = Reading(
    "rfc9309",
    prepare_rfc9309,
    read_line_rfc9309,
    name_agent_rfc9309,
    normalise_pattern_rfc9309,
    normalise_url_rfc9309,
    _expand_nothing,
    True,
)
GOOGLE = Reading(
    "google",
    prepare_google,
    read_line_google,
    name_agent_google,
    normalise_pattern_google,
    find_path,
    expand_allow_google,
    False,
)
READINGS = {reading.name: reading for reading in (RFC9309, GOOGLE)}
