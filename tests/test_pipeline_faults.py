"""The fault log: one line for everything that went wrong, and one line of `status` about it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.engines.slices import name_of, write_slices
from pipeline.engines.slurm import NO_RECEIPT, SlurmEngine
from pipeline.faults import Fault, FaultKind, FaultLog, describe_last_run, iter_faults, log_of
from pipeline.job import context_of
from pipeline.study import read_study
from pipeline.tasks import Receipt, Stage, State, Task

DEMO = Path(pipeline.__file__).parent / "demo"
TASK = Task(Stage.CAPTURE, "S/00003", "snapshot=S", ("a.gz",), ("1",))


def receipt(state: State, error: str = "", missing: tuple[str, ...] = ()) -> Receipt:
    return Receipt(TASK.task_id, TASK.stage, TASK.label, TASK.partition, state, missing=missing, error=error)


def test_a_line_says_when_where_what_and_of_which_task(tmp_path: Path) -> None:
    log_of(tmp_path, "20260101T000000-a", "spark").note(FaultKind.ATTEMPT_REPEATED, "attempt 2\nat Foo", TASK)
    (line,) = (tmp_path / "faults" / "20260101T000000-a.jsonl").read_text().splitlines()
    stored = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stored.pop("at"))
    assert stored == {
        "engine": "spark",
        "stage": "capture",
        "task_id": TASK.task_id,
        "label": "S/00003",
        "kind": "attempt_repeated",
        "detail": "attempt 2",
    }


def test_a_receipt_is_a_fault_unless_the_task_is_done(tmp_path: Path) -> None:
    log = FaultLog(tmp_path / "faults" / "x.jsonl")
    for state, error, missing in (
        (State.DONE, "", ()),
        (State.FAILED, "OSError: disk\ntrace", ()),
        (State.PARTIAL, "", ("a.gz", "b.gz")),
    ):
        told = receipt(state, error, missing)
        assert log.note_receipt(told) is told
    found = [(fault.kind, fault.detail) for fault in iter_faults(tmp_path / "faults" / "x.jsonl")]
    assert found == [
        (FaultKind.TASK_FAILED, "OSError: disk"),
        (FaultKind.TASK_PARTIAL, "the archive does not have a.gz, b.gz"),
    ]


def test_a_line_that_a_kill_has_cut_is_left_out_and_those_before_it_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    log = FaultLog(path)
    log.note(FaultKind.EXECUTOR_LOST, "executor 1")
    log.note(FaultKind.EXECUTOR_LOST, "executor 2")
    path.write_bytes(path.read_bytes()[:-9])
    assert [fault.detail for fault in iter_faults(path)] == ["executor 1"]


def test_without_a_path_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = FaultLog()
    log.begin()
    log.note(FaultKind.WORKER_DIED, "killed", TASK)
    assert list(tmp_path.iterdir()) == []


def test_the_last_run_is_told_with_its_elements_and_no_other_run(tmp_path: Path) -> None:
    assert describe_last_run(tmp_path) == ""
    log_of(tmp_path, "20260101T000000-z", "slurm").note(FaultKind.TASK_FAILED, "old", TASK)
    driver = log_of(tmp_path, "20260102T000000-a", "slurm")
    log_of(tmp_path, "20260102T000000-a", "slurm", "slices-0-00003").begin()
    assert len(list((tmp_path / "faults").iterdir())) == 1, "an element without faults has no file"
    driver.begin()
    assert describe_last_run(tmp_path) == "faults: none in the last run, 20260102T000000-a"
    driver.note(FaultKind.ELEMENT_WITHOUT_RECEIPT, "killed", TASK)
    log_of(tmp_path, "20260102T000000-a", "slurm", "slices-0-00001").note(FaultKind.TASK_FAILED, "x", TASK)
    log_of(tmp_path, "20260102T000000-a", "slurm", "slices-0-00002").note(FaultKind.TASK_FAILED, "y", TASK)
    assert describe_last_run(tmp_path) == (
        "faults: 3 in the last run: 2 task_failed, 1 element_without_receipt;"
        f" see {tmp_path}/faults/20260102T000000-a.jsonl"
    )


def write_study(folder: Path, engine: str = "workers = 2") -> Path:
    """A study of one release, in an archive of its own."""
    archive = folder / "archive"
    shutil.copytree(DEMO / "archive", archive)
    file = folder / "study.toml"
    file.write_text(
        f'[study]\nname = "f"\n[archive]\nroot = "{archive}"\nmode = "scan"\ncrawls = ["CC-MAIN-2026-08"]\n'
        f'[sites]\nfile = "{DEMO / "sites.csv"}"\n[engine]\n{engine}\n[output]\nfolder = "out"\n',
        encoding="utf-8",
    )
    return file


def break_file(folder: Path) -> Path:
    """Make a file of the archive a link to itself, which nobody can read; its content goes to kept.gz."""
    files = folder.glob("archive/crawl-data/CC-MAIN-2026-08/segments/*/robotstxt/*.warc.gz")
    broken = sorted(files)[0]
    broken.rename(folder / "kept.gz")
    broken.symlink_to(broken)
    return broken


def call(verb: str, study: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pipeline.cli", verb, str(study)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def faults_of(study: Path) -> list[list[Fault]]:
    """The faults of each run, oldest first."""
    return [list(iter_faults(path)) for path in sorted((study.parent / "out" / "faults").glob("*.jsonl"))]


def test_a_task_that_failed_is_noted_told_by_status_and_gone_after_the_repair(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    assert call("discover", study).returncode == 0
    broken = break_file(tmp_path)
    assert call("capture", study).returncode == 1
    quiet, noted = faults_of(study)
    assert quiet == []
    (fault,) = noted
    assert (fault.engine, fault.stage, fault.kind) == ("local", "capture", FaultKind.TASK_FAILED)
    assert fault.detail.startswith("FileDamaged: crawl-data/CC-MAIN-2026-08/")
    assert "faults: 1 in the last run: 1 task_failed; see " in call("status", study).stdout

    (tmp_path / "kept.gz").rename(broken)
    assert call("capture", study).returncode == 0
    assert faults_of(study)[2] == []
    assert "faults: none in the last run" in call("status", study).stdout
    # Nothing is left to do: a run without tasks is no run to tell of.
    assert call("capture", study).returncode == 0
    assert len(faults_of(study)) == 3


def test_an_element_of_an_array_notes_in_a_file_of_its_own(tmp_path: Path) -> None:
    study = write_study(tmp_path, 'name = "slurm"\nworkers = 1')
    local = read_study(study)
    context = context_of(local)
    task = Task(
        Stage.CAPTURE,
        "CC-MAIN-2026-08/00000",
        "snapshot=CC-MAIN-2026-08",
        (str(break_file(tmp_path).relative_to(tmp_path / "archive")),),
        ("1",),
        ("0", "0"),
    )
    folder = tmp_path / "slices-feed"
    write_slices(folder, [task], 1)
    command = [sys.executable, "-m", "pipeline.cli", "work", str(study), str(folder), "--run", "R"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SLURM_ARRAY_TASK_ID": "0"}
    )
    assert done.returncode == 1, done.stderr
    (fault,) = iter_faults(tmp_path / "out" / "faults" / "R.slices-feed-00000.jsonl")
    assert (fault.engine, fault.kind, fault.task_id) == ("slurm", FaultKind.TASK_FAILED, task.task_id)

    # Another task of the array has left nothing: the job that goes on after it says so.
    lost = Task(Stage.CAPTURE, "lost", "snapshot=S", ("b.gz",), ("1",), ("1", "0"))
    engine = SlurmEngine(local, name_of([task, lost]), run="R", faults=log_of(tmp_path / "out", "R", "slurm"))
    receipts = list(engine.run_tasks(context, [task, lost]))
    assert [receipt.state for receipt in receipts] == [State.FAILED, State.FAILED]
    (told,) = iter_faults(tmp_path / "out" / "faults" / "R.jsonl")
    assert (told.kind, told.label, told.detail) == (FaultKind.ELEMENT_WITHOUT_RECEIPT, "lost", NO_RECEIPT)
