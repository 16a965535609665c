"""Which bodies the store already has: asked in a stream, so that a store of any size costs little memory."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.layout import Layout
from pipeline.tasks import Stage, State, is_whole, parse_receipt


def iter_stored_digests(layout: Layout) -> Iterator[pa.Array]:
    """The digests of all stored bodies, a part at a time; nothing when the store is empty.

    Only whole parts with the receipt of a task that was done count: any other was left by a task
    that was killed or failed, which will write it again.
    """
    for path in sorted((layout.receipts / Stage.STORE).glob("*.json")):
        receipt = parse_receipt(path)
        for output in receipt.outputs:
            if receipt.state is State.DONE and is_whole(layout.folder, output):
                part = pq.read_table(layout.folder / output.path, columns=["content_digest"])
                yield part["content_digest"].combine_chunks()


def drop_known(layout: Layout, digests: pa.Array) -> pa.Array:
    """Those of `digests` that the store does not have, in their order; all of them when it is empty."""
    for stored in iter_stored_digests(layout):
        if not len(digests):
            break
        digests = digests.filter(pc.invert(pc.is_in(digests, value_set=stored)))
    return digests
