"""The `google` reading against the facts that Google's own public tests state, as a table of cases.

Cases named ID are about the standard, those named GOOGLE about extensions.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consent.explain import explain
from consent.google_reading import LINE_LIMIT
from consent.readings import GOOGLE
from consent.robots import parse_robots
from consent.urls import find_path

HOST = "http://foo.bar"
FOO_ALL = "user-agent: FooBot\ndisallow: /\n"


def foo(*rules: str) -> str:
    return "\n".join(["user-agent: FooBot", *rules]) + "\n"


GROUPS = """allow: /foo/bar/

user-agent: FooBot
disallow: /
allow: /x/
user-agent: BarBot
disallow: /
allow: /y/


allow: /w/
user-agent: BazBot

user-agent: FooBot
allow: /z/
disallow: /
"""
GLOBAL = "user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /\n"
ONLY_NAMED = "user-agent: FooBot\nallow: /\nuser-agent: BarBot\ndisallow: /\n"
SITEMAP = "User-agent: BarBot\nSitemap: https://x/s\nUser-agent: *\nDisallow: /\n"
FISH = "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.html?id=anything"
NOT_PHP = "/filename.php?parameters /filename.php/ /filename.php5 /php/ /filename?php /aaaphpaaa"
UP_TO_SPACE = "User-Agent: *\nDisallow: /\nUser-Agent: Foo Bar\nAllow: /x/\nDisallow: /\n"
INDEX = "User-Agent: *\nAllow: /allowed-slash/index.html\nDisallow: /\n"
TWO_GROUPS = "User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/\n"
QUERY = "/foo/bar?qux=taz&baz=http://foo.bar?tar&par"

# name, file, agent, paths that may be fetched, paths that may not; paths are separated by white space
CASES = [
    ("GOOGLE_system", FOO_ALL, "FooBot", "", "http://foo.bar/ x"),
    ("ID_line", FOO_ALL, "FooBot", "", "/x/y"),
    ("ID_line_unknown_keys", "foo: FooBot\nbar: /\n", "FooBot", "/x/y", ""),
    ("GOOGLE_line_without_colon", "user-agent FooBot\ndisallow /\n", "FooBot", "", "/x/y"),
    ("ID_groups_foo", GROUPS, "FooBot", "/x/b /z/d", "/y/c /foo/bar/"),
    ("ID_groups_bar", GROUPS, "BarBot", "/y/c /w/a", "/z/d /foo/bar/"),
    ("ID_groups_baz", GROUPS, "BazBot", "/z/d", "/foo/bar/"),
    ("ID_other_sitemap", SITEMAP, "BarBot", "", "/"),
    ("ID_other_unknown", "User-agent: FooBot\nUnknown: x\nUser-agent: *\nDisallow: /\n", "FooBot", "", "/"),
    ("ID_key_case", "USER-AGENT: FooBot\nALLOW: /x/\nDISALLOW: /\n", "FooBot", "/x/y", "/a/b"),
    ("ID_key_camel_case", "uSeR-aGeNt: FooBot\nAlLoW: /x/\ndIsAlLoW: /\n", "FooBot", "/x/y", "/a/b"),
    ("ID_agent_case", "User-Agent: FOO BAR\nAllow: /x/\nDisallow: /\n", "Foo", "/x/y", "/a/b"),
    ("ID_agent_lower", "User-Agent: foo bar\nAllow: /x/\nDisallow: /\n", "foo", "/x/y", "/a/b"),
    ("ID_agent_camel", "User-Agent: FoO bAr\nAllow: /x/\nDisallow: /\n", "Foo", "/x/y", "/a/b"),
    ("GOOGLE_up_to_space", UP_TO_SPACE, "Foo", "/x/y", ""),
    ("GOOGLE_up_to_space_full", UP_TO_SPACE, "Foo Bar", "", "/x/y"),
    ("ID_global_empty", "", "FooBot", "/x/y", ""),
    ("ID_global_named", GLOBAL, "FooBot", "", "/x/y"),
    ("ID_global_other", GLOBAL, "BarBot", "/x/y", ""),
    ("ID_global_none", ONLY_NAMED, "QuxBot", "/x/y", ""),
    ("ID_value_lower", foo("disallow: /x/"), "FooBot", "", "/x/y"),
    ("ID_value_upper", foo("disallow: /X/"), "FooBot", "/x/y", ""),
    ("ID_longest_disallow", foo("disallow: /x/page.html", "allow: /x/"), "FooBot", "", "/x/page.html"),
    ("ID_longest_allow", foo("allow: /x/page.html", "disallow: /x/"), "FooBot", "/x/page.html", "/x/"),
    ("ID_longest_empty", foo("disallow: ", "allow: "), "FooBot", "/x/page.html", ""),
    ("ID_longest_tie", foo("disallow: /", "allow: /"), "FooBot", "/x/page.html", ""),
    ("ID_longest_slash", foo("disallow: /x", "allow: /x/"), "FooBot", "/x/", "/x"),
    ("ID_longest_equal", foo("disallow: /x/page.html", "allow: /x/page.html"), "FooBot", "/x/page.html", ""),
    ("ID_longest_star", foo("allow: /page", "disallow: /*.html"), "FooBot", "/page", "/page.html"),
    (
        "ID_longest_star_allow",
        foo("allow: /x/page.", "disallow: /*.html"),
        "FooBot",
        "/x/page.html",
        "/x/y.html",
    ),
    ("ID_longest_group", TWO_GROUPS, "FooBot", "/x/page", "/y/page"),
    ("ID_encoding_query", foo("Disallow: /", f"Allow: {QUERY}"), "FooBot", QUERY, ""),
    (
        "ID_encoding_raw",
        foo("Disallow: /", "Allow: /foo/bar/ツ"),
        "FooBot",
        "/foo/bar/%E3%83%84",
        "/foo/bar/ツ",
    ),
    (
        "ID_encoding_escaped",
        foo("Disallow: /", "Allow: /foo/bar/%E3%83%84"),
        "FooBot",
        "/foo/bar/%E3%83%84",
        "/foo/bar/ツ",
    ),
    (
        "ID_encoding_unreserved",
        foo("Disallow: /", "Allow: /foo/bar/%62%61%7A"),
        "FooBot",
        "/foo/bar/%62%61%7A",
        "/foo/bar/baz",
    ),
    (
        "ID_special_star",
        foo("Disallow: /foo/bar/quz", "Allow: /foo/*/qux"),
        "FooBot",
        "/foo/quz /foo//quz /foo/bax/quz",
        "/foo/bar/quz",
    ),
    (
        "ID_special_dollar",
        foo("Disallow: /foo/bar$", "Allow: /foo/bar/qux"),
        "FooBot",
        "/foo/bar/qux /foo/bar/ /foo/bar/baz",
        "/foo/bar",
    ),
    (
        "ID_special_hash",
        foo("# Disallow: /", "Disallow: /foo/quz#qux", "Allow: /"),
        "FooBot",
        "/foo/bar",
        "/foo/quz",
    ),
    (
        "GOOGLE_index",
        INDEX,
        "foobot",
        "/allowed-slash/ /allowed-slash/index.html",
        "/allowed-slash/index.htm /anyother-url",
    ),
    (
        "GOOGLE_docs_fish",
        foo("disallow: /", "allow: /fish"),
        "FooBot",
        FISH,
        "/bar /Fish.asp /catfish /?id=fish",
    ),
    (
        "GOOGLE_docs_fish_star",
        foo("disallow: /", "allow: /fish*"),
        "FooBot",
        FISH,
        "/bar /Fish.bar /catfish /?id=fish",
    ),
    (
        "GOOGLE_docs_fish_slash",
        foo("disallow: /", "allow: /fish/"),
        "FooBot",
        "/fish/ /fish/salmon /fish/?salmon /fish/salmon.html /fish/?id=anything",
        "/bar /fish /fish.html /Fish/Salmon.html",
    ),
    (
        "GOOGLE_docs_php",
        foo("disallow: /", "allow: /*.php"),
        "FooBot",
        "/filename.php /folder/filename.php /folder/filename.php?parameters //folder/any.php.file.html "
        "/filename.php/ /index?f=filename.php/",
        "/bar /php/ /index?php /windows.PHP",
    ),
    (
        "GOOGLE_docs_php_end",
        foo("disallow: /", "allow: /*.php$"),
        "FooBot",
        "/filename.php /folder/filename.php",
        f"/bar {NOT_PHP} //windows.PHP",
    ),
    (
        "GOOGLE_docs_fish_php",
        foo("disallow: /", "allow: /fish*.php"),
        "FooBot",
        "/fish.php /fishheads/catfish.php?parameters",
        "/bar /Fish.PHP",
    ),
    ("GOOGLE_docs_order_p", foo("allow: /p", "disallow: /"), "FooBot", "/page", ""),
    ("GOOGLE_docs_order_folder", foo("allow: /folder", "disallow: /folder"), "FooBot", "/folder/page", ""),
    ("GOOGLE_docs_order_htm", foo("allow: /page", "disallow: /*.htm"), "FooBot", "", "/page.htm"),
    ("GOOGLE_docs_order_root", foo("allow: /$", "disallow: /"), "FooBot", "/", "/page.html"),
]


def iter_checks() -> Iterator[tuple[str, str, str, str, bool]]:
    for name, body, agent, allowed, forbidden in CASES:
        yield from ((name, body, agent, path, True) for path in allowed.split())
        yield from ((name, body, agent, path, False) for path in forbidden.split())


@pytest.mark.parametrize(("name", "body", "agent", "path", "is_allowed"), list(iter_checks()))
def test_google_conformance(name: str, body: str, agent: str, path: str, is_allowed: bool) -> None:
    url = HOST + path if path.startswith("/") else path
    assert explain(body.encode(), [agent], url, "google").allowed is is_allowed, name


def test_google_conformance_system_with_nothing_asked() -> None:
    assert explain(b"", ["FooBot"], "", "google").allowed is True
    assert explain(FOO_ALL.encode(), [""], "", "google").allowed is True
    assert explain(FOO_ALL.encode(), ["FooBot"], "", "google").allowed is False


def test_google_conformance_long_lines_are_cut() -> None:
    long = "/x/" + "a" * (LINE_LIMIT + 1 - len("/x/") - len("disallow: ") + 1)
    cut = foo(f"disallow: {long}/qux").encode()
    assert explain(cut, ["FooBot"], HOST + "/fux", "google").allowed is True
    assert explain(cut, ["FooBot"], HOST + long + "/fux", "google").allowed is False
    body = foo("disallow: /", f"allow: {long.replace('a', 'b')}/qux", f"allow: {long}/qux").encode()
    assert explain(body, ["FooBot"], HOST + "/", "google").allowed is False
    assert explain(body, ["FooBot"], HOST + long + "/qux", "google").allowed is True
    assert explain(body, ["FooBot"], HOST + long.replace("a", "b") + "/fux", "google").allowed is True


@pytest.mark.parametrize(
    "ends",
    [["\n"] * 6, ["\r"] * 6, ["\r\n"] * 6, ["\n", "\r\n", "\n", "\r\n", "\n", ""], ["\n"] * 5 + [""]],
)
def test_google_conformance_line_numbers_are_counted(ends: list[str]) -> None:
    lines = ["User-Agent: foo", "Allow: /some/path", "User-Agent: bar", "", "", "Disallow: /"]
    body = "".join(line + end for line, end in zip(lines, ends, strict=True))
    robots = parse_robots(body.encode(), GOOGLE)
    assert [rule.line for group in robots.groups for rule in group.rules] == [2, 6]
    assert robots.n_lines == 6


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/"),
        ("http://www.example.com", "/"),
        ("http://www.example.com/", "/"),
        ("http://www.example.com/a", "/a"),
        ("http://www.example.com/a/", "/a/"),
        ("http://www.example.com/a/b?c=http://d.e/", "/a/b?c=http://d.e/"),
        ("http://www.example.com/a/b?c=d&e=f#fragment", "/a/b?c=d&e=f"),
        ("example.com", "/"),
        ("example.com/", "/"),
        ("example.com/a/b?c=d&e=f#fragment", "/a/b?c=d&e=f"),
        ("a", "/"),
        ("a/", "/"),
        ("/a", "/a"),
        ("a/b", "/b"),
        ("example.com?a", "/?a"),
        ("example.com/a;b#c", "/a;b"),
        ("//a/b/c", "/b/c"),
        ("a#b/c", "/"),
    ],
)
def test_google_conformance_the_path_of_a_url(url: str, path: str) -> None:
    assert find_path(url) == path.encode()


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("http://x.com", b"http://x.com"),
        ("/a/b/c", b"/a/b/c"),
        ("á", b"%C3%A1"),
        ("%aa", b"%AA"),
        ("%%aa", b"%%AA"),
    ],
)
def test_google_conformance_patterns_are_escaped(value: str, pattern: bytes) -> None:
    assert GOOGLE.normalise_pattern(value.encode()) == pattern
