"""Who is closed to whom, by hand on a few hosts: when agents count, and what each dimension tells apart."""

from collections.abc import Callable

import duckdb

from analysis import models
from analysis.breakdown_tables import BODY_AUTHORS
from consent.bodies import AUTHORS

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Rows = list[tuple[object, ...]]
S1, S2, S3, S4 = "CC-MAIN-2022-05", "CC-MAIN-2023-06", "CC-MAIN-2023-50", "CC-MAIN-2024-10"
STARTS = {S1: "2022-01-31", S2: "2023-02-06", S3: "2023-12-11", S4: "2024-03-04"}
RULESETS = {
    "open": {"*": "none"},
    "shut": {"*": "all"},
    "gpt": {"*": "some", "GPTBot": "all"},
    "spared": {"*": "all", "GPTBot": "some"},
    "silent": {},
}
# agent → operator, purpose, first listing
AGENTS = {
    "GPTBot": ("OpenAI", "training", "2023-08-07"),
    "ChatGPT-User": ("OpenAI", "user", "2024-01-01"),
    "CCBot": ("Common Crawl", "archive", "2008"),
    "Googlebot": ("Google", "search", None),
}


def build(
    warehouse: Warehouse,
    histories: dict[str, str],
    agents: dict[str, tuple[str, str, str | None]] = AGENTS,
    changes: str = "",
    **study: object,
) -> duckdb.DuckDBPyConnection:
    """The warehouse with its models; a host's TLD is its last label. `changes` is SQL before the build."""
    purposes = {agent: purpose for agent, (_, purpose, _) in agents.items()}
    known = {"snapshots": list(STARTS), "rulesets": RULESETS, "agents": purposes}
    con = warehouse(histories=histories, **(known | study))
    for agent, (operator, _, listed) in agents.items():
        con.execute(
            "UPDATE agents SET operator = ?, first_listed = ? WHERE agent = ?", [operator, listed, agent]
        )
    con.execute("UPDATE sites SET tld = nullif(split_part(host, '.', -1), host)")
    con.execute(changes or "SELECT 1")
    models.build(con, until="level_breakdowns")
    return con


def ask(con: duckdb.DuckDBPyConnection, columns: str, where: str = "true") -> Rows:
    query = f"SELECT {columns} FROM level_breakdowns WHERE corpus = 'hosts' AND {where} ORDER BY ALL"
    return con.execute(query).fetchall()


def test_an_agent_has_no_rows_before_it_was_listed_and_star_has_all(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "gpt gpt gpt gpt", "b.org": "shut shut shut shut"})
    columns = "agent, snapshot, n_hosts_all, n_hosts_all_named, n_hosts_all_wildcard, share_all_of_known"
    assert ask(con, columns, "dimension = 'whole' AND agent IN ('*', 'CCBot', 'GPTBot', 'Googlebot')") == [
        *(("*", snapshot, 1, 0, 1, 0.5) for snapshot in STARTS),
        *(("CCBot", snapshot, 1, 0, 1, 0.5) for snapshot in STARTS),
        ("GPTBot", S3, 2, 1, 1, 1.0),
        ("GPTBot", S4, 2, 1, 1, 1.0),
    ]


def test_a_member_counts_from_the_snapshot_that_begins_on_its_day(warehouse: Warehouse) -> None:
    agents = {
        "GPTBot": ("OpenAI", "training", "2023-12-11"),
        "CCBot": ("Common Crawl", "archive", "2023-12-12"),
    }
    con = build(warehouse, {"a.org": "shut shut shut shut"}, agents)
    assert ask(con, "agent, min(snapshot)", "dimension = 'whole' GROUP BY agent") == [
        ("(any AI)", S3),
        ("(any archive)", S4),
        ("(any training)", S3),
        ("(study combined)", S3),
        ("*", S1),
        ("CCBot", S4),
        ("GPTBot", S3),
    ]


def test_a_label_counts_only_members_listed_by_then(warehouse: Warehouse) -> None:
    rulesets = {"both": {"*": "none", "GPTBot": "some", "ChatGPT-User": "all"}}
    con = build(warehouse, {"a.org": "both both both both"}, rulesets=rulesets)
    counts = "snapshot, n_agents, n_agents_to_come, n_agents_undated, n_hosts_all, n_hosts_all_named"
    assert ask(con, counts, "agent = '(any of OpenAI)'") == [(S3, 1, 1, 0, 0, 0), (S4, 2, 0, 0, 1, 1)]
    assert ask(con, counts, "agent = '(any AI)' AND dimension = 'purpose'") == [
        (S3, 1, 1, 0, 0, 0),
        (S4, 2, 0, 0, 1, 1),
    ]


def test_undated_members_are_left_out_and_counted(warehouse: Warehouse) -> None:
    agents = {"OldBot": ("A", "search", "2020"), "bingbot": ("A", "search", None)}
    con = build(warehouse, {"a.org": "x x x x"}, agents, rulesets={"x": {"*": "none", "bingbot": "all"}})
    where = f"dimension IN ('purpose', 'operator') AND snapshot = '{S4}'"
    assert ask(con, "agent, n_agents, n_agents_undated, n_hosts_all", where) == [
        ("(any AI search)", 1, 0, 0),
        ("(any AI)", 1, 0, 0),
        ("(any of A)", 1, 1, 0),
        ("(any search)", 1, 1, 0),
    ]


def test_ai_is_neither_archive_nor_search_engine_nor_other(warehouse: Warehouse) -> None:
    kinds = ["training", "search", "user", "agent", "data", "archive", "other"]
    agents = {f"{kind}-bot": ("A", kind, "2020") for kind in kinds}
    engines = ("Googlebot", "bingbot", "Applebot", "PetalBot", "Bravebot")
    agents |= dict.fromkeys(engines, ("B", "search", "2020"))
    con = build(warehouse, {}, agents)
    members = (
        "SELECT agent, list(member ORDER BY member) FROM listed_members WHERE kind = 'purpose' GROUP BY agent"
    )
    found = dict(con.execute(members).fetchall())
    assert found["(any AI)"] == ["agent-bot", "data-bot", "search-bot", "training-bot", "user-bot"]
    assert found["(any AI search)"] == ["search-bot"]
    assert found["(any search engine)"] == ["Applebot", "Bravebot", "Googlebot", "PetalBot", "bingbot"]
    assert set(found["(any search)"]) == {*found["(any AI search)"], *found["(any search engine)"]}


def test_a_ruleset_has_one_row_per_stretch_with_one_answer(warehouse: Warehouse) -> None:
    agents = {f"Bot{year}": ("A", "training", str(year)) for year in (2016, 2017, 2018, 2019, 2020)}
    rulesets = {"x": {"*": "some", "Bot2016": "none", "Bot2018": "some", "Bot2019": "none", "Bot2020": "all"}}
    con = build(warehouse, {"a.org": "x x x x"}, agents, rulesets=rulesets)
    query = (
        "SELECT listed_from::VARCHAR, listed_until::VARCHAR, level, group_match FROM dated_levels"
        " WHERE agent = '(any training)' ORDER BY ALL"
    )
    assert con.execute(query).fetchall() == [
        ("2016-01-01", "2017-01-01", "none", "specific"),
        ("2017-01-01", "2018-01-01", "some", "wildcard"),
        ("2018-01-01", "2020-01-01", "some", "specific"),
        ("2020-01-01", None, "all", "specific"),
    ]


def test_who_is_spared_by_name_is_not_closed_by_star(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "- - spared -", "b.org": "- - gpt -"})
    columns = "agent, category, n_hosts_known, n_hosts_observed, n_hosts_all, n_hosts_all_named"
    where = f"dimension = 'group_match' AND snapshot = '{S4}' AND agent IN ('*', 'GPTBot', '(any AI)')"
    assert ask(con, columns, where) == [
        ("(any AI)", "specific", 1, 0, 1, 1),
        ("(any AI)", "wildcard", 1, 0, 1, 0),
        ("*", "wildcard", 2, 0, 1, 0),
        ("GPTBot", "specific", 2, 0, 1, 1),
    ]


def test_hosts_that_declare_nothing_have_no_group_and_never_captured_ones_are_left_out(
    warehouse: Warehouse,
) -> None:
    histories = {"a.org": "404", "b.org": "503", "c.org": "empty", "d.org": "silent", "e.org": "-"}
    con = build(warehouse, histories, snapshots=[S4])
    assert ask(con, "category, n_hosts_known", "dimension = 'group_match' AND agent = '*'") == [
        ("(no declaration)", 2),
        ("none", 2),
    ]
    assert ask(con, "n_hosts_known, n_hosts_all", "dimension = 'whole' AND agent = 'GPTBot'") == [(4, 0)]


def test_sites_are_told_apart_by_tld_language_and_stratum(warehouse: Warehouse) -> None:
    hosts = ["a.de", "b.at", "c.com", "d.gov", "e.io", "f.be", "localhost"]
    con = build(
        warehouse, dict.fromkeys(hosts, "gpt"), snapshots=[S4], strata={"a.de": "head", "b.at": "head"}
    )
    found = ask(con, "dimension, category, n_hosts_all", "agent = 'GPTBot' AND dimension LIKE '%a%_%'")
    assert [row for row in found if row[0] == "language_region"] == [
        ("language_region", "(generic)", 2),
        ("language_region", "(multilingual)", 1),
        ("language_region", "(none)", 1),
        ("language_region", "English (US)", 1),
        ("language_region", "German", 2),
    ]
    assert [row for row in found if row[0] == "stratum"] == [("stratum", "(none)", 5), ("stratum", "head", 2)]
    tlds = {"de", "at", "com", "gov", "io", "be", "(none)"}
    assert set(ask(con, "category, n_hosts_all", "agent = 'GPTBot' AND dimension = 'tld'")) == {
        (tld, 1) for tld in tlds
    }


def test_a_study_without_strata_has_no_rows_by_stratum(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "gpt"}, snapshots=[S4])
    dimensions = {row[0] for row in ask(con, "DISTINCT dimension")}
    assert dimensions == {
        "whole",
        "operator",
        "purpose",
        "group_match",
        "tld",
        "language_region",
        "management",
    }


def test_tlds_past_the_thirty_with_the_most_hosts_are_pooled(warehouse: Warehouse) -> None:
    hosts = [f"h{i}.t{i:02}" for i in range(40)] + ["again.t39"]
    con = build(warehouse, dict.fromkeys(hosts, "gpt"), snapshots=[S4])
    found = dict(ask(con, "category, n_hosts_known", "agent = '*' AND dimension = 'tld'"))
    assert found == {"t39": 2, "(other)": 10} | {f"t{i:02}": 1 for i in range(29)}


def test_files_are_told_apart_by_who_signed_them(warehouse: Warehouse) -> None:
    authors = {"a": "cloudflare", "b": "wix", "c": "yoast", "d": None, "e": "of later versions"}
    words = {**{f"{name}.org": name for name in authors}, "f.org": "404", "g.org": "empty", "h.org": "html"}
    con = build(
        warehouse,
        words,
        snapshots=[S4],
        rulesets={name: {"*": "all"} for name in authors},
        changes="".join(
            f"UPDATE bodies SET managed_by = '{author}' WHERE content_digest = '{name}';"
            for name, author in authors.items()
            if author
        ),
    )
    assert ask(con, "category, n_hosts_known, n_hosts_all", "agent = '*' AND dimension = 'management'") == [
        ("absent", 1, 0),
        ("cms", 2, 2),
        ("edge", 1, 1),
        ("empty", 1, 0),
        ("site_builder", 1, 1),
        ("unreadable", 1, 0),
        ("unsigned", 1, 1),
    ]


def test_every_author_that_is_known_has_its_place(warehouse: Warehouse) -> None:
    con = build(warehouse, {})
    rows = con.execute(f"FROM {BODY_AUTHORS.name}").fetchall()
    assert rows == [(author.name, author.management) for author in AUTHORS]
    assert {place for _, place in rows} == {"edge", "site_builder", "cms"}


def test_weights_and_shares_are_those_of_the_category(warehouse: Warehouse) -> None:
    weights = {("a.org", "c4"): 30.0, ("b.org", "c4"): 10.0, ("c.com", "c4"): 5.0, ("d.com", "c4"): 0.0}
    histories = {"a.org": "gpt gpt", "b.org": "shut -", "c.com": "open open", "d.com": "gpt -"}
    agents = {"GPTBot": ("OpenAI", "training", "2020")}
    con = build(warehouse, histories, agents, snapshots=[S1, S2], weights=weights)
    query = (
        "SELECT category, weight_observed, weight_known, weight_all_observed, weight_all, weight_all_named,"
        " weight_all_wildcard, share_all_of_observed, share_all_of_known FROM level_breakdowns"
        f" WHERE corpus = 'c4' AND dimension IN ('whole', 'tld') AND agent = 'GPTBot' AND snapshot = '{S2}'"
        " ORDER BY ALL"
    )
    assert con.execute(query).fetchall() == [
        ("(all)", 35.0, 45.0, 30.0, 40.0, 30.0, 10.0, 30 / 35, 40 / 45),
        ("com", 5.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        ("org", 30.0, 40.0, 30.0, 40.0, 30.0, 10.0, 1.0, 1.0),
    ]


def test_sources_that_are_no_web_hosts_are_in_no_breakdown(warehouse: Warehouse) -> None:
    histories = {"a.org": "gpt", "stack": "-", "b.io": "gpt"}
    changes = "UPDATE sites SET is_domain = false, stratum = 'head' WHERE host IN ('stack', 'b.io')"
    con = build(warehouse, histories, snapshots=[S4], changes=changes)
    assert ask(con, "DISTINCT n_hosts_known", "agent = '*'") == [(1,)]
    assert ask(con, "category", "agent = '*' AND dimension IN ('tld', 'stratum')") == [("org",)]
