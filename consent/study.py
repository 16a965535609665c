"""The 2024 consent study's rule for the level of one agent, on values as written."""

from __future__ import annotations

from collections.abc import Sequence

from consent.vocabulary import Restriction


def restriction_longpre2024(allow: Sequence[str], disallow: Sequence[str]) -> Restriction:
    """Judge an agent's Allow and Disallow values; those with a `?` count for nothing."""
    allows = [value for value in allow if "?" not in value]
    disallows = [value for value in disallow if "?" not in value]
    if not disallows or disallows == [""] or allows == disallows:
        return Restriction.NONE
    return Restriction.ALL if "/" in disallows and not allows else Restriction.SOME
