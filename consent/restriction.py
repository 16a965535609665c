"""Allow and Disallow patterns to one of three levels, by what they do to paths and not by their spelling.

What is decided, on the patterns that can match a path other than /robots.txt:

- `none`: nothing is disallowed, or every Disallow is covered by an Allow of at least its length;
- `all`: a Disallow matches every path, and each Allow is shorter than it or covered by a longer Disallow;
- `some`: everything else.

Covering is decided exactly between single patterns. Not decided is what only several patterns do together,
such as `Disallow: /` opened again letter by letter: such a group is `some`.
"""

from __future__ import annotations

from collections.abc import Iterable

from consent.matching import can_match, covers, matches_all, simplify
from consent.vocabulary import Restriction

COVER_LIMIT = 4096
"""Most pairs of patterns compared in one group; beyond it covering is not looked for (clause 2.2.2-m)."""

_ROBOTS = (b"/robots.txt", b"/robots.txt$")


def classify_restriction(allow: Iterable[bytes], disallow: Iterable[bytes]) -> Restriction:
    """Classify the normalised patterns of one agent's rules; `none` when there are none.

    >>> classify_restriction([b"/a", b"/robots.txt"], [b"/*"]).value
    'some'
    """
    allows, disallows = _keep_usable(allow), _keep_usable(disallow)
    level = _classify_by_length(allows, disallows)
    if level is not Restriction.SOME:
        return level
    if _length(allows) >= _length(disallows) and _are_covered(disallows - allows, allows, 0):
        return Restriction.NONE
    closing = _length(_keep_everything(disallows))
    open_still = [pattern for pattern in allows if len(pattern) >= closing]
    return Restriction.ALL if closing and _are_covered(open_still, disallows, 1) else Restriction.SOME


def classify_by_length(allow: Iterable[bytes], disallow: Iterable[bytes]) -> Restriction:
    """Classify as above, but look at lengths alone and not at what covers what."""
    return _classify_by_length(_keep_usable(allow), _keep_usable(disallow))


def _classify_by_length(allows: frozenset[bytes], disallows: frozenset[bytes]) -> Restriction:
    if _length(_keep_everything(allows)) >= _length(disallows):
        return Restriction.NONE
    if _length(_keep_everything(disallows)) > _length(allows):
        return Restriction.ALL
    return Restriction.SOME


def _length(patterns: Iterable[bytes]) -> int:
    return max(map(len, patterns), default=0)


def is_usable(pattern: bytes) -> bool:
    """Tell whether a pattern says anything about a path other than /robots.txt (clauses 2.2.2-g, 2.2.2-i)."""
    if b"*" in pattern:
        return can_match(pattern) and simplify(pattern) not in _ROBOTS
    return pattern.startswith(b"/") and pattern not in _ROBOTS


def _keep_usable(patterns: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(filter(is_usable, frozenset(patterns)))


# Most patterns have no star: then only a slash is everything, and that needs no call.
def _keep_everything(patterns: Iterable[bytes]) -> list[bytes]:
    return [pattern for pattern in patterns if pattern == b"/" or (b"*" in pattern and matches_all(pattern))]


# Only a pattern with `*` can be as long as another one that it covers, unless the two are the same.
def _are_covered(narrow: Iterable[bytes], wide: Iterable[bytes], n_longer: int) -> bool:
    starred = [pattern for pattern in wide if b"*" in pattern]
    left = list(narrow)
    if len(left) * len(starred) > COVER_LIMIT:
        return False
    return all(any(len(w) >= len(n) + n_longer and covers(w, n) for w in starred) for n in left)
