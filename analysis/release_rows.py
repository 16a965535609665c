"""Which rows of a table are others in another release: added, removed, or changed in which columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from analysis.dataset_columns import quote
from analysis.dataset_files import literal
from analysis.release_folder import Table


@dataclass(frozen=True, slots=True)
class Compared:
    """A table that both releases have, joined by `key`; `columns` are those of both that are not of the key.

    `rows` names a relation of the connection: the key, `change` (added, removed or changed) and `columns`,
    the names of the changed ones. Empty text when the files are equal or have no common key.
    """

    old: Table
    new: Table
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: str

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.new.name


def compare_rows(con: duckdb.DuckDBPyConnection, old: Table, new: Table) -> Compared:
    """Compare two tables of one name; what differs is stored in the connection."""
    shared = [name for name in new.types if name in old.types]
    has_key = set(old.key) == set(new.key) and set(new.key) <= set(shared)
    columns = tuple(name for name in shared if name not in new.key)
    is_equal = old.path.suffix == new.path.suffix and old.sha256 == new.sha256
    if is_equal or not has_key:
        return Compared(old, new, new.key if has_key else (), columns, "")
    compared = Compared(old, new, new.key, columns, quote(f"rows_{new.name}"))
    keys = list_names(new.key)
    con.execute(f"CREATE OR REPLACE TEMP TABLE differing AS {_differing(compared)}")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {compared.rows} AS"
        f" SELECT {keys}, change, {_changed_columns(compared)} AS columns FROM differing"
        f" LEFT JOIN {old.relation} AS o USING ({keys}) LEFT JOIN {new.relation} AS n USING ({keys})"
    )
    con.execute("DROP TABLE differing")
    return compared


def list_names(names: Sequence[str], prefix: str = "") -> str:
    """Quoted names with commas between, each after the prefix."""
    return ", ".join(f"{prefix}{quote(name)}" for name in names)


def comparable(compared: Compared, column: str, side: str) -> str:
    """The value of a column on a side, `o` or `n`: as text where its type is another now."""
    value = f"{side}.{quote(column)}"
    is_same = compared.old.types[column] == compared.new.types[column]
    return value if is_same else f"CAST({value} AS VARCHAR)"


def _differing(compared: Compared) -> str:
    """Keys and changes. Only a hash of the other columns goes through the join, which may be large."""
    keys = list_names(compared.key)
    sides = []
    for side, table in (("o", compared.old), ("n", compared.new)):
        values = ", ".join(comparable(compared, column, side) for column in compared.columns)
        sides.append(
            f"(SELECT {keys}, hash(0, {values or 0}) AS h FROM {table.relation} AS {side}) AS {side}"
        )
    change = "CASE WHEN o.h IS NULL THEN 'added' WHEN n.h IS NULL THEN 'removed' ELSE 'changed' END AS change"
    joined = f"{sides[0]} FULL JOIN {sides[1]} USING ({keys})"
    return f"SELECT {keys}, {change} FROM {joined} WHERE o.h IS DISTINCT FROM n.h"


def _changed_columns(compared: Compared) -> str:
    names = [
        f"CASE WHEN {comparable(compared, column, 'o')} IS DISTINCT FROM {comparable(compared, column, 'n')}"
        f" THEN {literal(column)} END"
        for column in compared.columns
    ]
    changed = f"list_filter([{', '.join(names)}]::VARCHAR[], lambda name: name IS NOT NULL)"
    return f"CASE WHEN change = 'changed' THEN {changed} ELSE [] END"


_CELLS = 'STRUCT(name VARCHAR, "old" VARCHAR, "new" VARCHAR)[]'


def changed_cells(compared: Compared, rows: str) -> str:
    """SQL of one row per changed cell, and one per row added or removed: key as JSON, values as text.

    `rows` is a relation like that of Compared, with `causes`.
    """
    keys = list_names(compared.key)
    named = ", ".join(f"{literal(name)}, {quote(name)}" for name in compared.key)
    cells = ", ".join(
        f"{{'name': {literal(column)}, 'old': o.{quote(column)}::VARCHAR, 'new': n.{quote(column)}::VARCHAR}}"
        for column in compared.columns
    )
    cell = f"list_filter([{cells}], lambda cell: list_contains(columns, cell.name))" if cells else "[]"
    return f"""
    SELECT {literal(compared.name)} AS "table", change, key, cell.name AS "column", cell.old AS old,
        cell.new AS new, causes
    FROM (
        SELECT change, json_object({named})::VARCHAR AS key, causes,
            unnest(CASE WHEN change = 'changed' THEN {cell} ELSE [NULL] END::{_CELLS}) AS cell
        FROM {rows}
        LEFT JOIN {compared.old.relation} AS o USING ({keys})
        LEFT JOIN {compared.new.relation} AS n USING ({keys})
    )"""
