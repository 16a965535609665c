"""Runs stages of a study as `crawlcensus` does, in a process of its own, and says when, as one line of JSON.

    python benchmarks/scale_run.py STUDY STAGE[,STAGE] [--spark MASTER]

With `--spark` the session is started before the first stage, as a program that has a session does it: so the
stages are timed without its start, and the whole process with it.
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


@contextmanager
def session(master: str | None) -> Iterator[None]:
    """A Spark session while the block lasts; none without a master."""
    if master is None:
        yield
        return
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("scale").master(master).config("spark.speculation", "false")
    running = builder.getOrCreate()
    try:
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
