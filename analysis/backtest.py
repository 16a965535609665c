"""Rolling-origin back-test: what each model would have said, and whether it beats no change at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.forecasting import HORIZON, MODELS, Forecast, forecast
from analysis.monthly import DECIMALS, MIN_MONTHS, Floats

N_ORIGINS = 8
"""Fits are slow, and neighbouring origins tell much the same: so many, evenly spread."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A model's forecast from an origin, `n_past` months in, with what came."""

    model: str
    n_past: int
    forecast: Forecast
    actual: Floats


def choose_origins(n_months: int) -> list[int]:
    """How many months of the past each origin knows, from 24 on; empty when nothing comes after 24.

    >>> choose_origins(26), choose_origins(24)
    ([24, 25], [])
    """
    if n_months <= MIN_MONTHS:
        return []
    spread = np.linspace(MIN_MONTHS, n_months - 1, N_ORIGINS)
    return sorted({round(float(place)) for place in spread})


def run_trials(points: Floats, models: Iterable[str] = tuple(MODELS)) -> Iterator[Trial]:
    """Every model from every origin; each fit starts where the one before ended."""
    for model in models:
        start: tuple[float, ...] = ()
        for n_past in choose_origins(len(points)):
            made = forecast(model, points[:n_past], start)
            start = made.params
            yield Trial(model, n_past, made, points[n_past : n_past + HORIZON])


def interval_scores(actual: Floats, low: Floats, high: Floats, alpha: float) -> Floats:
    """Width, and 2 / alpha times how far outside what came lies (Gneiting and Raftery 2007, eq. 43).

    >>> interval_scores(np.array([5.0]), np.array([1.0]), np.array([4.0]), 0.2)
    array([13.])
    """
    outside = np.maximum(np.maximum(low - actual, actual - high), 0.0)
    scores: Floats = (high - low) + 2 / alpha * outside
    return scores.round(DECIMALS)


def diebold_mariano(gains: NDArray[np.float64], n_overlapping: int) -> float | None:
    """Two-sided p-value that the mean of the differences of loss is 0; None with fewer than three.

    `n_overlapping` is the number of neighbouring origins whose forecasts share months, itself included, at
    least 1. With the correction for few forecasts of Harvey, Leybourne and Newbold (1997); None, too, when
    the variance is not positive.
    """
    n, h = len(gains), min(n_overlapping, len(gains) - 1)
    if n < 3:
        return None
    centred = gains - gains.mean()
    covariances = [float((centred[lag:] * centred[: n - lag]).sum()) / n for lag in range(h)]
    variance = (covariances[0] + 2 * sum(covariances[1:])) / n
    if variance <= 1e-18:
        return None
    from scipy.stats import t

    factor = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return float(2 * t.sf(abs(factor * gains.mean() / np.sqrt(variance)), n - 1))
