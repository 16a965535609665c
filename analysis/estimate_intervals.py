"""Intervals of the estimates: a seeded bootstrap over registrable domains, paired where it is of change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import numpy as np

from analysis.estimate_cells import (
    BASES,
    MEASURES,
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
from analysis.replicates import Cells, Floats, Integers, draw_units, find_interval, sum_replicates

WHOLE = "whole"
N_DESIGN_BASES = 3


class Estimate(NamedTuple):
    """One way to estimate the closed share: replicates by measure and snapshot, NaN where there is none."""

    estimator: str
    part: str
    basis: str
    shares: Floats


@dataclass(frozen=True, slots=True)
class Drawn:
    """The replicates of one part: how often each unit was drawn, and what was drawn in ticks.

    `source_ticks` are those of all sources, by replicate; `known_ticks` those known, by basis, snapshot and
    replicate.
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
            levels.append(_level_block(agent, estimate, places))
            changes.append(_change_block(agent, estimate, _own_pairs(pairs, places)))
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
    return Drawn(part, times, part.source_ticks @ times, known)


def _sum_closed(cells: Cells, drawn: Drawn, n_places: int) -> Floats:
    """Replicates of the ticks closed: by basis, measure and snapshot."""
    sums = sum_replicates(cells, len(BASES) * len(MEASURES), n_places, drawn.times)
    return sums.reshape(len(BASES), len(MEASURES), n_places, -1)


def _own_places(cells: Sequence[Cells]) -> Integers:
    return np.unique(np.concatenate([of_part.place for of_part in cells]))


def _own_pairs(pairs: Integers, places: Integers) -> Integers:
    return pairs[np.isin(pairs, places).any(axis=1)]


def iter_estimates(closed: Sequence[Floats], drawn: Sequence[Drawn]) -> Iterator[Estimate]:
    """Replicates of every estimate: of the whole, and of each part where there is more than one."""
    study_shares = [of_part.part.study_share for of_part in drawn]
    design_shares = [of_part.part.design_share for of_part in drawn]
    pairs = list(zip(closed, drawn, strict=True))
    for place, basis in enumerate(BASES):
        study = [_share(ticks[place], of_part.source_ticks) for ticks, of_part in pairs]
        yield from _with_whole("study", basis, drawn, study_shares, study)
        if place < N_DESIGN_BASES:
            design = [_share(ticks[place], of_part.known_ticks[place]) for ticks, of_part in pairs]
            yield from _with_whole("design", basis, drawn, design_shares, design)


def _with_whole(
    estimator: str, basis: str, drawn: Sequence[Drawn], part_shares: Sequence[float], shares: Sequence[Floats]
) -> Iterator[Estimate]:
    """The whole, to which parts that stand for nothing add nothing, and the parts; nothing for NaN."""
    portions = [a * share for a, share in zip(part_shares, shares, strict=True) if a > 0]
    if portions:
        yield Estimate(estimator, WHOLE, basis, np.sum(portions, axis=0))
    for of_part, part_share, share in zip(drawn, part_shares, shares, strict=True):
        if len(drawn) > 1 and not np.isnan(part_share):
            yield Estimate(estimator, of_part.part.name, basis, share)


def _share(ticks: Floats, of_ticks: Floats) -> Floats:
    share: Floats = ticks / np.where(of_ticks > 0, of_ticks, np.nan)
    return share


def _level_block(agent: int, estimate: Estimate, places: Integers) -> Block:
    low, high = find_interval(estimate.shares[:, places])
    measures = np.repeat(np.arange(len(MEASURES)), len(places))
    key = (agent, estimate.estimator, estimate.part, estimate.basis)
    return Block(*key, np.tile(places, len(MEASURES)), measures, low.ravel(), high.ravel())


def _change_block(agent: int, estimate: Estimate, pairs: Integers) -> Block:
    closed = estimate.shares[MEASURES.index("all")]
    low, high = find_interval(100 * (closed[pairs[:, 1]] - closed[pairs[:, 0]]))
    key = (agent, estimate.estimator, estimate.part, estimate.basis)
    return Block(*key, pairs[:, 0], pairs[:, 1], low, high)
