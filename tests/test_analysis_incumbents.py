"""What an incumbent holds and a newcomer cannot have: by hand, and on a drawn study against the panel."""

import random
from collections import Counter
from collections.abc import Callable

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Rows = list[tuple[object, ...]]
S1, S2, S3, S4 = "CC-MAIN-2022-05", "CC-MAIN-2023-06", "CC-MAIN-2023-50", "CC-MAIN-2024-10"
SNAPSHOTS = [S1, S2, S3, S4]
RULESETS = {
    "open": {"*": "none"},
    "some": {"*": "some"},
    "shut": {"*": "all"},
    "gpt": {"*": "some", "GPTBot": "all"},
    "spared": {"*": "all", "GPTBot": "some"},
}
HELD = "agent, snapshot_from, n_hosts_known, n_hosts_held, n_hosts_open_now, n_hosts_held_closed_now"


def ask(con: duckdb.DuckDBPyConnection, columns: str, agents: str, corpus: str = "hosts") -> Rows:
    query = (
        f"SELECT {columns} FROM incumbent_corpus WHERE stratum = '(all)' AND corpus = '{corpus}'"
        f" AND agent IN ({agents}) ORDER BY ALL"
    )
    return con.execute(query).fetchall()


def build(
    warehouse: Warehouse, histories: dict[str, str], snapshots: list[str] = SNAPSHOTS, **study: object
) -> duckdb.DuckDBPyConnection:
    con = warehouse(**({"snapshots": snapshots, "histories": histories, "rulesets": RULESETS} | study))
    models.build(con, until="incumbent_corpus")
    return con


def test_what_was_open_since_the_start_is_held(warehouse: Warehouse) -> None:
    histories = {
        "a.org": "open shut shut shut",
        "b.org": "shut shut some gpt",
        "c.org": "open open open open",
        "d.org": "shut - - -",
        "e.org": "- - - -",
    }
    con = build(warehouse, histories)
    assert ask(con, HELD, "'*', 'GPTBot'") == [
        ("*", S1, 4, 3, 2, 1),
        ("*", S2, 4, 2, 2, 0),
        ("*", S4, 4, 2, 2, 0),
        ("GPTBot", S1, 4, 3, 1, 2),
        ("GPTBot", S2, 4, 2, 1, 1),
        ("GPTBot", S4, 4, 1, 1, 0),
    ]


def test_the_last_snapshot_is_the_newcomers_start_also_where_a_year_begins_with_it(
    warehouse: Warehouse,
) -> None:
    con = build(warehouse, {"a.org": "open open"}, [S2, S3])
    columns = "snapshot_from, year, is_newcomer, snapshot_now"
    assert ask(con, columns, "'*'") == [(S2, 2023, False, S3), (S3, 2023, True, S3)]
    con = build(warehouse, {"a.org": "open open"}, [S3, S4])
    assert ask(con, columns, "'*'") == [(S3, 2023, False, S4), (S4, 2024, True, S4)]


def test_absent_is_open_and_what_cannot_be_read_is_neither(warehouse: Warehouse) -> None:
    histories = {"a.org": "404 503", "b.org": "empty shut", "c.org": "503 404", "d.org": "503 503"}
    con = build(warehouse, histories, [S1, S4])
    columns = (
        "snapshot_from, n_hosts_held, n_hosts_open_now, n_hosts_held_closed_now, n_hosts_held_unreadable_now"
    )
    assert ask(con, columns, "'GPTBot'") == [(S1, 3, 1, 1, 1), (S4, 1, 1, 0, 0)]


def test_what_is_open_by_the_last_that_is_known_is_held_by_all(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open - - -", "b.org": "shut open - -"})
    assert ask(con, HELD, "'*'") == [("*", start, 2, 2, 2, 0) for start in (S1, S2, S4)]


def test_before_its_listing_an_agent_was_answered_by_its_name_if_a_file_had_it_else_by_star(
    warehouse: Warehouse,
) -> None:
    con = warehouse(
        snapshots=[S1, S4], histories={"a.org": "spared shut", "b.org": "shut gpt"}, rulesets=RULESETS
    )
    con.execute("UPDATE agents SET first_listed = '2023-08-07' WHERE agent = 'GPTBot'")
    models.build(con, until="incumbent_corpus")
    assert ask(con, HELD, "'CCBot', 'GPTBot'") == [
        ("CCBot", S1, 2, 1, 1, 0),
        ("CCBot", S4, 2, 1, 1, 0),
        ("GPTBot", S1, 2, 1, 0, 1),
        ("GPTBot", S4, 2, 0, 0, 0),
    ]


def test_weights_and_shares_are_those_of_the_corpus(warehouse: Warehouse) -> None:
    weights = {("a.org", "c4"): 30.0, ("b.org", "c4"): 10.0, ("c.org", "c4"): 2.0, ("d.org", "c4"): 8.0}
    histories = {"a.org": "open shut", "b.org": "open some", "c.org": "shut shut", "d.org": "some 503"}
    con = build(warehouse, histories, [S1, S4], weights=weights)
    columns = (
        "weight_known, weight_held, weight_open_now, weight_held_closed_now, weight_held_unreadable_now,"
        " weight_advantage, share_held, share_open_now"
    )
    assert ask(con, columns, "'*'", "c4") == [
        (50.0, 10.0, 10.0, 0.0, 0.0, 0.0, 0.2, 0.2),
        (50.0, 48.0, 10.0, 30.0, 8.0, 38.0, 0.96, 0.2),
    ]


def test_a_corpus_without_weight_has_no_share(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open"}, [S4], weights={("a.org", "c4"): 0.0})
    assert ask(con, "weight_held, share_held, share_open_now", "'*'", "c4") == [(0.0, None, None)]


def test_snapshots_without_a_year_begin_no_row_but_their_hosts_are_known(warehouse: Warehouse) -> None:
    con = build(
        warehouse, {"a.org": "open shut", "b.org": "shut -"}, ["CC-MAIN-2022-early", "CC-MAIN-2022-later"]
    )
    assert ask(con, HELD, "'*'") == [("*", "CC-MAIN-2022-later", 2, 0, 0, 0)]


@pytest.fixture
def drawn(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    rng = random.Random(5)
    agents = {f"Bot{i}": rng.choice(["training", "search"]) for i in range(6)} | {"Unnamed": "other"}
    grades = ["none", "some", "all"]
    rulesets = {
        f"r{i}": {
            agent: rng.choice(grades) for agent in rng.sample(["*", *list(agents)[:6]], rng.randint(0, 5))
        }
        for i in range(25)
    }
    words = [*rulesets, *rulesets, "404", "503", "empty", "-", "-", "-", "-"]
    hosts = [f"h{i}.org" for i in range(200)]
    return build(
        warehouse,
        {host: " ".join(rng.choice(words) for _ in SNAPSHOTS) for host in hosts},
        agents=agents,
        rulesets=rulesets,
        strata={host: rng.choice(["head", "random"]) for host in hosts[:150]},
        weights={(host, "c4"): float(rng.randint(0, 10**6)) for host in hosts[:120]},
    )


def test_a_drawn_study_counts_as_its_panel_does(drawn: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT host, snapshot, agent, level, age_days = 0 FROM panel WHERE access_state <> 'not_captured'"
    )
    panel: dict[tuple[str, str], dict[str, tuple[str, bool]]] = {}
    for host, snapshot, agent, level, is_observed in drawn.execute(query).fetchall():
        panel.setdefault((host, agent), {})[snapshot] = level, is_observed
    groups = drawn.execute("SELECT host, stratum, corpus, weight::DOUBLE FROM site_groups").fetchall()
    members = dict(
        drawn.execute(
            "SELECT agent, list(member) FROM agent_groups WHERE agent <> '(study combined)' GROUP BY agent"
        ).fetchall()
    )
    wanted: Counter[tuple[str, ...]] = Counter()
    for agent, own in [*members.items(), ("*", ["Unnamed"])]:
        for host, stratum, corpus, weight in groups:
            rows = [panel[host, member] for member in own if (host, member) in panel]
            if not rows:
                continue
            is_open = {
                snapshot: all(row[snapshot][0] in ("none", "some", "absent") for row in rows)
                for snapshot in rows[0]
            }
            for start in (S1, S2, S4):
                taken = any(is_open[s] and rows[0][s][1] and s >= start for s in is_open)
                key = (agent, stratum, corpus, start)
                is_closed = any(row[S4][0] == "all" for row in rows)
                wanted[(*key, "known")] += weight
                wanted[(*key, "held")] += weight * (taken or is_open[S4])
                wanted[(*key, "open")] += weight * is_open[S4]
                wanted[(*key, "closed")] += weight * (taken and is_closed)
                wanted[(*key, "unreadable")] += weight * (taken and not is_open[S4] and not is_closed)
    columns = "weight_known, weight_held, weight_open_now, weight_held_closed_now, weight_held_unreadable_now"
    found = drawn.execute(
        "SELECT agent, stratum, corpus, snapshot_from,"
        " unnest(['known', 'held', 'open', 'closed', 'unreadable']),"
        f" unnest([{columns}]) FROM incumbent_corpus WHERE agent <> '(study combined)'"
    ).fetchall()
    assert len(found) == 5 * 3 * 7 * 11
    assert {tuple(row[:-1]): row[-1] for row in found} == dict(wanted)


def test_the_advantage_is_what_is_held_and_not_open(drawn: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT count(*) FILTER (weight_advantage <> weight_held - weight_open_now"
        " OR weight_advantage <> weight_held_closed_now + weight_held_unreadable_now),"
        " count(*) FILTER (weight_advantage > 0), min(weight_advantage),"
        " max(weight_advantage) FILTER (is_newcomer) FROM incumbent_corpus"
    )
    wrong, positive, least, newcomers = drawn.execute(query).fetchall()[0]
    assert (wrong, least, newcomers) == (0, 0, 0)
    assert positive > 50


def test_who_began_earlier_holds_no_less(drawn: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT weight_held < lead(weight_held) OVER later AS grows FROM incumbent_corpus"
        " WINDOW later AS (PARTITION BY agent, stratum, corpus ORDER BY snapshot_from)"
    )
    assert drawn.execute(f"SELECT DISTINCT grows FROM ({query}) ORDER BY ALL").fetchall() == [
        (False,),
        (None,),
    ]
