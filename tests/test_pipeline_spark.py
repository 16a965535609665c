"""The Spark engine: the same tables as under the local engine, and a lost worker costs nothing but time."""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.engines.shipping import ROOMS, pack_rooms

DEMO = Path(pipeline.__file__).parent / "demo"
TABLES = ("captures", "contents", "bodies", "readings", "rulesets", "signals", "warc_files")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory, clusters: Any, require_all: bool) -> Iterator[Any]:
    """A running standalone cluster with two workers."""
    if find_spec("pyspark") is None or not clusters.is_java_there():
        assert not require_all, "pyspark and a Java of version 17 or newer must be installed"
        pytest.skip("pyspark or Java is not on this machine")
    with clusters.SparkCluster(tmp_path_factory.mktemp("spark")) as running:
        yield running


def write_study(folder: Path, engine: str) -> Path:
    """A study of the bundled archive, whole, under an engine."""
    file = folder / "study.toml"
    file.write_text(
        f'[study]\nname = "spark"\n[archive]\nroot = "{DEMO / "archive"}"\nmode = "scan"\n'
        f'[sites]\nfile = "{DEMO / "sites.csv"}"\n{engine}\n[output]\nfolder = "out"\n',
        encoding="utf-8",
    )
    return file


def start(study: Path, python: str = sys.executable) -> "subprocess.Popen[str]":
    """`crawlcensus run study.toml` under way; executors use the Python given."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "run", str(study)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": sys.executable},
    )


def run(study: Path) -> str:
    """Run it to its good end; returns what it said."""
    process = start(study)
    _, said = process.communicate(timeout=400)
    assert process.returncode == 0, said[-2000:]
    return said


def digests(study: Path) -> dict[str, str]:
    """Every part of every table, and every published table, by its path."""
    out = study.parent / "out"
    paths = [*(out / "tables").rglob("*.parquet"), *(out / "dataset").glob("*.csv")]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the local engine writes."""
    study = write_study(tmp_path_factory.mktemp("local"), "[engine]\nworkers = 1")
    run(study)
    return digests(study)


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


def test_tables_are_those_of_the_local_engine_byte_for_byte(
    tmp_path: Path, spark: Any, expected: dict[str, str]
) -> None:
    study = write_study(tmp_path, f'[engine]\nname = "spark"\nmaster = "{spark.master}"')
    run(study)
    found = digests(study)
    assert {f"{part[1]}" for path in found if (part := path.split("/"))[0] == "tables"} == set(TABLES)
    assert found == expected


def test_a_worker_that_is_killed_costs_nothing_but_time(
    tmp_path: Path, spark: Any, expected: dict[str, str]
) -> None:
    study = write_study(tmp_path, f'[engine]\nname = "spark"\nmaster = "{spark.master}"')
    running = start(study)
    receipts = tmp_path / "out" / "receipts" / "capture"
    deadline = time.monotonic() + 200
    while not receipts.is_dir() or not any(receipts.glob("*.json")):
        assert time.monotonic() < deadline, "no task ended"
        time.sleep(0.02)
    spark.kill_worker(0)
    _, said = running.communicate(timeout=400)
    spark.add_worker(len(spark.workers))
    assert running.returncode == 0, said[-2000:]
    assert "Lost executor" in said
    assert digests(study) == expected


def test_a_missing_package_on_the_executors_is_named(tmp_path: Path, spark: Any) -> None:
    study = write_study(tmp_path, f'[engine]\nname = "spark"\nmaster = "{spark.master}"')
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    process = start(study, str(bare / "bin" / "python"))
    _, said = process.communicate(timeout=240)
    assert process.returncode == 2
    assert "the executors' Python lacks" in said
    assert "pyarrow" in said
