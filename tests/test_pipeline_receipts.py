"""Stored receipts: the first that says done stands, alone or folded, while what it vouches for is there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import receipt_files, receipts
from pipeline.layout import Layout
from pipeline.receipts import (
    ReceiptError,
    fold_receipts,
    forget_receipt,
    has_receipts,
    iter_receipts,
    read_receipt,
    read_receipts,
    write_receipt,
)
from pipeline.storage.choice import open_storage
from pipeline.tasks import Receipt, Stage, State

PARTITION = "snapshot=S"
FOLDER = f"receipts/capture/{PARTITION}"


@pytest.fixture(autouse=True)
def _fold_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "FOLD_FROM", 4)


# ---- who was first


def test_the_first_who_is_done_is_the_one_who_did_it(executor: Any) -> None:
    task = executor.task(1)
    first = executor.write(task, "first")
    assert first.error == "first"
    assert executor.write(task, "second") == first
    assert executor.write(task, "third", State.FAILED) == first, "whoever fails afterwards"
    assert executor.write(task, "fourth", State.PARTIAL) == first
    assert read_receipt(executor.layout, task) == first
    assert (executor.all(), executor.short()) == ({"label 1": "first"}, {})
    assert executor.files() == ["json"]


@pytest.mark.parametrize("state", [State.FAILED, State.PARTIAL])
def test_a_task_that_was_short_is_tried_again_and_then_done(executor: Any, state: State) -> None:
    task = executor.task(1)
    executor.write(task, "first", state)
    assert executor.who(task) == ["first"]
    assert (executor.short(), executor.all()) == ({"label 1": state}, {})
    assert not has_receipts(executor.layout, Stage.CAPTURE)
    executor.write(task, "second", State.FAILED)
    assert executor.who(task) == ["second"]
    executor.write(task, "third")
    assert executor.who(task) == ["third"]
    assert (executor.short(), executor.all()) == ({}, {"label 1": "third"})
    assert has_receipts(executor.layout, Stage.CAPTURE)
    executor.fold()
    assert executor.files() == ["json"], "and what had failed is tidied away"


def test_a_receipt_whose_part_is_gone_gives_place_to_the_next(executor: Any) -> None:
    task = executor.task(1)
    executor.lose(executor.write(task, "first"))
    assert executor.who(task) == [None]
    assert executor.write(task, "second").error == "second"
    assert executor.who(task) == ["second"]
    assert executor.write(task, "third").error == "second"


def test_a_folded_receipt_whose_part_is_gone_gives_place_to_the_next(executor: Any) -> None:
    tasks = executor.write_many(5)
    executor.fold()
    executor.lose(next(r for r in iter_receipts(executor.layout, Stage.CAPTURE) if r.label == "label 2"))
    assert executor.who(*tasks) == ["me", "me", None, "me", "me"]
    assert executor.write(tasks[2], "other").error == "other"
    assert executor.who(*tasks) == ["me", "me", "other", "me", "me"]
    assert executor.all() == {f"label {n}": "other" if n == 2 else "me" for n in range(5)}
    assert executor.write(tasks[2], "third").error == "other"
    assert executor.files() == ["folded", "json"]


def test_a_task_that_fails_where_what_it_had_done_is_gone_has_failed(executor: Any) -> None:
    task = executor.task(1)
    executor.lose(executor.write(task, "first"))
    assert executor.write(task, "second", State.FAILED).state is State.FAILED


# ---- folds


def test_receipts_are_folded_from_so_many_on_and_nothing_is_lost(executor: Any) -> None:
    tasks = executor.write_many(3)
    executor.fold()
    assert executor.files() == ["json"] * 3
    tasks += executor.write_many(1, first=3)
    before = read_receipts(executor.layout, tasks)
    executor.fold()
    assert executor.files() == ["folded"]
    assert read_receipts(executor.layout, tasks) == before
    assert None not in before.values()
    assert has_receipts(executor.layout, Stage.CAPTURE)
    executor.fold()
    assert executor.files() == ["folded"]


def test_what_is_done_later_stands_beside_the_fold_and_then_in_it(executor: Any) -> None:
    tasks = executor.write_many(4)
    executor.fold()
    tasks += executor.write_many(3, first=4)
    executor.fold()
    assert executor.files() == ["folded", *["json"] * 3]
    assert executor.who(*tasks) == ["me"] * 7
    tasks += executor.write_many(1, first=7)
    executor.fold()
    assert executor.files() == ["folded"], "one, which has taken over the other"
    assert executor.who(*tasks) == ["me"] * 8
    assert executor.all() == {f"label {n}": "me" for n in range(8)}


def test_partitions_are_folded_for_themselves(local: Any) -> None:
    others = [local.task(n, partition) for n in range(4) for partition in ("snapshot=T", "")]
    for task in others:
        local.write(task)
    tasks = local.write_many(4)
    local.fold()
    local.fold("")
    assert local.files() == ["folded", "folded", *["json"] * 4]
    assert local.who(*tasks, *others) == ["me"] * 12
    assert len(list(iter_receipts(local.layout, Stage.CAPTURE))) == 12


def test_receipts_of_the_store_are_folded_as_soon_as_there_are_two(local: Any) -> None:
    for n, files in enumerate((["json"], ["folded"], ["folded", "json"])):
        task = replace(local.task(n), stage=Stage.STORE)
        write_receipt(local.layout, Receipt(task.task_id, task.stage, "", PARTITION, State.DONE))
        fold_receipts(local.layout, Stage.STORE, PARTITION)
        assert local.files() == files
    assert len(list(iter_receipts(local.layout, Stage.STORE))) == 3


def test_tasks_that_failed_are_not_folded(executor: Any) -> None:
    tasks = executor.write_many(4)
    executor.write(executor.task(9), "me", State.FAILED)
    executor.fold()
    assert executor.files() == ["folded", "short.json"]
    assert executor.short() == {"label 9": State.FAILED}
    executor.layout.published.replace(f"{FOLDER}/{tasks[0].task_id}.short.json", b"left from before")
    assert executor.short() == {"label 9": State.FAILED}, "what is folded is done"


def test_the_folded_receipt_stands_against_one_that_came_later(executor: Any) -> None:
    """The second was still at work when the first was folded, so the name was free."""
    tasks = executor.write_many(4)
    executor.fold()
    assert executor.write(tasks[1], "late").error == "me"
    assert executor.write(tasks[2], "late", State.FAILED).error == "me"
    assert executor.files() == ["folded"]
    assert executor.who(*tasks) == ["me"] * 4


def test_of_a_fold_and_a_single_receipt_the_fold_wins_for_every_reader(local: Any) -> None:
    """A process was killed after it had taken the free name and before it looked for a fold."""
    tasks = local.write_many(4)
    local.fold()
    late = local.receipt(tasks[0], "late")
    other = type(local)(Layout(local.layout.folder / "other"))
    write_receipt(other.layout, late)
    name = f"{FOLDER}/{tasks[0].task_id}.json"
    local.layout.published.replace(name, other.layout.published.read(name))
    assert local.who(*tasks) == ["me"] * 4
    assert set(local.all().values()) == {"me"}
    local.write_many(3, first=4)
    local.fold()
    assert local.files() == ["folded"]
    assert set(local.all().values()) == {"me"}


def test_equal_receipts_are_equal_folds(local: Any, tmp_path: Path) -> None:
    other = type(local)(Layout(tmp_path / "other"))
    for executor, order in ((local, range(6)), (other, reversed(range(6)))):
        for n in order:
            executor.write(executor.task(n))
        executor.fold()
    folds = [
        {path.name: path.read_bytes() for path in (e.layout.folder / FOLDER / "folded").iterdir()}
        for e in (local, other)
    ]
    assert folds[0] == folds[1]
    assert len(folds[0]) == 1


# ---- forgetting


def test_what_is_forgotten_is_to_be_done_again_wherever_it_stood(executor: Any) -> None:
    tasks = executor.write_many(4)
    executor.fold()
    tasks += executor.write_many(2, first=4)
    executor.write(executor.task(6), "me", State.FAILED)
    for task in (tasks[1], tasks[4], executor.task(6), executor.task(77)):
        forget_receipt(executor.layout, task)
    assert executor.who(*tasks, executor.task(6)) == ["me", None, "me", "me", None, "me", None]
    assert executor.files() == ["folded", "json"]
    assert executor.write(tasks[1], "again").error == "again"
    assert executor.all()["label 1"] == "again"


def test_a_fold_of_which_everything_is_forgotten_is_gone(local: Any) -> None:
    tasks = local.write_many(4)
    local.fold()
    for task in tasks:
        forget_receipt(local.layout, task)
    assert local.files() == []
    assert not has_receipts(local.layout, Stage.CAPTURE)


def test_forgetting_from_one_fold_of_two_leaves_the_other(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left may be just what the other fold holds, and have its name."""
    tasks = local.write_many(4)
    local.fold()
    kept = next((local.layout.folder / FOLDER).glob("folded/*"))
    data = kept.read_bytes()
    extra = local.task(4)
    local.write(extra)
    monkeypatch.setattr(receipts, "FOLD_FROM", 1)
    local.fold()
    kept.write_bytes(data)  # as two leave it who have folded at once
    assert local.files() == ["folded", "folded"]
    forget_receipt(local.layout, extra)
    assert local.who(*tasks, extra) == ["me"] * 4 + [None]


# ---- few requests, and damage


def test_a_partition_is_listed_once_for_all_its_tasks(executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = executor.write_many(30)
    executor.fold()
    receipt_files._read_kept.cache_clear()
    kind, asked = type(executor.layout.published), list[str]()
    for name in ("iter_below", "read", "size", "open"):
        patched(monkeypatch, kind, name, asked)
    assert executor.who(*tasks) == ["me"] * 30
    assert [word for word in asked if word != "size"] == ["iter_below", "read", "iter_below"]
    assert executor.who(tasks[0]) == ["me"]
    assert asked.count("read") == 1, "a fold is read once"


def patched(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, asked: list[str]) -> None:
    """Note every call of a storage's method from outside."""
    method = getattr(kind, name)

    def noting(*arguments: Any) -> Any:
        asked.append(name)
        return method(*arguments)

    monkeypatch.setattr(kind, name, noting)


def test_a_damaged_receipt_is_named_before_it_is_folded(local: Any) -> None:
    tasks = local.write_many(5)
    path = local.layout.folder / FOLDER / f"{tasks[2].task_id}.json"
    path.write_bytes(b"\xff{")
    for ask in (local.fold, local.all, lambda: local.who(*tasks), lambda: local.write(tasks[2])):
        with pytest.raises(ReceiptError, match="is not a receipt") as caught:
            ask()
        assert str(path) in str(caught.value)
    assert local.files() == ["json"] * 5


@pytest.mark.parametrize("data", [b"", b"PAR1", b"\x00" * 99], ids=repr)
def test_a_damaged_fold_is_named_with_what_to_do(local: Any, data: bytes) -> None:
    tasks = local.write_many(5)
    local.fold()
    (fold,) = (local.layout.folder / FOLDER / "folded").iterdir()
    fold.write_bytes(data)
    receipt_files._read_kept.cache_clear()
    for ask in (local.all, lambda: local.who(*tasks), lambda: forget_receipt(local.layout, tasks[0])):
        with pytest.raises(ReceiptError, match="delete it and run again") as caught:
            ask()
        assert str(fold) in str(caught.value)


def test_tasks_of_stages_that_are_shared_have_their_receipts_in_the_store(local: Any, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "study", store=tmp_path / "store")
    task = replace(local.task(1), stage=Stage.STORE)
    write_receipt(layout, Receipt(task.task_id, task.stage, "", PARTITION, State.DONE))
    store = open_storage(str(tmp_path / "store"))
    assert [entry.name for entry in store.iter_below("receipts")] == [
        f"receipts/store/{PARTITION}/{task.task_id}.json"
    ]
    assert read_receipt(Layout(tmp_path / "another", store=tmp_path / "store"), task) is not None


def test_the_parts_of_attempts_that_came_short_go_when_another_has_published_more(local: Any) -> None:
    task = local.task(0)
    attempts = [local.write(task, who, State.PARTIAL) for who in ("first", "second")]
    there = [local.layout.published.size(receipt.outputs[0].path) is not None for receipt in attempts]
    assert there == [False, True]
    done = local.write(task, "third")
    local.fold()
    there = [local.layout.published.size(r.outputs[0].path) is not None for r in (*attempts, done)]
    assert there == [False, False, True]
    assert local.files() == ["json"]
