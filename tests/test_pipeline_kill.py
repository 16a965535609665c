"""A run that is killed anywhere and started again gives the bytes of an undisturbed one."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.run import RUNNERS, run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "pipeline" / "demo"
CRAWLS = '["CC-MAIN-2023-40", "CC-MAIN-2026-08"]'
TEMPORARY = (".tmp-*", ".dataset.*", "staging", "*.wal")

SITES = DEMO / "sites.csv"
STAGES = tuple(stage for stage in RUNNERS if stage not in (Stage.PROBE, Stage.URLS, Stage.REPORT))

# Runs a study in child processes: child n is killed after n tenths of a second; the last one is not.
# Prints how many died. The parent has imported everything, and opened no database, when it forks.
MOMENTS = """
import os, signal, sys, traceback
from pathlib import Path
import analysis.forecasting, lifelines, pandas, scipy.special, scipy.stats
from pipeline.run import RUNNERS, run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

n_died = 0
for tenths in (1, 3, 5, 7, 9, 13, 17, 0):
    pid = os.fork()
    if pid == 0:
        try:
            signal.setitimer(signal.ITIMER_REAL, tenths / 10)
            run_stages(read_study(Path(sys.argv[1])), [Stage(name) for name in sys.argv[2:]])
        except BaseException:
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    n_died += os.WIFSIGNALED(ended)
    if os.WIFEXITED(ended) and os.WEXITSTATUS(ended):
        sys.exit(3)
print(n_died)
"""


def write_study(folder: Path, workers: int, track: tuple[str, ...] = ("GPTBot",)) -> Path:
    """A study of a few hosts and one agent, over two releases."""
    few = SITES.read_text("utf-8").splitlines(keepends=True)[:13]
    (folder / "few.csv").write_text("".join(few), encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(
        f'[study]\nname = "killed"\n[archive]\nroot = "{DEMO / "archive"}"\ncrawls = {CRAWLS}\n'
        f'[output]\nfolder = "out"\n[engine]\nworkers = {workers}\n'
        f'[sites]\nfile = "few.csv"\n[agents]\ntrack = {json.dumps(track)}\n',
        encoding="utf-8",
    )
    return path


def dataset(study: Path) -> dict[str, str]:
    folder = study.parent / "out" / "dataset"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def leftovers(study: Path) -> list[Path]:
    return [path for pattern in TEMPORARY for path in (study.parent / "out").rglob(pattern)]


def drive(*command: str) -> str:
    """What a program printed that kills its children."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@dataclass(frozen=True)
class Killed:
    """A study that was killed again and again, the kinds of publication there are, and those met."""

    study: Path
    kinds: frozenset[str]
    died: tuple[str, ...]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nobody kills."""
    return write_study(tmp_path_factory.mktemp("undisturbed"), workers=1)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, planned: Path) -> Killed:
    study = write_study(tmp_path_factory.mktemp("killed"), workers=1)
    program = str(Path(__file__).with_name("killed_runs.py"))
    found = json.loads(drive(program, str(planned), str(study), ",".join(STAGES)))
    return Killed(study, frozenset(found["kinds"]), tuple(found["died"]))


@pytest.fixture(scope="module")
def undisturbed(killed: Killed, planned: Path) -> dict[str, str]:
    """The dataset of a run that nobody killed."""
    assert killed.kinds
    return dataset(planned)


def test_killed_at_every_publication_in_turn(killed: Killed, undisturbed: dict[str, str]) -> None:
    assert dataset(killed.study) == undisturbed
    assert leftovers(killed.study) == []


def test_the_publications_at_which_it_is_killed_are_of_every_kind(killed: Killed) -> None:
    stages = {kind.split(" ")[0] for kind in killed.died}
    assert stages >= {"begin", "end", *STAGES}
    # Who dies before the folder of staged bodies is removed leaves it to the end of the next run.
    late = {kind for kind in killed.kinds if kind.startswith("capture rmdir out/staging")}
    assert killed.kinds - late <= set(killed.died)
    assert {kind.replace("capture ", "end ") for kind in late} <= set(killed.died)
    # A dataset that takes the place of another is only met after a kill.
    assert set(killed.died) - killed.kinds >= {"begin unlink", "publish rename out/.dataset.old 1"}
    several = Counter(killed.died)
    assert several["capture link out/receipts/capture/snapshot=*/*.json"] == 3, "first, middle and last"


def test_killed_at_any_moment(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    study = write_study(tmp_path, workers=1)
    assert int(drive("-c", MOMENTS, str(study), *STAGES)) > 2
    assert dataset(study) == undisturbed
    assert leftovers(study) == []


def test_a_warehouse_that_is_built_anew_does_not_take_over_the_log_of_a_killed_one(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    study = write_study(tmp_path, workers=1, track=("CCBot",))
    assert main(["load", str(study)]) == 1
    run_stages(read_study(study), STAGES[:4])
    code = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]);"
        "con.execute('CREATE TABLE half_done AS SELECT range AS n FROM range(1000)'); os._exit(9)"
    )
    warehouse = tmp_path / "out" / "census.duckdb"
    assert subprocess.run([sys.executable, "-c", code, str(warehouse)], check=False).returncode == 9
    assert warehouse.with_name("census.duckdb.wal").is_file()
    write_study(tmp_path, workers=1)
    run_stages(read_study(study), STAGES)
    assert dataset(study) == undisturbed
    assert leftovers(study) == []


# ---- the command line, with worker processes

# What was started in the background of a shell ignores interrupts, and so do those whom it starts.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pipeline.cli import main
sys.exit(main(sys.argv[1:]))
"""


def start(study: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "run", str(study)],
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
