"""The columns of a published table: how a DuckDB type becomes a cell, a value and a Frictionless type."""

from dataclasses import dataclass

import duckdb

from analysis.dataset import Dataset, DatasetError

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
DECIMALS = 6
WEIGHT_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of DuckDB types: its Frictionless type and format, and the SQL of the CSV's cell.

    `value` is the SQL of what Parquet holds, the same value with its type.
    """

    types: tuple[str, ...]
    name: str
    format: str
    cell: str
    value: str


@dataclass(frozen=True, slots=True)
class Column:
    """One published column; `allowed` is empty when the values are not limited."""

    name: str
    kind: Kind
    description: str
    allowed: tuple[str, ...]

    @property
    def cell(self) -> str:
        """SQL expression of the cell, named as the column."""
        return self._fill(self.kind.cell)

    @property
    def value(self) -> str:
        """SQL expression of what Parquet holds, named as the column."""
        return self._fill(self.kind.value)

    def _fill(self, expression: str) -> str:
        # A user's weights may be parts of a very large whole, where six decimals would leave nothing.
        decimals = WEIGHT_DECIMALS if self.name.startswith("weight") else DECIMALS
        return f"{expression.format(column=quote(self.name), decimals=decimals)} AS {quote(self.name)}"


INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
ZONED = f"strftime({{column}} AT TIME ZONE 'UTC', '{TIME_FORMAT}')"
UNZONED = f"strftime({{column}}, '{TIME_FORMAT}')"

# A float is written with a fixed number of decimals: equal numbers are equal bytes.
ROUNDED = "CAST({column} AS DECIMAL(38, {decimals}))"
FLOATED = f"CAST({ROUNDED} AS DOUBLE)"
SECONDS = "date_trunc('second', {column})"

KINDS = (
    Kind(("VARCHAR", "ENUM", "UUID"), "string", "default", "{column}", "CAST({column} AS VARCHAR)"),
    Kind(INTEGERS, "integer", "default", "{column}", "CAST({column} AS BIGINT)"),
    Kind(("FLOAT", "DOUBLE", "DECIMAL"), "number", "default", ROUNDED, FLOATED),
    Kind(("BOOLEAN",), "boolean", "default", "{column}", "{column}"),
    Kind(("DATE",), "date", "default", "{column}", "{column}"),
    Kind(("TIMESTAMP WITH TIME ZONE",), "datetime", TIME_FORMAT, ZONED, SECONDS),
    Kind(
        ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"),
        "datetime",
        TIME_FORMAT,
        UNZONED,
        f"timezone('UTC', CAST({SECONDS} AS TIMESTAMP))",
    ),
)


def quote(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def find_kind(duckdb_type: str) -> Kind | None:
    """The kind of a DuckDB type; None when the type has no place in a CSV (lists, blobs, …)."""
    family = duckdb_type.split("(")[0]
    if duckdb_type.endswith("]"):
        return None
    return next((kind for kind in KINDS if family in kind.types), None)


def read_columns(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> tuple[Column, ...]:
    """The columns of a dataset, described by the comments on its source; DatasetError when one is not."""
    found = con.execute(f"DESCRIBE {dataset.rows_query}").fetchall()
    comments: dict[str, str] = {}
    for source in reversed(dataset.sources):
        comments |= read_comments(con, source)
    return tuple(_column(dataset, str(name), str(kind), comments.get(name, "")) for name, kind, *_ in found)


def read_comments(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column → comment of a table or view of the connection's own database; only columns that have one."""
    rows = con.execute(
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? AND comment IS NOT NULL"
        " AND database_name = current_database() AND schema_name = current_schema()",
        [relation],
    ).fetchall()
    return {str(name): str(comment) for name, comment in rows}


def _column(dataset: Dataset, name: str, duckdb_type: str, description: str) -> Column:
    kind = find_kind(duckdb_type)
    if kind is None:
        raise DatasetError(f"{dataset.name}: check 'plain columns' failed: {name} is {duckdb_type}")
    description += dataset.addition_to(name)
    if not description:
        raise DatasetError(f"{dataset.name}: check 'columns described' failed: {name} has no comment")
    return Column(name, kind, description, dataset.vocabulary_of(name))
