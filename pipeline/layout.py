"""Where things stand: what is published in storages, what is made of it in a folder of this machine."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage.choice import is_bucket, open_storage
from pipeline.storage.folder import FolderStorage
from pipeline.storage.storage import Storage

# What holds for any study of the same archive, and may therefore stand in a store that several share.
SHARED_TABLES = ("contents", "index_footers")
SHARED_STAGES = ("store", "fetch", "footers")
MANIFEST = "manifest.json"
RUNS_FOLDER = "runs"
# Bodies on their way into the store.
STAGING_FOLDER = "staging"


@dataclass(frozen=True, slots=True)
class Layout:
    """The output of one study, and the store of bodies: in the same place unless another is named.

    `folder` is on this machine and holds database, dataset, report, and what is under way. Tables, receipts,
    manifest and the lists that tasks point at stand in it too, unless `output` names a bucket for them.
    `store` is a folder, or the root of a bucket.
    """

    folder: Path
    store: Path | str | None = None
    output: str = ""

    @property
    def published(self) -> Storage:
        """Where tables, receipts, lists and the manifest stand."""
        return open_storage(self.output or str(self.folder))

    @property
    def shared(self) -> Storage:
        """Where the store of bodies stands."""
        return open_storage(str(self.store)) if self.store else self.published

    @property
    def local_folders(self) -> tuple[Path, ...]:
        """The folders of this machine that a run works in: one run at a time."""
        has_folder = self.store is not None and not is_bucket(str(self.store))
        return tuple(sorted({self.folder, *([Path(self.store)] if has_folder and self.store else [])}))

    def storage_of_stage(self, stage: str) -> Storage:
        """Where a stage's receipts stand."""
        return self.shared if stage in SHARED_STAGES else self.published

    def storage_of(self, path: str) -> Storage:
        """Where a part stands that receipts and manifest name by its path."""
        is_shared = path.startswith(tuple(f"tables/{table}/" for table in SHARED_TABLES))
        return self.shared if is_shared else self.published

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
    def plans(self) -> Path:
        """Slices of plans, for Slurm."""
        return self.folder / "plans"

    @property
    def spool(self) -> Path:
        """What tasks under way have read of a remote archive; each machine has its own beside a bucket."""
        if not self.output:
            return self.folder / "spool"
        name = hashlib.sha256(self.output.encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"crawlcensus-spool-{name}"

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
        """Path of a Parquet part, as far as it is known before its content is: see `write_part`.

        `partition` is `key=value`, or empty for a table without partitions.
        """
        middle = f"{partition}/" if partition else ""
        return f"tables/{table}/{middle}part-{name}"


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old file or the whole new one."""
    FolderStorage(path.parent).replace(path.name, text.encode())
