"""The task boundary: every engine calls `run_task`, and nothing is raised across it."""

import gc
import resource
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace

from pipeline.context import Context
from pipeline.receipts import write_receipt
from pipeline.stages import capture, declare, discover, fetch, footers, lookup, store, urls
from pipeline.tasks import OUTPUT_RETRIES, Receipt, Stage, State, Task
from snapshots.archive import FileDamaged

_RUNNERS: dict[Stage, Callable[[Context, Task], Receipt]] = {
    Stage.DISCOVER: discover.run,
    Stage.FOOTERS: footers.run,
    Stage.CAPTURE: capture.run,
    Stage.LOOKUP: lookup.run,
    Stage.FETCH: fetch.run,
    Stage.STORE: store.run,
    Stage.DECLARE: declare.run,
    Stage.URL_FILES: urls.run_list,
    Stage.URLS: urls.run,
}


def run_task(context: Context, task: Task) -> Receipt:
    """Run one task and store its receipt, last; a failure is a receipt too, with the error's text.

    Returns the receipt that stands: another one where another executor was first.
    """
    started, n_before = time.monotonic(), _count_retries(context)
    gc.disable()  # rows and bodies hold no cycles: looking for some costs a tenth of the time
    try:
        receipt = _RUNNERS[task.stage](context, task)
    except Exception as error:  # noqa: BLE001  the one boundary: a task records and returns its failure
        receipt = failed_receipt(task, f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}")
        # What came was complete and still not sound: the next attempt asks for it again.
        if isinstance(error, FileDamaged):
            context.discard_spool(lookup.spool_of_part(task) if task.stage is Stage.LOOKUP else task.task_id)
    finally:
        gc.enable()
    n_retries = _count_retries(context) - n_before
    receipt = replace(
        receipt,
        counts={**receipt.counts, **({OUTPUT_RETRIES: n_retries} if n_retries else {})},
        elapsed_s=round(time.monotonic() - started, 3),
        peak_memory_mib=peak_memory_mib(),
    )
    receipt = write_receipt(context.layout, receipt)
    if receipt.state is State.DONE:
        context.discard_spool(task.task_id)
    return receipt


def _count_retries(context: Context) -> int:
    return sum(storage.n_retries for storage in {context.layout.published, context.layout.shared})


def failed_receipt(task: Task, error: str) -> Receipt:
    """The receipt of a task that did not end, for instance because its process died."""
    return Receipt(task.task_id, task.stage, task.label, task.partition, State.FAILED, error=error)


def peak_memory_mib() -> float:
    """Largest memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
