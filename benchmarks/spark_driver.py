"""The driver's memory under Spark, by the number of tasks: what travels to it must not add up.

Runs plans of tasks that fail at once, whose receipts are the largest there are, on a local cluster of two
executors, each plan in a driver of its own. Prints what the driver's Python and its Java hold at the end.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.context import Context
from pipeline.engines.spark import SparkEngine
from pipeline.tasks import Stage, Task
from snapshots.archive import Archive, FileMissing

MASTER = "local-cluster[2,1,1024]"


class Failing(Context):
    """Has no archive."""

    def open_archive(self, task_id: str | None = None) -> Archive:
        raise FileMissing(f"{task_id}: no such file")


def measure(master: str, n_tasks: int, folder: Path) -> dict[str, float]:
    """Run a plan and look at this process and at its Java, in MiB, and how long it took, in seconds."""
    from pyspark import SparkContext

    # A thousand tasks to a release, as Common Crawl's have.
    tasks = [
        Task(Stage.CAPTURE, str(n), f"snapshot=S{n // 1000}", (f"{n}.gz",), ("1",), (str(n), "0"))
        for n in range(n_tasks)
    ]
    context, started = Failing(folder, "nowhere"), time.monotonic()
    with SparkEngine(master) as engine:
        n_ended = sum(receipt.state == "failed" for receipt in engine.run_tasks(context, tasks))
        elapsed_s = time.monotonic() - started
        java = SparkContext._gateway.proc.pid
        gc.collect()
        runtime = SparkContext._jvm.java.lang.Runtime.getRuntime()
        runtime.gc()
        return {
            "tasks": n_ended,
            "seconds": round(elapsed_s, 1),
            "python_mib": resident_mib(os.getpid()),
            "python_peak_mib": resident_mib(os.getpid(), "VmHWM"),
            "java_mib": resident_mib(java),
            "java_live_mib": round((runtime.totalMemory() - runtime.freeMemory()) / (1 << 20)),
        }


def resident_mib(pid: int, what: str = "VmRSS") -> float:
    """What a process holds in memory (`VmHWM`: held at most), MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{what}:"):
            return round(int(line.split()[1]) / 1024)
    raise LookupError(f"/proc/{pid}/status has no {what}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("n_tasks", type=int, nargs="*", default=[2_000, 20_000], help="sizes of plans")
    parser.add_argument("--folder", type=Path, help="where the receipts go for a while")
    parser.add_argument("--master", default=MASTER, help=f"default: {MASTER}")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            print(json.dumps(measure(options.master, options.n_tasks[0], Path(folder))))
        return
    with tempfile.TemporaryDirectory(prefix="spark-home-") as home:
        environment = {**os.environ, "SPARK_HOME": link_home(Path(home))}
        for n_tasks in options.n_tasks:
            command = [sys.executable, __file__, "--one", str(n_tasks), "--master", options.master]
            command += ["--folder", str(options.folder)] if options.folder else []
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            print(done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr[-2000:], flush=True)


def link_home(folder: Path) -> str:
    """A home of Spark whose workers write there, and not into the package that it is made of."""
    from importlib.util import find_spec

    spec = find_spec("pyspark")
    assert spec is not None and spec.origin is not None, "pip install pyspark"  # noqa: PT018
    for path in Path(spec.origin).parent.iterdir():
        if path.name != "work":
            (folder / path.name).symlink_to(path)
    return str(folder)


if __name__ == "__main__":
    main()
