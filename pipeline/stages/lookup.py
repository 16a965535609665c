"""Look-up: captures of wanted URLs out of the columnar index, without a look at any WARC file."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.archive_tables import CAPTURES, INDEX_FOOTERS
from pipeline.context import Context
from pipeline.keys import read_keys
from pipeline.manifest import digest_of
from pipeline.parts import read_part, sort_rows, write_part
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, Stage, State, Task
from snapshots.archive import FileMissing
from snapshots.footers import Footer, parse_footer
from snapshots.lookup import find_captures, matching_groups

# Goes up when the same index rows would give other captures.
LOOKUP_VERSION = "1"
FROM_INDEX = "index"


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One part of a release's index with its footer, and the stored part that the footer was read from."""

    snapshot: str
    path: str
    footer: Footer
    footer_part: str


def plan(parts: Sequence[IndexPart], keys: pa.Array, keys_path: str) -> tuple[Task, ...]:
    """One task for each part of the index that may hold one of the (sorted) keys."""
    return tuple(
        Task(
            Stage.LOOKUP,
            f"{part.snapshot}/{part.path.rpartition('/')[2].partition('.')[0]}",
            f"snapshot={part.snapshot}",
            (part.path,),
            (SCHEMA_VERSION, LOOKUP_VERSION),
            (part.footer_part, keys_path),
        )
        for part in parts
        if matching_groups(part.footer, keys)
    )


def spool_of(snapshot: str) -> str:
    """Where what was read of a release's index is kept until all of its look-ups are done.

    Kept by part, not by task: the targets of redirects often stand in parts that were read before.
    """
    return f"index-{snapshot}"


def spool_of_part(task: Task) -> str:
    """Where what a look-up reads of its part is kept; see `spool_of`."""
    return f"{spool_of(task.partition.removeprefix('snapshot='))}/{digest_of(task.inputs[0])}"


def run(context: Context, task: Task) -> Receipt:
    """Search one part of the index and publish the captures found in it."""
    (path,), (footer_part, keys_path) = task.inputs, task.arguments
    snapshot = task.partition.removeprefix("snapshot=")
    footer = read_footer_of(context, footer_part, path)
    found, missing = CAPTURES.schema.empty_table(), []
    with context.open_archive(spool_of_part(task)) as archive:
        try:
            rows = find_captures(archive, path, footer, read_keys(context.layout.published, keys_path))
            found = _as_captures(snapshot, rows)
        except FileMissing:
            missing.append(path)
        traffic = archive.traffic
    part = context.layout.part(CAPTURES.name, task.partition, task.task_id)
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.PARTIAL if missing else State.DONE,
        (write_part(context.layout.published, part, CAPTURES, sort_rows(CAPTURES, found)),),
        counts={
            "captures": found.num_rows,
            "requests": traffic.n_requests,
            "bytes": traffic.n_bytes,
        },
        missing=tuple(missing),
    )


def read_footer_of(context: Context, footer_part: str, path: str) -> Footer:
    rows = read_part(context.layout.shared, footer_part, where=pc.field("index_filename") == path)
    return parse_footer(rows[INDEX_FOOTERS.schema.field("footer").name][0].as_py())


def _as_captures(snapshot: str, rows: pa.Table) -> pa.Table:
    """Index rows with every column of `captures`: what only the record tells is empty."""
    known = {
        "snapshot": pa.repeat(pa.scalar(snapshot), rows.num_rows),
        "source": pa.repeat(pa.scalar(FROM_INDEX), rows.num_rows),
        **{name: rows[name] for name in rows.column_names},
    }
    columns = [
        known[field.name].cast(field.type) if field.name in known else pa.nulls(rows.num_rows, field.type)
        for field in CAPTURES.schema
    ]
    return pa.Table.from_arrays(columns, schema=CAPTURES.schema)
