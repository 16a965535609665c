"""The stage `capture` of a study: every release read in its own mode, new bodies moved into the store."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import pyarrow as pa

from pipeline.archive_tables import CAPTURES, INDEX_FILES, INDEX_FOOTERS
from pipeline.execute import Executor, StageSummary, outputs_of
from pipeline.known import find_unseen, iter_stored_parts, points_at
from pipeline.layout import STAGING_FOLDER, Layout
from pipeline.listing import Record
from pipeline.manifest import SnapshotFacts, StageEntry
from pipeline.modes import Mode
from pipeline.progress import Progress, log, show_progress
from pipeline.receipts import forget_receipt, read_receipts
from pipeline.releases import count_tasks, files_of_urls, list_files, outputs_of_release, read_files
from pipeline.sites import read_hosts
from pipeline.stages import capture, store
from pipeline.store_used import forget_lost, is_store_used, name_of_store, note_store
from pipeline.study import Study
from pipeline.targeted import Targeted, keys_of
from pipeline.targets import find_targets, study_urls
from pipeline.tasks import Receipt, Stage, State, Task
from snapshots.redirects import MAX_HOPS

# So many releases back a task looks for bodies that need not be stored again: nearly all are in the last.
RELEASES_BACK = 2
_LISTED = frozenset([CAPTURES.name])


@dataclass(slots=True)
class Capturing:
    """Reads the releases that `discover` has listed, one after the other: memory holds one of them.

    Of releases that are read for some hosts only the receipts are kept, for redirects lead on from them.
    """

    study: Study
    executor: Executor
    discovered: StageEntry
    asked: pa.Array
    _n_planned: Counter[str] = field(default_factory=Counter)
    _n_read: Counter[str] = field(default_factory=Counter)
    _unread: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _recent: deque[dict[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=lambda: deque(maxlen=RELEASES_BACK)
    )
    _is_store_used: bool = True

    @classmethod
    def open(cls, study: Study, executor: Executor, discovered: StageEntry) -> "Capturing":
        """Ready to plan and to run. The site list is read only when a release is not read whole."""
        is_whole = all(facts.mode == Mode.SCAN for facts in discovered.snapshots)
        hosts = () if is_whole or study.sites_file is None else read_hosts(study.sites_file)
        return cls(study, executor, discovered, study_urls(hosts))

    def plan(self) -> Iterator[tuple[Task, ...]]:
        """What can be planned now, by release: WARC files and first look-ups, not redirects and bodies."""
        for snapshot in self._in_mode(Mode.SCAN, Mode.SHARD):
            yield self._plan_files(snapshot)
        targeted, keys = self._targeted(), keys_of(self.asked.to_pylist())
        for snapshot in self._in_mode(Mode.INDEX):
            yield targeted.plan_lookups(snapshot, keys)

    def run(self, summary: StageSummary, record: Record) -> None:
        """Read every release; raises TasksMissingError for what could not be read and may not be missing."""
        n_lost = forget_lost(self._layout)
        if n_lost:
            log(f"capture: {n_lost:,} parts of the store are gone or damaged; what they held is read again")
        self._is_store_used = is_store_used(self._layout)
        # One that loses a part meanwhile has another name by then.
        store_name = name_of_store(self._layout)
        if self._is_store_used:
            note_store(self._layout, store_name)
        self._scan(summary, record)
        self._read_shards(summary, record)
        note_store(self._layout, store_name)
        by_index = self._in_mode(Mode.INDEX)
        if by_index:
            targeted = self._targeted()
            lookups = targeted.look_up(by_index, summary)
            fetched = targeted.fetch(lookups, summary)
            self._note(record, (*lookups, *fetched))
        # Those of earlier plans of this folder, and of other studies, too.
        record.add_parts(sorted(iter_stored_parts(self._layout), key=lambda output: output.path))

    def count_files(self, facts: SnapshotFacts) -> SnapshotFacts:
        """The release with files planned and read: a task that failed has planned its own and read none."""
        partition = f"snapshot={facts.snapshot}"
        if facts.mode == Mode.INDEX:
            return self._count_index_files(facts, len(self._unread[partition]))
        return replace(
            facts, n_files_planned=self._n_planned[partition], n_files_read=self._n_read[partition]
        )

    def _count_index_files(self, facts: SnapshotFacts, n_unread: int) -> SnapshotFacts:
        """A part that has no footer has not been read, nor has one of which any look-up failed."""
        n_planned, n_footers = (
            sum(
                output.n_rows
                for output in outputs_of_release(self._layout, self.discovered, table.name, facts.snapshot)
            )
            for table in (INDEX_FILES, INDEX_FOOTERS)
        )
        return replace(facts, n_files_planned=n_planned, n_files_read=n_footers - n_unread)

    @property
    def _layout(self) -> Layout:
        return self.executor.context.layout

    def _in_mode(self, *modes: Mode) -> list[str]:
        return [facts.snapshot for facts in self.discovered.snapshots if facts.mode in modes]

    def _targeted(self) -> Targeted:
        return Targeted(self.executor, self.discovered, self.asked)

    def _plan_files(self, snapshot: str) -> tuple[Task, ...]:
        """The WARC files to read of a release."""
        if snapshot in self._in_mode(Mode.SCAN):
            return capture.plan_release(snapshot, read_files(self._layout, self.discovered, snapshot))
        files = list_files(self._layout, self.discovered, snapshot, selected=False)
        return capture.plan(files_of_urls(files, self.asked))

    def _scan(self, summary: StageSummary, record: Record) -> None:
        """Read releases whole, or their sample: what has been read of one is let go with it."""
        scanned = self._in_mode(Mode.SCAN)
        n_tasks = sum(count_tasks(self._layout, self.discovered, snapshot) for snapshot in scanned)
        with show_progress(Stage.CAPTURE, n_tasks) as progress:
            for snapshot in scanned:
                self._note(record, self._read_files(self._plan_files(snapshot), summary, progress))

    def _read_shards(self, summary: StageSummary, record: Record) -> None:
        """Read the files that can hold the study's URLs, then those that redirects lead to, hop by hop."""
        read: dict[str, list[Receipt]] = {snapshot: [] for snapshot in self._in_mode(Mode.SHARD)}
        left = {snapshot: self._plan_files(snapshot) for snapshot in read}
        done: set[Task] = set()
        for _ in range(MAX_HOPS + 1):
            if not any(left.values()):
                break
            with show_progress(Stage.CAPTURE, sum(map(len, left.values()))) as progress:
                for snapshot, tasks in left.items():
                    read[snapshot] += self._read_files(tasks, summary, progress)
            done.update(chain.from_iterable(left.values()))
            left = {snapshot: self._plan_targets(snapshot, read[snapshot], done) for snapshot in read}
        for receipts in read.values():
            self._note(record, receipts)

    def _plan_targets(self, snapshot: str, read: Sequence[Receipt], done: set[Task]) -> tuple[Task, ...]:
        targets = find_targets(self._layout.published, outputs_of(read, CAPTURES.name), self.asked)
        files = list_files(self._layout, self.discovered, snapshot, selected=False)
        tasks = capture.plan(files_of_urls(files, targets) if len(targets) else [])
        return tuple(task for task in tasks if task not in done)

    def _read_files(
        self, tasks: Sequence[Task], summary: StageSummary, progress: Progress
    ) -> tuple[Receipt, ...]:
        """Read WARC files of one release and move the bodies that they staged into the store."""
        if not tasks:
            return ()
        partition = tasks[0].partition
        self._n_planned[partition] += sum(len(task.inputs) for task in tasks)
        if not self._is_store_used:
            self._forget_unstored(tasks)
        receipts = self.executor.execute([self._with_hints(task) for task in tasks], summary, progress)
        self._n_read[partition] += sum(receipt.counts.get("files_read", 0) for receipt in receipts)
        if self._store(partition, receipts):
            self._remember(tasks, receipts)
        return receipts

    def _store(self, partition: str, receipts: Sequence[Receipt]) -> bool:
        """Move what was staged into the store; whether all of it is there."""
        staging = dict(self._layout.published.iter_below(f"{STAGING_FOLDER}/{partition}"))
        # What is gone has been stored by an earlier run.
        staged = [output for receipt in receipts for output in receipt.staged if output.path in staging]
        planned = store.plan(partition.removeprefix("snapshot="), staged)
        stored = self.executor.execute(planned, StageSummary(Stage.STORE), _Silent())
        is_stored = all(receipt.state is State.DONE for receipt in stored)
        if is_stored:
            self._layout.published.remove(staging)
        return is_stored

    def _with_hints(self, task: Task) -> Task:
        """The task with the captures of the same serial of the releases before, whose bodies are stored."""
        found = (release.get(task.arguments, ()) for release in self._recent)
        return replace(task, hints=tuple(chain.from_iterable(found)))

    def _remember(self, tasks: Sequence[Task], receipts: Sequence[Receipt]) -> None:
        release: dict[tuple[str, ...], tuple[str, ...]] = {}
        for task, receipt in zip(tasks, receipts, strict=True):
            paths = (output.path for output in outputs_of([receipt], CAPTURES.name))
            release[task.arguments] = (*release.get(task.arguments, ()), *paths)
        self._recent.append(release)

    def _note(self, record: Record, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            if receipt.stage is Stage.LOOKUP and receipt.state is not State.DONE:
                self._unread[receipt.partition].add(receipt.label)
        record.add(receipts, _LISTED)

    def _forget_unstored(self, tasks: Sequence[Task]) -> None:
        """Have the tasks run again whose bodies went into another store, as far as this one lacks them."""
        receipts = read_receipts(self._layout, tasks)
        parts = {
            task: outputs_of([receipt], CAPTURES.name)
            for task in tasks
            if (receipt := receipts[task.task_id]) is not None
        }
        unseen = find_unseen(self._layout, list(chain.from_iterable(parts.values())))
        for task, captures in parts.items():
            if len(unseen) and points_at(self._layout, captures, unseen):
                forget_receipt(self._layout, task)


class _Silent:
    """Progress of work that belongs to a stage already shown."""

    def add(self, receipt: Receipt) -> None:
        """Show nothing."""

    def expect(self, n_tasks: int) -> None:
        """Show nothing."""
