"""Clauses of consent/DIALECT.md on groups, lines and agents (RFC 9309 §2.1 to §2.2.1)."""

from __future__ import annotations

import pytest

from consent.agents import make_registry
from consent.classify import read_reference
from consent.declarations import Declaration, find_declaration
from consent.explain import explain
from consent.readings import RFC9309
from consent.robots import parse_robots

REGISTRY = make_registry(())


def declared(body: str | bytes, agent: str) -> Declaration:
    octets = body if isinstance(body, bytes) else body.encode()
    return find_declaration(read_reference(octets, "rfc9309", REGISTRY), agent)


def said(body: str | bytes, agent: str) -> tuple[str, str]:
    row = declared(body, agent)
    return row.group_match.value, row.restriction.value


def test_rfc9309_2_1_a_stacked_agents_share_a_later_group() -> None:
    body = "User-agent: a\nDisallow: /x\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
    assert said(body, "GPTBot") == said(body, "CCBot") == ("specific", "all")
    assert said(body, "a") == ("specific", "some")
    assert said(body, "other") == ("none", "none")


def test_rfc9309_2_1_a_a_user_agent_line_after_a_rule_begins_a_group() -> None:
    body = "User-agent: a\nDisallow: /\nUser-agent: b\nAllow: /\nUser-agent: c\nUser-agent: d\nDisallow: /x"
    assert [said(body, agent)[1] for agent in "abcd"] == ["all", "none", "some", "some"]


def test_rfc9309_2_1_b_rules_before_the_first_group_are_ignored() -> None:
    assert said("Disallow: /\n\nUser-agent: a\nDisallow: /x\n", "a") == ("specific", "some")
    assert said("Disallow: /\n", "a") == ("none", "none")


@pytest.mark.parametrize("between", ["\n\n\n", "# a comment\n", " \t\n", "\n#\n\n"])
def test_rfc9309_2_1_c_blank_lines_and_comments_do_not_end_a_group(between: str) -> None:
    body = f"User-agent: a\n{between}User-agent: b\n{between}Disallow: /x\n{between}Disallow: /\n"
    assert said(body, "a") == said(body, "b") == ("specific", "all")


def test_rfc9309_2_1_d_a_group_without_rules_speaks() -> None:
    body = "User-agent: *\nDisallow: /\n\nUser-agent: a\n"
    assert said(body, "a") == ("specific", "none")
    assert said(body, "b") == ("wildcard", "all")


@pytest.mark.parametrize(
    "lines", ["USER-AGENT: a\nDISALLOW: /", "user-agent : a\ndisallow\t:/", "  User-Agent:a\n\tdisAllow : / "]
)
def test_rfc9309_2_2_a_keys_ignore_case_and_white_space(lines: str) -> None:
    assert said(lines, "a") == ("specific", "all")


@pytest.mark.parametrize("key", ["Useragent", "User agent", "User_agent", "User-agents", "Agent"])
def test_rfc9309_2_2_b_a_misspelt_user_agent_names_nobody(key: str) -> None:
    assert said(f"{key}: a\nDisallow: /\n", "a") == ("none", "none")


@pytest.mark.parametrize("key", ["Disalow", "Dissallow", "Disallowed", "Dis allow", "Noindex"])
def test_rfc9309_2_2_b_a_misspelt_disallow_is_no_rule(key: str) -> None:
    assert said(f"User-agent: a\n{key}: /\n", "a") == ("specific", "none")


def test_rfc9309_2_2_c_a_line_without_colon_is_no_rule() -> None:
    assert said("User-agent: a\nDisallow /\n", "a") == ("specific", "none")
    assert said("User-agent a\nDisallow: /\n", "a") == ("none", "none")


def test_rfc9309_2_2_d_a_comment_begins_at_any_hash() -> None:
    assert said("User-agent: a#b\nDisallow: /#x\n", "a") == ("specific", "all")
    assert said("#User-agent: a\n#Disallow: /\n", "a") == ("none", "none")
    assert said("User-agent: a # the first\nDisallow: # nothing\n", "a") == ("specific", "none")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_rfc9309_2_2_e_lines_end_at_cr_lf_or_both(end: str) -> None:
    body = end.join(["User-agent: a", "Disallow: /x", "User-agent: b", "Disallow: /"])
    robots = parse_robots(body.encode(), RFC9309)
    assert [group.agent_lines for group in robots.groups] == [(1,), (3,)]
    assert said(body, "b") == ("specific", "all")


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x85", "\u2028", "\x1e"])
def test_rfc9309_2_2_e_other_characters_end_no_line(character: str) -> None:
    assert said(f"User-agent: a\nDisallow: /x{character}Disallow: /\n", "a") == ("specific", "some")


def test_rfc9309_2_2_f_vertical_tab_and_form_feed_are_white_space() -> None:
    assert said("\x0cUser-agent:\x0b a\x0b\nDisallow:/\x0c\n", "a") == ("specific", "all")


def test_rfc9309_2_2_1_a_tokens_match_exactly_and_without_case() -> None:
    body = "User-agent: Applebot\nDisallow: /\nUser-agent: googleother-IMAGE\nDisallow: /x\n"
    assert said(body, "APPLEBOT") == ("specific", "all")
    assert said(body, "Applebot-Extended") == ("none", "none")
    assert said(body, "GoogleOther") == ("none", "none")
    assert said(body, "GoogleOther-Image") == ("specific", "some")


def test_rfc9309_2_2_1_b_groups_of_one_agent_merge() -> None:
    body = "User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /\nUser-agent: A\nDisallow: /\nAllow: /y\n"
    assert said(body, "a") == ("specific", "some")
    assert said("User-agent: a\nAllow: /\nUser-agent: a\nDisallow: /long\n", "a")[1] == "some"


def test_rfc9309_2_2_1_b_groups_of_everyone_merge_with_a_managed_block_before_them() -> None:
    managed = "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /\n"
    own = "\nUser-agent: *\nDisallow: /admin/\n"
    assert said(managed + own, "other") == ("wildcard", "some")
    assert said(managed + own, "GPTBot") == ("specific", "all")


def test_rfc9309_2_2_1_c_a_named_agent_does_not_obey_the_wildcard() -> None:
    assert said("User-agent: *\nDisallow: /\nUser-agent: a\nDisallow:\n", "a") == ("specific", "none")


def test_rfc9309_2_2_1_d_others_obey_the_wildcard_if_there_is_one() -> None:
    assert said("User-agent: *\nUser-agent: a\nDisallow: /\n", "b") == ("wildcard", "all")
    assert said("User-agent: a\nDisallow: /\n", "b") == ("none", "none")


@pytest.mark.parametrize(
    "name", ["AI2Bot", "panscient.com", "ChatGPT Agent", "iaskspider/2.0", "img2dataset"]
)
def test_rfc9309_2_2_1_e_names_beyond_the_grammar_match_by_full_value(name: str) -> None:
    assert said(f"User-agent: {name.upper()} # x\nDisallow: /\n", name) == ("specific", "all")


@pytest.mark.parametrize("value", ["GPTBot/1.0", "GPTBot CCBot", "GPTBot, CCBot", "GPTBot;"])
def test_rfc9309_2_2_1_f_a_longer_value_does_not_name_what_it_begins_with(value: str) -> None:
    assert said(f"User-agent: {value}\nDisallow: /\n", "GPTBot") == ("none", "none")


@pytest.mark.parametrize("value", ["*bot*", "* bot", "**", "*WordPress*"])
def test_rfc9309_2_2_1_f_only_a_lone_star_is_everyone(value: str) -> None:
    assert said(f"User-agent: {value}\nDisallow: /\n", "GPTBot") == ("none", "none")


@pytest.mark.parametrize("value", ["", "x" * 201, "a\x01b", "\x7f"])
def test_rfc9309_2_2_1_g_a_line_that_names_nobody_still_begins_a_group(value: str) -> None:
    body = f"User-agent: a\nDisallow: /x\nUser-agent: {value}\nDisallow: /\n"
    assert said(body, "a") == ("specific", "some")
    assert len(read_reference(body.encode(), "rfc9309", REGISTRY).declarations) == 2


def test_rfc9309_2_2_1_h_names_are_utf8_else_latin1() -> None:
    assert said("User-agent: Café\nDisallow: /\n".encode(), "café") == ("specific", "all")
    assert said("User-agent: Café\nDisallow: /\n".encode("latin-1"), "café") == ("specific", "all")


def test_rfc9309_2_2_1_i_several_tokens_are_one_crawler() -> None:
    body = b"User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /y\nUser-agent: *\nDisallow: /\n"
    both = explain(body, ["c", "a", "b"], "https://h/y")
    assert (both.agent, both.allowed, both.line, both.group_lines) == ("a", False, 4, (1, 3))
    assert explain(body, ["c", "a"], "https://h/y").allowed is True
