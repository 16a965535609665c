"""`crawlcensus work`: one slice of a plan, in one element of a job array."""

import argparse
import os

from pipeline.commands.errors import UsageError
from pipeline.engines.local import LocalEngine
from pipeline.engines.slices import read_slice
from pipeline.faults import FaultLog, log_of
from pipeline.job import context_of
from pipeline.progress import show_progress
from pipeline.receipts import read_receipts
from pipeline.study import Study, read_study
from pipeline.tasks import State


def main(options: argparse.Namespace) -> int:
    """Run the tasks of the slice that have no receipt yet; 0 when all are done, 1 when one is not."""
    number = options.slice if options.slice is not None else os.environ.get("SLURM_ARRAY_TASK_ID")
    if number is None:
        raise UsageError("no slice is named. Fix: give --slice N, or call it from a job array.")
    study = read_study(options.study)
    context = context_of(study)
    try:
        tasks = read_slice(options.slices, int(number))
    except FileNotFoundError as error:
        raise UsageError(
            f"{error.filename}: there is no such slice."
            " Fix: name a folder that submit wrote, and one of its slices."
        ) from None
    stored = read_receipts(context.layout, tasks)
    done = {task_id for task_id, receipt in stored.items() if receipt and receipt.state is State.DONE}
    left = [task for task in tasks if task.task_id not in done]
    n_short = 0
    engine = LocalEngine(study.workers, _open_log(study, options, int(number)))
    with engine, show_progress(f"slice {number}", len(left)) as progress:
        for receipt in engine.run_tasks(context, left):
            progress.add(receipt)
            n_short += receipt.state is not State.DONE
    return 1 if n_short else 0


def _open_log(study: Study, options: argparse.Namespace, number: int) -> FaultLog:
    """The fault log of this element; none is kept of a call outside a run."""
    if not options.run:
        return FaultLog()
    return log_of(study.folder, options.run, study.engine, f"{options.slices.name}-{number:05d}")
