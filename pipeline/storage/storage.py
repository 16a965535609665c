"""What a study asks of the place that its output goes to: things appear there whole, or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol


class StorageError(RuntimeError):
    """An output cannot be used as the study file has it, or is full; the text names the place and the fix."""


class Entry(NamedTuple):
    """One stored thing: its name below the root, and its bytes."""

    name: str
    n_bytes: int


class Storage(Protocol):
    """Bytes by name; a name is a relative path with slashes.

    A reader sees a thing whole or does not see it, whatever dies meanwhile. StorageError where the place
    refuses; FileNotFoundError for what is not there.
    """

    @property
    def root(self) -> str:
        """The place as a study file names it."""
        ...

    @property
    def n_retries(self) -> int:
        """Requests that this process has had to send again so far: 0 for a folder."""
        ...

    def read(self, name: str) -> bytes:
        """All bytes of a thing; FileNotFoundError when there is none."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A thing to be read from any place in it; FileNotFoundError when there is none."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a thing; None when there is none."""
        ...

    def iter_below(self, prefix: str) -> Iterator[Entry]:
        """Everything below a folder ("": below the root), sorted by name, or nothing.

        Without what is just being written. What is removed meanwhile, after something else has taken its
        place that sorts after it, is not missed together with that.
        """
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Store a thing unless there is one of the name: of any number who try, one is told True."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Store a thing in place of what there is."""
        ...

    def draft(self, name: str) -> AbstractContextManager[Path]:
        """A file of this machine to write what `publish` will store; gone at the end of the block."""
        ...

    def publish(self, draft: Path, name: str) -> None:
        """Store a draft under a name that tells its content: what has the name already is the same."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove things; those that are not there do not matter."""
        ...

    def local(self, names: Iterable[str]) -> AbstractContextManager[list[Path]]:
        """Things as files of this machine for as long as the block lasts, in the order of the names.

        FileNotFoundError, by the block or on its way in, for one that is not there.
        """
        ...
