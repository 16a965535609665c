"""Patterns against paths and against each other."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consent.matching import can_match, covers, matches, matches_all, simplify

PATTERNS = st.lists(st.sampled_from(["/", "a", "b", "*", "$"]), max_size=7).map(
    lambda parts: "".join(parts).encode()
)
PATHS = [b"/" + bytes(tail) for length in range(5) for tail in itertools.product(b"/ab$z", repeat=length)]


def as_regex(pattern: bytes) -> re.Pattern[bytes]:
    is_anchored = pattern.endswith(b"$")
    body = pattern[:-1] if is_anchored else pattern
    return re.compile(
        b".*".join(map(re.escape, body.split(b"*"))) + (rb"\Z" if is_anchored else b""), re.DOTALL
    )


@given(PATTERNS)
def test_matches_as_a_regular_expression_does(pattern: bytes) -> None:
    regex = as_regex(pattern)
    assert [matches(pattern, path) for path in PATHS] == [regex.match(path) is not None for path in PATHS]


@given(PATTERNS)
@example(b"/$*$")
@example(b"/$*")
def test_simplifying_changes_no_match(pattern: bytes) -> None:
    simple = simplify(pattern)
    assert len(simple) <= len(pattern)
    assert [matches(simple, path) for path in PATHS] == [matches(pattern, path) for path in PATHS]


@given(PATTERNS)
def test_matching_all_is_matching_every_path(pattern: bytes) -> None:
    assert matches_all(pattern) is (can_match(pattern) and all(matches(pattern, path) for path in PATHS))


@given(PATTERNS)
def test_what_cannot_match_matches_no_path(pattern: bytes) -> None:
    if pattern and not can_match(pattern):
        assert not any(matches(pattern, path) for path in PATHS)


@given(PATTERNS.filter(can_match), PATTERNS.filter(can_match))
def test_covering_means_that_no_path_escapes(wide: bytes, narrow: bytes) -> None:
    escaped = [path for path in PATHS if matches(narrow, path) and not matches(wide, path)]
    if covers(wide, narrow):
        assert not escaped


@given(PATTERNS.filter(can_match), PATTERNS.filter(can_match))
def test_a_pattern_that_does_not_cover_leaves_a_witness(wide: bytes, narrow: bytes) -> None:
    if not covers(wide, narrow):
        words = [narrow.removesuffix(b"$").replace(b"*", star) for star in (b"z", b"")]
        paths = [start + word + end for start in (b"", b"/", b"/z") for word in words for end in (b"z", b"")]
        real = [path for path in paths if path.startswith(b"/") and matches(narrow, path)]
        assert not all(matches(wide, path) for path in real)


@pytest.mark.parametrize(
    ("wide", "narrow", "is_covered"),
    [
        (b"/", b"*", True),
        (b"/a", b"/ab", True),
        (b"/a$", b"/a", False),
        (b"/a", b"/a$", True),
        (b"/*.php", b"/x/*.php$", True),
        (b"/*/x", b"*/x", False),
        (b"*/x", b"/x", True),
        (b"/a*c", b"/a*b*c", True),
        (b"/a*b*c", b"/a*c", False),
        (b"*", b"/$", True),
    ],
)
def test_covering_by_example(wide: bytes, narrow: bytes, is_covered: bool) -> None:
    assert covers(wide, narrow) is is_covered


def test_trap_10_ten_wildcards_cost_no_more_than_their_length() -> None:
    pattern, path = b"/" + b"a*" * 10 + b"b", b"/" + b"a" * 100_000
    assert not matches(pattern, path)
