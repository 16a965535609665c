"""Footers of the columnar index: which keys, rows and byte ranges each part has, before a row is read.

A part is a Parquet file sorted by `url_surtkey`. Its footer says for every row group the first and the
last key and where each column stands, so that parts without a wanted key cost one small request, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from snapshots.archive import Archive, FileDamaged
from snapshots.crawls import read_path_list

KEY_COLUMN = "url_surtkey"
TAIL_BYTES = 64 << 10
_MAGIC = b"PAR1"
# What ends a file: the footer's length in four bytes, then the magic.
_END_BYTES = 8


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group of a part: its number in the file, and what its footer says.

    `first_key` and `last_key` bound its keys; both are None where the footer does not bound them in a way
    to be trusted, so that the group has to be read. `chunks`: column → bytes [start, stop) in the file.
    """

    number: int
    n_rows: int
    first_key: str | None
    last_key: str | None
    chunks: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Footer:
    """The footer of a part; `metadata` is a pyarrow.parquet.FileMetaData."""

    metadata: Any
    n_rows: int
    row_groups: tuple[RowGroup, ...]


def list_index_parts(archive: Archive, snapshot: str, subset: str = "robotstxt") -> tuple[str, ...]:
    """The paths of one subset of a snapshot's columnar index, in the order of the archive's list.

    Subsets are `robotstxt`, `warc` (pages that were fetched) and `crawldiagnostics`. Empty when the index
    has no such part, FileMissing when the snapshot has no index.
    """
    paths = read_path_list(archive, f"crawl-data/{snapshot}/cc-index-table.paths.gz")
    return tuple(path for path in paths if f"/subset={subset}/" in path and path.endswith(".parquet"))


def read_footer(archive: Archive, path: str) -> bytes:
    """The Parquet footer of a file, without the length and the magic that end it.

    One request for the last 64 KiB, a second one only for a longer footer. FileDamaged when the file is no
    Parquet file or its footer cannot be understood.
    """
    tail = archive.read_tail(path, TAIL_BYTES)
    if len(tail.data) < _END_BYTES or not tail.data.endswith(_MAGIC):
        raise FileDamaged(f"{path}: not a Parquet file: ends with {tail.data[-_END_BYTES:]!r}")
    n_bytes = int.from_bytes(tail.data[-_END_BYTES:-4], "little")
    stop = tail.file_size - _END_BYTES
    start = stop - n_bytes
    if start < len(_MAGIC):
        raise FileDamaged(f"{path}: a footer of {n_bytes} bytes is stated in a file of {tail.file_size}")
    if n_bytes + _END_BYTES <= len(tail.data):
        footer = tail.data[-_END_BYTES - n_bytes : -_END_BYTES]
    else:
        n_missing = n_bytes + _END_BYTES - len(tail.data)
        footer = archive.read_range(path, start, start + n_missing) + tail.data[:-_END_BYTES]
    try:
        _parse_metadata(footer)
    except ValueError as error:
        raise FileDamaged(f"{path}: {error}") from error
    return footer


def parse_footer(footer: bytes) -> Footer:
    """What a footer of an index part says; ValueError when it is none or has no column `url_surtkey`."""
    metadata = _parse_metadata(footer)
    names = metadata.schema.to_arrow_schema().names
    if KEY_COLUMN not in names:
        raise ValueError(f"no part of an index: it has no column {KEY_COLUMN} but {', '.join(names[:5])} …")
    groups = tuple(_read_group(metadata, number) for number in range(metadata.num_row_groups))
    return Footer(metadata, metadata.num_rows, groups)


def _parse_metadata(footer: bytes) -> Any:
    """The metadata that pyarrow makes of a footer: it wants a whole file, so one without rows is made up."""
    file = _MAGIC + footer + len(footer).to_bytes(4, "little") + _MAGIC
    try:
        return pq.read_metadata(BytesIO(file))
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"not a Parquet footer: {str(error).strip()}") from error


def _read_group(metadata: Any, number: int) -> RowGroup:
    group = metadata.row_group(number)
    columns = [group.column(i) for i in range(group.num_columns)]
    chunks = {column.path_in_schema: _bytes_of(column) for column in columns}
    keys = next(column for column in columns if column.path_in_schema == KEY_COLUMN)
    first, last = _bounds(keys.statistics)
    return RowGroup(number, group.num_rows, first, last, chunks)


def _bytes_of(column: Any) -> tuple[int, int]:
    """Where a column's pages stand, its dictionary included."""
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    return start, start + column.total_compressed_size


def _bounds(statistics: Any) -> tuple[str | None, str | None]:
    """Bounds of the keys; None for both if one is not stated or no text.

    A bound may be a key cut short by its writer: the format still has it stand before or after all keys.
    Bounds that old writers put in the wrong order of bytes are passed over by pyarrow itself.
    """
    if statistics is None or not statistics.has_min_max:
        return None, None
    try:
        return statistics.min_raw.decode("utf-8"), statistics.max_raw.decode("utf-8")
    except (AttributeError, UnicodeDecodeError):
        return None, None
