"""The live probe on the bench of real blockers: what it finds, what it leaves alone, and how it behaves."""

from __future__ import annotations

import shutil
from collections import defaultdict
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import pytest
from bench import confusion
from bench.campaign import HTTP_ARMS, Census, hold
from bench.confusion import Finding
from bench.innocent import TRAP
from bench.stand import BLOCKS, read_truth

ANSWER_S = 1.0
BROWSER_ANSWER_S = 20.0
ONLY_A_BROWSER_TELLS = frozenset({"blocks_nonbrowser", "vantage_blocked"})
TO_BROWSERS = sorted(row.host for row in read_truth() if row.verdicts("GPTBot") <= ONLY_A_BROWSER_TELLS)
CONTROL = "script-gptbot.example.test"


@pytest.fixture(scope="module")
def census(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Census:
    """The whole bench, probed with the HTTP arms."""
    hosts = [row.host for row in bench.truth]
    return hold(bench, tmp_path_factory.mktemp("census"), hosts, HTTP_ARMS, ANSWER_S)


@pytest.fixture(scope="module")
def browser_census(bench: Any, tmp_path_factory: pytest.TempPathFactory, require_all: bool) -> Census:
    """The hosts of which only a browser can tell, and one more, probed with Chromium too."""
    if shutil.which("chromium") is None or find_spec("scrapy_playwright") is None:
        assert not require_all, "install Debian's package chromium, and crawlcensus[browser]"
        pytest.skip("chromium or scrapy-playwright is not on this machine")
    hosts, arms = [*TO_BROWSERS, CONTROL], [*HTTP_ARMS, "chromium"]
    return hold(bench, tmp_path_factory.mktemp("browser"), hosts, arms, BROWSER_ANSWER_S)


@pytest.fixture(scope="module")
def http_findings(census: Census) -> list[Finding]:
    """What the HTTP arms found, where they can."""
    return [finding for finding in census.findings if finding.host not in TO_BROWSERS]


# ---- what is found


def test_no_block_is_found_where_there_is_none(census: Census) -> None:
    assert len(census.findings) >= 200
    assert not [one for one in census.findings if one.is_false_block], confusion.render(census.findings)


def test_at_least_95_per_cent_of_the_true_blocks_that_http_shows_are_found(
    http_findings: list[Finding],
) -> None:
    assert sum(finding.is_true_block for finding in http_findings) >= 40
    assert confusion.share_found(http_findings) >= 0.95, confusion.render(http_findings)


def test_every_verdict_is_one_of_the_right_ones(http_findings: list[Finding]) -> None:
    assert all(finding.is_right for finding in http_findings), confusion.render(http_findings)


def test_without_a_browser_nothing_is_said_of_what_only_a_browser_tells(census: Census) -> None:
    found = {finding.found for finding in census.findings if finding.host in TO_BROWSERS}
    assert len(TO_BROWSERS) >= 4
    assert found == {"insufficient"}


def test_a_browser_lets_no_innocent_host_look_like_a_blocker(browser_census: Census) -> None:
    control = [finding for finding in browser_census.findings if finding.host == CONTROL]
    assert [finding.found for finding in control] == ["blocks_token", "open"]
    rows = browser_census.query(
        "SELECT count(*) FROM observations WHERE identity = 'chromium' AND status = 200"
    )
    assert rows[0][0] >= 6


def test_the_browser_asks_nothing_that_robots_txt_disallows(browser_census: Census) -> None:
    agents = {one.agent for one in browser_census.asked}
    assert any("HeadlessChrome" in agent for agent in agents)
    assert browser_census.breaches == []


def test_what_only_a_browser_tells_is_told_by_the_browser(browser_census: Census) -> None:
    findings = browser_census.findings
    assert all(finding.is_right for finding in findings), confusion.render(findings)


def test_at_least_95_per_cent_of_all_true_blocks_are_found(
    http_findings: list[Finding], browser_census: Census
) -> None:
    both = http_findings + [one for one in browser_census.findings if one.host in TO_BROWSERS]
    assert confusion.share_found(both) >= 0.95, confusion.render(both)


def test_no_host_that_blocks_nobody_is_called_undeclared(census: Census) -> None:
    blocking = {finding.host for finding in census.findings if finding.right & BLOCKS}
    innocent = {finding.host for finding in census.findings} - blocking
    assert len(innocent) >= 30
    called = {host for (host,) in census.query("SELECT host FROM verdicts WHERE is_undeclared")}
    assert called
    assert not called & innocent


# ---- how it behaves


def test_no_request_leaves_that_robots_txt_disallows(census: Census) -> None:
    pages = [one for one in census.asked if one.path != "/robots.txt"]
    assert len(pages) > 1000
    assert census.breaches == []


def test_hidden_links_are_not_followed(census: Census) -> None:
    asked = census.asked_of("labyrinth.example.test")
    assert {one.path for one in asked} >= {"/robots.txt", "/"}
    assert not [one for one in asked if one.path.startswith(TRAP)]


def test_no_redirect_or_name_leads_to_a_private_address(census: Census) -> None:
    assert not census.was_forbidden_port_reached
    stopped = census.query(
        "SELECT DISTINCT host, failure FROM observations WHERE failure LIKE 'policy/%' AND host LIKE 'to-%'"
    )
    assert ("to-private.nasty.test", "policy/private_address") in stopped
    assert ("to-metadata.nasty.test", "policy/private_address") in stopped
    assert ("to-file.nasty.test", "policy/bad_scheme") in stopped


def test_names_that_do_not_resolve_are_facts_of_their_stage(census: Census) -> None:
    rows = census.query("SELECT DISTINCT host, failure FROM observations WHERE host LIKE '%.dns.test'")
    assert dict(rows) == {
        "nxdomain.dns.test": "dns/nxdomain",
        "servfail.dns.test": "dns/servfail",
        "nodata.dns.test": "dns/no_address",
        "private.dns.test": "policy/private_address",
        "metadata.dns.test": "policy/private_address",
    }


def test_two_hosts_of_one_registrable_domain_are_not_asked_at_once(census: Census) -> None:
    rows = census.query(
        "SELECT started_at, elapsed_ms FROM observations WHERE site = 'example.com' ORDER BY started_at"
    )
    gaps = [
        (later - earlier).total_seconds() * 1000 - elapsed_ms
        for (earlier, elapsed_ms), (later, _) in pairwise(rows)
    ]
    assert len(rows) > 20
    assert min(gaps) >= -2, "one began before the one before it was over"


def test_a_site_that_asks_for_patience_twice_is_left_alone(census: Census) -> None:
    asked = census.asked_of("limit-429.nginx.test")
    assert 1 <= sum(one.status == 429 for one in asked) <= 2


def test_no_answer_is_longer_than_the_limits(census: Census) -> None:
    ((longest, slowest),) = census.query("SELECT max(body_length), max(elapsed_ms) FROM observations")
    assert longest <= 8 << 20
    # Other processes share the machine.
    assert slowest < ANSWER_S * 1000 + 5000


def test_every_request_that_the_servers_saw_is_an_observation(census: Census) -> None:
    seen: dict[str, int] = defaultdict(int)
    for one in census.asked:
        seen[one.host] += 1
    rows = dict(
        census.query("SELECT host, count(*) FROM observations WHERE address IS NOT NULL GROUP BY host")
    )
    hosts = ("plain-1.nginx.test", "map-444.nginx.test", "botword.haproxy.test", "rewrite.apache.test")
    assert {host: rows[host] for host in hosts} == {host: seen[host] for host in hosts}
