"""What Scrapy reads: our reading of Protego's inside against what Protego itself answers."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from protego import Protego

from consent import protego_reading
from consent.agents import read_registry
from consent.declarations import Declaration, find_declaration
from consent.dialects import find_dialect
from consent.lines import cut_body
from consent.protego_reading import PROTEGO_VERSION, STEP_LIMIT, parse_protego, read_protego
from consent.vocabulary import GroupMatch, Restriction

REGISTRY = read_registry()
SHARED = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared"))


def declare(text: str, agent: str = "*") -> Declaration:
    return find_declaration(read_protego(text.encode(), REGISTRY), agent)


def level(text: str, agent: str = "*") -> str:
    return declare(text, agent).restriction.value


def test_version_is_pinned_and_is_the_dialects() -> None:
    assert version("protego") == PROTEGO_VERSION == find_dialect("protego").version


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    protego_reading._check_version.cache_clear()
    monkeypatch.setattr(protego_reading, "version", lambda _: "0.6.1")
    with pytest.raises(RuntimeError, match="install protego=="):
        read_protego(b"", REGISTRY)


def test_value_is_sought_at_the_start_of_words_of_the_name() -> None:
    text = "User-agent: Claude\nDisallow: /"
    assert level(text, "ClaudeBot") == "all"
    assert level(text, "Claude-Web") == "all"
    assert declare(text, "GPTBot").group_match is GroupMatch.NONE
    assert declare("User-agent: bot\nDisallow: /", "GPTBot").group_match is GroupMatch.NONE
    assert level("User-agent: agent\nDisallow: /", "ChatGPT Agent") == "all"


def test_longest_value_wins() -> None:
    text = "User-agent: Applebot\nDisallow: /\nUser-agent: Applebot-Extended\nDisallow: /x"
    assert (level(text, "Applebot"), level(text, "Applebot-Extended")) == ("all", "some")


def test_versions_in_values_never_match() -> None:
    text = "User-agent: GPTBot/1.0\nDisallow: /"
    assert declare(text, "GPTBot").group_match is GroupMatch.NONE
    assert level(text, "gptbot/1.0") == "all"


def test_asterisks_in_values_are_taken_out() -> None:
    text = "User-agent: *GPTBot*\nDisallow: /"
    assert level(text, "GPTBot") == "all"
    assert declare(text).group_match is GroupMatch.NONE


def test_groups_of_one_agent_merge() -> None:
    assert level("User-agent: *\nDisallow: /a\nAllow: /b\n\nUser-agent: *\nDisallow: /") == "some"


@pytest.mark.parametrize(
    ("line", "expected"), [("Crawl-delay: 1", "none"), ("Unknown: 1", "none"), ("Sitemap: /s", "all")]
)
def test_what_ends_a_list_of_agents(line: str, expected: str) -> None:
    assert level(f"User-agent: GPTBot\n{line}\nUser-agent: CCBot\nDisallow: /", "GPTBot") == expected


@pytest.mark.parametrize("key", ["Useragent:", "User agent:", "User-agent", "user agent"])
def test_keys_of_agents_may_be_misspelt(key: str) -> None:
    assert level(f"{key} *\nDisallow: /") == "all"


@pytest.mark.parametrize("key", ["Dissallow:", "Disalow:", "disallow"])
def test_keys_of_rules_may_be_misspelt(key: str) -> None:
    assert level(f"User-agent: *\n{key} /") == "all"


def test_mark_in_front_is_dropped_as_scrapy_does() -> None:
    assert level("\ufeffUser-agent: *\nDisallow: /") == "all"


def test_octets_that_are_no_utf8_are_left_out() -> None:
    row = find_declaration(read_protego(b"User-agent: *\nDis\xffallow: /", REGISTRY), "*")
    assert row.restriction is Restriction.ALL


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x85", "\u2028"])
def test_lines_end_at_more_than_line_feeds(end: str) -> None:
    assert level(f"User-agent: *{end}Disallow: /") == "all"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("Disallow:", "none"),
        ("Disallow: /", "all"),
        ("Disallow: *", "all"),
        ("Disallow: /*", "all"),
        ("Disallow: /*$", "all"),
        ("Disallow: /\nAllow: /", "none"),
        ("Disallow: /\nAllow: /robots.txt", "all"),
        ("Disallow: /\nAllow: /robots.txt$", "all"),
        ("Disallow: /\nAllow: /$", "some"),
        ("Disallow: /\nAllow: /index.html", "some"),
        ("Disallow: x", "none"),
        ("Disallow: https://example.org/", "some"),
        ("Disallow: /?a", "some"),
        ("Allow: /", "none"),
    ],
)
def test_restriction_is_the_effect(rules: str, expected: str) -> None:
    assert level(f"User-agent: *\n{rules}") == expected


def test_longpre_rule_is_applied_to_what_protego_holds() -> None:
    row = declare("User-agent: *\nDisallow: /\nAllow: /robots.txt")
    assert (row.restriction, row.restriction_longpre2024) == (Restriction.ALL, Restriction.SOME)


def test_last_valid_crawl_delay_counts() -> None:
    assert declare("User-agent: *\nCrawl-delay: 2\nCrawl-delay: 5.5\nCrawl-delay: x").crawl_delay == 5.5
    assert declare("User-agent: *\nDisallow:").crawl_delay is None


def test_body_without_groups_has_the_wildcard_row_only() -> None:
    for body in (b"", b"Disallow: /", b"\x00\xff", b"<html>"):
        assert read_protego(body, REGISTRY).declarations == (
            Declaration("*", GroupMatch.NONE, Restriction.NONE, Restriction.NONE, None),
        )


def probe(parsed: Protego, agent: str, paths: list[str]) -> str:
    answers = {parsed.can_fetch("https://example.org" + path, agent) for path in paths}
    return "some" if len(answers) == 2 else "none" if answers == {True} else "all"


def witness(parsed: Protego) -> list[str]:
    """List paths of which each rule of `parsed` decides one at least, if it decides any."""
    paths = ["/", "/zq9", "/a?b", "/zq9/w.x"]
    for rules in parsed._user_agents.values():
        for rule in rules._rules:
            pattern = rule.value._pattern
            stem = pattern.removesuffix("$")
            paths += [stem.replace("*", filler) for filler in ("", "zq/w", "*")]
            if stem == pattern:
                paths += [
                    stem.replace("*", filler) + tail for filler in ("", "zq/w") for tail in ("zz9", "/zz9")
                ]
    slashed = (path if path.startswith("/") else "/" + path for path in paths)
    return [path for path in slashed if not path.startswith("/robots.txt")]


def check(body: bytes) -> None:
    """Compare every agent of the registry and of the body with what Protego answers when asked."""
    parsed = parse_protego(body)
    ruleset = read_protego(body, REGISTRY)
    rows = {row.agent: row for row in ruleset.declarations}
    paths = witness(parsed)
    probed: dict[int, str] = {}
    for agent in [*(listed.agent for listed in REGISTRY.agents), *parsed._user_agents]:
        row = rows.get(REGISTRY.spelling(agent), rows["*"])
        found = parsed._get_matching_rule_set(agent)
        assert (row.group_match is GroupMatch.NONE) == (found is None)
        if found is not None:
            assert (row.group_match is GroupMatch.WILDCARD) == (found.user_agent == "*")
        assert row.crawl_delay == parsed.crawl_delay(agent)
        if id(found) not in probed:
            probed[id(found)] = probe(parsed, agent, paths)
        assert row.restriction == probed[id(found)], (agent, body)


AGENTS = st.sampled_from(
    ["*", "GPTBot", "Claude", "claudebot", "a", "*bot*", "* x", "Google", "ai2bot", "Agent"]
)
VALUES = st.sampled_from(
    ["", "/", "/*", "*", "/a", "/a$", "/a*b", "/*.x$", "/$", "a", "/a/index.html", "/robots.txt"]
)
LINES = st.one_of(
    st.builds("User-agent: {}".format, AGENTS),
    st.builds("Disallow: {}".format, VALUES),
    st.builds("Allow: {}".format, VALUES),
    st.sampled_from(["", "Crawl-delay: 3", "Sitemap: /s", "x: y", "# c"]),
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=8))
@example(["User-agent: *", "User-agent: a", "Disallow: /"])
@example(["User-agent: a", "Disallow: /", "User-agent: *"])
def test_every_answer_is_protegos_own(lines: list[str]) -> None:
    check("\n".join(lines).encode())


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read(body: bytes) -> None:
    read_protego(b"User-agent: *\n" + body, REGISTRY)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: a{number}\n" for number in range(15_000)) + "Disallow: /\n" * 15_000,
        "".join(f"User-agent: {number}\nfoo\n" for number in range(7_000)) * 2 + "Disallow: /\n" * 9_000,
        "User-agent: *\nDisallow: /" + "*a" * 200_000,
        "User-agent: *\n" + "Disallow: /*a*b*c*d*e*f*g*h*i*j\n" * 10_000,
        "Crawl-delay " * 30_000,
    ],
)
def test_hostile_bodies_take_bounded_time(text: str) -> None:
    read_protego(text.encode(), REGISTRY)


def test_long_files_of_honest_make_are_not_cut() -> None:
    groups = "".join(f"User-agent: bot{number}\nDisallow: /\n\n" for number in range(5_000))
    listed = "".join(f"User-agent: bot{number}\n" for number in range(1_300)) + "Disallow: /\n"
    assert len(groups.splitlines()) ** 2 > STEP_LIMIT
    assert len(read_protego(groups.encode(), REGISTRY).declarations) == 5_001
    assert len(read_protego(listed.encode(), REGISTRY).declarations) == 1_301


@pytest.mark.corpus
def test_real_bodies_read_as_protego_answers() -> None:
    path = SHARED / "corpus" / "bodies.parquet"
    if not path.exists():
        pytest.skip("the shared corpus is not here")
    query = (
        "select body from read_parquet(?) where digest < '2K' and octet_length(body) < 3000 order by digest"
    )
    with duckdb.connect() as con:
        bodies = [cut_body(row[0])[0] for row in con.execute(query, [str(path)]).fetchall()]
    assert len(bodies) > 200
    for body in bodies:
        check(body)
