"""Footers: which range of keys stands in which part of a release's columnar index, before a row is read."""

from collections.abc import Sequence

from pipeline.archive_tables import INDEX_FOOTERS
from pipeline.context import Context
from pipeline.parts import rows_to_table, sort_rows, write_part
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, Stage, State, Task
from snapshots.archive import FileMissing
from snapshots.footers import read_footer

FILES_PER_TASK = 32


def plan(root: str, snapshot: str, paths: Sequence[str]) -> tuple[Task, ...]:
    """Tasks of up to 32 parts of one release of the archive at `root`; none when it has none."""
    ordered = sorted(paths)
    return tuple(
        Task(
            Stage.FOOTERS,
            f"{snapshot}/footers+{start}",
            f"snapshot={snapshot}",
            tuple(ordered[start : start + FILES_PER_TASK]),
            (SCHEMA_VERSION,),
            (root,),
        )
        for start in range(0, len(ordered), FILES_PER_TASK)
    )


def run(context: Context, task: Task) -> Receipt:
    """Read the footers and store them; a part that the archive does not have makes the receipt partial."""
    snapshot = task.partition.removeprefix("snapshot=")
    rows, missing = [], []
    with context.open_archive(task.task_id) as archive:
        for path in task.inputs:
            try:
                rows.append((snapshot, path, read_footer(archive, path)))
            except FileMissing:
                missing.append(path)
        traffic = archive.traffic
    part = context.layout.part(INDEX_FOOTERS.name, task.partition, task.task_id)
    table = sort_rows(INDEX_FOOTERS, rows_to_table(INDEX_FOOTERS, rows))
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.PARTIAL if missing else State.DONE,
        (write_part(context.layout.shared, part, INDEX_FOOTERS, table),),
        counts={"footers": len(rows), "requests": traffic.n_requests, "bytes": traffic.n_bytes},
        missing=tuple(missing),
    )
