"""A network file system answers from memory for up to a minute: how to have it ask its server."""

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

# statx(2) of Linux: relative paths are as for open, attributes come from the server, one is asked for.
_AT_FDCWD, _AT_STATX_FORCE_SYNC, _STATX_MTIME = -100, 0x2000, 0x40
_N_BYTES = 256  # of its answer, which is not read here
# What a client names a file that was removed while one of its own processes had it open.
SILLY = ".nfs"


def refresh(path: Path) -> None:
    """Have the kernel ask again for what is at `path` and, where nothing seems to be, in the folders above.

    Afterwards the names in a folder, those that were not there included, and the attributes of a file are the
    server's of now (nfs(5), "Data and metadata coherence"). Costs one question to the server, and on a local
    file system nothing; does nothing where the system has no such call.
    """
    if not _ask(path) and path != path.parent:
        refresh(path.parent)
        _ask(path)


def _ask(path: Path) -> bool:
    statx = _find_statx()
    if statx is None:
        return True
    answer = ctypes.create_string_buffer(_N_BYTES)
    failed = statx(_AT_FDCWD, os.fsencode(path), _AT_STATX_FORCE_SYNC, _STATX_MTIME, answer)
    return not failed


@cache
def _find_statx() -> Any:
    try:
        return getattr(ctypes.CDLL(None), "statx", None)
    except (OSError, TypeError):  # no such library to ask on this system
        return None
