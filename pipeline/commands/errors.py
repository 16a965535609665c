"""Which errors are the user's to mend, and the exit status of each."""

import os
from collections.abc import Iterator

from pipeline.storage.folder import FULL, MAKE_ROOM

# Named, not imported: a verb that never touches DuckDB or the archive must not load them.
USAGE = (
    "pipeline.study.StudyError",
    "pipeline.csv_list.ListError",
    "pipeline.commands.errors.UsageError",
    "pipeline.engines.engine.EngineError",
    "consent.agents.RegistryError",
    "analysis.release_folder.ReleaseError",
)
FAILURE = (
    "pipeline.campaign.ProbeError",
    "pipeline.execute.TasksMissingError",
    "pipeline.engines.engine.EngineLostError",
    "pipeline.manifest.ManifestError",
    "pipeline.manifest.StageMissingError",
    "pipeline.parts.PartError",
    "pipeline.receipt_files.ReceiptError",
    "pipeline.storage.storage.StorageError",
    "pipeline.locking.FolderInUseError",
    "snapshots.archive.ArchiveError",
    "analysis.dataset.DatasetError",
    "analysis.models.ModelError",
    "analysis.report.ReportError",
    "duckdb.Error",
)


class UsageError(ValueError):
    """The call cannot be carried out as written; the text says what to change."""


def status_of(error: BaseException) -> int | None:
    """2 for a wrong call or study file, 1 for work that failed, None for an error of our own."""
    names = set(_names(error))
    if isinstance(error, UsageError) or names & set(USAGE):
        return 2
    if names & set(FAILURE) or "duckdb" in {name.split(".")[0].lstrip("_") for name in names}:
        return 1
    return 1 if isinstance(error, OSError) and (error.filename is not None or error.errno in FULL) else None


def text_of(error: BaseException) -> str:
    """What the user is told: the error's own text, and of a disk that is full where it is and what to do."""
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{error.filename or 'the output folder'}: {error.strerror}. Fix: {MAKE_ROOM}."
    text = str(error)
    is_full = any(os.strerror(number) in text for number in FULL)
    return f"{text}. Fix: {MAKE_ROOM}." if is_full and MAKE_ROOM not in text else text


def _names(error: BaseException) -> Iterator[str]:
    for kind in type(error).__mro__:
        yield f"{kind.__module__}.{kind.__qualname__}"
