"""Which bodies the store already has: asked in a stream, so that a store of any size costs little memory."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.layout import Layout
from pipeline.tasks import Stage


def iter_stored_digests(layout: Layout) -> Iterator[pa.Array]:
    """The digests of all stored bodies, a part at a time; nothing when the store is empty.

    A part without a receipt was left by a killed task, which will write it again: it does not count.
    """
    for part in sorted((layout.folder / "tables" / "contents").glob("part-*.parquet")):
        task_id = part.stem.removeprefix("part-")
        if not (layout.receipts / Stage.STORE / f"{task_id}.json").is_file():
            continue
        yield pq.read_table(part, columns=["content_digest"])["content_digest"].combine_chunks()


def drop_known(layout: Layout, bodies: pa.Table) -> pa.Table:
    """The rows of `bodies` whose digest the store does not have; all of them when it is empty."""
    for stored in iter_stored_digests(layout):
        if not bodies.num_rows:
            break
        seen = stored.filter(pc.is_in(stored, value_set=bodies["content_digest"]))
        if len(seen):
            bodies = bodies.filter(pc.invert(pc.is_in(bodies["content_digest"], value_set=seen)))
    return bodies
