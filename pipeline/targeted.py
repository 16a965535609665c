"""Reading releases by their index: look up the study's URLs and where they lead, then fetch new bodies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.execute import Executor, StageSummary, outputs_of
from pipeline.fetch_plan import plan_fetches
from pipeline.keys import keys_path, write_keys
from pipeline.manifest import StageEntry, digest_of
from pipeline.progress import Progress, show_progress
from pipeline.releases import list_index_parts
from pipeline.stages import lookup
from pipeline.targets import find_targets
from pipeline.tasks import Receipt, Stage, Task
from snapshots.quads import index_keys
from snapshots.redirects import MAX_HOPS


def keys_of(urls: Iterable[str]) -> pa.Array:
    """The keys under which an index may file the URLs, distinct and sorted."""
    return pa.array(sorted({key for url in urls for key in index_keys(url)}), pa.string())


@dataclass(slots=True)
class Targeted:
    """Reads releases by their index. `asked` are the study's URLs, sorted."""

    executor: Executor
    discovered: StageEntry
    asked: pa.Array

    def plan_lookups(self, snapshot: str, keys: pa.Array) -> tuple[Task, ...]:
        """The look-ups of keys in one release, of those parts of its index that may hold one."""
        parts = list_index_parts(self.executor.context.layout, self.discovered, snapshot)
        return lookup.plan(list(parts), keys, keys_path(keys))

    def look_up(self, snapshots: Sequence[str], summary: StageSummary) -> tuple[Receipt, ...]:
        """The captures of the study's URLs and of all that redirects lead to, within five hops."""
        keys = keys_of(self.asked.to_pylist())
        first = {snapshot: self.plan_lookups(snapshot, keys) for snapshot in snapshots}
        receipts: list[Receipt] = []
        with show_progress(Stage.LOOKUP, sum(map(len, first.values()))) as progress:
            for snapshot, tasks in first.items():
                receipts += self._look_up_release(snapshot, tasks, keys, summary, progress)
        return tuple(receipts)

    def fetch(self, lookups: Sequence[Receipt], summary: StageSummary) -> tuple[Receipt, ...]:
        """Fetch the bodies that the captures point at and the store lacks."""
        name = digest_of(sorted(receipt.task_id for receipt in lookups))
        tasks = plan_fetches(self.executor.context.layout, outputs_of(lookups, "captures"), name)
        return self._execute(Stage.FETCH, tasks, summary)

    def _look_up_release(
        self,
        snapshot: str,
        tasks: Sequence[Task],
        keys: pa.Array,
        summary: StageSummary,
        progress: Progress,
    ) -> list[Receipt]:
        """Look up the keys, then those of the targets of redirects, until no new one is found."""
        context, receipts, looked_up = self.executor.context, list[Receipt](), keys
        for _ in range(MAX_HOPS + 1):
            write_keys(context.layout.published, keys)
            receipts += self.executor.execute(tasks, summary, progress)
            targets = find_targets(context.layout.published, outputs_of(receipts, "captures"), self.asked)
            keys = keys_of(targets.to_pylist())
            keys = keys.filter(pc.invert(pc.is_in(keys, value_set=looked_up)))
            if not len(keys):
                break
            looked_up = pa.concat_arrays([looked_up, keys])
            tasks = self.plan_lookups(snapshot, keys)
            progress.expect(len(tasks))
        context.discard_spool(lookup.spool_of(snapshot))
        return receipts

    def _execute(self, stage: Stage, tasks: Sequence[Task], summary: StageSummary) -> tuple[Receipt, ...]:
        with show_progress(stage, len(tasks)) as progress:
            return self.executor.execute(tasks, summary, progress)
