"""What a worker must know beside its task: where to read, where to write, which rules apply."""

import shutil
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from consent.agents import read_registry
from consent.dialects import find_dialect
from consent.markers import MARKERS_VERSION
from pipeline.layout import Layout
from snapshots.access import AccessPolicy
from snapshots.archive import Archive, open_archive


@dataclass(frozen=True, slots=True)
class Context:
    """Settings that all tasks of a run share; small, immutable and picklable."""

    folder: Path
    archive_root: str
    access: AccessPolicy = field(default_factory=AccessPolicy)
    registry: Path | None = None
    dialects: tuple[str, ...] = ("rfc9309",)
    store: Path | str | None = None
    output: str = ""

    @property
    def layout(self) -> Layout:
        return Layout(self.folder, self.store, self.output)

    def open_archive(self, task_id: str | None = None) -> Archive:
        """The study's archive; all that reads from its address shares one pace. Close it after use.

        What a task has read of a remote archive is kept until `discard_spool`, so that nothing is
        fetched twice when the task is run again.
        """
        return open_archive(self.archive_root, self.access, self._spool(task_id) if task_id else None)

    def discard_spool(self, task_id: str) -> None:
        """Remove what a task that is done has read; nothing if there is nothing."""
        shutil.rmtree(self._spool(task_id), ignore_errors=True)

    def _spool(self, task_id: str) -> Path:
        return self.layout.spool / task_id


def code_version() -> str:
    """The version of the installed crawlcensus."""
    return version("crawlcensus")


def ruler_versions(context: Context) -> tuple[str, ...]:
    """The versions of everything that judges a body: dialects, refusal markers and agent registry."""
    dialects = tuple(f"{name}@{find_dialect(name).version}" for name in context.dialects)
    return (*dialects, f"markers@{MARKERS_VERSION}", f"registry@{read_registry(context.registry).digest}")
