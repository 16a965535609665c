"""The 2024 study's parsers: each of their habits, one test a habit, and what they cost on real files."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.agents import read_registry
from consent.classify import Classifier
from consent.declarations import Declaration, find_declaration
from consent.longpre import STEP_LIMIT, STUDY_COMPANIES, read_longpre
from consent.vocabulary import GroupMatch, Restriction

REGISTRY = read_registry()
VERSIONS = ("paper", "2025-01", "head")
STACKED = "User-agent: a\nDisallow: /x\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
SHARED = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared"))


def declare(text: str, version: str, agent: str) -> Declaration:
    return find_declaration(read_longpre(text.encode(), version, REGISTRY), agent)


def level(text: str, version: str, agent: str = "*") -> Restriction:
    return declare(text, version, agent).restriction_longpre2024


def levels(text: str, agent: str = "*") -> list[str]:
    return [level(text, version, agent).value for version in VERSIONS]


def test_plain_file_reads_the_same_in_all_versions() -> None:
    text = "User-agent: *\nDisallow: /x\n\nUser-agent: GPTBot\nDisallow: /\n"
    assert levels(text, "GPTBot") == ["all", "all", "all"]
    assert [level(text, version) for version in ("paper", "head")] == ["some", "some"]


def test_paper_reads_one_case_of_keys_only() -> None:
    assert levels("User-Agent: *\nDisallow: /") == ["none", "all", "all"]
    assert levels("User-agent: *\ndisallow: /") == ["none", "all", "all"]


def test_paper_ends_a_group_at_a_comment_line() -> None:
    assert levels("User-agent: *\n# nothing here\nDisallow: /") == ["none", "all", "all"]


def test_paper_ends_a_group_at_a_blank_line() -> None:
    assert levels("User-agent: *\n \nDisallow: /") == ["none", "all", "all"]


def test_paper_keeps_comments_in_values() -> None:
    assert levels("User-agent: *\nDisallow: / # all") == ["some", "all", "all"]
    assert declare("User-agent: GPTBot # mine\nDisallow: /", "paper", "GPTBot").group_match is GroupMatch.NONE


def test_paper_gives_the_last_of_stacked_agents_the_rules() -> None:
    assert level(STACKED, "paper", "GPTBot") is Restriction.NONE
    assert level(STACKED, "paper", "CCBot") is Restriction.ALL
    assert declare(STACKED, "paper", "GPTBot").group_match is GroupMatch.SPECIFIC


def test_paper_finds_agents_in_the_registrys_case_only() -> None:
    text = "User-agent: gptbot\nDisallow: /"
    assert declare(text, "paper", "GPTBot").group_match is GroupMatch.NONE
    assert declare(text, "head", "GPTBot").group_match is GroupMatch.SPECIFIC
    assert declare(text.replace("gptbot", "Omgili"), "paper", "omgili").group_match is GroupMatch.NONE


def test_paper_lists_unregistered_agents_by_their_first_spelling() -> None:
    text = "User-agent: MyBot\nDisallow: /\nUser-agent: mybot\nDisallow: /x"
    assert level(text, "paper", "mybot") is Restriction.ALL


def test_paper_goes_on_with_an_agent_named_again() -> None:
    text = "User-agent: *\nDisallow: /x\n\nUser-agent: *\nDisallow: /"
    assert level(text, "paper") is Restriction.ALL


def test_2025_01_never_ends_a_group() -> None:
    text = "User-agent: GPTBot\nDisallow: /x\n\nUser-agent: CCBot\nDisallow: /"
    assert levels(text, "GPTBot") == ["some", "all", "some"]


def test_2025_01_gives_an_agent_named_twice_everything_twice() -> None:
    text = "User-agent: *\nUser-agent: *\nDisallow:"
    assert levels(text) == ["none", "some", "some"]
    later = "User-agent: *\nDisallow: /a\nUser-agent: *\nAllow: /a\nDisallow:"
    assert level(later, "2025-01") is Restriction.SOME


def test_head_stacks_agents_before_the_first_rule() -> None:
    text = "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /"
    assert levels(text, "GPTBot") == ["none", "all", "all"]


def test_head_loses_stacked_agents_behind_it() -> None:
    assert levels(STACKED, "GPTBot") == ["none", "all", "none"]
    assert levels(STACKED, "CCBot") == ["all", "all", "all"]


@pytest.mark.parametrize("line", ["Sitemap: https://example.org/s.xml", "Crawl-delay: 1", "Allow: /x"])
def test_head_counts_any_known_line_as_a_first_rule(line: str) -> None:
    text = f"{line}\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /"
    assert level(text, "head", "GPTBot") is Restriction.NONE


@pytest.mark.parametrize("version", VERSIONS)
def test_byte_order_mark_loses_the_first_line(version: str) -> None:
    assert declare("\ufeffUser-agent: *\nDisallow: /", version, "*").group_match is GroupMatch.NONE


@pytest.mark.parametrize("version", VERSIONS)
def test_agent_without_a_group_gets_the_wildcard(version: str) -> None:
    assert level("User-agent: *\nDisallow: /", version, "GPTBot") is Restriction.ALL


@pytest.mark.parametrize("version", VERSIONS)
def test_own_group_counts_even_when_it_is_empty(version: str) -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\n"
    assert declare(text, version, "GPTBot") == Declaration(
        "GPTBot", GroupMatch.SPECIFIC, Restriction.NONE, Restriction.NONE, None
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_wildcard_row_is_always_there(version: str) -> None:
    for body in (b"", b"\xff\x00", b"User-agent: a"):
        (row,) = [row for row in read_longpre(body, version, REGISTRY).declarations if row.agent == "*"]
        assert row == Declaration("*", GroupMatch.NONE, Restriction.NONE, Restriction.NONE, None)


def test_restriction_is_the_effect_and_the_other_the_studys_rule() -> None:
    row = declare("User-agent: *\nDisallow: /*\nAllow: /robots.txt", "head", "*")
    assert (row.restriction, row.restriction_longpre2024) == (Restriction.ALL, Restriction.SOME)
    row = declare("User-agent: *\nDisallow: /?", "head", "*")
    assert (row.restriction, row.restriction_longpre2024) == (Restriction.SOME, Restriction.NONE)


@pytest.mark.parametrize("version", VERSIONS)
def test_crawl_delay_is_the_first_that_is_a_number(version: str) -> None:
    text = "User-agent: *\nCrawl-delay: soon\nCrawl-delay: 2.5\nCrawl-delay: 9"
    assert declare(text, version, "*").crawl_delay == 2.5


def test_unknown_version_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        read_longpre(b"", "2026", REGISTRY)


def test_companies_of_the_study() -> None:
    companies = {company.name: company.agents for company in STUDY_COMPANIES}
    assert companies["OpenAI"] == ("GPTBot", "ChatGPT-User")
    assert companies["Anthropic"] == ("ClaudeBot", "CCBot")
    assert len(companies) == 9
    assert all(REGISTRY.lists(agent) for agents in companies.values() for agent in agents)


def literal_2025_01(text: str) -> dict[str, tuple[list[str], list[str]]]:
    """Fill a list per agent, as the study does, for small bodies of plain lines."""
    held: dict[str, tuple[list[str], list[str]]] = {}
    current: list[str] = []
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        if key == "User-agent":
            held.setdefault(value, ([], []))
            current.append(value)
        else:
            for agent in current:
                held[agent][key == "Disallow"].append(value)
    return held


LINES = st.sampled_from(
    ["User-agent: *", "User-agent: a", "Disallow: /", "Disallow: /b", "Allow: /", "Allow: /b"]
)


@given(st.lists(LINES, max_size=12))
def test_spans_stand_for_the_lists_of_the_study(lines: list[str]) -> None:
    text = "\n".join(lines)
    for agent, (allow, disallow) in literal_2025_01(text).items():
        same = f"User-agent: {agent}\n" + "".join(f"Allow: {value}\n" for value in allow)
        same += "".join(f"Disallow: {value}\n" for value in disallow)
        assert level(text, "2025-01", agent) is level(same, "paper", agent)


@given(st.binary(), st.sampled_from(VERSIONS))
def test_any_bytes_are_read(body: bytes, version: str) -> None:
    read_longpre(b"User-agent: x\n" + body, version, REGISTRY)


@pytest.mark.parametrize("version", VERSIONS)
def test_hostile_bodies_take_bounded_time(version: str) -> None:
    many = "".join(f"User-agent: a{number}\n" for number in range(10_000)) + "Disallow: /\n" * 5_000
    rows = read_longpre(many.encode(), version, REGISTRY).declarations
    assert 1 <= len(rows) <= max(STEP_LIMIT / 5_000, 10_001)
    twice = "User-agent: *\n" * 10_000 + "Disallow: /x\n" * 10_000
    assert level(twice, version) is Restriction.SOME


@pytest.mark.corpus
def test_paper_gets_a_fifth_of_real_wildcards_of_2019_wrong() -> None:
    if not (SHARED / "corpus" / "bodies.parquet").exists():
        pytest.skip("the shared corpus is not here")
    query = """select distinct digest, body from read_parquet(?) b join read_parquet(?) c using (digest)
               where corpus = 'top-2019' and digest < 'G' and octet_length(body) < 50000 order by digest"""
    paths = [str(SHARED / "corpus" / name) for name in ("bodies.parquet", "captures.parquet")]
    with duckdb.connect() as con:
        bodies = [body for _, body in con.execute(query, paths).fetchall()]
    classifier = Classifier("rfc9309", REGISTRY)
    n_wrong = 0
    for body in bodies:
        plain = find_declaration(classifier.read(body), "*").restriction_longpre2024
        n_wrong += (
            plain is not find_declaration(read_longpre(body, "paper", REGISTRY), "*").restriction_longpre2024
        )
    assert len(bodies) > 300
    assert 0.15 < n_wrong / len(bodies) < 0.35
