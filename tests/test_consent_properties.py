"""Properties that hold for every robots.txt, found out by generated ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.agents import make_registry
from consent.classify import read_reference
from consent.declarations import Ruleset, find_declaration
from consent.readings import GOOGLE, READINGS, RFC9309, Reading
from consent.robots import Group, Robots, parse_robots, render_robots

REGISTRY = make_registry(())
AGENT = st.sampled_from(["*", "a", "GPTBot", "b-c_d", "Foo"])
VALUE = st.sampled_from(
    ["", "/", "/x", "/*", "/x?y", "/é", "/%7e", "x", "$", "/a*b$", "/index.html", "/robots.txt"]
)
RULE = st.one_of(
    st.tuples(st.sampled_from(["Allow", "Disallow"]), VALUE),
    st.tuples(st.just("Crawl-delay"), st.sampled_from(["1", "2.5", "x"])),
    st.tuples(st.just("Sitemap"), st.just("/s.xml")),
)
LINES = st.lists(st.tuples(st.just("User-agent"), AGENT) | RULE, max_size=15)
BOTH = pytest.mark.parametrize("reading", [RFC9309, GOOGLE], ids=lambda reading: reading.name)


def join(lines: list[tuple[str, str]], end: str = "\n") -> bytes:
    return end.join(f"{key}: {value}" for key, value in lines).encode()


def read(body: bytes, reading: Reading) -> Ruleset:
    return read_reference(body, reading.name, REGISTRY)


def without_lines(robots: Robots) -> list[object]:
    return [
        (group.agents, group.delays, [(rule.is_allow, rule.value, rule.pattern) for rule in group.rules])
        for group in robots.groups
    ]


@BOTH
def test_any_octets_parse(reading: Reading) -> None:
    @given(st.binary(max_size=400))
    def check(body: bytes) -> None:
        robots = parse_robots(body, reading)
        assert all(rule.line <= robots.n_lines for group in robots.groups for rule in group.rules)
        assert read(body, reading).declarations[0].agent == "*"

    check()


@BOTH
def test_a_mark_line_ends_and_blank_lines_change_nothing(reading: Reading) -> None:
    @given(LINES, st.sampled_from(["\r", "\r\n", "\n\n", "\n\r", "\n# c\n", " # c\n"]))
    def check(lines: list[tuple[str, str]], end: str) -> None:
        assert read(b"\xef\xbb\xbf" + join(lines, end) + end.encode(), reading) == read(join(lines), reading)

    check()


@BOTH
def test_the_case_of_keys_and_tokens_changes_nothing(reading: Reading) -> None:
    @given(LINES)
    def check(lines: list[tuple[str, str]]) -> None:
        shouted = [(key.upper(), value.upper() if key == "User-agent" else value) for key, value in lines]
        assert read(join(shouted), reading) == read(join(lines), reading)

    check()


@BOTH
def test_an_agent_that_is_not_named_gets_what_everyone_gets(reading: Reading) -> None:
    @given(LINES)
    def check(lines: list[tuple[str, str]]) -> None:
        ruleset = read(join(lines), reading)
        assert find_declaration(ruleset, "Unnamed").agent == "*"

    check()


@BOTH
def test_adding_disallow_all_to_a_group_without_allow_gives_all(reading: Reading) -> None:
    @given(LINES.map(lambda lines: [line for line in lines if line[0] != "Allow"]))
    def check(lines: list[tuple[str, str]]) -> None:
        body = join([*lines, ("Disallow", "/x"), ("User-agent", "mine"), ("Disallow", "/")])
        assert find_declaration(read(body, reading), "mine").restriction == "all"
        for group in parse_robots(join(lines), reading).groups:
            more = Group(group.agents, group.agent_lines, (*group.rules, RULE_ALL), group.delays)
            levels = read(render_robots(Robots((more,), 0, False)), reading).declarations
            assert {row.restriction.value for row in levels if row.group_match != "none"} <= {"all"}

    check()


RULE_ALL = parse_robots(b"User-agent: a\nDisallow: /", RFC9309).groups[0].rules[0]


@BOTH
def test_parse_render_parse_is_stable(reading: Reading) -> None:
    @given(LINES.map(join) | st.binary(max_size=200))
    def check(body: bytes) -> None:
        first = parse_robots(body, reading)
        second = parse_robots(render_robots(first), reading)
        assert without_lines(second) == without_lines(first)
        assert render_robots(second) == render_robots(first)

    check()


@given(st.text(max_size=40))
def test_any_url_has_a_path(url: str) -> None:
    for reading in READINGS.values():
        assert reading.normalise_url(url).startswith(b"/")


@given(st.binary(max_size=30).filter(lambda value: not value.endswith(b"$")))
def test_normal_patterns_stay_as_they_are(value: bytes) -> None:
    for reading in READINGS.values():
        normal = reading.normalise_pattern(value)
        assert reading.normalise_pattern(normal) == normal
