"""Drives studies of archives that tests have written: study files, runs, and what came of them."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from analysis import models
from pipeline.execute import StageSummary
from pipeline.job import context_of
from pipeline.parts import read_part
from pipeline.receipts import iter_receipts, iter_short
from pipeline.run import RUNNERS, run_stages
from pipeline.study import Study, read_study
from pipeline.tasks import Receipt, Stage
from snapshots.archive import FolderArchive

FILES = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
MODELS = (*FILES, Stage.LOAD, Stage.ANALYSE)
DATASET = tuple(stage for stage in RUNNERS if stage not in (Stage.PROBE, Stage.URLS, Stage.REPORT))
# What tells of captures and hosts: all that is asked of a study of which no dataset is made.
BASIC = (
    *("snapshot_order", "agent_groups", "outcome_levels", "answers", "host_snapshots", "panel_by_dialect"),
    *("panel", "coverage"),
)


@dataclass
class TargetedStudy:
    """A study of the hosts in `sites` (None: of every host) over the archive at `root`."""

    folder: Path
    sites: Sequence[str] | None = ()
    mode: str = "index"
    root: str = "../archive"
    crawls: tuple[str, ...] | None = None
    archive_keys: str = ""
    store: str = ""
    workers: int = 1

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def file(self) -> Path:
        return self.folder / "study.toml"

    def write(self) -> Path:
        """Write study file and site list; returns the study file's path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mode = self.mode if self.mode in ("scan", "index", "auto") else "auto"
        lines = ['[study]\nname = "targeted"', f'[archive]\nroot = "{self.root}"\nmode = "{mode}"']
        lines += [f"crawls = {json.dumps(self.crawls)}"] if self.crawls else []
        lines += [self.archive_keys, f'[output]\nfolder = "out"\n{self.store}']
        lines += [f"[engine]\nworkers = {self.workers}"]
        if self.sites is not None:
            (self.folder / "sites.csv").write_text("\n".join(["host", *self.sites]) + "\n", encoding="utf-8")
            lines += ['[sites]\nfile = "sites.csv"']
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.file

    def study(self) -> Study:
        """The study; a mode that study files do not name is put in its place."""
        return replace(read_study(self.write()), mode=self.mode)

    def run(self, *stages: Stage, allow_missing: bool = False) -> dict[Stage, StageSummary]:
        """Run stages; without any named, those as far as the models in `BASIC`."""
        with ExitStack() as stack:
            if not stages:
                basic = tuple(model for model in models.MODELS if model.name in BASIC)
                stack.enter_context(patch.object(models, "MODELS", basic))
            summaries = run_stages(self.study(), stages or MODELS, allow_missing)
        return {summary.stage: summary for summary in summaries}

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.out / "census.duckdb"), read_only=True) as con:
            return con.execute(query).fetchall()

    def receipts(self, stage: str) -> list[Receipt]:
        """What is stored of a stage's tasks, done or short, in the order of their ids."""
        layout = context_of(self.study()).layout
        stored = [*iter_receipts(layout, Stage(stage)), *iter_short(layout, Stage(stage))]
        return sorted(stored, key=lambda receipt: receipt.task_id)

    def stored(self) -> list[str]:
        """The digests of all bodies in the store that a receipt vouches for, each as often as it is there."""
        layout = context_of(self.study()).layout
        parts = [
            read_part(layout.shared, output.path)
            for stage in ("store", "fetch")
            for receipt in self.receipts(stage)
            for output in receipt.outputs
        ]
        return sorted(digest for part in parts for digest in part["content_digest"].to_pylist())

    def dataset(self) -> dict[str, bytes]:
        """The bytes of every published table, as CSV."""
        return {path.name: path.read_bytes() for path in sorted((self.out / "dataset").glob("*.csv"))}


@dataclass
class Asked:
    """What was asked of a folder, as `watch` sees it: (kind, path, start, stop)."""

    questions: list[tuple[str, str, int, int]]

    def ranges(self, part: str = "") -> list[tuple[str, int, int]]:
        """The ranges asked of files whose path has `part` in it."""
        return [(p, a, b) for kind, p, a, b in self.questions if kind == "range" and part in p]

    def paths(self, kind: str, part: str = "") -> list[str]:
        """The files of which a kind of question was asked."""
        return [path for k, path, _, _ in self.questions if k == kind and part in path]


def watch(monkeypatch: Any) -> Asked:
    """See every question to an archive in a folder, asked in this process."""
    asked = Asked([])
    read, read_range, read_tail = FolderArchive.read, FolderArchive.read_range, FolderArchive.read_tail

    def see_read(archive: FolderArchive, path: str) -> Any:
        asked.questions.append(("file", path, 0, 0))
        return read(archive, path)

    def see_range(archive: FolderArchive, path: str, start: int, stop: int) -> Any:
        asked.questions.append(("range", path, start, stop))
        return read_range(archive, path, start, stop)

    def see_tail(archive: FolderArchive, path: str, n_bytes: int) -> Any:
        asked.questions.append(("tail", path, 0, n_bytes))
        return read_tail(archive, path, n_bytes)

    for name, see in (("read", see_read), ("read_range", see_range), ("read_tail", see_tail)):
        monkeypatch.setattr(FolderArchive, name, see)
    return asked


def files_below(folder: Path) -> dict[str, str]:
    """Every file below a folder with the digest of its content; nothing where there is no folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
