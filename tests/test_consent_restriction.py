"""The three levels by the effect of rules: what `none` and `all` promise holds for every path."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.matching import matches
from consent.restriction import classify_restriction
from consent.vocabulary import Restriction

PATTERN = st.lists(st.sampled_from(["/", "a", "b", "*", "$", "/a"]), max_size=5).map(
    lambda parts: "".join(parts).encode()
)
PATTERNS = st.lists(PATTERN, max_size=4)
PATHS = [b"/" + bytes(tail) for length in range(5) for tail in itertools.product(b"/ab$z", repeat=length)]


def is_forbidden(path: bytes, allow: list[bytes], disallow: list[bytes]) -> bool:
    longest_allow = max((len(pattern) for pattern in allow if matches(pattern, path)), default=0)
    return max((len(pattern) for pattern in disallow if matches(pattern, path)), default=0) > longest_allow


@given(PATTERNS, PATTERNS)
def test_none_and_all_hold_for_every_path(allow: list[bytes], disallow: list[bytes]) -> None:
    forbidden = {is_forbidden(path, allow, disallow) for path in PATHS}
    level = classify_restriction(allow, disallow)
    assert level is not Restriction.NONE or forbidden == {False}
    assert level is not Restriction.ALL or forbidden == {True}


@given(PATTERN, PATTERN)
def test_one_allow_and_one_disallow_are_decided_exactly(allow: bytes, disallow: bytes) -> None:
    words = [
        word.removesuffix(b"$").replace(b"*", star) for word in (allow, disallow) for star in (b"", b"z")
    ]
    longer = [start + word + end for start in (b"", b"/", b"/z") for word in words for end in (b"", b"z")]
    paths = [*PATHS, *(path for path in longer if path.startswith(b"/"))]
    forbidden = {is_forbidden(path, [allow], [disallow]) for path in paths}
    level = classify_restriction([allow], [disallow])
    assert (forbidden == {False}) is (level is Restriction.NONE)
    assert (forbidden == {True}) is (level is Restriction.ALL)


@pytest.mark.parametrize(
    ("allow", "disallow", "level"),
    [
        ([], [], "none"),
        ([b"/x"], [], "none"),
        ([], [b""], "none"),
        ([], [b"$", b"x"], "none"),
        ([], [b"/robots.txt"], "none"),
        ([b"/"], [b"/"], "none"),
        ([b"/*"], [b"/", b"/x"], "none"),
        ([b"/x", b"/y"], [b"/x"], "none"),
        ([], [b"/x", b"/*$"], "all"),
        ([b"/robots.txt"], [b"/"], "all"),
        ([b"x"], [b"/"], "all"),
        ([b""], [b"/"], "all"),
        ([b"/a"], [b"/***"], "all"),
        ([b"/ab"], [b"/", b"/***b"], "all"),
        ([b"/"], [b"/x"], "some"),
        ([b"/x"], [b"/"], "some"),
        ([b"/x"], [b"/x/y"], "some"),
        ([b"/x/y"], [b"/x"], "some"),
    ],
)
def test_levels_by_example(allow: list[bytes], disallow: list[bytes], level: str) -> None:
    assert classify_restriction(allow, disallow).value == level


def test_what_only_several_patterns_reopen_is_some() -> None:
    every_next = [b"/$", *(b"/" + bytes([octet]) for octet in range(256) if octet != ord("*"))]
    assert classify_restriction(every_next, [b"/"]) is Restriction.SOME


def test_many_patterns_with_stars_stay_cheap() -> None:
    allow = [b"/*%d*x" % n for n in range(5_000)]
    disallow = [b"/%d*y" % n for n in range(5_000)]
    assert classify_restriction(allow, [*disallow, b"/"]) is Restriction.SOME
