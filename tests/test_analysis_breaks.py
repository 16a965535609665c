"""Change points: a step is found where it is, and neither noise, nor a trend, nor a slow wave is a break."""

from collections.abc import Callable

import duckdb
import numpy as np
import pytest

from analysis import breaks, models
from analysis.breaks import draw_noise, find_breaks, line_errors, propose_breaks, two_line_gains

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
N = 56


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def noise(seed: int, width: float = 0.2) -> np.ndarray:
    return rng(seed).normal(0, width, N)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [3.0, -4.0])
def test_a_step_is_found_within_a_month(seed: int, size: float) -> None:
    points = 8 + noise(seed)
    points[30:] += size
    (found,) = find_breaks(points)
    assert abs(found.place - 30) <= 1
    assert 100 * 0.9 * abs(size) <= 100 * abs(found.level_after - found.level_before) <= 110 * abs(size) + 40
    assert np.sign(found.level_after - found.level_before) == np.sign(size)
    assert found.p_value <= 0.01
    assert found.share_found_again > 0.9


def test_a_step_on_a_trend_is_told_from_the_trend() -> None:
    points = 2 + 0.1 * np.arange(N) + noise(3, 0.1)
    points[25:] += 4
    (found,) = find_breaks(points)
    assert found.place == 25
    assert found.level_before == pytest.approx(2 + 0.1 * 25, abs=0.3)
    assert found.level_after == pytest.approx(6 + 0.1 * 25, abs=0.3)
    assert (found.slope_before, found.slope_after) == pytest.approx((0.1, 0.1), abs=0.03)


def test_two_steps_are_two_breaks() -> None:
    points = 5 + noise(4, 0.1)
    points[18:] += 3
    points[38:] -= 2
    assert [one.place for one in find_breaks(points)] == [18, 38]


def test_a_step_without_any_noise_is_exact() -> None:
    (found,) = find_breaks(np.r_[np.full(30, 5.0), np.full(26, 15.0)])
    assert (found.place, found.p_value, found.share_found_again) == (30, 0.001, 1.0)
    assert (found.level_before, found.level_after) == pytest.approx((5, 15))


@pytest.mark.parametrize(
    "points",
    [np.full(N, 3.0), 0.1 * np.arange(N), *(6 + noise(seed) for seed in range(6))],
    ids=["constant", "line", *(f"noise {seed}" for seed in range(6))],
)
def test_what_has_no_break_has_none(points: np.ndarray) -> None:
    assert find_breaks(points) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_trend_and_a_wandering_level_are_no_breaks(seed: int) -> None:
    assert find_breaks(0.1 * np.arange(N) + noise(seed)) == []
    assert find_breaks(6 + np.cumsum(noise(seed))) == []


def test_a_wandering_level_would_be_broken_without_the_test() -> None:
    proposed = [propose_breaks(6 + np.cumsum(noise(seed))) for seed in range(6)]
    assert sum(map(bool, proposed)) >= 4


def test_the_errors_of_lines_are_those_of_least_squares() -> None:
    points = noise(1, 2.0)[:14]
    table = line_errors(points)
    for start in range(len(points)):
        for end in range(start + 3, len(points) + 1):
            part, time = points[start:end], np.arange(end - start)
            rest = part - np.polyval(np.polyfit(time, part, 1), time)
            assert table[start, end] == pytest.approx(float(rest @ rest), abs=1e-9)
    assert table[2, 3] == table[2, 4] == pytest.approx(0, abs=1e-12)


def test_the_largest_gain_is_that_of_every_place_tried() -> None:
    rows = np.stack([noise(1), noise(2)])
    gains, places = two_line_gains(rows)
    for row, gain, place in zip(rows, gains, places, strict=True):
        errors = line_errors(row)
        tried = {
            k: (errors[0, N] - errors[0, k] - errors[k, N]) / (errors[0, k] + errors[k, N]) * (N - 4) / 2
            for k in range(6, N - 5)
        }
        assert gain == pytest.approx(max(tried.values()))
        assert tried[int(place)] == pytest.approx(gain)


def test_drawn_noise_is_as_wide_and_as_persistent_as_what_it_stands_for() -> None:
    wave = np.zeros(400)
    for place, shock in enumerate(rng(5).normal(0, 0.3, 399), 1):
        wave[place] = 0.7 * wave[place - 1] + shock
    drawn = draw_noise(wave, 2, rng(6))
    assert drawn.shape == (breaks.N_DRAWS, 400)
    assert drawn.std() == pytest.approx(0.3 / np.sqrt(1 - 0.49), rel=0.15)
    after, before = drawn[:, 1:].ravel(), drawn[:, :-1].ravel()
    assert float(after @ before / (before @ before)) == pytest.approx(0.7, abs=0.07)


def test_the_same_series_gives_the_same_breaks() -> None:
    points = 8 + noise(9)
    points[20:] += 1
    assert find_breaks(points) == find_breaks(points.copy())


# ---- from the warehouse


def monthly_study(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """Twenty hosts in 30 months; GPTBot is closed out of eight of them from the nineteenth month on."""
    days = [f"{2021 + month // 12}-{month % 12 + 1:02d}-15" for month in range(30)]
    snapshots = [f"CC-MAIN-{2021 + month // 12}-{10 + month % 12 * 3}" for month in range(30)]
    history = {
        f"h{n}.org": " ".join("shut" if n < 8 and month >= 18 else "open" for month in range(30))
        for n in range(20)
    }
    rulesets = {"open": {"*": "none"}, "shut": {"*": "none", "GPTBot": "all"}}
    con = warehouse(snapshots=snapshots, histories=history, rulesets=rulesets)
    for snapshot, day in zip(snapshots, days, strict=True):
        con.execute("UPDATE snapshots SET starts_at = ? WHERE snapshot = ?", [day, snapshot])
    return con


def test_breaks_of_the_warehouse_have_their_month_and_snapshot(warehouse: Warehouse) -> None:
    con = monthly_study(warehouse)
    models.build(con, until="change_points")
    columns = "agent, corpus, month::VARCHAR, snapshot, n_months, size_points, level_before, level_after"
    found = con.execute(f"SELECT {columns} FROM change_points ORDER BY agent").fetchall()
    step = ("hosts", "2022-07-01", "CC-MAIN-2022-28", 30, 40.0, 0.0, 0.4)
    assert found == [(agent, *step) for agent in ("(any training)", "(study combined)", "GPTBot")]


def test_months_are_the_last_snapshot_and_short_gaps_are_filled(warehouse: Warehouse) -> None:
    snapshots = [f"CC-MAIN-2021-{week:02d}" for week in (1, 2, 20, 45)]
    days = ["2021-01-04", "2021-01-25", "2021-05-10", "2021-12-01"]
    words = ["open", "shut", "shut", "open"]
    con = warehouse(
        snapshots=snapshots,
        histories={"a.org": " ".join(words), "b.org": "open open open open", "c.org": "open - open open"},
        rulesets={"open": {"*": "none"}, "shut": {"*": "all"}},
    )
    for snapshot, day in zip(snapshots, days, strict=True):
        con.execute("UPDATE snapshots SET starts_at = ? WHERE snapshot = ?", [day, snapshot])
    models.build(con, until="change_points")
    columns = "month::VARCHAR, stretch, snapshot, is_filled, n_hosts, share"
    found = con.execute(f"SELECT {columns} FROM monthly_levels WHERE agent = 'CCBot' ORDER BY 1").fetchall()
    assert found == [
        ("2021-01-01", 2, snapshots[1], False, 2, 0.5),
        *((f"2021-0{month}-01", 2, snapshots[1], True, 2, 0.5) for month in (2, 3, 4)),
        ("2021-05-01", 2, snapshots[2], False, 3, pytest.approx(1 / 3)),
        # From May to December six months are missing: too many to fill.
        ("2021-12-01", 1, snapshots[3], False, 3, 0.0),
    ]


def test_snapshots_that_observed_few_hosts_are_no_month(warehouse: Warehouse) -> None:
    histories = {f"h{n}.org": "- shut shut" if n else "open shut shut" for n in range(5)}
    con = warehouse(
        snapshots=["CC-MAIN-2021-04", "CC-MAIN-2021-08", "CC-MAIN-2021-12"],
        histories=histories,
        rulesets={"open": {"*": "none"}, "shut": {"*": "all"}},
    )
    models.build(con, until="change_points")
    found = con.execute("SELECT DISTINCT snapshot FROM monthly_levels ORDER BY 1").fetchall()
    assert found == [("CC-MAIN-2021-08",), ("CC-MAIN-2021-12",)]
