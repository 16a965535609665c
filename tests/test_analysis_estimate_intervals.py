"""Intervals: the same draws, counted plainly; what they do not depend on; random groups of many domains."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from analysis import models
from analysis.replicates import draw_units

HERE = Path(__file__).parent
TRUTH = runpy.run_path(str(HERE / "estimate_truth.py"))
NOTATION = runpy.run_path(str(HERE / "warehouse_notation.py"))
SNAPSHOTS = TRUTH["SNAPSHOTS"]
TABLES = ("level_estimates", "change_estimates", "level_influences", "parser_estimates")
Drawn = tuple[dict[str, Any], duckdb.DuckDBPyConnection]
Warehouse = Callable[..., duckdb.DuckDBPyConnection]


def build(study: dict[str, Any], **config: Any) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config=config)
    NOTATION["fill"](con, NOTATION["Study"](**study))
    con.execute("UPDATE sites SET registered_domain = host[instr(host, '.') + 1:]")
    models.build(con)
    return con


@pytest.fixture(scope="module")
def drawn() -> Iterator[Drawn]:
    study = TRUTH["draw_study"](31, 40)
    study["agents"] = {"GPTBot": "training", "CCBot": "data", "Nobody": "data"}
    con = build(study, threads=1)
    yield study, con
    con.close()


def replicate(
    study: dict[str, Any], agent: str, place: int, estimator: str, basis: str, measure: str
) -> dict[str, Any]:
    """Shares of the whole and of each part when domains are drawn as the module draws them, host by host."""
    parts = TRUTH["split_hosts"](study, "c4")
    weight, total = {h: study["weights"][h, "c4"] for h in study["histories"]}, study["corpora"]["c4"][1]
    shares, stands_for = {}, {}
    for part, hosts in parts.items():
        domains = sorted({TRUTH["domain_of"](host) for host in hosts})
        times = draw_units(len(domains), f"c4|{part}")
        closed, counted = np.zeros(1000), np.zeros(1000)
        for host in hosts:
            state = TRUTH["is_closed"](study, host, agent, place, basis, measure)
            drawn = weight[host] * times[domains.index(TRUTH["domain_of"](host))]
            closed += drawn * bool(state)
            counted += drawn * (estimator == "study" or state is not None)
        shares[part] = np.divide(closed, counted, out=np.full(1000, np.nan), where=counted > 0)
        web = [host for host in hosts if host not in study["no_domains"] or estimator == "study"]
        stands_for[part] = sum(weight[host] for host in web)
    if estimator == "study":
        shares.pop("listed")
        stands_for = {"head": stands_for["head"], "sample": total - stands_for["head"]}
    else:
        total -= sum(weight[host] for host in study["no_domains"])
        stands_for["sample"] = total - stands_for["head"] - stands_for["listed"]
    whole = sum(stands_for[part] / total * shares[part] for part in shares if stands_for[part] > 0)
    return {**shares, "whole": whole}


@pytest.mark.parametrize("estimator", ["study", "design"])
@pytest.mark.parametrize("basis", ["observed", "carried"])
@pytest.mark.parametrize("measure", ["all", "some_or_all"])
def test_an_interval_of_a_level_is_that_of_plain_counting(
    drawn: Drawn, estimator: str, basis: str, measure: str
) -> None:
    study, con = drawn
    n_found = 0
    for agent in ("CCBot", "(study combined)"):
        for place, snapshot in enumerate(SNAPSHOTS):
            shares = replicate(study, agent, place, estimator, basis, measure)
            rows = con.execute(
                "SELECT part, share_low, share_high FROM level_estimates"
                " WHERE (snapshot, agent, corpus, estimator, basis, measure) = (?, ?, 'c4', ?, ?, ?)",
                [snapshot, agent, estimator, basis, measure],
            ).fetchall()
            for part, *interval in rows:
                expected = np.nanquantile(shares[part], [0.025, 0.975])
                if interval != [None, None]:
                    assert interval == pytest.approx(list(expected), abs=2e-9), (agent, snapshot, part)
                    n_found += 1
    assert n_found > 20


@pytest.mark.parametrize("estimator", ["study", "design"])
def test_an_interval_of_a_change_draws_the_same_domains_for_both_ends(drawn: Drawn, estimator: str) -> None:
    study, con = drawn
    rows = con.execute(
        "SELECT snapshot_from, snapshot_to, part, change_low, change_high FROM change_estimates"
        " WHERE (agent, corpus, estimator, basis) = ('GPTBot', 'c4', ?, 'carried')",
        [estimator],
    ).fetchall()
    assert len(rows) >= 12
    for first, last, part, *interval in rows:
        ends = [
            replicate(study, "GPTBot", SNAPSHOTS.index(end), estimator, "carried", "all")[part]
            for end in (first, last)
        ]
        expected = np.nanquantile(100 * (ends[1] - ends[0]), [0.025, 0.975])
        assert interval == [None, None] or interval == pytest.approx(list(expected), abs=2e-7)


def test_the_sampling_interval_moves_the_sample_alone(drawn: Drawn) -> None:
    study, con = drawn
    rows = con.execute("""
        SELECT snapshot, part, sampling_low, sampling_high FROM level_estimates
        WHERE (agent, corpus, estimator, basis, measure) = ('GPTBot', 'c4', 'study', 'carried', 'all')
            AND part IN ('whole', 'head')
    """).fetchall()
    weights = {part: sum(study["weights"][h, "c4"] for h in hosts) for part, hosts in split(study).items()}
    for snapshot, part, *interval in rows:
        place = SNAPSHOTS.index(snapshot)
        share = TRUTH["estimate"](study, "GPTBot", place, "study", "carried", "all")["head"]
        sample = replicate(study, "GPTBot", place, "study", "carried", "all")["sample"]
        low, high = np.nanquantile(sample, [0.025, 0.975])
        head = weights["head"] / 1000
        expected = [head * float(share) + (1 - head) * end for end in (low, high)]
        assert interval == ([None, None] if part == "head" else pytest.approx(expected, abs=3e-9))


def split(study: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = TRUTH["split_hosts"](study, "c4")
    return found


def test_an_agent_that_no_file_names_has_what_star_has(drawn: Drawn) -> None:
    study, con = drawn
    assert con.execute("SELECT count(*) FROM level_intervals WHERE agent = 'Nobody'").fetchone() == (0,)
    closed = {**study, "rulesets": {n: {"*": r.get("*", "none")} for n, r in study["rulesets"].items()}}
    rows = con.execute("""
        SELECT e.snapshot, e.estimator, e.part, e.basis, e.measure, e.share, e.share_low, i.share_low
        FROM level_estimates AS e
        LEFT JOIN level_intervals AS i
            ON i.agent = '*' AND i.snapshot = e.snapshot AND i.corpus = e.corpus AND i.part = e.part
            AND i.estimator = e.estimator AND i.basis = e.basis AND i.measure = e.measure
        WHERE e.agent = 'Nobody' AND e.corpus = 'c4'
    """).fetchall()
    assert len(rows) == 4 * 2 * (3 * 4 + 4 * 3)
    for snapshot, estimator, part, basis, measure, share, low, star_low in rows:
        place = SNAPSHOTS.index(snapshot)
        expected = TRUTH["estimate"](closed, "CCBot", place, estimator, basis, measure)[part]
        assert share == (None if expected is None else pytest.approx(float(expected), abs=1e-11))
        assert low in (None, star_low)


def test_the_same_bytes_whatever_the_number_of_threads_and_the_order_of_the_rows(drawn: Drawn) -> None:
    study, con = drawn
    turned = {**study, "histories": dict(reversed(study["histories"].items()))}
    with build(turned, threads=4) as again:
        for table in TABLES:
            query = f"SELECT * FROM {table}"
            assert con.execute(query).fetchall() == again.execute(query).fetchall(), table


def test_more_than_twenty_thousand_domains_are_dealt_into_groups(warehouse: Warehouse) -> None:
    con = warehouse(snapshots=SNAPSHOTS[:1], histories={"one.org": "shut"}, rulesets=TRUTH["RULESETS"])
    con.execute("""
        INSERT INTO sites (host, registered_domain, is_domain)
        SELECT 'h' || i || '.' || domain, domain, true
        FROM (SELECT i, 'd' || (i % 20000) || '.org' AS domain FROM range(25000) AS r(i))
    """)
    models.build(con)
    units = con.execute("""
        SELECT count(DISTINCT unit), max(unit), count(DISTINCT domain), max(domain_place)
        FROM estimate_hosts
    """).fetchone()
    assert units == (2000, 1999, 20_001, 20_000)
    split_domains = "SELECT domain FROM estimate_hosts GROUP BY domain HAVING count(DISTINCT unit) > 1"
    assert con.execute(split_domains).fetchall() == []
