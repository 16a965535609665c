"""Reading of things here and there: of a bucket no more is asked for than that takes."""

import io
import os
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.parts import open_part, read_part
from pipeline.storage.bucket import BucketStorage
from pipeline.storage.choice import open_storage
from pipeline.storage.folder import FolderStorage
from pipeline.storage.object_file import TAIL_BYTES
from pipeline.storage.storage import Storage


@pytest.fixture
def data() -> bytes:
    """Larger than what is read of an object's end at once."""
    return os.urandom(3 * TAIL_BYTES + 77)


def test_a_thing_is_read_from_any_place_in_it(storage: Storage, data: bytes) -> None:
    storage.replace("x", data)
    size, border = len(data), len(data) - TAIL_BYTES
    spans = [
        (0, 10),
        (0, size),
        (border - 5, 10),
        (border, 7),
        (border - 1, 1),
        (size - 3, 3),
        (size - 3, 99),
    ]
    with storage.open("x") as file:
        for start, n in spans:
            assert file.seek(start) == start
            assert file.read(n) == data[start : start + n]
            assert file.tell() == min(start + n, size)
        assert file.read(5) == b""
        assert file.seek(-9, io.SEEK_END) == size - 9
        assert (file.read(4), file.seek(-2, io.SEEK_CUR), file.read()) == (data[-9:-5], size - 7, data[-7:])
        file.seek(border - 100)
        assert file.read(-1) == data[border - 100 :]
        file.seek(11)
        assert file.read(None) == data[11:]  # type: ignore[arg-type]
        file.seek(size + 9)
        assert file.read() == b""
        assert file.readable()
        assert file.seekable()


@pytest.mark.parametrize("size", [0, 1, TAIL_BYTES - 1, TAIL_BYTES, TAIL_BYTES + 1])
def test_a_thing_about_as_large_as_the_tail_is_read_whole(storage: Storage, data: bytes, size: int) -> None:
    storage.replace("x", data[:size])
    with storage.open("x") as file, io.BufferedReader(file) as buffered:  # type: ignore[type-var]
        assert buffered.read() == data[:size]


def test_things_are_files_of_this_machine_in_their_order_and_copies_go(storage: Storage, data: bytes) -> None:
    stored = [f"{folder}/same-name" for folder in "dbca"]
    for name in stored:
        storage.replace(name, name.encode() + data)
    with storage.local(iter(stored)) as paths:
        assert [path.read_bytes() for path in paths] == [name.encode() + data for name in stored]
        assert len(set(paths)) == 4
    assert all(path.exists() for path in paths) == isinstance(storage, FolderStorage)
    assert [entry.name for entry in storage.iter_below("")] == sorted(stored)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many requests for an object's bytes were made since it was last asked."""
    asked, ask = [0], BucketStorage._ask

    def counting(self: BucketStorage, operation: str, name: str, **options: Any) -> dict[str, Any]:
        asked[0] += operation == "get_object"
        return ask(self, operation, name, **options)

    def since() -> int:
        n, asked[0] = asked[0], 0
        return n

    monkeypatch.setattr(BucketStorage, "_ask", counting)
    return since


def test_of_a_part_in_a_bucket_few_requests_bring_what_is_wanted(
    bucket_root: str, count: Callable[[], int]
) -> None:
    storage = open_storage(bucket_root)
    digests = [f"{n:06d}" for n in range(20_000)]
    rows = pa.table({"content_digest": digests, "content": [os.urandom(100) for _ in digests]})
    sink = io.BytesIO()
    pq.write_table(rows, sink, row_group_size=256, compression="lz4")
    storage.replace("part.parquet", sink.getvalue())
    with open_part(storage, "part.parquet") as part:
        assert count() == 1, "the footer, with the end of the part"
        assert part.metadata.num_row_groups == 79
        assert part.read_row_groups(range(20, 40)).equals(rows[20 * 256 : 40 * 256])
    assert count() <= 3
    found = read_part(storage, "part.parquet", where=pc.field("content_digest") < "000100")
    assert found.equals(rows[:100])
    assert count() <= 4
    with storage.open("part.parquet") as file:
        assert pq.read_table(file).equals(rows)
    assert count() <= 4
