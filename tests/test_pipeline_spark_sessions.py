"""The Spark engine by whatever way it is started, and what it does with tasks that fail or kill."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.shipping import ROOMS, pack_rooms

# A program that has a session of its own, and goes on with it.
OWN_SESSION = """
import os, sys
from pathlib import Path
from pyspark.sql import SparkSession
from pipeline.execute import TasksMissingError
from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

session = SparkSession.builder.master("local[2]").appName("mine").getOrCreate()
study, stages = read_study(Path(sys.argv[1])), (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
run_stages(study, stages[:1])
broken = sorted(Path(study.archive_root).glob("crawl-data/CC-MAIN-2026-08/segments/*/robotstxt/*.warc.gz"))[0]
kept = broken.with_suffix(".kept")
broken.rename(kept)
broken.symlink_to(broken)
try:
    run_stages(study, stages)
except TasksMissingError as error:
    print("missing", str(error).count("FileDamaged"))
kept.replace(broken)

def find_receipts():
    files = (study.folder / "receipts" / "capture").rglob("*.json")
    return {(file.name.partition(".")[0], file.stat().st_mtime_ns) for file in files}

before = find_receipts()
run_stages(study, stages)
print("again", *{task for task, _ in find_receipts() - before})
print("alive", session.range(5).count(), session.sparkContext.appName)
print("speculation", session.conf.get("spark.speculation", "unset"))
"""
# Two tasks that end their process: one always, before anything; one once, when its receipt is stored.
KILLERS = """
import dataclasses, json, os, signal, sys
from pathlib import Path
from pipeline.context import Context
from pipeline.engines.spark import SparkEngine
from pipeline.faults import log_of
from pipeline.job import context_of
from pipeline.study import read_study
from pipeline.tasks import Stage, Task

class Killing(Context):
    def open_archive(self, task_id=None):
        if task_id == ALWAYS:
            os.kill(os.getpid(), signal.SIGKILL)
        return Context.open_archive(self, task_id)

    def discard_spool(self, task_id):
        mark = self.folder / "killed"
        if task_id == ONCE and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

study = read_study(Path(sys.argv[1]))
archive = Path(study.archive_root)
paths = sorted(archive.glob("crawl-data/**/robotstxt/*.gz"))
files = [path.relative_to(archive).as_posix() for path in paths]
tasks = [
    Task(Stage.CAPTURE, file, f"snapshot={file.split('/')[1]}", (file,), ("1",), ("0", "0")) for file in files
]
ALWAYS, ONCE = tasks[5].task_id, tasks[-1].task_id
context = context_of(study)
context = Killing(**{field.name: getattr(context, field.name) for field in dataclasses.fields(Context)})
with SparkEngine(study.master, log_of(study.folder, "run", "spark")) as engine:
    states = {receipt.task_id: receipt.state for receipt in engine.run_tasks(context, tasks)}
print(json.dumps({"states": states, "always": ALWAYS, "once": ONCE, "n": len(tasks)}))
"""
# And one that ends the driver's Java: on one machine that is what the executor's Python comes of.
DRIVER_KILLER = """
from pipeline.engines.engine import EngineLostError

class KillingDriver(Context):
    def open_archive(self, task_id=None):
        daemon = Path(f"/proc/{os.getppid()}/stat").read_text()
        os.kill(int(daemon.rpartition(")")[2].split()[1]), signal.SIGKILL)

out = Path(sys.argv[1]).parent / "lost" / "out"
tasks = [Task(Stage.CAPTURE, str(n), "snapshot=S", (f"{n}.gz",), ("1",), ("0", "0")) for n in range(40)]
try:
    with SparkEngine("local[2]", log_of(out, "run", "spark")) as engine:
        print(list(engine.run_tasks(KillingDriver(out, "nowhere"), tasks)))
except EngineLostError as error:
    print(error)
"""
KINDS = ("receipt_found", "task_failed", "job_given_up")


@pytest.fixture(scope="module")
def expected(local_digests: dict[str, str], spark_study: Any) -> dict[str, str]:
    """The tables as the local engine writes them."""
    found: dict[str, str] = spark_study.tables_of(local_digests)
    return found


def test_what_is_shipped_is_what_the_wheel_holds(tmp_path: Path) -> None:
    package = tmp_path / "crawlcensus.zip"
    pack_rooms(package)
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(ROOMS)
    assert {"consent/agents.csv", "consent/markers.toml", "analysis/sql/panel.sql"} <= names
    other = tmp_path / "again.zip"
    pack_rooms(other)
    assert package.read_bytes() == other.read_bytes()


def test_the_shipped_code_runs_from_the_archive_alone(tmp_path: Path) -> None:
    package = tmp_path / "crawlcensus.zip"
    pack_rooms(package)
    code = (
        "from consent.agents import read_registry; from consent.markers import find_marker;"
        "from pipeline.context import code_version; import consent, pipeline;"
        "find_marker(403, b'', b'Just a moment...');"
        "print(len(read_registry().agents), code_version(), '.zip' in consent.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    n_agents, _, is_zipped = done.stdout.split()
    assert int(n_agents) > 60
    assert is_zipped == "True"


@pytest.mark.parametrize("version", ["spark4", "spark35"])
def test_a_session_that_is_there_is_used_and_left_and_a_task_that_failed_is_tried_by_the_next_run_alone(
    version: str, tmp_path: Path, spark_study: Any, expected: dict[str, str], request: pytest.FixtureRequest
) -> None:
    spark = request.getfixturevalue(version)
    shutil.copytree(spark_study.DEMO / "archive", tmp_path / "archive")
    study = spark_study.write_study(tmp_path, 'name = "spark"', tmp_path / "archive")
    printed = spark_study.finish(
        spark_study.start(spark_study.program(OWN_SESSION, study), spark.environment)
    )
    quiet, failed, repaired = spark_study.faults_of(study)
    assert quiet == repaired == []
    # Once: it was not Spark that tried it again.
    assert spark_study.kinds_of(failed) == {"task_failed": 1}
    assert printed.splitlines() == [
        "missing 1",
        f"again {failed[0]['task_id']}",
        "alive 5 mine",
        "speculation unset",
    ]
    assert spark_study.digests(study) == expected


def in_bucket(s3_server: Any, prefix: str) -> dict[str, str]:
    """Every part of every table below a prefix, by its path."""
    pages = s3_server.client.get_paginator("list_objects_v2").paginate(Bucket="census", Prefix=prefix)
    parts = {}
    for item in (item for page in pages for item in page["Contents"]):
        if item["Key"].startswith(f"{prefix}/tables/"):
            body = s3_server.client.get_object(Bucket="census", Key=item["Key"])["Body"].read()
            parts[item["Key"].removeprefix(f"{prefix}/")] = hashlib.sha256(body).hexdigest()
    return parts


def test_a_local_cluster_is_a_master_that_is_passed_on_and_its_output_may_be_a_bucket(
    tmp_path: Path, spark_study: Any, spark4: Any, s3_server: Any, expected: dict[str, str]
) -> None:
    # Its workers write below Spark's home, and that of the environment stays as it is.
    home = tmp_path / "home"
    home.mkdir()
    for path in spark4.home.iterdir():
        if path.name != "work":
            (home / path.name).symlink_to(path)
    s3_server.put("census", "beside.txt", b"of others")
    engine = spark_study.on("local-cluster[2,1,1024]")
    study = spark_study.write_study(tmp_path, engine, output='folder = "s3://census/spark"\nwork = "out"')
    keys = {name.upper(): value for name, value in s3_server.keys.items() if "key" in name}
    environment = {**spark4.environment, **keys, "AWS_ENDPOINT_URL": s3_server.address}
    environment["SPARK_HOME"] = str(home)
    spark_study.finish(spark_study.start(spark_study.program(spark_study.TABLES_ONLY, study), environment))
    (application,) = (home / "work").iterdir()
    assert {path.name for path in application.iterdir()} == {"0", "1"}, "two executors"
    assert in_bucket(s3_server, "spark") == expected
    assert spark_study.faults_of(study) == [[]]


@pytest.fixture(scope="module")
def killed(
    tmp_path_factory: pytest.TempPathFactory, spark_study: Any, spark4: Any
) -> tuple[Path, dict[str, Any], str]:
    """A study some of whose tasks killed: its file, what came of its tasks, and the last words of the driver.

    The driver's Java serves the tasks first that kill their own process, and then those that kill it.
    """
    folder = tmp_path_factory.mktemp("killed")
    (folder / "lost" / "out").mkdir(parents=True)
    study = spark_study.write_study(folder, spark_study.on("local[2,2]"))
    command = spark_study.program(KILLERS + DRIVER_KILLER, study)
    told, words = spark_study.finish(spark_study.start(command, spark4.environment)).splitlines()
    return study, json.loads(told), words


def test_a_task_that_kills_its_process_fails_alone_and_one_that_was_done_is_not_done_again(
    killed: tuple[Path, dict[str, Any], str], spark_study: Any
) -> None:
    study, told, _ = killed
    assert len(told["states"]) == told["n"] > 16
    assert [task for task, state in told["states"].items() if state != "done"] == [told["always"]]
    (faults,) = [faults for faults in spark_study.faults_of(study) if faults]
    tasks = {kind: [fault["task_id"] for fault in faults if fault["kind"] == kind] for kind in KINDS}
    assert tasks["receipt_found"] == [told["once"]]
    assert tasks["task_failed"] == [told["always"]]
    # Halved until the task was alone: a job of 16, and 8, 4, 2, 1 of those that were left at most.
    assert 1 <= len(tasks["job_given_up"]) <= 5


def test_a_process_may_use_one_engine_after_another(killed: tuple[Path, dict[str, Any], str]) -> None:
    _, told, words = killed
    assert told["states"]
    assert words


def test_a_driver_whose_java_ends_says_so_and_what_to_do(
    killed: tuple[Path, dict[str, Any], str], spark_study: Any
) -> None:
    study, _, words = killed
    assert words.startswith("Spark's driver has ended (its Java was killed")
    assert "Fix: run again" in words
    ((fault,),) = spark_study.faults_of(study.parent / "lost" / "study.toml")
    assert (fault["kind"], fault["detail"]) == ("job_given_up", words)


def test_the_benchmark_of_the_driver_runs_every_task(spark4: Any) -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "spark_driver.py"
    command = [sys.executable, str(script), "20", "--master", "local[2]"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=spark4.environment)
    told = json.loads(done.stdout)
    assert told["tasks"] == 20
    assert 0 < told["java_live_mib"] < told["java_mib"]
    assert 0 < told["python_mib"] <= told["python_peak_mib"]


def test_a_missing_package_on_the_executors_is_named(tmp_path: Path, spark_study: Any, spark4: Any) -> None:
    study = spark_study.write_study(tmp_path, spark_study.on("local[2]"))
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    environment = {**spark4.environment, "PYSPARK_PYTHON": str(bare / "bin" / "python")}
    # A folder of packages on the path would be the executors' too.
    del environment["PYTHONPATH"]
    process = spark_study.start(spark_study.crawlcensus("run", study), environment)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 2
    assert "the executors' Python lacks" in said
    assert "pyarrow" in said
