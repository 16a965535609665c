"""Lists of wanted keys: written once under a name made of their content, so that tasks can point at them."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.parts import read_part
from pipeline.storage.storage import Storage

COLUMN = "url_surtkey"


def keys_path(keys: pa.Array) -> str:
    """Where sorted keys are stored below the output folder: equal keys in one place."""
    digest = hashlib.sha256("\n".join(keys.to_pylist()).encode()).hexdigest()[:16]
    return f"plans/keys-{digest}.parquet"


def write_keys(storage: Storage, keys: pa.Array) -> None:
    """Store sorted keys in their place, unless they are there."""
    write_list(storage, keys_path(keys), pa.table({COLUMN: keys}))


def write_list(storage: Storage, path: str, rows: pa.Table) -> None:
    """Store rows under a name that tells their content, unless they are there."""
    if storage.size(path) is None:
        with storage.draft(path) as draft:
            pq.write_table(rows, draft, compression="zstd")
            storage.publish(draft, path)


def read_keys(storage: Storage, path: str) -> pa.Array:
    """The keys of a list, sorted."""
    return read_part(storage, path)[COLUMN].combine_chunks()
