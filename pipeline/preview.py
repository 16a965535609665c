"""What a run would cost: requests, bytes and time, said before anything is fetched and nothing is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.capturing import Capturing
from pipeline.costs import GAP_FOLDER, GAP_REMOTE, Cost, Tariff, describe
from pipeline.execute import outputs_of
from pipeline.fetch_plan import choose_places
from pipeline.job import Job, list_study_crawls
from pipeline.known import find_unseen
from pipeline.manifest import SnapshotFacts
from pipeline.modes import READ, Choice, Mode, summarise
from pipeline.planning import settle, settled_modes, tariff_of, wants_index
from pipeline.receipts import read_receipt, read_receipts
from pipeline.releases import list_index_parts
from pipeline.stages import discover, fetch
from pipeline.targeted import keys_of
from pipeline.tasks import Receipt, Stage, State, Task
from snapshots.lookup import planned_ranges

# Releases whose sizes are asked for when `discover` has not run; the others are taken to be like the nearest.
N_SURVEYED = 6


@dataclass(frozen=True, slots=True)
class Preview:
    """The expected cost of a study as its output folder stands."""

    job: Job

    @property
    def tariff(self) -> Tariff:
        return tariff_of(self.job.study)

    def lines(self, stages: Sequence[Stage]) -> Iterator[str]:
        """What the stages would read: how each release is read and why, then what that comes to."""
        if Stage.DISCOVER in stages:
            yield from self._modes()
        if Stage.CAPTURE in stages and Stage.DISCOVER in self.job.manifest.stages:
            yield from self._index_work()

    def _modes(self) -> Iterator[str]:
        study = self.job.study
        names = [crawl.snapshot for crawl in list_study_crawls(study)]
        tasks = discover.plan(names, study.serials, wants_index(study))
        listed = {task.label: self._read_done(task) for task in tasks}
        unknown = [task for task in tasks if listed[task.label] is None]
        surveyed = self._survey(unknown) if unknown else {}
        if len(unknown) > N_SURVEYED:
            yield f"sizes were asked for {N_SURVEYED} releases; the others are taken to be like the nearest"
        known = {name: receipt or surveyed[name] for name, receipt in listed.items()}
        held = settled_modes(self.job.manifest.stages.get(Stage.DISCOVER))
        choices = {name: self._left(name, choice) for name, choice in settle(study, known, held).items()}
        for line in summarise(list(choices.items()), self.tariff):
            yield f"read: {line}"
        if unknown and Stage.DISCOVER in self.job.manifest.stages:
            unlisted = ", ".join(task.label for task in unknown[:3]) + (", …" if len(unknown) > 3 else "")
            yield f"look-ups and bodies of {unlisted}: known when `discover` has listed them"

    def _left(self, snapshot: str, choice: Choice) -> Choice:
        """What reading a release still costs: nothing when it has been read in this mode."""
        captured = self.job.manifest.stages.get(Stage.CAPTURE)
        read = {facts.snapshot: facts.mode for facts in captured.snapshots} if captured else {}
        return replace(choice, cost=Cost(), reason=READ) if read.get(snapshot) == choice.mode else choice

    def _read_done(self, task: Task) -> Receipt | None:
        return _if_done(read_receipt(self.job.context.layout, task))

    def _survey(self, tasks: Sequence[Task]) -> dict[str, Receipt]:
        n_asked = min(len(tasks), N_SURVEYED)
        asked = sorted({i * (len(tasks) - 1) // max(n_asked - 1, 1) for i in range(n_asked)})
        with self.job.context.open_archive() as archive:
            counts = {i: discover.survey(archive, tasks[i]).counts for i in asked}
        nearest = [min(asked, key=lambda i, place=place: abs(i - place)) for place in range(len(tasks))]  # type: ignore[misc]
        return {
            task.label: Receipt(
                task.task_id, task.stage, task.label, task.partition, State.DONE, counts=counts[i]
            )
            for task, i in zip(tasks, nearest, strict=True)
        }

    def _index_work(self) -> Iterator[str]:
        discovered = self.job.manifest.require(Stage.DISCOVER)
        releases = [facts for facts in discovered.snapshots if facts.mode == Mode.INDEX]
        if not releases:
            return
        capturing = Capturing.open(self.job.study, self.job.executor, discovered)
        tasks = [task for group in capturing.plan() for task in group if task.stage is Stage.LOOKUP]
        stored = read_receipts(self.job.context.layout, tasks)
        receipts = [_if_done(stored[task.task_id]) for task in tasks]
        left = {task.inputs[0] for task, receipt in zip(tasks, receipts, strict=True) if receipt is None}
        yield (
            f"look-ups: {len(left)} of {len(tasks)} parts of the index left, at most"
            f" {describe(self._lookup_cost(releases, left, capturing), self.tariff)}"
        )
        if left:
            yield "bodies: known when the look-ups are done; run `crawlcensus capture` to go on"
        else:
            yield from self._bodies([receipt for receipt in receipts if receipt is not None])

    def _lookup_cost(self, releases: Sequence[SnapshotFacts], left: set[str], capturing: Capturing) -> Cost:
        keys, cost = keys_of(capturing.asked.to_pylist()), Cost()
        for facts in releases:
            for part in list_index_parts(self.job.context.layout, capturing.discovered, facts.snapshot):
                if part.path in left:
                    ranges = planned_ranges(part.footer, keys)
                    cost += Cost(len(ranges), sum(stop - start for start, stop in ranges))
        return cost

    def _bodies(self, receipts: Sequence[Receipt]) -> Iterator[str]:
        """Without those that redirects to other sites lead to, which are found on the way."""
        layout, captures = self.job.context.layout, outputs_of(receipts, "captures")
        unseen = find_unseen(layout, captures)
        wanted = fetch.as_wanted(choose_places(layout, captures, unseen)) if len(unseen) else []
        gap = GAP_REMOTE if self.tariff.is_remote else GAP_FOLDER
        spans = [stop - start for _, start, stop, _ in fetch.spans_of(wanted, gap)]
        yield f"bodies: {len(unseen):,} not held, {describe(Cost(len(spans), sum(spans)), self.tariff)}"


def _if_done(receipt: Receipt | None) -> Receipt | None:
    return receipt if receipt is not None and receipt.state is State.DONE else None
