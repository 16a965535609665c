"""A folder, on this machine or shared (NFS): whole by a rename, first come by a hard link."""

import errno
import fcntl
import os
import random
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pipeline.storage.freshness import SILLY, refresh
from pipeline.storage.storage import Entry, StorageError

TEMPORARY = ".tmp-"
# Held for a moment by those who create something where there are no hard links.
CREATING = ".create.lock"
ATTEMPTS = 10
# Threads of one process make and remove folders in turn; other processes may still come between.
_FOLDERS = threading.Lock()
# To make a file in a folder that others remove whenever it is empty.
MAKE_ATTEMPTS, MAKE_PAUSE_S = 100, 0.0002
# How names begin that are none of what is stored.
_PASSING = (TEMPORARY, CREATING, SILLY)
# What a disk says that is full, or a quota that is used up.
FULL = frozenset([errno.ENOSPC, errno.EDQUOT])
MAKE_ROOM = "make room there and call the same again: what is done stays"
# What file systems without hard links answer.
_NO_LINKS = frozenset([errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK])


class FolderStorage:
    """See `Storage`. The folder comes into being with the first thing that is stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def root(self) -> str:
        return str(self._folder)

    @property
    def n_retries(self) -> int:
        return 0

    def read(self, name: str) -> bytes:
        with _open(self._folder / name) as file:
            try:
                return file.read()
            except OSError as error:
                if error.errno != errno.ESTALE:
                    raise
                # Over NFS what another machine has removed is gone for those who have it open, too.
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file.name) from error

    def open(self, name: str) -> BinaryIO:
        return _open(self._folder / name)

    def size(self, name: str) -> int | None:
        path = self._folder / name
        n_bytes = _size_of(path)
        if n_bytes is None:
            refresh(path)
            n_bytes = _size_of(path)
        return n_bytes

    def iter_below(self, prefix: str) -> Iterator[Entry]:
        names = self._names(prefix)
        for _ in range(ATTEMPTS):
            found = [Entry(name, n) for name in sorted(names) if (n := self.size(name)) is not None]
            again = self._names(prefix)
            if len(found) == len(names) and names <= again:
                break
            # What has gone may have gone into something that came after it had been looked for.
            names = again
        yield from found

    def create(self, name: str, data: bytes) -> bool:
        with self.draft(name) as draft:
            _write(draft, data)
            try:
                os.link(draft, self._folder / name)
            except FileExistsError:
                # Over NFS the answer to a link that was made may be lost, and the question asked again.
                refresh(draft)
                return draft.stat().st_nlink > 1
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return self._create_in_turn(draft, self._folder / name)
        return True

    def replace(self, name: str, data: bytes) -> None:
        with self.draft(name) as draft:
            _write(draft, data)
            draft.replace(self._folder / name)

    @contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        """A sibling of the thing: a rename moves it, and no other process of any machine writes it."""
        draft = temporary_name(self._folder / name)
        try:
            _make(draft)
            yield draft
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise StorageError(f"{self._folder}: {error.strerror}. Fix: {MAKE_ROOM}.") from error
        finally:
            draft.unlink(missing_ok=True)

    def publish(self, draft: Path, name: str) -> None:
        draft.replace(self._folder / name)

    def remove(self, names: Iterable[str]) -> None:
        """Folders that are left empty by it go too."""
        paths = [self._folder / name for name in names]
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in sorted({path.parent for path in paths}, reverse=True):
            self._remove_empty(folder)

    def _names(self, prefix: str) -> set[str]:
        return {path.relative_to(self._folder).as_posix() for path in _iter_files(self._folder / prefix)}

    def _create_in_turn(self, draft: Path, path: Path) -> bool:
        """One process at a time looks and renames; the kernel lets go of the turn of one that dies."""
        with (self._folder / CREATING).open("ab") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if path.exists():
                return False
            draft.replace(path)
        return True

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._folder:
            try:
                with _FOLDERS:
                    folder.rmdir()
            except OSError:  # not empty, or gone
                return
            folder = folder.parent

    @contextmanager
    def local(self, names: Iterable[str]) -> Iterator[list[Path]]:
        """The files themselves."""
        yield [self._folder / name for name in names]


def temporary_name(path: Path) -> Path:
    """A sibling of `path` that no reader looks at and no other process, here or elsewhere, writes."""
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


def remove_temporaries(folder: Path) -> int:
    """Remove what killed runs left half-written below `folder`; returns how many things that were."""
    leftovers = sorted(folder.rglob(f"{TEMPORARY}*"))
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return len(leftovers)


def _iter_files(folder: Path) -> Iterator[Path]:
    refresh(folder)
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(TEMPORARY)]
        for name in folders:
            refresh(Path(parent, name))
        yield from (Path(parent, name) for name in files if not name.startswith(_PASSING))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        refresh(path)
        return path.open("rb")


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except FileNotFoundError:
        return None


def _make(path: Path) -> None:
    """An empty file, in a folder that another process may just be removing as empty."""
    for attempt in range(MAKE_ATTEMPTS):
        with suppress(FileNotFoundError), _FOLDERS:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            return
        time.sleep(random.random() * attempt * MAKE_PAUSE_S)
    path.touch()


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
