"""The files that receipts are in: one for each task, done or short, and folds of many that are done."""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.manifest import digest_of
from pipeline.parts import Output
from pipeline.storage.choice import open_storage
from pipeline.storage.storage import Storage
from pipeline.tasks import Receipt, SkipCount, Stage, State

# Folds have a folder of their own, soon listed. Its name sorts after every task id, so that who lists
# receipts and misses one that is just being folded does see the fold.
DONE, SHORT, FOLDS, FOLDED = ".json", ".short.json", "folded", ".parquet"
ATTEMPTS = 8
# Reading of a bucket is waiting.
READERS = 8
# Compressed, a fold is some hundred bytes for each of its receipts.
N_FOLDS_KEPT = 128
_SCHEMA = pa.schema([("task_id", pa.string()), ("receipt", pa.string())])
_T = TypeVar("_T")


class ReceiptError(ValueError):
    """A stored receipt is damaged; the text names the file and the way on."""


class Stored(NamedTuple):
    """A receipt as JSON, and the file that it was read from."""

    text: str | bytes
    where: str


def names_in(storage: Storage, folder: str) -> list[str]:
    """Everything in a folder of receipts, sorted."""
    return [entry.name for entry in storage.iter_below(folder)]


def is_done(name: str) -> bool:
    """Whether a file is the receipt of a task that is done."""
    return name.endswith(DONE) and not is_short(name)


def is_short(name: str) -> bool:
    """Whether a file is the receipt of a task that failed or lacked something."""
    return name.endswith(SHORT)


def is_fold(name: str) -> bool:
    """Whether a file holds the receipts of many tasks."""
    return name.endswith(FOLDED)


def task_id_of(name: str) -> str:
    """The task that a receipt's file is of."""
    return name.rpartition("/")[2].partition(".")[0]


def read_single(storage: Storage, names: Sequence[str]) -> dict[str, Stored]:
    """Receipts by their tasks, each in a file of its own; FileNotFoundError when one has gone."""
    with ThreadPoolExecutor(READERS) as threads:
        texts = list(threads.map(storage.read, names)) if len(names) > 1 else list(map(storage.read, names))
    return {
        task_id_of(name): Stored(text, f"{storage.root}/{name}")
        for name, text in zip(names, texts, strict=True)
    }


def read_folds(storage: Storage, names: Iterable[str]) -> dict[str, Stored]:
    """The receipts of folds by their tasks; FileNotFoundError when a fold has gone."""
    return {
        task_id: Stored(text, f"{storage.root}/{name}")
        for name in names
        for task_id, text in _read_fold(storage, name).items()
    }


def write_fold(storage: Storage, folder: str, receipts: dict[str, Stored]) -> str:
    """Store receipts in one file; returns its name, which tells what is in it, or nothing for none.

    Raises ReceiptError for one that is damaged, as long as its own file tells which.
    """
    if not receipts:
        return ""
    for stored in receipts.values():
        parse(stored)
    texts = {task_id: _as_text(receipts[task_id].text) for task_id in sorted(receipts)}
    sink = io.BytesIO()
    rows = pa.table([list(texts), list(texts.values())], schema=_SCHEMA)
    pq.write_table(rows, sink, compression="zstd")
    name = f"{folder}/{FOLDS}/{digest_of(texts)}{FOLDED}"
    storage.replace(name, sink.getvalue())
    return name


def parse(stored: Stored) -> Receipt:
    """A stored receipt; ReceiptError names the file when it is none."""
    try:
        fields = json.loads(stored.text)
        fields["outputs"] = tuple(Output(**output) for output in fields["outputs"])
        fields["skips"] = tuple(SkipCount(**skip) for skip in fields["skips"])
        fields["staged"] = tuple(Output(**output) for output in fields["staged"])
        fields["missing"] = tuple(fields["missing"])
        fields["stage"], fields["state"] = Stage(fields["stage"]), State(fields["state"])
        return Receipt(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ReceiptError(f"{stored.where} is not a receipt ({error}); delete it and run again") from error


def retry(act: Callable[[], _T]) -> _T:
    """Do what reads files that it has listed, and again when some of them have been folded meanwhile."""
    for _ in range(ATTEMPTS - 1):
        with suppress(FileNotFoundError):
            return act()
    return act()


def _read_fold(storage: Storage, name: str) -> dict[str, str]:
    data = _read_kept(storage.root, name)
    try:
        rows = pq.read_table(pa.BufferReader(data), schema=_SCHEMA)
    except (pa.ArrowException, OSError) as error:
        raise ReceiptError(
            f"{storage.root}/{name} holds no receipts ({error}); delete it and run again"
        ) from error
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


@lru_cache(maxsize=N_FOLDS_KEPT)
def _read_kept(root: str, name: str) -> bytes:
    """The bytes of a fold, kept for a while: its name tells its content."""
    return open_storage(root).read(name)


def _as_text(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text
