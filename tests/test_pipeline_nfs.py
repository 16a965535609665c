"""An output folder on NFS: two machines use it that remember for a while what they have seen of it."""

import ast
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

STORAGE = """
import sys
from pipeline.storage.choice import open_storage
storage, names = open_storage(sys.argv[1]), sys.argv[2:]
"""
LIST = f"{STORAGE}print([entry.name for entry in storage.iter_below(names[0])])"
CREATE = f"{STORAGE}print([storage.create(name, b'of here') for name in names])"
SIZES = f"{STORAGE}print([storage.size(name) for name in names])"
READ = f"{STORAGE}print([storage.read(name) for name in names])"
# Two threads that create the same things, begun at the time that is given.
RACE = f"""{STORAGE}
import time
from concurrent.futures import ThreadPoolExecutor
who, go, n = names[0].encode(), float(names[1]), int(names[2])
time.sleep(max(0, go - time.time()))
with ThreadPoolExecutor(2) as threads:
    told = threads.map(lambda _: [storage.create(f"made/{{i:03d}}", who) for i in range(n)], range(2))
    print([sum(both) for both in zip(*told)])
"""
HOLD = """
import sys, time
from pathlib import Path
from pipeline.layout import Layout
from pipeline.locking import FolderInUseError, hold_folder
try:
    with hold_folder(Layout(Path(sys.argv[1]))):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
except FolderInUseError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def nfs(tmp_path_factory: pytest.TempPathFactory, nfs_lab: Any, require_all: bool) -> Iterator[Any]:
    """The file server on a network of its own."""
    missing = nfs_lab.find_missing()
    if missing:
        assert not require_all, missing
        pytest.skip(missing)
    with nfs_lab.NfsLab(tmp_path_factory.mktemp("nfs")) as lab:
        yield lab


@pytest.fixture(scope="module")
def machines(nfs: Any) -> Any:
    """Two that have mounted the server's folder."""
    return nfs.machines("first", "second")


def test_what_one_machine_stores_another_sees_that_has_just_found_nothing_there(machines: Any) -> None:
    first, second = machines
    root = first.folder / "seen"
    first.python(CREATE, root, "receipts/capture/a")
    look = f"ls {root}/receipts/capture/b {root}/receipts/declare/p"
    second.call(look, status=2)
    first.python(CREATE, root, "receipts/capture/b", "receipts/declare/p/c")
    # The machine goes by what it remembers, and so would a program that does not ask for more.
    assert "No such file" in second.call(look, status=2)
    assert second.python(SIZES, root, "receipts/capture/b", "receipts/capture/c") == "[7, None]"
    assert second.python(LIST, root, "receipts/declare/p") == "['receipts/declare/p/c']"


def test_what_one_machine_stores_another_reads_that_has_just_found_nothing_there(machines: Any) -> None:
    first, second = machines
    root = first.folder / "read"
    second.call(f"mkdir {root}; ls {root}/lists/a", status=2)
    first.python(CREATE, root, "lists/a")
    assert "No such file" in second.call(f"cat {root}/lists/a", status=1)
    assert second.python(READ, root, "lists/a") == "[b'of here']"


def test_of_two_machines_one_creates_a_thing(machines: Any) -> None:
    root, n = machines[0].folder / "race", 40
    go = time.time() + 4
    for machine in machines:
        machine.start(machine.command(RACE, root, machine.name, go, n))
    told = {machine.name: ast.literal_eval(machine.finish()) for machine in machines}
    assert all(sum(of_one) == 1 for of_one in zip(*told.values(), strict=True))
    winners = [max(told, key=lambda name: told[name][i]) for i in range(n)]
    stored = machines[0].python(READ, root, *(f"made/{i:03d}" for i in range(n)))
    assert ast.literal_eval(stored) == [name.encode() for name in winners]


def test_a_server_that_dies_and_comes_back_costs_nothing_but_time(nfs: Any, machines: Any) -> None:
    """A link that was made and whose answer the server took with it counts as made."""
    first, n = machines[0], 150
    folder = nfs.export / "died" / "made"
    first.start(first.command(RACE, first.folder / "died", "first", 0, n))
    for n_before in (20, 70):
        wait_until(lambda n=n_before: folder.is_dir() and len(list(folder.glob("[0-9]*"))) > n)
        nfs.kill_server()
        nfs.start_server()
    assert ast.literal_eval(first.finish()) == [1] * n
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:03d}" for i in range(n)]


def test_a_file_that_was_removed_while_it_was_open_is_not_listed(machines: Any) -> None:
    first, second = machines
    root = first.folder / "silly"
    first.python(CREATE, root, "tables/a", "tables/b")
    first.call(f"exec 7<{root}/tables/a; rm {root}/tables/a")
    assert ".nfs" in first.call(f"ls -A {root}/tables")
    for machine in machines:
        assert machine.python(LIST, root, "tables") == "['tables/b']"
    first.call("exec 7<&-")
    assert second.call(f"ls -A {root}/tables") == "b"


def test_a_folder_is_held_by_one_machine_and_let_go_when_that_is_lost(nfs: Any, machines: Any) -> None:
    (third,) = nfs.machines("third")
    second = machines[1]
    root = third.folder / "held"
    third.start(third.command(HOLD, root, 100))
    wait_until((nfs.export / "held" / ".lock").is_file)
    said = second.python(HOLD, root, 0)
    assert said.startswith(f"{root} is in use by process ")
    assert "on third. Wait for it to end" in said
    third.kill()
    # The server waits for as long as it has leased.
    wait_until(lambda: second.python(HOLD, root, 0) == "held")


def test_a_run_whose_machine_is_lost_is_ended_by_another_with_the_tables_of_the_local_engine(
    nfs: Any, machines: Any, spark_study: Any, local_digests: dict[str, str]
) -> None:
    """The output of a study on NFS, byte for byte that of a local folder."""
    study = spark_study.write_study(nfs.export, "workers = 1")
    (fourth,) = nfs.machines("fourth")
    run = fourth.command(spark_study.TABLES_ONLY, fourth.folder / study.name)
    fourth.start(run)
    receipts = nfs.export / "out" / "receipts" / "capture"
    wait_until(lambda: len(list(receipts.rglob("*.json"))) >= 2)
    fourth.kill()
    assert spark_study.tables_of(spark_study.digests(study)).keys() < local_digests.keys()

    wait_until(lambda: "is in use by" not in machines[1].call(run, status=None))
    assert spark_study.tables_of(spark_study.digests(study)) == spark_study.tables_of(local_digests)


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)
