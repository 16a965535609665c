"""The Spark engine on a real cluster: the tables of the local engine, and a lost worker costs only time."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli

TABLES = {"captures", "contents", "bodies", "readings", "rulesets", "signals", "warc_files"}


@pytest.fixture(scope="module")
def expected(local_digests: dict[str, str], spark_study: Any) -> dict[str, str]:
    """What the local engine writes."""
    assert {path.split("/")[1] for path in spark_study.tables_of(local_digests)} == TABLES
    return local_digests


@pytest.fixture(scope="module")
def cluster4(tmp_path_factory: pytest.TempPathFactory, clusters: Any, spark4: Any) -> Iterator[Any]:
    """A running standalone cluster with two workers."""
    with clusters.SparkCluster(tmp_path_factory.mktemp("spark4"), spark4) as running:
        yield running


@pytest.fixture
def cluster35(tmp_path: Path, clusters: Any, spark35: Any) -> Iterator[Any]:
    """The same of Spark 3.5."""
    (tmp_path / "cluster").mkdir()
    with clusters.SparkCluster(tmp_path / "cluster", spark35) as running:
        yield running


class Gates:
    """Files of an archive whose readers wait until they are opened: pipes in the place of files."""

    def __init__(self, files: list[Path]) -> None:
        self._contents = {file: file.read_bytes() for file in files}
        for file in files:
            file.unlink()
            os.mkfifo(file)
        self._pipes: dict[Path, int] = {}

    def are_all_waited_at(self) -> bool:
        """Whether each has a reader by now; once that is so, no reader that comes later is let in."""
        for file in self._contents.keys() - self._pipes.keys():
            # Fails unless somebody has opened the other end, and waits.
            with contextlib.suppress(OSError):
                self._pipes[file] = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
        return len(self._pipes) == len(self._contents)

    def open(self) -> None:
        """Make them files again, and let those who still wait read what is in them."""
        for file, content in self._contents.items():
            whole = file.with_suffix(".whole")
            whole.write_bytes(content)
            whole.replace(file)
            os.set_blocking(self._pipes[file], True)
            with open(self._pipes[file], "wb") as pipe, contextlib.suppress(BrokenPipeError):  # noqa: PTH123
                pipe.write(content)
                pipe.flush()


def lose_a_worker(folder: Path, tools: tuple[Any, Any], cluster: Any, spark: Any) -> Path:
    """A study whose tables were made while one of two workers was killed, each within a task."""
    spark_study, clusters = tools
    study = prepare(folder, spark_study, cluster)
    warcs = sorted((folder / "archive").glob("crawl-data/CC-MAIN-2026-08/segments/*/robotstxt/*.warc.gz"))
    gates = Gates([warcs[0], warcs[-1]])
    command = spark_study.program(spark_study.TABLES_ONLY, study)
    with spark_study.start(command, spark.environment) as running:
        try:
            clusters.wait_until(gates.are_all_waited_at, "both workers within a task", 240)
            cluster.kill_worker(0)
            gates.open()
            spark_study.finish(running)
        finally:
            # Whoever waits at a gate would wait for ever, and hold the cluster.
            running.kill()
    return study


def prepare(folder: Path, spark_study: Any, cluster: Any) -> Path:
    """A study of an archive of its own on the cluster; its releases are listed already."""
    archive = folder / "archive"
    shutil.copytree(spark_study.DEMO / "archive", archive)
    local = spark_study.write_study(folder, "workers = 1", archive, "local.toml")
    assert cli.main(["discover", str(local)]) == 0
    # The log of a run that may begin in the same second as the next, and would not stand before its log then.
    shutil.rmtree(folder / "out" / "faults")
    study: Path = spark_study.write_study(folder, spark_study.on(cluster.master), archive)
    return study


def check_loss(faults: list[dict[str, Any]], spark_study: Any) -> None:
    """The log tells of the executor and of the task that was under way on it, and of nothing else."""
    kinds = spark_study.kinds_of(faults)
    assert kinds["executor_lost"] == 1
    # The Python of a lost executor may live on for a while, and be done with its task first.
    repeated = [fault for fault in faults if fault["kind"] in ("attempt_repeated", "receipt_found")]
    assert repeated
    assert kinds.total() == 1 + len(repeated)
    assert {(fault["engine"], fault["stage"]) for fault in repeated} == {("spark", "capture")}
    assert all(fault["detail"].startswith("attempt 2, on ") for fault in repeated)


def test_a_worker_that_is_killed_costs_nothing_but_time(
    tmp_path: Path, spark_study: Any, clusters: Any, spark4: Any, cluster4: Any, expected: dict[str, str]
) -> None:
    study = lose_a_worker(tmp_path, (spark_study, clusters), cluster4, spark4)
    faults = spark_study.faults_of(study)[-1]
    check_loss(faults, spark_study)
    assert spark_study.digests(study) == spark_study.tables_of(expected)
    # Status 1: the stages after the tables are left.
    status = spark_study.finish(spark_study.start(spark_study.crawlcensus("status", study)), 1)
    assert f"faults: {len(faults)} in the last run: 1 executor_lost, " in status


def test_under_spark_35_too(
    tmp_path: Path, spark_study: Any, clusters: Any, spark35: Any, cluster35: Any, expected: dict[str, str]
) -> None:
    assert spark35.version.startswith("3.5.")
    study = lose_a_worker(tmp_path, (spark_study, clusters), cluster35, spark35)
    check_loss(spark_study.faults_of(study)[-1], spark_study)
    assert spark_study.digests(study) == spark_study.tables_of(expected)


def test_spark_submit_takes_the_command_by_a_name_that_it_knows(
    tmp_path: Path, spark_study: Any, spark4: Any, cluster4: Any, expected: dict[str, str]
) -> None:
    study = spark_study.write_study(tmp_path, 'name = "spark"')
    command = tmp_path / "crawlcensus.py"
    shutil.copy(Path(sys.executable).with_name("crawlcensus"), command)
    submit = [str(spark4.home / "bin" / "spark-submit"), "--master", cluster4.master, str(command)]
    printed = spark_study.finish(spark_study.start([*submit, "run", str(study)], spark4.environment))
    assert f"report    {tmp_path}/out/report.html" in printed
    assert "Registering app crawlcensus" in cluster4.log("master")
    assert spark_study.digests(study) == expected
    assert spark_study.faults_of(study) == [[]]
