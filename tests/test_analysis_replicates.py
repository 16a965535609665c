"""Replicates and intervals: exact sums, honest draws, and intervals that hold what they promise."""

import numpy as np
import pytest

from analysis.replicates import Cells, draw_units, find_interval, sum_replicates


def random_cells(rng: np.random.Generator, n: int = 400) -> Cells:
    series, place, unit = (rng.integers(0, k, n) for k in (3, 7, 20))
    return Cells(series, place, unit, rng.integers(-(2**40), 2**40, n))


def test_as_many_units_are_drawn_as_there_are() -> None:
    drawn = draw_units(40, "a part")
    assert drawn.shape == (40, 1001)
    assert set(drawn[:, 0]) == {1.0}
    assert set(drawn.sum(axis=0)) == {40.0}
    drawn = drawn[:, 1:]
    assert drawn.mean(axis=1) == pytest.approx(1, abs=0.15)
    # A multinomial: variance 1 - 1/n of the count of each unit.
    assert drawn.var() == pytest.approx(1 - 1 / 40, abs=0.03)


def test_the_name_seeds_the_draw() -> None:
    assert np.array_equal(draw_units(40, "a part"), draw_units(40, "a part"))
    assert not np.array_equal(draw_units(40, "a part"), draw_units(40, "another part"))


def test_sums_are_those_of_a_plain_loop() -> None:
    cells, drawn = random_cells(np.random.default_rng(1)), draw_units(20, "x", 5)
    expected = np.zeros((3, 7, 6))
    for series, place, unit, ticks in zip(cells.series, cells.place, cells.unit, cells.ticks, strict=True):
        expected[series, place] += ticks * drawn[unit]
    assert np.array_equal(sum_replicates(cells, 3, 7, drawn), expected)


def test_sums_do_not_depend_on_the_order_of_the_cells() -> None:
    rng = np.random.default_rng(2)
    cells, drawn = random_cells(rng), draw_units(20, "x")
    order = rng.permutation(len(cells.ticks))
    turned = Cells(cells.series[order], cells.place[order], cells.unit[order], cells.ticks[order])
    assert sum_replicates(cells, 3, 7, drawn).tobytes() == sum_replicates(turned, 3, 7, drawn).tobytes()


def test_nothing_sums_to_nothing() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    sums = sum_replicates(Cells(nothing, nothing, nothing, nothing), 2, 3, draw_units(4, "x"))
    assert np.array_equal(sums, np.zeros((2, 3, 1001)))


def test_an_interval_is_the_quantile_of_the_replicates_that_there_are() -> None:
    values = np.random.default_rng(3).normal(size=(4, 5, 1000))
    values[0, 0, ::3] = np.nan
    values[1] = np.nan
    low, high = find_interval(values)
    expected = np.nanquantile(np.where(np.isnan(values), np.nan, values)[[0, 2, 3]], [0.025, 0.975], axis=-1)
    assert low[[0, 2, 3]] == pytest.approx(expected[0])
    assert high[[0, 2, 3]] == pytest.approx(expected[1])
    assert np.isnan(low[1]).all()
    assert np.isnan(high[1]).all()


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Ratio of closed to all weight of 300 units drawn from a population with skewed weights, 400 times."""
    rng = np.random.default_rng(4)
    weights = np.exp(rng.normal(0, 0.7, 20_000))
    closed = rng.random(20_000) < 0.3
    truth = weights[closed].sum() / weights.sum()
    hits = 0
    for sample in range(400):
        picked = rng.integers(0, 20_000, 300)
        times = draw_units(300, f"sample {sample}", 400)[:, 1:]
        shares = (weights[picked] * closed[picked]) @ times / (weights[picked] @ times)
        low, high = find_interval(shares)
        hits += bool(low <= truth <= high)
    # Three standard deviations of 400 tries at 95 % are 3.3 points; percentile intervals run a little short.
    assert 0.91 <= hits / 400 <= 0.98
