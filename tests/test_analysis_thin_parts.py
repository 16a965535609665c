"""Intervals where few domains tell: exact where nothing was seen, and as often right as they say."""

import runpy
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from analysis import models
from analysis.replicates import draw_units, find_interval
from analysis.thin_parts import Limits, find_exact_limits, limit_changes, limit_levels, limit_whole

TRUTH = runpy.run_path(str(Path(__file__).parent / "estimate_truth.py"))
SNAPSHOTS = TRUTH["SNAPSHOTS"][:2]
Warehouse = Callable[..., duckdb.DuckDBPyConnection]


def as_part(value: float, low: float, high: float, method: int) -> Limits:
    return Limits(np.array([value]), np.array([low]), np.array([high]), np.array([method]))


@pytest.fixture
def five_open(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """A corpus whose head of forty domains is half closed, and of whose sample five domains are known."""
    histories = {f"head{i}.org": "open shut" if i % 2 else "open open" for i in range(40)}
    histories |= {f"sample{i}.org": "open open" for i in range(5)}
    con = warehouse(
        snapshots=SNAPSHOTS,
        histories=histories,
        rulesets=TRUTH["RULESETS"],
        weights={(host, "c4"): 1.0 for host in histories},
        strata={host: "random" for host in histories if host.startswith("sample")},
        corpora={"c4": ("random", 100.0)},
        heads={(host, "c4") for host in histories if host.startswith("head")},
    )
    models.build(con, until="change_points")
    return con


def test_none_closed_of_five_hosts_leaves_room_for_half(five_open: duckdb.DuckDBPyConnection) -> None:
    rows = five_open.execute(
        "SELECT share, share_low, share_high, interval_method, sampling_high FROM level_estimates"
        " WHERE (snapshot, agent, estimator, part, basis, measure)"
        " = (?, 'GPTBot', 'design', 'sample', 'carried', 'all') AND corpus = 'c4'",
        [SNAPSHOTS[1]],
    ).fetchall()
    most = beta.ppf(0.975, 1, 5)
    assert rows == [(0, 0, pytest.approx(most, abs=1e-8), "effective_n", pytest.approx(most, abs=1e-8))]
    assert most == pytest.approx(1 - 0.025 ** (1 / 5))


def test_the_whole_carries_what_is_not_known_of_a_part_with_its_weight(
    five_open: duckdb.DuckDBPyConnection,
) -> None:
    found = five_open.execute(
        "SELECT part, share, share_low, share_high, interval_method FROM level_estimates WHERE"
        " (snapshot, agent, corpus, estimator, basis, measure)"
        " = (?, 'GPTBot', 'c4', 'design', 'carried', 'all')",
        [SNAPSHOTS[1]],
    ).fetchall()
    parts = {part: tuple(rest) for part, *rest in found}
    assert [parts[name][3] for name in ("head", "sample", "whole")] == ["bootstrap", "effective_n", "mixed"]
    share, low, high, _ = parts["whole"]
    head = 0.4 * (parts["head"][2] - 0.5)
    assert share == pytest.approx(0.4 * 0.5)
    assert high == pytest.approx(0.2 + (head**2 + (0.6 * (1 - 0.025**0.2)) ** 2) ** 0.5, abs=1e-8)
    assert low == pytest.approx(0.2 - 0.4 * (0.5 - parts["head"][1]), abs=1e-8)


def test_no_change_of_five_hosts_is_no_proof_of_no_change(five_open: duckdb.DuckDBPyConnection) -> None:
    rows = five_open.execute(
        "SELECT change_points, change_low, change_high, interval_method FROM change_estimates"
        " WHERE (agent, corpus, estimator, part, basis) = ('GPTBot', 'c4', 'design', 'sample', 'carried')"
    ).fetchall()
    most = 100 * (1 - 0.025**0.2)
    assert rows[0] == (0, pytest.approx(-most, abs=1e-6), pytest.approx(most, abs=1e-6), "effective_n")


@given(st.integers(1, 200), st.data())
def test_exact_limits_are_those_whose_tails_are_a_fortieth(n: int, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, n))
    low, high = find_exact_limits(np.array([x / n]), np.array([float(n)]))
    assert 0 <= low[0] <= x / n <= high[0] <= 1
    # The share above which x or more are not rare, and below which x or fewer are not.
    assert x == 0 or binom.sf(x - 1, n, low[0]) == pytest.approx(0.025)
    assert x == n or binom.cdf(x, n, high[0]) == pytest.approx(0.025)


def test_intervals_of_many_domains_stay_those_of_the_bootstrap() -> None:
    closed = np.arange(300) < 90
    values = draw_units(300, "many")
    shares = (closed @ values / values.sum(axis=0))[None]
    found = limit_levels(shares, np.array([300.0]))
    whole = limit_whole([0.25, 0.5], [shares, shares], [found, found])
    assert found.method.tolist() == whole.method.tolist() == [0]
    assert (found.low, found.high) == find_interval(shares[:, 1:])
    assert (whole.low, whole.high) == find_interval(0.25 * shares[:, 1:] + 0.5 * shares[:, 1:])


@pytest.mark.parametrize(
    ("share", "n"), [(0.5, 29.9), (9.9 / 300, 300), (1 - 9.9 / 300, 300), (0, 5), (1, 5)]
)
def test_limits_of_few_domains_are_never_narrower_than_exact_ones(share: float, n: float) -> None:
    found = limit_levels(np.full((1, 1001), share), np.array([n]))
    low, high = find_exact_limits(np.array([share]), np.array([float(n)]))
    assert found.method.tolist() == [1]
    assert (found.low, found.high) == (low, high)
    wide = np.array([[share, *np.linspace(0, 1, 1000)]])
    found = limit_levels(wide, np.array([n]))
    assert found.low <= 0.0251
    assert found.high >= 0.9749


def test_a_change_without_domains_that_changed_has_limits_on_both_sides() -> None:
    found = limit_changes(np.zeros((1, 1001)), np.array([200.0]))
    most = 100 * beta.ppf(0.975, 1, 200)
    assert (found.low, found.high) == (pytest.approx(-most), pytest.approx(most))


def test_what_is_not_known_has_no_limits() -> None:
    shares = np.full((1, 1001), 0.5)
    shares[0, 0] = np.nan
    none, some = limit_levels(shares, np.array([np.nan])), as_part(0.5, 0.4, 0.6, 1)
    whole = limit_whole([0.5, 0.5], [shares, shares], [none, some])
    assert np.isnan([none.low, none.high, whole.low, whole.high]).all()


def cover(n: int, n_head: int, share: float, n_tries: int = 300) -> tuple[float, float]:
    """How often the interval of the whole, and that of the plain bootstrap, holds the truth.

    The head of many domains is half closed and 30 % of the whole; n domains of skewed weight are drawn for
    the rest, of which few are closed.
    """
    rng = np.random.default_rng(n)
    truth = 0.3 * 0.5 + 0.7 * share
    hits = np.zeros(2)
    for i in range(n_tries):
        parts = []
        for size, rate, sd in ((n_head, 0.5, 0.0), (n, share, 0.7)):
            weights = np.exp(rng.normal(0, sd, size))
            times = draw_units(size, f"{i} {size}")
            shares = ((weights * (rng.random(size) < rate)) @ times / (weights @ times))[None]
            parts.append((shares, limit_levels(shares, np.array([weights.sum() ** 2 / (weights**2).sum()]))))
        values, limits = [shares for shares, _ in parts], [found for _, found in parts]
        whole = limit_whole([0.3, 0.7], values, limits)
        low, high = find_interval((0.3 * values[0] + 0.7 * values[1])[:, 1:])
        hits += [whole.low[0] <= truth <= whole.high[0], low[0] <= truth <= high[0]]
    return hits[0] / n_tries, hits[1] / n_tries


@pytest.mark.parametrize(("n", "share"), [(8, 0.1), (25, 0.08), (60, 0.04)])
def test_a_thin_sample_with_a_rare_closure_is_covered_where_the_bootstrap_fails(n: int, share: float) -> None:
    honest, plain = cover(n, 400, share)
    assert honest >= 0.93
    assert plain < 0.9
