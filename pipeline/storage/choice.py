"""Which storage a root names."""

import os
from functools import lru_cache
from pathlib import Path

from pipeline.storage.folder import FolderStorage
from pipeline.storage.storage import Storage

SCHEME = "s3://"


def is_bucket(root: str) -> bool:
    """Whether a root is not a folder but a bucket and a prefix in it."""
    return root.startswith(SCHEME)


@lru_cache(maxsize=16)
def open_storage(root: str) -> Storage:
    """The storage at `s3://bucket/prefix` or in a folder; one for each process, for connections last.

    Raises StorageError where boto3 or credentials are missing.
    """
    if is_bucket(root):
        # Imported for those who use it: the command line starts without.
        from pipeline.storage.bucket import BucketStorage

        return BucketStorage(root)
    return FolderStorage(Path(root))


# A connection is of one process: two that write into it would garble each other.
os.register_at_fork(after_in_child=open_storage.cache_clear)
