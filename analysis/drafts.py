"""A folder that is replaced whole: readers see the old one or the new one, never a part of either."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_whole(folder: Path) -> Iterator[Path]:
    """A temporary sibling that takes the folder's place when the block ends well, and vanishes otherwise.

    Missing parent folders are made. What stood in the folder is gone only when the new one is whole.
    """
    draft, old = folder.with_name(f".{folder.name}.draft"), folder.with_name(f".{folder.name}.old")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
