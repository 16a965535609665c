"""What `explain` says: the groups that speak, the line that decides, the reason in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from consent.explain import explain

BODY = b"""User-agent: *
Crawl-delay: 2
Disallow: /private/
Allow: /private/open

User-agent: GPTBot
User-agent: CCBot
Disallow: /

User-agent: ccbot
Allow: /news
"""


def test_a_named_agent_is_explained_by_its_groups() -> None:
    told = explain(BODY, ["CCBot"], "https://example.org/news/1")
    assert (told.agent, told.group_match, told.restriction) == ("CCBot", "specific", "some")
    assert (told.allowed, told.line, told.group_lines) == (True, 11, (6, 7, 10))
    assert told.rules == ((8, "Disallow: /"), (11, "Allow: /news"))
    assert told.why == (
        "CCBot is named (user-agent lines 6, 7, 10); "
        "line 11 (Allow: /news) is the longest match and allows the URL."
    )


def test_another_agent_is_explained_by_the_group_for_everyone() -> None:
    told = explain(BODY, ["FooBot"], "https://example.org/private/x")
    assert (told.agent, told.group_match, told.allowed, told.line) == ("FooBot", "wildcard", False, 3)
    assert told.crawl_delay == 2.0
    assert "no group names FooBot" in told.why


def test_without_a_url_the_rule_that_makes_the_level_is_named() -> None:
    told = explain(BODY, ["GPTBot"])
    assert (told.restriction, told.line, told.allowed) == ("all", 8, None)
    assert told.why.endswith("no path but /robots.txt may be fetched, by line 8 (Disallow: /).")
    assert explain(BODY, ["x"]).line == 3
    assert explain(b"User-agent: *\nDisallow: /x\nAllow: /*\n", ["x"]).line == 3
    assert explain(b"User-agent: *\nDisallow:\n", ["x"]).line is None


def test_without_any_group_nothing_is_declared() -> None:
    told = explain(b"Sitemap: /s", ["GPTBot"], "/x")
    assert (told.group_match, told.restriction, told.allowed, told.line) == ("none", "none", True, None)
    assert told.rules == told.group_lines == ()
    assert told.why == (
        "no group names GPTBot and there is none for every crawler; "
        "no rule forbids the URL, so it may be fetched."
    )


def test_the_first_asked_token_that_is_named_gives_the_name() -> None:
    assert explain(BODY, ["x", "ccBOT", "GPTBot"]).agent == "ccBOT"
    assert explain(BODY, ["x", "y"]).agent == "x"


def test_the_star_can_be_asked_for() -> None:
    assert explain(BODY, ["*"]).group_match == "wildcard"


def test_a_bad_question_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one agent"):
        explain(BODY, [])
    with pytest.raises(ValueError, match="no dialect is called"):
        explain(BODY, ["a"], None, "rfc9308")


@pytest.mark.parametrize(
    "dialect", ["protego", "longpre2024-paper", "longpre2024-2025-01", "longpre2024-head"]
)
def test_other_dialects_tell_the_level(dialect: str) -> None:
    told = explain(
        b"User-agent: *\nDisallow:\n\nUser-agent: GPTBot\nDisallow: /\n", ["x", "GPTBot"], None, dialect
    )
    assert (told.agent, told.group_match, told.restriction) == ("GPTBot", "specific", "all")


def test_protego_tells_whether_a_url_may_be_fetched() -> None:
    body = b"User-agent: *\nDisallow: /x\n"
    assert explain(body, ["a"], "https://example.org/x/y", "protego").allowed is False
    assert explain(body, ["a"], "/y?[", "protego").allowed is True
    assert explain(body, ["a"], "/x", "longpre2024-head").allowed is None


def test_a_body_of_any_octets_is_explained() -> None:
    assert explain(bytes(range(256)), ["a"], "\udcff?\x00").allowed is True


def test_explain_loads_nothing_heavy() -> None:
    code = "import sys, consent.explain; print({'protego', 'tldextract', 'csv', 'pyarrow'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
