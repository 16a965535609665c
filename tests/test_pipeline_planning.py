"""Plans of whole crawls: made and run release by release, so that neither memory nor manifest grows."""

import gc
import random
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pytest

from pipeline import listing, receipts
from pipeline.archive_tables import CAPTURES, WARC_FILES
from pipeline.capturing import Capturing
from pipeline.context import Context
from pipeline.execute import Executor, StageSummary
from pipeline.layout import MANIFEST, Layout
from pipeline.listing import Record, iter_outputs
from pipeline.manifest import Manifest, SnapshotFacts, StageEntry, write_manifest
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.receipts import write_receipt
from pipeline.releases import count_tasks, list_files, read_files
from pipeline.run_task import failed_receipt
from pipeline.stages import capture
from pipeline.stages.capture import MAX_FILES_PER_TASK, ListedFile
from pipeline.study import Study, read_study
from pipeline.tasks import Receipt, Stage, State, Task

N_SERIALS, N_SEGMENTS = 12, 3


class HollowEngine:
    """Runs tasks that read nothing; each publishes one part, but those of the labels in `failing`."""

    def __init__(
        self, failing: frozenset[str] = frozenset(), hints: dict[str, tuple[str, ...]] | None = None
    ) -> None:
        self.n_run, self.failing, self.hints = 0, failing, hints

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        for task in tasks:
            self.n_run += 1
            if self.hints is not None:
                self.hints[task.label] = task.hints
            if task.label in self.failing:
                yield write_receipt(context.layout, failed_receipt(task, "it is meant to"))
                continue
            path = f"{context.layout.part(CAPTURES.name, task.partition, task.task_id)}-0.parquet"
            target = context.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(b"12345")
            outputs = (Output(CAPTURES.name, path, 1, 5),)
            counts = {"files_read": len(task.inputs)}
            yield write_receipt(
                context.layout,
                Receipt(
                    task.task_id, task.stage, task.label, task.partition, State.DONE, outputs, counts=counts
                ),
            )


@pytest.fixture(autouse=True)
def small_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen tasks a release are many here."""
    monkeypatch.setattr(receipts, "FOLD_FROM", 8)
    monkeypatch.setattr(listing, "ROWS", 64)


def names_of(n_releases: int) -> list[str]:
    return [f"CC-MAIN-{2010 + i // 12}-{1 + i % 12:02d}" for i in range(n_releases)]


def make_rows(name: str) -> list[tuple[object, ...]]:
    return [
        (name, f"{name}/{segment}/{serial:05d}.warc.gz", serial, N_SERIALS, True)
        for segment in range(N_SEGMENTS)
        for serial in range(N_SERIALS)
    ]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    text = '[study]\nname = "large"\n[archive]\nroot = "."\n[output]\nfolder = "out"\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    return read_study(tmp_path / "study.toml")


def discover(layout: Layout, names: Sequence[str]) -> StageEntry:
    """What `discover` publishes of some releases."""
    with Record(layout, Stage.DISCOVER) as record:
        for name in names:
            part = layout.part(WARC_FILES.name, f"snapshot={name}", "list")
            rows = rows_to_table(WARC_FILES, make_rows(name))
            record.add_parts([write_part(layout.published, part, WARC_FILES, rows)])
        return record.entry("", tuple(SnapshotFacts(name, None, None, "") for name in names))


def run(study: Study, entry: StageEntry, engine: HollowEngine, allow_missing: bool = False) -> StageEntry:
    """The stage `capture`, its entry written into the manifest."""
    executor = Executor(Context(study.folder, "."), engine, allow_missing)
    capturing = Capturing.open(study, executor, entry)
    with Record(study.layout, Stage.CAPTURE) as record:
        capturing.run(StageSummary(Stage.CAPTURE), record)
        captured = record.entry(entry.digest, tuple(map(capturing.count_files, entry.snapshots)))
    write_manifest(study.layout, Manifest({Stage.DISCOVER: entry, Stage.CAPTURE: captured}))
    return captured


@pytest.mark.parametrize("n_serials", [2, None])
def test_a_release_is_planned_from_its_table_as_from_its_files(n_serials: int | None) -> None:
    files = [ListedFile("S", f"{n:04d}", n % 2, n_serials) for n in range(2 * MAX_FILES_PER_TASK + 7)]
    random.Random(5).shuffle(files)
    rows = pa.table(
        list(zip(*files, strict=True)),
        schema=pa.schema([WARC_FILES.schema.field(name) for name in ListedFile._fields]),
    )
    planned = capture.plan_release("S", rows)
    assert len(planned) == 4
    assert planned == capture.plan(sorted(files))
    assert [task.label for task in planned] == [task.label for task in capture.plan(sorted(files))]
    assert capture.plan_release("S", rows[:0]) == ()


def test_tasks_are_counted_without_listing_their_files(study: Study) -> None:
    (name,) = names_of(1)
    entry = discover(study.layout, [name])
    planned = capture.plan(list_files(study.layout, entry, name))
    assert count_tasks(study.layout, entry, name) == len(planned) == N_SERIALS
    assert read_files(study.layout, entry, name).num_rows == N_SERIALS * N_SEGMENTS
    assert count_tasks(study.layout, entry, "CC-MAIN-1999-01") == 0


def test_hints_spare_work_and_are_no_part_of_a_tasks_identity() -> None:
    (task,) = capture.plan([ListedFile("S", "a.warc.gz", 3, 4)])
    hinted = replace(task, hints=("tables/captures/snapshot=R/part-x.parquet",))
    assert hinted.task_id == task.task_id
    assert hinted == task


def test_a_task_is_hinted_at_the_same_serial_of_the_two_releases_before(study: Study) -> None:
    hints: dict[str, tuple[str, ...]] = {}
    names = names_of(4)
    run(study, discover(study.layout, names), HollowEngine(hints=hints))
    assert hints[f"{names[0]}/00007"] == ()
    assert len(hints[f"{names[1]}/00007"]) == 1
    (older, newer) = hints[f"{names[3]}/00007"]
    receipts_by_label = {r.label: r for r in receipts.iter_receipts(study.layout, Stage.CAPTURE)}
    assert older == receipts_by_label[f"{names[1]}/00007"].outputs[0].path
    assert newer == receipts_by_label[f"{names[2]}/00007"].outputs[0].path


def test_many_receipts_become_one_file_a_release_and_the_manifest_stays_small(study: Study) -> None:
    layout, sizes = study.layout, list[int]()
    for n_releases in (2, 8):
        entry = discover(layout, names_of(n_releases))
        captured = run(study, entry, HollowEngine())
        assert captured.n_tasks == n_releases * N_SERIALS
        assert captured.n_rows == {CAPTURES.name: n_releases * N_SERIALS}
        assert sum(1 for _ in iter_outputs(layout, captured)) == n_releases * N_SERIALS
        stored = [stored.name for stored in layout.published.iter_below("receipts/capture")]
        assert len(stored) == n_releases
        facts = sum(len(facts.snapshot) + 220 for facts in captured.snapshots) * 2
        sizes.append(len(layout.published.read(MANIFEST)) - facts)
    # Grows by the releases' own facts alone, which have been taken off.
    assert sizes[1] <= sizes[0] * 1.2


def test_a_plan_that_is_done_is_not_run_again_and_one_of_more_serials_runs_only_these(study: Study) -> None:
    entry = discover(study.layout, names_of(3))
    first, second = HollowEngine(), HollowEngine()
    once = run(study, entry, first)
    assert run(study, entry, second) == once
    assert (first.n_run, second.n_run) == (3 * N_SERIALS, 0)
    lost = next(iter_outputs(study.layout, once))
    (study.folder / lost.path).unlink()
    third = HollowEngine()
    assert run(study, entry, third) == once
    assert third.n_run == 1


def test_tasks_that_fail_are_counted_by_leave_and_tried_again_after_a_fold(study: Study) -> None:
    names = names_of(2)
    entry = discover(study.layout, names)
    failing = frozenset([f"{names[0]}/00003", f"{names[1]}/00011"])
    captured = run(study, entry, HollowEngine(failing), allow_missing=True)
    assert captured.n_short == 2
    assert [(skip.snapshot, skip.reason, skip.n_records) for skip in captured.skips] == [
        (name, "failed_task", 1) for name in names
    ]
    short = [receipt.label for receipt in receipts.iter_short(study.layout, Stage.CAPTURE)]
    assert sorted(short) == sorted(failing)
    again = HollowEngine()
    assert run(study, entry, again).n_short == 0
    assert again.n_run == 2
    assert list(receipts.iter_short(study.layout, Stage.CAPTURE)) == []


class WatchedEngine(HollowEngine):
    """Notes how much memory the driver holds when it hands out the tasks of some releases."""

    def __init__(self, watched: Sequence[int]) -> None:
        super().__init__()
        self._watched, self._n_calls, self.held = watched, 0, list[int]()

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        if tasks and self._n_calls in self._watched:
            gc.collect()  # also gives back what the interpreter keeps for later
            self.held.append(tracemalloc.get_traced_memory()[0])
        self._n_calls += bool(tasks)
        return super().run_tasks(context, tasks)


def test_the_drivers_memory_does_not_grow_with_the_number_of_tasks(study: Study) -> None:
    entry, engine = discover(study.layout, names_of(46)), WatchedEngine((5, 25, 45))
    tracemalloc.start()
    run(study, entry, engine)
    tracemalloc.stop()
    early, middle, late = engine.held
    # A task with its receipt is more than 2 kB; what is left are counts by release, and some folds.
    assert (middle - early) / (20 * N_SERIALS) < 500
    assert (late - middle) / (20 * N_SERIALS) < 500
