"""Run a plan: what has a receipt is not run again, what is missing stops the stage unless it is allowed."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.context import Context
from pipeline.engines.engine import Engine
from pipeline.parts import Output
from pipeline.progress import Progress, log
from pipeline.receipts import fold_receipts, read_receipts
from pipeline.tasks import Receipt, Stage, State, Task


class TasksMissingError(RuntimeError):
    """Tasks failed or read less than they should have; the text names them and the way on."""


@dataclass(slots=True)
class Traffic:
    """Requests, bytes and new bodies of the tasks that read by range, and the releases they are of."""

    n_requests: int = 0
    n_bytes: int = 0
    n_bodies: int = 0
    partitions: set[str] = field(default_factory=set)

    def add(self, receipt: Receipt) -> None:
        """Add what a task has asked for; nothing for one that reads whole files."""
        if "requests" not in receipt.counts:
            return
        self.n_requests += receipt.counts["requests"]
        self.n_bytes += receipt.counts.get("bytes", 0)
        self.n_bodies += receipt.counts.get("bodies", 0)
        self.partitions.add(receipt.partition)


@dataclass(slots=True)
class StageSummary:
    """What a stage did in this run, over its whole plan; `traffic` is of the tasks run now."""

    stage: Stage
    n_tasks: int = 0
    n_tasks_run: int = 0
    n_rows: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0.0
    peak_memory_mib: float = 0.0
    traffic: Traffic = field(default_factory=Traffic)

    def add(self, receipts: Sequence[Receipt], n_tasks_run: int) -> None:
        """Add a plan's receipts, `n_tasks_run` of which were earned now."""
        self.n_tasks += len(receipts)
        self.n_tasks_run += n_tasks_run
        for receipt in receipts:
            self.n_rows.update({output.table: output.n_rows for output in receipt.outputs})
            self.counts.update(receipt.counts)
            self.skips.update({skip.reason: skip.n_records for skip in receipt.skips})
            self.skips.update({"missing_file": len(receipt.missing)} if receipt.missing else {})
            self.peak_memory_mib = max(self.peak_memory_mib, receipt.peak_memory_mib)


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs plans under one engine. `allow_missing` accepts partial and failed tasks, and says so."""

    context: Context
    engine: Engine
    allow_missing: bool = False

    def execute(
        self, tasks: Sequence[Task], summary: StageSummary, progress: Progress
    ) -> tuple[Receipt, ...]:
        """The receipts of a plan, in its order, after running what has none.

        Raises TasksMissingError when tasks failed or inputs were missing, unless that is allowed.
        """
        started = time.monotonic()
        layout = self.context.layout
        receipts = read_receipts(layout, tasks)
        pending = [task for task in tasks if not _is_done(receipts[task.task_id])]
        for receipt in receipts.values():
            if _is_done(receipt) and receipt is not None:
                progress.add(receipt)
                # Left by a run that was killed after the receipt and before this.
                self.context.discard_spool(receipt.task_id)
        for receipt in self.engine.run_tasks(self.context, pending):
            progress.add(receipt)
            receipts[receipt.task_id] = receipt
            summary.traffic.add(receipt)
        # Of all tasks: an array of Slurm, or a run that was killed, may have done them and folded none.
        for stage, partition in sorted({(task.stage, task.partition) for task in tasks}):
            fold_receipts(layout, stage, partition)
        ended = [receipts[task.task_id] for task in tasks]
        complete = tuple(receipt for receipt in ended if receipt is not None)
        summary.add(complete, len(pending))
        summary.elapsed_s += time.monotonic() - started
        self._check(complete)
        return complete

    def _check(self, receipts: Sequence[Receipt]) -> None:
        short = [receipt for receipt in receipts if not _is_done(receipt)]
        if not short:
            return
        lines = [_describe(receipt) for receipt in short[:10]]
        more = [f"… and {len(short) - 10} more"] if len(short) > 10 else []
        text = "\n".join(
            [f"{short[0].stage}: {len(short)} of {len(receipts)} tasks are not complete:", *lines, *more]
        )
        if not self.allow_missing:
            raise TasksMissingError(
                f"{text}\nRun again to try them again, or with --allow-missing to go on without them."
            )
        log(f"{text}\nGoing on without them (--allow-missing).")


def _is_done(receipt: Receipt | None) -> bool:
    return receipt is not None and receipt.state is State.DONE


def _describe(receipt: Receipt) -> str:
    if receipt.state is State.PARTIAL:
        return f"  {receipt.label}: the archive does not have {', '.join(receipt.missing[:3])}"
    return f"  {receipt.label}: {receipt.error.splitlines()[0] if receipt.error else 'failed'}"


def outputs_of(receipts: Sequence[Receipt], table: str) -> tuple[Output, ...]:
    """The parts of one table that receipts vouch for, in the order of the receipts."""
    return tuple(output for receipt in receipts for output in receipt.outputs if output.table == table)
