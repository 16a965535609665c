"""A run that is killed anywhere and started again gives the bytes of an undisturbed one."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import main

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "pipeline" / "demo"
CRAWLS = '["CC-MAIN-2023-40", "CC-MAIN-2026-08"]'
TEMPORARY = (".tmp-*", ".dataset.*", "staging", "*.wal")

# Runs a study in child processes that are killed, and again until one comes to its end; prints how many died.
# "publications": child n is killed at its n-th rename, link or removal, in turn before and after it.
# "moments": child n is killed after n tenths of a second; the last one is not.
DRIVER = """
import itertools, os, shutil, signal, sys, traceback
from pathlib import Path
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study
from pipeline.tasks import Stage

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def is_vain(name, path):
    # A draft that was renamed, or a folder that is not empty: removing these is no moment of its own.
    gone = name == "unlink" and not path.exists()
    return gone or name == "rmdir" and (not path.is_dir() or any(path.iterdir()))

def die_at(n):
    calls = itertools.count(1)
    def wrap(function):
        def counted(*args, **kwargs):
            if is_vain(function.__name__, args[0]):
                return function(*args, **kwargs)
            is_last = next(calls) == n
            if is_last and n % 2:
                die()
            result = function(*args, **kwargs)
            if is_last:
                die()
            return result
        return counted
    for name in ("replace", "rename", "unlink", "rmdir"):
        setattr(Path, name, wrap(getattr(Path, name)))
    os.link, shutil.rmtree = wrap(os.link), wrap(shutil.rmtree)

def child(n):
    if sys.argv[2] == "publications":
        die_at(n)
    elif n < 20:
        signal.setitimer(signal.ITIMER_REAL, n / 10)
    study = read_study(Path(sys.argv[1]))
    run_stages(study, [stage for stage in stages_of(study) if stage is not Stage.REPORT])

for n in range(1, 200, 1 if sys.argv[2] == "publications" else 4):
    pid = os.fork()
    if pid == 0:
        try:
            child(n)
        except BaseException:
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(ended):
        print(n)
        sys.exit(os.WEXITSTATUS(ended))
sys.exit(4)
"""


def write_study(folder: Path, workers: int, extra: str = "") -> Path:
    if not (folder / "archive").exists():
        shutil.copytree(DEMO / "archive", folder / "archive")
    path = folder / "study.toml"
    path.write_text(
        f'[study]\nname = "killed"\n[archive]\nroot = "archive"\ncrawls = {CRAWLS}\n'
        f'[output]\nfolder = "out"\n[engine]\nworkers = {workers}\n'
        f'[sites]\nfile = "{DEMO / "sites.csv"}"\n{extra}',
        encoding="utf-8",
    )
    return path


def dataset(study: Path) -> dict[str, str]:
    folder = study.parent / "out" / "dataset"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def leftovers(study: Path) -> list[Path]:
    return [path for pattern in TEMPORARY for path in (study.parent / "out").rglob(pattern)]


def drive(study: Path, mode: str) -> int:
    """The number of the child that came to its end, after all before it were killed."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(study), mode],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return int(done.stdout)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The dataset of a run that nobody killed."""
    study = write_study(tmp_path_factory.mktemp("undisturbed"), workers=1)
    assert main(["run", str(study)]) == 0
    return dataset(study)


def test_killed_at_every_publication_in_turn(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    study = write_study(tmp_path, workers=1)
    assert drive(study, "publications") > 5
    assert dataset(study) == undisturbed
    assert leftovers(study) == []


def test_killed_at_any_moment(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    study = write_study(tmp_path, workers=1)
    drive(study, "moments")
    assert dataset(study) == undisturbed
    assert leftovers(study) == []


def test_a_warehouse_that_is_built_anew_does_not_take_over_the_log_of_a_killed_one(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    study = write_study(tmp_path, workers=1, extra='[agents]\ntrack = ["GPTBot"]\n')
    assert main(["load", str(study)]) == 1
    for verb in ("discover", "capture", "declare", "load"):
        assert main([verb, str(study)]) == 0
    code = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]);"
        "con.execute('CREATE TABLE half_done AS SELECT range AS n FROM range(1000)'); os._exit(9)"
    )
    warehouse = tmp_path / "out" / "census.duckdb"
    assert subprocess.run([sys.executable, "-c", code, str(warehouse)], check=False).returncode == 9
    assert warehouse.with_name("census.duckdb.wal").is_file()
    write_study(tmp_path, workers=1)
    assert main(["run", str(study)]) == 0
    assert dataset(study) == undisturbed
    assert leftovers(study) == []


# ---- the command line, with worker processes


def start(study: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "run", str(study)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(process: "subprocess.Popen[str]", happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert process.poll() is None, f"ended too early: {process.communicate()[1]}"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def kill(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_interrupted_refused_and_killed_by_command_line(
    tmp_path: Path, undisturbed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = write_study(tmp_path, workers=2), tmp_path / "out"

    def has(pattern: str) -> Callable[[], bool]:
        return lambda: any(out.glob(pattern))

    process = start(study)
    wait_until(process, has("manifest.json"))
    os.killpg(process.pid, signal.SIGSTOP)
    assert main(["run", str(study)]) == 1, "a second run at once is refused"
    refused = capsys.readouterr()
    assert f"{out} is in use by process {process.pid} on " in refused.err
    assert refused.out == ""
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGCONT)
    printed, said = process.communicate()
    assert process.returncode == 130, said
    assert "Interrupted. Run the same command again to go on where this stopped." in said
    assert printed == ""
    assert "Traceback" not in said, said

    for pattern in ("receipts/capture/*/*.json", "tables/contents/*.parquet", ".tmp-*census.duckdb*"):
        process = start(study)
        wait_until(process, has(pattern))
        kill(process)

    n_receipts = len(list((out / "receipts/capture").glob("*/*.json")))
    process = start(study)
    printed, said = process.communicate()
    assert process.returncode == 0, said
    assert n_receipts == len(list((out / "receipts/capture").glob("*/*.json"))) == 8
    assert f"dataset   {out / 'dataset'}" in printed
    assert "capture: nothing to do" in said
    assert dataset(study) == undisturbed
    assert leftovers(study) == []
