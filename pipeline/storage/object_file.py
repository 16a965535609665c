"""An object as a file that is read here and there: Parquet reads its end first, and then what it needs."""

import io
from collections.abc import Callable
from typing import BinaryIO

# Holds the footer of all but the largest parts, and the whole of small ones.
TAIL_BYTES = 64 << 10

Ask = Callable[[str], tuple[bytes, int]]
"""Takes the value of a Range header, gives the bytes and the size of the whole object."""


def open_object(ask: Ask) -> BinaryIO:
    """A seekable, read-only file; asks for the object's end at once, and for the rest as it is read."""
    return _ObjectFile(ask)  # type: ignore[return-value]  # typeshed: a RawIOBase is no BinaryIO


class _ObjectFile(io.RawIOBase):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._tail, self._n_bytes = ask(f"bytes=-{TAIL_BYTES}")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._n_bytes}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        is_all = size is None or size < 0
        stop = self._n_bytes if is_all else min(self._position + (size or 0), self._n_bytes)
        data = self._read_span(self._position, stop) if self._position < stop else b""
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read_span(self, start: int, stop: int) -> bytes:
        held_from = self._n_bytes - len(self._tail)
        if start >= held_from:
            return self._tail[start - held_from : stop - held_from]
        return self._ask(f"bytes={start}-{stop - 1}")[0]
