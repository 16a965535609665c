"""The local engine: a pool of processes on this machine."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context

from pipeline.context import Context
from pipeline.run_task import failed_receipt, run_task
from pipeline.tasks import Receipt, Task

POLL_S = 0.5


def run_tasks(context: Context, tasks: Sequence[Task], workers: int) -> Iterator[Receipt]:
    """Run tasks and yield a receipt for each, as they end; `workers` = 1 stays in this process.

    A worker that dies (out of memory, killed) fails the tasks under way, at most one a worker:
    they come back as failed receipts, and the rest goes on in a fresh pool.
    """
    if workers == 1 or len(tasks) == 1:
        yield from (run_task(context, task) for task in tasks)
        return
    remaining = list(tasks)
    while remaining:
        done: set[str] = set()
        for receipt in _run_pool(context, remaining, min(workers, len(remaining))):
            done.add(receipt.task_id)
            yield receipt
        remaining = [task for task in remaining if task.task_id not in done]


def _run_pool(context: Context, tasks: Sequence[Task], workers: int) -> Iterator[Receipt]:
    """One pool over the tasks; ends early when a worker dies, after failing what was under way."""
    queue = iter(tasks)
    under_way: dict[Future[Receipt], Task] = {}
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent, (os.getpid(),)) as pool:
        try:
            while True:
                # No more than the workers hold: what a dying worker takes with it stays known and small.
                for task in _take(queue, workers - len(under_way)):
                    under_way[pool.submit(run_task, context, task)] = task
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    yield future.result()
                    under_way.pop(future)
        except BrokenProcessPool:
            for task in under_way.values():
                yield failed_receipt(task, "the worker process died (out of memory or killed)")


def _take(queue: Iterator[Task], n: int) -> list[Task]:
    return list(islice(queue, max(0, n)))


def _end_with_parent(parent: int) -> None:
    """In a worker: end when the parent has died, so that a killed run leaves no process behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
