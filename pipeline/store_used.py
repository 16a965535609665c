"""Which store of bodies a study has read into: what went into another has to be looked for in this one."""

import secrets

from pipeline.layout import Layout
from pipeline.receipts import has_receipts
from pipeline.storage.storage import Storage
from pipeline.tasks import Stage

# The name of a store, and the name of the store that the captures of a study were read into.
_NAME, _USED = "receipts/store.id", "receipts/used-store.id"


def is_store_used(layout: Layout) -> bool:
    """Whether all that the study has read went into its present store; True when it has read nothing."""
    if not has_receipts(layout, Stage.CAPTURE):
        return True
    used = _read(layout.published, _USED)
    return bool(used) and used == _read(layout.shared, _NAME)


def note_store(layout: Layout) -> None:
    """Note that what the study reads goes into the store that it has now, which is named by chance, once."""
    # Of several who name a store at once, one does.
    if not _read(layout.shared, _NAME):
        layout.shared.create(_NAME, f"{secrets.token_hex(16)}\n".encode())
    name = _read(layout.shared, _NAME)
    if _read(layout.published, _USED) != name:
        layout.published.replace(_USED, name)


def _read(storage: Storage, name: str) -> bytes:
    """Empty where there is none."""
    try:
        return storage.read(name)
    except FileNotFoundError:
        return b""
