"""Counts by level, by hand; and every aggregate of the panel on a drawn study, against plain counting."""

import random
from collections.abc import Callable

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Rows = list[tuple[object, ...]]
S1, S2, S3, S4 = "CC-MAIN-2022-05", "CC-MAIN-2023-06", "CC-MAIN-2023-50", "CC-MAIN-2024-10"
RULESETS = {
    "open": {"*": "none"},
    "some": {"*": "some"},
    "shut": {"*": "all"},
    "gpt": {"*": "some", "GPTBot": "all"},
    "cc": {"*": "none", "CCBot": "all", "GPTBot": "none"},
    "silent": {},
}


def build(
    warehouse: Warehouse, snapshots: list[str], histories: dict[str, str], **study: object
) -> duckdb.DuckDBPyConnection:
    con = warehouse(snapshots=snapshots, histories=histories, rulesets=RULESETS, **study)
    models.build(con, until="parser_bounds")
    return con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return con.execute(query).fetchall()


def levels(con: duckdb.DuckDBPyConnection, columns: str, where: str) -> Rows:
    return rows(con, f"SELECT level, group_match, {columns} FROM declared_levels WHERE {where} ORDER BY ALL")


def test_hosts_are_counted_by_level_and_group_observed_and_carried_apart(warehouse: Warehouse) -> None:
    histories = {
        "a.org": "gpt gpt",
        "b.org": "shut -",
        "c.org": "some 404",
        "d.org": "- open",
        "e.org": "- -",
    }
    con = build(warehouse, [S1, S2], histories)
    counts = "n_hosts, n_hosts_observed, n_hosts_carried, share_of_observed, share_of_known"
    where = "agent = 'GPTBot' AND stratum = '(all)' AND corpus = 'hosts' AND snapshot = '{}'"
    assert levels(con, counts, where.format(S1)) == [
        ("all", "specific", 1, 1, 0, 1 / 3, 1 / 3),
        ("all", "wildcard", 1, 1, 0, 1 / 3, 1 / 3),
        ("not_captured", None, 2, 0, 0, 0, 0),
        ("some", "wildcard", 1, 1, 0, 1 / 3, 1 / 3),
    ]
    assert levels(con, counts, where.format(S2)) == [
        ("absent", None, 1, 1, 0, 1 / 3, 1 / 4),
        ("all", "specific", 1, 1, 0, 1 / 3, 1 / 4),
        ("all", "wildcard", 1, 0, 1, 0, 1 / 4),
        ("none", "wildcard", 1, 1, 0, 1 / 3, 1 / 4),
        ("not_captured", None, 1, 0, 0, 0, 0),
    ]


def test_weights_are_those_of_the_stratum_and_corpus(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        [S1],
        {"a.org": "gpt", "b.org": "open", "c.org": "gpt"},
        strata={"a.org": "head", "b.org": "head"},
        weights={("a.org", "c4"): 30.0, ("b.org", "c4"): 10.0, ("c.org", "dolma"): 0.1},
    )
    found = rows(
        con,
        "SELECT stratum, corpus, level, n_hosts, weight, share_of_observed FROM declared_levels"
        " WHERE agent = 'GPTBot' ORDER BY ALL",
    )
    assert found == [
        ("(all)", "c4", "all", 1, 30.0, 0.75),
        ("(all)", "c4", "none", 1, 10.0, 0.25),
        ("(all)", "dolma", "all", 1, 0.1, 1.0),
        ("(all)", "hosts", "all", 2, 2.0, 2 / 3),
        ("(all)", "hosts", "none", 1, 1.0, 1 / 3),
        ("(none)", "dolma", "all", 1, 0.1, 1.0),
        ("(none)", "hosts", "all", 1, 1.0, 1.0),
        ("head", "c4", "all", 1, 30.0, 0.75),
        ("head", "c4", "none", 1, 10.0, 0.25),
        ("head", "hosts", "all", 1, 1.0, 0.5),
        ("head", "hosts", "none", 1, 1.0, 0.5),
    ]


def test_a_weight_of_zero_or_no_observation_has_no_share(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1, S2], {"a.org": "open -"}, weights={("a.org", "c4"): 0.0})
    query = (
        "SELECT corpus, snapshot, share_of_observed, share_of_known FROM declared_levels"
        " WHERE agent = 'CCBot'"
    )
    assert sorted(rows(con, query)) == [
        ("c4", S1, None, None),
        ("c4", S2, None, None),
        ("hosts", S1, 1.0, 1.0),
        ("hosts", S2, None, 1.0),
    ]


def test_labels_are_counted_like_agents(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1], {"a.org": "gpt", "b.org": "cc", "c.org": "open"})
    query = (
        "SELECT agent, level, group_match, n_hosts FROM declared_levels"
        " WHERE agent LIKE '(%' AND corpus = 'hosts' ORDER BY ALL"
    )
    assert rows(con, query) == [
        ("(any data)", "all", "specific", 1),
        ("(any data)", "none", "wildcard", 1),
        ("(any data)", "some", "wildcard", 1),
        ("(any training)", "all", "specific", 1),
        ("(any training)", "none", "specific", 1),
        ("(any training)", "none", "wildcard", 1),
        ("(study combined)", "all", "specific", 2),
        ("(study combined)", "none", "wildcard", 1),
    ]


def random_study() -> dict[str, object]:
    rng = random.Random(7)
    agents = {f"Bot{i}": rng.choice(["training", "search"]) for i in range(6)}
    grades = ["none", "some", "all"]
    rulesets = {
        f"r{i}": {agent: rng.choice(grades) for agent in rng.sample(["*", *agents], rng.randint(0, 5))}
        for i in range(25)
    }
    words = [*rulesets, *rulesets, "404", "503", "empty", "-", "-", "-"]
    hosts = [f"h{i}.org" for i in range(120)]
    return {
        "snapshots": [S1, S2, S3, S4],
        "agents": agents,
        "rulesets": rulesets,
        "histories": {host: " ".join(rng.choice(words) for _ in range(4)) for host in hosts},
        "strata": {host: rng.choice(["head", "random"]) for host in hosts[:100]},
        "weights": {(host, "c4"): rng.random() * 1e6 for host in hosts[:90]},
        "other_readings": {"google": {f"r{i}": f"r{rng.randint(0, 24)}" for i in range(0, 25, 2)}},
        "longpre2024": {(f"r{i}", agent): rng.choice(grades) for i in range(25) for agent in ("*", "Bot1")},
    }


@pytest.fixture
def drawn(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    con = warehouse(**random_study())
    models.build(con, until="parser_bounds")
    return con


def assert_same(con: duckdb.DuckDBPyConnection, model: str, counted: str) -> None:
    """Two queries give the same rows, each at least one; weights are compared to ten digits."""
    found, wanted = rows(con, f"{model} ORDER BY ALL"), rows(con, f"{counted} ORDER BY ALL")
    assert len(found) > 100
    assert [row[:-1] for row in found] == [row[:-1] for row in wanted]
    assert [row[-1] for row in found] == pytest.approx([row[-1] for row in wanted], rel=1e-10)


def test_moving_only_named_agents_counts_as_the_panel_does(drawn: duckdb.DuckDBPyConnection) -> None:
    assert_same(
        drawn,
        "SELECT snapshot, agent, stratum, corpus, level, group_match, n_hosts, n_hosts_observed,"
        " n_hosts_carried, weight FROM declared_levels WHERE agent NOT LIKE '(%'",
        "SELECT snapshot, agent, g.stratum, corpus, level, group_match, count(*),"
        " count(*) FILTER (age_days = 0), count(*) FILTER (is_carried), sum(g.weight::DOUBLE)"
        " FROM panel JOIN site_groups AS g USING (host) GROUP BY ALL",
    )


def test_the_comparison_of_snapshots_counts_as_the_panel_does(drawn: duckdb.DuckDBPyConnection) -> None:
    assert_same(
        drawn,
        "SELECT snapshot_from, snapshot_to, agent, stratum, corpus, level_from, level_to, group_match_to,"
        " n_hosts_observed, n_hosts_carried, weight_observed + weight_carried FROM endpoint_comparison"
        " WHERE agent NOT LIKE '(%'",
        "SELECT a.snapshot, b.snapshot, a.agent, g.stratum, corpus, a.level, b.level, b.group_match,"
        " count(*) FILTER (a.age_days + b.age_days = 0), count(*) FILTER (a.age_days + b.age_days > 0),"
        " sum(g.weight::DOUBLE)"
        " FROM panel AS a JOIN panel AS b ON a.host = b.host AND a.agent = b.agent"
        " JOIN site_groups AS g ON g.host = a.host"
        f" WHERE (a.snapshot, b.snapshot) IN (('{S1}', '{S3}'), ('{S3}', '{S4}'), ('{S1}', '{S4}'))"
        " AND a.level <> 'not_captured' GROUP BY ALL",
    )


def test_the_bounds_count_as_the_panels_do(drawn: duckdb.DuckDBPyConnection) -> None:
    studys = "SELECT * REPLACE (coalesce(restriction_longpre2024, level) AS level) FROM panel"
    theirs = {
        "rfc9309": "panel_of('rfc9309')",
        "google": "panel_of('google')",
        "rfc9309+longpre2024-rule": f"({studys})",
    }
    counted = " UNION ALL ".join(
        f"SELECT snapshot, agent, g.stratum, corpus, '{name}' AS dialect, count(*) AS n,"
        " count(*) FILTER (their.level = 'all'), count(*) FILTER (their.level IN ('some', 'all')),"
        " count(*) FILTER (their.level <> our.level),"
        " coalesce(sum(g.weight::DOUBLE) FILTER (their.level = 'all'), 0) / sum(g.weight::DOUBLE)"
        f" FROM panel AS our JOIN {query} AS their USING (snapshot, host, agent)"
        " JOIN site_groups AS g USING (host) WHERE our.age_days = 0 GROUP BY ALL"
        for name, query in theirs.items()
    )
    assert_same(
        drawn,
        "SELECT snapshot, agent, stratum, corpus, dialect, n_hosts, n_hosts_all, n_hosts_some_or_all,"
        " n_hosts_differ, share_all FROM parser_bounds WHERE agent NOT LIKE '(%'",
        f"SELECT * FROM ({counted})",
    )
