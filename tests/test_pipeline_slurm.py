"""The Slurm engine: arrays over what is missing, and the tables of the local engine at the end."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.engines.slices import name_of, read_slice, write_slices
from pipeline.faults import FaultKind, iter_faults
from pipeline.tasks import Stage, Task

DEMO = Path(pipeline.__file__).parent / "demo"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory, clusters: Any, require_all: bool) -> Iterator[Any]:
    """A running controller with one node."""
    missing = clusters.SlurmCluster.find_missing()
    if missing:
        assert not require_all, f"install Debian's packages of Slurm and munge: no {', '.join(missing)}"
        pytest.skip(f"programs that are not on this machine: {', '.join(missing)}")
    with clusters.SlurmCluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


def write_study(folder: Path, engine: str, archive: Path = DEMO / "archive") -> Path:
    file = folder / "study.toml"
    file.write_text(
        f'[study]\nname = "slurm"\n[archive]\nroot = "{archive}"\nmode = "scan"\n'
        f'[sites]\nfile = "{DEMO / "sites.csv"}"\n[engine]\n{engine}\n[output]\nfolder = "out"\n',
        encoding="utf-8",
    )
    return file


def call(verb: str, study: Path, slurm: Any = None) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **(slurm.environment if slurm else {})}
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", verb, str(study)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def receipt_times(study: Path) -> dict[str, int]:
    """When each task's receipt was stored, whether it says that the task is done or is short of something."""
    folder = study.parent / "out" / "receipts"
    return {path.name.partition(".")[0]: path.stat().st_mtime_ns for path in folder.rglob("*.json")}


def make_tasks(n: int) -> list[Task]:
    return [
        Task(Stage.CAPTURE, f"crawl/{i}", "snapshot=x", (f"{i}.gz",), ("1",), (str(i), "8")) for i in range(n)
    ]


def test_slices_hold_every_task_once_and_are_read_as_they_were_written(tmp_path: Path) -> None:
    tasks = make_tasks(11)
    assert write_slices(tmp_path, tasks, 4) == 4
    slices = [read_slice(tmp_path, number) for number in range(4)]
    assert sorted(task.task_id for part in slices for task in part) == sorted(task.task_id for task in tasks)
    assert max(map(len, slices)) - min(map(len, slices)) <= 1
    assert write_slices(tmp_path, tasks[:2], 4) == 2


def test_a_plan_is_named_by_its_tasks_in_whatever_order() -> None:
    tasks = make_tasks(5)
    assert name_of(tasks) == name_of(tasks[::-1])
    assert name_of(tasks) != name_of(tasks[:4])


def test_without_slurm_the_error_names_the_command_and_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study(tmp_path, 'name = "slurm"')
    monkeypatch.setenv("PATH", str(tmp_path))
    done = call("submit", study)
    assert done.returncode == 2
    assert "there is no sbatch on this machine" in done.stderr
    assert "Fix:" in done.stderr


def test_run_and_submit_send_each_other_the_right_way(tmp_path: Path) -> None:
    done = call("run", write_study(tmp_path, 'name = "slurm"'))
    assert done.returncode == 2
    assert "call crawlcensus submit" in done.stderr
    done = call("submit", write_study(tmp_path, 'name = "local"'))
    assert done.returncode == 2
    assert "call crawlcensus run" in done.stderr


def test_work_names_a_slice_that_is_not_there(tmp_path: Path) -> None:
    study = write_study(tmp_path, 'name = "slurm"')
    command = [sys.executable, "-m", "pipeline.cli", "work", str(study), str(tmp_path), "--slice", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "00007.json: there is no such slice" in done.stderr


def test_an_array_with_an_element_that_fails_is_gone_on_with_and_ends_in_the_same_tables(
    tmp_path: Path, slurm: Any, spark_study: Any, local_digests: dict[str, str]
) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(DEMO / "archive", archive)
    lost = sorted(archive.glob("crawl-data/CC-MAIN-2026-08/segments/*/robotstxt/*.warc.gz"))[0]
    lost.rename(tmp_path / "kept.gz")
    study = write_study(tmp_path, 'name = "slurm"\nslices = 2\nworkers = 1', archive)
    done = call("submit", study, slurm)
    assert done.returncode == 0, done.stderr
    assert "as array" in done.stdout
    slurm.wait_for_jobs()

    # The file is asked for twice, by the array and by one for what it left; then the study stops.
    said = [path.read_text() for path in (tmp_path / "out" / "plans").glob("slices-*/logs/after.txt")]
    assert sum("tasks are not complete" in text and lost.name in text for text in said) == 1
    assert not (tmp_path / "out" / "census.duckdb").exists()
    status = call("status", study, slurm).stdout
    assert lost.name in status
    # By the element of the array, and by the job that went on after it: one run, and a file for each.
    logs = sorted((tmp_path / "out" / "faults").iterdir())
    assert len({log.name.partition(".")[0] for log in logs}) == 1
    faults = {log.name.partition(".")[2]: list(iter_faults(log)) for log in logs}
    assert [len(found) for found in faults.values()] == [1, 1]
    assert {fault.kind for found in faults.values() for fault in found} == {FaultKind.TASK_PARTIAL}
    assert {name.partition("-")[0] for name in faults} == {"jsonl", "slices"}
    assert "faults: 2 in the last run: 2 task_partial; see " in status
    before = receipt_times(study)

    (tmp_path / "kept.gz").rename(lost)
    assert call("submit", study, slurm).returncode == 0
    slurm.wait_for_jobs()
    assert (tmp_path / "out" / "report.html").is_file()
    assert spark_study.digests(study) == local_digests
    after = receipt_times(study)
    redone = [name for name, time in before.items() if after[name] != time]
    assert len(redone) == 1, "what was done was done again"
