"""Spark as the engine finds or starts it: the session's context, what its executors have, which were lost."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.context import Context
from pipeline.engines.engine import EngineError
from pipeline.storage.choice import is_bucket
from pipeline.storage.folder import TEMPORARY

if TYPE_CHECKING:
    from pyspark import SparkContext

APP_NAME = "crawlcensus"
LIBRARIES = ("fastwarc", "httpx", "protego", "pyarrow", "stamina", "tldextract", "warcio")
# Java hands tasks to Python and does no work itself: to compile what it runs as well as it could would take
# seconds of the cores that Python works on.
COMPILE_LITTLE = "-XX:TieredStopAtLevel=1"
# What Spark keeps of jobs that have ended would grow with the plan; whoever has set it keeps his value.
DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.retainedJobs": "16",
    "spark.ui.retainedStages": "16",
    "spark.ui.retainedTasks": "1024",
    "spark.executor.extraJavaOptions": COMPILE_LITTLE,
}
# What Spark says of executors that it has let go itself: for idleness, or at the end.
LET_GO = "killed by driver"
_TRUE = ("true", "1")


@dataclass(frozen=True, slots=True)
class LostExecutor:
    """An executor that is gone, where it ran (host:port), and why, as Spark tells it."""

    executor: str
    address: str
    reason: str


def open_context(master: str | None) -> tuple["SparkContext", bool]:
    """The context of this process, and whether it was started here; one that was there is left as it is.

    Raises EngineError without pyspark, and for a session that runs slow tasks twice.
    """
    try:
        from pyspark import SparkContext
    except ModuleNotFoundError:
        raise EngineError(
            '[engine] name = "spark" needs pyspark, which is not installed.'
            ' Fix: pip install "crawlcensus[spark]".'
        ) from None
    standing = SparkContext._active_spark_context
    if standing is None:
        return _start_context(master), True
    if (standing.getConf().get("spark.speculation") or "").lower() in _TRUE:
        raise EngineError(
            "Spark is set to run slow tasks twice (spark.speculation), which would fetch everything twice."
            " Fix: set spark.speculation to false."
        )
    return standing, False


def _start_context(master: str | None) -> "SparkContext":
    from pyspark import SparkConf, SparkContext

    # On this machine the executors can run in the very environment that the driver runs in.
    if master is not None and master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Two bars on one terminal would write over each other.
    launching = SparkConf().set("spark.ui.showConsoleProgress", "false")
    if master is not None:
        launching.setMaster(master)
    # Java first: only then are the user's own settings (spark-defaults.conf, spark-submit) known.
    with options_of_java():
        SparkContext._ensure_initialized(conf=launching)
    conf = SparkConf().setAppName(APP_NAME).set("spark.speculation", "false")
    if master is not None:
        conf.setMaster(master)
    for key, value in DEFAULTS.items():
        conf.setIfMissing(key, value)
    return SparkContext(conf=conf)


@contextmanager
def options_of_java() -> Iterator[None]:
    """Java that is started within the block compiles little, unless the user's options say otherwise."""
    name = "SPARK_SUBMIT_OPTS"
    given = os.environ.get(name)
    os.environ[name] = f"{COMPILE_LITTLE} {given or ''}".strip()
    try:
        yield
    finally:
        if given is None:
            del os.environ[name]
        else:
            os.environ[name] = given


def driver_lost() -> tuple[type[Exception], ...]:
    """What a call of Spark raises when its Java is no more; nothing where there is no pyspark to raise it."""
    try:
        from py4j.protocol import Py4JNetworkError
    except ModuleNotFoundError:
        return ()
    return (Py4JNetworkError, ConnectionError)


def stop_context(spark: "SparkContext") -> None:
    """End the session; one whose Java has ended needs no more."""
    with suppress(*driver_lost()):
        spark.stop()


def find_lost(spark: "SparkContext") -> tuple[LostExecutor, ...]:
    """The executors that this session has lost so far, as far as Spark remembers (it does the last 100)."""
    listed = spark._jsc.sc().statusStore().executorList(False)
    found = [listed.apply(i) for i in range(listed.size())]
    return tuple(
        LostExecutor(info.id(), info.hostPort(), reason)
        for info in found
        if not info.isActive() and LET_GO not in (reason := _reason(info))
    )


def _reason(info: "object") -> str:
    reason = info.removeReason()  # type: ignore[attr-defined]  # an object of Java
    return str(reason.get()) if reason.isDefined() else "no reason given"


def check_executors(spark: "SparkContext", context: Context) -> None:
    """EngineError unless the executors have the libraries, and see the output folder and the store."""
    for root in sorted({context.layout.published.root, context.layout.shared.root}):
        is_seen, missing = _ask_executors(spark, root)
        if missing:
            raise EngineError(
                f"the executors' Python lacks {', '.join(missing)}. Fix: install crawlcensus where they run"
                " and set PYSPARK_PYTHON to that Python, or send an environment along (docs/scale.md)."
            )
        if not is_seen:
            raise EngineError(
                f"[output] folder: executors do not see {root}. Fix: name a folder that all of them share"
                " (NFS or the like), or s3://bucket/prefix."
            )


def _ask_executors(spark: "SparkContext", root: str) -> tuple[bool, list[str]]:
    """Whether all see a file that the driver writes, and which libraries one of them lacks.

    Asked of as many tasks as run at a time, by code that needs nothing of ours.
    """
    is_remote = is_bucket(root)
    mark = Path(tempfile.gettempdir() if is_remote else root) / f"{TEMPORARY}{secrets.token_hex(8)}"
    names = (*LIBRARIES, "boto3") if is_remote else LIBRARIES

    def look(_: int) -> tuple[bool, list[str]]:
        from importlib.util import find_spec

        return is_remote or mark.exists(), [name for name in names if find_spec(name) is None]

    mark.touch()
    try:
        n_slots = spark.defaultParallelism
        seen = spark.parallelize(range(n_slots), n_slots).map(look).collect()
    finally:
        mark.unlink()
    return all(is_seen for is_seen, _ in seen), sorted({name for _, missing in seen for name in missing})
