"""Where things stand below the output folder, and how a file gets there whole or not at all."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

TEMPORARY = ".tmp-"
# What holds for any study of the same archive, and may therefore stand in a store that several share.
SHARED_TABLES = ("contents", "index_footers")
SHARED_STAGES = ("store", "fetch", "footers")


@dataclass(frozen=True, slots=True)
class Layout:
    """The output folder of one study, and the store of bodies: the same folder unless one is named."""

    folder: Path
    store: Path | None = None

    @property
    def store_folder(self) -> Path:
        return self.store or self.folder

    def receipts_of(self, stage: str) -> Path:
        """The folder of a stage's receipts."""
        return (self.store_folder if stage in SHARED_STAGES else self.folder) / "receipts" / stage

    def file(self, path: str) -> Path:
        """Where a part stands that receipts and manifest name by its path."""
        is_shared = path.startswith(tuple(f"tables/{table}/" for table in SHARED_TABLES))
        return (self.store_folder if is_shared else self.folder) / path

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def warehouse(self) -> Path:
        return self.folder / "census.duckdb"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def report_pages(self) -> Path:
        """The folder of the report's findings, beside its front page."""
        return self.report.with_suffix("")

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def plans(self) -> Path:
        """Lists that tasks point at, and slices of plans."""
        return self.folder / "plans"

    @property
    def spool(self) -> Path:
        """What tasks under way have read of a remote archive."""
        return self.folder / "spool"

    @property
    def probe(self) -> Path:
        """The campaigns of the live probe, with their ledgers."""
        return self.folder / "probe"

    @property
    def evidence(self) -> Path:
        """WARC files of what the live probe sent and was sent."""
        return self.folder / "evidence"

    @property
    def lock(self) -> Path:
        return self.folder / ".lock"

    def part(self, table: str, partition: str, name: str) -> str:
        """Path of a Parquet part below the output folder, as receipts and manifest write it.

        `partition` is `key=value`, or empty for a table without partitions.
        """
        middle = f"{partition}/" if partition else ""
        return f"tables/{table}/{middle}part-{name}.parquet"


def temporary_name(path: Path) -> Path:
    """A sibling of `path` that no reader looks at and no other process writes."""
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = temporary_name(path)
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def remove_temporaries(folder: Path) -> int:
    """Remove what killed runs left half-written below `folder`; returns how many things that were."""
    leftovers = sorted(folder.rglob(f"{TEMPORARY}*"))
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return len(leftovers)
