"""Signals beside the rules of robots.txt, by the syntax of each vocabulary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.signals import CUT_MARK, SCOPE_LIMIT, Signal, SignalKind, iter_signals

MANAGED = b"""# As a condition of accessing this website, you agree to abide by the following content signals:
# (a) If a Content-Signal = yes, you may collect content for the corresponding use.
# Content-Signal: ai-train=yes

# BEGIN Cloudflare Managed content

User-agent: *
Content-Signal: search=yes,ai-train=no,use=reference
Allow: /

User-agent: GPTBot
Disallow: /

# END Cloudflare Managed Content
"""


def read(text: str) -> list[tuple[str, str, str, int]]:
    return [(signal.scope, signal.key, signal.value, signal.line) for signal in iter_signals(text.encode())]


def pairs(value: str, key: str = "Content-Signal") -> list[tuple[str, str]]:
    return [(signal.key, signal.value) for signal in iter_signals(f"{key}: {value}".encode())]


def test_cloudflares_managed_block_states_three_signals() -> None:
    assert list(iter_signals(MANAGED)) == [
        Signal(SignalKind.CONTENT_SIGNAL, "*", "search", "yes", 8),
        Signal(SignalKind.CONTENT_SIGNAL, "*", "ai-train", "no", 8),
        Signal(SignalKind.CONTENT_SIGNAL, "*", "use", "reference", 8),
    ]


def test_policy_text_in_comments_is_no_preference() -> None:
    assert read("# Content-Signal: search=yes\n#License: https://example.org/l.xml\n") == []


@pytest.mark.parametrize("key", ["Content-Signal", "Content-signal", "CONTENT-SIGNAL", " content-signal "])
def test_key_in_any_case(key: str) -> None:
    assert pairs("ai-train=no", key) == [("ai-train", "no")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("search=yes, ai-input=no, ai-train=no", [("search", "yes"), ("ai-input", "no"), ("ai-train", "no")]),
        ("search=yes,ai-train=no", [("search", "yes"), ("ai-train", "no")]),
        ("AI-Train = no", [("ai-train", "no")]),
        ("use=immediate", [("use", "immediate")]),
        ("ai-train=No # as of today", [("ai-train", "No")]),
        ("search, ai-train=no, =yes, x=", [("ai-train", "no")]),
        ("", []),
        ("/p/", []),
    ],
)
def test_content_signal_is_a_list_of_pairs(value: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(value) == expected


def test_content_signal_may_have_a_path() -> None:
    assert read("User-agent: *\nContent-Signal: /p/ ai-train=yes, search=no") == [
        ("* /p/", "ai-train", "yes", 2),
        ("* /p/", "search", "no", 2),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("train-ai=n", [("train-ai", "n")]),
        ("train-ai=n, search=y", [("train-ai", "n"), ("search", "y")]),
        ("train-ai=N", [("train-ai", "N")]),
        ("train-ai=n;x=1, search", [("train-ai", "n;x=1"), ("search", "?1")]),
        ("train-ai=y, search=y, train-ai=n", [("search", "y"), ("train-ai", "n")]),
        ('train-ai="a, b"', [("train-ai", '"a, b"')]),
        ("Train-AI=n", []),
        ("train-ai=n,", []),
        ("train-ai=n search=y", []),
        ("train-ai=n, =y", []),
        ("", []),
    ],
)
def test_content_usage_is_a_dictionary_of_rfc_9651(value: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(value, "Content-Usage") == expected


def test_content_usage_may_have_a_path() -> None:
    assert read("User-agent: a\nContent-Usage: /x*y train-ai=n, search=y") == [
        ("a /x*y", "train-ai", "n", 2),
        ("a /x*y", "search", "y", 2),
    ]


def test_path_alone_states_nothing() -> None:
    assert read("Content-Usage: /x") == []


def test_license_is_an_absolute_url_and_speaks_to_all() -> None:
    text = "User-agent: a\nLicense: https://example.org/license.xml\nDisallow: /"
    assert read(text) == [("", "", "https://example.org/license.xml", 2)]


@pytest.mark.parametrize(
    "value", ["/license.xml", "MIT", "example.org/l.xml", "https://a b", "", "//example.org/l"]
)
def test_other_licenses_are_no_signal(value: str) -> None:
    assert read(f"License: {value}") == []


def test_scope_is_the_agents_of_the_group() -> None:
    assert read("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /x\nContent-Signal: search=no") == [
        ("GPTBot, CCBot", "search", "no", 4)
    ]


def test_scope_outside_of_groups_is_empty() -> None:
    assert read("Content-Signal: search=no\nUser-agent: a") == [("", "search", "no", 1)]


def test_signal_ends_a_list_of_agents_as_a_rule_does() -> None:
    assert read("User-agent: a\nContent-Usage: search=n\nUser-agent: b\nContent-Usage: search=y") == [
        ("a", "search", "n", 2),
        ("b", "search", "y", 4),
    ]


def test_other_lines_do_not_end_it() -> None:
    assert read("User-agent: a\nSitemap: /s\n\nUser-agent: b\nContent-Signal: search=y") == [
        ("a, b", "search", "y", 5)
    ]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_count_from_one_whatever_ends_them(end: str) -> None:
    assert read(end.join(["", "Content-Signal: search=no"])) == [("", "search", "no", 2)]


def test_bom_changes_nothing() -> None:
    assert read("\ufeffContent-Signal: search=no") == read("Content-Signal: search=no")


def test_long_lists_of_agents_are_cut_with_a_mark() -> None:
    names = "".join(f"User-agent: bot{number}\n" for number in range(1000))
    ((scope, *_),) = read(names + "Content-Signal: search=no")
    assert scope.startswith("bot0, bot1, ")
    assert scope.endswith(CUT_MARK)
    assert len(scope) <= SCOPE_LIMIT + 3


def test_body_without_signals_has_none() -> None:
    assert read("User-agent: *\nDisallow: /license\nAllow: /content-signal") == []


@given(st.binary())
def test_any_bytes_are_read(body: bytes) -> None:
    list(iter_signals(b"License: " + body))


@pytest.mark.parametrize(
    "body",
    [
        b"User-agent: a\n" * 20_000 + b"Content-Signal: /p a=b\n" * 9_000,
        b"Content-Usage: " + b"a=b;" * 120_000,
        b"Content-Usage: " + b"a=b, " * 100_000,
        b"Content-Signal: " + b"a = " * 120_000,
        b'Content-Usage: a="' + b"\\" * 400_000,
        b"Content-Signal: /" + b"x" * 400_000,
    ],
)
def test_hostile_bodies_take_no_longer(body: bytes) -> None:
    assert sum(1 for _ in iter_signals(body)) <= 120_000
