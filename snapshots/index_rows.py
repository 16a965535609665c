"""Rows of the columnar index in one form, whatever the year of the part that they come from."""

from typing import Any

import pyarrow as pa

from snapshots.footers import KEY_COLUMN

# Columns that a look-up needs; what a part of an early year does not have is null.
INDEX_ROWS: pa.Schema = pa.schema(
    [
        (KEY_COLUMN, pa.string()),
        ("url", pa.string()),
        ("fetch_time", pa.timestamp("s")),
        ("fetch_status", pa.int16()),
        ("fetch_redirect", pa.string()),
        ("content_digest", pa.string()),
        ("content_mime_type", pa.string()),
        ("content_mime_detected", pa.string()),
        ("content_truncated", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
    ]
)


def normalise_column(column: Any, name: str, schema: pa.Schema = INDEX_ROWS) -> Any:
    """An array in the type that `schema` has for the column; pa.ArrowInvalid if a value does not fit.

    Times become seconds in UTC without a zone, whatever their unit; fractions of a second are dropped.
    """
    kind = schema.field(name).type
    return column.cast(kind, safe=not pa.types.is_timestamp(column.type))


def normalise_rows(table: pa.Table, schema: pa.Schema = INDEX_ROWS) -> pa.Table:
    """A table with all columns of `schema` and no other; see `normalise_column`."""
    columns = [
        normalise_column(table[field.name], field.name, schema)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
