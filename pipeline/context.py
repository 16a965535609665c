"""What a worker must know beside its task: where to read, where to write, which rules apply."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from consent.agents import read_registry
from consent.dialects import find_dialect
from pipeline.layout import Layout
from snapshots.archive import Archive, open_archive


@dataclass(frozen=True, slots=True)
class Context:
    """Settings that all tasks of a run share; small, immutable and picklable."""

    folder: Path
    archive_root: str
    requests_per_s: float = 1.5
    cooldown_s: float = 900.0
    registry: Path | None = None
    dialects: tuple[str, ...] = ("rfc9309",)

    @property
    def layout(self) -> Layout:
        return Layout(self.folder)

    def open_archive(self) -> Archive:
        """The study's archive; all processes of the run share one request rate. Close it after use."""
        return open_archive(
            self.archive_root, self.requests_per_s, self.cooldown_s, limiter_path=self.layout.limiter
        )


def code_version() -> str:
    """The version of the installed crawlcensus."""
    return version("crawlcensus")


def ruler_versions(context: Context) -> tuple[str, ...]:
    """The versions of everything that decides what a body declares: dialects and agent registry."""
    dialects = tuple(f"{name}@{find_dialect(name).version}" for name in context.dialects)
    return (*dialects, f"registry@{read_registry(context.registry).digest}")
