"""Forecasts and their back-test as tables: which series are forecast, and why the others are not."""

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np

from analysis.backtest import Trial, choose_origins, diebold_mariano, interval_scores, run_trials
from analysis.forecasting import HORIZON, MODELS, NAIVE, Forecast, forecast
from analysis.made_tables import MadeColumn, MadeTable, fill_from_arrays, fill_table
from analysis.monthly import DECIMALS, MIN_MONTHS, Floats, Series, read_series

N_AGENTS = 6
"""Tracked agents that are forecast beside the labels: those whose share has moved most."""
FEWEST_VALUES = 6
"""A share that has fewer different values than this moves in a few jumps: only the naive models are tried."""

_BOUNDS = tuple(
    MadeColumn(name, "DOUBLE", what)
    for name, what in (
        ("share", "Forecast share at level all"),
        ("low_80", "Lower end of the 80 % interval"),
        ("high_80", "Upper end of the 80 % interval"),
        ("low_95", "Lower end of the 95 % interval"),
        ("high_95", "Upper end of the 95 % interval"),
    )
)
_KEY = (
    MadeColumn("agent", "VARCHAR", "Agent, or label in brackets"),
    MadeColumn("corpus", "VARCHAR", "Corpus"),
    MadeColumn("model", "VARCHAR", "Model, as in analysis.forecasting"),
    MadeColumn("origin_month", "DATE", "Last month that the model knew"),
    MadeColumn("horizon", "BIGINT", "Months ahead, 1 to 12"),
    *_BOUNDS,
    MadeColumn("is_clamped", "BOOLEAN", "Whether a value was put back into 0-1"),
    MadeColumn("is_converged", "BOOLEAN", "Whether the fit converged"),
)
VALUES = MadeTable("forecast_values", "agent, corpus, model and month ahead", _KEY)
TRIALS = MadeTable(
    "forecast_trials",
    "agent, corpus, model, origin of the back-test and month ahead",
    (
        *_KEY,
        MadeColumn("actual", "DOUBLE", "Share that came"),
        MadeColumn("interval_score_80", "DOUBLE", "Interval score of the 80 % interval, in points"),
        MadeColumn("interval_score_95", "DOUBLE", "Interval score of the 95 % interval, in points"),
    ),
)
TESTS = MadeTable(
    "forecast_tests",
    "agent, corpus, model and horizon that is compared with no change",
    (
        *_KEY[:3],
        MadeColumn("horizon", "BIGINT", "Months ahead, 1 to 12; 0 for all together"),
        MadeColumn("p_value", "DOUBLE", "Diebold-Mariano test of the absolute errors"),
    ),
)
SKIPS = MadeTable(
    "forecast_skips",
    "agent and corpus, or model of it, without a forecast",
    (
        *_KEY[:2],
        MadeColumn("model", "VARCHAR", "Model; (every model) where nothing was forecast"),
        MadeColumn("n_months", "BIGINT", "Months of the newest unbroken stretch"),
        MadeColumn("reason", "VARCHAR", "Why there is none"),
    ),
)


def register_forecasts(con: duckdb.DuckDBPyConnection) -> None:
    """Fill the four tables above from the model monthly_levels; without a series all are empty."""
    every = read_series(con)
    chosen = choose_series(every)
    known: dict[bytes, tuple[list[tuple[str, Forecast]], list[Trial]]] = {}
    for series in chosen:
        # Agents that no file names have the same series: it is fitted once.
        if series.points.tobytes() not in known:
            known[series.points.tobytes()] = _work_out(series.points)
    made = [(series, *known[series.points.tobytes()]) for series in chosen]
    blocks = [_block(one, model, ahead) for one, ahead_of, _ in made for model, ahead in ahead_of]
    fill_from_arrays(con, VALUES, blocks)
    fill_from_arrays(con, TRIALS, [_trial_block(one, trial) for one, _, trials in made for trial in trials])
    fill_table(con, TESTS, [row for one, _, trials in made for row in _tests(one, trials)])
    fill_table(con, SKIPS, list(_skips(every, chosen)))


def choose_series(every: Sequence[Series]) -> list[Series]:
    """The series that are long enough, of the labels and of the agents whose share of hosts moved most."""
    long = [series for series in every if len(series.points) >= MIN_MONTHS]
    moved = {
        series.agent: abs(float(series.points[-1] - series.points[0]))
        for series in long
        if series.corpus == "hosts" and not series.is_label
    }
    first = sorted(moved, key=lambda agent: (-moved[agent], agent))[:N_AGENTS]
    return [series for series in long if series.is_label or series.agent in first]


def models_of(points: Floats) -> tuple[str, ...]:
    """The models that are tried on a series: the naive ones alone where the share hardly moves."""
    return tuple(MODELS) if len(np.unique(points)) >= FEWEST_VALUES else NAIVE


def _work_out(points: Floats) -> tuple[list[tuple[str, Forecast]], list[Trial]]:
    names = models_of(points)
    trials = list(run_trials(points, names))
    starts = {trial.model: trial.forecast.params for trial in trials}
    return [(name, forecast(name, points, starts.get(name, ()))) for name in names], trials


def _block(series: Series, model: str, made: Forecast, n_past: int | None = None) -> dict[str, object]:
    last = series.months[(n_past or len(series.points)) - 1]
    return {
        "agent": series.agent,
        "corpus": series.corpus,
        "model": model,
        "origin_month": last.astype("datetime64[s]"),
        "horizon": np.arange(1, HORIZON + 1),
        **{
            column.name: (part / 100).round(DECIMALS)
            for column, part in zip(_BOUNDS, made.values, strict=True)
        },
        "is_clamped": made.is_clamped,
        "is_converged": made.is_converged,
    }


def _trial_block(series: Series, trial: Trial) -> dict[str, object]:
    n = len(trial.actual)
    block = _block(series, trial.model, trial.forecast, trial.n_past)
    known = {name: part[:n] if isinstance(part, np.ndarray) else part for name, part in block.items()}
    ends = trial.forecast.values[:, :n]
    scores = {
        "interval_score_80": interval_scores(trial.actual, ends[1], ends[2], 0.2),
        "interval_score_95": interval_scores(trial.actual, ends[3], ends[4], 0.05),
    }
    return {**known, "actual": (trial.actual / 100).round(12), **scores}


def _tests(series: Series, trials: Sequence[Trial]) -> Iterator[tuple[object, ...]]:
    """Each model against no change: at each horizon, and on the mean loss of each origin."""
    losses = {(trial.model, trial.n_past): np.abs(_errors(trial)) for trial in trials}
    origins = choose_origins(len(series.points))
    spacing = (origins[-1] - origins[0]) / max(len(origins) - 1, 1) if origins else 1.0
    for model in dict.fromkeys(trial.model for trial in trials):
        if model == "last_value":
            continue
        for horizon in range(HORIZON + 1):
            gains = np.array(
                [
                    _loss(losses["last_value", n], horizon) - _loss(losses[model, n], horizon)
                    for n in origins
                    if len(losses[model, n]) >= max(horizon, 1)
                ]
            )
            overlapping = 1 + int(((horizon or HORIZON) - 1) / max(spacing, 1.0))
            p_value = diebold_mariano(gains, overlapping)
            if p_value is not None:
                yield (series.agent, series.corpus, model, horizon, round(p_value, DECIMALS))


def _errors(trial: Trial) -> Floats:
    return trial.forecast.values[0, : len(trial.actual)].round(DECIMALS) - trial.actual


def _loss(losses: Floats, horizon: int) -> float:
    return float(losses[horizon - 1]) if horizon else float(losses.mean())


def _skips(every: Sequence[Series], chosen: Sequence[Series]) -> Iterator[tuple[object, ...]]:
    is_chosen = {(series.agent, series.corpus) for series in chosen}
    for series in every:
        key, n = (series.agent, series.corpus), len(series.points)
        if n < MIN_MONTHS:
            yield (*key, "(every model)", n, f"fewer than {MIN_MONTHS} months without a gap of over three")
        elif key not in is_chosen:
            yield (*key, "(every model)", n, f"not among the {N_AGENTS} agents whose share moved most")
        elif models_of(series.points) == NAIVE:
            reason = f"the share has fewer than {FEWEST_VALUES} different values"
            yield from ((*key, model, n, reason) for model in MODELS if model not in NAIVE)
