"""Tables of the warehouse that Python fills for the models to join: few rows, columns described."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb


class MadeColumn(NamedTuple):
    """A column: its name, its DuckDB type and what it holds."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class MadeTable:
    """A table by name, what one row is, and its columns in their order."""

    name: str
    one_row_per: str
    columns: tuple[MadeColumn, ...]


@contextmanager
def at_once(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """What is done in the block is written once, at its end; nothing of it stands when the block raises.

    Statement by statement, a file's comments alone are a thousand writes that each wait for the disk.
    """
    con.begin()
    try:
        yield
    except BaseException:
        con.rollback()
        raise
    con.commit()


def fill_table(con: duckdb.DuckDBPyConnection, table: MadeTable, rows: Sequence[Sequence[object]]) -> None:
    """Make the table anew with these rows."""
    con.execute(f"DROP TABLE IF EXISTS {table.name}")
    create_missing(con, table)
    if rows:
        # One statement with a list per column: statement by statement, a few hundred rows take half a second.
        lists = ", ".join(f"unnest(?::{column.type}[])" for column in table.columns)
        con.execute(f"INSERT INTO {table.name} SELECT {lists}", list(zip(*rows, strict=True)))


def fill_from_arrays(
    con: duckdb.DuckDBPyConnection, table: MadeTable, blocks: Sequence[Mapping[str, Any]]
) -> None:
    """Make the table anew with blocks of rows, each an array or one value by column; NaN becomes NULL.

    For tables of so many rows that `fill_table` would take long.
    """
    import pandas as pd

    con.execute(f"DROP TABLE IF EXISTS {table.name}")
    create_missing(con, table)
    if not blocks:
        return
    frame = pd.concat([pd.DataFrame(dict(block)) for block in blocks], ignore_index=True)
    con.register("made_rows", frame)
    columns = ", ".join(
        f"CASE WHEN NOT isnan({column.name}) THEN {column.name} END"
        if column.type == "DOUBLE"
        else column.name
        for column in table.columns
    )
    con.execute(f"INSERT INTO {table.name} SELECT {columns} FROM made_rows")
    con.unregister("made_rows")


def create_missing(con: duckdb.DuckDBPyConnection, table: MadeTable) -> None:
    """Make the table, empty and with its descriptions as comments, unless there is one of the name."""
    found = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = ?"
        " AND schema_name = current_schema() AND database_name = current_catalog()",
        [table.name],
    ).fetchall()
    if found:
        return
    columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    with at_once(con):
        con.execute(f"CREATE TABLE {table.name} ({columns})")
        con.execute(f"COMMENT ON TABLE {table.name} IS {_quoted(f'One row per {table.one_row_per}')}")
        for column in table.columns:
            con.execute(f"COMMENT ON COLUMN {table.name}.{column.name} IS {_quoted(column.description)}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
