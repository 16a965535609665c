"""The arms of `scale.py`: our stages under an engine, and cc-pyspark's job, each in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
from scale_archive import Archive, add_release
from spark_cluster import SparkCluster

HERE = Path(__file__).parent
STUDY = """\
[study]
name = "scale"
[archive]
root = '{root}'
crawls = {crawls}
mode = "scan"
[declare]
dialects = ["rfc9309"]
[engine]
{engine}
[output]
folder = 'out'
store = '{store}'
"""
PARTITIONS = "16"  # of cc-pyspark's input: eight for a core, as even as our tasks


class ArmFailed(RuntimeError):  # noqa: N818
    """A process of an arm failed, or has not read what it should have; the text is what it said."""


@dataclass(frozen=True)
class Sample:
    """One run of an arm: seconds of the whole process, those after the start of a session, and by stage."""

    n_captures: int
    n_cores: int
    wall_s: float
    steady_s: float
    cpu_s: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """One thing measured."""

    name: str
    title: str
    run: Callable[[], Sample]


@dataclass(frozen=True)
class Ours:
    """Our stages on the archive into an empty folder, with a store of its own."""

    archive: Archive
    folder: Path
    n_cores: int
    master: str | None = None
    store: str = "store"
    stages: str = "capture,declare"

    @property
    def n_before(self) -> int:
        """The captures that are there before the clock starts."""
        return 0

    def run(self) -> Sample:
        """Every capture of the archive read, and every new body declared if that is among the stages."""
        self.prepare()
        started = time.time()
        took = self.take(self.stages)
        n_there, n_read = took["rows"]["captures"], self.n_before + self.archive.n_captures
        if n_there != n_read:
            raise ArmFailed(f"{n_there} captures are there, and not {n_read}")
        return Sample(
            self.archive.n_captures,
            self.n_cores,
            time.time() - started,
            took["ended"] - took["began"],
            took["cpu_s"],
            took["stages"],
        )

    def prepare(self) -> None:
        """An empty folder in which `discover` has listed the files."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._write("workers = 1")
        self.take("discover", None)
        self._write(
            f'name = "spark"\nmaster = "{self.master}"' if self.master else f"workers = {self.n_cores}"
        )

    def take(self, stages: str, master: str | None = "") -> dict[str, Any]:
        """Run stages in a process of its own; what it says of them."""
        master = self.master if master == "" else master
        options = ["--spark", master] if master else []
        command = [
            sys.executable,
            str(HERE / "scale_run.py"),
            str(self.folder / "study.toml"),
            stages,
            *options,
        ]
        # A single worker is to have one core, as each of two has.
        is_single = self.n_cores == 1 and stages == self.stages
        took: dict[str, Any] = json.loads(run_apart(command, is_single).splitlines()[-1])
        return took

    def _write(self, engine: str, root: Path | None = None, crawls: str = '"all"') -> None:
        text = STUDY.format(root=root or self.archive.root, crawls=crawls, engine=engine, store=self.store)
        (self.folder / "study.toml").write_text(text)


@dataclass(frozen=True)
class Later(Ours):
    """Our `capture` of a release that has what the one before it has, which the study has read."""

    stages: str = "capture"

    @property
    def n_before(self) -> int:
        """The later release has as many as the earlier ones."""
        return self.archive.n_captures

    def prepare(self) -> None:
        """The first releases read, and the later one listed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        root, engine = self.folder / "archive", f"workers = {self.n_cores}"
        first = add_release(self.archive, root)
        self._write(engine, root, json.dumps(first))
        self.take("discover,capture", None)
        self._write(engine, root)
        self.take("discover", None)


@dataclass(frozen=True)
class Alone:
    """Some files read by processes that have nothing in common: what the machine's cores give together."""

    archive: Archive
    files: tuple[str, ...]
    n_captures: int
    folder: Path
    n_cores: int

    def run(self) -> Sample:
        """Every capture of the files read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        listed = self.folder / "files.txt"
        listed.write_text("\n".join(self.files))
        script = str(HERE / "scale_alone.py")
        command = [sys.executable, script, str(self.archive.root), str(listed), str(self.n_cores)]
        started = time.time()
        took = json.loads(run_apart(command, self.n_cores == 1))
        if took["captures"] != self.n_captures:
            raise ArmFailed(f"{took['captures']} of {self.n_captures} captures were read")
        steady_s = took["ended"] - took["began"]
        return Sample(self.n_captures, self.n_cores, time.time() - started, steady_s)


@dataclass(frozen=True)
class CcPyspark:
    """cc-pyspark, as it is, with our job for it on some files; `options` are those of the job."""

    archive: Archive
    files: tuple[str, ...]
    n_captures: int
    checkout: Path
    packages: Path | None
    folder: Path
    cluster: SparkCluster
    n_cores: int
    job: str
    options: tuple[str, ...]

    def run(self) -> Sample:
        """One table in Parquet with a row for each capture."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        uris = [f"file://{self.archive.root / name}\n" for name in self.files]
        (self.folder / "input.txt").write_text("".join(uris))
        started = time.time()
        run_apart(self._command(), False, self.packages, self.folder)
        wall_s = time.time() - started
        times = json.loads((self.folder / "times.json").read_text())
        rows = ds.dataset(self.folder / "warehouse" / "captures", format="parquet")
        n_rows = rows.count_rows(ds.field("val", "url").is_valid())
        if n_rows != self.n_captures:
            raise ArmFailed(f"cc-pyspark wrote {n_rows} of {self.n_captures} captures")
        return Sample(n_rows, self.n_cores, wall_s, times["ended"] - times["began"])

    def _command(self) -> list[str]:
        shipped = [
            self.checkout / "sparkcc.py",
            self.checkout / "sparkcc_fastwarc.py",
            HERE / "robots_job.py",
        ]
        conf = {
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.sql.catalogImplementation": "in-memory",
            **({"spark.executorEnv.PYTHONPATH": str(self.packages)} if self.packages else {}),
        }
        return [
            str(self.cluster.home / "bin" / "spark-submit"),
            *("--master", self.cluster.master),
            *(part for key, value in conf.items() for part in ("--conf", f"{key}={value}")),
            *("--py-files", ",".join(map(str, shipped))),
            str(HERE / f"{self.job}.py"),
            *("--log_level", "WARN", "--num_input_partitions", PARTITIONS),
            *("--times", str(self.folder / "times.json")),
            *self.options,
            *(str(self.folder / "input.txt"), "captures"),
        ]


def run_apart(
    command: Sequence[str], is_single: bool = False, packages: Path | None = None, folder: Path | None = None
) -> str:
    """What a process prints; ArmFailed with what it said when it fails. It has one core if it is single."""
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    paths = [str(packages)] if packages else []
    environment["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)} if is_single else cores)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=folder
        )
    finally:
        os.sched_setaffinity(0, cores)
    if done.returncode:
        raise ArmFailed(f"{' '.join(command[:3])} …:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout
