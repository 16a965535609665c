"""How long hosts stay open: Kaplan-Meier with delayed entry, and its variance when domains close together.

Kaplan and Meier (1958); left truncation as in Klein and Moeschberger (2003), section 4.6; the variance over
clusters is that of Williams (1995), by the influence of each spell on the cumulative hazard.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from analysis.made_tables import MadeColumn, MadeTable, fill_from_arrays

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Z_95 = 1.959963984540054
DECIMALS = 9
"""What is stored is rounded to so many decimals: beyond them machines may differ."""
_ROWS_AT_ONCE = 50_000

CURVES = MadeTable(
    "survival_curves",
    "agent, stratum and day on which a host enters or leaves",
    (
        MadeColumn("agent", "VARCHAR", "Agent, or label in brackets"),
        MadeColumn("stratum", "VARCHAR", "(all), or a stratum of the study, or (none)"),
        MadeColumn("day", "BIGINT", "Days from the agent's day 0"),
        MadeColumn("n_hosts", "BIGINT", "Hosts of the curve"),
        MadeColumn("n_domains", "BIGINT", "Their registrable domains"),
        MadeColumn("n_at_risk", "BIGINT", "Hosts that entered before this day and had not left before it"),
        MadeColumn("n_entered", "BIGINT", "Hosts that enter on this day"),
        MadeColumn("n_events", "BIGINT", "Hosts at risk that close on this day"),
        MadeColumn("n_censored", "BIGINT", "Hosts last seen on this day"),
        MadeColumn("survival", "DOUBLE", "Kaplan-Meier estimate"),
        MadeColumn("survival_low", "DOUBLE", "Lower end of the 95 % interval"),
        MadeColumn("survival_high", "DOUBLE", "Upper end of the 95 % interval"),
        MadeColumn("survival_early", "DOUBLE", "Estimate with events on the day after the last one as open"),
        MadeColumn("design_effect", "DOUBLE", "Variance over domains over variance over hosts"),
        MadeColumn("clustered_low", "DOUBLE", "Lower end of the interval over domains"),
        MadeColumn("clustered_high", "DOUBLE", "Upper end of the interval over domains"),
    ),
)

# Hosts of one domain that did the same are one row, so that the work does not grow with the hosts.
_SPELLS = """
SELECT
    site_groups.stratum,
    dense_rank() OVER (ORDER BY coalesce(registered_domain, host)) AS site,
    date_diff('day', origin_on, entered_on) AS entered,
    date_diff('day', origin_on, coalesce(closed_on, last_open_on)) AS left_,
    date_diff('day', origin_on, if(closed_on IS NULL, last_open_on, last_open_on + 1)) AS left_early,
    closed_on IS NOT NULL AS is_event,
    1 AS n
FROM open_spells JOIN sites USING (host) JOIN site_groups USING (host)
WHERE agent = $agent AND corpus = 'hosts'
"""
_GROUPED = f"""
SELECT stratum, site, entered, left_, left_early, is_event, sum(n)::BIGINT AS n
FROM ({_SPELLS}) GROUP BY ALL ORDER BY ALL
"""
# Agents that no file ever answers apart, with one clock, have one curve.
_AGENTS = """
SELECT list(agent ORDER BY agent) AS agents
FROM survival_origins
LEFT JOIN (
    SELECT DISTINCT agent AS named FROM outcome_levels JOIN outcome_runs USING (outcome) WHERE agent <> '*'
) ON named = agent
GROUP BY origin_on, coalesce(named, '*')
ORDER BY agents
"""


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells of openness, those that are alike in one row: arrays of one length, days as whole numbers.

    A spell is at risk after `entered` up to and with `left`; it ends there with an event, or is censored.
    `left_early` is the earliest day on which the event can have been. `site` numbers registrable domains.
    """

    site: Ints
    entered: Ints
    left: Ints
    left_early: Ints
    is_event: NDArray[np.bool_]
    n: Ints


@dataclass(frozen=True, slots=True)
class Counts:
    """What happens on each day: arrays of one length, `day` strictly increasing."""

    day: Ints
    n_at_risk: Ints
    n_entered: Ints
    n_events: Ints
    n_censored: Ints


def register_survival(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `survival_curves` from the model open_spells; an agent to whom no host was open has no row."""
    blocks = [
        {"agent": agent, "stratum": stratum, **columns}
        for (agents,) in con.execute(_AGENTS).fetchall()
        for stratum, columns in _curves_of(con, agents[0])
        for agent in agents
    ]
    fill_from_arrays(con, CURVES, blocks)


def _curves_of(con: duckdb.DuckDBPyConnection, agent: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = con.execute(_GROUPED, {"agent": agent}).fetchnumpy()
    strata = np.asarray(found["stratum"], dtype=str)
    for stratum in np.unique(strata):
        chosen = strata == stratum
        names = ("site", "entered", "left_", "left_early", "is_event", "n")
        yield str(stratum), estimate_curve(Spells(*(np.asarray(found[name])[chosen] for name in names)))


def estimate_curve(spells: Spells) -> dict[str, Any]:
    """The columns of `survival_curves` from `day` on, counts first; there must be a spell."""
    counts = count_days(spells)
    late, low, high = fit_curve(spells, spells.left, counts.day)
    early, _, _ = fit_curve(spells, spells.left_early, counts.day)
    effect = design_effects(spells, counts)
    clustered_low, clustered_high = widen(late, low, high, effect)
    return {
        "day": counts.day,
        "n_hosts": np.full(len(counts.day), spells.n.sum()),
        "n_domains": np.full(len(counts.day), len(np.unique(spells.site))),
        "n_at_risk": counts.n_at_risk,
        "n_entered": counts.n_entered,
        "n_events": counts.n_events,
        "n_censored": counts.n_censored,
        "survival": late.round(DECIMALS),
        "survival_low": low.round(DECIMALS),
        "survival_high": high.round(DECIMALS),
        "survival_early": early.round(DECIMALS),
        "design_effect": effect.round(6),
        "clustered_low": clustered_low.round(DECIMALS),
        "clustered_high": clustered_high.round(DECIMALS),
    }


def count_days(spells: Spells) -> Counts:
    """Who enters and leaves on which day; a spell of no length is censored as it enters, never at risk."""
    day = np.unique(np.concatenate([spells.entered, spells.left]))
    entered = _total(day, spells.entered, spells.n)
    events = _total(day, spells.left, spells.n * spells.is_event)
    censored = _total(day, spells.left, spells.n * ~spells.is_event)
    gone = events + censored
    at_risk = (np.cumsum(entered) - entered) - (np.cumsum(gone) - gone)
    return Counts(day, at_risk, entered, events, censored)


def _total(day: Ints, when: Ints, n: Ints) -> Ints:
    return np.bincount(np.searchsorted(day, when), weights=n, minlength=len(day)).astype(np.int64)


def fit_curve(spells: Spells, left: Ints, day: Ints) -> tuple[Floats, Floats, Floats]:
    """Survival on each day and its 95 % interval, spells ending at `left`; NaN when none was at risk.

    The interval is that of Greenwood's variance on the log-log scale; it is NaN where survival is 1 or 0.
    """
    counts = count_days(replace(spells, left=left))
    if not counts.n_at_risk.any():
        nothing = np.full(len(day), np.nan)
        return nothing, nothing, nothing
    # One more place for the days before the first, where all survive.
    place = np.searchsorted(counts.day, day, side="right")
    survival = np.concatenate([[1.0], _product_limit(counts)])[place]
    low, high = _log_log_interval(survival, np.concatenate([[0.0], _greenwood(counts)])[place])
    return survival, low, high


def _product_limit(counts: Counts) -> Floats:
    at_risk = np.maximum(counts.n_at_risk, 1).astype(np.float64)
    survival: Floats = np.cumprod(1.0 - counts.n_events / at_risk, dtype=np.float64)
    return survival


def _greenwood(counts: Counts) -> Floats:
    """Variance of the logarithm of survival after each day; infinite once all at risk have closed."""
    has_events = counts.n_events > 0
    at_risk, events = counts.n_at_risk[has_events], counts.n_events[has_events]
    terms = np.zeros(len(counts.day))
    with np.errstate(divide="ignore"):
        terms[has_events] = events / (at_risk * (at_risk - events).astype(np.float64))
    return np.cumsum(terms)


def _log_log_interval(survival: Floats, variance: Floats) -> tuple[Floats, Floats]:
    is_inner = (survival > 0) & (survival < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(Z_95 * np.sqrt(variance) / -np.log(survival))
        low = np.where(is_inner, survival**factor, np.nan)
        return low, np.where(is_inner, survival ** (1 / factor), np.nan)


def design_effects(spells: Spells, counts: Counts) -> Floats:
    """Variance over domains over variance over hosts, on each day; NaN before the first event.

    Both are sums of squares of what a spell adds to the cumulative hazard, dN / Y - Y_i dN / Y^2, summed
    by domain first for the one. NaN, too, with fewer than two domains.
    """
    n_sites = len(np.unique(spells.site))
    if n_sites < 2:
        return np.full(len(counts.day), np.nan)
    by_site, by_host = np.zeros(len(counts.day)), np.zeros(len(counts.day))
    order = np.argsort(spells.site, kind="stable")
    for rows in _chunks(spells.site[order]):
        influence = _influence(spells, counts, order[rows])
        n = spells.n[order[rows], None]
        by_host += (n * influence**2).sum(axis=0)
        starts = np.flatnonzero(np.diff(spells.site[order[rows]], prepend=-1))
        by_site += (np.add.reduceat(n * influence, starts, axis=0) ** 2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect: Floats = np.where(by_host > 0, n_sites / (n_sites - 1) * by_site / by_host, np.nan)
    return effect


def _chunks(site: Ints) -> Iterator[slice]:
    """Cut sorted rows into pieces that fit into memory and never part a domain."""
    starts = np.flatnonzero(np.diff(site, prepend=-1))
    cuts = [0]
    while cuts[-1] < len(site):
        later = starts[np.searchsorted(starts, cuts[-1] + _ROWS_AT_ONCE) :]
        cuts.append(int(later[0]) if len(later) else len(site))
    return (slice(*pair) for pair in pairwise(cuts))


def _influence(spells: Spells, counts: Counts, rows: Ints) -> Floats:
    """What one spell of each row adds to the cumulative hazard, by day: rows x days."""
    at_risk = np.maximum(counts.n_at_risk, 1)
    # One more place for the days before the first, where nothing has happened.
    cumulated = np.concatenate([[0.0], np.cumsum(counts.n_events / at_risk**2)])
    entered = np.searchsorted(counts.day, spells.entered[rows])
    left = np.searchsorted(counts.day, spells.left[rows])
    place = np.arange(len(counts.day))
    until = np.minimum(place[None, :], left[:, None])
    exposure = cumulated[until + 1] - cumulated[np.minimum(entered[:, None], until) + 1]
    event = (place[None, :] >= left[:, None]) & spells.is_event[rows, None]
    return np.asarray(event / at_risk[left][:, None] - exposure)


def widen(survival: Floats, low: Floats, high: Floats, effect: Floats) -> tuple[Floats, Floats]:
    """The interval with its variance times the design effect, on the log-log scale; NaN where one is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        middle, lower, upper = (np.log(-np.log(part)) for part in (survival, low, high))
        factor = np.sqrt(effect)
        return (
            np.exp(-np.exp(middle + factor * (lower - middle))),
            np.exp(-np.exp(middle + factor * (upper - middle))),
        )
