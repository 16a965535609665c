"""Runs stages of a study as `crawlcensus` does, in a process of its own, and says when, as one line of JSON.

    python benchmarks/scale_run.py STUDY STAGE[,STAGE] [--spark MASTER]

With `--spark` the session and its executors' Python are started before the first stage, as in a program that
has a session: so the stages are timed without that start, and the whole process with it.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

WARM_UP = 16  # tasks: enough for every executor to get some


@contextmanager
def session(master: str | None) -> Iterator[None]:
    """A Spark session while the block lasts; none without a master."""
    if master is None:
        yield
        return
    from pipeline.engines.spark_session import open_context

    running, _ = open_context(master)
    try:
        # Spark starts the executors' Python with its first tasks.
        running.parallelize(range(WARM_UP), WARM_UP).map(str).count()
        yield
    finally:
        running.stop()


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Run, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("stages")
    parser.add_argument("--spark", metavar="MASTER")
    arguments = parser.parse_args()
    study = read_study(arguments.study)
    with session(arguments.spark):
        began, cpu = time.time(), cpu_seconds()
        summaries = run_stages(study, [Stage(name) for name in arguments.stages.split(",")])
        ended, cpu = time.time(), cpu_seconds() - cpu
    took = {
        "began": began,
        "ended": ended,
        "cpu_s": cpu,
        "peak_mib": max(summary.peak_memory_mib for summary in summaries),
        "stages": {str(summary.stage): summary.elapsed_s for summary in summaries},
        "rows": {table: n for summary in summaries for table, n in summary.n_rows.items()},
        "tasks": {str(summary.stage): summary.n_tasks for summary in summaries},
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main()
