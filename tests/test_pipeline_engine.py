"""The local engine: a receipt for every task, whatever happens to the process that runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.context import Context
from pipeline.engines import local
from pipeline.engines.local import LocalEngine
from pipeline.execute import Executor, StageSummary
from pipeline.faults import FaultKind, FaultLog, iter_faults
from pipeline.progress import show_progress
from pipeline.receipts import FOLD_FROM, write_receipt
from pipeline.run_task import run_task
from pipeline.tasks import Receipt, Stage, State, Task

# Stands in for run_task in the workers: the label says what happens to the process.
FAKE = """
import os, signal, time
from pathlib import Path
from pipeline.tasks import Receipt, State

def run_task(context, task):
    what = task.label.split()[0]
    if what == "die":
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "sleep":
        (context.folder / f"{os.getpid()}.pid").write_text(str(os.getppid()))
        time.sleep(60)
    if what == "slow":
        time.sleep(0.2)
    pid = {"pid": os.getpid()}
    return Receipt(task.task_id, task.stage, task.label, task.partition, State.DONE, counts=pid)
"""
# A run that is killed while its workers are busy.
PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import fake_tasks
from pipeline.context import Context
from pipeline.engines import local
from pipeline.tasks import Stage, Task
if __name__ == "__main__":
    local.run_task = fake_tasks.run_task
    tasks = [Task(Stage.STORE, f"sleep {n}", "", (str(n),), ()) for n in range(4)]
    with local.LocalEngine(2) as engine:
        list(engine.run_tasks(Context(Path(sys.argv[1]), "archive"), tasks))
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """Workers that do as the labels of their tasks say."""
    (tmp_path / "fake_tasks.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("fake_tasks", None)
    module = __import__("fake_tasks")
    monkeypatch.setattr(local, "run_task", module.run_task)
    yield Context(tmp_path, "archive")
    sys.modules.pop("fake_tasks", None)


def make_tasks(*labels: str) -> list[Task]:
    return [
        Task(Stage.STORE, f"{label} {number}", "", (str(number),), ()) for number, label in enumerate(labels)
    ]


def wait_for(happens: Callable[[], bool], at_most_s: float = 30) -> None:
    deadline = time.monotonic() + at_most_s
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def states(receipts: list[Receipt]) -> dict[str, State]:
    return {receipt.label: receipt.state for receipt in receipts}


def test_every_task_has_one_receipt_and_the_same_ones_under_any_number_of_workers(fake: Context) -> None:
    tasks = make_tasks(*["slow", "quick", "quick"] * 3)
    for workers in (1, 2):
        with LocalEngine(workers) as engine:
            receipts = list(engine.run_tasks(fake, tasks))
        assert sorted(receipt.task_id for receipt in receipts) == sorted(task.task_id for task in tasks)
        assert set(states(receipts).values()) == {State.DONE}
        is_here = {receipt.counts["pid"] == os.getpid() for receipt in receipts}
        assert is_here == {workers == 1}


def test_no_tasks_start_no_process(fake: Context) -> None:
    with LocalEngine(2) as engine:
        assert list(engine.run_tasks(fake, [])) == []
        assert engine._pool is None


def test_workers_are_kept_from_one_plan_to_the_next(fake: Context) -> None:
    with LocalEngine(2) as engine:
        pids = [
            {receipt.counts["pid"] for receipt in engine.run_tasks(fake, make_tasks(*["slow"] * 4))}
            for _ in range(2)
        ]
    assert len(pids[0] | pids[1]) <= 2


def test_a_worker_that_dies_fails_what_was_under_way_and_nothing_else(fake: Context) -> None:
    tasks = make_tasks("quick", "slow", "die", "quick", "slow", "quick", "slow", "die", "slow", "quick")
    with LocalEngine(2, FaultLog(fake.folder / "faults.jsonl")) as engine:
        receipts = list(engine.run_tasks(fake, tasks))
    assert sorted(receipt.label for receipt in receipts) == sorted(task.label for task in tasks)
    failed = {receipt.label: receipt.error for receipt in receipts if receipt.state is State.FAILED}
    assert {"die 2", "die 7"} <= set(failed)
    assert len(failed) <= 4, "at most one task a worker goes with each that dies"
    assert set(failed.values()) == {"the worker process died (out of memory or killed)"}
    faults = list(iter_faults(fake.folder / "faults.jsonl"))
    assert {fault.label for fault in faults} == set(failed)
    assert {fault.kind for fault in faults} == {FaultKind.WORKER_DIED}


def test_a_plan_whose_every_task_kills_its_worker_ends(fake: Context) -> None:
    with LocalEngine(2) as engine:
        receipts = list(engine.run_tasks(fake, make_tasks("die", "die", "die")))
    assert set(states(receipts).values()) == {State.FAILED}
    assert len(receipts) == 3


def test_a_worker_that_died_between_two_plans_costs_nothing(fake: Context) -> None:
    with LocalEngine(2) as engine:
        first = list(engine.run_tasks(fake, make_tasks("slow", "slow")))
        os.kill(first[0].counts["pid"], signal.SIGKILL)
        wait_for(lambda: bool(engine._pool and engine._pool._broken))
        second = list(engine.run_tasks(fake, make_tasks("quick", "quick", "quick")))
    assert set(states(second).values()) == {State.DONE}
    assert len(second) == 3


def test_a_task_that_raises_gives_a_failed_receipt_with_the_text(tmp_path: Path) -> None:
    tasks = [Task(Stage.DISCOVER, f"S{n}", f"snapshot=S{n}", (f"S{n}",), ("1",), ("all",)) for n in range(2)]
    (tmp_path / "archive").mkdir()
    context = Context(tmp_path / "out", str(tmp_path / "archive"))
    with LocalEngine(2) as engine:
        receipts = sorted(engine.run_tasks(context, tasks), key=lambda receipt: receipt.label)
    assert [receipt.error.splitlines()[0] for receipt in receipts] == [
        f"FileMissing: crawl-data/S{n}/robotstxt.paths.gz: no such file in {tmp_path / 'archive'}"
        for n in range(2)
    ]
    folder = tmp_path / "out" / "receipts" / "discover"
    stored = {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")}
    assert stored == {f"{task.partition}/{task.task_id}.short.json" for task in tasks}


def test_receipts_of_tasks_that_others_have_done_are_folded_too(tmp_path: Path) -> None:
    """As after an array of Slurm, or a run that was killed: nothing is left to do but to fold."""
    context, tasks = Context(tmp_path, "archive"), make_tasks(*["done"] * FOLD_FROM)
    for task in tasks:
        write_receipt(context.layout, Receipt(task.task_id, task.stage, task.label, "", State.DONE))
    folder = tmp_path / "receipts" / "store"
    assert len(list(folder.rglob("*.json"))) == len(tasks)
    with LocalEngine(1) as engine, show_progress(Stage.STORE, len(tasks)) as progress:
        ended = Executor(context, engine).execute(tasks, StageSummary(Stage.STORE), progress)
    assert [receipt.task_id for receipt in ended] == [task.task_id for task in tasks]
    (fold,) = (path for path in folder.rglob("*") if path.is_file())
    assert fold.suffix == ".parquet"


def test_an_interrupt_is_not_taken_for_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> Receipt:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules["pipeline.run_task"]._RUNNERS, Stage.DISCOVER, interrupt)
    (task,) = [Task(Stage.DISCOVER, "S", "snapshot=S", ("S",), ("1",), ("all",))]
    with pytest.raises(KeyboardInterrupt):
        run_task(Context(tmp_path, "archive"), task)
    assert not (tmp_path / "receipts").exists()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_workers_end_when_the_run_is_killed(tmp_path: Path) -> None:
    (tmp_path / "fake_tasks.py").write_text(FAKE, encoding="utf-8")
    (tmp_path / "parent.py").write_text(PARENT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path)]
    parent = subprocess.Popen(command, env=environment)
    wait_for(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert all(map(is_running, pids))
    parent.kill()
    parent.wait()
    wait_for(lambda: not any(map(is_running, pids)))
