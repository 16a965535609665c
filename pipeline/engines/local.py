"""The local engine: a pool of processes on this machine."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from types import TracebackType
from typing import Self

from pipeline.context import Context
from pipeline.faults import FaultKind, FaultLog
from pipeline.run_task import failed_receipt, run_task
from pipeline.tasks import Receipt, Task

POLL_S = 0.5
WORKER_DIED = "the worker process died (out of memory or killed)"


class LocalEngine:
    """Runs tasks in `workers` processes that are started when needed and kept until the block ends.

    With one worker everything stays in this process. What goes wrong is noted in `faults`.
    """

    def __init__(self, workers: int, faults: FaultLog | None = None) -> None:
        self._workers, self._faults = workers, faults or FaultLog()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop_pool()

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Run tasks and yield a receipt for each, as they end; nothing for no tasks.

        A worker that dies (out of memory, killed) fails the tasks under way, at most one a worker:
        they come back as failed receipts, and the rest goes on in a fresh pool.
        """
        if tasks:
            self._faults.begin()
        if self._workers == 1 or len(tasks) == 1:
            yield from (self._faults.note_receipt(run_task(context, task)) for task in tasks)
            return
        queue, under_way = deque(tasks), dict[Future[Receipt], Task]()
        while queue or under_way:
            # No more than the workers hold: what a dying worker takes with it stays known and small.
            while queue and len(under_way) < self._workers:
                task = queue.popleft()
                under_way[self._submit(context, task)] = task
            ended = wait(under_way, return_when=FIRST_COMPLETED).done
            if any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
                # The pool is lost, and with it every task under way.
                self._drop_pool()
                ended = set(under_way)
            for future in ended:
                yield self._receipt(future, under_way.pop(future))

    def _submit(self, context: Context, task: Task) -> Future[Receipt]:
        with _interrupts_held():
            try:
                return self._running_pool().submit(run_task, context, task)
            except BrokenProcessPool:
                # A worker died while it had nothing to do.
                self._drop_pool()
                return self._running_pool().submit(run_task, context, task)

    def _running_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            start = get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, start, _begin_worker, (os.getpid(),))
        return self._pool

    def _drop_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _receipt(self, future: Future[Receipt], task: Task) -> Receipt:
        try:
            return self._faults.note_receipt(future.result())
        except BrokenProcessPool:
            self._faults.note(FaultKind.WORKER_DIED, WORKER_DIED, task)
            return failed_receipt(task, WORKER_DIED)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while the block runs; processes that it starts begin with it held back."""
    # Started first, for its start would let Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: int) -> None:
    """In a worker: end without a word at Ctrl-C, and with the parent: nothing outlives a killed run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
