"""Output in a bucket, on a server that speaks S3: the bytes of a folder, whatever goes wrong on the way."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

import pipeline
from pipeline import tables as warehouse_tables
from pipeline.faults import FaultKind, iter_faults
from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

DEMO = Path(pipeline.__file__).parent / "demo"
CRAWLS = ("CC-MAIN-2018-34", "CC-MAIN-2023-40", "CC-MAIN-2024-10")
FILES = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
LOADED = (*FILES, Stage.LOAD)
DATASET = (*LOADED, Stage.ANALYSE, Stage.PUBLISH)
RUN = """
import sys
from pathlib import Path
from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage
run_stages(read_study(Path(sys.argv[1])), [Stage(name) for name in sys.argv[2:]])
"""
TABLES = ("captures", "contents", "bodies", "readings", "rulesets", "signals", "warc_files")


@pytest.fixture(scope="module")
def s3(s3_server: Any) -> Any:
    """A running server with a bucket `census`."""
    s3_server.client.create_bucket(Bucket="census")
    return s3_server


def write_study(folder: Path, output: str, engine: str = "workers = 2") -> Path:
    """A study of some releases of the bundled archive, whole."""
    folder.mkdir(exist_ok=True)
    file = folder / "study.toml"
    file.write_text(
        f'[study]\nname = "bucket"\n[archive]\nroot = "{DEMO / "archive"}"\nmode = "scan"\n'
        f"crawls = {json.dumps(CRAWLS)}\n"
        f'[sites]\nfile = "{DEMO / "sites.csv"}"\n[engine]\n{engine}\n[output]\n{output}\n',
        encoding="utf-8",
    )
    return file


def environment_of(s3: Any, address: str = "") -> dict[str, str]:
    """That of a program which asks the server at an address, the real one unless another is given."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": address or s3.address,
        "AWS_ACCESS_KEY_ID": s3.keys["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": s3.keys["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": s3.keys["region_name"],
    }


def start(study: Path, env: dict[str, str], *stages: Stage) -> "subprocess.Popen[str]":
    """Run stages, or by the command line all of them."""
    of_all = ["-m", "pipeline.cli", "run", str(study)]
    command = [sys.executable, *(["-c", RUN, str(study), *stages] if stages else of_all)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True
    )


def finish(process: "subprocess.Popen[str]", status: int = 0) -> str:
    """What it said, once it has ended as it should."""
    said, complained = process.communicate(timeout=300)
    assert process.returncode == status, complained[-3000:]
    return said + complained


def in_folder(root: Path, kinds: tuple[str, ...] = ("tables",)) -> dict[str, str]:
    """Digests of the files below some folders of a root."""
    paths = [path for kind in kinds for path in (root / kind).rglob("*") if path.is_file()]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def in_bucket(s3: Any, prefix: str) -> dict[str, str]:
    """Digests of the objects below `tables/` of an output."""
    pages = s3.client.get_paginator("list_objects_v2").paginate(Bucket="census", Prefix=f"{prefix}/tables/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {
        key.removeprefix(f"{prefix}/"): hashlib.sha256(
            s3.client.get_object(Bucket="census", Key=key)["Body"].read()
        ).hexdigest()
        for key in keys
    }


def rows_of(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the warehouse of an output, sorted; runs tell of the clock, models come after a load."""
    stored = sorted(set(warehouse_tables.TABLES) - {"contents", "runs", "access_states", "outcome_kinds"})
    with duckdb.connect(str(root / "census.duckdb"), read_only=True) as con:
        return {table: con.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in stored}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run into a folder leaves."""
    study = write_study(tmp_path_factory.mktemp("folder"), 'folder = "out"')
    finish(start(study, dict(os.environ), *DATASET))
    return study.parent / "out"


def test_a_bucket_holds_what_a_folder_holds_and_the_products_stand_beside_the_study(
    s3: Any, expected: Path, tmp_path: Path
) -> None:
    study = write_study(tmp_path, 'folder = "s3://census/plain/"')
    finish(start(study, environment_of(s3)))
    found = in_bucket(s3, "plain")
    assert {path.split("/")[1] for path in found} == set(TABLES)
    assert found == in_folder(expected)
    work = tmp_path / "bucket-work"
    assert in_folder(work, ("dataset",)) == in_folder(expected, ("dataset",))
    assert not (work / "tables").exists()
    assert not (work / "receipts").exists()
    said = finish(start(study, environment_of(s3)))
    assert "capture: nothing to do, all 12 tasks are done" in said
    assert "load: nothing to do" in said


def test_a_run_that_is_killed_goes_on_in_the_bucket_where_it_stopped(
    s3: Any, expected: Path, tmp_path: Path
) -> None:
    study = write_study(tmp_path, 'folder = "s3://census/killed"\nwork = "here"')
    running = start(study, environment_of(s3), *LOADED)
    deadline = time.monotonic() + 120
    while not _n_receipts(s3, "killed", "capture"):
        assert time.monotonic() < deadline, "no task ended"
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    n_done = _n_receipts(s3, "killed", "capture")
    assert 0 < n_done < 12
    said = finish(start(study, environment_of(s3), *LOADED))
    assert "of 12 tasks run" in said
    assert "capture: 12 of 12 tasks run" not in said
    assert in_bucket(s3, "killed") == in_folder(expected)
    assert rows_of(tmp_path / "here") == rows_of(expected)


def test_two_runs_at_once_from_two_machines_leave_one_result(s3: Any, expected: Path, tmp_path: Path) -> None:
    # Each has a folder of its own to work in, as two machines have: nothing of this machine parts them.
    studies = [write_study(tmp_path / name, 'folder = "s3://census/twice"') for name in ("one", "two")]
    running = [start(study, environment_of(s3), Stage.DISCOVER) for study in studies]
    for process in running:
        finish(process)
    running = [start(study, environment_of(s3), Stage.CAPTURE) for study in studies]
    ended = [process.communicate(timeout=300)[1] and process.returncode for process in running]
    # One may find that the other has tidied up what it was about to read, and says so.
    assert 0 in ended
    for study in studies:
        finish(start(study, environment_of(s3), *LOADED))
    assert in_bucket(s3, "twice") == in_folder(expected)
    rows = [rows_of(tmp_path / name / "bucket-work") for name in ("one", "two")]
    assert rows[0] == rows[1] == rows_of(expected)


def test_a_server_that_fails_now_and_then_costs_nothing_but_time(
    s3: Any, faulty_proxy: Any, expected: Path, tmp_path: Path
) -> None:
    study = write_study(tmp_path, 'folder = "s3://census/faulty"')
    with faulty_proxy.FaultyProxy(s3.address, share=0.12) as proxy:
        finish(start(study, environment_of(s3, proxy.address), *LOADED))
    # What went wrong, by kind: every kind did, and answers to PUTs were lost after they had been obeyed.
    log = dict(proxy.faults)
    for kind in ("GET refused", "GET cut_answer", "GET lost_answer", "PUT refused", "PUT lost_answer"):
        assert log.get(kind, 0) > 0, log
    (told,) = (tmp_path / "bucket-work" / "faults").glob("*.jsonl")
    faults = list(iter_faults(told))
    assert {fault.kind for fault in faults} == {FaultKind.OUTPUT_RETRIED}
    assert 0 < len(faults) <= proxy.faults.total()
    assert in_bucket(s3, "faulty") == in_folder(expected)
    assert rows_of(tmp_path / "bucket-work") == rows_of(expected)


@pytest.mark.parametrize(
    ("output", "changed", "message"),
    [
        ('folder = "s3://nowhere/x"', {}, "there is no such bucket"),
        ('folder = "s3://census/x"', {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "credentials"),
    ],
)
def test_an_output_that_cannot_be_used_is_named_with_the_fix(
    s3: Any, tmp_path: Path, output: str, changed: dict[str, str], message: str
) -> None:
    env = environment_of(s3) | changed | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    said = finish(start(write_study(tmp_path, output), env), status=1)
    assert "[output]" in said
    assert message in said
    assert "Traceback" not in said


def test_a_load_fetches_the_parts_that_are_new_and_no_others(
    s3: Any,
    tmp_path: Path,
    expected: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment_of(s3).items():
        monkeypatch.setenv(name, value)
    every = read_study(write_study(tmp_path, 'folder = "s3://census/steps/"', "workers = 1"))
    run_stages(replace(every, crawls=CRAWLS[::2]), LOADED)
    run_stages(every, FILES)
    with duckdb.connect(str(every.folder / "census.duckdb"), read_only=True) as con:
        old = [path for (path,) in con.execute("SELECT path FROM loading.parts").fetchall()]
    for path in old:
        s3.client.delete_object(Bucket="census", Key=f"steps/{path}")
    capsys.readouterr()
    run_stages(every, (Stage.LOAD, Stage.ANALYSE, Stage.PUBLISH))
    assert re.search(r"load: [0-9]+ new parts of [0-9]+ read\n", capsys.readouterr().err)
    assert in_folder(every.folder, ("dataset",)) == in_folder(expected, ("dataset",))


def _n_receipts(s3: Any, prefix: str, stage: str) -> int:
    found = s3.client.list_objects_v2(Bucket="census", Prefix=f"{prefix}/receipts/{stage}/")
    return sum(item["Key"].endswith(".json") for item in found.get("Contents", []))
