"""Comparisons of two snapshots, and the bounds that the reading sets to the headline: counted by hand."""

from collections.abc import Callable

import duckdb

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
    models.build(con, until="head_start")
    return con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return con.execute(query).fetchall()


def test_compared_are_the_ends_of_the_study_and_of_consecutive_years(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1, S2, S3, S4], {"a.org": "open open open open"})
    query = "SELECT DISTINCT snapshot_from, snapshot_to, is_endpoints FROM endpoint_comparison ORDER BY ALL"
    assert rows(con, query) == [(S1, S3, False), (S1, S4, True), (S3, S4, False)]


def test_two_snapshots_of_one_year_are_compared_as_the_ends_of_the_study(warehouse: Warehouse) -> None:
    con = build(warehouse, [S2, S3], {"a.org": "open shut"})
    query = "SELECT DISTINCT snapshot_from, snapshot_to, is_endpoints FROM endpoint_comparison"
    assert rows(con, query) == [(S2, S3, True)]


def test_one_snapshot_is_compared_with_nothing(warehouse: Warehouse) -> None:
    assert rows(build(warehouse, [S1], {"a.org": "open"}), "SELECT * FROM endpoint_comparison") == []


def test_what_became_of_the_open_hosts(warehouse: Warehouse) -> None:
    histories = {
        "a.org": "open gpt",
        "b.org": "open shut",
        "c.org": "open 404",
        "d.org": "open -",
        "e.org": "shut shut",
        "f.org": "- gpt",
        "g.org": "silent open",
    }
    con = build(warehouse, [S1, S4], histories, weights={("a.org", "c4"): 8.0, ("c.org", "c4"): 2.0})
    columns = "level_from, level_to, group_match_to, n_hosts_observed, n_hosts_carried, share_of_level_from"
    where = "agent = 'GPTBot' AND corpus = '{}'"
    query = f"SELECT {columns} FROM endpoint_comparison WHERE {where} ORDER BY ALL"
    assert rows(con, query.format("hosts")) == [
        ("all", "all", "wildcard", 1, 0, 1.0),
        ("none", "absent", None, 1, 0, 0.25),
        ("none", "all", "specific", 1, 0, 0.25),
        ("none", "all", "wildcard", 1, 0, 0.25),
        ("none", "none", "wildcard", 1, 1, 0.25),
    ]
    assert rows(con, query.format("c4")) == [
        ("none", "absent", None, 1, 0, 0.2),
        ("none", "all", "specific", 1, 0, 0.8),
    ]


def bounds(con: duckdb.DuckDBPyConnection, agent: str) -> Rows:
    columns = "dialect, n_hosts, n_hosts_all, share_all, difference_all_points, n_hosts_differ, share_differ"
    return rows(
        con, f"SELECT {columns} FROM parser_bounds WHERE agent = '{agent}' AND corpus = 'hosts' ORDER BY ALL"
    )


def test_the_headline_under_each_reading_and_its_distance_from_rfc9309(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        [S1],
        {"a.org": "gpt", "b.org": "gpt", "c.org": "some", "d.org": "404"},
        other_readings={"protego": {"gpt": "some"}, "longpre2024-paper": {"some": "shut"}},
        longpre2024={("gpt", "GPTBot"): "some", ("shut", "*"): "some"},
    )
    assert bounds(con, "GPTBot") == [
        ("longpre2024-paper", 4, 3, 0.75, 25.0, 1, 0.25),
        ("longpre2024-paper+longpre2024-rule", 4, 0, 0.0, -50.0, 2, 0.5),
        ("protego", 4, 0, 0.0, -50.0, 2, 0.5),
        ("rfc9309", 4, 2, 0.5, 0.0, 0, 0.0),
        ("rfc9309+longpre2024-rule", 4, 0, 0.0, -50.0, 2, 0.5),
    ]
    assert bounds(con, "(study combined)") == bounds(con, "GPTBot")


def test_some_or_all_has_its_own_difference(warehouse: Warehouse) -> None:
    con = build(
        warehouse, [S1], {"a.org": "open", "b.org": "some"}, other_readings={"google": {"open": "some"}}
    )
    query = (
        "SELECT share_some_or_all, difference_some_or_all_points, difference_all_points FROM parser_bounds"
        " WHERE dialect = 'google' AND agent = 'CCBot'"
    )
    assert rows(con, query) == [(1.0, 50.0, 0.0)]


def test_bounds_count_only_what_was_observed(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1, S2], {"a.org": "shut -", "b.org": "open open"})
    query = (
        "SELECT snapshot, n_hosts, n_hosts_all FROM parser_bounds"
        " WHERE agent = 'CCBot' AND dialect = 'rfc9309'"
    )
    assert sorted(rows(con, query)) == [(S1, 2, 1), (S2, 1, 0)]


def test_without_rfc9309_the_default_dialect_is_the_reference(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1], {"a.org": "open"}, other_readings={"google": {"open": "shut"}})
    con.execute("DELETE FROM dialects WHERE dialect = 'rfc9309'")
    con.execute("UPDATE dialects SET is_default = true")
    models.build(con, until="head_start")
    query = "SELECT dialect, share_all, difference_all_points FROM parser_bounds WHERE agent = 'CCBot'"
    assert rows(con, query) == [("google", 1.0, 0.0)]


def test_what_was_open_at_the_first_listing_and_is_closed_now(warehouse: Warehouse) -> None:
    histories = {
        "a.org": "open open gpt",  # closed since, by name
        "b.org": "- 404 shut",  # nothing was declared, closed since by the star
        "c.org": "some - -",  # known in both by carrying
        "d.org": "open shut shut",  # closed before the listing
        "e.org": "open 403 shut",  # could not be read then
    }
    con = build(warehouse, [S1, S2, S4], histories, weights={("a.org", "c4"): 1.0, ("c.org", "c4"): 3.0})
    con.execute("UPDATE agents SET first_listed = '2023-08-07' WHERE agent = 'GPTBot'")
    models.build(con, until="head_start")
    assert rows(con, "SELECT * REPLACE (first_listed_on::VARCHAR AS first_listed_on) FROM head_start") == [
        ("GPTBot", "(all)", "c4", "2023-08-07", S2, S4, 2, 1, 1, 4.0, 1.0, 0.25),
        ("GPTBot", "(all)", "hosts", "2023-08-07", S2, S4, 3, 2, 1, 3.0, 2.0, 2 / 3),
    ]


def test_an_agent_without_a_date_or_older_than_the_study_has_no_head_start(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1, S2], {"a.org": "open shut"})
    con.execute("UPDATE agents SET first_listed = '2016' WHERE agent = 'CCBot'")
    models.build(con, until="head_start")
    assert rows(con, "SELECT * FROM head_start") == []


def test_a_year_alone_means_its_first_day(warehouse: Warehouse) -> None:
    con = build(warehouse, [S1, S2], {"a.org": "open shut"})
    con.execute("UPDATE agents SET first_listed = '2023' WHERE agent = 'CCBot'")
    models.build(con, until="head_start")
    query = "SELECT agent, first_listed_on::VARCHAR, snapshot_listed, share_closed_since FROM head_start"
    assert rows(con, query) == [("CCBot", "2023-01-01", S1, 1.0)]
