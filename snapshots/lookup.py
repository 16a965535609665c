"""Captures found in the columnar index by their keys, with as few requests and bytes as its footers allow.

Row groups that cannot hold a wanted key are passed over unread. Of the others the column of keys is read
first, and the columns that a capture needs only where it has a wanted key.
"""

from bisect import bisect_left, bisect_right
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from snapshots.archive import Archive
from snapshots.footers import Footer, RowGroup
from snapshots.index_capture import to_captures
from snapshots.index_rows import INDEX_ROWS
from snapshots.part_reader import GAP_REMOTE, PartReader, group_ranges


def matching_groups(footer: Footer, keys: pa.Array) -> tuple[RowGroup, ...]:
    """The row groups that may hold one of the keys (a sorted array of pa.string()), in their order."""
    return tuple(group for group in footer.row_groups if len(_keys_within(group, keys)))


def planned_ranges(footer: Footer, keys: pa.Array, gap: int = GAP_REMOTE) -> tuple[tuple[int, int], ...]:
    """The most that `find_rows` reads of a part: bytes [start, stop) of each request, () when none is made.

    It reads less where a row group turns out to have none of the keys.
    """
    return tuple(
        range_ for group in matching_groups(footer, keys) for range_ in group_ranges(group, INDEX_ROWS, gap)
    )


def find_captures(
    archive: Archive, path: str, footer: Footer, keys: pa.Array, gap: int | None = None
) -> pa.Table:
    """The rows of a part that have one of the keys, as captures: see `find_rows` and `to_captures`."""
    return to_captures(find_rows(archive, path, footer, keys, gap))


def find_rows(
    archive: Archive, path: str, footer: Footer, keys: pa.Array, gap: int | None = None
) -> pa.Table:
    """The rows of a part that have one of the keys, with the columns of `INDEX_ROWS`, in the part's order.

    `keys` is a sorted array of pa.string(); `gap` is how many bytes between two columns are sooner read than
    passed over by a second request (1 MiB by default, none in a folder). One row group is held at a time.
    Empty when there is no such row; FileDamaged, with the path, when the part cannot be read as its footer
    says.
    """
    part = PartReader(archive, path, footer, INDEX_ROWS, gap)
    tables = [INDEX_ROWS.empty_table()]
    for group in matching_groups(footer, keys):
        rows = part.search(group, partial(pc.is_in, value_set=_keys_within(group, keys)))
        tables += [] if rows is None else [rows]
    return pa.concat_tables(tables)


def _keys_within(group: RowGroup, keys: pa.Array) -> pa.Array:
    """Those of the keys that a row group may hold: all of them where its own keys are not bounded."""
    if not group.n_rows:
        return keys[:0]
    if group.first_key is None or group.last_key is None:
        return keys
    start = bisect_left(keys, group.first_key, key=_as_text)
    return keys[start : bisect_right(keys, group.last_key, lo=start, key=_as_text)]


def _as_text(key: Any) -> str:
    return str(key.as_py())
