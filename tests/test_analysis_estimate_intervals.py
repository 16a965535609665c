"""Intervals: the same draws, counted plainly; what they do not depend on; random groups of many domains."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models

HERE = Path(__file__).parent
TRUTH = runpy.run_path(str(HERE / "estimate_truth.py"))
PLAIN = runpy.run_path(str(HERE / "interval_truth.py"))
NOTATION = runpy.run_path(str(HERE / "warehouse_notation.py"))
SNAPSHOTS = TRUTH["SNAPSHOTS"]
TABLES = ("level_estimates", "change_estimates", "level_influences", "parser_estimates")
Drawn = tuple[dict[str, Any], duckdb.DuckDBPyConnection]
Warehouse = Callable[..., duckdb.DuckDBPyConnection]


def build(study: dict[str, Any], **config: Any) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config=config)
    NOTATION["fill"](con, NOTATION["Study"](**study))
    con.execute("UPDATE sites SET registered_domain = host[instr(host, '.') + 1:]")
    models.build(con, until="parser_estimates")
    return con


@pytest.fixture(scope="module", params=["small", "large"])
def drawn(request: pytest.FixtureRequest) -> Iterator[Drawn]:
    study = TRUTH["draw_study"](31, 40) if request.param == "small" else PLAIN["draw_large"](5)
    study["agents"] = {"GPTBot": "training", "CCBot": "data", "Nobody": "data"}
    con = build(study, threads=1)
    yield study, con
    con.close()


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
            parts = PLAIN["replicate"](study, agent, place, estimator, basis, measure)
            limits = {name: PLAIN["limit_level"](part) for name, part in parts.items() if part.n > 0}
            if len(limits) == len(parts):
                rows = [(part.portion, limits[name], part.replicates) for name, part in parts.items()]
                limits["whole"] = PLAIN["limit_whole"](rows)
            found = con.execute(
                "SELECT part, share_low, share_high, interval_method FROM level_estimates WHERE"
                " (snapshot, agent, corpus, estimator, basis, measure) = (?, ?, 'c4', ?, ?, ?)",
                [snapshot, agent, estimator, basis, measure],
            ).fetchall()
            for part, low, high, method in found:
                _, *wanted, how = limits.get(part, (None, None, None, None))
                assert method == how, (agent, snapshot, part)
                assert [low, high] == (pytest.approx(wanted, abs=1e-6) if how else wanted), (snapshot, part)
                n_found += method is not None
    assert n_found > 20


def test_the_studies_have_intervals_of_every_kind(drawn: Drawn) -> None:
    study, con = drawn
    found = con.execute("SELECT DISTINCT interval_method FROM level_estimates WHERE corpus = 'c4'").fetchall()
    kinds = {method for (method,) in found} - {None}
    is_small = len(study["histories"]) == 40
    assert kinds == ({"effective_n"} if is_small else {"bootstrap", "effective_n", "mixed"})


@pytest.mark.parametrize("estimator", ["study", "design"])
def test_an_interval_of_a_change_draws_the_same_domains_for_both_ends(drawn: Drawn, estimator: str) -> None:
    study, con = drawn
    rows = con.execute(
        "SELECT snapshot_from, snapshot_to, part, change_low, change_high, interval_method"
        " FROM change_estimates WHERE (agent, corpus, estimator, basis) = ('GPTBot', 'c4', ?, 'carried')",
        [estimator],
    ).fetchall()
    assert len(rows) >= 12
    for first, last, name, low, high, method in rows:
        one, other = (
            PLAIN["replicate"](study, "GPTBot", SNAPSHOTS.index(end), estimator, "carried", "all")
            for end in (first, last)
        )
        asked = [part for part in one if name in (part, "whole")]
        if method is None:
            assert not all(end[part].n > 0 for end in (one, other) for part in asked)
            continue
        limits = {part: PLAIN["limit_change"](one[part], other[part]) for part in asked}
        if name == "whole":
            drawn_anew = {part: other[part].replicates - one[part].replicates for part in asked}
            counted = [(one[part].portion, limits[part], drawn_anew[part]) for part in asked]
            limits["whole"] = PLAIN["limit_whole"](counted)
        _, *wanted, how = limits[name]
        assert [low, high] == pytest.approx([100 * end for end in wanted], abs=1e-4)
        assert method == how


def test_the_sampling_interval_moves_the_sample_alone(drawn: Drawn) -> None:
    study, con = drawn
    rows = con.execute("""
        SELECT snapshot, part, sampling_low, sampling_high FROM level_estimates
        WHERE (agent, corpus, estimator, basis, measure) = ('GPTBot', 'c4', 'study', 'carried', 'all')
            AND part IN ('whole', 'head')
    """).fetchall()
    assert len(rows) == 8
    for snapshot, part, *interval in rows:
        place = SNAPSHOTS.index(snapshot)
        parts = PLAIN["replicate"](study, "GPTBot", place, "study", "carried", "all")
        head, (_, *ends, _) = parts["head"], PLAIN["limit_level"](parts["sample"])
        expected = [head.portion * head.share + (1 - head.portion) * end for end in ends]
        assert interval == ([None, None] if part == "head" else pytest.approx(expected, abs=1e-6))


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
    models.build(con, until="parser_estimates")
    units = con.execute("""
        SELECT count(DISTINCT unit), max(unit), count(DISTINCT domain), max(domain_place)
        FROM estimate_hosts
    """).fetchone()
    assert units == (2000, 1999, 20_001, 20_000)
    split_domains = "SELECT domain FROM estimate_hosts GROUP BY domain HAVING count(DISTINCT unit) > 1"
    assert con.execute(split_domains).fetchall() == []
