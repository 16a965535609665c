"""The URLs of hosts in the columnar index, subset `warc`: what Common Crawl fetched of them, page by page.

The index is sorted by key, and all keys of an authority begin alike, with its *head*: `com,example)` for
http and https, with and without `www.`. Row groups that cannot hold a wanted head are passed over unread.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from snapshots.archive import Archive
from snapshots.footers import KEY_COLUMN, Footer, RowGroup
from snapshots.part_reader import GAP_REMOTE, PartReader, group_ranges
from snapshots.quads import index_keys, quad

SUBSET = "warc"
FETCHED = 200
URL_ROWS: pa.Schema = pa.schema(
    [(KEY_COLUMN, pa.string()), ("url", pa.string()), ("fetch_status", pa.int16())]
)
"""Columns that are read of a part; scheme, host and path are those of the URL."""


def authorities_of(host: str) -> tuple[str, ...]:
    """The authorities whose URLs stand for a host: itself and, with or without `www.`, its other form.

    >>> authorities_of("www.example.com")
    ('www.example.com', 'example.com')
    """
    others = tuple(name for name in quad(host) if name != host)
    return (host, *others)


def heads_of(authority: str) -> tuple[str, ...]:
    """What the keys of an authority's URLs begin with, up to the first `)`; () for what is in no index.

    >>> heads_of("example.com:8080")[0]
    'com,example:8080)'
    """
    keys = index_keys(f"http://{authority}/")
    return tuple(dict.fromkeys(key.partition(")")[0] + ")" for key in keys))


def groups_of_heads(footer: Footer, heads: pa.Array) -> tuple[RowGroup, ...]:
    """The row groups that may hold a key with one of the heads (a sorted array of pa.string())."""
    return tuple(group for group in footer.row_groups if _may_hold(group, heads))


def planned_url_ranges(footer: Footer, heads: pa.Array, gap: int = GAP_REMOTE) -> tuple[tuple[int, int], ...]:
    """The most that `iter_url_rows` reads of a part: bytes [start, stop) of each request; () for none."""
    groups = groups_of_heads(footer, heads)
    return tuple(range_ for group in groups for range_ in group_ranges(group, URL_ROWS, gap))


def iter_url_rows(
    archive: Archive, path: str, footer: Footer, heads: pa.Array, gap: int | None = None
) -> Iterator[tuple[int, pa.Table]]:
    """The rows of a part that have one of the heads and were answered with 200, a row group at a time.

    Each with the number of its row group, with the columns of `URL_ROWS`, in the part's order; nothing for a
    group without such rows. FileDamaged, with the path, when the part cannot be read as its footer says.
    """
    part = PartReader(archive, path, footer, URL_ROWS, gap)
    for group in groups_of_heads(footer, heads):
        rows = part.search(group, lambda keys: pc.is_in(_heads_in(keys), value_set=heads))
        if rows is not None:
            fetched = rows.filter(pc.equal(rows["fetch_status"], FETCHED))
            if fetched.num_rows:
                yield group.number, fetched


def _heads_in(keys: pa.ChunkedArray) -> Any:
    return pc.replace_substring_regex(keys, r"(?s)\).*", ")")


def _may_hold(group: RowGroup, heads: pa.Array) -> bool:
    """Whether a key that begins with a head may stand between the bounds of a group."""
    if not group.n_rows or not len(heads):
        return False
    if group.first_key is None or group.last_key is None:
        return True
    # `*` is the character after `)`: every key of a head sorts before the head with its end so raised.
    start = bisect_right(heads, group.first_key, key=lambda head: str(head.as_py())[:-1] + "*")
    return start < bisect_left(heads, group.last_key + "\0", key=lambda head: str(head.as_py()))
