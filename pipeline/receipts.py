"""Receipts as they are stored: the first that says "done" stands for ever, whoever else does the task too.

A task that is done has `receipts/<stage>/<partition>/<task id>.json`, made only if there is none. One that
failed or lacked something has `<task id>.short.json`, which the next attempt replaces. When many of a
partition are done, they are folded into one Parquet file, and what was folded is removed: the number of
files does not grow with the number of tasks. Of a receipt in a fold and one beside it the folded was first.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import PurePosixPath

from pipeline.layout import Layout
from pipeline.parts import Output
from pipeline.receipt_files import (
    DONE,
    FOLDS,
    SHORT,
    Stored,
    is_done,
    is_fold,
    is_short,
    names_in,
    parse,
    read_folds,
    read_single,
    retry,
    task_id_of,
    write_fold,
)
from pipeline.receipt_files import ReceiptError as ReceiptError
from pipeline.storage.storage import Entry, Storage
from pipeline.tasks import Receipt, Stage, State, Task

# As many receipts of a partition as are left as files of their own.
FOLD_FROM = 64
# Those of the store are read again and again, for what is in it.
FOLD_STORE_FROM = 2
# From so many names on a folder is listed as a whole rather than asked name by name.
LIST_FROM = 4


def folder_of(stage: Stage, partition: str) -> str:
    """Where the receipts of a stage's tasks of one partition stand, below the root."""
    return f"receipts/{stage}/{partition or 'all'}"


def write_receipt(layout: Layout, receipt: Receipt) -> Receipt:
    """Store a receipt, after all that it vouches for has been published; returns the one that stands.

    That is another one when another executor was first to be done with the task, however this one ended.
    """
    storage, folder = layout.storage_of_stage(receipt.stage), folder_of(receipt.stage, receipt.partition)
    data = (json.dumps(asdict(receipt), indent=1, sort_keys=True) + "\n").encode()
    if receipt.state is State.DONE:
        return retry(lambda: _write_done(layout, receipt, data))
    standing = _read_group(storage, folder, [receipt.task_id]).get(receipt.task_id)
    if standing is not None and standing.state is State.DONE and _is_sound(layout, standing):
        return standing
    storage.replace(f"{folder}/{receipt.task_id}{SHORT}", data)
    if standing is not None:
        _remove_superseded(layout, standing, receipt)
    return receipt


def _write_done(layout: Layout, receipt: Receipt, data: bytes) -> Receipt:
    """See `write_receipt`. A receipt that vouches for what is gone gives place to this one."""
    storage, folder = layout.storage_of_stage(receipt.stage), folder_of(receipt.stage, receipt.partition)
    done = f"{folder}/{receipt.task_id}{DONE}"
    is_first = storage.create(done, data)
    folds = names_in(storage, f"{folder}/{FOLDS}")
    folded = _parse_some(read_folds(storage, folds), [receipt.task_id]).get(receipt.task_id)
    if folded is not None:
        if _is_sound(layout, folded):
            # The name was free because the first receipt had been folded.
            storage.remove([done] if is_first else [])
            return folded
        _take_from_folds(storage, folder, receipt.task_id)
    standing = receipt if is_first else parse_receipt(storage, done)
    if _is_sound(layout, standing):
        return standing
    storage.replace(done, data)
    return receipt


def read_receipt(layout: Layout, task: Task) -> Receipt | None:
    """The receipt of a task; None when it has none or a part that it vouches for is gone."""
    return read_receipts(layout, [task])[task.task_id]


def read_receipts(layout: Layout, tasks: Iterable[Task]) -> dict[str, Receipt | None]:
    """The receipts of tasks by their ids, None as for `read_receipt`; a partition is listed once."""
    groups: dict[tuple[Stage, str], list[str]] = defaultdict(list)
    for task in tasks:
        groups[task.stage, task.partition].append(task.task_id)
    found: dict[str, Receipt | None] = {}
    for (stage, partition), wanted in groups.items():
        stored = _read_group(layout.storage_of_stage(stage), folder_of(stage, partition), wanted)
        whole = _find_whole(layout, [output for receipt in stored.values() for output in receipt.outputs])
        for task_id in wanted:
            receipt = stored.get(task_id)
            is_sound = receipt is not None and all(output.path in whole for output in receipt.outputs)
            found[task_id] = receipt if is_sound else None
    return found


def forget_receipt(layout: Layout, task: Task | Receipt) -> None:
    """Have a task run again, whatever it has done."""
    storage, folder = layout.storage_of_stage(task.stage), folder_of(task.stage, task.partition)
    storage.remove([f"{folder}/{task.task_id}{DONE}", f"{folder}/{task.task_id}{SHORT}"])
    retry(lambda: _take_from_folds(storage, folder, task.task_id))


def fold_receipts(layout: Layout, stage: Stage, partition: str) -> None:
    """Put the receipts of a partition's tasks that are done into one file, if there are many."""
    storage, folder = layout.storage_of_stage(stage), folder_of(stage, partition)
    fold_from = min(FOLD_FROM, FOLD_STORE_FROM if stage is Stage.STORE else FOLD_FROM)
    retry(lambda: _remove_stale(layout, storage, names_in(storage, folder)))
    retry(lambda: _fold(storage, folder, fold_from))


def _fold(storage: Storage, folder: str, fold_from: int) -> None:
    names = names_in(storage, folder)
    single, folds = list(filter(is_done, names)), list(filter(is_fold, names))
    if len(single) >= fold_from:
        stands = write_fold(storage, folder, read_single(storage, single) | read_folds(storage, folds))
        storage.remove([*single, *(name for name in folds if name != stands)])


def _remove_stale(layout: Layout, storage: Storage, names: Sequence[str]) -> None:
    """Remove what tasks left that had failed or lacked something and are done now: receipts, and parts."""
    short = list(filter(is_short, names))
    if not short:
        return
    done = _parse_some(_read_done(storage, names), map(task_id_of, short))
    stale = [name for name in short if task_id_of(name) in done]
    for task_id, stored in read_single(storage, stale).items():
        # One that is damaged vouches for nothing.
        with suppress(ReceiptError):
            _remove_superseded(layout, parse(stored), done[task_id])
    storage.remove(stale)


def _remove_superseded(layout: Layout, before: Receipt, now: Receipt) -> None:
    """Remove the parts of an attempt that the next one has published anew, with more or other rows."""
    kept = {output.path for output in now.outputs}
    for output in before.outputs:
        if output.path not in kept:
            layout.storage_of(output.path).remove([output.path])


def _take_from_folds(storage: Storage, folder: str, task_id: str) -> None:
    folds = names_in(storage, f"{folder}/{FOLDS}")
    receipts = read_folds(storage, folds)
    if receipts.pop(task_id, None) is not None:
        stands = write_fold(storage, folder, receipts)
        storage.remove([name for name in folds if name != stands])


def iter_receipts(layout: Layout, stage: Stage) -> Iterator[Receipt]:
    """All receipts of a stage that say done, of whatever plan; nothing when there are none."""
    yield from _iter_read(layout, stage, _read_done)


def iter_short(layout: Layout, stage: Stage) -> Iterator[Receipt]:
    """The receipts of tasks that failed or lacked something, and have not been done since."""
    yield from _iter_read(layout, stage, _read_short)


def has_receipts(layout: Layout, stage: Stage) -> bool:
    """Whether any task of a stage has been done."""
    entries = layout.storage_of_stage(stage).iter_below(f"receipts/{stage}")
    return any(is_done(entry.name) or is_fold(entry.name) for entry in entries)


def is_whole(layout: Layout, output: Output) -> bool:
    """Whether a part is there with as many bytes as its receipt states."""
    return layout.storage_of(output.path).size(output.path) == output.n_bytes


def parse_receipt(storage: Storage, name: str) -> Receipt:
    """A stored receipt; ReceiptError names the file when it is none."""
    return parse(Stored(storage.read(name), f"{storage.root}/{name}"))


_Reader = Callable[[Storage, Sequence[str]], dict[str, Stored]]


def _iter_read(layout: Layout, stage: Stage, read: _Reader) -> Iterator[Receipt]:
    """What is read of each folder of a stage; listed again where it has been folded since it was listed."""
    storage = layout.storage_of_stage(stage)
    for folder, entries in groupby(storage.iter_below(f"receipts/{stage}"), key=_folder):
        found = _read_again(storage, folder, [entry.name for entry in entries], read)
        yield from (parse(found[task_id]) for task_id in sorted(found))


def _read_again(storage: Storage, folder: str, names: Sequence[str], read: _Reader) -> dict[str, Stored]:
    with suppress(FileNotFoundError):
        return read(storage, names)
    return retry(lambda: read(storage, names_in(storage, folder)))


def _read_done(storage: Storage, names: Sequence[str]) -> dict[str, Stored]:
    single = read_single(storage, list(filter(is_done, names)))
    return single | read_folds(storage, filter(is_fold, names))


def _read_short(storage: Storage, names: Sequence[str]) -> dict[str, Stored]:
    short = list(filter(is_short, names))
    if not short:
        return {}
    done = {task_id_of(name) for name in names if is_done(name)}
    done |= read_folds(storage, filter(is_fold, names)).keys()
    return read_single(storage, [name for name in short if task_id_of(name) not in done])


def _read_group(storage: Storage, folder: str, wanted: Sequence[str]) -> dict[str, Receipt]:
    """What is stored of some tasks of one partition."""
    return retry(lambda: _read_wanted(storage, names_in(storage, folder), wanted))


def _read_wanted(storage: Storage, names: Sequence[str], wanted: Sequence[str]) -> dict[str, Receipt]:
    """Done in a fold, done, or short, in this order."""
    found = _parse_some(read_folds(storage, filter(is_fold, names)), wanted)
    for is_such in (is_done, is_short):
        left = {task_id for task_id in wanted if task_id not in found}
        chosen = [name for name in names if is_such(name) and task_id_of(name) in left]
        found |= _parse_some(read_single(storage, chosen), wanted)
    return found


def _parse_some(receipts: dict[str, Stored], wanted: Iterable[str]) -> dict[str, Receipt]:
    return {task_id: parse(receipts[task_id]) for task_id in wanted if task_id in receipts}


def _is_sound(layout: Layout, receipt: Receipt) -> bool:
    return all(is_whole(layout, output) for output in receipt.outputs)


def _find_whole(layout: Layout, outputs: Sequence[Output]) -> set[str]:
    """The paths of the parts that are there with their bytes."""
    by_folder: dict[str, list[Output]] = defaultdict(list)
    for output in outputs:
        by_folder[str(PurePosixPath(output.path).parent)].append(output)
    whole = set()
    for folder, group in by_folder.items():
        if len(group) < LIST_FROM:
            whole |= {output.path for output in group if is_whole(layout, output)}
        else:
            stored = dict(layout.storage_of(group[0].path).iter_below(folder))
            whole |= {output.path for output in group if stored.get(output.path) == output.n_bytes}
    return whole


def _folder(entry: Entry) -> str:
    return entry.name.rpartition("/")[0].removesuffix(f"/{FOLDS}")
