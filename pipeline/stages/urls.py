"""URLs: a sample of each host's own pages, out of the columnar index, subset warc, by row groups.

Two kinds of task: `url_files` lists the parts of a release, `urls` reads one part of it.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from pipeline.context import Context
from pipeline.parts import read_part, rows_to_table, sort_rows, write_part
from pipeline.stages.lookup import IndexPart, read_footer_of
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, Stage, State, Task
from pipeline.url_drawing import draw_pages, find_heads
from pipeline.url_tables import URL_FILES, URL_ROWS
from snapshots.archive import FileMissing
from snapshots.footers import list_index_parts
from snapshots.host_urls import SUBSET, groups_of_heads, iter_url_rows

# Goes up when the same index rows would give another sample.
DRAWING_VERSION = "1"


def plan_lists(root: str, snapshots: Sequence[str]) -> tuple[Task, ...]:
    """One task per release of the archive at `root`, which lists the parts of its index."""
    return tuple(
        Task(Stage.URL_FILES, name, f"snapshot={name}", (name,), (SCHEMA_VERSION,), (root,))
        for name in snapshots
    )


def run_list(context: Context, task: Task) -> Receipt:
    """List a release's parts of the subset; a release without an index makes the receipt partial."""
    (snapshot,), paths, missing = task.inputs, tuple[str, ...](), tuple[str, ...]()
    with context.open_archive(task.task_id) as archive:
        try:
            paths = list_index_parts(archive, snapshot, SUBSET)
        except FileMissing:
            missing = (f"the columnar index of {snapshot}",)
        traffic = archive.traffic
    part = context.layout.part(URL_FILES.name, task.partition, task.task_id)
    rows = sort_rows(URL_FILES, rows_to_table(URL_FILES, [(snapshot, path) for path in paths]))
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.PARTIAL if missing else State.DONE,
        (write_part(context.layout.published, part, URL_FILES, rows),),
        counts={"index_files": len(paths), "requests": traffic.n_requests, "bytes": traffic.n_bytes},
        missing=missing,
    )


def plan(parts: Iterable[IndexPart], heads: pa.Array, authorities: str, per_host: int) -> tuple[Task, ...]:
    """One task for each part of the index that may hold a page of a host; `authorities` is their list."""
    return tuple(
        Task(
            Stage.URLS,
            f"{part.snapshot}/{part.path.rpartition('/')[2].partition('.')[0]}",
            f"snapshot={part.snapshot}",
            (part.path,),
            (SCHEMA_VERSION, DRAWING_VERSION),
            (part.footer_part, authorities, str(per_host)),
        )
        for part in parts
        if groups_of_heads(part.footer, heads)
    )


def run(context: Context, task: Task) -> Receipt:
    """Draw from one part; a part that the archive does not have makes the receipt partial."""
    (path,), (footer_part, listed, per_host) = task.inputs, task.arguments
    snapshot = task.partition.removeprefix("snapshot=")
    footer = read_footer_of(context, footer_part, path)
    authorities = read_part(context.layout.published, listed)
    rows, missing = URL_ROWS.schema.empty_table(), []
    with context.open_archive(task.task_id) as archive, duckdb.connect() as con:
        con.execute("SET memory_limit = '600MiB'")
        con.execute("SET threads = 1")
        con.register("authorities", authorities)
        try:
            groups = iter_url_rows(archive, path, footer, find_heads(authorities))
            rows = draw_pages(con, snapshot, path, groups, int(per_host))
        except FileMissing:
            missing.append(path)
        traffic = archive.traffic
    part = context.layout.part(URL_ROWS.name, task.partition, task.task_id)
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.PARTIAL if missing else State.DONE,
        (write_part(context.layout.published, part, URL_ROWS, sort_rows(URL_ROWS, rows)),),
        counts={"urls": rows.num_rows, "requests": traffic.n_requests, "bytes": traffic.n_bytes},
        missing=tuple(missing),
    )
