"""Which store of bodies a study has read into: what went into another has to be looked for in this one.

A store goes by a name made up once. One that has lost a part gets another, so that every study that has read
into it looks for what it lacks.
"""

import secrets

from pipeline.archive_tables import CONTENTS
from pipeline.known import STORING
from pipeline.layout import Layout
from pipeline.receipts import forget_receipt, has_receipts, is_whole, iter_receipts
from pipeline.storage.storage import Storage
from pipeline.tasks import Receipt, Stage

# The name of a store, and the name of the store that the captures of a study were read into.
_NAME, _USED = "receipts/store.id", "receipts/used-store.id"


def is_store_used(layout: Layout) -> bool:
    """Whether all that the study has read went into its present store; True when it has read nothing."""
    if not has_receipts(layout, Stage.CAPTURE):
        return True
    used = _read(layout.published, _USED)
    return bool(used) and used == _read(layout.shared, _NAME)


def name_of_store(layout: Layout) -> bytes:
    """The name of the store that the study has now, made up if it has none."""
    # Of several who name a store at once, one does.
    if not _read(layout.shared, _NAME):
        layout.shared.create(_NAME, f"{secrets.token_hex(16)}\n".encode())
    return _read(layout.shared, _NAME)


def note_store(layout: Layout, name: bytes) -> None:
    """Note that all that the study has read is in the store of this name."""
    if _read(layout.published, _USED) != name:
        layout.published.replace(_USED, name)


def forget_lost(layout: Layout) -> int:
    """Forget the tasks whose parts of the store are gone or of other size than stated; returns their number.

    A store that has lost something has no name afterwards. Whoever is killed between loses nothing.
    """
    stored = dict(layout.shared.iter_below(f"tables/{CONTENTS.name}"))

    def is_lost(receipt: Receipt) -> bool:
        parts = (output for output in receipt.outputs if output.table == CONTENTS.name)
        # Others may have stored it since the parts were listed.
        return any(stored.get(part.path) != part.n_bytes and not is_whole(layout, part) for part in parts)

    lost = [receipt for stage in STORING for receipt in iter_receipts(layout, stage) if is_lost(receipt)]
    if lost:
        layout.shared.remove([_NAME])
    for receipt in lost:
        forget_receipt(layout, receipt)
    return len(lost)


def _read(storage: Storage, name: str) -> bytes:
    """Empty where there is none."""
    try:
        return storage.read(name)
    except FileNotFoundError:
        return b""
