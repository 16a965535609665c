"""A DuckDB database with the tables of the data contract: opened, made, filled, cleared of models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.archive_tables import CONTENTS
from pipeline.parts import rows_to_table
from pipeline.storage.folder import TEMPORARY
from pipeline.table import Table
from pipeline.tables import BODIES, TABLES

_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.int16(): "SMALLINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("s"): "TIMESTAMP",
    pa.timestamp("ms"): "TIMESTAMP",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.list_(pa.uint32()): "UINTEGER[]",
    pa.binary(): "BLOB",
}
# What the project's own statements put beside the tables, by the function that lists it and its kind.
_BESIDE = (
    ("SELECT 'VIEW', view_name FROM duckdb_views()", "NOT internal"),
    ("SELECT 'TABLE', table_name FROM duckdb_tables()", "NOT internal"),
    (
        "SELECT DISTINCT CASE function_type WHEN 'macro' THEN 'MACRO' ELSE 'MACRO TABLE' END, function_name"
        " FROM duckdb_functions()",
        "NOT internal AND function_type IN ('macro', 'table_macro')",
    ),
)


@contextmanager
def open_warehouse(path: Path, threads: int, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a warehouse file, closed at the end of the block.

    It keeps within 600 MiB and goes to disk beside the file for more.
    """
    spill = path.parent / f"{TEMPORARY}duckdb"
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": "600MiB",
        "temp_directory": str(spill),
    }
    con = duckdb.connect(str(path), read_only=read_only, config=config)
    try:
        yield con
    finally:
        con.close()


def write_out(con: duckdb.DuckDBPyConnection) -> None:
    """Have all that is committed in the file itself; duckdb.Error where the disk has no room for it.

    To close a connection does that too, and says nothing when it fails.
    """
    con.execute("CHECKPOINT")


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create every table of the data contract, empty, with its descriptions as comments."""
    for table in TABLES.values():
        if table is not CONTENTS:
            create_table(con, table, [CONTENTS.schema.field("content")] if table is BODIES else [])


def create_table(
    con: duckdb.DuckDBPyConnection, table: Table, more: Sequence[pa.Field] = (), schema: str = "main"
) -> None:
    """Create a table, empty, described, with further columns after its own."""
    fields, name = [*table.schema, *more], f"{schema}.{quote(table.name)}"
    columns = ", ".join(
        f"{quote(field.name)} {_TYPES[field.type]}{'' if field.nullable else ' NOT NULL'}" for field in fields
    )
    con.execute(f"CREATE TABLE {name} ({columns})")
    con.execute(f"COMMENT ON TABLE {name} IS {literal(f'One row per {table.one_row_per}')}")
    for field in fields:
        description = literal(field.metadata[b"description"].decode())
        con.execute(f"COMMENT ON COLUMN {name}.{quote(field.name)} IS {description}")


def drop_models(con: duckdb.DuckDBPyConnection) -> None:
    """Remove all that stands beside the tables of the contract: models, what they are made of, and macros."""
    for query, condition in _BESIDE:
        here = f"{query} WHERE database_name = current_database() AND schema_name = 'main' AND {condition}"
        for kind, name in con.execute(f"{here} ORDER BY ALL").fetchall():
            if name not in TABLES:
                con.execute(f"DROP {kind} {quote(name)}")


def insert_rows(con: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Sequence[object]]) -> None:
    """Add rows, their cells in the order of the table's columns; nothing happens without rows."""
    if rows:
        con.register("incoming", rows_to_table(table, rows))
        con.execute(f"INSERT INTO {quote(table.name)} BY NAME SELECT * FROM incoming")
        con.unregister("incoming")


def replace_rows(con: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Sequence[object]]) -> None:
    """Have a table hold these rows and no others."""
    con.execute(f"DELETE FROM {quote(table.name)}")
    insert_rows(con, table, rows)


def count_rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table, or of a query in brackets."""
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def quote(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
