"""What was open when an agent was listed and is closed now: a drawn study against its panel, by corpus."""

import random
from collections import Counter
from collections.abc import Callable

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Key = tuple[str, ...]
SNAPSHOTS = ["CC-MAIN-2022-05", "CC-MAIN-2023-06", "CC-MAIN-2023-50", "CC-MAIN-2024-10"]
# agent → first listing, and the last snapshot that began by then
LISTED = {
    "Bot0": ("2022-01-30", None),
    "Bot1": ("2022-01-31", SNAPSHOTS[0]),
    "Bot2": ("2023", SNAPSHOTS[0]),
    "Bot3": ("2023-02-06", SNAPSHOTS[1]),
    "Bot4": ("2023-12-31", SNAPSHOTS[2]),
    "Bot5": ("2026-01-01", SNAPSHOTS[3]),
    "Bot6": (None, None),
}
OPEN = {"none", "some", "absent"}


@pytest.fixture
def drawn(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """150 hosts, and twenty sources that are no web hosts though files are captured for them."""
    rng = random.Random(3)
    grades = ["none", "some", "all"]
    rulesets = {
        f"r{i}": {agent: rng.choice(grades) for agent in rng.sample(["*", *LISTED], rng.randint(0, 6))}
        for i in range(25)
    }
    words = [*rulesets, *rulesets, "404", "503", "empty", "-", "-", "-"]
    hosts = [f"h{i}.org" for i in range(170)]
    con = warehouse(
        snapshots=SNAPSHOTS,
        agents=dict.fromkeys(LISTED, "training"),
        rulesets=rulesets,
        histories={host: " ".join(rng.choice(words) for _ in SNAPSHOTS) for host in hosts},
        strata={host: rng.choice(["head", "random"]) for host in hosts},
        weights={(host, corpus): float(rng.randint(1, 10**6)) for host in hosts for corpus in ("c4", "rf")},
    )
    for agent, (day, _) in LISTED.items():
        con.execute("UPDATE agents SET first_listed = ? WHERE agent = ?", [day, agent])
    con.execute("UPDATE sites SET is_domain = substr(host, 2, length(host) - 5)::INT < 150")
    models.build(con, until="head_start")
    return con


def test_a_drawn_study_counts_as_its_panel_does(drawn: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT snapshot, agent, host, level, group_match = 'specific' FROM panel"
    panel = {(row[0], row[1], row[2]): (row[3], row[4]) for row in drawn.execute(query).fetchall()}
    weights = drawn.execute(
        "SELECT host, stratum, corpus, weight FROM sites JOIN site_weights USING (host)"
        " UNION ALL SELECT host, stratum, 'hosts', 1 FROM sites"
    ).fetchall()
    wanted: Counter[Key] = Counter()
    for agent, (_, listed) in LISTED.items():
        for host, stratum, corpus, weight in weights:
            if listed is None or int(host[1:-4]) >= 150 or panel[listed, agent, host][0] not in OPEN:
                continue
            level, is_named = panel[SNAPSHOTS[-1], agent, host]
            for group in ("(all)", stratum):
                wanted[agent, listed, group, corpus, "open"] += weight
                wanted[agent, listed, group, corpus, "closed"] += weight * (level == "all")
                wanted[agent, listed, group, corpus, "named"] += (level == "all" and is_named) * 1
    found = drawn.execute(
        "SELECT agent, snapshot_listed, stratum, corpus, unnest(['open', 'closed', 'named']),"
        " unnest([weight_open, weight_closed_since, n_hosts_closed_by_name]) FROM head_start"
    ).fetchall()
    assert len(found) == 5 * 3 * 3 * 3
    assert {tuple(row[:-1]): row[-1] for row in found} == dict(wanted)


def test_the_share_is_of_what_was_open(drawn: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT count(*) FILTER (share_closed_since > 0),"
        " count(*) FILTER (share_closed_since <> weight_closed_since / weight_open),"
        " count(*) FILTER (n_hosts_closed_by_name > n_hosts_closed_since) FROM head_start"
    )
    n_positive, n_wrong, n_too_many = drawn.execute(query).fetchall()[0]
    assert n_positive > 30
    assert (n_wrong, n_too_many) == (0, 0)
