"""Clauses of consent/DIALECT.md on rules, other lines and octets (RFC 9309 §2.2.2 to §2.5)."""

from __future__ import annotations

import pytest

from consent.agents import make_registry
from consent.classify import read_reference
from consent.declarations import Declaration, find_declaration
from consent.explain import explain
from consent.lines import READ_LIMIT
from consent.readings import RFC9309
from consent.robots import parse_robots

REGISTRY = make_registry(())


def declared(body: str | bytes, agent: str = "a") -> Declaration:
    octets = body if isinstance(body, bytes) else body.encode()
    return find_declaration(read_reference(octets, "rfc9309", REGISTRY), agent)


def level(*rules: str) -> str:
    return declared("\n".join(["User-agent: a", *rules])).restriction.value


def allowed(path: str, *rules: str) -> bool | None:
    return explain("\n".join(["User-agent: a", *rules]).encode(), ["a"], path).allowed


def test_rfc9309_2_2_2_a_the_longest_match_decides() -> None:
    assert allowed("/x/page.html", "Allow: /x/", "Disallow: /x/page.html") is False
    assert allowed("/x/page.html", "Disallow: /x/", "Allow: /x/page.html") is True
    assert allowed("/page.html", "Allow: /page", "Disallow: /*.html") is False


def test_rfc9309_2_2_2_b_allow_wins_ties() -> None:
    assert allowed("/x", "Disallow: /x", "Allow: /x") is True
    assert level("Disallow: /", "Allow: /") == "none"


def test_rfc9309_2_2_2_c_what_no_rule_matches_is_allowed() -> None:
    assert allowed("/y", "Disallow: /x") is True


def test_rfc9309_2_2_2_d_an_empty_value_is_no_rule() -> None:
    assert level("Disallow:") == level("Allow:", "Disallow: ") == "none"
    assert level("Disallow:", "Disallow: /") == level("Allow:", "Disallow: /") == "all"
    assert declared("User-agent: b\nDisallow:\nUser-agent: a\nDisallow: /", "b").restriction == "none"


def test_rfc9309_2_2_2_e_paths_have_case() -> None:
    assert allowed("/X", "Disallow: /x") is True


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/a/%62%61%7A", "/a/baz"),
        ("/a/baz", "/a/%62%61%7a"),
        ("/ツ", "/%E3%83%84"),
        ("/%e3%83%84", "/ツ"),
        ("/a b", "/a%20b"),
        ("/%7Ejoe", "/~joe"),
        ("/a%3cd.html", "/a%3Cd.html"),
    ],
)
def test_rfc9309_2_2_2_f_percent_encoding_is_normalised_on_both_sides(rule: str, path: str) -> None:
    assert allowed(path, f"Disallow: {rule}") is False


def test_rfc9309_2_2_2_f_reserved_characters_are_not_decoded() -> None:
    assert allowed("/a/b", "Disallow: /a%2Fb") is True
    assert allowed("/a%2fb", "Disallow: /a%2Fb") is False


@pytest.mark.parametrize("pattern", ["private", "$", "http://example.org/", "?x", "."])
def test_rfc9309_2_2_2_g_a_pattern_without_a_start_matches_nothing(pattern: str) -> None:
    assert level(f"Disallow: {pattern}") == "none"
    assert level("Disallow: /", f"Allow: {pattern}") == "all"


def test_rfc9309_2_2_2_g_a_pattern_may_begin_with_a_star() -> None:
    assert allowed("/a/b.php", "Disallow: *.php") is False
    assert level("Disallow: *.php") == "some"


def test_rfc9309_2_2_2_h_a_question_mark_is_an_ordinary_octet() -> None:
    assert allowed("/x?y=1", "Disallow: /x?y") is False
    assert allowed("/xy=1", "Disallow: /x?y") is True
    assert level("Disallow: /*?") == "some"
    assert allowed("/a?u=https%3A%2F%2Fb.c", "Disallow: /a?u=https://b.c") is False


def test_rfc9309_2_2_2_i_robots_txt_is_always_allowed() -> None:
    assert allowed("/robots.txt", "Disallow: /") is True
    assert level("Disallow: /", "Allow: /robots.txt") == "all"
    assert level("Disallow: /", "Allow: /robots.txt$") == "all"
    assert level("Disallow: /robots.txt") == "none"


def test_rfc9309_2_2_2_j_nothing_forbidden_is_none() -> None:
    assert level() == level("Allow: /x") == level("Disallow: /", "Allow: /*") == "none"
    assert level("Disallow: /x", "Allow: /*****") == "none"
    assert level("Disallow: /xyz", "Allow: /") == "some"


def test_rfc9309_2_2_2_k_everything_forbidden_is_all() -> None:
    assert level("Disallow: /") == level("Disallow: /x", "Disallow: *") == "all"
    assert level("Disallow: /*", "Allow: /") == "all"
    assert level("Disallow: /", "Allow: /x") == "some"


def test_rfc9309_2_2_2_l_covering_between_two_patterns_counts() -> None:
    assert level("Disallow: /a.php", "Allow: /*.php") == "none"
    assert level("Disallow: /ab.php", "Allow: /*.php") == "some"
    assert level("Disallow: /", "Disallow: /*.php", "Allow: /a.php") == "some"
    assert level("Disallow: /", "Disallow: /**.php", "Allow: /a.php") == "all"
    assert level("Disallow: /x/", "Disallow: /y", "Allow: /x/", "Allow: /y") == "none"


def test_rfc9309_2_2_2_m_covering_is_looked_for_within_a_bound() -> None:
    few, many = range(60), range(100)
    assert level(*(f"Disallow: /{n}.x\nAllow: /****{n}.x" for n in few)) == "none"
    assert level(*(f"Disallow: /{n}.x\nAllow: /****{n}.x" for n in many)) == "some"


def test_rfc9309_2_2_3_a_star_is_any_run_and_dollar_the_end() -> None:
    assert allowed("/a/x/c", "Disallow: /a/*/c") is allowed("/a//c", "Disallow: /a/*/c") is False
    assert allowed("/a.php", "Disallow: /*.php$") is False
    assert allowed("/a.php5", "Disallow: /*.php$") is True
    assert allowed("/a", "Disallow: /a$") is False
    assert allowed("/ab", "Disallow: /a$") is True


def test_rfc9309_2_2_3_b_special_characters_are_named_by_their_encoding() -> None:
    assert allowed("/file-with-a-*.html", "Disallow: /file-with-a-%2A.html") is False
    assert allowed("/file-with-a-b.html", "Disallow: /file-with-a-%2A.html") is True
    assert allowed("/foo-$", "Disallow: /foo-%24") is allowed("/a$b", "Disallow: /a$b") is False


@pytest.mark.parametrize("pattern", ["/", "*", "/*", "*/", "**", "/**", "/*$", "*$", "*/*", "*/*$"])
def test_rfc9309_2_2_3_c_every_spelling_of_everything_is_all(pattern: str) -> None:
    assert level(f"Disallow: {pattern}") == "all"


@pytest.mark.parametrize("pattern", ["/$", "*/$", "/*/", "//", "*a"])
def test_rfc9309_2_2_3_c_what_only_looks_like_everything_is_some(pattern: str) -> None:
    assert level(f"Disallow: {pattern}") == "some"


@pytest.mark.parametrize(
    "line", ["Sitemap: https://h/s.xml", "Crawl-delay: 5", "Host: h", "Foo: bar", "nonsense"]
)
def test_rfc9309_2_2_4_a_other_lines_do_not_end_a_group(line: str) -> None:
    body = f"User-agent: a\n{line}\nUser-agent: b\n{line}\nDisallow: /x\n{line}\nDisallow: /\n"
    assert declared(body, "a").restriction == declared(body, "b").restriction == "all"


def test_rfc9309_2_2_4_b_a_delay_belongs_to_its_group() -> None:
    body = "Crawl-delay: 1\nUser-agent: a\nCrawl-delay: 5\nUser-agent: b\nDisallow:\nCrawl-delay: 9\n"
    body += "User-agent: *\nCrawl-delay: 2.5\n"
    assert [declared(body, agent).crawl_delay for agent in "abc"] == [5.0, 5.0, 2.5]


@pytest.mark.parametrize("value", ["", "ten", "-1", "1e3", "5s", "1,5", "inf", "nan", "9" * 400])
def test_rfc9309_2_2_4_c_a_delay_is_a_plain_decimal_number(value: str) -> None:
    assert declared(f"User-agent: a\nCrawl-delay: {value}\n").crawl_delay is None
    assert declared(f"User-agent: a\nCrawl-delay: {value}\nCrawl-delay: .5").crawl_delay == 0.5


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", "ï»¿".encode(), b"\xef\xbb\xbf" * 2, "ÿþ".encode()])
def test_rfc9309_2_3_a_byte_order_marks_are_dropped(mark: bytes) -> None:
    assert declared(mark + b"User-agent: a\nDisallow: /\n").restriction == "all"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_rfc9309_2_3_b_utf16_is_read(encoding: str) -> None:
    assert declared("User-agent: a\r\nDisallow: /\r\n".encode(encoding)).restriction == "all"
    with_mark = "\ufeffUser-agent: a\nDisallow: /ツ".encode("utf-16-be")
    assert parse_robots(with_mark, RFC9309).groups[0].rules[0].pattern == b"/%E3%83%84"


def test_rfc9309_2_3_c_nul_octets_are_dropped() -> None:
    assert declared(b"User\0-agent: a\nDisallow: \0/\n").restriction == "all"


def test_rfc9309_2_3_d_latin1_paths_are_encoded_octet_by_octet() -> None:
    body = "User-agent: a\nDisallow: /café".encode("latin-1")
    assert parse_robots(body, RFC9309).groups[0].rules[0].pattern == b"/caf%E9"
    assert explain(body, ["a"], "/caf%e9").allowed is False


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"\xff\xfe\xff", b"\xfe\xff\xd8\x00", b"<html>", bytes(range(256)) * 9]
)
def test_rfc9309_2_3_e_any_octets_can_be_read(body: bytes) -> None:
    assert (declared(body).group_match, declared(body).restriction) == ("none", "none")


def test_rfc9309_2_5_a_500_kib_are_read_and_the_cut_line_is_left_out() -> None:
    head = b"User-agent: a\nDisallow: /x\n#"
    filler = head + b"x" * (READ_LIMIT - len(head) - len(b"\nDisallow: /"))
    exact, longer = filler + b"\nDisallow: /", filler + b"\nDisallow: /private"
    assert declared(exact).restriction == "all"
    assert declared(longer).restriction == "some"
    assert [parse_robots(body, RFC9309).is_cut for body in (exact, longer)] == [False, True]


def test_rfc9309_2_5_b_a_line_may_be_as_long_as_the_limit() -> None:
    assert declared(b"User-agent: a\nDisallow: /" + b"*" * 400_000).restriction == "all"
    assert declared(b"#" * 400_000 + b"\nUser-agent: a\nDisallow: /").restriction == "all"


def test_study_s_a_the_study_rule_reads_our_groups() -> None:
    body = "User-agent: x\nUser-agent: a\nDisallow: /*\nUser-agent: *\nDisallow: /\n"
    assert declared(body).restriction_longpre2024 == "some"
    assert declared(body, "other").restriction_longpre2024 == "all"
    assert declared("User-agent: a\nDisallow: /?x").restriction_longpre2024 == "none"
    assert declared("User-agent: a\nDisallow: /\nAllow: /robots.txt").restriction_longpre2024 == "some"
