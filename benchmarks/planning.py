"""What 100,000 tasks cost the driver: time to plan, memory, files, size of the manifest; in one run.

    python benchmarks/planning.py [--crawls 1 10 100] [--serials 1000] [--segments 90]

Releases are made up, as `discover` stores them: a path for each segment and serial. Their tasks are planned,
run by an engine that reads nothing (each task publishes one small part and its receipt), and then run again,
when all is done. The peer is the reading of the stored lists of paths alone, which no planning could go
below; both in seconds of the CPU. Each size has a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from figures import describe_cpu

from pipeline.archive_tables import CAPTURES, WARC_FILES
from pipeline.capturing import Capturing
from pipeline.context import Context
from pipeline.execute import Executor, StageSummary
from pipeline.layout import MANIFEST, Layout
from pipeline.listing import Record, iter_outputs
from pipeline.manifest import Manifest, SnapshotFacts, StageEntry, write_manifest
from pipeline.parts import Output, read_part, write_part
from pipeline.receipts import write_receipt
from pipeline.study import Study, read_study
from pipeline.tasks import Receipt, Stage, State, Task

STUDY = '[study]\nname = "planning"\n[archive]\nroot = "."\n[output]\nfolder = "out"\n'


class HollowEngine:
    """Runs tasks that read nothing: what is left is the work of whoever drives them."""

    def __init__(self, part: bytes) -> None:
        self._part = part

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        for task in tasks:
            path = f"{context.layout.part(CAPTURES.name, task.partition, task.task_id)}-0.parquet"
            target = context.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._part)
            outputs = (Output(CAPTURES.name, path, 0, len(self._part)),)
            counts = {"captures": 0, "files_read": len(task.inputs)}
            receipt = Receipt(
                task.task_id, task.stage, task.label, task.partition, State.DONE, outputs, counts=counts
            )
            yield write_receipt(context.layout, receipt)


def write_lists(layout: Layout, n_crawls: int, n_serials: int, n_segments: int) -> StageEntry:
    """What `discover` stores of releases of so many files; its entry in the manifest."""
    names = [f"CC-MAIN-{2016 + i // 12}-{1 + 4 * (i % 12):02d}" for i in range(n_crawls)]
    with Record(layout, Stage.DISCOVER) as record:
        for name in names:
            rows = pa.table(
                [
                    pa.repeat(name, n_serials * n_segments),
                    [
                        f"crawl-data/{name}/segments/{1700000000000 + segment}.17/robotstxt/"
                        f"CC-MAIN-20240101000000-20240101030000-{serial:05d}.warc.gz"
                        for segment in range(n_segments)
                        for serial in range(n_serials)
                    ],
                    list(range(n_serials)) * n_segments,
                    pa.repeat(pa.scalar(n_serials, pa.int64()), n_serials * n_segments),
                    pa.repeat(True, n_serials * n_segments),
                ],
                schema=WARC_FILES.schema,
            )
            part = layout.part(WARC_FILES.name, f"snapshot={name}", "list")
            record.add_parts([write_part(layout.published, part, WARC_FILES, rows)])
        facts = tuple(SnapshotFacts(name, None, None, "") for name in names)
        return record.entry("", facts)


def measure(folder: Path, n_crawls: int, n_serials: int, n_segments: int) -> dict[str, float]:
    """The figures of one size, taken in this process."""
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = read_study(folder / "study.toml")
    layout = study.layout
    entry = write_lists(layout, n_crawls, n_serials, n_segments)
    write_manifest(layout, Manifest({Stage.DISCOVER: entry}))
    executor = Executor(Context(study.folder, "."), HollowEngine(_empty_part(folder)))
    figures = {"base_mib": _peak_mib()}
    started = time.process_time()
    for output in iter_outputs(layout, entry):
        read_part(layout.published, output.path, ["warc_filename", "serial"])["warc_filename"].to_pylist()
    figures["read_s"], started = time.process_time() - started, time.process_time()
    capturing = Capturing.open(study, executor, entry)
    figures["tasks"] = sum(len({task.task_id for task in tasks}) for tasks in capturing.plan())
    figures["plan_s"] = time.process_time() - started
    for name in ("run_s", "again_s"):
        figures[name] = _run(study, executor, entry)
    figures["peak_mib"] = _peak_mib()
    figures["manifest_kb"] = len(layout.published.read(MANIFEST)) / 1000
    figures["receipt_files"] = sum(1 for _ in layout.published.iter_below("receipts/capture"))
    return figures


def _run(study: Study, executor: Executor, entry: StageEntry) -> float:
    started = time.perf_counter()
    capturing, layout = Capturing.open(study, executor, entry), study.layout
    with Record(layout, Stage.CAPTURE) as record:
        capturing.run(StageSummary(Stage.CAPTURE), record)
        facts = tuple(map(capturing.count_files, entry.snapshots))
        captured = record.entry(entry.digest, facts)
    write_manifest(layout, Manifest({Stage.DISCOVER: entry, Stage.CAPTURE: captured}))
    return time.perf_counter() - started


def _empty_part(folder: Path) -> bytes:
    pq.write_table(CAPTURES.schema.empty_table(), folder / "empty.parquet")
    return (folder / "empty.parquet").read_bytes()


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure each size in a process of its own, and print one line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--crawls", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--serials", type=int, default=1000)
    parser.add_argument("--segments", type=int, default=90)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(Path(folder), options.crawls[0], options.serials, options.segments)))
        return
    print(f"{describe_cpu()}; {options.serials} serials of {options.segments} files a crawl")
    print(
        f"{'tasks':>8}{'read lists':>12}{'plan':>8}{'ratio':>7}{'run hollow':>12}{'run again':>11}"
        f"{'memory':>10}{'manifest':>10}{'receipts':>10}"
    )
    for n_crawls in options.crawls:
        sizes = ["--serials", str(options.serials), "--segments", str(options.segments)]
        command = [sys.executable, __file__, "--here", "--crawls", str(n_crawls), *sizes]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        f = json.loads(done.stdout)
        print(
            f"{f['tasks']:>8,.0f}{f['read_s']:>10.2f} s{f['plan_s']:>6.1f} s{f['plan_s'] / f['read_s']:>7.1f}"
            f"{f['run_s']:>10.1f} s{f['again_s']:>9.1f} s{f['peak_mib']:>6.0f} MiB{f['manifest_kb']:>7.1f} kB"
            f"{f['receipt_files']:>10,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
