"""What drawing URLs would cost, for `--dry-run`: exact once the footers are read, an estimate before."""

from collections.abc import Iterator, Sequence

from pipeline.costs import FOOTER_BYTES, Cost, describe
from pipeline.job import Job
from pipeline.planning import tariff_of
from pipeline.receipts import read_receipts
from pipeline.sampling import Sampling
from pipeline.tasks import Receipt, Stage, State, Task
from snapshots.archive import Archive, FileMissing
from snapshots.footers import list_index_parts, parse_footer, read_footer
from snapshots.host_urls import SUBSET, URL_ROWS
from snapshots.part_reader import GAP_REMOTE, group_ranges


def preview_urls(job: Job) -> Iterator[str]:
    """Lines that say what is left to be read; asks at most three requests, and only for an estimate."""
    entry = job.manifest.stages.get(Stage.DISCOVER)
    if entry is None:
        yield "urls: planned from what discover finds; run `crawlcensus discover` to see it"
        return
    sampling = Sampling.open(job.study, job.executor, entry)
    listed = _read_done(job, sampling.plan_lists())
    footers = sampling.plan_footers([receipt for receipt in listed if receipt is not None])
    read = _read_done(job, footers)
    if None in listed or None in read:
        yield from _estimate(job, sampling)
    else:
        yield _say_left(job, sampling, [receipt for receipt in read if receipt is not None])


def _read_done(job: Job, tasks: Sequence[Task]) -> list[Receipt | None]:
    stored = read_receipts(job.context.layout, tasks)
    receipts = [stored[task.task_id] for task in tasks]
    return [r if r is not None and r.state is State.DONE else None for r in receipts]


def _say_left(job: Job, sampling: Sampling, read: Sequence[Receipt]) -> str:
    # One footer at a time is held; receipts are listed once for all of them.
    planned = [
        (task, sampling.cost_of(part))
        for part in sampling.iter_parts(read)
        for task in sampling.plan_drawing([part])
    ]
    done = _read_done(job, [task for task, _ in planned])
    left = [cost for (_, cost), receipt in zip(planned, done, strict=True) if receipt is None]
    of = f"urls: {len(left)} of {len(planned)} parts of the index of pages left"
    return f"{of}, at most {describe(sum(left, Cost()), tariff_of(job.study))}" if left else of


def _estimate(job: Job, sampling: Sampling) -> Iterator[str]:
    """All releases are taken to be like the last of them."""
    snapshot = sampling.snapshots[-1]
    with job.context.open_archive() as archive:
        try:
            one = estimate_drawing(archive, snapshot, len(sampling.heads))
        except FileMissing:
            yield f"urls: {snapshot} has no index of pages, or lacks a part of it"
            return
    n = len(sampling.snapshots)
    cost = Cost(n * one.n_requests, n * one.n_bytes, n_index_rows=n * one.n_index_rows)
    said = describe(cost, tariff_of(job.study))
    yield (
        f"urls: {n} release{'' if n == 1 else 's'} from the beginning, {said};"
        f" estimated from one part of {snapshot}, exact when the footers have been read"
    )


def estimate_drawing(archive: Archive, snapshot: str, n_heads: int) -> Cost:
    """What drawing from one release would cost if hosts fall on row groups as if by chance.

    Asks for the list of parts and for the footer of the middle one; FileMissing without them.
    """
    paths = list_index_parts(archive, snapshot, SUBSET)
    if not paths:
        raise FileMissing(f"{snapshot}: its index has no part of subset {SUBSET}")
    footer = parse_footer(read_footer(archive, paths[len(paths) // 2]))
    n_groups = max(len(footer.row_groups), 1) * len(paths)
    n_touched = n_groups * (1 - (1 - 1 / n_groups) ** n_heads)
    ranges = [group_ranges(group, URL_ROWS, GAP_REMOTE) for group in footer.row_groups]
    share = n_touched / max(len(footer.row_groups), 1)
    n_requests = share * sum(map(len, ranges))
    n_bytes = share * sum(stop - start for group in ranges for start, stop in group)
    n_rows = share * footer.n_rows
    return Cost(
        1 + len(paths) + round(n_requests),
        len(paths) * FOOTER_BYTES + round(n_bytes),
        n_index_rows=round(n_rows),
    )
