"""The warehouse-making stages: load, analyse, publish and report, each skipped when nothing has changed."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import analysis
from analysis import models
from analysis.publish import publish
from analysis.release import Edition
from analysis.report import write_report
from pipeline.context import code_version
from pipeline.execute import StageSummary
from pipeline.job import Job
from pipeline.loading.database import open_warehouse, write_out
from pipeline.loading.kinds import load_access_states, load_outcome_kinds
from pipeline.loading.notes import rules_of
from pipeline.manifest import Manifest, StageEntry, digest_of, write_manifest
from pipeline.progress import log
from pipeline.run_task import peak_memory_mib
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Stage
from pipeline.warehouse import Source, update_warehouse

FINISHING = (Stage.LOAD, Stage.ANALYSE, Stage.PUBLISH, Stage.REPORT)


def load(job: Job, summary: StageSummary) -> None:
    """Bring census.duckdb up to the published parts: with the new ones alone where that gives the same."""
    job.manifest.require(Stage.DECLARE, after=Stage.CAPTURE)
    layout = job.context.layout
    source = Source(job.study, layout, job.manifest, job.grounds)

    def work() -> None:
        summary.n_rows.update(update_warehouse(source))

    versions = tuple(astuple(rules_of(job.study)))
    _do(job, summary, Stage.LOAD, job.manifest.ground(job.grounds), versions, layout.warehouse, work)


def analyse(job: Job, summary: StageSummary) -> None:
    """Build every model inside the warehouse."""
    loaded = job.manifest.require(Stage.LOAD, after=job.grounds)

    def work() -> None:
        with open_warehouse(job.context.layout.warehouse, job.study.workers) as con:
            load_access_states(con, models.access_combinations(con))
            load_outcome_kinds(con, models.outcome_combinations(con))
            models.build(con)
            write_out(con)

    _do(job, summary, Stage.ANALYSE, loaded.digest, (_analysis_digest(),), job.context.layout.warehouse, work)


def publish_dataset(job: Job, summary: StageSummary) -> None:
    """Write the dataset, checked, in place of the last one."""
    analysed = job.manifest.require(Stage.ANALYSE, after=Stage.LOAD)
    edition = Edition(job.study.name, job.study.title, job.study.license, code_version(), SCHEMA_VERSION)

    def work() -> None:
        with open_warehouse(job.context.layout.warehouse, job.study.workers, read_only=True) as con:
            for item in publish(con, job.context.layout.dataset, edition):
                summary.n_rows[item.dataset.name] = item.n_rows

    versions = (_analysis_digest(), repr(edition))
    _do(
        job,
        summary,
        Stage.PUBLISH,
        analysed.digest,
        versions,
        job.context.layout.dataset / "datapackage.json",
        work,
    )


def report(job: Job, summary: StageSummary) -> None:
    """Write report.html and the pages of its findings."""
    analysed = job.manifest.require(Stage.ANALYSE, after=Stage.LOAD)

    def work() -> None:
        with open_warehouse(job.context.layout.warehouse, job.study.workers, read_only=True) as con:
            write_report(con, job.context.layout.report, title=job.study.title)

    versions = (_analysis_digest(), job.study.title)
    layout = job.context.layout
    # A page that is missing is as good a reason to write both as a missing front page.
    product = layout.report if layout.report_pages.is_dir() else layout.report_pages
    _do(job, summary, Stage.REPORT, analysed.digest, versions, product, work)


def _do(
    job: Job,
    summary: StageSummary,
    stage: Stage,
    after: str,
    versions: tuple[str, ...],
    product: Path,
    work: Callable[[], None],
) -> None:
    """Do a stage's work unless the manifest says that it stands, built on the same things."""
    entry = StageEntry(stage, after, n_tasks=1, versions=versions)
    summary.n_tasks = 1
    standing = job.manifest.stages.get(stage)
    if standing and standing.digest == entry.digest and product.exists():
        return
    _set_manifest(job, _without(job.manifest, stage))
    log(f"{stage}: working")
    work()
    summary.n_tasks_run = 1
    summary.peak_memory_mib = peak_memory_mib()
    _set_manifest(job, job.manifest.with_entry(entry))


def _without(manifest: Manifest, stage: Stage) -> Manifest:
    """The manifest without a stage and what is built on it."""
    stale = {stage} if stage is Stage.PUBLISH else set(FINISHING[FINISHING.index(stage) :])
    return Manifest({name: entry for name, entry in manifest.stages.items() if name not in stale})


def _set_manifest(job: Job, manifest: Manifest) -> None:
    job.manifest = manifest
    write_manifest(job.context.layout, manifest)


def _analysis_digest() -> str:
    """Digest of the models and of what publishes them: a change of either makes the stages run again."""
    folder = Path(analysis.__file__).parent
    kinds = (".py", ".sql", ".j2", ".js", ".json", ".toml", ".csv")
    sources = sorted(path for path in folder.rglob("*") if path.suffix in kinds)
    return digest_of([(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sources])
