"""A run by index that is killed at any publication and started again gives an undisturbed one's bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.tasks import Stage

ROOT = Path(__file__).parents[1]
FIRST, SECOND = "CC-MAIN-2024-10", "CC-MAIN-2024-18"
STORE = 'store = "../store"'
SITES = [*(f"h{n}.example" for n in range(8)), "from.example"]

STAGES = "discover,capture,declare"
# Several tasks to a plan, and receipts that are folded early.
SMALL = {"pipeline.fetch_plan.ROWS_PER_TASK": 2, "pipeline.receipts.FOLD_FROM": 2}


def url(host: str) -> str:
    return f"http://{host}/robots.txt"


@pytest.fixture(scope="module")
def archive(archives: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases whose bodies partly differ, with a redirect, a damaged record and a wrong digest."""
    first = [archives.Answer(url(f"h{n}.example"), b"User-agent: *\nDisallow: /%d\n" % n) for n in range(12)]
    first[2] = archives.Answer(url("h2.example"), b"User-agent: lost\n", damage=True)
    first[3] = archives.Answer(url("h3.example"), b"other", digest=archives.digest_of(b"stated"))
    second = [*first[:5], *(archives.Answer(url(f"h{n}.example"), b"# new %d\n" % n) for n in range(5, 12))]
    moved = archives.moved(url("from.example"), url("to.test"))
    folder = tmp_path_factory.mktemp("killed")
    shape = archives.Shape(n_files=4, n_parts=2)
    archives.write_archive(folder / "archive", {FIRST: [*first, *moved], SECOND: second}, shape)
    return folder / "archive"


@pytest.fixture(scope="module")
def undisturbed(archive: Path, studies: Any) -> dict[str, bytes]:
    """The dataset of a run that nobody killed."""
    study = studies.TargetedStudy(archive.parent / "undisturbed", SITES)
    study.run(*studies.DATASET)
    return study.dataset()  # type: ignore[no-any-return]


@pytest.fixture
def place(archive: Path, tmp_path: Path) -> Path:
    (tmp_path / "archive").symlink_to(archive)
    return tmp_path


@pytest.fixture
def short_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tasks to a plan, as in the processes that are killed."""
    monkeypatch.setattr("pipeline.fetch_plan.ROWS_PER_TASK", 2)


def drive(planned: Path, *studies: Path) -> tuple[set[str], set[str]]:
    """The kinds of publication there are, and those at which runs of the first study were killed."""
    program = str(Path(__file__).with_name("killed_runs.py"))
    command = [sys.executable, program, str(planned), str(studies[0]), STAGES, *map(str, studies[1:])]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "SMALL": json.dumps(SMALL)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    return set(found["kinds"]), set(found["died"])


def leftovers(folder: Path) -> list[Path]:
    patterns = (".tmp-*", "staging", "*.wal", "spool")
    return [path for pattern in patterns for path in folder.rglob(pattern)]


def test_killed_at_every_publication_in_turn(
    studies: Any, place: Path, undisturbed: dict[str, bytes]
) -> None:
    study, planned = (studies.TargetedStudy(place / name, SITES) for name in ("study", "planned"))
    kinds, died = drive(planned.write(), study.write())
    assert kinds <= died
    study.run(*studies.DATASET)
    assert study.dataset() == undisturbed
    assert len(study.stored()) == len(set(study.stored()))
    assert leftovers(place) == []


@pytest.mark.usefixtures("short_tasks")
def test_killed_while_another_study_fills_the_same_store(
    studies: Any, place: Path, undisturbed: dict[str, bytes]
) -> None:
    """What the other has stored in the meantime is not fetched again, and plans are made anew without it."""
    mine = studies.TargetedStudy(place / "mine", SITES, store=STORE)
    other = studies.TargetedStudy(place / "other", [f"h{n}.example" for n in range(4, 12)], store=STORE)
    planned = studies.TargetedStudy(place / "apart" / "planned", SITES, root="../../archive", store=STORE)
    kinds, died = drive(planned.write(), mine.write(), other.write())
    # Footers and the name of the store are there once the other has run.
    common = ("../store/tables/index_footers/", "../store/receipts/footers/", "../store/receipts/store.id")
    assert {kind for kind in kinds if not any(part in kind for part in common)} <= died
    mine.run(*studies.DATASET)
    assert mine.dataset() == undisturbed
    assert len(mine.stored()) == len(set(mine.stored()))
    assert leftovers(place) == []


# ---- over a network, with worker processes


def start(study: Any, stage: Stage) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pipeline.cli", stage, str(study.file)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)


def kill_after(study: Any, server: Any, n_requests: int) -> bool:
    """Start `capture`, kill its process group after so many requests; False when it ended before."""
    goal, deadline = server.n_requests() + n_requests, time.monotonic() + 60
    process = start(study, Stage.CAPTURE)
    while process.poll() is None and server.n_requests() < goal:
        assert time.monotonic() < deadline, "it does not ask"
        time.sleep(0.001)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def bytes_asked(server: Any) -> Counter[tuple[str, int]]:
    """How often each byte of index parts and WARC files was asked for, by the server's own log."""
    counts: Counter[tuple[str, int]] = Counter()
    for asked in server.asked:
        if asked.method == "GET" and asked.path.endswith((".parquet", ".warc.gz")):
            first, last = map(int, asked.span.removeprefix("bytes=").split("-"))
            counts.update((asked.path, byte) for byte in range(first, last + 1))
    return counts


def test_no_byte_is_asked_for_twice_but_those_in_flight(
    studies: Any, archive: Path, tmp_path: Path, faulty_server: Any, undisturbed: dict[str, bytes]
) -> None:
    faulty_server.folder, workers = archive, 2
    study = studies.TargetedStudy(
        *(tmp_path / "study", SITES, "index", faulty_server.address),
        archive_keys="requests_per_s = 0\ncooldown_s = 0.05",
        workers=workers,
    )
    study.run(Stage.DISCOVER)
    faulty_server.forget()
    faulty_server.always = "slow"
    n_killed = sum(kill_after(study, faulty_server, n) for n in (3, 5))
    assert n_killed == 2
    faulty_server.always = ""
    assert start(study, Stage.CAPTURE).wait() == 0
    twice = {path for (path, _), n in bytes_asked(faulty_server).items() if n > 1}
    requests = Counter((asked.path, asked.span) for asked in faulty_server.asked if asked.path in twice)
    assert sum(n - 1 for n in requests.values()) <= n_killed * workers, "one for each worker that was killed"
    assert len(twice) <= n_killed * workers
    faulty_server.forget()
    study.run(*studies.DATASET)
    assert bytes_asked(faulty_server) == {}
    assert study.dataset() == undisturbed
