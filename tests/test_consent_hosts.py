"""Hosts and their registrable domains, without the network."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.hosts import HostName, is_web_host, parse_host


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.example.com", HostName("www.example.com", "example.com", "com", "com")),
        ("a.b.example.co.uk", HostName("a.b.example.co.uk", "example.co.uk", "co.uk", "uk")),
        ("WWW.NASA.GOV", HostName("www.nasa.gov", "nasa.gov", "gov", "gov")),
        ("b.c.kobe.jp", HostName("b.c.kobe.jp", "b.c.kobe.jp", "c.kobe.jp", "jp")),
        ("_dmarc.example.com", HostName("_dmarc.example.com", "example.com", "com", "com")),
    ],
)
def test_name_splits_at_the_public_suffix(host: str, name: HostName) -> None:
    assert parse_host(host) == name


def test_private_suffixes_are_not_suffixes() -> None:
    assert parse_host("someone.github.io").registered_domain == "github.io"


@pytest.mark.parametrize(
    "host",
    [
        "example.com:8080",
        "example.com:",
        "example.com.",
        "example.com.:80",
        " example.com ",
        "user@example.com",
        "user:secret@Example.com:80",
    ],
)
def test_port_user_trailing_dot_and_case_do_not_matter(host: str) -> None:
    assert parse_host(host) == HostName("example.com", "example.com", "com", "com")


@pytest.mark.parametrize("host", ["münchen.de", "MÜNCHEN.de", "xn--mnchen-3ya.de", "XN--Mnchen-3ya.DE:443"])
def test_international_names_come_back_in_ascii(host: str) -> None:
    assert parse_host(host) == HostName("xn--mnchen-3ya.de", "xn--mnchen-3ya.de", "de", "de")


def test_full_width_dots_and_letters_are_folded() -> None:
    assert parse_host("ｗｗｗ。example。com") == HostName("www.example.com", "example.com", "com", "com")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:80", "1.2.3.4"),
        ("1.2.3.4.", "1.2.3.4"),
        ("１.2.3.4", "1.2.3.4"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("[2001:db8:0::1]:8080", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_address_has_no_domain(host: str, address: str) -> None:
    assert parse_host(host) == HostName(address, None, None, None)


@pytest.mark.parametrize("host", ["co.uk", "com", "gov"])
def test_suffix_alone_has_no_domain(host: str) -> None:
    name = parse_host(host)
    assert name.registered_domain is None
    assert name.suffix == host


def test_unlisted_suffix_is_none_but_its_last_label_is_told() -> None:
    assert parse_host("printer.local") == HostName("printer.local", None, None, "local")


def test_single_label_has_nothing() -> None:
    assert parse_host("localhost") == HostName("localhost", None, None, None)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "..",
        "a b.com",
        "www..com",
        "-a.com",
        "256.1.1.1",
        "a" * 64 + ".com",
        "a." * 127 + "com",
        "exa$mple.com",
        "\ud800.com",
        "[::1",
        "[]",
        "\x00.com",
    ],
)
def test_junk_has_nothing(host: str) -> None:
    name = parse_host(host)
    assert (name.registered_domain, name.suffix, name.tld) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "is_web"),
    [
        ("example.com", True),
        ("www.alchemeedesigns.com.", True),
        ("www.designsori.com:42161", True),
        ("difficult_words.enacademic.com", True),
        ("gov.uk", True),  # a public suffix with a site of its own
        ("209.105.242.143:7337", True),
        ("[2001:db8::1]", True),
        ("stack-dedup", False),
        ("s2", False),
        ("gutenberg", False),
        ("wiki", False),  # a source's name that happens to be a top-level domain
        ("books.corpus-7", False),
        ("", False),
        ("a b.com", False),
    ],
)
def test_a_web_host_is_an_address_or_a_name_under_a_public_suffix(name: str, is_web: bool) -> None:
    assert is_web_host(name) is is_web


def test_network_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert parse_host("never.seen.example.org").registered_domain == "example.org"


@given(st.text())
def test_any_text_parses(host: str) -> None:
    name = parse_host(host)
    assert name.registered_domain is None or name.host.endswith(name.registered_domain)


@given(st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z][a-z0-9]{0,9}){0,3}", fullmatch=True))
def test_parsing_twice_changes_nothing(host: str) -> None:
    name = parse_host(host)
    assert parse_host(name.host) == name
