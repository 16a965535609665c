"""What a stage has published: its parts in a list of their own, its losses added up, in little memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.layout import Layout
from pipeline.manifest import LISTS, SnapshotFacts, StageEntry, digest_of
from pipeline.parts import Output, naming, open_part
from pipeline.tasks import Receipt, SkipCount, Stage, State

ROWS = 1024
_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("path", pa.string()),
        ("n_rows", pa.int64()),
        ("n_bytes", pa.int64()),
        ("first", pa.string()),
        ("last", pa.string()),
    ]
)


class Record:
    """Takes the receipts of a stage, a group at a time, and becomes its entry in the manifest."""

    def __init__(self, layout: Layout, stage: Stage) -> None:
        self._layout, self._stage = layout, stage
        self._held = ExitStack()
        self._waiting: list[Output] = []
        self._writer: pq.ParquetWriter | None = None
        self._draft: Path | None = None
        self._content = digest_of([])
        self._n_rows: Counter[str] = Counter()
        self._n_records: Counter[tuple[str, str, str]] = Counter()
        self._n_bytes: Counter[tuple[str, str, str]] = Counter()
        self.n_tasks = self.n_short = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self._held.close()

    def add(self, receipts: Iterable[Receipt], tables: frozenset[str] | None = None) -> None:
        """Count receipts and list their parts, those of some tables only if they are named."""
        for receipt in receipts:
            self.n_tasks += 1
            self.n_short += receipt.state is not State.DONE
            self._count_losses(receipt)
            self.add_parts(output for output in receipt.outputs if tables is None or output.table in tables)

    def add_parts(self, outputs: Iterable[Output]) -> None:
        """List parts, in this order."""
        for output in outputs:
            self._n_rows[output.table] += output.n_rows
            self._waiting.append(output)
            if len(self._waiting) == ROWS:
                self._flush()

    def entry(
        self, after: str, snapshots: tuple[SnapshotFacts, ...] = (), versions: tuple[str, ...] = ()
    ) -> StageEntry:
        """Publish the list; the stage with everything that has been added."""
        skips = tuple(
            SkipCount(*key, self._n_records[key], self._n_bytes[key]) for key in sorted(self._n_records)
        )
        n_rows = dict(sorted(self._n_rows.items()))
        entry = StageEntry(self._stage, after, self.n_tasks, "", n_rows, skips, self.n_short, snapshots)
        return replace(entry, listing=self._publish(), versions=versions)

    def _count_losses(self, receipt: Receipt) -> None:
        """Missing files and failed tasks are reasons too."""
        for skip in receipt.skips:
            key = (skip.snapshot, skip.stage, skip.reason)
            self._n_records[key] += skip.n_records
            self._n_bytes[key] += skip.n_bytes
        place = (receipt.partition.removeprefix("snapshot="), receipt.stage)
        if receipt.missing:
            self._n_records[*place, "missing_file"] += len(receipt.missing)
        if receipt.state is State.FAILED:
            self._n_records[*place, "failed_task"] += 1

    def _flush(self) -> None:
        if self._writer is None:
            self._draft = self._held.enter_context(
                self._layout.published.draft(f"{LISTS}/{self._stage}.parquet")
            )
            self._writer = pq.ParquetWriter(self._draft, _SCHEMA, compression="zstd")
        rows = [astuple(output) for output in self._waiting]
        self._content = digest_of([self._content, rows])
        columns = list(zip(*rows, strict=True))
        self._writer.write_table(pa.table(columns, schema=_SCHEMA))
        self._waiting.clear()

    def _publish(self) -> str:
        """The name of the list, which tells its content; empty when there is nothing to list."""
        if self._waiting:
            self._flush()
        if self._writer is None or self._draft is None:
            return ""
        self._writer.close()
        self._writer = None
        name = f"{LISTS}/{self._stage}-{self._content}.parquet"
        self._layout.published.publish(self._draft, name)
        return name


def iter_outputs(
    layout: Layout, entry: StageEntry | None, table: str = "", partition: str = ""
) -> Iterator[Output]:
    """The parts that a stage has published, of one table and partition if they are named, as listed.

    Read in batches. Nothing for no entry, and for one without parts; PartError when the list is gone or
    damaged.
    """
    if entry is None or not entry.listing:
        return
    where = f"{layout.published.root}/{entry.listing}"
    with open_part(layout.published, entry.listing) as listing, naming(where):
        for batch in listing.iter_batches(ROWS):
            if table:
                batch = batch.filter(pc.equal(batch["table"], table))
            if partition:
                batch = batch.filter(pc.match_substring(batch["path"], f"/{partition}/"))
            columns = [column.to_pylist() for column in batch.columns]
            yield from map(Output, *columns)
