"""The Spark engine: tasks on the executors of a cluster, receipts only to the driver.

Nothing of Spark's own retrying is relied on for the result: a task that fails says so in its receipt, and
is run again by the next run of the plan. Spark itself runs a task again only when its executor or its
process is lost; the receipt that the first attempt may have stored makes the second one return at once.
"""

import socket
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from pipeline.context import Context
from pipeline.engines.engine import EngineLostError
from pipeline.engines.shipping import pack_rooms
from pipeline.engines.spark_session import (
    check_executors,
    driver_lost,
    find_lost,
    open_context,
    stop_context,
)
from pipeline.faults import FaultKind, FaultLog
from pipeline.layout import Layout
from pipeline.receipts import read_receipt
from pipeline.run_task import failed_receipt, run_task
from pipeline.tasks import Receipt, State, Task

if TYPE_CHECKING:
    from pyspark import SparkContext

# Two jobs at a time, each a few tasks per core: the driver holds the receipts of these only, and the
# cores that one job leaves idle at its end are taken by the other.
JOBS = 2
TASKS_PER_CORE = 4
FEWEST_TASKS = 16
DRIVER_LOST = (
    "Spark's driver has ended (its Java was killed or ran out of memory). What is done stays."
    " Fix: run again; spark.driver.memory gives it more."
)


class Attempt(NamedTuple):
    """A receipt as an executor sends it: which attempt of Spark's that was (from 0), and on which host.

    `is_found`: an attempt before it had stored the receipt, and nothing was done again.
    """

    receipt: Receipt
    number: int
    host: str
    is_found: bool


@dataclass(slots=True)
class JobEnd:
    """How a job ended; `given_up` are Spark's reasons where it gave up the job or a part of it."""

    attempts: list[Attempt] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)


class SparkEngine:
    """Runs tasks on a Spark cluster, and notes in `faults` what was lost and repeated on the way.

    `master` goes to Spark as it is (`local-cluster[2,1,1024]`, `spark://host:7077`, `yarn`); None leaves
    it to spark-submit or to Spark's own settings. A session that the program has already is used and left
    running; one that was started here is stopped when the block ends.
    """

    def __init__(self, master: str | None = None, faults: FaultLog | None = None) -> None:
        self._master, self._faults = master, faults or FaultLog()
        self._context: SparkContext | None = None
        self._is_ours = False
        self._package: tempfile.TemporaryDirectory[str] | None = None
        self._lost: set[str] = set()
        self._checked: set[Layout] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._context is not None and self._is_ours:
            stop_context(self._context)
        if self._package is not None:
            self._package.cleanup()
        self._context = self._package = None

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Run tasks and yield a receipt for each, as their jobs end; nothing for no tasks.

        A task whose every attempt took its process or executor with it comes back as a failed receipt.
        Raises EngineError when Spark cannot be used, or an executor does not see the output folder, and
        EngineLostError when its driver ends.
        """
        if not tasks:
            return
        self._faults.begin()
        try:
            yield from self._run_jobs(context, tasks)
        except driver_lost() as error:
            self._faults.note(FaultKind.JOB_GIVEN_UP, DRIVER_LOST)
            raise EngineLostError(DRIVER_LOST) from error

    def _run_jobs(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        spark = self._running_context()
        if context.layout not in self._checked:
            check_executors(spark, context)
            self._checked.add(context.layout)
        size = max(FEWEST_TASKS, TASKS_PER_CORE * spark.defaultParallelism)
        jobs = deque(tasks[start : start + size] for start in range(0, len(tasks), size))
        with ThreadPoolExecutor(JOBS) as threads:
            under_way: set[Future[JobEnd]] = set()
            while jobs or under_way:
                while jobs and len(under_way) < JOBS:
                    under_way.add(threads.submit(run_job, spark, context, jobs.popleft()))
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield from self._take(future.result(), spark)

    def _running_context(self) -> "SparkContext":
        if self._context is None:
            self._context, self._is_ours = open_context(self._master)
            # What another's session has lost before is none of this run's faults.
            self._lost = {executor.executor for executor in find_lost(self._context)}
            self._package = tempfile.TemporaryDirectory(prefix="crawlcensus-")
            package = Path(self._package.name) / "crawlcensus.zip"
            pack_rooms(package)
            path = sys.path[:]
            self._context.addPyFile(str(package))
            # Spark puts its copy on the path of this process too, where it would be missed when it is gone.
            sys.path[:] = path
        return self._context

    def _take(self, end: JobEnd, spark: "SparkContext") -> Iterator[Receipt]:
        """The receipts of a job that has ended, when all that befell it has been noted."""
        for reason in end.given_up:
            self._faults.note(FaultKind.JOB_GIVEN_UP, reason)
        for lost in find_lost(spark):
            if lost.executor not in self._lost:
                self._lost.add(lost.executor)
                detail = f"executor {lost.executor} on {lost.address}: {lost.reason}"
                self._faults.note(FaultKind.EXECUTOR_LOST, detail)
        for attempt in end.attempts:
            self._note_attempt(attempt)
            yield self._faults.note_receipt(attempt.receipt)

    def _note_attempt(self, attempt: Attempt) -> None:
        which = f"attempt {attempt.number + 1}, on {attempt.host}"
        if attempt.is_found:
            detail = f"{which}: an attempt that was lost had stored the receipt"
            self._faults.note(FaultKind.RECEIPT_FOUND, detail, attempt.receipt)
        elif attempt.number:
            detail = f"{which}: those before were lost with their executor or process"
            self._faults.note(FaultKind.ATTEMPT_REPEATED, detail, attempt.receipt)


def run_once(context: Context, task: Task) -> Attempt:
    """On an executor: the receipt that an attempt lost with its executor has stored, or that of the task."""
    from pyspark import TaskContext

    running = TaskContext.get()
    number = running.attemptNumber() if running else 0
    stored = _find_done(context, task) if number else None
    return Attempt(stored or run_task(context, task), number, socket.gethostname(), stored is not None)


def run_job(spark: "SparkContext", context: Context, tasks: Sequence[Task]) -> JobEnd:
    """One Spark job with a partition for each task, so that a lost executor takes few with it.

    A job that Spark gives up is halved until the task is alone that it cannot be done with; nothing is
    tried again when Spark itself has ended.
    """
    from py4j.protocol import Py4JJavaError

    try:
        return JobEnd(spark.parallelize(tasks, len(tasks)).map(partial(run_once, context)).collect())
    except Py4JJavaError as error:
        reason = f"Spark gave the job up: {error.java_exception.getMessage()}"
    stored = [_find_done(context, task) for task in tasks]
    end = JobEnd([Attempt(receipt, 0, "", False) for receipt in stored if receipt], [reason])
    left = [task for task, receipt in zip(tasks, stored, strict=True) if receipt is None]
    if len(tasks) == 1 or spark._jsc.sc().isStopped():
        end.attempts += [Attempt(failed_receipt(task, reason), 0, "", False) for task in left]
        return end
    middle = (len(left) + 1) // 2
    for half in (left[:middle], left[middle:]):
        if half:
            rest = run_job(spark, context, half)
            end.attempts += rest.attempts
            end.given_up += rest.given_up
    return end


def _find_done(context: Context, task: Task) -> Receipt | None:
    receipt = read_receipt(context.layout, task)
    return receipt if receipt is not None and receipt.state is State.DONE else None
