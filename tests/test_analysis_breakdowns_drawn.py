"""Breakdowns of a drawn study, against plain counting over its panel."""

import random
from collections import Counter
from collections.abc import Callable, Iterator

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Key = tuple[str, ...]
STARTS = {
    "CC-MAIN-2022-05": "2022-01-31",
    "CC-MAIN-2023-06": "2023-02-06",
    "CC-MAIN-2023-50": "2023-12-11",
    "CC-MAIN-2024-10": "2024-03-04",
}
PURPOSES = ("training", "search", "user", "archive", "search", "training", "user")
AGENTS = {f"Bot{i}": purpose for i, purpose in enumerate(PURPOSES)}
# Listed before all, on the day of a snapshot and the day after, between two, after all, and at no known date.
DATES = ("2015", "2022-01-31", "2022-02-01", "2023-02-06", "2023-06-01", "2024-03-05", None)
LANGUAGES = {"de": "German", "at": "German", "ch": "German", "br": "Portuguese", "gov": "English (US)"}
RANKS = {"none": 1, "some": 2, "all": 3}
MATCHES = {"none": 1, "wildcard": 2, "specific": 3}


@pytest.fixture
def drawn(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """A study of 150 hosts before its models; no file names the agent `Unnamed`."""
    rng = random.Random(11)
    rulesets = {
        f"r{i}": {agent: rng.choice(list(RANKS)) for agent in rng.sample(["*", *AGENTS], rng.randint(0, 6))}
        for i in range(30)
    }
    words = [*rulesets, *rulesets, "404", "503", "empty", "-", "-", "-"]
    hosts = [f"h{i}.{rng.choice(['org', 'de', 'at', 'br', 'gov', 'ch'])}" for i in range(150)]
    con = warehouse(
        snapshots=list(STARTS),
        agents={**AGENTS, "Unnamed": "other"},
        rulesets=rulesets,
        histories={host: " ".join(rng.choice(words) for _ in STARTS) for host in hosts},
        strata={host: rng.choice(["head", "random"]) for host in hosts[:100]},
        weights={(host, "c4"): float(rng.randint(0, 10**6)) for host in hosts[:120]},
    )
    con.execute("UPDATE sites SET tld = split_part(host, '.', -1)")
    con.execute("UPDATE agents SET operator = 'Op' || ascii(right(agent, 1)) % 3, first_listed = '1999'")
    return con


@pytest.fixture
def dated(drawn: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same with agents that come to be listed one by one, and its models."""
    for agent, day in zip(AGENTS, DATES, strict=True):
        drawn.execute("UPDATE agents SET first_listed = ? WHERE agent = ?", [day, agent])
    models.build(drawn, until="level_breakdowns")
    return drawn


def test_where_all_members_are_old_the_dated_levels_are_the_levels(drawn: duckdb.DuckDBPyConnection) -> None:
    models.build(drawn, until="level_breakdowns")
    columns = "SELECT outcome, agent, level, group_match"
    levels = f"{columns} FROM outcome_levels WHERE agent <> '*' AND agent NOT LIKE '(study%' ORDER BY ALL"
    found = f"{columns} FROM dated_levels SEMI JOIN agent_groups USING (agent) ORDER BY ALL"
    assert len(drawn.execute(found).fetchall()) > 100
    assert drawn.execute(found).fetchall() == drawn.execute(levels).fetchall()
    assert drawn.execute("SELECT max(listed_until) FROM dated_levels").fetchone() == (None,)


def iter_groups(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, str, str, list[str]]]:
    """Snapshot, agent or label, its dimension and category, and members that count, from the agents alone."""
    agents = con.execute("SELECT agent, operator, purpose, first_listed FROM agents").fetchall()
    for snapshot, start in STARTS.items():
        groups: dict[tuple[str, str, str], list[str]] = {("*", "", ""): ["Unnamed"]}
        for agent, operator, purpose, listed in agents:
            if not listed or f"{listed}-01-01"[:10] > start:
                continue
            groups[agent, "", ""] = [agent]
            labels = [
                (f"(any of {operator})", "operator", operator),
                (f"(any {purpose})", "purpose", purpose),
            ]
            labels += [("(any AI)", "purpose", "AI")] * (purpose in ("training", "search", "user"))
            labels += [("(any AI search)", "purpose", "AI search")] * (purpose == "search")
            for label in labels:
                groups.setdefault(label, []).append(agent)
        yield from ((snapshot, *key, members) for key, members in groups.items())


def places_of(host: str, kind: str, category: str, match: str | None, stratum: str | None) -> list[Key]:
    """Every dimension and category in which the host counts for a label of that dimension."""
    if kind == "operator":
        return [(kind, category)]
    tld = host.rpartition(".")[2]
    return [
        ("whole", "(all)"),
        ("tld", tld),
        ("language_region", LANGUAGES.get(tld, "(generic)")),
        ("stratum", stratum or "(none)"),
        ("group_match", match or "(no declaration)"),
        *([(kind, category)] if kind else []),
    ]


def test_a_drawn_study_counts_as_its_panel_does(dated: duckdb.DuckDBPyConnection) -> None:
    rows = dated.execute(
        "SELECT snapshot, agent, host, level, group_match, age_days = 0, stratum FROM panel"
        " WHERE access_state <> 'not_captured'"
    ).fetchall()
    panel: dict[Key, dict[str, tuple[str, str | None, bool, str | None]]] = {}
    for snapshot, agent, host, *said in rows:
        panel.setdefault((snapshot, agent), {})[host] = tuple(said)
    weights = dict(dated.execute("SELECT host, weight FROM site_weights").fetchall())
    wanted: Counter[Key] = Counter()
    for snapshot, agent, kind, category, members in iter_groups(dated):
        for host in panel[snapshot, members[0]]:
            said = [panel[snapshot, member][host] for member in members]
            level, match, is_observed, stratum = max(
                said, key=lambda one: (RANKS.get(one[0], 0), MATCHES.get(one[1] or "", 0))
            )
            is_all, is_named = level == "all", level == "all" and match == "specific"
            for place in places_of(host, kind, category, match, stratum):
                for corpus, weight in {"hosts": 1.0, "c4": weights.get(host)}.items():
                    if weight is not None:
                        key = (snapshot, *place, agent, corpus)
                        wanted[(*key, "known")] += weight
                        wanted[(*key, "observed")] += weight * is_observed
                        wanted[(*key, "all")] += weight * is_all
                        wanted[(*key, "observed all")] += weight * (is_all and is_observed)
                        wanted[(*key, "named")] += weight * is_named
    found = dated.execute(
        "SELECT snapshot, dimension, category, agent, corpus,"
        " unnest(['known', 'observed', 'all', 'observed all', 'named']),"
        " unnest([weight_known, weight_observed, weight_all, weight_all_observed, weight_all_named])"
        " FROM level_breakdowns WHERE dimension <> 'management' AND agent <> '(study combined)'"
    ).fetchall()
    assert len(found) > 5000
    assert {tuple(row[:-1]): row[-1] for row in found} == dict(wanted)


def test_hosts_are_counted_as_weights_of_one(dated: duckdb.DuckDBPyConnection) -> None:
    counts = ("observed", "known", "all_observed", "all", "all_named", "all_wildcard")
    differ = " OR ".join(f"n_hosts_{count} <> weight_{count}" for count in counts)
    query = f"SELECT count(*), count(*) FILTER ({differ}) FROM level_breakdowns WHERE corpus = 'hosts'"
    n_rows, n_differ = dated.execute(query).fetchall()[0]
    assert n_rows > 500
    assert n_differ == 0


def test_the_categories_of_a_dimension_sum_to_the_whole(dated: duckdb.DuckDBPyConnection) -> None:
    sums = (
        "SELECT snapshot, agent, corpus, dimension, sum(n_hosts_known) AS n_known, sum(n_hosts_all) AS n_all,"
        " sum(weight_all_named) AS w_named FROM level_breakdowns"
        " WHERE dimension NOT IN ('operator', 'purpose') GROUP BY ALL"
    )
    found = dated.execute(
        "SELECT count(DISTINCT n_known), count(DISTINCT n_all), count(DISTINCT w_named), count(*)"
        f" FROM ({sums}) GROUP BY snapshot, agent, corpus"
    ).fetchall()
    assert set(found) == {(1, 1, 1, 6)}
