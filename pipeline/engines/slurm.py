"""The Slurm engine: the tasks that are missing become a job array, and a job after it goes on from there.

Nothing waits: `run_tasks` submits and raises `Submitted`. The job that follows the array calls
`crawlcensus submit` again, which finds what the array has done by its receipts, and plans the rest.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.context import Context
from pipeline.engines.engine import EngineError
from pipeline.engines.local import LocalEngine
from pipeline.engines.slices import name_of, write_slices
from pipeline.faults import FaultKind, FaultLog
from pipeline.layout import write_text_atomic
from pipeline.receipts import read_receipts
from pipeline.run_task import failed_receipt
from pipeline.study import Study
from pipeline.tasks import Receipt, Task

FEW_TASKS = 2
"""So many tasks at most are run where they are planned: an array would wait in the queue for longer."""

NO_RECEIPT = "its array element ended without a receipt (killed, out of memory or out of time; see the log)"


class Submitted(Exception):  # noqa: N818  no error: work goes on elsewhere
    """An array is in the queue: there is nothing to do here until it has ended."""

    def __init__(self, array: str, n_elements: int, n_tasks: int, follower: str) -> None:
        super().__init__(
            f"submitted {n_tasks} tasks as array {array} of {n_elements} elements, and job {follower}"
            " that goes on after it"
        )


class SlurmEngine:
    """Submits tasks to Slurm. `after` names the tasks of the array that has just ended, if there was one.

    Those tasks are not submitted again by the job that follows their array, so that work which cannot
    succeed ends: their receipts come back as they are. Whoever submits the study again has them tried again.
    `run` names the run to all of its jobs, which note in one log what goes wrong.
    """

    def __init__(
        self,
        study: Study,
        after: str = "",
        allow_missing: bool = False,
        run: str = "",
        faults: FaultLog | None = None,
    ) -> None:
        self._study, self._after, self._allow_missing = study, after, allow_missing
        self._run, self._faults = run, faults or FaultLog()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Raise Submitted when an array was submitted; few tasks are run here, and yield their receipts."""
        name = name_of(tasks)
        if name == self._after:
            stored = read_receipts(context.layout, tasks)
            for task in tasks:
                yield stored[task.task_id] or self._miss(task)
        elif len(tasks) <= FEW_TASKS:
            with LocalEngine(self._study.workers, self._faults) as engine:
                yield from engine.run_tasks(context, tasks)
        else:
            raise self._submit(context.layout.plans / f"slices-{name}", name, tasks)

    def _miss(self, task: Task) -> Receipt:
        self._faults.note(FaultKind.ELEMENT_WITHOUT_RECEIPT, NO_RECEIPT, task)
        return failed_receipt(task, NO_RECEIPT)

    def _submit(self, folder: Path, name: str, tasks: Sequence[Task]) -> Submitted:
        self._faults.begin()
        n_elements = write_slices(folder, tasks, self._study.slices)
        logs = folder / "logs"
        logs.mkdir(exist_ok=True)
        array = self._sbatch(
            folder / "array.sh",
            [
                f"--array=0-{n_elements - 1}",
                f"--cpus-per-task={self._study.workers}",
                f"--output={logs}/%a.txt",
            ],
            ["work", str(self._study.path), str(folder), "--run", self._run],
        )
        again = ["--allow-missing"] if self._allow_missing else []
        follower = self._sbatch(
            folder / "after.sh",
            [
                f"--dependency=afterany:{array}",
                f"--cpus-per-task={self._study.workers}",
                f"--output={logs}/after.txt",
            ],
            ["submit", str(self._study.path), "--after", name, "--run", self._run, *again],
        )
        write_text_atomic(self._study.folder / "slurm.txt", f"{array}\n{follower}\n")
        return Submitted(array, n_elements, len(tasks), follower)

    def _sbatch(self, script: Path, options: Sequence[str], verb: Sequence[str]) -> str:
        """Write a job script and submit it; returns the job's id."""
        command = shlex.join([sys.executable, "-m", "pipeline.cli", *verb])
        lines = [
            "#!/bin/bash",
            *(f"#SBATCH {option}" for option in (f"--job-name=census-{self._study.name}", *options)),
            *(f"#SBATCH {option}" for option in self._study.sbatch),
            f"exec {command}",
        ]
        write_text_atomic(script, "\n".join(lines) + "\n")
        return ask_slurm(["sbatch", "--parsable", str(script)]).split(";")[0].strip()


def running_jobs(folder: Path) -> tuple[str, ...]:
    """The jobs of an earlier submission that have not ended; none when there was none."""
    noted = folder / "slurm.txt"
    if not noted.is_file():
        return ()
    alive = set(ask_slurm(["squeue", "--noheader", "--format=%A %F", "--me"]).split())
    return tuple(job for job in noted.read_text(encoding="utf-8").split() if job in alive)


def ask_slurm(command: Sequence[str]) -> str:
    """What one of Slurm's commands prints; EngineError when it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise EngineError(
            f'[engine] name = "slurm": there is no {command[0]} on this machine.'
            " Fix: call crawlcensus where Slurm's commands are, or use another engine."
        ) from None
    if done.returncode:
        raise EngineError(
            f"{shlex.join(command)} failed: {done.stderr.strip()}. Fix: see [engine] sbatch for its options."
        )
    return done.stdout
