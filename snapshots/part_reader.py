"""Reads of a part of the columnar index the rows that are wanted, the column of keys before the others."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from snapshots.archive import Archive, FileDamaged
from snapshots.footers import KEY_COLUMN, Footer, RowGroup
from snapshots.index_rows import normalise_column, normalise_rows
from snapshots.prefetched import PrefetchedFile
from snapshots.ranges import coalesce

# Bytes between two columns that are sooner read than passed over by a second request.
GAP_REMOTE, GAP_FOLDER = 1 << 20, 0
# Rows decoded at a time: what is not wanted is dropped before the next ones are looked at.
BATCH_ROWS = 1 << 16


def group_ranges(group: RowGroup, schema: pa.Schema, gap: int) -> tuple[tuple[int, int], ...]:
    """Bytes [start, stop) of each request for a row group's columns of `schema`, that of the keys first."""
    return (group.chunks[KEY_COLUMN], *_other_ranges(group, schema, gap))


class PartReader:
    """Reads one part of an index; `schema` are the columns wanted of it, the key among them.

    `gap` is how many bytes between two columns are sooner read than passed over by a second request (1 MiB
    by default, none in a folder).
    """

    def __init__(
        self, archive: Archive, path: str, footer: Footer, schema: pa.Schema, gap: int | None = None
    ) -> None:
        self._archive, self._path, self._footer, self._schema = archive, path, footer, schema
        default_gap = GAP_REMOTE if archive.is_remote else GAP_FOLDER
        self._gap = default_gap if gap is None else gap

    def search(self, group: RowGroup, choose: Callable[[pa.ChunkedArray], Any]) -> pa.Table | None:
        """The rows of a group whose keys `choose` (keys to a mask) takes; None when it takes none.

        The other columns are not read then. FileDamaged, with the path, when the part cannot be read as its
        footer says.
        """
        try:
            return self._search(group, choose)
        except (OSError, pa.ArrowException) as error:
            what = f"{self._path}: cannot be read as its footer says ({str(error).strip()})"
            raise FileDamaged(what) from error

    def _search(self, group: RowGroup, choose: Callable[[pa.ChunkedArray], Any]) -> pa.Table | None:
        file = self._open(group)
        file.fetch(*group.chunks[KEY_COLUMN])
        batches = self._decode(file, group, [KEY_COLUMN])
        keys = pa.chunked_array([batch.column(0) for batch in batches])
        keys = normalise_column(keys, KEY_COLUMN, self._schema)
        file.close()
        mask = choose(keys)
        kept = keys.filter(mask)
        return self._read_rows(group, kept, mask) if len(kept) else None

    def _read_rows(self, group: RowGroup, kept: pa.ChunkedArray, mask: pa.ChunkedArray) -> pa.Table:
        """The rows of a group for which the mask is true; `kept` are their keys."""
        file = self._open(group)
        for start, stop in _other_ranges(group, self._schema, self._gap):
            file.fetch(start, stop)
        position, tables = 0, []
        for batch in self._decode(file, group, _other_columns(group, self._schema)):
            rows = pa.Table.from_batches([batch])
            tables.append(rows.filter(mask.slice(position, batch.num_rows)))
            position += batch.num_rows
        file.close()
        return normalise_rows(pa.concat_tables(tables).append_column(KEY_COLUMN, kept), self._schema)

    def _open(self, group: RowGroup) -> PrefetchedFile:
        return PrefetchedFile(self._archive, self._path, max(stop for _, stop in group.chunks.values()))

    def _decode(self, file: PrefetchedFile, group: RowGroup, columns: list[str]) -> Iterator[Any]:
        """The record batches of some columns of a row group."""
        reader = pq.ParquetFile(
            file,
            metadata=self._footer.metadata,
            # Chunks are asked for one by one and whole, as they are held.
            pre_buffer=False,
            page_checksum_verification=True,
        )
        yield from reader.iter_batches(BATCH_ROWS, [group.number], columns, use_threads=False)


def _other_columns(group: RowGroup, schema: pa.Schema) -> list[str]:
    """The columns of `schema` that the part has, but for that of the keys."""
    return [name for name in schema.names if name in group.chunks and name != KEY_COLUMN]


def _other_ranges(group: RowGroup, schema: pa.Schema, gap: int) -> list[tuple[int, int]]:
    spans = coalesce([group.chunks[name] for name in _other_columns(group, schema)], gap)
    return [(span.start, span.stop) for span in spans]
