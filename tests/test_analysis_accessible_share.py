"""Accessible shares: each model against counts made by hand or by brute force over the same pages."""

import hashlib
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from analysis import models, url_verdicts
from consent.explain import explain

A, B = "CC-MAIN-2023-40", "CC-MAIN-2024-10"
BODIES = {
    "half": "User-agent: *\nDisallow: /b\n",
    "named": "User-agent: *\nDisallow: /b\n\nUser-agent: GPTBot\nDisallow: /\nAllow: /a\n",
    "closed": "User-agent: *\nDisallow: /\n",
    "open": "User-agent: *\nDisallow:\n",
    "bots": "User-agent: GPTBot\nDisallow: /a\n\nUser-agent: CCBot\nDisallow: /b\n",
}
RULESETS = {
    "half": {"*": "some"},
    "named": {"*": "some", "GPTBot": "some"},
    "closed": {"*": "all"},
    "open": {"*": "none"},
    "bots": {"GPTBot": "some", "CCBot": "some"},
}
HISTORIES = {
    "half.example": "half half",
    "named.example": "open named",
    "closed.example": "half closed",
    "open.example": "open open",
    "bots.example": "bots bots",
    "gone.example": "404 404",
    "wall.example": "half 403",
    "down.example": "half 503",
    "page.example": "half html",
    "empty.example": "half empty",
    "bare.example": "half half",
    "away.example": "half -",
}
# Pages that each release holds of a host; what is not said here holds none.
PAGES = {
    (A, "half.example"): ["/a1", "/a2", "/b1", "/x"],
    (B, "half.example"): ["/a1", "/x"],
    (A, "named.example"): ["/a1", "/b1", "/b2", "/c"],
    (B, "named.example"): ["/a1", "/c"],
    (A, "closed.example"): ["/a1", "/x"],
    (B, "open.example"): ["/a", "/b"],
    (B, "bots.example"): ["/a", "/a2", "/b", "/c"],
    (B, "wall.example"): ["/a"],
}


Make = Callable[..., duckdb.DuckDBPyConnection]


def draw(
    con: duckdb.DuckDBPyConnection, pages: dict[tuple[str, str], list[str]], per_host: int = 100
) -> None:
    """Fill the tables of drawn URLs by the rule in words: the smallest MD5 of host and path."""
    con.executemany("INSERT INTO url_snapshots VALUES (?, ?, 1, 1)", [(A, per_host), (B, per_host)])
    for (snapshot, host), paths in pages.items():
        ordered = sorted(paths, key=lambda path, host=host: hashlib.md5((host + path).encode()).hexdigest())
        kept = ordered[:per_host]
        con.execute("INSERT INTO url_frames VALUES (?, ?, ?, ?)", [snapshot, host, len(paths), len(kept)])
        rows = [(snapshot, host, i + 1, path, f"https://{host}{path}") for i, path in enumerate(kept)]
        con.executemany("INSERT INTO url_samples VALUES (?, ?, ?, ?, ?)", rows)


def give_bodies(con: duckdb.DuckDBPyConnection, bodies: dict[str, str]) -> None:
    con.execute("ALTER TABLE bodies ADD COLUMN content BLOB")
    for digest, text in bodies.items():
        con.execute("UPDATE bodies SET content = ? WHERE content_digest = ?", [text.encode(), digest])


@pytest.fixture
def built(warehouse: Make) -> duckdb.DuckDBPyConnection:
    con = warehouse(
        snapshots=(A, B),
        histories=HISTORIES,
        rulesets=RULESETS,
        strata={"half.example": "head"},
        weights={("half.example", "tokens"): 3.0, ("named.example", "tokens"): 1.0},
    )
    give_bodies(con, BODIES)
    draw(con, PAGES)
    models.build(con, until="url_coverage")
    return con


def ask(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def shares(con: duckdb.DuckDBPyConnection, snapshot: str, columns: str) -> dict[tuple[str, str], Any]:
    rows = ask(con, f"SELECT host, agent, {columns} FROM accessible_share WHERE snapshot = '{snapshot}'")
    return {(host, agent): rest if len(rest) > 1 else rest[0] for host, agent, *rest in rows}


def test_some_is_the_share_of_the_pages_drawn(built: duckdb.DuckDBPyConnection) -> None:
    found = shares(built, A, "n_urls_seen, n_urls_sampled, n_urls_allowed, share_accessible")
    assert found["half.example", "*"] == [4, 4, 3, 0.75]
    found = shares(built, B, "n_urls_sampled, n_urls_allowed, share_accessible")
    assert found["half.example", "*"] == [2, 2, 1.0]
    assert found["named.example", "*"] == [2, 2, 1.0]
    assert found["named.example", "GPTBot"] == [2, 1, 0.5]
    assert found["bots.example", "GPTBot"] == [4, 2, 0.5]
    assert found["bots.example", "CCBot"] == [4, 3, 0.75]


def test_a_label_counts_a_page_if_every_member_may_fetch_it(built: duckdb.DuckDBPyConnection) -> None:
    found = shares(built, B, "share_accessible")
    # GPTBot may not fetch /a and /a2, CCBot not /b: the study's label has both of them.
    assert found["bots.example", "(study combined)"] == 0.25
    assert found["bots.example", "(any training)"] == 0.5


def test_the_rules_alone_decide_at_none_and_all(built: duckdb.DuckDBPyConnection) -> None:
    found = shares(built, B, "share_accessible, share_low, share_high, n_urls_sampled, n_urls_allowed")
    assert found["closed.example", "*"] == [0.0, 0.0, 0.0, 0, 0]
    assert found["open.example", "*"] == [1.0, 1.0, 1.0, 2, 2]
    assert found["empty.example", "*"] == found["gone.example", "*"] == [1.0, 1.0, 1.0, 0, 0]


def test_some_without_a_page_is_not_known(built: duckdb.DuckDBPyConnection) -> None:
    found = shares(built, B, "restriction, share_accessible, share_low, share_rfc9309, n_urls_allowed")
    assert found["bare.example", "*"] == ["some", None, None, None, None]


def test_without_a_file_both_answers_are_given(built: duckdb.DuckDBPyConnection) -> None:
    """RFC 9309 2.3.1.3 and 2.3.1.4: all after a 4xx, nothing after a 5xx."""
    found = shares(built, B, "access_state, share_accessible, share_rfc9309")
    assert found["wall.example", "*"] == ["refused", None, 1.0]
    assert found["down.example", "*"] == ["server_error", None, 0.0]
    assert found["page.example", "*"] == ["not_robots", None, 1.0]
    assert found["gone.example", "*"] == ["absent", 1.0, 1.0]


def test_only_answers_of_the_same_snapshot_count(built: duckdb.DuckDBPyConnection) -> None:
    assert ("away.example", "*") in shares(built, A, "restriction")
    assert ("away.example", "*") not in shares(built, B, "restriction")


def test_the_pages_of_all_releases_show_what_has_closed(built: duckdb.DuckDBPyConnection) -> None:
    found = shares(built, B, "n_ever_sampled, n_ever_allowed, share_ever")
    assert found["half.example", "*"] == [4, 3, 0.75]
    assert found["named.example", "*"] == [4, 2, 0.5]
    assert found["named.example", "GPTBot"] == [4, 1, 0.25]
    assert found["closed.example", "*"] == [2, 0, 0.0]
    assert found["bare.example", "*"] == [0, None, None]


def test_those_bound_to_the_rules_of_ccbot_are_marked(built: duckdb.DuckDBPyConnection) -> None:
    found = shares(built, B, "is_like_ccbot")
    assert found["half.example", "*"] is True
    assert found["named.example", "*"] is True
    assert found["named.example", "GPTBot"] is False
    assert found["bots.example", "*"] is None
    assert found["bots.example", "CCBot"] is True
    assert found["open.example", "*"] is None


def many_pages(n: int) -> list[str]:
    return [f"/{'ab'[i % 3 == 0]}{i}" for i in range(n)]


def test_a_part_of_the_pages_has_an_interval_that_all_pages_would_narrow(warehouse: Make) -> None:
    con = warehouse(snapshots=(A, B), histories={"half.example": "half half"}, rulesets=RULESETS)
    give_bodies(con, BODIES)
    draw(con, {(A, "half.example"): many_pages(90), (B, "half.example"): many_pages(20)}, per_host=20)
    models.build(con, until="url_coverage")
    n, allowed, low, high = ask(
        con,
        "SELECT n_urls_sampled, n_urls_allowed, share_low, share_high FROM accessible_share"
        f" WHERE snapshot = '{A}'",
    )[0]
    size, z = 20 * 89 / 70, 1.959963984540054
    p, middle = allowed / n, (allowed / n + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * (p * (1 - p) / size + z * z / (4 * size * size)) ** 0.5
    assert n == 20
    assert (low, high) == (pytest.approx(middle - half, abs=2e-9), pytest.approx(middle + half, abs=2e-9))
    assert ask(con, f"SELECT share_low = share_high FROM accessible_share WHERE snapshot = '{B}'") == [
        (True,)
    ]
    assert ask(con, "SELECT count(*), bool_and(NOT is_complete) FROM url_pool") == [(20, True)]


def test_the_interval_holds_the_share_of_all_pages_in_most_draws(warehouse: Make) -> None:
    """Coverage by brute force: 300 hosts with 60 pages each, 15 of them drawn."""
    hosts = [f"h{i}.example" for i in range(300)]
    con = warehouse(snapshots=(A, B), histories=dict.fromkeys(hosts, "half -"), rulesets=RULESETS)
    give_bodies(con, BODIES)
    n_open = {host: 1 + i % 60 for i, host in enumerate(hosts)}
    pages = {(A, h): [f"/{'a' if j < n_open[h] else 'b'}{j}" for j in range(60)] for h in hosts}
    draw(con, pages, per_host=15)
    models.build(con, until="url_coverage")
    rows = ask(con, "SELECT host, share_low, share_high FROM accessible_share WHERE agent = '*'")
    held = [low - 1e-9 <= n_open[host] / 60 <= high + 1e-9 for host, low, high in rows]
    assert len(held) == 300
    assert 0.92 <= sum(held) / 300 <= 1


def test_every_share_is_what_explaining_each_page_comes_to(built: duckdb.DuckDBPyConnection) -> None:
    rows = ask(
        built,
        "SELECT s.snapshot, s.host, s.agent, n_urls_allowed, content_digest FROM accessible_share AS s"
        " JOIN answers USING (snapshot, host)"
        " WHERE s.restriction = 'some' AND n_urls_sampled > 0 AND s.agent NOT LIKE '(%'",
    )
    assert len(rows) == 7
    for snapshot, host, agent, n_allowed, digest in rows:
        asked = [agent if agent != "*" else "nobody"]
        urls = [f"https://{host}{path}" for path in PAGES[snapshot, host]]
        assert n_allowed == sum(explain(BODIES[digest].encode(), asked, url).allowed is True for url in urls)


WHOLE = "stratum = '(all)' AND corpus = 'hosts'"


def level(con: duckdb.DuckDBPyConnection, agent: str, columns: str, where: str = WHOLE) -> list[Any]:
    query = (
        f"SELECT {columns} FROM accessible_levels WHERE snapshot = '{B}' AND agent = '{agent}' AND {where}"
    )
    (row,) = ask(con, query)
    return list(row)


def test_levels_are_means_over_the_hosts_observed(built: duckdb.DuckDBPyConnection) -> None:
    # Eleven hosts were observed. GPTBot: none open, empty, gone; all closed; some half, named, bots, bare.
    counts = "n_hosts, n_hosts_sampled, n_hosts_some, n_hosts_some_sampled, n_hosts_some_like_ccbot"
    assert level(built, "GPTBot", counts) == [11, 5, 4, 3, 1]
    assert level(built, "GPTBot", "share_none, share_some, share_all") == [3 / 11, 4 / 11, 1 / 11]
    known = 3 + 0 + 1.0 + 0.5 + 0.5
    assert level(built, "GPTBot", "share_accessible, share_accessible_low, share_accessible_high") == [
        pytest.approx(known / 7),
        pytest.approx(known / 11),
        pytest.approx((known + 4) / 11),
    ]
    assert level(built, "GPTBot", "share_rfc9309") == [pytest.approx((known + 2) / 10)]
    # bots.example says nothing to agents that it does not name.
    assert level(built, "CCBot", "n_hosts_some, some_mean") == [4, pytest.approx((1 + 1 + 0.75) / 3)]


def test_quartiles_of_some_are_those_of_its_hosts(built: duckdb.DuckDBPyConnection) -> None:
    columns = "some_mean, some_quarter, some_median, some_three_quarters"
    assert level(built, "GPTBot", columns) == [pytest.approx(2 / 3), 0.5, 0.5, 1.0]
    assert level(built, "(study combined)", columns) == [pytest.approx(1.75 / 3), 0.25, 0.5, 1.0]
    assert level(built, "GPTBot", "some_ever_mean") == [pytest.approx((0.75 + 0.25 + 0.5) / 3)]


def test_levels_are_weighed_in_every_corpus_and_stratum(built: duckdb.DuckDBPyConnection) -> None:
    where = "stratum = '(all)' AND corpus = 'tokens'"
    assert level(built, "GPTBot", "n_hosts, weight, some_mean, some_quarter, some_median", where) == [
        2,
        4.0,
        pytest.approx((3 * 1 + 0.5) / 4),
        0.5,
        1.0,
    ]
    where = "stratum = 'head' AND corpus = 'hosts'"
    assert level(built, "GPTBot", "n_hosts, share_some, some_mean", where) == [1, 1.0, 1.0]


def test_every_agent_has_its_row(built: duckdb.DuckDBPyConnection) -> None:
    agents = ask(built, "SELECT DISTINCT agent FROM accessible_levels ORDER BY ALL")
    assert agents == ask(built, "SELECT DISTINCT agent FROM agent_groups ORDER BY ALL")
    by_hand = """
        SELECT agents.agent, round(avg(coalesce(own.share_accessible, star.share_accessible)), 9)
        FROM (SELECT DISTINCT agent FROM agent_groups) AS agents
        CROSS JOIN (FROM accessible_share WHERE agent = '*') AS star
        LEFT JOIN accessible_share AS own
            ON own.snapshot = star.snapshot AND own.host = star.host AND own.agent = agents.agent
        WHERE star.snapshot = $snapshot AND coalesce(own.restriction, star.restriction, 'x') <> 'nothing'
            AND (own.agent IS NULL OR own.share_accessible IS NOT NULL)
        GROUP BY ALL ORDER BY ALL
    """
    expected = built.execute(by_hand, {"snapshot": B}).fetchall()
    found = ask(
        built,
        f"SELECT agent, share_accessible FROM accessible_levels WHERE snapshot = '{B}'"
        " AND stratum = '(all)' AND corpus = 'hosts' ORDER BY ALL",
    )
    assert found == [(agent, pytest.approx(share, abs=1e-8)) for agent, share in expected]


def test_coverage_says_whose_pages_are_missing(built: duckdb.DuckDBPyConnection) -> None:
    rows = ask(
        built,
        "SELECT ccbot_level, n_hosts, n_hosts_with_urls, n_urls_seen, median_urls_seen FROM url_coverage"
        f" WHERE snapshot = '{B}' AND stratum = '(all)'",
    )
    assert rows == [
        ("absent", 1, 0, 0, None),
        ("all", 1, 0, 0, None),
        ("none", 2, 1, 2, 2),
        ("not_captured", 1, 0, 0, None),
        ("not_robots", 1, 0, 0, None),
        ("refused", 1, 1, 1, 1),
        ("server_error", 1, 0, 0, None),
        ("some", 4, 3, 8, 2),
    ]


def test_several_processes_give_the_same_verdicts(
    built: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "SELECT * FROM url_verdicts JOIN url_denials USING (content_digest, agent) ORDER BY ALL"
    alone = ask(built, query)
    monkeypatch.setattr(url_verdicts, "POOL_FROM", 0)
    monkeypatch.setattr(url_verdicts, "CHUNK_BODIES", 1)
    built.execute("SET threads = 2")
    models.build(built, until="url_coverage")
    assert len(alone) > 5
    assert ask(built, query) == alone


def test_a_study_that_draws_no_urls_has_empty_models(warehouse: Make) -> None:
    con = warehouse(snapshots=(A,), histories={"half.example": "half"}, rulesets=RULESETS)
    for table in ("url_snapshots", "url_frames", "url_samples"):
        con.execute(f"DROP TABLE {table}")
    models.build(con, until="url_coverage")
    for model in ("url_pool", "accessible_share", "accessible_levels", "url_coverage", "url_verdicts"):
        assert ask(con, f"SELECT count(*) FROM {model}") == [(0,)]
