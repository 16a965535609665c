"""What the bootstrap of the estimates draws from: ticks by unit and snapshot, read from the warehouse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from analysis.replicates import Cells, Floats, Integers

FRESHNESSES = ("observed", "within_1y", "older", "last_file")
"""Each of the first three is what the basis of its place counts beyond those before it."""

BASES = ("observed", "carried_1y", "carried", "carried_files")
N_DESIGN_BASES = 3
MEASURES = ("all", "some_or_all")
AGENTS_AT_ONCE = 8

_AGENT_PLACES = """
CREATE OR REPLACE TEMP TABLE agent_places AS
SELECT agent, row_number() OVER (ORDER BY agent <> '*', agent) - 1 AS agent_place
FROM (SELECT DISTINCT agent FROM closure_steps)
"""
_OUTCOME_PLACES = """
CREATE OR REPLACE TEMP TABLE outcome_places AS
SELECT outcome, (row_number() OVER (ORDER BY outcome) - 1)::INTEGER AS outcome_place
FROM (SELECT DISTINCT outcome FROM closure_steps)
"""
# Stored, since every corpus, part and handful of agents asks again.
_STEPS = f"""
CREATE OR REPLACE TEMP TABLE agent_steps AS
SELECT agent_place, outcome_place, list_position({list(MEASURES)}, measure) - 1 AS measure_place, step
FROM closure_steps JOIN agent_places USING (agent) JOIN outcome_places USING (outcome)
ORDER BY agent_place
"""
# Numbers for names, and one number for all that is open to everyone: a tenth of the rows and of the memory.
_UNIT_CELLS = f"""
CREATE OR REPLACE TEMP TABLE unit_cells AS
WITH outcomes AS (
    SELECT
        host, (position - 1)::SMALLINT AS place, coalesce(outcome_place, -1) AS outcome_place,
        (list_position({list(FRESHNESSES)}, freshness) - 1)::TINYINT AS fresh
    FROM known_outcomes
    JOIN snapshot_order USING (snapshot)
    LEFT JOIN outcome_places USING (outcome)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default)
)
SELECT corpus, part, unit::INTEGER AS unit, place, outcome_place, fresh, sum(ticks)::BIGINT AS ticks
FROM outcomes JOIN estimate_hosts USING (host)
WHERE outcome_place >= 0 OR fresh < {N_DESIGN_BASES}
GROUP BY ALL
ORDER BY corpus, part, outcome_place
"""
_KNOWN = f"""
SELECT fresh AS series, place, unit, sum(ticks)::BIGINT AS ticks
FROM unit_cells
WHERE corpus = ? AND part = ? AND fresh < {N_DESIGN_BASES}
GROUP BY ALL
"""
_CLOSED = f"""
SELECT agent_place, {len(MEASURES)} * fresh + measure_place AS series, place, unit,
    sum(step * ticks)::BIGINT AS ticks
FROM unit_cells JOIN agent_steps USING (outcome_place)
WHERE corpus = ? AND part = ? AND outcome_place >= 0 AND agent_place BETWEEN ? AND ?
GROUP BY ALL
ORDER BY agent_place
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a corpus: how much of it each estimator lets it stand for, and the ticks of each unit.

    `study_share` is NaN where the corpus has no estimate of that kind. Kish's effective number of domains is
    `source_domains` of all sources, `known_domains` of those known, by basis and snapshot, NaN where none is.
    """

    name: str
    study_share: float
    design_share: float
    source_ticks: Floats
    source_domains: float
    known_domains: Floats


def prepare_cells(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables that the other functions read."""
    for statement in (_AGENT_PLACES, _OUTCOME_PLACES, _STEPS, _UNIT_CELLS):
        con.execute(statement)


def drop_cells(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary tables."""
    for table in ("unit_cells", "agent_steps", "outcome_places", "agent_places"):
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")


def read_corpora(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The corpora that have a source listed, sorted."""
    return [row[0] for row in con.execute("SELECT DISTINCT corpus FROM corpus_parts ORDER BY ALL").fetchall()]


def read_snapshots(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The snapshots of the study in their order."""
    return [row[0] for row in con.execute("SELECT snapshot FROM snapshot_order ORDER BY position").fetchall()]


def read_agents(con: duckdb.DuckDBPyConnection) -> list[str]:
    """* and the agents that some file answers otherwise, in the order in which `iter_closed` counts them."""
    rows = con.execute("SELECT agent FROM agent_places ORDER BY agent_place").fetchall()
    return [row[0] for row in rows]


def read_parts(con: duckdb.DuckDBPyConnection, corpus: str) -> list[Part]:
    """The parts of a corpus, by name."""
    rows = con.execute(
        "SELECT part, study_share, design_share, source_kish_n_domains FROM corpus_parts"
        " WHERE corpus = ? ORDER BY part",
        [corpus],
    ).fetchall()
    return [
        Part(
            part,
            np.nan if study is None else study,
            design or 0.0,
            _read_units(con, corpus, part),
            domains or np.nan,
            _read_known_domains(con, corpus, part),
        )
        for part, study, design, domains in rows
    ]


def _read_known_domains(con: duckdb.DuckDBPyConnection, corpus: str, part: str) -> Floats:
    rows = con.execute(
        "SELECT kish_n_domains FROM part_known JOIN snapshot_order USING (snapshot)"
        f" WHERE corpus = ? AND part = ? ORDER BY list_position({list(BASES)}, basis), position",
        [corpus, part],
    ).fetchall()
    return np.array(rows, dtype=np.float64).reshape(N_DESIGN_BASES, -1)


def _read_units(con: duckdb.DuckDBPyConnection, corpus: str, part: str) -> Floats:
    found = _read_integers(
        con,
        "SELECT unit, sum(ticks)::BIGINT AS ticks FROM estimate_hosts"
        " WHERE corpus = ? AND part = ? GROUP BY unit",
        [corpus, part],
    )
    ticks = np.zeros(found["unit"].max() + 1)
    ticks[found["unit"]] = found["ticks"]
    return ticks


def read_known(con: duckdb.DuckDBPyConnection, corpus: str, part: str) -> Cells:
    """Ticks known, a series for each freshness but that of the last file."""
    return _as_cells(_read_integers(con, _KNOWN, [corpus, part]))


def iter_closed(
    con: duckdb.DuckDBPyConnection, corpus: str, parts: Sequence[Part], n_agents: int
) -> Iterator[tuple[int, list[Cells]]]:
    """For each agent by its place: ticks closed in each part, a series for each freshness and measure.

    The cells of an agent other than * are what differs from those of *.
    """
    for first in range(0, n_agents, AGENTS_AT_ONCE):
        last = min(first + AGENTS_AT_ONCE, n_agents) - 1
        found = [_read_integers(con, _CLOSED, [corpus, part.name, first, last]) for part in parts]
        for agent in range(first, last + 1):
            yield agent, [_of_agent(columns, agent) for columns in found]


def _of_agent(columns: dict[str, Integers], agent: int) -> Cells:
    start, stop = np.searchsorted(columns["agent_place"], [agent, agent + 1])
    return _as_cells({name: values[start:stop] for name, values in columns.items()})


def _as_cells(columns: dict[str, Integers]) -> Cells:
    return Cells(columns["series"], columns["place"], columns["unit"], columns["ticks"])


def _read_integers(
    con: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]
) -> dict[str, Integers]:
    found = con.execute(query, values).fetchnumpy()
    return {name: np.asarray(column, dtype=np.int64) for name, column in found.items()}
