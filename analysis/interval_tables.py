"""The tables of intervals that the models of estimates join, filled from arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import numpy as np

from analysis.estimate_cells import BASES, MEASURES
from analysis.made_tables import MadeColumn, MadeTable
from analysis.replicates import Floats, Integers
from analysis.thin_parts import METHODS

ESTIMATORS = ("study", "design")
PARTS = ("whole", "head", "listed", "sample")
DIGITS = 9
_KEY = (
    MadeColumn("agent", "VARCHAR", "* or an agent that some file answers otherwise in the snapshot"),
    MadeColumn("corpus", "VARCHAR", "hosts, where each host weighs 1, or a corpus of site_weights"),
    MadeColumn("estimator", "VARCHAR", "study or design"),
    MadeColumn("part", "VARCHAR", "whole, head, sample or listed"),
    MadeColumn("basis", "VARCHAR", "observed, carried_1y, carried or carried_files"),
)
_METHOD = MadeColumn(
    "interval_method", "VARCHAR", "bootstrap, effective_n or mixed, as in docs/estimates.md; empty if none"
)
LEVEL_INTERVALS = MadeTable(
    "level_intervals",
    "snapshot, agent, corpus, estimator, part, basis and measure",
    (
        MadeColumn("snapshot", "VARCHAR", "Common Crawl release, CC-MAIN-YYYY-WW"),
        *_KEY,
        MadeColumn("measure", "VARCHAR", "all or some_or_all"),
        MadeColumn("share_low", "DOUBLE", "Lower limit of 95 %"),
        MadeColumn("share_high", "DOUBLE", "Upper limit of 95 %"),
        _METHOD,
    ),
)
CHANGE_INTERVALS = MadeTable(
    "change_intervals",
    "pair of snapshots, agent, corpus, estimator, part and basis",
    (
        MadeColumn("snapshot_from", "VARCHAR", "The earlier snapshot"),
        MadeColumn("snapshot_to", "VARCHAR", "The later snapshot"),
        *_KEY,
        MadeColumn("change_low", "DOUBLE", "Lower limit of 95 %, in percentage points"),
        MadeColumn("change_high", "DOUBLE", "Upper limit of 95 %, in percentage points"),
        _METHOD,
    ),
)


class Block(NamedTuple):
    """Intervals of one agent and estimate, one array entry each.

    Of a level `first` is the place of the snapshot and `second` that of the measure; of a change they are the
    places of the earlier and the later snapshot. Intervals that there are none of are NaN; `method` counts
    within METHODS.
    """

    agent: int
    estimator: str
    part: str
    basis: str
    first: Integers
    second: Integers
    low: Floats
    high: Floats
    method: Integers


def store_levels(
    con: duckdb.DuckDBPyConnection,
    corpus: str,
    agents: Sequence[str],
    snapshots: Sequence[str],
    blocks: Sequence[Block],
) -> None:
    """Add intervals to `level_intervals`; agents and snapshots are those whose places the blocks hold."""
    _insert(con, _INTO_LEVELS, blocks, _names(corpus, agents, snapshots) | {"measures": list(MEASURES)})


def store_changes(
    con: duckdb.DuckDBPyConnection,
    corpus: str,
    agents: Sequence[str],
    snapshots: Sequence[str],
    blocks: Sequence[Block],
) -> None:
    """Add intervals to `change_intervals`, likewise."""
    _insert(con, _INTO_CHANGES, blocks, _names(corpus, agents, snapshots))


_KEY_CELLS = "$agents[agent + 1], $corpus, $estimators[estimator + 1], $parts[part + 1], $bases[basis + 1]"
_INTERVAL_CELLS = (
    "if(isnan(low), NULL, low), if(isnan(high), NULL, high), if(isnan(low), NULL, $methods[method + 1])"
)
_INTO_LEVELS = f"""
INSERT INTO level_intervals
SELECT $snapshots[first + 1], {_KEY_CELLS}, $measures[second + 1], {_INTERVAL_CELLS} FROM incoming_blocks
"""
_INTO_CHANGES = f"""
INSERT INTO change_intervals
SELECT $snapshots[first + 1], $snapshots[second + 1], {_KEY_CELLS}, {_INTERVAL_CELLS} FROM incoming_blocks
"""


def _names(corpus: str, agents: Sequence[str], snapshots: Sequence[str]) -> dict[str, object]:
    return {
        "corpus": corpus,
        "agents": list(agents),
        "snapshots": list(snapshots),
        "estimators": list(ESTIMATORS),
        "parts": list(PARTS),
        "bases": list(BASES),
        "methods": list(METHODS),
    }


def _insert(
    con: duckdb.DuckDBPyConnection, statement: str, blocks: Sequence[Block], names: dict[str, object]
) -> None:
    """One statement for all blocks: row by row a study of a hundred snapshots would take minutes."""
    sizes = [len(block.low) for block in blocks]
    if not sum(sizes):
        return
    columns = {
        "agent": np.repeat([block.agent for block in blocks], sizes),
        "estimator": np.repeat([ESTIMATORS.index(block.estimator) for block in blocks], sizes),
        "part": np.repeat([PARTS.index(block.part) for block in blocks], sizes),
        "basis": np.repeat([BASES.index(block.basis) for block in blocks], sizes),
        "first": np.concatenate([block.first for block in blocks]),
        "second": np.concatenate([block.second for block in blocks]),
        "method": np.concatenate([block.method for block in blocks]),
        # Adding nothing makes a zero of minus zero.
        "low": np.round(np.concatenate([block.low for block in blocks]), DIGITS) + 0.0,
        "high": np.round(np.concatenate([block.high for block in blocks]), DIGITS) + 0.0,
    }
    con.register("incoming_blocks", columns)
    con.execute(statement, names)
    con.unregister("incoming_blocks")
