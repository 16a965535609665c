"""The stage `capture` of a study: every release read in its own mode, new bodies moved into the store."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import pyarrow as pa

from pipeline.archive_tables import CAPTURES, INDEX_FILES, INDEX_FOOTERS
from pipeline.execute import Executor, StageSummary, outputs_of
from pipeline.known import find_unseen, iter_stored_parts, points_at
from pipeline.manifest import SnapshotFacts, StageEntry
from pipeline.modes import Mode
from pipeline.parts import Output
from pipeline.progress import Progress, show_progress
from pipeline.releases import files_of_urls, list_files, outputs_of_release
from pipeline.sites import read_hosts
from pipeline.stages import capture, store
from pipeline.store_used import is_store_used, note_store
from pipeline.study import Study
from pipeline.targeted import Targeted, keys_of
from pipeline.targets import find_targets, study_urls
from pipeline.tasks import Receipt, Stage, State, Task, forget_receipt, read_receipt
from snapshots.redirects import MAX_HOPS


@dataclass(slots=True)
class Capturing:
    """Reads the releases that `discover` has listed; `receipts` are those of all tasks so far."""

    study: Study
    executor: Executor
    discovered: StageEntry
    asked: pa.Array
    receipts: list[Receipt] = field(default_factory=list)
    _n_planned: Counter[str] = field(default_factory=Counter)
    _is_store_used: bool = True

    @classmethod
    def open(cls, study: Study, executor: Executor, discovered: StageEntry) -> "Capturing":
        """Ready to plan and to run. The site list is read only when a release is not read whole."""
        is_whole = all(facts.mode == Mode.SCAN for facts in discovered.snapshots)
        hosts = () if is_whole or study.sites_file is None else read_hosts(study.sites_file)
        return cls(study, executor, discovered, study_urls(hosts))

    def plan(self) -> tuple[Task, ...]:
        """What can be planned now: WARC files and first look-ups; redirects and bodies come after."""
        tasks = [task for group in self._plan_files().values() for task in group]
        targeted, keys = self._targeted(), keys_of(self.asked.to_pylist())
        for snapshot in self._in_mode(Mode.INDEX):
            tasks += targeted.plan_lookups(snapshot, keys)
        return tuple(tasks)

    def run(self, summary: StageSummary) -> None:
        """Read every release; raises TasksMissingError for what could not be read and may not be missing."""
        self._is_store_used = is_store_used(self.executor.context.layout)
        if self._is_store_used:
            note_store(self.executor.context.layout)
        planned = self._plan_files()
        with show_progress(Stage.CAPTURE, sum(map(len, planned.values()))) as progress:
            for tasks in planned.values():
                self._read_files(tasks, summary, progress)
        self._follow_redirects(planned, summary)
        note_store(self.executor.context.layout)
        by_index = self._in_mode(Mode.INDEX)
        if by_index:
            targeted = self._targeted()
            lookups = targeted.look_up(by_index, summary)
            self.receipts += lookups
            self.receipts += targeted.fetch(lookups, summary)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The captures read, and every part of the body store, those of earlier plans of this folder too."""
        stored = iter_stored_parts(self.executor.context.layout)
        contents = sorted({output.path: output for output in stored}.items())
        return (*outputs_of(self.receipts, CAPTURES.name), *(output for _, output in contents))

    def count_files(self, facts: SnapshotFacts) -> SnapshotFacts:
        """The release with files planned and read: a task that failed has planned its own and read none."""
        partition = f"snapshot={facts.snapshot}"
        mine = [receipt for receipt in self.receipts if receipt.partition == partition]
        if facts.mode == Mode.INDEX:
            return self._count_index_files(facts, mine)
        n_read = sum(receipt.counts.get("files_read", 0) for receipt in mine)
        return replace(facts, n_files_planned=self._n_planned[partition], n_files_read=n_read)

    def _count_index_files(self, facts: SnapshotFacts, receipts: Iterable[Receipt]) -> SnapshotFacts:
        """A part that has no footer has not been read, nor has one of which any look-up failed."""
        n_planned, n_footers = (
            sum(output.n_rows for output in outputs_of_release(self.discovered, table.name, facts.snapshot))
            for table in (INDEX_FILES, INDEX_FOOTERS)
        )
        unread = {r.label for r in receipts if r.stage is Stage.LOOKUP and r.state is not State.DONE}
        return replace(facts, n_files_planned=n_planned, n_files_read=n_footers - len(unread))

    def _in_mode(self, *modes: Mode) -> list[str]:
        return [facts.snapshot for facts in self.discovered.snapshots if facts.mode in modes]

    def _targeted(self) -> Targeted:
        return Targeted(self.executor, self.discovered, self.asked)

    def _plan_files(self) -> dict[str, tuple[Task, ...]]:
        """The WARC files to read, by release."""
        folder = self.executor.context.folder
        planned = {}
        for snapshot in self._in_mode(Mode.SCAN):
            planned[snapshot] = capture.plan(list_files(folder, self.discovered, snapshot))
        for snapshot in self._in_mode(Mode.SHARD):
            files = list_files(folder, self.discovered, snapshot, selected=False)
            planned[snapshot] = capture.plan(files_of_urls(files, self.asked))
        return planned

    def _follow_redirects(self, planned: Mapping[str, Sequence[Task]], summary: StageSummary) -> None:
        """Read the further files that the targets of redirects are in, where not all files were read."""
        read = {snapshot: set(planned[snapshot]) for snapshot in self._in_mode(Mode.SHARD)}
        for _ in range(MAX_HOPS):
            tasks = [task for snapshot in read for task in self._plan_targets(snapshot, read[snapshot])]
            if not tasks:
                return
            with show_progress(Stage.CAPTURE, len(tasks)) as progress:
                for snapshot, done in read.items():
                    group = [task for task in tasks if task.partition == f"snapshot={snapshot}"]
                    self._read_files(group, summary, progress)
                    done.update(group)

    def _plan_targets(self, snapshot: str, done: set[Task]) -> list[Task]:
        folder = self.executor.context.folder
        partition = f"snapshot={snapshot}"
        mine = [receipt for receipt in self.receipts if receipt.partition == partition]
        targets = find_targets(folder, outputs_of(mine, CAPTURES.name), self.asked)
        files = list_files(folder, self.discovered, snapshot, selected=False)
        tasks = capture.plan(files_of_urls(files, targets) if len(targets) else [])
        return [task for task in tasks if task not in done]

    def _read_files(self, tasks: Sequence[Task], summary: StageSummary, progress: Progress) -> None:
        """Read WARC files of one release and move the bodies that they staged into the store."""
        if not tasks:
            return
        self._n_planned[tasks[0].partition] += sum(len(task.inputs) for task in tasks)
        if not self._is_store_used:
            self._forget_unstored(tasks)
        receipts = self.executor.execute(tasks, summary, progress)
        self.receipts += receipts
        folder, partition = self.executor.context.folder, tasks[0].partition
        # What is gone has been stored by an earlier run.
        staged = [output for r in receipts for output in r.staged if (folder / output.path).is_file()]
        planned = store.plan(partition.removeprefix("snapshot="), staged)
        stored = self.executor.execute(planned, StageSummary(Stage.STORE), _Silent())
        if all(receipt.state is State.DONE for receipt in stored):
            self._remove_staged(partition)

    def _forget_unstored(self, tasks: Sequence[Task]) -> None:
        """Have the tasks run again whose bodies went into another store, as far as this one lacks them."""
        layout = self.executor.context.layout
        receipts = {task: read_receipt(layout, task) for task in tasks}
        parts = {task: outputs_of([r], CAPTURES.name) for task, r in receipts.items() if r}
        unseen = find_unseen(layout, list(chain.from_iterable(parts.values())))
        for task, captures in parts.items():
            if len(unseen) and points_at(layout, captures, unseen):
                forget_receipt(layout, task)

    def _remove_staged(self, partition: str) -> None:
        """Remove what one release staged; what other releases staged is still on its way into the store."""
        staging = self.executor.context.folder / "staging"
        shutil.rmtree(staging / partition, ignore_errors=True)
        if staging.is_dir() and not any(staging.iterdir()):
            staging.rmdir()


class _Silent:
    """Progress of work that belongs to a stage already shown."""

    def add(self, receipt: Receipt) -> None:
        """Show nothing."""

    def expect(self, n_tasks: int) -> None:
        """Show nothing."""
