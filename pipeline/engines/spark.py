"""The Spark engine: tasks on the executors of a cluster, receipts only to the driver.

Nothing of Spark's own retrying is relied on for the result: a task that fails says so in its receipt, and
is run again by the next run of the plan. Spark itself runs a task again only when its executor is lost;
the receipt that the first attempt may have stored makes the second one return at once.
"""

import os
import secrets
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipeline.context import Context
from pipeline.engines.engine import EngineError
from pipeline.engines.shipping import pack_rooms
from pipeline.layout import TEMPORARY
from pipeline.run_task import failed_receipt, run_task
from pipeline.tasks import Receipt, State, Task, read_receipt

if TYPE_CHECKING:
    from pyspark import SparkContext

# Two jobs at a time, each a few tasks per core: the driver holds the receipts of these only, and the
# cores that one job leaves idle at its end are taken by the other.
JOBS = 2
TASKS_PER_CORE = 4
FEWEST_TASKS = 16
APP_NAME = "crawlcensus"
LIBRARIES = ("fastwarc", "httpx", "protego", "pyarrow", "stamina", "tldextract", "warcio")
_TRUE = ("true", "1")


class SparkEngine:
    """Runs tasks on a Spark cluster.

    `master` goes to Spark as it is (`local-cluster[2,1,1024]`, `spark://host:7077`, `yarn`); None leaves
    it to spark-submit or to Spark's own settings. A session that is there already is used and left
    running; one that was started here is stopped when the block ends.
    """

    def __init__(self, master: str | None = None) -> None:
        self._master = master
        self._context: SparkContext | None = None
        self._is_ours = False
        self._package: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._context is not None and self._is_ours:
            self._context.stop()
        if self._package is not None:
            self._package.cleanup()
        self._context = self._package = None

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Run tasks and yield a receipt for each, as their jobs end; nothing for no tasks.

        Tasks of a job that Spark gave up (every executor lost, again and again) come back as failed
        receipts. Raises EngineError when Spark cannot be used, or an executor does not see the output folder.
        """
        if not tasks:
            return
        spark = self._running_context()
        _check_executors(spark, context)
        size = max(FEWEST_TASKS, TASKS_PER_CORE * spark.defaultParallelism)
        jobs = deque(tasks[start : start + size] for start in range(0, len(tasks), size))
        with ThreadPoolExecutor(JOBS) as threads:
            under_way: set[Future[list[Receipt]]] = set()
            while jobs or under_way:
                while jobs and len(under_way) < JOBS:
                    under_way.add(threads.submit(_run_job, spark, context, jobs.popleft()))
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield from future.result()

    def _running_context(self) -> "SparkContext":
        if self._context is None:
            self._context, self._is_ours = _open_context(self._master)
            self._package = tempfile.TemporaryDirectory(prefix="crawlcensus-")
            package = Path(self._package.name) / "crawlcensus.zip"
            pack_rooms(package)
            self._context.addPyFile(str(package))
        return self._context


def run_once(context: Context, task: Task) -> Receipt:
    """On an executor: the receipt that an attempt lost with its executor has stored, or that of the task."""
    stored = read_receipt(context.layout, task)
    return stored if stored is not None and stored.state is State.DONE else run_task(context, task)


def _run_job(spark: "SparkContext", context: Context, tasks: Sequence[Task]) -> list[Receipt]:
    """One Spark job with a partition for each task, so that a lost executor takes few with it."""
    from py4j.protocol import Py4JJavaError

    try:
        return spark.parallelize(tasks, len(tasks)).map(partial(run_once, context)).collect()
    except Py4JJavaError as error:
        reason = f"Spark gave the job up: {error.java_exception.getMessage()}"
        stored = (read_receipt(context.layout, task) for task in tasks)
        return [
            receipt if receipt is not None and receipt.state is State.DONE else failed_receipt(task, reason)
            for task, receipt in zip(tasks, stored, strict=True)
        ]


def _open_context(master: str | None) -> tuple["SparkContext", bool]:
    """The session's context, and whether it was started here."""
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise EngineError(
            '[engine] name = "spark" needs pyspark, which is not installed.'
            ' Fix: pip install "crawlcensus[spark]".'
        ) from None
    standing = SparkContext._active_spark_context
    builder = SparkSession.builder.appName(APP_NAME).config("spark.speculation", "false")
    if master is not None:
        builder = builder.master(master)
        # On this machine the executors can run in the very environment that the driver runs in.
        if master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    context = builder.getOrCreate().sparkContext
    if context.getConf().get("spark.speculation", "false").lower() in _TRUE:
        raise EngineError(
            "Spark is set to run slow tasks twice (spark.speculation), which would fetch everything twice."
            " Fix: set spark.speculation to false."
        )
    return context, standing is None


def _check_executors(spark: "SparkContext", context: Context) -> None:
    """EngineError unless the executors have the libraries, and see the output folder and the store."""
    for folder in sorted({context.layout.folder, context.layout.store_folder}):
        is_seen, missing = _ask_executors(spark, folder)
        if missing:
            raise EngineError(
                f"the executors' Python lacks {', '.join(missing)}. Fix: install crawlcensus where they run"
                " and set PYSPARK_PYTHON to that Python, or send an environment along (docs/scale.md)."
            )
        if not is_seen:
            raise EngineError(
                f"[output] folder: executors do not see {folder}. Fix: name a folder that all of them share"
                " (NFS or the like)."
            )


def _ask_executors(spark: "SparkContext", folder: Path) -> tuple[bool, list[str]]:
    """Whether all see a file that the driver writes, and which libraries one of them lacks.

    Asked of as many tasks as run at a time, by code that needs nothing of ours.
    """
    mark, names = folder / f"{TEMPORARY}{secrets.token_hex(8)}", LIBRARIES

    def look(_: int) -> tuple[bool, list[str]]:
        from importlib.util import find_spec

        return mark.exists(), [name for name in names if find_spec(name) is None]

    mark.touch()
    try:
        n_slots = spark.defaultParallelism
        seen = spark.parallelize(range(n_slots), n_slots).map(look).collect()
    finally:
        mark.unlink()
    return all(is_seen for is_seen, _ in seen), sorted({name for _, missing in seen for name in missing})
