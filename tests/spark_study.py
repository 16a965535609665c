"""A study of the bundled archive on a cluster: its file, programs that run it, and what comes of it."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import pipeline

DEMO = Path(pipeline.__file__).parent / "demo"
# Runs the stages that Spark has a part in, and no more.
TABLES_ONLY = """
import sys
from pathlib import Path
from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage
run_stages(read_study(Path(sys.argv[1])), (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE))
"""
# All stages of the study but the report, which is made of what the tables hold.
TO_THE_DATASET = """
import sys
from pathlib import Path
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study
study = read_study(Path(sys.argv[1]))
run_stages(study, stages_of(study)[:-1])
"""


def write_study(
    folder: Path,
    engine: str,
    archive: Path = DEMO / "archive",
    name: str = "study.toml",
    output: str = 'folder = "out"',
) -> Path:
    """A study file; whatever the engine, it is the same study."""
    file = folder / name
    file.write_text(
        f'[study]\nname = "spark"\n[archive]\nroot = "{archive}"\nmode = "scan"\n'
        f'[sites]\nfile = "{DEMO / "sites.csv"}"\n[engine]\n{engine}\n[output]\n{output}\n',
        encoding="utf-8",
    )
    return file


def local_digests(factory: pytest.TempPathFactory) -> dict[str, str]:
    """`digests` of what the local engine makes of the study, made once for all processes of one test run."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "local-engine"
    folder.mkdir(exist_ok=True)
    kept = folder / "digests.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            study = write_study(folder, "workers = 1")
            environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
            finish(start(program(TO_THE_DATASET, study), environment))
            kept.write_text(json.dumps(digests(study)), encoding="utf-8")
    found: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def on(master: str) -> str:
    """The section [engine] for a master of Spark."""
    return f'name = "spark"\nmaster = "{master}"'


def start(command: list[str], environment: dict[str, str] | None = None) -> "subprocess.Popen[str]":
    """A process under way."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(process: "subprocess.Popen[str]", status: int = 0) -> str:
    """Wait for the end that is expected; returns what the process has printed."""
    printed, said = process.communicate(timeout=300)
    assert process.returncode == status, said[-3000:]
    return printed


def crawlcensus(verb: str, study: Path) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", verb, str(study)]


def program(text: str, study: Path) -> list[str]:
    """A Python program that is given the study file, as a file, as executors need it."""
    file = study.parent / "program.py"
    file.write_text(text, encoding="utf-8")
    return [sys.executable, str(file), str(study)]


def digests(study: Path) -> dict[str, str]:
    """Every part of every table, and every published table, by its path; not what a killed process left."""
    out = study.parent / "out"
    paths = [*(out / "tables").rglob("part-*.parquet"), *(out / "dataset").glob("*.csv")]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def tables_of(found: dict[str, str]) -> dict[str, str]:
    """The parts alone."""
    return {path: digest for path, digest in found.items() if path.startswith("tables/")}


def faults_of(study: Path) -> list[list[dict[str, Any]]]:
    """What the fault log of each run says, oldest run first."""
    logs = sorted((study.parent / "out" / "faults").glob("*.jsonl"))
    return [[json.loads(line) for line in log.read_text().splitlines()] for log in logs]


def kinds_of(faults: list[dict[str, Any]]) -> Counter[str]:
    return Counter(fault["kind"] for fault in faults)
