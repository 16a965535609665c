"""The words that this room stores: each enum's value is what the tables hold."""

from __future__ import annotations

from enum import StrEnum


class Restriction(StrEnum):
    """What a declaration leaves open to an agent, by the effect of its rules."""

    NONE = "none"
    """Every path may be fetched; also the value when there is no rule at all."""
    SOME = "some"
    """Anything between the two others."""
    ALL = "all"
    """No path but /robots.txt may be fetched."""


class GroupMatch(StrEnum):
    """Which group of a body speaks to an agent."""

    SPECIFIC = "specific"
    """A group that names the agent."""
    WILDCARD = "wildcard"
    """The group of `*`, because none names the agent."""
    NONE = "none"
    """No group speaks to the agent: nothing is declared."""


class AccessState(StrEnum):
    """How robots.txt was obtained; never what it says."""

    RULES = "rules"
    """A file that can be read for rules."""
    EMPTY = "empty"
    """A successful answer without content."""
    ABSENT = "absent"
    """A 4xx that RFC 9309 §2.3.1.3 calls unavailable, such as 404 and 410."""
    REFUSED = "refused"
    """401, 403, 429, 451 or a challenge: the host answered, but not with the file."""
    SERVER_ERROR = "server_error"
    """A 5xx (RFC 9309 §2.3.1.4: unreachable)."""
    NOT_ROBOTS = "not_robots"
    """A successful answer that holds HTML or other matter."""
    UNRESOLVED_REDIRECT = "unresolved_redirect"
    """A redirect whose end is not in the same snapshot."""
    NOT_CAPTURED = "not_captured"
    """The archive holds no answer: nothing is known."""


class BodyKind(StrEnum):
    """What the body of a successful answer is."""

    RULES = "rules"
    EMPTY = "empty"
    HTML = "html"
    OTHER = "other"


class Management(StrEnum):
    """Where the system stands that wrote a robots.txt and signed it."""

    EDGE = "edge"
    """In front of the site: a block put into the answers of whatever server stands behind."""
    SITE_BUILDER = "site_builder"
    """A hosting platform that writes the file of every site it carries."""
    CMS = "cms"
    """A system or plug-in on the site's own server, whose default the owner can change."""
