"""Intervals where few domains tell: exact limits with an effective number, and how parts add up.

A bootstrap cannot show what it has not seen: of five domains of which none is closed, every replicate is 0.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.replicates import Floats, Integers, find_interval

MIN_DOMAINS = 30
"""Below this effective number of domains the bootstrap is not left to itself (NCHS 2017)."""

MIN_EVENTS = 10
"""Nor below this effective number of domains that are closed, or that are open (or that changed)."""

METHODS = ("bootstrap", "effective_n", "mixed")

Flags = npt.NDArray[np.bool_]


class Limits(NamedTuple):
    """Estimates with their 95 % limits, NaN where there is none, and how these were found.

    `method` counts within METHODS.
    """

    value: Floats
    low: Floats
    high: Floats
    method: Integers


def find_exact_limits(share: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Limits of Clopper & Pearson (1934) for a share of n, which may be broken (Korn & Graubard 1998).

    NaN where either is NaN; n is above 0.

    >>> [float(limit[0].round(4)) for limit in find_exact_limits(np.array([0.0]), np.array([5.0]))]
    [0.0, 0.5218]
    """
    from scipy.special import betaincinv

    events = share * n
    others = np.maximum(n - events, 0)
    # With nothing seen the distribution is a point: the parameter 1 stands in for one that is not allowed.
    low = np.where(events == 0, 0, betaincinv(np.where(events == 0, 1, events), others + 1, 0.025))
    high = np.where(others == 0, 1, betaincinv(events + 1, np.where(others == 0, 1, others), 0.975))
    return low, high


def limit_levels(shares: Floats, n: Floats) -> Limits:
    """Limits of shares, the estimate first and then its replicates along the last axis.

    `n` is the effective number of domains, of the shape of the other axes.
    """
    return _limit(shares, n, np.minimum(shares[..., 0], 1 - shares[..., 0]), find_exact_limits)


def limit_changes(points: Floats, n: Floats) -> Limits:
    """Limits of changes, likewise, in percentage points; `n` is the lesser number of both ends."""
    return _limit(points, n, np.abs(points[..., 0]) / 100, _find_change_limits)


def _find_change_limits(points: Floats, n: Floats) -> tuple[Floats, Floats]:
    """What was gained less what was lost, each an exact share of its own, of which the net one is seen."""
    gained, lost = np.maximum(points, 0) / 100, np.maximum(-points, 0) / 100
    gained_low, gained_high = find_exact_limits(gained, n)
    lost_low, lost_high = find_exact_limits(lost, n)
    low = points - 100 * np.hypot(gained - gained_low, lost_high - lost)
    high = points + 100 * np.hypot(gained_high - gained, lost - lost_low)
    return np.maximum(low, -100), np.minimum(high, 100)


def _limit(
    values: Floats, n: Floats, events: Floats, exact: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> Limits:
    """Those of the bootstrap; where few domains tell, the outer ones of these and the exact ones."""
    point = values[..., 0]
    n = np.broadcast_to(n, point.shape)
    is_thin = ~np.isnan(point) & ((n < MIN_DOMAINS) | (events * n < MIN_EVENTS))
    low, high = find_interval(values[..., 1:])
    low[np.isnan(point)] = high[np.isnan(point)] = np.nan
    exact_low, exact_high = exact(point[is_thin], n[is_thin])
    low[is_thin] = np.fmin(low[is_thin], exact_low)
    high[is_thin] = np.fmax(high[is_thin], exact_high)
    return Limits(point, low, high, is_thin.astype(np.int64))


def limit_whole(portions: Sequence[float], values: Sequence[Floats], parts: Sequence[Limits]) -> Limits:
    """Limits of the sum of parts, each times its portion of the whole; there must be a part.

    Where no part is thin they are those of the sum of the replicates `values`; else those of the parts are
    put together by the squares of their distances (Zou, Huang & Zhang 2009).
    """
    if len(parts) == 1 and portions[0] == 1:
        return parts[0]
    point = np.sum([a * part.value for a, part in zip(portions, parts, strict=True)], axis=0)
    n_thin = np.sum([part.method > 0 for part in parts], axis=0)
    method = np.where(n_thin == 0, 0, np.where(n_thin == len(parts), 1, 2))
    low = point - _add_squares([a * (p.value - p.low) for a, p in zip(portions, parts, strict=True)])
    high = point + _add_squares([a * (p.high - p.value) for a, p in zip(portions, parts, strict=True)])
    is_thick = (n_thin == 0) & ~np.isnan(point)
    sums = np.sum([a * of_part[is_thick, 1:] for a, of_part in zip(portions, values, strict=True)], axis=0)
    low[is_thick], high[is_thick] = find_interval(sums)
    return Limits(point, low, high, method)


def _add_squares(distances: Sequence[Floats]) -> Floats:
    total: Floats = np.sqrt(np.sum([distance**2 for distance in distances], axis=0))
    return total
