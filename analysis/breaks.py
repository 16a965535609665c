"""Change points of a series: segments of straight lines, and a test that knows of autocorrelated noise.

The segments come from PELT (Killick, Fearnhead and Eckley 2012; ruptures) with one line per segment, so that
a trend is no break. Each break then has to stand a test of two lines against one over the segments beside it
(the largest F over all places, Andrews 1993), whose null distribution is drawn: one line with AR(1) noise.
Levels of robots.txt persist from month to month, and against independent noise any slow wave is a break.
"""

from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from analysis.made_tables import MadeColumn, MadeTable, fill_table
from analysis.monthly import DECIMALS, MIN_MONTHS, Floats, Series, read_series, seed_of

MIN_SEGMENT = 6
N_DRAWS = 999
ALPHA = 0.01
_MOST_PERSISTENT = 0.98

BREAKS = MadeTable(
    "level_breaks",
    "break of a series of monthly shares",
    (
        MadeColumn("agent", "VARCHAR", "Agent, or label in brackets"),
        MadeColumn("corpus", "VARCHAR", "Corpus"),
        MadeColumn("month", "DATE", "First month after the break"),
        MadeColumn("n_months", "BIGINT", "Months of the series"),
        MadeColumn("level_before", "DOUBLE", "Share that the line before the break gives for the month"),
        MadeColumn("level_after", "DOUBLE", "Share that the line after it gives for the month"),
        MadeColumn("slope_before", "DOUBLE", "Points per year of the line before"),
        MadeColumn("slope_after", "DOUBLE", "Points per year of the line after"),
        MadeColumn("p_value", "DOUBLE", "Share of draws without a break that look like one as much"),
        MadeColumn("share_found_again", "DOUBLE", "Share of draws with the break that find it"),
    ),
)


@dataclass(frozen=True, slots=True)
class Break:
    """A break before the value at `place`; levels and slopes are those of the lines on both sides."""

    place: int
    level_before: float
    level_after: float
    slope_before: float
    slope_after: float
    p_value: float
    share_found_again: float = 0.0


def register_breaks(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `level_breaks` from the model monthly_levels; series under 24 months have no row."""
    known: dict[bytes, list[Break]] = {}
    rows: list[tuple[object, ...]] = []
    for series in read_series(con):
        if len(series.points) < MIN_MONTHS:
            continue
        # Agents that no file names have the same series: it is searched once.
        key = series.points.tobytes()
        if key not in known:
            known[key] = find_breaks(series.points)
        rows += [_row(series, one) for one in known[key]]
    fill_table(con, BREAKS, rows)


def _row(series: Series, one: Break) -> tuple[object, ...]:
    return (
        series.agent,
        series.corpus,
        series.months[one.place].astype("datetime64[D]").item(),
        len(series.points),
        round(one.level_before / 100, DECIMALS),
        round(one.level_after / 100, DECIMALS),
        round(12 * one.slope_before, DECIMALS),
        round(12 * one.slope_after, DECIMALS),
        one.p_value,
        one.share_found_again,
    )


def find_breaks(points: Floats, alpha: float = ALPHA) -> list[Break]:
    """The breaks of a monthly series in percentage points, oldest first; empty when there is none.

    Breaks that PELT proposes are dropped, the least sure first, until all that are left have a p-value of
    at most `alpha`.
    """
    seed = str(len(points)), points.round(DECIMALS).tobytes().hex()
    places = propose_breaks(points)
    while places:
        tested = [_test(points, places, n, seed_of("break", *seed)) for n in range(len(places))]
        worst = max(range(len(tested)), key=lambda n: tested[n].p_value)
        if tested[worst].p_value <= alpha:
            return [_refind(points, places, n, one, seed) for n, one in enumerate(tested)]
        places.pop(worst)
    return []


def propose_breaks(points: Floats) -> list[int]:
    """Where PELT cuts the series into lines, with a penalty as in the BIC: 3 variances x log n a break."""
    if np.ptp(points) == 0:
        return []
    import ruptures
    from ruptures.base import BaseCost

    class Lines(BaseCost):  # type: ignore[misc]
        """Squared distance from the straight line of each segment, looked up."""

        model, min_size = "lines", MIN_SEGMENT

        def fit(self, signal: Any) -> Any:
            self.signal, self.table = signal, line_errors(np.ravel(signal))
            return self

        def error(self, start: int, end: int) -> Any:
            return self.table[start, end]

    penalty = 3 * _noise_variance(points) * np.log(len(points))
    found = ruptures.Pelt(custom_cost=Lines(), min_size=MIN_SEGMENT, jump=1).fit_predict(points, pen=penalty)
    return [int(place) for place in found[:-1]]


def _noise_variance(points: Floats) -> float:
    """From second differences by their median, which neither a trend nor a few steps move."""
    spread = 1.4826 * float(np.median(np.abs(np.diff(points, n=2)))) / np.sqrt(6)
    return float(max(spread, 0.01) ** 2)


def line_errors(points: Floats) -> Floats:
    """Squared distance from the least-squares line of points[i:j], at [i, j], for all i < j."""
    n = len(points)
    shifted = points - points.mean()
    table = np.zeros((n + 1, n + 1))
    for start in range(n):
        table[start, start + 1 :] = _growing(shifted[None, start:])[0]
    return table


def _growing(rows: Floats) -> Floats:
    """Squared distance from the line of the first 1, 2, ... values of each row."""
    time = np.arange(rows.shape[1], dtype=np.float64)
    n = time + 1
    sum_t, sum_tt = np.cumsum(time), np.cumsum(time**2)
    sum_y, sum_yy, sum_ty = (np.cumsum(part, axis=1) for part in (rows, rows**2, rows * time))
    var_t = sum_tt - sum_t**2 / n
    cov = sum_ty - sum_t * sum_y / n
    explained = np.divide(cov**2, var_t, out=np.zeros_like(cov), where=var_t > 0)
    errors: Floats = np.maximum(sum_yy - sum_y**2 / n - explained, 0.0)
    return errors


def two_line_gains(rows: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """For each row the largest F of two lines against one over all places, and the place."""
    n = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    whole, back = _growing(centred), _growing(centred[:, ::-1])[:, ::-1]
    places = np.arange(MIN_SEGMENT, n - MIN_SEGMENT + 1)
    two = whole[:, places - 1] + back[:, places]
    scale = np.maximum((centred**2).sum(axis=1), 1.0)[:, None]
    gains = (whole[:, -1:] - two) / np.maximum(two, 1e-9 * scale) * (n - 4) / 2
    best = gains.argmax(axis=1)
    return gains[np.arange(len(rows)), best], places[best]


def _window(points: Floats, places: list[int], n: int) -> tuple[int, int]:
    """The two segments beside the break."""
    edges = [0, *places, len(points)]
    return edges[n], edges[n + 2]


def _test(points: Floats, places: list[int], n: int, rng: np.random.Generator) -> Break:
    start, end = _window(points, places, n)
    part, place = points[start:end], places[n] - start
    slope, middle = np.polyfit(np.arange(len(part)), part, 1)
    noise = part - (middle + slope * np.arange(len(part)))
    drawn, _ = two_line_gains(draw_noise(noise, 2, rng))
    # The F of the place itself, so that a break is not helped by a better one that was not proposed.
    p_value = (1 + int((drawn >= _gain_at(part, place)).sum())) / (N_DRAWS + 1)
    before = np.polyfit(np.arange(place), part[:place], 1)
    after = np.polyfit(np.arange(place, len(part)), part[place:], 1)
    level_before, level_after = (float(np.polyval(line, place)) for line in (before, after))
    return Break(places[n], level_before, level_after, float(before[0]), float(after[0]), p_value)


def _gain_at(part: Floats, place: int) -> float:
    one, two = (_growing(rows - part.mean())[0, -1] for rows in (part[None], part[None, :place]))
    both = two + _growing(part[None, place:] - part.mean())[0, -1]
    scale = max(float(((part - part.mean()) ** 2).sum()), 1.0)
    return float((one - both) / max(both, 1e-9 * scale) * (len(part) - 4) / 2)


def draw_noise(noise: Floats, n_fitted: int, rng: np.random.Generator) -> Floats:
    """Draws of AR(1) noise as persistent and as wide as what is left over: N_DRAWS rows.

    The estimate of an autocorrelation beside a trend is too low by (2 + 4 phi) / n (Orcutt and Winokur
    1969), which is put back.
    """
    n = len(noise)
    total = float((noise[:-1] ** 2).sum())
    raw = float((noise[1:] * noise[:-1]).sum()) / total if total > 0 else 0.0
    phi = min(max(raw + (2 + 4 * raw) / n, 0.0), _MOST_PERSISTENT)
    shocks = noise[1:] - raw * noise[:-1]
    width = np.sqrt(float((shocks**2).sum()) / max(len(shocks) - n_fitted - 1, 1))
    drawn: Floats = rng.standard_normal((N_DRAWS, n)) * width
    drawn[:, 0] /= np.sqrt(1 - phi**2)
    for place in range(1, n):
        drawn[:, place] += phi * drawn[:, place - 1]
    return drawn


def _refind(points: Floats, places: list[int], n: int, one: Break, seed: tuple[str, ...]) -> Break:
    """The break with the share of draws, lines as fitted and noise anew, that find it within a month."""
    start, end = _window(points, places, n)
    time, place = np.arange(end - start), one.place - start
    lines = np.where(
        time < place,
        one.level_before + one.slope_before * (time - place),
        one.level_after + one.slope_after * (time - place),
    )
    rng = seed_of("again", str(n), *seed)
    _, found = two_line_gains(lines + draw_noise(points[start:end] - lines, 4, rng))
    return replace(one, share_found_again=float((np.abs(found - place) <= 1).mean().round(3)))
