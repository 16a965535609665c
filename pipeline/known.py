"""Which bodies the store already has: asked in a stream, so that a store of any size costs little memory."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.archive_tables import CONTENTS
from pipeline.layout import Layout
from pipeline.parts import Output, iter_column, read_part
from pipeline.receipts import iter_receipts, iter_short
from pipeline.tasks import Stage, State

# The stages whose tasks add to the store: from whole WARC files, and by range.
STORING = (Stage.STORE, Stage.FETCH)
# What `_is_success` and `_is_sound` look at.
_TOLD_BY = ("fetch_status", "digest_ok")


def iter_stored_parts(layout: Layout) -> Iterator[Output]:
    """The parts of the body store, whoever stored them; nothing when it is empty.

    Only whole parts with the receipt of a task that did not fail count: any other was left by a task
    that was killed, which will write it again.
    """
    stored = dict(layout.shared.iter_below(f"tables/{CONTENTS.name}"))
    for stage in STORING:
        for receipt in chain(iter_receipts(layout, stage), iter_short(layout, stage)):
            for output in receipt.outputs:
                is_part = receipt.state is not State.FAILED and output.table == CONTENTS.name
                if is_part and stored.get(output.path) == output.n_bytes:
                    yield output


def drop_known(layout: Layout, digests: pa.Array) -> pa.Array:
    """Those of `digests` that the store does not have, in their order; all of them when it is empty.

    Only parts are read that may hold one of them: a few hundred of a large store for a range of digests.
    """
    if not len(digests):
        return digests
    bounds = pc.min_max(digests).as_py()
    near = (
        part
        for part in iter_stored_parts(layout)
        if not part.first or (part.first <= bounds["max"] and part.last >= bounds["min"])
    )
    for stored in iter_column(layout.shared, near, "content_digest"):
        digests = digests.filter(pc.invert(pc.is_in(digests, value_set=stored)))
    return digests


def read_sound_digests(layout: Layout, parts: Iterable[str]) -> pa.Array:
    """The distinct digests of successful, sound answers in some parts of `captures`."""
    seen = pa.array([], pa.string())
    for path in parts:
        rows = read_part(layout.published, path, ["content_digest"], _is_success() & _is_sound(), _TOLD_BY)
        seen = pa.concat_arrays([seen, rows["content_digest"].combine_chunks()]).unique()
    return seen


def find_unseen(layout: Layout, captures: Sequence[Output]) -> pa.Array:
    """The distinct digests of successful answers whose bodies the store lacks, sorted.

    Without those of bodies that are not what their records state, and without those that stand nowhere:
    rows of an index without the place of a record.
    """
    is_placed = pc.field("content_digest").is_valid() & (pc.field("warc_record_length") > 0)
    is_wanted = _is_success() & is_placed & _is_sound()
    seen = pa.array([], pa.string())
    for output in captures:
        rows = read_part(
            layout.published, output.path, ["content_digest"], is_wanted, [*_TOLD_BY, "warc_record_length"]
        )
        seen = pa.concat_arrays([seen, rows["content_digest"].combine_chunks()]).unique()
    return drop_known(layout, seen.take(pc.sort_indices(seen)))


def points_at(layout: Layout, captures: Sequence[Output], digests: pa.Array) -> bool:
    """Whether one of the captures in some parts has one of the digests."""
    columns = iter_column(layout.published, captures, "content_digest")
    return any(pc.any(pc.is_in(column, value_set=digests)).as_py() for column in columns)


def _is_success() -> pc.Expression:
    return (pc.field("fetch_status") >= 200) & (pc.field("fetch_status") < 300)


def _is_sound() -> pc.Expression:
    return pc.field("digest_ok").is_null() | pc.field("digest_ok")
