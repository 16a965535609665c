"""Bootstrap replicates of sums over drawn units, exact in any order and on any number of threads.

Weights are whole numbers ("ticks"), so that every sum of floats here is exact: at most 2^44 ticks in a part,
and 2^9 times as many in a replicate would still be below 2^53.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

N_REPLICATES = 1000
SEED = "crawlcensus"
DRAWS_AT_ONCE = 1_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Ticks by series, place on the time line and unit, one array entry each; several entries add up."""

    series: Integers
    place: Integers
    unit: Integers
    ticks: Integers


def draw_units(n_units: int, name: str, n_replicates: int = N_REPLICATES) -> Floats:
    """How often each unit is drawn in each replicate, units down, replicates across.

    As many units are drawn as there are, with replacement; `name` seeds the draw. The first column is no draw
    but each unit once, so that sums over it are the estimate itself.
    """
    digest = hashlib.sha256(f"{SEED}|{name}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
    drawn = np.empty((n_units, 1 + n_replicates))
    drawn[:, 0] = 1
    at_once = max(1, DRAWS_AT_ONCE // max(n_units, 1))
    for first in range(0, n_replicates, at_once):
        n = min(at_once, n_replicates - first)
        picked = rng.integers(0, n_units, (n, n_units)) + n_units * np.arange(n)[:, None]
        counts = np.bincount(picked.ravel(), minlength=n * n_units)
        drawn[:, first + 1 : first + 1 + n] = counts.reshape(n, n_units).T
    return drawn


def sum_replicates(cells: Cells, n_series: int, n_places: int, drawn: Floats) -> Floats:
    """Ticks of each series at each place in each replicate: an array (series, place, replicate).

    What a unit has hardly changes from one place to the next: what is multiplied is the change from place to
    place, which is mostly nothing, and the products are added up along the line.
    """
    from scipy.sparse import csr_matrix

    row = cells.series * (n_places + 1) + cells.place
    changes = csr_matrix(
        (
            np.concatenate([cells.ticks, -cells.ticks]).astype(np.float64),
            (np.concatenate([row, row + 1]), np.concatenate([cells.unit, cells.unit])),
        ),
        shape=(n_series * (n_places + 1), len(drawn)),
    )
    changes.eliminate_zeros()
    sums: Floats = np.asarray(changes @ drawn).reshape(n_series, n_places + 1, drawn.shape[1])
    return np.cumsum(sums[:, :n_places], axis=1)


def find_interval(values: Floats) -> tuple[Floats, Floats]:
    """The 2.5 % and 97.5 % points along the last axis, of the replicates that are no NaN; else NaN.

    Points between two replicates are interpolated linearly.
    """
    ordered = np.sort(values, axis=-1)
    n_valid = ordered.shape[-1] - np.isnan(ordered).sum(axis=-1)
    return _at_share(ordered, n_valid, 0.025), _at_share(ordered, n_valid, 0.975)


def _at_share(ordered: Floats, n_valid: Integers, share: float) -> Floats:
    place = share * np.maximum(n_valid - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(n_valid - 1, 0))
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    point: Floats = low + (place - below) * (high - low)
    return point
