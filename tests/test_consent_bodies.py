"""What a body is, before its rules are read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.bodies import AUTHORS, describe_body
from consent.lines import READ_LIMIT
from consent.readings import RFC9309
from consent.robots import parse_robots
from consent.vocabulary import BodyKind

RULES = b"User-agent: *\nDisallow: /x\n"
SHARED = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.mark.parametrize(
    "body", [b"", b"\n", b" \t\r\n\x0b\x0c", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"\x00\x00"]
)
def test_nothing_but_space_is_empty(body: bytes) -> None:
    facts = describe_body(body)
    assert facts.kind is BodyKind.EMPTY
    assert (facts.n_groups, facts.n_rules) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        RULES,
        RULES.upper(),
        b"\xef\xbb\xbf" + RULES,
        b"\xc3\xaf\xc2\xbb\xc2\xbf" + RULES,
        RULES.replace(b"\n", b"\r"),
        RULES.replace(b"\n", b"\r\n"),
        b"User-agent : *",
        b"Useragent: *\nDisallow: /",
        b"User agent: *\nDisallow: /",
        b"User-agent *\nDisallow /",
        b"Sitemap: https://example.com/sitemap.xml",
        b"# nothing is disallowed here",
        b"\n\n  # <html> in a comment\n",
        b"Disallow: /",
        b"Not found\nUser-agent: *\nDisallow: /",
        b"User-agent: *\n\x00Disallow: /",
        "User-agent: *\nDisallow: /".encode("utf-16"),
    ],
)
def test_robots_lines_or_comments_make_rules(body: bytes) -> None:
    assert describe_body(body).kind is BodyKind.RULES


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html></html>",
        b"<!DOCTYPE>\n<html>",
        b"\xef\xbb\xbf \r\n<HTML lang=en>",
        b"<html>\n# a heading\nSitemap: no\n</html>",
        b"<!-- served by x --><!-- y -->\n<!doctype html>",
        b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">',
        b"<h1>Not found</h1>",
        b"<script>\nlet x = {\nallow: 1,\nhost: 2}\n</script>",
        b"<br />\n<b>Warning</b>: something",
    ],
)
def test_html_without_a_group_is_html(body: bytes) -> None:
    facts = describe_body(body)
    assert facts.kind is BodyKind.HTML
    assert facts.is_html


@pytest.mark.parametrize("body", [b"<pre>\n" + RULES + b"</pre>", b"<!-- x -->\n<html>\n" + RULES])
def test_rules_inside_html_are_rules_and_the_html_is_told(body: bytes) -> None:
    facts = describe_body(body)
    assert facts.kind is BodyKind.RULES
    assert facts.is_html


@pytest.mark.parametrize(
    "body", [b"# <html>\n" + RULES, b"<!-- id: robots.txt 6494 -->\n" + RULES, b"<begin content>\n" + RULES]
)
def test_tags_in_comments_and_made_up_tags_are_not_html(body: bytes) -> None:
    assert not describe_body(body).is_html


@pytest.mark.parametrize(
    "body",
    [
        b"Not Found",
        b'{"error": 404}',
        b"[]",
        b"404",
        b"GIF89a\x01\x00;\x00",
        b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        b"Allow everything: no",
    ],
)
def test_anything_else_is_other(body: bytes) -> None:
    assert describe_body(body).kind is BodyKind.OTHER


@pytest.mark.parametrize(
    ("body", "n_groups", "n_rules"),
    [
        (RULES, 1, 1),
        (b"User-agent: a\nUser-agent: b\nDisallow: /\nAllow: /x", 1, 2),
        (b"User-agent: a\nDisallow: /\nUser-agent: b\nUser-agent: c\nDisallow:", 2, 2),
        (b"User-agent: a\nCrawl-delay: 3\nUser-agent: b\nDisallow: /", 1, 1),
        (b"User-agent: a\n\n# x\nSitemap: /s\nUser-agent: b\nDisallow: /", 1, 1),
        (b"Disallow: /early\nUser-agent: a\nDisallow: /", 1, 1),
        (b"Disallow: /early", 0, 0),
        (b"User-agent: a", 1, 0),
        (b"User-agent: a\n#Disallow: /\nx Disallow: /", 1, 0),
        (b"\tUSER-AGENT\t: a\r  Disallow : /\rallow:", 1, 2),
        (b"User-agent: a\nDisallowed: /\nUser-agents: b\nAllowance: 3", 1, 0),
        (b"\xef\xbb\xbfUser-agent: a\nDisallow: /", 1, 1),
        (b"User-agent: user-agent: b\nDisallow: disallow: c", 1, 1),
    ],
)
def test_2_2_groups_and_rules_are_counted_as_the_standard_does(
    body: bytes, n_groups: int, n_rules: int
) -> None:
    facts = describe_body(body)
    assert (facts.n_groups, facts.n_rules) == (n_groups, n_rules)


def slow_count(body: bytes) -> tuple[int, int]:
    n_groups = n_rules = 0
    was_agent = False
    for line in re.split(rb"[\r\n]", body):
        key = line.partition(b":")[0].strip().lower() if b":" in line else b""
        if key == b"user-agent":
            n_groups += not was_agent
            was_agent = True
        elif key in (b"allow", b"disallow"):
            n_rules += n_groups > 0
            was_agent = False
    return n_groups, n_rules


LINES = st.sampled_from(
    [
        b"User-agent: a",
        b" user-AGENT\t:",
        b"Disallow: /",
        b"Allow:",
        b"# Allow: /",
        b"",
        b"Sitemap: x",
        b"Disallow /",
        b"Allow : /",
        b"xAllow: /",
    ]
)


@given(st.lists(LINES), st.sampled_from([b"\n", b"\r", b"\r\n"]))
def test_2_2_quick_count_equals_line_by_line_count(lines: list[bytes], end: bytes) -> None:
    body = end.join(lines)
    facts = describe_body(body)
    assert (facts.n_groups, facts.n_rules) == slow_count(body)


@pytest.mark.parametrize("word", [b"content", b"Content"])
def test_cloudflares_managed_block_is_known_in_both_cases(word: bytes) -> None:
    body = b"# BEGIN Cloudflare Managed " + word + b"\nUser-agent: *\nAllow: /\n"
    assert describe_body(body + b"# END Cloudflare Managed Content\n" + RULES).managed_by == "cloudflare"


def test_what_the_edge_puts_in_front_outranks_the_site() -> None:
    body = b"# BEGIN Cloudflare Managed content\n# END Cloudflare Managed Content\n# START YOAST BLOCK\n"
    assert describe_body(body).managed_by == "cloudflare"


@pytest.mark.parametrize("author", AUTHORS, ids=lambda author: author.name)
def test_every_author_is_known_by_its_comment(author: object) -> None:
    facts = describe_body(author.marker.title() + b"\n" + RULES)  # type: ignore[attr-defined]
    assert facts.managed_by == author.name  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [RULES, b"# Cloudflare and Yoast were here\n" + RULES])
def test_a_file_without_a_signature_is_its_owners(body: bytes) -> None:
    assert describe_body(body).managed_by is None


def test_2_5_reading_stops_at_500_kib_and_says_so() -> None:
    body = RULES + b"#" * (READ_LIMIT - len(RULES) - 1) + b"\n"
    whole = describe_body(body)
    assert (whole.n_bytes_read, whole.is_cut) == (READ_LIMIT, False)
    cut = describe_body(body + b"Disallow: /late\n")
    assert (cut.n_bytes_read, cut.is_cut, cut.n_rules) == (READ_LIMIT, True, 1)


def test_bom_is_told() -> None:
    assert describe_body(b"\xef\xbb\xbf" + RULES).has_bom
    assert describe_body(b"\xc3\xaf\xc2\xbb\xc2\xbf" + RULES).has_bom
    assert not describe_body(RULES).has_bom


@given(st.binary())
def test_any_bytes_are_described(body: bytes) -> None:
    facts = describe_body(body)
    assert facts.n_bytes_read == len(body)
    assert facts.n_groups >= (facts.n_rules > 0)


@pytest.mark.parametrize(
    "body",
    [
        b"<" * 600_000,
        b"<!--" * 150_000,
        b"\n" * 600_000,
        b" " * 600_000,
        b"user-agent" * 60_000,
        b"\n \t" * 200_000,
        b"<?xml" * 110_000,
    ],
)
def test_hostile_bodies_are_described_too(body: bytes) -> None:
    assert describe_body(body).is_cut


@pytest.mark.corpus
def test_real_bodies_count_as_the_reader_does() -> None:
    path = SHARED / "corpus" / "bodies.parquet"
    if not path.exists():
        pytest.skip("the shared corpus is not here")
    query = "select body from read_parquet(?) where digest < 'C' and len(hex(body)) < 200000 order by digest"
    with duckdb.connect() as con:
        bodies = [row[0] for row in con.execute(query, [str(path)]).fetchall()]
    assert len(bodies) > 1000
    for body in bodies:
        facts = describe_body(body)
        groups = parse_robots(body, RFC9309).groups
        assert facts.n_groups == len(groups)
        assert facts.n_rules == sum(len(group.rules) for group in groups)
