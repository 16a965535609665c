"""The stage `urls` of a study: its hosts' own pages, drawn from the index of every release that it wants."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline.archive_tables import INDEX_FOOTERS
from pipeline.costs import Cost
from pipeline.execute import Executor, StageSummary, Traffic, outputs_of
from pipeline.job import Job
from pipeline.manifest import SnapshotFacts, StageEntry
from pipeline.parts import read_part
from pipeline.progress import log, show_progress
from pipeline.releases import read_index_parts
from pipeline.sites import read_hosts
from pipeline.stages import footers, urls
from pipeline.stages.lookup import IndexPart
from pipeline.study import Study, StudyError
from pipeline.tasks import Receipt, Stage, State, Task
from pipeline.url_drawing import authorities_path, find_heads, list_authorities, write_authorities
from pipeline.url_keys import UrlSettings
from pipeline.url_tables import URL_FILES
from snapshots.host_urls import planned_url_ranges


def draw_urls(job: Job, summary: StageSummary) -> None:
    """Draw the URLs of every wanted release; raises TasksMissingError for what could not be read."""
    discovered = job.manifest.require(Stage.DISCOVER)
    sampling = Sampling.open(job.study, job.executor, discovered)
    listed = sampling.list_parts(summary)
    read = sampling.read_footers(listed, summary)
    drawn = sampling.draw(sampling.iter_parts(read), summary)
    facts = tuple(
        _count_parts(facts, drawn) for facts in discovered.snapshots if facts.snapshot in sampling.snapshots
    )
    versions = (str(sampling.settings.per_host),)
    receipts = (*listed, *read, *drawn)
    job.record(Stage.URLS, discovered.digest, receipts, snapshots=facts, versions=versions)
    for line in say_traffic(summary.traffic):
        log(line)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Draws URLs of the study's hosts from the releases in `snapshots`.

    `authorities` says whose URLs stand for which host and is stored at `listed` below the output folder;
    `heads` is what the keys of their URLs begin with.
    """

    executor: Executor
    root: str
    settings: UrlSettings
    snapshots: tuple[str, ...]
    authorities: pa.Table
    listed: str
    heads: pa.Array

    @classmethod
    def open(cls, study: Study, executor: Executor, discovered: StageEntry) -> "Sampling":
        """Ready to plan and to run; StudyError without `[urls]`, or where it wants what is not there."""
        if study.urls is None or study.sites_file is None:
            raise StudyError(
                f"{study.path}: [urls]: there is no such section. Fix: add [urls] per_host = 100."
            )
        known = [facts.snapshot for facts in discovered.snapshots]
        strange = [] if isinstance(study.urls.crawls, str) else sorted(set(study.urls.crawls) - set(known))
        if strange:
            raise StudyError(
                f"{study.path}: [urls] crawls: {strange[0]} is no release of the study."
                f" Fix: give some of {', '.join(known)}."
            )
        table = list_authorities(read_hosts(study.sites_file))
        chosen = study.urls.choose(known)
        root, path = study.archive_root, authorities_path(table)
        return cls(executor, root, study.urls, chosen, table, path, find_heads(table))

    def plan_lists(self) -> tuple[Task, ...]:
        """The tasks that list the parts of each release's index."""
        return urls.plan_lists(self.root, self.snapshots)

    def plan_footers(self, listed: Sequence[Receipt]) -> tuple[Task, ...]:
        """The tasks that read the footers of the parts listed."""
        return tuple(
            task
            for receipt in listed
            for task in footers.plan(self.root, receipt.label, self._paths(receipt))
        )

    def plan_drawing(self, parts: Iterable[IndexPart]) -> tuple[Task, ...]:
        """The tasks that draw from those of the parts that may hold a page of a host."""
        return urls.plan(parts, self.heads, self.listed, self.settings.per_host)

    def list_parts(self, summary: StageSummary) -> tuple[Receipt, ...]:
        return self._execute(Stage.URL_FILES, self.plan_lists(), summary)

    def read_footers(self, listed: Sequence[Receipt], summary: StageSummary) -> tuple[Receipt, ...]:
        return self._execute(Stage.FOOTERS, self.plan_footers(listed), summary)

    def draw(self, parts: Iterable[IndexPart], summary: StageSummary) -> tuple[Receipt, ...]:
        write_authorities(self.executor.context.layout.published, self.authorities)
        return self._execute(Stage.URLS, self.plan_drawing(parts), summary)

    def iter_parts(self, read: Sequence[Receipt]) -> Iterator[IndexPart]:
        """The parts whose footers have been read, one footer at a time: those of a release are large."""
        return read_index_parts(self.executor.context.layout, outputs_of(read, INDEX_FOOTERS.name))

    def cost_of(self, part: IndexPart) -> Cost:
        """The most that drawing from a part asks for."""
        ranges = planned_url_ranges(part.footer, self.heads)
        return Cost(len(ranges), sum(stop - start for start, stop in ranges))

    def _paths(self, listed: Receipt) -> list[str]:
        storage = self.executor.context.layout.published
        found: list[str] = []
        for output in outputs_of([listed], URL_FILES.name):
            found += read_part(storage, output.path)["index_filename"].to_pylist()
        return found

    def _execute(self, stage: Stage, tasks: Sequence[Task], summary: StageSummary) -> tuple[Receipt, ...]:
        with show_progress(stage, len(tasks)) as progress:
            return self.executor.execute(tasks, summary, progress)


def say_traffic(traffic: Traffic) -> Iterator[str]:
    """What drawing has cost in this run; nothing where no server was asked."""
    if traffic.n_requests:
        yield f"urls: {traffic.n_requests:,} requests, {traffic.n_bytes / 1e6:,.1f} MB"


def _count_parts(facts: SnapshotFacts, receipts: Sequence[Receipt]) -> SnapshotFacts:
    """A release with the parts of its index that were to be read, and those that were."""
    mine = [r for r in receipts if r.partition == f"snapshot={facts.snapshot}"]
    n_read = sum(receipt.state is State.DONE for receipt in mine)
    return replace(facts, n_files_planned=len(mine), n_files_read=n_read)
