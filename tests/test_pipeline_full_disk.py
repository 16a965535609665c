"""A disk that is full is named, and with room again the same call ends as if there always had been."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.commands.errors import status_of, text_of


@pytest.fixture
def disk(tmp_path: Path, require_all: bool) -> Iterator[Path]:
    """A file system of its own, of 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not sys.platform.startswith("linux"):
        assert not require_all, "a file system of a test's own needs root on Linux"
        pytest.skip("a file system of a test's own needs root on Linux")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_and_with_room_the_run_ends_in_the_same_dataset(
    disk: Path, spark_study: Any, local_digests: dict[str, str]
) -> None:
    study = spark_study.write_study(disk, "workers = 2")
    stopped = set()
    # Full in turn: before parts and receipts are, the log of the database, its file, and the models in it.
    for size in ("300k", "700k", "1200k", "9m"):
        grow(disk, size)
        done = subprocess.run(
            spark_study.crawlcensus("run", study), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, f"{size}: {done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("crawlcensus: ")
        assert "No space left on device" in last
        assert "Fix: make room there and call the same again: what is done stays." in last
        stopped.add(re.findall(r"^(\w+): ", done.stderr, re.MULTILINE)[-2])
    assert stopped == {"discover", "load", "analyse"}
    grow(disk, "200m")
    program = spark_study.program(spark_study.TO_THE_DATASET, study)
    spark_study.finish(spark_study.start(program, {**os.environ, "PYTHONPATH": str(Path.cwd())}))
    assert spark_study.digests(study) == local_digests


def grow(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def test_a_full_disk_without_a_name_is_an_error_of_the_output_folder() -> None:
    error = OSError(28, "No space left on device")
    assert status_of(error) == 1
    assert text_of(error).startswith("the output folder: No space left on device. Fix: make room")
    assert status_of(OSError(5, "Input/output error")) is None
