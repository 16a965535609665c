"""Store: merge the bodies that capture tasks staged into the one body store, each digest once.

The store is cut into ranges of digests, so that one task holds one range in memory and two
tasks never write the same digest.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.archive_tables import CONTENTS
from pipeline.context import Context
from pipeline.known import drop_known
from pipeline.parts import Output, open_part, write_part
from pipeline.storage.storage import Storage
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, Stage, State, Task

RANGE_BYTES = 16 << 20
GROUP_ROWS = 1024
# Every range opens every staged part, so there are not many of a large release.
MOST_RANGES = 256
# Opening parts of a bucket is waiting.
READERS = 4
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Order of the characters of a base32 digest as text: digits sort before letters.
IN_ORDER = sorted(BASE32)


def plan(snapshot: str, staged: Sequence[Output]) -> tuple[Task, ...]:
    """Tasks that store what one release staged; none when it staged nothing."""
    n_bytes = sum(output.n_bytes for output in staged)
    inputs = tuple(sorted(output.path for output in staged))
    if not inputs:
        return ()
    return tuple(
        Task(Stage.STORE, f"{snapshot}/{low}", f"snapshot={snapshot}", inputs, (SCHEMA_VERSION,), (low, high))
        for low, high in _ranges(n_bytes)
    )


def _ranges(n_bytes: int) -> list[tuple[str, str]]:
    """Digest ranges [low, high) of 16 MiB or more each (a power of two up to 256); "" is open-ended."""
    wanted = min(max(1, -(-n_bytes // RANGE_BYTES)), MOST_RANGES)
    prefixes = IN_ORDER if wanted <= len(IN_ORDER) else [a + b for a in IN_ORDER for b in IN_ORDER]
    step = max(1, len(prefixes) // wanted)
    bounds = ["", *prefixes[step::step], ""]
    return list(pairwise(bounds))


def run(context: Context, task: Task) -> Receipt:
    """Store the bodies of one range that the store does not have; each digest once."""
    low, high = task.arguments
    # In one piece: rows are then taken from it without another copy of all of them.
    rows = _read_range(context, task.inputs, low, high).combine_chunks()
    order = _new_rows(context, rows["content_digest"].combine_chunks())
    outputs: tuple[Output, ...] = ()
    if len(order):
        part = context.layout.part(CONTENTS.name, "", task.task_id)
        outputs = (write_part(context.layout.shared, part, CONTENTS, rows, GROUP_ROWS, order=order),)
    counts = {"bodies_stored": len(order)}
    return Receipt(task.task_id, task.stage, task.label, task.partition, State.DONE, outputs, counts=counts)


def _read_range(context: Context, parts: Sequence[str], low: str, high: str) -> pa.Table:
    """The staged bodies from `low` to below `high`; no row groups are read but those that hold some."""
    digest = pc.field("content_digest")
    wanted = (digest >= low) & (digest < high) if high else digest >= low
    read = partial(_read_groups, context.layout.published, low, high)
    with ThreadPoolExecutor(READERS) as threads:
        tables = [table.filter(wanted) for table in threads.map(read, parts)]
    return pa.concat_tables([CONTENTS.schema.empty_table(), *tables])


def _read_groups(storage: Storage, low: str, high: str, path: str) -> pa.Table:
    """The row groups of a part, sorted by digest, that may hold one of the range."""
    with open_part(storage, path) as part:
        groups = [
            i
            for i in range(part.metadata.num_row_groups)
            if _overlaps(part.metadata.row_group(i).column(0).statistics, low, high)
        ]
        return part.read_row_groups(groups)


def _overlaps(bounds: pq.Statistics, low: str, high: str) -> bool:
    return bool(bounds.max >= low and (not high or bounds.min < high))


def _new_rows(context: Context, digests: pa.Array) -> pa.Array:
    """Where each digest that the store does not have stands first, in the order of the digests.

    Equal digests are equal bytes. Told from the digests alone, so that bodies are moved once.
    """
    order = pc.sort_indices(digests)
    ordered = digests.take(order)
    is_first = pa.concat_arrays(
        [pa.array([True] * min(1, len(ordered))), pc.not_equal(ordered[1:], ordered[:-1])]
    )
    order, ordered = order.filter(is_first), ordered.filter(is_first)
    return order.filter(pc.is_in(ordered, value_set=drop_known(context.layout, ordered)))
