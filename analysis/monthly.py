"""Monthly series of shares, as change points and forecasts read them."""

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MIN_MONTHS = 24
"""Shorter series are not searched for breaks and not forecast."""
DECIMALS = 6
"""Results of optimisers are rounded to so many decimals of a point: beyond them machines may differ."""


@dataclass(frozen=True, slots=True)
class Series:
    """The newest unbroken stretch of monthly shares, in percentage points, of an agent in a corpus."""

    agent: str
    corpus: str
    months: NDArray[np.datetime64]
    points: Floats

    @property
    def is_label(self) -> bool:
        """Whether the agent stands for several."""
        return self.agent.startswith("(")


def read_series(con: duckdb.DuckDBPyConnection) -> list[Series]:
    """Every series of the model monthly_levels, by agent and corpus; empty when there is none."""
    found = con.execute(
        "SELECT agent, corpus, list(month ORDER BY month), list(100 * share ORDER BY month)"
        " FROM monthly_levels WHERE stretch = 1 GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [
        Series(agent, corpus, np.array(months, dtype="datetime64[M]"), np.array(points, dtype=np.float64))
        for agent, corpus, months, points in found
    ]


def seed_of(*names: str) -> np.random.Generator:
    """A generator that depends on the names alone."""
    from hashlib import sha256

    return np.random.default_rng(int.from_bytes(sha256("|".join(names).encode()).digest()[:8], "big"))
