"""Bytes to lines, the same for every reading: the parsing limit, and what a line can be about."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

READ_LIMIT = 512_000
"""Octets that are read of a body: 500 KiB, the least that RFC 9309 §2.5 asks of a crawler."""


class LineKind(StrEnum):
    """What a line is about."""

    AGENT = "user-agent"
    ALLOW = "allow"
    DISALLOW = "disallow"
    DELAY = "crawl-delay"
    OTHER = "other"


class Line(NamedTuple):
    """A line's kind and its value: octets without comment and surrounding white space, empty for OTHER."""

    kind: LineKind
    value: bytes


OTHER_LINE = Line(LineKind.OTHER, b"")


def cut_body(body: bytes) -> tuple[bytes, bool]:
    """Give what is read of `body`, and whether the limit cut it (clause 2.5-a).

    The line that the limit goes through is left out as well, since half a rule may forbid more than the rule.
    """
    if len(body) <= READ_LIMIT:
        return body, False
    end = max(body.rfind(b"\n", 0, READ_LIMIT), body.rfind(b"\r", 0, READ_LIMIT))
    return body[: end + 1], True
