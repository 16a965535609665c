"""One run at a time on one output folder."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.layout import Layout
from pipeline.storage.storage import StorageError


class FolderInUseError(RuntimeError):
    """Another run holds the output folder."""


@contextmanager
def hold_folders(layout: Layout, is_patient: bool = False) -> Iterator[None]:
    """Hold the output folder and the store of bodies, where that is another; see `hold_file`."""
    with ExitStack() as held:
        # Always in the same order, so that two runs never wait for each other.
        for folder in layout.local_folders:
            held.enter_context(hold_file(Layout(folder).lock, folder, is_patient))
        yield


@contextmanager
def hold_folder(layout: Layout) -> Iterator[None]:
    """Hold one output folder; see `hold_file`."""
    with hold_file(layout.lock, layout.folder):
        yield


@contextmanager
def hold_file(lock: Path, what: Path, is_patient: bool = False) -> Iterator[None]:
    """Hold `what` by its lock file until the block ends; the kernel lets go when the process dies.

    Raises FolderInUseError, naming the holder, when another process has it, or waits for its end;
    StorageError where the file system has no locks.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise FolderInUseError(
                f"{what} is in use by {holder}. Wait for it to end, or choose another folder."
            ) from None
        except OSError as error:
            raise StorageError(
                f"{what} cannot be held, for its file system has no locks ({error.strerror})."
                " Fix: mount it with locks (NFS version 4 has them), or choose another folder."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        os.fsync(file.fileno())  # over NFS others see it only then
        yield
