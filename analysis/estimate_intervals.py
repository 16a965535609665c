"""Intervals of the estimates: a seeded bootstrap over registrable domains, paired where it is of change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import numpy as np

from analysis.estimate_cells import (
    BASES,
    MEASURES,
    N_DESIGN_BASES,
    Part,
    drop_cells,
    iter_closed,
    prepare_cells,
    read_agents,
    read_corpora,
    read_known,
    read_parts,
    read_snapshots,
)
from analysis.interval_tables import (
    CHANGE_INTERVALS,
    LEVEL_INTERVALS,
    Block,
    store_changes,
    store_levels,
)
from analysis.made_tables import fill_table
from analysis.replicates import Cells, Floats, Integers, draw_units, sum_replicates
from analysis.thin_parts import Limits, limit_changes, limit_levels, limit_whole

WHOLE = "whole"
CLOSED = MEASURES.index("all")


class Estimate(NamedTuple):
    """One way to estimate the closed share, with an entry in each list for each part that it has.

    `shares` are by measure and snapshot, the estimate first and then its replicates, NaN where there is none;
    `n_domains` the effective numbers of domains by snapshot; `portions` what the parts are of the whole.
    """

    estimator: str
    basis: str
    parts: list[str]
    portions: list[float]
    shares: list[Floats]
    n_domains: list[Floats]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The replicates of one part: how often each unit was drawn, and what was drawn in ticks.

    `source_ticks` are those of all sources, by replicate; `known_ticks` those known, by basis, snapshot and
    replicate. The first replicate is no draw: in it each unit is there once.
    """

    part: Part
    times: Floats
    source_ticks: Floats
    known_ticks: Floats


def register_estimate_intervals(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `level_intervals` and `change_intervals`, the tables that the models of estimates join.

    An agent has rows for the snapshots in which some file answers it otherwise than *, and * for all.
    """
    fill_table(con, LEVEL_INTERVALS, [])
    fill_table(con, CHANGE_INTERVALS, [])
    prepare_cells(con)
    agents, snapshots, pairs = read_agents(con), read_snapshots(con), _read_pairs(con)
    for corpus in read_corpora(con) if agents and snapshots else ():
        levels: list[Block] = []
        changes: list[Block] = []
        for agent, places, estimate in _iter_replicated(con, corpus, len(agents), len(snapshots)):
            levels.extend(_iter_level_blocks(agent, estimate, places))
            changes.extend(_iter_change_blocks(agent, estimate, _own_pairs(pairs, places)))
        store_levels(con, corpus, agents, snapshots, levels)
        store_changes(con, corpus, agents, snapshots, changes)
    drop_cells(con)


def _read_pairs(con: duckdb.DuckDBPyConnection) -> Integers:
    """Places of the earlier and the later snapshot of each pair of change_pairs."""
    rows = con.execute(
        "SELECT earlier.position - 1, later.position - 1 FROM change_pairs"
        " JOIN snapshot_order AS earlier ON earlier.snapshot = snapshot_from"
        " JOIN snapshot_order AS later ON later.snapshot = snapshot_to ORDER BY ALL"
    ).fetchall()
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _iter_replicated(
    con: duckdb.DuckDBPyConnection, corpus: str, n_agents: int, n_places: int
) -> Iterator[tuple[int, Integers, Estimate]]:
    """Every agent's estimates, with the places of the snapshots that are its own; * comes first."""
    drawn = [_draw(con, corpus, part, n_places) for part in read_parts(con, corpus)]
    star: list[Floats] = []
    for agent, cells in iter_closed(con, corpus, [of_part.part for of_part in drawn], n_agents):
        closed = [_sum_closed(own, of_part, n_places) for own, of_part in zip(cells, drawn, strict=True)]
        closed = [own + base for own, base in zip(closed, star, strict=True)] if star else closed
        star = star or closed
        places = _own_places(cells) if agent else np.arange(n_places)
        for estimate in iter_estimates(closed, drawn):
            yield agent, places, estimate


def _draw(con: duckdb.DuckDBPyConnection, corpus: str, part: Part, n_places: int) -> Drawn:
    times = draw_units(len(part.source_ticks), f"{corpus}|{part.name}")
    known = sum_replicates(read_known(con, corpus, part.name), N_DESIGN_BASES, n_places, times)
    return Drawn(part, times, part.source_ticks @ times, np.cumsum(known, axis=0))


def _sum_closed(cells: Cells, drawn: Drawn, n_places: int) -> Floats:
    """Replicates of the ticks closed: by basis, measure and snapshot."""
    sums = sum_replicates(cells, len(BASES) * len(MEASURES), n_places, drawn.times)
    closed = sums.reshape(len(BASES), len(MEASURES), n_places, -1)
    # Each basis of the estimator design also counts what the one before it counts.
    np.cumsum(closed[:N_DESIGN_BASES], axis=0, out=closed[:N_DESIGN_BASES])
    return closed


def _own_places(cells: Sequence[Cells]) -> Integers:
    return np.unique(np.concatenate([of_part.place for of_part in cells]))


def _own_pairs(pairs: Integers, places: Integers) -> Integers:
    return pairs[np.isin(pairs, places).any(axis=1)]


def iter_estimates(closed: Sequence[Floats], drawn: Sequence[Drawn]) -> Iterator[Estimate]:
    """Every estimate that the corpus has, by estimator and basis."""
    pairs = [pair for pair in zip(closed, drawn, strict=True) if not np.isnan(pair[1].part.study_share)]
    for place, basis in enumerate(BASES):
        if pairs:
            yield _study_estimate(place, pairs)
        if place < N_DESIGN_BASES:
            shares = [_share(c[place], d.known_ticks[place]) for c, d in zip(closed, drawn, strict=True)]
            parts = [of_part.part for of_part in drawn]
            portions = [part.design_share for part in parts]
            n_domains = [part.known_domains[place] for part in parts]
            yield Estimate("design", basis, [part.name for part in parts], portions, shares, n_domains)


def _study_estimate(basis: int, pairs: Sequence[tuple[Floats, Drawn]]) -> Estimate:
    shares = [_share(ticks[basis], of_part.source_ticks) for ticks, of_part in pairs]
    parts = [of_part.part for _, of_part in pairs]
    n_places = shares[0].shape[1]
    n_domains = [np.full(n_places, part.source_domains) for part in parts]
    portions = [part.study_share for part in parts]
    return Estimate("study", BASES[basis], [part.name for part in parts], portions, shares, n_domains)


def _share(ticks: Floats, of_ticks: Floats) -> Floats:
    share: Floats = ticks / np.where(of_ticks > 0, of_ticks, np.nan)
    return share


def _iter_level_blocks(agent: int, estimate: Estimate, places: Integers) -> Iterator[Block]:
    shares = [share[:, places] for share in estimate.shares]
    n_domains = [n[places] for n in estimate.n_domains]
    limits = [limit_levels(share, n) for share, n in zip(shares, n_domains, strict=True)]
    measures = np.repeat(np.arange(len(MEASURES)), len(places))
    yield from _iter_blocks(agent, estimate, np.tile(places, len(MEASURES)), measures, shares, limits)


def _iter_change_blocks(agent: int, estimate: Estimate, pairs: Integers) -> Iterator[Block]:
    first, last = pairs.T
    points = [100 * (share[CLOSED, last] - share[CLOSED, first]) for share in estimate.shares]
    n_domains = [np.minimum(n[first], n[last]) for n in estimate.n_domains]
    limits = [limit_changes(point, n) for point, n in zip(points, n_domains, strict=True)]
    yield from _iter_blocks(agent, estimate, first, last, points, limits)


def _iter_blocks(
    agent: int,
    estimate: Estimate,
    first: Integers,
    second: Integers,
    values: Sequence[Floats],
    limits: Sequence[Limits],
) -> Iterator[Block]:
    """The whole, to which parts that stand for nothing add nothing, and the parts where there are several."""
    counted = [i for i, portion in enumerate(estimate.portions) if portion > 0]
    found = dict(zip(estimate.parts, limits, strict=True)) if len(limits) > 1 else {}
    if counted:
        portions = [estimate.portions[i] for i in counted]
        found[WHOLE] = limit_whole(portions, [values[i] for i in counted], [limits[i] for i in counted])
    for part, (_, low, high, method) in found.items():
        key = (agent, estimate.estimator, part, estimate.basis)
        yield Block(*key, first, second, low.ravel(), high.ravel(), method.ravel())
