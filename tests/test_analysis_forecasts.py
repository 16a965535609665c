"""Forecasts and their scorecard: the naive models by hand, the others against their own formulas."""

import math
from collections.abc import Iterator

import duckdb
import numpy as np
import pytest

from analysis import models
from analysis.backtest import choose_origins, diebold_mariano, interval_scores, run_trials
from analysis.forecast_tables import choose_series, models_of, register_forecasts
from analysis.forecasting import HORIZON, MODELS, NAIVE, Forecast, forecast
from analysis.monthly import Series

Z_80, Z_95 = 1.2815515655446004, 1.959963984540054
AHEAD = np.arange(1, HORIZON + 1)


def wave(n: int, seed: int = 1) -> np.ndarray:
    """A share that rises unevenly from about 10 points."""
    rng = np.random.default_rng(seed)
    return np.round(10 + 0.2 * np.arange(n) + np.cumsum(rng.normal(0, 0.4, n)), 4)


def check(found: Forecast, middle: np.ndarray, deviation: np.ndarray) -> None:
    drawn = np.stack([middle + z * deviation for z in (0, -Z_80, Z_80, -Z_95, Z_95)])
    assert found.values == pytest.approx(np.clip(drawn, 0, 100))


def test_the_naive_models_by_hand() -> None:
    past = np.array([10.0, 13.0] * 12)  # steps of 3 up and down, the first 10 and the last 13
    check(forecast("last_value", past), np.full(12, 13.0), 3 * np.sqrt(AHEAD))
    slope = 3 / 23
    squares = 12 * (3 - slope) ** 2 + 11 * (-3 - slope) ** 2
    deviation = math.sqrt(squares / 22) * np.sqrt(AHEAD * (1 + AHEAD / 23))
    check(forecast("drift", past), 13 + slope * AHEAD, deviation)
    check(forecast("seasonal_naive", past), np.array([10.0, 13.0] * 6), np.zeros(12))
    yearly = np.r_[np.arange(12.0), np.arange(12.0) + 5]
    check(forecast("seasonal_naive", yearly), np.arange(12.0) + 5, np.full(12, 5.0))


def test_what_leaves_the_range_is_put_back_and_says_so() -> None:
    falling = forecast("drift", np.linspace(50, 1, 30))
    assert falling.values.min() == 0
    assert falling.is_clamped.tolist() == [True] * 12
    calm = forecast("last_value", np.full(30, 20.0))
    assert not calm.is_clamped.any()
    # Before the bound is reached nothing is said: 4 - z x sqrt(h) falls below 0 from h = 5 on.
    past = np.array([4.0, 5.0] * 15 + [4.0])
    assert forecast("last_value", past).is_clamped.tolist() == [Z_95 * math.sqrt(h) > 4 for h in AHEAD]


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_model_gives_twelve_months_with_intervals_in_order(model: str) -> None:
    found = forecast(model, wave(40))
    assert found.values.shape == (5, HORIZON)
    assert np.isfinite(found.values).all()
    middle, low_80, high_80, low_95, high_95 = found.values
    assert (low_95 <= low_80).all()
    assert (low_80 <= middle).all()
    assert (middle <= high_80).all()
    assert (high_80 <= high_95).all()
    assert (np.diff(high_95 - low_95)[:6] >= -1e-6).all() or model == "seasonal_naive"


def test_a_drift_that_never_wavers_is_carried_on() -> None:
    rng = np.random.default_rng(2)
    past = 5 + 0.5 * np.arange(40) + rng.normal(0, 0.01, 40)
    for model in ("drift", "arima_drift", "study_sarima"):
        assert forecast(model, past).values[0] == pytest.approx(5 + 0.5 * (39 + AHEAD), abs=0.3), model


def test_intervals_of_arima_drift_are_those_of_its_formula() -> None:
    past = wave(60)
    found = forecast("arima_drift", past)
    _, theta = found.params[:2]
    # Errors of an ARIMA (0,1,1) ahead: s2 x (1 + (h - 1)(1 + theta)^2).
    widths = (found.values[4] - found.values[0]) / Z_95
    assert (widths / widths[0]) ** 2 == pytest.approx(1 + (AHEAD - 1) * (1 + theta) ** 2, rel=1e-3)


def test_intervals_of_damped_logit_are_those_of_drawn_paths() -> None:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    past = np.clip(wave(48, 7) + np.random.default_rng(3).normal(0, 1, 48), 1, 99)
    found = forecast("damped_logit", past)
    odds = np.log((past + 0.01) / (100.01 - past))
    model = ExponentialSmoothing(odds, trend="add", damped_trend=True, initialization_method="heuristic")
    fit = model.fit(minimize_kwargs={"options": {"maxiter": 200}})
    rng = np.random.default_rng(4)
    alpha, share, phi = (fit.params[name] for name in ("smoothing_level", "smoothing_trend", "damping_trend"))
    level, trend = np.full(20_000, fit.level[-1]), np.full(20_000, fit.trend[-1])
    width = math.sqrt(fit.sse / 43)
    for step in range(HORIZON):
        seen = level + phi * trend + rng.normal(0, width, 20_000)
        new = alpha * seen + (1 - alpha) * (level + phi * trend)
        level, trend = new, share * (new - level) + (1 - share) * phi * trend
        if step in (0, 5, 11):
            points = 100.02 / (1 + np.exp(-np.percentile(seen, [2.5, 50, 97.5]))) - 0.01
            ours = found.values[[3, 0, 4], step]
            assert ours == pytest.approx(points, rel=0.05, abs=0.1)


# ---- the back-test


def test_origins_begin_with_two_years_and_are_spread_evenly() -> None:
    assert choose_origins(23) == choose_origins(24) == []
    assert choose_origins(27) == [24, 25, 26]
    origins = choose_origins(56)
    assert (origins[0], origins[-1], len(origins)) == (24, 55, 8)
    assert set(np.diff(origins)) <= {4, 5}


def test_trials_know_the_past_only_and_are_compared_with_what_came() -> None:
    points = wave(40)
    changed = points.copy()
    changed[30:] = 99
    names = [*NAIVE, "arima_drift"]
    before = [trial for trial in run_trials(points, names) if trial.n_past <= 30]
    after = [trial for trial in run_trials(changed, names) if trial.n_past <= 30]
    assert len(before) == 4 * sum(n <= 30 for n in choose_origins(40))
    for one, other in zip(before, after, strict=True):
        assert one.forecast.values.tolist() == other.forecast.values.tolist()
        assert one.actual.tolist() == points[one.n_past : one.n_past + 12].tolist()


def test_the_interval_score_charges_width_and_misses() -> None:
    actual, low, high = np.array([5.0, 5.0, 5.0]), np.array([4.0, 6.0, 1.0]), np.array([7.0, 8.0, 4.0])
    assert interval_scores(actual, low, high, 0.2).tolist() == [3.0, 2.0 + 10.0, 3.0 + 10.0]
    assert interval_scores(actual, low, high, 0.05).tolist() == [3.0, 2.0 + 40.0, 3.0 + 40.0]


def test_diebold_mariano_is_the_t_test_when_forecasts_do_not_overlap() -> None:
    from scipy.stats import ttest_1samp

    gains = np.array([0.5, 0.4, 0.9, -0.2, 0.1, 0.3])
    assert diebold_mariano(gains, 1) == pytest.approx(ttest_1samp(gains, 0).pvalue)
    assert diebold_mariano(gains[:2], 1) is None
    assert diebold_mariano(np.zeros(6), 1) is None
    # By hand with one lag: mean 1/3, covariances of lags 0 and 1, Harvey's factor for h = 2.
    centred = gains - 1 / 3
    variance = (centred @ centred / 6 + 2 * (centred[1:] @ centred[:-1]) / 6) / 6
    statistic = math.sqrt((6 + 1 - 4 + 2 / 6) / 6) * (1 / 3) / math.sqrt(variance)
    from scipy.stats import t

    assert diebold_mariano(gains, 2) == pytest.approx(2 * t.sf(statistic, 5))


# ---- in tables


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE monthly_levels (agent VARCHAR, corpus VARCHAR, month DATE, stretch BIGINT,"
            " snapshot VARCHAR, is_filled BOOLEAN, n_hosts BIGINT, share DOUBLE)"
        )
        yield con


def put(con: duckdb.DuckDBPyConnection, agent: str, points: np.ndarray, corpus: str = "hosts") -> None:
    rows = [(agent, corpus, n, 1, "s", n == 1, 9, float(point) / 100) for n, point in enumerate(points)]
    con.executemany(
        "INSERT INTO monthly_levels VALUES (?, ?, (DATE '2020-01-01' + to_months(?))::DATE, ?, ?, ?, ?, ?)",
        rows,
    )


def fill(con: duckdb.DuckDBPyConnection) -> None:
    register_forecasts(con)
    for name in ("forecasts", "forecast_scores"):
        con.execute(f"CREATE TABLE {name} AS {models.query_of(name)}")


def test_the_scores_of_no_change_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    # 20 points for two years, then 23: from the first origin every month is missed by 3, then none is.
    put(con, "(any training)", np.r_[np.full(24, 20.0), np.full(4, 23.0)])
    fill(con)
    query = (
        "SELECT horizon, n_origins, n_forecasts, mean_absolute_error, root_mean_square_error, bias,"
        " coverage_95, interval_score_95, skill FROM forecast_scores"
        " WHERE model = 'last_value' AND horizon IN (0, 1, 4) ORDER BY horizon"
    )
    # The second origin knows one step of 3 in 24 months: a deviation of 3 / sqrt(24) = 0.61 a month.
    widths = [2 * Z_95 * 3 / math.sqrt(n - 1) for n in (25, 26, 27)]
    spread = [widths[0] * math.sqrt(h) for h in (1, 2, 3)] + [widths[1] * math.sqrt(h) for h in (1, 2)]
    missed = 3 * 40.0
    assert con.execute(query).fetchall() == [
        (0, 4, 10, pytest.approx(1.2), pytest.approx(math.sqrt(3.6)), pytest.approx(-1.2), 0.6,
         pytest.approx((4 * missed + sum(spread) + widths[2]) / 10, abs=1e-4), 0.0),
        (1, 4, 4, pytest.approx(0.75), pytest.approx(1.5), pytest.approx(-0.75), 0.75,
         pytest.approx((missed + sum(widths)) / 4, abs=1e-4), 0.0),
        (4, 1, 1, pytest.approx(3.0), pytest.approx(3.0), pytest.approx(-3.0), 0.0,
         pytest.approx(missed), 0.0),
    ]  # fmt: skip


def test_skill_is_measured_against_no_change(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "(any training)", 10 + 0.5 * (np.arange(40) // 10))
    fill(con)
    scores = con.execute(
        "SELECT model, horizon, mean_absolute_error, skill FROM forecast_scores ORDER BY ALL"
    ).fetchall()
    naive = {horizon: error for model, horizon, error, _ in scores if model == "last_value"}
    for _, horizon, error, skill in scores:
        assert skill == (pytest.approx(1 - error / naive[horizon]) if naive[horizon] else None)


def test_forecasts_say_from_when_and_for_when_they_are(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "(any training)", np.r_[np.full(20, 20.0), np.full(6, 21.0)])
    fill(con)
    found = con.execute(
        "SELECT month::VARCHAR, horizon, origin_month::VARCHAR, n_months, n_months_filled, share,"
        " is_converged FROM forecasts WHERE model = 'last_value' ORDER BY horizon"
    ).fetchall()
    assert found[0] == ("2022-03-01", 1, "2022-02-01", 26, 1, 0.21, True)
    assert found[11][:2] == ("2023-02-01", 12)


def test_what_is_not_forecast_says_why(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "(any training)", np.full(23, 5.0))
    put(con, "(any user)", np.r_[np.full(20, 5.0), np.full(6, 6.0)])
    for n in range(8):
        put(con, f"Bot{n}", np.r_[np.full(20, 5.0), np.full(6, 6.0 + n % 7)])
    fill(con)
    skips = con.execute("SELECT agent, model, reason FROM forecast_skips ORDER BY ALL").fetchall()
    whole = {agent: reason for agent, model, reason in skips if model == "(every model)"}
    assert whole == {
        "(any training)": "fewer than 24 months without a gap of over three",
        "Bot0": "not among the 6 agents whose share moved most",
        "Bot7": "not among the 6 agents whose share moved most",
    }
    partly = {(agent, model) for agent, model, _ in skips if model != "(every model)"}
    assert {model for agent, model in partly if agent == "(any user)"} == set(MODELS) - set(NAIVE)
    forecast_agents = con.execute("SELECT DISTINCT agent, model FROM forecasts").fetchall()
    assert ("(any user)", "drift") in forecast_agents
    assert not {agent for agent, _ in forecast_agents} & set(whole)


def test_without_a_series_all_tables_are_empty(con: duckdb.DuckDBPyConnection) -> None:
    fill(con)
    for name in ("forecasts", "forecast_scores", "forecast_skips"):
        assert con.execute(f"FROM {name}").fetchall() == []


def test_the_same_series_gives_the_same_tables(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "(any training)", wave(26))
    put(con, "GPTBot", wave(26))
    fill(con)
    before = con.execute("FROM forecast_scores ORDER BY ALL").fetchall()
    models_found = con.execute("SELECT DISTINCT model FROM forecasts WHERE agent = 'GPTBot'").fetchall()
    assert {model for (model,) in models_found} == set(MODELS)
    same = "SELECT * EXCLUDE (agent) FROM forecasts WHERE agent = '{}' ORDER BY ALL"
    assert (
        con.execute(same.format("GPTBot")).fetchall() == con.execute(same.format("(any training)")).fetchall()
    )
    for name in ("forecasts", "forecast_scores"):
        con.execute(f"DROP TABLE {name}")
    fill(con)
    assert con.execute("FROM forecast_scores ORDER BY ALL").fetchall() == before


def test_the_agents_whose_share_moved_most_are_chosen() -> None:
    months = np.arange(26).astype("datetime64[M]")

    def series(agent: str, change: float, corpus: str = "hosts", n: int = 26) -> Series:
        return Series(agent, corpus, months[:n], np.r_[np.zeros(n - 1), change])

    every = [series(f"Bot{n}", (-1) ** n * n) for n in range(9)] + [series("Bot8", 0, "c4")]
    every += [series("(any user)", 0), series("(any x)", 50, n=23)]
    chosen = {(one.agent, one.corpus) for one in choose_series(every)}
    assert chosen == {*((f"Bot{n}", "hosts") for n in range(3, 9)), ("Bot8", "c4"), ("(any user)", "hosts")}


def test_a_share_that_hardly_moves_is_left_to_the_naive_models() -> None:
    assert models_of(np.r_[np.zeros(20), 1, 2, 3, 4]) == NAIVE
    assert models_of(np.r_[np.zeros(20), 1, 2, 3, 4, 5]) == tuple(MODELS)


def test_a_start_at_the_edge_of_stationarity_is_given_up() -> None:
    edge = forecast("study_sarima", wave(48), (0.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert edge.values.tolist() == forecast("study_sarima", wave(48)).values.tolist()
