"""Archived answers to CCBot's own requests date when a host's wall first turned it away, and how."""

from collections.abc import Callable

import duckdb
import pytest

from analysis import models
from consent.access import classify_access
from consent.markers import find_marker

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
SNAPSHOTS = ("CC-MAIN-2021-04", "CC-MAIN-2023-06", "CC-MAIN-2024-10", "CC-MAIN-2025-05")
ROBOTS = (200, "Server: cloudflare", "User-agent: *\nDisallow: /private\n")
CHALLENGE = (403, "Server: cloudflare\r\ncf-mitigated: challenge", "<title>Just a moment...</title>")
PRICE = (402, "Server: cloudflare\r\ncrawler-price: USD 0.01", "")
DENIED = (403, "Server: cloudflare", "<html><title>Attention Required! | Cloudflare</title></html>")
ANUBIS = (200, "Server: nginx", '<html><script id="anubis_challenge">{}</script></html>')
FORBIDDEN = (403, "Server: nginx", "<html><title>403 Forbidden</title></html>")
OUTAGE = (522, "Server: cloudflare", "error code: 522")

HISTORIES = {
    "news.org": (ROBOTS, ROBOTS, CHALLENGE, PRICE),
    "shop.org": (ROBOTS, DENIED, DENIED, OUTAGE),
    "wiki.org": (ROBOTS, ROBOTS, ROBOTS, ANUBIS),
    "blog.org": (FORBIDDEN, FORBIDDEN, FORBIDDEN, ROBOTS),
}


def archived_marker(status: int, headers: str, body: str) -> str | None:
    """What the capture stage stores for an answer."""
    head = f"HTTP/1.1 {status} Status\r\n{headers}\r\n\r\n".encode()
    marker = find_marker(status, head, body.encode())
    return f"{marker.provider}/{marker.action}" if marker and marker.is_refusal else None


@pytest.fixture
def census(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    words = {200: "rules"}
    con = warehouse(
        snapshots=SNAPSHOTS,
        histories={
            host: " ".join(words.get(answer[0], str(answer[0])) for answer in answers)
            for host, answers in HISTORIES.items()
        },
        rulesets={"rules": {"*": "some"}},
        markers={
            (host, snapshot): marker
            for host, answers in HISTORIES.items()
            for snapshot, answer in zip(SNAPSHOTS, answers, strict=True)
            if (marker := archived_marker(*answer))
        },
    )
    con.execute("DELETE FROM access_states")
    for status, _, has_marker in models.access_combinations(con):
        state = classify_access(status, None, has_marker)
        con.execute(
            "INSERT INTO access_states VALUES (?, ?, ?, ?)",
            [status, "rules" if status == 200 else "", has_marker, state],
        )
    models.build(con, until="refusals_over_time")
    return con


def test_past_blocking_is_dated_by_provider_and_action(census: duckdb.DuckDBPyConnection) -> None:
    first_seen = census.execute(
        "SELECT provider, action, min(snapshot), sum(n_hosts) FROM refusals_over_time"
        " WHERE access_state = 'refused' AND stratum = '(all)' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert first_seen == [
        ("(none)", "(none)", "CC-MAIN-2021-04", 3),
        ("anubis", "challenge", "CC-MAIN-2025-05", 1),
        ("cloudflare", "challenge", "CC-MAIN-2024-10", 1),
        ("cloudflare", "deny", "CC-MAIN-2023-06", 2),
        ("cloudflare", "payment", "CC-MAIN-2025-05", 1),
    ]


def test_an_outage_and_mere_presence_are_no_refusal_of_ccbot(census: duckdb.DuckDBPyConnection) -> None:
    rows = census.execute(
        "SELECT snapshot, access_state, provider, action FROM refusals_over_time"
        " WHERE access_state IN ('server_error', 'empty', 'rules') ORDER BY ALL"
    ).fetchall()
    assert ("CC-MAIN-2025-05", "server_error", "(none)", "(none)") in rows
    assert {row[2:] for row in rows} == {("(none)", "(none)")}


def test_the_actions_of_a_state_sum_to_its_hosts(census: duckdb.DuckDBPyConnection) -> None:
    wrong = census.execute(
        "SELECT snapshot, stratum, sum(share_of_observed) AS whole FROM refusals_over_time"
        " GROUP BY ALL HAVING abs(whole - 1) > 1e-9"
    ).fetchall()
    assert wrong == []
