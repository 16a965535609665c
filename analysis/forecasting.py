"""Models that forecast a monthly share, each a function from the past to twelve months with intervals.

Shares are percentage points. The naive models and their variances are those of Hyndman and Athanasopoulos
(2021), section 5.5; the others are fitted with statsmodels.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.monthly import Floats

HORIZON = 12
SEASON = 12
Z_80, Z_95 = 1.2815515655446004, 1.959963984540054
_MOST_STEPS = 40
# In machine epsilons: a likelihood that grows by less than a millionth has converged.
_TOLERANCE = 1e10
_AHEAD = np.arange(1, HORIZON + 1, dtype=np.float64)
# Half a host in five thousand: keeps the logarithm of the odds finite where nothing is closed.
_NEVER_ZERO = 0.01


@dataclass(frozen=True, slots=True)
class Forecast:
    """Twelve months ahead, in points.

    `values` has a row each for the middle and the lower and upper ends of the central 80 % and 95 %
    intervals. `is_converged` is False where the optimiser stopped early, `is_clamped` says, by month, where
    a value was put back into 0-100. `params` are where the next fit may start; empty for most.
    """

    values: Floats
    is_converged: bool = True
    is_clamped: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(HORIZON, dtype=np.bool_))
    params: tuple[float, ...] = ()


Model = Callable[[Floats, tuple[float, ...]], Forecast]
"""From the past, oldest first, and where to start the fit."""


def forecast(name: str, past: Floats, start: tuple[float, ...] = ()) -> Forecast:
    """What the model of that name makes of the past, clamped into 0-100; at least 24 values."""
    return _clamp(MODELS[name](past, start))


def _clamp(raw: Forecast) -> Forecast:
    within = np.clip(raw.values, 0.0, 100.0)
    return replace(raw, values=within, is_clamped=np.any(within != raw.values, axis=0))


def _normal(middle: Floats, deviation: Floats, is_converged: bool = True) -> Forecast:
    ends = [middle + z * deviation for z in (-Z_80, Z_80, -Z_95, Z_95)]
    return Forecast(np.stack([middle, *ends]), is_converged)


def last_value(past: Floats, _start: tuple[float, ...] = ()) -> Forecast:
    """No change; the deviation grows with the square root of the months."""
    deviation = np.sqrt(np.mean(np.diff(past) ** 2)) * np.sqrt(_AHEAD)
    return _normal(np.full(HORIZON, past[-1]), deviation)


def drift(past: Floats, _start: tuple[float, ...] = ()) -> Forecast:
    """The line through the first and the last value goes on."""
    n = len(past) - 1
    slope = (past[-1] - past[0]) / n
    spread = np.sqrt(np.sum((np.diff(past) - slope) ** 2) / (n - 1))
    return _normal(past[-1] + slope * _AHEAD, spread * np.sqrt(_AHEAD * (1 + _AHEAD / n)))


def seasonal_naive(past: Floats, _start: tuple[float, ...] = ()) -> Forecast:
    """The value of the same month a year before."""
    spread = np.sqrt(np.mean((past[SEASON:] - past[:-SEASON]) ** 2))
    return _normal(past[-SEASON:].copy(), np.full(HORIZON, spread))


def study_sarima(past: Floats, start: tuple[float, ...] = ()) -> Forecast:
    """The study's SARIMA (2,1,2)x(1,1,1,6) of the share itself (Longpre et al. 2024)."""
    return _fit_arima(past, start, order=(2, 1, 2), seasonal_order=(1, 1, 1, 6))


def arima_drift(past: Floats, start: tuple[float, ...] = ()) -> Forecast:
    """ARIMA (0,1,1) with drift: simple exponential smoothing that may rise or fall steadily."""
    return _fit_arima(past, start, order=(0, 1, 1), trend="c")


def _fit_arima(past: Floats, start: tuple[float, ...], **orders: Any) -> Forecast:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Whether the fit converged is told in the table.
        warnings.simplefilter("ignore")
        model = SARIMAX(past, **orders, concentrate_scale=True)
        try:
            fit = model.fit(start or None, disp=0, maxiter=_MOST_STEPS, factr=_TOLERANCE, cov_type="none")
        except np.linalg.LinAlgError:
            # A start near the edge of stationarity may lead over it, where no covariance can be solved for.
            if not start:
                raise
            return _fit_arima(past, (), **orders)
        ahead = fit.get_forecast(HORIZON)
    return replace(
        _normal(
            np.asarray(ahead.predicted_mean), np.asarray(ahead.se_mean), bool(fit.mle_retvals["converged"])
        ),
        params=tuple(float(one) for one in fit.params),
    )


def damped_logit(past: Floats, _start: tuple[float, ...] = ()) -> Forecast:
    """Exponential smoothing with a damped trend, ETS(A,Ad,N), of the log odds of the share.

    Intervals are symmetric in the log odds, so that they stay within 0-100 (Hyndman et al. 2008, table 6.1).
    """
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    closed = past + _NEVER_ZERO
    odds = np.log(closed / (100 + 2 * _NEVER_ZERO - closed))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(odds, trend="add", damped_trend=True, initialization_method="heuristic")
        fit = model.fit(minimize_kwargs={"options": {"maxiter": 200}})
    alpha, share, phi = (fit.params[name] for name in ("smoothing_level", "smoothing_trend", "damping_trend"))
    beta = alpha * share
    weights = alpha + beta * phi * (1 - phi**_AHEAD) / (1 - phi) if phi < 1 else alpha + beta * _AHEAD
    variance = (fit.sse / max(len(past) - 5, 1)) * (1 + np.cumsum(np.r_[0.0, weights[:-1] ** 2]))
    raw = _normal(np.asarray(fit.forecast(HORIZON)), np.sqrt(variance), bool(fit.mle_retvals.success))
    return replace(raw, values=(100 + 2 * _NEVER_ZERO) / (1 + np.exp(-raw.values)) - _NEVER_ZERO)


MODELS: Mapping[str, Model] = {
    "last_value": last_value,
    "drift": drift,
    "seasonal_naive": seasonal_naive,
    "arima_drift": arima_drift,
    "damped_logit": damped_logit,
    "study_sarima": study_sarima,
}
"""Every model by its name in the tables, the naive ones first."""
NAIVE = ("last_value", "drift", "seasonal_naive")
