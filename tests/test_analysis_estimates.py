"""The estimators: by hand, and against fractions and plain loops on drawn studies."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Drawn = tuple[dict[str, Any], duckdb.DuckDBPyConnection]
HERE = Path(__file__).parent
TRUTH = runpy.run_path(str(HERE / "estimate_truth.py"))
NOTATION = runpy.run_path(str(HERE / "warehouse_notation.py"))
S1, S2 = "CC-MAIN-2023-06", "CC-MAIN-2024-10"
# Head 60 of 1,000 (10 of it no web host), listed for another corpus 10, sample 4 for the rest.
BY_HAND = {
    "snapshots": [S1, S2],
    "histories": {
        "a.org": "open gpt",
        "b.org": "404 -",
        "nd": "- -",
        "l.org": "gpt open",
        "s1.org": "open gpt",
        "s2.org": "open open",
        "s3.org": "- -",
    },
    "rulesets": {"open": {"*": "none"}, "gpt": {"*": "some", "GPTBot": "all"}},
    "weights": {
        ("a.org", "c4"): 20,
        ("b.org", "c4"): 30,
        ("nd", "c4"): 10,
        ("l.org", "c4"): 10,
        ("s1.org", "c4"): 1,
        ("s2.org", "c4"): 2,
        ("s3.org", "c4"): 1,
    },
    "strata": {"a.org": "head", "s1.org": "random", "s2.org": "random", "s3.org": "random"},
    "corpora": {"c4": ("random", 1000.0)},
    "heads": [("a.org", "c4"), ("b.org", "c4"), ("nd", "c4")],
    "no_domains": ["nd"],
}


def build(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    models.build(con, until="change_points")
    return con


@pytest.fixture(scope="module")
def by_hand() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**BY_HAND))
        yield build(con)


@pytest.fixture(scope="module", params=range(4))
def drawn(request: pytest.FixtureRequest) -> Iterator[Drawn]:
    study = TRUTH["draw_study"](request.param)
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**study))
        yield study, build(con)


def one(con: duckdb.DuckDBPyConnection, columns: str, **where: str) -> tuple[object, ...]:
    given = {"agent": "GPTBot", "corpus": "c4", "snapshot": S2, "measure": "all", "basis": "carried", **where}
    conditions = " AND ".join(f"{column} = '{value}'" for column, value in given.items())
    rows = con.execute(f"SELECT {columns} FROM level_estimates WHERE {conditions}").fetchall()
    assert len(rows) == 1
    return rows[0]


def test_study_adds_the_head_to_the_sample_that_stands_for_the_rest(
    by_hand: duckdb.DuckDBPyConnection,
) -> None:
    # Head share 60/1000; closed of the head 20/60, of the sample 1/4.
    columns = "share, n_hosts, n_domains, n_hosts_restricted"
    assert one(by_hand, columns, estimator="study", part="head") == (round(20 / 60, 12), 3, 3, 1)
    assert one(by_hand, columns, estimator="study", part="sample") == (0.25, 3, 3, 1)
    assert one(by_hand, columns, estimator="study", part="whole") == (0.06 / 3 + 0.94 / 4, 6, 6, 2)


def test_design_leaves_out_what_is_no_web_host_and_what_is_not_known(
    by_hand: duckdb.DuckDBPyConnection,
) -> None:
    # Of 990: head 50 (20 of 50 closed), listed 10 (open), the sample (1 of the 3 known) stands for 930.
    columns = "share, n_hosts, n_hosts_restricted"
    assert one(by_hand, columns, estimator="design", part="head") == (0.4, 2, 1)
    assert one(by_hand, columns, estimator="design", part="listed") == (0.0, 1, 0)
    assert one(by_hand, columns, estimator="design", part="sample") == (round(1 / 3, 12), 2, 1)
    whole = (50 * 0.4 + 930 / 3) / 990
    assert one(by_hand, columns, estimator="design", part="whole") == (pytest.approx(whole, abs=1e-12), 5, 2)


def test_observed_design_takes_what_was_not_captured_as_missing(by_hand: duckdb.DuckDBPyConnection) -> None:
    whole = (50 * 1.0 + 930 / 3) / 990
    found = one(by_hand, "share, bound_low, bound_high", estimator="design", part="whole", basis="observed")
    least = (50 * 0.4 + 930 / 3) / 990
    assert found == pytest.approx((whole, least, whole), abs=1e-12)


def test_worst_cases_fill_in_every_host_that_is_not_known(by_hand: duckdb.DuckDBPyConnection) -> None:
    columns = "share_if_unknown_open, share_if_unknown_closed"
    least = (50 * 0.4 + 930 * 1 / 4) / 990
    most = (50 * 0.4 + 930 * 2 / 4) / 990
    found = one(by_hand, columns, estimator="design", part="whole")
    assert found == pytest.approx((least, most), abs=1e-12)
    found = one(by_hand, columns, estimator="design", part="whole", basis="observed")
    assert found == pytest.approx((least, (50 * 1.0 + 930 * 2 / 4) / 990), abs=1e-12)
    assert one(by_hand, columns, estimator="study", part="whole") == (None, None)


def test_kish_n_counts_each_host_with_its_weight_in_the_estimate(by_hand: duckdb.DuckDBPyConnection) -> None:
    assert one(by_hand, "kish_n", estimator="study", part="head") == (pytest.approx(3600 / 1400, abs=1e-6),)
    # Each weight of the sample of 4 stands for 940/4 of the corpus.
    squares = 1400 + (940 / 4) ** 2 * 6
    assert one(by_hand, "kish_n", estimator="study", part="whole") == (
        pytest.approx(1e6 / squares, abs=1e-6),
    )


def test_kish_n_of_domains_adds_the_hosts_of_a_domain_first(warehouse: Warehouse) -> None:
    con = warehouse(**BY_HAND)
    con.execute("UPDATE sites SET registered_domain = 's.org' WHERE host IN ('s1.org', 's2.org')")
    models.build(con, until="change_points")
    columns = "kish_n, kish_n_domains, n_domains"
    found = one(con, columns, estimator="study", part="sample")
    assert found == (pytest.approx(16 / 6, abs=1e-6), pytest.approx(16 / 10, abs=1e-6), 2)
    found = one(con, columns, estimator="design", part="sample")
    assert found == (pytest.approx(9 / 5, abs=1e-6), 1.0, 1)


def test_a_corpus_without_total_is_a_census_of_the_list(warehouse: Warehouse) -> None:
    con = build(warehouse(**{**BY_HAND, "corpora": {}, "heads": []}))
    parts = con.execute(
        "SELECT DISTINCT corpus, estimator, part FROM level_estimates ORDER BY ALL"
    ).fetchall()
    assert parts == [("c4", "design", "whole"), ("hosts", "design", "whole")]
    assert one(con, "share", estimator="design") == (pytest.approx(21 / 63, abs=1e-12),)


def test_the_census_says_what_declared_levels_says(drawn: Drawn) -> None:
    rows = (
        drawn[1]
        .execute("""
        SELECT
            e.snapshot, e.agent, e.basis, e.share,
            sum(if(e.basis = 'observed', d.share_of_observed, d.share_of_known))
        FROM level_estimates AS e JOIN declared_levels AS d USING (snapshot, agent, corpus)
        WHERE corpus = 'hosts' AND stratum = '(all)' AND level = 'all' AND measure = 'all'
            AND basis IN ('observed', 'carried')
        GROUP BY ALL
    """)
        .fetchall()
    )
    assert len(rows) > 10
    for snapshot, agent, basis, ours, theirs in rows:
        assert ours == pytest.approx(theirs, abs=1e-12), (snapshot, agent, basis)


def test_every_share_is_that_of_fractions_and_plain_loops(drawn: Drawn) -> None:
    study, con = drawn
    rows = con.execute(
        "SELECT snapshot, agent, estimator, part, basis, measure, share FROM level_estimates"
        " WHERE corpus = 'c4'"
    ).fetchall()
    found = {tuple(key): share for *key, share in rows}
    expected = dict(TRUTH["iter_estimates"](study))
    assert found.keys() == expected.keys()
    for key, share in expected.items():
        assert found[key] == (None if share is None else pytest.approx(float(share), abs=1.1e-12)), key


def test_every_change_is_that_of_fractions(drawn: Drawn) -> None:
    study, con = drawn
    shares = dict(TRUTH["iter_estimates"](study))
    rows = con.execute(
        "SELECT snapshot_from, snapshot_to, agent, estimator, part, basis, change_points"
        " FROM change_estimates WHERE corpus = 'c4'"
    ).fetchall()
    assert len(rows) == 4 * 5 * (3 * 4 + 4 * 3)
    for first, last, *key, points in rows:
        before, after = shares[first, *key, "all"], shares[last, *key, "all"]
        known = before is not None and after is not None
        assert points == (pytest.approx(float(100 * (after - before)), abs=1e-9) if known else None)


def test_pairs_are_the_ends_the_years_ends_and_a_year_apart(warehouse: Warehouse) -> None:
    names = ["2022-05", "2022-21", "2022-49", "2023-06", "2023-23", "2024-10", "2024-18", "2024-51"]
    con = build(warehouse(snapshots=[f"CC-MAIN-{name}" for name in names]))
    rows = con.execute("SELECT * FROM change_pairs ORDER BY ALL").fetchall()
    assert [(a[8:], b[8:], *flags) for a, b, *flags in rows] == [
        ("2022-05", "2023-06", False, False, True),
        ("2022-05", "2024-51", True, False, False),
        ("2022-21", "2023-23", False, False, True),
        # 2023-50 would be a year on: 2024-10 begins 91 days after that, and 2023-23 is the last of its year.
        ("2022-49", "2023-23", False, True, False),
        ("2023-06", "2024-10", False, False, True),
        ("2023-23", "2024-18", False, False, True),
        ("2023-23", "2024-51", False, True, False),
    ]
