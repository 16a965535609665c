"""Discover: which files each release has, which of them the study may read, and how large they are."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.archive_tables import INDEX_FILES, WARC_FILES
from pipeline.context import Context
from pipeline.parts import Output, rows_to_table, sort_rows, write_part
from pipeline.table import Table
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, Stage, State, Task
from snapshots.archive import Archive, FileMissing
from snapshots.crawls import list_robotstxt_files
from snapshots.footers import list_index_parts
from snapshots.shards import Shards, choose_serials, group_files

EVERY_SERIAL = "all"
WITH_INDEX = "index"
# Files whose size is asked for where asking is a request: their mean stands for the others.
N_SIZES_ASKED = 3


WarcRow = tuple[str, str, int, int | None, bool]


class Listing(NamedTuple):
    """What a release's lists say: rows of `warc_files` and `index_files`, and counts for the receipt."""

    warc_rows: tuple[WarcRow, ...]
    index_rows: tuple[tuple[str, str], ...]
    counts: dict[str, int]


def plan(snapshots: Sequence[str], serials: int | None, with_index: bool = False) -> tuple[Task, ...]:
    """One task per release. `serials` = None reads every file, k reads k of the release's N serials.

    `with_index` also lists the parts of the columnar index.
    """
    arguments = (EVERY_SERIAL if serials is None else str(serials), *([WITH_INDEX] if with_index else []))
    return tuple(
        Task(Stage.DISCOVER, snapshot, f"snapshot={snapshot}", (snapshot,), (SCHEMA_VERSION,), arguments)
        for snapshot in snapshots
    )


def run(context: Context, task: Task) -> Receipt:
    """Read the release's lists and store one row per file; a release without an index gives none of it."""
    with context.open_archive(task.task_id) as archive:
        listing = survey(archive, task)
    outputs = [_write(context, task, WARC_FILES, listing.warc_rows)]
    if WITH_INDEX in task.arguments:
        outputs.append(_write(context, task, INDEX_FILES, listing.index_rows))
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.DONE,
        tuple(outputs),
        counts=listing.counts,
    )


def survey(archive: Archive, task: Task) -> Listing:
    """Read a release's lists and ask for sizes, without storing anything."""
    (snapshot,), (chosen, *also) = task.inputs, task.arguments
    shards = group_files(list_robotstxt_files(archive, snapshot))
    parts = _list_index(archive, snapshot) if also else ()
    rows = tuple(_iter_rows(snapshot, shards, None if chosen == EVERY_SERIAL else int(chosen)))
    warcs = [row[1] for row in rows]
    counts = {
        "files": len(rows),
        "files_selected": sum(row[-1] for row in rows),
        "serials": shards.n_files_per_segment or 0,
        "warc_bytes": estimate_bytes(archive, warcs),
        "index_files": len(parts),
        "index_bytes": estimate_bytes(archive, parts),
    }
    return Listing(rows, tuple((snapshot, part) for part in parts), counts)


def _list_index(archive: Archive, snapshot: str) -> tuple[str, ...]:
    try:
        return list_index_parts(archive, snapshot)
    except FileMissing:
        return ()


def estimate_bytes(archive: Archive, paths: Sequence[str]) -> int:
    """Bytes of some files together: exact in a folder, from the mean of three elsewhere; 0 for none.

    A file that the archive lists and does not have counts as nothing.
    """
    n_asked = min(len(paths), N_SIZES_ASKED) if archive.is_remote else len(paths)
    asked = [paths[i * len(paths) // n_asked] for i in range(n_asked)]
    n_bytes = sum(_size(archive, path) for path in asked)
    return n_bytes * len(paths) // n_asked if n_asked else 0


def _size(archive: Archive, path: str) -> int:
    try:
        return archive.size(path)
    except FileMissing:
        return 0


def _iter_rows(snapshot: str, shards: Shards, k: int | None) -> Iterator[WarcRow]:
    chosen = set(choose_serials(shards.files, k))
    for serial, paths in shards.files.items():
        for path in paths:
            yield snapshot, path, serial, shards.n_files_per_segment, serial in chosen


def _write(context: Context, task: Task, table: Table, rows: Sequence[Sequence[object]]) -> Output:
    part = context.layout.part(table.name, task.partition, task.task_id)
    return write_part(context.layout.published, part, table, sort_rows(table, rows_to_table(table, rows)))
