"""Receipts while several executors are at work, and while receipts are folded: nothing is missed or lost."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pipeline import receipts
from pipeline.receipts import write_receipt
from pipeline.tasks import State

FOLDER = "receipts/capture/snapshot=S"


@pytest.fixture(autouse=True)
def _fold_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "FOLD_FROM", 4)


def test_who_reads_while_another_folds_misses_nothing(executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the list of names and the reading of each, everything is folded."""
    kind, tasks = type(executor.layout.published), executor.write_many(5)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "read", once(executor.fold, kind.read))
        assert executor.who(*tasks) == ["me"] * 5
    assert executor.files() == ["folded"]
    executor.write_many(5, first=5)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "read", once(executor.fold, kind.read))
        assert executor.all() == {f"label {n}": "me" for n in range(10)}
    assert executor.files() == ["folded"]


def test_who_asks_for_failures_while_another_folds_sees_those_that_stand(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = local.write_many(5)
    failed = local.task(9)
    local.write(failed, "me", State.FAILED)
    local.layout.published.replace(f"{FOLDER}/{tasks[0].task_id}.short.json", b"left from before")
    kind = type(local.layout.published)
    monkeypatch.setattr(kind, "read", once(local.fold, kind.read))
    assert local.short() == {"label 9": State.FAILED}


def test_who_folds_while_another_folds_loses_nothing(executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = executor.write_many(5)
    kind = type(executor.layout.published)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "read", once(executor.fold, kind.read))
        executor.fold()
    assert executor.files() == ["folded"]
    assert executor.who(*tasks) == ["me"] * 5


def test_who_is_done_while_another_folds_is_told_who_was_first(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was taken when it was asked for, and folded before it was read."""
    tasks = local.write_many(5)
    kind = type(local.layout.published)
    create = kind.create

    def create_and_fold(storage: Any, name: str, data: bytes) -> bool:
        told = create(storage, name, data)
        local.fold()
        return told

    monkeypatch.setattr(kind, "create", create_and_fold)
    assert local.write(tasks[3], "late").error == "me"
    assert local.who(*tasks) == ["me"] * 5


def once(act: Callable[[], object], then: Callable[..., Any]) -> Callable[..., Any]:
    """Another function that does something else first, the first time."""
    left = [act]

    def both(*arguments: Any) -> Any:
        if left:
            left.pop()()
        return then(*arguments)

    return both


def test_readers_and_writers_at_full_speed_agree(local: Any) -> None:
    """Two do the same tasks and fold them, a third looks: what it has once seen done stays as it was."""
    stop, seen, wrong = threading.Event(), dict[str, str](), list[object]()

    def do(who: str) -> None:
        for n in range(40):
            local.write(local.task(n), who)
            if n % 5 == 4:
                local.fold()

    def look() -> None:
        while not stop.is_set():
            now = local.all()
            wrong.extend([(seen, now)] if any(now.get(label) != who for label, who in seen.items()) else [])
            seen.update(now)

    doers = [threading.Thread(target=do, args=(who,)) for who in ("one", "two")]
    looker = threading.Thread(target=look)
    for thread in (*doers, looker):
        thread.start()
    for thread in doers:
        thread.join()
    stop.set()
    looker.join()
    assert wrong == []
    assert local.all().keys() == {f"label {n}" for n in range(40)}
    assert seen.items() <= local.all().items()


def test_of_many_who_are_done_at_once_all_are_told_the_same(local: Any) -> None:
    task, n = local.task(1), 12
    gate, told = threading.Barrier(n), list[str]()

    def do(who: str) -> None:
        receipt = local.receipt(task, who)
        gate.wait()
        told.append(write_receipt(local.layout, receipt).error)

    threads = [threading.Thread(target=do, args=(str(i),)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == n
    assert {*told} == {*local.who(task)} == {*local.all().values()}


def test_who_is_killed_between_fold_and_tidying_loses_nothing(
    executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = executor.write_many(5)
    with monkeypatch.context() as patch:
        patch.setattr(type(executor.layout.published), "remove", die)
        with pytest.raises(KeyboardInterrupt):
            executor.fold()
    assert executor.files() == ["folded", *["json"] * 5]
    assert executor.who(*tasks) == ["me"] * 5
    assert len(executor.all()) == 5
    executor.fold()
    assert executor.files() == ["folded"]
    assert executor.who(*tasks) == ["me"] * 5


def die(*_: object) -> None:
    raise KeyboardInterrupt
