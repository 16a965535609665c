"""The project's own arms: the stages capture (with its store) and declare, as `crawlcensus run` runs them."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from workload import Workload

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


class Census:
    """One study of the workload in a folder of its own: emptied, or emptied but for the body store."""

    def __init__(
        self, workload: Workload, folder: Path, dialects: Sequence[str] = STRICT, workers: int = 1
    ) -> None:
        self._workload, self._folder = workload, folder
        self._dialects, self._workers = dialects, workers
        self._job: Job | None = None

    def empty(self) -> None:
        """Before a cold run: nothing but the list of files to read."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._open()

    def keep_bodies(self) -> None:
        """Before a run with known digests: every body stored and declared, no capture read."""
        if not (self._folder / "out" / "receipts" / Stage.DECLARE).is_dir():
            self.empty()
            self.run(self._workload.files)
        shutil.rmtree(self._folder / "out" / "receipts" / Stage.CAPTURE)
        shutil.rmtree(self._folder / "out" / "tables" / "captures")
        self._open()

    def run(self, files: Sequence[Path]) -> int:
        """Capture and declare; the number of captures written. All files of the workload are read, always."""
        if self._job is None or len(files) != len(self._workload.files):
            raise ValueError("a study reads all files of its workload, after empty() or keep_bodies()")
        summary = StageSummary(Stage.CAPTURE)
        self._job.capture(summary)
        self._job.declare(StageSummary(Stage.DECLARE))
        return summary.n_rows["captures"]

    def run_on_all_cores(self, files: Sequence[Path]) -> int:
        """The same, not pinned to one core."""
        pinned = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
        if pinned:
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
        n_captures = self.run(files)
        if pinned:
            os.sched_setaffinity(0, pinned)
        return n_captures

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "study.toml"
        dialects = str(list(self._dialects)).replace("'", '"')
        path.write_text(STUDY.format(root=self._workload.root, dialects=dialects, workers=self._workers))
        self._job = Job.open(read_study(path))
        self._job.discover(StageSummary(Stage.DISCOVER))
