"""Where the rows of a table come from: one SQL script per table that makes it anew.

A script starts from published tables where it can, so that whoever has the dataset alone can recompute an
aggregate from the rows about hosts; where it cannot, it runs in the warehouse and says so.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from analysis.dataset import Dataset
from analysis.dataset_columns import Column, quote
from analysis.model_table import MODELS, Kind
from analysis.models import query_of

# By query: many tables lead back over the same models, and a query is a tree of thousands of nodes.
_RELATIONS: dict[str, frozenset[str]] = {}


@dataclass(frozen=True, slots=True)
class Lineage:
    """How a table is made: the script, and what it starts from, sorted by name.

    `missing` are those of `reads` that are not published; empty when the dataset suffices.
    """

    script: str
    reads: tuple[str, ...]
    missing: tuple[str, ...]


def trace_lineage(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, columns: Sequence[Column], datasets: Sequence[Dataset]
) -> Lineage:
    """The lineage of one dataset among those published with it."""
    sources = [other.sources[0] for other in datasets if _is_source(other) and other.name != dataset.name]
    values = ",\n    ".join(column.value for column in columns)
    query = f"SELECT\n    {values}\nFROM ({dataset.rows_query.strip()})"
    steps = _find_steps(con, dataset.rows_query, frozenset(sources))
    found = {name for step in steps.values() for name in step} | read_relations(con, dataset.rows_query)
    reads = tuple(sorted(found - set(steps)))
    missing = tuple(name for name in reads if name not in sources)
    order = ", ".join(quote(column) for column in dataset.key)
    parts = [_head(dataset, reads, missing), "SET TimeZone = 'UTC';"]
    parts += [] if missing else [_view(name) for name in reads]
    parts += [_step(model.name, model.kind) for model in MODELS if model.name in steps]
    return Lineage("\n".join([*parts, f"{query}\nORDER BY {order};", ""]), reads, missing)


def read_relations(con: duckdb.DuckDBPyConnection, query: str) -> frozenset[str]:
    """The tables and views that a query names, without the names that its WITH clauses give."""
    if query not in _RELATIONS:
        _RELATIONS[query] = _parse_relations(con, query)
    return _RELATIONS[query]


def _parse_relations(con: duckdb.DuckDBPyConnection, query: str) -> frozenset[str]:
    answer = con.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    nodes = list(_iter_nodes(json.loads(answer[0] if answer else "{}")))
    named = {str(node["table_name"]) for node in nodes if node.get("type") == "BASE_TABLE"}
    own = {str(item["key"]) for node in nodes if "map" in node for item in node["map"]}
    return frozenset(named - own)


def _iter_nodes(tree: object) -> "Iterator[dict[str, Any]]":
    """Every object of a tree of JSON."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _is_source(dataset: Dataset) -> bool:
    """Whether others may start from it: all rows of a stored table, or of a model about single hosts."""
    models = {model.name for model in MODELS}
    return not dataset.query and (dataset.sources[0] not in models or "host" in dataset.key)


def _find_steps(
    con: duckdb.DuckDBPyConnection, query: str, sources: frozenset[str]
) -> dict[str, frozenset[str]]:
    """The models between the sources and a query, each with what it reads."""
    models = {model.name for model in MODELS} - sources
    steps: dict[str, frozenset[str]] = {}
    waiting = set(read_relations(con, query) & models)
    while waiting:
        name = waiting.pop()
        steps[name] = read_relations(con, query_of(name))
        waiting |= (steps[name] & models) - set(steps)
    return steps


def _head(dataset: Dataset, reads: Sequence[str], missing: Sequence[str]) -> str:
    lines = [f"-- {dataset.name}: one row per {dataset.one_row_per}.", f"-- Made from {', '.join(reads)}."]
    if missing:
        lines.append(f"-- It needs {', '.join(missing)} of the warehouse, census.duckdb: run it there.")
        lines.append("-- What it makes are temporary tables beside those of the warehouse.")
    else:
        lines.append("-- Run it in DuckDB with the folder of the dataset as the current one.")
    return "\n".join(lines)


def _view(name: str) -> str:
    return f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet('{name}.parquet');"


def _step(name: str, kind: Kind) -> str:
    return f"CREATE OR REPLACE TEMP {kind.upper()} {name} AS\n{query_of(name).strip()};"
