"""Clauses of consent/DIALECT.md that are Google's own."""

from __future__ import annotations

import pytest

from consent.agents import make_registry
from consent.classify import read_reference
from consent.declarations import Declaration, find_declaration
from consent.explain import explain
from consent.google_reading import LINE_LIMIT

REGISTRY = make_registry(())


def declared(body: str | bytes, agent: str = "a") -> Declaration:
    octets = body if isinstance(body, bytes) else body.encode()
    return find_declaration(read_reference(octets, "google", REGISTRY), agent)


def allowed(path: str, *rules: str) -> bool | None:
    return explain("\n".join(["User-agent: a", *rules]).encode(), ["a"], path, "google").allowed


@pytest.mark.parametrize("key", ["useragent", "User agent", "User-agents", "USER-AGENT-X"])
def test_google_2_2_a_user_agent_keys_by_their_beginning(key: str) -> None:
    assert declared(f"{key}: a\nDisallow: /").restriction == "all"


@pytest.mark.parametrize(
    "key", ["Disallowed", "dissallow", "Dissalow", "DISALOW", "diasllow", "disallaw", "disallow all"]
)
def test_google_2_2_a_disallow_keys_by_their_beginning(key: str) -> None:
    assert declared(f"User-agent: a\n{key}: /").restriction == "all"
    assert declared("User-agent: a\nAllowed: /\nDisallow: /").restriction == "none"


def test_google_2_2_b_a_gap_stands_for_a_missing_colon() -> None:
    assert declared("User-agent a\nDisallow \t /").restriction == "all"
    assert declared("User-agent: a\nDisallow / /x").restriction == "none"
    assert declared("User-agent: a\nDisallow/").restriction == "none"


def test_google_2_2_c_a_nul_ends_the_text_of_a_line() -> None:
    assert declared(b"User-agent: a\0b\nDisallow: /\0x\nDis\0allow: /y").restriction == "all"
    assert declared("User-agent: a\nDisallow: /\n".encode("utf-16")).group_match == "none"


def test_google_2_2_d_lines_are_cut() -> None:
    spaces = " " * (LINE_LIMIT - len("Disallow:/"))
    assert declared(f"User-agent: a\nDisallow:{spaces}/x").restriction == "all"
    assert declared(f"User-agent: a\nDisallow: {spaces}/x").restriction == "none"


def test_google_2_2_1_a_a_name_is_its_leading_letters() -> None:
    body = "User-agent: GPTBot/1.0\nUser-agent: AI2Bot\nUser-agent: Foo Bar\nDisallow: /"
    ruleset = read_reference(body.encode(), "google", REGISTRY)
    rows = {row.agent: row.group_match.value for row in ruleset.declarations}
    assert rows == {"*": "none", "ai": "specific", "foo": "specific", "gptbot": "specific"}


@pytest.mark.parametrize(
    ("value", "match"), [("*", "wildcard"), ("* x", "wildcard"), ("*x", "none"), ("**", "none")]
)
def test_google_2_2_1_b_a_star_before_white_space_is_everyone(value: str, match: str) -> None:
    assert declared(f"User-agent: {value}\nDisallow: /").group_match == match


def test_google_2_2_2_a_patterns_are_escaped_but_not_decoded() -> None:
    assert allowed("/%E3%83%84", "Disallow: /ツ") is False
    assert allowed("/%aa", "Disallow: /%aa") is True
    assert allowed("/baz", "Disallow: /%62%61%7A") is True
    assert allowed("/a$b", "Disallow: /a%24b") is True


def test_google_2_2_2_b_an_allowed_index_page_allows_its_directory() -> None:
    rules = ("Disallow: /", "Allow: /x/index.html")
    assert allowed("/x/", *rules) is allowed("/x/index.html", *rules) is True
    assert allowed("/x/y", *rules) is False
    assert declared("User-agent: a\nDisallow: /$\nAllow: /index.html").restriction == "none"


def test_google_2_2_2_c_robots_txt_is_matched_like_any_path() -> None:
    assert allowed("/robots.txt", "Disallow: /") is False
    assert declared("User-agent: a\nDisallow: /\nAllow: /robots.txt").restriction == "all"


def test_google_2_2_4_a_there_is_no_crawl_delay() -> None:
    row = declared("User-agent: a\nCrawl-delay: 5\nUser-agent: b\nDisallow: /")
    assert (row.crawl_delay, row.restriction) == (None, "all")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"])
def test_google_2_3_a_a_mark_is_dropped_whole_or_in_part(mark: bytes) -> None:
    assert declared(mark + b"User-agent: a\nDisallow: /").restriction == "all"
    assert declared(b"\xef\x11\xbfUser-agent: a\nDisallow: /").group_match == "none"
    assert declared(b"\xef\xbb\xbf\xef\xbb\xbfUser-agent: a\nDisallow: /").group_match == "none"
