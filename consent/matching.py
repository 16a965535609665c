"""Patterns against paths, and patterns against each other: pure functions on normalised octets.

A pattern is anchored at the first octet of the path; `*` stands for any octets, a last `$` for the end.
"""

from __future__ import annotations

import re

_STARS = re.compile(rb"\*{2,}")
_STARTS = (b"/", b"*")
_ANY = b"\0"
"""An octet that no pattern holds: it stands for "whatever a `*` may be" when patterns are compared."""


def matches(pattern: bytes, path: bytes) -> bool:
    """Tell whether `pattern` matches `path`, in time linear in both; the empty pattern matches everything.

    >>> matches(b"/*.php$", b"/a/b.php"), matches(b"/*.php$", b"/a.php5")
    (True, False)
    """
    is_anchored = pattern.endswith(b"$")
    head, *pieces = (pattern[:-1] if is_anchored else pattern).split(b"*")
    if not path.startswith(head):
        return False
    if not pieces:
        return not is_anchored or len(path) == len(head)
    position = _find_pieces(pieces[:-1] if is_anchored else pieces, path, len(head))
    if position is None:
        return False
    return not is_anchored or (path.endswith(pieces[-1]) and len(path) - len(pieces[-1]) >= position)


def _find_pieces(pieces: list[bytes], path: bytes, position: int) -> int | None:
    for piece in filter(None, pieces):
        found = path.find(piece, position)
        if found < 0:
            return None
        position = found + len(piece)
    return position


def simplify(pattern: bytes) -> bytes:
    """Give the shortest spelling of what `pattern` matches: one `*` for a run of them, none at the end.

    >>> simplify(b"/**a*"), simplify(b"/*$"), simplify(b"*")
    (b'/*a', b'/', b'')
    """
    if b"*" not in pattern:
        return pattern
    plain = _STARS.sub(b"*", pattern)
    if plain.endswith(b"*$"):
        plain = plain[:-1]
    # Without its star, a `$` before it would become the end.
    return plain[:-1] if plain.endswith(b"*") and not plain.endswith(b"$*") else plain


def can_match(pattern: bytes) -> bool:
    """Tell whether `pattern` matches any path at all: paths start with `/`, so it starts with `/` or `*`."""
    return pattern.startswith(_STARTS)


def matches_all(pattern: bytes) -> bool:
    """Tell whether `pattern` matches every path; the empty pattern is no rule and does not."""
    if b"*" not in pattern:
        return pattern == b"/"
    return can_match(pattern) and simplify(pattern) in (b"/", b"", b"*/")


def covers(wide: bytes, narrow: bytes) -> bool:
    """Tell whether every path that `narrow` matches is matched by `wide` too. Exact for single patterns.

    `narrow` is matched as if it were a path, with an octet that no pattern holds in place of each `*` and of
    an open end: only a `*` of `wide` can take that octet, so a match proves the inclusion and a miss is a
    path that shows the contrary.

    >>> covers(b"/*.php", b"/a/b.php$"), covers(b"/a$", b"/a")
    (True, False)
    """
    is_anchored = narrow.endswith(b"$")
    word = narrow[:-1] if is_anchored else narrow + b"*"
    if not word.startswith(b"*"):
        return matches(wide, word.replace(b"*", _ANY))
    rest = word.lstrip(b"*").replace(b"*", _ANY)
    return matches(wide, b"/" + _ANY + rest) and (rest[:1] != b"/" or matches(wide, rest))
