"""A study in work: the stages in their order, each planned from what the stages before have published."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from pipeline.archive_tables import CONTENTS, INDEX_FILES
from pipeline.capturing import Capturing
from pipeline.context import Context, ruler_versions
from pipeline.engines.engine import Engine
from pipeline.engines.local import LocalEngine
from pipeline.execute import Executor, StageSummary, outputs_of
from pipeline.listing import Record, iter_outputs
from pipeline.manifest import (
    Manifest,
    SnapshotFacts,
    StageEntry,
    digest_of,
    read_manifest,
    write_manifest,
)
from pipeline.modes import Mode, summarise
from pipeline.parts import read_part
from pipeline.planning import say_traffic, settle, settled_modes, tariff_of, wants_index
from pipeline.progress import log, show_progress
from pipeline.stages import declare, discover, footers
from pipeline.study import CrawlRange, Study, StudyError
from pipeline.tasks import Receipt, Stage, Task
from snapshots.access import AccessError
from snapshots.archive import open_archive
from snapshots.crawls import Snapshot, list_crawls, select_crawls

# So many parts of the store are classified before their receipts are let go.
GROUP = 1000


def context_of(study: Study) -> Context:
    """The settings that the study's workers need."""
    return Context(
        study.folder,
        study.archive_root,
        study.access,
        study.registry,
        study.dialects,
        study.store,
        study.output,
    )


def list_study_crawls(study: Study) -> tuple[Snapshot, ...]:
    """The releases that the study wants, oldest first; StudyError for an id that the archive lacks."""
    wanted = study.crawls
    try:
        archive = open_archive(study.archive_root, study.access)
    except AccessError as error:
        raise StudyError(f"{study.path}: [archive] {error}") from None
    with archive:
        crawls = list_crawls(archive)
    try:
        if isinstance(wanted, CrawlRange):
            return select_crawls(crawls, (wanted.first, wanted.last))
        return select_crawls(crawls, wanted if isinstance(wanted, str) else list(wanted))
    except ValueError as error:
        raise StudyError(f"{study.path}: [archive] crawls: {error}") from None


@dataclass(slots=True)
class Job:
    """The file-making stages of one study: discover, capture (with store) and declare."""

    study: Study
    executor: Executor
    manifest: Manifest

    @classmethod
    def open(cls, study: Study, engine: Engine | None = None, allow_missing: bool = False) -> "Job":
        """The study as its output folder stands; without an engine its tasks run in this process."""
        context, engine = context_of(study), engine or LocalEngine(1)
        return cls(study, Executor(context, engine, allow_missing), read_manifest(context.layout))

    @property
    def context(self) -> Context:
        return self.executor.context

    @property
    def grounds(self) -> tuple[Stage, ...]:
        """What the warehouse is built on: the declarations, and what was drawn and observed so far."""
        wanted = ((Stage.URLS, self.study.urls), (Stage.PROBE, self.study.probe))
        others = (stage for stage, settings in wanted if settings and stage in self.manifest.stages)
        return (Stage.DECLARE, *others)

    def discover(self, summary: StageSummary) -> None:
        """List the releases of the study and their files, and settle how each release is read."""
        found = list_study_crawls(self.study)
        names = [crawl.snapshot for crawl in found]
        tasks = discover.plan(names, self.study.serials, wants_index(self.study))
        with show_progress(Stage.DISCOVER, len(tasks)) as progress:
            receipts = self.executor.execute(tasks, summary, progress)
        modes = self._settle_modes(dict(zip(names, receipts, strict=True)))
        footers = [
            task
            for receipt in receipts
            if modes.get(receipt.label) is Mode.INDEX
            for task in self._plan_footers(receipt)
        ]
        with show_progress(Stage.FOOTERS, len(footers)) as progress:
            receipts += self.executor.execute(footers, summary, progress)
        facts = tuple(
            replace(
                _facts(crawl), mode=modes[crawl.snapshot], n_warc_bytes=listed.counts.get("warc_bytes", 0)
            )
            for crawl, listed in zip(found, receipts, strict=False)
        )
        self.record(Stage.DISCOVER, digest_of([self.study.archive_root]), receipts, snapshots=facts)

    def capture(self, summary: StageSummary) -> None:
        """Read the releases, each in its mode, and move the bodies that are new into the store."""
        discovered = self.manifest.require(Stage.DISCOVER)
        capturing = Capturing.open(self.study, self.executor, discovered)
        with Record(self.context.layout, Stage.CAPTURE) as record:
            capturing.run(summary, record)
            facts = tuple(map(capturing.count_files, discovered.snapshots))
            self.finalise(record.entry(discovered.digest, facts))
        for line in say_traffic(summary.traffic, discovered):
            log(line)

    def plan_capture(self) -> Iterator[tuple[Task, ...]]:
        """What `capture` can plan from what `discover` has found, release by release."""
        discovered = self.manifest.require(Stage.DISCOVER)
        return Capturing.open(self.study, self.executor, discovered).plan()

    def declare(self, summary: StageSummary) -> None:
        """Classify every stored body that has not been classified under these rules."""
        captured = self.manifest.require(Stage.CAPTURE, after=Stage.DISCOVER)
        layout = self.context.layout
        n_tasks = sum(1 for _ in iter_outputs(layout, captured, CONTENTS.name))
        contents = iter_outputs(layout, captured, CONTENTS.name)
        with Record(layout, Stage.DECLARE) as record, show_progress(Stage.DECLARE, n_tasks) as progress:
            while group := list(islice(contents, GROUP)):
                record.add(self.executor.execute(declare.plan(self.context, group), summary, progress))
            self.finalise(record.entry(captured.digest, versions=ruler_versions(self.context)))

    def _settle_modes(self, listed: Mapping[str, Receipt]) -> dict[str, Mode]:
        choices = settle(self.study, listed, settled_modes(self.manifest.stages.get(Stage.DISCOVER)))
        if wants_index(self.study):
            for line in summarise(list(choices.items()), tariff_of(self.study)):
                log(f"mode: {line}")
        return {snapshot: choice.mode for snapshot, choice in choices.items()}

    def _plan_footers(self, listed: Receipt) -> tuple[Task, ...]:
        paths = [
            path
            for output in outputs_of([listed], INDEX_FILES.name)
            for path in read_part(self.context.layout.published, output.path)["index_filename"].to_pylist()
        ]
        return footers.plan(self.study.archive_root, listed.label, paths)

    def record(
        self,
        stage: Stage,
        after: str,
        receipts: Iterable[Receipt],
        snapshots: tuple[SnapshotFacts, ...] = (),
        versions: tuple[str, ...] = (),
    ) -> None:
        """Write the stage into the manifest with all that its receipts vouch for."""
        with Record(self.context.layout, stage) as record:
            record.add(receipts)
            self.finalise(record.entry(after, snapshots, versions))

    def finalise(self, entry: StageEntry) -> None:
        """Write the stage into the manifest; by now every task of its plan has a receipt."""
        self.manifest = self.manifest.with_entry(entry)
        write_manifest(self.context.layout, self.manifest)


def _facts(crawl: Snapshot) -> SnapshotFacts:
    starts_at = crawl.starts_at.isoformat() if crawl.starts_at else None
    ends_at = crawl.ends_at.isoformat() if crawl.ends_at else None
    return SnapshotFacts(crawl.snapshot, starts_at, ends_at, crawl.notes or "")
