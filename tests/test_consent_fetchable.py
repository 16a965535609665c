"""Many URLs at once: the answers are those of `explain` one by one, and of independent matchers."""

from __future__ import annotations

import pytest
import robots as robotspy
from hypothesis import given, settings
from hypothesis import strategies as st
from protego import Protego

from consent.decision import decide
from consent.explain import explain
from consent.fetchable import compile_rules, decides_urls, find_fetchable, find_like
from consent.readings import READINGS
from consent.robots import Rule, parse_robots
from consent.vocabulary import Restriction

BODY = b"""User-agent: *
Disallow: /private/
Allow: /private/open
Disallow: /*.pdf$

User-agent: GPTBot
User-agent: CCBot
Disallow: /

User-agent: ccbot
Allow: /news
"""
URLS = [f"https://example.org{path}" for path in ("/", "/private/x", "/private/open", "/news/a", "/a.pdf")]

PIECES = st.sampled_from(["a", "b", "/", "*", "$", "%62", "%2F", "?", "ä", "index.html", "A", "&x=1"])
PATHS = st.lists(PIECES, max_size=5).map(lambda pieces: "/" + "".join(pieces))
LINES = st.tuples(st.sampled_from(["Allow", "Disallow"]), PATHS | st.just(""))
GROUPS = st.tuples(st.sampled_from(["*", "GPTBot", "ccbot", "Other"]), st.lists(LINES, max_size=5))
AGENTS = ("*", "GPTBot", "CCBot")


def write(groups: list[tuple[str, list[tuple[str, str]]]]) -> bytes:
    lines = []
    for agent, rules in groups:
        lines += [f"User-agent: {agent}", *(f"{key}: {value}" for key, value in rules), ""]
    return "\n".join(lines).encode()


def test_each_agent_is_answered_by_its_own_groups() -> None:
    assert find_fetchable(BODY, AGENTS, URLS) == {
        "*": (True, False, True, True, False),
        "GPTBot": (False, False, False, False, False),
        "CCBot": (False, False, False, True, False),
    }


def test_rfc9309_2_2_2_i_robots_txt_may_always_be_fetched() -> None:
    closed = b"User-agent: *\nDisallow: /\n"
    assert find_fetchable(closed, ["*"], ["https://a.example/robots.txt", "/x"])["*"] == (True, False)


def test_nothing_is_forbidden_where_nothing_is_said() -> None:
    assert find_fetchable(b"", AGENTS, ["/a"]) == dict.fromkeys(AGENTS, (True,))
    assert find_fetchable(BODY, AGENTS, []) == dict.fromkeys(AGENTS, ())


@given(st.lists(GROUPS, max_size=4), st.lists(PATHS, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_answers_are_those_of_explain(
    groups: list[tuple[str, list[tuple[str, str]]]], paths: list[str]
) -> None:
    body, urls = write(groups), [f"https://example.org{path}" for path in paths]
    for dialect in READINGS:
        found = find_fetchable(body, AGENTS, urls, dialect)
        for agent in AGENTS:
            asked = ["someone-else"] if agent == "*" else [agent]
            assert found[agent] == tuple(explain(body, asked, url, dialect).allowed for url in urls)


@given(st.lists(GROUPS, max_size=3), st.lists(PATHS, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_compiled_rules_decide_as_the_readable_ones(
    groups: list[tuple[str, list[tuple[str, str]]]], paths: list[str]
) -> None:
    for reading in READINGS.values():
        rules: tuple[Rule, ...] = tuple(
            r for g in parse_robots(write(groups), reading).groups for r in g.rules
        )
        test = compile_rules(rules, reading)
        for path in [*map(reading.normalise_url, paths), b"/robots.txt"]:
            assert test(path) == decide(rules, path, reading).is_allowed


@given(st.lists(GROUPS, min_size=1, max_size=3), st.lists(PATHS, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_url_of_an_open_group_is_refused_and_none_of_a_closed_one_allowed(
    groups: list[tuple[str, list[tuple[str, str]]]], paths: list[str]
) -> None:
    body = write(groups)
    found = find_fetchable(body, AGENTS, paths)
    for agent in AGENTS:
        level = explain(body, [agent if agent != "*" else "someone-else"]).restriction
        assert level is not Restriction.NONE or all(found[agent])
        assert level is not Restriction.ALL or not any(found[agent])


def join(words: list[str], end: str) -> str:
    return "/" + "/".join(words) + end


PLAIN = st.builds(join, st.lists(st.sampled_from(["a", "b", "ab", "c1", "x-y"]), max_size=4), st.just(""))
PATTERN = st.builds(
    join,
    st.lists(st.sampled_from(["a", "b", "ab", "*b", "a*", "x-"]), max_size=3),
    st.sampled_from(["", "$", "*"]),
)
PLAIN_LINES = st.tuples(st.sampled_from(["Allow", "Disallow"]), PATTERN)
PLAIN_GROUPS = st.tuples(
    st.sampled_from(["*", "GPTBot", "ccbot"]), st.lists(PLAIN_LINES, min_size=1, max_size=5)
)


@given(st.lists(PLAIN_GROUPS, min_size=1, max_size=3), st.lists(PLAIN, min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_plain_files_are_read_as_two_independent_matchers_read_them(
    groups: list[tuple[str, list[tuple[str, str]]]], paths: list[str]
) -> None:
    """Odd octets, `index.html` and `//` are left out: there the readings differ on purpose (DIALECT.md)."""
    body, urls = write(groups), [f"https://example.org{path}" for path in paths]
    spy = robotspy.RobotsParser.from_string(body.decode())
    theirs = Protego.parse(body.decode())
    for agent, name in (("*", "nobody"), ("GPTBot", "GPTBot"), ("CCBot", "CCBot")):
        ours = find_fetchable(body, [agent], urls)[agent]
        assert ours == tuple(spy.can_fetch(name, url) for url in urls)
        assert ours == tuple(theirs.can_fetch(url, name) for url in urls)
        assert ours == find_fetchable(body, [name], urls, "protego")[name]


def test_percent_encoding_is_each_dialects_own() -> None:
    body = b"User-agent: *\nDisallow: /%62/\nDisallow: /caf\xc3\xa9\nDisallow: /x%2a\n"
    urls = ["https://a.example/b/", "https://a.example/caf%C3%A9", "https://a.example/caf%c3%a9", "/x*"]
    assert find_fetchable(body, ["*"], urls)["*"] == (False, False, False, False)
    assert find_fetchable(body, ["*"], urls, "google")["*"] == (True, False, True, True)


def test_those_are_alike_to_whom_the_same_is_said() -> None:
    agents = ("*", "GPTBot", "CCBot", "Other")
    assert find_like(BODY, agents, "CCBot") == {"CCBot"}
    body = (
        b"User-agent: GPTBot\nDisallow: /a\nDisallow: /b\n\nUser-agent: CCBot\nDisallow: /b\nDisallow: /a\n"
    )
    assert find_like(body, agents, "CCBot") == {"GPTBot", "CCBot"}
    assert find_like(b"User-agent: *\nDisallow: /a\n", agents, "CCBot") == set(agents)


def test_dialects_that_tell_only_levels_decide_no_url() -> None:
    assert [name for name in ("rfc9309", "google", "protego") if not decides_urls(name)] == []
    assert not decides_urls("longpre2024-head")
    with pytest.raises(ValueError, match="decides no URL; choose"):
        find_fetchable(BODY, ["*"], ["/"], "longpre2024-head")
    assert find_like(BODY, ["*"], "CCBot", "longpre2024-head") == frozenset()
