"""Of any number who create a thing one does, and what it takes to create it is not to be seen."""

import errno
import fcntl
import os
import secrets
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.layout import Layout
from pipeline.locking import hold_folder
from pipeline.storage.bucket import BucketStorage
from pipeline.storage.choice import open_storage
from pipeline.storage.folder import CREATING, FolderStorage, remove_temporaries
from pipeline.storage.storage import Storage, StorageError

ROOT = Path(__file__).parents[1]
# Tries to create twenty things, at the same time as others that were started with it.
CREATOR = """
import sys, time
from pipeline.storage.choice import open_storage
root, who, go = sys.argv[1:]
storage = open_storage(root)
storage.size("x")
time.sleep(max(0, float(go) - time.time()))
print("".join(str(int(storage.create(f"made/{i}", who.encode()))) for i in range(20)))
"""
WITHOUT_LINKS = "import os\ndef no(*_): raise PermissionError(1, 'no')\nos.link = no\n"


@pytest.fixture
def bucket(small_s3: Any) -> BucketStorage:
    assert small_s3.address
    return BucketStorage(f"s3://census/{secrets.token_hex(4)}")


def names(storage: Storage, prefix: str) -> list[str]:
    return [entry.name for entry in storage.iter_below(prefix)]


@pytest.mark.parametrize("is_linking", [True, False], ids=["hard links", "no hard links"])
def test_of_sixteen_threads_one_creates_a_thing(
    tmp_path: Path, is_linking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_linking:
        monkeypatch.setattr(os, "link", refuse_link)
    check_race(FolderStorage(tmp_path))
    assert remove_temporaries(tmp_path) == 0


def test_of_sixteen_threads_one_creates_an_object(bucket: BucketStorage) -> None:
    check_race(bucket)


def refuse_link(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def check_race(storage: Storage) -> None:
    """Sixteen create the same thing at once, ten times; what is stored is what the winner has stored."""
    n = 16
    for turn in range(10):
        gate = threading.Barrier(n)

        def create(who: int, name: str = f"made/{turn}", gate: threading.Barrier = gate) -> bool:
            gate.wait()
            return storage.create(name, b"%d" % who * 999)

        with ThreadPoolExecutor(n) as threads:
            told = list(threads.map(create, range(n)))
        assert told.count(True) == 1
        assert storage.read(f"made/{turn}") == b"%d" % told.index(True) * 999


@pytest.mark.parametrize("kind", ["folder", "bucket", "folder without links"])
def test_of_four_processes_one_creates_a_thing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    root = request.getfixturevalue("bucket").root if kind == "bucket" else str(tmp_path)
    code = WITHOUT_LINKS + CREATOR if kind == "folder without links" else CREATOR
    go = str(time.time() + 2)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, root, str(who), go], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for who in range(4)
    ]
    told = [process.communicate(timeout=60)[0].strip() for process in started]
    assert [len(line) for line in told] == [20] * 4
    for i in range(20):
        (winner,) = [who for who in range(4) if told[who][i] == "1"]
        assert open_storage(root).read(f"made/{i}") == b"%d" % winner


def test_a_link_whose_answer_was_lost_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As NFS has it: the link was made, the answer lost, and the second question says that it exists."""
    link = os.link

    def link_twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", link_twice)
    storage = FolderStorage(tmp_path)
    assert storage.create("a", b"mine")
    monkeypatch.undo()
    assert not storage.create("a", b"theirs")


def test_an_error_of_the_file_system_is_no_lost_race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(StorageError, match=r"No space left on device\. Fix: make room there"):
        FolderStorage(tmp_path).create("a/b", b"1")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_serves_to_create_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse_link)
    storage = FolderStorage(tmp_path)
    assert storage.create("a", b"1")
    assert names(storage, "") == ["a"]
    assert (tmp_path / CREATING).exists()


def test_a_folder_whose_file_system_has_no_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    held = hold_folder(Layout(tmp_path))
    with (
        pytest.raises(StorageError, match=rf"{tmp_path} cannot be held.* \(No locks available\)\. Fix: "),
        held,
    ):
        pass
