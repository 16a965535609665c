"""Parquet parts: written whole under a name that tells their bytes, always with the table's schema."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.archive_tables import CONTENTS
from pipeline.storage.storage import Storage
from pipeline.table import Table

# Columns with few distinct values: a dictionary makes these smaller, and all others only slower to write.
REPETITIVE = frozenset(
    [
        "snapshot",
        "warc_filename",
        "scheme",
        "fetch_status",
        "content_mime_type",
        "content_mime_detected",
        "content_truncated",
        "digest_ok",
        "server",
        "refusal_marker",
        "body_kind",
        "managed_by",
        "dialect",
        "dialect_version",
        "registry_digest",
        "agent",
        "group_match",
        "restriction",
        "restriction_longpre2024",
        "signal",
        "scope",
        "key",
        "value",
        "run",
        "identity",
        "target",
        "failure",
        "http_version",
        "truncated",
    ]
)


# `run` looks at the parts of what is done, and does again what lacks one.
ANEW = "run `crawlcensus run` again, which makes it anew"


class PartError(RuntimeError):
    """A published part, or a list of parts, is gone or damaged; the text names the file and the way on."""


@dataclass(frozen=True, slots=True)
class Output:
    """One published part: its table, its path below the output's root, its rows and bytes.

    Equal paths are equal bytes, for ever. `first` and `last` are the least and the greatest digest of a part
    of bodies, or of what is told of bodies by digest; empty for other tables.
    """

    table: str
    path: str
    n_rows: int
    n_bytes: int
    first: str = ""
    last: str = ""


def write_part(
    storage: Storage,
    stem: str,
    table: Table,
    rows: pa.Table,
    row_group_size: int = 131_072,
    codec: str = "zstd",
    order: pa.Array | None = None,
) -> Output:
    """Publish `rows` (columns of `table.schema`) in their order or in that of `order`.

    The part's path is `stem`, 16 hex digits of SHA-256 over its bytes, and `.parquet`. `order` names rows by
    position; they are moved a row group at a time, so that large bodies are never held twice. `codec` is
    zstd at its quickest, or lz4 for what is soon read and removed.
    """
    rows = rows.cast(table.schema) if rows.schema != table.schema else rows
    n_rows = rows.num_rows if order is None else len(order)
    with storage.draft(f"{stem}.parquet") as draft:
        with pq.ParquetWriter(
            draft,
            table.schema,
            compression=codec,
            compression_level=1 if codec == "zstd" else None,
            use_dictionary=[column for column in rows.column_names if column in REPETITIVE],
        ) as writer:
            for start in range(0, n_rows, row_group_size):
                place = slice(start, start + row_group_size)
                writer.write_table(rows[place] if order is None else rows.take(order[place]), row_group_size)
        with draft.open("rb") as file:
            path = f"{stem}-{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}.parquet"
        n_bytes = draft.stat().st_size
        storage.publish(draft, path)
    return Output(table.name, path, n_rows, n_bytes, *_bounds(table, rows, order))


def _bounds(table: Table, rows: pa.Table, order: pa.Array | None) -> tuple[str, str]:
    """The least and the greatest digest of bodies; empty for rows that do not go by it, and for none."""
    if table.key[0] != CONTENTS.key[0] or not rows.num_rows:
        return "", ""
    digests = rows["content_digest"]
    bounds = pc.min_max(digests if order is None else digests.take(order)).as_py()
    return bounds["min"] or "", bounds["max"] or ""


@contextmanager
def open_part(storage: Storage, path: str) -> Iterator[pq.ParquetFile]:
    """A part, to be read by row groups or batches; PartError when it is gone or no Parquet file."""
    with ExitStack() as stack:
        with naming(f"{storage.root}/{path}"):
            file = stack.enter_context(storage.open(path))
            # What lies side by side in a bucket comes in one request.
            part = stack.enter_context(pq.ParquetFile(file, pre_buffer=True))
        yield part


@contextmanager
def naming(where: str) -> Iterator[None]:
    """PartError for what a part that is gone or damaged raises within the block."""
    try:
        yield
    except FileNotFoundError as error:
        raise PartError(f"{where} is gone. Fix: {ANEW}.") from error
    except (pa.ArrowException, OSError) as error:
        found = " ".join(str(error).split())
        raise PartError(f"{where} is damaged ({found}). Fix: remove it and {ANEW}.") from error


def read_part(
    storage: Storage,
    path: str,
    columns: Sequence[str] | None = None,
    where: pc.Expression | None = None,
    by: Sequence[str] = (),
) -> pa.Table:
    """Rows of a part, of all columns unless some are named; of a bucket no more is read than that takes.

    `where` may speak of the columns and of those in `by`, which are read for it alone.
    """
    with open_part(storage, path) as part, naming(f"{storage.root}/{path}"):
        rows = part.read([*columns, *by] if columns is not None else None)
    rows = rows if where is None else rows.filter(where)
    return rows if columns is None else rows.select(list(columns))


def iter_column(storage: Storage, parts: Iterable[Output], column: str) -> Iterator[pa.Array]:
    """One column of each part."""
    for part in parts:
        yield read_part(storage, part.path, [column])[column].combine_chunks()


def rows_to_table(table: Table, rows: Sequence[Sequence[object]]) -> pa.Table:
    """Rows (in the order of the table's columns) as Arrow; an empty table when there are none."""
    if not rows:
        return table.schema.empty_table()
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, table.schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=table.schema)


def sort_rows(table: Table, rows: pa.Table) -> pa.Table:
    """Rows in the order of the table's key, so that equal content is equal bytes."""
    return rows.sort_by([(column, "ascending") for column in table.key])
