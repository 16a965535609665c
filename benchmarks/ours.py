"""The project's own arms: the stages capture (with its store) and declare, as `crawlcensus run` runs them.

Every measurement is made in a new process, after its imports: nothing is remembered from the last one.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from measure import Sample, pin_to_one_core, use_all_cores
from profiler import Profile
from workload import Workload

from pipeline.engines.local import LocalEngine
from pipeline.execute import StageSummary
from pipeline.job import Job
from pipeline.study import read_study
from pipeline.tasks import Stage

STUDY = """
[study]
name = "benchmark"
[archive]
root = '{root}'
[declare]
dialects = {dialects}
[engine]
workers = {workers}
[output]
folder = 'out'
"""
STRICT = ("rfc9309",)
Result = TypeVar("Result")


class Census:
    """One study of the workload in a folder of its own: emptied, or emptied but for the body store."""

    def __init__(
        self, workload: Workload, folder: Path, dialects: Sequence[str] = STRICT, workers: int = 1
    ) -> None:
        self._workload, self._folder = workload, folder
        self._dialects, self._workers = dialects, workers

    @property
    def _study(self) -> Path:
        return self._folder / "study.toml"

    def run_cold(self, files: Sequence[Path]) -> Sample:
        """With an empty store, on one core, in CPU seconds."""
        self._empty(files)
        return in_new_process(run_pinned, self._study)

    def run_known(self, files: Sequence[Path]) -> Sample:
        """With every body stored and declared but no capture read, on one core, in CPU seconds."""
        self._forget_captures(files)
        return in_new_process(run_pinned, self._study)

    def run_by_clock(self, files: Sequence[Path]) -> Sample:
        """With an empty store, on as many cores as there are workers, in seconds by the clock on the wall."""
        self._empty(files)
        return in_new_process(run_free, self._study)

    def profile(self, files: Sequence[Path], is_known: bool) -> Profile:
        """The profile of a run, cold or known."""
        (self._forget_captures if is_known else self._empty)(files)
        return in_new_process(profile_pinned, self._study)

    def _empty(self, files: Sequence[Path]) -> None:
        """Nothing but the list of files to read."""
        if len(files) != len(self._workload.files):
            raise ValueError("a study reads all files of its workload")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        dialects = str(list(self._dialects)).replace("'", '"')
        text = STUDY.format(root=self._workload.root, dialects=dialects, workers=self._workers)
        self._study.write_text(text)
        Job.open(read_study(self._study)).discover(StageSummary(Stage.DISCOVER))

    def _forget_captures(self, files: Sequence[Path]) -> None:
        if not (self._folder / "out" / "receipts" / Stage.DECLARE).is_dir():
            self.run_cold(files)
        shutil.rmtree(self._folder / "out" / "receipts" / Stage.CAPTURE)
        shutil.rmtree(self._folder / "out" / "tables" / "captures")


def in_new_process(function: Callable[[Path], Result], study: Path) -> Result:
    """The function's result for a study, from a process that has done nothing else."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, study).result()


def run_pinned(study: Path) -> Sample:
    """Capture and declare on one core: captures written, CPU seconds."""
    pin_to_one_core()
    return run_stages(study, time.process_time)


def run_free(study: Path) -> Sample:
    """Capture and declare on all cores: captures written, seconds by the clock on the wall."""
    use_all_cores()
    return run_stages(study, time.perf_counter)


def profile_pinned(study: Path) -> Profile:
    """The profile of capture and declare on one core."""
    pin_to_one_core()
    profile = Profile()
    with profile.watch():
        run_stages(study, time.process_time)
    return profile


def run_stages(path: Path, clock: Callable[[], float]) -> Sample:
    """Capture and declare with the workers that the study names, their start and end included."""
    study, summary = read_study(path), StageSummary(Stage.CAPTURE)
    started = clock()
    with LocalEngine(study.workers) as engine:
        job = Job.open(study, engine)
        job.capture(summary)
        job.declare(StageSummary(Stage.DECLARE))
    return Sample(summary.n_rows["captures"], clock() - started)
